//! `sources`: what flows into the lake.

use super::decode::{At, Decode, Decoder, Shape, Whole};
use super::reference::{KeyReference, Reference};
use super::words::{Duration, Size};
use crate::diagnostic::{self, Diagnostic};
use crate::record;
use crate::syntax::Node;

record! {
    /// Data that comes from outside. `from: kinesis` makes a stream and a Firehose that delivers
    /// what is put into it.
    #[unless(comes_later)]
    pub struct Source {
        /// What comes in.
        description: Option<String>,
        /// What kind of source it is.
        from: At<From>,
        /// Where the data lands: a bucket or a prefix in it.
        into: At<Reference>,
        /// The table whose schema the data has. Records are then converted to Parquet.
        table: Option<At<Reference>>,
        /// How much the stream can take: `on-demand`, or a number of shards. Default: `on-demand`.
        capacity: Option<At<Capacity>>,
        /// How long the stream keeps records: `24h` to `365d`. Default: `24h`.
        keep: Option<At<Duration>>,
        /// The key of the stream. Default: the one that AWS manages for Kinesis.
        encryption: Option<At<KeyReference>>,
        /// When Firehose writes what it has gathered.
        buffer: Option<Buffer>,
        /// Whether the stream's own metrics are kept for each shard. Default: `false`.
        shard_metrics: Option<At<bool>>,
        /// Whether the stream is kept when it leaves the spec or the lake is destroyed. Default:
        /// `true`.
        protect: Option<At<bool>>,
        /// Counts up when the stream has to be made anew: its name then ends in `-2`, `-3`, ...
        generation: Option<At<Whole<1, 999>>>,
    }
}

record! {
    /// Firehose writes an object when either is reached.
    pub struct Buffer {
        /// 1 to 128MiB; at least 64MiB when records are converted. Default: `128MiB`.
        size: Option<At<Size>>,
        /// Up to `15m`. Default: `5m`.
        time: Option<At<Duration>>,
    }
}

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Kinesis,
}

/// Kinds that the language knows and this version does not make yet.
const LATER: [&str; 15] = [
    "s3",
    "cloudwatch-logs",
    "cloudwatch-metrics",
    "redshift",
    "smb",
    "nfs",
    "hdfs",
    "dms",
    "gcs",
    "azure-blob",
    "upload",
    "salesforce",
    "api",
    "sap",
    "rds",
];

/// Reports a source of a kind that comes later; its other keys are those of its kind.
fn comes_later(node: &Node, decoder: &mut Decoder) -> bool {
    let Some((from, text)) = node.get("from").and_then(|from| Some((from, from.text()?))) else {
        return false;
    };
    let later = LATER.contains(&text);
    if later {
        let headline = format!("sources from `{text}` come with a later version");
        decoder.under("from", |decoder| {
            decoder.report(
                Diagnostic::error(diagnostic::LW0210, from.span, headline)
                    .note("this version makes sources from `kinesis`"),
            );
        });
    }
    later
}

impl Decode for From {
    fn shape() -> Shape {
        Shape::Word(&[("kinesis", "a Kinesis data stream, delivered by Firehose")])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "a kind of source")?;
        match text {
            "kinesis" => Some(From::Kinesis),
            _ => super::decode::not_a_word(node, text, &["kinesis"], decoder),
        }
    }
}

/// The capacity of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    OnDemand,
    Shards(i64),
}

impl Decode for Capacity {
    fn shape() -> Shape {
        Shape::Either(vec![
            Shape::Word(&[("on-demand", "the stream scales by itself")]),
            Whole::<1, 10_000>::shape(),
        ])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some("on-demand") => Some(Capacity::OnDemand),
            Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                Whole::<1, 10_000>::decode(node, decoder).map(|n| Capacity::Shards(n.0))
            }
            Some(text) if diagnostic::nearest(text, ["on-demand"]).is_some() => {
                super::decode::not_a_word(node, text, &["on-demand"], decoder)
            }
            _ => decoder.expected(node, "`on-demand` or a number of shards"),
        }
    }
}
