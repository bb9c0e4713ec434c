//! A vocabulary of the user's own: policy documents that take the place of ours.
//!
//! In go the texts of a folder's files, each as a source, and the lake that they are for; out come a [`Library`] and
//! what is wrong with the documents: of errors the place in their own file, of a document that allows something that
//! ours does not a warning with the request that proves it, at the key of the spec.
//! Invariants: a document that is taken can be filled with everything that a lake can hold, so lowering meets no
//! surprise; where the verdict engine does not prove that a document is contained in ours, it is said. Pure: the
//! folder is read by whoever calls.
//! Read next: `arguments` for what a document is filled with before it is judged, `broader` for the comparison.

mod arguments;
mod broader;
mod facts;
mod place;

use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::Lake;
use crate::policy::check::check;
use crate::policy::{FillError, Library};
use crate::source::{FileId, Sources, Span};
use crate::spec::decode::list;
use crate::verdict::{Comparison, Request, Verdict};

/// More bytes than a document may have; the largest of ours has some 5,000.
pub const MOST_BYTES: u64 = 65_536;

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the folder.
    pub path: String,
    pub id: FileId,
}

/// The documents to fill, and what was found.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    pub library: Library,
    pub diagnostics: Diagnostics,
}

/// Reads the documents of a folder. `key`: where the spec names it. Files that do not end in `.json` are no documents.
pub fn read(lake: &Lake, key: Span, files: &[File], sources: &Sources) -> Vocabulary {
    let mut reading = Reading {
        lake,
        key,
        sources,
        library: Library::built_in(),
        diagnostics: Diagnostics::default(),
    };
    let documents =
        files.iter().filter_map(|file| Some((file.path.strip_suffix(".json")?, file.id)));
    let mut taken: Vec<(&str, FileId)> = Vec::new();
    let mut count = 0;
    for (name, id) in documents {
        count += 1;
        if reading.known(name, id) && reading.document(name, id) {
            taken.push((name, id));
        }
    }
    if count == 0 {
        let headline = "there is no policy document in this folder";
        reading
            .diagnostics
            .push(Diagnostic::error(diagnostic::LW0433, key, headline).at("policies").help(
            "put a copy of one of lakewright's there, such as `s3-write.json`, or take the key out",
        ));
    }
    reading.together(&taken);
    Vocabulary { library: reading.library, diagnostics: reading.diagnostics }
}

/// Says that a folder is not below the spec's own, though its path is.
pub fn outside(key: Span, folder: &str) -> Diagnostic {
    let headline = format!("`{folder}` leads out of the spec's folder");
    Diagnostic::error(diagnostic::LW0433, key, headline)
        .at("policies")
        .help("put the folder itself beside the spec instead of a link")
}

/// Says that a document cannot be read. Nothing of what is in it is known, or said.
pub fn unreadable(key: Span, path: &str, reason: &str) -> Diagnostic {
    let headline = format!("`{path}` cannot be read: {reason}");
    Diagnostic::error(diagnostic::LW0432, key, headline)
        .label("the folder of your documents")
        .at("policies")
        .help("put the document itself there: a regular file of the folder")
}

/// Says that there is no such folder.
pub fn missing(key: Span, folder: &str) -> Diagnostic {
    Diagnostic::error(diagnostic::LW0433, key, format!("there is no folder `{folder}`"))
        .at("policies")
        .help("the path is relative to the spec: make the folder, or take the key out")
}

struct Reading<'a> {
    lake: &'a Lake,
    key: Span,
    sources: &'a Sources,
    library: Library,
    diagnostics: Diagnostics,
}

impl Reading<'_> {
    /// Whether the file is called like one of our documents.
    fn known(&mut self, name: &str, id: FileId) -> bool {
        let built_in = Library::built_in();
        let names = built_in.names();
        if names.contains(&name) {
            return true;
        }
        let word = name.split(['-', '/']).find(|word| !word.is_empty()).unwrap_or(name);
        let alike = |known: &&&str| known.split('-').any(|part| part == word);
        let last = name.rsplit('/').next().unwrap_or(name);
        let near: Vec<&str> = match nearest(last, names.iter().copied()) {
            Some(near) => vec![near],
            None => names.iter().filter(alike).copied().collect(),
        };
        let headline = format!("no document of lakewright's is called `{name}`");
        // What a file of another name holds is not ours to show.
        let file = &self.sources.get(id).name;
        let found = Diagnostic::error(diagnostic::LW0433, self.key, headline)
            .label("the folder of your documents")
            .at("policies")
            .note(format!("`{file}` would take no document's place"));
        self.diagnostics.push(match &near[..] {
            [] => found.help("`docs/policies.md` lists the documents, by what uses them"),
            [one] => found.help(format!("did you mean `{one}.json`?")),
            several => found.help(format!("there are {}", list(several))),
        });
        false
    }

    /// Takes a document into the library; says what keeps it out.
    fn document(&mut self, name: &str, id: FileId) -> bool {
        let text = &self.sources.get(id).text;
        if !text.trim_start().starts_with(['{', '[']) {
            let headline = format!("`{name}` cannot be used: it is no JSON document");
            let file = &self.sources.get(id).name;
            self.diagnostics.push(
                Diagnostic::error(diagnostic::LW0432, self.key, headline)
                    .label("the folder of your documents")
                    .at("policies")
                    .note(format!("`{file}` does not begin with a brace"))
                    .help("begin with a copy of lakewright's own document and change as little as you need"),
            );
            return false;
        }
        if text.len() as u64 > MOST_BYTES {
            let reason =
                format!("it has {} bytes, and a document at most {MOST_BYTES}", text.len());
            self.refuse(name, id, &error(name, "the file", reason));
            return false;
        }
        let with = |library: Library| library.with([(name, text.as_str())]);
        let alone = match with(Library::built_in()) {
            Ok(alone) => alone,
            Err(error) => {
                self.refuse(name, id, &error);
                return false;
            }
        };
        let findings = match check(&alone, name, &facts::Catalogue) {
            Ok(findings) => findings,
            Err(error) => {
                self.refuse(name, id, &error);
                return false;
            }
        };
        for finding in &findings {
            self.refuse(name, id, &error(name, &finding.place, finding.message.clone()));
        }
        if !findings.is_empty() {
            return false;
        }
        match broader::look(&alone, name, &self.lake.home) {
            Ok(None) => {}
            Ok(Some(found)) => self.broader(name, id, &found),
            Err(error) => {
                self.refuse(name, id, &error);
                return false;
            }
        }
        self.library =
            with(std::mem::take(&mut self.library)).expect("invariant: it was read before");
        true
    }

    /// Documents of the user's that meet each other: a grant and whom it goes to.
    fn together(&mut self, taken: &[(&str, FileId)]) {
        for name in self.library.names() {
            let own = taken.iter().find(|(own, _)| *own == name);
            let Err(error) = broader::fills(&self.library, name, &self.lake.home) else { continue };
            let blamed = own.or_else(|| taken.iter().find(|(own, _)| own.starts_with("grantee-")));
            if let Some((name, id)) = blamed {
                let found = refusal(name, *id, &error, self.sources, self.key);
                self.diagnostics.push(found);
            }
        }
    }

    fn refuse(&mut self, name: &str, id: FileId, error: &FillError) {
        self.diagnostics.push(refusal(name, id, error, self.sources, self.key));
    }

    fn broader(&mut self, name: &str, id: FileId, found: &broader::Broader) {
        let headline = match found.comparison.verdict {
            Verdict::Undecided => {
                format!("it is not known whether your `{name}` allows more than lakewright's")
            }
            _ => format!("your `{name}` allows more than lakewright's"),
        };
        let statement = found.sid.as_deref().unwrap_or("statements");
        let span = place::of(self.sources, id, statement);
        let mut told = Diagnostic::warning(diagnostic::LW0431, self.key, headline)
            .label("the folder of your documents")
            .at("policies")
            .also(span, if found.sid.is_some() { "this allows it" } else { "these statements" });
        for note in notes(&found.comparison) {
            told = told.note(note);
        }
        if !found.filled.is_empty() {
            told = told.note(format!("filled with {}", found.filled));
        }
        self.diagnostics.push(told.help(
            "keep the built-in document's resources, placeholders and conditions, and add conditions or take actions away",
        ));
    }
}

/// What was found, for people.
fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(request) = &comparison.gained {
        notes.push(format!("newly allowed: {}", shown(request)));
    }
    if let Some(reason) = &comparison.reason {
        notes.push(format!("not decided: {}", reason.text));
    }
    notes
}

/// A request in a line: the action, on what, by whom, and what holds then.
fn shown(request: &Request) -> String {
    let mut text = request.action.clone();
    if let Some(resource) = &request.resource {
        text += &format!(" on {resource}");
    }
    if let Some(who) = &request.principal {
        text += &format!(" by {who}");
    }
    if let Some(own) = request.own_policies() {
        text += &format!(" whose own policies {own}");
    }
    let context: Vec<String> = request
        .context
        .values()
        .map(|(key, values)| format!("{key}={}", values.join(",")))
        .collect();
    if !context.is_empty() {
        text += &format!(" with {}", context.join(" "));
    }
    text
}

fn error(name: &str, place: &str, reason: String) -> FillError {
    FillError { document: name.to_owned(), place: place.to_owned(), reason }
}

/// An error in a document, at its place in the file.
fn refusal(name: &str, id: FileId, error: &FillError, sources: &Sources, key: Span) -> Diagnostic {
    let mut headline = format!("`{name}` cannot be used: {}", error.reason.replace('\n', " "));
    let long = headline.chars().count() > 120;
    if long {
        headline = format!("`{name}` cannot be used");
    }
    let label =
        if error.place == "the file" { String::new() } else { format!("in {}", cut(&error.place)) };
    let told = Diagnostic::error(diagnostic::LW0432, place::at(sources, id, error), headline)
        .label(label)
        .at("policies")
        .also(key, "the folder is named here")
        .help("begin with a copy of lakewright's own document and change as little as you need");
    if long { told.note(cut(&error.reason)) } else { told }
}

/// As much of a text as tells which one it is: a document's strings may be of any length.
fn cut(text: &str) -> String {
    const MOST: usize = 240;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
