//! Reads a range of a table: chunks at the split points of the cluster, several at once, delivered in key order.
//!
//! A chunk that fails goes on after its last complete batch, at a new version. What is in flight is bounded by bytes,
//! whatever the split points are: a chunk returns after a few batches and is continued.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use foundationdb::future::FdbValues;
use foundationdb::options::StreamingMode;
use foundationdb::{FdbError, RangeOption};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use super::assembly::{Assembled, Assembler, number_bytes};
use super::cluster::{Cluster, ReadAt, Waits, drive};
use super::{end_of, is_passing, prefix};
use crate::backend::{KeyRange, Pages, PieceFault};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{Pieces, Subspace, Table};

/// Bytes of a chunk, and of a batch of it.
const CHUNK: i64 = 256 << 10;
/// Bytes of a part of a range whose split points are asked for at once.
const STRETCH: i64 = 64 << 20;
/// Batches after which a chunk returns.
const BATCHES: usize = 2;
/// Bytes of keys at whose end a shorter key could have further pieces.
const SHORTER: usize = 256;

/// Keys of the cluster from the first up to, and without, the second.
pub(super) type Span = (Vec<u8>, Vec<u8>);

/// What a range is read with.
#[derive(Clone, Copy)]
pub(super) struct RangeSource<'a> {
    /// The cluster.
    pub cluster: &'a Arc<Cluster>,
    /// The subspace of the table, if the version is known.
    pub subspace: Option<&'static Subspace>,
    /// How many chunks are read at once.
    pub ahead: usize,
    /// Takes what is wrong with pieces.
    pub faults: &'a Mutex<BTreeSet<PieceFault>>,
}

/// The records of a range.
pub(super) struct FoundationDbPages<'a> {
    source: RangeSource<'a>,
    table: &'a Table,
    range: KeyRange,
    rows: Option<RangeRows>,
    assembler: Assembler,
    overflow: VecDeque<(Vec<u8>, Vec<u8>)>,
    // A batch of which so many pairs were assembled.
    batch: Option<(FdbValues, usize)>,
    failed: bool,
    ended: bool,
}

impl<'a> FoundationDbPages<'a> {
    pub fn new(source: RangeSource<'a>, table: &'a Table, range: &KeyRange) -> Self {
        let assembler = Assembler::new(table, source.subspace);
        let empty = range.until.is_some() && range.after >= range.until;
        FoundationDbPages {
            source,
            table,
            range: range.clone(),
            rows: None,
            assembler,
            overflow: VecDeque::new(),
            batch: None,
            failed: false,
            ended: empty,
        }
    }

    fn fill(&mut self, page: &mut Page, budget: usize) -> Result<()> {
        while let Some((key, value)) = self.overflow.pop_front_if(|_| page.is_empty() || page.size() < budget)
        {
            page.push_owned(&key, value);
        }
        let cluster = self.source.cluster;
        if self.rows.is_none() && !self.ended {
            let span = span(cluster, self.table, &self.range)?;
            self.rows = Some(RangeRows::new(Arc::clone(cluster), span, self.source.ahead));
        }
        let mut faults = Vec::new();
        while !self.ended && self.overflow.is_empty() && (page.is_empty() || page.size() < budget) {
            let mut out = Assembled {
                range: &self.range,
                table: self.table.name,
                page,
                budget,
                overflow: &mut self.overflow,
                faults: &mut faults,
            };
            let batch = match (self.batch.take(), &mut self.rows) {
                (None, Some(rows)) => rows.next()?.map(|values| (values, 0)),
                (batch, _) => batch,
            };
            let Some((values, mut at)) = batch else {
                self.assembler.finish(&mut out);
                self.ended = true;
                break;
            };
            while let Some(row) = values.get(at)
                && out.has_room()
            {
                let key = row.key();
                self.assembler.push(
                    key.get(self.table.name.len()..).unwrap_or_default(),
                    row.value(),
                    &mut out,
                );
                at += 1;
            }
            self.batch = (at < values.len()).then_some((values, at));
        }
        if !faults.is_empty() {
            lock(self.source.faults).extend(faults);
        }
        Ok(())
    }
}

impl Pages for FoundationDbPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        if self.failed {
            return Err(Error::io("reading has failed before").with("table", self.table.name));
        }
        if let Err(error) = self.fill(page, budget) {
            self.failed = true;
            page.clear();
            return Err(error.with("table", self.table.name));
        }
        Ok(!page.is_empty())
    }
}

/// The keys of the cluster that the records of a range may have, and those that decide which of them are records.
fn span(cluster: &Cluster, table: &Table, range: &KeyRange) -> Result<Span> {
    let whole = prefix(table);
    let at = |key: &[u8], more: &[u8]| [&whole, key, more].concat();
    let ends = (whole.clone(), end_of(&whole));
    let Some(pieces) = table.pieces else {
        let begin = range.after.as_ref().map_or(ends.0, |after| at(after, &[0]));
        return Ok((begin, range.until.as_ref().map_or(ends.1, |until| at(until, &[0]))));
    };
    let width = usize::from(pieces.number_width);
    let mut begin = ends.0;
    if let Some(after) = &range.after {
        // The key itself is read again: its pieces are no records. Numbers tell to which value a piece belongs.
        let owner = if width == 0 { shortest_with_more(cluster, table, pieces, after)? } else { after };
        begin = at(owner, &[]);
    }
    let mut end = ends.1;
    if let Some(until) = &range.until {
        let last = number_bytes(u64::MAX, width.max(1));
        let owner = shortest_with_more(cluster, table, pieces, until)?;
        let past = |key: &[u8]| at(key, &[last.as_slice(), &[0]].concat());
        end = past(owner).max(past(until));
    }
    Ok((begin, end))
}

/// The shortest key that `key` begins with and that may have pieces after it: one with a full first piece, or without
/// numbers one of which every longer one exists, too. Otherwise the key itself.
fn shortest_with_more<'k>(
    cluster: &Cluster,
    table: &Table,
    pieces: Pieces,
    key: &'k [u8],
) -> Result<&'k [u8]> {
    let (whole, width) = (prefix(table), usize::from(pieces.number_width));
    let shorter: Vec<&[u8]> =
        (key.len().saturating_sub(SHORTER)..key.len()).filter_map(|length| key.get(..length)).collect();
    // Lengths of first pieces, by index. Another try asks only for those that are not known.
    let known: RefCell<BTreeMap<usize, Option<usize>>> = RefCell::default();
    cluster.read("look for the ends of a range", async |transaction| {
        let unknown = shorter.iter().enumerate().filter(|(at, _)| !known.borrow().contains_key(at));
        let asked: Vec<_> = unknown
            .map(|(at, shorter)| {
                let first = [&whole, *shorter, &number_bytes(0, width)].concat();
                (at, transaction.get(&first, true))
            })
            .collect();
        let mut failed = None;
        for (at, value) in asked {
            match value.await {
                Ok(value) => drop(known.borrow_mut().insert(at, value.map(|value| value.len()))),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    })?;
    let known = known.into_inner();
    let length = |at: &usize| known.get(at).copied().flatten();
    let full = (0..shorter.len()).find(|at| length(at).is_some_and(|length| length as u64 >= pieces.size));
    let chain = (0..shorter.len()).rev().take_while(|at| width == 0 && length(at).is_some()).last();
    let shortest = full.into_iter().chain(chain).min().and_then(|at| shorter.get(at));
    Ok(shortest.copied().unwrap_or(key))
}

/// What came of reading a chunk.
struct ChunkRead {
    batches: Vec<FdbValues>,
    // What of the chunk is not read yet.
    rest: Option<Span>,
    failure: Option<(FdbError, Option<Arc<ReadAt>>)>,
}

type ChunkReading = Pin<Box<dyn Future<Output = ChunkRead> + Send>>;

/// The pairs of a span, in key order.
pub(super) struct RangeRows {
    cluster: Arc<Cluster>,
    stretches: Option<VecDeque<Span>>,
    whole: Span,
    chunks: VecDeque<Span>,
    reading: FuturesOrdered<ChunkReading>,
    ahead: usize,
    ready: VecDeque<FdbValues>,
    waits: Waits,
}

impl RangeRows {
    pub fn new(cluster: Arc<Cluster>, whole: Span, ahead: usize) -> RangeRows {
        RangeRows {
            cluster,
            stretches: None,
            whole,
            chunks: VecDeque::new(),
            reading: FuturesOrdered::new(),
            ahead,
            ready: VecDeque::new(),
            waits: Waits::new(),
        }
    }

    /// The next pairs; `None` after the last ones.
    pub fn next(&mut self) -> Result<Option<FdbValues>> {
        loop {
            if let Some(values) = self.ready.pop_front() {
                return Ok(Some(values));
            }
            while self.reading.len() < self.ahead
                && let Some(chunk) = self.next_chunk()?
            {
                self.reading.push_back(Box::pin(read_chunk(Arc::clone(&self.cluster), chunk)));
            }
            let Some(read) = drive(self.reading.next(), None)?.flatten() else { return Ok(None) };
            if !read.batches.is_empty() {
                self.waits.succeeded();
            }
            self.ready.extend(read.batches);
            if let Some((error, at)) = read.failure {
                // The other chunks of a transaction fail with it.
                let current = at.is_none_or(|at| self.cluster.give_up(&at));
                if !is_passing(error) || current && !self.waits.again()? {
                    return Err(self.cluster.fail(error, "read records"));
                }
            }
            if let Some(rest) = read.rest {
                self.reading.push_front(Box::pin(read_chunk(Arc::clone(&self.cluster), rest)));
            }
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Span>> {
        if self.stretches.is_none() {
            self.stretches = Some(split(&self.cluster, &self.whole, STRETCH)?);
        }
        while self.chunks.is_empty() {
            let Some(stretch) = self.stretches.as_mut().and_then(VecDeque::pop_front) else {
                return Ok(None);
            };
            self.chunks = split(&self.cluster, &stretch, CHUNK)?;
        }
        Ok(self.chunks.pop_front())
    }
}

/// Cuts a span into parts of about so many bytes.
fn split(cluster: &Cluster, (begin, end): &Span, bytes: i64) -> Result<VecDeque<Span>> {
    if begin >= end {
        return Ok(VecDeque::new());
    }
    let mut points = split_points(cluster, begin, end, bytes)?;
    points.retain(|point| point > begin && point < end);
    let (mut parts, mut from) = (VecDeque::with_capacity(points.len() + 1), begin.clone());
    for point in points.into_iter().chain([end.clone()]) {
        if point > from {
            parts.push_back((std::mem::replace(&mut from, point.clone()), point));
        }
    }
    Ok(parts)
}

/// Keys that split a span into parts of about so many bytes, ascending.
pub(super) fn split_points(cluster: &Cluster, begin: &[u8], end: &[u8], bytes: i64) -> Result<Vec<Vec<u8>>> {
    cluster.read("find split keys", async |transaction| {
        let points = transaction.get_range_split_points(begin, end, bytes).await?;
        let mut points: Vec<Vec<u8>> = points.iter().map(|point| point.key().to_vec()).collect();
        points.sort();
        points.dedup();
        Ok(points)
    })
}

async fn read_chunk(cluster: Arc<Cluster>, (mut begin, end): Span) -> ChunkRead {
    let mut batches = Vec::new();
    let now = match cluster.now().await {
        Ok(now) => now,
        Err(error) => return ChunkRead { batches, rest: Some((begin, end)), failure: Some((error, None)) },
    };
    loop {
        let range = RangeOption {
            mode: StreamingMode::Exact,
            target_bytes: usize::try_from(CHUNK).unwrap_or_default(),
            ..RangeOption::from((begin.as_slice(), end.as_slice()))
        };
        let read = now.transaction.get_range(&range, 1, true).await;
        let values = match read {
            Ok(values) => values,
            Err(error) => {
                return ChunkRead { batches, rest: Some((begin, end)), failure: Some((error, Some(now))) };
            }
        };
        let more = values.more();
        if let Some(last) = values.last() {
            begin = [last.key(), &[0]].concat();
            batches.push(values);
        }
        if !more {
            return ChunkRead { batches, rest: None, failure: None };
        }
        if batches.len() >= BATCHES {
            return ChunkRead { batches, rest: Some((begin, end)), failure: None };
        }
    }
}
