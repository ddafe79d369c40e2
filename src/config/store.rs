//! A store as a configuration of either era describes it.
//!
//! Plain data with the server's defaults filled in and secrets wrapped. Opens nothing and depends on no file format.

mod place;

use std::path::{Path, PathBuf};

use crate::base::error::Result;
use crate::catalog::BackendKind;
use crate::settings::{
    AzureSettings, FoundationDbSettings, FsSettings, MysqlSettings, PostgresSettings, RocksDbSettings,
    S3Settings, shown_path,
};

/// A store and how blobs are encoded in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The id in the configuration; `data` for the store of a `config.json`. Two roles use the same store if their
    /// ids are equal.
    pub id: String,
    /// How the server encodes, and decodes, blobs in this store up to schema 5; how its importer encodes them
    /// from schema 6 on.
    pub compression: Compression,
    /// The kind of the store and its place.
    pub kind: StoreKind,
}

/// The setting `compression` of a store. It only affects blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Blobs are stored unchanged.
    #[default]
    None,
    /// Blobs are stored compressed and marked.
    Lz4,
}

/// The kind of a store and how to reach it. Paths contain no links; paths that could not be resolved are as written,
/// relative ones to the current directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// A RocksDB database.
    RocksDb(RocksDbSettings),
    /// A SQLite database.
    Sqlite {
        /// Its file.
        path: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres(PostgresSettings),
    /// A MySQL or MariaDB database.
    Mysql(MysqlSettings),
    /// A FoundationDB cluster.
    FoundationDb(FoundationDbSettings),
    /// Blobs as files.
    Fs(FsSettings),
    /// Blobs in an S3 bucket.
    S3(S3Settings),
    /// Blobs in an Azure container.
    Azure(AzureSettings),
    /// Blobs spread over several stores by a hash of their key.
    Sharded {
        /// The members; their order decides which one stores a blob. Their own `compression` is not used.
        stores: Vec<StoreConfig>,
    },
}

/// The place of the blobs of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a run has one or two of them")]
pub enum BlobPlace {
    /// In the data store.
    DataStore,
    /// In a separate store.
    Elsewhere(StoreConfig),
}

impl BlobPlace {
    /// The same place with its links resolved.
    pub(super) fn resolved(self) -> Result<BlobPlace> {
        match self {
            BlobPlace::Elsewhere(store) => store.resolved().map(BlobPlace::Elsewhere),
            BlobPlace::DataStore => Ok(BlobPlace::DataStore),
        }
    }
}

impl StoreConfig {
    /// A store.
    pub fn new(id: impl Into<String>, compression: Compression, kind: StoreKind) -> StoreConfig {
        StoreConfig { id: id.into(), compression, kind }
    }

    /// The place of the store, for messages: an absolute path or `engine://host:port/database`. Contains no secret.
    pub fn location(&self) -> String {
        match &self.kind {
            StoreKind::RocksDb(RocksDbSettings { path, .. })
            | StoreKind::Sqlite { path }
            | StoreKind::Fs(FsSettings { path, .. }) => shown_path(path),
            StoreKind::Postgres(settings) => settings.location(),
            StoreKind::Mysql(settings) => settings.location(),
            StoreKind::FoundationDb(settings) => settings.location(),
            StoreKind::S3(settings) => settings.location(),
            StoreKind::Azure(settings) => settings.location(),
            StoreKind::Sharded { stores } => {
                let members: Vec<String> = stores.iter().map(StoreConfig::location).collect();
                format!("sharded over {}", members.join(", "))
            }
        }
    }

    /// Whether both stores contain the same records, however the connections authenticate.
    pub fn same_place(&self, other: &StoreConfig) -> bool {
        match (&self.kind, &other.kind) {
            (StoreKind::Fs(one), StoreKind::Fs(two)) if one.depth != two.depth => false,
            (StoreKind::Postgres(one), StoreKind::Postgres(two)) if one.options != two.options => false,
            (StoreKind::Sharded { stores: one }, StoreKind::Sharded { stores: two }) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same_place(two))
            }
            // Only a configuration of this program can name an endpoint of Azure; a registry object cannot.
            (StoreKind::Azure(one), StoreKind::Azure(two)) => {
                let endpoints =
                    one.endpoint.is_none() || two.endpoint.is_none() || one.endpoint == two.endpoint;
                let names = one.account == two.account && one.container == two.container;
                names && one.key_prefix == two.key_prefix && endpoints
            }
            (one, two) => {
                std::mem::discriminant(one) == std::mem::discriminant(two)
                    && self.location() == other.location()
            }
        }
    }

    /// The same store, accessed without encryption if it declines the configured TLS.
    pub fn with_plaintext(mut self) -> StoreConfig {
        self.kind.each(&mut |kind| {
            if let StoreKind::Postgres(settings) = kind {
                settings.allow_plaintext = true;
            }
        });
        self
    }

    /// The same store, with any certificate accepted.
    pub fn without_certificates(mut self) -> StoreConfig {
        self.kind.each(&mut |kind| {
            if let StoreKind::S3(settings) = kind {
                settings.allow_invalid_certs = true;
            }
        });
        self
    }
}

impl StoreKind {
    /// Changes this store, or every member of a sharded one.
    fn each(&mut self, change: &mut dyn FnMut(&mut StoreKind)) {
        match self {
            StoreKind::Sharded { stores } => stores.iter_mut().for_each(|store| store.kind.each(change)),
            kind => change(kind),
        }
    }

    /// The path of an embedded store.
    pub fn path(&self) -> Option<&Path> {
        match self {
            StoreKind::RocksDb(RocksDbSettings { path, .. }) | StoreKind::Sqlite { path } => Some(path),
            _ => None,
        }
    }

    /// Every directory or file of the store on this machine.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            StoreKind::Fs(FsSettings { path, .. }) => vec![path],
            StoreKind::Sharded { stores } => stores.iter().flat_map(|member| member.kind.paths()).collect(),
            kind => kind.path().into_iter().collect(),
        }
    }

    /// Whether the store is a file or a directory.
    pub fn in_files(&self) -> bool {
        matches!(self, StoreKind::RocksDb(_) | StoreKind::Sqlite { .. } | StoreKind::Fs(_))
    }

    /// The engine, if the store can be a data store.
    pub fn backend(&self) -> Option<BackendKind> {
        match self {
            StoreKind::RocksDb(_) => Some(BackendKind::RocksDb),
            StoreKind::Sqlite { .. } => Some(BackendKind::Sqlite),
            StoreKind::Postgres(_) => Some(BackendKind::Postgres),
            StoreKind::Mysql(_) => Some(BackendKind::Mysql),
            StoreKind::FoundationDb(_) => Some(BackendKind::FoundationDb),
            StoreKind::Fs(_) | StoreKind::S3(_) | StoreKind::Azure(_) | StoreKind::Sharded { .. } => None,
        }
    }
}

/// Whether a host contains a user and a password like that of a URL. The path of a socket does not.
pub(super) fn holds_credentials(host: &str) -> bool {
    host.contains('@') && !host.starts_with('/')
}
