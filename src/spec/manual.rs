//! The reference of the language, `docs/spec.md`, from the same shapes that decode it.
//!
//! One table a map, each key with its form and what it means, in the order of the records. The chapters
//! on names, values and overrides are written here: they are what no shape says.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::decode::{Decode, RecordShape, Shape};
use super::schema::flowing;
use super::{Spec, WITH_DEFAULTS};

/// How the page starts.
const HEAD: &str = r#"# The spec

<!-- Written by lakewright from the descriptors that decode a spec: change those (`src/spec/`). -->

A spec is one YAML file (YAML 1.2, one document) that describes a data lake: places, such as buckets and
databases, and the flows between them. `lakewright schema` prints the same as a JSON Schema for editors.

- [Names](#names), [values](#values), [environments and overrides](#environments-and-overrides)
"#;

const GRAMMAR: &str = r#"
## Names

| written | means |
|---|---|
| `sales` | a bucket, database, source or pipeline: these share one namespace |
| `raw/` | a whole bucket |
| `raw/partner/` | a prefix in a bucket; it ends in a slash |
| `sales.orders` | a table |
| `keys.raw` | a key |
| `athena-bi/` | the results of workgroup `bi`, where they have a bucket of their own |
| `analysts` | in `who` of a workgroup: whoever that entry of `access` names |
| `buckets`, `databases`, `sources`, `pipelines` | each of that kind, for alarms |
| `role/Analyst`, `user/Ada` | a role or user of the lake's account; a path stands before the name: `role/x/Loader` |
| `444455556666:role/x/Loader` | a role or user of another account |
| `account/444455556666` | an account: whoever it lets in |
| `ou/ou-ab12-cdefghij` | an organizational unit, with those below it |
| `organization` | all of the organization |
| `roles.partner` | a role that the lake makes, by its entry in `roles` |
| `oidc/token.actions.githubusercontent.com`, `saml/Corp` | a provider of identities of the account, for those who take a role |
| `saml/Corp/group/Analysts`, `saml/Corp/user/ada` | a group or user of a SAML provider of the account, through Lake Formation |
| `identity-center/group/ID`, `identity-center/user/ID` | a group or user of IAM Identity Center, through Lake Formation |

A name has lower-case letters, digits and hyphens, starts with a letter, does not end in a hyphen, and has
at most 63 characters. Tables and columns have underscores instead of hyphens.

What lakewright makes is called `<lake>-<environment>-<name>` in AWS, with `-<suffix>` behind it where the
spec has one; in the Data Catalog with underscores.

## Values

| what | written |
|---|---|
| duration | a number and a unit: `90s`, `15m` (minutes), `26h`, `30d`, `4w`, `2y` (365 days each); there are no months |
| size | a number and a unit: `KiB`, `MiB`, `GiB`, `TiB` |
| schedule | `rate(5 minutes)` or `cron(0 3 * * ? *)`: EventBridge's, in UTC |
| account id | 12 digits in quotes |
| boolean | `true` or `false`; `yes`, `no`, `on` and `off` are refused |
| text that looks like a number, a boolean or a date | in quotes |

Anchors and aliases (`&a`, `*a`) work; merge keys (`<<`), tags (`!x`) and a second document do not.

## Environments and overrides

An environment is one deployment of the lake: an account, a region, and in `set` what is different there.
`set` is laid over the rest of the spec: **maps merge, lists replace, null (`~`) removes**. `lakewright`,
`lake` and `environments` cannot be different.

`defaults` is laid under each thing of a kind that is not `existing`: what a thing says itself stays, maps
merge, and a key that a thing sets to null keeps the default away. An environment can change `defaults` too.

What narrows is never empty: a list of at least one column, condition, denied principal, ... that has no
element left would narrow nothing, so it is an error where it stands, in `set` as well. In `set`, null takes
such a key away in as many words; elsewhere a restriction with nothing behind it is an error too.
`only_writers: []` narrows the most: nobody but the lake's own flows writes.

Every value remembers where it was written, so a message about the merged spec points at the line that it
came from.
"#;

/// The page, in Markdown.
pub fn reference() -> String {
    let Shape::Record(spec) = Spec::shape() else {
        unreachable!("invariant: a spec is a map with known keys")
    };
    let spec = spec();
    let mut page = String::from(HEAD);
    let mut manual = Manual { page: String::new(), seen: BTreeSet::new() };
    manual.record("", &spec, 2);
    for field in &spec.fields {
        if let Some((path, _)) = records(field.key, &field.shape).first() {
            let _ =
                writeln!(page, "- [`{}`](#{}): {}", field.key, anchor(path), flowing(field.doc));
        }
    }
    page + GRAMMAR + &manual.page
}

struct Manual {
    page: String,
    seen: BTreeSet<&'static str>,
}

impl Manual {
    fn record(&mut self, path: &str, record: &RecordShape, level: usize) {
        self.seen.insert(record.name);
        let heading = if path.is_empty() { "Top level".to_owned() } else { format!("`{path}`") };
        let _ = writeln!(self.page, "\n{} {heading}\n", "#".repeat(level));
        let _ = writeln!(self.page, "{}\n", flowing(record.doc));
        self.page += "| key | form | |\n|---|---|---|\n";
        for field in &record.fields {
            let key = if field.required {
                format!("**`{}`**", field.key)
            } else {
                format!("`{}`", field.key)
            };
            let doc = flowing(field.doc);
            let form = match (record.name, field.key) {
                ("Environment", "set") => "parts of a spec".to_owned(),
                ("Defaults", key) => {
                    format!("[`{key}`](#{}), none of it needed", anchor(&format!("{key}.NAME")))
                }
                _ => form(&at(path, field.key), &field.shape),
            };
            let _ = writeln!(self.page, "| {key} | {} | {} |", cell(&form), cell(&doc));
        }
        if record.fields.iter().any(|field| field.required) {
            self.page += "\nKeys in bold are needed";
            let part = path
                .split_once('.')
                .is_some_and(|(section, name)| name == "NAME" && WITH_DEFAULTS.contains(&section));
            self.page += if part { ", here or in `defaults`.\n" } else { ".\n" };
        }
        for field in &record.fields {
            let words = words(&field.shape);
            if words.len() > 1 {
                let _ = writeln!(self.page, "\n`{}` is one of:\n", field.key);
                for (word, meaning) in words {
                    let _ = writeln!(self.page, "- `{word}`: {}", flowing(meaning));
                }
            }
        }
        if record.name == "Defaults" {
            return;
        }
        for field in &record.fields {
            for (path, inner) in records(&at(path, field.key), &field.shape) {
                let inner = inner();
                if !self.seen.contains(inner.name) {
                    let level = if path.matches('.').count() > 1 { 3 } else { 2 };
                    self.record(&path, &inner, level);
                }
            }
        }
    }
}

fn at(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// GitHub's anchor of a heading in backticks.
fn anchor(path: &str) -> String {
    path.to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The maps with known keys in a shape, each with its path.
fn records(path: &str, shape: &Shape) -> Vec<(String, fn() -> RecordShape)> {
    match shape {
        Shape::Record(record) => vec![(path.to_owned(), *record)],
        Shape::List(element) => records(&format!("{path}[]"), element),
        Shape::Filled(shape) => records(path, shape),
        Shape::Map { keys, values, .. } => {
            let word = if keys.contains("column") { "COLUMN" } else { "NAME" };
            records(&format!("{path}.{word}"), values)
        }
        Shape::Either(shapes) => shapes.iter().flat_map(|shape| records(path, shape)).collect(),
        _ => Vec::new(),
    }
}

/// The words that can stand in a shape, with what they mean.
fn words(shape: &Shape) -> Vec<(&'static str, &'static str)> {
    match shape {
        Shape::Word(words) => words.to_vec(),
        Shape::List(element) | Shape::Filled(element) => words(element),
        _ => Vec::new(),
    }
}

/// A shape in a few words.
fn form(path: &str, shape: &Shape) -> String {
    match shape {
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Integer { min, max } if min == max => format!("`{min}`"),
        Shape::Integer { min, max } => format!("a whole number, {min} to {max}"),
        Shape::Number => "a number".to_owned(),
        Shape::Scalar { what } | Shape::Text { what, .. } => (*what).to_owned(),
        Shape::Word(words) => {
            words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Shape::List(element) => format!("a list: {}", form(&format!("{path}[]"), element)),
        Shape::Filled(shape) => match &**shape {
            // One or several: what has no element is none of them.
            Shape::Either(shapes) => {
                let filled = |shape: &Shape| form(path, &Shape::Filled(Box::new(shape.clone())));
                shapes.iter().map(filled).collect::<Vec<_>>().join("; or ")
            }
            Shape::List(_) => form(path, shape).replacen("a list:", "a list of at least one:", 1),
            Shape::Map { .. } => form(path, shape).replacen("a map ", "a map of at least one, ", 1),
            _ => form(path, shape),
        },
        Shape::Map { keys, values, .. } => {
            let word = if keys.contains("column") { "COLUMN" } else { "NAME" };
            format!("a map from {keys} to {}", form(&format!("{path}.{word}"), values))
        }
        Shape::Record(_) => format!("[a map](#{})", anchor(path)),
        Shape::Either(shapes) => {
            shapes.iter().map(|shape| form(path, shape)).collect::<Vec<_>>().join("; or ")
        }
        Shape::Anything => "anything".to_owned(),
    }
}
