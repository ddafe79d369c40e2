//! The state file of a run that can be resumed. It identifies the run, so that no other run is resumed by mistake.
//!
//! It does not record progress, which the files of an unfinished dump and the records of an unfinished target
//! show. So the state is written before the first change, again when a target has been emptied, and removed at
//! the end.
//! The file is locked during its run. It contains no address and no secret.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::dir::Dir;
use crate::base::error::{Error, Result};
use crate::base::seal;
use crate::base::stop::Stop;

/// Most bytes read of a state file.
const LONGEST: u64 = 1 << 20;

/// A state file, locked by this run.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    dir: Dir,
    name: OsString,
    // Holds the lock.
    _file: File,
}

impl StateFile {
    /// Writes and syncs a new state file. A missing directory is created, private.
    ///
    /// Errors: `Refused` if the file exists already, `Io` if it cannot be written.
    pub fn create<T: Serialize>(path: &Path, state: &T) -> Result<StateFile> {
        let fail = |e| failed("cannot write the state of this run", path, e);
        Stop::of_process().check()?;
        let (dir, name) = Dir::holding_created(path, 0o700).map_err(fail)?;
        let text = serde_json::to_string_pretty(state)
            .map_err(|e| Error::io("cannot write the state of this run as JSON").because(e))?;
        let there = || {
            // A run that has not ended cannot be resumed.
            StateFile::at_rest(path)?;
            Err(place(Error::refused("there is the state of an interrupted run"), path)
                .help("go on with it with --resume, or remove the file if you do not want to"))
        };
        let taken = || dir.look(&name).map(|found| found.is_some()).map_err(fail);
        if taken()? {
            return there();
        }
        let file = write_aside(&dir, &name, &text)?;
        // The lock on the temporary name keeps other runs from publishing their state now.
        if taken()? {
            let _ = dir.remove(aside(&name));
            return there();
        }
        publish(&dir, &name).map_err(|error| {
            let _ = dir.remove(aside(&name));
            fail(error)
        })?;
        Ok(StateFile { path: path.to_owned(), dir, name, _file: file })
    }

    /// Reads and locks the state of an interrupted run; `None` if there is no file.
    ///
    /// Errors: `Refused` if it is damaged, in the format of another release, or in use.
    pub fn open<T: DeserializeOwned>(path: &Path) -> Result<Option<(StateFile, T)>> {
        let opened = Dir::holding(path).and_then(|(dir, name)| Ok((dir.open_file(&name)?, dir, name)));
        let (file, dir, name) = match opened {
            Ok(opened) => opened,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(failed("cannot read the state of the interrupted run", path, e)),
        };
        lock(&file, path)?;
        let mut text = Vec::new();
        (&file)
            .take(LONGEST)
            .read_to_end(&mut text)
            .map_err(|e| failed("cannot read the state of the interrupted run", path, e))?;
        let damaged = |error: Error| {
            place(error.into_kind(crate::base::error::ErrorKind::Refused), path)
                .help("start again without --resume")
        };
        seal::check(&text, "state of the interrupted run").map_err(damaged)?;
        let state = serde_json::from_slice(&text).map_err(|e| {
            damaged(Error::refused("the state is that of another release or of another command").because(e))
        })?;
        Ok(Some((StateFile { path: path.to_owned(), dir, name, _file: file }, state)))
    }

    /// Checks that the run that wrote a state file has ended.
    ///
    /// Errors: `Refused` if it has not.
    pub fn at_rest(path: &Path) -> Result<()> {
        // Other faults are reported when the file is opened to be read.
        let opened = Dir::holding(path).and_then(|(dir, name)| dir.open_file(name));
        opened.map_or(Ok(()), |file| lock(&file, path))
    }

    /// Replaces the state atomically; the file stays locked.
    ///
    /// Errors: I/O and interrupted; then the old state remains.
    pub fn replace<T: Serialize>(&mut self, state: &T) -> Result<()> {
        Stop::of_process().check()?;
        let text = serde_json::to_string_pretty(state)
            .map_err(|e| Error::io("cannot write the state of this run as JSON").because(e))?;
        let file = write_aside(&self.dir, &self.name, &text)?;
        publish(&self.dir, &self.name)
            .map_err(|e| failed("cannot write the state of this run", &self.path, e))?;
        self._file = file;
        Ok(())
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, when the run is complete or has left nothing to resume.
    pub fn remove(self) -> Result<()> {
        self.dir
            .remove(&self.name)
            .map_err(|e| failed("cannot remove the state of the finished run", &self.path, e))
    }
}

/// The temporary name of a state file until it is complete.
fn aside(name: &OsStr) -> OsString {
    let mut name = name.to_os_string();
    name.push(".partial");
    name
}

/// Writes, locks and syncs a state file under its temporary name.
fn write_aside(dir: &Dir, name: &OsStr, text: &str) -> Result<File> {
    let (new, path) = (aside(name), dir.place(name));
    let fail = |e| failed("cannot write the state of this run", &path, e);
    if dir.look(&new).map_err(fail)?.is_some() {
        // A temporary file of a killed run is useless.
        StateFile::at_rest(&dir.place(&new))?;
        dir.remove(&new).map_err(fail)?;
    }
    let mut file = dir.create_private_file(&new).map_err(fail)?;
    lock(&file, &dir.place(&new))?;
    file.write_all(seal::seal(text).as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = dir.remove(&new);
        fail(error)
    })?;
    Ok(file)
}

/// Renames a complete state file to its final name.
fn publish(dir: &Dir, name: &OsStr) -> std::io::Result<()> {
    dir.rename(aside(name), name)?;
    dir.sync()
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(e) if e == rustix::io::Errno::WOULDBLOCK => {
            Err(place(Error::refused("another run is at work here"), path).help("wait until it has ended"))
        }
        // File systems without locks are accepted.
        Err(_) => Ok(()),
    }
}

/// A short hash in hex that identifies a text in a state file without revealing it.
pub fn anonymous(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().as_str().get(..16).unwrap_or_default().to_string()
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    place(Error::io(what), path).because(e)
}

fn place(error: Error, path: &Path) -> Error {
    error.with("path", path.display().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_state_is_read_back_locked_and_refused_when_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/state.json");
        assert!(StateFile::open::<Vec<u32>>(&path).unwrap().is_none());
        let held = StateFile::create(&path, &serde_json::json!({"a": 1})).unwrap();
        let refused = |error: Error, says: &str| {
            assert_eq!(error.kind(), crate::base::error::ErrorKind::Refused);
            assert!(error.to_string().contains(says), "{error}");
        };
        refused(StateFile::open::<serde_json::Value>(&path).unwrap_err(), "another run is at work");
        refused(StateFile::create(&path, &1).unwrap_err(), "another run is at work");
        drop(held);
        let (held, state) = StateFile::open::<serde_json::Value>(&path).unwrap().unwrap();
        assert_eq!(state["a"], 1);
        drop(held);
        refused(StateFile::create(&path, &1).unwrap_err(), "interrupted run");
        let text = fs::read_to_string(&path).unwrap();
        for (damage, says) in [
            (text.replace('1', "2"), "seal"),
            (text[..text.len() / 2].to_string(), "seal"),
            (String::new(), "seal"),
            (seal::seal("{\n  \"b\": 2\n}"), "another release"),
        ] {
            fs::write(&path, damage).unwrap();
            refused(StateFile::open::<std::collections::BTreeMap<String, String>>(&path).unwrap_err(), says);
        }
        let (held, _) = {
            fs::write(&path, &text).unwrap();
            StateFile::open::<serde_json::Value>(&path).unwrap().unwrap()
        };
        held.remove().unwrap();
        assert!(!path.exists());
    }
}
