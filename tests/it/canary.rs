//! A password in every place a configuration has for one, through every failure that needs no server: it is in
//! nothing that the program says or writes.
//!
//! What reading the configuration alone says, `config/secrets.rs` looks at.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::program::bare;

const CANARY: &str = "hunter2-canary";

/// Ways to write the password in a `config.toml`; `DIR` has a file that holds it.
const FORMS: [&str; 9] = [
    "\"hunter2-canary\"",
    "'''hunter2-canary'''",
    "\"%{env:CANARY}%\"",
    "\"%{file:DIR/pw}%\"",
    "\"%{cfg:pw}%\"",
    "\"%{file:DIR/none/%{env:CANARY}%}%\"",
    "\"hunter2-canary",
    "hunter2-canary\"",
    "\"hunter2-canary\" # %{env:NONE}%\nport = \"hunter2\"",
];

/// Stores that cannot be reached, without their password; the setting that takes it stands last.
const STORES: [&str; 16] = [
    "type = \"postgresql\"\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"m\"\nuser = \"u\"\npassword = ",
    "type = \"postgresql\"\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"m\"\ntls.enable = true\ntimeout = \"1s\"\npassword = ",
    "type = \"postgresql\"\nhost = \"no-such-host.invalid\"\ndatabase = \"m\"\ntimeout = \"2s\"\npassword = ",
    "type = \"postgresql\"\nhost = \"/none\"\ndatabase = \"m\"\npassword = ",
    "type = \"postgresql\"\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"m\"\noptions = ",
    "type = \"postgresql\"\nhost = \"127.0.0.1\"\ndatabase = \"m\"\nport = ",
    "type = \"postgresql\"\nhost = \"u:hunter2-canary@127.0.0.1\"\nport = 1\ndatabase = \"m\"\npassword = ",
    "type = \"mysql\"\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"m\"\nuser = \"u\"\npassword = ",
    "type = \"mysql\"\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"m\"\ntls.enable = true\ntls.allow-invalid-certs = true\npassword = ",
    "type = \"mysql\"\nhost = \"no-such-host.invalid\"\ndatabase = \"m\"\npassword = ",
    "type = \"mysql\"\nhost = \"mysql://u:hunter2-canary@127.0.0.1\"\nport = 1\ndatabase = \"m\"\npassword = ",
    "type = \"mysql\"\nhost = \"127.0.0.1\"\nport = 99999\ndatabase = \"m\"\npassword = ",
    "type = \"oracle\"\npassword = ",
    "type = \"sqlite\"\npath = \"DIR/db\"\n[store.s]\ntype = \"s3\"\nbucket = \"b\"\nregion = \"r\"\naccess-key = \"a\"\nsecret-key = ",
    "type = \"sqlite\"\npath = \"DIR/db\"\n[store.s]\ntype = \"s3\"\nbucket = \"b\"\nregion = \"r\"\nendpoint = \"https://u:hunter2-canary@127.0.0.1:1\"\nsecret-key = ",
    "type = \"sqlite\"\npath = \"DIR/db\"\n[store.s]\ntype = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\nazure-access-key = ",
];

/// Stores of a `config.json`; `SECRET` is one of the forms.
const OBJECTS: [&str; 7] = [
    r#"{"@type":"PostgreSql","host":"127.0.0.1","port":1,"authSecret":SECRET}"#,
    r#"{"@type":"PostgreSql","host":"127.0.0.1","port":1,"useTls":true,"options":"-c x=hunter2-canary","authSecret":SECRET}"#,
    r#"{"@type":"PostgreSql","host":"u:hunter2-canary@127.0.0.1","port":1,"authSecret":SECRET}"#,
    r#"{"@type":"MySql","host":"127.0.0.1","port":1,"authSecret":SECRET}"#,
    r#"{"@type":"MySql","host":"no-such-host.invalid","useTls":true,"authSecret":SECRET}"#,
    r#"{"@type":"MySql","host":"127.0.0.1","port":"1","authSecret":SECRET}"#,
    r#"{"@type":"Oracle","host":"127.0.0.1","authSecret":SECRET}"#,
];

const SECRETS: [&str; 7] = [
    r#"{"@type":"Value","secret":"hunter2-canary"}"#,
    r#"{"@type":"EnvironmentVariable","variableName":"CANARY"}"#,
    r#"{"@type":"File","filePath":"DIR/pw"}"#,
    r#"{"@type":"File","filePath":"DIR/none","secret":"hunter2-canary"}"#,
    r#"{"@type":"hunter2-canary"}"#,
    r#""hunter2-canary""#,
    r#"{"@type":"Value","secret":"hunter2-canary"#,
];

#[test]
fn no_failure_shows_a_password_of_a_toml_configuration() {
    let place = tempfile::tempdir().unwrap();
    for (n, store) in STORES.iter().enumerate() {
        for (m, form) in FORMS.iter().enumerate() {
            // What stands in the place of a port literally is shown, so that it can be found, and so is a path.
            if store.ends_with("port = ") && (!form.starts_with("\"%{") || form.contains("none")) {
                continue;
            }
            // Each store with its plain password through every command, the other forms through one in turn.
            let jobs = if m == 0 { &[0, 1, 2, 3][..] } else { &[[0, 1, 2, 3][(n + m) % 4]][..] };
            let blob = if store.contains("[store.s]") { "s" } else { "d" };
            let text = format!(
                "storage.data = \"d\"\nstorage.blob = \"{blob}\"\npw = \"{CANARY}\"\n[store.d]\n{store}{form}\n"
            );
            check(place.path(), "config.toml", &text, jobs);
        }
    }
}

#[test]
fn no_failure_shows_a_password_of_a_json_configuration() {
    let place = tempfile::tempdir().unwrap();
    for object in OBJECTS {
        for (m, secret) in SECRETS.iter().enumerate() {
            let jobs = if m == 0 { &[0, 1, 2, 3][..] } else { &[[0, 1, 2, 3][m % 4]][..] };
            check(place.path(), "config.json", &object.replace("SECRET", secret), jobs);
        }
    }
}

/// Runs the program on a configuration and looks for the canary in all it says and writes.
fn check(place: &Path, name: &str, text: &str, jobs: &[usize]) {
    let dir = tempfile::tempdir_in(place).unwrap();
    let at = |name: &str| dir.path().join(name);
    let config = at(name);
    fs::write(&config, text.replace("DIR", dir.path().to_str().unwrap())).unwrap();
    fs::write(at("pw"), CANARY).unwrap();
    let server_dump =
        Path::new("tests/fixtures/stalwart-0.15.5/server-dump-of-rocksdb").canonicalize().unwrap();
    let config_text = config.to_str().unwrap().to_string();
    let dump = at("dump").to_str().unwrap().to_string();
    let all: [Vec<&str>; 4] = [
        vec!["--config", &config_text, "--export", &dump],
        vec!["--config", &config_text, "--import", server_dump.to_str().unwrap(), "--dry-run"],
        vec!["inspect", "--config", &config_text],
        vec!["copy", "--from", &config_text, "--to", &config_text],
    ];
    for job in jobs {
        let report = at(&format!("report{job}"));
        let output = bare()
            .args(&all[*job])
            .args(["--json", "--report", report.to_str().unwrap(), "--state", at("state").to_str().unwrap()])
            .env("CANARY", CANARY)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let printed =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code().is_some(), "{text}\n{printed}");
        assert!(!printed.contains("internal error"), "{text}\n{printed}");
        assert!(!printed.contains(CANARY), "{text}\n{printed}");
        assert!(report.exists(), "{text}\n{printed}");
    }
    for path in written(dir.path()) {
        if path != config && path != at("pw") {
            let bytes = fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{text}\n{}", path.display());
        }
    }
}

fn written(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()))
        } else {
            found.push(path)
        }
    }
    found
}
