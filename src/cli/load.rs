//! A spec from its file through the phases.

use std::cell::Cell;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::output::Output;
use super::{Exit, Stop, env, revision};
use crate::compile::{self, Compiled, Understood};
use crate::diagnostic::Diagnostics;
use crate::lake::{Lake, Origins};
use crate::lower::Scripts;
use crate::plan::Cause;
use crate::policy::Library;
use crate::resolve;
use crate::source::Sources;
use crate::stacks::Placement;
use crate::syntax::{self, Node};
use crate::vocabulary::{self, Vocabulary};

/// A file that was read.
pub struct Loaded {
    pub sources: Sources,
    pub tree: Node,
    pub diagnostics: Diagnostics,
    /// What paths in the spec are relative to.
    pub folder: Utf8PathBuf,
    /// Where its files are read from.
    root: Root,
    /// The files of folders of policy documents that were read, by folder: environments share them.
    documents: BTreeMap<String, Vec<vocabulary::File>>,
}

/// Where files are read from: the folders of this machine, or a commit.
#[derive(Debug, Clone)]
pub enum Root {
    Here,
    /// A commit of the repository that a folder is in.
    Commit {
        /// Any folder of the repository.
        repository: Utf8PathBuf,
        /// The commit's hash.
        commit: String,
    },
}

/// A lake in one environment, without errors.
pub struct Ready {
    pub sources: Sources,
    pub folder: Utf8PathBuf,
    pub lake: Lake,
    pub origins: Origins,
    pub library: Library,
    pub scripts: Scripts,
    /// Whether what is found while templates are made was said: a verb may make them more than once.
    told: Cell<bool>,
}

/// What a spec means in one environment: all that is asked of one when a state is spoken of.
pub struct Meant {
    pub sources: Sources,
    pub lake: Lake,
    pub origins: Origins,
}

impl Meant {
    /// Where a path stands in the spec.
    pub fn cause(&self, path: &str) -> Cause {
        Cause::at(path, &self.origins, &self.sources)
    }
}

impl From<Ready> for Meant {
    fn from(Ready { sources, lake, origins, .. }: Ready) -> Meant {
        Meant { sources, lake, origins }
    }
}

/// Reads a file as a tree.
pub fn read(path: &Utf8Path) -> Result<Loaded, Stop> {
    read_or(path, "name a spec, or `lakewright init` writes one")
}

/// Reads a file as a tree. `instead`: what to type where there is none.
pub fn read_or(path: &Utf8Path, instead: &str) -> Result<Loaded, Stop> {
    if is_not_here(path) {
        return Err(no_spec().into());
    }
    Ok(read_from(&Root::Here, path, env::named(path, instead)?))
}

/// Whether the spec that goes without saying is not there.
pub fn is_not_here(path: &Utf8Path) -> bool {
    path == "lake.yaml" && !env::exists(path)
}

/// What to type where there is no spec: the one of a folder above, if there is one.
pub fn no_spec() -> anyhow::Error {
    match env::above("lake.yaml") {
        Some(found) => anyhow::anyhow!(
            "there is no spec `lake.yaml` here: there is `{found}`; go to its folder, or name it"
        ),
        None => anyhow::anyhow!(
            "there is no spec `lake.yaml` here: name one, or `lakewright init` writes one"
        ),
    }
}

/// A file that was read, as a tree.
pub fn read_from(root: &Root, path: &Utf8Path, bytes: Vec<u8>) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(path.as_str(), syntax::decode(bytes));
    let (tree, diagnostics) = syntax::parse(&sources, file);
    let folder = match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder.to_owned(),
        _ => Utf8PathBuf::from("."),
    };
    let documents = BTreeMap::new();
    Loaded { sources, tree, diagnostics, folder, root: root.clone(), documents }
}

impl Root {
    /// A commit of the repository that `path` is in, by any name that git knows it by.
    pub fn revision(path: &Utf8Path, name: &str) -> anyhow::Result<Root> {
        let folder = path.ancestors().skip(1).find(|folder| env::is_folder(folder));
        let repository = folder.unwrap_or(Utf8Path::new(".")).to_owned();
        let wanted = format!("{name}^{{commit}}");
        let found = env::git(&repository, &["rev-parse", "--verify", "--end-of-options", &wanted])
            .map_err(|error| revision::unknown(&repository, name, &error))?;
        Ok(Root::Commit { repository, commit: String::from_utf8_lossy(&found).trim().to_owned() })
    }

    /// The bytes of a file.
    pub fn read(&self, path: &Utf8Path) -> anyhow::Result<Vec<u8>> {
        match self {
            Root::Here => env::read(path),
            Root::Commit { repository, commit } => {
                let object = format!("{commit}:{}", from_here(repository, path));
                env::git(repository, &["cat-file", "blob", &object])
            }
        }
    }

    /// Whether there is a folder.
    pub fn is_folder(&self, path: &Utf8Path) -> bool {
        match self {
            Root::Here => env::is_folder(path),
            Root::Commit { repository, commit } => {
                let object = format!("{commit}:{}", from_here(repository, path));
                let kind = env::git(repository, &["cat-file", "-t", &object]);
                kind.is_ok_and(|kind| kind.starts_with(b"tree"))
            }
        }
    }

    /// Every file below a folder, ascending.
    pub fn files_below(&self, folder: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
        match self {
            Root::Here => env::files_below(folder),
            Root::Commit { repository, commit } => {
                let object = format!("{commit}:{}", from_here(repository, folder));
                let listed =
                    env::git(repository, &["ls-tree", "-r", "-z", "--name-only", &object])?;
                let names = String::from_utf8(listed)?;
                let names = names.split('\0').filter(|name| !name.is_empty());
                Ok(names.map(|name| folder.join(name)).collect())
            }
        }
    }
}

/// A path as git reads it from the folder that it runs in.
fn from_here(repository: &Utf8Path, path: &Utf8Path) -> String {
    let path = path.strip_prefix(repository).unwrap_or(path);
    format!("./{path}")
}

impl Loaded {
    /// What the spec means in one environment, without the files beside it. Errors end the run; warnings are printed.
    pub fn meant(mut self, asked: Option<&str>, output: &Output) -> Result<Meant, Stop> {
        let (lake, origins) = self.understood(asked, output)?;
        output.findings(&self.diagnostics, &self.sources);
        Ok(Meant { sources: self.sources, lake, origins })
    }

    fn understood(
        &mut self,
        asked: Option<&str>,
        output: &Output,
    ) -> Result<(Lake, Origins), Stop> {
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
        match lake.filter(|_| !self.diagnostics.has_errors()) {
            Some(lake) => Ok((lake, origins)),
            None => Err(self.stop(output)),
        }
    }

    /// What the spec means in one environment. Errors end the run; warnings are printed.
    pub fn ready(mut self, asked: Option<&str>, output: &Output) -> Result<Ready, Stop> {
        let (lake, origins) = self.understood(asked, output)?;
        let Vocabulary { library, diagnostics } = self.vocabulary(&lake);
        self.diagnostics.extend(diagnostics);
        if self.diagnostics.has_errors() {
            return Err(self.stop(output));
        }
        let scripts = scripts(&lake, &self.folder, &self.root);
        output.findings(&self.diagnostics, &self.sources);
        output.detail(&format!(
            "Lake {}, environment {}: account {}, {}",
            lake.naming.lake_id(),
            lake.home.environment,
            lake.home.account,
            lake.home.region
        ));
        let told = Cell::new(false);
        let Loaded { sources, folder, .. } = self;
        Ok(Ready { sources, folder, lake, origins, library, scripts, told })
    }

    /// The policy documents of a lake: lakewright's, and in their places those of the folder that the spec names.
    pub fn vocabulary(&mut self, lake: &Lake) -> Vocabulary {
        let mut none =
            Vocabulary { library: Library::built_in(), diagnostics: Diagnostics::default() };
        let Some(named) = &lake.policies else { return none };
        let folder = self.folder.join(&named.value);
        if !self.documents.contains_key(&named.value) {
            if !self.root.is_folder(&folder) {
                none.diagnostics.push(vocabulary::missing(named.span, &named.value));
                return none;
            }
            let mut files = Vec::new();
            for path in self.root.files_below(&folder).unwrap_or_default() {
                let below = path.strip_prefix(&folder).unwrap_or(&path).as_str().to_owned();
                let Some(bytes) = self.root.read(&path).ok().filter(|_| below.ends_with(".json"))
                else {
                    continue;
                };
                let shown = path.as_str().strip_prefix("./").unwrap_or(path.as_str());
                let id = self.sources.add(shown, syntax::decode(bytes));
                files.push(vocabulary::File { path: below, id });
            }
            self.documents.insert(named.value.clone(), files);
        }
        vocabulary::read(lake, named.span, &self.documents[&named.value], &self.sources)
    }

    /// Says what was found, and ends.
    pub fn stop(&self, output: &Output) -> Stop {
        output.findings(&self.diagnostics, &self.sources);
        Stop::Said(Exit::Error)
    }
}

impl Ready {
    /// The stacks of the lake, beside what is deployed. Errors end the run; warnings are printed, once.
    pub fn compile(&self, placement: &Placement, output: &Output) -> Result<Compiled, Stop> {
        let compiled = compile::compile(&self.lake, &self.library, &self.scripts, placement);
        let errors = compiled.diagnostics.has_errors();
        if errors || (!self.told.replace(true) && !compiled.diagnostics.is_empty()) {
            output.findings(&compiled.diagnostics, &self.sources);
        }
        if errors {
            return Err(Stop::Said(Exit::Error));
        }
        for stack in &compiled.stacks {
            output.detail(&format!("Stack {}: {} resources", stack.key, stack.resources().count()));
        }
        Ok(compiled)
    }
}

/// The content addresses of the scripts that can be read; lowering reports the others.
pub fn scripts(lake: &Lake, folder: &Utf8Path, root: &Root) -> Scripts {
    compile::scripts_of(lake)
        .into_iter()
        .filter_map(|path| {
            let bytes = root.read(&folder.join(path)).ok()?;
            Some((path.to_owned(), sha256(&bytes)))
        })
        .collect()
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
