//! The one connection that writes a SQLite database: it has the lock, and one shard uses it at a time.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::connection::{self, OpenMode};
use super::place::SqlitePlace;
use super::{shape, translate};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{lock, wait};
use crate::base::write_back::WriteBack;

/// The connection that has the lock, shared by the target and `Look`.
pub(super) struct Locked {
    // `None` while a shard uses it.
    connection: Mutex<Option<Connection>>,
    returned: Condvar,
    // Dropped after the connection: it closes a handle of the same file, which would drop SQLite's locks.
    write_back: Mutex<WriteBack>,
    written: AtomicBool,
    // Dropped after the connection and every handle: gives the directory back to its owner.
    place: SqlitePlace,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Still locked: another process that has opened the file then sees that its name is gone.
        if !self.written.load(Ordering::Relaxed) {
            self.place.leave();
        }
    }
}

impl Locked {
    /// Opens or creates the database and locks it; changes nothing in it. `memory` bounds SQLite's page cache, in
    /// bytes.
    pub fn open(path: &Path, memory: u64) -> Result<Self> {
        let place = SqlitePlace::open(path)?;
        let before = place.file();
        let opened = Locked::connect(place.path(), memory).inspect_err(|error| {
            // A database that another run has locked belongs to that run.
            if error.kind() != ErrorKind::Refused {
                place.leave();
            }
        });
        let locked = Locked {
            connection: Mutex::new(Some(opened?)),
            returned: Condvar::new(),
            write_back: Mutex::default(),
            written: AtomicBool::new(false),
            place,
        };
        // Another run may have removed the file that it created, after this run opened it and before it locked it.
        if before.is_none() || locked.place.file() != before {
            return Err(Error::refused("another process has put another file in the place of the database")
                .with("path", locked.path().display().to_string())
                .help("make sure that no other program uses it, then start again"));
        }
        Ok(locked)
    }

    /// The path of the database, for messages.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Records that the database is changed from now on: it is no longer removed when the run ends.
    pub fn writing(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    /// Removes the `-shm` file of an earlier writer whose log SQLite has written into the database.
    pub fn drop_shared(&self) {
        self.place.drop_shared();
    }

    fn connect(place: &Path, memory: u64) -> Result<Connection> {
        let fail = |e| translate(e, "open the SQLite database for writing", place);
        let connection = connection::open(place, OpenMode::Create).map_err(fail)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fail)?;
        let pragmas = format!(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{};",
            // Sorted inserts touch the right edge of two trees; a larger cache is not faster.
            memory / 4 / 1024
        );
        connection.execute_batch(&pragmas).map_err(fail)?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;").map_err(fail)?;
        let extras = shape::extras(&connection).map_err(fail)?;
        if let Some(first) = extras.first() {
            return Err(Error::refused(
                "the SQLite database has what the server does not make: it would take part in writing",
            )
            .with("path", place.display().to_string())
            .with("found", first.clone())
            .help("remove it, or use another, fresh store"));
        }
        Ok(connection)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.connection)
    }

    /// Takes the connection, for a shard that writes; blocks until it is available.
    pub fn take(&self) -> Connection {
        let mut slot = self.lock();
        loop {
            if let Some(connection) = slot.take() {
                return connection;
            }
            slot = wait(&self.returned, slot);
        }
    }

    /// Makes the connection available again.
    pub fn give_back(&self, connection: Connection) {
        *self.lock() = Some(connection);
        self.returned.notify_one();
    }

    /// Starts writing the database file back to disk early, so that a commit has less left to sync. `bytes` were
    /// written since the last call.
    pub fn write_back(&self, bytes: u64) -> Result<()> {
        let mut write_back = lock(&self.write_back);
        write_back.wrote(bytes, || File::open(self.path())).map_err(|error| {
            Error::io("cannot bring the SQLite database to the disk")
                .with("path", self.path().display().to_string())
                .because(error)
                .help("check the disk; the system's log says more")
        })
    }

    /// Runs a closure on the connection.
    pub fn with<T>(&self, doing: &str, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.take();
        let result = run(&connection);
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.give_back(connection);
        result.map_err(|error| translate(error, doing, self.path()))
    }
}
