//! Third-party tools of the tests, installed once under `target/test-tools`, every version pinned in `tests/support/pins`.
//!
//! A Python tool set is a virtual environment from `pins/<name>.txt`, which names every distribution, dependencies included (pip is
//! told not to resolve any, and to take wheels only, so that installing runs no foreign code). A Node tool set is an `npm ci` of
//! `pins/<name>/`, without install scripts. The folder's name carries a hash of the pins, of the interpreter's version and of the
//! place, so a changed pin is a new folder. Invariant: a folder with a stamp is complete; the stamp is written last, and only one
//! process installs at a time.

use super::process;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// `target/test-tools`, wherever cargo's target folder lies.
pub fn home() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target
        .parent()
        .expect("invariant: CARGO_TARGET_TMPDIR lies in the target folder")
        .join("test-tools");
    create_dir(&home);
    home
}

/// A file of this folder, such as a runner script.
pub fn asset(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(path)
}

/// The virtual environment of `pins/<name>.txt`, installed if it is not there yet. Its programs are in `bin/`.
pub fn python(name: &str) -> PathBuf {
    static VERSION: OnceLock<Result<String, String>> = OnceLock::new();
    let version = VERSION.get_or_init(|| {
        let code = "import sys, venv, pip; print('.'.join(map(str, sys.version_info[:3])), pip.__version__)";
        let missing = |why: String| {
            format!("the tests need python3, 3.11 or later, with its venv and pip modules: {why}")
        };
        let asked = process::run(Command::new("python3").args(["-c", code]), b"", Duration::from_secs(60));
        let answer = asked.map_err(missing)?;
        let version = answer.stdout.trim().to_string();
        let old = |v: &str| {
            let mut parts = v.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
            (parts.next(), parts.next()) < (Some(3), Some(11))
        };
        match () {
            () if !answer.status.success() => Err(missing(answer.tail(3))),
            () if old(&version) => Err(missing(format!("this is Python {version}"))),
            () => Ok(version),
        }
    });
    let version = version.as_ref().unwrap_or_else(|why| panic!("{why}"));
    let pins = asset(&format!("pins/{name}.txt"));
    let what = format!("python3 -m venv, and pip install -r {}", pins.display());
    installed(name, &[version.as_bytes(), &read(&pins)], &what, |dir| {
        step(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(dir))?;
        step(
            Command::new("python3")
                .args(["-m", "pip", "--python"])
                .arg(dir.join("bin/python"))
                .args(["--disable-pip-version-check", "--no-input", "install", "--quiet"])
                .args(["--no-deps", "--only-binary=:all:", "--requirement"])
                .arg(&pins),
        )
    })
}

/// The folder in which `npm ci` of `pins/<name>/package-lock.json` was run: it holds `node_modules`.
pub fn node(name: &str) -> PathBuf {
    static VERSION: OnceLock<Result<String, String>> = OnceLock::new();
    let version = VERSION.get_or_init(|| {
        let missing = |why: String| format!("the tests need node, 20 or later, with npm: {why}");
        let asked =
            process::run(Command::new("node").arg("--version"), b"", Duration::from_secs(60));
        let version = asked.map_err(missing)?.stdout.trim().to_string();
        let major = version.trim_start_matches('v').split('.').next();
        if major.and_then(|m| m.parse::<u32>().ok()).unwrap_or(0) < 20 {
            return Err(missing(format!("this is node {version}")));
        }
        let npm = process::run(Command::new("npm").arg("--version"), b"", Duration::from_secs(60));
        npm.map_err(missing).map(|_| version)
    });
    let version = version.as_ref().unwrap_or_else(|why| panic!("{why}"));
    let [package, lock] =
        ["package.json", "package-lock.json"].map(|f| asset(&format!("pins/{name}/{f}")));
    let parts = [version.as_bytes(), &read(&package), &read(&lock)];
    let what = format!("npm ci of {}", lock.display());
    installed(&format!("{name}-node"), &parts, &what, |dir| {
        create_dir(dir);
        for file in [&package, &lock] {
            let copy = dir.join(file.file_name().expect("invariant: a file has a name"));
            fs::copy(file, copy).map_err(|e| e.to_string())?;
        }
        step(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"])
                .arg("--loglevel=error")
                .current_dir(dir),
        )
    })
}

/// The folder `<name>-<hash of parts>`: as it is when its stamp is there, else made by `install` under the name's lock.
fn installed(
    name: &str,
    parts: &[&[u8]],
    what: &str,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> PathBuf {
    let home = home();
    let mut hash = Sha256::new();
    for part in parts.iter().chain(&[home.as_os_str().as_encoded_bytes()]) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let key: String = hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect();
    let (dir, lock) = (home.join(format!("{name}-{key}")), home.join(format!("{name}.lock")));
    let stamp = dir.join("complete");
    if stamp.exists() {
        return dir;
    }
    let _lock = lock_file(&lock);
    if stamp.exists() {
        return dir; // another process was faster
    }
    if dir.exists() {
        fs::remove_dir_all(&dir)
            .unwrap_or_else(|e| panic!("cannot remove the incomplete {}: {e}", dir.display()));
    }
    if let Err(why) = install(&dir) {
        panic!("cannot install what the tests need ({what}):\n{why}");
    }
    fs::write(&stamp, key).unwrap_or_else(|e| panic!("cannot write {}: {e}", stamp.display()));
    dir
}

/// Takes the lock of `path` for as long as the answer lives, waiting for other processes and threads.
pub(super) fn lock_file(path: &Path) -> File {
    let file =
        File::create(path).unwrap_or_else(|e| panic!("cannot create {}: {e}", path.display()));
    file.lock().unwrap_or_else(|e| panic!("cannot lock {}: {e}", path.display()));
    file
}

fn step(command: &mut Command) -> Result<(), String> {
    let done = process::run(command, b"", INSTALL_LIMIT)?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}\n{}: {}", done.status, done.tail(30))),
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
}

pub(super) fn create_dir(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|e| panic!("cannot create {}: {e}", path.display()));
}
