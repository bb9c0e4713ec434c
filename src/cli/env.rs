//! The outside world: files, environment variables, clock, terminal. Nothing else in the crate
//! touches them, `sandbox` and `aws` apart.

use std::io::{IsTerminal, Read, Write};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::diagnostic::nearest;

/// An environment variable that is set, not empty, and text.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether an environment variable is set to nothing.
pub fn is_blank(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value.is_empty())
}

/// Whether somebody sits at the other end of stderr.
pub fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether somebody can answer a question.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && variable("LAKEWRIGHT_INPUT").as_deref() != Some("0")
}

/// The bytes of a file; `-` is stdin.
pub fn read(path: &Utf8Path) -> anyhow::Result<Vec<u8>> {
    if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("reading stdin")?;
        return Ok(bytes);
    }
    Ok(fs_err::read(path)?)
}

/// The bytes of a file that somebody named. Where there is none, the error says what to type: the name of a neighbour
/// that is spelled nearly so, or `instead`.
pub fn named(path: &Utf8Path, instead: &str) -> anyhow::Result<Vec<u8>> {
    if path == "-" || exists(path) {
        return read(path);
    }
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
    let listed = folder.unwrap_or(Utf8Path::new(".")).read_dir_utf8();
    let names = listed.into_iter().flatten().flatten().map(|entry| entry.file_name().to_owned());
    let names: Vec<String> = names.collect();
    let near = nearest(path.file_name().unwrap_or_default(), names.iter().map(String::as_str));
    match near {
        Some(near) => {
            let near = folder.map_or(Utf8PathBuf::from(near), |folder| folder.join(near));
            anyhow::bail!("there is no file `{path}`: did you mean `{near}`?")
        }
        None => anyhow::bail!("there is no file `{path}`: {instead}"),
    }
}

/// Writes a file whole or not at all: into a neighbour first, then renamed.
pub fn write(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    };
    fs_err::create_dir_all(folder)?;
    // a file as an editor makes it, not as secrets are kept: the user's mask decides who reads it
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file =
        builder.tempfile_in(folder).with_context(|| format!("writing beside `{path}`"))?;
    file.write_all(bytes).with_context(|| format!("writing `{path}`"))?;
    file.persist(path).with_context(|| format!("writing `{path}`"))?;
    Ok(())
}

/// Whether there is a file or folder.
pub fn exists(path: &Utf8Path) -> bool {
    path.exists()
}

/// A file of that name in a folder above this one, as it would be typed here.
pub fn above(name: &str) -> Option<Utf8PathBuf> {
    let mut folder = Utf8PathBuf::from("..");
    for _ in 0..8 {
        let found = folder.join(name);
        if found.is_file() {
            return Some(found);
        }
        folder.push("..");
    }
    None
}

/// Whether there is a folder.
pub fn is_folder(path: &Utf8Path) -> bool {
    path.is_dir()
}

/// The bytes of a file.
pub fn size(path: &Utf8Path) -> anyhow::Result<u64> {
    Ok(fs_err::metadata(path)?.len())
}

/// Whether data goes to somebody's screen.
pub fn shows_data() -> bool {
    std::io::stdout().is_terminal()
}

/// Every file below a folder, ascending; nothing if there is no such folder.
pub fn files_below(folder: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder)? {
            let path = Utf8PathBuf::try_from(entry?.path())?;
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What git answers in a folder. The error is what it says on stderr.
pub fn git(folder: &Utf8Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let folder = if folder.as_str().is_empty() { Utf8Path::new(".") } else { folder };
    let mut git = std::process::Command::new("git");
    // its words are read too, so they are to be in one language
    git.env("LC_ALL", "C").stdin(std::process::Stdio::null());
    git.arg("-C").arg(folder).args(arguments);
    let answer = git.output().context("git cannot be started")?;
    if !answer.status.success() {
        anyhow::bail!("git: {}", String::from_utf8_lossy(&answer.stderr).trim());
    }
    Ok(answer.stdout)
}

/// Removes a file that lakewright wrote.
pub fn remove(path: &Utf8Path) -> anyhow::Result<()> {
    Ok(fs_err::remove_file(path)?)
}

/// Asks a question on the terminal and reads a line.
pub fn ask(question: &str) -> anyhow::Result<String> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("reading the answer")?;
    Ok(line.trim().to_owned())
}

/// The width of the terminal, in columns.
pub fn width() -> usize {
    variable("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(100)
}

/// The clock on the wall. Pauses between looks at a cloud on this machine are a tenth of what AWS's
/// limits on calls ask for.
pub struct SystemClock;

static NEAR: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Says that the cloud is the sandbox, or an emulator on this machine.
pub fn cloud_is_near() {
    NEAR.store(true, std::sync::atomic::Ordering::Relaxed);
}

impl crate::apply::Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn sleep(&self, span: jiff::SignedDuration) {
        let near = NEAR.load(std::sync::atomic::Ordering::Relaxed);
        std::thread::sleep(span.unsigned_abs() / if near { 10 } else { 1 });
    }
}

/// A name for this run that no other has: the time and the process.
pub fn run_id() -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    format!("lw-{now:x}-{:x}", std::process::id())
}

/// The CI run or the machine, for the lock: whom to ask.
pub fn host() -> Option<String> {
    let github = variable("GITHUB_SERVER_URL")
        .zip(variable("GITHUB_REPOSITORY"))
        .zip(variable("GITHUB_RUN_ID"));
    if let Some(((server, repository), run)) = github {
        return Some(format!("{server}/{repository}/actions/runs/{run}"));
    }
    variable("CI_JOB_URL").or_else(|| variable("BUILD_URL")).or_else(|| variable("HOSTNAME"))
}

/// The switch that the first Ctrl-C sets; the second ends the process with 130.
pub fn interrupt_switch() -> &'static std::sync::atomic::AtomicBool {
    static SWITCH: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // A handler that cannot be set leaves Ctrl-C as it is: it ends the process.
        let _ = ctrlc::set_handler(|| {
            if SWITCH.swap(true, std::sync::atomic::Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
    });
    &SWITCH
}
