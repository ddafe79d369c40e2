//! The reference model: tables as sorted maps in memory. Tests compare other backends with it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use super::{Estimate, KeyRange, Pages, Shard, Source, TableState, Target, Unreadable};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table};

type MemoryTable = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store in memory that follows the table mappings of `kind`.
#[derive(Debug)]
pub struct Memory {
    kind: BackendKind,
    tables: Mutex<BTreeMap<String, MemoryTable>>,
}

impl Memory {
    /// An empty store.
    pub fn new(kind: BackendKind) -> Self {
        Memory { kind, tables: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, MemoryTable>> {
        // The maps are valid after every single operation, so a panic in another thread does not corrupt them.
        lock(&self.tables)
    }
}

impl Source for Memory {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let state = |(name, records): (&String, &MemoryTable)| TableState {
            name: name.clone(),
            rows: !records.is_empty(),
        };
        Ok(self.lock().iter().map(state).collect())
    }

    fn unreadable(&self, _tables: &[&Table]) -> Result<Vec<Unreadable>> {
        // A table that nothing was written to is empty.
        Ok(Vec::new())
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.lock().get(table.name).and_then(|records| records.get(key).cloned()))
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        let tables = self.lock();
        let Some(records) = tables.get(table.name) else { return Ok(Estimate::default()) };
        let bytes = records.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum();
        Ok(Estimate { records: records.len() as u64, bytes })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        let tables = self.lock();
        let Some(records) = tables.get(table.name) else { return Ok(vec![KeyRange::all()]) };
        let step = records.len().div_ceil(n.max(1)).max(1);
        let splits = records.keys().skip(step.saturating_sub(1)).step_by(step);
        Ok(KeyRange::between(splits.take(n.saturating_sub(1)).cloned().collect()))
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        Ok(Box::new(MemoryPages { memory: self, table: table.name, range: range.clone() }))
    }
}

impl Target for Memory {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        let mut all = self.lock();
        for table in tables {
            all.entry(table.name.to_string()).or_default();
        }
        Ok(())
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        if let Some(records) = self.lock().get_mut(table.name) {
            keys.iter().for_each(|key| drop(records.remove(key)));
        }
        Ok(())
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        if let Some(records) = self.lock().get_mut(table.name) {
            records.retain(|key, _| kept.binary_search(key).is_ok());
        }
        Ok(())
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(Memory { kind: self.kind, tables: Mutex::new(self.lock().clone()) }))
    }

    fn writers(&self) -> usize {
        usize::MAX
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        Ok(Box::new(MemoryShard { memory: self, table: table.name, pending: MemoryTable::new() }))
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }
}

struct MemoryPages<'a> {
    memory: &'a Memory,
    table: &'a str,
    range: KeyRange,
}

impl Pages for MemoryPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        let tables = self.memory.lock();
        let Some(records) = tables.get(self.table) else { return Ok(false) };
        let from = self.range.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        for (key, value) in records.range::<Vec<u8>, _>((from, Bound::Unbounded)) {
            if !self.range.contains(key) || (!page.is_empty() && page.size() >= budget) {
                break;
            }
            page.push(key, value);
        }
        if let Some((key, _)) = page.last() {
            self.range.after = Some(key.to_vec());
        }
        Ok(!page.is_empty())
    }
}

struct MemoryShard<'a> {
    memory: &'a Memory,
    table: &'a str,
    pending: MemoryTable,
}

impl Shard for MemoryShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        self.pending.extend(page.iter().map(|(k, v)| (k.to_vec(), v.to_vec())));
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.memory.lock().entry(self.table.to_string()).or_default().append(&mut self.pending);
        Ok(())
    }
}
