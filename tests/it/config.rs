//! Whole configurations, as a caller reads them: from a file to stores, or to an error that helps.

mod blob_config;
mod registry;
mod secrets;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stalwart_migrate::base::error::{Error, ErrorKind, Result};
use stalwart_migrate::catalog::{BackendKind, StoreGroup};
use stalwart_migrate::config::{Compression, Config, Era, StoreConfig, StoreKind};
use stalwart_migrate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, RocksDbSettings, S3Settings, Secret,
};

const CANARY: &str = "hunter2-canary";

fn env(name: &str) -> Option<String> {
    let value = match name {
        "STORE_DIR" => "/srv/stalwart",
        "STORE_DB" => "stalwart",
        "STORE_PASSWORD" => CANARY,
        "USER" => "someone",
        _ => return None,
    };
    Some(value.to_string())
}

fn no_row(_: &str) -> Result<Option<String>> {
    Ok(None)
}

/// A configuration in a directory of its own.
struct Written {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn written(text: impl AsRef<[u8]>) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, text).unwrap();
    Written { _dir: dir, path }
}

fn config(text: &str) -> Config {
    Config::load(&written(text).path, env).unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

/// The data store `d` with these settings.
fn data(lines: &str) -> Result<StoreConfig> {
    config(&format!("storage.data = \"d\"\n[store.d]\n{lines}")).data_store()
}

/// The blob store `b` with these settings.
fn blob(lines: &str) -> Result<StoreConfig> {
    config(&format!("storage.blob = \"b\"\n[store.b]\n{lines}")).blob_store(no_row)
}

/// The error's text with the path of the configuration as `FILE`.
fn text(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let file = error.context("file").unwrap();
    assert!(Path::new(file).is_absolute(), "{error}");
    error.to_string().replace(file, "FILE")
}

#[test]
fn configurations_of_real_servers() {
    for (file, kind, location) in [
        ("stalwart-0.13.4/config/rocksdb.toml", BackendKind::RocksDb, "/srv/stalwart/rocksdb"),
        ("stalwart-0.13.4/config/sqlite.toml", BackendKind::Sqlite, "/srv/stalwart/sqlite/stalwart.sqlite3"),
        ("stalwart-0.15.5/config/rocksdb.toml", BackendKind::RocksDb, "/srv/stalwart/rocksdb"),
        ("stalwart-0.15.5/config/sqlite.toml", BackendKind::Sqlite, "/srv/stalwart/sqlite/stalwart.sqlite3"),
        (
            "stalwart-0.15.5/config/postgresql.toml",
            BackendKind::Postgres,
            "postgresql://127.0.0.1:5432/stalwart",
        ),
        ("stalwart-0.15.5/config/mysql.toml", BackendKind::Mysql, "mysql://127.0.0.1:3306/stalwart"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
        let config = Config::load(&path, env).unwrap();
        assert_eq!((config.era(), config.file(), config.notices()), (Era::Toml, path.as_path(), &[][..]));
        let data = config.data_store().unwrap();
        assert_eq!((data.id.as_str(), data.compression), ("db", Compression::Lz4), "{file}");
        assert_eq!((data.kind.backend(), data.location().as_str()), (Some(kind), location));
        assert_eq!(config.blob_store(no_row).unwrap(), data);
        assert_eq!(config.elsewhere(no_row).unwrap(), []);

        // Without its variables none of them can be used, and the error says which one is missing where.
        let error = Config::load(&path, |_| None).unwrap().data_store().unwrap_err();
        assert!(text(&error).starts_with("an environment variable is not set or not UTF-8 (name STORE_D"));
        assert!(text(&error).ends_with(", file FILE); set it as the server's service does"), "{error}");
    }
}

#[test]
fn configurations_of_real_servers_of_the_json_era() {
    let here = std::env::current_dir().unwrap();
    for (file, kind, location) in [
        ("rocksdb.json", BackendKind::RocksDb, here.join("rocksdb").display().to_string()),
        ("sqlite.json", BackendKind::Sqlite, here.join("sqlite/stalwart.sqlite3").display().to_string()),
        ("postgresql.json", BackendKind::Postgres, "postgresql://127.0.0.1:5432/stalwart".to_string()),
        ("mysql.json", BackendKind::Mysql, "mysql://127.0.0.1:3306/stalwart".to_string()),
    ] {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stalwart-0.16.18/config");
        let config = Config::load(&fixtures.join(file), env).unwrap();
        assert_eq!((config.era(), config.notices()), (Era::Json, &[][..]), "{file}");
        let data = config.data_store().unwrap();
        assert_eq!((data.id.as_str(), data.compression), ("data", Compression::Lz4), "{file}");
        assert_eq!((data.kind.backend(), data.location()), (Some(kind), location));
        if let StoreKind::Postgres(PostgresSettings { password, .. })
        | StoreKind::Mysql(MysqlSettings { password, .. }) = &data.kind
        {
            assert_eq!(password.as_ref().map(Secret::expose), Some(CANARY));
            let error = Config::load(&fixtures.join(file), |_| None).unwrap().data_store().unwrap_err();
            assert_eq!(
                text(&error),
                "an environment variable is not set, empty or not UTF-8 \
                 (key authSecret.variableName, name STORE_PASSWORD, file FILE); \
                 set it as the server's service does"
            );
        }
        // The data store is no safe guess: the database may name another one.
        let error = config.blob_store(no_row).unwrap_err();
        assert_eq!(
            text(&error),
            "a config.json names no blob store (file FILE); look for the registry object BlobStore in the database"
        );
        assert_eq!(config.elsewhere(no_row).unwrap(), []);
    }
}

#[test]
fn settings_and_defaults_of_data_stores() {
    let path = PathBuf::from("/d");
    for (lines, kind) in [
        (
            "type = \"RocksDB\"\npath = \"/d\"\n",
            StoreKind::RocksDb(RocksDbSettings {
                path: path.clone(),
                min_blob_size: 16_834,
                write_buffer_size: 134_217_728,
            }),
        ),
        (
            "type = \"rocksdb\"\npath = \"data/x\"\nmin-blob-size = 1\nwrite-buffer-size = 2\npool.workers = x\n",
            StoreKind::RocksDb(RocksDbSettings {
                path: "data/x".into(),
                min_blob_size: 1,
                write_buffer_size: 2,
            }),
        ),
        ("type = \"sqlite\"\npath = \"/d\"\n", StoreKind::Sqlite { path }),
        (
            "type = \"postgresql\"\ndatabase = \"m\"\n",
            StoreKind::Postgres(PostgresSettings {
                host: None,
                port: 5432,
                database: "m".into(),
                user: Some("someone".into()),
                password: None,
                options: None,
                timeout: None,
                tls: false,
                allow_plaintext: false,
                allow_invalid_certs: false,
            }),
        ),
        (
            "type = \"postgresql\"\ndatabase = \"m\"\nhost = \"h\"\nport = 1\nuser = \"u\"\npassword = \"p\"\n\
             options = \"-c search_path=x\"\ntimeout = \"15s\"\ntls.enable = true\n\
             tls.allow-invalid-certs = true\n",
            StoreKind::Postgres(PostgresSettings {
                host: Some("h".into()),
                port: 1,
                database: "m".into(),
                user: Some("u".into()),
                password: Some(Secret::new("p")),
                options: Some(Secret::new("-c search_path=x")),
                timeout: Some(Duration::from_secs(15)),
                tls: true,
                allow_plaintext: false,
                allow_invalid_certs: true,
            }),
        ),
        (
            "type = \"mysql\"\ndatabase = \"m\"\nhost = \"h\"\ntimeout = \"never\"\n",
            StoreKind::Mysql(MysqlSettings {
                host: "h".into(),
                port: 3306,
                database: "m".into(),
                user: None,
                password: None,
                max_allowed_packet: None,
                timeout: None,
                tls: false,
                allow_invalid_certs: false,
            }),
        ),
        (
            "type = \"mysql\"\ndatabase = \"m\"\nhost = \"h\"\nmax-allowed-packet = 1024\nport = 2\nuser = \"\"\n",
            StoreKind::Mysql(MysqlSettings {
                host: "h".into(),
                port: 2,
                database: "m".into(),
                user: Some(String::new()),
                password: None,
                max_allowed_packet: Some(1024),
                timeout: None,
                tls: false,
                allow_invalid_certs: false,
            }),
        ),
        (
            "type = \"foundationdb\"\n",
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
            "type = \"foundationdb\"\ncluster-file = \"/f\"\ntransaction.timeout = \"1m\"\n\
             transaction.retry-limit = 3\ntransaction.max-retry-delay = \"1s\"\nids.machine = \"m\"\n\
             ids.datacenter = \"c\"\n",
            StoreKind::FoundationDb(FoundationDbSettings {
                cluster_file: Some("/f".into()),
                transaction_timeout: Some(Duration::from_secs(60)),
                retry_limit: Some(3),
                max_retry_delay: Some(Duration::from_secs(1)),
                machine_id: Some("m".into()),
                datacenter_id: Some("c".into()),
            }),
        ),
    ] {
        let expect = StoreConfig::new("d", Compression::None, kind);
        assert_eq!(data(lines).unwrap_or_else(|e| panic!("{lines:?}: {e}")), expect);
    }
}

#[test]
fn settings_and_defaults_of_blob_stores() {
    for (lines, kind) in [
        ("type = \"fs\"\npath = \"/b\"\n", StoreKind::Fs(FsSettings { path: "/b".into(), depth: 2 })),
        (
            "type = \"fs\"\npath = \"/b\"\ndepth = 0\n",
            StoreKind::Fs(FsSettings { path: "/b".into(), depth: 0 }),
        ),
        (
            "type = \"fs\"\npath = \"/b\"\ndepth = 4711\n",
            StoreKind::Fs(FsSettings { path: "/b".into(), depth: 5 }),
        ),
        (
            "type = \"s3\"\nbucket = \"b\"\nregion = \"eu-central-1\"\n",
            StoreKind::S3(S3Settings {
                bucket: "b".into(),
                region: "eu-central-1".into(),
                endpoint: None,
                access_key: None,
                secret_key: None,
                security_token: None,
                session_token: None,
                profile: None,
                timeout: Duration::from_secs(30),
                max_retries: 3,
                key_prefix: None,
                allow_invalid_certs: false,
            }),
        ),
        (
            "type = \"s3\"\nbucket = \"b\"\nregion = \"x\"\nendpoint = \"\"\naccess-key = \"\"\nsecret-key = \"k\"\n\
             security-token = \"t\"\nsession-token = \"u\"\nprofile = \"p\"\ntimeout = 500\nmax-retries = 0\n\
             key-prefix = \"mail/\"\n",
            StoreKind::S3(S3Settings {
                bucket: "b".into(),
                region: "x".into(),
                endpoint: Some(Endpoint::new("")),
                access_key: Some(Secret::new("")),
                secret_key: Some(Secret::new("k")),
                security_token: Some(Secret::new("t")),
                session_token: Some(Secret::new("u")),
                profile: Some("p".into()),
                timeout: Duration::from_millis(500),
                max_retries: 0,
                key_prefix: Some("mail/".into()),
                allow_invalid_certs: false,
            }),
        ),
        (
            "type = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\nsas-token = \"s\"\n",
            StoreKind::Azure(AzureSettings {
                account: "a".into(),
                container: "c".into(),
                endpoint: None,
                credential: AzureCredential::SasToken(Secret::new("s")),
                timeout: Duration::from_secs(30),
                max_retries: 3,
                key_prefix: None,
            }),
        ),
    ] {
        let expect = StoreConfig::new("b", Compression::None, kind);
        assert_eq!(blob(lines).unwrap_or_else(|e| panic!("{lines:?}: {e}")), expect);
    }
}

#[test]
fn composite_stores_have_their_own_id_and_compression() {
    let config = config(
        "[storage]\ndata = \"all\"\nblob = \"spread\"\n\
         [store.all]\ntype = \"sql-read-replica\"\nprimary = \"pg.1\"\nreplicas = [\"r\"]\ncompression = \"lz4\"\n\
         [store.\"pg.1\"]\ntype = \"postgresql\"\ndatabase = \"m\"\nhost = \"h\"\n\
         [store.spread]\ntype = \"distributed-blob\"\nstores = [\"f1\", \"all\", \"f0\"]\n\
         [store.f0]\ntype = \"fs\"\npath = \"/0\"\ncompression = \"lz4\"\n\
         [store.f1]\ntype = \"fs\"\npath = \"/1\"\n",
    );
    let data = config.data_store().unwrap();
    assert_eq!((data.id.as_str(), data.compression), ("all", Compression::Lz4));
    assert_eq!(data.location(), "postgresql://h:5432/m");
    let blob = config.blob_store(no_row).unwrap();
    assert_eq!((blob.id.as_str(), blob.compression), ("spread", Compression::None));
    assert_eq!(blob.location(), "sharded over /1, postgresql://h:5432/m, /0");
    let StoreKind::Sharded { stores } = blob.kind else { panic!("no shards") };
    assert_eq!(stores.get(1), Some(&data));
}

#[test]
fn errors_in_a_store_name_key_line_and_file() {
    for (lines, expect) in [
        (
            "",
            "store d is not defined: no key store.d.type (key storage.data, line 1, file FILE); \
              define it in this file",
        ),
        (
            "[store.e]\ntype = \"fs\"\n[Store.D]\ntype = \"sqlite\"\n[store.D]\n",
            "store d is not defined: no key store.d.type (key storage.data, line 1, file FILE); \
             define it in this file, which defines e",
        ),
        (
            "type = \"redis\"\n",
            "a store of type redis cannot be the data store (key store.d.type, line 3, file FILE); \
             let storage.data name another store",
        ),
        (
            "type = \"fs\"\n",
            "a store of type fs cannot be the data store (key store.d.type, line 3, file FILE); \
             let storage.data name another store",
        ),
        (
            "type = \"oracle\"\n",
            "unknown store type oracle (key store.d.type, line 3, file FILE); \
             use one of rocksdb, sqlite, postgresql, mysql, foundationdb, sql-read-replica",
        ),
        ("type = \"sqlite\"\n", "the configuration has no key store.d.path (file FILE); add it"),
        (
            "type = \"rocksdb\"\npath = \"\"\n",
            "a setting that is needed is empty (key store.d.path, line 4, file FILE); give it a value",
        ),
        (
            "type = \"mysql\"\nhost = \"h\"\n",
            "the configuration has no key store.d.database (file FILE); add it",
        ),
        ("type = \"mysql\"\n", "the configuration has no key store.d.host (file FILE); add it"),
        (
            "type = \"mysql\"\nhost = \"h\"\nport = 65536\ndatabase = \"m\"\n",
            "the value 65536 is wrong (key store.d.port, line 5, file FILE); \
             write a whole number in range, without unit; the server silently uses its default instead",
        ),
        (
            "type = \"rocksdb\"\npath = \"/d\"\nmin-blob-size = \"16kb\"\n",
            "the value 16kb is wrong (key store.d.min-blob-size, line 5, file FILE); \
             write a whole number in range, without unit; the server silently uses its default instead",
        ),
        (
            "type = \"sqlite\"\npath = \"/d\"\ncompression = \"LZ4\"\n",
            "the value LZ4 is wrong (key store.d.compression, line 5, file FILE); \
             write lz4 or none, in lower case; the server silently uses its default instead",
        ),
        (
            "type = \"postgresql\"\ndatabase = \"m\"\ntls.enable = \"yes\"\n",
            "the value yes is wrong (key store.d.tls.enable, line 5, file FILE); \
             write true or false; the server silently uses its default instead",
        ),
        (
            "type = \"sql-read-replica\"\nprimary = \"e\"\n[store.e]\ntype = \"sqlite\"\n",
            "a store of type sqlite cannot be the primary of replicated databases \
             (key store.e.type, line 6, file FILE); let store.d.primary name another store",
        ),
        (
            "type = \"sqlite\"\npath = \"%{env:NONE}%\"\n",
            "an environment variable is not set or not UTF-8 (name NONE, key store.d.path, line 4, file FILE); \
             set it as the server's service does",
        ),
    ] {
        assert_eq!(text(&data(lines).unwrap_err()), expect, "{lines:?}");
    }
    for (lines, expect) in [
        (
            "type = \"shared-blob\"\n",
            "unknown store type shared-blob (key store.b.type, line 3, file FILE); write sharded-blob",
        ),
        (
            "type = \"filesystem\"\n",
            "unknown store type filesystem (key store.b.type, line 3, file FILE); write fs",
        ),
        (
            "type = \"sharded-blob\"\n",
            "the configuration has no key store.b.stores (file FILE); list the members of the sharded store",
        ),
        (
            "type = \"sharded-blob\"\nstores = \"b\"\n",
            "a store of type sharded-blob cannot be a member of a sharded blob store \
             (key store.b.type, line 3, file FILE); let store.b.stores name another store",
        ),
        (
            "type = \"sharded-blob\"\nstores = [\"c\"]\n",
            "store c is not defined: no key store.c.type (key store.b.stores, line 4, file FILE); \
             define it in this file, which defines b",
        ),
        (
            "type = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\n",
            "the configuration has no key store.b.azure-access-key (file FILE); add it, or sas-token",
        ),
        (
            "type = \"azure\"\nazure-access-key = \"x\"\nsas-token = \"y\"\n",
            "an Azure store has both azure-access-key and sas-token (key store.b.sas-token, line 5, file FILE); \
             keep one of the two",
        ),
        (
            "type = \"s3\"\nbucket = \"b\"\nendpoint = \"https://x\"\n",
            "the configuration has no key store.b.region (file FILE); add it",
        ),
        (
            "type = \"s3\"\nbucket = \"b\"\nregion = \"r\"\ntimeout = 0\n",
            "the value 0 is wrong (key store.b.timeout, line 6, file FILE); write a duration above zero as \
             digits and one of d, h, m, s, ms; the server silently uses its default instead",
        ),
    ] {
        assert_eq!(text(&blob(lines).unwrap_err()), expect, "{lines:?}");
    }
    let error = config("a = 1\n").data_store().unwrap_err();
    assert_eq!(text(&error), "the configuration has no key storage.data (file FILE); add it");
}

#[test]
fn macros_matter_only_where_they_are_needed() {
    let config = config(
        "[storage]\ndata = \"d\"\nblob = \"%{cfg:storage.data}%\"\nlookup = \"r\"\n\
         [store.d]\ntype = \"sqlite\"\npath = \"%{env:STORE_DIR}%/x\"\n\
         [store.r]\ntype = \"redis\"\nurls = \"%{env:NONE}%\"\n\
         [store.s]\ntype = \"%{env:NONE}%\"\n[tracing.history]\nstore = \"s\"\n[metrics.history]\nstore = \"%{env:NONE}%\"\n",
    );
    assert_eq!(config.data_store().unwrap().location(), "/srv/stalwart/x");
    assert_eq!(config.blob_store(no_row).unwrap().id, "d");
    let found = config.elsewhere(no_row).unwrap();
    let found: Vec<_> = found.iter().map(|e| (e.role, e.key, e.store.as_str(), e.kind.as_deref())).collect();
    assert_eq!(
        found,
        [
            (StoreGroup::Lookup, "storage.lookup", "r", Some("redis")),
            (StoreGroup::Telemetry, "tracing.history.store", "s", None),
            (StoreGroup::Telemetry, "metrics.history.store", "%{env:NONE}%", None),
        ]
    );
    let config = self::config("[storage]\ndata = \"d\"\nlookup = \"%{env:NONE}%\"\n");
    let error = text(&config.elsewhere(no_row).unwrap_err());
    assert!(error.contains("name NONE, key storage.lookup, line 3, file FILE"), "{error}");
}

#[test]
fn the_database_is_asked_only_where_the_file_leaves_it_the_choice() {
    let stores = "[store.d]\ntype = \"sqlite\"\npath = \"/d\"\n[store.f]\ntype = \"fs\"\npath = \"/f\"\n";
    let row = |key: &str| Ok((key == "storage.blob").then(|| "f".to_string()));
    for (storage, expect) in [
        ("storage.blob = \"d\"\n", Ok("d")),
        ("", Err("the configuration has no key storage.blob")),
        ("config.local-keys = \"storage.data\"\n", Ok("f")),
        ("config.local-keys = [\"storage.data\", \"store.*\"]\n", Ok("f")),
        ("config.local-keys = [\"storage.data\"]\nstorage.blob = \"d\"\n", Ok("d")),
        ("config.local-keys = [\"storage.*\"]\n", Err("the configuration has no key storage.blob")),
        ("config.local-keys = [\"*\", \"!STORAGE.BLOB\"]\n", Ok("f")),
        ("config.local-keys = [\"%{env:NONE}%\"]\n", Err("an environment variable is not set or not UTF-8")),
    ] {
        let config = config(&format!("storage.data = \"d\"\n{storage}{stores}"));
        let found = config.blob_store(row);
        match (&found, expect) {
            (Ok(store), Ok(id)) => assert_eq!(store.id, id, "{storage:?}"),
            (Err(error), Err(message)) => assert_eq!(error.message(), message, "{storage:?}"),
            _ => panic!("{storage:?}: {found:?}"),
        }
    }
    // Macros of the database are plain text, and a failure to read it is passed on.
    let config = config(&format!("config.local-keys = \"x\"\nstorage.data = \"d\"\n{stores}"));
    let error = config.blob_store(|_| Ok(Some("%{env:STORE_DIR}%".to_string()))).unwrap_err();
    assert!(error.to_string().starts_with("store %{env:STORE_DIR}% is not defined"), "{error}");
    let error = config.blob_store(|_| Err(Error::io("no database"))).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Io, "no database"));
    // Telemetry is never local by default; search is.
    let config = self::config(&format!("storage.data = \"d\"\nstorage.fts = \"d\"\n{stores}"));
    let found = config.elsewhere(|_| Ok(Some("f".to_string()))).unwrap();
    let keys: Vec<_> = found.iter().map(|e| (e.key, e.kind.as_deref())).collect();
    assert_eq!(keys, [("tracing.history.store", Some("fs")), ("metrics.history.store", Some("fs"))]);
}

#[test]
fn what_is_no_readable_file_is_refused() {
    let load = |path: &Path| text(&Config::load(path, env).unwrap_err());
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        load(&dir.path().join("none.toml")),
        "the configuration cannot be read (file FILE): No such file or directory (os error 2); check the path"
    );
    assert_eq!(load(Path::new("no/such.toml")).matches("FILE").count(), 1);
    assert_eq!(load(dir.path()), "the configuration is a directory (file FILE); name a file");
    assert_eq!(
        load(Path::new("/dev/zero")),
        "the configuration is no regular file (file FILE); name a regular file, not a pipe or device"
    );
    let fifo = dir.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(load(&fifo).starts_with("the configuration is no regular file"));
    assert!(
        load(&written(b"a = \"\xff\"\n").path)
            .starts_with("the configuration is not UTF-8 text, from byte 5 on (file FILE)")
    );
    let large = written("");
    fs::File::create(&large.path).unwrap().set_len((16 << 20) + 1).unwrap();
    assert!(load(&large.path).starts_with("the configuration is larger than 16777216 bytes (file FILE)"));
    let secret = written("a = 1\n");
    fs::set_permissions(&secret.path, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads it all the same.
    if fs::File::open(&secret.path).is_err() {
        assert!(
            load(&secret.path).starts_with("the configuration cannot be read (file FILE): Permission denied")
        );
    }
    assert_eq!(
        load(&written("a = 1\n\nb = ?\n").path),
        "a value without quotes can only hold letters, digits, dots, + and - \
         (line 3, column 5, key b, file FILE); put it in double quotes"
    );
}

#[test]
fn a_file_without_a_last_newline_is_read_with_a_notice() {
    let written = written("storage.data = \"d\"\nstore.d.type = \"sqlite\"\nstore.d.path = \"x\"");
    let config = Config::load(&written.path, env).unwrap();
    let expect = format!(
        "{} ends without a newline after line 3; the server refuses it like that",
        written.path.display()
    );
    assert_eq!(config.notices(), [expect]);
    let here = std::env::current_dir().unwrap().join("x");
    assert_eq!(config.data_store().unwrap().location(), here.to_str().unwrap());
}

#[test]
fn locations_hold_no_credentials() {
    let s3 = |endpoint: &str, extra: &str| {
        blob(&format!(
            "type = \"s3\"\nbucket = \"b\"\nregion = \"r\"\nendpoint = \"{endpoint}\"\nkey-prefix = \"p\"\n{extra}"
        ))
    };
    assert_eq!(s3("https://minio.test:9000/", "").unwrap().location(), "s3://minio.test:9000/b/p");
    let error = s3(&format!("https://u:{CANARY}@x"), "").unwrap_err();
    assert!(text(&error).starts_with("the endpoint holds credentials (key store.b.endpoint, line 6"));
    let socket = data("type = \"postgresql\"\ndatabase = \"m\"\nhost = \"/run/pg\"\n").unwrap();
    assert_eq!(socket.location(), "postgresql:///run/pg:5432/m");
}
