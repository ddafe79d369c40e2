//! What rounds work on: dumps, sources that all rounds share, targets of their own, and what is in all of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::harness::generate;
use crate::harness::site::{Engine, Site, bare};
use crate::harness::started;
use crate::kill::draw::Round;

/// Releases of schema version 5, which is that of everything here.
pub const RELEASE: (&str, u32) = ("0.15.5", 5);

/// Who the files of a target are given to.
pub const OWNER: u32 = 4242;

/// Databases on servers have no place for the search index.
pub const WITHOUT_SEARCH: [&str; 2] = ["--exclude", "@search"];

/// An empty store, with blobs in files beside it if `outside`.
pub fn empty(engine: Engine, outside: bool) -> Site {
    let site = Site::plain(engine);
    if outside {
        blobs_outside(&site);
    }
    site
}

fn blobs_outside(site: &Site) {
    let text = fs::read_to_string(site.config()).unwrap().replace("blob = \"db\"", "blob = \"files\"");
    let path = site.path("blobs").display().to_string();
    let files =
        format!("[store.files]\ntype = \"fs\"\npath = \"{path}\"\ndepth = 2\ncompression = \"lz4\"\n");
    fs::write(site.config(), text + &files).unwrap();
}

/// Two dumps: what is moved, and what is in a target before it is wiped.
pub struct Dumps {
    pub original: PathBuf,
    pub older: PathBuf,
    /// What a first start leaves in RocksDB, and elsewhere.
    fresh: [PathBuf; 2],
}

impl Dumps {
    /// What is in the target of a round before it begins.
    pub fn before(&self, round: &Round) -> &Path {
        let [rocksdb, others] = &self.fresh;
        if !round.fresh {
            &self.older
        } else if round.case.engine == Engine::RocksDb {
            rocksdb
        } else {
            others
        }
    }
}

pub fn dumps() -> &'static Dumps {
    static DUMPS: OnceLock<Dumps> = OnceLock::new();
    DUMPS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap().keep();
        let dump = |name: &str, site: &Site| {
            export(site, &dir.join(name));
            dir.join(name)
        };
        let generated = |name: &str, messages, blob_bytes| {
            let site = Site::plain(Engine::Sqlite);
            generate::sqlite(&site.store(), &generate::Shape { messages, blob_bytes }).unwrap();
            dump(name, &site)
        };
        Dumps {
            original: generated("original", 300, 6_000),
            older: generated("older", 40, 700),
            fresh: [dump("fresh0", &fresh(Engine::RocksDb)), dump("fresh1", &fresh(Engine::Sqlite))],
        }
    })
}

/// What a first start has left, and a setting made since.
fn fresh(engine: Engine) -> Site {
    let site = started::fresh(engine, RELEASE);
    started::add_own_row(&site, engine);
    site
}

/// The program without variables that change what it does.
pub fn program() -> Command {
    let mut command = bare();
    command.arg("--quiet").stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; code and stderr.
pub fn finish(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
pub fn succeed(command: Command) {
    let shown = format!("{command:?}");
    let (code, says) = finish(command);
    assert_eq!(code, Some(0), "{shown}: {says}");
}

pub fn export_command(site: &Site, dump: &Path) -> Command {
    let mut command = program();
    command.arg("-c").arg(site.config()).arg("-e").arg(dump).args(WITHOUT_SEARCH);
    command
}

#[track_caller]
pub fn export(site: &Site, dump: &Path) {
    succeed(export_command(site, dump));
}

#[track_caller]
fn fill(site: &Site, dump: &Path) {
    let state = tempfile::tempdir().unwrap();
    let mut command = program();
    command.arg("-c").arg(site.config()).arg("-i").arg(dump).arg("--no-verify");
    command.arg("--state").arg(state.path().join("state"));
    succeed(command);
}

/// A store that is read and must stay as it is.
pub struct Source {
    pub site: Site,
    files: BTreeMap<PathBuf, String>,
    // Sessions of other runs would be in the way on a database server.
    turn: Mutex<()>,
}

impl Source {
    pub fn of(engine: Engine, outside: bool) -> &'static Source {
        static SOURCES: Mutex<Vec<(Engine, bool, &'static Source)>> = Mutex::new(Vec::new());
        let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., source)) = sources.iter().find(|one| (one.0, one.1) == (engine, outside)) {
            return source;
        }
        let site = empty(engine, outside);
        fill(&site, &dumps().original);
        let files = files_below(&site);
        let source = Box::leak(Box::new(Source { site, files, turn: Mutex::new(()) }));
        sources.push((engine, outside, source));
        source
    }

    /// Waits until no other round reads it.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is still what it was.
    #[track_caller]
    pub fn assert_unchanged(&self) {
        assert!(files_below(&self.site) == self.files, "the files of the source have changed");
        if self.site.database.is_some() {
            succeed(verify(&dumps().original, &self.site));
        }
    }
}

pub fn verify(dump: &Path, site: &Site) -> Command {
    let mut command = program();
    command.arg("verify").arg(dump).arg("--against").arg(site.config());
    command
}

/// The target of a round as it is before it begins.
pub fn target(round: &Round) -> Site {
    let case = round.case;
    let site = if round.fresh { fresh(case.engine) } else { empty(case.engine, case.outside) };
    if case.wipes() {
        fill(&site, &dumps().older);
    }
    if round.theirs {
        for name in ["store", "blobs"].map(|name| site.path(name)) {
            if name.exists() {
                let given =
                    Command::new("chown").arg("-R").arg(format!("{OWNER}:{OWNER}")).arg(name).status();
                assert!(given.unwrap().success());
            }
        }
    }
    site
}

/// A copy of a dump: the state of an import stands in there.
pub fn copy_of(dump: &Path, to: &Path) -> PathBuf {
    assert!(Command::new("cp").arg("-r").arg(dump).arg(to).status().unwrap().success());
    to.to_path_buf()
}

/// Digests of the files of a store, by path.
pub fn files_below(site: &Site) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for name in ["store", "blobs"] {
        walk(&site.path(name), &mut |path| {
            let content = blake3::hash(&fs::read(path).unwrap()).to_string();
            found.insert(path.strip_prefix(site.dir()).unwrap().to_path_buf(), content);
        });
    }
    found
}

/// Every path below one that is no directory, and the directories that are empty.
pub fn walk(path: &Path, each: &mut dyn FnMut(&Path)) {
    match fs::symlink_metadata(path) {
        Err(_) => {}
        Ok(found) if found.is_dir() => {
            fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), each));
        }
        Ok(_) => each(path),
    }
}

/// Every file of a dump but what says when and from what it was made.
pub fn files_of_dump(dump: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(dump).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: BTreeMap<String, Vec<u8>> = names
        .filter(|name| name != "manifest")
        .map(|name| (name.clone(), fs::read(dump.join(name)).unwrap()))
        .collect();
    let inner = fs::read_dir(dump.join("manifest")).unwrap();
    let mut inner: Vec<_> = inner.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    inner.sort();
    assert_eq!(inner, ["findings.jsonl", "manifest.json"], "nothing else is left in {}", dump.display());
    files.insert("findings".into(), fs::read(dump.join("manifest/findings.jsonl")).unwrap());
    let manifest = fs::read(dump.join("manifest/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    files.insert("subspaces".into(), manifest["subspaces"].to_string().into_bytes());
    files.insert("left_behind".into(), manifest["left_behind"].to_string().into_bytes());
    files
}

#[track_caller]
pub fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (files_of_dump(one), files_of_dump(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(other.get(name) == Some(bytes), "{name} differs");
    }
}

/// Whether two dumps have the same subspaces.
pub fn same_content(one: &Path, other: &Path) -> bool {
    files_of_dump(one).get("subspaces") == files_of_dump(other).get("subspaces")
}
