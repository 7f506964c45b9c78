//! The history of branches: every commit that was once the tip of a branch.
//!
//! Each release was made from such a commit, and most of these are no longer the tip.

use std::collections::HashSet;

use super::checkout::{CommitFiles, list_commit};
use super::git::{CommitId, GitError, Repository};

/// Pathspecs of everything that [`list_commit`] examines, except for targets of links. All begin at the root of the
/// repository: git would begin at the directory that it runs in.
const LOOKED_AT: [&str; 4] = [
    ":(top)data/data/coreos",
    ":(top,glob,icase)data/data/*.json",
    ":(top,glob,icase)*.json",
    ":(top,glob,icase)*.y*ml",
];

/// A commit of a branch.
#[derive(Debug, Clone)]
pub struct Past {
    /// The index of the first tip whose history contains it.
    pub tip: usize,
    pub commit: CommitId,
    /// The time of the commit or the latest time of a commit before it, in seconds since 1970.
    pub time: u64,
}

/// Visits the commits in the history of each tip that can change documents, oldest first, and returns the commits
/// where the history is cut off, as in a shallow clone. With `since`, it begins with the tip at that time.
pub fn walk_history(
    repository: &Repository,
    tips: &[CommitId],
    since: Option<u64>,
    mut visit: impl FnMut(&Past, CommitFiles),
) -> Result<Vec<Past>, GitError> {
    let parents = repository.first_parents(tips)?;
    // If these can be links, or a partial clone lacks objects needed for this, every commit is visited.
    let is_directory = |path: &&str| {
        let itself = [&*format!(":(top){path}"), &*format!(":(top,exclude,glob){path}/**")];
        repository.commits_that_change(tips, &itself).is_ok_and(|commits| commits.is_empty())
    };
    let are_directories = ["data", "data/data"].iter().all(is_directory);
    let changed = repository.commits_that_change(tips, &LOOKED_AT).ok().filter(|_| are_directories);
    let (mut visited, mut cut_off) = (HashSet::new(), Vec::new());
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
        // A commit is not older than its parent, even if clocks were wrong.
        let mut latest = 0;
        for past in &mut chain {
            latest = past.time.max(latest);
            past.time = latest;
        }
        // The first commit is always visited, and so is the one after a commit with links: a target can change.
        let mut has_links = true;
        for past in &chain {
            if has_links || changed.as_ref().is_none_or(|changed| changed.contains(&past.commit)) {
                let files = list_commit(repository, &past.commit);
                has_links = files.has_links;
                visit(past, files);
            }
        }
    }
    Ok(cut_off)
}
