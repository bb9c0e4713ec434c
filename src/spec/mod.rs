//! What the user wrote: the language, a file for each top-level key, decoded from the tree.
//!
//! In: a tree of `syntax`. Out: a [`Spec`] and everything that is wrong with its form. Nothing here
//! knows what a name refers to; `resolve` does. Adding a key: add a field with a doc comment to its
//! record; decoder, JSON Schema, reference and completion follow from that.

pub mod access;
pub mod analytics;
pub mod buckets;
pub mod columns;
pub mod conditions;
pub mod databases;
pub mod decode;
pub mod environments;
pub mod guards;
pub mod keys;
pub mod lake_formation;
pub mod logs;
mod manual;
pub mod narrowing;
pub mod organization;
pub mod partitions;
pub mod pipelines;
pub mod policies;
pub mod record;
pub mod reference;
pub mod roles;
pub mod scalars;
pub mod schema;
pub mod shape;
pub mod sources;
pub mod waivers;
pub mod watch;
pub mod words;

use decode::{At, Decode, Decoder, Named, Shape};

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::names::Name;
use crate::record;
use crate::syntax::{Kind, Node};

record! {
    /// One description of a data lake: places (buckets, databases) and the flows between them
    /// (sources, pipelines, access).
    pub struct Spec {
        /// The version of this language: `1`.
        lakewright: At<decode::Version>,
        /// The lake's name. The names of everything that lakewright makes start with it.
        lake: At<Name>,
        /// A word that ends every name, so that copies of one lake can stand side by side.
        suffix: Option<At<Name>>,
        /// What the lake is for.
        description: Option<String>,
        /// Who answers for the lake, a person or a team; becomes the tag `owner`.
        owner: Option<At<String>>,
        /// Tags of everything that can be tagged.
        tags: Tags,
        /// The AWS organization around the lake, and the outsiders that it trusts.
        organization: Option<organization::Organization>,
        /// What holds for each thing of a kind unless the thing says otherwise.
        defaults: Defaults,
        /// Where the lake stands.
        environments: Named<environments::Environment>,
        /// KMS keys.
        keys: Named<keys::Key>,
        /// S3 buckets.
        buckets: Named<buckets::Bucket>,
        /// Glue databases.
        databases: Named<databases::Database>,
        /// What Lake Formation is told once; needed by databases that it decides about.
        lake_formation: Option<lake_formation::LakeFormation>,
        /// What flows in.
        sources: Named<sources::Source>,
        /// What turns data into other data.
        pipelines: Named<pipelines::Pipeline>,
        /// Roles that others take.
        roles: Named<roles::Role>,
        /// Who may do what.
        access: Named<access::Access>,
        /// Where people ask the lake's tables.
        analytics: Option<analytics::Analytics>,
        /// A folder beside the spec with policy documents of your own, each under the name of the one
        /// of lakewright's that it takes the place of: `s3-write.json`. See `docs/policies.md`.
        policies: Option<At<policies::Folder>>,
        /// Findings of rules over access that are accepted, each with a reason and a last day.
        /// `lakewright access rules` lists what is found, and every review what is waived.
        waivers: Vec<waivers::Waiver>,
        /// How long logs are kept.
        logs: Option<logs::Logs>,
        /// Who is told.
        notify: Named<watch::Notify>,
        /// When somebody is told.
        alarms: Named<watch::Alarm>,
    }
}

/// The sections whose things can have defaults, the key of each in `defaults`.
pub const WITH_DEFAULTS: [&str; 5] = ["keys", "buckets", "databases", "sources", "pipelines"];

/// `defaults`: a part of a thing for each kind. It is laid under every thing of the kind before that
/// is decoded, so a mistake in it shows at its own place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Defaults(pub Vec<(&'static str, Node)>);

impl Decode for Defaults {
    fn shape() -> Shape {
        Shape::Record(|| decode::RecordShape {
            name: "Defaults",
            doc: "What holds for each thing of a kind unless the thing says otherwise. Maps merge; a key that a thing sets to null keeps the default away.",
            fields: vec![
                default_field::<keys::Key>("keys", "Of each key."),
                default_field::<buckets::Bucket>(
                    "buckets",
                    "Of each bucket that is not `existing`.",
                ),
                default_field::<databases::Database>(
                    "databases",
                    "Of each database that is not `existing`.",
                ),
                default_field::<sources::Source>("sources", "Of each source."),
                default_field::<pipelines::Pipeline>("pipelines", "Of each pipeline."),
            ],
        })
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        if node.kind == Kind::Null {
            return Some(Defaults::default());
        }
        let mut defaults = Vec::new();
        decode::known_keys(node, &WITH_DEFAULTS, decoder, |key, value, decoder| {
            let section = WITH_DEFAULTS.iter().find(|section| **section == key);
            match (&value.kind, section) {
                (Kind::Map(_), Some(section)) => defaults.push((*section, value.clone())),
                (Kind::Null, _) | (_, None) => {}
                _ => {
                    let _: Option<()> = decoder.expected(value, "a map");
                }
            }
        })?;
        Some(Defaults(defaults))
    }
    fn absent() -> Option<Self> {
        Some(Defaults::default())
    }
}

fn default_field<T: Decode>(key: &'static str, doc: &'static str) -> decode::FieldShape {
    decode::FieldShape { key, doc, shape: T::shape(), required: false }
}

/// Tags, or any map of texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tags(pub Vec<Tag>);

/// One tag with its places.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    pub key: At<String>,
    pub value: At<String>,
}

impl Decode for Tags {
    fn shape() -> Shape {
        Shape::Map {
            keys: "a text of your own",
            pattern: None,
            empty: false,
            values: Box::new(String::shape()),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Some(Tags::default()),
            _ => return decoder.expected(node, "a map of texts"),
        };
        let mut tags = Vec::new();
        for entry in entries {
            let value = decoder.under(&entry.key, |d| At::<String>::decode(&entry.value, d));
            let key = At { value: entry.key.to_string(), span: entry.key_span };
            // What could not be read was reported; the key can be looked at all the same.
            let value = value.unwrap_or(At { value: String::new(), span: entry.value.span });
            tags.push(Tag { key, value });
        }
        Some(Tags(tags))
    }
    fn absent() -> Option<Self> {
        Some(Tags::default())
    }
}

/// Decodes a spec from a tree in which environments and defaults have been laid already.
pub fn decode(tree: &Node) -> (Option<Spec>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut decoder = Decoder::new(&mut diagnostics);
    let spec = match &tree.kind {
        Kind::Broken => None,
        Kind::Null => {
            decoder.report(
                Diagnostic::error(diagnostic::LW0202, tree.span, "the spec is empty")
                    .help("`lakewright init` writes one to start from"),
            );
            None
        }
        _ => Spec::decode(tree, &mut decoder),
    };
    (spec, diagnostics)
}
