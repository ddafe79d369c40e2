//! Reads the records of one subspace in key order and checks them against the manifest at the end.
//!
//! The `sorted` module reads server files whose records are out of order.

use std::fs::File;
use std::io::BufReader;

use super::sorted::Sorted;
use super::{BUFFER, Dump, open_regular};
use crate::base::error::{Error, Result};
use crate::base::finding::Findings;
use crate::base::hex::hex_start;
use crate::base::page::Page;
use crate::dump::digest::{Digest, SubspaceDigest};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::record::RecordReader;

/// Which statements of the manifest are checked while records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Counts, order and frame checksums, for files whose BLAKE3 was already checked.
    Counts,
    /// Also the digests of the records.
    Digests,
}

/// The records of one subspace, in key order. After an error every call fails.
pub struct SubspaceReader {
    letter: char,
    file: String,
    source: RecordStream,
    entry: Option<SubspaceEntry>,
    digest: Digest,
    totals: crate::dump::digest::Totals,
    verify: Verify,
    last: Option<Vec<u8>>,
    findings: Findings,
    state: ReadState,
}

enum RecordStream {
    Stream(Box<RecordReader<BufReader<File>>>),
    Sorted(Sorted),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadState {
    Reading,
    Ended,
    Failed,
}

impl Dump {
    /// Opens the records of a subspace.
    ///
    /// A server's file is first scanned once, unless [`Dump::checksums`] has already done so.
    pub fn open_subspace(&self, letter: char, verify: Verify) -> Result<SubspaceReader> {
        let path = &self.file(letter)?.path;
        let entry = self.entry(letter).cloned();
        let mut findings = Findings::new();
        let source = if entry.is_none() && !self.scan(letter)?.ordered {
            let sorted = self.sorted(letter)?;
            findings = sorted.findings.clone();
            RecordStream::Sorted(sorted)
        } else {
            let mut records = self.open_records(letter)?;
            if let Some(entry) = &entry {
                records.limit_values(entry.longest_value);
            }
            RecordStream::Stream(Box::new(records))
        };
        Ok(SubspaceReader {
            letter,
            file: path.display().to_string(),
            source,
            entry,
            digest: Digest::new(),
            totals: Default::default(),
            verify,
            last: None,
            findings,
            state: ReadState::Reading,
        })
    }

    /// Opens the records in file order, unchecked.
    pub(super) fn open_records(&self, letter: char) -> Result<RecordReader<BufReader<File>>> {
        let path = &self.file(letter)?.path;
        let (file, _) = open_regular(path)?;
        RecordReader::new(BufReader::with_capacity(BUFFER, file), path.display().to_string())
    }
}

impl SubspaceReader {
    /// Letter of the subspace.
    pub fn letter(&self) -> char {
        self.letter
    }

    /// Fills `page` with the next records: at least one, and no more than `limit` bytes unless one record alone
    /// is larger. False at the end, after all checks have passed.
    ///
    /// Errors: `Damaged`, with file and place.
    pub fn read_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        page.clear();
        match self.state {
            ReadState::Ended => return Ok(false),
            ReadState::Failed => return Err(self.damage("reading the records has failed before")),
            ReadState::Reading => {}
        }
        let outcome = self.next_page(page, limit);
        if outcome.is_err() {
            self.state = ReadState::Failed;
            page.clear();
        }
        outcome
    }

    /// Findings so far: repeated and unordered records of a server's dump.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Counts and digests of the records; `None` unless all were read with [`Verify::Digests`].
    pub fn digest(&self) -> Option<SubspaceDigest> {
        let proven = self.state == ReadState::Ended && self.verify == Verify::Digests;
        proven.then(|| self.digest.clone().finish())
    }

    fn next_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        let more = match &mut self.source {
            RecordStream::Stream(records) => records.read_page(page, limit)?,
            RecordStream::Sorted(sorted) => sorted.next_page(page, limit),
        };
        if !more {
            self.prove()?;
            self.state = ReadState::Ended;
            return Ok(false);
        }
        let mut before = self.last.as_deref();
        for (key, value) in page.iter() {
            if let Some(before) = before
                && before >= key
            {
                let what = if before == key { "a key is there twice" } else { "keys are out of order" };
                return Err(self.damage(what).with("after", hex_start(before)).with("key", hex_start(key)));
            }
            before = Some(key);
            self.totals.add(key, value);
        }
        if self.verify == Verify::Digests {
            self.digest.add_page(page);
        }
        if let Some((key, _)) = page.last() {
            let last = self.last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(key);
        }
        Ok(true)
    }

    /// Compares the records read with the manifest.
    fn prove(&self) -> Result<()> {
        let Some(entry) = &self.entry else { return Ok(()) };
        if let RecordStream::Stream(records) = &self.source
            && !records.end().is_some_and(|end| end.end_mark && end.content_checked)
        {
            return Err(self.damage("the frame has no end mark: the file is cut off"));
        }
        let difference = match self.verify {
            Verify::Digests => entry.difference(&self.digest.clone().finish()),
            Verify::Counts => entry.difference_in_counts(&self.totals),
        };
        difference.map_or(Ok(()), |what| Err(self.damage(what)))
    }

    fn damage(&self, what: impl Into<String>) -> Error {
        Error::damaged(what).with("subspace", self.letter.to_string()).with("file", &self.file)
    }
}
