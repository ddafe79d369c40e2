//! Finds the stores that a server's configuration names, and how to reach them.
//!
//! Reads the server's own file, of either era, as strictly as a migration needs: a value that cannot be resolved is
//! an error where the server would continue with a default. Opens no store. For a setting that may be in the database
//! it calls a function of the caller, who also passes the object that names a blob store.

mod file;

mod store;

pub mod toml;

mod macros;

mod secrets;

mod value;

mod local_keys;

mod toml_settings;

mod toml_stores;

mod object;

mod registry;

mod json;

mod recovery;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::dir::absolute;
use crate::base::error::{Error, Result};
use crate::catalog::{SchemaVersion, StoreGroup};
use crate::settings::shown;
use json::Json;
use local_keys::LocalKeys;
use toml::Toml;
use toml_settings::TomlSettings;
use toml_stores::Use;

pub use registry::{external_stores, variant_of};
pub use store::{BlobPlace, Compression, StoreConfig, StoreKind};

/// Limit in bytes of a configuration. Real ones have a few hundred kilobytes at most.
const MAX_FILE: u64 = 16 << 20;

/// The releases that a configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `config.toml`, Stalwart 0.12 to 0.15.
    Toml,
    /// `config.json`, Stalwart 0.16.
    Json,
}

/// A configuration file that has been read.
pub struct Config {
    file: PathBuf,
    source: ConfigText,
    env: Environment,
    notices: Vec<String>,
}

enum ConfigText {
    Toml(Toml),
    Json(Json),
}

type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A store of another role than data and blobs that is not the data store, and so is not migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its role.
    pub role: StoreGroup,
    /// The setting that names it.
    pub key: &'static str,
    /// Its id.
    pub store: String,
    /// Its type as in the configuration, in lower case, if the file defines the store.
    pub kind: Option<String>,
}

/// Settings that name a store for another role.
const OTHER_ROLES: [(StoreGroup, &str); 4] = [
    (StoreGroup::Lookup, "storage.lookup"),
    (StoreGroup::Search, "storage.fts"),
    (StoreGroup::Telemetry, "tracing.history.store"),
    (StoreGroup::Telemetry, "metrics.history.store"),
];

impl Config {
    /// Reads the file at `path`. `env` returns environment variables, for macros in values. Errors are of kind usage
    /// and name the absolute path; they never show a value that may be secret.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Config> {
        let file = absolute(path);
        let in_file = |error: Error| error.with("file", shown(&file.to_string_lossy()));
        let text = file::read_text(path, "the configuration", MAX_FILE).map_err(in_file)?;
        let source = match era(&text) {
            Era::Toml => ConfigText::Toml(Toml::parse(&text).map_err(in_file)?),
            Era::Json => ConfigText::Json(Json::parse(&text).map_err(in_file)?),
        };
        let mut notices = Vec::new();
        if let ConfigText::Toml(toml) = &source
            && let Some(line) = toml.unfinished_line()
        {
            notices.push(format!(
                "{} ends without a newline after line {line}; the server refuses it like that",
                shown(&file.to_string_lossy())
            ));
        }
        Ok(Config { file, source, env: Box::new(env), notices })
    }

    /// The releases that the file is for.
    pub fn era(&self) -> Era {
        match self.source {
            ConfigText::Toml(_) => Era::Toml,
            ConfigText::Json(_) => Era::Json,
        }
    }

    /// The absolute path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Deviations that the server would not have accepted, one sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The data store, with its links resolved. Errors are of kind usage and name key, line and file, or member and
    /// file.
    pub fn data_store(&self) -> Result<StoreConfig> {
        let store = match &self.source {
            ConfigText::Toml(toml) => {
                // The server reads the other settings from this store, so only the file can name it.
                let key = "storage.data";
                let settings = self.settings(toml);
                toml_stores::store(settings, &settings.required(key)?, Use::Data, key)
            }
            ConfigText::Json(json) => json.data_store(&self.env, &self.file),
        };
        store?.resolved()
    }

    /// The blob store named by file and settings. It is the data store if the ids are equal.
    ///
    /// `settings_row` returns the value of a setting in the data store, or nothing; it is called only if the file
    /// does not name the blob store and its `config.local-keys` leave that to the database. Stores themselves are
    /// always defined by the file. Errors are of kind usage, or those of `settings_row`.
    ///
    /// For a `config.json` this is an error: the registry object `BlobStore` in the data store names the blob store
    /// of that era; without that object it is the data store.
    pub fn blob_store(&self, settings_row: impl Fn(&str) -> Result<Option<String>>) -> Result<StoreConfig> {
        let ConfigText::Toml(toml) = &self.source else {
            return Err(Error::usage("a config.json names no blob store")
                .with("file", shown(&self.file.to_string_lossy()))
                .help("look for the registry object BlobStore in the database"));
        };
        let (key, settings) = ("storage.blob", self.settings(toml));
        let Some(id) = setting(settings, key, settings_row)? else {
            return Err(settings.missing(key));
        };
        toml_stores::store(settings, &id, Use::Blob, key)?.resolved()
    }

    /// The blob store named by the data store of a server from 0.16 on: by the value of the object
    /// [`SchemaVersion::blob_store`], if it exists. Variables and files that it names are read as for the
    /// configuration.
    ///
    /// A value that the server would silently replace by the data store is an error here. Errors are of kind usage;
    /// they name object, field and byte of the value, and never show a value that may be secret.
    pub fn blob_store_from_registry(
        &self,
        version: &SchemaVersion,
        value: Option<&[u8]>,
    ) -> Result<BlobPlace> {
        value
            .map_or(Ok(BlobPlace::DataStore), |value| registry::blob_place(version, value, &self.env))?
            .resolved()
    }

    /// Stores of other roles that are not the data store. `settings_row` as for [`blob_store`](Config::blob_store).
    /// Errors that concern only such a store are ignored, except for an unresolved macro in `storage.*`. A
    /// `config.json` names none: these stores are registry objects of that era.
    pub fn elsewhere(&self, settings_row: impl Fn(&str) -> Result<Option<String>>) -> Result<Vec<Elsewhere>> {
        let ConfigText::Toml(toml) = &self.source else { return Ok(Vec::new()) };
        let settings = self.settings(toml);
        let data = settings.required("storage.data")?;
        let mut found = Vec::new();
        for (role, key) in OTHER_ROLES {
            let id = match (setting(settings, key, &settings_row), toml.get(key)) {
                // Only `storage.*` must resolve; this one is named as it is written.
                (Err(_), Some(entry)) if role == StoreGroup::Telemetry => entry.value.clone(),
                (id, _) => id?.unwrap_or_default(),
            };
            if id.is_empty() || id == data {
                continue;
            }
            // An unresolved macro in the type of a store that is not read does not matter.
            let kind = toml_stores::type_of(settings, &id).unwrap_or_default();
            found.push(Elsewhere { role, key, store: id, kind });
        }
        Ok(found)
    }

    /// The blob store named by a file made for this purpose; see [`blob_config`].
    fn blob_place(&self) -> Result<BlobPlace> {
        let toml = match &self.source {
            ConfigText::Json(json) => return json.blob_place(&self.env, &self.file),
            ConfigText::Toml(toml) => toml,
        };
        let (key, settings) = ("storage.blob", self.settings(toml));
        let id = settings.required(key)?;
        if settings.text("storage.data")?.as_ref() == Some(&id) {
            return Ok(BlobPlace::DataStore);
        }
        toml_stores::store(settings, &id, Use::Blob, key).map(BlobPlace::Elsewhere)
    }

    fn settings<'a>(&'a self, toml: &'a Toml) -> TomlSettings<'a> {
        TomlSettings { toml, env: &self.env, file: &self.file }
    }
}

/// The blob store named by a separate file, for `--blob-config`: either the object `BlobStore` of Stalwart 0.16 in
/// JSON, as `{"@type":"FileSystem","path":"/srv/blobs"}`, or a `config.toml` of 0.12 to 0.15 whose `storage.blob`
/// names a store that it defines, or its own data store. `env` as for [`Config::load`].
///
/// Errors are of kind usage and name key, line and file, or member and file; they never show a value that may be
/// secret.
pub fn blob_config(
    path: &Path,
    env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Result<BlobPlace> {
    Config::load(path, env)?.blob_place()?.resolved()
}

// Neither values nor the environment are printed.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).field("era", &self.era()).finish_non_exhaustive()
    }
}

/// A setting of the file or, if its patterns allow it, of the database.
fn setting(
    settings: TomlSettings<'_>,
    key: &str,
    settings_row: impl Fn(&str) -> Result<Option<String>>,
) -> Result<Option<String>> {
    if let Some(value) = settings.text(key)? {
        return Ok(Some(value));
    }
    let local = LocalKeys::new(&settings.list("config.local-keys")?);
    if local.is_local(key) { Ok(None) } else { settings_row(key) }
}

fn era(text: &str) -> Era {
    if text.trim_ascii_start().starts_with('{') { Era::Json } else { Era::Toml }
}
