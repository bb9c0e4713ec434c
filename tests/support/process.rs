//! Running another program for a bounded time, with all that it wrote.
//!
//! The streams go through unnamed temporary files, so that a program that writes much and reads nothing cannot block, and one
//! that leaves a child behind cannot hold the test.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a program ended, and what it wrote.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The end of what went wrong, for a panic message: the last `lines` lines of both streams.
    pub fn tail(&self, lines: usize) -> String {
        let all: Vec<&str> = self.stdout.lines().chain(self.stderr.lines()).collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// Runs `command` with `input` on its standard input, for `limit` at most; then it is killed and the answer is an error.
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Result<Finished, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let scratch = || tempfile::tempfile().map_err(|e| format!("no temporary file for {name}: {e}"));
    let (mut stdin, mut stdout, mut stderr) = (scratch()?, scratch()?, scratch()?);
    stdin
        .write_all(input)
        .and_then(|()| stdin.rewind())
        .map_err(|e| format!("cannot write the input of {name}: {e}"))?;
    let handle = |f: &File| f.try_clone().map(Stdio::from).map_err(|e| format!("{name}: {e}"));
    let mut child = command
        .stdin(handle(&stdin)?)
        .stdout(handle(&stdout)?)
        .stderr(handle(&stderr)?)
        .spawn()
        .map_err(|e| format!("cannot start {name}: {e}"))?;
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| format!("{name}: {e}"))? {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            let (out, err) = (text(&mut stdout), text(&mut stderr));
            return Err(format!(
                "{name} did not end within {} s; it wrote:\n{out}\n{err}",
                limit.as_secs()
            ));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok(Finished { status, stdout: text(&mut stdout), stderr: text(&mut stderr) })
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = file.seek(SeekFrom::Start(0));
    let _ = file.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
