//! The verdict on a change of policies, judged by those who know nothing of how it is found.
//!
//! The judge is `tests/verdict/`, in Python without packages: an evaluator of single requests and an oracle
//! over all kinds of them, both written from AWS's pages. Here the binary answers its questions: the cases
//! by hand, each also reversed, and some thousands of generated pairs. The full run is the same test with
//! `LAKEWRIGHT_FUZZ_PAIRS=100000`; `docs/verdict-evidence.md` has its numbers.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::process;

/// As many pairs as some seconds allow.
const PAIRS: &str = "3000";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdict")
}

/// Runs a script of the judge; what it has to say is the panic message.
fn judge(script: &str, arguments: &[&str], limit: Duration) -> String {
    let mut command = Command::new("python3");
    command.arg(root().join(script)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    let done = process::run(&mut command, b"", limit).expect("the judge needs python3");
    assert!(done.status.success(), "{script} {arguments:?}:\n{}", done.tail(60));
    done.stdout
}

#[test]
fn the_cases_by_hand_are_answered_right_in_both_directions() {
    let said = judge(
        "judge.py",
        &["cases", "--engine", env!("CARGO_BIN_EXE_lakewright")],
        Duration::from_secs(120),
    );
    let count: serde_json::Value = serde_json::from_str(&said).expect("the judge counts in JSON");
    assert!(count["cases"].as_u64() >= Some(100), "{said}");
}

#[test]
fn no_generated_pair_is_answered_wrongly() {
    let pairs = std::env::var("LAKEWRIGHT_FUZZ_PAIRS").unwrap_or_else(|_| PAIRS.to_owned());
    let seconds = 120 + pairs.parse::<u64>().expect("LAKEWRIGHT_FUZZ_PAIRS is a number") / 20;
    let said = judge(
        "judge.py",
        &["fuzz", "--engine", env!("CARGO_BIN_EXE_lakewright"), "--pairs", &pairs],
        Duration::from_secs(seconds),
    );
    println!("{said}");
}

#[test]
fn the_judge_contradicts_neither_strings_nor_requests_at_random() {
    judge("selftest.py", &["1", "40"], Duration::from_secs(120));
}

#[test]
fn every_planted_rule_still_finds_its_place() {
    judge("mutants.py", &["check"], Duration::from_secs(60));
}
