//! Writes a dump: `.partial` files until everything is complete and on disk, the manifest last.
//!
//! One [`SubspaceWriter`] a subspace, each of which may live in its own thread; [`DumpWriter::finish`] turns
//! their files into a dump. Knows nothing about where records come from. Every error of the disk is reported,
//! none is left to a destructor.

mod hashed;
mod packer;
mod resume;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{BufWriter, ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::digest::Digest;
use super::findings;
use super::manifest::{
    Completeness, DIRECTORY, FINDINGS, FORMAT_MINOR, FORMAT_VERSION, FindingsFile, LeftBehind, MANIFEST,
    Manifest, RESUME, Skipped, SubspaceEntry, file_name, finding_counts,
};
use super::record::{ContentHeader, MAX_KEY, encode_length};
use crate::error::{Error, ErrorKind, Result};
use crate::finding::{Findings, hex, hex_start};
use crate::page::Page;
use hashed::HashedFile;
use packer::Packer;
pub use resume::{Resumed, Unfinished};

/// Ends the name of a file that is still being written.
pub const PARTIAL: &str = ".partial";

/// A dump being written.
#[derive(Debug)]
pub struct DumpWriter {
    dir: PathBuf,
    schema_version: u32,
    created: bool,
    // Letter and name of every subspace begun.
    begun: BTreeMap<char, String>,
}

/// What the manifest says besides the subspaces.
#[derive(Debug, Clone)]
pub struct Description {
    /// Version of this tool.
    pub tool_version: String,
    /// Server releases that write the schema version.
    pub server_releases: String,
    /// Kind of the store; never an address or a secret.
    pub source: String,
    /// The time to put into the manifest.
    pub created: SystemTime,
    /// Whether unreadable parts were left out.
    pub completeness: Completeness,
    /// Subspaces that were not exported.
    pub skipped: Vec<Skipped>,
    /// Records that do not travel.
    pub left_behind: Vec<LeftBehind>,
    /// Keys of blobs that are no hash of their content by design.
    pub unhashed_blobs: Vec<[u8; 32]>,
}

impl DumpWriter {
    /// Begins a dump in `dir`, which is absent (it is created with its parents) or empty.
    ///
    /// Errors: `Usage` if `dir` is no directory, `Refused` if it is not empty, `Io` if it cannot be written.
    pub fn create(dir: &Path, schema_version: u32) -> Result<DumpWriter> {
        let created = prepare(dir)?;
        let writer = DumpWriter { dir: dir.to_owned(), schema_version, created, begun: BTreeMap::new() };
        let manifest = dir.join(DIRECTORY);
        if let Err(e) = private_directory(&manifest) {
            if created {
                // The error that matters is the first one.
                let _ = fs::remove_dir(dir);
            }
            return Err(failed("cannot create the directory", &manifest, e));
        }
        Ok(writer)
    }

    /// Goes on with the dump that an interrupted run has left in `dir`; see [`DumpWriter::unfinished`].
    ///
    /// Errors: `Refused` if nothing unfinished is there, `Usage` and `Io` as for [`DumpWriter::create`].
    pub fn reopen(dir: &Path, schema_version: u32) -> Result<DumpWriter> {
        if !check_destination(dir).is_err_and(|error| error.kind() == ErrorKind::Refused) {
            return Err(place(Error::refused("there is no unfinished export to go on with"), dir)
                .next("export without --resume"));
        }
        if dir.join(DIRECTORY).join(MANIFEST).exists() {
            return Err(place(Error::refused("the export is complete: it has a manifest"), dir)
                .next("check it with `verify DIR`"));
        }
        Ok(DumpWriter { dir: dir.to_owned(), schema_version, created: false, begun: BTreeMap::new() })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins the file of a subspace. `letter` is `a` to `z`; a subspace is written once.
    pub fn subspace(&mut self, letter: char, name: &str) -> Result<SubspaceWriter> {
        if !letter.is_ascii_lowercase() || self.begun.contains_key(&letter) {
            return Err(Error::io("a dump has one file for each letter a to z")
                .with("subspace", format!("{letter} ({name})")));
        }
        let path = self.dir.join(file_name(letter) + PARTIAL);
        let writer = SubspaceWriter::create(path, letter, name, self.schema_version)?;
        self.begun.insert(letter, name.to_owned());
        Ok(writer)
    }

    /// The file of a subspace as an interrupted run has left it, or none of it.
    pub fn unfinished(&mut self, letter: char, name: &str) -> Result<Unfinished> {
        let path = self.dir.join(file_name(letter));
        let partial = with_partial(&path);
        // Renamed already if the run ended while it finished the dump.
        if path.exists() && !partial.exists() {
            rename(&path, &partial)?;
        }
        self.begun.insert(letter, name.to_owned());
        Ok(Unfinished::new(partial, letter, name, self.schema_version))
    }

    /// Turns the finished files into a dump: renames them, writes findings and manifest, syncs everything.
    ///
    /// `entries` come from [`SubspaceWriter::finish`], one for each subspace begun, in any order.
    pub fn finish(
        self,
        mut entries: Vec<SubspaceEntry>,
        description: Description,
        findings: &Findings,
    ) -> Result<Manifest> {
        entries.sort_by_key(|entry| entry.letter);
        if !entries.iter().map(|e| (&e.letter, &e.name)).eq(&self.begun) {
            let done: Vec<_> = entries.iter().map(|e| e.letter).collect();
            return Err(Error::io("subspaces were begun and not finished")
                .with("begun", self.begun.keys().collect::<String>())
                .with("finished", done.iter().collect::<String>()));
        }
        for entry in &entries {
            let path = self.dir.join(&entry.file);
            rename(&with_partial(&path), &path)?;
        }
        sync_directory(&self.dir)?;
        let inner = self.dir.join(DIRECTORY);
        let findings_file = write_findings(&inner.join(FINDINGS), findings)?;
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
            left_behind: description.left_behind,
            unhashed_blobs: description.unhashed_blobs.iter().map(|key| hex(key)).collect(),
            findings: finding_counts(findings),
            findings_file,
        };
        manifest
            .check()
            .map_err(|what| Error::io(format!("the manifest would contradict itself: {what}")))?;
        let path = inner.join(MANIFEST);
        // Everything the manifest speaks of is on disk before the manifest is.
        sync_directory(&inner)?;
        replace(&path, |mut file| {
            file.write_all(manifest.to_json()?.as_bytes())
                .map_err(|e| failed("cannot write the manifest", &path, e))
        })?;
        sync_directory(&inner)?;
        sync_directory(&self.dir)?;
        if self.created {
            // A new directory is on disk when the one that names it is.
            let parent = self.dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_directory(parent.unwrap_or(Path::new(".")))?;
        }
        Ok(manifest)
    }

    /// Removes what this run has created. Without it, unfinished files stay under their partial names.
    pub fn abandon(self) -> Result<()> {
        let inner = self.dir.join(DIRECTORY);
        let mut files = Vec::new();
        for letter in self.begun.keys() {
            let path = self.dir.join(file_name(*letter));
            files.extend([with_partial(&path), path]);
        }
        for name in [FINDINGS, MANIFEST, RESUME] {
            let path = inner.join(name);
            files.extend([with_partial(&path), path]);
        }
        for path in files {
            absent_is_fine(fs::remove_file(&path))
                .map_err(|e| failed("cannot remove the unfinished file", &path, e))?;
        }
        let created = self.created.then_some(&self.dir);
        for dir in [&inner].into_iter().chain(created) {
            absent_is_fine(fs::remove_dir(dir))
                .map_err(|e| failed("cannot remove the unfinished dump", dir, e))?;
        }
        Ok(())
    }
}

/// The file of one subspace being written. Dropped unfinished, it leaves its `.partial` file.
pub struct SubspaceWriter {
    letter: char,
    name: String,
    path: PathBuf,
    packer: Packer<HashedFile>,
    digest: Digest,
    last: Option<Vec<u8>>,
}

impl SubspaceWriter {
    fn create(path: PathBuf, letter: char, name: &str, schema_version: u32) -> Result<Self> {
        let file = private_file(&path).map_err(|e| failed("cannot create the file", &path, e))?;
        let mut packer = Packer::new(HashedFile::new(file));
        packer
            .push(&ContentHeader { letter, schema_version }.encode())
            .map_err(|e| failed("cannot write the file", &path, e))?;
        Ok(SubspaceWriter { letter, name: name.to_owned(), path, packer, digest: Digest::new(), last: None })
    }

    /// The last key written; nothing before the first one.
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

    /// Appends every record of a page; see [`append_record`](SubspaceWriter::append_record).
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

    /// Appends a record. Its key is greater than every key before; keys are at most 65 536 bytes, values less
    /// than 4 GiB.
    ///
    /// Errors: `Io`, naming the key: the store delivers what no dump can hold.
    pub fn append_record(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if let Some(before) = &self.last
            && before.as_slice() >= key
        {
            return Err(self.out_of_order(before, key));
        }
        check_lengths(key, value).map_err(|e| self.place(e, key))?;
        self.write(key, value)?;
        self.remember(key);
        Ok(())
    }

    /// Ends the file and brings it to the disk; it keeps its `.partial` name until the dump is finished.
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
            // `check_lengths` has made sure that it fits.
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
            .next("the store is damaged: check it with its own tools, or export with --salvage")
    }

    fn place(&self, error: Error, key: &[u8]) -> Error {
        error.with("key", hex_start(key)).with("subspace", format!("{} ({})", self.letter, self.name))
    }
}

/// Whether a dump can begin in `dir`, which stays as it is: absent or empty. Returns whether it exists.
///
/// Errors: `Usage` if it is no directory, `Refused` if it is not empty, `Io` if it cannot be read.
pub fn check_destination(dir: &Path) -> Result<bool> {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            Err(place(Error::usage("the destination is no directory"), dir).next("name a new directory"))
        }
        Ok(_) => {
            let mut entries = fs::read_dir(dir).map_err(|e| failed("cannot read the directory", dir, e))?;
            match entries.next() {
                None => Ok(true),
                Some(Err(e)) => Err(failed("cannot read the directory", dir, e)),
                Some(Ok(_)) if looks_unfinished(dir) => {
                    Err(place(Error::refused("the destination holds an unfinished export"), dir)
                        .next("go on with it with --resume, or remove the directory and export again"))
                }
                Some(Ok(_)) => Err(place(Error::refused("the destination is not empty"), dir)
                    .next("name a new or an empty directory")),
            }
        }
        Err(e) if e.kind() == IoErrorKind::NotFound => Ok(false),
        Err(e) if e.kind() == IoErrorKind::NotADirectory => Err(create_failed(dir, e)),
        Err(e) => Err(failed("cannot read the directory", dir, e)),
    }
}

/// Makes the directory private; returns whether it had to be created.
fn prepare(dir: &Path) -> Result<bool> {
    if check_destination(dir)? {
        return match fs::set_permissions(dir, Permissions::from_mode(0o700)) {
            // A directory of someone else: our files are private whatever its mode.
            Err(e) if e.kind() == IoErrorKind::PermissionDenied => Ok(false),
            outcome => outcome.map(|()| false).map_err(|e| failed("cannot protect the directory", dir, e)),
        };
    }
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(|e| create_failed(parent, e))?;
    }
    private_directory(dir).map_err(|e| create_failed(dir, e))?;
    Ok(true)
}

fn create_failed(dir: &Path, e: std::io::Error) -> Error {
    match e.kind() {
        // A file, or a link to nothing, stands in the way.
        IoErrorKind::NotADirectory | IoErrorKind::AlreadyExists => {
            place(Error::usage("the destination is no directory"), dir).next("name a new directory")
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

fn write_findings(path: &Path, findings: &Findings) -> Result<FindingsFile> {
    replace(path, |file| findings::write(findings, BufWriter::new(file)).map_err(|e| place(e, path)))
}

/// Writes `path` under its `.partial` name, brings it to the disk and renames it.
fn replace<T>(path: &Path, write: impl FnOnce(&File) -> Result<T>) -> Result<T> {
    let partial = with_partial(path);
    // Left by a run that was interrupted here.
    absent_is_fine(fs::remove_file(&partial))
        .map_err(|e| failed("cannot remove the unfinished file", &partial, e))?;
    let file = private_file(&partial).map_err(|e| failed("cannot create the file", &partial, e))?;
    let written = write(&file)?;
    file.sync_all().map_err(|e| failed("cannot bring the file to the disk", &partial, e))?;
    rename(&partial, path)?;
    Ok(written)
}

/// A new directory of mode 0700. A umask can only take from what it is created with, and may leave too little.
fn private_directory(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// A new file of mode 0600, whatever the umask.
fn private_file(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| failed("cannot rename the file", from, e))
}

fn sync_directory(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| failed("cannot bring the directory to the disk", dir, e))
}

fn with_partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    name.into()
}

fn absent_is_fine(outcome: std::io::Result<()>) -> std::io::Result<()> {
    outcome.or_else(|e| if e.kind() == IoErrorKind::NotFound { Ok(()) } else { Err(e) })
}

fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    place(Error::io(what), path).because(e)
}

fn place(error: Error, path: &Path) -> Error {
    error.with("path", path.display().to_string())
}
