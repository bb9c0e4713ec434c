//! The layers of a request combined, as AWS's page on policy evaluation has it, around our `evaluate` of each.
//!
//! Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "AWS JSON policy elements:
//! Principal" (an account as principal delegates to it); KMS developer guide, "Key policies" (a key policy decides; IAM policies
//! count where it lets the account). Boundaries, session and organization policies: the templates of the examples have none.

use lakewright::verdict::read::Statement;
use lakewright::verdict::{Decision, Document, Reach, Request, evaluate};

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// By a statement.
    Denied,
    /// Nothing allows it.
    NotAllowed,
    Unknown,
}

/// Everything that decides a request.
#[derive(Debug, Clone)]
pub struct Layers {
    /// With the asker, for policies that name principals.
    pub request: Request,
    pub identity: Vec<Document>,
    pub resource: Option<Document>,
    /// The same without the accounts that its Allows name: what it grants to the asker itself.
    pub direct: Option<Document>,
    /// Whether asker and resource are of one account; false for services and nobody.
    pub same_account: bool,
    /// Whether there are identity policies at all: not for services and nobody.
    pub has_identity: bool,
    /// A key, or a role that is to be assumed: without its own policy nobody gets in.
    pub sovereign: bool,
    /// Layer and the policy that it is, in the ground's list.
    pub places: Vec<(usize, usize)>,
}

impl Layers {
    /// The statements of a layer: `usize::MAX` is the resource's policy.
    pub fn statements(&self, layer: usize) -> &[Statement] {
        match layer {
            usize::MAX => self.resource.as_ref().map_or(&[], |it| &it.statements),
            at => &self.identity[at].statements,
        }
    }

    /// Without one statement of a layer.
    pub fn without(&self, layer: usize, statement: usize) -> Layers {
        let mut other = self.clone();
        if layer == usize::MAX {
            for document in [&mut other.resource, &mut other.direct].into_iter().flatten() {
                document.statements.remove(statement);
            }
        } else {
            other.identity[layer].statements.remove(statement);
        }
        other
    }
}

/// The answer, if both readings of wildcards in resources give the same.
pub fn decide(layers: &Layers) -> Answer {
    let whole = with_reach(layers, Reach::Whole);
    match whole == with_reach(layers, Reach::Part) {
        true => whole,
        false => Answer::Unknown,
    }
}

fn with_reach(layers: &Layers, reach: Reach) -> Answer {
    let ask = |documents: &[Document]| evaluate(documents, &layers.request, reach);
    let of = |document: &Option<Document>| match document {
        Some(document) => ask(std::slice::from_ref(document)),
        None => Decision::NotAllowed,
    };
    let identity = match layers.has_identity {
        true => ask(&layers.identity),
        false => Decision::NotAllowed,
    };
    let (resource, direct) = (of(&layers.resource), of(&layers.direct));
    if [identity, resource].contains(&Decision::Denied) {
        return Answer::Denied;
    }
    if [identity, resource, direct].contains(&Decision::Unknown) {
        return Answer::Unknown;
    }
    let [identity, resource, direct] =
        [identity, resource, direct].map(|decision| decision == Decision::Allowed);
    let allowed = match (layers.has_identity, layers.same_account, layers.sovereign) {
        // services and nobody: only what the resource says
        (false, ..) => resource,
        // across accounts both sides
        (true, false, _) => identity && resource,
        // a key or a role lets in whom it names, or leaves it to the account's policies
        (true, true, true) => direct || (resource && identity),
        // within an account either side
        (true, true, false) => identity || direct,
    };
    if allowed { Answer::Allowed } else { Answer::NotAllowed }
}
