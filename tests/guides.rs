//! The guides, walked: every `console` block of `docs/guides/` is run, in its order, in the sandbox.
//!
//! A guide starts in a folder (`<!-- in: examples/medallion -->` or `an empty folder`), which is copied.
//! `<!-- edit: a => b -->` and `<!-- append: text -->` change its `lake.yaml` as the text tells the reader to.
//! A command ends with 0 unless a comment behind it says `# exits N`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the target folder is writable");
    for entry in fs::read_dir(from).expect("an example is readable").flatten() {
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &there),
            false => _ = fs::copy(&path, &there).expect("the target folder is writable"),
        }
    }
}

/// A copy of what a guide starts in.
fn start(name: &str, from: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guides").join(name);
    let _ = fs::remove_dir_all(&folder);
    match from {
        "an empty folder" => fs::create_dir_all(&folder).expect("the target folder is writable"),
        example => copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(example), &folder),
    }
    folder
}

/// Runs a line such as `lakewright plan --sandbox  # exits 2`.
fn run(folder: &Path, line: &str) -> Result<(), String> {
    let (command, comment) = line.split_once(" #").unwrap_or((line, ""));
    let expected = comment.trim().strip_prefix("exits ").map_or(Ok(0), str::parse::<i32>);
    let expected = expected.map_err(|_| "the comment is no exit code".to_owned())?;
    let mut words = command.split_whitespace();
    if words.next() != Some("lakewright") {
        return Err("only lakewright is run".to_owned());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(words)
        .current_dir(folder)
        .env_remove("LAKEWRIGHT_ENV")
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| error.to_string())?;
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    match output.status.code() {
        Some(code) if code == expected => Ok(()),
        code => Err(format!("ended with {code:?}, not {expected}:\n{}{}", said[0], said[1])),
    }
}

/// Makes the change that a guide asks its reader for.
fn edit(folder: &Path, change: impl Fn(&str) -> String) -> Result<(), String> {
    let path = folder.join("lake.yaml");
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let changed = change(&text);
    if changed == text {
        return Err("the edit changes nothing".to_owned());
    }
    fs::write(&path, changed).map_err(|error| error.to_string())
}

/// Walks a guide; the number of its commands.
fn walk(guide: &Path) -> usize {
    let name = guide.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(guide).expect("a guide is readable");
    let mut folder: Option<PathBuf> = None;
    let mut in_block = false;
    let mut count = 0;
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}:{}: {line}", guide.display(), number + 1);
        let directive = |word: &str| {
            let rest = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
            Some(rest.strip_prefix(word)?.strip_prefix(": ")?.replace("\\n", "\n"))
        };
        if let Some(from) = directive("in") {
            folder = Some(start(&name, &from));
        }
        let here = folder.as_deref();
        let done = if let Some(change) = directive("edit") {
            let (old, new) = change.split_once(" => ").expect("an edit is `old => new`");
            edit(here.expect("a guide says where it starts"), |text| text.replace(old, new))
        } else if let Some(more) = directive("append") {
            edit(here.expect("a guide says where it starts"), |text| format!("{text}{more}"))
        } else if line.starts_with("```") {
            in_block = line == "```console";
            Ok(())
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) {
            count += 1;
            run(here.expect("a guide says where it starts"), command)
        } else {
            Ok(())
        };
        done.unwrap_or_else(|why| panic!("{}\n{why}", place()));
    }
    count
}

#[test]
fn the_guides_can_be_walked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let entries = fs::read_dir(folder).expect("the guides are there").flatten();
    let mut guides: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    guides.sort();
    assert_eq!(guides.len(), 4, "{guides:?}");
    for guide in guides {
        let count = walk(&guide);
        assert!(count >= 6, "{} has only {count} commands", guide.display());
    }
}

/// The README's spec, changed as its remarks say, gives the plan that it shows.
#[test]
fn the_readme_shows_what_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("README.md")).expect("the README is there");
    let block = |start: &str| {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("a block `{start}`"));
        rest.split("```").next().unwrap_or_default()
    };
    let folder = start("readme", "an empty folder");
    fs::write(folder.join("lake.yaml"), block("```yaml\n")).expect("the folder is writable");
    run(&folder, "lakewright apply --sandbox --auto-approve").unwrap();
    let remarks = page.split("<!-- edit: ").skip(1).filter_map(|rest| rest.split(" -->").next());
    for remark in remarks {
        let (old, new) = remark.split_once(" => ").expect("`old => new`");
        edit(&folder, |text| text.replace(old, new)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(["plan", "--sandbox"])
        .current_dir(&folder)
        .env_remove("LAKEWRIGHT_ENV")
        .env("NO_COLOR", "1")
        .output()
        .expect("lakewright is built");
    let said = String::from_utf8_lossy(&output.stdout);
    let shown = block("```text\n").split_once("\n\n").expect("the command, then the plan").1;
    let plain = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(
        plain(&said).contains(plain(shown).trim()),
        "the README shows:\n{shown}\nit is:\n{said}"
    );
}

/// Links from one page to another, and to files of the repository, lead somewhere.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        ["README.md", "SECURITY.md", "CHANGELOG.md", "tests/judges/README.md"]
            .iter()
            .map(|name| root.join(name))
            .collect();
    for folder in ["docs", "docs/guides"] {
        let entries = fs::read_dir(root.join(folder)).expect("the pages are there").flatten();
        pages
            .extend(entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    let mut broken = String::new();
    let mut count = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.contains(char::is_whitespace) {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().expect("a page is in a folder").join(file),
            };
            let heading = |line: &str| {
                let words = line.trim_start_matches('#').trim().to_lowercase();
                let keep = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
                words.chars().filter(keep).collect::<String>().replace(' ', "-")
            };
            let has_anchor = anchor.is_empty()
                || fs::read_to_string(&target)
                    .is_ok_and(|t| t.lines().any(|l| l.starts_with('#') && heading(l) == anchor));
            if !target.exists() || !has_anchor {
                broken += &format!("  {}: {link}\n", page.display());
            }
        }
    }
    assert!(broken.is_empty(), "links to nothing:\n{broken}");
    assert!(count > 25, "only {count} links");
}
