//! Blobs as files below one directory, with a directory per leading key byte.
//!
//! Files are written under a name of their own and renamed when their shard is committed, so that a crash
//! leaves whole files or none. Symbolic links are followed, as the server follows them, and never deeper than
//! the directories it makes.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Found, Objects, Visit, names};
use crate::error::{Error, Result};
use crate::finding::hex;
use crate::page::Page;

/// What the name of an unpublished file ends in, behind a dot and the name it will get.
const PART: &str = ".part";

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsSettings {
    /// The top directory.
    pub path: PathBuf,
    /// Directory levels below it; more than 5 are 5.
    pub depth: u8,
}

/// A directory of blobs.
#[derive(Debug)]
pub struct Fs {
    root: PathBuf,
    place: String,
    depth: u8,
}

impl Fs {
    /// The directory of these settings. Touches nothing.
    pub fn new(settings: &FsSettings) -> Self {
        let root = std::path::absolute(&settings.path).unwrap_or_else(|_| settings.path.clone());
        let place = root.display().to_string();
        Fs { root, place, depth: settings.depth.min(names::MAX_DEPTH) }
    }

    fn file(&self, key: &[u8]) -> PathBuf {
        self.root.join(names::path(key, self.depth))
    }

    /// Where a file is before it is published.
    fn part(&self, key: &[u8]) -> PathBuf {
        self.file(key).with_file_name(format!(".{}{PART}", names::encode(key)))
    }

    /// What lies in a directory of the level that `above` says.
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
            let part = name
                .strip_prefix('.')
                .and_then(|name| name.strip_suffix(PART))
                .and_then(names::decode)
                .is_some_and(|key| self.belongs(&key, above));
            let seen = match fs::metadata(&path) {
                // A name can be that of a directory and that of a file: then its kind decides.
                Ok(meta) if meta.is_dir() && directory.is_some() => {
                    above.extend(directory);
                    let flow = self.walk(&path, above, visit);
                    above.pop();
                    flow
                }
                Ok(meta) if meta.is_file() && part => visit(Found::Leftover(path.display().to_string())),
                Ok(meta) => visit(match key {
                    Some(key) if meta.is_file() => {
                        Found::Object { key, size: meta.len(), stamp: stamp(&meta) }
                    }
                    _ => self.foreign(&path),
                }),
                // Gone since the directory was read, and no link that leads nowhere.
                Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {
                    continue;
                }
                Err(error) => {
                    let error =
                        failed("cannot look at a file of the blob store", &path, error).next(READ_ADVICE);
                    visit(match (key, directory) {
                        (Some(prefix), _) => Found::Unreadable { prefix, whole: true, error },
                        (None, Some(byte)) => {
                            let prefix = [above.as_slice(), &[byte]].concat();
                            Found::Unreadable { prefix, whole: false, error }
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

    /// Whether the file of a key lies in the directories of these bytes.
    fn belongs(&self, key: &[u8], above: &[u8]) -> bool {
        key.len().min(usize::from(self.depth)) == above.len() && key.starts_with(above)
    }

    fn foreign(&self, path: &Path) -> Found {
        Found::Foreign(path.strip_prefix(&self.root).unwrap_or(path).display().to_string())
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
                .next("check the path in the configuration and the directory this was started in"))
        };
        match fs::metadata(&self.root) {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) => wrong("the blob store is no directory"),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                wrong("the directory of the blob store does not exist")
            }
            Err(error) => {
                Err(failed("cannot read the directory of the blob store", &self.root, error)
                    .next(READ_ADVICE))
            }
        }
    }

    fn prepare(&self) -> Result<()> {
        let missing: Vec<&Path> = self.root.ancestors().take_while(|path| !path.exists()).collect();
        create_all(&self.root)
            // What is new has to last as long as what will be in it.
            .and_then(|()| missing.iter().filter_map(|path| path.parent()).try_for_each(sync))
            .map_err(|error| failed("cannot create the directory of the blob store", &self.root, error))
            .map_err(|error| error.next("run as a user who may write there"))?;
        self.open()
    }

    fn list(&self, visit: &mut Visit) -> Result<()> {
        self.walk(&self.root, &mut Vec::new(), visit).map(drop)
    }

    fn size(&self, key: &[u8]) -> Result<Option<u64>> {
        self.read(key, |path| fs::metadata(path).map(|meta| meta.len()))
    }

    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        self.read(key, |path| {
            let file = File::open(path)?;
            let mut value =
                Vec::with_capacity(usize::try_from(most.min(file.metadata()?.len())).unwrap_or(0));
            // One more tells that there is more.
            file.take(most.saturating_add(1)).read_to_end(&mut value)?;
            match value.len() as u64 > most {
                true => Err(std::io::Error::other("it is longer than it was listed")),
                false => Ok(value),
            }
        })
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()> {
        let path = self.part(key);
        let mut options = OpenOptions::new();
        // What a killed run has left under this name is replaced.
        options.write(true).create(true).truncate(true).mode(0o640);
        let file = match options.open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create_all(path.parent().unwrap_or(&self.root)).and_then(|()| options.open(&path))
            }
            file => file,
        };
        file.and_then(|mut file| file.write_all(&value).and_then(|()| file.sync_all()))
            .map_err(|error| self.unwritten(key, error))
    }

    fn publish(&self, keys: &Page) -> Result<()> {
        let mut directories = BTreeSet::new();
        for (key, _) in keys.iter() {
            let path = self.file(key);
            fs::rename(self.part(key), &path).map_err(|error| self.unwritten(key, error))?;
            // Directories above may be new as well.
            let above = path.ancestors().skip(1).take(usize::from(self.depth) + 1);
            for directory in above {
                if !directories.contains(directory) {
                    directories.insert(directory.to_path_buf());
                }
            }
        }
        for directory in directories.iter().filter(|directory| directory.starts_with(&self.root)) {
            sync(directory).map_err(|error| {
                failed("cannot bring a directory of the blob store to the disk", directory, error)
            })?;
        }
        Ok(())
    }

    fn discard(&self, keys: &Page) {
        for (key, _) in keys.iter() {
            // What stays is replaced by the next run, or goes when the store is emptied.
            let _ = fs::remove_file(self.part(key));
        }
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        let path = self.file(key);
        remove(&path).map_err(|error| failed("cannot delete a blob", &path, error).with("key", hex(key)))
    }

    fn sweep(&self, leftover: &str) -> Result<()> {
        let path = Path::new(leftover);
        remove(path).map_err(|error| failed("cannot delete an unfinished file", path, error))
    }
}

impl Fs {
    /// Reads something of the file of a key; `None` if it is not there.
    fn read<T>(&self, key: &[u8], read: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<Option<T>> {
        let path = self.file(key);
        match read(&path) {
            Ok(value) => Ok(Some(value)),
            // A link that leads nowhere is there, and what it stands for cannot be read.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
                    && fs::symlink_metadata(&path).is_err() =>
            {
                Ok(None)
            }
            Err(error) => {
                Err(failed("cannot read a blob", &path, error).with("key", hex(key)).next(READ_ADVICE))
            }
        }
    }

    fn unwritten(&self, key: &[u8], error: std::io::Error) -> Error {
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        failed("cannot write a blob", &self.file(key), error).with("key", hex(key)).next(match full {
            true => "free some space and try again",
            false => "run as a user who may write there",
        })
    }
}

const READ_ADVICE: &str = "run as the user who owns the blob store, or as root";

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(what).with("path", path.display().to_string()).because(error)
}

fn unreadable(dir: &Path, above: &[u8], error: std::io::Error) -> Found {
    let error = failed("cannot read a directory of the blob store", dir, error).next(READ_ADVICE);
    Found::Unreadable { prefix: above.to_vec(), whole: false, error }
}

/// Changes when a file is written, even if its size stays.
fn stamp(meta: &Metadata) -> u64 {
    let (seconds, nanoseconds) = (meta.mtime().cast_unsigned(), meta.mtime_nsec().cast_unsigned());
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds)
}

/// Directories that the owner's group may look into, as far as the mask lets them.
fn create_all(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

/// Brings the names in a directory to the disk.
fn sync(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        removed => removed,
    }
}
