//! A cluster for tests: a cluster file, and beside it the store of the double of the client library.
//!
//! The store is written and read here in the double's own format, without the library. The double is a model: that the
//! program works with it is no proof that it works with FoundationDB.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::harness::alone::only;
use crate::harness::program::{Outcome, command, outcome, program};

/// Set in the processes that tests of the library run in.
const ALONE: &str = "STALWART_MIGRATE_TEST_DOUBLE";

pub type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// The double, where `fdb-client` loads it: in a directory that no other user may write to.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let program = std::env::current_exe().unwrap();
        let built = program.parent().unwrap().join("libfdb_double.so");
        let dir = tempfile::Builder::new().prefix("fdb-double-").tempdir().unwrap();
        let copy = dir.path().canonicalize().unwrap().join("libfdb_c.so");
        fs::copy(&built, &copy).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        (dir, copy)
    });
    path
}

/// A cluster and the configuration that names it.
pub struct Cluster {
    dir: TempDir,
}

impl Cluster {
    /// Without a key.
    pub fn new() -> Cluster {
        let dir = tempfile::Builder::new().prefix("cluster").tempdir().unwrap();
        let cluster = Cluster { dir };
        let name = cluster.dir.path().file_name().unwrap().to_str().unwrap().replace('.', "_");
        fs::write(cluster.file(), format!("{name}:test@127.0.0.1:4500\n")).unwrap();
        cluster.configure(&[("cluster-file", cluster.file().to_str().unwrap())]);
        cluster
    }

    /// With the keys that a server of 0.15.5 has written.
    pub fn of_a_server() -> Cluster {
        let cluster = Cluster::new();
        cluster.fill(&key_space());
        cluster
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self) -> PathBuf {
        self.path("fdb.cluster")
    }

    pub fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// Writes a configuration with these settings of the store.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        let mut text = String::from(
            "[storage]\ndata = \"db\"\nblob = \"db\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\ntype = \"foundationdb\"\n\
             compression = \"lz4\"\n",
        );
        settings.iter().for_each(|(key, value)| text.push_str(&format!("{key} = \"{value}\"\n")));
        fs::write(self.config(), text).unwrap();
    }

    fn store(&self) -> PathBuf {
        self.path("fdb.cluster.store")
    }

    /// Makes these the only keys of the cluster.
    pub fn fill(&self, pairs: &Pairs) {
        let mut entry = 1i64.to_le_bytes().to_vec();
        let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        entry.extend(length(pairs.len()));
        for (key, value) in pairs {
            entry.push(0);
            for bytes in [key, value] {
                entry.extend(length(bytes.len()));
                entry.extend(bytes);
            }
        }
        entry.extend(length(0));
        let mut file = b"FDBDBL01".to_vec();
        file.extend(1i64.to_le_bytes());
        file.extend(length(entry.len()));
        file.extend(xxhash_rust::xxh3::xxh3_64(&entry).to_le_bytes());
        file.extend(entry);
        fs::write(self.store(), file).unwrap();
    }

    /// Every key of the cluster.
    pub fn pairs(&self) -> Pairs {
        let file = fs::read(self.store()).unwrap();
        let (mut pairs, mut at) = (Pairs::new(), 16);
        while let Some(length) = file.get(at..at + 4) {
            let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
            // What a killed process has written in part ends the file.
            let Some(entry) = file.get(at + 12..at + 12 + length) else { break };
            let mut rest = &entry[8..];
            for _ in 0..number(&mut rest) {
                let kind = take(&mut rest, 1)[0];
                let [one, other] = [(); 2].map(|()| {
                    let length = number(&mut rest);
                    take(&mut rest, length).to_vec()
                });
                match kind {
                    0 => drop(pairs.insert(one, other)),
                    _ => pairs.retain(|key, _| *key < one || *key >= other),
                }
            }
            at += 12 + length;
        }
        pairs
    }

    /// The program with the double.
    pub fn bare(&self) -> Command {
        let mut command = command(&program());
        command.current_dir(self.dir.path()).env("FDB_CLIENT_LIBRARY", library());
        command.env_remove("FDB_CLUSTER_FILE");
        command
    }

    /// The program with the double, this configuration and these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command.arg("-c").arg(self.config()).args(arguments);
        command
    }

    /// Runs the program on this cluster.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(self.command(arguments))
    }

    /// Exports into a dump of this name.
    pub fn export(&self, name: &str, more: &[&str]) -> Outcome {
        self.run(&[&["--export", name], more].concat())
    }

    /// Imports a dump.
    pub fn import(&self, dump: &Path, more: &[&str]) -> Outcome {
        self.run(&[&["--import", dump.to_str().unwrap()], more].concat())
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8]) -> usize {
    u32::from_le_bytes(take(rest, 4).try_into().unwrap()) as usize
}

/// The keys of a cluster that a server of 0.15.5 has filled.
pub fn key_space() -> Pairs {
    let path = "tests/fixtures/stalwart-0.15.5/foundationdb/keyspace.bin.gz";
    let mut child = Command::new("gzip").args(["-dc", path]).stdout(Stdio::piped()).spawn().unwrap();
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let (mut pairs, mut rest) = (Pairs::new(), bytes.as_slice());
    while !rest.is_empty() {
        let [key, value] = [(); 2].map(|()| {
            let length = u32::from_be_bytes(take(&mut rest, 4).try_into().unwrap()) as usize;
            take(&mut rest, length).to_vec()
        });
        pairs.insert(key, value);
    }
    pairs
}

/// Runs the body of a test in a process of its own, with the double.
#[track_caller]
pub fn in_process(test: &str, variables: &[(&str, &str)], body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(only(test)).env(ALONE, "1").env("FDB_CLIENT_LIBRARY", library());
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{test}: {text}");
}
