//! Detects a server running on a store, by the locks on RocksDB and SQLite files and by the other sessions of a
//! database.
//!
//! Queries record locks from the kernel; takes no lock and writes nothing. Queried files stay open until the process
//! ends, so that the query can be repeated while a store is open. Sessions of a database are queried by its source.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use crate::backend::Sessions;
use crate::backend::hold::{ROCKSDB_BYTE, SQLITE_BYTE};
use crate::base::error::{Error, Result};
use crate::config::StoreKind;
use crate::run::console::Console;
use crate::settings::RocksDbSettings;

/// Most sessions listed in a message.
const SHOWN: usize = 5;

/// A process that has a store open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The locked file.
    pub file: PathBuf,
    /// Process id, if the kernel reports it (not across containers).
    pub pid: Option<i32>,
    /// Name of the program, if `/proc` has it.
    pub program: Option<String>,
}

impl Holder {
    /// For messages, such as `process 4711 (stalwart)`.
    pub fn describe(&self) -> String {
        match (&self.pid, &self.program) {
            (Some(pid), Some(program)) => format!("process {pid} ({program})"),
            (Some(pid), None) => format!("process {pid}"),
            _ => "a process in another container or on another host".to_string(),
        }
    }

    /// Whether the process runs this program, by its name.
    fn is_this_program(&self) -> bool {
        let own = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
        self.program.as_deref().is_some_and(|program| program == own.trim_end())
    }

    /// The error for a server that runs on the store at `place`; `what` says so in words.
    pub fn refusal(&self, what: impl Into<String>, place: &str) -> Error {
        Error::refused(what).with("store", place).with("locked by", self.describe())
    }
}

/// Refuses an embedded store that a process has open; `what` is the store in words.
pub fn check_free(holder: Option<&Holder>, what: &str, place: &str) -> Result<()> {
    let Some(holder) = holder else { return Ok(()) };
    Err(if holder.is_this_program() {
        let running = holder.refusal(format!("another run of this program is at work on {what}"), place);
        running.help("wait until it has ended")
    } else {
        let running = holder.refusal(format!("a server is running on {what}"), place);
        running.help("stop the server and try again")
    })
}

/// The process that has the files of an embedded store open, if any. Always `None` for database servers, which
/// [`check_sessions`] covers.
pub fn holder(store: &StoreKind) -> Option<Holder> {
    match store {
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => locked(&path.join("LOCK"), ROCKSDB_BYTE),
        StoreKind::Sqlite { path, .. } => {
            let mut shared = path.clone().into_os_string();
            shared.push("-shm");
            // In write-ahead mode every open connection holds a lock on the shared-memory file.
            locked(Path::new(&shared), SQLITE_BYTE).or_else(|| locked(path, SQLITE_BYTE))
        }
        StoreKind::Sharded { stores } => stores.iter().find_map(|member| holder(&member.kind)),
        _ => None,
    }
}

/// Refuses a database with other sessions; only warns if the user has agreed or nothing will be written.
pub fn check_sessions(sessions: &Sessions, store: &str, agreed: bool, console: &Console) -> Result<()> {
    if let Some(why) = &sessions.hidden {
        console.warn(format!("cannot tell for certain that no server is running: {why}"));
    }
    if sessions.others.is_empty() {
        return Ok(());
    }
    let error = others(sessions, "others are connected to the database, most likely a running server", store)
        .help("stop the server and whatever else uses the database, or use --yes if none of them writes");
    if !agreed {
        return Err(error);
    }
    console.warn(error.to_string());
    Ok(())
}

/// Refuses a database to which others have connected since it was first checked, unless the user has agreed; `when` is
/// the database and the time in words, `remedy` the advice.
pub fn check_still_alone(
    sessions: &Sessions,
    when: &str,
    store: &str,
    agreed: bool,
    remedy: &str,
) -> Result<()> {
    if sessions.others.is_empty() || agreed {
        return Ok(());
    }
    let what = format!("others have connected to {when}, most likely a server");
    Err(others(sessions, what, store).help(remedy))
}

/// The error for other sessions, with the first of them.
fn others(sessions: &Sessions, what: impl Into<String>, store: &str) -> Error {
    let mut shown: Vec<&str> = sessions.others.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("{} more", sessions.others.len().saturating_sub(SHOWN));
    if sessions.others.len() > SHOWN {
        shown.push(&more);
    }
    Error::refused(what).with("store", store).with("sessions", shown.join(", "))
}

/// The process that has locked a file. Ignores the one byte that other runs of this program lock for reading.
fn locked(path: &Path, ours: u64) -> Option<Holder> {
    // Only regular files: opening a FIFO would wait for a writer.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(0)).ok()?;
    // Length 0 means up to the largest possible offset, SQLite's lock bytes included.
    let lock = [(0, ours), (ours + 1, 0)].into_iter().find_map(|(start, length)| {
        let probe =
            Flock { start, length, pid: None, typ: FlockType::WriteLock, offset_type: FlockOffsetType::Set };
        fcntl_getlk(&file, &probe).ok().flatten()
    });
    // Closing it would release every lock of this process on the file, those of an open store included.
    std::mem::forget(file);
    let lock = lock?;
    let pid = lock.pid.map(|pid| pid.as_raw_nonzero().get()).filter(|pid| *pid > 0);
    let program = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    Some(Holder { file: path.to_path_buf(), pid, program: program.map(|name| name.trim().to_string()) })
}
