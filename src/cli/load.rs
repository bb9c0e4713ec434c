//! A spec from its file through the phases.

use std::cell::Cell;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::output::Output;
use super::{Exit, Stop, env, revision};
use crate::compile::{self, Compiled, Understood};
use crate::diagnostic::{self, Diagnostic, Diagnostics};
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
    documents: BTreeMap<String, Documents>,
}

/// What a folder of policy documents holds.
#[derive(Debug, Default)]
struct Documents {
    files: Vec<vocabulary::File>,
    /// The paths of those that cannot be read, with the reason.
    refused: Vec<(String, String)>,
}

/// Bytes of a script: far more than anybody writes by hand.
pub const SCRIPT_BYTES: u64 = 64 << 20;

/// Bytes of a template in a folder. CloudFormation takes one million.
pub const TEMPLATE_BYTES: u64 = 64 << 20;

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
    /// The warnings that were said of the spec.
    pub diagnostics: Diagnostics,
    /// Whether what is found while templates are made was said: a verb may make them more than once.
    told: Cell<bool>,
}

/// What a spec means in one environment: all that is asked of one when a state is spoken of.
pub struct Meant {
    pub sources: Sources,
    pub lake: Lake,
    pub origins: Origins,
    /// The warnings that were said of the spec.
    pub diagnostics: Diagnostics,
}

impl Meant {
    /// Where a path stands in the spec.
    pub fn cause(&self, path: &str) -> Cause {
        Cause::at(path, &self.origins, &self.sources)
    }
}

impl From<Ready> for Meant {
    fn from(Ready { sources, lake, origins, diagnostics, .. }: Ready) -> Meant {
        Meant { sources, lake, origins, diagnostics }
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

    /// The bytes of a regular file inside of a folder (see [`env::within`]).
    pub fn within(&self, folder: &Utf8Path, path: &Utf8Path, most: u64) -> anyhow::Result<Vec<u8>> {
        let Root::Commit { repository, commit } = self else {
            return env::within(folder, path, most);
        };
        let own = from_here(repository, path);
        let listed = env::git(repository, &["ls-tree", "-l", "-z", commit, &own])?;
        let listed = String::from_utf8_lossy(&listed);
        // `100644 blob 4b825dc642cb6eb9a060e54bf8d69288fbee4904     123\tpath`; a link is 120000
        let facts = listed.split('\t').next().unwrap_or_default();
        let facts: Vec<&str> = facts.split_whitespace().collect();
        let [mode, "blob", hash, bytes] = facts[..] else {
            anyhow::bail!("it is not in the commit");
        };
        if !mode.starts_with("100") {
            anyhow::bail!("it is no regular file in the commit");
        }
        if bytes.parse::<u64>().map_or(true, |bytes| bytes > most) {
            anyhow::bail!("it has {bytes} bytes, and may have {most}");
        }
        env::git(repository, &["cat-file", "blob", hash])
    }

    /// Whether a folder leads out of another one. In a commit no link is followed.
    fn leads_out(&self, outer: &Utf8Path, inner: &Utf8Path) -> bool {
        match self {
            Root::Here => !env::leads_inside(outer, inner).unwrap_or(false),
            Root::Commit { .. } => false,
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

    /// Everything below a folder that is no folder, ascending.
    pub fn files_below(&self, folder: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
        match self {
            Root::Here => env::files_below(folder),
            Root::Commit { repository, commit } => {
                let object = format!("{commit}:{}", from_here(repository, folder));
                let listed = env::git(
                    repository,
                    &["ls-tree", "-r", "-z", "--name-only", "--full-tree", &object],
                )?;
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
        Ok(Meant { sources: self.sources, lake, origins, diagnostics: self.diagnostics })
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
        let (scripts, refused) = scripts(&lake, &self.folder, &self.root);
        self.diagnostics.extend(refused);
        if self.diagnostics.has_errors() {
            return Err(self.stop(output));
        }
        output.findings(&self.diagnostics, &self.sources);
        output.detail(&format!(
            "Lake {}, environment {}: account {}, {}",
            lake.naming.lake_id(),
            lake.home.environment,
            lake.home.account,
            lake.home.region
        ));
        let told = Cell::new(false);
        let Loaded { sources, folder, diagnostics, .. } = self;
        Ok(Ready { sources, folder, lake, origins, library, scripts, diagnostics, told })
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
            if self.root.leads_out(&self.folder, &folder) {
                none.diagnostics.push(vocabulary::outside(named.span, &named.value));
                return none;
            }
            let mut documents = Documents::default();
            for path in self.root.files_below(&folder).unwrap_or_default() {
                let below = path.strip_prefix(&folder).unwrap_or(&path).as_str().to_owned();
                if !below.ends_with(".json") {
                    continue;
                }
                let shown = path.as_str().strip_prefix("./").unwrap_or(path.as_str());
                match self.root.within(&folder, &path, vocabulary::MOST_BYTES) {
                    Ok(bytes) => {
                        let id = self.sources.add(shown, syntax::decode(bytes));
                        documents.files.push(vocabulary::File { path: below, id });
                    }
                    Err(reason) => documents.refused.push((shown.to_owned(), reason.to_string())),
                }
            }
            self.documents.insert(named.value.clone(), documents);
        }
        let Documents { files, refused } = &self.documents[&named.value];
        let mut read = match files.is_empty() && !refused.is_empty() {
            true => none,
            false => vocabulary::read(lake, named.span, files, &self.sources),
        };
        for (path, reason) in refused {
            read.diagnostics.push(vocabulary::unreadable(named.span, path, reason));
        }
        read
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

/// The content addresses of the scripts that are there, and what is said of those that are no files of the spec's
/// folder. Lowering reports the others.
pub fn scripts(lake: &Lake, folder: &Utf8Path, root: &Root) -> (Scripts, Diagnostics) {
    let (mut scripts, mut found) = (Scripts::new(), Diagnostics::default());
    for path in compile::scripts_of(lake) {
        let file = folder.join(path);
        match root.within(folder, &file, SCRIPT_BYTES) {
            Ok(bytes) => drop(scripts.insert(path.to_owned(), sha256(&bytes))),
            Err(reason) if env::exists(&file) && matches!(root, Root::Here) => {
                for pipeline in lake.pipelines.values().filter(|it| it.script.value == path) {
                    let headline = format!("`{path}` cannot be read: {reason}");
                    found.push(
                        Diagnostic::error(diagnostic::LW0316, pipeline.script.span, headline)
                            .at(format!("{}.script", pipeline.path()))
                            .help("a script is a file below the folder of the spec: put it there"),
                    );
                }
            }
            Err(_) => {}
        }
    }
    (scripts, found)
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
