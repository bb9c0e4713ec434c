//! `pipelines`: what turns data of the lake into other data of the lake.

use super::decode::{At, Decode, Decoder, Shape, Whole, shortened};
use super::reference::{Principal, Reference};
use super::words::{Duration, Schedule};
use crate::diagnostic::{self, Diagnostic};
use crate::source::Span;
use crate::syntax::{Kind, Node};
use crate::{choice, record};

record! {
    /// A job with a role that follows from exactly what it reads and writes.
    #[unless(comes_later)]
    pub struct Pipeline {
        /// What it does.
        description: Option<String>,
        /// What runs it.
        run: At<Run>,
        /// The script: a file beside the spec. It is uploaded under the hash of its content.
        script: At<Script>,
        /// What it reads: buckets, prefixes, databases, tables.
        read: Vec<At<Reference>>,
        /// What it writes: buckets, prefixes, tables.
        write: Vec<At<Reference>>,
        /// When it runs. Default: only when it is started.
        schedule: Option<At<Schedule>>,
        /// How many workers it has. Default: 2.
        workers: Option<At<Workers>>,
        /// The size of a worker. Default: `G.1X`.
        worker: Option<At<WorkerType>>,
        /// After this time it is stopped: up to 7 days. Default: `8h`.
        timeout: Option<At<Duration>>,
        /// How often a failed run is tried again, 0 to 10. Default: 0.
        retries: Option<At<Whole<0, 10>>>,
        /// How many runs there may be at once. Default: 1.
        concurrent: Option<At<Whole<1, 1000>>>,
        /// A role of this account that is not ours and runs the job instead of one that follows from
        /// `read` and `write`.
        role: Option<At<Principal>>,
        /// Arguments of the script: `--name` and text.
        arguments: super::Tags,
    }
}

/// What runs a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    Glue,
}

/// Engines that the language knows and this version does not make yet.
const LATER: [&str; 6] = ["glue-streaming", "emr-serverless", "emr", "lambda", "ec2", "sagemaker"];

/// Reports a pipeline on an engine that comes later; its other keys are those of its engine.
fn comes_later(node: &Node, decoder: &mut Decoder) -> bool {
    let Some((run, text)) = node.get("run").and_then(|run| Some((run, run.text()?))) else {
        return false;
    };
    let later = LATER.contains(&text);
    if later {
        let headline = format!("pipelines on `{text}` come with a later version");
        decoder.under("run", |decoder| {
            decoder.report(
                Diagnostic::error(diagnostic::LW0210, run.span, headline)
                    .note("this version makes pipelines on `glue`"),
            );
        });
    }
    later
}

impl Decode for Run {
    fn shape() -> Shape {
        Shape::Word(&[("glue", "an AWS Glue job for Apache Spark")])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "an engine")?;
        match text {
            "glue" => Some(Run::Glue),
            _ => super::decode::not_a_word(node, text, &["glue"], decoder),
        }
    }
}

choice! {
    /// Sizes of a Glue worker ("Worker types" in the AWS Glue developer guide).
    pub enum WorkerType {
        /// 4 vCPU, 16 GB.
        G1x = "G.1X",
        /// 8 vCPU, 32 GB.
        G2x = "G.2X",
        /// 16 vCPU, 64 GB.
        G4x = "G.4X",
        /// 32 vCPU, 128 GB.
        G8x = "G.8X",
    }
}

/// A script's path, relative to the spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script(pub String);

impl Decode for Script {
    fn shape() -> Shape {
        Shape::Text { what: "the path of a script, relative to the spec", pattern: None }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "the path of a script")?;
        let headline = format!("`{}` cannot be a script's path", shortened(text));
        let refused = if text.is_empty() || text.contains(['\0', '\n']) {
            "it is the path of a file"
        } else if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            "it is relative to the spec and stays below its folder"
        } else if !text.ends_with(".py") && !text.ends_with(".scala") {
            "Glue runs `.py` and `.scala` files"
        } else {
            return Some(Script(text.to_owned()));
        };
        decoder.report(Diagnostic::error(diagnostic::LW0305, node.span, headline).note(refused));
        // What the pipeline reads and writes is known all the same.
        Some(Script(text.to_owned()))
    }
}

/// How many workers a job has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Where it is `max`, the number is fixed; else Glue decides how many up to `max` it uses.
    pub min: i64,
    pub max: i64,
    /// Where `min` is said.
    pub min_span: Option<Span>,
}

record! {
    /// A number of workers that follows the load.
    pub struct WorkerRange {
        /// The same as `max` for a fixed number. Below it, Glue decides how many it uses: no other minimum than 2, a
        /// driver and an executor, can be had.
        min: Option<At<Whole<2, 299>>>,
        /// At most 299.
        max: At<Whole<2, 299>>,
    }
}

impl Decode for Workers {
    fn shape() -> Shape {
        Shape::Either(vec![Whole::<2, 299>::shape(), WorkerRange::shape()])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        if let Kind::Map(_) = node.kind {
            let range = WorkerRange::decode(node, decoder)?;
            let min = range.min.as_ref().map_or(2, |min| min.value.0);
            let max = range.max.value.0;
            if min > max {
                let least = match &range.min {
                    Some(_) => "`min`",
                    None => "`min`, which is 2 where nothing is said",
                };
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0306,
                        range.max.span,
                        format!("`max` is {max} and `min` is {min}"),
                    )
                    .help(format!("write a `max` that is at least {least}")),
                );
                return None;
            }
            let min_span = range.min.as_ref().map(|min| min.span);
            return Some(Workers { min, max, min_span });
        }
        Whole::<2, 299>::decode(node, decoder).map(|n| Workers {
            min: n.0,
            max: n.0,
            min_span: None,
        })
    }
}
