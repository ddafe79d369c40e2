//! Writes a dump: `.partial` files until everything is complete and on disk, the manifest last.
//!
//! Each subspace has a [`SubspaceWriter`], which may run in its own thread; [`DumpWriter::finish`] turns their
//! files into a dump. Does not depend on the source of the records. Every disk error is reported, none is left
//! to a destructor.

mod hashed;
mod packer;
mod resume;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::digest::Digest;
use super::findings;
use super::manifest::{
    Completeness, DIRECTORY, FINDINGS, FORMAT_MINOR, FORMAT_VERSION, FindingsFile, LocalRecords, MANIFEST,
    Manifest, RESUME, Skipped, SubspaceEntry, VersionSpan, file_name, finding_counts,
};
use super::record::{ContentHeader, MAX_KEY, encode_length};
use crate::base::dir::{Dir, own_user};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::Findings;
use crate::base::hex::{hex, hex_start};
use crate::base::page::Page;
use crate::base::stop::Stop;
use hashed::HashedFile;
use packer::Packer;
pub use resume::{Resumed, Unfinished};

/// Suffix of the name of a file that is still being written.
pub const PARTIAL: &str = ".partial";

/// A dump being written.
#[derive(Debug)]
pub struct DumpWriter {
    dir: PathBuf,
    // Both are open directories, so that a later change of the path has no effect.
    top: Dir,
    inner: Dir,
    schema_version: u32,
    created: bool,
    // Letter and name of every started subspace.
    started: BTreeMap<char, String>,
}

/// Fields of the manifest besides the subspaces and findings.
#[derive(Debug, Clone)]
pub struct Description {
    /// Version of this tool.
    pub tool_version: String,
    /// Server releases that write the schema version.
    pub server_releases: String,
    /// Kind of the exported store; never an address or a secret.
    pub source: String,
    /// Creation time of the manifest.
    pub created: SystemTime,
    /// Whether unreadable parts were left out.
    pub completeness: Completeness,
    /// Subspaces that were not exported.
    pub skipped: Vec<Skipped>,
    /// Records that were skipped as local to the installation.
    pub local: Vec<LocalRecords>,
    /// Keys of blobs that by design are not a hash of their content.
    pub unhashed_blobs: Vec<[u8; 32]>,
    /// The first and the last version of the source that was read, if it has no state of one moment.
    pub read_versions: Option<VersionSpan>,
}

impl DumpWriter {
    /// Starts a dump in `dir`, which must be empty or absent; an absent one is created with its parents.
    ///
    /// Errors: `Usage` if `dir` is no directory, `Refused` if it is not empty, `Io` if it cannot be written.
    pub fn create(dir: &Path, schema_version: u32) -> Result<DumpWriter> {
        Stop::of_process().check()?;
        let (top, created) = prepare(dir)?;
        let inner = match private_directory(&top, DIRECTORY) {
            Ok(inner) => inner,
            Err(e) => {
                if created {
                    // The first error is the one to report.
                    let _ = remove_directory(dir);
                }
                return Err(failed("cannot create the directory", &dir.join(DIRECTORY), e));
            }
        };
        Ok(DumpWriter { dir: dir.to_owned(), top, inner, schema_version, created, started: BTreeMap::new() })
    }

    /// Resumes the dump of an interrupted run in `dir`; see [`DumpWriter::unfinished`].
    ///
    /// Errors: `Refused` if `dir` has no unfinished dump or another user started it, `Usage` and `Io` as for
    /// [`DumpWriter::create`].
    pub fn reopen(dir: &Path, schema_version: u32) -> Result<DumpWriter> {
        if !check_destination(dir).is_err_and(|error| error.kind() == ErrorKind::Refused) {
            return Err(place(Error::refused("there is no unfinished export to go on with"), dir)
                .help("export without --resume"));
        }
        let top = Dir::open(dir).map_err(|e| failed("cannot open the directory", dir, e))?;
        let inside = dir.join(DIRECTORY);
        let inner = top.sub(DIRECTORY).and_then(|inner| Ok((inner.entry()?.user, inner)));
        let (user, inner) = inner.map_err(|e| failed("cannot open the directory", &inside, e))?;
        if user != own_user() {
            return Err(place(Error::refused("another user has begun the export"), &inside)
                .with("user", user.to_string())
                .help("go on as that user, or remove the directory and export again"));
        }
        if inner.look(MANIFEST).is_ok_and(|found| found.is_some()) {
            return Err(place(Error::refused("the export is complete: it has a manifest"), dir)
                .help("check it with `verify DIR`"));
        }
        let started = BTreeMap::new();
        Ok(DumpWriter { dir: dir.to_owned(), top, inner, schema_version, created: false, started })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the file of a subspace. `letter` is `a` to `z`; each subspace can be written only once.
    pub fn subspace(&mut self, letter: char, name: &str) -> Result<SubspaceWriter> {
        if !letter.is_ascii_lowercase() || self.started.contains_key(&letter) {
            return Err(Error::io("a dump has one file for each letter a to z")
                .with("subspace", format!("{letter} ({name})")));
        }
        let file = file_name(letter) + PARTIAL;
        let writer = SubspaceWriter::create(&self.top, &file, letter, name, self.schema_version)?;
        self.started.insert(letter, name.to_owned());
        Ok(writer)
    }

    /// The file of a subspace from an interrupted run, which may be absent.
    pub fn unfinished(&mut self, letter: char, name: &str) -> Result<Unfinished> {
        let file = file_name(letter);
        let partial = with_partial(&file);
        // The file is already renamed if the run ended while it finished the dump.
        let there = |name: &str| {
            let found = self.top.look(name);
            found.map_err(|e| failed("cannot look at the file", &self.top.place(name), e))
        };
        if there(&file)?.is_some() && there(&partial)?.is_none() {
            rename(&self.top, &file, &partial)?;
        }
        self.started.insert(letter, name.to_owned());
        let dir = self.top.try_clone().map_err(|e| failed("cannot open the directory", &self.dir, e))?;
        Ok(Unfinished::new(dir, partial, letter, name, self.schema_version))
    }

    /// Turns the finished files into a dump: renames them, writes findings and manifest, syncs everything.
    ///
    /// `entries` come from [`SubspaceWriter::finish`], one for each started subspace, in any order.
    pub fn finish(
        self,
        mut entries: Vec<SubspaceEntry>,
        description: Description,
        findings: &Findings,
    ) -> Result<Manifest> {
        entries.sort_by_key(|entry| entry.letter);
        if !entries.iter().map(|e| (&e.letter, &e.name)).eq(&self.started) {
            let done: Vec<_> = entries.iter().map(|e| e.letter).collect();
            return Err(Error::io("subspaces were begun and not finished")
                .with("begun", self.started.keys().collect::<String>())
                .with("finished", done.iter().collect::<String>()));
        }
        for entry in &entries {
            rename(&self.top, &with_partial(&entry.file), &entry.file)?;
        }
        sync(&self.top)?;
        let findings_file = write_findings(&self.inner, findings)?;
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            format_minor: FORMAT_MINOR,
            tool_version: description.tool_version,
            schema_version: self.schema_version,
            server_releases: description.server_releases,
            created: super::manifest::rfc3339(description.created),
            source: description.source,
            completeness: description.completeness,
            subspaces: entries,
            skipped: description.skipped,
            local: description.local,
            unhashed_blobs: description.unhashed_blobs.iter().map(|key| hex(key)).collect(),
            read_versions: description.read_versions,
            findings: finding_counts(findings),
            findings_file,
        };
        manifest
            .check()
            .map_err(|what| Error::io(format!("the manifest would contradict itself: {what}")))?;
        // Everything listed in the manifest must be on disk before the manifest.
        sync(&self.inner)?;
        replace(&self.inner, MANIFEST, |mut file| {
            file.write_all(manifest.to_json()?.as_bytes())
                .map_err(|e| failed("cannot write the manifest", &self.inner.place(MANIFEST), e))
        })?;
        sync(&self.inner)?;
        // The parent of a new directory was synced when the directory was created.
        sync(&self.top)?;
        Ok(manifest)
    }

    /// Removes the files of this dump, and its directory if this run created it. Without this call unfinished
    /// files keep their partial names.
    pub fn abandon(self) -> Result<()> {
        let subspaces = self.started.keys().map(|letter| (&self.top, file_name(*letter)));
        let others = [FINDINGS, MANIFEST, RESUME].map(|name| (&self.inner, name.to_string()));
        for (dir, name) in subspaces.chain(others) {
            for name in [with_partial(&name), name] {
                dir.remove(&name)
                    .map_err(|e| failed("cannot remove the unfinished file", &dir.place(&name), e))?;
            }
        }
        let unremoved = |e| failed("cannot remove the unfinished dump", &self.dir, e);
        self.top.remove_dir(DIRECTORY).map_err(unremoved)?;
        if self.created {
            remove_directory(&self.dir).map_err(unremoved)?;
        }
        Ok(())
    }
}

/// The file of one subspace being written. If dropped unfinished, its `.partial` file stays.
pub struct SubspaceWriter {
    letter: char,
    name: String,
    path: PathBuf,
    packer: Packer<HashedFile>,
    digest: Digest,
    last: Option<Vec<u8>>,
}

impl SubspaceWriter {
    fn create(dir: &Dir, file: &str, letter: char, name: &str, schema_version: u32) -> Result<Self> {
        let path = dir.place(file);
        let file = dir.create_private_file(file).map_err(|e| failed("cannot create the file", &path, e))?;
        let mut packer = Packer::new(HashedFile::new(file));
        packer
            .push(&ContentHeader { letter, schema_version }.encode())
            .map_err(|e| failed("cannot write the file", &path, e))?;
        Ok(SubspaceWriter { letter, name: name.to_owned(), path, packer, digest: Digest::new(), last: None })
    }

    /// The last key written; `None` before the first one.
    pub fn last_key(&self) -> Option<&[u8]> {
        self.last.as_deref()
    }

    /// Letter of the subspace.
    pub fn letter(&self) -> char {
        self.letter
    }

    /// Records written so far.
    pub fn records(&self) -> u64 {
        self.digest.totals().records
    }

    /// Appends every record of a page, or none. Every key must be greater than all keys before it; keys have at most
    /// 65 536 bytes, values less than 4 GiB.
    ///
    /// Errors: `Io`, with the key if a record violates these limits, or if writing fails.
    pub fn append(&mut self, page: &Page) -> Result<()> {
        let mut before = self.last.as_deref();
        for (key, value) in page.iter() {
            if before.is_some_and(|before| before >= key) {
                return Err(self.out_of_order(before.unwrap_or_default(), key));
            }
            check_lengths(key, value).map_err(|e| self.place(e, key))?;
            before = Some(key);
        }
        for (key, value) in page.iter() {
            self.write(key, value)?;
        }
        if let Some((key, _)) = page.last() {
            self.remember(key);
        }
        Ok(())
    }

    /// Ends the file and syncs it to disk; it keeps its `.partial` name until the dump is finished.
    pub fn finish(self) -> Result<SubspaceEntry> {
        let path = self.path;
        let sink = self.packer.finish().map_err(|e| failed("cannot write the file", &path, e))?;
        let (bytes, hash) =
            sink.finish().map_err(|e| failed("cannot bring the file to the disk", &path, e))?;
        Ok(SubspaceEntry::new(self.letter, &self.name, &self.digest.finish(), bytes, hash.as_bytes()))
    }

    fn write(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.digest.add(key, value);
        for piece in [key, value] {
            // The cast is lossless: `check_lengths` has checked the length.
            let (length, used) = encode_length(piece.len() as u32);
            let length = length.get(..used).unwrap_or_default();
            self.packer
                .push(length)
                .and_then(|()| self.packer.push(piece))
                .map_err(|e| failed("cannot write the file", &self.path, e))?;
        }
        Ok(())
    }

    fn remember(&mut self, key: &[u8]) {
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
    }

    fn out_of_order(&self, before: &[u8], key: &[u8]) -> Error {
        let what = if before == key {
            "the store delivers a key twice"
        } else {
            "the store delivers keys out of order"
        };
        self.place(Error::io(what).with("after", hex_start(before)), key)
            .help("the store is damaged: check it with its own tools, or export with --salvage")
    }

    fn place(&self, error: Error, key: &[u8]) -> Error {
        error.with("key", hex_start(key)).with("subspace", format!("{} ({})", self.letter, self.name))
    }
}

/// Checks that a dump can start in `dir`, which must be absent or empty, and changes nothing. Returns whether it
/// exists.
///
/// Errors: `Usage` if it is not a directory, `Refused` if it is not empty, `Io` if it cannot be read.
pub fn check_destination(dir: &Path) -> Result<bool> {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            Err(place(Error::usage("the destination is no directory"), dir).help("name a new directory"))
        }
        Ok(_) => {
            let mut entries = fs::read_dir(dir).map_err(|e| failed("cannot read the directory", dir, e))?;
            match entries.next() {
                None => Ok(true),
                Some(Err(e)) => Err(failed("cannot read the directory", dir, e)),
                Some(Ok(_)) if looks_unfinished(dir) => {
                    Err(place(Error::refused("the destination holds an unfinished export"), dir)
                        .help("go on with it with --resume, or remove the directory and export again"))
                }
                Some(Ok(_)) => Err(not_empty(dir)),
            }
        }
        Err(e) if e.kind() == IoErrorKind::NotFound => Ok(false),
        Err(e) if e.kind() == IoErrorKind::NotADirectory => Err(create_failed(dir, e)),
        Err(e) => Err(failed("cannot read the directory", dir, e)),
    }
}

/// Opens the directory or creates it, and makes it private; returns whether it was created.
fn prepare(dir: &Path) -> Result<(Dir, bool)> {
    let existed = check_destination(dir)?;
    let top = Dir::create(dir, 0o700).map_err(|e| create_failed(dir, e))?;
    // The path may have changed between the check and the opening, so the open directory is checked again.
    if top.names().map_err(|e| failed("cannot read the directory", dir, e))?.next().is_some() {
        return Err(not_empty(dir));
    }
    match top.set_mode(0o700) {
        // The directory belongs to another user: the files in it are private whatever its mode.
        Err(e) if e.kind() == IoErrorKind::PermissionDenied => {}
        outcome => outcome.map_err(|e| failed("cannot protect the directory", dir, e))?,
    }
    Ok((top, !existed))
}

fn not_empty(dir: &Path) -> Error {
    place(Error::refused("the destination is not empty"), dir).help("name a new or an empty directory")
}

fn create_failed(dir: &Path, e: std::io::Error) -> Error {
    match e.kind() {
        // The path is a file or a dangling link.
        IoErrorKind::NotADirectory | IoErrorKind::AlreadyExists => {
            place(Error::usage("the destination is no directory"), dir).help("name a new directory")
        }
        _ => failed("cannot create the directory", dir, e),
    }
}

fn looks_unfinished(dir: &Path) -> bool {
    let inner = dir.join(DIRECTORY);
    inner.is_dir() && !inner.join(MANIFEST).exists()
        || fs::read_dir(dir).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(PARTIAL))
        })
}

fn check_lengths(key: &[u8], value: &[u8]) -> Result<()> {
    if key.len() > MAX_KEY {
        let length = key.len();
        return Err(Error::io(format!("a key of {length} bytes; a dump holds at most {MAX_KEY}")));
    }
    if u32::try_from(value.len()).is_err() {
        let length = value.len();
        return Err(Error::io(format!("a value of {length} bytes; a dump holds less than 4 GiB")));
    }
    Ok(())
}

fn write_findings(dir: &Dir, findings: &Findings) -> Result<FindingsFile> {
    replace(dir, FINDINGS, |file| {
        findings::write(findings, BufWriter::new(file)).map_err(|e| place(e, &dir.place(FINDINGS)))
    })
}

/// Writes a file under its `.partial` name, syncs it to disk and renames it.
fn replace<T>(dir: &Dir, name: &str, write: impl FnOnce(&File) -> Result<T>) -> Result<T> {
    let partial = with_partial(name);
    let path = dir.place(&partial);
    // An interrupted run may have left a partial file.
    dir.remove(&partial).map_err(|e| failed("cannot remove the unfinished file", &path, e))?;
    let file = dir.create_private_file(&partial).map_err(|e| failed("cannot create the file", &path, e))?;
    let written = write(&file)?;
    file.sync_all().map_err(|e| failed("cannot bring the file to the disk", &path, e))?;
    rename(dir, &partial, name)?;
    Ok(written)
}

/// Creates a directory of mode 0700. The mode is set again because a umask may have removed required bits.
fn private_directory(dir: &Dir, name: &str) -> std::io::Result<Dir> {
    let made = dir.make(name, 0o700)?;
    made.set_mode(0o700)?;
    Ok(made)
}

fn remove_directory(dir: &Path) -> std::io::Result<()> {
    let (above, name) = Dir::holding(dir)?;
    above.remove_dir(name)
}

fn rename(dir: &Dir, from: &str, to: &str) -> Result<()> {
    dir.rename(from, to).map_err(|e| failed("cannot rename the file", &dir.place(from), e))
}

fn sync(dir: &Dir) -> Result<()> {
    dir.sync().map_err(|e| failed("cannot bring the directory to the disk", dir.path(), e))
}

fn with_partial(name: &str) -> String {
    format!("{name}{PARTIAL}")
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    place(Error::io(what), path).because(e)
}

fn place(error: Error, path: &Path) -> Error {
    error.with("path", path.display().to_string())
}
