//! Kills exports and imports with SIGKILL at random moments and resumes them: whatever a run was doing, nothing
//! unfinished passes for complete, and the end is byte for byte that of a run nobody disturbed.
//!
//! A few kills of each kind in the usual run; `make test-kill` sets `STALWART_MIGRATE_KILLS` to 25. Moments are
//! drawn anew in every run and printed with a failure.

#![cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../benches/stores/generate.rs"]
mod generate;
#[allow(dead_code)]
#[path = "databases/servers.rs"]
mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use servers::{Database, Kind, Server};
use tempfile::TempDir;

type AnyError = Box<dyn std::error::Error>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    RocksDb,
    Sqlite,
    Sql(Kind),
}

/// A store of one engine and the configuration that names it.
struct Place {
    dir: TempDir,
    _database: Option<Database<'static>>,
}

impl Place {
    fn empty(engine: Engine) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let (kind, place, database) = match engine {
            Engine::RocksDb | Engine::Sqlite => {
                let kind = if engine == Engine::Sqlite { "sqlite" } else { "rocksdb" };
                (kind, format!("path = \"{}\"", dir.path().join("store").display()), None)
            }
            Engine::Sql(kind) => {
                let server = Server::of(kind);
                let database = server.database();
                let (kind, user) =
                    if kind == Kind::Mysql { ("mysql", "root") } else { ("postgresql", "postgres") };
                let place = format!(
                    "host = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\ndatabase = \"{}\"",
                    server.port, database.name
                );
                (kind, place, Some(database))
            }
        };
        let text = format!(
            "[storage]\ndata = \"db\"\nblob = \"db\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\n\
             type = \"{kind}\"\n{place}\ncompression = \"lz4\"\n"
        );
        fs::write(dir.path().join("config.toml"), text).unwrap();
        Place { dir, _database: database }
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn program(&self, action: &str, dump: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stalwart-migrate"));
        if action == "--export" {
            // Databases on servers have no place for the search index.
            command.args(["--exclude", "@search"]);
        }
        command.arg("--config").arg(self.config()).arg(action).arg(dump).args(["--quiet", "--jobs", "2"]);
        command.env_remove("EXPORT_TYPES").env_remove("CONFIG_PATH");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

/// The dump that everything is compared with, of a store with some 30 000 records.
fn original() -> &'static Path {
    static DUMP: OnceLock<PathBuf> = OnceLock::new();
    DUMP.get_or_init(|| {
        let place = Place::empty(Engine::Sqlite);
        generate::sqlite(&place.store(), &generate::Shape { messages: 4_000, blob_bytes: 8_000 }).unwrap();
        let dump = tempfile::tempdir().unwrap().keep().join("dump");
        finish(place.program("--export", &dump), 0);
        dump
    })
}

/// A copy of it in `dir`: the state of an import stands in the dump.
fn copy_of_original(dir: &Path) -> PathBuf {
    let copied = Command::new("cp").arg("-r").arg(original()).arg(dir.join("original")).status().unwrap();
    assert!(copied.success());
    dir.join("original")
}

/// Every file of a dump but what says when and from what it was made.
fn files(dump: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(dump).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: BTreeMap<String, Vec<u8>> = names
        .filter(|name| name != "manifest")
        .map(|name| (name.clone(), fs::read(dump.join(name)).unwrap()))
        .collect();
    let inner = fs::read_dir(dump.join("manifest")).unwrap();
    let mut inner: Vec<_> = inner.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    inner.sort();
    assert_eq!(inner, ["findings.jsonl", "manifest.json"], "nothing else is left");
    files.insert("findings".into(), fs::read(dump.join("manifest/findings.jsonl")).unwrap());
    let manifest = fs::read(dump.join("manifest/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    files.insert("subspaces".into(), manifest["subspaces"].to_string().into_bytes());
    files.insert("left behind".into(), manifest["left_behind"].to_string().into_bytes());
    files
}

#[track_caller]
fn assert_same(one: &Path, other: &Path, what: &str) {
    let (one, other) = (files(one), files(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in &one {
        assert!(other.get(name) == Some(bytes), "{what}: {name} differs");
    }
}

#[track_caller]
fn finish(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    text
}

/// Runs for so long and is killed; whether it ended before that, and then successfully.
fn killed_after(mut command: Command, moment: Duration) -> bool {
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    if let Some(status) = ended {
        assert!(status.success(), "{command:?}: {status}");
    }
    status.success()
}

/// Moments within the length of a run.
struct Moments {
    state: u64,
    length: Duration,
}

impl Moments {
    fn within(length: Duration) -> Moments {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Moments { state: now.as_nanos() as u64 | 1, length }
    }

    fn next(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.length.mul_f64((self.state >> 11) as f64 / (1u64 << 53) as f64)
    }
}

fn kills() -> u32 {
    std::env::var("STALWART_MIGRATE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

fn exports_are_killed(engine: Engine) {
    let source = Place::empty(engine);
    finish(source.program("--import", &copy_of_original(source.dir.path())), 0);
    let begin = Instant::now();
    let reference = source.dir.path().join("reference");
    finish(source.program("--export", &reference), 0);
    let mut moments = Moments::within(begin.elapsed());
    assert_same(original(), &reference, "undisturbed");
    let dump = source.dir.path().join("dump");
    let (mut done, mut in_the_middle, mut history) = (0, 0, Vec::new());
    while done < kills() {
        let mut command = source.program("--export", &dump);
        let unfinished = dump.join("manifest/resume.json").exists();
        if unfinished {
            command.arg("--resume");
        } else if dump.exists() {
            // Killed before it had written a word.
            assert!(!dump.join("manifest/manifest.json").exists());
            fs::remove_dir_all(&dump).unwrap();
        }
        let moment = moments.next();
        history.push(moment);
        let mut complete = killed_after(command, moment);
        done += 1;
        if !dump.exists() {
            continue;
        }
        // Killed between its last word and its end, it is complete nevertheless.
        complete |= dump.join("manifest/manifest.json").exists();
        if !complete {
            in_the_middle += 1;
            let says = finish(source.program("--import", &dump), 5);
            assert!(says.contains("unfinished export"), "{history:?}: {says}");
            // Every other time it may go on undisturbed.
            if done % 2 == 0 || !dump.join("manifest/resume.json").exists() {
                continue;
            }
            let mut command = source.program("--export", &dump);
            command.arg("--resume");
            finish(command, 0);
        }
        let _ = fs::remove_file(dump.join("manifest/resume.json"));
        assert_same(original(), &dump, &format!("{engine:?} {history:?}"));
        fs::remove_dir_all(&dump).unwrap();
    }
    println!("{engine:?}: {done} exports killed, {in_the_middle} of them in the middle");
}

fn state_of(dump: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dump.join("manifest")).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("import-"))
}

fn imports_are_killed(engine: Engine) {
    let copies = tempfile::tempdir().unwrap();
    let dump = copy_of_original(copies.path());
    let begin = Instant::now();
    finish(Place::empty(engine).program("--import", &dump), 0);
    let mut moments = Moments::within(begin.elapsed());
    let (mut done, mut in_the_middle, mut history) = (0, 0, Vec::new());
    while done < kills() {
        let target = Place::empty(engine);
        loop {
            let mut command = target.program("--import", &dump);
            if state_of(&dump).is_some() {
                command.arg("--resume");
            }
            let moment = moments.next();
            history.push(moment);
            let complete = killed_after(command, moment);
            done += 1;
            let verdict = {
                let mut verify = Command::new(env!("CARGO_BIN_EXE_stalwart-migrate"));
                verify.arg("verify").arg(&dump).arg("--against").arg(target.config()).arg("--quiet");
                verify.stdout(Stdio::null()).output().unwrap()
            };
            let says = String::from_utf8_lossy(&verdict.stderr).into_owned();
            match verdict.status.code() {
                Some(0) => break,
                // Killed before there was a store.
                Some(2) if !complete && state_of(&dump).is_none() => break,
                Some(4) if !complete => in_the_middle += 1,
                code => panic!("{engine:?} {history:?}: {code:?} {says}"),
            }
            if done % 2 == 1 {
                break;
            }
        }
        if state_of(&dump).is_some() {
            let mut command = target.program("--import", &dump);
            command.arg("--resume");
            finish(command, 0);
        } else if target.program("--export", &target.dir.path().join("dump")).status().unwrap().code()
            != Some(0)
        {
            let _ = fs::remove_dir_all(target.dir.path().join("dump"));
            finish(target.program("--import", &dump), 0);
        }
        let again = target.dir.path().join("dump");
        let _ = fs::remove_dir_all(&again);
        finish(target.program("--export", &again), 0);
        assert!(state_of(&dump).is_none(), "the state is removed");
        assert_same(original(), &again, &format!("{engine:?} {history:?}"));
    }
    println!("{engine:?}: {done} imports killed, {in_the_middle} of them in the middle");
}

#[test]
fn killed_exports_of_rocksdb_are_finished() {
    exports_are_killed(Engine::RocksDb);
}

#[test]
fn killed_exports_of_sqlite_are_finished() {
    exports_are_killed(Engine::Sqlite);
}

#[test]
fn killed_exports_of_postgresql_are_finished() {
    exports_are_killed(Engine::Sql(Kind::Postgres));
}

#[test]
fn killed_exports_of_mysql_are_finished() {
    exports_are_killed(Engine::Sql(Kind::Mysql));
}

#[test]
fn killed_imports_into_rocksdb_are_finished() {
    imports_are_killed(Engine::RocksDb);
}

#[test]
fn killed_imports_into_sqlite_are_finished() {
    imports_are_killed(Engine::Sqlite);
}

#[test]
fn killed_imports_into_postgresql_are_finished() {
    imports_are_killed(Engine::Sql(Kind::Postgres));
}

#[test]
fn killed_imports_into_mysql_are_finished() {
    imports_are_killed(Engine::Sql(Kind::Mysql));
}
