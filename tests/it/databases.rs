//! PostgreSQL and MySQL as source and target, on real servers: every pair of stores, and what can go wrong.

mod declined;
mod missing;
mod others;
mod postgres;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::database_servers::{Kind, Server};
use crate::harness::proxy::{Cut, proxy};
use crate::harness::site::{
    ENGINES, Engine, Site, assert_same, assert_same_without_index, ended, files, fixture, started,
};

/// From every store of a release into every kind of store.
fn every_pair(release: &str) {
    let first = Site::plain_of(release, Engine::Sqlite).unwrap();
    let dump = first.export("dump");
    for from in ENGINES {
        let source = Site::plain_of(release, *from).unwrap_or_else(|| {
            let site = Site::plain(*from);
            site.import(&dump).expect(0);
            site
        });
        let dump = source.export("dump");
        for to in ENGINES {
            let target = Site::plain(*to);
            let outcome = target.import(&dump).expect(0).says(&["read back and equal to the dump"]);
            let left_out = files(&dump).contains_key("subspace_z") && matches!(to, Engine::Sql(_));
            assert_eq!(outcome.everything().contains("leaving out z"), left_out, "{from:?} to {to:?}");
            let again = target.export("again");
            if matches!(from, Engine::Sql(_)) && files(&again).contains_key("subspace_z") {
                // What the databases have no table for is empty in the others.
                fs::remove_file(again.join("subspace_z")).unwrap();
                assert!(
                    outcome.everything().lines().all(|line| !line.starts_with("z ")),
                    "{from:?} to {to:?}"
                );
            }
            let compare = if left_out { assert_same_without_index } else { assert_same };
            compare(&dump, &again);
        }
    }
}

#[test]
fn every_pair_of_schema_5() {
    every_pair("0.15.5");
}

#[test]
fn every_pair_of_schema_3() {
    every_pair("0.13.4");
}

#[test]
fn exports_are_what_an_independent_reader_found() {
    for (kind, name) in [(Kind::Postgres, "postgresql"), (Kind::Mysql, "mysql")] {
        let site = Site::of("0.15.5", Engine::Sql(kind));
        let mut dumps = Vec::new();
        for (n, options) in [&[][..], &["--jobs", "1"], &["--jobs=7", "--memory=16MiB"]].iter().enumerate() {
            let dump = format!("dump{n}");
            site.run(&[&["-e", &dump], *options].concat()).expect(0).says(&["skipping z"]);
            dumps.push(site.path(&dump));
        }
        dumps.iter().skip(1).for_each(|dump| assert_same(&dumps[0], dump));
        let read = |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
        let expected = read(fixture(&format!("stalwart-0.15.5/expected/{name}.json")));
        let manifest = read(dumps[0].join("manifest/manifest.json"));
        let mut compared = 0;
        for entry in manifest["subspaces"].as_array().unwrap() {
            let Some(expected) = expected.get(entry["letter"].as_str().unwrap()) else {
                assert_eq!(entry["records"], 0, "{entry}");
                continue;
            };
            for (ours, theirs) in [
                ("records", "records"),
                ("key_bytes", "key_bytes"),
                ("value_bytes", "value_bytes"),
                ("records_blake3", "blake3"),
            ] {
                assert_eq!(entry[ours], expected[theirs], "{entry}");
            }
            compared += 1;
        }
        assert_eq!(compared, expected.as_object().unwrap().len());
    }
}

#[test]
fn large_tables_are_read_in_ranges_and_every_row_once() {
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = Site::of("0.15.5", Engine::Sql(kind));
        site.database().fill(300, 60_000);
        // The blobs are not what their keys say.
        site.run(&["-e", "one", "--jobs", "1"]).expect(3);
        site.run(&["-e", "many", "--jobs", "4", "--memory", "16MiB"]).expect(3);
        assert_same(&site.path("one"), &site.path("many"));
        let manifest: Value =
            serde_json::from_slice(&fs::read(site.path("many/manifest/manifest.json")).unwrap()).unwrap();
        for table in ["l", "t"] {
            let entries = manifest["subspaces"].as_array().unwrap();
            let entry = entries.iter().find(|entry| entry["letter"] == table).unwrap();
            let count = site.database().sql(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(entry["records"].to_string(), count, "{kind:?} {table}");
        }
    }
}

#[test]
fn tables_are_found_along_the_search_path() {
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    let site = Site::on(Server::of(Kind::Postgres));
    site.configure(&[("options", "-c search_path=mail,public")]);
    site.import(&dump).expect(0);
    let count = |schema: &str| {
        let tables = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'");
        site.database().sql(&tables)
    };
    // The schema does not exist, so that the second one of the path is used.
    assert_eq!((count("mail").as_str(), count("public").as_str()), ("0", "20"));
    assert_same_without_index(&dump, &site.export("public"));
    site.configure(&[("options", "-c search_path=nowhere")]);
    site.import(&dump).expect(2).says(&["the search path of the connection names no schema"]);
}

#[test]
fn other_sessions_refuse_unless_agreed_to() {
    for (kind, sleep) in [(Kind::Postgres, "SELECT pg_sleep(60)"), (Kind::Mysql, "SELECT sleep(60)")] {
        let site = Site::of("0.15.5", Engine::Sql(kind));
        let dump = site.export("dump");
        let target = Site::plain(Engine::Sql(kind));
        let mut others: Vec<_> = [&site, &target]
            .into_iter()
            .map(|site| {
                let mut client = site.database().server.client(&site.database().name);
                client.arg(if kind == Kind::Postgres { "-c" } else { "-e" }).arg(sleep);
                client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        let says = ["others are connected to the database", "stop the server"];
        // The other session may need a moment to be there.
        while site
            .run(&["--dry-run", "-e", "dry"])
            .expect(0)
            .everything()
            .lines()
            .all(|l| !l.contains(says[0]))
        {}
        site.run(&["-e", "refused"]).expect(5).says(&says);
        assert!(!site.path("refused").exists());
        site.run(&["-e", "agreed", "--yes"]).expect(0).says(&says);
        target.import(&dump).expect(5).says(&says);
        let dump = dump.to_str().unwrap();
        target.run(&["--dry-run", "-i", dump]).expect(0).says(&says);
        target.run(&["--yes", "-i", dump]).expect(0).says(&says);
        target.run(&["verify", dump, "--against", target.config().to_str().unwrap()]).expect(0).says(&says);
        for other in &mut others {
            other.kill().unwrap();
            other.wait().unwrap();
        }
    }
}

#[test]
fn a_connection_that_is_cut_is_one_error_and_nothing_passes_for_complete() {
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = Site::of("0.15.5", Engine::Sql(kind));
        site.database().fill(300, 10);
        let through = |site: &Site, cut: Cut| {
            let port = proxy(site.database().server.port, cut).to_string();
            site.configure(&[("port", &port)]);
        };
        let says = ["the connection was lost"];
        for bytes in [20, 200_000, 5_000_000] {
            through(&site, Cut::Down(bytes));
            site.run(&["-e", "cut"]).expect(1).says(if bytes > 20 { &says } else { &[] });
            assert!(!site.path("cut/manifest/manifest.json").exists(), "{kind:?} {bytes}");
            let _ = fs::remove_dir_all(site.path("cut"));
        }
        site.configure(&[]);
        let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
        let dump = source.export("dump");
        let target = Site::on(Server::of(kind));
        through(&target, Cut::Up(400_000));
        let half = ["the connection was lost", "do not start the server"];
        target.import(&dump).expect(1).says(&half);
        target.configure(&[]);
        target.run(&["-e", "half"]).expect(5).says(&["the store states no schema version"]);
    }
}

#[test]
fn a_terminated_session_is_one_error() {
    let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
    site.database().fill(2000, 10);
    let program = started(&mut site.with_config(&["-e", "dump"]));
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                AND query LIKE 'COPY%' AND state = 'active' AND pid <> pg_backend_pid()";
    while site.database().sql(kill) == "0" {}
    ended(program).expect(1).says(&["the connection was lost"]);
    assert!(!site.path("dump/manifest/manifest.json").exists());
}

#[test]
fn errors_of_connecting_say_what_to_do() {
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = Site::on(Server::of(kind));
        for (settings, says) in [
            (&[("port", "1")][..], &["the connection was refused", "check host and port"][..]),
            (&[("database", "no_such_database")], &["the database does not exist", "no_such_database"]),
            (&[("host", "/nowhere")], &["the socket cannot be used"]),
            (
                &[("host", "no.such.host.invalid")],
                &["the name of the host cannot be resolved", "check the host in the configuration"],
            ),
        ] {
            site.configure(settings);
            site.run(&["-e", "dump"]).expect(1).says(says);
            assert!(!site.path("dump").exists());
        }
    }
}

#[test]
fn postgres_with_passwords_tls_and_missing_rights() {
    let server = Box::leak(Box::new(Server::private(Kind::Postgres, &[])));
    server.sql("", "CREATE ROLE with_password LOGIN PASSWORD 's3cr3t'; CREATE ROLE with_tls LOGIN");
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    let site = Site::on(server);
    let user = |more: &[(&'static str, &'static str)]| {
        let mut settings = vec![("user", "with_password"), ("password", "s3cr3t")];
        settings.extend_from_slice(more);
        site.configure(&settings);
    };
    user(&[("password", "s3cr3t-but-wrong")]);
    site.import(&dump).expect(1).says(&["user or password are refused", "with_password"]);
    // A file usually ends in a line break, which is not part of the password.
    let file = site.path("password");
    let password: &'static str = Box::leak(format!("%{{file:{}}}%", file.display()).into_boxed_str());
    user(&[("password", password)]);
    for blank in ["s3cr3t\n", "s3cr3t ", " s3cr3t"] {
        std::fs::write(&file, blank).unwrap();
        let refused = site.import(&dump);
        assert!(!refused.everything().contains("s3cr3t"), "the password is shown");
        refused.expect(1).says(&["cannot connect", "ends with a blank or a line break"]);
    }
    user(&[]);
    site.import(&dump).expect(5).says(&["a privilege is missing", "GRANT CREATE ON SCHEMA"]);
    assert_eq!(site.database().sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    site.database().sql("GRANT CREATE ON SCHEMA public TO with_password");
    site.database().sql("ALTER ROLE with_password SET default_transaction_read_only = on");
    site.import(&dump).expect(5).says(&["it is read-only", "default_transaction_read_only"]);
    site.database().sql("ALTER ROLE with_password RESET ALL");
    site.import(&dump).expect(0);
    // Tables of another program.
    site.database().sql("ALTER TABLE public.p OWNER TO postgres");
    site.run(&["-e", "dump"]).expect(5).says(&["p (property): the privilege to SELECT"]);
    // A policy that hides rows must not make them vanish.
    site.database().sql(
        "GRANT SELECT ON p TO with_password; ALTER TABLE p ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY most ON p USING (k > '\\x01')",
    );
    site.run(&["-e", "dump"]).expect(5).says(&["row-level security"]);
    site.database().sql("ALTER TABLE p DISABLE ROW LEVEL SECURITY");
    assert_same_without_index(&dump, &site.export("dump"));
    site.database().sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO with_tls");
    for (settings, code, says) in [
        (&[][..], 1, "the database server wants TLS"),
        (&[("tls.enable", "true")], 1, "TLS cannot be established"),
        (&[("tls.enable", "true"), ("tls.allow-invalid-certs", "true")], 0, "the dump is in"),
    ] {
        site.configure(&[&[("user", "with_tls")], settings].concat());
        site.run(&["-e", "tls"]).expect(code).says(&[says]);
    }
    assert_same_without_index(&dump, &site.path("tls"));
}

#[test]
fn mysql_that_is_not_strict_takes_small_packets_and_turns_read_only() {
    let settings = ["--sql-mode=", "--max-allowed-packet=1M"];
    let server = Box::leak(Box::new(Server::private(Kind::Mysql, &settings)));
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    let site = Site::on(server);
    let user = "CREATE USER u@'127.0.0.1' IDENTIFIED BY 's3cr3t'";
    server.sql("", user);
    site.configure(&[("user", "u"), ("password", "s3cr3t-but-wrong")]);
    site.import(&dump).expect(1).says(&["user or password are refused"]);
    site.configure(&[("user", "u"), ("password", "s3cr3t")]);
    site.import(&dump).expect(1).says(&["a privilege is missing"]);
    server.sql("", &format!("GRANT SELECT, INSERT, DELETE ON {}.* TO u@'127.0.0.1'", site.database().name));
    let hidden = "without the privilege PROCESS";
    site.import(&dump).expect(5).says(&["cannot create the tables: a privilege is missing", hidden]);
    site.configure(&[]);
    // Values would be cut off silently by a session that is not strict.
    site.database().sql("CREATE TABLE s (k TINYBLOB, v VARBINARY(3) NOT NULL, PRIMARY KEY (k(255)))");
    site.import(&dump).expect(5).says(&["table s, column v: it is varbinary(3)"]);
    assert_eq!(site.database().sql("SELECT count(*) FROM s"), "0");
    let names = site.database().sql(
        "SELECT group_concat(table_name) FROM information_schema.tables \
                                     WHERE table_schema = database()",
    );
    site.database().sql(&format!("DROP TABLE {names}"));
    site.import(&dump).expect(0);
    assert_same_without_index(&dump, &site.export("dump"));
    // A record just as large as a packet can take, and one a byte larger.
    let limit = (1 << 20) - 64;
    for (length, code) in [(limit, 0), (limit + 1, 5)] {
        let large = with_rows(&[("s", vec![b'x'; 100], vec![b'v'; length - 100])]);
        let target = Site::on(server);
        let says =
            ["subspace s (settings)", "record of 1048513 bytes, its limit is 1048512", "raise max_allowed"];
        let outcome = target.import(&large).expect(code).says(if code == 0 { &[] } else { &says });
        assert_eq!(outcome.everything().contains("decoded"), code != 0);
        match code {
            0 => assert_same_without_index(&large, &target.export("dump")),
            _ => assert_eq!(target.database().sql("SHOW TABLES"), "", "nothing has been written"),
        }
    }
    let blob: Vec<u8> = (0..1u32 << 19).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let large = with_rows(&[("t", blake3::hash(&blob).as_bytes().to_vec(), blob)]);
    let target = Site::on(server);
    target.import(&large).expect(5).says(&["subspace t (blobs)", "max_allowed_packet"]);
    // The mail server's own limit counts as well.
    site.database().sql("SET GLOBAL max_allowed_packet = 1073741824");
    target.configure(&[("max-allowed-packet", "1048576")]);
    target.import(&large).expect(5).says(&["subspace t (blobs)", "max_allowed_packet"]);
    target.configure(&[]);
    target.import(&large).expect(0);
    assert_same_without_index(&large, &target.export("dump"));
    let last = Site::on(server);
    server.sql("", "SET GLOBAL tx_read_only = ON");
    last.import(&dump).expect(5).says(&["it is read-only", "tx_read_only"]);
    assert_same_without_index(&dump, &site.export("read-only"));
    server.sql("", "SET GLOBAL require_secure_transport = ON");
    last.run(&["-e", "tls"]).expect(1).says(&["tls.enable"]);
}

/// The dump of a store with more rows.
fn with_rows(rows: &[(&str, Vec<u8>, Vec<u8>)]) -> PathBuf {
    let site = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let database = rusqlite::Connection::open(site.store()).unwrap();
    for (table, key, value) in rows {
        let (columns, values) = if *table == "i" { ("k", "?1") } else { ("k, v", "?1, ?2") };
        let insert = format!("INSERT INTO {table} ({columns}) VALUES ({values})");
        match *table {
            "i" => database.execute(&insert, [key]).unwrap(),
            _ => database.execute(&insert, [key, value]).unwrap(),
        };
    }
    drop(database);
    let outcome = site.run(&["-e", "dump"]);
    assert!(matches!(outcome.code(), Some(0 | 3)), "{}", outcome.everything());
    // Kept for as long as the process runs; the caller has nothing else of the site.
    let dir = Box::leak(Box::new(site)).dir();
    dir.join("dump")
}

#[test]
fn what_a_database_cannot_hold_is_refused_before_the_first_write() {
    let long = |length: usize, last: u8| {
        let mut key = vec![b'x'; length - 1];
        key.push(last);
        key
    };
    let (postgres, mysql) = (Kind::Postgres, Kind::Mysql);
    let s = |length| vec![("s", long(length, b'y'), b"v".to_vec())];
    let i = |length| vec![("i", long(length, 1), Vec::new()), ("i", long(length, 2), Vec::new())];
    let huge = vec![("p", b"\0\0\0\x01\0\x01".to_vec(), vec![7; 1 << 24])];
    let says_s = "subspace s (settings), key 7878";
    for (kind, rows, says) in [
        (mysql, s(255), &[][..]),
        (mysql, s(300), &[says_s, "decoded", "key of 300 bytes, its limit is 255"]),
        (postgres, s(2692), &[]),
        (postgres, s(2693), &[says_s, "key of 2693 bytes, its limit is 2692"]),
        (postgres, s(3000), &[says_s, "key of 3000 bytes, its limit is 2692"]),
        (mysql, huge.clone(), &["subspace p (property)", "value of 16777216 bytes, its limit is 16777215"]),
        (postgres, huge, &[]),
        (mysql, i(400), &[]),
        (mysql, i(401), &["subspace i (indexes)", "the same in their first 400 bytes", "length 401"]),
        (postgres, i(401), &[]),
    ] {
        let dump = with_rows(&rows);
        let target = Site::on(Server::of(kind));
        let outcome = target.import(&dump);
        if says.is_empty() {
            outcome.expect(0).says(&["read back and equal"]);
            target.run(&["verify", dump.to_str().unwrap(), "--against", "config.toml"]).expect(0);
            continue;
        }
        outcome.expect(5).says(says);
        let count =
            "SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('public', database())";
        let count = if kind == postgres { &count.replace(", database()", "") } else { count };
        assert_eq!(target.database().sql(count), "0", "nothing has been written");
    }
}
