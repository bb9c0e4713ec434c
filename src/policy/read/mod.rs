//! Reading a policy document: from JSON to a [`Document`], or the place where it is none.
//!
//! In go a name and a text, out comes a document whose form is that of [`super::document`], or the first thing that
//! is not. The language of placeholders is cut down here to names: minijinja would also take filters, calls and
//! loops, and a document of somebody else's could compute with them.
//! Read next: `statement` for one statement and its strings, `json` for keys that stand twice.
//! Invariant: a key that a human reader would overlook (twice in one object, unknown, never used) is refused.

mod json;
mod statement;

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

use super::document::{
    Claims, Document, FillError, LAYERS, Layer, Parameter, PrincipalTemplate, Template,
};
use super::kind::{Kind, escaped};
use super::statement::Effect;
use crate::document::{Map, Value};

/// More than any placeholder needs (three instructions each), far less than a loop could burn.
const FUEL: u64 = 400;

impl Document {
    /// Reads a document and checks its form; no argument is needed for that.
    pub fn read(name: &str, text: &str) -> Result<Document, FillError> {
        let reader = Reader { name };
        if let Some(key) = json::twice(text) {
            return reader
                .refuse("the file", format!("the key `{key}` stands twice in one object"));
        }
        let value = Value::from_json(text)
            .or_else(|error| reader.refuse("the file", format!("it is not JSON: {error}")))?;
        reader.document(&value)
    }
}

const HEADER: &[&str] = &[
    "title",
    "effect",
    "layer",
    "why",
    "parameters",
    "claims",
    "bare_star",
    "absent_keys",
    "narrows",
    "flows",
    "source",
    "date",
    "statements",
];

struct Reader<'a> {
    name: &'a str,
}

impl Reader<'_> {
    fn refuse<T>(
        &self,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<T, FillError> {
        Err(FillError {
            document: self.name.to_owned(),
            place: place.into(),
            reason: reason.into(),
        })
    }

    fn document(&self, value: &Value) -> Result<Document, FillError> {
        let head = self.map(value, "the file")?;
        self.known(head, HEADER, "the file")?;
        let effect = self.effect(self.text(head, "effect", "the file")?, "effect")?;
        let layer_word = self.text(head, "layer", "the file")?;
        let Some((_, layer)) = LAYERS.iter().find(|(word, _)| *word == layer_word) else {
            return self.refuse("layer", format!("`{layer_word}` is not a layer"));
        };
        let mut document = Document {
            name: self.name.to_owned(),
            title: self.text(head, "title", "the file")?.to_owned(),
            effect,
            layer: *layer,
            why: self.reasons(head, "why")?,
            parameters: self.parameters(head)?,
            claims: self.claims(head)?,
            bare_star: self.reasons(head, "bare_star")?,
            absent_keys: self.absent_keys(head)?,
            narrows: Vec::new(),
            flows: self.strings(head, "flows", "the file")?,
            sources: self.strings(head, "source", "the file")?,
            date: self.text(head, "date", "the file")?.to_owned(),
            statements: Vec::new(),
            strings: environment(),
        };
        let Some(list) = head.get("statements").and_then(Value::as_list).filter(|l| !l.is_empty())
        else {
            return self.refuse("statements", "a list with at least one statement is wanted");
        };
        for (at, statement) in list.iter().enumerate() {
            let template = self.statement(statement, &document, &format!("statements[{at}]"))?;
            if document.statements.iter().any(|it| it.sid == template.sid) {
                return self
                    .refuse(format!("statements[{at}].Sid"), "two statements have this Sid");
            }
            document.statements.push(template);
        }
        if document.layer.is_part() && document.statements.len() != 1 {
            return self.refuse("statements", "a grantee or condition has exactly one");
        }
        if (document.layer == Layer::Condition) != head.get("narrows").is_some() {
            return self.refuse(
                "narrows",
                "a condition says which documents it narrows, and nothing else does",
            );
        }
        if document.layer == Layer::Condition {
            document.narrows = self.strings(head, "narrows", "the file")?;
            document.narrows.sort();
        }
        self.compile(&mut document)?;
        self.mentions(&document)?;
        Ok(document)
    }

    /// Every parameter is used, and every action has its reason: a reader may rely on the header.
    fn mentions(&self, document: &Document) -> Result<(), FillError> {
        for name in document.parameters.keys() {
            let used = document.statements.iter().any(|s| {
                s.patterns().any(|p| p.names.contains(name))
                    || matches!(&s.principal, Some(PrincipalTemplate::Grantee(own)) if own == name)
            });
            if !used {
                return self.refuse(format!("parameters.{name}"), "no statement mentions it");
            }
        }
        let actions = document.actions();
        if let Some(action) = actions.iter().find(|a| !document.why.contains_key(**a)) {
            return self.refuse("why", format!("the reason for `{action}` is missing"));
        }
        if let Some(action) = document.why.keys().find(|a| !actions.contains(&a.as_str())) {
            return self.refuse("why", format!("no statement names `{action}`"));
        }
        Ok(())
    }

    /// minijinja reads each string once, here; filling only renders.
    fn compile(&self, document: &mut Document) -> Result<(), FillError> {
        let sources: Vec<String> = document
            .statements
            .iter()
            .flat_map(Template::patterns)
            .filter(|p| !p.names.is_empty() && !p.whole)
            .map(|p| p.source.clone())
            .collect();
        for source in sources {
            if let Err(error) = document.strings.add_template_owned(source.clone(), source.clone())
            {
                return self.refuse(format!("`{source}`"), error.to_string());
            }
        }
        Ok(())
    }

    /// Action → reason, as `why` and `bare_star` have them.
    fn reasons(&self, head: &Map, key: &str) -> Result<BTreeMap<String, String>, FillError> {
        let Some(given) = head.get(key) else {
            return Ok(BTreeMap::new());
        };
        let mut reasons = BTreeMap::new();
        for (action, reason) in self.map(given, key)?.iter() {
            let reason = self.string(reason, &format!("{key}.{action}"))?;
            reasons.insert(action.to_owned(), reason.to_owned());
        }
        Ok(reasons)
    }

    /// Sid → condition key → what becomes of a request without it.
    fn absent_keys(&self, head: &Map) -> Result<BTreeMap<(String, String), String>, FillError> {
        let mut all = BTreeMap::new();
        let Some(given) = head.get("absent_keys") else { return Ok(all) };
        for (sid, keys) in self.map(given, "absent_keys")?.iter() {
            for (key, told) in self.map(keys, &format!("absent_keys.{sid}"))?.iter() {
                let place = format!("absent_keys.{sid}.{key}");
                let told = self.string(told, &place)?;
                if !told.starts_with("denied: ") && !told.starts_with("passes: ") {
                    return self.refuse(place, "it begins with `denied: ` or `passes: `");
                }
                all.insert((sid.to_owned(), key.to_owned()), told.to_owned());
            }
        }
        Ok(all)
    }

    fn claims(&self, head: &Map) -> Result<Claims, FillError> {
        let Some(claims) = head.get("claims") else {
            return Ok(Claims::default());
        };
        let claims = self.map(claims, "claims")?;
        self.known(claims, &["services", "levels", "resource_types", "data_plane"], "claims")?;
        let Some(data_plane) = claims.get("data_plane").and_then(Value::as_bool) else {
            return self.refuse("claims.data_plane", "`true` or `false` is wanted");
        };
        Ok(Claims {
            services: self.strings(claims, "services", "claims")?,
            levels: self.strings(claims, "levels", "claims")?,
            resource_types: self.strings(claims, "resource_types", "claims")?,
            data_plane,
        })
    }

    fn parameters(&self, head: &Map) -> Result<BTreeMap<String, Parameter>, FillError> {
        let mut parameters = BTreeMap::new();
        let Some(declared) = head.get("parameters") else {
            return Ok(parameters);
        };
        for (name, value) in self.map(declared, "parameters")?.iter() {
            let place = format!("parameters.{name}");
            if !is_name(name) {
                return self.refuse(place, "a parameter has lower-case letters, digits and `_`");
            }
            let value = self.map(value, &place)?;
            self.known(value, &["type", "about", "example", "absent"], &place)?;
            let word = self.text(value, "type", &place)?;
            let (word, list) = word.strip_suffix("[]").map_or((word, false), |word| (word, true));
            let Some(kind) = Kind::named(word) else {
                return self.refuse(place, format!("`{word}` is not a type"));
            };
            let example = match value.get("example") {
                None => Vec::new(),
                Some(Value::Str(text)) => vec![text.clone().into_owned()],
                Some(_) => self.strings(value, "example", &place)?,
            };
            if (kind == Kind::Grantee) != example.is_empty() {
                return self.refuse(place, "an example is wanted, for a grantee none");
            }
            if let Some(problem) = example.iter().find_map(|text| kind.problem(text)) {
                return self.refuse(place, format!("its example is wrong: {problem}"));
            }
            let absent = value.get("absent").map(|v| self.string(v, &place)).transpose()?;
            let parameter = Parameter {
                kind,
                list,
                about: self.text(value, "about", &place)?.to_owned(),
                absent: absent.map(str::to_owned),
                example,
            };
            parameters.insert(name.to_owned(), parameter);
        }
        Ok(parameters)
    }

    fn effect(&self, word: &str, place: &str) -> Result<Effect, FillError> {
        match word {
            "Allow" => Ok(Effect::Allow),
            "Deny" => Ok(Effect::Deny),
            _ => self.refuse(place, "`Allow` or `Deny` is wanted"),
        }
    }

    fn known(&self, map: &Map, keys: &[&str], place: &str) -> Result<(), FillError> {
        match map.iter().find(|(key, _)| !keys.contains(key)) {
            Some((key, _)) => self.refuse(place, format!("`{key}` has no place here")),
            None => Ok(()),
        }
    }

    fn map<'v>(&self, value: &'v Value, place: &str) -> Result<&'v Map, FillError> {
        value.as_map().map_or_else(
            || self.refuse(place, format!("an object is wanted, not {}", value.kind())),
            Ok,
        )
    }

    fn string<'v>(&self, value: &'v Value, place: &str) -> Result<&'v str, FillError> {
        match value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => self.refuse(place, "a text is wanted"),
        }
    }

    fn text<'v>(&self, map: &'v Map, key: &str, place: &str) -> Result<&'v str, FillError> {
        match map.get(key) {
            Some(value) => self.string(value, &format!("{place}.{key}")),
            None => self.refuse(place, format!("`{key}` is missing")),
        }
    }

    fn strings(&self, map: &Map, key: &str, place: &str) -> Result<Vec<String>, FillError> {
        match map.get(key) {
            Some(value) => self.literals(value, &format!("{place}.{key}")),
            None => self.refuse(place, format!("`{key}` is missing")),
        }
    }

    fn literals(&self, value: &Value, place: &str) -> Result<Vec<String>, FillError> {
        match value {
            Value::Str(text) => Ok(vec![text.clone().into_owned()]),
            Value::List(list) => list
                .iter()
                .map(|item| match item {
                    Value::Str(text) => Ok(text.clone().into_owned()),
                    _ => self.refuse(place, "a list of texts is wanted"),
                })
                .collect(),
            _ => self.refuse(place, "a text or a list of texts is wanted"),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// minijinja without filters, tests, functions and loaders; what a placeholder prints is escaped for IAM.
fn environment() -> Environment<'static> {
    let mut strings = Environment::empty();
    strings.set_undefined_behavior(UndefinedBehavior::Strict);
    strings.set_fuel(Some(FUEL));
    strings.set_formatter(|out, _, value| match value.as_str() {
        Some(text) => out.write_str(&escaped(text)).map_err(minijinja::Error::from),
        None => Err(minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            "only texts can be printed",
        )),
    });
    strings
}
