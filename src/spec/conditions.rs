//! `when` of an entry of `access`: under which circumstances it is given.
//!
//! A map is one set of conditions, of which all have to hold; a list of maps is several sets, of which any
//! is enough. Here is only the form. What a set becomes in a policy stands in `policies/when-*.json`;
//! what cannot be honoured is refused by `check::conditions`. INVARIANT: no value holds a wildcard or a
//! policy variable.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::narrowing::{Narrowing, nothing};
use super::words::{Refused, text_form};
use crate::diagnostic::{self, Diagnostic};
use crate::names::Network;
use crate::record;
use crate::syntax::{Kind, Node};

record! {
    /// Conditions that all have to hold. What a request does not say of itself does not hold.
    pub struct Conditions {
        /// Only through these VPC endpoints. Requests that a service makes for somebody, such as
        /// Athena, do not come through them.
        vpc_endpoint: Narrowing<Vec<At<VpcEndpointId>>>,
        /// Only from these VPCs, through any of their endpoints.
        vpc: Narrowing<Vec<At<VpcId>>>,
        /// Only from these networks: public addresses; beside `vpc` or `vpc_endpoint` those inside of
        /// the VPC.
        source_address: Narrowing<Vec<At<Network>>>,
        /// Only objects that carry all of these tags, each with any of its values. For `read` of
        /// objects; their names are listed all the same.
        object_tags: Narrowing<TagValues>,
        /// Only somebody whose role, user or session carries all of these tags, each with any of its
        /// values.
        principal_tags: Narrowing<TagValues>,
        /// Only users who signed in with a second factor: `true`. Sessions of roles do not say so.
        mfa: Narrowing<Option<At<bool>>>,
    }
}

impl Conditions {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.vpc_endpoint.is_empty()
            && self.vpc.is_empty()
            && self.source_address.is_empty()
            && self.object_tags.0.0.is_empty()
            && self.principal_tags.0.0.is_empty()
            && self.mfa.is_none()
    }
}

/// Sets of conditions, of which any is enough; none: always.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct When(pub Vec<Conditions>);

impl Decode for When {
    fn shape() -> Shape {
        Shape::Either(vec![Conditions::shape(), Shape::List(Box::new(Conditions::shape()))])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let sets = match &node.kind {
            Kind::Null => return Some(When::default()),
            Kind::List(items) => items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| decoder.element(at, |d| Conditions::decode(item, d)))
                .collect(),
            Kind::Map(_) => vec![Conditions::decode(node, decoder)?],
            _ => return decoder.expected(node, "a map of conditions, or a list of such maps"),
        };
        Some(When(sets))
    }
    fn absent() -> Option<Self> {
        Some(When::default())
    }
}

/// The id of a VPC (EC2 API reference: `vpc-` and 8 or 17 hexadecimal digits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VpcId(pub String);

text_form!(
    VpcId,
    "a VPC such as `vpc-0123456789abcdef0`",
    Some("^vpc-([0-9a-f]{8}|[0-9a-f]{17})$"),
    LW0305,
    |text| numbered(text, "vpc-").map(VpcId)
);

/// The id of a VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VpcEndpointId(pub String);

text_form!(
    VpcEndpointId,
    "a VPC endpoint such as `vpce-0123456789abcdef0`",
    Some("^vpce-([0-9a-f]{8}|[0-9a-f]{17})$"),
    LW0305,
    |text| numbered(text, "vpce-").map(VpcEndpointId)
);

fn numbered(text: &str, head: &str) -> Result<String, String> {
    let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    match text.strip_prefix(head) {
        Some(id) if matches!(id.len(), 8 | 17) && id.bytes().all(hexadecimal) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("`{head}` and 8 or 17 hexadecimal digits")),
    }
}

text_form!(
    Network,
    "a network such as `203.0.113.0/24`",
    Some(r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$"),
    LW0305,
    |text| {
        let network = Network::new(text).map_err(Refused::from)?;
        match network.masked() == network {
            true => Ok(network),
            false => Err(Refused::perhaps(
                "there are bits behind the length of the network",
                network.masked().to_string(),
            )),
        }
    }
);

/// Tags, each with the values that do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagValues(pub Vec<(At<String>, Vec<At<String>>)>);

/// The key of a tag of IAM or S3 as it can stand in a condition.
pub(super) const TAG_KEY: &str = r"^(?![aA][wW][sS]:)[A-Za-z0-9_.:/=+@-]{1,128}$";

/// Why a text is not the key of a tag that a policy can ask for (`Kind::TagKey`).
pub(super) fn tag_key(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c);
    if !(1..=128).contains(&text.len()) || !text.chars().all(ok) {
        return Err("it has 1 to 128 letters, digits and `_ . : / = + - @`");
    }
    match text.to_ascii_lowercase().starts_with("aws:") {
        true => Err("keys that begin with `aws:` are AWS's own"),
        false => Ok(()),
    }
}

fn tag_value(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
    match (1..=256).contains(&text.len()) && text.chars().all(ok) {
        true => Ok(()),
        false => Err("it has 1 to 256 letters, digits, spaces and `_ . : / = + - @`; no patterns"),
    }
}

impl Decode for TagValues {
    fn shape() -> Shape {
        Shape::Map {
            keys: "the key of a tag",
            pattern: Some(TAG_KEY),
            empty: false,
            values: Box::new(Shape::Either(vec![
                String::shape(),
                Shape::Filled(Box::new(Shape::List(Box::new(String::shape())))),
            ])),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Some(TagValues::default()),
            _ => return decoder.expected(node, "a map of tags, such as `{ team: [finance] }`"),
        };
        let mut tags: Vec<(At<String>, Vec<At<String>>)> = Vec::new();
        for entry in entries {
            let key = At { value: entry.key.to_string(), span: entry.key_span };
            let mut fits = true;
            if let Err(reason) = tag_key(&key.value) {
                let headline = format!("`{}` cannot be the key of a tag", shortened(&key.value));
                decoder
                    .report(Diagnostic::error(diagnostic::LW0305, key.span, headline).note(reason));
                fits = false;
            }
            // Names of condition keys are the same in upper and lower case.
            let twin = tags.iter().find(|(own, _)| own.value.eq_ignore_ascii_case(&key.value));
            if let Some((first, _)) = twin {
                let headline =
                    format!("`{}` and `{}` are one condition key", first.value, key.value);
                decoder.report(
                    Diagnostic::error(diagnostic::LW0211, key.span, headline)
                        .also(first.span, "the first one")
                        .note("IAM does not tell upper from lower case in it")
                        .help("take one of them out"),
                );
                fits = false;
            }
            let one = |node: &Node, decoder: &mut Decoder| {
                let text = At::<String>::decode(node, decoder)?;
                if let Err(reason) = tag_value(&text.value) {
                    let headline =
                        format!("`{}` cannot be the value of a tag", shortened(&text.value));
                    decoder.report(
                        Diagnostic::error(diagnostic::LW0305, text.span, headline).note(reason),
                    );
                    return None;
                }
                Some(text)
            };
            let values: Vec<At<String>> =
                decoder.under(&entry.key, |decoder| match &entry.value.kind {
                    Kind::List(items) if items.is_empty() => {
                        nothing(&entry.value, decoder).into_iter().collect()
                    }
                    Kind::List(items) => items
                        .iter()
                        .enumerate()
                        .filter_map(|(at, item)| decoder.element(at, |d| one(item, d)))
                        .collect(),
                    _ => one(&entry.value, decoder).into_iter().collect(),
                });
            if fits && !values.is_empty() {
                tags.push((key, values));
            }
        }
        Some(TagValues(tags))
    }
    fn absent() -> Option<Self> {
        Some(TagValues::default())
    }
}
