//! Rules across the whole lake: what each part says may be right, and together it is not.
//!
//! In: a [`Lake`]. Out: diagnostics, from the rules in a fixed order, each in a file of its own with
//! the page of its code in `docs/codes/`. Pure: a rule looks at the lake and the catalogue and nothing
//! else. INVARIANT: every rule is linear in the size of the lake, or nearly so, and holds for a lake
//! with parts missing (what could not be read was reported before). [`spec`] runs the whole front
//! end, from the tree of a file to everything that is wrong with it.

mod across;
mod bypass;
mod conditions;
mod cycles;
mod formation;
mod guards;
mod keys;
mod lifecycle;
mod lock;
mod names;
mod overlap;
mod principals;
mod projection;
mod quotas;
mod regions;
mod replication;
mod roles;
mod rows;
mod strangers;
mod tables;
mod waivers;
mod watching;
mod workgroups;

use crate::diagnostic::Diagnostics;
use crate::lake::Lake;
use crate::resolve;
use crate::syntax::{self, Node};

/// Everything that is wrong with a lake as a whole.
pub fn all(lake: &Lake) -> Diagnostics {
    let rules: [fn(&Lake, &mut Diagnostics); 22] = [
        names::check,
        regions::check,
        lifecycle::check,
        lock::check,
        replication::check,
        tables::check,
        projection::check,
        overlap::check,
        cycles::check,
        principals::check,
        strangers::check,
        roles::check,
        conditions::check,
        guards::check,
        formation::check,
        rows::check,
        workgroups::check,
        bypass::check,
        keys::check,
        waivers::check,
        watching::check,
        quotas::check,
    ];
    let mut found = Diagnostics::default();
    for rule in rules {
        rule(lake, &mut found);
    }
    found
}

/// Names that two environments of one spec would both take.
pub fn across(lakes: &[Lake]) -> Diagnostics {
    let mut found = Diagnostics::default();
    across::check(lakes, &mut found);
    found
}

/// Everything that is wrong with a spec in the environment that was asked for, or in all of them:
/// its form, its names, its rules, and names that two environments would both take.
pub fn spec(tree: &Node, asked: Option<&str>) -> Diagnostics {
    let chosen: Vec<String> = match asked {
        Some(_) => match resolve::choose(tree, asked) {
            Ok(name) => vec![name.to_owned()],
            Err(refused) => {
                let mut found = spec(tree, None);
                found.push(*refused);
                return found;
            }
        },
        None => resolve::environments(tree).into_iter().map(str::to_owned).collect(),
    };
    if chosen.is_empty() {
        let mut found = resolve::resolve(tree, "").diagnostics;
        // Of what is no map at all, that is enough to say.
        if let Err(refused) = resolve::choose(tree, None)
            && tree.entries().is_some()
            && !found.has_errors_at("environments")
        {
            found.push(*refused);
        }
        found.sort();
        return found;
    }
    let mut each = Vec::with_capacity(chosen.len());
    let mut lakes = Vec::with_capacity(chosen.len());
    for name in chosen {
        let resolved = resolve::resolve(tree, &name);
        let mut found = resolved.diagnostics;
        if let Some(lake) = resolved.lake {
            found.extend(all(&lake));
            lakes.push(lake);
        }
        each.push((name, found));
    }
    let mut found = resolve::combine(each);
    found.extend(across(&lakes));
    syntax::point_at_aliases(tree, &mut found);
    found.sort();
    found
}

/// A headline that names things of the user's: at most 120 characters of it.
fn headline_of(text: String) -> String {
    match text.char_indices().nth(119) {
        Some((at, _)) if text.chars().count() > 120 => format!("{}…", &text[..at]),
        _ => text,
    }
}
