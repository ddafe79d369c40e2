//! Checks the logs beside a SQLite database: what SQLite applies of them, what it would skip, and what can be
//! recovered from a damaged one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::files::{beside, cannot_copy, cannot_read, length};
use super::journal::{self, Journal};
use super::wal::{self, Shared};
use crate::base::dir::PrivateDir;
use crate::base::error::Result;

/// Result of checking the logs beside a database.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// Notes on content that SQLite skips correctly, one sentence each.
    pub ends: Vec<String>,
    /// Describes what is damaged or missing.
    pub damage: Option<String>,
    // The damaged log, for recovery.
    log: wal::WriteAheadLog,
    // Frames of the log that are already in the database file.
    in_database: u64,
}

/// The content of a `-shm` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SharedFile {
    /// There is no such file, or nothing was ever written to it.
    Nothing,
    /// The content is not reliable.
    Unsure,
    /// How many frames the log had.
    Says(Shared),
}

impl SharedFile {
    /// Reads the file beside the database at `path`. Call it before SQLite opens the database: closing the file would
    /// drop SQLite's locks on it.
    pub fn beside(path: &Path) -> Result<SharedFile> {
        let shared = beside(path, "-shm");
        if length(&shared)? == 0 {
            return Ok(SharedFile::Nothing);
        }
        let mut start = [0; Shared::BYTES];
        let read = File::open(&shared).and_then(|file| file.read_at(&mut start, 0));
        let read = read.map_err(|error| cannot_read(&shared, error))?;
        Ok(match Shared::of(&start) {
            Some(says) if read == Shared::BYTES => SharedFile::Says(says),
            _ if start.iter().all(|byte| *byte == 0) => SharedFile::Nothing,
            _ => SharedFile::Unsure,
        })
    }
}

impl Logs {
    /// Checks the logs beside `database`, by SQLite's own rules.
    ///
    /// Errors: I/O.
    pub fn of(database: &Path, shared: SharedFile) -> Result<Logs> {
        let mut logs = Logs::default();
        let log = beside(database, "-wal");
        let bytes = length(&log)?;
        if bytes > 0 {
            let mut file = File::open(&log).map_err(|error| cannot_read(&log, error))?;
            let found = wal::read(&mut file, bytes, page_size(database)).map_err(|e| cannot_read(&log, e))?;
            let own = match shared {
                SharedFile::Says(says) if found.salts() == Some(says.salts) => Some(says),
                _ => None,
            };
            logs.in_database = own.map_or(0, |says| u64::from(says.in_database));
            let written = own.map_or(0, |says| u64::from(says.frames));
            if let Some(damage) = &found.damage {
                logs.damage = Some(format!("its write-ahead log is damaged: {damage}"));
            } else if written > found.applied {
                logs.damage = Some(format!(
                    "its write-ahead log ends too early: the server had written {written} frames by its -shm file, \
                     and {} are there",
                    found.applied
                ));
            } else if found.ignored > 0 {
                logs.ends.push(format!(
                    "{} bytes at the end of its write-ahead log are left out: they belong to a transaction that was \
                     not finished",
                    found.ignored
                ));
            }
            logs.log = found;
        } else {
            match shared {
                SharedFile::Says(says) if says.frames > says.in_database => {
                    logs.damage = Some(format!(
                        "its write-ahead log (-wal) is missing: by its -shm file {} of {} frames were not in the \
                         database yet",
                        says.frames - says.in_database,
                        says.frames
                    ));
                }
                SharedFile::Unsure => {
                    logs.damage = Some(
                        "its write-ahead log (-wal) is missing, and its -shm file does not say what was in it"
                            .to_string(),
                    );
                }
                SharedFile::Says(_) | SharedFile::Nothing => {}
            }
        }
        let journal = beside(database, "-journal");
        let bytes = length(&journal)?;
        if bytes > 0 {
            let mut file = File::open(&journal).map_err(|error| cannot_read(&journal, error))?;
            match journal::read(&mut file, bytes).map_err(|error| cannot_read(&journal, error))? {
                Journal::Empty | Journal::Whole(_) => {}
                Journal::Finished(why) => logs.ends.push(format!(
                    "the rollback journal of {bytes} bytes beside it is not played back: {why}"
                )),
                Journal::Damaged(why) => {
                    logs.damage = Some(format!("its rollback journal is damaged: {why}"));
                }
            }
        }
        Ok(logs)
    }

    /// Writes the frames that a damaged write-ahead log still contains into the private copy of the database, which
    /// is `name` in `dir`, and removes the log.
    ///
    /// Errors: I/O.
    pub fn recover(&self, dir: &PrivateDir, name: &OsStr) -> Result<()> {
        let log = beside(Path::new(name), "-wal");
        if self.damage.is_none() || length(&dir.path().join(&log))? == 0 {
            return Ok(());
        }
        let fail = |error| cannot_copy(dir.path(), error);
        let file = dir.dir().reopen_file(name).map_err(fail)?;
        let mut frames = dir.dir().open_file(&log).map_err(fail)?;
        // Every page is in the database or in the log: a larger page number is invalid.
        let most = file.metadata().and_then(|one| Ok(one.len() + frames.metadata()?.len())).map_err(fail)?;
        let mut length = None;
        let written = self.log.recover(&mut frames, self.in_database, |page, pages_after, content| {
            let bytes = content.len() as u64;
            let end = u64::from(pages_after) * bytes;
            if pages_after > 0 && end <= most {
                length = Some(end);
            }
            if u64::from(page) * bytes <= most {
                file.write_all_at(content, u64::from(page - 1) * bytes)
            } else {
                Ok(())
            }
        });
        written.map_err(fail)?;
        if let Some(length) = length {
            file.set_len(length).map_err(fail)?;
        }
        dir.dir().remove(&log).map_err(fail)
    }
}

/// The page size in bytes by the header of a database; `None` if there is no valid header.
///
/// Format: "Database File Format" of SQLite, section 1.3.2.
fn page_size(database: &Path) -> Option<u32> {
    let mut header = [0; 18];
    File::open(database).ok()?.read_exact(&mut header).ok()?;
    Some(match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u32::from(size),
    })
    .filter(|size| size.is_power_of_two() && *size >= 512)
}
