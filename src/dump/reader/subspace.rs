//! Reads the records of one subspace in key order, and proves them against the manifest at the end.
//!
//! A server's file whose records repeat or are out of order (a read replica failed while it exported) is
//! sorted in memory if that fits the budget; equal repeats are taken once, differing ones are an error.

use std::fs::File;
use std::io::BufReader;

use super::{BUFFER, Dump, open_regular};
use crate::dump::digest::{Digest, SubspaceDigest};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::record::RecordReader;
use crate::error::{Error, Result};
use crate::finding::{FindingKind, Findings, hex_start};
use crate::page::Page;

// Bytes of records fetched at a time where the caller has no say.
pub(super) const PAGE: usize = 1024 * 1024;

/// How much of the manifest is proven while records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Counts, order, frame checksums: for files whose BLAKE3 was checked before.
    Counts,
    /// The digests of the records as well.
    Digests,
}

/// The records of one subspace, in key order. After an error every call fails.
pub struct SubspaceReader {
    letter: char,
    file: String,
    source: Source,
    entry: Option<SubspaceEntry>,
    digest: Digest,
    totals: crate::dump::digest::Totals,
    verify: Verify,
    last: Option<Vec<u8>>,
    findings: Findings,
    state: State,
}

enum Source {
    Stream(Box<RecordReader<BufReader<File>>>),
    Sorted(Sorted),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl Dump {
    /// Opens the records of a subspace.
    ///
    /// A server's file is scanned once before, unless [`Dump::checksums`] has done so.
    pub fn open_subspace(&self, letter: char, verify: Verify) -> Result<SubspaceReader> {
        let path = &self.file(letter)?.path;
        let entry = self.entry(letter).cloned();
        let mut findings = Findings::new();
        let source = if entry.is_none() && !self.scan(letter)?.ordered {
            let sorted = Sorted::load(self.open_records(letter)?, letter, self.sort_budget)?;
            findings = sorted.findings.clone();
            Source::Sorted(sorted)
        } else {
            let mut records = self.open_records(letter)?;
            if let Some(entry) = &entry {
                records.limit_values(entry.longest_value);
            }
            Source::Stream(Box::new(records))
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
            state: State::Reading,
        })
    }

    /// The records as they stand in the file, unchecked.
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
    /// is larger. False at the end, when everything was proven.
    ///
    /// Errors: `Damaged`, with file and place.
    pub fn read_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        page.clear();
        match self.state {
            State::Ended => return Ok(false),
            State::Failed => return Err(self.damage("reading the records has failed before")),
            State::Reading => {}
        }
        let outcome = self.next_page(page, limit);
        if outcome.is_err() {
            self.state = State::Failed;
            page.clear();
        }
        outcome
    }

    /// Findings so far: repeated and unordered records of a server's dump.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Counts and digests of the records, once all were read with [`Verify::Digests`].
    pub fn digest(&self) -> Option<SubspaceDigest> {
        let proven = self.state == State::Ended && self.verify == Verify::Digests;
        proven.then(|| self.digest.clone().finish())
    }

    fn next_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        let more = match &mut self.source {
            Source::Stream(records) => records.read_page(page, limit)?,
            Source::Sorted(sorted) => sorted.next_page(page, limit),
        };
        if !more {
            self.prove()?;
            self.state = State::Ended;
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

    /// Compares what was read with the manifest.
    fn prove(&self) -> Result<()> {
        let Some(entry) = &self.entry else { return Ok(()) };
        if let Source::Stream(records) = &self.source
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

/// Records of a server's file that had to be sorted.
pub(super) struct Sorted {
    records: Page,
    order: Vec<usize>,
    at: usize,
    /// What was wrong with the order.
    pub(super) findings: Findings,
}

impl Sorted {
    /// Reads all records, sorts them and takes equal repeats once.
    ///
    /// Errors: `Refused` if they need more than `budget` bytes; `Damaged` if two values claim one key.
    pub(super) fn load(
        mut records: RecordReader<BufReader<File>>,
        letter: char,
        budget: usize,
    ) -> Result<Sorted> {
        let subspace = letter.to_string();
        let mut findings = Findings::new();
        let (mut all, mut page) = (Page::new(), Page::new());
        while records.read_page(&mut page, PAGE)? {
            for (key, value) in page.iter() {
                if all.last().is_some_and(|(before, _)| before > key) {
                    let detail = || "comes after a greater key".to_owned();
                    findings.add(FindingKind::OutOfOrder, &*subspace, key, detail);
                }
                all.push(key, value);
            }
            if all.size() + all.len() * size_of::<usize>() > budget {
                let what =
                    format!("the records are out of order, and sorting takes more than {budget} bytes");
                return Err(Error::refused(what)
                    .with("subspace", subspace)
                    .with("file", records.file())
                    .next("allow more with --memory, or export the store with this tool instead"));
            }
        }
        let key = |index: &usize| all.get(*index).map(|(key, _)| key).unwrap_or_default();
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|a, b| key(a).cmp(key(b)));
        let mut kept: Vec<usize> = Vec::with_capacity(order.len());
        for index in order {
            let (Some((key, value)), before) = (all.get(index), kept.last().and_then(|&k| all.get(k))) else {
                continue;
            };
            match before {
                Some((same, first)) if same == key => {
                    if first != value {
                        return Err(Error::damaged("two values claim one key")
                            .with("subspace", subspace)
                            .with("file", records.file())
                            .with("key", hex_start(key))
                            .next("export the store with this tool instead"));
                    }
                    let detail = || "repeated with the same value, taken once".to_owned();
                    findings.add(FindingKind::Duplicate, &*subspace, key, detail);
                }
                _ => kept.push(index),
            }
        }
        Ok(Sorted { records: all, order: kept, at: 0, findings })
    }

    /// Records in key order, each key once.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.order.iter().filter_map(|&index| self.records.get(index))
    }

    fn next_page(&mut self, page: &mut Page, limit: usize) -> bool {
        while let Some((key, value)) = self.order.get(self.at).and_then(|&index| self.records.get(index)) {
            if !page.is_empty() && page.size() + key.len() + value.len() > limit {
                break;
            }
            page.push(key, value);
            self.at += 1;
        }
        !page.is_empty()
    }
}
