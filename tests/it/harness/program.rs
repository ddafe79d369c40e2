//! The program as a user runs it, and how a run ended.
//!
//! Runs the program that cargo built, or the one named by `STALWART_MIGRATE` (a package to be released, say).
//! Whatever a test expects, no run may panic or show a password, and an error is one line.

#![allow(dead_code, clippy::unwrap_used, reason = "extended_schema uses a part of it")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Variables that change what the program does.
const VARIABLES: [&str; 3] = ["EXPORT_TYPES", "CONFIG_PATH", "PGOPTIONS"];

/// Part of every password that tests use.
const SECRET: &str = "s3cr3t";

/// The program of this build.
pub fn program() -> PathBuf {
    match std::env::var_os("STALWART_MIGRATE") {
        Some(path) => path.into(),
        None => env!("CARGO_BIN_EXE_stalwart-migrate").into(),
    }
}

/// The program without an installation.
pub fn bare() -> Command {
    command(&program())
}

/// A program without input and without variables that would change what it does.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program of this build with these arguments.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Outcome {
    run_program(&program(), arguments)
}

/// Runs a program with these arguments.
pub fn run_program<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Outcome {
    let mut command = command(program);
    command.args(arguments);
    outcome(command)
}

/// Runs to the end.
pub fn outcome(mut command: Command) -> Outcome {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Outcome::new(format!("{command:?}"), output)
}

/// Starts with its output kept for [`ended`].
pub fn started(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Waits for a started run.
pub fn ended(child: Child) -> Outcome {
    child.wait_with_output().unwrap().into()
}

/// How a run ended and what it wrote.
pub struct Outcome {
    pub command: String,
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.command, self.status, self.everything())
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Outcome {
        Outcome::new("a run".into(), output)
    }
}

impl Outcome {
    fn new(command: String, output: Output) -> Outcome {
        let stderr = String::from_utf8(output.stderr).unwrap();
        Outcome { command, status: output.status, stdout: output.stdout, stderr }
    }

    /// The exit code; none if a signal ended the run.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Standard output, then standard error.
    pub fn everything(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned() + &self.stderr
    }

    /// Ended with this exit code and one error line, or none if the code is 0 or 3; and as every run must end.
    #[track_caller]
    pub fn expect(self, code: i32) -> Outcome {
        let errors = usize::from(!matches!(code, 0 | 3));
        self.ended(code, errors..=errors)
    }

    /// As [`Outcome::expect`] without an error line: the code is the result of `verify` or `diff`.
    #[track_caller]
    pub fn verdict(self, code: i32) -> Outcome {
        self.ended(code, 0..=0)
    }

    /// Ended after two signals: with an error line if the first one ended the run, without if the second one did.
    #[track_caller]
    pub fn interrupted_twice(self) -> Outcome {
        self.ended(130, 0..=1)
    }

    /// Ended with this exit code and so many error lines, without panic, backtrace or password.
    #[track_caller]
    fn ended(self, code: i32, errors: RangeInclusive<usize>) -> Outcome {
        assert_eq!(self.code(), Some(code), "{self:?}");
        let everything = self.everything();
        for word in ["panicked", "internal error", "stack backtrace", "RUST_BACKTRACE", SECRET] {
            assert!(!everything.contains(word), "{word}: {self:?}");
        }
        let found = everything.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(errors.contains(&found), "{found} error lines, not {errors:?}: {self:?}");
        self
    }

    /// Wrote `words` on stderr, each somewhere.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Outcome {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self:?}");
        }
        self
    }

    /// Wrote `words` on stdout, each somewhere.
    #[track_caller]
    pub fn shows(self, words: &[&str]) -> Outcome {
        for word in words {
            assert!(self.text().contains(word), "{word:?} is missing on stdout: {self:?}");
        }
        self
    }

    /// The one error line, at the end of stderr.
    #[track_caller]
    pub fn error(&self) -> &str {
        let mut lines = self.stderr.lines().filter(|line| line.starts_with("error: "));
        let line = lines.next().unwrap_or_else(|| panic!("no error: {self:?}"));
        assert_eq!(lines.next(), None, "more than one error: {self:?}");
        assert!(self.stderr.ends_with(&format!("{line}\n")), "something follows the error: {self:?}");
        line
    }

    /// Every line of stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| {
            let value: Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?}: {self:?}"));
            assert!(value["event"].is_string(), "an object says what it is: {line}");
            value
        };
        self.text().lines().map(parse).collect()
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub fn last(&self) -> Value {
        self.json().pop().unwrap_or_else(|| panic!("nothing on stdout: {self:?}"))
    }
}

/// A directory with SQLite stores and their configurations.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The SQLite database that the configuration of this name uses.
    pub fn store(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.sqlite3"))
    }

    /// A configuration in the format of releases up to 0.15.
    pub fn toml(&self, name: &str) -> PathBuf {
        let text = format!(
            "storage.data = \"db\"\nstorage.blob = \"db\"\nstorage.lookup = \"db\"\nstorage.fts = \"db\"\n\
             store.db.type = \"sqlite\"\nstore.db.path = \"{}\"\nstore.db.compression = \"lz4\"\n",
            self.store(name).display()
        );
        let path = self.path(&format!("{name}.toml"));
        fs::write(&path, text).unwrap();
        path
    }

    /// A configuration in the format of 0.16.
    pub fn json(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("{name}.json"));
        let store = serde_json::json!({"@type": "Sqlite", "path": self.store(name)});
        fs::write(&path, store.to_string()).unwrap();
        path
    }

    /// Copies the SQLite store of a fixture, with its write-ahead log.
    pub fn copy(&self, fixture: &str, name: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let from = format!("tests/fixtures/{fixture}/sqlite/stalwart.sqlite3{suffix}");
            let to = format!("{}{suffix}", self.store(name).display());
            if Path::new(&from).exists() {
                fs::copy(&from, &to).unwrap();
            }
        }
    }
}

/// The files of a dump besides its manifest, by name.
pub fn files(dump: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dump).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

/// Both dumps have the same files besides their manifests, byte for byte.
#[track_caller]
pub fn assert_same(one: &Path, other: &Path) {
    assert_same_files(&files(one), &files(other));
}

/// As [`assert_same`], apart from the search index, which the second dump lacks.
#[track_caller]
pub fn assert_same_without_index(one: &Path, other: &Path) {
    let mut one = files(one);
    one.remove("subspace_z");
    assert_same_files(&one, &files(other));
}

#[track_caller]
fn assert_same_files(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let different: Vec<_> = one.keys().filter(|name| one[*name] != other[*name]).collect();
    assert!(different.is_empty(), "files that differ: {different:?}");
}
