//! Waivers are about rules and places that there are (LW0434, LW0435), and about rules that can be waived (LW0436).
//!
//! Whether one has expired, or covers nothing, shows only where rules are run: `cli` says it.

use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::Lake;
use crate::lake::waivers::Waiver;
use crate::names::Arn;
use crate::rules;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for waiver in &lake.waivers {
        rule(waiver, found);
        place(lake, waiver, found);
    }
}

fn rule(waiver: &Waiver, found: &mut Diagnostics) {
    let code = waiver.rule.value.as_str();
    let Some(known) = rules::rule(code) else {
        let headline = format!("there is no rule `{code}`");
        let told = Diagnostic::error(diagnostic::LW0434, waiver.rule.span, headline)
            .at(format!("{}.rule", waiver.path()))
            .help("`lakewright access rules --list` has them all");
        let codes = rules::RULES.iter().map(|rule| rule.code.as_str());
        return found.push(match nearest(code, codes) {
            Some(near) => told.maybe(waiver.rule.span, near),
            None => told,
        });
    };
    if !known.waivable {
        let headline = format!("{code} cannot be waived: {}", known.title);
        found.push(
            Diagnostic::error(diagnostic::LW0436, waiver.rule.span, headline)
                .at(format!("{}.rule", waiver.path()))
                .note(known.why)
                .help("mend what it finds, and take the waiver out"),
        );
    }
}

/// Sections whose things a waiver can name.
const SECTIONS: [&str; 9] = [
    "access",
    "alarms",
    "buckets",
    "databases",
    "environments",
    "keys",
    "notify",
    "pipelines",
    "sources",
];

/// What is the lake's as a whole, as the paths of resources name it.
const WHOLE: [&str; 3] = ["lake", "lake_formation", "notify"];

fn place(lake: &Lake, waiver: &Waiver, found: &mut Diagnostics) {
    let on = waiver.on.value.as_str();
    let is_path = on.split('.').next().is_some_and(|head| SECTIONS.contains(&head));
    if is_path && on.contains('.') {
        if lake.place_of(on).is_some() || on.starts_with("environments.") {
            return;
        }
    } else if on.starts_with("arn:") {
        if Arn::new(on).is_ok() {
            return;
        }
    } else if WHOLE.contains(&on) || Principal::parse(on).is_ok() {
        return;
    }
    let headline = format!("a waiver for `{on}`, which is not in the spec");
    let told = Diagnostic::error(diagnostic::LW0435, waiver.on.span, headline)
        .label("no path of a thing, and no principal")
        .at(format!("{}.on", waiver.path()));
    let known = paths(lake);
    found.push(match nearest(on, known.iter().map(String::as_str)) {
        Some(near) => {
            let near = near.to_owned();
            told.help(format!("did you mean `{near}`?")).maybe(waiver.on.span, near)
        }
        None => told.help(
            "name it as the spec does: `buckets.raw`, `access.analysts`, `role/Analyst`, or an ARN",
        ),
    });
}

fn paths(lake: &Lake) -> Vec<String> {
    let mut all = Vec::new();
    let mut take = |section: &str, names: Vec<String>| {
        all.extend(names.into_iter().map(|name| format!("{section}.{name}")));
    };
    take("access", lake.access.keys().map(ToString::to_string).collect());
    take("alarms", lake.alarms.keys().map(ToString::to_string).collect());
    take("buckets", lake.buckets.keys().map(ToString::to_string).collect());
    take("databases", lake.databases.keys().map(ToString::to_string).collect());
    take("keys", lake.keys.keys().map(ToString::to_string).collect());
    take("notify", lake.notify.keys().map(ToString::to_string).collect());
    take("pipelines", lake.pipelines.keys().map(ToString::to_string).collect());
    take("sources", lake.sources.keys().map(ToString::to_string).collect());
    all
}
