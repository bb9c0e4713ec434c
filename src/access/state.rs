//! A state of access, as values.
//!
//! Names are whole ARNs where the templates tell them. What CloudFormation will only know after creation stands as
//! the reference that it is, with the stack's name before the logical id, so that one thing has one name in all
//! stacks of a state and in both states of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::OpenTemplates;
use super::guards::Guards;
use super::results::Results;
use crate::document::Value;

/// Everything that templates say about access.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// By ARN. A role that is named and not made here has the ARN without a path.
    pub principals: BTreeMap<String, Principal>,
    /// By ARN, or by the reference in its place.
    pub resources: BTreeMap<String, Guarded>,
    /// Managed policies that templates make, by ARN or by the reference in its place: whoever elsewhere carries one may
    /// do what it says.
    pub managed: BTreeMap<String, Held>,
    /// Grants of Lake Formation, ascending.
    pub grants: Vec<Grant>,
    /// Filters of rows and columns that grants name, by `database.table.name`.
    pub filters: BTreeMap<String, Filter>,
    /// Tags of Lake Formation on databases, tables and columns, ascending.
    pub tagged: Vec<Tagged>,
    /// The tables of the catalog that templates make: database and name.
    pub tables: BTreeSet<(String, String)>,
    /// What runs code as a role, by ARN or reference.
    pub runners: BTreeMap<String, Runner>,
    /// Where the objects of tables lie: an ARN of S3 by database and name.
    pub locations: BTreeMap<(String, String), String>,
    /// What buckets have S3 write elsewhere, ascending.
    pub transfers: Vec<Transfer>,
    /// Where the results of Athena's workgroups go, by region and name.
    pub results: BTreeMap<String, Results>,
    /// What these templates say that is not modelled.
    pub unread: Vec<Unread>,
    /// What guards data beside access, by stack and logical id.
    pub guards: BTreeMap<(String, String), Guards>,
    /// The type of each resource that stands in a policy as a reference, by `stack/LogicalId`.
    pub references: BTreeMap<String, String>,
    /// The templates, where parameters and conditions leave something open.
    pub open: Option<OpenTemplates>,
}

/// Where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    pub stack: String,
    pub logical_id: String,
    /// The path in a spec, empty in a template of somebody else's.
    pub path: String,
}

/// A policy document and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// With references resolved as far as the templates tell.
    pub document: Value,
    pub origin: Origin,
    /// `PolicyDocument`, `Policies/0`: the property, in the notation of a path.
    pub property: String,
    /// The path in a spec of each statement, where it is known more precisely than that of the resource.
    pub paths: Vec<String>,
}

impl Held {
    /// Where the statement of a number stands.
    pub fn origin_of(&self, statement: usize) -> Origin {
        match self.paths.get(statement) {
            Some(path) if !path.is_empty() => Origin { path: path.clone(), ..self.origin.clone() },
            _ => self.origin.clone(),
        }
    }

    /// Asks for the spec path of each statement, by the property's steps: `PolicyDocument`, `Statement`, `[Sid]`.
    fn trace(&mut self, path: &dyn Fn(&Origin, &[&str]) -> Option<String>) {
        let statements = match self.document.get("Statement") {
            Some(Value::List(list)) => list.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let of = |statement: &Value| {
            let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
            let sid = format!("[{sid}]");
            let mut steps: Vec<&str> = self.property.split('/').collect();
            steps.extend(["Statement", &sid]);
            path(&self.origin, &steps).unwrap_or_default()
        };
        self.paths = statements.into_iter().map(of).collect();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    Role,
    User,
    Group,
}

impl PrincipalKind {
    /// The word in an ARN.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::Role => "role",
            PrincipalKind::User => "user",
            PrincipalKind::Group => "group",
        }
    }

    /// The word in the name of a type.
    pub fn title(self) -> &'static str {
        match self {
            PrincipalKind::Role => "Role",
            PrincipalKind::User => "User",
            PrincipalKind::Group => "Group",
        }
    }
}

/// Somebody who can hold identity policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    pub kind: PrincipalKind,
    /// Where it is made; `None` for one that the templates only name.
    pub origin: Option<Origin>,
    /// Inline and attached policies, in the order of the templates.
    pub identity: Vec<Held>,
    /// Policies that are attached by ARN and stand in no template of the state.
    pub attached: BTreeSet<String>,
    /// Groups that a user is in, by ARN.
    pub groups: BTreeSet<String>,
    /// A role's trust policy.
    pub trust: Option<Held>,
    pub boundary: Boundary,
    /// The account of the template that speaks of it.
    pub account: String,
}

impl Principal {
    pub(super) fn new(kind: PrincipalKind, account: &str) -> Self {
        Principal {
            kind,
            account: account.to_owned(),
            origin: None,
            identity: Vec::new(),
            attached: BTreeSet::new(),
            groups: BTreeSet::new(),
            trust: None,
            boundary: Boundary::None,
        }
    }
}

/// The permissions boundary of a role or user.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Boundary {
    #[default]
    None,
    /// The document stands in a template of the state.
    Read(Held),
    /// Its ARN; the document is elsewhere.
    Unread(String),
}

/// A resource that has a policy of its own, or could have.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// `AWS::S3::Bucket`: what is guarded, not the type that carries the policy.
    pub kind: String,
    /// Where it is made; `None` for one that is only named.
    pub origin: Option<Origin>,
    /// One, except where two templates write one policy.
    pub policies: Vec<Held>,
    /// A bucket's public access block; `None` where the template gives none.
    pub public_access: Option<PublicAccess>,
    /// A bucket's setting of who owns its objects, as the template has it: whether access control lists count.
    pub ownership: Option<Value>,
    /// The account of the template that speaks of it.
    pub account: String,
    /// `aws`.
    pub partition: &'static str,
    /// A bucket's KMS key: its ARN, or the reference to it.
    pub key: Option<String>,
    /// Whether it stays when its stack lets go of it and the policy does not.
    pub outlives_policy: bool,
    /// Whether KMS is told not to look whether a key's policy can be changed again
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key>).
    pub unchecked: bool,
}

/// The four settings of a bucket's public access block
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>). A setting that
/// a template leaves out is false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublicAccess {
    pub block_acls: bool,
    pub ignore_acls: bool,
    pub block_policy: bool,
    pub restrict: bool,
}

/// A grant of Lake Formation.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// An ARN, an account, `IAM_ALLOWED_PRINCIPALS`, as Lake Formation names it.
    pub principal: String,
    /// The resource as `AWS::LakeFormation::PrincipalPermissions` has it, references resolved.
    pub resource: Value,
    pub permissions: BTreeSet<String>,
    pub with_grant_option: BTreeSet<String>,
    pub origin: Origin,
}

/// A filter of Lake Formation: which columns and rows of a table a grant shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The columns that it shows, or that it hides where `excludes` is set.
    pub columns: BTreeSet<String>,
    pub excludes: bool,
    /// The row filter's expression, white space made one blank; `None` for all rows.
    pub rows: Option<String>,
    pub origin: Origin,
}

/// Tags of Lake Formation on a database, on a table, or on columns of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tagged {
    pub database: String,
    /// `None`: the database itself.
    pub table: Option<String>,
    /// None: the table itself.
    pub columns: BTreeSet<String>,
    /// Key to values.
    pub tags: BTreeMap<String, BTreeSet<String>>,
    pub origin: Origin,
}

/// Something that executes code or moves data as a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Runner {
    /// `AWS::Glue::Job`.
    pub kind: String,
    /// ARN of the role, or the reference.
    pub role: String,
    /// ARNs of the objects in S3 that are executed, one each.
    pub code: BTreeSet<String>,
    pub origin: Origin,
}

/// What S3 writes from one bucket to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// The bucket's ARN, or the reference to it.
    pub from: String,
    pub to: String,
    /// How the keys of the objects begin.
    pub prefix: String,
    /// Of copies the role that S3 takes; of access logs none.
    pub role: Option<String>,
    pub origin: Origin,
}

/// What is about access and not modelled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    pub origin: Origin,
    /// `AWS::Lambda::Permission`.
    pub kind: String,
    /// The property that looks like access, or empty for the whole resource.
    pub property: String,
    /// Why, as a clause: "the type is not modelled".
    pub why: String,
    /// The value itself, on one line of JSON: two states that say the same of it agree. Empty where nobody looked.
    pub value: String,
}

impl State {
    /// Asks where in a spec each statement comes from: by the resource and the steps to the statement.
    pub fn trace(&mut self, path: &dyn Fn(&Origin, &[&str]) -> Option<String>) {
        for one in self.principals.values_mut() {
            let boundary = match &mut one.boundary {
                Boundary::Read(held) => Some(held),
                Boundary::None | Boundary::Unread(_) => None,
            };
            let held = one.identity.iter_mut().chain(&mut one.trust).chain(boundary);
            held.for_each(|held| held.trace(path));
        }
        let guarded = self.resources.values_mut().flat_map(|one| &mut one.policies);
        guarded.for_each(|held| held.trace(path));
    }

    /// Puts the document of a managed policy where only its ARN was known: attached to principals, and as their boundary.
    /// Whether anything named it.
    pub fn supply(&mut self, arn: &str, document: &Value) -> bool {
        let held = Held {
            document: document.clone(),
            origin: Origin::default(),
            property: arn.to_owned(),
            paths: Vec::new(),
        };
        if let Some(open) = &mut self.open {
            open.documents.push((arn.to_owned(), document.clone()));
        }
        // what the catalogue knows of a policy that AWS manages is only a copy of a day
        let is_copy = |one: &Held| one.property.starts_with(&format!("{arn} as of "));
        let mut named = false;
        for principal in self.principals.values_mut() {
            if principal.attached.remove(arn) {
                principal.identity.push(held.clone());
                named = true;
            }
            for copy in principal.identity.iter_mut().filter(|one| is_copy(one)) {
                *copy = held.clone();
                named = true;
            }
            let is_boundary = match &principal.boundary {
                Boundary::Unread(boundary) => boundary == arn,
                Boundary::Read(boundary) => is_copy(boundary),
                Boundary::None => false,
            };
            if is_boundary {
                principal.boundary = Boundary::Read(held.clone());
                named = true;
            }
        }
        named
    }
}
