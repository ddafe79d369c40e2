//! A store as a configuration describes it, of either era.
//!
//! Plain data with the server's defaults filled in and secrets wrapped. Opens nothing and knows no file format.

pub(super) mod toml;

mod place;
mod recovery;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::BackendKind;
use crate::config::file::absolute;
use crate::config::shown;

/// A store and how blobs are encoded in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The id in the configuration; `data` for that of a `config.json`. Two roles use the same store if their
    /// ids are equal.
    pub id: String,
    /// How the server encodes, and decodes, blobs in this store up to schema 5; how its importer encodes them
    /// from schema 6 on.
    pub compression: Compression,
    /// Where it is.
    pub kind: StoreKind,
    /// Whether the user has agreed to talk to it in clear if it declines the TLS that is configured.
    pub allow_plaintext: bool,
}

/// The setting `compression` of a store. It matters to blobs only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Blobs are stored as they are.
    #[default]
    None,
    /// Blobs are stored compressed and marked.
    Lz4,
}

/// What a store is and how to reach it. Paths lead over no link; others are as written: relative ones to the current
/// directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// A RocksDB database.
    RocksDb {
        /// Its directory.
        path: PathBuf,
        /// Values of at least this many bytes go to blob files.
        min_blob_size: u64,
        /// Bytes of a memtable.
        write_buffer_size: u64,
    },
    /// A SQLite database.
    Sqlite {
        /// Its file.
        path: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Name, address or, starting with `/`, socket directory; the usual socket directories if absent.
        host: Option<String>,
        /// TCP port.
        port: u16,
        /// Name of the database.
        database: String,
        /// Role to connect as.
        user: Option<String>,
        /// Its password.
        password: Option<Secret>,
        /// Start-up options, verbatim. They can name the schema the tables live in, and anything else.
        options: Option<Secret>,
        /// Limit for connecting.
        timeout: Option<Duration>,
        /// Whether to use TLS. The mail server goes on in clear if that is declined.
        tls: bool,
        /// Whether any certificate will do.
        allow_invalid_certs: bool,
    },
    /// A MySQL or MariaDB database.
    Mysql {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// Name of the database.
        database: String,
        /// User to connect as.
        user: Option<String>,
        /// Its password.
        password: Option<Secret>,
        /// Bytes of the largest packet; the database's own limit if absent.
        max_allowed_packet: Option<u64>,
        /// The session's `wait_timeout`, not a limit for connecting.
        timeout: Option<Duration>,
        /// Whether to use TLS.
        tls: bool,
        /// Whether any certificate of any host will do.
        allow_invalid_certs: bool,
    },
    /// A FoundationDB cluster.
    FoundationDb {
        /// The cluster file; the client's default if absent.
        cluster_file: Option<PathBuf>,
        /// Limit for a transaction.
        transaction_timeout: Option<Duration>,
        /// How often a transaction is retried.
        retry_limit: Option<i32>,
        /// Longest wait before a retry.
        max_retry_delay: Option<Duration>,
        /// Id of the machine.
        machine_id: Option<String>,
        /// Id of the data centre.
        datacenter_id: Option<String>,
    },
    /// Blobs as files.
    Fs {
        /// The top directory.
        path: PathBuf,
        /// Directory levels below it, 0 to 5.
        depth: u8,
    },
    /// Blobs in an S3 bucket.
    S3 {
        /// Name of the bucket.
        bucket: String,
        /// Name of the region, as the server spells it.
        region: String,
        /// URL or host of the service, if it is not that of the region.
        endpoint: Option<String>,
        /// If present, these keys are used and no other source of credentials.
        access_key: Option<Secret>,
        /// Goes with `access_key`.
        secret_key: Option<Secret>,
        /// Goes with `access_key`.
        security_token: Option<Secret>,
        /// Goes with `access_key`.
        session_token: Option<Secret>,
        /// Section of the credentials file when there is no `access_key`; `default` if absent.
        profile: Option<String>,
        /// Limit for a request.
        timeout: Duration,
        /// How often a request is retried when the service fails.
        max_retries: u32,
        /// What stands before every object name, verbatim.
        key_prefix: Option<String>,
        /// Whether any certificate will do.
        allow_invalid_certs: bool,
    },
    /// Blobs in an Azure container.
    Azure {
        /// Name of the storage account.
        account: String,
        /// Name of the container.
        container: String,
        /// URL or host of the service, if it is not that of the account in the public cloud. The server has no
        /// such setting; `endpoint` is this program's own.
        endpoint: Option<String>,
        /// How to authenticate.
        credential: AzureCredential,
        /// Limit for a request.
        timeout: Duration,
        /// How often a request is retried.
        max_retries: u32,
        /// What stands before every object name, verbatim.
        key_prefix: Option<String>,
    },
    /// Blobs spread over several stores by a hash of their key.
    Sharded {
        /// The members; their order decides where a blob is. Their own `compression` is not used.
        stores: Vec<StoreConfig>,
    },
}

/// The one credential an Azure container is reached with.
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

    /// The text itself, for the client library that needs it and nothing else.
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

impl StoreConfig {
    /// A store for which nothing was agreed to.
    pub fn new(id: impl Into<String>, compression: Compression, kind: StoreKind) -> StoreConfig {
        StoreConfig { id: id.into(), compression, kind, allow_plaintext: false }
    }

    /// Where the store is, for people: an absolute path or `engine://host:port/database`. Holds no secret.
    pub fn location(&self) -> String {
        match &self.kind {
            StoreKind::RocksDb { path, .. } | StoreKind::Sqlite { path } | StoreKind::Fs { path, .. } => {
                shown_path(path)
            }
            StoreKind::Postgres { host, port, database, .. } => {
                let host = host.as_deref().unwrap_or("localhost");
                format!("postgresql://{}:{port}/{}", shown_host(host), shown(database))
            }
            StoreKind::Mysql { host, port, database, .. } => {
                format!("mysql://{}:{port}/{}", shown_host(host), shown(database))
            }
            StoreKind::FoundationDb { cluster_file: Some(path), .. } => {
                format!("foundationdb:{}", shown_path(path))
            }
            StoreKind::FoundationDb { cluster_file: None, .. } => "foundationdb:default".to_string(),
            StoreKind::S3 { bucket, region, endpoint, key_prefix, .. } => {
                let host = endpoint.as_deref().unwrap_or(region);
                let prefix = key_prefix.as_deref().unwrap_or_default();
                format!("s3://{}/{}/{}", shown_host(host), shown(bucket), shown(prefix))
            }
            StoreKind::Azure { account, container, endpoint, key_prefix, .. } => {
                let host = endpoint.as_deref().map(|endpoint| format!("{}/", shown_host(endpoint)));
                let (host, prefix) = (host.unwrap_or_default(), key_prefix.as_deref().unwrap_or_default());
                format!("azure://{host}{}/{}/{}", shown(account), shown(container), shown(prefix))
            }
            StoreKind::Sharded { stores } => {
                let members: Vec<String> = stores.iter().map(StoreConfig::location).collect();
                format!("sharded over {}", members.join(", "))
            }
        }
    }
}

impl StoreConfig {
    /// Whether both lead to the same records, however they authenticate.
    pub fn same_place(&self, other: &StoreConfig) -> bool {
        match (&self.kind, &other.kind) {
            (StoreKind::Fs { depth: one, .. }, StoreKind::Fs { depth: two, .. }) if one != two => false,
            (StoreKind::Postgres { options: one, .. }, StoreKind::Postgres { options: two, .. })
                if one != two =>
            {
                false
            }
            (StoreKind::Sharded { stores: one }, StoreKind::Sharded { stores: two }) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same_place(two))
            }
            (StoreKind::Azure { account: one, .. }, StoreKind::Azure { account: two, .. }) if one != two => {
                false
            }
            // Only our own configurations can name an endpoint of Azure; a registry object cannot.
            (
                StoreKind::Azure { container: one, key_prefix: before_one, endpoint: at_one, .. },
                StoreKind::Azure { container: two, key_prefix: before_two, endpoint: at_two, .. },
            ) => {
                let endpoints = at_one.is_none() || at_two.is_none() || at_one == at_two;
                one == two && before_one == before_two && endpoints
            }
            (one, two) => {
                std::mem::discriminant(one) == std::mem::discriminant(two)
                    && self.location() == other.location()
            }
        }
    }

    /// The same store, talked to in clear if it declines the TLS that is configured.
    pub fn with_plaintext(mut self) -> StoreConfig {
        self.allow_plaintext = true;
        if let StoreKind::Sharded { stores } = &mut self.kind {
            *stores = std::mem::take(stores).into_iter().map(StoreConfig::with_plaintext).collect();
        }
        self
    }

    /// The same store, reached whatever certificate it shows.
    pub fn without_certificates(mut self) -> StoreConfig {
        match &mut self.kind {
            StoreKind::S3 { allow_invalid_certs, .. } => *allow_invalid_certs = true,
            StoreKind::Sharded { stores } => {
                *stores = std::mem::take(stores).into_iter().map(StoreConfig::without_certificates).collect();
            }
            _ => {}
        }
        self
    }
}

impl StoreKind {
    /// Where an embedded store keeps its files.
    pub fn path(&self) -> Option<&Path> {
        match self {
            StoreKind::RocksDb { path, .. } | StoreKind::Sqlite { path } => Some(path),
            _ => None,
        }
    }

    /// Every directory or file that the store keeps on this machine.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            StoreKind::Fs { path, .. } => vec![path],
            StoreKind::Sharded { stores } => stores.iter().flat_map(|member| member.kind.paths()).collect(),
            kind => kind.path().into_iter().collect(),
        }
    }

    /// Whether the store is a file or a directory.
    pub fn in_files(&self) -> bool {
        matches!(self, StoreKind::RocksDb { .. } | StoreKind::Sqlite { .. } | StoreKind::Fs { .. })
    }

    /// The engine, if the store can be a data store.
    pub fn backend(&self) -> Option<BackendKind> {
        match self {
            StoreKind::RocksDb { .. } => Some(BackendKind::RocksDb),
            StoreKind::Sqlite { .. } => Some(BackendKind::Sqlite),
            StoreKind::Postgres { .. } => Some(BackendKind::Postgres),
            StoreKind::Mysql { .. } => Some(BackendKind::Mysql),
            StoreKind::FoundationDb { .. } => Some(BackendKind::FoundationDb),
            StoreKind::Fs { .. }
            | StoreKind::S3 { .. }
            | StoreKind::Azure { .. }
            | StoreKind::Sharded { .. } => None,
        }
    }
}

fn shown_path(path: &Path) -> String {
    shown(&absolute(path).to_string_lossy())
}

/// Whether a host is written like that of a URL with a user and a password. A path to a socket is no such host.
pub(super) fn holds_credentials(host: &str) -> bool {
    host.contains('@') && !host.starts_with('/')
}

/// Host and port of a host or URL, without scheme and without credentials somebody may have put there.
fn shown_host(host: &str) -> String {
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    let host = if host.starts_with('/') { host } else { host.split(['/', '?']).next().unwrap_or(host) };
    shown(host)
}
