//! From a configuration to an opened store: which store, which schema version, which blob rule.
//!
//! The only place that knows every backend by name. Reads; never writes.

use std::path::Path;

use crate::backend::{Source, Target};
use crate::blob::BlobRule;
use crate::catalog::{self, BackendKind, SchemaVersion, Table};
use crate::config::{Compression, Config, Elsewhere, Era, StoreConfig, StoreKind};
use crate::console::Console;
use crate::error::{Error, Result};
use crate::lanes::Budget;
use crate::running;
use crate::store::{self, Store};

/// A store that a configuration names, opened for reading.
pub struct Connected {
    /// The store, read by the catalog of its schema version.
    pub store: Store,
    /// How the configuration describes the data store.
    pub data: StoreConfig,
    /// The blob store if it is another one than the data store.
    pub blobs_elsewhere: Option<StoreConfig>,
    /// Stores for other roles that are not covered.
    pub elsewhere: Vec<Elsewhere>,
    /// The process that has the store open, if any.
    pub holder: Option<running::Holder>,
}

/// Reads a configuration, with macros resolved from the environment.
pub fn configuration(path: &Path, console: &Console) -> Result<Config> {
    let config = Config::load(path, |name| std::env::var(name).ok())?;
    for notice in config.notices() {
        console.warn(notice);
    }
    Ok(config)
}

/// Opens the data store of a configuration for reading. `schema` overrides the version the store states.
pub fn open(config: &Config, schema: Option<u32>, budget: &Budget, console: &Console) -> Result<Connected> {
    open_as(config, Reading { schema, ..Reading::default() }, budget, console)
}

/// How a store is opened for reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Overrides the schema version the store states.
    pub schema: Option<u32>,
    /// By whose catalog a store is read that states none.
    pub otherwise: Option<u32>,
    /// Read around damage.
    pub salvage: bool,
}

/// As [`open`], with more to say about how.
pub fn open_as(config: &Config, how: Reading, budget: &Budget, console: &Console) -> Result<Connected> {
    let data = config.data_store()?;
    // Before the store is opened: closing a file gives up the locks this process has on it.
    let holder = running::holder(&data.kind);
    let source = if how.salvage { salvaging(&data, budget)? } else { source(&data, budget)? };
    for note in source.notes() {
        console.say(format!("note: {note}"));
    }
    let version = version(source.as_ref(), &how, &data, console)?;
    if (config.era() == Era::Json) != version.blobs_marked {
        console.warn(format!(
            "the configuration is of another era than the store, whose schema version {} belongs to {}",
            version.number, version.releases
        ));
    }
    if config.era() == Era::Json {
        console.warn(
            "which blob store 0.16 uses stands in its database and is not read yet: blobs are taken from the data \
             store, and those that are kept elsewhere are reported as missing",
        );
    }
    let (blobs_elsewhere, elsewhere) = other_stores(config, &data, source.as_ref(), version)?;
    let rule = blob_rule(&data, version);
    Ok(Connected { store: Store::new(source, version, rule), data, blobs_elsewhere, elsewhere, holder })
}

/// How blobs are encoded in a store of this version.
pub fn blob_rule(data: &StoreConfig, version: &SchemaVersion) -> BlobRule {
    match data.compression {
        _ if version.blobs_marked => BlobRule::Marked,
        Compression::Lz4 => BlobRule::Lz4,
        Compression::None => BlobRule::Raw,
    }
}

/// Opens a damaged store to read what can still be read.
fn salvaging(data: &StoreConfig, budget: &Budget) -> Result<Box<dyn Source>> {
    match &data.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb { path, .. } => {
            Ok(Box::new(crate::backend::rocksdb::RocksSource::salvage(path, budget.engine())?))
        }
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => {
            let connections = budget.jobs * budget.readers();
            Ok(Box::new(crate::backend::sqlite::SqliteSource::salvage(path, budget.engine(), connections)?))
        }
        // A database server reads around nothing; what it can read is read as always.
        _ => source(data, budget),
    }
}

/// Opens a store for reading, whatever is in it.
#[cfg_attr(not(any(feature = "rocksdb", feature = "sqlite", feature = "mysql")), allow(unused_variables))]
pub fn source(data: &StoreConfig, budget: &Budget) -> Result<Box<dyn Source>> {
    match &data.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb { path, .. } => {
            Ok(Box::new(crate::backend::rocksdb::RocksSource::open(path, budget.engine())?))
        }
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => {
            let connections = budget.jobs * budget.readers();
            Ok(Box::new(crate::backend::sqlite::SqliteSource::open(path, budget.engine(), connections)?))
        }
        #[cfg(feature = "postgres")]
        kind @ StoreKind::Postgres { .. } => {
            let settings = postgres(kind, data).ok_or_else(|| unsupported(data))?;
            Ok(Box::new(crate::backend::postgres::PostgresSource::open(settings)?))
        }
        #[cfg(feature = "mysql")]
        kind @ StoreKind::Mysql { .. } => {
            let settings = mysql(kind, data).ok_or_else(|| unsupported(data))?;
            let connections = budget.jobs * budget.readers();
            Ok(Box::new(crate::backend::mysql::MysqlSource::open(settings, connections)?))
        }
        _ => Err(unsupported(data)),
    }
}

/// Opens or creates a store for writing by the catalog of `version`.
#[cfg_attr(not(feature = "rocksdb"), allow(unused_variables))]
pub fn target(data: &StoreConfig, version: &SchemaVersion, budget: &Budget) -> Result<Box<dyn Target>> {
    match &data.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb { path, min_blob_size, .. } => {
            use crate::backend::rocksdb::{RocksTarget, RocksTargetOptions};
            let legacy = version.legacy_tables(BackendKind::RocksDb).filter(|legacy| legacy.required);
            let legacy = legacy.map(|legacy| legacy.table.name.to_string()).collect();
            let options =
                RocksTargetOptions { memory: budget.engine(), min_blob_size: *min_blob_size, legacy };
            Ok(Box::new(RocksTarget::open(path, options)?))
        }
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => {
            Ok(Box::new(crate::backend::sqlite::SqliteTarget::open(path, budget.engine())?))
        }
        #[cfg(feature = "postgres")]
        kind @ StoreKind::Postgres { .. } => {
            let settings = postgres(kind, data).ok_or_else(|| unsupported(data))?;
            Ok(Box::new(crate::backend::postgres::PostgresTarget::open(settings)?))
        }
        #[cfg(feature = "mysql")]
        kind @ StoreKind::Mysql { .. } => {
            let settings = mysql(kind, data).ok_or_else(|| unsupported(data))?;
            Ok(Box::new(crate::backend::mysql::MysqlTarget::open(settings)?))
        }
        _ => Err(unsupported(data)),
    }
}

#[cfg(feature = "postgres")]
fn postgres(kind: &StoreKind, data: &StoreConfig) -> Option<crate::backend::postgres::PostgresSettings> {
    let StoreKind::Postgres {
        host,
        port,
        database,
        user,
        password,
        options,
        timeout,
        tls,
        allow_invalid_certs,
    } = kind.clone()
    else {
        return None;
    };
    let exposed = |secret: Option<crate::config::Secret>| secret.map(|secret| secret.expose().to_string());
    let (password, options) = (exposed(password), exposed(options));
    let place = data.location();
    Some(crate::backend::postgres::PostgresSettings {
        host,
        port,
        database,
        user,
        password,
        options,
        timeout,
        tls,
        allow_invalid_certs,
        place,
    })
}

#[cfg(feature = "mysql")]
fn mysql(kind: &StoreKind, data: &StoreConfig) -> Option<crate::backend::mysql::MysqlSettings> {
    let StoreKind::Mysql {
        host,
        port,
        database,
        user,
        password,
        max_allowed_packet,
        timeout: _,
        tls,
        allow_invalid_certs,
    } = kind.clone()
    else {
        return None;
    };
    let password = password.map(|password| password.expose().to_string());
    let place = data.location();
    Some(crate::backend::mysql::MysqlSettings {
        host,
        port,
        database,
        user,
        password,
        max_allowed_packet,
        tls,
        allow_invalid_certs,
        place,
    })
}

/// Whether anything is there that could be opened for reading. An empty or absent place can become a target.
pub fn exists(data: &StoreConfig) -> Result<bool> {
    match &data.kind {
        StoreKind::RocksDb { path, .. } => match std::fs::read_dir(path) {
            Ok(mut entries) => Ok(entries.next().is_some()),
            Err(error) => absent(path, error, "directory"),
        },
        StoreKind::Sqlite { path } => match std::fs::metadata(path) {
            // SQLite takes an empty file for an empty database.
            Ok(meta) => Ok(!meta.is_file() || meta.len() > 0),
            Err(error) => absent(path, error, "file"),
        },
        _ => Ok(true),
    }
}

/// Tables of every subspace that has one in this backend.
pub fn tables(version: &'static SchemaVersion, kind: BackendKind) -> Vec<&'static Table> {
    version.subspaces.iter().filter_map(|subspace| subspace.table(kind).ok()).collect()
}

fn absent(path: &Path, error: std::io::Error, what: &str) -> Result<bool> {
    match error.kind() {
        std::io::ErrorKind::NotFound => Ok(false),
        std::io::ErrorKind::NotADirectory => Err(Error::usage(format!("the target is not a {what}"))
            .with("path", place(path))
            .because(error)
            .next("check the path in the configuration")),
        _ => Err(Error::io("cannot look at the target")
            .with("path", place(path))
            .because(error)
            .next("run as a user who may use it")),
    }
}

fn place(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

fn unsupported(data: &StoreConfig) -> Error {
    Error::usage("this build cannot use stores of this type")
        .with("store", data.id.clone())
        .with("location", data.location())
        .next("build with the feature of that backend")
}

fn version(
    source: &dyn Source,
    how: &Reading,
    data: &StoreConfig,
    console: &Console,
) -> Result<&'static SchemaVersion> {
    let mut stated = match how.schema {
        // A damaged record must not keep the user from overriding it.
        Some(number) => Some(number),
        None => store::schema_version(source)?,
    };
    if let (None, Some(otherwise)) = (stated, how.otherwise) {
        console.warn(format!(
            "the store states no schema version, as after an unfinished import: read as {otherwise}"
        ));
        stated = Some(otherwise);
    }
    match stated {
        Some(number) => {
            catalog::version(number).ok_or_else(|| unknown_version(number).with("store", data.location()))
        }
        None => {
            Err(Error::refused("the store states no schema version").with("store", data.location()).next(
                "a store of 0.11 or older must be upgraded by its server first; an unfinished import must be \
             finished with --resume; --schema N overrides",
            ))
        }
    }
}

/// The error for a schema version that the catalog does not know, listing those it knows.
pub fn unknown_version(number: u32) -> Error {
    let known: Vec<String> =
        catalog::versions().iter().map(|v| format!("{} ({})", v.number, v.releases)).collect();
    Error::refused(format!("schema version {number} is not supported"))
        .next(format!("supported are {}", known.join(", ")))
}

type OtherStores = (Option<StoreConfig>, Vec<Elsewhere>);

fn other_stores(
    config: &Config,
    data: &StoreConfig,
    source: &dyn Source,
    version: &'static SchemaVersion,
) -> Result<OtherStores> {
    let row = |key: &str| -> Result<Option<String>> {
        let Some(table) = version.settings().and_then(|s| s.table(source.kind()).ok()) else {
            return Ok(None);
        };
        let value = source.get(table, key.as_bytes())?;
        // The server replaces what is not UTF-8 when it reads a setting.
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    // From 0.16 on the stores are registry objects in the database.
    if config.era() == Era::Json {
        return Ok((None, Vec::new()));
    }
    let blobs = config.blob_store(row)?;
    let elsewhere = config.elsewhere(row)?;
    Ok((Some(blobs).filter(|blobs| blobs.id != data.id), elsewhere))
}
