//! The settings of every kind of store as plain data, each option defined once.
//!
//! `config` fills these structs and the backends take them, whichever of them this build has. Depends on no format of
//! a configuration, has no defaults, and opens nothing. Secrets cannot be printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A RocksDB database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RocksDbSettings {
    /// Its directory.
    pub path: PathBuf,
    /// Values of at least this many bytes go to blob files.
    pub min_blob_size: u64,
    /// Bytes of a memtable.
    pub write_buffer_size: u64,
}

/// A PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Name, address or, starting with `/`, socket directory; the usual socket directories if absent.
    pub host: Option<String>,
    /// TCP port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Role to connect as.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Start-up options, verbatim. They can name the schema of the tables, among others.
    pub options: Option<Secret>,
    /// Limit for connecting.
    pub timeout: Option<Duration>,
    /// Whether to use TLS. The mail server continues without encryption if the database declines it.
    pub tls: bool,
    /// Whether any certificate is accepted.
    pub allow_invalid_certs: bool,
    /// Whether the user has agreed to continue without encryption if TLS is declined. No configuration contains this.
    pub allow_plaintext: bool,
}

/// A MySQL or MariaDB database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MysqlSettings {
    /// Name, address or, starting with `/`, socket.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// User to connect as.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Limit in bytes of a packet on the mail server's connections; the database's own limit if `None`.
    pub max_allowed_packet: Option<u64>,
    /// The session's `wait_timeout`, not a limit for connecting.
    pub timeout: Option<Duration>,
    /// Whether to use TLS.
    pub tls: bool,
    /// Whether any certificate of any host is accepted.
    pub allow_invalid_certs: bool,
}

/// A FoundationDB cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundationDbSettings {
    /// The cluster file; the client's default if absent.
    pub cluster_file: Option<PathBuf>,
    /// Limit for a transaction.
    pub transaction_timeout: Option<Duration>,
    /// How often a transaction is retried.
    pub retry_limit: Option<i32>,
    /// Longest wait before a retry.
    pub max_retry_delay: Option<Duration>,
    /// Id of the machine.
    pub machine_id: Option<String>,
    /// Id of the data centre.
    pub datacenter_id: Option<String>,
}

/// Blobs as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsSettings {
    /// The top directory.
    pub path: PathBuf,
    /// Directory levels below it; more than 5 count as 5.
    pub depth: u8,
}

/// Blobs in an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// Name of the bucket.
    pub bucket: String,
    /// Name of the region, as the server spells it.
    pub region: String,
    /// URL or host of the service, if it is not that of the region.
    pub endpoint: Option<Endpoint>,
    /// If present, even if empty, these keys are used and no other source of credentials.
    pub access_key: Option<Secret>,
    /// Used with `access_key`.
    pub secret_key: Option<Secret>,
    /// Used with `access_key`.
    pub security_token: Option<Secret>,
    /// Used with `access_key`, if there is no `security_token`.
    pub session_token: Option<Secret>,
    /// Section of the credentials file when there is no `access_key`; `default` if absent.
    pub profile: Option<String>,
    /// Limit for an answer to begin, and for every part of it to follow.
    pub timeout: Duration,
    /// How often a request is repeated when the service fails.
    pub max_retries: u32,
    /// Prefix of every object name, verbatim.
    pub key_prefix: Option<String>,
    /// Whether any certificate is accepted.
    pub allow_invalid_certs: bool,
}

/// Blobs in an Azure container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureSettings {
    /// Name of the storage account.
    pub account: String,
    /// Name of the container.
    pub container: String,
    /// URL or host of the service, if it is not that of the account in the public cloud. The server has no such
    /// setting; `endpoint` is this program's own.
    pub endpoint: Option<Endpoint>,
    /// How to authenticate.
    pub credential: AzureCredential,
    /// Limit for an answer to begin, and for every part of it to follow.
    pub timeout: Duration,
    /// How often a request is repeated.
    pub max_retries: u32,
    /// Prefix of every object name, verbatim.
    pub key_prefix: Option<String>,
}

/// The one credential for an Azure container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureCredential {
    /// The key of the account.
    AccessKey(Secret),
    /// A shared access signature.
    SasToken(Secret),
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, only for the client library that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// URL or host of a service. Printed without parts that may be a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The endpoint as written in a configuration.
    pub fn new(text: impl Into<String>) -> Self {
        Endpoint(text.into())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_host(&self.0))
    }
}

impl PostgresSettings {
    /// The place of the database, for messages. Contains no secret, like all that follow.
    pub fn location(&self) -> String {
        let host = self.host.as_deref().unwrap_or("localhost");
        format!("postgresql://{}:{}/{}", shown_host(host), self.port, shown(&self.database))
    }
}

impl MysqlSettings {
    /// The place of the database, for messages.
    pub fn location(&self) -> String {
        format!("mysql://{}:{}/{}", shown_host(&self.host), self.port, shown(&self.database))
    }
}

impl FoundationDbSettings {
    /// The place of the cluster, for messages.
    pub fn location(&self) -> String {
        format!("foundationdb:{}", self.cluster_file.as_deref().map_or("default".to_string(), shown_path))
    }
}

impl S3Settings {
    /// The place of the blobs, for messages.
    pub fn location(&self) -> String {
        let host = self.endpoint.as_ref().map_or(self.region.as_str(), Endpoint::as_str);
        let prefix = self.key_prefix.as_deref().unwrap_or_default();
        format!("s3://{}/{}/{}", shown_host(host), shown(&self.bucket), shown(prefix))
    }
}

impl AzureSettings {
    /// The place of the blobs, for messages.
    pub fn location(&self) -> String {
        let host = self.endpoint.as_ref().map(|endpoint| format!("{}/", shown_host(endpoint.as_str())));
        let (host, prefix) = (host.unwrap_or_default(), self.key_prefix.as_deref().unwrap_or_default());
        format!("azure://{host}{}/{}/{}", shown(&self.account), shown(&self.container), shown(prefix))
    }
}

/// A text of a configuration for a message: control characters escaped, bounded in length.
pub(crate) fn shown(text: &str) -> String {
    const LIMIT: usize = 200;
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= LIMIT {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// A path for a message: absolute, without accessing the file system.
pub(crate) fn shown_path(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    shown(&path.to_string_lossy())
}

/// Host and port of a host or URL, without scheme and without credentials that it may contain.
fn shown_host(host: &str) -> String {
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    let host = if host.starts_with('/') { host } else { host.split(['/', '?']).next().unwrap_or(host) };
    shown(host)
}
