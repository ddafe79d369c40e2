//! The state of the directory of a RocksDB database, to detect that something has written to it.
//!
//! RocksDB appends to a log for every write, and starts a new log and a new list of files whenever it opens to write:
//! names and lengths are enough. Info logs (`LOG`) and the lock are not part of the database.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::backend::files::RocksFile;

/// The files of a database at one moment, by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DirectoryState(Vec<File>);

#[derive(Debug, PartialEq, Eq)]
struct File {
    name: OsString,
    inode: u64,
    length: u64,
    written: (i64, i64),
}

impl DirectoryState {
    /// Reads the state of the directory `path`.
    pub fn look(path: &Path) -> io::Result<DirectoryState> {
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            // A log of another program has another name.
            let holds = match RocksFile::of(&name) {
                Some(RocksFile::Current | RocksFile::Content) => true,
                Some(RocksFile::Begun) => name.as_encoded_bytes().starts_with(b"MANIFEST-"),
                None => false,
            };
            if !holds {
                continue;
            }
            // A file that has been removed since does not count.
            let Ok(meta) = entry.metadata() else { continue };
            let (inode, length) = (meta.ino(), meta.len());
            files.push(File { name, inode, length, written: (meta.mtime(), meta.mtime_nsec()) });
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(DirectoryState(files))
    }

    /// Describes, as a clause, how `now` differs; `None` if it does not.
    pub fn difference(&self, now: &DirectoryState) -> Option<String> {
        let other = |file: &File| now.0.iter().find(|other| other.name == file.name);
        for file in &self.0 {
            match other(file) {
                Some(found) if found == file => {}
                Some(_) => return Some(format!("{} is not what it was", file.name.display())),
                None => return Some(format!("{} is not there any more", file.name.display())),
            }
        }
        let new = now.0.iter().find(|file| !self.0.iter().any(|before| before.name == file.name));
        new.map(|file| format!("{} is new", file.name.display()))
    }
}
