//! Registry objects of Stalwart 0.16 that describe a store: the members of each, their defaults and limits.
//!
//! Written once for both formats of an object, JSON and the server's binary format, in the order of the latter.
//! Depends on neither format. source: `crates/registry/src/schema/{structs,structs_impl}.rs` @ v0.16.0, v0.16.18

pub(super) mod region;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::config::store::{Compression, StoreConfig, StoreKind, holds_credentials};
use crate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, S3Settings, Secret,
};
use region::Region;

/// Id of a blob store described by an object.
const ID: &str = "blob";

/// Stores that can contain blobs, in the order of their numbers as members of a sharded store in the binary format.
pub(super) const BLOB_STORES: [&str; 6] =
    ["S3", "Azure", "FileSystem", "FoundationDb", "PostgreSql", "MySql"];

/// The word for a store that spreads blobs over several stores.
pub(super) const SHARDED: &str = "Sharded";

/// Minimum number of members of a sharded store.
pub(super) const FEWEST_SHARDS: usize = 2;

const ANY: RangeInclusive<u64> = 0..=u64::MAX;
const RETRIES: RangeInclusive<u64> = 1..=10;
const PORTS: RangeInclusive<u64> = 1..=65_535;
const REQUEST_TIMEOUT: u64 = 30_000;
const SQL_TIMEOUT: u64 = 15_000;

/// The members of an object, read in the order of its declaration.
///
/// A missing member has its default. Errors are of kind usage, name the member, and never show a value that may be a
/// secret.
pub(super) trait Members {
    /// A text that exists and is not empty.
    fn required(&mut self, name: &'static str) -> Result<String>;

    /// A text that is not empty.
    fn text(&mut self, name: &'static str, default: &'static str) -> Result<String>;

    /// A text or none.
    fn optional_text(&mut self, name: &'static str, default: Option<&'static str>) -> Result<Option<String>>;

    /// A number within limits.
    fn number(&mut self, name: &'static str, limits: RangeInclusive<u64>, default: u64) -> Result<u64>;

    /// A number within limits, or none.
    fn optional_number(
        &mut self,
        name: &'static str,
        limits: RangeInclusive<u64>,
        default: Option<u64>,
    ) -> Result<Option<u64>>;

    /// A switch, off by default.
    fn flag(&mut self, name: &'static str) -> Result<bool>;

    /// A secret or none, wherever it is stored.
    fn secret(&mut self, name: &'static str) -> Result<Option<Secret>>;

    /// The user's part of a pair of secrets: in some releases it was a text.
    fn access_key(&mut self, name: &'static str) -> Result<Option<Secret>>;

    /// The region of a bucket.
    fn region(&mut self, name: &'static str) -> Result<Region>;

    /// A text that the server's objects do not have; the server's own format never contains it.
    fn addition(&mut self, name: &'static str) -> Result<Option<String>>;

    /// A member that is skipped.
    fn unused(&mut self, name: &'static str, form: Unused) -> Result<()>;

    /// A variable of the environment.
    fn environment(&self, name: &str) -> Option<String>;

    /// An error about a member that was read.
    fn refuse(&self, name: &'static str, what: &str) -> Error;
}

/// The form of a member that matters to pools and replicas only.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unused {
    /// A switch, in objects from this version on.
    FlagSince(u8),
    /// A number or none.
    OptionalNumber,
    /// One of this many words.
    Choice(u64),
    /// Copies of the database, with or without start-up options.
    Replicas {
        /// Whether they have start-up options.
        options: bool,
    },
}

/// The blob store described by an object. The importer of this era's servers compresses blobs in any case.
pub(super) fn blob_store_of(kind: StoreKind) -> StoreConfig {
    StoreConfig::new(ID, Compression::Lz4, kind)
}

/// A member of a sharded blob store.
pub(super) fn shard_of(index: u64, kind: StoreKind) -> StoreConfig {
    StoreConfig { id: format!("{ID}.{index}"), ..blob_store_of(kind) }
}

/// One of [`BLOB_STORES`]; `None` for any other word.
pub(super) fn blob_store(kind: &str, members: &mut impl Members) -> Result<Option<StoreKind>> {
    Ok(Some(match kind {
        "S3" => s3(members)?,
        "Azure" => azure(members)?,
        "FileSystem" => file_system(members)?,
        "FoundationDb" => foundationdb(members)?,
        "PostgreSql" => postgres(members)?,
        "MySql" => mysql(members)?,
        _ => return Ok(None),
    }))
}

// Fields are read in this order, which is that of the binary format.

fn s3(m: &mut impl Members) -> Result<StoreKind> {
    let Region { name: region, endpoint } = m.region("region")?;
    if endpoint.as_deref().is_some_and(|endpoint| endpoint.contains('@')) {
        return Err(m
            .refuse("region", "the endpoint holds credentials")
            .help("put them in accessKey and secretKey"));
    }
    let settings = S3Settings {
        region,
        endpoint: endpoint.map(Endpoint::new),
        bucket: m.required("bucket")?,
        access_key: m.access_key("accessKey")?,
        secret_key: m.secret("secretKey")?,
        security_token: m.secret("securityToken")?,
        session_token: m.secret("sessionToken")?,
        profile: m.optional_text("profile", None)?,
        timeout: Duration::from_millis(m.number("timeout", ANY, REQUEST_TIMEOUT)?),
        max_retries: narrow(m, "maxRetries", RETRIES, 3)?,
        key_prefix: m.optional_text("keyPrefix", None)?,
        allow_invalid_certs: m.flag("allowInvalidCerts")?,
    };
    m.unused("verifyAfterWrite", Unused::FlagSince(1))?;
    Ok(StoreKind::S3(settings))
}

fn azure(m: &mut impl Members) -> Result<StoreKind> {
    let settings = AzureSettings {
        account: m.required("storageAccount")?,
        container: m.required("container")?,
        credential: azure_credential(m)?,
        timeout: Duration::from_millis(m.number("timeout", ANY, REQUEST_TIMEOUT)?),
        max_retries: narrow(m, "maxRetries", RETRIES, 3)?,
        key_prefix: m.optional_text("keyPrefix", None)?,
        endpoint: m.addition("endpoint")?.map(Endpoint::new),
    };
    // The signature of a shared access URL is a credential too.
    if settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.as_str().contains(['@', '?'])) {
        return Err(m
            .refuse("endpoint", "the endpoint holds credentials")
            .help("put them in accessKey or sasToken"));
    }
    Ok(StoreKind::Azure(settings))
}

fn azure_credential(m: &mut impl Members) -> Result<AzureCredential> {
    match (m.secret("accessKey")?, m.secret("sasToken")?) {
        (Some(key), None) => Ok(AzureCredential::AccessKey(key)),
        (None, Some(token)) => Ok(AzureCredential::SasToken(token)),
        (Some(_), Some(_)) => {
            let what = "an Azure store has both accessKey and sasToken";
            Err(m.refuse("sasToken", what).help("keep one of the two"))
        }
        (None, None) => {
            let what = "an Azure store has neither accessKey nor sasToken";
            Err(m.refuse("sasToken", what).help("add one of the two"))
        }
    }
}

fn file_system(m: &mut impl Members) -> Result<StoreKind> {
    let path = PathBuf::from(m.required("path")?);
    Ok(StoreKind::Fs(FsSettings { path, depth: narrow(m, "depth", 0..=5, 2)? }))
}

/// A FoundationDB cluster.
pub(super) fn foundationdb(m: &mut impl Members) -> Result<StoreKind> {
    Ok(StoreKind::FoundationDb(FoundationDbSettings {
        cluster_file: m.optional_text("clusterFile", None)?.map(PathBuf::from),
        datacenter_id: m.optional_text("datacenterId", None)?,
        machine_id: m.optional_text("machineId", None)?,
        max_retry_delay: optional_duration(m, "transactionRetryDelay", None)?,
        retry_limit: m
            .optional_number("transactionRetryLimit", 0..=i32::MAX.unsigned_abs().into(), None)?
            .map(|limit| fitting(m, "transactionRetryLimit", limit))
            .transpose()?,
        transaction_timeout: optional_duration(m, "transactionTimeout", None)?,
    }))
}

/// A PostgreSQL database.
pub(super) fn postgres(m: &mut impl Members) -> Result<StoreKind> {
    let timeout = optional_duration(m, "timeout", Some(SQL_TIMEOUT))?;
    let tls = m.flag("useTls")?;
    let allow_invalid_certs = m.flag("allowInvalidCerts")?;
    m.unused("poolMaxConnections", Unused::OptionalNumber)?;
    m.unused("poolRecyclingMethod", Unused::Choice(3))?;
    m.unused("readReplicas", Unused::Replicas { options: true })?;
    let mut settings = PostgresSettings {
        timeout,
        tls,
        allow_invalid_certs,
        allow_plaintext: false,
        host: Some(host(m)?),
        port: narrow(m, "port", PORTS, 5432)?,
        database: m.text("database", "stalwart")?,
        user: m.optional_text("authUsername", Some("stalwart"))?,
        password: m.secret("authSecret")?,
        options: m.optional_text("options", None)?.map(Secret::new),
    };
    // The server's connection pool falls back to the name of the account it runs under.
    settings.user = settings.user.filter(|user| !user.is_empty()).or_else(|| m.environment("USER"));
    Ok(StoreKind::Postgres(settings))
}

/// A MySQL or MariaDB database.
pub(super) fn mysql(m: &mut impl Members) -> Result<StoreKind> {
    let timeout = optional_duration(m, "timeout", Some(SQL_TIMEOUT))?;
    let tls = m.flag("useTls")?;
    let allow_invalid_certs = m.flag("allowInvalidCerts")?;
    let max_allowed_packet = m.optional_number("maxAllowedPacket", ANY, None)?;
    m.unused("poolMaxConnections", Unused::OptionalNumber)?;
    m.unused("poolMinConnections", Unused::OptionalNumber)?;
    m.unused("readReplicas", Unused::Replicas { options: false })?;
    Ok(StoreKind::Mysql(MysqlSettings {
        timeout,
        tls,
        allow_invalid_certs,
        max_allowed_packet,
        host: host(m)?,
        port: narrow(m, "port", PORTS, 3306)?,
        database: m.text("database", "stalwart")?,
        user: m.optional_text("authUsername", Some("stalwart"))?,
        password: m.secret("authSecret")?,
    }))
}

/// Refuses a host with credentials: the server would take them for a part of the name, and messages would show them.
fn host(m: &mut impl Members) -> Result<String> {
    let host = m.required("host")?;
    if holds_credentials(&host) {
        return Err(m
            .refuse("host", "the host holds credentials")
            .help("put them in authUsername and authSecret"));
    }
    Ok(host)
}

fn optional_duration(
    m: &mut impl Members,
    name: &'static str,
    default: Option<u64>,
) -> Result<Option<Duration>> {
    Ok(m.optional_number(name, ANY, default)?.map(Duration::from_millis))
}

/// A number within limits, as a smaller type.
fn narrow<T: TryFrom<u64>>(
    m: &mut impl Members,
    name: &'static str,
    limits: RangeInclusive<u64>,
    default: u64,
) -> Result<T> {
    let number = m.number(name, limits, default)?;
    fitting(m, name, number)
}

fn fitting<T: TryFrom<u64>>(m: &impl Members, name: &'static str, number: u64) -> Result<T> {
    T::try_from(number).map_err(|_| m.refuse(name, "a number is out of range"))
}
