//! Which line of the spec a path stands on.
//!
//! The map from a resource to its spec path is a function of the lake; lines exist only in the run
//! that read the file. [`Origins`] is made from the merged tree, so that a value from an
//! environment's `set` or from `defaults` points there.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::source::Span;
use crate::syntax::{Kind, Node};

/// Places by spec path: of every key, and of every item of a list (`buckets.raw.retention[0]`).
///
/// A lake of ten thousand resources has a hundred thousand paths, so what is kept of a path is its
/// hash: two among a million collide once in ten million lakes, and then a cause has a wrong line.
#[derive(Debug, Clone, Default)]
pub struct Origins(HashMap<u64, Span>);

impl Origins {
    /// Notes the place of everything in a tree.
    pub fn of(tree: &Node) -> Self {
        let mut origins = Origins::default();
        origins.walk(tree, &mut String::new());
        origins
    }

    fn walk(&mut self, node: &Node, path: &mut String) {
        let length = path.len();
        match &node.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&entry.key);
                    self.0.insert(hash(path), entry.key_span);
                    self.walk(&entry.value, path);
                    path.truncate(length);
                }
            }
            Kind::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{at}]"));
                    self.0.insert(hash(path), item.span);
                    self.walk(item, path);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// Whether the path is in the file, as a whole.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(&hash(path))
    }

    /// The place of the longest part of the path that is in the file.
    pub fn find(&self, path: &str) -> Option<Span> {
        let mut path = path;
        loop {
            if let Some(span) = self.0.get(&hash(path)) {
                return Some(*span);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// The same in every run: `DefaultHasher::new` has fixed keys.
fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
