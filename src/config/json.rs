//! `config.json` of Stalwart 0.16, which is one object, the data store; and a blob store in the same format.
//!
//! Contains the members that decide where data is and how to reach it; pools and replicas only matter to the server.
//! Everything else of that era, including the blob store, is in the database, so a blob store in JSON comes from the
//! administrator. source: `crates/store/src/registry/local.rs`, `crates/registry/src/schema/structs.rs` @ v0.16.18

mod members;

use std::path::Path;

use serde_json::{Map, Value};

use crate::base::error::{Error, Result};
use crate::config::macros::Lookup;
use crate::config::object::{self, BLOB_STORES, FEWEST_SHARDS, Members, SHARDED, blob_store_of, shard_of};
use crate::config::store::{BlobPlace, Compression, StoreConfig, StoreKind};
use crate::settings::{RocksDbSettings, shown};
use members::Object;

/// The id of the only store of such a file.
const ID: &str = "data";

/// Limit in bytes of a file that is parsed: its parsed form takes many times as much memory.
const MAX_TEXT: usize = 1 << 20;

/// A file that is one JSON object.
pub(super) struct Json(Map<String, Value>);

impl Json {
    /// Parses the whole file. Errors are of kind usage and name line and column, never a value.
    pub(super) fn parse(text: &str) -> Result<Json> {
        if text.len() > MAX_TEXT {
            let what = format!("the configuration is larger than {MAX_TEXT} bytes");
            return Err(Error::usage(what).help("name another file"));
        }
        match serde_json::from_str(text) {
            Ok(map) => Ok(Json(map)),
            // Only the syntax can be wrong: a text that parses and starts like an object is one.
            Err(e) => Err(Error::usage("the configuration is no valid JSON")
                .with("line", e.line().to_string())
                .with("column", e.column().to_string())
                .help("correct it there; the server does not read it either")),
        }
    }

    /// The data store. Errors are of kind usage and name member and file.
    pub(super) fn data_store(&self, env: Lookup<'_>, file: &Path) -> Result<StoreConfig> {
        let object = Object { map: &self.0, within: String::new(), env, checked: false };
        let kind = data_store(object).map_err(|e| e.with("file", shown(&file.to_string_lossy())))?;
        // The server's own importer compresses blobs under any settings.
        Ok(StoreConfig::new(ID, Compression::Lz4, kind))
    }

    /// The blob store described by the object. Errors are of kind usage and name member and file.
    pub(super) fn blob_place(&self, env: Lookup<'_>, file: &Path) -> Result<BlobPlace> {
        let object = Object { map: &self.0, within: String::new(), env, checked: true };
        blob_place(object).map_err(|e| e.with("file", shown(&file.to_string_lossy())))
    }
}

fn blob_place(mut object: Object<'_>) -> Result<BlobPlace> {
    let name = object.filled("@type")?;
    let kind = match name.as_str() {
        "Default" => return Ok(BlobPlace::DataStore),
        SHARDED => StoreKind::Sharded { stores: shards(&object)? },
        _ => object::blob_store(&name, &mut object)?
            .ok_or_else(|| unknown(&object, &name, &["Default", SHARDED]))?,
    };
    Ok(BlobPlace::Elsewhere(blob_store_of(kind)))
}

/// The members of a sharded store: an object whose names are numbers, which give the order.
fn shards(object: &Object<'_>) -> Result<Vec<StoreConfig>> {
    const LIST: &str = "stores";
    let numbered = "an object with members \"0\", \"1\", …";
    let map = match object.map.get(LIST) {
        Some(Value::Object(map)) => map,
        Some(_) => return Err(object.not(LIST, numbered)),
        None => return Err(object.wrong(LIST, "the configuration lacks a member").help("add it")),
    };
    let list = object.inner(LIST, map);
    let mut members = Vec::new();
    for (name, value) in map {
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let number = name.parse::<u64>().ok().filter(|_| digits);
        members.push((number.ok_or_else(|| object.not(LIST, numbered))?, name, value));
    }
    members.sort_by_key(|(number, ..)| *number);
    if members.windows(2).any(|pair| matches!(pair, [(a, ..), (b, ..)] if a == b)) {
        return Err(object.wrong(LIST, "two members have one number").help("correct it"));
    }
    if members.len() < FEWEST_SHARDS {
        let what = format!("a sharded store has fewer than {FEWEST_SHARDS} members");
        return Err(object.wrong(LIST, what).help("add them, or name the only one itself"));
    }
    let mut stores = Vec::new();
    for (index, (_, name, value)) in (0..).zip(members) {
        let Value::Object(map) = value else { return Err(list.not(name, "an object with @type")) };
        let mut member = list.inner(name, map);
        let kind = member.filled("@type")?;
        let store = object::blob_store(&kind, &mut member)?.ok_or_else(|| unknown(&member, &kind, &[]))?;
        stores.push(shard_of(index, store));
    }
    Ok(stores)
}

fn unknown(object: &Object<'_>, name: &str, before: &[&str]) -> Error {
    let names = [before, &BLOB_STORES].concat().join(", ");
    object
        .wrong("@type", format!("a store of type {} cannot be named here", shown(name)))
        .help(format!("use one of {names}, in this spelling"))
}

fn data_store(mut object: Object<'_>) -> Result<StoreKind> {
    let kind = object.filled("@type")?;
    match kind.as_str() {
        "RocksDb" => Ok(StoreKind::RocksDb(RocksDbSettings {
            path: object.filled("path")?.into(),
            min_blob_size: object.number("blobSize", 0..=u64::MAX, 16_834)?,
            write_buffer_size: object.number("bufferSize", 0..=u64::MAX, 134_217_728)?,
        })),
        "Sqlite" => Ok(StoreKind::Sqlite { path: object.filled("path")?.into() }),
        "FoundationDb" => object::foundationdb(&mut object),
        "PostgreSql" => object::postgres(&mut object),
        "MySql" => object::mysql(&mut object),
        other => Err(object
            .wrong("@type", format!("unknown store type {}", shown(other)))
            .help("use one of RocksDb, Sqlite, FoundationDb, PostgreSql, MySql, in this spelling")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::{FoundationDbSettings, MysqlSettings, PostgresSettings, RocksDbSettings, Secret};

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
        assert_eq!(error.kind(), crate::base::error::ErrorKind::Usage);
    }

    #[test]
    fn members_and_defaults() {
        for (text, kind) in [
            (
                r#" {"path":"/d/","@type":"RocksDb","cacheSize":1,"unknown":{}}"#,
                StoreKind::RocksDb(RocksDbSettings {
                    path: "/d/".into(),
                    min_blob_size: 16_834,
                    write_buffer_size: 134_217_728,
                }),
            ),
            (
                r#"{"@type":"RocksDb","path":"d","blobSize":1024,"bufferSize":4294967296,"poolWorkers":null}"#,
                StoreKind::RocksDb(RocksDbSettings {
                    path: "d".into(),
                    min_blob_size: 1024,
                    write_buffer_size: 4_294_967_296,
                }),
            ),
            (r#"{"@type":"Sqlite","path":"/d"}"#, StoreKind::Sqlite { path: "/d".into() }),
            (
                r#"{"@type":"FoundationDb"}"#,
                StoreKind::FoundationDb(FoundationDbSettings {
                    cluster_file: None,
                    transaction_timeout: None,
                    retry_limit: None,
                    max_retry_delay: None,
                    machine_id: None,
                    datacenter_id: None,
                }),
            ),
            (
                r#"{"@type":"FoundationDb","clusterFile":"/f","datacenterId":"c","machineId":"m",
                    "transactionRetryDelay":1000,"transactionRetryLimit":3,"transactionTimeout":60000}"#,
                StoreKind::FoundationDb(FoundationDbSettings {
                    cluster_file: Some("/f".into()),
                    transaction_timeout: Some(Duration::from_secs(60)),
                    retry_limit: Some(3),
                    max_retry_delay: Some(Duration::from_secs(1)),
                    machine_id: Some("m".into()),
                    datacenter_id: Some("c".into()),
                }),
            ),
            (
                r#"{"@type":"PostgreSql","host":"h"}"#,
                StoreKind::Postgres(PostgresSettings {
                    host: Some("h".into()),
                    port: 5432,
                    database: "stalwart".into(),
                    user: Some("stalwart".into()),
                    password: None,
                    options: None,
                    timeout: Some(Duration::from_secs(15)),
                    tls: false,
                    allow_plaintext: false,
                    allow_invalid_certs: false,
                }),
            ),
            (
                r#"{"@type":"PostgreSql","host":"/run","port":1,"database":"m","authUsername":null,
                    "authSecret":{"secret":"s","@type":"Value"},"options":"-c search_path=x","timeout":null,
                    "useTls":true,"allowInvalidCerts":true,"readReplicas":{"0":{"host":"r"}}}"#,
                StoreKind::Postgres(PostgresSettings {
                    host: Some("/run".into()),
                    port: 1,
                    database: "m".into(),
                    user: Some("someone".into()),
                    password: Some(Secret::new("s")),
                    options: Some(Secret::new("-c search_path=x")),
                    timeout: None,
                    tls: true,
                    allow_plaintext: false,
                    allow_invalid_certs: true,
                }),
            ),
            (
                r#"{"@type":"MySql","host":"h"}"#,
                StoreKind::Mysql(MysqlSettings {
                    host: "h".into(),
                    port: 3306,
                    database: "stalwart".into(),
                    user: Some("stalwart".into()),
                    password: None,
                    max_allowed_packet: None,
                    timeout: Some(Duration::from_secs(15)),
                    tls: false,
                    allow_invalid_certs: false,
                }),
            ),
            (
                r#"{"@type":"MySql","host":"h","port":2,"database":"m","authUsername":null,"timeout":1,
                    "authSecret":{"@type":"None"},"maxAllowedPacket":1024,"useTls":true}"#,
                StoreKind::Mysql(MysqlSettings {
                    host: "h".into(),
                    port: 2,
                    database: "m".into(),
                    user: None,
                    password: None,
                    max_allowed_packet: Some(1024),
                    timeout: Some(Duration::from_millis(1)),
                    tls: true,
                    allow_invalid_certs: false,
                }),
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
            let StoreKind::Mysql(MysqlSettings { password, .. }) = with(&secret).unwrap() else {
                panic!("no MySQL")
            };
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
    fn errors_name_member_and_file() {
        for (text, expect) in [
            (
                "{",
                "the configuration is no valid JSON (line 1, column 1); \
                 correct it there; the server does not read it either",
            ),
            (
                "{\n\"@type\":\"Sqlite\", // c\n}",
                "the configuration is no valid JSON (line 2, column 19); \
                 correct it there; the server does not read it either",
            ),
            (
                r#"{"@type":"Sqlite",}"#,
                "the configuration is no valid JSON (line 1, column 19); \
                 correct it there; the server does not read it either",
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
