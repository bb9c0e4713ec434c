//! In which requests a context key is: by key and by kind of caller.
//!
//! One table for the verdict and for the questions of `access`, which ask the same search. It says what AWS says under
//! "Availability" of each key, read as the page has it: a key that is "always included" is in every request, and one
//! that is there "only if" something else holds is open where that may hold. What the page does not say of a kind of
//! caller is open too, so that no request is left out that may come.
//! Source of every row: IAM User Guide, "AWS global condition context keys"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>), the entry of the key. The
//! table for readers stands in `docs/access-model.md`, "Axioms". Read next: [`super::axioms`], what the values say.

use super::principal::Requester;

/// Who makes a request, as far as it decides which keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A user, a session of a role, a federated user, the root user: it signs its requests.
    Signed,
    /// A service principal that calls for itself.
    Service,
    /// Nobody signed.
    Anonymous,
    /// Whoever an identity provider vouches for, who asks for a session of a role. Such a call is not signed:
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
    Vouched,
    /// Whoever stands behind a canonical user or a unique id: nothing is said of its keys.
    Unknown,
}

/// Whether a key is in the requests of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    Always,
    Never,
    /// In some, or AWS's page does not say.
    Open,
}

use There::{Always, Never, Open};

/// Key, and whether it is in requests that are signed, of a service, anonymous, vouched for. `aws:username` is said of
/// users and roles apart, in [`super::axioms`].
const TABLE: [(&str, [There; 4]); 19] = [
    // "always included in the request context"; `aws:EpochTime` is read as the same key
    ("aws:currenttime", [Always; 4]),
    ("aws:requestedregion", [Always; 4]),
    ("aws:securetransport", [Always; 4]),
    ("aws:viaawsservice", [Always; 4]),
    // "for all signed requests. Anonymous requests do not include this key"; of the principals that it can name, none
    // is a service
    ("aws:principalarn", [Always, Open, Never, Never]),
    // "for all requests, including anonymous requests"; of services and providers no value is said
    ("aws:principalaccount", [Always, Open, Always, Open]),
    ("aws:principaltype", [Always, Open, Always, Open]),
    // the same; but "anonymous users will not populate" it, in "Variables and tags", "Specifying default values"
    ("aws:userid", [Always, Open, Open, Open]),
    // "for all signed API requests that use AWS credentials. Anonymous requests do not include this key"
    ("aws:principalisawsservice", [Always, Always, Never, Open]),
    // "when the call is made by an AWS service principal [...] not present in any other situation"
    ("aws:principalservicename", [Never, Always, Never, Never]),
    ("aws:principalservicenameslist", [Never, Always, Never, Never]),
    // "only if the principal is a member of an organization", which a service is not
    ("aws:principalorgid", [Open, Never, Never, Open]),
    ("aws:principalorgpaths", [Open, Never, Never, Open]),
    // of users and roles with tags; the name of the tag follows
    ("aws:principaltag/", [Open, Never, Never, Open]),
    ("aws:username", [Open, Never, Never, Never]),
    // "only when the call to your resource is being made directly by an AWS service principal"
    ("aws:sourceaccount", [Never, Open, Never, Never]),
    ("aws:sourcearn", [Never, Open, Never, Never]),
    ("aws:sourceorgid", [Never, Open, Never, Never]),
    ("aws:sourceorgpaths", [Never, Open, Never, Never]),
];

impl Caller {
    pub fn of(who: &Requester) -> Caller {
        match who {
            Requester::Anonymous => Caller::Anonymous,
            Requester::Root { .. } | Requester::User { .. } | Requester::Role { .. } => {
                Caller::Signed
            }
            Requester::Other { kind, .. } => match kind.as_str() {
                "Service" => Caller::Service,
                "Federated" => Caller::Vouched,
                _ => Caller::Unknown,
            },
        }
    }
}

/// Whether a key, in lower case, is in the requests of a caller.
pub fn there(key: &str, caller: Caller) -> There {
    let is = |name: &str| match name.strip_suffix('/') {
        Some(_) => key.starts_with(name),
        None => key == name,
    };
    let Some((_, row)) = TABLE.iter().find(|(name, _)| is(name)) else { return Open };
    match caller {
        Caller::Signed => row[0],
        Caller::Service => row[1],
        Caller::Anonymous => row[2],
        Caller::Vouched => row[3],
        Caller::Unknown => Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_whatever_follows_its_name() {
        assert_eq!(there("aws:principaltag/team", Caller::Service), Never);
        assert_eq!(there("aws:principaltag", Caller::Service), Open);
        assert_eq!(there("aws:principalarn", Caller::Signed), Always);
        assert_eq!(there("s3:prefix", Caller::Signed), Open);
        let bob = Requester::read("CanonicalUser", "79a5");
        assert_eq!(there("aws:principalarn", Caller::of(&bob)), Open);
    }
}
