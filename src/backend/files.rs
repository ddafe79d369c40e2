//! Decides by name which files belong to an embedded store; other files beside them are not touched.
//!
//! Contains names and the file types allowed for them; opens no store.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use rustix::fs::FileType;

use super::STAGING;
use crate::base::dir::{Dir, RECORD, own_user};
use crate::base::error::{Error, Result};

/// Suffixes that SQLite appends to the name of a database for its other files.
pub const SQLITE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The meaning of a file name for RocksDB.
///
/// Source: `ParseFileName` in `file/filename.cc` of RocksDB 10.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RocksFile {
    /// A file that RocksDB writes before there is a database: an interrupted creation leaves such files and no
    /// `CURRENT`, and the next one starts with them.
    Begun,
    /// `CURRENT`, which makes a directory a database.
    Current,
    /// A file with records or metadata.
    Content,
}

impl RocksFile {
    /// The meaning of this name, if it is one of RocksDB's.
    pub fn of(name: &OsStr) -> Option<RocksFile> {
        let name = name.to_str()?;
        let numbered = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let begun = ["LOCK", "IDENTITY", "LOG", "LOG.old"].contains(&name)
            || ["LOG.old.", "MANIFEST-"].iter().any(|start| name.strip_prefix(start).is_some_and(numbered))
            || name.ends_with(".dbtmp");
        if begun {
            return Some(RocksFile::Begun);
        }
        if name == "CURRENT" {
            return Some(RocksFile::Current);
        }
        let (number, kind) = name.split_once('.').unwrap_or((name, ""));
        let content = numbered(number) && ["sst", "ldb", "log", "blob"].contains(&kind)
            || ["OPTIONS-", "METADB-"].iter().any(|start| name.strip_prefix(start).is_some_and(numbered));
        content.then_some(RocksFile::Content)
    }
}

/// Whether there is a RocksDB database in a directory that is to be written, whatever other files it contains.
///
/// Errors: refused for files of a database that has lost its `CURRENT`, and for names of RocksDB that are links.
pub fn rocks_database(dir: &Dir) -> Result<bool> {
    let (mut current, mut content) = (false, None);
    // Until the files of a killed load are removed, some of them have two names.
    let staged = dir.look(STAGING).is_ok_and(|found| found.is_some());
    for name in dir.names().map_err(|error| unreadable(dir, error))? {
        let name = name.map_err(|error| unreadable(dir, error))?;
        let Some(file) = RocksFile::of(&name) else { continue };
        check(dir, &name, staged)?;
        match file {
            RocksFile::Begun => {}
            RocksFile::Current => current = true,
            RocksFile::Content => content = Some(name),
        }
    }
    match content {
        Some(name) if !current => Err(Error::refused(
            "the target holds files of a RocksDB database that has no file CURRENT",
        )
        .with("path", dir.path().display().to_string())
        .with("file", name.display().to_string())
        .help("if they are needed restore that database from a backup, otherwise name an empty directory")),
        _ => Ok(current),
    }
}

/// Refuses a directory in which RocksDB would write to anything but a regular file of its own.
///
/// Errors: refused, naming the entry.
pub fn check_rocks_files(dir: &Dir) -> Result<()> {
    for name in dir.names().map_err(|error| unreadable(dir, error))? {
        let name = name.map_err(|error| unreadable(dir, error))?;
        if RocksFile::of(&name).is_some() {
            check(dir, &name, false)?;
        }
    }
    Ok(())
}

/// Refuses to read a RocksDB database if one of its files is not a regular file: reading a FIFO would block, and a
/// link that another user has created may lead to a file that only this user can read.
///
/// Errors: refused, naming the entry.
pub fn check_rocks_source(dir: &Dir) -> Result<()> {
    for name in dir.names().map_err(|error| unreadable(dir, error))? {
        let name = name.map_err(|error| unreadable(dir, error))?;
        let Some(entry) = dir.look(&name).map_err(|error| unreadable(dir, error))? else { continue };
        let what = match entry.kind {
            _ if RocksFile::of(&name).is_none() || entry.is_file() => continue,
            FileType::Symlink if entry.user == 0 || entry.user == own_user() => continue,
            FileType::Symlink => "a symbolic link that another user has made",
            _ => "no regular file",
        };
        return Err(Error::refused(format!("a file of the RocksDB database is {what}"))
            .with("path", dir.place(&name).display().to_string())
            .help(
                "look at what it is; put the file itself in its place, or restore the store from a backup",
            ));
    }
    Ok(())
}

/// Refuses a SQLite database if one of its names is used by something that SQLite must not write to.
///
/// Errors: refused, naming the entry.
pub fn check_sqlite_files(dir: &Dir, name: &OsStr) -> Result<()> {
    check(dir, name, false)?;
    SQLITE_SUFFIXES.iter().try_for_each(|suffix| {
        let mut beside = name.to_os_string();
        beside.push(suffix);
        check(dir, &beside, false)
    })
}

fn check(dir: &Dir, name: &OsStr, second_names: bool) -> Result<()> {
    let Some(entry) = dir.look(name).map_err(|error| unreadable(dir, error))? else { return Ok(()) };
    match entry.objection() {
        Some(_) if second_names && entry.is_file() => Ok(()),
        Some(what) => Err(Error::refused(format!("a name that the store would write to is {what}"))
            .with("path", dir.place(name).display().to_string())
            .help("look at what it is, and remove or copy it; nothing is written through it")),
        None => Ok(()),
    }
}

/// Gives the directory and the files of a RocksDB database to a user, a group or both; no other files in it, and
/// nothing that a link leads to. Failures go to `failed`.
pub fn give_rocks(
    path: &Path,
    (user, group): (Option<u32>, Option<u32>),
    failed: &mut dyn FnMut(&Path, io::Error),
) {
    let dir = match Dir::open(path) {
        Ok(dir) => dir,
        Err(error) => return failed(path, error),
    };
    match dir.names() {
        Ok(names) => names.for_each(|name| {
            let given = match &name {
                Ok(name) if RocksFile::of(name).is_some() => dir.give_file(name, user, group).map(drop),
                Ok(_) => return,
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            if let Err(error) = given {
                failed(&name.map_or(path.to_path_buf(), |name| dir.place(name)), error);
            }
        }),
        Err(error) => failed(path, error),
    }
    if let Err(error) = dir.give(user, group) {
        failed(path, error);
    }
}

/// Gives a SQLite database to a user, a group or both, with its other files, and with the directory if nothing else
/// is in it. Failures go to `failed`.
pub fn give_sqlite(
    path: &Path,
    (user, group): (Option<u32>, Option<u32>),
    failed: &mut dyn FnMut(&Path, io::Error),
) {
    let (dir, name) = match Dir::locate(path, None) {
        Ok(found) => found,
        Err(error) => return failed(path, error),
    };
    for suffix in [""].iter().chain(&SQLITE_SUFFIXES) {
        let mut file = name.clone();
        file.push(suffix);
        if let Err(error) = dir.give_file(&file, user, group) {
            failed(&dir.place(&file), error);
        }
    }
    // The server creates its logs beside the database.
    let made = |dir: &Dir| Ok(dir.entry()?.user == own_user() && only_sqlite(dir, &name)?);
    if let Err(error) = made(&dir).and_then(|made| if made { dir.give(user, group) } else { Ok(()) }) {
        failed(dir.path(), error);
    }
}

/// Whether a directory contains nothing but a SQLite database, so that it is given away with it.
fn only_sqlite(dir: &Dir, database: &OsStr) -> io::Result<bool> {
    let of_it = |name: &OsStr| {
        let rest = name.as_encoded_bytes().strip_prefix(database.as_encoded_bytes());
        rest.is_some_and(|rest| {
            rest.is_empty() || SQLITE_SUFFIXES.iter().any(|suffix| suffix.as_bytes() == rest)
        })
    };
    for name in dir.names()? {
        let name = name?;
        if !of_it(&name) && name != RECORD {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The error of a directory of a target that cannot be opened or created.
pub fn unusable(path: &Path, error: io::Error) -> Error {
    Error::io("cannot open or create the directory of the target")
        .with("path", path.display().to_string())
        .because(error)
        .help("run as a user who may write there")
}

/// The error of a directory that cannot be protected from its owner.
pub fn unprotected(path: &Path, error: io::Error) -> Error {
    Error::refused(
        "the directory of the target belongs to another user and cannot be taken over for the load",
    )
    .with("path", path.display().to_string())
    .because(error)
    .help("run as the user who owns the directory")
}

fn unreadable(dir: &Dir, error: io::Error) -> Error {
    Error::io("cannot look at the target")
        .with("path", dir.path().display().to_string())
        .because(error)
        .help("run as a user who may use it")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rocksdb_are_told_from_others() {
        use RocksFile::{Begun, Content, Current};
        for (names, expect) in [
            ("CURRENT", Some(Current)),
            (
                "LOCK IDENTITY LOG LOG.old LOG.old.1715000000 MANIFEST-000005 000007.dbtmp OPTIONS-000009.dbtmp",
                Some(Begun),
            ),
            ("000012.sst 000012.log 000012.blob 000012.ldb OPTIONS-000009", Some(Content)),
            (
                "lost+found .snapshot etc logs LOGS LOG.txt MANIFEST MANIFEST-x key.sst a.log 1.txt .sst stalwart-migrate.staging",
                None,
            ),
            ("OPTIONS-local 000012.sst.bak CURRENT.old archive", None),
        ] {
            for name in names.split(' ') {
                assert_eq!(RocksFile::of(OsStr::new(name)), expect, "{name}");
            }
        }
    }

    #[test]
    fn a_directory_is_empty_without_files_of_rocksdb_and_refused_with_links_among_them() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path()).unwrap();
        let file = |name: &str| drop(dir.create_file(name, 0o640).unwrap());
        dir.make("lost+found", 0o700).unwrap();
        dir.make("etc", 0o750).unwrap();
        std::os::unix::fs::symlink("etc", dir.place("logs")).unwrap();
        ["LOCK", "LOG", "MANIFEST-000001", "notes.txt"].into_iter().for_each(file);
        assert!(!rocks_database(&dir).unwrap());
        file("000004.sst");
        assert_eq!(rocks_database(&dir).unwrap_err().kind().exit_code(), 5);
        file("CURRENT");
        assert!(rocks_database(&dir).unwrap());
        check_rocks_files(&dir).unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.place("000005.sst")).unwrap();
        for refused in [rocks_database(&dir).map(drop), check_rocks_files(&dir)] {
            let error = refused.unwrap_err();
            assert!(error.to_string().contains("000005.sst"), "{error}");
            assert_eq!(error.kind().exit_code(), 5);
        }
        dir.remove("000005.sst").unwrap();
        std::fs::hard_link(dir.place("notes.txt"), dir.place("000006.log")).unwrap();
        assert!(rocks_database(&dir).is_err());
        // A killed load leaves table files with a second name, and only this program creates those.
        dir.make(STAGING, 0o700).unwrap();
        assert!(rocks_database(&dir).unwrap());
        assert!(check_rocks_files(&dir).is_err());
    }
}
