//! The stores of one installation, as its configuration and the user name them: data, and blobs where they are apart.
//!
//! Descriptions only; `connect` opens them.

use std::path::Path;

use crate::base::error::Result;
use crate::catalog::SchemaVersion;
use crate::config::{BlobPlace, Compression, StoreConfig, blob_config};
use crate::open::backends;
use crate::records::blob::BlobRule;

/// Where an installation keeps data and blobs.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The data store.
    pub data: StoreConfig,
    /// The blob store, if it is another one.
    pub blobs: Option<StoreConfig>,
}

/// What the user has said about the blob store.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlobChoice<'a> {
    /// A file that names it, whatever the configuration says.
    pub file: Option<&'a Path>,
    /// Any certificate will do.
    pub allow_invalid_certs: bool,
    /// Databases that decline the TLS that is configured may be talked to in clear, the data store included.
    pub allow_plaintext: bool,
}

impl Installation {
    /// Where both are, for people.
    pub fn location(&self) -> String {
        match &self.blobs {
            None => self.data.location(),
            Some(blobs) => format!("{}, blobs at {}", self.data.location(), blobs.location()),
        }
    }

    /// How blobs are encoded there by a server of this version.
    pub fn blob_rule(&self, version: &SchemaVersion) -> BlobRule {
        match self.blobs.as_ref().unwrap_or(&self.data).compression {
            _ if version.blobs_marked => BlobRule::Marked,
            Compression::Lz4 => BlobRule::Lz4,
            Compression::None => BlobRule::Raw,
        }
    }
}

impl BlobChoice<'_> {
    /// The blob store of the file, if one was named.
    pub fn named(&self, data: &StoreConfig) -> Result<Option<BlobPlace>> {
        let named = self.file.map(|file| blob_config(file, |name| std::env::var(name).ok())).transpose()?;
        Ok(named.map(|place| self.settle(place, data)))
    }

    /// A store with what was agreed to for it.
    pub fn agreed(&self, store: StoreConfig) -> StoreConfig {
        if self.allow_plaintext { store.with_plaintext() } else { store }
    }

    /// The place as it is used: the data store under another name is the data store.
    pub fn settle(&self, place: BlobPlace, data: &StoreConfig) -> BlobPlace {
        match place {
            BlobPlace::Elsewhere(store) if !backends::is_data_store(&self.agreed(store.clone()), data) => {
                let store = if self.allow_invalid_certs { store.without_certificates() } else { store };
                BlobPlace::Elsewhere(self.agreed(store))
            }
            _ => BlobPlace::DataStore,
        }
    }
}
