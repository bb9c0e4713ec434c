//! Environments do not get in each other's way (LW0504).
//!
//! Every environment's names hold its own name, so they differ, but for those that the user chose
//! (`name: corp-raw`) and those that meet by chance (bucket `b-c` in `a`, bucket `c` in `a-b`). Names
//! of buckets are shared by all of AWS; the others by an account, most of them by a region too.

use std::collections::BTreeMap;

use super::names::{Kind, taken};
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::source::Span;

pub(super) fn check(lakes: &[Lake], found: &mut Diagnostics) {
    type Seen = BTreeMap<(Kind, String, String), (usize, Span)>;
    let mut seen: Seen = BTreeMap::new();
    for (at, lake) in lakes.iter().enumerate() {
        let existing = |path: &str| {
            let mut words = path.split('.');
            match (words.next(), words.next()) {
                (Some("buckets"), Some(name)) => {
                    lake.buckets.get(name).is_some_and(|bucket| bucket.existing)
                }
                (Some("databases"), Some(name)) => {
                    lake.databases.get(name).is_some_and(|database| database.existing)
                }
                _ => false,
            }
        };
        for taken in taken(lake).into_iter().filter(|taken| !existing(&taken.path)) {
            let home = match taken.kind {
                Kind::Bucket => lake.home.partition.to_owned(),
                Kind::Role => lake.home.account.to_string(),
                Kind::Database | Kind::Stream | Kind::Job | Kind::Workgroup | Kind::LfTag => {
                    format!("{}/{}", lake.home.account, lake.home.region)
                }
            };
            let key = (taken.kind, home, taken.name.clone());
            match seen.get(&key) {
                Some((other, first)) if *other != at => {
                    let headline = format!(
                        "`{}` and `{}` would both have a {} called `{}`",
                        lakes[*other].home.environment,
                        lake.home.environment,
                        taken.kind.noun(),
                        taken.name
                    );
                    let mut diagnostic =
                        Diagnostic::error(diagnostic::LW0504, taken.span, headline)
                            .at(&*taken.path)
                            .help(match taken.kind {
                                Kind::LfTag => "an account has one set of LF-tags: give one of the environments a `suffix` in its `set`, which ends the key too, or another account",
                                _ => "leave `name` out, so that the environment becomes part of the name, or give each environment another one in its `set`",
                            });
                    if *first != taken.span {
                        diagnostic = diagnostic.also(*first, "the other one");
                    }
                    found.push(diagnostic);
                }
                Some(_) => {}
                None => {
                    seen.insert(key, (at, taken.span));
                }
            }
        }
    }
}
