//! Whether a document says what it claims, judged by a catalogue of IAM actions.
//!
//! In go a document and a [`Catalogue`], out come findings; none means that every action exists under its canonical
//! name, works on a resource that its statement names, knows the condition keys that its statement tests, and stays
//! inside the document's `claims`.
//! Invariant: the judgement is made on the statements filled with the examples of the header, so that an example
//! that does not fit is found too.

use super::argument::Argument;
use super::document::{Document, FillError, Layer, Library};
use super::grant::Grantee;
use super::kind::Kind;
use super::statement::{Effect, Statement};
use crate::document::{Map, Value};

/// What is known of one action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionFacts {
    /// `List`, `Read`, `Write`, `Tagging` or `Permissions management`.
    pub level: String,
    /// Resource type and its ARN with `${Placeholders}`; none where only `*` works.
    pub resource_types: Vec<(String, String)>,
    /// Whether one of those types has to be named for the action to work.
    pub needs_resource: bool,
    /// The keys of the service that the action and its resource types know; `${...}` stands for any text.
    pub condition_keys: Vec<String>,
}

/// A catalogue of IAM actions.
pub trait Catalogue {
    /// The facts of an action under its canonical name, `service:Name`.
    fn action(&self, name: &str) -> Option<ActionFacts>;
    /// Whether a condition key is one of those that every service knows.
    fn is_global_key(&self, key: &str) -> bool;
}

/// Something in a document that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub document: String,
    /// The Sid, or the part of the header.
    pub place: String,
    pub message: String,
}

/// Arguments made of the examples in a document's header; a grantee is an account.
pub fn examples(document: &Document) -> Vec<(&str, Argument)> {
    document
        .parameters
        .iter()
        .map(|(name, parameter)| {
            let value = match parameter.kind {
                Kind::Grantee => Argument::Grantee(Grantee::Account {
                    partition: "aws".to_owned(),
                    account: "444455556666".to_owned(),
                    org_id: None,
                }),
                _ if parameter.list => parameter.example.clone().into(),
                _ => Argument::from(&parameter.example[0]),
            };
            (name.as_str(), value)
        })
        .collect()
}

/// Everything that the catalogue says against the document of that name.
pub fn check(
    library: &Library,
    name: &str,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Finding>, FillError> {
    let Some(document) = library.get(name).filter(|it| !it.layer.is_part()) else {
        return Ok(Vec::new());
    };
    let statements = library.fill(name, &examples(document))?;
    let mut checking = Checking { document, catalogue, findings: Vec::new(), types: Vec::new() };
    for statement in &statements {
        checking.statement(statement);
    }
    checking.claims();
    Ok(checking.findings)
}

struct Checking<'a> {
    document: &'a Document,
    catalogue: &'a dyn Catalogue,
    findings: Vec<Finding>,
    /// The resource types that statements name.
    types: Vec<String>,
}

impl Checking<'_> {
    fn report(&mut self, place: &str, message: String) {
        self.findings.push(Finding {
            document: self.document.name.clone(),
            place: place.to_owned(),
            message,
        });
    }

    fn statement(&mut self, statement: &Statement) {
        let sid = statement.sid.as_str();
        let resources: Vec<&str> = statement.resources.iter().filter_map(Value::as_str).collect();
        let mut untouched: Vec<&str> = resources.clone();
        for action in &statement.actions {
            if statement.effect == Effect::Deny && action.ends_with('*') {
                untouched.clear();
                continue;
            }
            let Some(facts) = self.catalogue.action(action) else {
                self.report(sid, format!("`{action}` is not an action under this spelling"));
                continue;
            };
            let (service, _) = action.split_once(':').unwrap_or((action, ""));
            let claims = &self.document.claims;
            if !claims.services.iter().any(|own| own == service) {
                self.report(sid, format!("`{action}` is outside the claimed services"));
            }
            if !self.document.claims.levels.contains(&facts.level) {
                self.report(sid, format!("`{action}` is `{}`, which is not claimed", facts.level));
            }
            self.resources(statement, action, &facts, &resources, &mut untouched);
            self.keys(sid, action, &facts, &statement.condition);
        }
        for resource in untouched {
            self.report(sid, format!("no action of the statement works on `{resource}`"));
        }
    }

    fn resources(
        &mut self,
        statement: &Statement,
        action: &str,
        facts: &ActionFacts,
        resources: &[&str],
        untouched: &mut Vec<&str>,
    ) {
        let sid = statement.sid.as_str();
        let document = self.document;
        match document.layer {
            Layer::Trust | Layer::Grantee | Layer::Condition => {
                self.types.extend(facts.resource_types.iter().map(|(name, _)| name.clone()));
                return;
            }
            // `*` is this key, and nothing else can be named
            Layer::Key => {
                self.types.extend(facts.resource_types.iter().map(|(name, _)| name.clone()));
                untouched.retain(|resource| *resource != "*");
                return;
            }
            Layer::Identity | Layer::Resource => {}
        }
        if resources.contains(&"*") {
            untouched.retain(|resource| *resource != "*");
            // where every type may be left out, a key of the action's own has to narrow what a resource does not
            let narrowed = !facts.needs_resource && self.has_own_key(facts, &statement.condition);
            if !facts.resource_types.is_empty() && !narrowed {
                self.report(sid, format!("`{action}` works on a resource that can be named"));
            } else if !document.bare_star.contains_key(action) {
                self.report(sid, format!("`bare_star` does not say why `{action}` needs `*`"));
            }
            return;
        }
        if facts.resource_types.is_empty() {
            self.report(sid, format!("`{action}` works on `*` only"));
            return;
        }
        let mut works = false;
        for resource in resources {
            for (name, arn) in &facts.resource_types {
                if meets(resource, arn) {
                    works = true;
                    untouched.retain(|other| other != resource);
                    if !self.types.contains(name) {
                        self.types.push(name.clone());
                    }
                }
            }
        }
        if !works {
            self.report(sid, format!("`{action}` works on none of the resources"));
        }
    }

    /// Whether a condition is on a key of the action itself.
    fn has_own_key(&self, facts: &ActionFacts, condition: &Map) -> bool {
        let keys = condition.iter().filter_map(|(_, keys)| keys.as_map()).flat_map(Map::iter);
        keys.into_iter().any(|(key, _)| {
            !self.catalogue.is_global_key(key)
                && facts.condition_keys.iter().any(|own| is_key(own, key))
        })
    }

    fn keys(&mut self, sid: &str, action: &str, facts: &ActionFacts, condition: &Map) {
        for (_, keys) in condition.iter() {
            for (key, _) in keys.as_map().into_iter().flat_map(Map::iter) {
                let known = self.catalogue.is_global_key(key)
                    || facts.condition_keys.iter().any(|own| is_key(own, key))
                    || self.is_claim(key);
                if !known {
                    self.report(sid, format!("`{action}` does not know the condition key `{key}`"));
                }
            }
        }
    }

    /// Whether it is a claim of an OpenID Connect provider's token: AWS takes the provider's name for their service,
    /// so that its catalogue cannot list them
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>).
    fn is_claim(&self, key: &str) -> bool {
        let providers =
            self.document.parameters.values().filter(|it| it.kind == Kind::OidcProvider);
        providers.flat_map(|it| &it.example).any(|provider| {
            let claim = key.strip_prefix(provider.as_str());
            matches!(claim, Some(":aud" | ":sub"))
        })
    }

    fn claims(&mut self) {
        // sorted copies: the order in the header means nothing
        let mut named = std::mem::take(&mut self.types);
        named.sort();
        named.dedup();
        let unclaimed: Vec<String> = named
            .iter()
            .filter(|name| !self.document.claims.resource_types.contains(*name))
            .cloned()
            .collect();
        let idle: Vec<String> = self
            .document
            .claims
            .resource_types
            .iter()
            .filter(|name| !named.contains(*name))
            .cloned()
            .collect();
        for name in unclaimed {
            self.report("claims.resource_types", format!("`{name}` is named and not claimed"));
        }
        for name in idle {
            self.report("claims.resource_types", format!("`{name}` is claimed and never named"));
        }
    }
}

/// Whether `key` is the condition key `known`, whose part in `${...}` or `<...>` stands for any text.
fn is_key(known: &str, key: &str) -> bool {
    match known.find("${").or(known.find('<')) {
        Some(at) => key.len() > at && key.starts_with(&known[..at]),
        None => known == key,
    }
}

/// One step of an ARN pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Char(char),
    /// A `${...}`: one or more characters, none of those given.
    Part(&'static [char]),
}

/// Whether a resource, in which `*` is any text, can name an ARN of the pattern.
fn meets(resource: &str, pattern: &str) -> bool {
    let steps = steps(pattern);
    let resource: Vec<char> = resource.chars().collect();
    // reached[j]: the resource so far meets the first j steps
    let mut reached = vec![false; steps.len() + 1];
    reached[0] = true;
    for c in resource {
        let mut next = vec![false; steps.len() + 1];
        if c == '*' {
            let mut on = false;
            for (at, step) in reached.iter().enumerate() {
                on |= *step;
                next[at] = on;
            }
        } else {
            for at in 0..steps.len() {
                let before = reached[at];
                match steps[at] {
                    Step::Char(own) => next[at + 1] |= before && own == c,
                    Step::Part(not) if !not.contains(&c) => {
                        next[at + 1] |= before || reached[at + 1];
                    }
                    Step::Part(_) => {}
                }
            }
        }
        reached = next;
    }
    reached[steps.len()]
}

/// A part in the middle stops at a colon; the only part of a resource (`arn:..:s3:::${BucketName}`) at a slash too;
/// any other last part takes the rest.
fn steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find("${") {
        steps.extend(rest[..open].chars().map(Step::Char));
        let close = rest[open..].find('}').map_or(rest.len(), |at| open + at + 1);
        let last = close == rest.len();
        let only = last && rest[..open].ends_with(':') && alone(pattern);
        steps.push(Step::Part(match (last, only) {
            (_, true) => &[':', '/'],
            (true, false) => &[],
            (false, _) => &[':'],
        }));
        rest = &rest[close..];
    }
    steps.extend(rest.chars().map(Step::Char));
    steps
}

/// Whether the sixth segment of the ARN is one placeholder.
fn alone(pattern: &str) -> bool {
    pattern.splitn(6, ':').nth(5).is_some_and(|resource| {
        resource.starts_with("${") && resource.find('}') == Some(resource.len() - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_meet_the_arns_of_their_type_only() {
        let bucket = "arn:${Partition}:s3:::${BucketName}";
        let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
        let stream = "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}";
        assert!(meets("arn:aws:s3:::raw", bucket));
        assert!(!meets("arn:aws:s3:::raw/a/b", bucket));
        assert!(meets("arn:aws:s3:::raw/a/*", object));
        assert!(!meets("arn:aws:s3:::raw", object));
        assert!(meets(
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws-glue/jobs/output:*",
            stream
        ));
        assert!(!meets(
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws-glue/jobs/output",
            stream
        ));
    }
}
