//! Access as people speak of it: who may read, write or delete what.
//!
//! In: templates before and after. Out: the grants that come and go, as (who, verb, place), over all
//! stacks together, so that a statement which moves to another stack or policy is no change. What is
//! read: bucket and key policies, policies attached to roles, and who takes the roles that are made for others. INVARIANT: this is a summary for the
//! top of a plan, not a verdict: conditions are told (`when`) and not weighed, and denials not subtracted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::context::Context;
use super::resource::{kind_of, path_of};
use super::when::When;
use super::{GrantChange, consent, lake_formation};
use crate::canonical::{Known, Scope, canonical, listed};
use crate::document::{Map, Value};
use crate::stacks::{Causes, Stack};

/// What an action lets people do to data, by service: the actions that carry the meaning. `*` and `?`
/// in policies match against these names.
const VERBS: [(&str, &str, &str); 19] = [
    ("s3", "GetObject", "read"),
    ("s3", "PutObject", "write"),
    ("s3", "DeleteObject", "delete"),
    ("s3", "PutObjectTagging", "admin"),
    ("s3", "PutBucketPolicy", "change the policy of"),
    ("glue", "GetTable", "read"),
    ("glue", "UpdateTable", "write"),
    ("glue", "BatchCreatePartition", "write"),
    ("glue", "DeleteTable", "delete"),
    ("kinesis", "GetRecords", "read"),
    ("kinesis", "PutRecord", "write"),
    ("kinesis", "PutRecords", "write"),
    ("kms", "Decrypt", "decrypt with"),
    ("kms", "GenerateDataKey", "encrypt with"),
    ("kms", "PutKeyPolicy", "administer"),
    ("lakeformation", "GetDataAccess", "use"),
    ("sts", "AssumeRole", "take"),
    ("sts", "AssumeRoleWithSAML", "take"),
    ("sts", "AssumeRoleWithWebIdentity", "take"),
];

/// How the paths of roles that others take begin.
const ROLES: &str = "roles.";

/// The path of what the lake itself needs: scripts and templates are no data of people.
const LAKE: &str = "lake";

/// Who, verb, place.
type Grant = (String, String, String);
type Grants = BTreeMap<Grant, Given>;

/// What gives a grant: the spec path of the first statement that does, and when any of them does.
struct Given {
    path: String,
    when: When,
}

/// Notes that a statement gives a grant.
fn note(all: &mut Grants, grant: Grant, path: &str, when: &When) {
    match all.entry(grant) {
        Entry::Occupied(mut there) => there.get_mut().when.or(when.clone()),
        Entry::Vacant(free) => {
            free.insert(Given { path: path.to_owned(), when: when.clone() });
        }
    }
}

/// The grants that differ between two sets of templates, those that come first.
pub(super) fn compare<'a>(
    before: impl Iterator<Item = &'a Value> + Clone,
    after: &'a [Stack],
    context: &Context,
) -> Vec<GrantChange> {
    let templates = after.iter().map(|stack| &stack.template);
    let names = Names::of(before.clone().chain(templates.clone()));
    let before = grants(before, &names, context, &|_, _| None);
    let causes: HashMap<&str, &Causes> = after
        .iter()
        .flat_map(|stack| stack.causes.iter().map(|(id, causes)| (id.as_str(), causes)))
        .collect();
    let cause = |id: &str, statement: &[&str; 3]| Some(causes.get(id)?.of(statement));
    let named = named(&causes, after, &names, context);
    let after = grants(templates, &names, context, &cause);
    let known: BTreeSet<&String> = before.keys().map(|(who, _, _)| who).collect();
    let change = |added: bool, ((who, verb, place), given): (&Grant, &Given)| {
        let path = &given.path;
        // Somebody new is there because of the line that names them, not of what they are given.
        let thing = path.match_indices('.').nth(1).map_or(path.as_str(), |(at, _)| &path[..at]);
        let namer = named.get(&(who.clone(), thing)).filter(|_| added && !known.contains(who));
        let mut cause = context.cause(namer.unwrap_or(path));
        let gone = |kept: &Given| {
            !kept
                .path
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !added && after.values().all(gone) {
            (cause.file, cause.line) = (None, None);
        }
        GrantChange {
            added,
            who: who.clone(),
            verb: verb.clone(),
            place: place.clone(),
            when: given.when.words(),
            cause,
        }
    };
    // under other conditions it is another grant
    let differs = |other: &Grants, grant: &Grant, given: &Given| {
        other.get(grant).is_none_or(|there| there.when.words() != given.when.words())
    };
    let added = after.iter().filter(|(grant, given)| differs(&before, grant, given));
    let gone = before.iter().filter(|(grant, given)| differs(&after, grant, given));
    added.map(|one| change(true, one)).chain(gone.map(|one| change(false, one))).collect()
}

/// The spec paths that name those whom policies are attached to, by who and thing.
fn named<'a>(
    causes: &HashMap<&str, &'a Causes>,
    after: &[Stack],
    names: &Names,
    context: &Context,
) -> HashMap<(String, &'a str), String> {
    let mut named = HashMap::new();
    for (id, definition) in after.iter().flat_map(|stack| resources(&stack.template)) {
        let (Some(causes), Some(properties)) = (causes.get(id), definition.get("Properties"))
        else {
            continue;
        };
        for property in ["Roles", "Users"] {
            if !causes.properties.iter().any(|(own, _)| own == property) {
                continue;
            }
            let scope = Scope::default();
            let holders = holders(kind_of(definition), properties, &scope, names, context);
            for who in holders.unwrap_or_default() {
                named.insert((who, causes.path.as_str()), causes.of(&[property]));
            }
        }
    }
    named
}

/// What the resources of the lake are called by people.
#[derive(Default)]
struct Names<'a> {
    /// Name of a bucket, database (`database/acme_prod_sales`), stream (`stream/...`), role
    /// (`role/...`) in AWS to the thing's name.
    physical: HashMap<String, String>,
    /// Databases that Lake Formation decides about: there a policy opens the catalog's half only.
    governed: BTreeSet<String>,
    /// The resources by logical id.
    resources: HashMap<&'a str, &'a Value>,
}

impl<'a> Names<'a> {
    fn of(templates: impl Iterator<Item = &'a Value>) -> Self {
        let mut names = Names::default();
        for (id, definition) in templates.flat_map(resources) {
            let text = |path: &[&str]| {
                definition.get("Properties").and_then(|all| all.at(path)).and_then(Value::as_str)
            };
            let path = path_of(definition);
            let known = match kind_of(definition) {
                "AWS::S3::Bucket" => text(&["BucketName"]).map(|name| (name.to_owned(), path)),
                "AWS::Glue::Database" => text(&["DatabaseInput", "Name"])
                    .or(text(&["DatabaseName"]))
                    .map(|name| (format!("database/{name}"), path)),
                "AWS::Kinesis::Stream" => {
                    text(&["Name"]).map(|name| (format!("stream/{name}"), path))
                }
                "AWS::IAM::Role" => text(&["RoleName"]).map(|name| (format!("role/{name}"), path)),
                _ => None,
            };
            let defaults = ["Properties", "DatabaseInput", "CreateTableDefaultPermissions"];
            if let (Some((name, _)), Some(Value::List(none))) = (&known, definition.at(&defaults))
                && none.is_empty()
            {
                names.governed.insert(name.clone());
            }
            if let Some((name, path)) = known {
                // The replica of a bucket has the path of its source and a name of its own.
                let called = if path.is_empty() { name.clone() } else { consent::name_of(path) };
                names.physical.insert(name, called);
            }
            names.resources.insert(id, definition);
        }
        names
    }

    /// A value as text, references to the lake's own resources written out as ARN or name.
    fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::Str(text) => Some(text.to_string()),
            Value::Map(map) => {
                if let Some([_, Value::List(parts)]) = map.get("Fn::Join").and_then(Value::as_list)
                {
                    return parts.iter().map(|part| self.text(part)).collect();
                }
                let (id, arn) = match (map.get("Ref"), map.get("Fn::GetAtt")) {
                    (Some(id), _) => (id.as_str()?, false),
                    (_, Some(path)) => (path.as_list()?.first()?.as_str()?, true),
                    _ => return None,
                };
                let definition = self.resources.get(id)?;
                let name = super::change::name_of_resource(definition)?;
                Some(match kind_of(definition) {
                    "AWS::S3::Bucket" if arn => format!("arn:aws:s3:::{name}"),
                    "AWS::Kinesis::Stream" if arn => format!("arn:aws:kinesis:::stream/{name}"),
                    "AWS::IAM::Role" if arn => format!("arn:aws:iam:::role/{name}"),
                    _ => name,
                })
            }
            _ => None,
        }
    }

    /// What people call the target of an ARN in a policy: `raw/ledger/`, `sales.orders`. `None` for
    /// what is no data (a bucket without its objects, a catalog).
    fn place(&self, service: &str, arn: &str) -> Option<String> {
        if arn == "*" {
            return Some(match service {
                "lakeformation" => "every Lake Formation grant that it has or will get".into(),
                _ => "everything".into(),
            });
        }
        let resource = arn.splitn(6, ':').nth(5)?;
        match service {
            "s3" => {
                let (bucket, key) = resource.split_once('/')?;
                let bucket = self.physical.get(bucket).map_or(bucket, String::as_str);
                if bucket == LAKE {
                    return None;
                }
                Some(format!("{bucket}/{}", key.strip_suffix('*').unwrap_or(key)))
            }
            "glue" => {
                let (database, table) = resource.strip_prefix("table/")?.split_once('/')?;
                if self.governed.contains(&format!("database/{database}")) {
                    return None;
                }
                let database = self
                    .physical
                    .get(&format!("database/{database}"))
                    .map_or(database, String::as_str);
                Some(if table == "*" { database.to_owned() } else { format!("{database}.{table}") })
            }
            "kinesis" => {
                let name = resource.strip_prefix("stream/")?;
                Some(self.physical.get(resource).map_or(name, String::as_str).to_owned())
            }
            _ => None,
        }
    }

    /// A role or user as the spec would write it; our own roles by what they work for.
    fn principal(&self, arn: &str, context: &Context) -> String {
        let account = arn.split(':').nth(4).unwrap_or("");
        let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
        let own = account.is_empty() || account == context.account.as_str();
        let name = resource.rsplit('/').next().unwrap_or("");
        match self.physical.get(&format!("role/{name}")).filter(|_| own) {
            Some(thing) if thing.starts_with(ROLES) => thing.clone(),
            Some(thing) => format!("the role of {thing}"),
            None if resource == "root" => format!("account {account}"),
            None if own => resource.to_owned(),
            None => format!("{account}:{resource}"),
        }
    }
}

fn resources(template: &Value) -> impl Iterator<Item = (&str, &Value)> {
    template.get("Resources").and_then(Value::as_map).into_iter().flat_map(Map::iter)
}

fn grants<'a>(
    templates: impl Iterator<Item = &'a Value>,
    names: &Names,
    context: &Context,
    cause: &dyn Fn(&str, &[&str; 3]) -> Option<String>,
) -> Grants {
    let partition = crate::catalogue::partition_of(context.region.as_str());
    let mut scope = Scope { partition: partition.name, ..Scope::default() };
    for (name, text) in [
        ("AWS::AccountId", context.account.as_str()),
        ("AWS::Region", context.region.as_str()),
        ("AWS::Partition", scope.partition),
    ] {
        scope.values.insert(name.to_owned(), Known::Text(text.to_owned()));
    }
    let mut all = Grants::new();
    for (id, definition) in templates.flat_map(resources) {
        let kind = kind_of(definition);
        let documents: &[&str] = match kind {
            "AWS::S3::BucketPolicy"
            | "AWS::IAM::ManagedPolicy"
            | "AWS::IAM::RolePolicy"
            | "AWS::IAM::Policy" => &["PolicyDocument"],
            "AWS::KMS::Key" => &["KeyPolicy"],
            "AWS::IAM::Role" if path_of(definition).starts_with(ROLES) => {
                &["AssumeRolePolicyDocument"]
            }
            "AWS::Kinesis::ResourcePolicy" => &["ResourcePolicy"],
            "AWS::LakeFormation::PrincipalPermissions" => {
                lake_formation(definition, &scope, names, context, &mut all);
                continue;
            }
            _ => continue,
        };
        let Some(properties) = definition.get("Properties") else { continue };
        let holders = holders(kind, properties, &scope, names, context);
        for property in documents {
            let Some(document) = properties.get(property).and_then(|one| canonical(one, &scope))
            else {
                continue;
            };
            let statements = document.get("Statement").cloned().map(listed).unwrap_or_default();
            for statement in statements {
                let who = match &holders {
                    Some(holders) => holders.clone(),
                    None => principals(&statement, names, context),
                };
                let itself = match kind {
                    "AWS::KMS::Key" => Some("kms"),
                    "AWS::IAM::Role" => Some("sts"),
                    _ => None,
                };
                let key = itself.map(|service| {
                    let called = match path_of(definition) {
                        "" => id.to_owned(),
                        path => consent::name_of(path),
                    };
                    (service, called)
                });
                let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
                let from = cause(id, &[property, "Statement", &format!("[{sid}]")])
                    .unwrap_or_else(|| path_of(definition).to_owned());
                let when = When::of(&statement);
                for (verb, place) in permitted(&statement, key.as_ref(), names) {
                    for who in &who {
                        let grant = (who.clone(), verb.to_owned(), place.clone());
                        note(&mut all, grant, &from, &when);
                    }
                }
            }
        }
    }
    admins(all)
}

/// A grant of Lake Formation's.
fn lake_formation(
    definition: &Value,
    scope: &Scope,
    names: &Names,
    context: &Context,
    all: &mut Grants,
) {
    let Some(properties) = definition.get("Properties").and_then(|one| canonical(one, scope))
    else {
        return;
    };
    let principal = properties.at(&["Principal", "DataLakePrincipalIdentifier"]);
    let Some(principal) = principal.and_then(|one| names.text(one)) else { return };
    let who = match principal.contains(":role/") || principal.contains(":user/") {
        true if principal.contains(":iam:") => names.principal(&principal, context),
        _ => lake_formation::who(&principal, context.account.as_str()),
    };
    let called = |key: String, name: &str| {
        names.physical.get(&key).cloned().unwrap_or_else(|| name.to_owned())
    };
    let database = |name: &str| called(format!("database/{name}"), name);
    let bucket = |name: &str| called(name.to_owned(), name);
    for (verb, place) in lake_formation::permitted(&properties, &database, &bucket) {
        let grant = (who.clone(), verb.to_owned(), place);
        note(all, grant, path_of(definition), &When::always());
    }
}

/// The roles that a policy is attached to; `None` for a policy of a resource.
fn holders(
    kind: &str,
    properties: &Value,
    scope: &Scope,
    names: &Names,
    context: &Context,
) -> Option<Vec<String>> {
    if !kind.starts_with("AWS::IAM::") || kind == "AWS::IAM::Role" {
        return None;
    }
    let mut holders = Vec::new();
    for (key, word) in
        [("Roles", "role"), ("RoleName", "role"), ("Users", "user"), ("Groups", "group")]
    {
        let Some(value) = properties.get(key).and_then(|value| canonical(value, scope)) else {
            continue;
        };
        for name in listed(value) {
            if let Some(name) = names.text(&name) {
                holders.push(names.principal(&format!("arn:aws:iam:::{word}/{name}"), context));
            }
        }
    }
    Some(holders)
}

/// What a statement permits: verbs and places. Denials permit nothing.
/// `itself`: the service of what the policy belongs to, and what that is called; its own policy is about nothing else.
fn permitted(
    statement: &Value,
    itself: Option<&(&str, String)>,
    names: &Names,
) -> Vec<(&'static str, String)> {
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return Vec::new();
    }
    let list = |key: &str| statement.get(key).cloned().map(listed);
    let (actions, except) = match (list("Action"), list("NotAction")) {
        (Some(actions), _) => (actions, false),
        (None, Some(actions)) => (actions, true),
        (None, None) => return Vec::new(),
    };
    let resources: Vec<String> = match list("Resource") {
        Some(resources) => resources.iter().filter_map(|one| names.text(one)).collect(),
        None => vec!["*".into()],
    };
    let mut found = Vec::new();
    for (service, name, verb) in VERBS {
        let full = format!("{service}:{name}");
        let named = actions.iter().filter_map(Value::as_str).any(|action| matches(action, &full));
        if named == except {
            continue;
        }
        match (service, itself) {
            (service, Some((own, called))) if service == *own => found.push((verb, called.clone())),
            // The halves that stand with their holders are told with the key or the role.
            ("kms" | "sts", None) | (_, Some(_)) => {}
            _ => {
                let places = resources.iter().filter_map(|arn| names.place(service, arn));
                found.extend(places.map(|place| (verb, place)));
            }
        }
    }
    found
}

/// Whom a statement of a resource's policy lets in, by its principal and the conditions that narrow
/// it. The root of our own account alone is nobody in particular, and neither is an AWS service that
/// acts for us.
fn principals(statement: &Value, names: &Names, context: &Context) -> Vec<String> {
    let condition = |key: &str| -> Vec<String> {
        let operators = statement.get("Condition").and_then(Value::as_map);
        let positive =
            operators.into_iter().flat_map(Map::iter).filter(|(name, _)| !name.contains("Not"));
        positive
            .filter_map(|(_, keys)| keys.as_map())
            .flat_map(Map::iter)
            .filter(|(own, _)| own.eq_ignore_ascii_case(key))
            .flat_map(|(_, values)| listed(values.clone()))
            .filter_map(|value| names.text(&value))
            .collect()
    };
    let arns = condition("aws:PrincipalArn");
    if !arns.is_empty() {
        return arns.iter().map(|arn| names.principal(arn, context)).collect();
    }
    let paths = condition("aws:PrincipalOrgPaths");
    if !paths.is_empty() {
        let unit = |path: &String| {
            let last = path.split('/').rfind(|part| part.starts_with("ou-")).unwrap_or(path);
            format!("ou/{last}")
        };
        return paths.iter().map(unit).collect();
    }
    let Some(Value::Map(kinds)) = statement.get("Principal") else { return Vec::new() };
    let mut found = Vec::new();
    for (kind, values) in kinds.iter() {
        for value in listed(values.clone()) {
            let Some(text) = names.text(&value) else { continue };
            match kind {
                "AWS" if text == "*" => {
                    let organization = condition("aws:PrincipalOrgID");
                    let accounts = condition("aws:PrincipalAccount");
                    match (organization.first(), accounts.is_empty()) {
                        (_, false) => {
                            found.extend(accounts.iter().map(|id| format!("account {id}")))
                        }
                        (Some(id), _) => found.push(format!("organization {id}")),
                        (None, _) => found.push("everyone".into()),
                    }
                }
                "AWS" => {
                    let own_root = text.ends_with(":root")
                        && text.split(':').nth(4) == Some(context.account.as_str());
                    if !own_root {
                        found.push(names.principal(&text, context));
                    }
                }
                "Service" => {
                    let bound = ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID"];
                    let ours = statement.get("Condition").is_some()
                        && (bound.iter().any(|key| !condition(key).is_empty())
                            || !condition("kms:EncryptionContext:aws:logs:arn").is_empty());
                    if !ours {
                        found.push(format!("anyone through service {text}"));
                    }
                }
                "Federated" => {
                    let provider = text.splitn(6, ':').nth(5).unwrap_or(&text);
                    found.push(provider.replacen("-provider/", "/", 1));
                }
                kind => found.push(format!("{kind} {text}")),
            }
        }
    }
    found
}

/// Who may read, write, delete and manage a place is its admin, in one line.
fn admins(mut all: Grants) -> Grants {
    let admins: Vec<Grant> = all
        .keys()
        .filter(|(_, verb, place)| verb == "admin" && place.contains('/'))
        .cloned()
        .collect();
    for (who, verb, place) in admins {
        let lesser: Vec<Grant> = ["read", "write", "delete"]
            .iter()
            .map(|lesser| (who.clone(), (*lesser).to_owned(), place.clone()))
            .collect();
        let admin = (who, verb, place);
        if lesser.iter().all(|grant| all.contains_key(grant)) {
            let when = all[&admin].when.words();
            for grant in lesser {
                if all[&grant].when.words() == when {
                    all.remove(&grant);
                }
            }
        } else {
            all.remove(&admin);
        }
    }
    all
}

/// Whether an action of a policy, with its wildcards, covers an action. Case means nothing
/// (IAM User Guide, "IAM JSON policy elements: Action").
fn matches(pattern: &str, action: &str) -> bool {
    fn go(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                go(&pattern[1..], text) || (!text.is_empty() && go(pattern, &text[1..]))
            }
            (Some(b'?'), Some(_)) => go(&pattern[1..], &text[1..]),
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b) && go(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    go(pattern.as_bytes(), action.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn actions_match_with_wildcards_and_any_case() {
        assert!(matches("s3:get*", "s3:GetObject"));
        assert!(matches("*", "s3:GetObject"));
        assert!(matches("s3:Get?bject", "s3:GetObject"));
        assert!(!matches("s3:Put*", "s3:GetObject"));
    }
}
