//! The contract of every data store: a source, which cannot write, and a target, which can.
//!
//! Backends read and write logical records: key, value, counters as 8 bytes little-endian; blobs as the store keeps
//! them (the blob layer's encoding belongs to [`crate::records::blob`]). They depend on the catalog's table mappings,
//! and on neither the dump nor the commands. Preflight checks emptiness, limits and running servers.

use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::{BackendKind, SchemaVersion, Table};

// Each engine uses its part.
#[cfg_attr(not(all(feature = "rocksdb", feature = "sqlite")), allow(dead_code))]
pub(crate) mod files;
#[cfg(feature = "foundationdb")]
pub mod foundationdb;
pub mod hold;
pub(crate) mod identity;
pub(crate) mod meanwhile;
pub mod memory;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod objects;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "rocksdb")]
pub mod rocksdb;
pub(crate) mod routed;
#[cfg_attr(not(feature = "sql"), allow(dead_code))]
pub(crate) mod shape;
#[cfg(feature = "sql")]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// Directory that a target creates inside a store that is a directory, for files that are not part of the store yet.
/// It exists, possibly empty, until a load is finished.
pub const STAGING: &str = "stalwart-migrate.staging";

/// The part of a table after one key (exclusive) up to another (inclusive); an end that is `None` is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// Keys strictly greater than this one.
    pub after: Option<Vec<u8>>,
    /// Keys up to and including this one.
    pub until: Option<Vec<u8>>,
}

impl KeyRange {
    /// The whole table.
    pub fn all() -> Self {
        KeyRange::default()
    }

    /// The ranges between ascending split keys; each split key belongs to the range that it ends.
    pub fn between(splits: Vec<Vec<u8>>) -> Vec<KeyRange> {
        let mut ranges = Vec::with_capacity(splits.len() + 1);
        let mut after = None;
        for split in splits {
            ranges.push(KeyRange { after, until: Some(split.clone()) });
            after = Some(split);
        }
        ranges.push(KeyRange { after, until: None });
        ranges
    }

    /// All keys with this prefix and possibly a neighbour: the start is exclusive and the end inclusive, so callers
    /// must still filter by prefix.
    pub fn around(prefix: &[u8]) -> Self {
        let Some(last) = prefix.iter().rposition(|byte| *byte != 0xff) else {
            // No key is greater than all keys with this prefix.
            return KeyRange { after: before(prefix), until: None };
        };
        let mut until = prefix.get(..=last).unwrap_or_default().to_vec();
        if let Some(byte) = until.last_mut() {
            *byte += 1;
        }
        KeyRange { after: before(prefix), until: Some(until) }
    }

    /// The part of the range after `key`; `None` if the range ends there, and the whole range without a key.
    pub fn rest_after(self, key: Option<&[u8]>) -> Option<KeyRange> {
        let Some(key) = key else { return Some(self) };
        if self.until.as_deref().is_some_and(|until| until <= key) {
            return None;
        }
        let after = self.after.filter(|after| after.as_slice() > key).unwrap_or_else(|| key.to_vec());
        Some(KeyRange { after: Some(after), until: self.until })
    }

    /// Whether the range contains `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.after.as_deref().is_none_or(|after| key > after)
            && self.until.as_deref().is_none_or(|until| key <= until)
    }
}

/// A key lower than all that begin with `prefix`, and close to them; `None` if there is none.
fn before(prefix: &[u8]) -> Option<Vec<u8>> {
    let (last, rest) = prefix.split_last()?;
    let mut key = rest.to_vec();
    if let Some(lower) = last.checked_sub(1) {
        key.push(lower);
        // Keys between this one and the prefix would have to continue with more of these bytes.
        key.resize(key.len() + 32, 0xff);
    }
    // An empty key is no useful bound.
    (!key.is_empty()).then_some(key)
}

/// A random number that differs between runs.
pub fn unlike_any_other() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// A table in a store, whether the catalog has it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableState {
    /// Name in the store.
    pub name: String,
    /// Whether it contains at least one row.
    pub rows: bool,
}

/// A table of the catalog that does not exist or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name in the catalog.
    pub table: String,
    /// Whether the table does not exist; otherwise it cannot be read.
    pub absent: bool,
    /// The reason, as a clause.
    pub why: String,
    /// The remedy.
    pub help: String,
}

impl Unreadable {
    /// A table that does not exist in the store.
    pub fn absent(table: &Table) -> Self {
        Unreadable {
            table: table.name.to_string(),
            absent: true,
            why: "there is no such table, although the server creates it whenever it starts".to_string(),
            help: "a table that was dropped or lost took its records along: restore the store from a backup"
                .to_string(),
        }
    }
}

/// An estimate of the size of a table, for plans and progress only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Records, approximately.
    pub records: u64,
    /// Bytes in the store, approximately.
    pub bytes: u64,
}

/// Other sessions of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Every session that does not belong to this source, described for messages.
    pub others: Vec<String>,
    /// Why there may be sessions that are not visible, if so.
    pub hidden: Option<String>,
}

/// Limits of a database beyond those of its tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key and its value together, and the setting that limits them.
    pub record: Option<(u64, &'static str)>,
    /// The same for blobs, which may be in another store.
    pub blob: Option<(u64, &'static str)>,
}

/// A part of a table that could not be read and was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// The table; empty if it may be in any.
    pub table: String,
    /// The one key that is lost, if it is known.
    pub key: Option<Vec<u8>>,
    /// Otherwise: what is lost is after this key,
    pub after: Option<Vec<u8>>,
    /// and before this one.
    pub before: Option<Vec<u8>>,
    /// The engine's message.
    pub reason: String,
}

/// A row whose value is stored in another way than the server stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// Its key.
    pub key: Vec<u8>,
    /// Describes how it is stored.
    pub reason: String,
    /// Whether the server cannot read it either; then no scan delivers it.
    pub lost: bool,
}

/// What is wrong with the pieces of a value, or would be for a reader that joins more than it should.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PieceFault {
    /// The table.
    pub table: String,
    /// The key of the piece, or of the value if several pieces are concerned.
    pub key: Vec<u8>,
    /// The kind.
    pub kind: PieceFaultKind,
    /// Describes it.
    pub detail: String,
}

/// The kind of a [`PieceFault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PieceFaultKind {
    /// A piece that belongs to no value any more. No scan delivers it.
    Orphan,
    /// A record whose key could be that of a piece. It is delivered.
    LookAlike,
    /// Pieces that are missing, too short or too many. A scan delivers what there is, as the server reads it; without
    /// the first piece there is no value.
    Broken,
}

/// The first and the last moment at which a store was read that has no snapshot of one moment, in the store's own
/// count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadVersions {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A stream of pages in strictly ascending unsigned key order.
///
/// After an error every further call fails: reading never resumes past damage.
pub trait Pages {
    /// Replaces the content of `page` with the next records, about `budget` bytes of them and at least one. Returns
    /// false, with an empty page, when there are no more.
    ///
    /// Errors: those of [`Pages::read_next`], and interrupted once the process was asked to end.
    fn next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        Stop::of_process().check()?;
        self.read_next(page, budget)
    }

    /// Implements [`Pages::next`] for a store; only `next` calls it.
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool>;
}

/// A store opened for reading. Nothing is created, migrated, locked or written in it.
///
/// All reads see one consistent state if the engine has snapshots; a store without a running server does not change.
/// Any method may be called from any thread, any number of times.
pub trait Source: Send + Sync {
    /// The engine.
    fn kind(&self) -> BackendKind;

    /// Every table of the store that could contain records, in name order; none is skipped silently.
    fn tables(&self) -> Result<Vec<TableState>>;

    /// Those of `tables` that do not exist or cannot be read. Reads no record.
    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        let there = self.tables()?;
        let absent = tables.iter().filter(|table| !there.iter().any(|found| found.name == table.name));
        Ok(absent.map(|table| Unreadable::absent(table)).collect())
    }

    /// Whether records could be written to `tables`, and missing tables created: checks privileges, settings and the
    /// definitions of the tables. Attempts no write.
    ///
    /// Errors: refused, naming every obstacle.
    fn writable(&self, _tables: &[&Table]) -> Result<()> {
        Ok(())
    }

    /// Whether a table that is not in the catalog has other columns than the server's own tables, so that it belongs
    /// to another program.
    fn has_other_columns(&self, _name: &str) -> Result<bool> {
        Ok(false)
    }

    /// The value of `key`; `None` if the table or the key does not exist.
    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Approximate size of a table; zero if it does not exist.
    fn estimate(&self, table: &Table) -> Result<Estimate>;

    /// Splits a table into about `n` ranges of similar size, ascending, which together cover every key.
    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>>;

    /// Reads a range. A table that does not exist has no records.
    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>>;

    /// Reads the keys of a table in order, without values, which a store need not read for that.
    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        Ok(Box::new(KeysOf { pages: self.scan(table, &KeyRange::all())?, raw: Page::new() }))
    }

    /// The number of rows that no scan delivers because the server does not find them either, and the reason.
    fn unreachable(&self, _table: &Table) -> Result<Option<(u64, String)>> {
        Ok(None)
    }

    /// Rows whose value is stored in another way than the server stores it, in no order.
    fn odd_values(&self, _table: &Table) -> Result<Vec<Odd>> {
        Ok(Vec::new())
    }

    /// The number of objects that do not belong to the server in a store that others may use, and the name of one of
    /// them. Databases have tables instead.
    fn foreign(&self) -> Result<Option<(u64, String)>> {
        Ok(None)
    }

    /// How those of these tables that exist differ from what the server creates. `written` includes differences that
    /// only matter for writing.
    fn shape_faults(&self, _tables: &[&Table], _written: bool) -> Result<Vec<shape::Fault>> {
        Ok(Vec::new())
    }

    /// Other sessions on the same database; embedded stores have none.
    fn sessions(&self) -> Result<Sessions> {
        Ok(Sessions::default())
    }

    /// Limits for records if the database were written.
    fn limits(&self) -> Result<Limits> {
        Ok(Limits::default())
    }

    /// A value that changes whenever the store changes, if the engine has one; `None` means that only reading
    /// everything again would show a change. It does not contain the place of the store.
    fn fingerprint(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Evidence, as a clause, that something has written to the store since it was opened; `None` if there is none or
    /// the engine has no such evidence. Object stores are not checked: a server that writes an object also writes to
    /// its data store.
    fn changed(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Parts that a source reading around damage has left out; complete when everything was read.
    fn losses(&self) -> Vec<Loss> {
        Vec::new()
    }

    /// Tells the schema version, from which a store that cuts values into pieces knows which keys are records. Until
    /// then it takes none for an orphan.
    fn learn_version(&self, _version: &'static SchemaVersion) {}

    /// What is wrong with the pieces of values in the parts that were read, by table and key, each once.
    fn piece_faults(&self) -> Vec<PieceFault> {
        Vec::new()
    }

    /// The moments at which the store was read, if they were several.
    fn read_versions(&self) -> Option<ReadVersions> {
        None
    }

    /// A table with rows that the configuration does not use, because another store has replaced it.
    fn unused(&self) -> Result<Option<&'static Table>> {
        Ok(None)
    }

    /// Notes on the ends of its logs that are not read because they were never finished, as after a server was
    /// killed: one sentence each.
    fn log_ends(&self) -> Vec<String> {
        Vec::new()
    }

    /// Notes for the user on how the store was opened (copies made, files touched).
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A stream of records without their values.
struct KeysOf<'a> {
    pages: Box<dyn Pages + Send + 'a>,
    raw: Page,
}

impl Pages for KeysOf<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        let more = self.pages.next(&mut self.raw, budget)?;
        self.raw.iter().for_each(|(key, _)| page.push(key, b""));
        Ok(more)
    }
}

/// A store opened for writing, and locked. Nothing in it changes before [`Target::create`], except that a missing
/// store may be created empty; it is removed if the target is dropped before `create`.
pub trait Target: Send + Sync {
    /// The engine.
    fn kind(&self) -> BackendKind;

    /// Creates the missing ones of `tables`, as the server would. The first change of a load.
    fn create(&self, tables: &[&Table]) -> Result<()>;

    /// Deletes single keys; missing ones are no error.
    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()>;

    /// Deletes every row of a table except those with a key in `kept` (ascending), which exist at every moment.
    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()>;

    /// The current store, read through the connection or handle that holds its lock: nothing changes until this
    /// target writes. If the engine's lock does not exclude other sessions, [`Target::sessions`] lists them. Changes
    /// nothing.
    fn look(&self) -> Result<Box<dyn Source>>;

    /// Other sessions on the same database, without those of this target; embedded stores have none.
    fn sessions(&self) -> Result<Sessions> {
        Ok(Sessions::default())
    }

    /// The number of shards that are worth writing at the same time.
    fn writers(&self) -> usize;

    /// Bytes of records that make one shard of a table: what a killed run has to write again.
    fn shard_bytes(&self, _table: &Table) -> usize {
        64 << 20
    }

    /// Starts a shard of a table. Pages of one shard ascend; shards of a table do not overlap.
    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>>;

    /// Flushes and syncs everything and brings the store into the state that the server expects.
    fn finish(&self) -> Result<()>;
}

/// Records that become visible together or not at all. Repeating a shard replaces it: counters are set, never added.
/// A shard that is dropped without commit leaves no record; only object services, which have no transactions, may
/// keep whole objects of it.
pub trait Shard {
    /// Adds records, in ascending key order.
    fn write(&mut self, page: &Page) -> Result<()>;

    /// Makes the shard durable and visible.
    fn commit(self: Box<Self>) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_between_splits_cover_every_key_once() {
        let ranges = KeyRange::between(vec![b"b".to_vec(), b"d".to_vec()]);
        for key in [&b""[..], b"a", b"b", b"b\0", b"c", b"d", b"d\0", b"z"] {
            assert_eq!(ranges.iter().filter(|r| r.contains(key)).count(), 1, "{key:?}");
        }
    }

    #[test]
    fn ranges_after_a_key_hold_every_greater_one() {
        let ranges = || KeyRange::between(vec![b"b".to_vec(), b"d".to_vec()]);
        for last in [&b""[..], b"a", b"b", b"c", b"d", b"e"] {
            let rests: Vec<_> =
                ranges().into_iter().filter_map(|range| range.rest_after(Some(last))).collect();
            for key in [&b""[..], b"a", b"b", b"b\0", b"c", b"d", b"d\0", b"e", b"z"] {
                let found = rests.iter().filter(|range| range.contains(key)).count();
                assert_eq!(found, usize::from(key > last), "{key:?} after {last:?}");
            }
        }
        assert_eq!(
            ranges().into_iter().filter_map(|range| range.rest_after(None)).collect::<Vec<_>>(),
            ranges()
        );
    }

    #[test]
    fn a_range_around_a_prefix_holds_every_key_that_begins_with_it() {
        let check = |prefix: &[u8], outside: &[&[u8]]| {
            let range = KeyRange::around(prefix);
            for tail in [&[][..], &[0], &[0, 0], &[7; 40], &[0xff], &[0xff; 300]] {
                assert!(range.contains(&[prefix, tail].concat()), "{prefix:02x?} {tail:02x?}");
            }
            for key in outside {
                assert!(!range.contains(key), "{prefix:02x?} {key:02x?}");
            }
        };
        check(&[], &[]);
        check(&[0], &[&[2], &[1, 0]]);
        check(&[0, 0, 0, 7], &[&[], &[0, 0, 0, 6], &[0, 0, 0, 6, 0xff], &[0, 0, 0, 8, 0], &[0, 0, 1]]);
        check(&[0, 1, 0], &[&[0, 1], &[0, 0, 9], &[0, 1, 1, 0]]);
        check(&[4, 0xff, 0xff], &[&[4, 0xff, 0xfe], &[5, 0]]);
        check(&[0xff, 0xff], &[&[0xff], &[0xff, 0xfe], &[0xff, 0xfe, 0xff]]);
    }
}
