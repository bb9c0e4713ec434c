//! One statement of a policy document: its elements, and the placeholders of its strings.
//!
//! In goes the JSON of a statement with the header of its document, out comes a [`Template`], or the place of what is
//! no statement.
//! Invariant: an Allow names its actions one by one, and a string holds nothing of the template language but the
//! names of declared parameters.

use super::super::document::{
    Document, FIRST_MARK, FillError, LAST_MARK, Layer, Pattern, PrincipalTemplate, Template,
};
use super::super::kind::Kind;
use super::super::statement::Effect;
use super::{Reader, is_name};
use crate::document::Value;

/// The elements that a statement of a document may have; the negated ones reach further than they look.
const ELEMENTS: &[&str] = &["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];

impl Reader<'_> {
    pub(super) fn statement(
        &self,
        value: &Value,
        document: &Document,
        place: &str,
    ) -> Result<Template, FillError> {
        let statement = self.map(value, place)?;
        self.known(statement, ELEMENTS, place)?;
        let sid = self.text(statement, "Sid", place)?;
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return self.refuse(format!("{place}.Sid"), "only letters and digits");
        }
        let half = document.layer.is_part();
        if document.layer == Layer::Condition {
            self.known(statement, &["Sid", "Condition"], place)?;
        } else if half {
            self.known(statement, &["Sid", "Principal", "Condition"], place)?;
        } else {
            let own = self.effect(self.text(statement, "Effect", place)?, place)?;
            if own != document.effect {
                return self.refuse(format!("{place}.Effect"), "it differs from the header's");
            }
        }
        let principal = match statement.get("Principal") {
            None => None,
            Some(value) => Some(self.principal(value, document, &format!("{place}.Principal"))?),
        };
        let without = matches!(document.layer, Layer::Identity | Layer::Condition);
        if principal.is_none() != without {
            return self.refuse(
                format!("{place}.Principal"),
                "identity policies have none, all others have one",
            );
        }
        let mut actions = match statement.get("Action") {
            None => Vec::new(),
            Some(value) => self.literals(value, &format!("{place}.Action"))?,
        };
        if let Some(strange) = actions.iter().find(|action| !is_action(action)) {
            return self.refuse(
                format!("{place}.Action"),
                format!("`{strange}` is not the name of an action"),
            );
        }
        actions.sort();
        if actions.is_empty() != half {
            return self.refuse(format!("{place}.Action"), "at least one action is wanted");
        }
        if let Some(wild) =
            actions.iter().find(|a| document.effect == Effect::Allow && a.contains(['*', '?']))
        {
            return self.refuse(
                format!("{place}.Action"),
                format!("`{wild}`: an Allow spells its actions out"),
            );
        }
        let resources = match statement.get("Resource") {
            None => Vec::new(),
            Some(value) => self.patterns(value, document, &format!("{place}.Resource"))?,
        };
        if resources.is_empty() != (half || document.layer == Layer::Trust) {
            return self.refuse(
                format!("{place}.Resource"),
                "trust policies have none, all others have one",
            );
        }
        let mut condition = Vec::new();
        if let Some(value) = statement.get("Condition") {
            for (operator, keys) in self.map(value, &format!("{place}.Condition"))?.iter() {
                if !operator.bytes().all(|b| b.is_ascii_alphabetic() || b == b':') {
                    return self.refuse(
                        format!("{place}.Condition"),
                        format!("`{operator}` is not an operator"),
                    );
                }
                for (key, values) in
                    self.map(keys, &format!("{place}.Condition.{operator}"))?.iter()
                {
                    let place = format!("{place}.Condition.{operator}.{key}");
                    let key = self.key(key, document, &place)?;
                    let patterns = self.patterns(values, document, &place)?;
                    if !takes_escapes(operator) {
                        self.plain(&patterns, document, &place)?;
                    }
                    condition.push((operator.to_owned(), key, patterns));
                }
            }
        }
        Ok(Template { sid: sid.to_owned(), principal, actions, resources, condition })
    }

    /// A condition key; a tag's key or the name of a provider may be filled in, which hold no sign that means
    /// something.
    fn key(&self, key: &str, document: &Document, place: &str) -> Result<Pattern, FillError> {
        let not_a_key = || format!("`{key}` is not a condition key");
        let pattern = self.pattern(key, place).or_else(|_| self.refuse(place, not_a_key()))?;
        let mut bare = key.to_owned();
        for name in &pattern.names {
            let parameter = document.parameters.get(name);
            let fits = parameter
                .is_some_and(|it| matches!(it.kind, Kind::TagKey | Kind::OidcProvider) && !it.list);
            if !fits {
                let why = "only a tag's key or a provider's name is filled in";
                return self.refuse(place, format!("{}: {why}", not_a_key()));
            }
            bare = bare.replace(&format!("{{{{ {name} }}}}"), "x");
        }
        if !is_key(&bare) {
            return self.refuse(place, not_a_key());
        }
        Ok(pattern)
    }

    fn principal(
        &self,
        value: &Value,
        document: &Document,
        place: &str,
    ) -> Result<PrincipalTemplate, FillError> {
        if let Some(text) = value.as_str() {
            if text == "*" {
                return Ok(PrincipalTemplate::Anyone);
            }
            let pattern = self.pattern(text, place)?;
            let grantee = pattern.whole
                && document
                    .parameters
                    .get(&pattern.names[0])
                    .is_some_and(|p| p.kind == Kind::Grantee);
            if !grantee {
                return self.refuse(place, "`*`, a grantee or an object is wanted");
            }
            return Ok(PrincipalTemplate::Grantee(pattern.names[0].clone()));
        }
        let mut of = Vec::new();
        for (kind, values) in self.map(value, place)?.iter() {
            if !["AWS", "Service", "Federated"].contains(&kind) {
                return self.refuse(place, format!("`{kind}` is not a kind of principal"));
            }
            let patterns = self.patterns(values, document, &format!("{place}.{kind}"))?;
            self.plain(&patterns, document, place)?;
            of.push((kind.to_owned(), patterns));
        }
        Ok(PrincipalTemplate::Of(of))
    }

    /// Principals and conditions other than on strings and ARNs know no policy variables, so no escapes either.
    fn plain(
        &self,
        patterns: &[Pattern],
        document: &Document,
        place: &str,
    ) -> Result<(), FillError> {
        let free = patterns
            .iter()
            .flat_map(|p| &p.names)
            .find(|name| document.parameters.get(*name).is_some_and(|p| p.kind.is_free_text()));
        match free {
            Some(name) => {
                self.refuse(place, format!("`{name}` is free text and can't be escaped here"))
            }
            None => Ok(()),
        }
    }

    fn patterns(
        &self,
        value: &Value,
        document: &Document,
        place: &str,
    ) -> Result<Vec<Pattern>, FillError> {
        let mut patterns = Vec::new();
        for text in self.literals(value, place)? {
            let pattern = self.pattern(&text, place)?;
            let mut lists = 0;
            for name in &pattern.names {
                let Some(parameter) = document.parameters.get(name) else {
                    return self.refuse(place, format!("`{name}` is not declared in `parameters`"));
                };
                if parameter.kind == Kind::Grantee {
                    return self.refuse(
                        place,
                        format!("`{name}` is a grantee: it takes the place of a whole Principal"),
                    );
                }
                lists += usize::from(parameter.list);
            }
            if lists > 1 {
                return self.refuse(place, "a string mentions at most one list");
            }
            patterns.push(pattern);
        }
        Ok(patterns)
    }

    /// Finds the placeholders of a string; whatever else minijinja knows is refused.
    fn pattern(&self, source: &str, place: &str) -> Result<Pattern, FillError> {
        if source.contains("{%")
            || source.contains("{#")
            || source.contains(|c| (FIRST_MARK..=LAST_MARK).contains(&c))
        {
            return self.refuse(place, "only placeholders like `{{ name }}` may stand in a string");
        }
        let mut names: Vec<String> = Vec::new();
        let mut rest = source;
        let mut outside = 0;
        let mut count = 0;
        while let Some(open) = rest.find("{{") {
            outside += open;
            let Some(close) = rest[open..].find("}}") else {
                return self.refuse(place, "a placeholder does not end");
            };
            let name = rest[open + 2..open + close].trim();
            if !is_name(name) {
                return self.refuse(
                    place,
                    format!("`{name}`: only the name of a parameter may stand in a placeholder"),
                );
            }
            if !names.iter().any(|own| own == name) {
                names.push(name.to_owned());
            }
            count += 1;
            rest = &rest[open + close + 2..];
        }
        outside += rest.len();
        Ok(Pattern { source: source.to_owned(), whole: count == 1 && outside == 0, names })
    }
}

/// Escapes are policy variables, and those work in comparisons of strings and of ARNs:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-conditionelement>.
fn takes_escapes(operator: &str) -> bool {
    let bare = operator.rsplit(':').next().unwrap_or(operator);
    bare.starts_with("String") || bare.starts_with("Arn")
}

/// `s3:GetObject`; in a Deny `s3:*` or `*` too. No braces: actions are not filled in.
fn is_action(text: &str) -> bool {
    let word = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    text == "*"
        || text
            .split_once(':')
            .is_some_and(|(service, name)| word(service, b"-") && word(name, b"*?"))
}

/// `aws:PrincipalTag/team`: a service and a name, in which nothing is filled in either.
fn is_key(text: &str) -> bool {
    text.contains(':')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:+=@".contains(&b))
}
