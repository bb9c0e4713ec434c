//! What to type where git has no answer: no repository, no commit, a clone without its history, a name that is nearly
//! another's, a file that is not in the commit.
//!
//! In: the revision that was typed and the folder that git was asked in. Out: [`Unknown`], which says what is the matter
//! and what to type. Read next: `load`, which reads files of commits.

use camino::Utf8Path;

use super::env;
use crate::diagnostic::nearest;

/// Why a revision is none.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    #[error("this folder is in no git repository: name a file or a folder instead of `git:{0}`")]
    NoRepository(String),
    #[error(
        "the git repository has no commit yet: `git add` and `git commit` make one, or name a file instead of `git:{0}`"
    )]
    NoCommit(String),
    #[error("`git:` names no revision: write one behind it, such as `git:HEAD` or `git:main`")]
    Empty,
    #[error(
        "git does not know the revision `{name}`, and this clone has only a part of the history: `{command}` brings more"
    )]
    Shallow { name: String, command: String },
    #[error("git does not know the revision `{name}`: {hint}")]
    Name { name: String, hint: String },
    /// Whatever else is the matter, in git's words.
    #[error("{0}")]
    Git(String),
}

/// Finds out why git does not know a revision in the repository of a folder. `said`: what git said.
pub fn unknown(folder: &Utf8Path, name: &str, said: &anyhow::Error) -> Unknown {
    let ask = |arguments: &[&str]| {
        let text = env::git(folder, arguments)?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&text).trim().to_owned())
    };
    let name = name.to_owned();
    if let Err(error) = ask(&["rev-parse", "--git-dir"]) {
        let words = format!("{error:#}");
        return match words.contains("not a git repository") {
            true => Unknown::NoRepository(name),
            false => Unknown::Git(words),
        };
    }
    if name.is_empty() {
        return Unknown::Empty;
    }
    let listed = ask(&["for-each-ref", "--format=%(refname:short)"]).unwrap_or_default();
    let known: Vec<&str> = listed.lines().collect();
    let head = ask(&["rev-parse", "--verify", "--quiet", "HEAD"]);
    if head.is_err() && (known.is_empty() || name == "HEAD") {
        return Unknown::NoCommit(name);
    }
    if ask(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|answer| answer == "true") {
        let command = match name.strip_prefix("origin/") {
            Some(branch)
                if branch.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)) =>
            {
                format!("git fetch origin {branch}:refs/remotes/origin/{branch}")
            }
            _ => "git fetch --unshallow".to_owned(),
        };
        return Unknown::Shallow { name, command };
    }
    let hint = match nearest(&name, known.iter().copied()) {
        Some(near) => format!("did you mean `git:{near}`?"),
        None if head.is_err() => format!("{said:#}"),
        None => {
            let some: Vec<String> = known.iter().take(5).map(|one| format!("`{one}`")).collect();
            let more = if known.len() > some.len() { ", ..." } else { "" };
            match some.is_empty() {
                true => "`git log --oneline` lists its commits".to_owned(),
                false => format!("it knows `HEAD`, {}{more}", some.join(", ")),
            }
        }
    };
    Unknown::Name { name, hint }
}

/// Why a commit does not have a file.
pub fn missing(commit: &str, path: &Utf8Path) -> anyhow::Error {
    let commit: String = commit.chars().take(7).collect();
    match env::exists(path) {
        true => anyhow::anyhow!(
            "`{path}` is not in commit {commit}: `git add` and `git commit` it, or name a commit that has it, or another file as `git:REV:PATH`"
        ),
        false => anyhow::anyhow!(
            "there is no `{path}` in commit {commit}: `git ls-tree -r --name-only {commit}` lists what is there, and `git:REV:PATH` names it"
        ),
    }
}
