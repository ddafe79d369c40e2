//! A place of objects as a source of one table.
//!
//! The list is made once, when it is first needed, and sorted on disk. Scans read ahead in its order, bounded by
//! requests and by bytes. Depends neither on the content nor on the place of the objects.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::listing::{Cursor, ListedObject, Listing, Sorter};
use super::marker::is_marker;
use super::pool::{HeldBytes, JobResult, Pool};
use super::{Flow, ListEntry, Objects, Possible};
use crate::backend::Unreadable;
use crate::backend::{Estimate, KeyRange, Loss, Pages, Source, TableState};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table};

/// A place of objects opened for reading.
pub struct ObjectSource {
    objects: Arc<dyn Objects>,
    table: &'static Table,
    kind: BackendKind,
    possible: Possible,
    salvage: bool,
    pool: Pool,
    listing: Mutex<Option<Arc<Listing>>>,
    any: Mutex<Option<bool>>,
    // By key or prefix, so that reading twice reports a loss once.
    losses: Mutex<BTreeMap<(Vec<u8>, bool), Loss>>,
}

impl ObjectSource {
    /// Reads `objects` as `table` of a store of this kind, which is that of the data store, whose catalog is used.
    /// Only objects whose key is `possible` are records. With `salvage`, objects that cannot be read are left out and
    /// reported as a [`Loss`].
    ///
    /// Errors: usage if the place does not exist; I/O if it cannot be listed.
    pub fn open(
        objects: Box<dyn Objects>,
        table: &'static Table,
        kind: BackendKind,
        possible: Possible,
        flow: Flow,
        salvage: bool,
    ) -> Result<Self> {
        ObjectSource::shared(Arc::from(objects), table, kind, possible, flow, salvage)
    }

    /// As [`ObjectSource::open`], for objects that a target of this process writes.
    pub(super) fn shared(
        objects: Arc<dyn Objects>,
        table: &'static Table,
        kind: BackendKind,
        possible: Possible,
        flow: Flow,
        salvage: bool,
    ) -> Result<Self> {
        objects.open()?;
        Ok(ObjectSource {
            objects,
            table,
            kind,
            possible,
            salvage,
            pool: Pool::new(flow),
            listing: Mutex::default(),
            any: Mutex::default(),
            losses: Mutex::default(),
        })
    }

    fn listing(&self) -> Result<Arc<Listing>> {
        // A second caller waits for the list of the first one.
        let mut slot = lock(&self.listing);
        if let Some(listing) = &*slot {
            return Ok(Arc::clone(listing));
        }
        let mut sorter = Sorter::new();
        let (mut foreign, mut sample) = (0, None);
        self.objects.list(&mut |found| {
            Stop::of_process().check()?;
            match found {
                // Left by a killed run; neither the server nor another run uses it.
                ListEntry::Object { key, .. } if is_marker(&key) => {}
                ListEntry::Object { key, size, stamp } if (self.possible)(&key) => {
                    sorter.push(ListedObject { key, size, stamp })?;
                }
                ListEntry::Object { key, .. } => {
                    foreign += 1;
                    sample.get_or_insert_with(|| self.objects.name(&key));
                }
                ListEntry::Foreign(name) | ListEntry::Leftover(name) => {
                    foreign += 1;
                    sample.get_or_insert(name);
                }
                ListEntry::Unreadable { prefix, whole: true, .. } if !(self.possible)(&prefix) => {
                    foreign += 1;
                    sample.get_or_insert_with(|| self.objects.name(&prefix));
                }
                ListEntry::Unreadable { prefix, whole, error } => self.lose(prefix, whole, error)?,
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut listing = sorter.finish()?;
        (listing.foreign, listing.sample) = (foreign, sample);
        Ok(Arc::clone(slot.insert(Arc::new(listing))))
    }

    /// Records an object that cannot be read as a loss, with `salvage`.
    fn lose(&self, prefix: Vec<u8>, whole: bool, error: Error) -> Result<()> {
        if !self.salvage {
            return Err(error);
        }
        let range = if whole { KeyRange::all() } else { ListEntry::lost(&prefix) };
        let loss = Loss {
            table: self.table.name.to_string(),
            key: whole.then(|| prefix.clone()),
            after: range.after,
            before: range.until,
            reason: error.to_string(),
        };
        lock(&self.losses).insert((prefix, whole), loss);
        Ok(())
    }

    fn holds(&self, table: &Table) -> bool {
        table.name == self.table.name
    }

    /// Whether there is any object, without listing all of them.
    fn any(&self) -> Result<bool> {
        if let Some(listing) = &*lock(&self.listing) {
            return Ok(listing.records > 0);
        }
        let mut slot = lock(&self.any);
        if let Some(any) = *slot {
            return Ok(any);
        }
        let mut any = false;
        self.objects.list(&mut |found| {
            any = match found {
                ListEntry::Object { key, .. } => (self.possible)(&key),
                ListEntry::Foreign(_) | ListEntry::Leftover(_) => false,
                // The full list reports the error.
                ListEntry::Unreadable { .. } => true,
            };
            Ok(if any { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        *slot = Some(any);
        Ok(any)
    }
}

impl Source for ObjectSource {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        Ok(vec![TableState { name: self.table.name.to_string(), rows: self.any()? }])
    }

    fn unreadable(&self, _tables: &[&Table]) -> Result<Vec<Unreadable>> {
        // There are no tables: listing reports a place that does not exist or cannot be listed.
        Ok(Vec::new())
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.holds(table) {
            return Ok(None);
        }
        match self.objects.size(key)? {
            Some(size) => self.objects.get(key, size),
            None => Ok(None),
        }
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        if !self.holds(table) {
            return Ok(Estimate::default());
        }
        let listing = self.listing()?;
        Ok(Estimate { records: listing.records, bytes: listing.bytes })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if self.holds(table) { Ok(self.listing()?.ranges(n)) } else { Ok(vec![KeyRange::all()]) }
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        if !self.holds(table) {
            return Ok(Box::new(ObjectPages { source: self, ahead: VecDeque::new(), state: State::Done }));
        }
        let listing = self.listing()?;
        let cursor = listing.cursor(range);
        let state = State::Reading { listing, cursor, peeked: None };
        Ok(Box::new(ObjectPages { source: self, ahead: VecDeque::new(), state }))
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        if !self.holds(table) {
            return self.scan(table, &KeyRange::all());
        }
        let listing = self.listing()?;
        let cursor = listing.cursor(&KeyRange::all());
        Ok(Box::new(ListedKeys { listing, cursor }))
    }

    fn foreign(&self) -> Result<Option<(u64, String)>> {
        let listing = self.listing()?;
        Ok(listing.sample.clone().map(|sample| (listing.foreign, sample)))
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        self.listing().map(|listing| Some(listing.fingerprint()))
    }

    fn losses(&self) -> Vec<Loss> {
        lock(&self.losses).values().cloned().collect()
    }
}

/// Keys from the list: no object is read.
struct ListedKeys {
    listing: Arc<Listing>,
    cursor: Cursor,
}

impl Pages for ListedKeys {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        while page.is_empty() || page.size() < budget {
            let Some(entry) = self.cursor.next(&self.listing)? else { break };
            page.push(&entry.key, b"");
        }
        Ok(!page.is_empty())
    }
}

/// An object that is being read.
struct Ahead {
    entry: ListedObject,
    answer: JobResult<Result<Option<Vec<u8>>>>,
    _held: HeldBytes,
}

enum State {
    Reading { listing: Arc<Listing>, cursor: Cursor, peeked: Option<ListedObject> },
    Done,
    Failed(String),
}

struct ObjectPages<'a> {
    source: &'a ObjectSource,
    ahead: VecDeque<Ahead>,
    state: State,
}

impl ObjectPages<'_> {
    /// Starts reading the next objects, within the budget.
    fn read_ahead(&mut self) -> Result<()> {
        let State::Reading { listing, cursor, peeked } = &mut self.state else { return Ok(()) };
        let pool = &self.source.pool;
        while self.ahead.len() < pool.size() {
            let entry = match peeked.take() {
                Some(entry) => entry,
                None => match cursor.next(listing)? {
                    Some(entry) => entry,
                    None => break,
                },
            };
            let held = if self.ahead.is_empty() {
                // Other scans may hold the whole budget and wait for this one.
                pool.budget().take(entry.size)
            } else {
                match pool.budget().try_take(entry.size) {
                    Some(held) => held,
                    None => {
                        *peeked = Some(entry);
                        break;
                    }
                }
            };
            let (objects, key, size) = (Arc::clone(&self.source.objects), entry.key.clone(), entry.size);
            let answer = pool.run(move || objects.get(&key, size))?;
            self.ahead.push_back(Ahead { entry, answer, _held: held });
        }
        Ok(())
    }

    fn fill(&mut self, page: &mut Page, budget: usize) -> Result<()> {
        while page.is_empty() || page.size() < budget {
            self.read_ahead()?;
            let Some(Ahead { entry, answer, _held }) = self.ahead.pop_front() else {
                self.state = State::Done;
                break;
            };
            let objects = &self.source.objects;
            match answer.wait()? {
                Ok(Some(value)) if value.len() as u64 == entry.size => page.push(&entry.key, &value),
                Ok(other) => {
                    let what = match other {
                        None => "a blob that was listed is not there any more".to_string(),
                        Some(value) => {
                            let (listed, read) = (entry.size, value.len());
                            format!("a blob was listed with {listed} bytes and read with {read}")
                        }
                    };
                    let changed = Error::io(what)
                        .with("object", objects.name(&entry.key))
                        .with("store", objects.place())
                        .with("key", hex(&entry.key))
                        .help("make sure that no server runs on this store, then start again");
                    self.source.lose(entry.key, true, changed)?;
                }
                Err(error) => self.source.lose(entry.key, true, error)?,
            }
        }
        Ok(())
    }
}

impl Pages for ObjectPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        match &self.state {
            State::Done => return Ok(false),
            State::Failed(why) => return Err(Error::io(why.clone())),
            State::Reading { .. } => {}
        }
        match self.fill(page, budget) {
            Ok(()) => Ok(!page.is_empty()),
            Err(error) => {
                page.clear();
                self.ahead.clear();
                self.state = State::Failed(error.to_string());
                Err(error)
            }
        }
    }
}
