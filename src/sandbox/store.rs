//! The sandbox's directory: plain JSON files under one lock, written as a whole or not at all.
//!
//! A [`Store`] reads documents by their path below the directory and commits a set of changes in one step: each file
//! is written beside its place, then `journal.json` says which of them become real, then they are renamed. Whoever
//! takes the lock finishes a journal that was left behind, so a killed process leaves the state before or after a
//! call, never between. Paths have no meaning here.
//! Invariant: nothing is read or written without the lock.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cloud::CloudError;

/// The journal's name: a JSON list of paths, each with a file `.new` beside it, or marked [`REMOVED`].
const JOURNAL: &str = "journal.json";

/// A directory with documents.
pub(super) struct Store {
    dir: Utf8PathBuf,
    lock: File,
}

/// The lock on the directory, given back when dropped.
pub(super) struct Locked<'a>(&'a File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing the file gives the lock back too, so a failure here costs nothing but time.
        let _ = self.0.unlock();
    }
}

/// What a commit does to one path.
pub(super) enum Change {
    Write(Vec<u8>),
    Remove,
}

impl Store {
    /// Opens the directory, making it if it is not there.
    pub(super) fn open(dir: &Utf8Path) -> Result<Self, CloudError> {
        fs_err::create_dir_all(dir).map_err(|error| broken(&error))?;
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| broken(&format!("{path}: {error}")))?;
        Ok(Store { dir: dir.to_owned(), lock })
    }

    /// Waits for the lock, and finishes what a killed process had begun.
    pub(super) fn locked(&self) -> Result<Locked<'_>, CloudError> {
        let lock = || broken(&format!("{}: the lock can't be taken", self.dir));
        self.lock.lock().map_err(|_| lock())?;
        let locked = Locked(&self.lock);
        if let Some(paths) = self.read::<Vec<String>>(JOURNAL)? {
            self.settle(&paths)?;
        }
        Ok(locked)
    }

    /// The document at a path; `None` if there is none.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CloudError> {
        let Some(bytes) = self.bytes(path)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            broken(&format!(
                "{} is not what the sandbox wrote: {error}; restore it, or remove the directory {} to start anew",
                self.dir.join(path),
                self.dir
            ))
        })
    }

    /// The bytes at a path; `None` if there are none.
    pub(super) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, CloudError> {
        match fs_err::read(self.dir.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(&error)),
        }
    }

    /// The names of the directories directly below a path, ascending.
    pub(super) fn directories(&self, path: &str) -> Result<Vec<String>, CloudError> {
        let entries = match fs_err::read_dir(self.dir.join(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(broken(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| broken(&error))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    /// When a file last changed and how long it is, to notice edits by hand; `None` if there is none.
    pub(super) fn stamp(&self, path: &str) -> Option<(std::time::SystemTime, u64)> {
        let data = fs_err::metadata(self.dir.join(path)).ok()?;
        Some((data.modified().ok()?, data.len()))
    }

    /// Carries out all changes, or none.
    pub(super) fn commit(&self, changes: Vec<(String, Change)>) -> Result<(), CloudError> {
        let mut paths = Vec::with_capacity(changes.len());
        for (path, change) in changes {
            match change {
                Change::Write(bytes) => {
                    let new = self.beside(&path);
                    if let Some(parent) = new.parent() {
                        fs_err::create_dir_all(parent).map_err(|error| broken(&error))?;
                    }
                    fs_err::write(new, bytes).map_err(|error| broken(&error))?;
                    paths.push(path);
                }
                Change::Remove => paths.push(format!("{path}{REMOVED}")),
            }
        }
        let journal = self.beside(JOURNAL);
        let list = to_bytes(&paths)?;
        fs_err::write(&journal, list).map_err(|error| broken(&error))?;
        fs_err::rename(journal, self.dir.join(JOURNAL)).map_err(|error| broken(&error))?;
        self.settle(&paths)
    }

    fn settle(&self, paths: &[String]) -> Result<(), CloudError> {
        for path in paths {
            let done = match path.strip_suffix(REMOVED) {
                Some(path) => remove(&self.dir.join(path)),
                None => match fs_err::rename(self.beside(path), self.dir.join(path)) {
                    // It was settled before the process was killed.
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                    other => other,
                },
            };
            done.map_err(|error| broken(&error))?;
        }
        remove(&self.dir.join(JOURNAL)).map_err(|error| broken(&error))
    }

    /// Where a path's new content waits.
    fn beside(&self, path: &str) -> Utf8PathBuf {
        self.dir.join(format!("{path}.new"))
    }
}

/// What a path ends with in the journal when it is to be removed; no document is called so.
const REMOVED: &str = "#removed";

fn remove(path: &Utf8Path) -> std::io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A document's bytes.
pub(super) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CloudError> {
    serde_json::to_vec(value).map_err(|error| broken(&error))
}

/// The error for a directory that can't be used.
pub(super) fn broken(what: &dyn std::fmt::Display) -> CloudError {
    CloudError::Other { code: "SandboxState".into(), message: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Utf8Path::from_path(dir.path()).unwrap()).unwrap();
        (dir, store)
    }

    #[test]
    fn a_commit_writes_and_removes() {
        let (_dir, store) = store();
        let _lock = store.locked().unwrap();
        store
            .commit(vec![
                ("a/x.json".into(), Change::Write(b"1".to_vec())),
                ("a/y.json".into(), Change::Write(b"2".to_vec())),
            ])
            .unwrap();
        assert_eq!(store.read::<i32>("a/x.json").unwrap(), Some(1));
        store.commit(vec![("a/x.json".into(), Change::Remove)]).unwrap();
        assert_eq!(store.read::<i32>("a/x.json").unwrap(), None);
        assert_eq!(store.read::<i32>("a/y.json").unwrap(), Some(2));
    }

    #[test]
    fn a_commit_that_was_cut_off_is_finished_or_forgotten() {
        let (dir, store) = store();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("x.json"), "1").unwrap();
        std::fs::write(at("x.json.new"), "2").unwrap();
        drop(store.locked().unwrap());
        assert_eq!(store.read::<i32>("x.json").unwrap(), Some(1), "no journal");
        std::fs::write(at("journal.json"), r#"["x.json", "y.json"]"#).unwrap();
        std::fs::write(at("y.json"), "3").unwrap();
        drop(store.locked().unwrap());
        assert_eq!(store.read::<i32>("x.json").unwrap(), Some(2));
        assert_eq!(store.read::<i32>("y.json").unwrap(), Some(3), "settled");
        assert!(!at("journal.json").exists());
    }

    #[test]
    fn a_broken_document_is_an_error_that_names_it() {
        let (dir, store) = store();
        std::fs::write(dir.path().join("x.json"), "{").unwrap();
        let error = store.read::<i32>("x.json").unwrap_err();
        assert!(error.to_string().contains("x.json"), "{error}");
    }
}
