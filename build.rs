//! Turns the files that are data into tables of the crate: `docs/codes/*.md` into diagnostic codes,
//! `blueprints/` into starting lakes.

use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("codes.rs"), codes(&Path::new(&root).join("docs/codes")))
        .expect("OUT_DIR is writable");
    fs::write(
        Path::new(&out).join("blueprints.rs"),
        blueprints(&Path::new(&root).join("blueprints")),
    )
    .expect("OUT_DIR is writable");
}

/// A row for each file of each blueprint: blueprint, path in it, text.
fn blueprints(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut rows = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("blueprints is part of the crate").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                rows.push(path);
            }
        }
    }
    rows.sort();
    let mut table = String::new();
    for path in rows {
        println!("cargo::rerun-if-changed={}", path.display());
        let below =
            path.strip_prefix(folder).expect("found below it").to_string_lossy().replace('\\', "/");
        if let Some((name, file)) = below.split_once('/') {
            table += &format!("    ({name:?}, {file:?}, include_str!({path:?})),\n");
        }
    }
    format!(
        "/// Blueprint, path in it, text; ascending.\nstatic FILES: &[(&str, &str, &str)] = &[\n{table}];\n"
    )
}

/// A constant for each `LWnnnn.md`, and the table of their texts.
fn codes(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("docs/codes is part of the crate")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            name.strip_suffix(".md").filter(|n| n.starts_with("LW")).map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut constants = String::new();
    let mut table = String::new();
    for name in &names {
        let path = folder.join(format!("{name}.md"));
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("a listed file is readable");
        let title = text.lines().next().unwrap_or("").trim_start_matches("# ").to_owned();
        constants += &format!("/// {title}\npub const {name}: Code = Code({name:?});\n");
        table += &format!("    ({name}, include_str!({path:?})),\n");
    }
    format!(
        "{constants}\n/// Every code with its page, ascending.\nstatic EXPLANATIONS: &[(Code, &str)] = &[\n{table}];\n"
    )
}
