//! Maps merge, lists and scalars replace, null removes, places stay.

use lakewright::syntax::{Kind, Node, merge_under, overlay};
use proptest::prelude::*;

use crate::trees::{bare, tree};

fn laid(base: &Node, over: &Node) -> Node {
    let mut result = base.clone();
    overlay(&mut result, over);
    result
}

/// All values with their paths.
fn values<'a>(node: &'a Node, path: String, all: &mut Vec<(String, &'a Node)>) {
    if let Kind::Map(entries) = &node.kind {
        for entry in entries {
            values(&entry.value, format!("{path}.{}", entry.key), all);
        }
    }
    all.push((path, node));
}

fn at<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').skip(1).try_fold(node, |node, key| node.get(key))
}

proptest! {
    #[test]
    fn laying_on_twice_changes_nothing(base in tree(), over in tree()) {
        let once = laid(&base, &over);
        prop_assert_eq!(bare(&laid(&once, &over)), bare(&once));
    }

    #[test]
    fn an_empty_map_on_a_map_changes_nothing(base in tree()) {
        prop_assume!(base.entries().is_some());
        let empty = Node { span: base.span, kind: Kind::Map(Vec::new()) };
        prop_assert_eq!(laid(&base, &empty), base);
    }

    #[test]
    fn what_is_laid_on_wins_and_the_rest_stays(base in tree(), over in tree()) {
        let result = laid(&base, &over);
        let mut wanted = Vec::new();
        values(&over, String::new(), &mut wanted);
        for (path, value) in wanted {
            match &value.kind {
                Kind::Null if path.is_empty() => prop_assert_eq!(&result, value),
                Kind::Null => prop_assert!(at(&result, &path).is_none(), "{} is still there", path),
                Kind::Map(_) => prop_assert!(at(&result, &path).is_some_and(|n| n.entries().is_some())),
                // Lists and scalars replace, with the place that they came from.
                _ => prop_assert_eq!(at(&result, &path), Some(value)),
            }
        }
        if let (Some(base), Some(over)) = (base.entries(), over.entries()) {
            for entry in base.iter().filter(|entry| !over.iter().any(|o| o.key == entry.key)) {
                prop_assert_eq!(result.get(&entry.key), Some(&entry.value));
            }
        }
    }

    #[test]
    fn defaults_never_change_what_is_said(own in tree(), defaults in tree()) {
        let mut result = own.clone();
        merge_under(&mut result, &defaults);
        let mut said = Vec::new();
        values(&own, String::new(), &mut said);
        for (path, value) in said.into_iter().filter(|(path, _)| !path.is_empty()) {
            let found = at(&result, &path);
            if value.entries().is_some() {
                prop_assert!(found.is_some_and(|node| node.span == value.span));
            } else {
                prop_assert_eq!(found, Some(value));
            }
        }
        if let (Some(_), Some(defaults)) = (own.entries(), defaults.entries()) {
            for entry in defaults.iter().filter(|entry| own.get(&entry.key).is_none()) {
                prop_assert_eq!(result.get(&entry.key), Some(&entry.value));
            }
        }
    }
}

#[test]
fn large_maps_are_laid_on_each_other_in_no_time() {
    let map = |prefix: &str, count: usize| {
        let text: String = (0..count).map(|at| format!("{prefix}{at}: {{ a: {at} }}\n")).collect();
        crate::trees::read(&text).0
    };
    let mut base = map("k", 50_000);
    let over = map("k", 50_000);
    let more = map("x", 50_000);
    let start = std::time::Instant::now();
    overlay(&mut base, &over);
    overlay(&mut base, &more);
    merge_under(&mut base, &more);
    assert_eq!(base.entries().map(<[_]>::len), Some(100_000));
    // Quadratic, this is billions of comparisons.
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
