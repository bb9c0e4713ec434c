//! Whether each Deny of a resource's policy stops anybody: a request from outside that it does.

use std::collections::BTreeMap;

use super::{Barrier, cause};
use crate::access::{Index, in_request};
use crate::document;
use crate::document::Map;
use crate::verdict::effective::{EXAMPLE_ACCOUNT, possible};
use crate::verdict::read::{Effect, Statement};
use crate::verdict::{Decision, Document, Kind, Options, Reach, Request, evaluate};

/// Each Deny of a resource's policy with a request from outside that it stops.
pub(super) fn barriers(index: &Index<'_>) -> Vec<Barrier> {
    let mut out = Vec::new();
    // most buckets have the same Denies: searched once, and asked again with the other's name
    let mut known: BTreeMap<String, (&str, Option<Request>)> = BTreeMap::new();
    for guard in index.guards() {
        let (subject, guarded) = (guard.name, guard.guarded);
        for (document, held) in guard.policies.documents.iter().zip(&guard.policies.held) {
            let policy = std::slice::from_ref(document);
            let denies = policy[0].statements.iter().filter(|one| one.effect == Effect::Deny);
            for statement in denies {
                let own = in_request(subject);
                let shape = format!("{statement:?}").replace(&*own, "");
                let same = known.get(&shape).and_then(|(other, request)| {
                    let mut request = request.clone()?;
                    let other = in_request(other);
                    request.resource = request.resource.map(|text| text.replace(&*other, &own));
                    let denied = evaluate(policy, &request, Reach::Whole) == Decision::Denied;
                    denied.then_some(request)
                });
                let stops = same.or_else(|| stopped_by(statement, policy, &guarded.account));
                known.entry(shape).or_insert_with(|| (subject, stops.clone()));
                let cause = cause(held, statement);
                out.push(Barrier { subject: subject.clone(), cause, stops });
            }
        }
    }
    out
}

/// A request that a Deny stops: of a stranger's role, else of nobody, else of a service, else of anybody.
fn stopped_by(statement: &Statement, policy: &[Document], home: &str) -> Option<Request> {
    let mut turned = statement.clone();
    turned.effect = Effect::Allow;
    let turned = [Document { statements: vec![turned] }];
    let stranger = if home == EXAMPLE_ACCOUNT { "999999999999" } else { EXAMPLE_ACCOUNT };
    let from = |kind: &'static str, text: String| {
        let mut map = Map::new();
        map.insert(kind, text);
        let allow = document!({
            "Effect": "Allow", "Principal": (map), "Action": "*", "Resource": "*"
        });
        let document = document!({"Version": "2012-10-17", "Statement": [(allow)]});
        Document::read(&document, Kind::Resource).ok()
    };
    let askers = [
        from("AWS", format!("arn:aws:iam::{stranger}:role/stranger")),
        from("Service", "s3.amazonaws.com".to_owned()),
        from("AWS", "*".to_owned()),
    ];
    askers.into_iter().flatten().find_map(|asker| {
        let found = possible(&[&turned, &[asker]], Kind::Resource, &Options::default());
        let request = found.gained?;
        (evaluate(policy, &request, Reach::Whole) == Decision::Denied).then_some(request)
    })
}
