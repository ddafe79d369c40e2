//! Tables that are not as the server makes them, settings and missing privileges that keep a database from being
//! written, and database servers that are not what they seem: found before anything is read or written.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use stalwart_migrate::backend::mysql::MysqlSource;
use stalwart_migrate::backend::{KeyRange, Source};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, BackendKind, Table};
use stalwart_migrate::settings::MysqlSettings;

use crate::harness::database_servers::{Database, Kind, Server};
use crate::harness::impostor::{Answer, impostor};
use crate::harness::site::{Engine, Site, assert_same, assert_same_without_index};

/// Tables of subspaces, in a database of 0.15.5.
fn tables(kind: Kind) -> Vec<&'static str> {
    let backend = if kind == Kind::Postgres { BackendKind::Postgres } else { BackendKind::Mysql };
    let subspaces = catalog::version(5).unwrap().subspaces.iter();
    subspaces.filter_map(|s| s.table(backend).ok()).map(|table| table.name).collect()
}

fn filled(kind: Kind) -> Site {
    Site::of("0.15.5", Engine::Sql(kind))
}

/// Tables as a server of 0.15.5 makes them, with nothing but a schema version.
fn made(kind: Kind) -> Site {
    let site = Site::plain(Engine::Sql(kind));
    let backend = if kind == Kind::Postgres { BackendKind::Postgres } else { BackendKind::Mysql };
    let subspaces = catalog::version(5).unwrap().subspaces.iter();
    let tables = subspaces.filter_map(|s| s.table(backend).ok());
    let record = if kind == Kind::Postgres { "'\\x00', '\\x00000005'" } else { "x'00', x'00000005'" };
    let statements: String = tables.map(|table| format!("{};\n", table.create)).collect();
    site.database().sql(&format!("{statements} INSERT INTO p VALUES ({record})"));
    site
}

/// A database with every table of 0.15.5 and no rows.
fn emptied(kind: Kind) -> Site {
    let site = filled(kind);
    let all = tables(kind).into_iter().chain(["s_email", "s_cal", "s_card", "s_trace"]);
    site.database().sql(&all.map(|table| format!("DELETE FROM {table};\n")).collect::<String>());
    site
}

fn dump() -> PathBuf {
    let site = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = site.export("dump");
    // Kept for as long as the process runs.
    Box::leak(Box::new(site));
    dump
}

#[test]
fn another_shape_of_a_table_is_refused_before_it_is_read_or_written() {
    let dump = dump();
    let dump = dump.to_str().unwrap();
    let (postgres, mysql) = (Kind::Postgres, Kind::Mysql);
    // What a statement makes of a table, whether a source is refused too, and words of the error.
    for (kind, change, read, says) in [
        (
            postgres,
            "ALTER TABLE n ALTER v DROP DEFAULT, ALTER v TYPE numeric",
            true,
            &[
                "table n, column v: it is numeric, and the server makes it BIGINT",
                "ALTER COLUMN v TYPE BIGINT",
            ][..],
        ),
        (postgres, "ALTER TABLE n ALTER v TYPE int", true, &["table n, column v: it is integer"]),
        (
            postgres,
            "ALTER TABLE p DROP CONSTRAINT p_pkey",
            true,
            &["table p: it has no primary key", "ADD PRIMARY KEY (k)"],
        ),
        (
            postgres,
            "ALTER TABLE p ALTER v DROP NOT NULL",
            true,
            &["table p, column v: it may be NULL", "SET NOT NULL"],
        ),
        (
            postgres,
            "ALTER TABLE s ALTER v TYPE text USING encode(v, 'hex')",
            true,
            &["table s, column v: it is text"],
        ),
        (
            postgres,
            "ALTER TABLE i ADD v bytea",
            true,
            &["table i, column v: it is bytea, and the server makes no such"],
        ),
        (postgres, "ALTER TABLE p ADD w bytea GENERATED ALWAYS AS (k) STORED", true, &["table p, column w"]),
        (
            postgres,
            "ALTER TABLE p DROP CONSTRAINT p_pkey, ADD PRIMARY KEY (k) DEFERRABLE",
            true,
            &["table p: its primary key is on k, deferred"],
        ),
        (
            postgres,
            "CREATE UNIQUE INDEX odd ON i (k)",
            false,
            &["table i: it has the unique index public.odd"],
        ),
        (
            mysql,
            "ALTER TABLE n MODIFY v DECIMAL(20,0) NOT NULL",
            true,
            &["table n, column v: it is decimal(20,0)", "MODIFY v BIGINT NOT NULL DEFAULT 0"],
        ),
        (
            mysql,
            "ALTER TABLE n MODIFY v BIGINT UNSIGNED NOT NULL",
            true,
            &["table n, column v: it is bigint(20) unsigned"],
        ),
        (
            mysql,
            "ALTER TABLE p DROP PRIMARY KEY",
            true,
            &["table p: it has no primary key", "ADD PRIMARY KEY (k(255))"],
        ),
        (mysql, "ALTER TABLE p MODIFY v MEDIUMBLOB", true, &["table p, column v: it may be NULL"]),
        (mysql, "ALTER TABLE s MODIFY v MEDIUMTEXT NOT NULL", true, &["table s, column v: it is mediumtext"]),
        (
            mysql,
            "ALTER TABLE i ADD v BLOB",
            true,
            &["table i, column v: it is blob, and the server makes no such"],
        ),
        (mysql, "ALTER TABLE p ADD w INT AS (length(k)) VIRTUAL", true, &["table p, column w"]),
        (mysql, "ALTER TABLE p MODIFY v MEDIUMBLOB NOT NULL FIRST", true, &["in the order v, k"]),
        (
            mysql,
            "ALTER TABLE p ENGINE=MyISAM",
            true,
            &["table p: it is kept by MyISAM, and the server makes it InnoDB"],
        ),
        (mysql, "ALTER TABLE p ENGINE=Aria", true, &["table p: it is kept by Aria"]),
        (
            mysql,
            "ALTER TABLE p ADD SYSTEM VERSIONING",
            true,
            &["table p: it is a system versioned", "DROP SYSTEM VERSIONING"],
        ),
        (
            mysql,
            "ALTER TABLE p RENAME TO q0; CREATE VIEW p AS SELECT k, v FROM q0",
            true,
            &["table p: it is a view, and the server makes a plain table"],
        ),
        (
            mysql,
            "ALTER TABLE p MODIFY v BLOB NOT NULL",
            false,
            &["table p, column v: it is blob, and the server makes it MEDIUMBLOB"],
        ),
        (
            mysql,
            "ALTER TABLE i DROP PRIMARY KEY, ADD PRIMARY KEY (k(100))",
            false,
            &["table i: its primary key is on k(100)"],
        ),
        (
            mysql,
            "ALTER TABLE p ADD CHECK (length(k) < 100)",
            false,
            &["table p: it has the check constraint"],
        ),
        (
            mysql,
            "ALTER TABLE i ADD UNIQUE odd (k(300))",
            false,
            &["table i: it has the unique or computed index odd"],
        ),
        (
            mysql,
            "CREATE TRIGGER odd BEFORE INSERT ON p FOR EACH ROW SET NEW.v = ''",
            false,
            &["table p: the trigger odd would run on each INSERT"],
        ),
    ] {
        let says: Vec<&str> =
            says.iter().copied().chain(["tables are not as the server makes them"]).collect();
        let site = made(kind);
        site.database().sql(change);
        site.run(&["-i", dump]).expect(5).says(&says);
        if change.contains(" n ") {
            for more in [&["--dry-run"][..], &["--wipe-target", "--yes"]] {
                site.run(&[&["-i", dump], more].concat()).expect(5).says(&says);
            }
            site.run(&["-e", "dump", "--dry-run"]).expect(5).says(&says);
        }
        if change.contains("VIEW p") {
            site.run(&["inspect"]).expect(5).says(&says);
        }
        if read {
            site.run(&["-e", "dump"]).expect(5).says(&says);
            assert!(!site.path("dump").exists());
        } else {
            drop(site.run(&["-e", "dump"]).expect(0))
        }
    }
}

#[test]
fn differences_that_change_nothing_are_none() {
    let dump = dump();
    for (kind, changes) in [
        (
            Kind::Postgres,
            &[
                "ALTER TABLE p RENAME CONSTRAINT p_pkey TO other; CREATE INDEX plain ON s (k); ALTER TABLE n ALTER v DROP DEFAULT",
                "ALTER TABLE p SET (fillfactor = 50); ALTER TABLE t ALTER v SET STORAGE external",
            ][..],
        ),
        (
            Kind::Mysql,
            &[
                "ALTER TABLE p MODIFY k VARBINARY(255) NOT NULL; ALTER TABLE p DROP PRIMARY KEY, ADD PRIMARY KEY (k); \
                 ALTER TABLE s MODIFY v LONGBLOB NOT NULL; ALTER TABLE d MODIFY k BLOB NOT NULL",
                "ALTER TABLE p CONVERT TO CHARACTER SET latin1; ALTER TABLE s ROW_FORMAT=COMPRESSED; CREATE INDEX plain ON m (k(10))",
            ],
        ),
    ] {
        for change in changes {
            let site = filled(kind);
            let before = site.export("before");
            site.database().sql(change);
            assert_same(&before, &site.export("after"));
            let target = emptied(kind);
            target.database().sql(change);
            target.import(&dump).expect(0).says(&["read back and equal to the dump"]);
        }
    }
}

#[test]
fn commands_that_only_look_warn_of_another_shape() {
    for (kind, change) in [
        (Kind::Postgres, "ALTER TABLE n ALTER v DROP NOT NULL"),
        (Kind::Mysql, "ALTER TABLE n MODIFY v BIGINT"),
    ] {
        let site = filled(kind);
        let dump = site.export("dump");
        site.database().sql(change);
        let says = ["warning: tables are not as the server makes them", "table n, column v: it may be NULL"];
        for arguments in [
            &["inspect"][..],
            &["verify", dump.to_str().unwrap(), "--against", "config.toml"],
            &["diff", "dump", "config.toml"],
        ] {
            site.run(arguments).expect(0).says(&says);
        }
    }
}

/// A private MariaDB with an ordinary user who may do everything to its database.
fn ordinary(settings: &[&str]) -> (&'static Server, Site) {
    let server: &'static Server = Box::leak(Box::new(Server::private(Kind::Mysql, settings)));
    let site = Site::on(server);
    server.sql(
        "",
        &format!("CREATE USER u@'127.0.0.1'; GRANT ALL ON {}.* TO u@'127.0.0.1'", site.database().name),
    );
    site.configure(&[("user", "u")]);
    (server, site)
}

/// The same user, for another database.
fn another(server: &'static Server) -> Site {
    let site = Site::on(server);
    server.sql("", &format!("GRANT ALL ON {}.* TO u@'127.0.0.1'", site.database().name));
    site.configure(&[("user", "u")]);
    site
}

#[test]
fn a_mysql_that_cannot_be_written_is_found_before_it_is_and_by_a_dry_run() {
    let dump = dump();
    let dump = dump.to_str().unwrap();
    let (server, target) = ordinary(&[]);
    let both = |site: &Site, says: &[&str]| {
        site.run(&["-i", dump, "--dry-run"]).expect(5).says(says);
        site.run(&["-i", dump]).expect(5).says(says);
        assert_eq!(site.database().sql("SHOW TABLES LIKE 's_email'"), "", "nothing was created");
    };
    for (set, says) in [
        ("read_only = 1", &["the database is read-only", "turn read_only"][..]),
        ("tx_read_only = 1", &["it is read-only", "setting tx_read_only"]),
        ("max_prepared_stmt_count = 0", &["no room for the statements", "it allows 0"]),
        ("max_prepared_stmt_count = 50", &["raise max_prepared_stmt_count"]),
    ] {
        let (name, _) = set.split_once(" = ").unwrap();
        let before = server.sql("", &format!("SELECT @@GLOBAL.{name}"));
        server.sql("", &format!("SET GLOBAL {set}"));
        both(&target, says);
        server.sql("", &format!("SET GLOBAL {name} = {before}"));
    }
    // Privileges: none on tables that are to come, then one that is missing on one table.
    let (name, u) = (target.database().name.clone(), "u@'127.0.0.1'");
    let grant = |privileges: &str| {
        server.sql("", &format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {u}; GRANT {privileges} TO {u}"));
    };
    grant(&format!("SELECT, INSERT, DELETE ON {name}.*"));
    both(&target, &["cannot create the tables: a privilege is missing", "table a", "grant"]);
    grant(&format!("ALL ON {name}.*"));
    target.run(&["-i", dump, "--dry-run"]).expect(0);
    assert_eq!(target.database().sql("SHOW TABLES"), "", "a dry run creates nothing");
    target.run(&["-i", dump]).expect(0).says(&["read back and equal"]);
    let state = target.database().sql("CHECKSUM TABLE p, s, t, n EXTENDED");
    for (privileges, says) in [
        ("SELECT, INSERT", &["cannot delete records: a privilege is missing", "table a"][..]),
        ("SELECT, DELETE", &["cannot write records: a privilege is missing", "table a"]),
    ] {
        grant(&format!("{privileges} ON {name}.*"));
        for more in [&["--dry-run"][..], &[]] {
            target.run(&[&["-i", dump, "--wipe-target", "--yes"], more].concat()).expect(5).says(says);
        }
        assert_eq!(target.database().sql("CHECKSUM TABLE p, s, t, n EXTENDED"), state);
    }
    let most = tables(Kind::Mysql).into_iter().filter(|table| *table != "s");
    let each: Vec<String> = most.map(|table| format!("GRANT DELETE ON {name}.{table} TO {u}")).collect();
    grant(&format!("SELECT, INSERT ON {name}.*"));
    server.sql("", &each.join("; "));
    let says = ["cannot delete records: a privilege is missing", "table s"];
    target.run(&["-i", dump, "--wipe-target", "--yes"]).expect(5).says(&says);
    assert_eq!(target.database().sql("CHECKSUM TABLE p, s, t, n EXTENDED"), state);
    // A source needs no statement prepared.
    server.sql("", "SET GLOBAL max_prepared_stmt_count = 0");
    grant(&format!("SELECT ON {name}.*"));
    target.export("unprepared");
}

#[test]
fn a_mysql_that_runs_for_recovery_is_no_target() {
    let dump = dump();
    let server: &'static Server =
        Box::leak(Box::new(Server::private(Kind::Mysql, &["--innodb-force-recovery=1"])));
    let site = Site::on(server);
    let says = ["runs to recover from damage", "innodb_force_recovery"];
    site.run(&["-i", dump.to_str().unwrap(), "--dry-run"]).expect(5).says(&says);
    site.import(&dump).expect(5).says(&says);
}

#[test]
fn what_connections_are_set_to_changes_nothing() {
    let dump = dump();
    let (server, site) = ordinary(&[]);
    let set = "SET autocommit = 0, completion_type = 2, sql_select_limit = 2, sql_safe_updates = 1, max_error_count = 0, \
               sql_mode = 'ANSI_QUOTES', unique_checks = 0, idle_transaction_timeout = 1, max_statement_time = 0.5, \
               sql_big_selects = 0, max_join_size = 1, character_set_results = latin1";
    server.sql("", &format!("SET GLOBAL init_connect = '{}'", set.replace('\'', "''")));
    site.import(&dump).expect(0).says(&["read back and equal to the dump"]);
    assert_same_without_index(&dump, &site.export("again"));
    site.run(&["-i", dump.to_str().unwrap(), "--wipe-target", "--yes"])
        .expect(0)
        .says(&["read back and equal"]);
    assert_same_without_index(&dump, &site.export("wiped"));
    let counts = another(server);
    counts.import(&dump).expect(0);
    assert_same_without_index(&dump, &counts.export("more"));
}

/// A client that writes one number to two tables at once, again and again, from the keys given.
fn writer(database: &Database, tables: [&str; 2], key: &str) -> Child {
    use std::io::Write as _;
    let mut client = database.server.client(&database.name);
    client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut client = client.spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    let (key, tables) = (key.to_string(), tables.map(str::to_string));
    std::thread::spawn(move || {
        for n in 1_u64.. {
            let [one, other] = &tables;
            let value = format!("x'{n:016x}'");
            let both = format!(
                "BEGIN; UPDATE {one} SET v = {value} WHERE k = {key}; UPDATE {other} SET v = {value} WHERE k = {key}; COMMIT;\n"
            );
            if input.write_all(both.as_bytes()).is_err() {
                return;
            }
        }
    });
    client
}

#[test]
fn all_tables_of_a_mysql_are_seen_at_one_moment() {
    let site = filled(Kind::Mysql);
    let key = "x'6f6e65'";
    // At both ends of the alphabet, so that they are read at different times.
    site.database().sql(&format!("INSERT INTO s VALUES ({key}, x'00'); INSERT INTO m VALUES ({key}, x'00')"));
    let mut writer = writer(site.database(), ["s", "m"], key);
    while site.database().sql("SELECT hex(v) FROM m WHERE k = x'6f6e65'") == "00" {}
    let Database { server, name } = site.database();
    let settings = MysqlSettings {
        host: "127.0.0.1".to_string(),
        port: server.port,
        database: name.clone(),
        user: Some("root".to_string()),
        password: None,
        max_allowed_packet: None,
        tls: false,
        allow_invalid_certs: false,
        timeout: None,
    };
    let tables = ["s", "m"].map(|name| {
        let subspaces = catalog::versions().iter().flat_map(|version| version.subspaces);
        let mut tables = subspaces.filter_map(|subspace| subspace.table(BackendKind::Mysql).ok());
        tables.find(|table| table.name == name).unwrap()
    });
    for n in 0..6 {
        let source = MysqlSource::open(settings.clone(), 4).unwrap();
        let value = |table: &'static Table| {
            let mut pages = source.scan(table, &KeyRange::all()).unwrap();
            let (mut page, mut value) = (Page::new(), None);
            while pages.next(&mut page, 1 << 16).unwrap() {
                value = page.iter().find(|(key, _)| key == b"one").map(|(_, v)| v.to_vec()).or(value);
            }
            value.unwrap()
        };
        let [one, other] = tables.map(|table| {
            // The other table is read when many more numbers were written.
            std::thread::sleep(std::time::Duration::from_millis(100));
            value(table)
        });
        assert_eq!(one, other, "{n}");
    }
    // A whole moment, but not the last one: it is no dump.
    let agreed = ["-e", "dump", "--yes", "--quiet", "--jobs", "4", "--types", "s,m,p"];
    site.run(&agreed).expect(5).says(&["wrote to the store while it was read"]);
    assert!(!site.path("dump/manifest/manifest.json").exists());
    writer.kill().unwrap();
    writer.wait().unwrap();
}

#[test]
fn a_mysql_server_without_tls_gets_nothing_if_tls_is_asked_for() {
    let dump = dump();
    let (_server, real) = ordinary(&["--skip-ssl"]);
    for more in [&[][..], &[("tls.allow-invalid-certs", "true")]] {
        real.configure(&[&[("user", "u"), ("password", "s3cr3t"), ("tls.enable", "true")], more].concat());
        for arguments in [&["-e", "dump"][..], &["-i", dump.to_str().unwrap()]] {
            real.run(arguments).expect(1).says(&["TLS"]);
        }
        // Who stands between and takes the offer of TLS away, or makes it and does not keep it.
        for answer in [Answer::NoTls, Answer::FalseTls] {
            let (port, heard) = impostor(answer.clone());
            let port = port.to_string();
            let settings =
                [("user", "user-of-ours"), ("password", "s3cr3t"), ("port", &*port), ("tls.enable", "true")];
            real.configure(&[&settings, more].concat());
            real.run(&["-e", "dump"]).expect(1).says(&["TLS"]);
            let heard = heard();
            for secret in ["user-of-ours", "s3cr3t"] {
                let sent = heard.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
                assert!(!sent, "{answer:?} received {secret:?}: {heard:02x?}");
            }
        }
    }
}

#[test]
fn a_mysql_server_that_asks_for_a_file_gets_none() {
    let site = Site::plain(Engine::Sql(Kind::Mysql));
    let secret = site.path("secret");
    std::fs::write(&secret, "a file of ours").unwrap();
    let (port, heard) = impostor(Answer::AskForFile(secret.display().to_string()));
    site.configure(&[("port", &port.to_string())]);
    site.run(&["-e", "dump"]).expect(1);
    let heard = heard();
    assert!(!heard.is_empty() && !heard.windows(4).any(|bytes| bytes == b"ours"), "{heard:02x?}");
}
