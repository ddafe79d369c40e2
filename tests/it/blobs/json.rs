//! Configurations of 0.16 for all four engines, whatever their files are called and however they keep the password.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::*;
use crate::harness::program::{bare, outcome};

const PASSWORD: &str = "s3cr3t-of-this-test";

fn with_password(arguments: &[&std::ffi::OsStr]) -> Outcome {
    let mut command = bare();
    command.args(arguments).env("STORE_PASSWORD", PASSWORD);
    let ran = outcome(command);
    assert!(!ran.stderr.contains(PASSWORD) && !ran.text().contains(PASSWORD), "{}", ran.stderr);
    ran
}

/// The forms in which an object keeps a secret.
fn secrets(home: &Home) -> [serde_json::Value; 3] {
    let file = home.write("password", PASSWORD);
    [
        json!({"@type": "Value", "secret": PASSWORD}),
        json!({"@type": "EnvironmentVariable", "variableName": "STORE_PASSWORD"}),
        json!({"@type": "File", "filePath": file}),
    ]
}

#[test]
fn schema_6_goes_through_every_engine() {
    let home = Home::new();
    let mut copy = Command::new("cp");
    copy.args(["-r", "tests/fixtures/stalwart-0.16.18/rocksdb"]).arg(home.path("source"));
    assert!(copy.status().unwrap().success());
    // What a file holds decides, not its name.
    let source = json!({"@type": "RocksDb", "path": home.path("source")}).to_string();
    let mut sites = vec![(home.write("server.conf", &source), true)];
    let embedded = [("RocksDb", "config.toml"), ("Sqlite", "noname")];
    for (kind, name) in embedded {
        let store = json!({"@type": kind, "path": home.path(&format!("{kind}-store"))}).to_string();
        sites.push((home.write(name, &format!("\n {store}")), true));
    }
    let mut databases = Vec::new();
    for (n, secret) in secrets(&home).into_iter().chain([json!({"@type": "None"})]).enumerate() {
        for kind in [Kind::Postgres, Kind::Mysql] {
            let server = database_servers::Server::of(kind);
            let database = server.database();
            let mut store = json!({
                "host": "127.0.0.1", "port": server.port, "database": database.name, "authSecret": secret
            });
            let (title, user) = match kind {
                Kind::Postgres => ("PostgreSql", "postgres".to_string()),
                Kind::Mysql if n == 3 => ("MySql", "root".to_string()),
                Kind::Mysql => {
                    let user = format!("u{n}_{}", database.name);
                    database.sql(&format!(
                        "CREATE USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}'; \
                         GRANT ALL ON {}.* TO '{user}'@'%';",
                        database.name
                    ));
                    ("MySql", user)
                }
            };
            store["@type"] = title.into();
            store["authUsername"] = user.clone().into();
            sites.push((home.write(&format!("{title}{n}.txt"), &store.to_string()), false));
            databases.push((database, user));
        }
    }
    let first = home.path("dump0");
    with_password(args!["-c", sites[0].0, "-e", first]).expect(0);
    let mut dump = first.clone();
    for (n, (config, index)) in sites.iter().enumerate().skip(1) {
        // From the last one with an index, which the others have no place for.
        let imported = with_password(args!["-c", config, "-i", dump]).expect(0);
        assert!(imported.stderr.contains("read back and equal to the dump"), "{}", imported.stderr);
        assert_eq!(imported.stderr.contains("leaving out z"), !index, "{}", imported.stderr);
        let next = home.path(&format!("dump{n}"));
        with_password(args!["-c", config, "-e", next]).expect(0);
        if *index {
            assert_same(&first, &next)
        } else {
            same_without_index(&first, &next)
        }
        let verified = with_password(args!["verify", next, "--json"]).expect(0).last();
        assert_eq!(verified["findings"].get("unknown_key"), None, "{verified}");
        if *index {
            dump = next;
        }
    }
    for (database, user) in databases.iter().filter(|(_, user)| user.starts_with("u")) {
        database.sql(&format!("DROP USER '{user}'@'%'"));
    }
    // With another password the login fails, and the error does not show it.
    let wrong = with_password(args!["-c", sites[4].0, "-e", home.path("never")]);
    assert_eq!(wrong.code(), Some(1), "{}", wrong.stderr);
}

#[test]
fn a_dump_of_the_server_goes_into_every_engine() {
    let home = Home::new();
    let theirs = Path::new("tests/fixtures/stalwart-0.16.18/server-dump-of-rocksdb");
    for (kind, title, user) in [(Kind::Postgres, "PostgreSql", "postgres"), (Kind::Mysql, "MySql", "root")] {
        let server = database_servers::Server::of(kind);
        let database = server.database();
        let store = json!({
            "@type": title, "host": "127.0.0.1", "port": server.port, "database": database.name,
            "authUsername": user, "authSecret": {"@type": "None"}
        });
        let config = home.write(&format!("{title}.json"), &store.to_string());
        let state = home.path(&format!("{title}.state"));
        with_password(args!["-c", config, "-i", theirs, "--state", state]).expect(0);
        let ours = home.path(title);
        with_password(args!["-c", config, "-e", ours, "--types", "@server"]).expect(0);
        let path = ours.join("manifest/manifest.json");
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let expected = "tests/fixtures/stalwart-0.16.18/expected/server-dump-of-rocksdb.json";
        let expected: serde_json::Value = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap();
        let mut letters = 0;
        for entry in manifest["subspaces"].as_array().unwrap() {
            let letter = entry["letter"].as_str().unwrap();
            // The lease of the node stays behind.
            let Some(expected) = expected.get(letter).filter(|_| letter != "g") else { continue };
            assert_eq!(entry["records_blake3"], expected["blake3"], "{title} {letter}");
            letters += 1;
        }
        let held =
            expected.as_object().unwrap().iter().filter(|(_, held)| held["records"].as_u64() > Some(0));
        assert_eq!(letters, held.count() - 1, "{title}: all but that of the lease");
    }
}
