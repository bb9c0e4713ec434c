//! A spec from its file through the phases.

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::output::Output;
use super::{Exit, Stop, env};
use crate::compile::{self, Compiled, Understood};
use crate::diagnostic::Diagnostics;
use crate::lake::{Lake, Origins};
use crate::lower::Scripts;
use crate::policy::Library;
use crate::resolve;
use crate::source::Sources;
use crate::stacks::Placement;
use crate::syntax::{self, Node};

/// A file that was read.
pub struct Loaded {
    pub sources: Sources,
    pub tree: Node,
    pub diagnostics: Diagnostics,
    /// What paths in the spec are relative to.
    pub folder: Utf8PathBuf,
}

/// A lake in one environment, without errors.
pub struct Ready {
    pub sources: Sources,
    pub folder: Utf8PathBuf,
    pub lake: Lake,
    pub origins: Origins,
    pub library: Library,
    pub scripts: Scripts,
}

/// Reads a file as a tree.
pub fn read(path: &Utf8Path) -> Result<Loaded, Stop> {
    let bytes = env::read(path).map_err(|error| {
        let missing = path == "lake.yaml" && !env::exists(path);
        if missing {
            error.context("there is no spec here (`lakewright init` writes one)")
        } else {
            error
        }
    })?;
    let mut sources = Sources::default();
    let file = sources.add(path.as_str(), syntax::decode(bytes));
    let (tree, diagnostics) = syntax::parse(&sources, file);
    let folder = match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder.to_owned(),
        _ => Utf8PathBuf::from("."),
    };
    Ok(Loaded { sources, tree, diagnostics, folder })
}

impl Loaded {
    /// What the spec means in one environment. Errors end the run; warnings are printed.
    pub fn ready(mut self, asked: Option<&str>, output: &Output) -> Result<Ready, Stop> {
        let name = match resolve::choose(&self.tree, asked) {
            Ok(name) => name.to_owned(),
            Err(refused) => {
                if !self.diagnostics.has_errors() {
                    self.diagnostics.push(*refused);
                }
                return Err(self.stop(output));
            }
        };
        let Understood { lake, origins, diagnostics } = compile::understand(&self.tree, &name);
        self.diagnostics.extend(diagnostics);
        let Some(lake) = lake.filter(|_| !self.diagnostics.has_errors()) else {
            return Err(self.stop(output));
        };
        let scripts = scripts(&lake, &self.folder);
        output.findings(&self.diagnostics, &self.sources);
        output.detail(&format!(
            "Lake {}, environment {}: account {}, {}",
            lake.naming.lake_id(),
            lake.home.environment,
            lake.home.account,
            lake.home.region
        ));
        Ok(Ready {
            sources: self.sources,
            folder: self.folder,
            lake,
            origins,
            library: Library::built_in(),
            scripts,
        })
    }

    /// Says what was found, and ends.
    pub fn stop(&self, output: &Output) -> Stop {
        output.findings(&self.diagnostics, &self.sources);
        Stop::Said(Exit::Error)
    }
}

impl Ready {
    /// The stacks of the lake, beside what is deployed.
    pub fn compile(&self, placement: &Placement, output: &Output) -> Result<Compiled, Stop> {
        let compiled = compile::compile(&self.lake, &self.library, &self.scripts, placement);
        if compiled.diagnostics.has_errors() {
            output.findings(&compiled.diagnostics, &self.sources);
            return Err(Stop::Said(Exit::Error));
        }
        for stack in &compiled.stacks {
            output.detail(&format!("Stack {}: {} resources", stack.key, stack.resources().count()));
        }
        Ok(compiled)
    }
}

/// The content addresses of the scripts that can be read; lowering reports the others.
pub fn scripts(lake: &Lake, folder: &Utf8Path) -> Scripts {
    compile::scripts_of(lake)
        .into_iter()
        .filter_map(|path| {
            let bytes = env::read(&folder.join(path)).ok()?;
            Some((path.to_owned(), sha256(&bytes)))
        })
        .collect()
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
