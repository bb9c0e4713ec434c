//! `organization`: the accounts that belong together, and the outsiders that are trusted.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::words::text_form;
use crate::diagnostic::{self, Diagnostic};
use crate::names::AccountId;
use crate::record;
use crate::syntax::{Kind, Node};

record! {
    /// The AWS organization that the lake's accounts belong to.
    pub struct Organization {
        /// The organization's id, `o-` and 10 to 32 letters and digits.
        id: At<OrganizationId>,
        /// The account that manages the organization. Lake Formation needs it to name an OU.
        management_account: Option<At<AccountId>>,
        /// The root of the organization's tree, `r-ab12`. Worked out from an OU's id where it is
        /// not given.
        root: Option<At<RootId>>,
        /// Accounts outside the organization that may be given access, each with the reason. All
        /// other outsiders stay outside.
        trusted: Trusted,
    }
}

/// An organization's id (Organizations API reference: `^o-[a-z0-9]{10,32}$`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationId(pub String);

text_form!(
    OrganizationId,
    "an organization id such as `o-a1b2c3d4e5`",
    Some("^o-[a-z0-9]{10,32}$"),
    LW0305,
    |text| {
        match text.strip_prefix("o-") {
            Some(id) if (10..=32).contains(&id.len()) && lower_case(id) => {
                Ok(OrganizationId(text.to_owned()))
            }
            _ => Err("`o-` and 10 to 32 lower-case letters and digits"),
        }
    }
);

/// A root's id (Organizations API reference: `^r-[0-9a-z]{4,32}$`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootId(pub String);

text_form!(RootId, "a root id such as `r-ab12`", Some("^r-[0-9a-z]{4,32}$"), LW0305, |text| {
    match text.strip_prefix("r-") {
        Some(id) if (4..=32).contains(&id.len()) && lower_case(id) => Ok(RootId(text.to_owned())),
        _ => Err("`r-` and 4 to 32 lower-case letters and digits"),
    }
});

fn lower_case(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Accounts with the reason why each is trusted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trusted(pub Vec<(At<AccountId>, String)>);

impl Decode for Trusted {
    fn shape() -> Shape {
        Shape::Map {
            keys: "an account id, quoted",
            pattern: Some("^[0-9]{12}$"),
            empty: false,
            values: Box::new(String::shape()),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Some(Trusted::default()),
            _ => return decoder.expected(node, "a map of account ids"),
        };
        let mut trusted = Vec::new();
        for entry in entries {
            match AccountId::new(&entry.key) {
                Ok(value) => {
                    // A quoted key is two characters longer in the file than its text.
                    let length = (entry.key_span.end - entry.key_span.start) as usize;
                    if length == entry.key.len() {
                        let headline = format!("the account id `{value}` has to be quoted");
                        decoder.report(
                            Diagnostic::error(diagnostic::LW0302, entry.key_span, headline)
                                .fix(entry.key_span, format!("\"{value}\"")),
                        );
                    }
                    let reason = decoder.under(&entry.key, |d| reason(&entry.value, d));
                    trusted
                        .extend(reason.map(|reason| (At { value, span: entry.key_span }, reason)));
                }
                Err(reason) => {
                    let headline = format!("`{}` is not an account id", shortened(&entry.key));
                    decoder.report(
                        Diagnostic::error(diagnostic::LW0305, entry.key_span, headline)
                            .note(reason),
                    );
                }
            }
        }
        Some(Trusted(trusted))
    }
    fn absent() -> Option<Self> {
        Some(Trusted::default())
    }
}

/// Why an account is trusted: words.
fn reason(node: &Node, decoder: &mut Decoder) -> Option<String> {
    let reason = String::decode(node, decoder)?;
    if reason.trim().is_empty() {
        decoder.report(
            Diagnostic::error(diagnostic::LW0305, node.span, "an account is trusted for a reason")
                .help("say why, such as `\"444455556666\": measures our campaigns`"),
        );
        return None;
    }
    Some(reason)
}
