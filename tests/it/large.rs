//! One value that is larger than everything else takes little more than twice its size, in every store.
//!
//! Peaks are the kernel's high-water marks of the program, so nothing here depends on time. The budget is the least
//! there is, so that a third copy of the value would be seen.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::harness::database_servers::{Kind, Server};
use crate::harness::measure::{Measured, Run};

/// Bytes of the value.
const VALUE: u64 = 96 << 20;
/// Twice the value, the budget, and the program with its libraries.
const MOST: u64 = 2 * VALUE + (16 << 20) + (80 << 20);

/// A store of 0.15.5 with one blob that no compression makes smaller.
fn source(path: &Path) -> Vec<u8> {
    fs::copy("tests/fixtures/stalwart-0.15.5/fresh/sqlite/stalwart.sqlite3", path).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut blob = Vec::new();
    while (blob.len() as u64) < VALUE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        blob.extend_from_slice(&state.to_le_bytes());
    }
    // Anything but the mark of a compressed blob.
    *blob.last_mut().unwrap() = 0x55;
    let database = Connection::open(path).unwrap();
    let key = blake3::hash(&blob).as_bytes().to_vec();
    database.execute("INSERT INTO t (k, v) VALUES (?1, ?2)", params![key, blob]).unwrap();
    key
}

#[track_caller]
fn bounded(what: &str, outcome: Measured) {
    println!("{what}: {} MiB", outcome.peak_memory >> 20);
    assert!(outcome.peak_memory > VALUE / 2, "{what}: the peak was not seen");
    assert!(outcome.peak_memory < MOST, "{what}: {} bytes", outcome.peak_memory);
}

#[test]
fn one_large_value_takes_twice_its_size_and_the_budget_at_most() {
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    let tool = Run::new(work.path());
    source(&at("source-store"));
    tool.configure_as("source", "sqlite", &at("source-store")).unwrap();
    tool.configure_as("rocksdb", "rocksdb", &at("rocksdb-store")).unwrap();
    tool.configure_as("sqlite", "sqlite", &at("sqlite-store")).unwrap();
    let postgres = Server::of(Kind::Postgres);
    let mysql = Box::leak(Box::new(Server::private(Kind::Mysql, &["--max-allowed-packet=256M"])));
    let databases = [postgres.database(), mysql.database()];
    tool.configure_server("postgres", "postgresql", postgres.port, &databases[0].name).unwrap();
    tool.configure_server("mysql", "mysql", mysql.port, &databases[1].name).unwrap();
    let (dump, config) = (at("dump"), |name: &str| at(&format!("{name}.toml")));
    let run = |what: &str, arguments: &[&Path]| {
        let budget = ["--memory", "16MiB"].map(Path::new);
        bounded(what, tool.run_with(&[arguments, &budget].concat()).unwrap());
    };
    let flag = Path::new;
    run("export from SQLite", &[flag("-c"), &config("source"), flag("-e"), &dump]);
    run("verify", &[flag("verify"), &dump]);
    for engine in ["rocksdb", "sqlite", "postgres", "mysql"] {
        let named = |what: &str| format!("{what} {engine}");
        let again = at("again");
        run(&named("import into"), &[flag("-c"), &config(engine), flag("-i"), &dump]);
        run(&named("export from"), &[flag("-c"), &config(engine), flag("-e"), &again]);
        assert_eq!(fs::read(dump.join("subspace_t")).unwrap(), fs::read(again.join("subspace_t")).unwrap());
        fs::remove_dir_all(&again).unwrap();
        run(&named("verify against"), &[flag("verify"), &dump, flag("--against"), &config(engine)]);
        run(&named("count"), &[flag("inspect"), flag("--config"), &config(engine)]);
        fs::remove_dir_all(at("copy-store")).ok();
        tool.configure_as("copy", "rocksdb", &at("copy-store")).unwrap();
        let (state, copy) = (at("state"), config("copy"));
        run(
            &named("copy from"),
            &[flag("copy"), flag("--from"), &config(engine), flag("--to"), &copy, flag("--state"), &state],
        );
    }
    run("salvage of RocksDB", &[flag("-c"), &config("rocksdb"), flag("-e"), &at("saved"), flag("--salvage")]);
}
