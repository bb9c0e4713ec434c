//! What people call the principals and places of a review: `role/Analyst`, `pipeline clean-orders`, `raw/ledger/`,
//! `sales.orders`, `key raw`.
//!
//! In: ARNs and patterns of policies, and the states that know what carries which path of a spec. Out: words. Where no
//! spec is behind a state the names in AWS stand, shortened. Nothing is escaped here: that is the renderer's.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Shown, State, in_request};
use crate::document::Value;
use crate::verdict::read::{Condition, Statement};
use crate::verdict::{Name, Requester};

/// A resource by the text that stands for it in policies.
struct Thing {
    word: String,
    is_bucket: bool,
}

/// The names of two states.
pub struct Words {
    /// By ARN or `${stack/Id.Arn}`.
    things: BTreeMap<String, Thing>,
    /// References as they stand in a state, and their words.
    references: BTreeMap<String, String>,
    /// ARN of a role to `pipeline NAME`.
    principals: BTreeMap<String, String>,
    /// Principals that templates make or name.
    known: BTreeSet<String>,
    /// Name in the catalog to the name in the spec.
    databases: BTreeMap<String, String>,
    /// The account of the lake; empty where none is known.
    pub home: String,
}

impl Words {
    /// The words of both states; where they differ those of the new one. `databases`: names in the catalog to names in
    /// the spec.
    pub fn new(old: &State, new: &State, databases: BTreeMap<String, String>) -> Words {
        let mut things = BTreeMap::new();
        let mut references = BTreeMap::new();
        let mut principals = BTreeMap::new();
        let mut known = BTreeSet::new();
        for state in [old, new] {
            let mut seen = BTreeSet::new();
            for (name, one) in &state.resources {
                let path = one.origin.as_ref().map_or("", |origin| origin.path.as_str());
                let is_bucket = one.kind == "AWS::S3::Bucket";
                let own = name.rsplit(':').next().unwrap_or(name);
                // a replica carries the path of its source: only the first has its name
                let of_spec = !path.is_empty() && seen.insert((one.kind.clone(), path.to_owned()));
                let rest = path.split_once('.').map_or(path, |(_, rest)| rest);
                let word = match (is_bucket, of_spec) {
                    (true, true) => rest.to_owned(),
                    (true, false) => own.to_owned(),
                    (false, true) => {
                        let kind = one.kind.rsplit("::").next().unwrap_or_default();
                        format!("{} {rest}", kind.to_lowercase())
                    }
                    (false, false) => short(name, &one.kind),
                };
                if name.starts_with('{') {
                    references.insert(name.clone(), word.clone());
                }
                things.insert(in_request(name).into_owned(), Thing { word, is_bucket });
            }
            let mut seen = BTreeSet::new();
            for (name, one) in &state.principals {
                known.insert(name.clone());
                let path = one.origin.as_ref().map_or("", |origin| origin.path.as_str());
                // a pipeline may have a second role, which starts it
                if let Some(pipeline) = path.strip_prefix("pipelines.")
                    && !pipeline.contains('.')
                    && seen.insert(path.to_owned())
                {
                    principals.insert(name.clone(), format!("pipeline {pipeline}"));
                }
            }
        }
        let home = [new, old].into_iter().find_map(|state| {
            let of = state.principals.values().find(|one| one.origin.is_some());
            let made = of.map(|one| one.account.clone());
            made.or_else(|| state.resources.values().next().map(|one| one.account.clone()))
        });
        Words { things, references, principals, known, databases, home: home.unwrap_or_default() }
    }

    /// A sentence in which references stand for resources, with the words for them.
    pub fn said(&self, sentence: &str) -> String {
        let mut text = sentence.to_owned();
        for (reference, word) in &self.references {
            if text.contains(reference.as_str()) {
                text = text
                    .replace(&format!("the key {reference}"), word)
                    .replace(reference.as_str(), word);
            }
        }
        text
    }

    /// A principal by its ARN, or the reference to it.
    pub fn principal(&self, arn: &str) -> String {
        if let Some(word) = self.principals.get(arn) {
            return word.clone();
        }
        let Some(rest) = arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4))
        else {
            return short(arn, "role");
        };
        let account = arn.split(':').nth(4).unwrap_or_default();
        match arn.split(':').nth(2) {
            Some("organizations") => {
                let own = rest.rsplit('/').next().unwrap_or(rest);
                let unit =
                    if rest.starts_with("ou/") { "organizational unit" } else { "organization" };
                return format!("{unit} {own}");
            }
            Some("identitystore") => {
                return format!("Identity Center {}", rest.replacen('/', " ", 1));
            }
            _ => {}
        }
        match rest {
            "root" => format!("account {account}"),
            _ if account == self.home || self.known.contains(arn) => rest.to_owned(),
            _ => format!("{account}:{rest}"),
        }
    }

    /// Whoever makes a request.
    pub fn requester(&self, who: &Requester) -> String {
        match who {
            Requester::Anonymous => "anybody".to_owned(),
            Requester::Other { kind, text } if kind == "Service" => format!("service {text}"),
            who => match who.principal_arn() {
                // what nobody named stands for anybody of its account
                Some(arn) if !self.known.contains(&arn) => {
                    let account = who.account().map_or("", |(_, account)| account);
                    format!("account {account}")
                }
                Some(arn) => self.principal(&arn),
                None => self.principal(&who.to_string()),
            },
        }
    }

    /// Whom a statement names, as its conditions narrow it.
    pub fn named(&self, name: Option<&Name>, statement: &Statement) -> String {
        let values = |key: &str| -> Vec<String> {
            let own = statement.conditions.iter().filter(|one| one.key == key && is_plain(one));
            own.flat_map(|one| &one.values).map(|value| value.shown()).collect()
        };
        let list = |word: &str, values: &[String]| match values {
            [one] => format!("{word} {one}"),
            more => format!("{word}s {}", more.join(", ")),
        };
        let roles = values("aws:principalarn");
        let narrowed = matches!(name, None | Some(Name::Everyone | Name::Account { .. }));
        if narrowed && !roles.is_empty() {
            let names: Vec<String> = roles.iter().map(|arn| self.principal(arn)).collect();
            return names.join(", ");
        }
        match name {
            Some(Name::Everyone) | None => {
                let (accounts, paths) =
                    (values("aws:principalaccount"), values("aws:principalorgpaths"));
                let organization = values("aws:principalorgid");
                if !accounts.is_empty() {
                    list("account", &accounts)
                } else if !paths.is_empty() {
                    let unit = |path: &String| {
                        let parts = path.trim_end_matches('*').trim_end_matches('/');
                        parts.rsplit('/').next().unwrap_or(path).to_owned()
                    };
                    list("organizational unit", &paths.iter().map(unit).collect::<Vec<_>>())
                } else if !organization.is_empty() {
                    list("organization", &organization)
                } else if name.is_none() {
                    "everyone who is not excluded".to_owned()
                } else {
                    "everyone".to_owned()
                }
            }
            Some(Name::Account { account, .. } | Name::Within { account, .. }) => {
                format!("account {account}")
            }
            Some(Name::Role { partition, account, path }) => {
                self.principal(&format!("arn:{partition}:iam::{account}:role/{path}"))
            }
            Some(Name::User { partition, account, path }) => {
                self.principal(&format!("arn:{partition}:iam::{account}:user/{path}"))
            }
            Some(Name::Session { role, session, .. }) => {
                format!("the session {session} of role/{role}")
            }
            Some(Name::Other { kind, text }) if kind == "Service" => format!("service {text}"),
            Some(Name::Other { kind, text }) if kind == "Federated" => {
                format!("whoever {} signs for", self.principal(text))
            }
            Some(Name::Other { text, .. }) => {
                let own = self.principals.iter().find(|(arn, _)| *in_request(arn) == **text);
                own.map_or_else(|| text.clone(), |(_, word)| word.clone())
            }
        }
    }

    /// What a pattern of a policy stands for.
    pub fn place(&self, pattern: &str) -> String {
        let within = |name: &str| {
            let rest = pattern.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '*']))
        };
        let thing = self.things.iter().filter(|(name, _)| within(name));
        if let Some((name, thing)) = thing.max_by_key(|(name, _)| name.len()) {
            let rest = &pattern[name.len()..];
            return match (thing.is_bucket, rest.strip_prefix('/')) {
                (true, Some(key)) => {
                    let key = key.strip_suffix('*').unwrap_or(key);
                    format!("{}/{}", thing.word, without_hashes(key))
                }
                (true, None) => format!("bucket {}{rest}", thing.word),
                (false, _) => format!("{}{rest}", thing.word),
            };
        }
        if pattern == "*" {
            return "everything".to_owned();
        }
        let rest = pattern.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
        let Some(rest) = rest else { return pattern.to_owned() };
        let service = pattern.split(':').nth(2).unwrap_or_default();
        match service {
            "iam" => self.principal(pattern),
            "glue" => self.of_catalog(rest),
            "s3" => match rest.split_once('/') {
                Some((bucket, key)) => format!("{bucket}/{}", key.strip_suffix('*').unwrap_or(key)),
                None => format!("bucket {rest}"),
            },
            _ => format!("{service} {rest}"),
        }
    }

    /// What a grant through a filter shows: `sales.orders (order_id, placed_at) where country = 'DE'`.
    pub fn filtered(&self, resource: &Value, shown: &Shown) -> String {
        let whole = self.granted(resource);
        let table = whole.split(" through ").next().unwrap_or(&whole);
        let columns: Vec<&str> = shown.columns.iter().map(String::as_str).collect();
        let columns = match (shown.excludes, columns.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!(" (all but {})", columns.join(", ")),
            (false, _) => format!(" ({})", columns.join(", ")),
        };
        let rows = shown.rows.as_ref().map(|rows| format!(" where {rows}")).unwrap_or_default();
        format!("{table}{columns}{rows}")
    }

    /// What a grant of Lake Formation is on: the value of `Resource` of `AWS::LakeFormation::PrincipalPermissions`.
    pub fn granted(&self, resource: &Value) -> String {
        let text = |path: &[&str]| resource.at(path).and_then(Value::as_str).unwrap_or("?");
        let table = |kind: &str, database: &str, table: &str| {
            let database = text(&[kind, database]);
            let known = self.databases.get(database).map_or(database, String::as_str);
            match resource.at(&[kind, table]).and_then(Value::as_str) {
                Some(table) => format!("{known}.{table}"),
                None => format!("tables of {known}"),
            }
        };
        let list = |value: Option<&Value>| -> String {
            let all = value.and_then(Value::as_list).unwrap_or_default();
            all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        };
        if resource.get("TableWithColumns").is_some() {
            let columns = list(resource.at(&["TableWithColumns", "ColumnNames"]));
            let table = table("TableWithColumns", "DatabaseName", "Name");
            return match columns.is_empty() {
                true => table,
                false => format!("{table} ({columns})"),
            };
        }
        if resource.get("Table").is_some() {
            return table("Table", "DatabaseName", "Name");
        }
        if resource.get("DataCellsFilter").is_some() {
            let filter = text(&["DataCellsFilter", "Name"]);
            let table = table("DataCellsFilter", "DatabaseName", "TableName");
            return format!("{table} through the filter {filter}");
        }
        if resource.get("Database").is_some() {
            let database = text(&["Database", "Name"]);
            let known = self.databases.get(database).map_or(database, String::as_str);
            return format!("database {known}");
        }
        for kind in ["DataLocation", "DataLocationResource"] {
            let arn = [[kind, "S3Resource"], [kind, "ResourceArn"]];
            let found = arn.iter().find_map(|path| resource.at(path).and_then(Value::as_str));
            if let Some(arn) = found {
                return self.place(arn);
            }
        }
        if let Some(policy) = resource.get("LFTagPolicy") {
            let kind = policy.get("ResourceType").and_then(Value::as_str).unwrap_or("resource");
            let of = policy.get("Expression").and_then(Value::as_list).unwrap_or_default();
            let each = of.iter().map(|one| {
                let key = one.get("TagKey").and_then(Value::as_str).unwrap_or("?");
                format!("{key} in {}", list(one.get("TagValues")))
            });
            let each: Vec<String> = each.collect();
            return format!("every {} tagged {}", kind.to_lowercase(), each.join(" and "));
        }
        if let Some(what) = resource.at(&["Administration", "What"]).and_then(Value::as_str) {
            return format!("Lake Formation, as {what}");
        }
        resource.to_json()
    }

    /// A table by its names in the catalog.
    pub fn table(&self, database: &str, table: &str) -> String {
        format!("{}.{table}", self.databases.get(database).map_or(database, String::as_str))
    }

    fn of_catalog(&self, rest: &str) -> String {
        let database =
            |name: &str| self.databases.get(name).cloned().unwrap_or_else(|| name.to_owned());
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            ["catalog"] => "the catalog".to_owned(),
            ["table", own, "*"] => format!("tables of {}", database(own)),
            ["table", own, table] => format!("{}.{table}", database(own)),
            ["database", own] => format!("database {}", database(own)),
            _ => format!("glue {rest}"),
        }
    }
}

/// Whether a condition narrows to its values.
fn is_plain(condition: &Condition) -> bool {
    !condition.operator.negated && !condition.operator.if_exists
}

/// A key of which no part is a hash: what is uploaded under its content's is called by seven digits of it.
fn without_hashes(key: &str) -> String {
    let part = |part: &str| match part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => format!("{}…", &part[..7]),
        false => part.to_owned(),
    };
    key.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A name in AWS, shortened: `key 1234`, `topic alarms`.
pub fn short(name: &str, kind: &str) -> String {
    let word = kind.rsplit("::").next().unwrap_or(kind).to_lowercase();
    let shown = in_request(name);
    if let Some(token) = shown.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        let id = token.rsplit('/').next().unwrap_or(token);
        return format!("{word} {}", id.split('.').next().unwrap_or(id));
    }
    match name.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) {
        Some(rest) if name.contains(":iam:") => rest.to_owned(),
        Some(rest) => {
            let own = rest.strip_prefix(&format!("{word}/")).unwrap_or(rest);
            format!("{word} {own}")
        }
        None => name.to_owned(),
    }
}
