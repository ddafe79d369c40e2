//! `config.json` of Stalwart 0.16: one object, the data store.
//!
//! Knows the members that decide where data is and how to reach it; pools and replicas are the server's
//! business. Everything else of that era, the blob store included, is in the database. source:
//! `crates/store/src/registry/local.rs`, `crates/registry/src/schema/structs.rs` @ v0.16.18

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::config::file::{absolute, read_text};
use crate::config::macros::Lookup;
use crate::config::shown;
use crate::config::store::{Compression, Secret, StoreConfig, StoreKind};
use crate::error::{Error, Result};

/// The id of the only store such a file has.
const ID: &str = "data";

/// Bytes of the largest file that is parsed: a parsed one takes many times as much.
const MAX_TEXT: usize = 1 << 20;

/// Bytes of the largest file that holds a secret.
const MAX_SECRET: u64 = 1 << 20;

/// A file that is one JSON object.
pub(super) struct Json(Map<String, Value>);

impl Json {
    /// Parses the whole file. Errors are of kind usage and name line and column, never a value.
    pub(super) fn parse(text: &str) -> Result<Json> {
        if text.len() > MAX_TEXT {
            let what = format!("the configuration is larger than {MAX_TEXT} bytes");
            return Err(Error::usage(what).next("name another file"));
        }
        match serde_json::from_str(text) {
            Ok(map) => Ok(Json(map)),
            // Only syntax can be wrong: everything that starts like an object is one or does not parse.
            Err(e) => Err(Error::usage("the configuration is no valid JSON")
                .with("line", e.line().to_string())
                .with("column", e.column().to_string())
                .next("correct it there; the server does not start on it either")),
        }
    }

    /// The data store. Errors are of kind usage and name member and file.
    pub(super) fn data_store(&self, env: Lookup<'_>, file: &Path) -> Result<StoreConfig> {
        let members = Members { map: &self.0, within: "", env };
        let kind = members.store().map_err(|e| e.with("file", shown(&file.to_string_lossy())))?;
        // The server's own importer compresses whatever its settings say.
        Ok(StoreConfig { id: ID.to_string(), compression: Compression::Lz4, kind })
    }
}

/// The members of an object, and where it stands.
struct Members<'a> {
    map: &'a Map<String, Value>,
    // Empty, or the names that lead here with a dot after each.
    within: &'a str,
    env: Lookup<'a>,
}

impl Members<'_> {
    fn store(&self) -> Result<StoreKind> {
        let kind = self.required("@type")?;
        match kind.as_str() {
            "RocksDb" => Ok(StoreKind::RocksDb {
                path: self.required("path")?.into(),
                min_blob_size: self.number("blobSize")?.unwrap_or(16_834),
                write_buffer_size: self.number("bufferSize")?.unwrap_or(134_217_728),
            }),
            "Sqlite" => Ok(StoreKind::Sqlite { path: self.required("path")?.into() }),
            "FoundationDb" => Ok(StoreKind::FoundationDb {
                cluster_file: self.optional_text("clusterFile", None)?.map(PathBuf::from),
                transaction_timeout: self.optional_duration("transactionTimeout", None)?,
                retry_limit: self.optional_number("transactionRetryLimit")?,
                max_retry_delay: self.optional_duration("transactionRetryDelay", None)?,
                machine_id: self.optional_text("machineId", None)?,
                datacenter_id: self.optional_text("datacenterId", None)?,
            }),
            "PostgreSql" => Ok(StoreKind::Postgres {
                host: Some(self.required("host")?),
                port: self.number("port")?.unwrap_or(5432),
                database: self.database()?,
                // The server's connection pool falls back to the name of the account it runs under.
                user: self
                    .optional_text("authUsername", Some("stalwart"))?
                    .filter(|user| !user.is_empty())
                    .or_else(|| (self.env)("USER")),
                password: self.secret("authSecret")?,
                options: self.optional_text("options", None)?,
                timeout: self.optional_duration("timeout", Some(SQL_TIMEOUT))?,
                tls: self.flag("useTls")?,
                allow_invalid_certs: self.flag("allowInvalidCerts")?,
            }),
            "MySql" => Ok(StoreKind::Mysql {
                host: self.required("host")?,
                port: self.number("port")?.unwrap_or(3306),
                database: self.database()?,
                user: self.optional_text("authUsername", Some("stalwart"))?,
                password: self.secret("authSecret")?,
                max_allowed_packet: self.optional_number("maxAllowedPacket")?,
                timeout: self.optional_duration("timeout", Some(SQL_TIMEOUT))?,
                tls: self.flag("useTls")?,
                allow_invalid_certs: self.flag("allowInvalidCerts")?,
            }),
            other => Err(self
                .wrong("@type", format!("unknown store type {}", shown(other)))
                .next("use one of RocksDb, Sqlite, FoundationDb, PostgreSql, MySql, in this spelling")),
        }
    }

    fn database(&self) -> Result<String> {
        if self.map.contains_key("database") { self.required("database") } else { Ok("stalwart".to_string()) }
    }

    fn required(&self, name: &str) -> Result<String> {
        match self.map.get(name) {
            Some(Value::String(text)) if text.is_empty() => {
                Err(self.wrong(name, "a member that is needed is empty").next("give it a value"))
            }
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.not(name, "a string")),
            None => Err(self.wrong(name, "the configuration lacks a member").next("add it")),
        }
    }

    fn optional_text(&self, name: &str, default: Option<&str>) -> Result<Option<String>> {
        match self.map.get(name) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            Some(_) => Err(self.not(name, "a string or null")),
            None => Ok(default.map(str::to_string)),
        }
    }

    fn flag(&self, name: &str) -> Result<bool> {
        match self.map.get(name) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.not(name, "true or false")),
            None => Ok(false),
        }
    }

    fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.map.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.not(name, "a whole number in range, without quotes"))
    }

    fn optional_number<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>> {
        if self.map.get(name) == Some(&Value::Null) { Ok(None) } else { self.number(name) }
    }

    fn optional_duration(&self, name: &str, default: Option<Duration>) -> Result<Option<Duration>> {
        match self.map.get(name) {
            Some(Value::Null) => Ok(None),
            Some(_) => Ok(self.number(name)?.map(Duration::from_millis)),
            None => Ok(default),
        }
    }

    fn secret(&self, name: &str) -> Result<Option<Secret>> {
        let map = match self.map.get(name) {
            Some(Value::Object(map)) => map,
            Some(_) => return Err(self.not(name, "an object with @type")),
            None => return Ok(None),
        };
        let within = format!("{}{name}.", self.within);
        let members = Members { map, within: &within, env: self.env };
        match members.required("@type")?.as_str() {
            "None" => Ok(None),
            "Value" => match map.get("secret") {
                Some(Value::String(secret)) => Ok(Some(Secret::new(secret))),
                Some(_) => Err(members.not("secret", "a string")),
                None => Err(members.wrong("secret", "the configuration lacks a member").next("add it")),
            },
            "EnvironmentVariable" => members.secret_of_environment().map(Some),
            "File" => members.secret_of_file().map(Some),
            // What stands there is not shown: it may be the secret itself.
            _ => Err(members.not("@type", "None, Value, EnvironmentVariable or File")),
        }
    }

    fn secret_of_environment(&self) -> Result<Secret> {
        let name = self.required("variableName")?;
        match (self.env)(name.trim()) {
            Some(secret) if !secret.is_empty() => Ok(Secret::new(secret)),
            _ => Err(self
                .wrong("variableName", "an environment variable is not set, empty or not UTF-8")
                .with("name", shown(name.trim()))
                .next("set it as the server's service does")),
        }
    }

    fn secret_of_file(&self) -> Result<Secret> {
        let path = self.required("filePath")?;
        let path = Path::new(path.trim());
        let placed = |error: Error| {
            let path = shown(&absolute(path).to_string_lossy());
            error.with("path", path).with("key", format!("{}filePath", self.within))
        };
        let text = read_text(path, "a file that holds a secret", MAX_SECRET).map_err(placed)?;
        // Only the end is trimmed; a blank at the start belongs to the secret.
        match text.trim_end() {
            "" => {
                Err(placed(Error::usage("a file that holds a secret is empty"))
                    .next("write the secret to it"))
            }
            secret => Ok(Secret::new(secret)),
        }
    }

    /// An error about a member that has the wrong form. Never shows what it has.
    fn not(&self, name: &str, expected: &str) -> Error {
        self.wrong(name, format!("a member is not {expected}")).next("correct it")
    }

    fn wrong(&self, name: &str, what: impl Into<String>) -> Error {
        Error::usage(what).with("key", format!("{}{name}", self.within))
    }
}

const SQL_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "PW" => Some("secret".to_string()),
            "EMPTY" => Some(String::new()),
            "USER" => Some("someone".to_string()),
            _ => None,
        }
    }

    fn store(text: &str) -> Result<StoreKind> {
        let store = Json::parse(text)?.data_store(&env, Path::new("/c.json"))?;
        assert_eq!((store.id.as_str(), store.compression), ("data", Compression::Lz4));
        Ok(store.kind)
    }

    fn refuse(text: &str, expect: &str) {
        let error = store(text).unwrap_err();
        assert_eq!(error.to_string(), expect, "{text}");
        assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
    }

    #[test]
    fn members_and_defaults() {
        for (text, kind) in [
            (
                r#" {"path":"/d/","@type":"RocksDb","cacheSize":1,"unknown":{}}"#,
                StoreKind::RocksDb {
                    path: "/d/".into(),
                    min_blob_size: 16_834,
                    write_buffer_size: 134_217_728,
                },
            ),
            (
                r#"{"@type":"RocksDb","path":"d","blobSize":1024,"bufferSize":4294967296,"poolWorkers":null}"#,
                StoreKind::RocksDb {
                    path: "d".into(),
                    min_blob_size: 1024,
                    write_buffer_size: 4_294_967_296,
                },
            ),
            (r#"{"@type":"Sqlite","path":"/d"}"#, StoreKind::Sqlite { path: "/d".into() }),
            (
                r#"{"@type":"FoundationDb"}"#,
                StoreKind::FoundationDb {
                    cluster_file: None,
                    transaction_timeout: None,
                    retry_limit: None,
                    max_retry_delay: None,
                    machine_id: None,
                    datacenter_id: None,
                },
            ),
            (
                r#"{"@type":"FoundationDb","clusterFile":"/f","datacenterId":"c","machineId":"m",
                    "transactionRetryDelay":1000,"transactionRetryLimit":3,"transactionTimeout":60000}"#,
                StoreKind::FoundationDb {
                    cluster_file: Some("/f".into()),
                    transaction_timeout: Some(Duration::from_secs(60)),
                    retry_limit: Some(3),
                    max_retry_delay: Some(Duration::from_secs(1)),
                    machine_id: Some("m".into()),
                    datacenter_id: Some("c".into()),
                },
            ),
            (
                r#"{"@type":"PostgreSql","host":"h"}"#,
                StoreKind::Postgres {
                    host: Some("h".into()),
                    port: 5432,
                    database: "stalwart".into(),
                    user: Some("stalwart".into()),
                    password: None,
                    options: None,
                    timeout: Some(Duration::from_secs(15)),
                    tls: false,
                    allow_invalid_certs: false,
                },
            ),
            (
                r#"{"@type":"PostgreSql","host":"/run","port":1,"database":"m","authUsername":null,
                    "authSecret":{"secret":"s","@type":"Value"},"options":"-c search_path=x","timeout":null,
                    "useTls":true,"allowInvalidCerts":true,"readReplicas":{"0":{"host":"r"}}}"#,
                StoreKind::Postgres {
                    host: Some("/run".into()),
                    port: 1,
                    database: "m".into(),
                    user: Some("someone".into()),
                    password: Some(Secret::new("s")),
                    options: Some("-c search_path=x".into()),
                    timeout: None,
                    tls: true,
                    allow_invalid_certs: true,
                },
            ),
            (
                r#"{"@type":"MySql","host":"h"}"#,
                StoreKind::Mysql {
                    host: "h".into(),
                    port: 3306,
                    database: "stalwart".into(),
                    user: Some("stalwart".into()),
                    password: None,
                    max_allowed_packet: None,
                    timeout: Some(Duration::from_secs(15)),
                    tls: false,
                    allow_invalid_certs: false,
                },
            ),
            (
                r#"{"@type":"MySql","host":"h","port":2,"database":"m","authUsername":null,"timeout":1,
                    "authSecret":{"@type":"None"},"maxAllowedPacket":1024,"useTls":true}"#,
                StoreKind::Mysql {
                    host: "h".into(),
                    port: 2,
                    database: "m".into(),
                    user: None,
                    password: None,
                    max_allowed_packet: Some(1024),
                    timeout: Some(Duration::from_millis(1)),
                    tls: true,
                    allow_invalid_certs: false,
                },
            ),
        ] {
            assert_eq!(store(text).unwrap_or_else(|e| panic!("{text}: {e}")), kind);
        }
    }

    #[test]
    fn secrets() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        std::fs::write(dir.path().join("pw"), " s\n t \r\n\n").unwrap();
        std::fs::write(dir.path().join("empty"), " \n").unwrap();
        let with = |secret: &str| store(&format!(r#"{{"@type":"MySql","host":"h","authSecret":{secret}}}"#));
        for (secret, expect) in [
            (r#"{"@type":"None"}"#.to_string(), None),
            (r#"{"@type":"Value","secret":" as it is "}"#.to_string(), Some(" as it is ")),
            (r#"{"@type":"Value","secret":""}"#.to_string(), Some("")),
            (r#"{"@type":"EnvironmentVariable","variableName":" PW "}"#.to_string(), Some("secret")),
            (format!(r#"{{"@type":"File","filePath":" {at}/pw\t"}}"#), Some(" s\n t")),
        ] {
            let StoreKind::Mysql { password, .. } = with(&secret).unwrap() else { panic!("no MySQL") };
            assert_eq!(password.as_ref().map(Secret::expose), expect, "{secret}");
        }
        for (secret, message) in [
            ("\"plain\"".to_string(), "a member is not an object with @type"),
            ("null".to_string(), "a member is not an object with @type"),
            ("{}".to_string(), "the configuration lacks a member"),
            (r#"{"@type":"value","secret":"x"}"#.to_string(), "a member is not None, Value, Env"),
            (r#"{"@type":"Value"}"#.to_string(), "the configuration lacks a member"),
            (r#"{"@type":"Value","secret":null}"#.to_string(), "a member is not a string"),
            (
                r#"{"@type":"EnvironmentVariable","variableName":"NONE"}"#.to_string(),
                "an environment variable",
            ),
            (
                r#"{"@type":"EnvironmentVariable","variableName":"EMPTY"}"#.to_string(),
                "an environment variable",
            ),
            (format!(r#"{{"@type":"File","filePath":"{at}/none"}}"#), "a file that holds a secret cannot"),
            (format!(r#"{{"@type":"File","filePath":"{at}/empty"}}"#), "a file that holds a secret is empty"),
            (format!(r#"{{"@type":"File","filePath":"{at}"}}"#), "a file that holds a secret is a directory"),
        ] {
            let error = with(&secret).unwrap_err();
            assert!(error.message().starts_with(message), "{secret}: {error}");
            assert!(error.context("key").unwrap().starts_with("authSecret"), "{error}");
            assert_eq!(error.context("file"), Some("/c.json"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_member_and_file() {
        for (text, expect) in [
            (
                "{",
                "the configuration is no valid JSON (line 1, column 1); \
                 correct it there; the server does not start on it either",
            ),
            (
                "{\n\"@type\":\"Sqlite\", // c\n}",
                "the configuration is no valid JSON (line 2, column 19); \
                 correct it there; the server does not start on it either",
            ),
            (
                r#"{"@type":"Sqlite",}"#,
                "the configuration is no valid JSON (line 1, column 19); \
                 correct it there; the server does not start on it either",
            ),
            (r#"{}"#, "the configuration lacks a member (key @type, file /c.json); add it"),
            (
                r#"{"@type":"sqlite"}"#,
                "unknown store type sqlite (key @type, file /c.json); \
                 use one of RocksDb, Sqlite, FoundationDb, PostgreSql, MySql, in this spelling",
            ),
            (r#"{"@type":"Sqlite"}"#, "the configuration lacks a member (key path, file /c.json); add it"),
            (
                r#"{"@type":"RocksDb","path":""}"#,
                "a member that is needed is empty (key path, file /c.json); give it a value",
            ),
            (
                r#"{"@type":"Sqlite","path":null}"#,
                "a member is not a string (key path, file /c.json); correct it",
            ),
            (
                r#"{"@type":"RocksDb","path":"d","blobSize":"16834"}"#,
                "a member is not a whole number in range, without quotes (key blobSize, file /c.json); correct it",
            ),
            (
                r#"{"@type":"RocksDb","path":"d","blobSize":null}"#,
                "a member is not a whole number in range, without quotes (key blobSize, file /c.json); correct it",
            ),
            (
                r#"{"@type":"MySql","host":"h","port":65536}"#,
                "a member is not a whole number in range, without quotes (key port, file /c.json); correct it",
            ),
            (
                r#"{"@type":"MySql","host":"h","timeout":1.5}"#,
                "a member is not a whole number in range, without quotes (key timeout, file /c.json); correct it",
            ),
            (
                r#"{"@type":"MySql","host":"h","useTls":"true"}"#,
                "a member is not true or false (key useTls, file /c.json); correct it",
            ),
        ] {
            refuse(text, expect);
        }
        let deep = format!(r#"{{"@type":"Sqlite","path":"d","x":{}}}"#, "[".repeat(100_000));
        assert_eq!(store(&deep).unwrap_err().message(), "the configuration is no valid JSON");
        let large = format!(r#"{{"@type":"Sqlite","path":"{}"}}"#, "d".repeat(1 << 20));
        assert_eq!(store(&large).unwrap_err().message(), "the configuration is larger than 1048576 bytes");
    }
}
