//! Identifies a file or directory, whatever path leads to it.
//!
//! Links are followed, including dangling ones. A place is identified by device and inode of the file and of every
//! directory above it, and by its path inside its file system, which the kernel's table of mounts gives for every
//! mount. So a directory that is mounted twice, or of which a part is mounted elsewhere, is recognised. Reads names
//! and numbers only; writes nothing, and does not depend on any store.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{Error as IoError, ErrorKind, Result as IoResult};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};

use crate::base::error::{Error, Result};

/// Limit of links followed one after the other, the same as the kernel's.
const MOST_LINKS: usize = 40;

/// Device and inode, by which the kernel distinguishes files.
type Inode = (u64, u64);

/// A place in the file system: a file, or a directory with everything below it. It need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    // Without links, for messages.
    path: PathBuf,
    tree: bool,
    // The file or directory, or the nearest existing directory above it, and then the directories above that.
    chain: Vec<Inode>,
    // Names that do not exist yet, below the first entry of `chain`.
    missing: Vec<OsString>,
    // Its place in its file system; a tree also has those of the mounts inside it.
    regions: Vec<FilePlace>,
    // Files inside that are written in place, also if other links lead to them.
    inside: BTreeSet<Inode>,
}

/// A place inside a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FilePlace {
    device: OsString,
    path: PathBuf,
}

/// How two places overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// They are the same.
    Same,
    /// The first is inside the second.
    Inside,
    /// The second is inside the first.
    Around,
    /// They share files by links.
    Linked,
}

/// The evidence that two stores are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Their places in the file system, and the path of the first one.
    Files(Overlap, PathBuf),
    /// The answer of a service, as text.
    Stated(String),
}

/// The result of comparing two stores.
#[derive(Debug, Default)]
pub struct Met {
    /// The evidence that they are one; `None` if they are not.
    pub how: Option<How>,
    /// Why the object written for the comparison could not be removed, if so.
    pub left: Option<Error>,
}

impl Spot {
    /// A single file.
    ///
    /// Errors: I/O if a directory of the path cannot be read.
    pub fn file(path: &Path) -> Result<Spot> {
        Spot::at(path, false)
    }

    /// A directory and everything below it.
    ///
    /// Errors: I/O if a directory of the path cannot be read.
    pub fn tree(path: &Path) -> Result<Spot> {
        Spot::at(path, true)
    }

    /// A SQLite database: its file, and the files that SQLite keeps beside the real file.
    ///
    /// Errors: I/O if a directory of the path cannot be read.
    pub fn sqlite(path: &Path) -> Result<Vec<Spot>> {
        let file = Spot::file(path)?;
        let next_to = ["-wal", "-shm", "-journal"].map(|suffix| {
            let mut name = file.path.clone().into_os_string();
            name.push(suffix);
            Spot::file(Path::new(&name))
        });
        std::iter::once(Ok(file)).chain(next_to).collect()
    }

    /// A RocksDB database: its directory, and the files in it that are written in place. Table files are not
    /// included: copies of a database share them.
    ///
    /// Errors: I/O if a directory of the path cannot be read.
    pub fn rocksdb(path: &Path) -> Result<Vec<Spot>> {
        let mut spot = Spot::tree(path)?;
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let in_place = matches!(name.as_ref(), "CURRENT" | "LOCK" | "LOG")
                || name.starts_with("MANIFEST-")
                || name.ends_with(".log");
            if in_place && let Ok(meta) = fs::metadata(entry.path()) {
                spot.inside.insert((meta.dev(), meta.ino()));
            }
        }
        Ok(vec![spot])
    }

    /// A directory of blobs: itself, and the targets of links among the directories for `depth` leading bytes.
    ///
    /// Errors: I/O if a directory of the path cannot be read.
    pub fn blobs(path: &Path, depth: u8) -> Result<Vec<Spot>> {
        let mut spots = vec![Spot::tree(path)?];
        let mut level = vec![path.to_path_buf()];
        for _ in 0..depth {
            let mut next = Vec::new();
            for entry in level.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => next.push(entry.path()),
                    Ok(kind) if kind.is_symlink() && entry.path().is_dir() => {
                        spots.push(Spot::tree(&entry.path())?);
                        next.push(entry.path());
                    }
                    _ => {}
                }
            }
            level = next;
        }
        Ok(spots)
    }

    /// Its path without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(path: &Path, tree: bool) -> Result<Spot> {
        let fail = |error: IoError| {
            Error::io("cannot find out what a path leads to")
                .with("path", path.display().to_string())
                .because(error)
                .help("run as a user who may look at every directory on the way")
        };
        let (real, missing) = resolve(path).map_err(fail)?;
        let flags = i32::try_from((OFlags::PATH | OFlags::CLOEXEC).bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&real).map_err(fail)?;
        let mounts = mounts();
        let mut regions: Vec<FilePlace> = region(&file, &real, &mounts).into_iter().collect();
        regions.iter_mut().for_each(|region| region.path.extend(&missing));
        if tree && missing.is_empty() {
            let below = mounts.iter().filter(|mount| mount.point != real && mount.point.starts_with(&real));
            regions.extend(below.map(|mount| mount.region.clone()));
        }
        let chain = chain(file, &real).map_err(fail)?;
        let path = missing.iter().fold(real, |path, name| path.join(name));
        Ok(Spot { path, tree, chain, missing, regions, inside: BTreeSet::new() })
    }

    /// How this place and another one overlap, if they do.
    pub fn overlap(&self, other: &Spot) -> Option<Overlap> {
        if self.is(other) {
            return Some(Overlap::Same);
        }
        if other.tree && other.covers(self) {
            return Some(Overlap::Inside);
        }
        if self.tree && self.covers(other) {
            return Some(Overlap::Around);
        }
        let holds = |tree: &Spot, file: &Spot| {
            file.missing.is_empty() && file.chain.first().is_some_and(|inode| tree.inside.contains(inode))
        };
        let linked = !self.inside.is_disjoint(&other.inside) || holds(self, other) || holds(other, self);
        linked.then_some(Overlap::Linked)
    }

    fn is(&self, other: &Spot) -> bool {
        let numbers = self.missing == other.missing && self.chain.first() == other.chain.first();
        let [one, two] = [self, other].map(|spot| spot.regions.first());
        numbers && !self.chain.is_empty() || one.is_some() && one == two
    }

    /// Whether the other place is below this one.
    fn covers(&self, other: &Spot) -> bool {
        let top = self.chain.first();
        let numbers = if self.missing.is_empty() {
            top.is_some_and(|top| other.chain.contains(top))
        } else {
            top == other.chain.first() && other.missing.starts_with(&self.missing)
        };
        let within = |region: &FilePlace| {
            let mut ours = self.regions.iter();
            ours.any(|own| own.device == region.device && region.path.starts_with(&own.path))
        };
        numbers || other.regions.iter().any(within)
    }
}

/// The existing part of a path, without links, and the names that do not exist yet.
fn resolve(path: &Path) -> IoResult<(PathBuf, Vec<OsString>)> {
    let mut path = std::path::absolute(path)?;
    let (mut rest, mut links) = (Vec::new(), 0);
    loop {
        let error = match fs::canonicalize(&path) {
            Ok(mut real) => {
                let mut missing: Vec<OsString> = Vec::new();
                for name in rest.into_iter().rev() {
                    // Creating these directories and following `..` leads out of them again.
                    if name == ".." && missing.pop().is_none() {
                        real.pop();
                    } else if name != ".." {
                        missing.push(name);
                    }
                }
                return Ok((real, missing));
            }
            Err(error) => error,
        };
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
            return Err(error);
        }
        // A dangling link.
        if let Ok(goal) = fs::read_link(&path) {
            links += 1;
            if links > MOST_LINKS {
                return Err(error);
            }
            path = path.parent().unwrap_or(Path::new("/")).join(goal);
            continue;
        }
        let name = match path.components().next_back() {
            Some(Component::Normal(name)) => name.to_os_string(),
            Some(Component::ParentDir) => OsString::from(".."),
            _ => return Err(error),
        };
        rest.push(name);
        path = path.parent().ok_or(error)?.to_path_buf();
    }
}

/// Device and inode of an open file and of every directory above it. Goes up by descriptors, not by names.
fn chain(file: File, path: &Path) -> IoResult<Vec<Inode>> {
    let inode = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino()));
    let meta = file.metadata()?;
    let mut chain = vec![(meta.dev(), meta.ino())];
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut above = if meta.is_dir() {
        file
    } else {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let parent = File::from(rustix::fs::open(parent, flags, Mode::empty())?);
        chain.push(inode(&parent)?);
        parent
    };
    loop {
        let next = File::from(openat(&above, "..", flags, Mode::empty())?);
        let number = inode(&next)?;
        if chain.last() == Some(&number) {
            return Ok(chain);
        }
        chain.push(number);
        above = next;
    }
}

/// A line of the kernel's table of mounts.
struct Mount {
    id: OsString,
    point: PathBuf,
    region: FilePlace,
}

/// The mounts that are visible to this process; empty if the kernel has no such table.
///
/// Format: proc_pid_mountinfo(5).
fn mounts() -> Vec<Mount> {
    let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mount = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let id = OsString::from_vec(fields.next()?.to_vec());
        let device = OsString::from_vec(fields.nth(1)?.to_vec());
        let path = unescaped(fields.next()?);
        Some(Mount { id, point: unescaped(fields.next()?), region: FilePlace { device, path } })
    };
    text.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

/// A path of that table, in which blanks and some other bytes are octal numbers.
fn unescaped(field: &[u8]) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(field.len()), field);
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The place of an open file in its file system.
fn region(file: &File, real: &Path, mounts: &[Mount]) -> Option<FilePlace> {
    let info = fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let id = info.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"mnt_id:"))?;
    let mount = mounts.iter().find(|mount| mount.id == OsStr::from_bytes(id.trim_ascii()))?;
    let mut region = mount.region.clone();
    region.path.extend(real.strip_prefix(&mount.point).ok()?);
    Some(region)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_place_is_recognised_by_whatever_path() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        fs::create_dir_all(at("d")).unwrap();
        fs::write(at("a/file"), "x").unwrap();
        fs::hard_link(at("a/file"), at("d/hard")).unwrap();
        symlink(at("a"), at("link")).unwrap();
        symlink("../a/new", at("d/dangling")).unwrap();
        symlink("round", at("round")).unwrap();
        let check = |one: Spot, other: Spot, expect: Option<Overlap>| {
            assert_eq!(one.overlap(&other), expect, "{one:?} {other:?}");
            let turned = expect.map(|how| match how {
                Overlap::Inside => Overlap::Around,
                Overlap::Around => Overlap::Inside,
                other => other,
            });
            assert_eq!(other.overlap(&one), turned, "{other:?} {one:?}");
        };
        let tree = |name: &str| Spot::tree(&at(name)).unwrap();
        let file = |name: &str| Spot::file(&at(name)).unwrap();
        for same in ["a", "a/", "link", "d/../a", "link/b/..", "nothing/../a", "./a"] {
            check(tree("a"), tree(same), Some(Overlap::Same));
        }
        for inside in ["a/b", "link/b/c", "link/new/er", "d/dangling", "d/dangling/x", "a/new/../b"] {
            check(tree("a"), tree(inside), Some(Overlap::Around));
        }
        check(tree("a"), file("link/file"), Some(Overlap::Around));
        check(file("a/file"), file("d/hard"), Some(Overlap::Same));
        check(tree("new"), tree("new/x"), Some(Overlap::Around));
        check(file("link/new"), file("d/dangling"), Some(Overlap::Same));
        for apart in ["d", "ab", "d/hard", "nothing", "file"] {
            check(tree("a/b"), tree(apart), None);
        }
        // A file contains nothing, and one name is not inside another that it is a prefix of.
        check(file("new"), file("new/x"), None);
        check(tree("a/b"), tree("a/bc"), None);
        assert!(Spot::tree(&at("round")).is_err());
    }

    #[test]
    fn files_that_stores_share_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let any =
            |one: &[Spot], other: &[Spot]| one.iter().any(|a| other.iter().any(|b| a.overlap(b).is_some()));
        for name in ["one", "one-wal", "two"] {
            fs::write(at(name), name).unwrap();
        }
        let [one, two] = ["one", "two"].map(|name| Spot::sqlite(&at(name)).unwrap());
        assert!(!any(&one, &two));
        assert!(any(&one, &Spot::sqlite(&at("one-wal")).unwrap()), "a log as a database");
        fs::hard_link(at("one-wal"), at("two-wal")).unwrap();
        assert!(any(&one, &Spot::sqlite(&at("two")).unwrap()), "the log of another");
        for name in ["r", "s", "blobs/1/2", "disk"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("r/CURRENT"), "").unwrap();
        fs::write(at("r/000001.sst"), "").unwrap();
        fs::hard_link(at("r/000001.sst"), at("s/000001.sst")).unwrap();
        let rocksdb = |name: &str| Spot::rocksdb(&at(name)).unwrap();
        assert!(!any(&rocksdb("r"), &rocksdb("s")), "copies share table files");
        fs::hard_link(at("r/CURRENT"), at("s/CURRENT")).unwrap();
        assert!(any(&rocksdb("r"), &rocksdb("s")));
        let blobs = || Spot::blobs(&at("blobs"), 2).unwrap();
        let disk = [Spot::tree(&at("disk")).unwrap()];
        assert!(!any(&blobs(), &disk));
        symlink(at("disk"), at("blobs/1/3")).unwrap();
        assert!(any(&blobs(), &disk), "a part of the blobs on another disk");
    }

    #[test]
    fn paths_of_the_table_of_mounts_are_unescaped() {
        for (text, path) in
            [("/a\\040b", "/a b"), ("/a\\134", "/a\\"), ("/\\04", "/\\04"), ("/plain", "/plain")]
        {
            assert_eq!(unescaped(text.as_bytes()), Path::new(path));
        }
        assert!(mounts().iter().any(|mount| mount.point == Path::new("/")));
    }
}
