//! The examples and what they compile to: each `examples/<name>/templates/<environment>` holds what
//! `lakewright compile --env <environment> --out` writes, byte for byte.
//!
//! A change of the compiler that changes templates shows here, and belongs into the CHANGELOG. To take
//! it over: `SNAPSHOTS=overwrite cargo test --test examples`, then read the difference before it is
//! committed. The laws below hold for every example: the order in which maps are written, comments and
//! blank lines do not reach a template.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lakewright::compile::{compile, scripts_of, understand};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::resolve::environments;
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::syntax::{Kind, Node, parse};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use support::spec_text::{self, Order};

/// The folder of each example, ascending.
fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(root).expect("examples are part of the crate");
    let mut all: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    all.sort();
    assert!(all.len() >= 5, "only {} examples", all.len());
    all
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tree_of(text: &str, name: &Path) -> Node {
    let mut sources = Sources::default();
    let file = sources.add(name.display().to_string(), text);
    let (tree, found) = parse(&sources, file);
    assert!(!found.has_errors(), "{} is not YAML: {found:?}", name.display());
    tree
}

fn run(arguments: &[&std::ffi::OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(arguments)
        .output()
        .expect("the binary can be started")
}

#[test]
fn every_example_compiles_to_its_templates() {
    let overwrite = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    let mut problems = String::new();
    let mut count = 0;
    for example in examples() {
        let spec = example.join("lake.yaml");
        let tree = tree_of(&read(&spec), &spec);
        let names: BTreeSet<String> = environments(&tree).into_iter().map(str::to_owned).collect();
        for name in &names {
            let folder = example.join("templates").join(name);
            let mut arguments = vec!["compile".as_ref(), spec.as_os_str()];
            arguments.extend([
                "--env".as_ref(),
                name.as_ref(),
                "--out".as_ref(),
                folder.as_os_str(),
            ]);
            if !overwrite {
                arguments.push("--check".as_ref());
            }
            let output = run(&arguments);
            if !output.status.success() {
                let [out, err] =
                    [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b));
                problems +=
                    &format!("{} ({name}), {}:\n{out}{err}\n", spec.display(), output.status);
            }
            count += 1;
        }
        let there: BTreeSet<String> = fs::read_dir(example.join("templates"))
            .unwrap_or_else(|error| panic!("{} has no templates: {error}", example.display()))
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(there, names, "{}: a folder for each environment", example.display());
    }
    assert!(count >= 8, "only {count} environments");
    assert!(
        problems.is_empty(),
        "{problems}`SNAPSHOTS=overwrite cargo test --test examples` takes the new templates over"
    );
}

/// Every file that a text compiles to, by its path; what `compile --out` writes, without files.
fn compiled(text: &str, example: &Path) -> BTreeMap<String, String> {
    let tree = tree_of(text, example);
    let library = Library::built_in();
    let mut files = BTreeMap::new();
    for name in environments(&tree) {
        let understood = understand(&tree, name);
        let found = &understood.diagnostics;
        let lake = understood.lake.filter(|_| !found.has_errors());
        let lake = lake.unwrap_or_else(|| panic!("{}: {found:?}\n{text}", example.display()));
        let scripts: Scripts =
            scripts_of(&lake).into_iter().map(|path| (path.to_owned(), "0".repeat(64))).collect();
        let compiled = compile(&lake, &library, &scripts, &Placement::default());
        assert!(!compiled.diagnostics.has_errors(), "{:?}", compiled.diagnostics);
        for stack in &compiled.stacks {
            let more = format!("{:?} {:?}", stack.parameters, stack.tags);
            files.insert(format!("{name}/{}", stack.key), stack.body() + &more);
        }
        for handover in &compiled.handovers {
            let key = format!("{name}/{} {}", handover.access, handover.key());
            assert!(files.insert(key, handover.policy.to_json_pretty()).is_none());
        }
    }
    files
}

/// The first file that differs, as the complaint of a law.
fn assert_same(
    law: &str,
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
    text: &str,
) {
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(was), names(is), "{law} changes which files there are\n{text}");
    for (name, body) in was {
        let other = &is[name];
        let differs = body.lines().zip(other.lines()).find(|(a, b)| a != b);
        assert!(body == other, "{law} changes {name}: {differs:?}\n{text}");
    }
}

fn random(seed: u8) -> TestRng {
    TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32])
}

#[test]
fn the_order_of_maps_does_not_reach_a_template() {
    for example in examples() {
        let text = read(&example.join("lake.yaml"));
        let tree = tree_of(&text, &example);
        let was = compiled(&text, &example);
        assert_same(
            "another notation",
            &was,
            &compiled(&spec_text::write(&tree, &mut Order::Kept), &example),
            "",
        );
        let reversed = spec_text::write(&tree, &mut Order::Reversed);
        assert_same("the reverse order of maps", &was, &compiled(&reversed, &example), &reversed);
        for seed in 1..=6 {
            let mut rng = random(seed);
            let mut pick = |most: usize| rng.next_u32() as usize % most;
            let shuffled = spec_text::write(&tree, &mut Order::Shuffled(&mut pick));
            assert_ne!(shuffled, reversed);
            assert_same("a shuffle of maps", &was, &compiled(&shuffled, &example), &shuffled);
        }
    }
}

/// Where order has a meaning, it arrives: else the law above would hold of a compiler that sorts all.
#[test]
fn the_order_of_columns_reaches_the_template() {
    let example = examples().into_iter().find(|path| path.ends_with("streaming"));
    let example = example.expect("the example `streaming` is there");
    let text = read(&example.join("lake.yaml"));
    let other = text.replace("session: string, url: string", "url: string, session: string");
    assert_ne!(text, other);
    assert_ne!(compiled(&text, &example), compiled(&other, &example));
}

#[test]
fn comments_and_blank_lines_do_not_reach_a_template() {
    for example in examples() {
        let text = read(&example.join("lake.yaml"));
        assert!(!holds_block_text(&tree_of(&text, &example)), "lines of a text are no free lines");
        let was = compiled(&text, &example);
        let bare: String = text
            .lines()
            .map(|line| line.split_once(" # ").map_or(line, |(before, _)| before).trim_end())
            .filter(|line| !line.trim_start().starts_with('#') && !line.is_empty())
            .map(|line| format!("{line}\n"))
            .collect();
        assert_ne!(bare, text);
        assert_same("without comments it", &was, &compiled(&bare, &example), &bare);
        for seed in 1..=3 {
            let mut rng = random(seed);
            let mut more = String::new();
            for line in bare.lines() {
                match rng.next_u32() % 4 {
                    0 => more += "\n",
                    1 => more += "    # a comment: with { signs ] of YAML\n",
                    2 => more += "# another\n\n",
                    _ => {}
                }
                more += line;
                more += if rng.next_u32().is_multiple_of(2) { "   # why\n" } else { "\n" };
            }
            assert_same("with other comments it", &was, &compiled(&more, &example), &more);
        }
    }
}

fn holds_block_text(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar { text, .. } => text.contains('\n'),
        Kind::List(items) => items.iter().any(holds_block_text),
        Kind::Map(entries) => entries.iter().any(|entry| holds_block_text(&entry.value)),
        Kind::Null | Kind::Broken => false,
    }
}
