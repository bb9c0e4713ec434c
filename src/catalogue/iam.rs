//! IAM's actions: what each does, on which resources, and which conditions it knows.
//!
//! Source: AWS's service authorization reference, for the 56 services that a data lake meets; see NOTICE. Names are
//! found whatever their case, as IAM finds them, and come back in AWS's spelling.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::lines::Lines;
use super::nearest::nearest;

/// What AWS files an action under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    List,
    Read,
    Write,
    Tagging,
    PermissionsManagement,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::List => "List",
            Level::Read => "Read",
            Level::Write => "Write",
            Level::Tagging => "Tagging",
            Level::PermissionsManagement => "Permissions management",
        })
    }
}

/// An action of a service.
#[derive(Debug)]
pub struct Action {
    /// The service's prefix, such as `s3`.
    pub service: &'static str,
    /// Such as `GetObject`.
    pub name: &'static str,
    pub level: Level,
    /// Whether AWS once filed it under permissions management and no longer does, as it did with `iam:CreateRole`.
    pub once_permissions: bool,
    /// What it works on. Empty: only the resource `*`.
    pub resources: Vec<On>,
    /// The condition keys that it knows on every resource.
    pub keys: &'static [&'static str],
    /// Other actions that it needs to succeed.
    pub needs: Vec<&'static str>,
}

/// A type of resource that an action works on.
#[derive(Debug)]
pub struct On {
    /// The name of the type, as in [`Service::resource`].
    pub resource: &'static str,
    /// Whether a policy must allow a resource of this type for the action to work.
    pub required: bool,
    /// The condition keys that the action knows on this type only.
    pub keys: &'static [&'static str],
}

/// A type of resource of a service.
#[derive(Debug)]
pub struct Resource {
    /// Such as `bucket`.
    pub name: &'static str,
    /// The form of its ARN, such as `arn:${Partition}:s3:::${BucketName}`.
    pub arn: &'static str,
    /// The condition keys that it knows.
    pub keys: &'static [&'static str],
}

/// A condition key: a service's own, or one of all services.
#[derive(Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// Such as `s3:prefix`, `aws:RequestTag/${TagKey}`.
    pub name: &'static str,
    /// AWS's word for its values: `String`, `ARN`, `Bool`, `Date`, `Numeric`, `IPAddress`, ...
    pub kind: &'static str,
    /// Whether a request has several values of it, so that a condition needs `ForAllValues` or `ForAnyValue`.
    pub several: bool,
}

/// A service, by the prefix of its actions.
#[derive(Debug)]
pub struct Service {
    /// Such as `s3`.
    pub prefix: &'static str,
    /// Such as `Amazon S3`.
    pub title: &'static str,
    /// Ascending by name, whatever the case.
    pub actions: Vec<Action>,
    /// Ascending by name.
    pub resources: Vec<Resource>,
    /// Ascending by name.
    pub keys: Vec<ConditionKey>,
}

static SERVICES: LazyLock<Lines<Service>> =
    LazyLock::new(|| Lines::new(include_str!("data/iam.jsonl"), read));

static GLOBAL: LazyLock<Vec<ConditionKey>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'static"))]
    struct Table {
        keys: BTreeMap<&'static str, &'static str>,
    }
    let table: Table = serde_json::from_str(include_str!("data/global-keys.json"))
        .expect("invariant: the table of global condition keys is well formed");
    table.keys.into_iter().map(key).collect()
});

/// The service whose actions begin with `prefix`, whatever its case.
pub fn service(prefix: &str) -> Option<&'static Service> {
    SERVICES.get(prefix).or_else(|| SERVICES.get(&prefix.to_ascii_lowercase()))
}

/// All services, ascending by prefix. Reads every line: a few milliseconds the first time.
pub fn services() -> impl Iterator<Item = &'static Service> {
    SERVICES.iter()
}

/// All actions, ascending by service and name.
pub fn actions() -> impl Iterator<Item = &'static Action> {
    services().flat_map(|service| &service.actions)
}

/// The action called `name`, such as `s3:getobject`, whatever its case.
pub fn action(name: &str) -> Option<&'static Action> {
    let (prefix, name) = name.split_once(':')?;
    let actions = &service(prefix)?.actions;
    let at = actions.binary_search_by(|known| caseless(known.name, name)).ok()?;
    Some(&actions[at])
}

/// The actions that a policy's `pattern` stands for: `s3:Get*`, `*`, `kms:?ncrypt`. Ascending by service and name;
/// only of services that are known.
pub fn matching(pattern: &str) -> impl Iterator<Item = &'static Action> {
    let (prefix, name) = pattern.split_once(':').unwrap_or((pattern, "*"));
    let (prefix, name) = (prefix.to_ascii_lowercase(), name.to_ascii_lowercase());
    let all = prefix == "*";
    SERVICES
        .names()
        .filter(move |known| all || *known == prefix)
        .filter_map(service)
        .flat_map(|service| &service.actions)
        .filter(move |action| wild(name.as_bytes(), action.name.as_bytes()))
}

/// Whether a policy's `pattern` (`s3:Get*`, `*`) stands for the action called `name`, known or not, whatever their case.
pub fn stands_for(pattern: &str, name: &str) -> bool {
    wild(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes())
}

/// A service's type of resource.
pub fn resource_type(service_prefix: &str, name: &str) -> Option<&'static Resource> {
    service(service_prefix)?.resource(name)
}

/// The condition key that `name` (`s3:prefix`, `aws:RequestTag/team`) is for the actions of a service: its own, or one
/// of all services. Whatever its case.
pub fn condition_key(service_prefix: &str, name: &str) -> Option<&'static ConditionKey> {
    let own = service(service_prefix).map_or(&[][..], |service| &service.keys);
    let fits = |key: &&ConditionKey| key.is_called(name);
    own.iter().find(fits).or_else(|| GLOBAL.iter().find(fits))
}

/// What a mistyped action most likely meant, in AWS's spelling.
pub fn suggest_action(name: &str) -> Option<String> {
    let (prefix, name) = name.split_once(':')?;
    let known = match service(prefix) {
        Some(service) => service,
        None => service(nearest(prefix, SERVICES.names())?)?,
    };
    let names = known.actions.iter().map(|action| action.name);
    Some(format!("{}:{}", known.prefix, nearest(name, names)?))
}

impl Action {
    /// Such as `s3:GetObject`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }

    /// Whether a request for this action can carry a condition key: on any of its resources, or as a key of all
    /// services that needs no support. `name` as in a policy, whatever its case.
    pub fn knows(&self, name: &str) -> bool {
        let service = service(self.service).expect("invariant: an action's service is known");
        let on = |on: &On| {
            on.keys.iter().chain(service.resource(on.resource).map_or(&[][..], |r| r.keys))
        };
        let mut keys = self.keys.iter().chain(self.resources.iter().flat_map(on));
        keys.any(|key| is_called(key, name))
            || GLOBAL.iter().any(|key| key.is_called(name) && !key.name.contains("Tag"))
    }
}

impl Service {
    /// The type of resource called `name`.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        let at = self.resources.binary_search_by(|known| known.name.cmp(name)).ok()?;
        Some(&self.resources[at])
    }
}

impl ConditionKey {
    /// Whether a policy's `name` is this key; `aws:RequestTag/team` is `aws:RequestTag/${TagKey}`.
    pub fn is_called(&self, name: &str) -> bool {
        is_called(self.name, name)
    }
}

fn is_called(key: &str, name: &str) -> bool {
    let Some((head, tail)) = key.split_once("${") else {
        return key.eq_ignore_ascii_case(name);
    };
    let tail = tail.split_once('}').map_or("", |(_, tail)| tail);
    let starts = name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
    starts && name.len() > head.len() + tail.len() && name.ends_with(tail)
}

fn caseless(a: &str, b: &str) -> Ordering {
    let a = a.bytes().map(|b| b.to_ascii_lowercase());
    a.cmp(b.bytes().map(|b| b.to_ascii_lowercase()))
}

/// Whether a lower-case pattern with `*` and `?` is all of `text`, whatever its case.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t].to_ascii_lowercase() => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[derive(Deserialize)]
struct Line {
    name: &'static str,
    title: &'static str,
    actions: BTreeMap<&'static str, ActionLine>,
    resources: BTreeMap<&'static str, ResourceLine>,
    keys: BTreeMap<&'static str, &'static str>,
    sets: Vec<Vec<&'static str>>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct ActionLine {
    l: &'static str,
    r: Vec<&'static str>,
    c: Option<usize>,
    rc: BTreeMap<&'static str, usize>,
    d: Vec<&'static str>,
    lp: u8,
}

#[derive(Deserialize)]
struct ResourceLine {
    arn: &'static str,
    c: Option<usize>,
}

fn read(line: &'static str) -> Service {
    let line: Line =
        serde_json::from_str(line).expect("invariant: a line of IAM facts is well formed");
    // the sets live as long as the service, which is never dropped
    let sets: Vec<&'static [&'static str]> =
        line.sets.into_iter().map(|set| &*set.leak()).collect();
    let set = |number: Option<&usize>| number.map_or(&[][..], |number| sets[*number]);
    let action = |(name, action): (&'static str, ActionLine)| Action {
        service: line.name,
        name,
        level: match action.l {
            "L" => Level::List,
            "R" => Level::Read,
            "T" => Level::Tagging,
            "P" => Level::PermissionsManagement,
            _ => Level::Write,
        },
        once_permissions: action.lp == 1,
        resources: action
            .r
            .iter()
            .map(|marked| marked.strip_suffix('*').map_or((*marked, false), |name| (name, true)))
            .map(|(resource, required)| On {
                resource,
                required,
                keys: set(action.rc.get(resource)),
            })
            .collect(),
        keys: set(action.c.as_ref()),
        needs: action.d,
    };
    let mut actions: Vec<Action> = line.actions.into_iter().map(action).collect();
    actions.sort_by(|a, b| caseless(a.name, b.name));
    let resource = |(name, resource): (&'static str, ResourceLine)| Resource {
        name,
        arn: resource.arn,
        keys: set(resource.c.as_ref()),
    };
    Service {
        prefix: line.name,
        title: line.title,
        actions,
        resources: line.resources.into_iter().map(resource).collect(),
        keys: line.keys.into_iter().map(key).collect(),
    }
}

fn key((name, kind): (&'static str, &'static str)) -> ConditionKey {
    match kind.strip_prefix("ArrayOf") {
        Some(kind) => ConditionKey { name, kind, several: true },
        None => ConditionKey { name, kind, several: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_whatever_its_case() {
        let action = action("S3:getobject").expect("a known action");
        assert_eq!(action.full_name(), "s3:GetObject");
        assert_eq!(action.level, Level::Read);
        assert!(action.resources.iter().any(|on| on.resource == "object"));
        assert!(super::action("s3:GetObjects").is_none());
        assert!(super::action("GetObject").is_none());
        let pass = super::action("iam:PassRole").expect("a known action");
        assert!(pass.resources.iter().any(|on| on.resource == "role" && on.required));
    }

    #[test]
    fn permissions_management_is_known_even_where_aws_moved_it() {
        let create = action("iam:CreateRole").expect("a known action");
        assert!(create.once_permissions || create.level == Level::PermissionsManagement);
        let policy = action("s3:PutBucketPolicy").expect("a known action");
        assert_eq!(policy.level, Level::PermissionsManagement);
        assert_eq!(policy.level.to_string(), "Permissions management");
    }

    #[test]
    fn resources_have_their_arn() {
        let bucket = resource_type("s3", "bucket").expect("a known type");
        assert_eq!(bucket.arn, "arn:${Partition}:s3:::${BucketName}");
        assert!(resource_type("s3", "pail").is_none());
        for action in actions() {
            let service = service(action.service).expect("its service");
            for on in &action.resources {
                assert!(
                    service.resource(on.resource).is_some(),
                    "{} {}",
                    action.full_name(),
                    on.resource
                );
            }
        }
    }

    #[test]
    fn condition_keys_of_a_service_and_of_all() {
        assert_eq!(condition_key("s3", "s3:Prefix").map(|key| key.name), Some("s3:prefix"));
        let tag = condition_key("sns", "aws:RequestTag/team").expect("a known key");
        assert_eq!(tag.name, "aws:RequestTag/${TagKey}");
        let paths = condition_key("s3", "aws:PrincipalOrgPaths").expect("a known key");
        assert!(paths.several && paths.kind == "String");
        assert_eq!(condition_key("s3", "aws:SecureTransport").map(|key| key.kind), Some("Bool"));
        assert!(condition_key("s3", "aws:PrincipalOrgUnit").is_none());
        assert!(condition_key("kms", "s3:prefix").is_none());
        let list = action("s3:ListBucket").expect("a known action");
        assert!(list.knows("s3:prefix") && list.knows("aws:PrincipalOrgID"));
        assert!(!action("s3:PutObject").expect("a known action").knows("s3:prefix"));
    }

    #[test]
    fn patterns_stand_for_actions() {
        let names: Vec<_> = matching("kms:?ncrypt").map(Action::full_name).collect();
        assert_eq!(names, ["kms:Encrypt"]);
        assert!(matching("s3:Get*").all(|action| action.name.starts_with("Get")));
        assert!(matching("s3:get*object").any(|action| action.name == "GetObject"));
        assert_eq!(matching("*").count(), actions().count());
        assert_eq!(matching("nothing:*").count(), 0);
    }

    #[test]
    fn a_slip_is_understood() {
        assert_eq!(suggest_action("s3:GetObjetc").as_deref(), Some("s3:GetObject"));
        assert_eq!(suggest_action("glu:GetTable").as_deref(), Some("glue:GetTable"));
        assert_eq!(suggest_action("s3:Frobnicate"), None);
        assert_eq!(suggest_action("s3"), None);
    }

    #[test]
    fn there_are_as_many_as_the_reference_has() {
        assert_eq!(services().count(), 56);
        assert_eq!(actions().count(), 4838);
        for service in services() {
            let ascend = |a: &Action, b: &Action| caseless(a.name, b.name) == Ordering::Less;
            assert!(service.actions.is_sorted_by(ascend), "{}", service.prefix);
        }
    }
}
