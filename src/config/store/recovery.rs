//! A blob store as an administrator enters it in the server's recovery mode.
//!
//! Words of the registry objects of Stalwart 0.16; what is secret is named and not shown.

use std::time::Duration;

use super::{AzureCredential, Secret, StoreConfig, StoreKind, shown_path};
use crate::config::object::region;
use crate::config::shown;

/// What stands for a secret.
const NOT_SHOWN: &str = "(not shown)";

impl StoreConfig {
    /// Members and values of the object that names this store as the blob store of a server from 0.16 on, in the
    /// server's words, as `("stores.0.path", "/srv/blobs")`. Paths are absolute; of secrets only the member is
    /// there. A store that such a server cannot keep blobs apart in, as SQLite, is described in the same way.
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
            StoreKind::RocksDb { path, .. } | StoreKind::Sqlite { path } => {
                self.add("path", shown_path(path))
            }
            StoreKind::Fs { path, depth } => {
                self.add("path", shown_path(path));
                self.add("depth", depth);
            }
            StoreKind::Postgres { .. } | StoreKind::Mysql { .. } => self.sql(kind),
            StoreKind::FoundationDb {
                cluster_file,
                transaction_timeout,
                retry_limit,
                max_retry_delay,
                machine_id,
                datacenter_id,
            } => {
                self.number("clusterFile", cluster_file.as_deref().map(shown_path));
                self.text("datacenterId", datacenter_id.as_ref());
                self.text("machineId", machine_id.as_ref());
                self.millis("transactionRetryDelay", *max_retry_delay);
                self.number("transactionRetryLimit", *retry_limit);
                self.millis("transactionTimeout", *transaction_timeout);
            }
            StoreKind::S3 { .. } => self.s3(kind),
            StoreKind::Azure { account, container, credential, timeout, max_retries, key_prefix, .. } => {
                self.add("storageAccount", account);
                self.add("container", container);
                match credential {
                    AzureCredential::AccessKey(_) => self.add("accessKey", NOT_SHOWN),
                    AzureCredential::SasToken(_) => self.add("sasToken", NOT_SHOWN),
                }
                self.millis("timeout", Some(*timeout));
                self.add("maxRetries", max_retries);
                self.text("keyPrefix", key_prefix.as_ref());
            }
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

    fn s3(&mut self, kind: &StoreKind) {
        let StoreKind::S3 {
            bucket,
            region,
            endpoint,
            access_key,
            secret_key,
            security_token,
            session_token,
            profile,
            timeout,
            max_retries,
            key_prefix,
            allow_invalid_certs,
        } = kind
        else {
            return;
        };
        match (endpoint, region::json_name(region)) {
            (None, Some(name)) => self.add("region", name),
            // A name that no release knows is host and region at once, for servers of all eras.
            (endpoint, _) => {
                self.add("region", region::CUSTOM);
                self.add("region.customEndpoint", endpoint.as_ref().unwrap_or(region));
                self.add("region.customRegion", region);
            }
        }
        self.add("bucket", bucket);
        self.secret("accessKey", access_key.as_ref());
        self.secret("secretKey", secret_key.as_ref());
        self.secret("securityToken", security_token.as_ref());
        self.secret("sessionToken", session_token.as_ref());
        self.text("profile", profile.as_ref());
        self.millis("timeout", Some(*timeout));
        self.add("maxRetries", max_retries);
        self.text("keyPrefix", key_prefix.as_ref());
        self.add("allowInvalidCerts", allow_invalid_certs);
    }

    fn sql(&mut self, kind: &StoreKind) {
        match kind {
            StoreKind::Postgres {
                host,
                port,
                database,
                user,
                password,
                options,
                timeout,
                tls,
                allow_invalid_certs,
            } => {
                self.text("host", host.as_ref());
                self.database(*port, database, user.as_ref(), password.as_ref());
                self.secret("options", options.as_ref());
                self.millis("timeout", *timeout);
                self.add("useTls", tls);
                self.add("allowInvalidCerts", allow_invalid_certs);
            }
            StoreKind::Mysql {
                host,
                port,
                database,
                user,
                password,
                max_allowed_packet,
                timeout,
                tls,
                allow_invalid_certs,
            } => {
                self.add("host", host);
                self.database(*port, database, user.as_ref(), password.as_ref());
                self.number("maxAllowedPacket", *max_allowed_packet);
                self.millis("timeout", *timeout);
                self.add("useTls", tls);
                self.add("allowInvalidCerts", allow_invalid_certs);
            }
            _ => {}
        }
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
        StoreKind::RocksDb { .. } => "RocksDb",
        StoreKind::Sqlite { .. } => "Sqlite",
        StoreKind::Postgres { .. } => "PostgreSql",
        StoreKind::Mysql { .. } => "MySql",
        StoreKind::FoundationDb { .. } => "FoundationDb",
        StoreKind::Fs { .. } => "FileSystem",
        StoreKind::S3 { .. } => "S3",
        StoreKind::Azure { .. } => "Azure",
        StoreKind::Sharded { .. } => "Sharded",
    }
}
