//! Resources by path, which can change while they are served.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::Method;

use crate::behaviour::Counts;
use crate::resource::Resource;

/// Resources by path. Clones share their content, so several mirrors can serve one table.
///
/// A place is a path, or a URL of which only the path counts; queries are ignored.
#[derive(Debug, Clone, Default)]
pub struct Table(Arc<RwLock<HashMap<Box<str>, Arc<Entry>>>>);

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a resource. Its requests are counted from zero.
    pub fn put(&self, place: &str, resource: Resource) {
        let entry = Arc::new(Entry { resource, any: 0.into(), head: 0.into(), get: 0.into() });
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(path_of(place).into(), entry);
    }

    /// Removes a resource. Returns whether there was one.
    pub fn remove(&self, place: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(path_of(place)).is_some()
    }

    /// Removes all resources.
    pub fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The resource at a place.
    pub fn get(&self, place: &str) -> Option<Resource> {
        self.entry(path_of(place)).map(|entry| entry.resource.clone())
    }

    /// All paths, unordered.
    pub fn paths(&self) -> Vec<String> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.keys().map(ToString::to_string).collect()
    }

    pub(crate) fn entry(&self, path: &str) -> Option<Arc<Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

/// A resource and the numbers of its requests.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) resource: Resource,
    any: AtomicUsize,
    head: AtomicUsize,
    get: AtomicUsize,
}

impl Entry {
    /// Counts a request, and returns the numbers of earlier ones.
    pub(crate) fn count(&self, method: &Method) -> Counts {
        let mut counts = Counts { any: self.any.fetch_add(1, Ordering::Relaxed), ..Counts::default() };
        if method == Method::HEAD {
            counts.head = self.head.fetch_add(1, Ordering::Relaxed);
        } else if method == Method::GET {
            counts.get = self.get.fetch_add(1, Ordering::Relaxed);
        }
        counts
    }
}

/// The path of a place, without query.
pub(crate) fn path_of(place: &str) -> &str {
    let path = match place.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => place,
    };
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_the_path_of_a_url() {
        for (place, path) in [
            ("/a/b", "/a/b"),
            ("https://h/a/b", "/a/b"),
            ("http://h:1", "/"),
            ("/a?b", "/a"),
            ("https://h/a?b=/c", "/a"),
        ] {
            assert_eq!(path_of(place), path, "{place}");
        }
    }
}
