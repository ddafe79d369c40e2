//! Writes a FoundationDB cluster: records become keys of its letters, and nothing else is written.
//!
//! A shard is kept in memory until it is committed, then written in several transactions, so it is not visible at one
//! moment. A value is, with all its pieces, unless it is too long for one transaction: then its pieces are written from
//! the last to the first, and without the first one it is no value. What was there under the same keys is replaced,
//! with all its pieces; keys that others may have written between them stay.
//!
//! A cluster has no locks that end with their holder, and no key of ours may stay in it. So runs on one machine exclude
//! each other by a lock on the cluster file; runs on several machines do not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foundationdb::options::StreamingMode;
use foundationdb::{FdbResult, RangeOption};

use super::assembly::{may_be_long, number_bytes};
use super::cluster::Cluster;
use super::source::{FoundationDbSource, pieces_of, sessions, subspace};
use super::writer::{Batches, Change, TransactionWriter};
use super::{end_of, prefix};
use crate::backend::{Sessions, Shard, Source, Target};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::catalog::{BackendKind, SchemaVersion, Table};
use crate::settings::FoundationDbSettings;

/// Shards that are written at the same time: one network thread keeps no more busy.
const WRITERS: usize = 8;
/// Bytes of a shard, which is kept in memory.
const SHARD: usize = 4 << 20;
/// Most bytes of a transaction with several long values, and of one with a part of a value.
const LONG: usize = 1_000_000;
/// Most bytes of a value that is written in one transaction: below the limit of ten million, with its keys.
const AT_ONCE: usize = 9_100_000;
/// Chunks that are read at once in a range of a target.
const AHEAD: usize = 4;

/// A FoundationDB cluster opened for writing.
pub struct FoundationDbTarget {
    cluster: Arc<Cluster>,
    writer: TransactionWriter,
    version: &'static SchemaVersion,
}

impl FoundationDbTarget {
    /// Connects to the cluster, whose keys are those of `version`.
    ///
    /// Errors: those of [`FoundationDbSource::open`].
    pub fn open(settings: &FoundationDbSettings, version: &'static SchemaVersion) -> Result<Self> {
        let cluster = Cluster::open(settings)?;
        Ok(FoundationDbTarget { writer: TransactionWriter::new(Arc::clone(&cluster)), cluster, version })
    }

    /// The keys of the cluster that a record has, and those of pieces that its earlier values have left.
    fn keys_of(&self, table: &Table, key: &[u8]) -> Result<Vec<Vec<u8>>> {
        let base = [&prefix(table), key].concat();
        let (width, most) =
            table.pieces.map_or((0, 1), |pieces| (usize::from(pieces.number_width), pieces.most));
        if width > 0 {
            let end = [base.as_slice(), &vec![u8::MAX; width], &[0]].concat();
            let mut keys: Vec<Vec<u8>> = self.there(&base, &end)?.into_keys().collect();
            keys.retain(|found| found.len() == base.len() + width);
            return Ok(keys);
        }
        let known = subspace(self.version, table).filter(|known| may_be_long(known, key));
        self.cluster.read("look for the pieces of a record", async |transaction| {
            let pieces = pieces_of(transaction, table, key).await?.len();
            let mut keys: Vec<Vec<u8>> = (0..pieces).map(|at| piece_key(&base, at, 0)).collect();
            // What the catalog takes for no record after the last piece is left from a longer value.
            for at in pieces.max(1)..usize::try_from(most).unwrap_or(1) {
                let next = piece_key(&base, at, 0);
                let Some(value) = transaction.get(&next, true).await? else { break };
                let record = next.get(table.name.len()..).unwrap_or_default();
                if known.is_none_or(|known| known.check(record, &value).is_ok()) {
                    break;
                }
                keys.push(next);
            }
            Ok(keys)
        })
    }

    /// The keys of a span, with the lengths of their values.
    fn there(&self, begin: &[u8], end: &[u8]) -> Result<BTreeMap<Vec<u8>, usize>> {
        self.cluster.read("look for what is there", async |transaction| {
            let (mut found, mut from) = (BTreeMap::new(), begin.to_vec());
            loop {
                let range =
                    RangeOption { mode: StreamingMode::WantAll, ..RangeOption::from((from.as_slice(), end)) };
                let values = transaction.get_range(&range, 1, true).await?;
                found.extend(values.iter().map(|row| (row.key().to_vec(), row.value().len())));
                match values.last() {
                    Some(last) if values.more() => from = [last.key(), &[0]].concat(),
                    _ => return FdbResult::Ok(found),
                }
            }
        })
    }
}

/// The key of a piece, counted from 0.
fn piece_key(base: &[u8], at: usize, width: usize) -> Vec<u8> {
    let number = match (width, at) {
        (0, 0) => Vec::new(),
        (0, at) => number_bytes(at as u64 - 1, 1),
        (width, at) => number_bytes(at as u64, width),
    };
    [base, &number].concat()
}

impl Target for FoundationDbTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::FoundationDb
    }

    fn create(&self, _tables: &[&Table]) -> Result<()> {
        // A table is there as soon as it has a key.
        Ok(())
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.cluster.renew();
        let mut clears = Vec::new();
        for key in keys {
            clears.extend(self.keys_of(table, key)?.into_iter().map(Change::Clear));
        }
        self.writer.clear(clears.into_iter())
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        self.cluster.renew();
        let mut stay = BTreeSet::new();
        for key in kept {
            stay.extend(self.keys_of(table, key)?);
        }
        let begins =
            std::iter::once(prefix(table)).chain(stay.iter().map(|key| [key.as_slice(), &[0]].concat()));
        let ends = stay.iter().cloned().chain([end_of(&prefix(table))]);
        let gaps = begins.zip(ends).filter(|(begin, end)| begin < end);
        self.writer.clear(gaps.map(|(begin, end)| Change::ClearRange(begin, end)))
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        self.cluster.renew();
        let source = FoundationDbSource::of(Arc::clone(&self.cluster), AHEAD);
        source.learn_version(self.version);
        Ok(Box::new(source))
    }

    fn sessions(&self) -> Result<Sessions> {
        sessions(&self.cluster)
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn shard_bytes(&self, _table: &Table) -> usize {
        SHARD
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        Ok(Box::new(FoundationDbShard { target: self, table, pages: Vec::new() }))
    }

    fn finish(&self) -> Result<()> {
        // Every commit is already durable.
        self.cluster.renew();
        Ok(())
    }
}

struct FoundationDbShard<'a> {
    target: &'a FoundationDbTarget,
    table: &'a Table,
    pages: Vec<Page>,
}

impl FoundationDbShard<'_> {
    fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pages.iter().flat_map(Page::iter)
    }

    /// The pieces of a value: one at least, even if it is empty.
    fn pieces<'v>(&self, key: &[u8], value: &'v [u8]) -> Vec<Change<'v>> {
        let base = [&prefix(self.table), key].concat();
        let Some(pieces) = self.table.pieces else { return vec![Change::Set(base, value)] };
        let width = usize::from(pieces.number_width);
        let size = usize::try_from(pieces.size).unwrap_or(usize::MAX).max(1);
        if value.is_empty() {
            return vec![Change::Set(piece_key(&base, 0, width), value)];
        }
        let cut = value.chunks(size).enumerate();
        cut.map(|(at, piece)| Change::Set(piece_key(&base, at, width), piece)).collect()
    }

    /// Clears pieces that are there and that the new values do not replace.
    fn clear_stale(&self) -> Result<()> {
        let (Some((first, _)), Some((last, _)), Some(pieces)) =
            (self.records().next(), self.records().last(), self.table.pieces)
        else {
            return Ok(());
        };
        let whole = prefix(self.table);
        self.target.cluster.renew();
        let (begin, end) = ([&whole, first].concat(), [&whole, last, &[u8::MAX, u8::MAX, 0]].concat());
        let there = self.target.there(&begin, &end)?;
        if there.is_empty() {
            return Ok(());
        }
        let (width, size) =
            (usize::from(pieces.number_width), usize::try_from(pieces.size).unwrap_or(usize::MAX));
        let written: BTreeSet<&[u8]> = self.records().map(|(key, _)| key).collect();
        let mut stale = Vec::new();
        for (key, value) in self.records() {
            let base = [&whole, key].concat();
            let now = value.len().div_ceil(size).max(1);
            if width > 0 {
                let (from, to) =
                    (piece_key(&base, now, width), [&base, vec![u8::MAX; width].as_slice()].concat());
                let left = there.range(from..=to).map(|(found, _)| found);
                stale.extend(left.filter(|found| found.len() == base.len() + width).cloned());
                continue;
            }
            let mut at = 0;
            while there.get(&piece_key(&base, at, 0)).is_some_and(|length| *length >= size) {
                at += 1;
                let next = piece_key(&base, at, 0);
                let record = next.get(whole.len()..).unwrap_or_default();
                if at >= now && there.contains_key(&next) && !written.contains(record) {
                    stale.push(next);
                }
            }
        }
        self.target.writer.clear(stale.into_iter().map(Change::Clear))
    }
}

impl Shard for FoundationDbShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        self.pages.push(page.clone());
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        let place = |error: crate::base::error::Error| error.with("table", self.table.name);
        self.clear_stale().map_err(place)?;
        let writer = &self.target.writer;
        let mut batches = Batches::new(writer.bytes());
        for (key, value) in self.records() {
            let mut pieces = self.pieces(key, value);
            if value.len() <= AT_ONCE {
                batches.add(pieces, LONG);
                continue;
            }
            // Without its first piece it is no value, so that one comes last.
            while !pieces.is_empty() {
                let some = LONG / value.len().div_ceil(pieces.len().max(1)).max(1);
                let rest = pieces.split_off(pieces.len().saturating_sub(some.max(1)));
                writer.commit([rest]).map_err(place)?;
            }
        }
        batches.close();
        writer.commit(batches.closed).map_err(place)
    }
}
