//! Starting lakes with parameters, used by `init`.
//!
//! A blueprint is a folder of `blueprints/`: `blueprint.yaml` says what it is and which typed
//! parameters it takes; every other file is a minijinja template. In: values as the user typed them.
//! Out: files. INVARIANT: a value is checked against its type before it meets a template, so that it
//! can add nothing to the YAML around it; the same values give the same bytes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Deserialize;

use crate::names::{AccountId, Name, Region};

include!(concat!(env!("OUT_DIR"), "/blueprints.rs"));

/// A starting lake.
#[derive(Debug, Clone)]
pub struct Blueprint {
    pub name: &'static str,
    /// One sentence.
    pub description: String,
    /// In the order of the file.
    pub parameters: Vec<Parameter>,
    /// Path and template.
    files: Vec<(&'static str, &'static str)>,
}

/// What a blueprint asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub default: String,
    /// One sentence.
    pub description: String,
}

/// What a parameter's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A name of the spec.
    Name,
    /// An account id.
    Account,
    /// A region.
    Region,
    /// A mail address.
    Email,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    description: String,
    parameters: Vec<Parameter>,
}

static ALL: LazyLock<Vec<Blueprint>> = LazyLock::new(|| {
    let mut all: Vec<Blueprint> = Vec::new();
    for (name, path, text) in FILES {
        let known = all.last().is_some_and(|last| last.name == *name);
        if !known {
            let header = FILES
                .iter()
                .find(|(other, path, _)| other == name && *path == "blueprint.yaml")
                .map(|(_, _, text)| *text)
                .expect("invariant: every blueprint says what it is");
            let header: Header =
                serde_yaml::from_str(header).expect("invariant: tested with the crate");
            all.push(Blueprint {
                name,
                description: header.description,
                parameters: header.parameters,
                files: Vec::new(),
            });
        }
        if *path != "blueprint.yaml" {
            let last = all.last_mut().expect("invariant: just pushed");
            last.files.push((path, text));
        }
    }
    all
});

/// Every blueprint, ascending by name.
pub fn all() -> &'static [Blueprint] {
    &ALL
}

/// The blueprint of this name.
pub fn find(name: &str) -> Option<&'static Blueprint> {
    ALL.iter().find(|blueprint| blueprint.name == name)
}

impl Blueprint {
    /// Fills the templates. The error names every value that is wrong, a line each.
    pub fn fill(&self, given: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
        let mut wrong: Vec<String> = given
            .keys()
            .filter(|name| self.parameters.iter().all(|parameter| parameter.name != **name))
            .map(|name| {
                let known: Vec<&str> =
                    self.parameters.iter().map(|one| one.name.as_str()).collect();
                format!("`{}` has no parameter `{name}`: it has {}", self.name, known.join(", "))
            })
            .collect();
        let mut values: BTreeMap<&str, minijinja::Value> = BTreeMap::new();
        for parameter in &self.parameters {
            let value = given.get(&parameter.name).unwrap_or(&parameter.default);
            if let Err(reason) = parameter.kind.check(value) {
                wrong.push(format!("`{value}` cannot be `{}`: {reason}", parameter.name));
            }
            values.insert(&parameter.name, minijinja::Value::from(value.as_str()));
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Values are checked to be plain words: there is nothing to escape.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let files = self.files.iter().map(|(path, template)| {
            let text = environment.render_str(template, values.clone());
            let text = text.expect("invariant: every template is rendered in a test");
            // minijinja drops the last newline, as Jinja does.
            ((*path).to_owned(), format!("{}\n", text.trim_end_matches('\n')))
        });
        Ok(files.collect())
    }
}

impl Kind {
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Kind::Name => match value.contains('_') {
                true => Err("buckets take no underscores".into()),
                false => Name::new(value).map(drop),
            },
            Kind::Account => AccountId::new(value).map(drop),
            Kind::Region => match crate::catalogue::region(value) {
                Some(_) => Region::new(value).map(drop),
                None => Err("no AWS region is called that".into()),
            },
            Kind::Email => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
                match value.split_once('@') {
                    Some((user, host))
                        if !user.is_empty() && host.contains('.') && value.chars().all(plain) =>
                    {
                        Ok(())
                    }
                    _ => Err("a mail address reads `name@example.org`".into()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blueprint_renders_with_its_defaults() {
        assert!(all().len() >= 2);
        for blueprint in all() {
            let files = blueprint.fill(&BTreeMap::new()).unwrap();
            assert!(files.iter().any(|(path, _)| path == "lake.yaml"), "{}", blueprint.name);
            for (path, text) in files {
                assert!(!text.contains("{{") && !text.contains("{%"), "{path}: {text}");
            }
        }
    }

    #[test]
    fn a_value_cannot_add_to_the_yaml() {
        let blueprint = find("minimal").unwrap();
        for hostile in ["a: b", "x\ny: 1", "a#b", "\"", "{{ 1 }}", "a_b", ""] {
            let given = BTreeMap::from([("lake".to_owned(), hostile.to_owned())]);
            assert!(blueprint.fill(&given).is_err(), "{hostile:?}");
        }
        let given = BTreeMap::from([("lak".to_owned(), "x".to_owned())]);
        assert!(blueprint.fill(&given).unwrap_err().contains("it has lake"));
    }
}
