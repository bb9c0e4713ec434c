//! How long a large lake takes, and how much memory: whole processes, as a user starts them.
//!
//! `cargo bench --bench large_lake` writes specs of 10,000 and 20,000 resources, plans each of them
//! offline several times and prints the medians of CPU time (user and system) and the peak of
//! resident memory, the ratio of the two sizes, and the start-up time. It judges nothing.

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
    let mut medians = Vec::new();
    for size in [1, 2] {
        let spec = write(&folder.join(size.to_string()), size);
        let arguments =
            ["plan".to_owned(), spec.display().to_string(), "--offline".into(), "--quiet".into()];
        let median = measure(&binary, &arguments);
        println!(
            "plan --offline, {} resources: {:.3} s of CPU, {:.0} MiB",
            10_000 * size,
            median.cpu_seconds,
            median.mebibytes
        );
        medians.push(median);
    }
    println!(
        "twice the lake takes {:.2} times as long",
        medians[1].cpu_seconds / medians[0].cpu_seconds
    );
    let start = measure(&binary, &["--version".to_owned()]);
    println!("--version: {:.1} ms of CPU", start.cpu_seconds * 1000.0);
}

/// Writes the spec and its script into a folder.
fn write(folder: &Path, size: usize) -> PathBuf {
    std::fs::create_dir_all(folder).expect("the target folder is writable");
    std::fs::write(folder.join("job.py"), "print('a script')\n").expect("as above");
    let spec = folder.join("lake.yaml");
    std::fs::write(&spec, generator::spec(size)).expect("as above");
    spec
}

/// The median of several runs after a warm-up.
fn measure(binary: &Path, arguments: &[String]) -> Usage {
    let mut runs: Vec<Usage> = (0..=RUNS).map(|_| once(binary, arguments)).skip(1).collect();
    runs.sort_by(|a, b| a.cpu_seconds.total_cmp(&b.cpu_seconds));
    let peak = runs.iter().map(|run| run.mebibytes).fold(0.0, f64::max);
    Usage { cpu_seconds: runs[runs.len() / 2].cpu_seconds, mebibytes: peak }
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
