//! The plan file: what `--out` writes and `apply` carries out.
//!
//! In: a [`Plan`], or the text of a file. Out: the other. JSON with the version of the format, the
//! plan, and the SHA-256 of the plan's bytes, so that a file that was edited is refused: what was
//! reviewed is what is applied. No I/O. INVARIANT: `read(write(plan))` is the plan.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Plan;
use super::deployed::sha256;
use crate::diagnostic::{Code, LW0901, LW0902, LW0903};

/// The version of the format. A file of another version is refused.
pub const VERSION: u32 = 2;

/// What the first key of a plan file says.
const FORMAT: &str = "lakewright-plan";

/// Why a plan file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is not one, or was cut off.
    #[error("this is not a plan file: {0}")]
    NotAPlan(String),
    /// Another version of lakewright wrote it.
    #[error("the plan file has format version {0}; this lakewright reads version {VERSION}")]
    Version(u64),
    /// Its content is not what was planned.
    #[error("the plan file was changed after it was written")]
    Edited,
}

impl PlanFileError {
    /// The diagnostic's code.
    pub fn code(&self) -> Code {
        match self {
            PlanFileError::NotAPlan(_) => LW0901,
            PlanFileError::Version(_) => LW0902,
            PlanFileError::Edited => LW0903,
        }
    }

    /// What is wrong, on one line.
    pub fn headline(&self) -> String {
        match self {
            PlanFileError::NotAPlan(_) => "this is not a plan file".to_owned(),
            other => other.to_string(),
        }
    }

    /// More of it: what the reader of JSON stumbled over.
    pub fn detail(&self) -> Option<String> {
        match self {
            PlanFileError::NotAPlan(why) => Some(format!("reading it: {why}")),
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct File<'a> {
    format: String,
    format_version: u64,
    sha256: String,
    #[serde(borrow)]
    plan: &'a RawValue,
}

/// Whether a text means to be a plan file: what it lacks is then an error of a plan, not of a spec.
pub fn is_plan(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains(FORMAT)
}

/// The text of a plan file.
pub fn write(plan: &Plan) -> String {
    let text = json(plan);
    let file = File {
        format: FORMAT.to_owned(),
        format_version: VERSION.into(),
        sha256: sha256(text.as_bytes()),
        plan: serde_json::from_str(&text).expect("invariant: what was written is JSON"),
    };
    let mut text = serde_json::to_string(&file).expect("invariant: a plan is JSON");
    text.push('\n');
    text
}

/// Reads the text of a plan file.
pub fn read(text: &str) -> Result<Plan, PlanFileError> {
    let not_a_plan = |error: serde_json::Error| PlanFileError::NotAPlan(error.to_string());
    let file: File = serde_json::from_str(text).map_err(not_a_plan)?;
    if file.format != FORMAT {
        return Err(PlanFileError::NotAPlan(format!("its format is `{}`", file.format)));
    }
    if file.format_version != u64::from(VERSION) {
        return Err(PlanFileError::Version(file.format_version));
    }
    if sha256(file.plan.get().as_bytes()) != file.sha256 {
        return Err(PlanFileError::Edited);
    }
    serde_json::from_str(file.plan.get()).map_err(not_a_plan)
}

/// SHA-256 of the plan, hexadecimal: what an approval can be bound to.
pub fn fingerprint(plan: &Plan) -> String {
    sha256(json(plan).as_bytes())
}

fn json(plan: &Plan) -> String {
    serde_json::to_string(plan).expect("invariant: a plan is JSON")
}
