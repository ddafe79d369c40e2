//! Stores that the first start of a server has made, of every kind, and their rows.

#![allow(dead_code, reason = "every test uses its own part")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use stalwart_migrate::catalog::{self, BackendKind, Subspace, ValueKind};

use crate::harness::database_servers::{Database, Kind};
use crate::harness::site::{Engine, Site, copy_tree, fixture};

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes as a literal of the engine.
pub fn literal(kind: Kind, bytes: &[u8]) -> String {
    match kind {
        Kind::Postgres => format!("'\\x{}'::bytea", hex(bytes)),
        Kind::Mysql => format!("x'{}'", hex(bytes)),
    }
}

pub fn backend(kind: Kind) -> BackendKind {
    match kind {
        Kind::Postgres => BackendKind::Postgres,
        Kind::Mysql => BackendKind::Mysql,
    }
}

pub type Row = (Vec<u8>, Value);

/// The rows of a subspace in a store of a fixture.
pub fn rows(store: &Path, subspace: &Subspace) -> Vec<Row> {
    let database = Connection::open(store).unwrap();
    let value = if subspace.value == ValueKind::None { "NULL" } else { "v" };
    let Ok(mut select) = database.prepare(&format!("SELECT k, {value} FROM {}", subspace.letter)) else {
        return Vec::new();
    };
    let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.map(Result::unwrap).collect()
}

pub fn insert(kind: Kind, letter: char, (key, value): &Row) -> String {
    let value = match value {
        Value::Null => String::new(),
        Value::Integer(number) => format!(", {number}"),
        Value::Blob(bytes) => format!(", {}", literal(kind, bytes)),
        other => panic!("{other:?}"),
    };
    format!("INSERT INTO {letter} VALUES ({}{value});\n", literal(kind, key))
}

/// A store of any engine with what the first start of a release leaves.
pub fn fresh(engine: Engine, (release, version): (&str, u32)) -> Site {
    let site = Site::plain(engine);
    let original = |name: &str| fixture(&format!("stalwart-{release}/fresh/{name}"));
    let kind = match engine {
        Engine::Sql(kind) => kind,
        Engine::Sqlite => {
            fs::copy(original("sqlite/stalwart.sqlite3"), site.store()).unwrap();
            configure(&site, version);
            return site;
        }
        Engine::RocksDb => {
            copy_tree(&original("rocksdb"), &site.store());
            configure(&site, version);
            return site;
        }
    };
    configure(&site, version);
    let database = site.database();
    let copy = site.path("fresh.sqlite3");
    fs::copy(original("sqlite/stalwart.sqlite3"), &copy).unwrap();
    let version = catalog::version(version).unwrap();
    let tables = version.subspaces.iter().filter_map(|s| Some((s, s.table(backend(kind)).ok()?)));
    let mut statements = String::new();
    for (subspace, table) in tables {
        statements += &format!("{};\n", table.create);
        rows(&copy, subspace).iter().for_each(|row| statements += &insert(kind, subspace.letter, row));
    }
    database.sql(&statements);
    site
}

/// Adds a setting that a first start does not write, so that replacing it takes saving it.
#[cfg(feature = "rocksdb")]
pub fn add_own_row(site: &Site, engine: Engine) {
    let row = (b"my.own".to_vec(), Value::Blob(b"kept beside".to_vec()));
    match engine {
        Engine::Sql(kind) => drop(site.database().sql(&insert(kind, 's', &row))),
        Engine::Sqlite => {
            let database = Connection::open(site.store()).unwrap();
            database.execute("INSERT INTO s VALUES (?1, ?2)", (row.0, row.1)).unwrap();
        }
        Engine::RocksDb => {
            let db = rocks(site, false);
            db.put_cf(&db.cf_handle("s").unwrap(), row.0, b"kept beside").unwrap();
        }
    }
}

/// The RocksDB database of a site.
#[cfg(feature = "rocksdb")]
pub fn rocks(site: &Site, read_only: bool) -> rocksdb::DB {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, site.store()).unwrap();
    let descriptors = families.into_iter().map(|name| {
        let mut options = rocksdb::Options::default();
        if ["n", "u", "y"].contains(&name.as_str()) {
            options.set_merge_operator_associative("merge", |_, _, _| None);
        }
        rocksdb::ColumnFamilyDescriptor::new(name, options)
    });
    if read_only {
        rocksdb::DB::open_cf_descriptors_read_only(&options, site.store(), descriptors, false)
    } else {
        rocksdb::DB::open_cf_descriptors(&options, site.store(), descriptors)
    }
    .unwrap()
}

/// Stores of schema 6 have a configuration of their own form.
pub fn configure(site: &Site, version: u32) {
    if version < 6 {
        return;
    }
    let text = match &site.database {
        None => {
            let kind = if site.store().is_dir() { "RocksDb" } else { "Sqlite" };
            format!(r#"{{"@type":"{kind}","path":"{}"}}"#, site.store().display())
        }
        Some(Database { server, name }) => {
            let kind = match server.kind {
                Kind::Postgres => "PostgreSql",
                Kind::Mysql => "MySql",
            };
            let user = server.administrator();
            format!(
                r#"{{"@type":"{kind}","host":"127.0.0.1","port":{},"database":"{name}","authUsername":"{user}"}}"#,
                server.port
            )
        }
    };
    fs::write(site.config(), text).unwrap();
}
