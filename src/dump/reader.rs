//! Opens a dump: detects what a directory contains and refuses anything that is not a complete dump.
//!
//! Reads dumps of this tool and of the server (0.15, 0.16). A server dump is recognised by its frame flags
//! alone; without counts and checksums its completeness cannot be proven, and [`Dump::unproven`] lists this.
//! Opens regular files only and never follows a link inside the directory. Does not depend on the catalog: the
//! caller passes the names.

pub mod check;

mod sorted;

pub mod subspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind as IoErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;

use super::findings::{FindingLines, RecordedFinding};
use super::frame::{MAGIC, OUR_FLG, SERVER_FLG};
use super::manifest::{
    DIRECTORY, FINDINGS, MANIFEST, MAX_MANIFEST, Manifest, RESUME, SubspaceEntry, letter_of,
};
use super::record::{CONTENT_MAGIC, RecordReader};
use super::writer::PARTIAL;
use crate::base::error::{Error, Result};
use crate::base::finding::{Finding, FindingKind, Findings};
pub use check::FileCheck;
use check::Scan;
use sorted::Room;
pub use subspace::{SubspaceReader, Verify};

// Bytes of records fetched at a time where the caller sets no limit.
const PAGE: usize = 1024 * 1024;
// Bytes read from a file at a time.
const BUFFER: usize = 256 * 1024;

// Default memory for sorting a server's file whose records are out of order, in bytes.
const SORT_BUDGET: usize = 64 * 1024 * 1024;

// Names listed in messages.
const LISTED: usize = 8;

// Most files examined when a directory has no subspace file at all.
const PROBED: usize = 64;

/// A dump that can be read.
#[derive(Debug)]
pub struct Dump {
    dir: PathBuf,
    schema_version: u32,
    manifest: Option<Manifest>,
    files: Vec<SubspaceFile>,
    ignored: Vec<String>,
    room: Arc<Room>,
    scans: Mutex<BTreeMap<char, Scan>>,
}

/// A subspace file of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubspaceFile {
    /// Letter of the subspace.
    pub letter: char,
    /// Path of the file.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
}

impl Dump {
    /// Opens the dump in `dir`, written by this tool or a server. Reads the header of every file, no records.
    ///
    /// Errors: `Usage` if there is no directory or no dump in it; `Refused` for an unfinished export or a dump of
    /// another format or tool version; `Damaged` for files that contradict the manifest or each other.
    pub fn open(dir: &Path) -> Result<Dump> {
        match fs::metadata(dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                return Err(place(Error::usage("this is no directory, so it is no dump"), dir)
                    .help("name the directory that holds the subspace files"));
            }
            Err(e) if matches!(e.kind(), IoErrorKind::NotFound | IoErrorKind::NotADirectory) => {
                return Err(place(Error::usage("there is no such directory"), dir).help("check the path"));
            }
            Err(e) => return Err(place(Error::io("cannot read the directory"), dir).because(e)),
        }
        let listing = DumpFiles::read(dir)?;
        if listing.inner.contains(MANIFEST) { open_ours(dir, listing) } else { open_servers(dir, listing) }
    }

    /// Sets the memory, in bytes, that all unordered files of a server dump share for sorting.
    pub fn with_sort_budget(mut self, bytes: usize) -> Self {
        self.room = Room::new(bytes);
        self
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Schema version stated in every file.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// The manifest; `None` for a server dump.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Whether the server wrote the dump.
    pub fn is_server_dump(&self) -> bool {
        self.manifest.is_none()
    }

    /// The subspace files, by letter.
    pub fn subspaces(&self) -> &[SubspaceFile] {
        &self.files
    }

    /// Whether the dump has a file for a subspace.
    pub fn has(&self, letter: char) -> bool {
        self.files.iter().any(|file| file.letter == letter)
    }

    /// Manifest entry of a subspace.
    pub fn entry(&self, letter: char) -> Option<&SubspaceEntry> {
        self.manifest.as_ref()?.subspace(letter)
    }

    /// Other entries in the directory of a server dump; they are not read.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The findings of the export; `None` for a server dump.
    pub fn findings(&self) -> Result<Option<FindingLines>> {
        if self.manifest.is_none() {
            return Ok(None);
        }
        let path = self.dir.join(DIRECTORY).join(FINDINGS);
        Ok(Some(FindingLines::new(open_regular(&path)?.0, path)))
    }

    /// The findings of the export, of the kinds that this release defines: counts from the manifest and samples
    /// from the findings file. Empty for a server dump.
    pub fn recorded(&self) -> Result<Findings> {
        let mut findings = Findings::new();
        let Some(manifest) = &self.manifest else { return Ok(findings) };
        for (kind, count) in
            manifest.findings.iter().filter_map(|(name, n)| Some((FindingKind::named(name)?, *n)))
        {
            findings.recall(kind, count);
        }
        for line in self.findings()?.into_iter().flatten() {
            let RecordedFinding { kind, subspace, key, detail } = line?;
            if let Some(kind) = FindingKind::named(&kind) {
                findings.recall_sample(Finding { kind, subspace, key, detail });
            }
        }
        Ok(findings)
    }

    /// Lists for reports what cannot be proven about a server dump; empty for a dump with a manifest. `expected`
    /// are the letters and names in its schema version.
    pub fn unproven(&self, expected: &[(char, &str)]) -> Vec<String> {
        if self.manifest.is_some() {
            return Vec::new();
        }
        let mut list = vec![
            "completeness: a server's dump has no counts and no checksums, and a file cut off between two \
             records looks whole"
                .to_owned(),
            "the end of its files: the server never writes the end mark of a frame".to_owned(),
            "blobs: those that no link names are never in a server's dump, and the server leaves out missing \
             ones silently"
                .to_owned(),
        ];
        let absent: Vec<_> = expected
            .iter()
            .filter(|(letter, _)| !self.has(*letter))
            .map(|(letter, name)| format!("{letter} ({name})"))
            .collect();
        if !absent.is_empty() {
            list.push(format!("subspaces that are not in it: {}", absent.join(", ")));
        }
        if !self.ignored.is_empty() {
            list.push(format!(
                "entries that are no subspace files and are not read: {}",
                some(&self.ignored)
            ));
        }
        list
    }

    fn file(&self, letter: char) -> Result<&SubspaceFile> {
        self.files.iter().find(|file| file.letter == letter).ok_or_else(|| {
            place(Error::usage("the dump has no such subspace"), &self.dir)
                .with("subspace", letter.to_string())
        })
    }
}

/// Entries of a dump directory.
#[derive(Debug, Default)]
struct DumpFiles {
    files: Vec<(char, PathBuf)>,
    partial: Vec<String>,
    others: Vec<String>,
    has_inner: bool,
    // Names inside the directory of the manifest.
    inner: BTreeSet<String>,
}

impl DumpFiles {
    fn read(dir: &Path) -> Result<DumpFiles> {
        let mut listing = DumpFiles::default();
        for (name, kind) in entries(dir)? {
            if let Some(letter) = letter_of(&name) {
                let path = dir.join(&name);
                if !kind.is_file() {
                    return Err(no_regular_file(&path));
                }
                listing.files.push((letter, path));
            } else if name == DIRECTORY {
                if !kind.is_dir() {
                    return Err(place(
                        Error::damaged("this must be a directory of its own"),
                        &dir.join(name),
                    ));
                }
                listing.has_inner = true;
            } else if name.ends_with(PARTIAL) {
                listing.partial.push(name);
            } else {
                listing.others.push(name);
            }
        }
        listing.files.sort();
        listing.partial.sort();
        listing.others.sort();
        if listing.has_inner {
            let inner = dir.join(DIRECTORY);
            for (name, kind) in entries(&inner)? {
                if !kind.is_file() {
                    return Err(no_regular_file(&inner.join(name)));
                }
                listing.inner.insert(name);
            }
        }
        Ok(listing)
    }
}

fn open_ours(dir: &Path, listing: DumpFiles) -> Result<Dump> {
    let path = dir.join(DIRECTORY).join(MANIFEST);
    let (file, bytes) = open_regular(&path)?;
    let mut text = Vec::new();
    if bytes <= MAX_MANIFEST {
        let read = file.take(MAX_MANIFEST + 1).read_to_end(&mut text);
        read.map_err(|e| place(Error::io("cannot read the manifest"), &path).because(e))?;
    }
    if bytes > MAX_MANIFEST || text.len() as u64 > MAX_MANIFEST {
        return Err(place(Error::damaged("the manifest is longer than any manifest can be"), &path));
    }
    let manifest = Manifest::from_json(&text).map_err(|e| place(e, &path))?;

    let unexpected_inner = listing.inner.iter().filter(|name| !expected_inner(name));
    let unexpected: Vec<_> =
        listing.others.iter().chain(&listing.partial).chain(unexpected_inner).cloned().collect();
    if !unexpected.is_empty() {
        return Err(place(Error::damaged("the dump holds files that do not belong to it"), dir)
            .with("files", some(&unexpected))
            .help("remove them if you have put them there"));
    }
    if !listing.inner.contains(FINDINGS) {
        return Err(place(Error::damaged("the file is missing"), &dir.join(DIRECTORY).join(FINDINGS)));
    }
    let mut files = Vec::new();
    for entry in &manifest.subspaces {
        let path = dir.join(&entry.file);
        if !listing.files.iter().any(|(letter, _)| *letter == entry.letter) {
            return Err(place(Error::damaged("a file that the manifest lists is missing"), &path));
        }
        files.push(open_subspace_file(entry, path)?);
    }
    if let Some((_, path)) = listing.files.iter().find(|(letter, _)| manifest.subspace(*letter).is_none()) {
        return Err(place(Error::damaged("a file that the manifest does not list"), path));
    }
    check_versions(dir, &files, Some(manifest.schema_version))?;
    Ok(Dump {
        dir: dir.to_owned(),
        schema_version: manifest.schema_version,
        manifest: Some(manifest),
        files: files.into_iter().map(|(file, _)| file).collect(),
        ignored: Vec::new(),
        room: Room::new(SORT_BUDGET),
        scans: Mutex::default(),
    })
}

fn open_subspace_file(entry: &SubspaceEntry, path: PathBuf) -> Result<(SubspaceFile, u32)> {
    let (file, bytes) = open_regular(&path)?;
    if bytes != entry.file_bytes {
        let stated = entry.file_bytes;
        return Err(place(
            Error::damaged(format!("the file has {bytes} bytes, the manifest states {stated}")),
            &path,
        ));
    }
    let reader = RecordReader::new(BufReader::new(file), path.display().to_string())?;
    if !reader.frame().is_ours() {
        let flg = reader.frame().flg();
        return Err(place(
            Error::damaged(format!("the frame has flags {flg:02x}, not {OUR_FLG:02x}")),
            &path,
        ));
    }
    check_letter(entry.letter, reader.header().letter, &path)?;
    Ok((SubspaceFile { letter: entry.letter, path, bytes }, reader.header().schema_version))
}

fn open_servers(dir: &Path, listing: DumpFiles) -> Result<Dump> {
    let mut starts = Vec::new();
    for (letter, path) in &listing.files {
        starts.push((*letter, path, start_of(path)?));
    }
    let ours = |start: &[u8]| start.starts_with(&MAGIC) && start.get(4) == Some(&OUR_FLG);
    if !listing.partial.is_empty()
        || listing.inner.contains(RESUME)
        || listing.files.is_empty() && listing.has_inner
        || starts.iter().any(|(_, _, start)| ours(start))
    {
        return Err(place(Error::refused("this is an unfinished export, no dump: it has no manifest"), dir)
            .help("finish it with --resume where it was made, or remove the directory and export again"));
    }
    if listing.files.is_empty() {
        return Err(no_dump(dir, &listing.others));
    }
    let mut files = Vec::new();
    for (letter, path, start) in starts {
        if is_op_stream(&start) {
            return Err(op_stream(dir, path));
        }
        if let Some(flg) = start.get(4)
            && start.starts_with(&MAGIC)
            && *flg != SERVER_FLG
        {
            let what = format!("a frame with flags {flg:02x} is neither ours nor the server's");
            return Err(place(Error::usage(what), path).help("name a dump as it was exported"));
        }
        let (file, bytes) = open_regular(path)?;
        let reader = RecordReader::new(BufReader::new(file), path.display().to_string())?;
        check_letter(letter, reader.header().letter, path)?;
        files.push((SubspaceFile { letter, path: path.clone(), bytes }, reader.header().schema_version));
    }
    let schema_version = check_versions(dir, &files, None)?;
    Ok(Dump {
        dir: dir.to_owned(),
        schema_version,
        manifest: None,
        files: files.into_iter().map(|(file, _)| file).collect(),
        ignored: listing.others,
        room: Room::new(SORT_BUDGET),
        scans: Mutex::default(),
    })
}

/// Whether a name is allowed beside the manifest, where state files of imports may be stored.
fn expected_inner(name: &str) -> bool {
    let state = name.strip_suffix(PARTIAL).unwrap_or(name);
    [MANIFEST, FINDINGS].contains(&name)
        || state == RESUME
        || state.starts_with("import-") && state.ends_with(".json")
}

fn check_letter(expected: char, found: char, path: &Path) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let what = format!("the file holds subspace {found}, its name says {expected}");
    Err(place(Error::damaged(what), path).help("the file was renamed or copied: restore the original"))
}

/// Returns the schema version, which must be the same in all files.
fn check_versions(dir: &Path, files: &[(SubspaceFile, u32)], expected: Option<u32>) -> Result<u32> {
    let expected = expected.or_else(|| files.first().map(|(_, version)| *version)).unwrap_or(0);
    match files.iter().find(|(_, version)| *version != expected) {
        None => Ok(expected),
        Some((file, version)) => {
            let what = format!("the dump mixes schema versions {expected} and {version}");
            Err(place(Error::damaged(what), dir).with("file", file.path.display().to_string()))
        }
    }
}

fn no_dump(dir: &Path, names: &[String]) -> Error {
    for name in names.iter().take(PROBED) {
        let path = dir.join(name);
        // A file that cannot be opened does not change the error: no dump was found.
        if let Ok(start) = start_of(&path)
            && is_op_stream(&start)
        {
            return op_stream(dir, &path);
        }
    }
    place(Error::usage("this directory holds no dump"), dir)
        .help("name the directory that holds the subspace files")
}

/// Files of the server's exports up to 0.14 begin with the magic and a file version.
///
/// source: crates/common/src/manager/backup.rs @ v0.14.1
fn is_op_stream(start: &[u8]) -> bool {
    matches!(start, [CONTENT_MAGIC, 0..=2, ..])
}

fn op_stream(dir: &Path, path: &Path) -> Error {
    let what = "this is a dump of Stalwart 0.11 to 0.14 in its older format (operations, not records)";
    place(Error::refused(what), dir)
        .with("file", path.display().to_string())
        .help("export the store of that server with this tool instead")
}

/// The first five bytes of a file, or fewer if it is shorter.
fn start_of(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    let read = open_regular(path)?.0.take(5).read_to_end(&mut start);
    read.map_err(|e| place(Error::io("cannot read the file"), path).because(e))?;
    Ok(start)
}

/// Opens a regular file and returns its length; never follows a link, never waits for a pipe.
fn open_regular(path: &Path) -> Result<(File, u64)> {
    let failed = |e: std::io::Error| place(Error::io("cannot open the file"), path).because(e);
    if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(no_regular_file(path));
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
        .map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(no_regular_file(path));
    }
    Ok((file, found.len()))
}

fn no_regular_file(path: &Path) -> Error {
    place(Error::damaged("this is no regular file, so it is no part of a dump"), path)
        .help("links, devices and pipes are not followed: copy the dump with its files")
}

fn entries(dir: &Path) -> Result<Vec<(String, fs::FileType)>> {
    let failed = |e: std::io::Error| place(Error::io("cannot read the directory"), dir).because(e);
    let mut list = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        list.push((name, entry.file_type().map_err(failed)?));
    }
    Ok(list)
}

fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn place(error: Error, path: &Path) -> Error {
    error.with("path", path.display().to_string())
}
