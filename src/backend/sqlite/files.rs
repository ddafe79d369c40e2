//! The files of a SQLite store: which files belong together, their state, and a private copy of them.
//!
//! SQLite finds a log by the name of the real file, so links are resolved before anything else. Contains nothing
//! about tables.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::journal::{self, Journal};
use crate::backend::meanwhile::written_meanwhile;
use crate::base::dir::{Dir, PrivateDir, absolute};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::stop::{Stop, interrupted};

/// Permissions of a directory created for a database, as the server creates it.
const DIRECTORY: u32 = 0o750;

/// Identity and state of a file by its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    written: (i64, i64),
}

/// The state of the files of a store at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilesState {
    database: Stamp,
    // The file change counter of the database header. A checkpoint does not increase it, but writes the file.
    counter: [u8; 4],
    // With the salts of its header, which change when the log restarts.
    log: Option<(Stamp, Vec<u8>)>,
    journal: Option<Stamp>,
}

/// The files of a store that is read.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    // Open as long as the store: closing the first handle of the file drops SQLite's locks.
    database: File,
}

/// The path of a database with `suffix` appended to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The length of a log in bytes; 0 if there is none.
///
/// Errors: refused for anything but a regular file, which SQLite would not use as a log; I/O.
pub(super) fn length(path: &Path) -> Result<u64> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(meta.len()),
        Ok(_) => Err(Error::refused("the log of the SQLite database is not a regular file")
            .with("path", path.display().to_string())
            .help("put the file itself in its place; SQLite follows no link there")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(cannot_read(path, error)),
    }
}

impl Files {
    /// Opens the files of the database at `path`, which may contain links.
    ///
    /// Errors: usage if there is no such file; refused if its log may be beside another name of it; I/O if one of its
    /// files cannot be read.
    pub fn open(path: &Path) -> Result<Files> {
        let place = absolute(path);
        let absent = |error: std::io::Error| {
            let error = Error::usage("the SQLite database does not exist")
                .with("path", place.display().to_string())
                .because(error)
                .help("check the path in the configuration and the directory this was started in");
            match [beside(&place, "-wal"), beside(&place, "-journal")].iter().find(|log| log.exists()) {
                Some(log) => error.with("its log is there", log.display().to_string()),
                None => error,
            }
        };
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A path whose parent is a file is wrong, too.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(absent(error));
            }
            Err(error) => return Err(cannot_read(&place, error)),
        };
        if !fs::metadata(&real).map_err(|error| cannot_read(&real, error))?.is_file() {
            return Err(Error::usage("the SQLite database is not a regular file")
                .with("path", real.display().to_string())
                .help("check the path in the configuration"));
        }
        // SQLite reports a file without read permission as an empty error; the system's error says more.
        let database = File::open(&real).map_err(|error| cannot_read(&real, error))?;
        let meta = database.metadata().map_err(|error| cannot_read(&real, error))?;
        for log in [beside(&real, "-wal"), beside(&real, "-journal")] {
            if length(&log)? > 0 {
                File::open(&log).map_err(|error| cannot_read(&log, error))?;
            }
        }
        check_names(&real, &meta)?;
        Ok(Files { path: real, database })
    }

    /// The path of the database, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of its logs together, in bytes.
    pub fn log_length(&self) -> Result<u64> {
        Ok(length(&beside(&self.path, "-wal"))? + length(&beside(&self.path, "-journal"))?)
    }

    /// The current state of the files.
    pub fn look(&self) -> Result<FilesState> {
        let fail = |error| cannot_read(&self.path, error);
        let stamp = |meta: &Metadata| Stamp {
            device: meta.dev(),
            inode: meta.ino(),
            length: meta.len(),
            written: (meta.mtime(), meta.mtime_nsec()),
        };
        let database = stamp(&fs::metadata(&self.path).map_err(fail)?);
        let mut counter = [0; 4];
        match self.database.read_exact_at(&mut counter, 24) {
            // A file shorter than the header has no counter.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            // A read error is not a changed counter.
            read => read.map_err(fail)?,
        }
        let log = beside(&self.path, "-wal");
        let log = match length(&log)? {
            0 => None,
            _ => {
                // SQLite has no lock on this file that closing it could drop.
                let file = File::open(&log).map_err(|error| cannot_read(&log, error))?;
                let mut salts = vec![0; 8];
                let read = file.read_at(&mut salts, 16).map_err(|error| cannot_read(&log, error))?;
                salts.truncate(read);
                Some((stamp(&file.metadata().map_err(|error| cannot_read(&log, error))?), salts))
            }
        };
        let journal = beside(&self.path, "-journal");
        let journal = match length(&journal)? {
            0 => None,
            _ => Some(stamp(&fs::metadata(&journal).map_err(|error| cannot_read(&journal, error))?)),
        };
        Ok(FilesState { database, counter, log, journal })
    }

    /// Refuses an empty database beside a log with content.
    ///
    /// Errors: refused; I/O.
    pub fn has_its_database(&self, seen: &FilesState) -> Result<()> {
        if seen.length() == 0 { no_log_left(&self.path) } else { Ok(()) }
    }

    /// The length in bytes that the database should have by its header, if it is shorter.
    ///
    /// Format: "Database File Format" of SQLite, section 1.3: page size at offset 16, pages at offset 28.
    pub fn stated_length(&self) -> Option<u64> {
        let mut header = [0; 32];
        self.database.read_exact_at(&mut header, 0).ok()?;
        let page = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => u64::from(size),
        };
        let stated = page * u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
        let found = self.database.metadata().ok()?.len();
        // A damaged header can contain any number.
        (found < stated && stated / 64 <= found).then_some(stated)
    }

    /// Errors: another process has written the store since `before`.
    pub fn unchanged_since(&self, before: &FilesState) -> Result<()> {
        match self.difference(before)? {
            None => Ok(()),
            Some(why) => Err(changed(&self.path, &why)),
        }
    }

    /// Describes, as a clause, what has changed since `before`; `None` if nothing has.
    pub fn difference(&self, before: &FilesState) -> Result<Option<String>> {
        let now = self.look()?;
        let what = [
            (now.database != before.database || now.counter != before.counter, "the database"),
            (now.log != before.log, "its write-ahead log"),
            (now.journal != before.journal, "its journal"),
        ];
        let found = what.into_iter().find_map(|(differs, what)| differs.then_some(what));
        Ok(found.map(|what| format!("{what} is not what it was")))
    }

    /// Copies database and logs into `dir`, as they were at one moment; the copies have the names of the originals.
    /// Returns the path of the copied database.
    ///
    /// Errors: I/O; the store has changed since `before`.
    pub fn copy(&self, dir: &PrivateDir, before: &FilesState) -> Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default();
        for suffix in ["", "-wal", "-journal"] {
            let from = beside(&self.path, suffix);
            // A database whose first transaction has not ended is empty beside its journal.
            if suffix.is_empty() || length(&from)? > 0 {
                let mut source = File::open(&from).map_err(|error| cannot_read(&from, error))?;
                copy_private(&mut source, dir, &beside(Path::new(name), suffix))?;
            }
        }
        // The files were copied one after the other.
        self.unchanged_since(before)?;
        Ok(dir.path().join(name))
    }
}

impl FilesState {
    /// A fingerprint that is stable while the store is not written, for a run that is continued later. It does not
    /// contain the path of the store.
    pub fn text(&self) -> String {
        let (wal, salts) =
            self.log.as_ref().map_or((0, String::new()), |(stamp, salts)| (stamp.length, hex(salts)));
        let (seconds, nanoseconds) = self.database.written;
        let counter = hex(&self.counter);
        format!("{} {seconds}.{nanoseconds:09} {counter} {wal} {salts}", self.database.length)
    }

    /// Length of the database in bytes.
    pub fn length(&self) -> u64 {
        self.database.length
    }
}

/// The error of a store that was written during the run.
pub(super) fn changed(path: &Path, why: &str) -> Error {
    written_meanwhile(why).with("database", path.display().to_string())
}

/// Refuses a database whose log may be beside another of its names: SQLite searches beside the name it is given.
fn check_names(path: &Path, meta: &Metadata) -> Result<()> {
    if meta.nlink() < 2 {
        return Ok(());
    }
    let error = Error::refused(
        "the SQLite database has several names (hard links), and its log lies beside one of them",
    )
    .with("path", path.display().to_string());
    let mut names = 0;
    let entries = path.parent().map(fs::read_dir).transpose().map_err(|error| cannot_read(path, error))?;
    for entry in entries.into_iter().flatten().flatten() {
        let other = entry.path();
        let same = fs::symlink_metadata(&other)
            .is_ok_and(|found| (found.dev(), found.ino()) == (meta.dev(), meta.ino()));
        if !same {
            continue;
        }
        names += 1;
        if other != path && (length(&beside(&other, "-wal"))? > 0 || length(&beside(&other, "-journal"))? > 0)
        {
            return Err(error
                .with("log beside", other.display().to_string())
                .help("name that path in the configuration"));
        }
    }
    if names == meta.nlink() || length(&beside(path, "-wal"))? > 0 || length(&beside(path, "-journal"))? > 0 {
        return Ok(());
    }
    Err(error.help(
        "name the path in the configuration that the server used, with its log; or, if no log belongs to it, copy the \
         database to a file of its own",
    ))
}

/// Whether there is a database to read at `path`; an absent or empty file can become a target.
///
/// Errors: refused if a log with content is beside it, which SQLite would delete; I/O.
pub fn exists(path: &Path) -> Result<bool> {
    let found = match fs::metadata(path) {
        // SQLite treats an empty file as an empty database.
        Ok(meta) => !meta.is_file() || meta.len() > 0,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Error::usage("the target is not a file")
                .with("path", path.display().to_string())
                .because(error)
                .help("check the path in the configuration"));
        }
        Err(error) => {
            return Err(Error::io("cannot look at the target")
                .with("path", path.display().to_string())
                .because(error)
                .help("run as a user who may use it"));
        }
    };
    if !found {
        // For a link, the log is beside the real file.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        no_log_left(&real)?;
        if let Ok(meta) = fs::metadata(&real) {
            one_name(&real, &meta)?;
        }
    }
    Ok(found)
}

/// Refuses an empty or absent database that has a log with content: the log is the only copy of its rows.
fn no_log_left(path: &Path) -> Result<()> {
    for suffix in ["-wal", "-journal"] {
        let log = beside(path, suffix);
        let found = length(&log)?;
        if found == 0 {
            continue;
        }
        let mut file = File::open(&log).map_err(|error| cannot_read(&log, error))?;
        let begun = match journal::read(&mut file, found).map_err(|error| cannot_read(&log, error))? {
            // The first transaction of a new database, never finished.
            Journal::Whole(0) | Journal::Finished(_) => suffix == "-journal",
            _ => false,
        };
        if !begun {
            return Err(Error::refused(
                "the SQLite database is empty or absent, but a log with content lies beside it",
            )
            .with("path", path.display().to_string())
            .with("log", log.display().to_string())
            .help("put the database back to which the log belongs, or move the log to another directory"));
        }
    }
    Ok(())
}

/// Refuses to write a database that has several names: its log would be beside only one of them.
pub(super) fn one_name(path: &Path, meta: &Metadata) -> Result<()> {
    if meta.is_file() && meta.nlink() > 1 {
        Err(Error::refused("the SQLite database has several names (hard links)")
            .with("path", path.display().to_string())
            .help("name a file of its own in the configuration: what one name leads to must not change under another"))
    } else {
        Ok(())
    }
}

/// Returns the path at which a database is written, without links; creates its directory.
///
/// Errors: usage for a dangling link; refused as [`exists`] and for several names; I/O.
pub(super) fn to_write(path: &Path) -> Result<PathBuf> {
    let place = absolute(path);
    let real = match fs::canonicalize(&place) {
        Ok(real) => real,
        Err(_) if fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_symlink()) => {
            return Err(Error::usage("the path of the SQLite database is a link that leads nowhere")
                .with("path", place.display().to_string())
                .help("remove the link, or make what it leads to"));
        }
        Err(_) => {
            let (parent, name) = Dir::holding_created(&place, DIRECTORY).map_err(|error| {
                Error::io("cannot create the directory of the SQLite database")
                    .with("path", place.display().to_string())
                    .because(error)
                    .help("run as a user who may write there")
            })?;
            fs::canonicalize(parent.path()).map_err(|error| cannot_read(parent.path(), error))?.join(name)
        }
    };
    if !exists(&real)? {
        return Ok(real);
    }
    one_name(&real, &fs::metadata(&real).map_err(|error| cannot_read(&real, error))?)?;
    Ok(real)
}

/// Creates a private directory in the system's directory for temporary files.
pub(super) fn private_directory() -> Result<PrivateDir> {
    let temporary = std::env::temp_dir();
    // SQLite is set to follow no links.
    let real = fs::canonicalize(&temporary).map_err(|error| cannot_copy(&temporary, error))?;
    PrivateDir::create(&real).map_err(|error| cannot_copy(&real, error))
}

/// Copies without the permissions of the original, which may not include write access.
fn copy_private(source: &mut File, dir: &PrivateDir, to: &Path) -> Result<()> {
    let fail = |error| cannot_copy(dir.path(), error);
    let mut target = dir.dir().create_private_file(to).map_err(fail)?;
    loop {
        // In parts, with a check for signals between them.
        if std::io::copy(&mut source.by_ref().take(64 << 20), &mut target).map_err(fail)? == 0 {
            return Ok(());
        }
        Stop::of_process().check()?;
    }
}

/// The error of a copy that cannot be made.
pub(super) fn cannot_copy(dir: &Path, error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::Interrupted {
        return interrupted();
    }
    Error::io("cannot make a private copy of the SQLite database")
        .with("path", dir.display().to_string())
        .because(error)
        .help("set TMPDIR to a directory with enough space")
}

/// The error of a file that cannot be read.
pub(super) fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::Interrupted {
        return interrupted();
    }
    let help = match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE) => {
            "raise the limit of open files (ulimit -n) and try again"
        }
        Some(rustix::io::Errno::NOMEM) => "free some memory and try again",
        Some(rustix::io::Errno::IO) => {
            "look at the system's log for what is wrong with the disk, and try again"
        }
        _ => "run as a user who may read it",
    };
    Error::io("cannot read a file of the SQLite database")
        .with("path", path.display().to_string())
        .because(error)
        .help(help)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_write_of_another_process_is_seen() {
        let check = |what: &str, write: &dyn Fn(&Path), seen: bool| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a");
            for (suffix, content) in [("", [7; 100]), ("-wal", [8; 100]), ("-journal", [9; 100])] {
                fs::write(beside(&path, suffix), content).unwrap();
            }
            let files = Files::open(&path).unwrap();
            let before = files.look().unwrap();
            write(&path);
            let copy = private_directory().unwrap();
            let copied = files.copy(&copy, &before);
            assert_eq!(copied.is_err(), seen, "{what}");
            assert_eq!(files.unchanged_since(&before).is_err(), seen, "{what}");
            if seen {
                assert!(
                    copied.unwrap_err().to_string().contains("wrote to the store while it was read"),
                    "{what}"
                );
            } else {
                assert_eq!(fs::read(beside(&copied.unwrap(), "-wal")).unwrap(), [8; 100]);
            }
        };
        let append = |path: PathBuf| {
            let bytes = [fs::read(&path).unwrap(), vec![1]].concat();
            fs::write(path, bytes).unwrap();
        };
        check("nothing", &|_| {}, false);
        check("a longer database", &|path| append(path.to_path_buf()), true);
        check("a longer log", &|path| append(beside(path, "-wal")), true);
        check("a longer journal", &|path| append(beside(path, "-journal")), true);
        check("no log any more", &|path| fs::remove_file(beside(path, "-wal")).unwrap(), true);
        check(
            "another file of the same name",
            &|path| {
                fs::copy(path, path.with_extension("new")).unwrap();
                fs::rename(path.with_extension("new"), path).unwrap();
            },
            true,
        );
        check("an index of the log", &|path| fs::write(beside(path, "-shm"), b"x").unwrap(), false);
    }
}
