//! Tables that the server always has and that are not there, or that the user may not read: in every engine, and with
//! every command that reads a store.

use std::fs;

use crate::harness::database_servers::{Kind, Server};
use crate::harness::site::{ENGINES, Engine, Outcome, Site, assert_same, files};

/// Drops the tables of a store.
fn drop_tables(site: &Site, engine: Engine, names: &[&str]) {
    let store = site.store();
    match engine {
        Engine::Sql(_) => {
            names.iter().for_each(|name| drop(site.database().sql(&format!("DROP TABLE {name}"))))
        }
        Engine::Sqlite => {
            let database = rusqlite::Connection::open(store).unwrap();
            names.iter().for_each(|name| database.execute_batch(&format!("DROP TABLE {name}")).unwrap());
        }
        #[cfg(feature = "rocksdb")]
        Engine::RocksDb => {
            let mut options = rocksdb::Options::default();
            options.set_merge_operator_associative("merge", |_, value, operands| {
                let number = |bytes: &[u8]| bytes.try_into().map_or(0, i64::from_le_bytes);
                let sum = operands.iter().map(number).sum::<i64>() + value.map_or(0, number);
                Some(sum.to_le_bytes().to_vec())
            });
            let families = rocksdb::DB::list_cf(&options, &store).unwrap();
            let families = families.iter().map(|name| (name.as_str(), options.clone()));
            let mut database = rocksdb::DB::open_cf_with_opts(&options, &store, families).unwrap();
            names.iter().for_each(|name| database.drop_cf(name).unwrap());
        }
        #[cfg(not(feature = "rocksdb"))]
        Engine::RocksDb => unreachable!("ENGINES has no RocksDB without its feature"),
    }
}

/// A comparison that has found differences, and says all of this.
#[track_caller]
fn differs(outcome: Outcome, says: &[&str]) {
    let outcome = outcome.verdict(4);
    says.iter().for_each(|words| {
        assert!(outcome.everything().contains(words), "nothing of {words:?} in: {}", outcome.everything())
    });
}

#[test]
fn a_table_that_is_not_there_is_not_taken_for_an_empty_one() {
    for engine in ENGINES {
        let site = Site::plain_of("0.15.5", *engine).unwrap();
        let whole = site.export("whole");
        let whole = whole.to_str().unwrap();
        drop_tables(&site, *engine, &["d", "s"]);
        let says =
            ["d (directory), s (settings): there is no such table", "restore the store", "--exclude d,s"];
        site.run(&["-e", "refused"]).expect(5).says(&says);
        site.run(&["-e", "refused", "--dry-run"]).expect(5).says(&says);
        assert!(!site.path("refused").exists(), "{engine:?}");
        // What is left out is not looked for.
        let without = site.run(&["-e", "without", "--exclude", "d,s"]).expect(0);
        assert!(!without.everything().contains("warning"), "{engine:?}: {}", without.everything());
        // Agreed to, it is no complete dump, and every command that meets it says so.
        let found = "2 tables of the server that are not there";
        site.run(&["-e", "agreed", "--yes"]).expect(3).says(&[
            found,
            "skipping d (directory)",
            "the dump is incomplete",
        ]);
        assert_same(&site.path("without"), &site.path("agreed"));
        assert!(!files(&site.path("agreed")).contains_key("subspace_d"));
        let agreed = site.path("agreed");
        let agreed = agreed.to_str().unwrap();
        site.run(&["verify", agreed]).expect(3).says(&["not in the dump: subspace d: table of directory"]);
        let target = Site::plain(Engine::Sqlite);
        target.run(&["-i", agreed]).expect(3).says(&["not in the dump: subspace s"]);
        // A comparison finds it, and `inspect` names it.
        site.run(&["verify", agreed, "--against", "config.toml"]).expect(3);
        differs(site.run(&["verify", whole, "--against", "config.toml"]), &["d (directory)", found]);
        differs(site.run(&["diff", whole, "config.toml"]), &["the right lacks the table of d"]);
        site.run(&["diff", agreed, "config.toml"]).expect(0);
        site.run(&["inspect", "-c", "config.toml"]).expect(0).says(&[found, "not there:"]);
        site.run(&["inspect", "-c", "config.toml", "--subspace", "d"]).expect(5).says(&["d (directory)"]);
        // Nor is it copied as an empty one.
        let (from, to) = (site.config(), Site::plain(Engine::Sqlite));
        let copy = ["copy", "--from", from.to_str().unwrap(), "--to", "config.toml"];
        to.run(&copy).expect(5).says(&says);
        assert!(!to.store().exists());
        to.run(&[&copy[..], &["--yes"]].concat()).expect(3).says(&[found]);
        // Without the table of the schema version nothing says what the others are.
        drop_tables(&site, *engine, &["p"]);
        site.run(&["-e", "refused"]).expect(5).says(&["p (property)", "--schema"]);
    }
}

#[test]
fn a_comparison_with_an_empty_subspace_is_one_with_a_missing_table_too() {
    for engine in ENGINES {
        let site = Site::plain_of("0.15.5", *engine).unwrap();
        let whole = site.export("whole");
        // Nothing is in it, so that no record differs.
        drop_tables(&site, *engine, &["x"]);
        site.run(&["-e", "refused"]).expect(5).says(&["x (telemetry_metric)"]);
        let whole = whole.to_str().unwrap();
        differs(site.run(&["verify", whole, "--against", "config.toml"]), &["1 tables of the server"]);
        differs(site.run(&["diff", "config.toml", whole]), &["the left lacks the table of x"]);
    }
}

#[test]
fn what_a_user_may_not_read_is_refused_at_once_and_all_of_it() {
    let postgres = Server::of(Kind::Postgres);
    let mysql = Server::of(Kind::Mysql);
    for server in [postgres, mysql] {
        let site = Site::of("0.15.5", Engine::Sql(server.kind));
        let whole = site.export("whole");
        let database = &site.database().name;
        let role = format!("{database}_r");
        let all = "a e f h i j k l m n o q r t u x y";
        let mut grants = String::new();
        let user = match server.kind {
            Kind::Postgres => {
                grants += &format!("CREATE ROLE {role} LOGIN;");
                role.clone()
            }
            Kind::Mysql => {
                grants += &format!("CREATE USER {role}@'127.0.0.1'; CREATE USER {role}@localhost;");
                format!("{role}@'127.0.0.1', {role}@localhost")
            }
        };
        for table in all.split(' ').chain(["p"]) {
            grants += &format!("GRANT SELECT ON {table} TO {user};");
        }
        // Of one table only the keys.
        grants += &format!("GRANT SELECT (k) ON d TO {user};");
        site.database().sql(&grants);
        site.configure(&[("user", &role)]);
        let says = ["d (directory)", "s (settings)", "privilege", "GRANT SELECT"];
        site.run(&["-e", "refused"]).expect(5).says(&says);
        site.run(&["-e", "refused", "--dry-run"]).expect(5).says(&says);
        assert!(!site.path("refused").exists());
        site.run(&["-e", "without", "--exclude", "d,s"]).expect(0);
        site.run(&["-e", "agreed", "--yes"]).expect(3).says(&["skipping d (directory)"]);
        assert_same(&site.path("without"), &site.path("agreed"));
        site.run(&["verify", whole.to_str().unwrap(), "--against", "config.toml"]).expect(5).says(&says);
        site.run(&["diff", whole.to_str().unwrap(), "config.toml"]).expect(5).says(&says);
        site.run(&["inspect", "-c", "config.toml"]).expect(0).says(&["2 tables of the server"]);
        // As a target it is not an empty one either, and nothing is decided by what cannot be seen.
        site.run(&["-i", whole.to_str().unwrap(), "--wipe-target", "--yes"]).expect(5).says(&says);
        // Nor is the version taken for absent where it cannot be read.
        site.database().sql(&format!("REVOKE SELECT ON p FROM {user}"));
        site.run(&["-e", "refused"]).expect(5).says(&[
            "d (directory)",
            "p (property)",
            "s (settings)",
            "GRANT",
        ]);
        site.database().sql(&format!(
            "GRANT SELECT ON p TO {user}; GRANT SELECT ON s TO {user}; GRANT SELECT ON d TO {user}"
        ));
        let again = site.export("again");
        assert_same(&whole, &again);
        fs::remove_dir_all(again).unwrap();
        site.database().sql(&match server.kind {
            Kind::Postgres => format!("DROP OWNED BY {role}; DROP ROLE {role}"),
            Kind::Mysql => format!("DROP USER {user}"),
        });
    }
}

#[test]
fn blobs_in_another_database_are_not_taken_for_none() {
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = Site::on(Server::of(kind));
        let (name, user) = match kind {
            Kind::Postgres => ("postgresql", "postgres"),
            Kind::Mysql => ("mysql", "root"),
        };
        let store = site.store();
        let text = format!(
            "[storage]\ndata = \"db\"\nblob = \"blobs\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\ntype = \"sqlite\"\n\
             path = \"{}\"\n[store.blobs]\ntype = \"{name}\"\nhost = \"127.0.0.1\"\nport = {}\ndatabase = \"{}\"\n\
             user = \"{user}\"\ncompression = \"lz4\"\n",
            store.display(),
            site.database().server.port,
            site.database().name
        );
        fs::write(site.config(), text).unwrap();
        site.import(&dump).expect(0);
        assert_same(&dump, &site.export("again"));
        site.database().sql("DROP TABLE t");
        site.run(&["-e", "refused"])
            .expect(5)
            .says(&["t (blobs): in the blob store, there is no such table"]);
        site.run(&["-e", "refused", "--exclude", "@blob"]).expect(5).says(&["--no-verify does not look"]);
        assert!(!site.path("refused").exists());
        site.run(&["-e", "without", "--exclude", "@blob", "--no-verify"]).expect(0);
        site.run(&["-e", "agreed", "--yes"]).expect(3).says(&["skipping t (blobs)"]);
        assert!(!files(&site.path("agreed")).contains_key("subspace_t"));
    }
}
