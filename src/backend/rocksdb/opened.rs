//! A database that is open for reading, and what of it could not be read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::place::named;
use super::{Db, obstacle, translate};
use crate::backend::Loss;
use crate::base::error::Result;
use crate::catalog::Table;

/// A database that is open for reading.
pub(super) struct OpenDatabase {
    /// Where it is, for people.
    pub path: PathBuf,
    /// RocksDB's handle.
    pub db: Arc<Db>,
    /// What was left out; only there when damage is read around.
    pub losses: Option<Mutex<Vec<Loss>>>,
}

impl OpenDatabase {
    /// The database `db` at `path`; with `losses`, damage is read around.
    pub fn new(path: PathBuf, db: Arc<Db>, losses: Option<Vec<Loss>>) -> Self {
        OpenDatabase { path, db, losses: losses.map(Mutex::new) }
    }

    /// Why something could not be read, if it is damage.
    ///
    /// Errors: everything that says nothing of the database, which may be whole.
    pub fn damage(&self, error: rocksdb::Error, table: &Table) -> Result<String> {
        match obstacle(&error) {
            Some(_) => {
                Err(translate(error, "read the RocksDB database", &self.path).with("table", table.name))
            }
            None => Ok(named(error.as_ref(), &self.path)),
        }
    }

    /// Notes what could not be read.
    pub fn lost(&self, loss: Loss) {
        if let Some(losses) = &self.losses {
            losses.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
        }
    }
}
