//! What a spec means in one environment: places, flows and principals, with every name resolved,
//! every default filled in and every AWS name worked out.
//!
//! In: a `Spec` (through `resolve`). Out: the [`Lake`] that `check` judges and `lower` turns into
//! resources. INVARIANT: maps are ordered by name, so the order of keys in the file changes nothing;
//! lists whose order has a meaning (columns, partitions, retention) keep it. Spans are carried for
//! messages and never reach a template.

pub mod access;
pub mod analytics;
pub mod flows;
pub mod formation;
pub mod naming;
pub mod origins;
pub mod places;
pub mod reach;
pub mod roles;
pub mod views;
pub mod waivers;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{AccountId, BucketName, Name, Region};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::environments::PolicyName;
use crate::spec::organization::{OrganizationId, RootId};
use crate::spec::reference::Principal;
use crate::spec::roles::Assumer;

pub use access::Access;
pub use analytics::Workgroup;
pub use flows::{Pipeline, Source};
pub use formation::LakeFormation;
pub use naming::Naming;
pub use origins::Origins;
pub use places::{Bucket, Database, Key, Place, Table};
pub use roles::Role;
pub use waivers::Waiver;
pub use watch::{Alarm, Notify};

/// A data lake in one environment.
#[derive(Debug, Clone)]
pub struct Lake {
    pub naming: Naming,
    pub home: Home,
    pub description: Option<String>,
    /// Of everything that can be tagged; `owner` among them.
    pub tags: BTreeMap<String, String>,
    /// Days that logs are kept: access logs, those of sources and pipelines.
    pub log_days: i64,
    pub organization: Option<Organization>,
    /// The accounts that the spec's environments name, this one's among them: the lake's own family.
    pub family: BTreeSet<AccountId>,
    pub keys: BTreeMap<Name, Key>,
    pub buckets: BTreeMap<Name, Bucket>,
    pub databases: BTreeMap<Name, Database>,
    pub lake_formation: Option<LakeFormation>,
    pub sources: BTreeMap<Name, Source>,
    pub pipelines: BTreeMap<Name, Pipeline>,
    pub roles: BTreeMap<Name, Role>,
    pub access: BTreeMap<Name, Access>,
    pub workgroups: BTreeMap<Name, Workgroup>,
    pub notify: BTreeMap<Name, Notify>,
    pub alarms: BTreeMap<Name, Alarm>,
    /// Where policy documents of the user's own lie, relative to the spec.
    pub policies: Option<At<String>>,
    /// Findings that the spec accepts.
    pub waivers: Vec<Waiver>,
    /// Where the lake opts out of a default, by spec path: what the plan prints as "less than the
    /// default".
    pub opt_outs: Vec<OptOut>,
}

/// A default that a thing does without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    /// `buckets.raw.versioning`.
    pub path: String,
    /// "objects of raw keep no older versions".
    pub what: String,
}

/// Where the lake stands, and who acts there.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// `prod`.
    pub environment: Name,
    /// Where the environment is declared; `None` where it could not be read.
    pub span: Option<Span>,
    pub account: AccountId,
    pub region: Region,
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: &'static str,
    /// `amazonaws.com`, `amazonaws.com.cn`, ...
    pub dns_suffix: &'static str,
    pub deploy_role: Option<At<Principal>>,
    pub execution_role: Option<At<Principal>>,
    pub permissions_boundary: Option<At<PolicyName>>,
    pub base_bucket: Option<At<BucketName>>,
}

impl Home {
    /// An ARN in this partition; region and account are left out where the service has none.
    pub fn arn(&self, service: &str, region: &str, account: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{account}:{resource}", self.partition)
    }

    /// An ARN of this account in a region.
    pub fn own_arn(&self, service: &str, region: &Region, resource: &str) -> String {
        self.arn(service, region.as_str(), self.account.as_str(), resource)
    }

    /// The ARN of a bucket, or of objects in it.
    pub fn s3_arn(&self, bucket: &BucketName, objects: &str) -> String {
        match objects {
            "" => self.arn("s3", "", "", bucket.as_str()),
            objects => self.arn("s3", "", "", &format!("{bucket}/{objects}")),
        }
    }

    /// The ARN of the boundary that the lake's roles carry.
    pub fn boundary_arn(&self) -> Option<String> {
        self.permissions_boundary.as_ref().map(|at| self.iam_resource(&at.value.0))
    }

    /// The ARN of the role that CloudFormation acts as.
    pub fn execution_role_arn(&self) -> Option<String> {
        match self.execution_role.as_ref().map(|at| &at.value) {
            Some(Principal::Role { account, name }) => {
                Some(self.iam_arn(account.as_ref(), "role", name))
            }
            _ => None,
        }
    }

    /// An ARN of IAM in this account: `policy/NAME`.
    pub fn iam_resource(&self, resource: &str) -> String {
        self.arn("iam", "", self.account.as_str(), resource)
    }

    /// The ARN of a role or user; `account` is this one's if it is not given.
    pub fn iam_arn(&self, account: Option<&AccountId>, kind: &str, name: &str) -> String {
        let account = account.unwrap_or(&self.account);
        self.arn("iam", "", account.as_str(), &format!("{kind}/{name}"))
    }
}

/// The organization around the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    pub id: At<OrganizationId>,
    pub management_account: Option<At<AccountId>>,
    pub root: Option<At<RootId>>,
    /// Outsiders that are trusted, each with the reason.
    pub trusted: BTreeMap<AccountId, String>,
}

impl Lake {
    /// Whether the account is this lake's own.
    pub fn is_own(&self, account: &AccountId) -> bool {
        *account == self.home.account
    }

    /// Whether a grant to the principal crosses the border of this account, so that bucket and key
    /// policies have to name it.
    pub fn crosses(&self, principal: &Principal) -> bool {
        match principal {
            Principal::OrganizationalUnit(_) | Principal::Organization => true,
            other => other.account().is_some_and(|account| !self.is_own(account)),
        }
    }

    /// What the spec refers to and does not make, in the home region: CloudFormation type and the
    /// properties that are known of it. The sandbox has them, as an account in use would.
    pub fn elsewhere(&self) -> Vec<(&'static str, crate::document::Value)> {
        let mut found = Vec::new();
        for bucket in self.buckets.values().filter(|bucket| bucket.existing) {
            let name = bucket.bucket_name.to_string();
            found.push(("AWS::S3::Bucket", crate::document!({"BucketName": name})));
        }
        for database in self.databases.values().filter(|database| database.existing) {
            let name = database.catalog_name.clone();
            let properties = crate::document!({
                "CatalogId": (self.home.account.to_string()), "DatabaseInput": {"Name": name}
            });
            found.push(("AWS::Glue::Database", properties));
        }
        let own =
            self.roles.values().filter_map(|role| Some(role.boundary.as_ref()?.value.clone()));
        let boundaries: BTreeSet<String> =
            self.home.boundary_arn().into_iter().chain(own).collect();
        for arn in boundaries {
            // What it allows is not known here: it takes nothing away.
            let Some(policy) = arn.split_once(&format!("::{}:policy/", self.home.account)) else {
                continue;
            };
            let (path, name) = match policy.1.rsplit_once('/') {
                Some((path, name)) => (format!("/{path}/"), name),
                None => ("/".to_owned(), policy.1),
            };
            let all = crate::document!({"Effect": "Allow", "Action": "*", "Resource": "*"});
            let properties = crate::document!({
                "ManagedPolicyName": (name.to_owned()),
                "Path": (path),
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [all]}
            });
            found.push(("AWS::IAM::ManagedPolicy", properties));
        }
        for principal in self.named_principals() {
            let (kind, property, name) = match principal {
                Principal::Role { name, .. } => ("AWS::IAM::Role", "RoleName", name),
                Principal::User { name, .. } => ("AWS::IAM::User", "UserName", name),
                _ => continue,
            };
            let (path, bare) = match name.rsplit_once('/') {
                Some((path, bare)) => (format!("/{path}/"), bare),
                None => ("/".to_owned(), name.as_str()),
            };
            let mut properties = crate::document::Map::new();
            properties.insert(property, bare.to_owned());
            properties.insert("Path", path);
            found.push((kind, properties.into()));
        }
        found
    }

    /// The roles and users of this account that the spec names and does not make, ascending.
    fn named_principals(&self) -> BTreeSet<&Principal> {
        let mut named: BTreeSet<&Principal> = BTreeSet::new();
        named.extend(self.keys.values().flat_map(|key| key.admins.iter().map(|at| &at.value)));
        named.extend(self.access.values().flat_map(|access| access.who.iter().map(|at| &at.value)));
        let analysts = self.workgroups.values().flat_map(|workgroup| &workgroup.who);
        named.extend(analysts.map(|at| &at.value));
        named.extend(self.pipelines.values().filter_map(|p| p.role.as_ref().map(|at| &at.value)));
        let home = [&self.home.deploy_role, &self.home.execution_role];
        named.extend(home.into_iter().flatten().map(|at| &at.value));
        let admins = self.lake_formation.iter().flat_map(|given| &given.admins);
        named.extend(admins.map(|at| &at.value));
        let assumers = self.roles.values().flat_map(|role| &role.assumed_by);
        named.extend(assumers.filter_map(|at| match &at.value {
            Assumer::Principal(principal) => Some(principal),
            _ => None,
        }));
        named.retain(|principal| self.declared_role(principal).is_none());
        named.retain(|principal| match principal {
            Principal::Role { account, .. } | Principal::User { account, .. } => {
                account.as_ref().is_none_or(|account| self.is_own(account))
            }
            _ => false,
        });
        named
    }

    /// Where the thing of a spec path is written, `buckets.raw.replicate` being a part of
    /// `buckets.raw`. `None` for what stands for the lake itself.
    pub fn place_of(&self, path: &str) -> Option<Span> {
        let mut words = path.split('.');
        let (section, name) = (words.next()?, Name::new(words.next()?).ok()?);
        match section {
            "keys" => self.keys.get(&name).map(|thing| thing.span),
            "buckets" => self.buckets.get(&name).map(|thing| thing.span),
            "databases" => {
                let database = self.databases.get(&name)?;
                let table = words.nth(1).and_then(|table| Name::new(table).ok());
                let table = table.and_then(|table| database.tables.get(&table));
                Some(table.map_or(database.span, |table| table.span))
            }
            "sources" => self.sources.get(&name).map(|thing| thing.span),
            "pipelines" => self.pipelines.get(&name).map(|thing| thing.span),
            "roles" => self.roles.get(&name).map(|thing| thing.span),
            "access" => self.access.get(&name).map(|thing| thing.span),
            "analytics" => {
                let name = words.next().and_then(|name| Name::new(name).ok())?;
                self.workgroups.get(&name).map(|thing| thing.span)
            }
            "notify" => self.notify.get(&name).map(|thing| thing.span),
            "alarms" => self.alarms.get(&name).map(|thing| thing.span),
            _ => None,
        }
    }

    /// The regions that the lake has resources in, its home first.
    pub fn regions(&self) -> Vec<Region> {
        let mut regions = vec![self.home.region.clone()];
        let replicas = self.buckets.values().filter_map(|bucket| bucket.replica.as_ref());
        for replica in replicas {
            if !regions.contains(&replica.region) {
                regions.push(replica.region.clone());
            }
        }
        regions[1..].sort();
        regions
    }
}
