//! The catalogue of IAM actions, as the check of documents asks for it.

use crate::catalogue::iam;
use crate::policy::check::{self, ActionFacts};

/// The catalogue that is compiled in.
pub struct Catalogue;

impl check::Catalogue for Catalogue {
    fn action(&self, name: &str) -> Option<ActionFacts> {
        let action = iam::action(name).filter(|action| action.full_name() == name)?;
        let service = iam::service(action.service)?;
        let mut condition_keys: Vec<String> =
            action.keys.iter().map(|key| (*key).to_owned()).collect();
        let mut resource_types = Vec::new();
        for on in &action.resources {
            let resource = service.resource(on.resource)?;
            condition_keys.extend(on.keys.iter().chain(resource.keys).map(|key| (*key).to_owned()));
            resource_types.push((resource.name.to_owned(), resource.arn.to_owned()));
        }
        let needs_resource = action.resources.iter().any(|on| on.required);
        let level = action.level.to_string();
        Some(ActionFacts { level, resource_types, needs_resource, condition_keys })
    }

    fn is_global_key(&self, key: &str) -> bool {
        iam::condition_key("", key).is_some()
    }
}
