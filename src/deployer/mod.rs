//! The least that whoever deploys a lake has to be allowed, as policies to attach.
//!
//! In: a lake, its compiled templates, the vocabulary. Out: [`Policies`]: what lakewright's own calls need, from
//! documents of `policies/`, and what CloudFormation's resource handlers need, from the catalogue, each scoped to what
//! the lake is made of. What handlers do is allowed through CloudFormation only (`aws:CalledVia`), roles are made only
//! with the permissions boundary, and the result says in a sentence what its holder can still reach.
//! INVARIANT: an action stands in a policy because a document or a handler's list names it, never because this source
//! does. Read next: `scope` for whose ARNs are the lake's.

mod boundary;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use scope::Scope;

use crate::catalogue::{Handler, iam, resource_type};
use crate::document::{Map, Value};
use crate::lake::Lake;
use crate::policy::{Argument, Effect, Library, Policy, Statement, TooLarge, limit};
use crate::stacks::Stack;

/// What the holder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `plan`, `status`, `output`, `drift`.
    Plan,
    /// The same, and `plan --change-sets`.
    ChangeSets,
    /// Everything, `destroy` and `recover` too.
    Apply,
    /// The ceiling of the roles that the lake makes.
    Boundary,
}

/// Policies, and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Policies {
    /// For whom, a name for a managed policy, and the document. All of one holder belong to it together. None where
    /// the boundary of a lake that makes no roles is asked for.
    pub policies: Vec<Named>,
    /// What the holder can reach with them, in one sentence.
    pub reaches: String,
    /// What a handler's list names and the policies do without, with the reason.
    pub left_out: BTreeMap<String, String>,
}

/// A policy with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// `deployer`, `execution role`, `boundary`.
    pub holder: &'static str,
    pub name: String,
    pub document: Value,
}

/// Why there are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPolicies {
    /// Only of a lake that makes roles.
    #[error("the environment names no permissions boundary")]
    NoBoundary,
    #[error("{0}")]
    TooLarge(#[from] TooLarge),
}

/// The policies for a purpose.
pub fn policies(
    lake: &Lake,
    stacks: &[Stack],
    base_buckets: &[String],
    library: &Library,
    purpose: Purpose,
) -> Result<Policies, NoPolicies> {
    if purpose == Purpose::Boundary {
        return boundary::boundary(lake, stacks);
    }
    let scope = Scope::new(lake, stacks);
    let maker = Maker { lake, stacks, library, base_buckets, scope, left_out: BTreeMap::new() };
    maker.deployer(purpose)
}

struct Maker<'a> {
    lake: &'a Lake,
    stacks: &'a [Stack],
    library: &'a Library,
    base_buckets: &'a [String],
    scope: Scope<'a>,
    left_out: BTreeMap<String, String>,
}

/// Type, then action, then why it is not needed.
static UNNEEDED: LazyLock<Value> = LazyLock::new(|| {
    Value::from_json(include_str!("../catalogue/data/unneeded.json"))
        .expect("invariant: the table of permissions that are not needed is JSON")
});

impl Maker<'_> {
    fn deployer(mut self, purpose: Purpose) -> Result<Policies, NoPolicies> {
        let home = &self.lake.home;
        let mut own = self.fill("deployer-read");
        let mut handlers = Vec::new();
        let readers: &[Handler] = &[Handler::Read];
        let all =
            &[Handler::Create, Handler::Read, Handler::Update, Handler::Delete, Handler::List];
        let boundary = home.boundary_arn();
        match purpose {
            Purpose::Plan => handlers = self.handlers(readers, Handlers::Read),
            Purpose::ChangeSets => {
                own.extend(self.fill("deployer-change-sets"));
                handlers = self.handlers(readers, Handlers::Read);
            }
            Purpose::Apply => {
                own.extend(self.fill("deployer-change-sets"));
                own.extend(self.fill("deployer-apply"));
                let boundary = boundary.as_deref();
                if boundary.is_none() && makes_roles(self.stacks) {
                    return Err(NoPolicies::NoBoundary);
                }
                handlers = self.handlers(all, Handlers::Change(boundary));
                if let Some(boundary) = boundary {
                    handlers.extend(self.keep_boundary(boundary));
                }
                for (_, own) in self.own_boundaries() {
                    // What AWS manages nobody of the account can change.
                    if !own.contains(":iam::aws:") {
                        handlers.extend(self.keep_boundary(&own));
                    }
                }
            }
            Purpose::Boundary => {}
        }
        let mut policies = Vec::new();
        let id = self.lake.naming.lake_id();
        if let Some(role) = self.execution_role().filter(|_| purpose == Purpose::Apply) {
            own.extend(self.pass(&role, "cloudformation"));
            named(&mut policies, "deployer", &format!("{id}-deployer"), own)?;
            named(&mut policies, "execution role", &format!("{id}-execution"), handlers)?;
        } else {
            own.extend(handlers);
            let name = match purpose {
                Purpose::Plan => format!("{id}-planner"),
                Purpose::ChangeSets => format!("{id}-change-sets"),
                _ => format!("{id}-deployer"),
            };
            named(&mut policies, "deployer", &name, own)?;
        }
        let reaches = self.reaches(purpose, boundary.as_deref());
        Ok(Policies { policies, reaches, left_out: self.left_out })
    }

    fn fill(&self, name: &str) -> Vec<Statement> {
        let home = &self.lake.home;
        let regions: Vec<Argument> =
            self.lake.regions().iter().map(|region| region.as_str().into()).collect();
        let buckets: Vec<Argument> =
            self.base_buckets.iter().map(|name| home.arn("s3", "", "", name).into()).collect();
        let arguments = [
            ("partition", Argument::from(home.partition)),
            ("region", Argument::List(regions)),
            ("account", home.account.as_str().into()),
            ("lake", self.lake.naming.lake_id().into()),
            ("base_bucket", Argument::List(buckets)),
        ];
        let filled = self.library.at(arguments).fill(name, &[]);
        filled.expect("invariant: the deployer's documents take what a lake has")
    }

    fn keep_boundary(&self, boundary: &str) -> Vec<Statement> {
        let home = &self.lake.home;
        let arguments = [
            ("partition", Argument::from(home.partition)),
            ("account", home.account.as_str().into()),
            ("boundary", boundary.into()),
        ];
        let filled = self.library.fill("deployer-keep-boundary", &arguments);
        filled.expect("invariant: a boundary's ARN is checked where it is read")
    }

    /// The roles that others take and that have a boundary of their own, each with it, by ARN.
    fn own_boundaries(&self) -> Vec<(String, String)> {
        let home = &self.lake.home;
        let own = self.lake.roles.values().filter_map(|role| {
            let boundary = role.boundary.as_ref()?.value.clone();
            Some((home.iam_arn(None, "role", &role.role_name), boundary))
        });
        own.collect()
    }

    /// Hands one role to one service.
    fn pass(&self, role: &str, service: &str) -> Vec<Statement> {
        let arguments = [("roles", Argument::List(vec![role.into()])), ("service", service.into())];
        let filled = self.library.fill("pass-role", &arguments);
        filled.expect("invariant: a role's ARN and a service's name are what they are")
    }

    fn execution_role(&self) -> Option<String> {
        self.lake.home.execution_role_arn()
    }

    /// What resource handlers need for the types that the lake is made of.
    fn handlers(&mut self, handlers: &[Handler], may: Handlers<'_>) -> Vec<Statement> {
        let (changes, boundary) = match may {
            Handlers::Read => (false, None),
            Handlers::Change(boundary) => (true, boundary),
        };
        let kinds: BTreeSet<&str> = self
            .stacks
            .iter()
            .flat_map(Stack::resources)
            .filter_map(|(_, definition)| definition.get("Type").and_then(Value::as_str))
            .collect();
        // (condition, resources) to actions: one statement for all that are allowed on the same.
        let mut wanted: BTreeMap<(String, Vec<String>), (Map, BTreeSet<String>)> = BTreeMap::new();
        let mut passes = false;
        for kind in kinds {
            let Some(facts) = resource_type(kind) else { continue };
            let named = handlers.iter().flat_map(|handler| facts.permissions(*handler));
            let actions: BTreeMap<String, &iam::Action> = named
                .flat_map(|name| iam::matching(name))
                .map(|action| (action.full_name(), action))
                .collect();
            for (name, action) in actions {
                if let Some(why) = UNNEEDED.at(&[kind, &name]).and_then(Value::as_str) {
                    self.left_out.insert(format!("{name} ({kind})"), why.to_owned());
                    continue;
                }
                if !changes && !matches!(action.level, iam::Level::List | iam::Level::Read) {
                    let why = "reading changes nothing, and drift is found without it";
                    self.left_out.insert(format!("{name} ({kind})"), why.to_owned());
                    continue;
                }
                if has(action, "iam:PassedToService") {
                    passes |= changes;
                    continue;
                }
                let reads = matches!(action.level, iam::Level::List | iam::Level::Read);
                for (arns, mut condition) in self.scoped(kind, action, boundary) {
                    // A change goes through CloudFormation; drift is looked for directly too. An execution role can be
                    // taken by nobody else.
                    if !reads && self.execution_role().is_none() {
                        let mut via = Map::new();
                        via.insert("aws:CalledVia", vec!["cloudformation.amazonaws.com"]);
                        condition.insert("ForAnyValue:StringEquals", via);
                    }
                    let key = (Value::Map(condition.clone()).to_json(), arns);
                    wanted
                        .entry(key)
                        .or_insert_with(|| (condition, BTreeSet::new()))
                        .1
                        .insert(name.clone());
                }
            }
        }
        let statements = wanted.into_iter().map(|((_, arns), (condition, actions))| Statement {
            sid: "Handlers".to_owned(),
            about: String::new(),
            from: String::new(),
            effect: Effect::Allow,
            principal: None,
            actions: actions.into_iter().collect(),
            resources: arns.into_iter().map(Value::from).collect(),
            condition,
        });
        let mut statements: Vec<Statement> = statements.collect();
        if passes {
            for (role, service) in self.roles_of_services() {
                statements.extend(self.pass(&role, &service));
            }
        }
        statements
    }

    /// On which ARNs of the lake, and under which conditions, an action is needed for a type.
    fn scoped(
        &mut self,
        kind: &str,
        action: &iam::Action,
        boundary: Option<&str>,
    ) -> Vec<(Vec<String>, Map)> {
        let home = &self.lake.home;
        if action.resources.is_empty() {
            return vec![(vec!["*".to_owned()], Map::new())];
        }
        let mut found = Vec::new();
        for on in &action.resources {
            let mut arns = self.scope.arns(action.service, on.resource);
            let attached = match kind {
                "AWS::IAM::ManagedPolicy" => self.attached(on.resource),
                _ => Vec::new(),
            };
            if !attached.is_empty() {
                arns.retain(|arn| !attached.contains(arn));
            }
            for (arns, theirs) in [(arns, false), (attached, true)] {
                if arns.is_empty() {
                    continue;
                }
                let mut equals = Map::new();
                let mut like = Map::new();
                if let (Some(boundary), false) = (boundary, theirs)
                    && on.resource == "role"
                    && has(action, "iam:PermissionsBoundary")
                {
                    equals.insert("iam:PermissionsBoundary", boundary.to_owned());
                }
                if has(action, "iam:PolicyARN") {
                    let own = format!("policy/{}-*", self.lake.naming.lake_id());
                    like.insert("iam:PolicyARN", home.iam_resource(&own));
                }
                if arns.iter().any(|arn| arn.ends_with(":key/*")) {
                    // A key has no name: the lake's tag, which every stack puts on what it makes. A key that is being
                    // made has none yet, and is told by the tag that it is asked to have
                    // (<https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html>).
                    let tag = if has(action, "aws:RequestTag/${TagKey}") {
                        "aws:RequestTag/lakewright:lake"
                    } else {
                        "aws:ResourceTag/lakewright:lake"
                    };
                    equals.insert(tag, self.lake.naming.lake_id());
                }
                if action.service == "s3" {
                    equals.insert("aws:ResourceAccount", home.account.to_string());
                }
                let mut condition = Map::new();
                if !equals.is_empty() {
                    condition.insert("StringEquals", equals);
                }
                if !like.is_empty() {
                    condition.insert("ArnLike", like);
                }
                // A role with a boundary of its own is made with that one, and no other role is.
                let bound = has(action, "iam:PermissionsBoundary") && on.resource == "role";
                if boundary.is_some() && !theirs && bound {
                    for (role, own) in self.own_boundaries() {
                        let mut condition = condition.clone();
                        if let Some(equals) =
                            condition.get_mut("StringEquals").and_then(Value::as_map_mut)
                        {
                            equals.insert("iam:PermissionsBoundary", own);
                        }
                        found.push((vec![role], condition));
                    }
                }
                found.push((arns, condition));
            }
        }
        if found.is_empty() {
            let why = "the lake has no resource that it works on";
            self.left_out.insert(format!("{} ({kind})", action.full_name()), why.to_owned());
        }
        found
    }

    /// The roles, users or groups that the lake's policies are attached to.
    fn attached(&self, resource: &str) -> Vec<String> {
        let (property, word) = match resource {
            "role" => ("Roles", "role"),
            "user" => ("Users", "user"),
            "group" => ("Groups", "group"),
            _ => return Vec::new(),
        };
        let mut found = BTreeSet::new();
        for (_, definition) in self.stacks.iter().flat_map(Stack::resources) {
            let names = definition.at(&["Properties", property]).and_then(Value::as_list);
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                // A policy is attached by the bare name; the path before it is anything.
                found.insert(self.lake.home.iam_arn(None, word, &self.scope.pattern(name)));
            }
        }
        found.into_iter().collect()
    }

    /// Each role that the lake makes with each service that takes it, by the role's trust.
    fn roles_of_services(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (_, definition) in self.stacks.iter().flat_map(Stack::resources) {
            let properties = definition.get("Properties").unwrap_or(&Value::Null);
            let Some(name) = properties.get("RoleName").and_then(Value::as_str) else { continue };
            let trust = properties.at(&["AssumeRolePolicyDocument", "Statement"]);
            for statement in trust.and_then(Value::as_list).into_iter().flatten() {
                let services = statement.at(&["Principal", "Service"]);
                let services = match services {
                    Some(Value::Str(one)) => vec![one.to_string()],
                    Some(Value::List(list)) => {
                        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                    }
                    _ => Vec::new(),
                };
                for service in services {
                    let code = service.split('.').next().unwrap_or("").to_owned();
                    found.insert((self.lake.home.iam_arn(None, "role", name), code));
                }
            }
        }
        found
    }

    fn reaches(&self, purpose: Purpose, boundary: Option<&str>) -> String {
        let id = self.lake.naming.lake_id();
        match (purpose, boundary) {
            (Purpose::Apply, Some(boundary)) => format!(
                "Its holder can change or delete every resource of {id} through CloudFormation, data included, and can give the roles it makes everything that {boundary} allows; it cannot make a role without that boundary, change the boundary, or touch what is not called after the lake, apart from KMS keys that carry the tag lakewright:lake={id}."
            ),
            (Purpose::Apply, None) => format!(
                "Its holder can change or delete every resource of {id} through CloudFormation, data included; it can make no role, since {id} has none, and cannot touch what is not called after the lake, apart from KMS keys that carry the tag lakewright:lake={id}. Once the lake makes a role, the environment needs a `permissions_boundary`: then make this policy anew."
            ),
            _ => format!(
                "Its holder can read how {id} is configured, every policy in it among that, and the base bucket; it can change no resource of the lake and read no data."
            ),
        }
    }
}

/// What resource handlers are allowed.
#[derive(Debug, Clone, Copy)]
enum Handlers<'a> {
    Read,
    /// Everything, roles with the boundary only. Without one the lake makes no roles.
    Change(Option<&'a str>),
}

/// Whether a lake makes roles: without one there is nothing that a boundary could hold.
fn makes_roles(stacks: &[Stack]) -> bool {
    let kind = |definition: &Value| definition.get("Type").and_then(Value::as_str) == Some(ROLE);
    stacks.iter().flat_map(Stack::resources).any(|(_, definition)| kind(definition))
}

const ROLE: &str = "AWS::IAM::Role";

/// Whether requests for an action carry a condition key.
fn has(action: &iam::Action, key: &str) -> bool {
    action.keys.contains(&key) || action.resources.iter().any(|on| on.keys.contains(&key))
}

/// Adds the policies that statements fill.
fn named(
    policies: &mut Vec<Named>,
    holder: &'static str,
    name: &str,
    statements: Vec<Statement>,
) -> Result<(), TooLarge> {
    let split =
        Policy::split(statements, limit::MANAGED_POLICY, limit::MANAGED_POLICIES_OF_A_ROLE)?;
    let several = split.len() > 1;
    for (at, policy) in split.into_iter().enumerate() {
        let name = if several { format!("{name}-{}", at + 1) } else { name.to_owned() };
        policies.push(Named { holder, name, document: policy.to_value() });
    }
    Ok(())
}
