//! Describes a blob store as an administrator enters it in the server's recovery mode.
//!
//! Uses the words of the registry objects of Stalwart 0.16; secrets are named and not shown.

use std::time::Duration;

use crate::config::object::region;
use crate::config::store::{StoreConfig, StoreKind};
use crate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, RocksDbSettings, S3Settings, Secret, shown, shown_path,
};

/// Replacement of a secret.
const NOT_SHOWN: &str = "(not shown)";

impl StoreConfig {
    /// Members and values of the object that names this store as the blob store of a server from 0.16 on, in the
    /// server's words, as `("stores.0.path", "/srv/blobs")`. Paths are absolute; of a secret only the member is
    /// included. A store that cannot be a separate blob store of such a server, such as SQLite, is described in the
    /// same way.
    pub fn describe_settings(&self) -> Vec<(String, String)> {
        let mut lines = Lines { within: String::new(), lines: Vec::new() };
        lines.store(&self.kind);
        lines.lines
    }
}

struct Lines {
    /// Empty, or the names that lead here with a dot after each.
    within: String,
    lines: Vec<(String, String)>,
}

impl Lines {
    fn add(&mut self, name: &str, value: impl ToString) {
        self.lines.push((format!("{}{name}", self.within), shown(&value.to_string())));
    }

    fn text(&mut self, name: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn number<T: ToString>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn millis(&mut self, name: &str, value: Option<Duration>) {
        self.number(name, value.map(|value| value.as_millis()));
    }

    fn secret(&mut self, name: &str, value: Option<&Secret>) {
        if value.is_some() {
            self.add(name, NOT_SHOWN);
        }
    }

    fn store(&mut self, kind: &StoreKind) {
        self.add("@type", type_name(kind));
        match kind {
            StoreKind::RocksDb(RocksDbSettings { path, .. }) | StoreKind::Sqlite { path } => {
                self.add("path", shown_path(path))
            }
            StoreKind::Fs(FsSettings { path, depth }) => {
                self.add("path", shown_path(path));
                self.add("depth", depth);
            }
            StoreKind::Postgres(settings) => self.postgres(settings),
            StoreKind::Mysql(settings) => self.mysql(settings),
            StoreKind::FoundationDb(settings) => self.foundationdb(settings),
            StoreKind::S3(settings) => self.s3(settings),
            StoreKind::Azure(settings) => self.azure(settings),
            StoreKind::Sharded { stores } => {
                for (index, store) in stores.iter().enumerate() {
                    let mut inner =
                        Lines { within: format!("{}stores.{index}.", self.within), lines: Vec::new() };
                    inner.store(&store.kind);
                    self.lines.append(&mut inner.lines);
                }
            }
        }
    }

    fn foundationdb(&mut self, settings: &FoundationDbSettings) {
        self.number("clusterFile", settings.cluster_file.as_deref().map(shown_path));
        self.text("datacenterId", settings.datacenter_id.as_ref());
        self.text("machineId", settings.machine_id.as_ref());
        self.millis("transactionRetryDelay", settings.max_retry_delay);
        self.number("transactionRetryLimit", settings.retry_limit);
        self.millis("transactionTimeout", settings.transaction_timeout);
    }

    fn s3(&mut self, settings: &S3Settings) {
        match (&settings.endpoint, region::json_name(&settings.region)) {
            (None, Some(name)) => self.add("region", name),
            // A name that no release has is host and region at once, for servers of all eras.
            (endpoint, _) => {
                self.add("region", region::CUSTOM);
                let endpoint = endpoint.as_ref().map_or(settings.region.as_str(), Endpoint::as_str);
                self.add("region.customEndpoint", endpoint);
                self.add("region.customRegion", &settings.region);
            }
        }
        self.add("bucket", &settings.bucket);
        self.secret("accessKey", settings.access_key.as_ref());
        self.secret("secretKey", settings.secret_key.as_ref());
        self.secret("securityToken", settings.security_token.as_ref());
        self.secret("sessionToken", settings.session_token.as_ref());
        self.text("profile", settings.profile.as_ref());
        self.millis("timeout", Some(settings.timeout));
        self.add("maxRetries", settings.max_retries);
        self.text("keyPrefix", settings.key_prefix.as_ref());
        self.add("allowInvalidCerts", settings.allow_invalid_certs);
    }

    fn azure(&mut self, settings: &AzureSettings) {
        self.add("storageAccount", &settings.account);
        self.add("container", &settings.container);
        match settings.credential {
            AzureCredential::AccessKey(_) => self.add("accessKey", NOT_SHOWN),
            AzureCredential::SasToken(_) => self.add("sasToken", NOT_SHOWN),
        }
        self.millis("timeout", Some(settings.timeout));
        self.add("maxRetries", settings.max_retries);
        self.text("keyPrefix", settings.key_prefix.as_ref());
    }

    fn postgres(&mut self, settings: &PostgresSettings) {
        self.text("host", settings.host.as_ref());
        self.database(settings.port, &settings.database, settings.user.as_ref(), settings.password.as_ref());
        self.secret("options", settings.options.as_ref());
        self.millis("timeout", settings.timeout);
        self.add("useTls", settings.tls);
        self.add("allowInvalidCerts", settings.allow_invalid_certs);
    }

    fn mysql(&mut self, settings: &MysqlSettings) {
        self.add("host", &settings.host);
        self.database(settings.port, &settings.database, settings.user.as_ref(), settings.password.as_ref());
        self.number("maxAllowedPacket", settings.max_allowed_packet);
        self.millis("timeout", settings.timeout);
        self.add("useTls", settings.tls);
        self.add("allowInvalidCerts", settings.allow_invalid_certs);
    }

    fn database(&mut self, port: u16, database: &str, user: Option<&String>, password: Option<&Secret>) {
        self.add("port", port);
        self.add("database", database);
        self.text("authUsername", user);
        self.secret("authSecret", password);
    }
}

fn type_name(kind: &StoreKind) -> &'static str {
    match kind {
        StoreKind::RocksDb(_) => "RocksDb",
        StoreKind::Sqlite { .. } => "Sqlite",
        StoreKind::Postgres(_) => "PostgreSql",
        StoreKind::Mysql(_) => "MySql",
        StoreKind::FoundationDb(_) => "FoundationDb",
        StoreKind::Fs(_) => "FileSystem",
        StoreKind::S3(_) => "S3",
        StoreKind::Azure(_) => "Azure",
        StoreKind::Sharded { .. } => "Sharded",
    }
}
