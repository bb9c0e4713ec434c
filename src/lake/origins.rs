//! Which line of the spec a path stands on.
//!
//! The map from a resource to its spec path is a function of the lake; lines exist only in the run
//! that read the file. [`Origins`] is made from the merged tree, so that a value from an
//! environment's `set` or from `defaults` points there.

use std::collections::HashMap;

use crate::source::Span;
use crate::syntax::{Kind, Node};

/// Places by spec path.
#[derive(Debug, Clone, Default)]
pub struct Origins(HashMap<String, Span>);

impl Origins {
    /// Notes the place of every key down to `depth` levels of maps (lists count none).
    pub fn of(tree: &Node, depth: usize) -> Self {
        let mut origins = Origins::default();
        origins.walk(tree, &mut String::new(), depth);
        origins
    }

    fn walk(&mut self, node: &Node, path: &mut String, depth: usize) {
        let Kind::Map(entries) = &node.kind else { return };
        if depth == 0 {
            return;
        }
        for entry in entries {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&entry.key);
            self.0.insert(path.clone(), entry.key_span);
            self.walk(&entry.value, path, depth - 1);
            path.truncate(length);
        }
    }

    /// Every path that is in the file.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The place of the longest part of the path that is in the file.
    pub fn find(&self, path: &str) -> Option<Span> {
        let mut path = path;
        loop {
            if let Some(span) = self.0.get(path) {
                return Some(*span);
            }
            path = path.rsplit_once(['.', '['])?.0;
        }
    }
}
