//! What branches ever had: every commit that was once the newest of one, read as a checkout of it would be.
//!
//! Each release was cut from such a commit, most of them from one that is not the tip any more.

use std::collections::HashSet;

use super::checkout::{CommitFiles, list_commit};
use super::git::{CommitId, GitError, Repository};

/// What [`list_commit`] looks at, links apart, as pathspecs.
const LOOKED_AT: [&str; 4] =
    ["data/data/coreos", ":(glob,icase)data/data/*.json", ":(glob,icase)*.json", ":(glob,icase)*.y*ml"];

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
    // Where these may be links, or a partial clone lacks what this takes, every commit is visited.
    let is_directory = |path: &&str| {
        let itself = [path, &*format!(":(exclude,glob){path}/**")];
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
        // No commit was made before the one that it follows, whatever clocks said.
        let mut latest = 0;
        for past in &mut chain {
            latest = past.time.max(latest);
            past.time = latest;
        }
        // The first is always visited, and after a commit with links, what they lead to may be another thing.
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
