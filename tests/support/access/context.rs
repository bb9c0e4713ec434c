//! Who asks, and the context keys that AWS itself adds to a request.

use super::{Desk, Principal, Target};
use serde_json::{Map, Value, json};

impl Desk {
    /// The context keys that AWS itself adds to each request.
    /// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    pub(super) fn usual_context(
        &self,
        who: &Who,
        principal: &Principal,
        target: &Target,
    ) -> Map<String, Value> {
        let mut context = Map::new();
        let mut set = |key: &str, value: Value| _ = context.insert(key.to_string(), value);
        set("aws:SecureTransport", json!("true"));
        set("aws:ResourceAccount", json!(target.account));
        let ours = &self.folder.origin().account;
        let path = |words: &str| format!("{}/", words.trim_end_matches('/'));
        if let Some(own) = self.file.organization.as_ref().filter(|_| &target.account == ours) {
            set("aws:ResourceOrgID", json!(own.split('/').next()));
            set("aws:ResourceOrgPaths", json!([path(own)]));
        }
        let mut of = principal.organization.as_ref();
        match who {
            Who::Nobody => {
                set("aws:PrincipalType", json!("Anonymous"));
                set("aws:PrincipalAccount", json!("anonymous"));
            }
            Who::Service(name) => {
                set("aws:PrincipalIsAWSService", json!("true"));
                set("aws:PrincipalServiceName", json!(name));
            }
            Who::Known { arn, account, on } => {
                set("aws:PrincipalArn", json!(arn));
                set("aws:PrincipalAccount", json!(account));
                set("aws:PrincipalIsAWSService", json!("false"));
                set("aws:ViaAWSService", json!("false"));
                let user = on.strip_prefix("user/");
                let role = on.starts_with("role/");
                set(
                    "aws:PrincipalType",
                    json!(if role {
                        "AssumedRole"
                    } else if user.is_some() {
                        "User"
                    } else {
                        "Account"
                    }),
                );
                if let Some(name) = user {
                    set("aws:username", json!(name));
                }
                of = of.or(self.file.organization.as_ref().filter(|_| account == ours));
            }
        }
        if let Some(of) = of {
            set("aws:PrincipalOrgID", json!(of.split('/').next()));
            set("aws:PrincipalOrgPaths", json!([path(of)]));
        }
        context
    }
}

pub(super) enum Who {
    Nobody,
    Service(String),
    Known {
        arn: String,
        account: String,
        /// As in `Policy::on`.
        on: String,
    },
}

impl Who {
    pub(super) fn value(&self) -> Option<String> {
        match self {
            Who::Nobody => None,
            Who::Service(name) => Some(name.clone()),
            Who::Known { arn, .. } => Some(arn.clone()),
        }
    }
}
