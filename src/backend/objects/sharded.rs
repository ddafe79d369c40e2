//! Several stores that share the blobs: a hash of the key decides which one stores it.
//!
//! The server searches for a blob in its own member only. This module also finds and delivers a blob in another
//! member, left there when the members were changed, unless its own member has it. Members may be stores of any kind.

use std::collections::BTreeSet;
use std::sync::Mutex;

use xxhash_rust::xxh3::xxh3_64;

use super::names::member;
use crate::backend::shape::Fault;
use crate::backend::{
    Estimate, KeyRange, Limits, Loss, Odd, Pages, PieceFault, Sessions, Shard, Source, TableState, Target,
    Unreadable,
};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, SchemaVersion, Table};

/// Limit of blobs in the wrong member that are counted exactly.
const MISPLACED: usize = 100_000;

/// Several stores opened for reading as one.
pub struct ShardedSource {
    kind: BackendKind,
    table: &'static Table,
    members: Vec<(Box<dyn Source>, &'static Table)>,
    // Hashes of keys.
    misplaced: Mutex<BTreeSet<u64>>,
}

impl ShardedSource {
    /// Reads `members`, each with its table of blobs, as `table` of a store of this kind. Their order decides where
    /// blobs belong.
    ///
    /// Errors: usage if there is no member.
    pub fn new(
        kind: BackendKind,
        table: &'static Table,
        members: Vec<(Box<dyn Source>, &'static Table)>,
    ) -> Result<Self> {
        at_least_one(members.len())?;
        Ok(ShardedSource { kind, table, members, misplaced: Mutex::default() })
    }

    /// The number of blobs read so far that are in a member where the server does not search for them.
    pub fn misplaced(&self) -> u64 {
        lock(&self.misplaced).len() as u64
    }

    fn note_misplaced(&self, key: &[u8]) {
        let mut misplaced = lock(&self.misplaced);
        if misplaced.len() < MISPLACED {
            misplaced.insert(xxh3_64(key));
        }
    }

    fn holds(&self, table: &Table) -> bool {
        table.name == self.table.name
    }

    fn merged<'a>(
        &'a self,
        table: &Table,
        open: impl Fn(&'a dyn Source, &'static Table) -> Result<Box<dyn Pages + Send + 'a>>,
    ) -> Result<Box<dyn Pages + Send + 'a>> {
        let mut streams = Vec::with_capacity(self.members.len());
        for (source, table) in self.members.iter().filter(|_| self.holds(table)) {
            let pages = open(source.as_ref(), table)?;
            streams.push(Stream { pages, page: Page::new(), at: 0, done: false });
        }
        Ok(Box::new(ShardedPages { source: self, streams, failed: None }))
    }

    fn sum<T>(&self, of: impl Fn(&dyn Source, &'static Table) -> Result<T>) -> Result<Vec<T>> {
        self.members.iter().map(|(source, table)| of(source.as_ref(), table)).collect()
    }
}

impl Source for ShardedSource {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let rows = self.sum(|source, table| {
            Ok(source.tables()?.iter().any(|state| state.name == table.name && state.rows))
        })?;
        Ok(vec![TableState { name: self.table.name.to_string(), rows: rows.contains(&true) }])
    }

    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        if !tables.iter().any(|table| self.holds(table)) {
            return Ok(Vec::new());
        }
        let found = self.sum(|source, table| source.unreadable(&[table]))?;
        // Without one of the members the others are incomplete.
        let first =
            found.into_iter().enumerate().find_map(|(at, found)| Some((at, found.into_iter().next()?)));
        Ok(first
            .into_iter()
            .map(|(at, unreadable)| Unreadable {
                table: self.table.name.to_string(),
                why: format!("in member {at}, {}", unreadable.why),
                ..unreadable
            })
            .collect())
    }

    fn writable(&self, _tables: &[&Table]) -> Result<()> {
        self.sum(|source, table| source.writable(&[table])).map(|_| ())
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.holds(table) {
            return Ok(None);
        }
        let own = member(key, self.members.len());
        let others = self.members.iter().enumerate().filter(|(index, _)| *index != own).map(|(_, m)| m);
        for (source, table) in self.members.get(own).into_iter().chain(others) {
            if let Some(value) = source.get(table, key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn shape_faults(&self, _tables: &[&Table], written: bool) -> Result<Vec<Fault>> {
        Ok(self.sum(|source, table| source.shape_faults(&[table], written))?.concat())
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        if !self.holds(table) {
            return Ok(Estimate::default());
        }
        let parts = self.sum(|source, table| source.estimate(table))?;
        Ok(parts.iter().fold(Estimate::default(), |sum, part| Estimate {
            records: sum.records.saturating_add(part.records),
            bytes: sum.bytes.saturating_add(part.bytes),
        }))
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if !self.holds(table) {
            return Ok(vec![KeyRange::all()]);
        }
        // Hashes spread keys evenly, so the ranges of the largest member fit all members.
        let mut largest: Option<(u64, &dyn Source, &'static Table)> = None;
        for (source, table) in &self.members {
            let records = source.estimate(table)?.records;
            if largest.is_none_or(|(most, ..)| records > most) {
                largest = Some((records, source.as_ref(), table));
            }
        }
        largest.map_or(Ok(vec![KeyRange::all()]), |(_, source, table)| source.ranges(table, n))
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        self.merged(table, |source, table| source.scan(table, range))
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        self.merged(table, |source, table| source.keys(table))
    }

    fn unreachable(&self, table: &Table) -> Result<Option<(u64, String)>> {
        if !self.holds(table) {
            return Ok(None);
        }
        added(self.sum(|source, table| source.unreachable(table))?)
    }

    fn odd_values(&self, table: &Table) -> Result<Vec<Odd>> {
        if self.holds(table) {
            Ok(self.sum(|source, table| source.odd_values(table))?.concat())
        } else {
            Ok(Vec::new())
        }
    }

    fn log_ends(&self) -> Vec<String> {
        self.members.iter().flat_map(|(source, _)| source.log_ends()).collect()
    }

    fn foreign(&self) -> Result<Option<(u64, String)>> {
        added(self.sum(|source, _| source.foreign())?)
    }

    fn sessions(&self) -> Result<Sessions> {
        let mut all = Sessions::default();
        for sessions in self.sum(|source, _| source.sessions())? {
            all.others.extend(sessions.others);
            all.hidden = all.hidden.or(sessions.hidden);
        }
        Ok(all)
    }

    fn limits(&self) -> Result<Limits> {
        let limits = self.sum(|source, _| source.limits())?;
        let blob = limits.into_iter().filter_map(|limits| limits.blob).min();
        Ok(Limits { record: blob, blob })
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        let parts = self.sum(|source, _| source.fingerprint())?;
        Ok(parts.into_iter().collect::<Option<Vec<_>>>().map(|parts| parts.join(" | ")))
    }

    fn changed(&self) -> Result<Option<String>> {
        Ok(self.sum(|source, _| source.changed())?.into_iter().flatten().next())
    }

    fn losses(&self) -> Vec<Loss> {
        let renamed = |loss: Loss| Loss { table: self.table.name.to_string(), ..loss };
        self.members.iter().flat_map(|(source, _)| source.losses()).map(renamed).collect()
    }

    fn learn_version(&self, version: &'static SchemaVersion) {
        self.members.iter().for_each(|(source, _)| source.learn_version(version));
    }

    fn piece_faults(&self) -> Vec<PieceFault> {
        let renamed = |fault: PieceFault| PieceFault { table: self.table.name.to_string(), ..fault };
        self.members.iter().flat_map(|(source, _)| source.piece_faults()).map(renamed).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.members.iter().flat_map(|(source, _)| source.notes()).collect();
        let misplaced = self.misplaced();
        if misplaced > 0 {
            let more = if misplaced >= MISPLACED as u64 { "at least " } else { "" };
            notes.push(format!(
                "{more}{misplaced} blobs lie in a member of the sharded blob store where the server does not look \
                 for them: the members or their order were changed; they are read all the same"
            ));
        }
        notes
    }
}

fn added(parts: Vec<Option<(u64, String)>>) -> Result<Option<(u64, String)>> {
    let mut parts = parts.into_iter().flatten();
    let Some((first, text)) = parts.next() else { return Ok(None) };
    Ok(Some((parts.fold(first, |sum, (count, _)| sum + count), text)))
}

/// The records of a member, one at a time.
struct Stream<'a> {
    pages: Box<dyn Pages + Send + 'a>,
    page: Page,
    at: usize,
    done: bool,
}

impl Stream<'_> {
    /// Ensures that there is a record, unless there are no more.
    fn fill(&mut self, budget: usize) -> Result<()> {
        if self.at >= self.page.len() && !self.done {
            self.at = 0;
            self.done = !self.pages.next(&mut self.page, budget)?;
        }
        Ok(())
    }

    fn key(&self) -> Option<&[u8]> {
        self.page.get(self.at).map(|(key, _)| key)
    }
}

struct ShardedPages<'a> {
    source: &'a ShardedSource,
    streams: Vec<Stream<'a>>,
    failed: Option<String>,
}

impl ShardedPages<'_> {
    fn fill(&mut self, page: &mut Page, budget: usize) -> Result<()> {
        let members = self.streams.len();
        let share = (budget / members.max(1)).max(1);
        while page.is_empty() || page.size() < budget {
            self.streams.iter_mut().try_for_each(|stream| stream.fill(share))?;
            let Some(least) = self.streams.iter().filter_map(Stream::key).min().map(<[u8]>::to_vec) else {
                break;
            };
            let own = member(&least, members);
            let has = |stream: &Stream| stream.key() == Some(least.as_slice());
            let from = if self.streams.get(own).is_some_and(has) {
                Some(own)
            } else {
                self.source.note_misplaced(&least);
                self.streams.iter().position(has)
            };
            let from = from.and_then(|from| self.streams.get(from));
            if let Some((key, value)) = from.and_then(|stream| stream.page.get(stream.at)) {
                page.push(key, value);
            }
            // Copies in other members are skipped.
            self.streams.iter_mut().filter(|stream| has(stream)).for_each(|stream| stream.at += 1);
        }
        Ok(())
    }
}

impl Pages for ShardedPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        if let Some(why) = &self.failed {
            return Err(Error::io(why.clone()));
        }
        match self.fill(page, budget) {
            Ok(()) => Ok(!page.is_empty()),
            Err(error) => {
                page.clear();
                self.failed = Some(error.to_string());
                Err(error)
            }
        }
    }
}

/// Several stores opened for writing as one.
pub struct ShardedTarget {
    kind: BackendKind,
    table: &'static Table,
    members: Vec<(Box<dyn Target>, &'static Table)>,
}

impl ShardedTarget {
    /// Writes `table` of a store of this kind to `members`, each with its table of blobs.
    ///
    /// Errors: usage if there is no member.
    pub fn new(
        kind: BackendKind,
        table: &'static Table,
        members: Vec<(Box<dyn Target>, &'static Table)>,
    ) -> Result<Self> {
        at_least_one(members.len())?;
        Ok(ShardedTarget { kind, table, members })
    }

    fn check(&self, table: &Table) -> Result<()> {
        if table.name == self.table.name {
            return Ok(());
        }
        Err(Error::io("a blob store has no place for this table").with("table", table.name))
    }
}

impl Target for ShardedTarget {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        tables.iter().try_for_each(|table| self.check(table))?;
        self.members.iter().try_for_each(|(target, table)| target.create(&[table]))
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.check(table)?;
        // From every member: a blob in the wrong member would be found again.
        self.members.iter().try_for_each(|(target, table)| target.delete(table, keys))
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        self.check(table)?;
        self.members.iter().try_for_each(|(target, table)| target.clear(table, kept))
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        let members = self.members.iter().map(|(target, table)| Ok((target.look()?, *table)));
        Ok(Box::new(ShardedSource::new(self.kind, self.table, members.collect::<Result<_>>()?)?))
    }

    fn sessions(&self) -> Result<Sessions> {
        let mut all = Sessions::default();
        for (target, _) in &self.members {
            let sessions = target.sessions()?;
            all.others.extend(sessions.others);
            all.hidden = all.hidden.or(sessions.hidden);
        }
        Ok(all)
    }

    fn writers(&self) -> usize {
        self.members.iter().map(|(target, _)| target.writers()).min().unwrap_or(1)
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        self.check(table)?;
        let shards = self.members.iter().map(|_| None).collect();
        let pages = self.members.iter().map(|_| Page::new()).collect();
        Ok(Box::new(ShardedShard { target: self, shards, pages }))
    }

    fn finish(&self) -> Result<()> {
        self.members.iter().try_for_each(|(target, _)| target.finish())
    }
}

struct ShardedShard<'a> {
    target: &'a ShardedTarget,
    // A shard is started when its member gets the first record.
    shards: Vec<Option<Box<dyn Shard + Send + 'a>>>,
    pages: Vec<Page>,
}

impl Shard for ShardedShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        let members = self.pages.len();
        self.pages.iter_mut().for_each(Page::clear);
        for (key, value) in page.iter() {
            if let Some(part) = self.pages.get_mut(member(key, members)) {
                part.push(key, value);
            }
        }
        for ((part, shard), (target, table)) in
            self.pages.iter().zip(&mut self.shards).zip(&self.target.members)
        {
            if part.is_empty() {
                continue;
            }
            match shard {
                Some(shard) => shard.write(part)?,
                None => shard.insert(target.shard(table)?).write(part)?,
            }
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        self.shards.into_iter().flatten().try_for_each(|shard| shard.commit())
    }
}

fn at_least_one(members: usize) -> Result<()> {
    if members > 0 {
        return Ok(());
    }
    Err(Error::usage("the sharded blob store has no members").help("list its stores in the configuration"))
}
