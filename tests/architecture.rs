//! The boundaries between modules, as `docs/architecture.md` states them: a boundary that is not tested
//! rots.
//!
//! The page's table says for each module of the crate which others it may use. Here the paths that its
//! source names (`use crate::x`, `crate::x::y` in passing, `super::x` from its own door) are compared with
//! the table, both ways: what is used must be allowed, and what is allowed must be used. Tests inside of
//! `src/` are left out. Then what the outside world may enter through: files, environment, clock, network,
//! threads of an SDK; and no name of an IAM action stands in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lakewright::catalogue::iam;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the crate.
struct Source {
    /// From `src/`.
    path: String,
    /// The top-level module that it belongs to.
    module: String,
    /// Whether it is the door of its module: `x.rs` or `x/mod.rs`.
    is_door: bool,
    /// Its text without comments and without the tests in it.
    code: String,
}

fn sources() -> Vec<Source> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    assert!(files.len() > 100, "only {} files", files.len());
    files.iter().filter_map(|file| source(file)).collect()
}

fn source(file: &Path) -> Option<Source> {
    let path = file.strip_prefix(root().join("src")).expect("found below it");
    let path = path.to_string_lossy().replace('\\', "/");
    let (module, rest) = match path.split_once('/') {
        Some((module, rest)) => (module.to_owned(), rest),
        None => (path.trim_end_matches(".rs").to_owned(), ""),
    };
    if matches!(module.as_str(), "lib" | "main") || path.ends_with("/tests.rs") {
        return None;
    }
    let text = fs::read_to_string(file).expect("src is readable");
    let is_door = rest.is_empty() || rest == "mod.rs";
    Some(Source { module, is_door, code: code(&text), path })
}

/// What the compiler sees of a file: no comments, and nothing from `#[cfg(test)] mod` on.
fn code(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line_code = line.trim_start();
        let tests = line_code == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if tests {
            break;
        }
        if !line_code.starts_with("//") {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// The names that follow a prefix such as `crate::`, those in braces one by one.
fn names_after<'c>(code: &'c str, prefix: &str) -> BTreeSet<&'c str> {
    let mut found = BTreeSet::new();
    let word = |text: &'c str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        let rest = &code[at + prefix.len()..];
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => {
                // top level of the group: depth 0
                let mut depth = 0;
                let mut start = true;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && depth == 0 && !c.is_whitespace() => {
                            found.insert(word(&group[index..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
            None => {
                found.insert(word(rest));
            }
        }
    }
    found
}

/// `| module | may use |` of the page.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page is there");
    let (_, rest) = page.split_once("| module | may use |").expect("the page has the table");
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let quoted = |cell: &str| -> BTreeSet<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let module = quoted(cells[0]).into_iter().next().expect("a row names a module");
        (module, quoted(cells[1]))
    })
    .collect()
}

/// The shell around everything: it may use every module, and none may use it.
const OUTERMOST: &str = "cli";

#[test]
fn modules_use_what_the_page_allows() {
    let allowed = allowed();
    let sources = sources();
    let modules: BTreeSet<&str> = sources.iter().map(|source| source.module.as_str()).collect();
    let known: BTreeSet<&str> = allowed.keys().map(String::as_str).collect();
    assert_eq!(modules, known, "the page's table and the folders of src/");
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = String::new();
    for source in &sources {
        let mut names: BTreeSet<&str> = names_after(&source.code, "crate::");
        if source.is_door {
            names.extend(names_after(&source.code, "super::"));
        }
        for name in names {
            if !modules.contains(name) || name == source.module {
                continue;
            }
            used.entry(&source.module).or_default().insert(name.to_owned());
            if !allowed[&source.module].contains(name) && source.module != OUTERMOST {
                wrong += &format!("  {} uses `{name}`\n", source.path);
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed by docs/architecture.md:\n{wrong}");
    assert!(
        used.values().all(|names| !names.contains(OUTERMOST)),
        "`{OUTERMOST}` is the outermost"
    );
    for (module, may) in &allowed {
        let used = used.get(module.as_str()).cloned().unwrap_or_default();
        let unused: Vec<&String> = may.difference(&used).collect();
        assert!(unused.is_empty(), "`{module}` may use {unused:?} and does not: narrow the page");
    }
}

/// The modules that may not know which cloud they work on, nor anything of the world outside.
const PURE: [&str; 22] = [
    "blueprint",
    "catalogue",
    "check",
    "cloud",
    "compile",
    "diagnostic",
    "document",
    "graph",
    "lake",
    "lower",
    "names",
    "plan",
    "policy",
    "render",
    "resolve",
    "review",
    "rules",
    "source",
    "spec",
    "stacks",
    "syntax",
    "verdict",
];

/// What reaches files, variables, the network, processes, the clock or the terminal.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "fs_err",
    "tempfile",
    "tokio",
    "SystemTime",
    "Instant::now",
    "println!",
    "eprintln!",
    "stdin()",
    "stdout()",
    "stderr()",
];

#[test]
fn the_core_touches_nothing_outside() {
    let doors =
        OUTSIDE.iter().chain(&["std::time", "std::thread", "jiff::Zoned::now", "Timestamp::now"]);
    let mut wrong = String::new();
    let mut seen = BTreeSet::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.module.as_str())) {
        seen.insert(source.module.clone());
        for door in doors.clone().filter(|door| source.code.contains(**door)) {
            wrong += &format!("  {} names `{door}`\n", source.path);
        }
        for module in ["aws", "sandbox", "cli", "apply", "drift"] {
            // what is printed of an apply or a drift report is rendered, which is pure
            if source.module == "render" && matches!(module, "apply" | "drift") {
                continue;
            }
            if names_after(&source.code, "crate::").contains(module) {
                wrong += &format!("  {} uses `{module}`\n", source.path);
            }
        }
    }
    assert!(wrong.is_empty(), "the core is pure:\n{wrong}");
    assert_eq!(seen.len(), PURE.len(), "a module is gone: {seen:?}");
}

/// What carries out, reads back or compares gets its clock, files and cloud from outside.
#[test]
fn applying_gets_the_world_handed_in() {
    for source in sources().iter().filter(|s| matches!(s.module.as_str(), "apply" | "drift")) {
        for door in OUTSIDE {
            assert!(!source.code.contains(door), "{} names `{door}`", source.path);
        }
    }
}

#[test]
fn only_aws_names_the_sdk() {
    for source in sources().iter().filter(|source| source.module != "aws") {
        for name in ["aws_sdk_", "aws_config", "aws_smithy", "aws_types", "aws_credential", "tokio"]
        {
            assert!(!source.code.contains(name), "{} names `{name}`", source.path);
        }
    }
    let aws = sources().iter().filter(|s| s.module == "aws" && s.code.contains("aws_sdk_")).count();
    assert!(aws > 3, "the test does not see the SDK where it is");
}

/// The two clouds are written from AWS's documents, not from each other and not from the planner.
#[test]
fn the_clouds_know_nothing_of_the_planner() {
    let allowed = allowed();
    let own = |module: &str| allowed[module].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(own("sandbox"), ["catalogue", "cloud", "document", "names"]);
    assert_eq!(own("aws"), ["cloud", "document", "names"]);
}

/// Permissions stand in `policies/`, where a reviewer reads them. The sandbox's services give none: they
/// judge policies that they are handed, as AWS's do.
#[test]
fn no_action_stands_in_the_source() {
    let mut wrong = String::new();
    let mut literals = 0;
    for source in sources().iter().filter(|source| !source.path.starts_with("sandbox/services/")) {
        for literal in source.code.split('"').skip(1).step_by(2) {
            literals += 1;
            let Some((service, name)) = literal.split_once(':') else { continue };
            let is_word = |text: &str| {
                !text.is_empty()
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || "-*?".contains(c))
            };
            if !is_word(service) || !is_word(name) {
                continue;
            }
            let pattern = name.contains(['*', '?']) && iam::service(service).is_some();
            if pattern || iam::action(literal).is_some() {
                wrong += &format!("  {}: \"{literal}\"\n", source.path);
            }
        }
    }
    assert!(literals > 1000, "only {literals} literals: the test does not see them");
    assert!(iam::action("s3:GetObject").is_some(), "the catalogue knows actions");
    assert!(wrong.is_empty(), "actions belong into policies/:\n{wrong}");
}

#[test]
fn the_reader_of_sources_reads() {
    let code = code(
        "use crate::{a, b::{c, d}, e as f};\n// use crate::comment;\nlet x = crate::g::h();\nmycrate::no;\n#[cfg(test)]\nmod tests {\nuse crate::hidden;\n}",
    );
    assert_eq!(names_after(&code, "crate::"), BTreeSet::from(["a", "b", "e", "g"]));
    assert_eq!(
        names_after("use super::x;\nuse super::super::y;", "super::"),
        BTreeSet::from(["x", "super"])
    );
}
