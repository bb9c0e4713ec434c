//! Tags within the bounds of AWS.
//!
//! At most 128 characters for a key and 256 for a value, of letters, digits, spaces and `_.:/=+-@`,
//! keys not starting with `aws:`, at most 50 on a resource: AWS General Reference, "Tag naming limits
//! and requirements". Some of the 50 are lakewright's own.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diagnostic::{self, Diagnostic};
use crate::spec::decode::shortened;
use crate::spec::{Tag, Tags};

/// What is left of the 50 for the user: lakewright puts `lakewright:*` tags on what it makes.
const MOST: usize = 46;

impl Resolver<'_> {
    /// The tags of the lake, the owner among them.
    pub(super) fn lake_tags(&mut self) -> BTreeMap<String, String> {
        let spec = self.spec;
        let mut tags: BTreeMap<String, String> =
            self.tags(&spec.tags, "tags", 0).into_iter().collect();
        if let Some(owner) = &spec.owner {
            let key = crate::spec::decode::At { value: "owner".to_owned(), span: owner.span };
            let tag = Tag { key, value: owner.clone() };
            self.tag(&tag, "owner");
            if let Some(other) = spec.tags.0.iter().find(|tag| tag.key.value == "owner") {
                let headline = "`owner` and the tag `owner` say it twice";
                let diagnostic = Diagnostic::error(diagnostic::LW0211, other.key.span, headline)
                    .also(owner.span, "becomes the tag `owner`")
                    .help("take one of them out");
                self.report(diagnostic, "tags.owner");
            }
            tags.entry("owner".into()).or_insert_with(|| owner.value.clone());
        }
        tags
    }

    /// Tags of a thing; `besides` is how many the lake gives it already.
    pub(super) fn tags(
        &mut self,
        tags: &Tags,
        path: &str,
        besides: usize,
    ) -> Vec<(String, String)> {
        for tag in &tags.0 {
            self.tag(tag, path);
        }
        let count = tags.0.len() + besides;
        if count > MOST
            && let Some(tag) = tags.0.last()
        {
            let diagnostic = Diagnostic::error(
                diagnostic::LW0306,
                tag.key.span,
                format!("{count} tags are more than {MOST}"),
            )
            .note("AWS takes 50 on a resource, and lakewright adds its own");
            self.report(diagnostic, path);
        }
        tags.0.iter().map(|tag| (tag.key.value.clone(), tag.value.value.clone())).collect()
    }

    fn tag(&mut self, tag: &Tag, path: &str) {
        let key = tag.key.value.as_str();
        let at = if path == "owner" { path.to_owned() } else { format!("{path}.{key}") };
        let lower = key.to_ascii_lowercase();
        let reserved = ["aws:", "lakewright:"].into_iter().find(|word| lower.starts_with(word));
        if let Some(word) = reserved {
            let whose = if word == "aws:" { "AWS" } else { "lakewright" };
            let headline = format!("tag `{}`: {whose} keeps `{word}` for itself", shortened(key));
            let diagnostic = Diagnostic::error(diagnostic::LW0305, tag.key.span, headline)
                .help(format!("give the tag a key that does not begin with `{word}`"));
            self.report(diagnostic, &at);
        }
        let sides = [("key", &tag.key, 1, 128), ("value", &tag.value, 0, 256)];
        for (what, text, least, most) in sides {
            let count = text.value.chars().count();
            if !(least..=most).contains(&count) {
                let headline =
                    format!("the {what} of a tag has {least} to {most} characters, not {count}");
                self.error(diagnostic::LW0306, text.span, &at, headline);
            }
            let bad = text
                .value
                .chars()
                .find(|c| !(c.is_alphanumeric() || *c == ' ' || "_.:/=+-@".contains(*c)));
            if let Some(bad) = bad {
                let headline =
                    format!("`{}` cannot stand in the {what} of a tag", bad.escape_default());
                let diagnostic = Diagnostic::error(diagnostic::LW0305, text.span, headline)
                    .note("a tag has letters, digits, spaces and `_ . : / = + - @`");
                self.report(diagnostic, &at);
            }
        }
    }
}
