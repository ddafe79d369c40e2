//! Blobs as files below one directory, with a directory for each leading key byte.
//!
//! Files are written under a temporary name and renamed when their shard is committed, so that a crash leaves whole
//! files or none. Symbolic links are followed, as in the server, if root or this user has created them or they lead
//! to files of their own creator; links deeper than the directories that the server creates are not followed, and no
//! link is written through.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use super::{ListEntry, Objects, Visit, names};
use crate::base::dir::{Dir, NewDirs, absolute};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::base::sync::lock;
use crate::settings::FsSettings;

/// Permissions of new directories, before the umask.
const DIRECTORY_MODE: u32 = 0o750;
/// Permissions of new files.
const FILE_MODE: u32 = 0o640;

/// Suffix of the name of an unpublished file, after a dot and its final name.
const PART: &str = ".part";

/// A directory of blobs.
#[derive(Debug)]
pub struct Fs {
    root: PathBuf,
    place: String,
    depth: u8,
    // Opened by the first change.
    top: OnceLock<Dir>,
    // Directories that were created for the files. They are removed again if nothing was written.
    made: Mutex<Option<NewDirs>>,
}

impl Fs {
    /// The directory of these settings. Accesses no file.
    pub fn new(settings: &FsSettings) -> Self {
        let root = absolute(&settings.path);
        let place = root.display().to_string();
        let depth = settings.depth.min(names::MAX_DEPTH);
        Fs { root, place, depth, top: OnceLock::new(), made: Mutex::default() }
    }

    fn file(&self, key: &[u8]) -> PathBuf {
        self.root.join(names::path(key, self.depth))
    }

    /// The top directory; once opened it stays the same.
    fn top(&self) -> io::Result<&Dir> {
        if let Some(top) = self.top.get() {
            return Ok(top);
        }
        let top = Dir::open(&self.root)?;
        Ok(self.top.get_or_init(|| top))
    }

    /// Opens the directory of a key's file, and creates it with `create`.
    fn directory(&self, key: &[u8], create: bool) -> io::Result<Dir> {
        let path = PathBuf::from(names::path(key, self.depth));
        let above = path.parent().unwrap_or(Path::new(""));
        self.top()?.below(above, create.then_some(DIRECTORY_MODE))
    }

    /// Gives every file whose key is `possible`, and the directories that the server creates for these files, to a
    /// user, a group or both; no other files, and nothing that a link leads to. Failures go to `failed`.
    pub fn give(
        &self,
        to: (Option<u32>, Option<u32>),
        possible: &dyn Fn(&[u8]) -> bool,
        failed: &mut dyn FnMut(&Path, io::Error),
    ) {
        match self.top() {
            Ok(top) => self.give_below(top, &mut Vec::new(), to, possible, failed),
            Err(error) => failed(&self.root, error),
        }
    }

    fn give_below(
        &self,
        dir: &Dir,
        above: &mut Vec<u8>,
        to: (Option<u32>, Option<u32>),
        possible: &dyn Fn(&[u8]) -> bool,
        failed: &mut dyn FnMut(&Path, io::Error),
    ) {
        let names = match dir.names() {
            Ok(names) => names,
            Err(error) => return failed(dir.path(), error),
        };
        for name in names {
            let (name, entry) = match name.and_then(|name| Ok((dir.look(&name)?, name))) {
                Ok((Some(entry), name)) => (name, entry),
                Ok((None, _)) => continue,
                Err(error) => return failed(dir.path(), error),
            };
            let text = name.to_str().unwrap_or_default();
            let byte = names::directory_byte(text).filter(|_| above.len() < usize::from(self.depth));
            if entry.is_dir()
                && let Some(byte) = byte
            {
                match dir.sub(&name) {
                    Ok(sub) => {
                        above.push(byte);
                        self.give_below(&sub, above, to, possible, failed);
                        above.pop();
                    }
                    Err(error) => failed(&dir.place(&name), error),
                }
                continue;
            }
            let key = names::decode(text).filter(|key| self.belongs(key, above) && possible(key));
            if entry.is_file()
                && key.is_some()
                && let Err(error) = dir.give_file(&name, to.0, to.1)
            {
                failed(&dir.place(&name), error);
            }
        }
        if let Err(error) = dir.give(to.0, to.1) {
            failed(dir.path(), error);
        }
    }

    /// The key of a file that is not yet published.
    fn unpublished(name: &str) -> Option<Vec<u8>> {
        names::decode(name.strip_prefix('.')?.strip_suffix(PART)?)
    }

    /// Lists a directory at the level given by `above`.
    fn walk(&self, dir: &Path, above: &mut Vec<u8>, visit: &mut Visit) -> Result<ControlFlow<()>> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => return visit(unreadable(dir, above, error)),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return visit(unreadable(dir, above, error)),
            };
            let name = entry.file_name();
            // Names of the server are ASCII.
            let name = name.to_str().unwrap_or_default();
            let path = entry.path();
            let directory = names::directory_byte(name).filter(|_| above.len() < usize::from(self.depth));
            let key = names::decode(name).filter(|key| self.belongs(key, above));
            let part = Fs::unpublished(name).is_some_and(|key| self.belongs(&key, above));
            let seen = match followed(&path) {
                // A name can be valid for a directory and for a file: then the type of the entry decides.
                Ok(meta) if meta.is_dir() && directory.is_some() => {
                    above.extend(directory);
                    let flow = self.walk(&path, above, visit);
                    above.pop();
                    flow
                }
                Ok(meta) if meta.is_file() && part => visit(ListEntry::Leftover(path.display().to_string())),
                Ok(meta) => visit(match key {
                    Some(key) if meta.is_file() => {
                        ListEntry::Object { key, size: meta.len(), stamp: stamp(&meta) }
                    }
                    _ => self.foreign(&path),
                }),
                // Removed since the directory was read, and no dangling link.
                Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {
                    continue;
                }
                Err(error) => {
                    let error =
                        failed("cannot look at a file of the blob store", &path, error).help(READ_ADVICE);
                    visit(match (key, directory) {
                        (Some(prefix), _) => ListEntry::Unreadable { prefix, whole: true, error },
                        (None, Some(byte)) => {
                            let prefix = [above.as_slice(), &[byte]].concat();
                            ListEntry::Unreadable { prefix, whole: false, error }
                        }
                        (None, None) => self.foreign(&path),
                    })
                }
            };
            if seen?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether the file of a key belongs into the directories for these bytes.
    fn belongs(&self, key: &[u8], above: &[u8]) -> bool {
        key.len().min(usize::from(self.depth)) == above.len() && key.starts_with(above)
    }

    fn foreign(&self, path: &Path) -> ListEntry {
        ListEntry::Foreign(path.strip_prefix(&self.root).unwrap_or(path).display().to_string())
    }
}

impl Objects for Fs {
    fn place(&self) -> &str {
        &self.place
    }

    fn name(&self, key: &[u8]) -> String {
        self.file(key).display().to_string()
    }

    fn open(&self) -> Result<()> {
        let wrong = |what| {
            Err(Error::usage(what)
                .with("path", self.place.clone())
                .help("check the path in the configuration and the directory this was started in"))
        };
        match fs::metadata(&self.root) {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) => wrong("the blob store is no directory"),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                wrong("the directory of the blob store does not exist")
            }
            Err(error) => {
                Err(failed("cannot read the directory of the blob store", &self.root, error)
                    .help(READ_ADVICE))
            }
        }
    }

    fn begin(&self) -> Result<()> {
        let mut slot = lock(&self.made);
        if slot.is_some() {
            return Ok(());
        }
        Stop::of_process().check()?;
        let made = NewDirs::of(&self.root);
        // New directories must be as durable as the files in them.
        let top = Dir::create(&self.root, DIRECTORY_MODE)
            .map_err(|error| failed("cannot create the directory of the blob store", &self.root, error))
            .map_err(|error| error.help("run as a user who may write there"))?;
        self.top.get_or_init(|| top);
        self.open()?;
        *slot = Some(made);
        Ok(())
    }

    fn prepare(&self) -> Result<()> {
        self.begin()?;
        if let Some(made) = &mut *lock(&self.made) {
            made.keep();
        }
        self.open()
    }

    fn list(&self, visit: &mut Visit) -> Result<()> {
        self.walk(&self.root, &mut Vec::new(), visit).map(drop)
    }

    fn size(&self, key: &[u8]) -> Result<Option<u64>> {
        self.read(key, |path| followed(path).map(|meta| meta.len()))
    }

    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        self.read(key, |path| {
            let file = opened(path)?;
            let mut value =
                Vec::with_capacity(usize::try_from(most.min(file.metadata()?.len())).unwrap_or(0));
            // One byte more shows that the file is longer.
            file.take(most.saturating_add(1)).read_to_end(&mut value)?;
            if value.len() as u64 > most {
                Err(std::io::Error::other("it is longer than it was listed"))
            } else {
                Ok(value)
            }
        })
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()> {
        let name = part(key);
        let written = self.directory(key, true).and_then(|dir| {
            let mut file = match dir.create_file(&name, FILE_MODE) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    // Replaces a file of a killed run, or another kind of entry.
                    dir.remove(&name)?;
                    dir.create_file(&name, FILE_MODE)?
                }
                created => created?,
            };
            file.write_all(&value)?;
            file.sync_all()
        });
        written.map_err(|error| self.unwritten(key, error))
    }

    fn publish(&self, keys: &Page) -> Result<()> {
        let mut directories = BTreeSet::new();
        for (key, _) in keys.iter() {
            self.directory(key, false)
                .and_then(|dir| dir.rename(part(key), names::encode(key)))
                .map_err(|error| self.unwritten(key, error))?;
            // Directories above may be new as well.
            let path = PathBuf::from(names::path(key, self.depth));
            for directory in path.ancestors().skip(1) {
                if !directories.contains(directory) {
                    directories.insert(directory.to_path_buf());
                }
            }
        }
        for directory in directories {
            self.top().and_then(|top| top.below(&directory, None)?.sync()).map_err(|error| {
                let path = self.root.join(&directory);
                failed("cannot bring a directory of the blob store to the disk", &path, error)
            })?;
        }
        Ok(())
    }

    fn discard(&self, keys: &Page) {
        for (key, _) in keys.iter() {
            // What is left is replaced by the next run, or removed when the store is emptied.
            let _ = self.directory(key, false).and_then(|dir| dir.remove(part(key)));
        }
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.remove(key, &OsString::from(names::encode(key)))
            .map_err(|error| failed("cannot delete a blob", &self.file(key), error).with("key", hex(key)))
    }

    fn sweep(&self, leftover: &str) -> Result<()> {
        let path = Path::new(leftover);
        let name = path.file_name().unwrap_or_default();
        let Some(key) = name.to_str().and_then(Fs::unpublished) else { return Ok(()) };
        self.remove(&key, name).map_err(|error| failed("cannot delete an unfinished file", path, error))
    }
}

impl Fs {
    /// Reads from the file of a key; `None` if it does not exist.
    fn read<T>(&self, key: &[u8], read: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<Option<T>> {
        let path = self.file(key);
        match read(&path) {
            Ok(value) => Ok(Some(value)),
            // A dangling link exists, and its blob cannot be read.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
                    && fs::symlink_metadata(&path).is_err() =>
            {
                Ok(None)
            }
            Err(error) => {
                Err(failed("cannot read a blob", &path, error).with("key", hex(key)).help(READ_ADVICE))
            }
        }
    }

    /// Removes a name in the directory of a key.
    fn remove(&self, key: &[u8], name: &OsStr) -> io::Result<()> {
        match self.directory(key, false).and_then(|dir| dir.remove(name)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            removed => removed,
        }
    }

    fn unwritten(&self, key: &[u8], error: std::io::Error) -> Error {
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        failed("cannot write a blob", &self.file(key), error).with("key", hex(key)).help(if full {
            "free some space and try again"
        } else {
            "run as a user who may write there"
        })
    }
}

const READ_ADVICE: &str = "run as the user who owns the blob store, or as root";

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(what).with("path", path.display().to_string()).because(error)
}

fn unreadable(dir: &Path, above: &[u8], error: std::io::Error) -> ListEntry {
    let error = failed("cannot read a directory of the blob store", dir, error).help(READ_ADVICE);
    ListEntry::Unreadable { prefix: above.to_vec(), whole: false, error }
}

/// A value that changes when a file is written, even if its size does not.
fn stamp(meta: &Metadata) -> u64 {
    let (seconds, nanoseconds) = (meta.mtime().cast_unsigned(), meta.mtime_nsec().cast_unsigned());
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds)
}

/// The name of a file before it is published.
fn part(key: &[u8]) -> String {
    format!(".{}{PART}", names::encode(key))
}

/// Metadata of the file that a path leads to, only over links that may be followed.
fn followed(path: &Path) -> io::Result<Metadata> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_symlink() {
        return Ok(meta);
    }
    Dir::locate(path, None)?;
    fs::metadata(path)
}

/// Opens a file for reading, only over links that may be followed.
fn opened(path: &Path) -> io::Result<fs::File> {
    let (dir, name) = Dir::locate(path, None)?;
    dir.open_file(name)
}
