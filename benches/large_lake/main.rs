//! How long a large lake takes, and how much memory: whole processes, as a user starts them.
//!
//! `cargo bench --bench large_lake` writes specs of 10,000 and 20,000 resources, plans each of them
//! offline several times, reviews a change of one entry of `access` in each, and prints the medians
//! of CPU time (user and system) and the peak of resident memory, the ratio of the two sizes, and
//! the start-up time. It judges nothing.

mod generator;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs of each command; the median is printed.
const RUNS: usize = 7;

/// What one process used.
#[derive(Clone, Copy)]
struct Usage {
    cpu_seconds: f64,
    mebibytes: f64,
}

fn main() {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_lakewright"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("large_lake");
    let specs = [1, 2].map(|size| write(&folder.join(size.to_string()), size));
    let text = |path: &Path| path.display().to_string();
    measure(
        "plan --offline",
        &binary,
        &specs.each_ref().map(|[spec, _]| {
            vec!["plan".to_owned(), text(spec), "--offline".into(), "--quiet".into()]
        }),
    );
    measure(
        "review",
        &binary,
        &specs.each_ref().map(|[spec, changed]| {
            vec!["review".to_owned(), text(spec), text(changed), "--quiet".into()]
        }),
    );
    let version = ["--version".to_owned()];
    let start = median((0..=RUNS).map(|_| once(&binary, &version).cpu_seconds).skip(1));
    println!("--version: {:.1} ms of CPU", start * 1000.0);
}

/// Runs a command on both sizes, and prints what it used.
fn measure(what: &str, binary: &Path, arguments: &[Vec<String>; 2]) {
    // in turn, so that both sizes see the same machine
    let both = || [once(binary, &arguments[0]), once(binary, &arguments[1])];
    let pairs: Vec<[Usage; 2]> = (0..=RUNS).map(|_| both()).skip(1).collect();
    for (at, size) in [1, 2].into_iter().enumerate() {
        let runs = pairs.iter().map(|pair| &pair[at]);
        println!(
            "{what}, {} resources: {:.3} s of CPU, {:.0} MiB",
            10_000 * size,
            median(runs.clone().map(|run| run.cpu_seconds)),
            runs.map(|run| run.mebibytes).fold(0.0, f64::max)
        );
    }
    let ratios = pairs.iter().map(|[one, two]| two.cpu_seconds / one.cpu_seconds);
    println!("twice the lake takes {:.2} times as long", median(ratios));
}

/// Writes the spec, the same with one change of access, and the script of both into a folder.
fn write(folder: &Path, size: usize) -> [PathBuf; 2] {
    std::fs::create_dir_all(folder).expect("the target folder is writable");
    std::fs::write(folder.join("job.py"), "print('a script')\n").expect("as above");
    let specs = [generator::spec(size), generator::changed(size)];
    ["lake.yaml", "changed.yaml"].map(|name| folder.join(name)).map(|path| {
        let at = usize::from(path.ends_with("changed.yaml"));
        std::fs::write(&path, &specs[at]).expect("as above");
        path
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn once(binary: &Path, arguments: &[String]) -> Usage {
    let mut child = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary was built with the benchmark");
    let (status, used) = wait(&mut child);
    assert!(status, "{arguments:?} failed");
    used
}

/// Waits for the process and reads what the operating system says it used.
fn wait(child: &mut std::process::Child) -> (bool, Usage) {
    let mut status = 0;
    // SAFETY: all three are plain values of ours, and the process is our own child, waited for once.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut used);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let usage = Usage {
        cpu_seconds: seconds(used.ru_utime) + seconds(used.ru_stime),
        // Linux counts KiB.
        mebibytes: used.ru_maxrss as f64 / 1024.0,
    };
    (libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, usage)
}
