//! `policies`: a folder of policy documents of the user's own.

use super::decode::{Decode, Decoder, Shape, shortened};
use crate::diagnostic::{self, Diagnostic};
use crate::syntax::Node;

/// A folder's path, relative to the spec, without `./` before it or a slash behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder(pub String);

impl Decode for Folder {
    fn shape() -> Shape {
        Shape::Text { what: "the path of a folder, relative to the spec", pattern: None }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "the path of a folder")?;
        let bare = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
        let refused = if bare.is_empty() || bare == "." || text.contains(['\0', '\n']) {
            "it is a folder below the spec's own"
        } else if bare.starts_with('/') || bare.split('/').any(|part| part == "..") {
            "it is relative to the spec and stays below its folder"
        } else {
            return Some(Folder(bare.to_owned()));
        };
        let headline = format!("`{}` cannot be a folder of policy documents", shortened(text));
        decoder.report(Diagnostic::error(diagnostic::LW0305, node.span, headline).note(refused));
        None
    }
}
