//! Checks whole files before anything is written to a target.
//!
//! For files of this tool: length and BLAKE3 against the manifest, every block checksum and the end mark, without
//! decompression. For files of the server: every record, because there is nothing else to check against; the
//! counts are kept.

use std::fs::File;
use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::sorted::{SortSize, Sorted};
use super::{BUFFER, Dump, PAGE, open_regular, place};
use crate::base::error::{Error, Result};
use crate::base::finding::Findings;
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::base::sync::lock;
use crate::dump::digest::{Digest, SubspaceDigest, Totals};
use crate::dump::frame::FrameReader;
use crate::dump::manifest::{DIRECTORY, FINDINGS, SubspaceEntry};

/// Most pieces of a file queued for the thread that checks them.
const AHEAD: usize = 4;

/// Callback for progress, with the number of file bytes checked since its last call.
pub type OnBytes<'a> = &'a (dyn Fn(u64) + Sync);

/// Result of checking a file.
#[derive(Debug, Clone)]
pub struct FileCheck {
    /// Letter of the subspace.
    pub letter: char,
    /// Length of the file, in bytes.
    pub file_bytes: u64,
    /// Counts of its records: from the manifest, or counted in a server's file.
    pub totals: Totals,
    /// Digests computed from a server's file; `None` for other dumps, whose digests are in the manifest.
    pub digest: Option<SubspaceDigest>,
    /// Repeated and unordered records of a server's file.
    pub findings: Findings,
}

/// Result of a pass over a server's file.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// Whether keys ascend strictly.
    pub(super) ordered: bool,
    /// Size of the records, for the memory that sorting takes.
    pub(super) extent: SortSize,
    digest: SubspaceDigest,
    findings: Findings,
}

impl Dump {
    /// Checks every file, `jobs` at a time.
    ///
    /// Errors: interrupted, or else the first error in the order of letters, with the number of failed files.
    pub fn checksums(&self, jobs: usize) -> Result<Vec<FileCheck>> {
        self.checksums_seen(jobs, &|_| ())
    }

    /// As [`checksums`](Dump::checksums); calls `seen` with the number of file bytes checked since its last call.
    pub fn checksums_seen(&self, jobs: usize, seen: OnBytes) -> Result<Vec<FileCheck>> {
        self.check_findings()?;
        let mut checks = Vec::new();
        let mut failures = Vec::new();
        for (_, outcome) in self.check_files(jobs, seen) {
            match outcome {
                Ok(check) => checks.push(check),
                Err(e) => failures.push(e),
            }
        }
        // Files that an interrupted run did not read are not damaged.
        Stop::of_process().check()?;
        let count = failures.len();
        match failures.into_iter().next() {
            None => Ok(checks),
            Some(first) if count == 1 => Err(first),
            Some(first) => Err(first.with("damaged files", count.to_string())),
        }
    }

    /// Checks every file, `jobs` at a time, and returns one result for each, in the order of letters.
    fn check_files(&self, jobs: usize, seen: OnBytes) -> Vec<(char, Result<FileCheck>)> {
        let mut largest_first: Vec<_> = self.files.iter().collect();
        largest_first.sort_by_key(|file| std::cmp::Reverse(file.bytes));
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(file) = largest_first.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((file.letter, self.check_file(file.letter, seen)));
            }
            done
        };
        let mut outcomes = std::thread::scope(|scope| {
            let workers: Vec<_> = (1..jobs.min(largest_first.len())).map(|_| scope.spawn(work)).collect();
            let mut outcomes = work();
            for worker in workers {
                // A worker that panicked leaves its files out; they are reported below.
                outcomes.extend(worker.join().unwrap_or_default());
            }
            outcomes
        });
        for file in &self.files {
            if !outcomes.iter().any(|(letter, _)| *letter == file.letter) {
                outcomes.push((file.letter, Err(place(Error::io("the file was not checked"), &file.path))));
            }
        }
        outcomes.sort_by_key(|(letter, _)| *letter);
        outcomes
    }

    fn check_file(&self, letter: char, seen: OnBytes) -> Result<FileCheck> {
        let file_bytes = self.file(letter)?.bytes;
        match self.entry(letter) {
            Some(entry) => {
                self.check_against(entry, seen)?;
                Ok(FileCheck {
                    letter,
                    file_bytes,
                    totals: entry.totals(),
                    digest: None,
                    findings: Findings::new(),
                })
            }
            None => {
                let scan = self.scan_seen(letter, seen)?;
                Ok(FileCheck {
                    letter,
                    file_bytes,
                    totals: scan.digest.totals,
                    digest: Some(scan.digest),
                    findings: scan.findings,
                })
            }
        }
    }

    /// Checks `findings.jsonl` against the manifest.
    pub fn check_findings(&self) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let path = self.dir.join(DIRECTORY).join(FINDINGS);
        let (file, bytes) = open_regular(&path)?;
        let stated = &manifest.findings_file;
        let differ = || place(Error::damaged("the findings differ from the manifest"), &path);
        // Checked first, because a sparse file of exabytes would take years to read.
        if bytes != stated.bytes {
            return Err(differ());
        }
        let mut input = HashedInput::new(file, &|_| ()).take(bytes);
        let mut buffer = vec![0; BUFFER];
        loop {
            Stop::of_process().check()?;
            match input.read(&mut buffer) {
                Ok(0) => break,
                Err(e) if e.kind() != std::io::ErrorKind::Interrupted => {
                    return Err(place(Error::io("cannot read the findings"), &path).because(e));
                }
                _ => {}
            }
        }
        if input.into_inner().hex() != stated.blake3 {
            return Err(differ());
        }
        Ok(())
    }

    fn check_against(&self, entry: &SubspaceEntry, seen: OnBytes) -> Result<()> {
        let path = &self.file(entry.letter)?.path;
        let (file, bytes) = open_regular(path)?;
        if bytes != entry.file_bytes {
            let stated = entry.file_bytes;
            let what = format!("the file has {bytes} bytes, the manifest states {stated}");
            return Err(place(Error::damaged(what), path));
        }
        // Most of a dump can be in one file. Two threads read and check it: one thread alone would read, hash and
        // check in turn.
        std::thread::scope(|scope| {
            let (pieces, input) = FilePieces::of(HashedInput::new(file, seen));
            let hashing = scope.spawn(move || pieces.read());
            let mut frame = FrameReader::new(input, path.display().to_string())?;
            while frame.skip_block()? {}
            if !frame.end().is_some_and(|end| end.end_mark) {
                return Err(place(Error::damaged("the frame has no end mark: the file is cut off"), path));
            }
            let hash = hashing.join().map_err(|_| place(Error::io("the file was not checked"), path))?;
            if hash != entry.file_blake3 {
                return Err(place(Error::damaged("the BLAKE3 of the file differs from the manifest"), path));
            }
            Ok(())
        })
    }

    /// Result of one pass over a server's file. The pass runs once; its result is kept.
    pub(super) fn scan(&self, letter: char) -> Result<Scan> {
        self.scan_seen(letter, &|_| ())
    }

    fn scan_seen(&self, letter: char, seen: OnBytes) -> Result<Scan> {
        if let Some(scan) = lock(&self.scans).get(&letter) {
            return Ok(scan.clone());
        }
        let scan = self.scan_records(letter, seen)?;
        lock(&self.scans).insert(letter, scan.clone());
        Ok(scan)
    }

    fn scan_records(&self, letter: char, seen: OnBytes) -> Result<Scan> {
        let mut records = self.open_records(letter)?;
        let mut digest = Digest::new();
        let mut ordered = true;
        let mut last: Option<Vec<u8>> = None;
        let (mut page, mut offset, mut extent) = (Page::new(), 0, SortSize::default());
        while records.read_page(&mut page, PAGE)? {
            seen(records.offset() - offset);
            offset = records.offset();
            extent.add(&page);
            let mut before = last.as_deref();
            for (key, _) in page.iter() {
                ordered &= before.is_none_or(|before| before < key);
                before = Some(key);
            }
            if ordered {
                digest.add_page(&page);
            }
            last = page.last().map(|(key, _)| key.to_vec());
        }
        let mut findings = Findings::new();
        if !ordered {
            let sorted = Sorted::load(self.open_records(letter)?, letter, extent, &self.room)?;
            digest = Digest::new();
            sorted.iter().for_each(|(key, value)| digest.add(key, value));
            findings = sorted.findings;
        }
        Ok(Scan { ordered, extent, digest: digest.finish(), findings })
    }
}

/// A file and the BLAKE3 of the bytes read from it.
struct HashedInput<'a> {
    file: File,
    hasher: blake3::Hasher,
    seen: OnBytes<'a>,
}

impl<'a> HashedInput<'a> {
    fn new(file: File, seen: OnBytes<'a>) -> Self {
        HashedInput { file, hasher: blake3::Hasher::new(), seen }
    }

    fn hex(&self) -> String {
        hex(self.hasher.finalize().as_bytes())
    }
}

impl Read for HashedInput<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        (self.seen)(read as u64);
        Ok(read)
    }
}

/// Reads a file piece by piece for another thread, which returns the buffer of each piece.
struct FilePieces<'a> {
    file: HashedInput<'a>,
    full: SyncSender<std::io::Result<Vec<u8>>>,
    empty: Receiver<Vec<u8>>,
}

/// Input of the other thread.
struct PieceInput {
    full: Receiver<std::io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    piece: Cursor<Vec<u8>>,
}

impl<'a> FilePieces<'a> {
    fn of(file: HashedInput<'a>) -> (FilePieces<'a>, PieceInput) {
        let (filled, full) = sync_channel(AHEAD);
        let (emptied, empty) = channel();
        let input = PieceInput { full, empty: emptied, piece: Cursor::default() };
        (FilePieces { file, full: filled, empty }, input)
    }

    /// Reads until the file ends, reading fails or the receiver is dropped; returns the hash of the bytes read.
    fn read(mut self) -> String {
        loop {
            let mut piece = self.empty.try_recv().unwrap_or_default();
            piece.resize(BUFFER, 0);
            let read = match self.file.read(&mut piece) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let ended = !matches!(read, Ok(1..));
            let message = read.map(|bytes| {
                piece.truncate(bytes);
                piece
            });
            if self.full.send(message).is_err() || ended {
                return self.file.hex();
            }
        }
    }
}

impl Read for PieceInput {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.piece.read(buffer)?;
        if bytes > 0 || buffer.is_empty() {
            return Ok(bytes);
        }
        // Before it ended, the reading thread has sent an empty piece or its error.
        let Ok(next) = self.full.recv() else { return Ok(0) };
        let used = std::mem::replace(&mut self.piece, Cursor::new(next?));
        // Fails only if the reading thread has ended, when buffers are no longer needed.
        let _ = self.empty.send(used.into_inner());
        self.piece.read(buffer)
    }
}
