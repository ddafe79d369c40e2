//! Installations on every kind of store, databases on real servers included, and the program run on them.

#![allow(dead_code, reason = "every test uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::database_servers::{Database, Kind, Server};

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    #[cfg(feature = "rocksdb")]
    RocksDb,
    Sqlite,
    Sql(Kind),
}

pub const ENGINES: &[Engine] = &[
    #[cfg(feature = "rocksdb")]
    Engine::RocksDb,
    Engine::Sqlite,
    Engine::Sql(Kind::Postgres),
    Engine::Sql(Kind::Mysql),
];

/// A store with a configuration that names it.
pub struct Site {
    pub dir: TempDir,
    pub database: Option<Database<'static>>,
}

pub fn fixture(path: &str) -> PathBuf {
    Path::new("tests/fixtures").join(path)
}

impl Site {
    pub fn empty(engine: Engine) -> Site {
        match engine {
            Engine::Sql(kind) => Site::on(Server::of(kind)),
            #[cfg(feature = "rocksdb")]
            Engine::RocksDb => Site::file("rocksdb"),
            Engine::Sqlite => Site::file("sqlite"),
        }
    }

    pub fn on(server: &'static Server) -> Site {
        let site = Site { dir: tempfile::tempdir().unwrap(), database: Some(server.database()) };
        site.configure(&[]);
        site
    }

    pub fn file(engine: &str) -> Site {
        let site = Site { dir: tempfile::tempdir().unwrap(), database: None };
        let path = site.dir.path().join("store").display().to_string();
        site.write(&[("type", engine), ("path", &path)]);
        site
    }

    /// As a server of a release has left it; `None` if there is no such fixture.
    pub fn of(release: &str, engine: Engine) -> Option<Site> {
        let site = Site::empty(engine);
        let store = match engine {
            #[cfg(feature = "rocksdb")]
            Engine::RocksDb => "rocksdb",
            Engine::Sqlite => "sqlite/stalwart.sqlite3",
            Engine::Sql(Kind::Postgres) => "postgresql.sql.gz",
            Engine::Sql(Kind::Mysql) => "mysql.sql.gz",
        };
        let original = fixture(&format!("stalwart-{release}/{store}"));
        if !original.exists() {
            return None;
        }
        match &site.database {
            Some(database) => database.load(&original),
            None if original.is_dir() => {
                fs::create_dir(site.dir.path().join("store")).unwrap();
                for entry in fs::read_dir(original).unwrap().flatten() {
                    fs::copy(entry.path(), site.dir.path().join("store").join(entry.file_name())).unwrap();
                }
            }
            None => drop(fs::copy(original, site.dir.path().join("store")).unwrap()),
        }
        Some(site)
    }

    pub fn database(&self) -> &Database<'static> {
        self.database.as_ref().unwrap()
    }

    /// Writes the configuration of a database, some settings replaced or added.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        let Database { server, name } = self.database();
        let port = server.port.to_string();
        let (kind, user) = match server.kind {
            Kind::Postgres => ("postgresql", "postgres"),
            Kind::Mysql => ("mysql", "root"),
        };
        let mut all: Vec<(&str, &str)> =
            vec![("type", kind), ("host", "127.0.0.1"), ("port", &port), ("database", name), ("user", user)];
        for (name, value) in settings {
            all.retain(|(key, _)| key != name);
            all.push((name, value));
        }
        self.write(&all);
    }

    pub fn write(&self, settings: &[(&str, &str)]) {
        let mut text = String::from(
            "[storage]\ndata = \"db\"\nblob = \"db\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\n",
        );
        text.push_str("compression = \"lz4\"\n");
        for (key, value) in settings {
            text.push_str(&format!("{key} = \"{value}\"\n"));
        }
        fs::write(self.config(), text).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    pub fn dump(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let config = self.config();
        // These name their stores themselves.
        let named = ["verify", "copy", "diff"].iter().any(|command| arguments.contains(command));
        let config: &[&str] = if named { &[] } else { &["-c", config.to_str().unwrap()] };
        self.run_bare(&[config, arguments].concat())
    }

    /// As [`Site::run`], without the configuration.
    pub fn run_bare(&self, arguments: &[&str]) -> Outcome {
        let mut program = Command::new(env!("CARGO_BIN_EXE_stalwart-migrate"));
        program.args(arguments).current_dir(self.dir.path());
        for name in ["EXPORT_TYPES", "CONFIG_PATH", "PGOPTIONS"] {
            program.env_remove(name);
        }
        let output = program.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Outcome { code: output.status.code(), text: text(&output.stdout) + &text(&output.stderr) }
    }

    /// Exports and returns the directory of the dump.
    #[track_caller]
    pub fn export(&self, name: &str) -> PathBuf {
        self.run(&["-e", name]).expect(0, &[]);
        self.dump(name)
    }

    #[track_caller]
    pub fn import(&self, dump: &Path) -> Outcome {
        self.run(&["-i", dump.to_str().unwrap()])
    }
}

pub struct Outcome {
    pub code: Option<i32>,
    pub text: String,
}

impl Outcome {
    /// Ended with this code, and said all of this.
    #[track_caller]
    pub fn expect(self, code: i32, says: &[&str]) -> Outcome {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for words in says {
            assert!(self.text.contains(words), "nothing of {words:?} in: {}", self.text);
        }
        let errors = self.text.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, usize::from(code != 0 && code != 3), "an error is one line: {}", self.text);
        assert!(!self.text.contains("s3cr3t") && !self.text.contains("panicked"), "{}", self.text);
        self
    }
}

/// The subspace files of a dump.
pub fn files(dump: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dump).unwrap().flatten().filter(|entry| entry.path().is_file());
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

#[track_caller]
pub fn check_same(one: &Path, other: &Path, left_out: bool) {
    let (mut one, other) = (files(one), files(other));
    if left_out {
        one.remove("subspace_z");
    }
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(other.get(name) == Some(bytes), "{name} differs");
    }
}

/// Rows for tables that are large enough to be divided.
pub fn fill(database: &Database, blobs: u32, rows: u32) {
    let statements = match database.server.kind {
        Kind::Postgres => format!(
            "INSERT INTO t SELECT sha256(int4send(i)), decode(repeat(md5(i::text), 2000), 'hex') \
             FROM generate_series(1, {blobs}) i; \
             INSERT INTO l SELECT decode('00000007000000', 'hex') || int8send(i) || 'x', 'v' \
             FROM generate_series(1, {rows}) i;"
        ),
        // Numbers by means that MySQL has as well as MariaDB.
        Kind::Mysql => {
            let digit = "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 \
                         UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
            let numbers = |count: u32| {
                format!(
                    "(SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS seq \
                     FROM {digit} a, {digit} b, {digit} c, {digit} d, {digit} e HAVING seq <= {count}) s"
                )
            };
            format!(
                "INSERT INTO t SELECT unhex(sha2(seq, 256)), unhex(repeat(md5(seq), 2000)) FROM {}; \
                 INSERT INTO l SELECT concat(x'00000007000000', unhex(lpad(hex(seq), 16, '0')), 'x'), 'v' FROM {};",
                numbers(blobs),
                numbers(rows)
            )
        }
    };
    database.sql(&statements);
}
