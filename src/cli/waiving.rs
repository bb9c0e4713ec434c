//! Waivers between the spec and the rules: today's date, who belongs to the lake, and what is to be said of waivers.
//!
//! The clock is read here and handed in: nothing below `cli` has one.

use jiff::civil::Date;

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::rules::{Around, Judged, Waiver};

/// Today, in UTC: the same day for everybody who runs it.
pub fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// The waivers of a lake.
pub fn of(lake: &Lake) -> Vec<Waiver> {
    let waiver = |given: &crate::lake::Waiver| Waiver {
        rule: given.rule.value.clone(),
        on: given.on.value.clone(),
        reason: given.reason.clone(),
        until: given.until.value,
        path: given.path(),
    };
    lake.waivers.iter().map(waiver).collect()
}

/// The accounts that belong to a lake, or that it trusts by name.
pub fn around(lake: Option<&Lake>) -> Around {
    let Some(lake) = lake else { return Around::default() };
    let manages = lake.organization.iter().filter_map(|one| one.management_account.as_ref());
    let family = lake.family.iter().chain(manages.map(|at| &at.value));
    Around { family: family.map(ToString::to_string).collect() }
}

/// What is to be said of a lake's waivers: expired ones, and those that cover nothing.
pub fn told(lake: &Lake, judged: &Judged) -> Diagnostics {
    let mut found = expired(lake, today());
    for waiver in &judged.unused {
        let Some(given) = lake.waivers.iter().find(|given| given.path() == waiver.path) else {
            continue;
        };
        let headline = format!("the waiver of {} on `{}` covers nothing", waiver.rule, waiver.on);
        found.push(
            Diagnostic::warning(diagnostic::LW0438, given.on.span, headline)
                .at(waiver.path.clone())
                .help("take it out"),
        );
    }
    found
}

/// The waivers of a lake whose last day has passed.
pub fn expired(lake: &Lake, today: Date) -> Diagnostics {
    let mut found = Diagnostics::default();
    for given in lake.waivers.iter().filter(|given| given.until.value < today) {
        let (rule, on, until) = (&given.rule.value, &given.on.value, given.until.value);
        let headline = format!("the waiver of {rule} on `{on}` has expired");
        found.push(
            Diagnostic::warning(diagnostic::LW0437, given.until.span, headline)
                .label(format!("counted to {until}"))
                .at(format!("{}.until", given.path()))
                .note("it silences nothing: what it covered is found again")
                .help("mend what it covered, or extend it in a change of its own"),
        );
    }
    found
}
