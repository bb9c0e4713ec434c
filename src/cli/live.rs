//! The state `live`: what an account has of what is deployed, asked of the cloud.
//!
//! In: what is deployed, and the cloud. Out: the state of access, and the documents of policies that principals carry and
//! that no template of the lake holds. Nothing is decided here: `drift` reads resources, `access::live` puts what they are
//! in the place of what the templates say.

#![expect(clippy::result_large_err, reason = "an error is made once, and ends the run")]

use std::collections::BTreeMap;

use super::env::SystemClock;
use super::load::Ready;
use super::planning::Observed;
use super::states;
use crate::access::State;
use crate::access::live::{self, Actual, Granted, Live};
use crate::apply::{explain, insist};
use crate::cloud::{CloudError, LakeFormationGrant};
use crate::diagnostic::Diagnostic;
use crate::document::Value;
use crate::drift::{self, Is};
use crate::names::Region;
use crate::plan::DeployedStack;
use crate::plan::access::name;

/// A policy that is not the lake's: its ARN and what it says.
type Document = (String, Value);

/// Reads the state.
pub fn read(ready: &Ready, observed: &Observed) -> Result<(State, Vec<Document>), Diagnostic> {
    let (cloud, deployed) = (&*observed.cloud, &observed.deployed);
    let account = &ready.lake.home.account;
    let wanted: Vec<&'static str> = live::READ.iter().map(|(kind, _)| *kind).collect();
    let mut all: BTreeMap<String, Live> = BTreeMap::new();
    for (key, stack) in &deployed.stacks {
        let names = stack.physical_ids.iter().map(|(id, name)| (id.to_string(), name.clone()));
        let mut live = Live { names: names.collect(), ..Live::default() };
        if has(stack, "AWS::LakeFormation::PrincipalPermissions") {
            live.grants = Some(grants(observed, &key.region)?);
        }
        if has(stack, "AWS::LakeFormation::DataLakeSettings") {
            live.admins = Some(admins(observed, &key.region)?);
        }
        all.insert(name(key), live);
    }
    for found in drift::readings(cloud, &SystemClock, account, deployed, &wanted)? {
        let actual = match found.is {
            Is::AsTemplate => Actual::AsTemplate,
            Is::Properties(properties) => Actual::Properties(properties),
            Is::Gone => Actual::Gone,
            Is::Unread(why) => Actual::Unread(why),
        };
        let at = (found.logical_id.to_string(), found.kind.to_owned());
        all.entry(name(&found.stack)).or_default().resources.insert(at, actual);
    }
    let mut state = live::live(states::sources(account.as_str(), deployed), &all);
    let mut documents = Vec::new();
    for arn in state.elsewhere() {
        let region = &ready.lake.home.region;
        if let Some(document) = drift::document(cloud, &SystemClock, region, &arn)? {
            state.supply(&arn, &document);
            documents.push((arn, document));
        }
    }
    Ok((state, documents))
}

fn has(stack: &DeployedStack, kind: &str) -> bool {
    stack.resources().any(|(_, it)| it.get("Type").and_then(Value::as_str) == Some(kind))
}

/// What was asked, or why the caller may not know.
fn known<T>(asked: Result<T, CloudError>, what: &str) -> Result<Result<T, String>, Diagnostic> {
    match asked {
        Ok(answer) => Ok(Ok(answer)),
        Err(CloudError::AccessDenied(why)) => Ok(Err(format!("access denied: {why}"))),
        Err(error) => Err(explain(&error, what)),
    }
}

fn grants(
    observed: &Observed,
    region: &Region,
) -> Result<Result<Vec<Granted>, String>, Diagnostic> {
    let asked = insist(&SystemClock, || observed.cloud.lake_formation_grants(region));
    let granted = |one: LakeFormationGrant| Granted {
        principal: one.principal,
        resource: one.resource,
        permissions: one.permissions,
        with_grant_option: one.with_grant_option,
    };
    let known = known(asked, &format!("listing the grants of Lake Formation in {region}"))?;
    Ok(known.map(|all| all.into_iter().map(granted).collect()))
}

fn admins(observed: &Observed, region: &Region) -> Result<Result<Vec<String>, String>, Diagnostic> {
    let asked = insist(&SystemClock, || observed.cloud.lake_formation_settings(region));
    let known = known(asked, &format!("reading the settings of Lake Formation in {region}"))?;
    Ok(known.map(|settings| settings.admins))
}
