//! Combines a data store and a separate blob store into one source and one target.
//!
//! A table of blobs is routed to the blob store, every other one to the data store, so that no other module has to
//! distinguish the two. Does not depend on how either stores its records.

use super::shape::Fault;
use super::{
    Estimate, KeyRange, Limits, Loss, Odd, Pages, PieceFault, ReadVersions, Sessions, Shard, Source,
    TableState, Target, Unreadable,
};
use crate::base::error::Result;
use crate::catalog::{BackendKind, SchemaVersion, Table, ValueKind};

/// The tables of blobs: the one in the data store, and the one in use.
#[derive(Debug, Clone, Copy)]
pub struct BlobTables {
    /// The table of the data store that is not in use.
    pub unused: &'static Table,
    /// The table of the blob store.
    pub used: &'static Table,
}

/// A data store and a blob store, opened for reading.
pub struct RoutedSource {
    data: Box<dyn Source>,
    blobs: Box<dyn Source>,
    tables: BlobTables,
}

impl RoutedSource {
    /// Reads blobs from `blobs` and everything else from `data`.
    pub fn new(data: Box<dyn Source>, blobs: Box<dyn Source>, tables: BlobTables) -> Self {
        RoutedSource { data, blobs, tables }
    }

    fn route<'a>(&'a self, table: &'a Table) -> (&'a dyn Source, &'a Table) {
        match table.value {
            ValueKind::Blob => (self.blobs.as_ref(), self.tables.used),
            _ => (self.data.as_ref(), table),
        }
    }
}

/// Whether blobs are among these tables, and the other tables.
fn apart<'t>(tables: &[&'t Table]) -> (bool, Vec<&'t Table>) {
    let data: Vec<&Table> = tables.iter().copied().filter(|table| table.value != ValueKind::Blob).collect();
    (data.len() < tables.len(), data)
}

impl Source for RoutedSource {
    fn kind(&self) -> BackendKind {
        self.data.kind()
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let mut tables = self.data.tables()?;
        tables.retain(|table| table.name != self.tables.unused.name);
        // Only the blobs of the other database matter; the rest of it does not belong to this store.
        let rows = self.blobs.tables()?.iter().any(|table| table.rows && table.name == self.tables.used.name);
        tables.push(TableState { name: self.tables.unused.name.to_string(), rows });
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        let (blobs, data): (Vec<&Table>, Vec<&Table>) =
            tables.iter().copied().partition(|table| table.value == ValueKind::Blob);
        let mut found = self.data.unreadable(&data)?;
        if !blobs.is_empty() {
            found.extend(self.blobs.unreadable(&[self.tables.used])?.into_iter().map(|unreadable| {
                Unreadable {
                    table: self.tables.unused.name.to_string(),
                    why: format!("in the blob store, {}", unreadable.why),
                    ..unreadable
                }
            }));
        }
        Ok(found)
    }

    fn writable(&self, tables: &[&Table]) -> Result<()> {
        self.data.writable(tables)?;
        self.blobs.writable(&[self.tables.used]).map_err(|error| error.with("store of", "blobs"))
    }

    fn has_other_columns(&self, name: &str) -> Result<bool> {
        self.data.has_other_columns(name)
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let (source, table) = self.route(table);
        source.get(table, key)
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        let (source, table) = self.route(table);
        source.estimate(table)
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        let (source, table) = self.route(table);
        source.ranges(table, n)
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        let (source, table) = self.route(table);
        source.scan(table, range)
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        let (source, table) = self.route(table);
        source.keys(table)
    }

    fn unreachable(&self, table: &Table) -> Result<Option<(u64, String)>> {
        let (source, table) = self.route(table);
        source.unreachable(table)
    }

    fn odd_values(&self, table: &Table) -> Result<Vec<Odd>> {
        let (source, table) = self.route(table);
        source.odd_values(table)
    }

    fn shape_faults(&self, tables: &[&Table], written: bool) -> Result<Vec<Fault>> {
        let (blobs, data) = apart(tables);
        let mut faults = self.data.shape_faults(&data, written)?;
        if blobs {
            faults.extend(self.blobs.shape_faults(&[self.tables.used], written)?);
        }
        Ok(faults)
    }

    fn sessions(&self) -> Result<Sessions> {
        let (mut sessions, others) = (self.data.sessions()?, self.blobs.sessions()?);
        sessions.others.extend(others.others);
        sessions.hidden = sessions.hidden.or(others.hidden);
        Ok(sessions)
    }

    fn limits(&self) -> Result<Limits> {
        Ok(Limits { blob: self.blobs.limits()?.blob, ..self.data.limits()? })
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        let (Some(data), Some(blobs)) = (self.data.fingerprint()?, self.blobs.fingerprint()?) else {
            return Ok(None);
        };
        Ok(Some(format!("{data}; blobs: {blobs}")))
    }

    fn changed(&self) -> Result<Option<String>> {
        match self.data.changed()? {
            None => self.blobs.changed(),
            changed => Ok(changed),
        }
    }

    fn losses(&self) -> Vec<Loss> {
        // Callers of this source use the name of the blob table of the data store.
        let name = |mut loss: Loss| {
            if !loss.table.is_empty() {
                loss.table = self.tables.unused.name.to_string();
            }
            loss
        };
        let mut losses = self.data.losses();
        losses.extend(self.blobs.losses().into_iter().map(name));
        losses
    }

    fn learn_version(&self, version: &'static SchemaVersion) {
        self.data.learn_version(version);
        self.blobs.learn_version(version);
    }

    fn piece_faults(&self) -> Vec<PieceFault> {
        let mut faults = self.data.piece_faults();
        faults.extend(
            self.blobs
                .piece_faults()
                .into_iter()
                .map(|fault| PieceFault { table: self.tables.unused.name.to_string(), ..fault }),
        );
        faults
    }

    fn read_versions(&self) -> Option<ReadVersions> {
        self.data.read_versions().or_else(|| self.blobs.read_versions())
    }

    fn log_ends(&self) -> Vec<String> {
        [self.data.log_ends(), self.blobs.log_ends()].concat()
    }

    fn notes(&self) -> Vec<String> {
        [self.data.notes(), self.blobs.notes()].concat()
    }

    fn unused(&self) -> Result<Option<&'static Table>> {
        let rows = |table: &TableState| table.rows && table.name == self.tables.unused.name;
        Ok(self.data.tables()?.iter().any(rows).then_some(self.tables.unused))
    }

    fn foreign(&self) -> Result<Option<(u64, String)>> {
        self.blobs.foreign()
    }
}

/// A data store and a blob store, opened for writing.
pub struct RoutedTarget {
    data: Box<dyn Target>,
    blobs: Box<dyn Target>,
    tables: BlobTables,
}

impl RoutedTarget {
    /// Writes blobs to `blobs` and everything else to `data`.
    pub fn new(data: Box<dyn Target>, blobs: Box<dyn Target>, tables: BlobTables) -> Self {
        RoutedTarget { data, blobs, tables }
    }

    fn route<'a>(&'a self, table: &'a Table) -> (&'a dyn Target, &'a Table) {
        match table.value {
            ValueKind::Blob => (self.blobs.as_ref(), self.tables.used),
            _ => (self.data.as_ref(), table),
        }
    }
}

impl Target for RoutedTarget {
    fn kind(&self) -> BackendKind {
        self.data.kind()
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        // The server also creates the table in its data store, and leaves it empty.
        self.data.create(tables)?;
        self.blobs.create(&[self.tables.used])
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        let (target, table) = self.route(table);
        target.delete(table, keys)
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        let (target, table) = self.route(table);
        target.clear(table, kept)
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(RoutedSource::new(self.data.look()?, self.blobs.look()?, self.tables)))
    }

    fn sessions(&self) -> Result<Sessions> {
        let (mut sessions, others) = (self.data.sessions()?, self.blobs.sessions()?);
        sessions.others.extend(others.others);
        sessions.hidden = sessions.hidden.or(others.hidden);
        Ok(sessions)
    }

    fn writers(&self) -> usize {
        self.data.writers().min(self.blobs.writers())
    }

    fn shard_bytes(&self, table: &Table) -> usize {
        let (target, table) = self.route(table);
        target.shard_bytes(table)
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let (target, table) = self.route(table);
        target.shard(table)
    }

    fn finish(&self) -> Result<()> {
        // Blobs first, as everywhere: a link must not point to a missing blob.
        self.blobs.finish()?;
        self.data.finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::memory::Memory;
    use crate::base::page::Page;
    use crate::catalog;

    fn stores() -> (&'static Table, &'static Table, BlobTables) {
        let version = catalog::version(5).unwrap();
        let table = |kind, blobs| {
            let subspaces = version.subspaces.iter();
            let mut found = subspaces.filter(|s| (s.value == ValueKind::Blob) == blobs);
            found.next().unwrap().table(kind).unwrap()
        };
        let (sqlite, mysql) = (BackendKind::Sqlite, BackendKind::Mysql);
        (
            table(sqlite, false),
            table(sqlite, true),
            BlobTables { unused: table(sqlite, true), used: table(mysql, true) },
        )
    }

    fn put(target: &dyn Target, table: &Table, key: &[u8], value: &[u8]) {
        let mut page = Page::new();
        page.push(key, value);
        let mut shard = target.shard(table).unwrap();
        shard.write(&page).unwrap();
        shard.commit().unwrap();
    }

    #[test]
    fn both_stores_are_read_as_one() {
        let (plain, blobs, tables) = stores();
        let (data, other) = (Memory::new(BackendKind::Sqlite), Memory::new(BackendKind::Mysql));
        put(&data, blobs, b"old", b"blob");
        put(&data, plain, b"k", b"v");
        put(&other, tables.used, b"hash", b"content");
        put(&other, plain, b"k", b"of another installation");
        let source = RoutedSource::new(Box::new(data), Box::new(other), tables);
        assert_eq!(source.get(plain, b"k").unwrap().as_deref(), Some(&b"v"[..]));
        assert_eq!(source.get(blobs, b"hash").unwrap().as_deref(), Some(&b"content"[..]));
        assert_eq!(source.get(blobs, b"old").unwrap(), None);
        assert!(source.unused().unwrap().is_some_and(|table| table.name == blobs.name));
        let mut page = Page::new();
        let mut pages = source.scan(blobs, &KeyRange::all()).unwrap();
        assert!(pages.next(&mut page, 1 << 20).unwrap());
        assert_eq!(page.iter().collect::<Vec<_>>(), [(&b"hash"[..], &b"content"[..])]);
        let names: Vec<(String, bool)> =
            source.tables().unwrap().into_iter().map(|table| (table.name, table.rows)).collect();
        assert_eq!(names, [(plain.name.to_string(), true), (blobs.name.to_string(), true)]);
    }
}
