//! The phases in their order: what turns one file into the stacks of one environment.
//!
//! [`understand`] reads, [`compile`] writes; between them the caller fetches the scripts
//! that the pipelines name, since nothing here touches a file. Both report what they find and go on
//! as far as they can.

use std::collections::BTreeSet;

use crate::check;
use crate::diagnostic::{self, Diagnostic, Diagnostics, Severity};
use crate::lake::{Lake, Origins};
use crate::lower::{Handover, Scripts, lower};
use crate::policy::Library;
use crate::resolve;
use crate::stacks::{Excess, Placement, Stack, excess, stacks};
use crate::syntax::{self, Node};

/// What a spec means in one environment, and what was found on the way.
#[derive(Debug, Clone)]
pub struct Understood {
    /// `None` when not even lake, environment and region could be read.
    pub lake: Option<Lake>,
    pub origins: Origins,
    pub diagnostics: Diagnostics,
}

/// What a lake is made of.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// In an order in which they can be made.
    pub stacks: Vec<Stack>,
    /// The other accounts' halves of grants.
    pub handovers: Vec<Handover>,
    pub diagnostics: Diagnostics,
}

/// Resolves a spec in an environment and checks what it means.
pub fn understand(tree: &Node, environment: &str) -> Understood {
    let resolved = resolve::resolve(tree, environment);
    let mut diagnostics = resolved.diagnostics;
    if let Some(lake) = &resolved.lake {
        diagnostics.extend(check::all(lake));
    }
    syntax::point_at_aliases(tree, &mut diagnostics);
    Understood { lake: resolved.lake, origins: resolved.origins, diagnostics }
}

/// The scripts that a lake's pipelines run, as the spec names them.
pub fn scripts_of(lake: &Lake) -> BTreeSet<&str> {
    lake.pipelines.values().map(|pipeline| pipeline.script.value.as_str()).collect()
}

/// Lowers a lake and divides it into stacks. What is deployed keeps its stack.
pub fn compile(
    lake: &Lake,
    library: &Library,
    scripts: &Scripts,
    placement: &Placement,
) -> Compiled {
    let lowered = lower(lake, library, scripts);
    if lowered.diagnostics.has_errors() {
        return Compiled {
            stacks: Vec::new(),
            handovers: Vec::new(),
            diagnostics: lowered.diagnostics,
        };
    }
    let mut diagnostics = lowered.diagnostics;
    let stacks = stacks(lake, lowered.graph, placement);
    for excess in excess(&stacks) {
        diagnostics.push(too_much(lake, &excess));
    }
    Compiled { stacks, handovers: lowered.handovers, diagnostics }
}

/// A stack that CloudFormation would refuse, told at the thing that has the largest part in it.
fn too_much(lake: &Lake, excess: &Excess) -> Diagnostic {
    let span = lake.place_of(&excess.path).or(lake.home.span);
    let headline = format!(
        "stack `{}` would have {} {}, and CloudFormation takes {}",
        excess.stack, excess.count, excess.what, excess.most
    );
    Diagnostic::new(diagnostic::LW0505, Severity::Error, span, headline)
        .label(format!("`{}` has the largest part in it", excess.path))
        .at(excess.path.clone())
        .note("a thing is not divided between stacks, and what is deployed keeps its stack")
        .help("divide this thing in two, or let it refer to fewer keys")
}
