//! Runs the program as a user does, on stores in a directory that is removed afterwards.
//!
//! What a test expects of it, it does not know.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What a run has left.
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Everything on stdout.
    pub out: Vec<u8>,
    /// Everything on stderr.
    pub err: String,
}

impl Ran {
    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// The lines of `--json`.
    pub fn events(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last line of `--json`.
    pub fn outcome(&self) -> Value {
        self.events().pop().unwrap_or_else(|| panic!("nothing on stdout: {}", self.err))
    }

    /// Fails unless the run ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{}{}", self.text(), self.err);
        self
    }
}

/// Runs the program of this build.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Ran {
    run_program(Path::new(env!("CARGO_BIN_EXE_stalwart-migrate")), arguments)
}

/// Runs a program without the variables it listens to.
pub fn run_program<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("CONFIG_PATH").env_remove("EXPORT_TYPES");
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
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
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A configuration in the format of 0.16.
    pub fn json(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("{name}.json"));
        let store = serde_json::json!({"@type": "Sqlite", "path": self.store(name)});
        std::fs::write(&path, store.to_string()).unwrap();
        path
    }

    /// Copies the SQLite store of a fixture, with its write-ahead log.
    pub fn copy(&self, fixture: &str, name: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let from = format!("tests/fixtures/{fixture}/sqlite/stalwart.sqlite3{suffix}");
            let to = format!("{}{suffix}", self.store(name).display());
            if Path::new(&from).exists() {
                std::fs::copy(&from, &to).unwrap();
            }
        }
    }
}

/// Fails unless two dumps have the same subspace files, byte for byte.
#[track_caller]
pub fn same_files(one: &Path, two: &Path) {
    let names = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let mut names: Vec<_> = files.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(one), names(two));
    for name in names(one) {
        let read = |dir: &Path| std::fs::read(dir.join(&name)).unwrap();
        assert!(read(one) == read(two), "{} differs", name.display());
    }
}
