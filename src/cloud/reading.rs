//! What stands in reality: drift detection, live resources, settings.

use serde::{Deserialize, Serialize};

use crate::document::Value;
use crate::names::LogicalId;

/// What drift detection found.
#[derive(Debug, Clone, PartialEq)]
pub struct StackDrift {
    /// Whether detection came to its end. Where it did not, what is there is still true.
    pub complete: bool,
    pub reason: Option<String>,
    pub resources: Vec<ResourceDrift>,
}

/// What drift detection says of one resource. Resources of a type that it does not know are not
/// in the list at all.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDrift {
    pub logical_id: LogicalId,
    pub physical_id: String,
    pub kind: String,
    pub status: DriftStatus,
    pub differences: Vec<PropertyDrift>,
    /// All of its properties as detection found them, where it tells.
    pub actual: Option<Value>,
}

/// Whether reality is what the template says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftStatus {
    InSync,
    Modified,
    Deleted,
    NotChecked,
}

/// A property whose value is not the template's.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyDrift {
    /// JSON pointer below `Properties`, such as `/VersioningConfiguration/Status`.
    pub path: String,
    pub expected: Option<Value>,
    pub actual: Option<Value>,
}

/// What reading a resource through its own service gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// There is no such resource.
    Absent,
    /// Its live state, as CloudFormation properties. A list that the template need not mention
    /// (a role's `Policies` and `ManagedPolicyArns`) is there even when it is empty, so that
    /// additions made by hand show.
    Properties(Value),
    /// This implementation cannot read it, and why.
    Unread(String),
}

/// Lake Formation's settings of an account in a region.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LakeFormationSettings {
    /// ARNs of the data lake administrators.
    pub admins: Vec<String>,
    /// Whether new databases give `IAMAllowedPrincipals` everything: then IAM alone decides.
    pub iam_decides_new_databases: bool,
    /// The same for new tables.
    pub iam_decides_new_tables: bool,
    /// The version of sharing with other accounts (`CROSS_ACCOUNT_VERSION`), if the settings say one.
    pub cross_account_version: Option<u32>,
}

/// A grant of Lake Formation.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeFormationGrant {
    /// An ARN, an account, `IAM_ALLOWED_PRINCIPALS`.
    pub principal: String,
    /// In the form of `AWS::LakeFormation::PrincipalPermissions`, without the id of the catalog.
    pub resource: Value,
    /// Ascending.
    pub permissions: Vec<String>,
    /// Ascending.
    pub with_grant_option: Vec<String>,
}

/// A database or table about which IAM alone decides, whatever Lake Formation grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenToIam {
    pub database: String,
    /// `None`: the database itself.
    pub table: Option<String>,
}
