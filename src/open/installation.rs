//! The data store and, if separate, the blob store of an installation, from its configuration and the user's options.
//!
//! Descriptions only; `connect` opens the stores.

use std::path::Path;

use crate::base::error::Result;
use crate::catalog::SchemaVersion;
use crate::config::{BlobPlace, Compression, StoreConfig, blob_config};
use crate::open::backends;
use crate::records::blob::BlobRule;

/// The stores of an installation.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The data store.
    pub data: StoreConfig,
    /// The blob store, if it is separate from the data store.
    pub blobs: Option<StoreConfig>,
}

/// The user's choices about the blob store.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlobChoice<'a> {
    /// A file that describes the blob store and overrides the configuration.
    pub file: Option<&'a Path>,
    /// Accept invalid certificates.
    pub allow_invalid_certs: bool,
    /// Connect without TLS to databases that refuse the configured TLS, the data store included.
    pub allow_plaintext: bool,
}

impl Installation {
    /// The locations of both stores, for messages.
    pub fn location(&self) -> String {
        match &self.blobs {
            None => self.data.location(),
            Some(blobs) => format!("{}, blobs at {}", self.data.location(), blobs.location()),
        }
    }

    /// How a server of this version encodes blobs in this installation.
    pub fn blob_rule(&self, version: &SchemaVersion) -> BlobRule {
        match self.blobs.as_ref().unwrap_or(&self.data).compression {
            _ if version.blobs_marked => BlobRule::Marked,
            Compression::Lz4 => BlobRule::Lz4,
            Compression::None => BlobRule::Raw,
        }
    }
}

impl BlobChoice<'_> {
    /// The blob store from the user's file, if there is one.
    pub fn named(&self, data: &StoreConfig) -> Result<Option<BlobPlace>> {
        let named = self.file.map(|file| blob_config(file, |name| std::env::var(name).ok())).transpose()?;
        Ok(named.map(|place| self.resolve(place, data)))
    }

    /// The store with the user's agreement to plaintext applied.
    pub fn agreed(&self, store: StoreConfig) -> StoreConfig {
        if self.allow_plaintext { store.with_plaintext() } else { store }
    }

    /// The effective blob store: a description of the data store under another name is the data store.
    pub fn resolve(&self, place: BlobPlace, data: &StoreConfig) -> BlobPlace {
        match place {
            BlobPlace::Elsewhere(store) if !backends::is_data_store(&self.agreed(store.clone()), data) => {
                let store = if self.allow_invalid_certs { store.without_certificates() } else { store };
                BlobPlace::Elsewhere(self.agreed(store))
            }
            _ => BlobPlace::DataStore,
        }
    }
}
