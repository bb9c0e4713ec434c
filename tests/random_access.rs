//! Random requests to the templates of every example, decided twice: by the verdict engine's `evaluate`, layer by layer, and by
//! `@cloud-copilot/iam-simulate`, which others wrote. They have to agree on everything that both model.
//!
//! Requests are made from the statements themselves (so that many are allowed) and then bent: another principal, action, resource,
//! a context key absent or wrong. Seeded, so that a failure comes back; `LAKEWRIGHT_REQUESTS=200000` asks for more,
//! `LAKEWRIGHT_SEED` for others. What came out stands in `docs/access-evidence.md`.

#[path = "random_access/combine.rs"]
mod combine;
#[path = "random_access/generate.rs"]
mod generate;
mod support;

use combine::{Answer, Layers, decide};
use generate::{Ground, Rng};
use lakewright::verdict::{Decision, Document, Reach, evaluate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::simulator::{self, iam_simulate};

/// Requests in one run of the tests, over all examples; some seconds.
const REQUESTS: usize = 4_000;

fn from_environment(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")),
        Err(_) => default,
    }
}

/// The folders of templates: one for each environment of each example.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
        all.sort();
        all
    };
    let folders: Vec<PathBuf> =
        below(&root).iter().flat_map(|example| below(&example.join("templates"))).collect();
    assert!(folders.len() >= 7, "{folders:?}");
    folders
}

/// What a run counts.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    allowed: usize,
    denied: usize,
    implicit: usize,
    /// Why a request was not compared, and how many.
    apart: BTreeMap<String, usize>,
    disagreements: Vec<String>,
    statements: usize,
    /// Statements that decide no request since others say the same, which the engine proves.
    redundant: Vec<String>,
    idle: Vec<String>,
}

/// Places of statements: the policy in the ground's list, the statement in the policy.
type Places = BTreeSet<(usize, usize)>;

fn judge(ground: &Ground, requests: &[generate::Asked], tally: &mut Tally, decisive: &mut Places) {
    let asked: Vec<simulator::Request> = requests.iter().map(|one| one.request.clone()).collect();
    let theirs = iam_simulate(&asked);
    for (one, theirs) in requests.iter().zip(&theirs) {
        tally.asked += 1;
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(why) => {
                *tally.apart.entry(reason(why)).or_default() += 1;
                continue;
            }
        };
        if ground.is_odd(one) {
            *tally
                .apart
                .entry("a value that is no ARN under an ARN operator".into())
                .or_default() += 1;
            continue;
        }
        let layers = ground.layers(one, &theirs.ignored);
        let ours = match decide(&layers) {
            Answer::Unknown => {
                *tally.apart.entry("ours does not know: two readings".into()).or_default() += 1;
                continue;
            }
            other => other,
        };
        match ours {
            Answer::Allowed => tally.allowed += 1,
            Answer::Denied => tally.denied += 1,
            _ => tally.implicit += 1,
        }
        let same = match ours {
            Answer::Allowed => theirs.result == "Allowed",
            Answer::Denied => theirs.result == "ExplicitlyDenied",
            _ => theirs.result == "ImplicitlyDenied",
        };
        if !same {
            let shown = serde_json::json!({"principal": one.request.principal, "action": one.request.action,
                "resource": one.request.resource, "account": one.request.account, "context": one.request.context,
                "ignored": theirs.ignored, "admin": one.administrator});
            tally
                .disagreements
                .push(format!("{}: ours {ours:?}, theirs {}: {shown}", ground.name, theirs.result));
        }
        mark(&layers, ours, decisive);
    }
}

/// Asks until each statement has decided something, or has been tried often.
fn exhaust(ground: &Ground, count: usize, rng: &mut Rng, tally: &mut Tally) {
    const ROUNDS: usize = 6;
    let mut decisive = Places::new();
    judge(ground, &ground.requests(count, rng), tally, &mut decisive);
    let all = ground.statements();
    let mut idle: Vec<(usize, usize)> = Vec::new();
    for (place, name) in &all {
        if decisive.contains(place) {
            continue;
        }
        match ground.is_redundant(*place) {
            true => tally.redundant.push(format!("{}: {name}", ground.name)),
            false => idle.push(*place),
        }
    }
    for _ in 0..ROUNDS {
        if idle.is_empty() {
            break;
        }
        judge(ground, &ground.of_statements(&idle, 30, rng), tally, &mut decisive);
        idle.retain(|place| !decisive.contains(place));
    }
    tally.statements += all.len();
    let idle = all.iter().filter(|(place, _)| idle.contains(place));
    tally.idle.extend(idle.map(|(_, name)| format!("{}: {name}", ground.name)));
}

/// Marks the statements without which the answer would be another.
fn mark(layers: &Layers, ours: Answer, decisive: &mut Places) {
    for &(document, place) in &layers.places {
        let statements = layers.statements(document);
        if (0..statements.len()).all(|at| decisive.contains(&(place, at))) {
            continue;
        }
        for (at, statement) in statements.iter().enumerate() {
            if decisive.contains(&(place, at)) {
                continue;
            }
            let alone = Document { statements: vec![statement.clone()] };
            let applies = evaluate(std::slice::from_ref(&alone), &layers.request, Reach::Whole);
            if !matches!(applies, Decision::Allowed | Decision::Denied) {
                continue;
            }
            if decide(&layers.without(document, at)) != ours {
                decisive.insert((place, at));
            }
        }
    }
}

/// The kind of an error of the other evaluator, without names in it.
fn reason(why: &str) -> String {
    let why: String = why.lines().next().unwrap_or_default().chars().take(160).collect();
    format!("theirs: {why}")
}

#[test]
fn two_evaluators_agree_on_every_example() {
    let folders = folders();
    let all = from_environment("LAKEWRIGHT_REQUESTS", REQUESTS);
    let seed = from_environment("LAKEWRIGHT_SEED", 20_261_123) as u64;
    let mut tally = Tally::default();
    for (at, folder) in folders.iter().enumerate() {
        let ground = Ground::read(folder);
        let mut rng = Rng::new(seed + at as u64);
        exhaust(&ground, all / folders.len(), &mut rng, &mut tally);
    }
    println!(
        "{} requests: {} allowed, {} denied, {} not allowed; not compared {:#?}; {} statements, {} of them redundant {:#?}, idle {:#?}",
        tally.asked,
        tally.allowed,
        tally.denied,
        tally.implicit,
        tally.apart,
        tally.statements,
        tally.redundant.len(),
        tally.redundant,
        tally.idle
    );
    assert!(
        tally.disagreements.is_empty(),
        "{} disagreements:\n{}",
        tally.disagreements.len(),
        tally.disagreements.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
    );
    let compared = tally.allowed + tally.denied + tally.implicit;
    assert!(tally.allowed * 100 >= compared * 30, "{} of {compared} are allowed", tally.allowed);
    assert!(compared * 100 >= tally.asked * 90, "{:#?}", tally.apart);
    assert!(tally.denied * 100 >= compared * 3, "{} of {compared} are denied", tally.denied);
    assert!(tally.idle.is_empty(), "statements that decide nothing: {:#?}", tally.idle);
}
