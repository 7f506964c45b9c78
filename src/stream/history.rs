//! What branches ever had: every commit that was once the newest of one, read as a checkout of it would be.
//!
//! Each release was cut from such a commit, most of them from one that is not the tip any more.

use std::collections::HashSet;

use super::checkout::{CommitFiles, DATA, is_looked_at, list_commit};
use super::git::{CommitId, GitError, MaybeDirectory, Repository, TreeEntry};
use super::limits::MAX_TREE;

/// How many commits are asked about at once: their trees are in memory together.
const TOGETHER: usize = 64;

/// A commit of a branch whose documents may be others than those of the commit before.
#[derive(Debug, Clone)]
pub struct Past {
    /// Which of the tips its branch is: the first of those that have it.
    pub tip: usize,
    pub commit: CommitId,
    /// When it, or the latest one before it, was committed, in seconds since 1970.
    pub time: u64,
}

/// Visits the history of these tips, the oldest commit of each first, and gives the commits where it is cut off, as
/// in a shallow clone. With `since`, it begins with the commit that was the newest at that time.
pub fn walk_history(
    repository: &Repository,
    tips: &[CommitId],
    since: Option<u64>,
    mut visit: impl FnMut(&Past, CommitFiles),
) -> Result<Vec<Past>, GitError> {
    let parents = repository.first_parents(tips)?;
    let (mut visited, mut known, mut cut_off) = (HashSet::new(), HashSet::new(), Vec::new());
    for (tip, newest) in tips.iter().enumerate() {
        let mut chain: Vec<Past> = Vec::new();
        let mut next = Some(newest);
        while let Some((id, commit)) = next.and_then(|id| parents.get_key_value(id))
            && visited.insert(id)
        {
            chain.push(Past { tip, commit: id.clone(), time: commit.time });
            let is_before = since.is_some_and(|since| commit.time < since);
            next = commit.first_parent.as_ref().filter(|_| !is_before);
            let goes_on = next.is_some_and(|parent| parents.contains_key(parent));
            if !goes_on && !is_before && repository.parentage(id)?.first_parent.is_some() {
                cut_off.push(Past { tip, commit: id.clone(), time: commit.time });
            }
        }
        chain.reverse();
        // No commit was made before the one that it follows, whatever clocks said.
        let mut latest = 0;
        for past in &mut chain {
            latest = past.time.max(latest);
            past.time = latest;
        }
        for together in chain.chunks(TOGETHER) {
            for (past, state) in together.iter().zip(states(repository, together)?) {
                let is_known = state.as_ref().is_some_and(|state| known.contains(state));
                if is_known {
                    continue;
                }
                let files = list_commit(repository, &past.commit);
                known.extend(state.filter(|_| !files.has_links));
                visit(past, files);
            }
        }
    }
    Ok(cut_off)
}

/// What tells the documents of each commit from those of others: the IDs of all that may be one, or hold some. None
/// where that is not enough, as where a link leads elsewhere.
fn states(repository: &Repository, commits: &[Past]) -> Result<Vec<Option<State>>, GitError> {
    let ids: Vec<CommitId> = commits.iter().map(|past| past.commit.clone()).collect();
    let data = repository.trees(&ids, DATA, MAX_TREE)?;
    let lacks = ids.iter().zip(&data).filter(|(_, tree)| **tree == MaybeDirectory::Missing);
    let lacks: Vec<CommitId> = lacks.map(|(id, _)| id.clone()).collect();
    let mut roots = repository.trees(&lacks, "", MAX_TREE)?.into_iter();
    let states = data.into_iter().map(|tree| match tree {
        MaybeDirectory::Entries(entries) => state(true, entries),
        MaybeDirectory::Missing => match roots.next() {
            Some(MaybeDirectory::Entries(entries)) => state(false, entries),
            _ => None,
        },
        MaybeDirectory::Other => None,
    });
    Ok(states.collect())
}

/// Whether it is of `data/data`, and the entries that may be documents or hold some.
type State = (bool, Vec<(Vec<u8>, String)>);

fn state(is_data: bool, tree: Vec<TreeEntry>) -> Option<State> {
    let mut entries = Vec::new();
    for TreeEntry { mode, name, id } in tree {
        if is_looked_at(is_data, &name) {
            (mode != "120000").then_some(())?;
            entries.push((name.into_encoded_bytes(), id));
        }
    }
    Some((is_data, entries))
}
