//! A database that is open for reading, and the losses of reading it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::place::named;
use super::{Db, obstacle, translate};
use crate::backend::Loss;
use crate::base::error::Result;
use crate::base::sync::lock;
use crate::catalog::Table;

/// A database that is open for reading.
pub(super) struct OpenDatabase {
    /// Its path, for messages.
    pub path: PathBuf,
    /// RocksDB's handle.
    pub db: Arc<Db>,
    /// What was left out; `None` unless the source reads around damage.
    pub losses: Option<Mutex<Vec<Loss>>>,
}

impl OpenDatabase {
    /// The database `db` at `path`; with `losses`, the source reads around damage.
    pub fn new(path: PathBuf, db: Arc<Db>, losses: Option<Vec<Loss>>) -> Self {
        OpenDatabase { path, db, losses: losses.map(Mutex::new) }
    }

    /// The reason of a failed read, if it is damage.
    ///
    /// Errors: every failure that is no sign of damage.
    pub fn damage(&self, error: rocksdb::Error, table: &Table) -> Result<String> {
        match obstacle(&error) {
            Some(_) => {
                Err(translate(error, "read the RocksDB database", &self.path).with("table", table.name))
            }
            None => Ok(named(error.as_ref(), &self.path)),
        }
    }

    /// Records a loss.
    pub fn lost(&self, loss: Loss) {
        if let Some(losses) = &self.losses {
            lock(losses).push(loss);
        }
    }
}
