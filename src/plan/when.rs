//! Under which conditions a grant holds, in a few words: `from VPC endpoint vpce-0a only`.
//!
//! In: the statements that give it. Out: [`When`]. A grant holds always if one of its statements does. INVARIANT: this
//! is a summary, as `grants` is: of a statement's conditions those are told that `when` of an entry of `access` can ask
//! for, wherever they were written; whom a statement means, and through which service, is no condition of a grant.

use std::collections::BTreeSet;

use crate::canonical::listed;
use crate::document::{Map, Value};

/// The sets of conditions of which any is enough; an empty set: always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct When(BTreeSet<Vec<String>>);

/// How the keys of conditions begin that are told, with the words before their values. What comes first is told first.
const TOLD: [(&str, &str); 7] = [
    ("aws:SourceVpce", "from VPC endpoint"),
    ("aws:SourceVpc", "from VPC"),
    ("aws:VpcSourceIp", "from inside of a VPC at"),
    ("aws:SourceIp", "from"),
    ("s3:ExistingObjectTag/", "of objects tagged"),
    ("aws:PrincipalTag/", "by whoever is tagged"),
    ("aws:MultiFactorAuthPresent", "with a second factor"),
];

/// Operators that a key has to be there for. With others a condition says less than its values do.
const OPERATORS: [&str; 5] =
    ["StringEquals", "StringLike", "IpAddress", "Bool", "ForAnyValue:StringEquals"];

impl When {
    /// Always.
    pub fn always() -> When {
        When(BTreeSet::from([Vec::new()]))
    }

    /// When a statement counts.
    pub fn of(statement: &Value) -> When {
        let operators = statement.get("Condition").and_then(Value::as_map);
        let keys = operators
            .into_iter()
            .flat_map(Map::iter)
            .filter(|(operator, _)| OPERATORS.iter().any(|one| one.eq_ignore_ascii_case(operator)))
            .filter_map(|(_, keys)| keys.as_map())
            .flat_map(Map::iter);
        let mut found: Vec<(usize, String)> =
            keys.filter_map(|(key, values)| told(key, values)).collect();
        found.sort();
        When(BTreeSet::from([found.into_iter().map(|(_, words)| words).collect()]))
    }

    /// Another statement gives the same.
    pub fn or(&mut self, mut other: When) {
        self.0.append(&mut other.0);
    }

    /// In words; `None`: always.
    pub fn words(&self) -> Option<String> {
        if self.0.iter().any(Vec::is_empty) {
            return None;
        }
        // what asks for more than another set gives nothing
        let more = |set: &&Vec<String>| {
            self.0.iter().any(|other| other != *set && other.iter().all(|one| set.contains(one)))
        };
        let sets = self.0.iter().filter(|set| !more(set)).map(|set| set.join(" "));
        let sets: Vec<String> = sets.collect();
        (!sets.is_empty()).then(|| format!("{} only", sets.join(" or ")))
    }
}

/// A condition in words, and its place among others.
fn told(key: &str, values: &Value) -> Option<(usize, String)> {
    let texts: BTreeSet<String> = listed(values.clone())
        .iter()
        .map(|one| one.as_str().map_or_else(|| one.to_json(), str::to_owned))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (at, rest, words) = TOLD.iter().enumerate().find_map(|(at, (known, words))| {
        let head = key.get(..known.len())?;
        let rest = &key[known.len()..];
        let fits = head.eq_ignore_ascii_case(known) && rest.is_empty() != known.ends_with('/');
        fits.then_some((at, rest, *words))
    })?;
    let said = match rest {
        "" if key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent") => {
            texts.iter().all(|text| text.eq_ignore_ascii_case("true")).then(|| words.to_owned())?
        }
        "" => format!("{words} {}", texts.join(", ")),
        tag => format!("{words} {tag}={}", texts.join("|")),
    };
    Some((at, said))
}

#[cfg(test)]
mod tests {
    use super::When;
    use crate::document;

    #[test]
    fn sets_are_told_and_one_without_conditions_is_always() {
        let endpoint =
            document!({"Condition": {"StringEquals": {"aws:sourceVpce": ["vpce-2", "vpce-1"]}}});
        let factor = document!({"Condition": {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}
        }});
        let mut when = When::of(&endpoint);
        assert_eq!(when.words().as_deref(), Some("from VPC endpoint vpce-1, vpce-2 only"));
        when.or(When::of(&factor));
        assert_eq!(
            when.words().as_deref(),
            Some(
                "from 203.0.113.0/24 with a second factor or from VPC endpoint vpce-1, vpce-2 only"
            )
        );
        when.or(When::always());
        assert_eq!(when.words(), None);
    }

    #[test]
    fn what_lets_a_request_without_the_key_in_is_no_condition() {
        for statement in [
            document!({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}),
            document!({"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}}),
            document!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}),
            document!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
            document!({}),
        ] {
            assert_eq!(When::of(&statement).words(), None, "{}", statement.to_json());
        }
    }

    #[test]
    fn tags_are_told_with_their_values() {
        let tagged = document!({"Condition": {"StringEquals": {
            "aws:PrincipalTag/team": ["a", "b"], "s3:ExistingObjectTag/status": "released"
        }}});
        assert_eq!(
            When::of(&tagged).words().as_deref(),
            Some("of objects tagged status=released by whoever is tagged team=a|b only")
        );
    }
}
