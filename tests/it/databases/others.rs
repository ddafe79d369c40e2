//! Tables of something else in the same database: named and left alone, and no part of the installation.

use std::path::Path;

use crate::harness::database_servers::Kind;
use crate::harness::site::{Engine, Site, assert_same, assert_same_without_index};

const ENGINES: [Engine; 3] = [Engine::Sqlite, Engine::Sql(Kind::Postgres), Engine::Sql(Kind::Mysql)];

fn sql(site: &Site, statements: &str) {
    match &site.database {
        Some(database) => drop(database.sql(statements)),
        None => rusqlite::Connection::open(site.store()).unwrap().execute_batch(statements).unwrap(),
    }
}

const COMPANIONS: &str = "CREATE TABLE accounts (name VARCHAR(32) PRIMARY KEY, secret VARCHAR(32)); \
     INSERT INTO accounts VALUES ('jane', 'x'); CREATE TABLE group_members (name INT); \
     INSERT INTO group_members VALUES (1);";
const INVOICES: &str = "CREATE TABLE invoices (id INT); INSERT INTO invoices VALUES (1);";
const ALIKE: &str =
    "CREATE TABLE z9 (k VARCHAR(9) PRIMARY KEY, v VARCHAR(9)); INSERT INTO z9 VALUES ('a', 'b');";

#[test]
fn tables_of_something_else_do_not_make_a_source_incomplete() {
    for engine in ENGINES {
        let site = Site::plain_of("0.15.5", engine).unwrap();
        let whole = site.export("whole");
        sql(&site, COMPANIONS);
        sql(&site, INVOICES);
        let mut says =
            vec!["notice: 3 tables", "accounts: Accounts of an SQL directory", "invoices: its columns"];
        if engine == Engine::Sqlite {
            sql(
                &site,
                "CREATE TABLE _litestream_seq (id INT, seq INT); INSERT INTO _litestream_seq VALUES (1, 1);",
            );
            (says[0], says[2]) = ("notice: 4 tables", "_litestream_seq: State of Litestream");
        }
        site.run(&["-e", "again", "--strict"]).expect(0).says(&says);
        assert_same(&whole, &site.path("again"));
        // What could be one of the server's is no such table, whatever its name.
        sql(&site, ALIKE);
        site.run(&["-e", "alike"]).expect(3).says(&["1 tables the catalog does not know", "z9"]);
    }
}

#[test]
fn tables_of_something_else_in_a_target_are_left_alone() {
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    let dump: &Path = dump.as_ref();
    let dump_name = dump.to_str().unwrap();
    for engine in ENGINES {
        let site = Site::plain(engine);
        sql(&site, COMPANIONS);
        let compare = if engine == Engine::Sqlite { assert_same } else { assert_same_without_index };
        site.run(&["-i", dump_name, "--dry-run"])
            .expect(0)
            .says(&["left alone: tables accounts (Accounts of"]);
        site.import(dump).expect(0).says(&["left alone"]);
        compare(dump, &site.export("again"));
        let site = Site::plain(engine);
        sql(&site, INVOICES);
        site.import(dump).expect(5).says(&["table invoices", "--yes leaves it alone"]);
        site.run(&["-i", dump_name, "--yes"]).expect(0).says(&["left alone: tables invoices"]);
        compare(dump, &site.export("again"));
        if let Some(database) = &site.database {
            assert_eq!(database.sql("SELECT count(*) FROM invoices"), "1");
        }
        let site = Site::plain(engine);
        sql(&site, ALIKE);
        site.run(&["-i", dump_name, "--yes"]).expect(5).says(&["table z9 (unknown to the catalog)"]);
    }
}
