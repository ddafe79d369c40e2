//! Sorts in memory a server's file whose records repeat or are out of order (a read replica failed during the
//! export). Equal repeats are taken once, differing ones are an error.
//!
//! Files that are sorted at the same time share a memory budget: a file waits until enough of it is free.

use std::fs::File;
use std::io::BufReader;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Dump, PAGE};
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex_start;
use crate::base::page::Page;
use crate::base::stop::{LOOK, Stop};
use crate::base::sync::lock;
use crate::dump::record::RecordReader;

/// Memory for sorting, in bytes, shared by all files of a dump.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    taken: Mutex<usize>,
    changed: Condvar,
}

/// A reserved part of [`Room`], released on drop.
struct SortRoom {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(most: usize) -> Arc<Room> {
        Arc::new(Room { most, taken: Mutex::new(0), changed: Condvar::new() })
    }

    /// Reserves `bytes`, waiting until they are free; `None` if they exceed the whole budget.
    ///
    /// Errors: interrupted.
    fn take(self: Arc<Room>, bytes: usize) -> Result<Option<SortRoom>> {
        if bytes > self.most {
            return Ok(None);
        }
        let mut taken = lock(&self.taken);
        while *taken + bytes > self.most {
            Stop::of_process().check()?;
            (taken, _) = self.changed.wait_timeout(taken, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        drop(taken);
        Ok(Some(SortRoom { room: self, bytes }))
    }
}

impl Drop for SortRoom {
    fn drop(&mut self) {
        *lock(&self.room.taken) -= self.bytes;
        self.room.changed.notify_all();
    }
}

/// Memory that sorting takes: the records, and their order twice while repeats are removed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SortSize {
    records: usize,
    bytes: usize,
}

impl SortSize {
    /// Counts the records of a page.
    pub(super) fn add(&mut self, page: &Page) {
        self.records += page.len();
        self.bytes += page.size();
    }

    fn memory(&self) -> usize {
        self.bytes + self.records * 2 * size_of::<usize>()
    }
}

/// Records of a server's file that had to be sorted.
pub(super) struct Sorted {
    records: Page,
    order: Vec<usize>,
    at: usize,
    /// Repeated and unordered records.
    pub(super) findings: Findings,
    _taken: SortRoom,
}

impl Dump {
    /// Reads all records of a subspace, sorts them and takes equal repeats once.
    ///
    /// Errors: `Refused` if they need more memory than the budget; `Damaged` if a key has two different values.
    pub(super) fn sorted(&self, letter: char) -> Result<Sorted> {
        let extent = self.scan(letter)?.extent;
        Sorted::load(self.open_records(letter)?, letter, extent, &self.room)
    }
}

impl Sorted {
    /// As [`Dump::sorted`], for records whose size is already known.
    pub(super) fn load(
        mut records: RecordReader<BufReader<File>>,
        letter: char,
        extent: SortSize,
        room: &Arc<Room>,
    ) -> Result<Sorted> {
        let subspace = letter.to_string();
        let Some(taken) = Arc::clone(room).take(extent.memory())? else {
            let (needed, most) = (extent.memory(), room.most);
            let what = format!(
                "the records are out of order, and sorting takes more than {most} bytes, half of the memory that may be used"
            );
            let least = (2 * needed as u64).div_ceil(1 << 20);
            return Err(Error::refused(what)
                .with("subspace", subspace)
                .with("file", records.file())
                .with("bytes", needed.to_string())
                .help(format!(
                    "allow more with --memory {least}MiB, or export the store with this tool instead"
                )));
        };
        let mut findings = Findings::new();
        let (mut all, mut page) = (Page::with_room(extent.records, extent.bytes), Page::new());
        while records.read_page(&mut page, PAGE)? {
            for (key, value) in page.iter() {
                if all.last().is_some_and(|(before, _)| before > key) {
                    let detail = || "comes after a greater key".to_owned();
                    findings.add(FindingKind::OutOfOrder, &*subspace, key, detail);
                }
                all.push(key, value);
            }
            if all.len() > extent.records || all.size() > extent.bytes {
                return Err(Error::io("the file has changed while it was read")
                    .with("file", records.file())
                    .help("make sure that nothing writes into the dump, and try again"));
            }
        }
        let key = |index: &usize| all.get(*index).map(|(key, _)| key).unwrap_or_default();
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.cmp(b)));
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
                            .help("export the store with this tool instead"));
                    }
                    let detail = || "repeated with the same value, taken once".to_owned();
                    findings.add(FindingKind::Duplicate, &*subspace, key, detail);
                }
                _ => kept.push(index),
            }
        }
        Ok(Sorted { records: all, order: kept, at: 0, findings, _taken: taken })
    }

    /// Records in key order, each key once.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.order.iter().filter_map(|&index| self.records.get(index))
    }

    /// Fills an empty page, as [`super::SubspaceReader::read_page`]; false at the end.
    pub(super) fn next_page(&mut self, page: &mut Page, limit: usize) -> bool {
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
