//! Turns the files that are data into tables of the crate: `docs/codes/*.md` into diagnostic codes.

use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("codes.rs"), codes(&Path::new(&root).join("docs/codes")))
        .expect("OUT_DIR is writable");
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
