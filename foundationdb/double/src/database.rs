//! Databases: where transactions find their store, and the defaults of their options.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cluster_file::{self, Cluster};
use crate::code::Code;
use crate::options::{Options, Setting};
use crate::store::Store;

/// What the operations of a database lead to.
pub(crate) enum Place {
    Store(Arc<Store>),
    /// Nothing ever answers.
    Unreachable,
    /// There is no database. In the real client, too, only operations fail.
    Failed(Code),
}

/// A database handle.
pub(crate) struct Database {
    pub(crate) place: Place,
    defaults: Mutex<Options>,
}

impl Database {
    pub(crate) fn open(cluster_file: &Path) -> Arc<Self> {
        let place = match cluster_file::read(cluster_file) {
            Ok(Cluster::Store) => Store::open(cluster_file).map_or_else(Place::Failed, Place::Store),
            Ok(Cluster::Unreachable) => Place::Unreachable,
            Err(code) => Place::Failed(code),
        };
        Arc::new(Self { place, defaults: Mutex::default() })
    }

    /// The options that a new or reset transaction has.
    pub(crate) fn defaults(&self) -> Options {
        self.defaults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_option(&self, code: u32, parameter: &[u8]) -> Result<(), Code> {
        match Setting::of_database(code, parameter)? {
            None => Ok(()),
            Some(setting) => self.defaults.lock().unwrap_or_else(PoisonError::into_inner).set(setting),
        }
    }

    /// A short report about the connections of the client.
    pub(crate) fn client_status(&self) -> Vec<u8> {
        let healthy = matches!(self.place, Place::Store(_));
        format!("{{\"Healthy\":{healthy},\"ClusterID\":\"fdb-double\"}}").into_bytes()
    }
}
