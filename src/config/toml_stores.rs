//! Stores defined by `store.<id>.*` of a `config.toml`.
//!
//! Contains every setting that decides where data is and how blobs are encoded; pools, schedules and directory
//! queries only matter to the server. source: `crates/store/src/config.rs`, `crates/store/src/backend/*/` @ v0.12.5,
//! v0.15.5

use std::path::PathBuf;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::config::store::{StoreConfig, StoreKind, holds_credentials};
use crate::config::toml_settings::TomlSettings;
use crate::config::value::{boolean, compression, duration, integer, optional_duration};
use crate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, RocksDbSettings, S3Settings, Secret, shown,
};

/// The role of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Data,
    Blob,
    Shard,
    Primary,
}

impl Use {
    fn title(self) -> &'static str {
        match self {
            Use::Data => "the data store",
            Use::Blob => "the blob store",
            Use::Shard => "a member of a sharded blob store",
            Use::Primary => "the primary of replicated databases",
        }
    }

    fn allows(self, kind: &str) -> bool {
        let sql = matches!(kind, "postgresql" | "mysql");
        let engine = sql || matches!(kind, "rocksdb" | "sqlite" | "foundationdb");
        let external = matches!(kind, "s3" | "azure" | "fs");
        let sharded = matches!(kind, "sharded-blob" | "distributed-blob");
        match self {
            Use::Data => engine || kind == "sql-read-replica",
            Use::Blob => engine || kind == "sql-read-replica" || external || sharded,
            Use::Shard => engine || kind == "sql-read-replica" || external,
            Use::Primary => sql,
        }
    }
}

/// Types of stores that never contain exported data.
const OTHER_TYPES: [&str; 7] =
    ["redis", "sharded-in-memory", "elasticsearch", "meilisearch", "nats", "zenoh", "kafka"];
const DATA_OR_BLOB_TYPES: [&str; 11] = [
    "rocksdb",
    "sqlite",
    "postgresql",
    "mysql",
    "foundationdb",
    "sql-read-replica",
    "s3",
    "azure",
    "fs",
    "sharded-blob",
    "distributed-blob",
];

/// The store `id`, named by the setting `named_by`. Errors are of kind usage.
pub(super) fn store(
    settings: TomlSettings<'_>,
    id: &str,
    wanted: Use,
    named_by: &str,
) -> Result<StoreConfig> {
    let section = Section { settings, id };
    let kind = section.kind(wanted, named_by)?;
    let compression = settings.parsed(&section.key("compression"), compression)?.unwrap_or_default();
    let kind = match kind.as_str() {
        "rocksdb" => StoreKind::RocksDb(RocksDbSettings {
            path: section.path()?,
            min_blob_size: section.parsed("min-blob-size", integer)?.unwrap_or(16_834),
            write_buffer_size: section.parsed("write-buffer-size", integer)?.unwrap_or(134_217_728),
        }),
        "sqlite" => StoreKind::Sqlite { path: section.path()? },
        "postgresql" => section.postgres()?,
        "mysql" => section.mysql()?,
        "foundationdb" => section.foundationdb()?,
        "fs" => StoreKind::Fs(FsSettings {
            path: section.path()?,
            depth: section.parsed("depth", integer::<u64>)?.map_or(2, |depth| depth.min(5) as u8),
        }),
        "s3" => section.s3()?,
        "azure" => section.azure()?,
        "sql-read-replica" => {
            let key = section.key("primary");
            store(settings, &settings.required(&key)?, Use::Primary, &key)?.kind
        }
        _ => section.sharded()?,
    };
    Ok(StoreConfig::new(id, compression, kind))
}

/// The type of store `id` in lower case, if the file defines the store.
pub(super) fn type_of(settings: TomlSettings<'_>, id: &str) -> Result<Option<String>> {
    Ok(settings.text(&format!("store.{id}.type"))?.map(|kind| kind.to_lowercase()))
}

struct Section<'a> {
    settings: TomlSettings<'a>,
    id: &'a str,
}

impl Section<'_> {
    fn key(&self, name: &str) -> String {
        format!("store.{}.{name}", self.id)
    }

    fn kind(&self, wanted: Use, named_by: &str) -> Result<String> {
        let key = self.key("type");
        let Some(kind) = type_of(self.settings, self.id)? else {
            return Err(self.undefined(named_by));
        };
        if wanted.allows(&kind) {
            return Ok(kind);
        }
        let shown_kind = self.settings.shown(&key, &kind);
        if OTHER_TYPES.contains(&kind.as_str()) || DATA_OR_BLOB_TYPES.contains(&kind.as_str()) {
            let what = format!("a store of type {shown_kind} cannot be {}", wanted.title());
            return Err(self.settings.wrong(&key, what).help(format!("let {named_by} name another store")));
        }
        let advice = match kind.as_str() {
            "shared-blob" => "write sharded-blob".to_string(),
            "filesystem" => "write fs".to_string(),
            _ => {
                let types = DATA_OR_BLOB_TYPES.iter().filter(|kind| wanted.allows(kind));
                format!("use one of {}", types.copied().collect::<Vec<_>>().join(", "))
            }
        };
        Err(self.settings.wrong(&key, format!("unknown store type {shown_kind}")).help(advice))
    }

    fn undefined(&self, named_by: &str) -> Error {
        let id = self.settings.shown(named_by, self.id);
        let error =
            self.settings.wrong(named_by, format!("store {id} is not defined: no key store.{id}.type"));
        let ids: Vec<String> = self
            .settings
            .toml
            .iter()
            .filter_map(|(key, _)| key.strip_prefix("store.")?.strip_suffix(".type"))
            .map(shown)
            .take(10)
            .collect();
        error.help(if ids.is_empty() {
            "define it in this file".to_string()
        } else {
            format!("define it in this file, which defines {}", ids.join(", "))
        })
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        self.settings.text(&self.key(name))
    }

    fn secret(&self, name: &str) -> Result<Option<Secret>> {
        self.settings.secret(&self.key(name))
    }

    fn required(&self, name: &str) -> Result<String> {
        self.settings.required(&self.key(name))
    }

    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, &'static str>) -> Result<Option<T>> {
        self.settings.parsed(&self.key(name), parse)
    }

    fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.parsed(name, boolean)?.unwrap_or(false))
    }

    fn optional_duration(&self, name: &str) -> Result<Option<Duration>> {
        Ok(self.parsed(name, optional_duration)?.flatten())
    }

    fn path(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.required("path")?))
    }

    fn postgres(&self) -> Result<StoreKind> {
        // The server's connection pool falls back to the name of the account it runs under.
        let user = self.text("user")?.filter(|user| !user.is_empty());
        Ok(StoreKind::Postgres(PostgresSettings {
            host: self.text("host")?.map(|host| self.host(host)).transpose()?,
            port: self.parsed("port", integer)?.unwrap_or(5432),
            database: self.required("database")?,
            user: user.or_else(|| (self.settings.env)("USER")),
            password: self.secret("password")?,
            options: self.secret("options")?,
            timeout: self.optional_duration("timeout")?,
            tls: self.flag("tls.enable")?,
            allow_invalid_certs: self.flag("tls.allow-invalid-certs")?,
            allow_plaintext: false,
        }))
    }

    /// Refuses a host with credentials: the server would take them for a part of the name, and messages would show
    /// them.
    fn host(&self, host: String) -> Result<String> {
        if holds_credentials(&host) {
            let what = "the host holds credentials";
            return Err(self.settings.wrong(&self.key("host"), what).help("put them in user and password"));
        }
        Ok(host)
    }

    fn mysql(&self) -> Result<StoreKind> {
        Ok(StoreKind::Mysql(MysqlSettings {
            host: self.host(self.required("host")?)?,
            port: self.parsed("port", integer)?.unwrap_or(3306),
            database: self.required("database")?,
            user: self.text("user")?,
            password: self.secret("password")?,
            max_allowed_packet: self.parsed("max-allowed-packet", integer)?,
            timeout: self.optional_duration("timeout")?,
            tls: self.flag("tls.enable")?,
            allow_invalid_certs: self.flag("tls.allow-invalid-certs")?,
        }))
    }

    fn foundationdb(&self) -> Result<StoreKind> {
        Ok(StoreKind::FoundationDb(FoundationDbSettings {
            cluster_file: self.text("cluster-file")?.map(PathBuf::from),
            transaction_timeout: self.optional_duration("transaction.timeout")?,
            retry_limit: self.parsed("transaction.retry-limit", integer)?,
            max_retry_delay: self.optional_duration("transaction.max-retry-delay")?,
            machine_id: self.text("ids.machine")?,
            datacenter_id: self.text("ids.datacenter")?,
        }))
    }

    fn s3(&self) -> Result<StoreKind> {
        let endpoint = self.endpoint(&['@'], "access-key and secret-key")?;
        Ok(StoreKind::S3(S3Settings {
            bucket: self.required("bucket")?,
            region: self.required("region")?,
            endpoint,
            access_key: self.secret("access-key")?,
            secret_key: self.secret("secret-key")?,
            security_token: self.secret("security-token")?,
            session_token: self.secret("session-token")?,
            profile: self.text("profile")?,
            timeout: self.parsed("timeout", duration)?.unwrap_or(REQUEST_TIMEOUT),
            max_retries: self.parsed("max-retries", integer)?.unwrap_or(REQUEST_RETRIES),
            key_prefix: self.text("key-prefix")?,
            // The server of this era accepts any certificate and has no such setting; this program checks
            // certificates.
            allow_invalid_certs: false,
        }))
    }

    /// The endpoint of a service. It must hold none of the characters that `credentials` in it have; the members
    /// `instead` are for those.
    fn endpoint(&self, credentials: &[char], instead: &str) -> Result<Option<Endpoint>> {
        let endpoint = self.text("endpoint")?;
        if endpoint.as_deref().is_some_and(|endpoint| endpoint.contains(credentials)) {
            let what = "the endpoint holds credentials";
            return Err(self
                .settings
                .wrong(&self.key("endpoint"), what)
                .help(format!("put them in {instead}")));
        }
        Ok(endpoint.map(Endpoint::new))
    }

    fn azure(&self) -> Result<StoreKind> {
        let credential = match (self.secret("azure-access-key")?, self.secret("sas-token")?) {
            (Some(key), None) => AzureCredential::AccessKey(key),
            (None, Some(token)) => AzureCredential::SasToken(token),
            (Some(_), Some(_)) => {
                let what = "an Azure store has both azure-access-key and sas-token";
                return Err(self.settings.wrong(&self.key("sas-token"), what).help("keep one of the two"));
            }
            (None, None) => {
                return Err(self
                    .settings
                    .missing(&self.key("azure-access-key"))
                    .help("add it, or sas-token"));
            }
        };
        // An addition of this program: the server's Azure stores are in the public cloud.
        // The signature of a shared access URL is a credential too.
        let endpoint = self.endpoint(&['@', '?'], "azure-access-key or sas-token")?;
        Ok(StoreKind::Azure(AzureSettings {
            account: self.required("storage-account")?,
            container: self.required("container")?,
            endpoint: endpoint.filter(|endpoint| !endpoint.as_str().is_empty()),
            credential,
            timeout: self.parsed("timeout", duration)?.unwrap_or(REQUEST_TIMEOUT),
            max_retries: self.parsed("max-retries", integer)?.unwrap_or(REQUEST_RETRIES),
            key_prefix: self.text("key-prefix")?,
        }))
    }

    fn sharded(&self) -> Result<StoreKind> {
        let key = self.key("stores");
        let ids = self.settings.list(&key)?;
        if ids.is_empty() {
            return Err(self.settings.missing(&key).help("list the members of the sharded store"));
        }
        let members = ids.iter().map(|id| store(self.settings, id, Use::Shard, &key));
        Ok(StoreKind::Sharded { stores: members.collect::<Result<_>>()? })
    }
}

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_RETRIES: u32 = 3;
