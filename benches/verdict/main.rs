//! How long verdicts take: many roles, large pairs, and pairs made to be hard.
//!
//! `cargo bench --bench verdict` prints the CPU time of verdicts for 1,000 roles of 20 statements each, of pairs with
//! 200 statements on each side, and of inputs that no method decides cheaply, which end as `too_large`; then the peak
//! of resident memory. Documents are read beforehand. It judges nothing.

mod generator;

use lakewright::document::Value;
use lakewright::verdict::{Comparison, Document, Kind, Options, compare};

/// Runs of each pair; the median is printed.
const RUNS: usize = 5;

fn main() {
    let roles = generator::roles(1_000);
    let roles: Vec<(Document, Document)> =
        roles.iter().map(|(old, new)| (read(old), read(new))).collect();
    let mut tally = std::collections::BTreeMap::new();
    let before = cpu_seconds();
    for (old, new) in &roles {
        *tally.entry(verdict(old, new).verdict.word()).or_insert(0) += 1;
    }
    println!("1,000 roles of 20 statements: {:.3} s of CPU, {tally:?}", cpu_seconds() - before);
    // the same with up to eight requests to show for each
    let options = Options { witnesses: Options::SHOWN, ..Options::default() };
    let before = cpu_seconds();
    let old_and_new = |one: &(Document, Document)| (vec![one.0.clone()], vec![one.1.clone()]);
    let mut shown = 0;
    for (old, new) in roles.iter().map(old_and_new) {
        let found = compare(&old, &new, Kind::Identity, &options);
        shown += found.also_gained.len() + found.also_lost.len();
    }
    println!("the same with all to show: {:.3} s of CPU, {shown} more", cpu_seconds() - before);
    for (name, old, new) in generator::pairs() {
        let (old, new) = (read(&old), read(&new));
        let mut times = Vec::new();
        let mut found = None;
        for _ in 0..RUNS {
            let before = cpu_seconds();
            found = Some(verdict(&old, &new));
            times.push(cpu_seconds() - before);
            if times[0] > 0.5 {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        let found = found.expect("at least one run");
        let reason = found.reason.map(|reason| format!(" ({})", reason.text)).unwrap_or_default();
        println!(
            "{name}: {:.1} ms of CPU, {}{reason}, {} MiB so far",
            times[times.len() / 2] * 1000.0,
            found.verdict,
            peak_mebibytes()
        );
    }
}

fn verdict(old: &Document, new: &Document) -> Comparison {
    let (old, new) = (std::slice::from_ref(old), std::slice::from_ref(new));
    compare(old, new, Kind::Identity, &Options::default())
}

fn read(text: &str) -> Document {
    let value = Value::from_json(text).expect("the generator writes JSON");
    Document::read(&value, Kind::Identity).expect("the generator writes policies")
}

fn usage() -> libc::rusage {
    // SAFETY: a plain value of ours, which the call fills.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    }
}

fn cpu_seconds() -> f64 {
    let usage = usage();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn peak_mebibytes() -> i64 {
    usage().ru_maxrss / 1024
}
