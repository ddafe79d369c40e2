//! Writes the records of an input into a target and returns the counts and digests that read-back verification
//! compares.
//!
//! Blobs are written before the records that link them and the schema-version record last, so that a partial
//! target is never taken for a complete one. Records that an interrupted run has written are read and counted but
//! not written again. The caller has checked that the target may be written.

use std::borrow::Cow;
use std::sync::Mutex;

use crate::backend::{KeyRange, Pages, Shard, Target};
use crate::base::error::Result;
use crate::base::finding::Findings;
use crate::base::page::Page;
use crate::base::sync::{into_inner, lock};
use crate::catalog::{self, Subspace, Table, ValueKind};
use crate::dump::digest::{PartDigest, Totals};
use crate::records::audit::{Audit, HashList, Sides};
use crate::records::blob::{self, BlobRule};
use crate::records::check::Tally;
use crate::records::counters::Counters;
use crate::records::input::Input;
use crate::records::pipeline::{Pipeline, Transform, in_parallel};
use crate::run::Run;
use crate::run::progress::Progress;
use crate::run::strict::Strict;
use crate::target::read_back::Expected;

/// The input and what to load of it.
pub struct Load<'a> {
    /// Where the records come from.
    pub input: &'a Input<'a>,
    /// The subspaces to load.
    pub parts: &'a [LoadPart],
    /// How the target stores blobs.
    pub rule: BlobRule,
    /// Value of the schema-version record, written last; `None` if the target keeps its own.
    pub version_record: Option<Vec<u8>>,
    /// Threads, memory, and the request to end.
    pub run: &'a Run,
    /// Whether findings are failures: then all checks precede the schema-version record.
    pub strict: Strict,
    /// Counts the records read.
    pub progress: &'a Progress,
}

/// One subspace to load.
#[derive(Debug, Clone)]
pub struct LoadPart {
    /// The subspace.
    pub subspace: &'static Subspace,
    /// Its table in the target.
    pub table: &'static Table,
    /// Records up to this key are in the target already.
    pub after: Option<Vec<u8>>,
    /// Counts and sum of its records, from a manifest; counted while loading if absent.
    pub stated: Option<(Totals, String)>,
}

/// The result of a load.
#[derive(Default)]
pub struct Loaded {
    /// Expected content of the target, by letter.
    pub expected: Vec<Expected>,
    /// Findings of the input.
    pub findings: Findings,
    /// Skipped records, local to the old installation: subspace, layout, count.
    pub local: Vec<(&'static Subspace, &'static str, u64)>,
    /// Linked, unlinked and missing blobs, if both links and blobs were loaded.
    pub audit: Option<Audit>,
    /// The hashes that links name, if blobs were not loaded.
    pub unmatched: Sides,
}

impl Load<'_> {
    /// Writes all records except the schema-version record to the target, which has been cleared.
    ///
    /// Errors: I/O, damaged and interrupted; the target is incomplete then, which the missing schema-version
    /// record shows.
    pub fn run(&self, target: &dyn Target) -> Result<Loaded> {
        let jobs = self.run.budget.jobs.min(target.writers());
        // Links last, so that every link has its blob. Blobs first, because they take longest.
        let (links, mut others): (Vec<&LoadPart>, Vec<&LoadPart>) =
            self.parts.iter().partition(|part| part.subspace.links_blobs());
        others.sort_by_key(|part| {
            let size = self.input.size(part.subspace).unwrap_or_default();
            (part.subspace.value != ValueKind::Blob, std::cmp::Reverse(size))
        });
        let mut done = Vec::new();
        let counters = Mutex::new(Counters::new(self.input.version()));
        for group in [others, links] {
            done.extend(in_parallel(jobs, &group, |part| self.load(part, target, &counters))?);
        }
        let mut loaded = conclude(done)?;
        if self.strict.is_on() {
            into_inner(counters).check(&mut loaded.findings);
        }
        Ok(loaded)
    }

    /// Completes the target: writes the schema-version record, which comes last.
    ///
    /// Errors: I/O.
    pub fn seal(&self, target: &dyn Target) -> Result<()> {
        let record = catalog::schema_version_record();
        if let Some(value) = &self.version_record
            && let Some(part) = self.parts.iter().find(|part| part.subspace.letter == record.letter)
        {
            let mut page = Page::new();
            page.push(record.key, value);
            write(target, part.table, &page)?;
        }
        target.finish()
    }

    /// Loads one subspace: reads its ranges in parallel and writes them in key order.
    fn load(&self, part: &LoadPart, target: &dyn Target, counters: &Mutex<Counters>) -> Result<LoadedPart> {
        let subspace = part.subspace;
        let ranges: Vec<(usize, KeyRange)> =
            self.input.ranges(subspace, self.run.budget.ranges())?.into_iter().enumerate().collect();
        let outcomes: Mutex<Vec<(usize, PartDigest, Tally)>> = Mutex::default();
        let mut hashes = HashList::of(subspace, &std::env::temp_dir())?;
        let read = |(index, range): &(usize, KeyRange), emit: &mut dyn FnMut(&mut Page) -> Result<()>| {
            let (digest, tally) = self.read(part, range, counters, emit)?;
            lock(&outcomes).push((*index, digest, tally));
            Ok(())
        };
        // Compression is most of the work of an import, and a dump file has a single reader.
        let encode = |page: &Page, encoded: &mut Page| {
            for (key, value) in page.iter() {
                // Blobs that are in the target already are not written again, so they need no encoding.
                match if part.written(key) { Cow::Borrowed(value) } else { blob::encode(self.rule, value) } {
                    Cow::Owned(value) => encoded.push_owned(key, value),
                    Cow::Borrowed(value) => encoded.push(key, value),
                }
            }
        };
        let transform = match subspace.value {
            ValueKind::Blob => Some(Transform { workers: self.run.budget.jobs, work: &encode }),
            _ => None,
        };
        let mut pipeline = Pipeline { transform, ..Pipeline::of(self.run) };
        if transform.is_some() {
            pipeline.read_ahead = self.run.budget.deep_read_ahead();
        }
        let mut writer = PartWriter { part, target, shard: None, pending: 0 };
        pipeline.run(&ranges, read, |page| {
            if let Some(hashes) = &mut hashes {
                page.iter().try_for_each(|(key, value)| hashes.push_record(subspace, key, value))?;
            }
            writer.write(page)
        })?;
        writer.finish()?;
        let mut outcomes = into_inner(outcomes);
        outcomes.sort_by_key(|(index, ..)| *index);
        let (mut digest, mut tally) = (PartDigest::new(), Tally::default());
        for (_, part, found) in outcomes {
            digest.merge(&part);
            tally.merge(found);
        }
        let (totals, sum) = part.stated.clone().unwrap_or_else(|| (digest.totals(), digest.sum().to_hex()));
        Ok(LoadedPart { expected: Expected { subspace, totals, sum }, tally, hashes })
    }

    /// Gives the pages of a range to `emit`, without the schema-version record if that is written last; returns
    /// what all its records add up to.
    fn read(
        &self,
        part: &LoadPart,
        range: &KeyRange,
        counters: &Mutex<Counters>,
        emit: &mut dyn FnMut(&mut Page) -> Result<()>,
    ) -> Result<(PartDigest, Tally)> {
        let subspace = part.subspace;
        let record = catalog::schema_version_record();
        let held_back = self.version_record.is_some() && subspace.letter == record.letter;
        let version = self.input.version();
        // Read-back verification repeats this, but a strict run needs the result before the target is complete.
        let counted = self.strict.is_on() && Counters::concerns(version, subspace);
        let mut records = self.input.read(subspace, range)?;
        let (mut digest, mut raw, mut page) = (PartDigest::new(), Page::new(), Page::new());
        let mut seen = Counters::new(version);
        while records.next(&mut raw, self.run.budget.page_bytes())? {
            if part.stated.is_none() {
                digest.add_page(&raw);
            }
            if counted {
                raw.iter().for_each(|(key, value)| seen.see_record(subspace, key, value));
            }
            self.progress.add(raw.len() as u64, raw.size() as u64);
            self.run.stop.check()?;
            if !held_back || raw.iter().all(|(key, _)| key != record.key) {
                emit(&mut raw)?;
                continue;
            }
            page.clear();
            raw.iter().filter(|(key, _)| *key != record.key).for_each(|(key, value)| page.push(key, value));
            emit(&mut page)?;
        }
        lock(counters).merge(seen);
        Ok((digest, records.into_tally()))
    }
}

impl LoadPart {
    /// Whether an interrupted run has written the record already.
    fn written(&self, key: &[u8]) -> bool {
        self.after.as_deref().is_some_and(|after| key <= after)
    }
}

/// Writes the pages of one subspace, and commits a shard whenever it is large enough.
struct PartWriter<'a> {
    part: &'a LoadPart,
    target: &'a dyn Target,
    shard: Option<Box<dyn Shard + Send + 'a>>,
    // Bytes in the shard.
    pending: usize,
}

impl PartWriter<'_> {
    /// Writes what is not written yet.
    fn write(&mut self, page: &mut Page) -> Result<()> {
        let rest = page.iter().skip_while(|(key, _)| self.part.written(key)).count();
        if rest == 0 {
            return Ok(());
        }
        let mut current = match self.shard.take() {
            Some(shard) => shard,
            None => self.target.shard(self.part.table)?,
        };
        if rest == page.len() {
            self.pending += page.size();
            current.write(page)?;
        } else {
            let mut unwritten = Page::new();
            page.iter().skip(page.len() - rest).for_each(|(key, value)| unwritten.push(key, value));
            self.pending += unwritten.size();
            current.write(&unwritten)?;
        }
        // Free the page first: a commit may need as much memory as the largest value.
        page.clear();
        if self.pending < self.target.shard_bytes(self.part.table) {
            self.shard = Some(current);
            return Ok(());
        }
        self.pending = 0;
        current.commit()
    }

    fn finish(self) -> Result<()> {
        self.shard.map_or(Ok(()), |shard| shard.commit())
    }
}

/// Writes a few rows in one commit.
fn write(target: &dyn Target, table: &'static Table, page: &Page) -> Result<()> {
    let mut shard = target.shard(table)?;
    shard.write(page)?;
    shard.commit()
}

struct LoadedPart {
    expected: Expected,
    tally: Tally,
    hashes: Option<HashList>,
}

fn conclude(mut done: Vec<LoadedPart>) -> Result<Loaded> {
    done.sort_by_key(|done| done.expected.subspace.letter);
    let mut loaded = Loaded::default();
    let mut sides = Sides::default();
    for LoadedPart { expected, tally, hashes } in done {
        let subspace = expected.subspace;
        loaded.findings.merge(tally.findings);
        loaded.local.extend(tally.local.into_iter().map(|(layout, n)| (subspace, layout, n)));
        sides.add(subspace, hashes);
        loaded.expected.push(expected);
    }
    if sides.lack_blobs() {
        loaded.unmatched = sides;
    } else {
        loaded.audit = sides.audit(&mut loaded.findings)?;
    }
    Ok(loaded)
}
