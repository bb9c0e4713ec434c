//! What two documents of one name are filled with before they are compared.
//!
//! In goes the built-in document, out come sets of arguments: each optional parameter with and without a value, a list
//! with one value and with two, prefixes that are empty and prefixes full of wildcards, every form of a grantee.
//! Invariant: a value that stands for any value is one that neither document names, so that what a document spells out
//! is not taken for its placeholder. What a lake knows of itself (account, region, partition) is the lake's.

use crate::lake::Home;
use crate::policy::{Argument, Document, Grantee, Kind};

/// Arguments by name, and how a person would call them.
#[derive(Debug, Clone)]
pub struct Set {
    pub arguments: Vec<(String, Argument)>,
    pub shown: String,
}

/// With more optional parameters than this, they are left out one at a time instead of in every combination.
const COMBINED: usize = 4;

/// The sets for a document; `texts` are what no value may stand in.
pub fn sets(ours: &Document, home: &Home, texts: &[&str]) -> Vec<Set> {
    let (salt, tried) = salt(texts);
    let fresh = Fresh { home, salt, tried };
    let optional: Vec<&str> = ours
        .parameters
        .iter()
        .filter(|(_, parameter)| parameter.absent.is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut sets = Vec::new();
    for absent in absences(&optional) {
        for form in 0..fresh.forms(ours) {
            for shape in shapes(ours, absent.is_empty()) {
                sets.push(fresh.set(ours, &absent, form, shape));
            }
        }
    }
    sets
}

/// How lists and prefixes look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    Two,
    /// Prefixes with characters that mean something elsewhere.
    Wild,
    /// The whole bucket.
    Whole,
}

fn shapes(ours: &Document, all: bool) -> Vec<Shape> {
    let mut shapes = vec![Shape::One];
    if all && ours.parameters.values().any(|it| it.list) {
        shapes.push(Shape::Two);
    }
    if all && ours.parameters.values().any(|it| it.kind.is_free_text()) {
        shapes.push(Shape::Wild);
    }
    if all && ours.parameters.values().any(|it| it.kind == Kind::Prefix && it.absent.is_none()) {
        shapes.push(Shape::Whole);
    }
    shapes
}

fn absences<'a>(optional: &[&'a str]) -> Vec<Vec<&'a str>> {
    if optional.len() > COMBINED {
        let mut all = vec![Vec::new(), optional.to_vec()];
        all.extend(optional.iter().map(|name| vec![*name]));
        return all;
    }
    (0..1_usize << optional.len())
        .map(|mask| {
            let chosen = optional.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
            chosen.map(|(_, name)| *name).collect()
        })
        .collect()
}

/// A word that no text holds, and how many were tried before it.
fn salt(texts: &[&str]) -> (String, u64) {
    let texts: Vec<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
    let mut tried = 0_u64;
    loop {
        let word = if tried == 0 { "sample".to_owned() } else { format!("sample{tried}x") };
        let account = account_of(tried).to_string();
        if !texts.iter().any(|text| text.contains(&word) || text.contains(&account[..9])) {
            return (word, tried);
        }
        tried += 1;
    }
}

/// The first of a thousand accounts.
fn account_of(tried: u64) -> u64 {
    730_000_000_000 + tried % 1_000_000 * 1_000
}

struct Fresh<'a> {
    home: &'a Home,
    salt: String,
    tried: u64,
}

impl Fresh<'_> {
    fn set(&self, ours: &Document, absent: &[&str], form: usize, shape: Shape) -> Set {
        let mut arguments = Vec::new();
        let mut shown = Vec::new();
        for (name, parameter) in &ours.parameters {
            if absent.contains(&name.as_str()) {
                shown.push(format!("no {name}"));
                continue;
            }
            let argument = if parameter.kind == Kind::Grantee {
                let grantee = self.grantee(form);
                shown.push(format!("{name}={}", told(&grantee)));
                Argument::Grantee(grantee)
            } else {
                let first = self.value(name, parameter.kind, 1, shape);
                let values = match (parameter.list, shape) {
                    (true, Shape::Two) => vec![first, self.value(name, parameter.kind, 2, shape)],
                    _ => vec![first],
                };
                shown.push(format!("{name}={}", values.join(",")));
                match parameter.list {
                    true => values.into(),
                    false => Argument::from(&values[0]),
                }
            };
            arguments.push((name.clone(), argument));
        }
        Set { arguments, shown: shown.join(", ") }
    }

    fn forms(&self, ours: &Document) -> usize {
        if ours.parameters.values().any(|it| it.kind == Kind::Grantee) { 5 } else { 1 }
    }

    fn grantee(&self, form: usize) -> Grantee {
        let partition = self.home.partition.to_owned();
        let account = self.account(3);
        let org_id = self.organization(1);
        let user = format!("arn:{partition}:iam::{account}:user/{}", self.salt);
        let role = format!("arn:{partition}:iam::{account}:role/{}", self.salt);
        match form {
            0 => Grantee::Account { partition, account, org_id: None },
            1 => Grantee::Account { partition, account, org_id: Some(org_id) },
            2 => Grantee::Principals { partition, account, arns: vec![role, user] },
            3 => Grantee::Units { org_id, units: vec![self.unit(1), self.unit(2)] },
            _ => Grantee::Organization { org_id },
        }
    }

    fn account(&self, number: usize) -> String {
        (account_of(self.tried) + number as u64).to_string()
    }

    fn organization(&self, number: usize) -> String {
        format!("o-{}{number:09}", self.salt)
    }

    fn unit(&self, number: usize) -> String {
        format!("ou-{}-{number:08}", self.salt)
    }

    /// A value of the kind; what the lake knows of itself is that.
    fn value(&self, name: &str, kind: Kind, number: usize, shape: Shape) -> String {
        let home = self.home;
        let (partition, region, account) =
            (home.partition, home.region.as_str(), home.account.as_str());
        let word = format!("{}{number}", self.salt);
        let placed = |service: &str, rest: &str| {
            format!("arn:{partition}:{service}:{region}:{account}:{rest}")
        };
        let iam = |rest: &str| format!("arn:{partition}:iam::{account}:{rest}");
        let odd = shape == Shape::Wild;
        match (name, kind) {
            ("account" | "owner", Kind::AccountId) => account.to_owned(),
            ("region", Kind::Region) if number == 1 => region.to_owned(),
            (_, Kind::Partition) => partition.to_owned(),
            ("dns_suffix", Kind::DnsSuffix) => home.dns_suffix.to_owned(),
            (_, Kind::AccountId) => self.account(number),
            (_, Kind::Audience) => format!("{word}.audience.example"),
            (_, Kind::Cidr) => format!("198.51.{}.{}/32", self.tried % 200, 10 + number),
            (_, Kind::BucketArn) => format!("arn:{partition}:s3:::{word}-bucket"),
            (_, Kind::DatabaseName | Kind::TableName) => format!("{word}_{name}"),
            (_, Kind::DnsSuffix) => format!("{word}.example"),
            (_, Kind::ExternalId) => format!("{word}-external"),
            (_, Kind::OidcProvider) => format!("{word}.provider.example"),
            (_, Kind::OidcProviderArn) => iam(&format!("oidc-provider/{word}.provider.example")),
            (_, Kind::SamlProviderArn) => iam(&format!("saml-provider/{word}")),
            (_, Kind::Subject) => format!("{word}:subject"),
            (_, Kind::TagKey) => format!("{word}-key"),
            (_, Kind::TagValue) => format!("{word} value"),
            (_, Kind::VpcEndpointId) => format!("vpce-{:08x}", self.tried * 16 + number as u64),
            (_, Kind::VpcId) => format!("vpc-{:08x}", self.tried * 16 + number as u64),
            (_, Kind::False) => "false".to_owned(),
            (_, Kind::JobArn) => placed("glue", &format!("job/{word}")),
            (_, Kind::KeyArn) => placed("kms", &format!("key/{word}")),
            (_, Kind::LogGroupName) => format!("/{word}/logs"),
            (_, Kind::NamePrefix) => format!("{word}-"),
            (_, Kind::Namespace) => word,
            (_, Kind::ObjectKey) if odd => format!("{word}/*?${{aws:username}}/object.py"),
            (_, Kind::ObjectKey) => format!("{word}/object.py"),
            (_, Kind::OrgId) => self.organization(number),
            (_, Kind::OuId) => self.unit(number),
            (_, Kind::PolicyArn) => iam(&format!("policy/{word}")),
            (_, Kind::Prefix) if shape == Shape::Whole => String::new(),
            (_, Kind::Prefix) if odd => format!("{word}/*?${{aws:username}}/"),
            (_, Kind::Prefix) => format!("{word}/in/"),
            (_, Kind::PrincipalArn | Kind::RoleArn) => iam(&format!("role/{word}")),
            (_, Kind::Region) => format!("{}-side-{number}", self.salt),
            (_, Kind::RuleArn) => placed("events", &format!("rule/{word}")),
            (_, Kind::ScheduleGroupArn) => placed("scheduler", &format!("schedule-group/{word}")),
            (_, Kind::ServiceCode) => word,
            (_, Kind::StreamArn) => placed("kinesis", &format!("stream/{word}")),
            (_, Kind::TopicArn) => placed("sns", &word),
            (_, Kind::WorkgroupArn) => placed("athena", &format!("workgroup/{word}")),
            (_, Kind::Grantee) => unreachable!("invariant: a grantee is no text"),
        }
    }
}

fn told(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Account { account, org_id: None, .. } => format!("account {account}"),
        Grantee::Account { account, org_id: Some(id), .. } => format!("account {account} of {id}"),
        Grantee::Principals { arns, .. } => arns.join(" and "),
        Grantee::Units { units, .. } => units.join(" and "),
        Grantee::Organization { org_id } => format!("the organization {org_id}"),
    }
}
