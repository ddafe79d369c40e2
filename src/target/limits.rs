//! Limits of a target: whether it can hold the records of a dump or store, and whether a server could use them.
//! Checked before the first write.
//!
//! Limits come from the tables of the catalog and from the target. The counts and the longest key and value of a
//! dump decide whether a subspace has to be read. Writes nothing.

use crate::backend::{KeyRange, Limits, Pages};
use crate::base::error::{Error, Result};
use crate::base::hex::{hex, hex_start};
use crate::base::page::Page;
use crate::catalog::{Subspace, Table, ValueKind};
use crate::dump::digest::Totals;
use crate::dump::reader::{Dump, FileCheck, Verify};
use crate::records::blob::{self, BlobRule};
use crate::records::pipeline::in_parallel;
use crate::records::store::Store;
use crate::run::preflight::Preflight;
use crate::run::progress::{Progress, Show};

/// Values among the records to load that no server can use.
#[derive(Debug, Default)]
pub struct Unusable {
    count: u64,
    first: Option<First>,
    // Subspaces whose unusable values the target cannot store.
    left_out: Vec<&'static Subspace>,
}

/// The first unusable value.
#[derive(Debug)]
struct First {
    subspace: &'static Subspace,
    key: Vec<u8>,
    bytes: usize,
    reason: &'static str,
}

impl Unusable {
    fn note(&mut self, limit: &Limit, key: &[u8], value: &[u8]) {
        let Some(reason) = limit.subspace.unusable(value) else { return };
        let subspace = limit.subspace;
        self.count += 1;
        self.first.get_or_insert_with(|| First { subspace, key: key.to_vec(), bytes: value.len(), reason });
        if !limit.holds_unusable && self.left_out.last().is_none_or(|last| last.letter != subspace.letter) {
            self.left_out.push(subspace);
        }
    }

    /// Adds those found in later subspaces.
    fn merge(&mut self, other: Unusable) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
        self.left_out.extend(other.left_out);
    }

    /// Whether no unusable value was found.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Number of unusable values and the first of them, for the preflight report.
    pub fn describe(&self) -> String {
        let Some(first) = &self.first else { return "a server can use every value".to_string() };
        let First { subspace, key, bytes, reason } = first;
        let what = if self.left_out.is_empty() {
            "loaded as they are"
        } else {
            "left out, for the target has no place for them (where keys alone count, the keys stay)"
        };
        format!(
            "{} values that no server can use will be {what}, agreed to; the first is {} {}: {}: {reason}, this value \
             has {bytes}",
            self.count,
            subspace.letter,
            hex_start(key),
            subspace.describe(key)
        )
    }

    /// The subspaces whose unusable values are skipped because the target cannot store them.
    pub fn left_out(&self) -> &[&'static Subspace] {
        &self.left_out
    }

    /// Returns an error that names the first unusable value, if there is one.
    fn refuse(&self) -> Result<()> {
        let Some(First { subspace, key, bytes, reason }) = &self.first else { return Ok(()) };
        let way = match (self.left_out.is_empty(), subspace.value) {
            (true, _) => "to load it as it is",
            (false, ValueKind::None) => {
                "to load the key without the value, for which the target has no place"
            }
            (false, _) => "to leave the record out, for the target has no place for it",
        };
        Err(Error::refused("there is a value that no server can use")
            .with("subspace", subspace.to_string())
            .with("key", hex_start(key))
            .with("decoded", subspace.describe(key))
            .with("values of this kind", self.count.to_string())
            .because(format!("{reason}, this value has {bytes}"))
            .help(format!(
                "repair it in the source, or repeat with --yes {way}: it is reported then, and the run ends with 3"
            )))
    }
}

/// Adds unusable values to the preflight report. They need consent.
///
/// Errors: refused, naming the first, without consent.
pub fn check_usable(unusable: &Unusable, preflight: &mut Preflight, agreed: bool) -> Result<()> {
    if agreed && !unusable.is_empty() {
        preflight.warn("values usable", unusable.describe());
        return Ok(());
    }
    preflight.check("values usable", unusable.refuse(), |()| unusable.describe()).map(|_| ())
}

/// Checks every record of `subspaces` in a dump against its table in the target; returns the unusable values.
///
/// Errors: refused, naming the first record that does not fit.
pub fn check(
    dump: &Dump,
    subspaces: &[(&'static Subspace, &'static Table)],
    checks: &[FileCheck],
    rule: BlobRule,
    limits: &Limits,
    show: Show,
) -> Result<Unusable> {
    let mut unusable = Unusable::default();
    for (subspace, table) in subspaces {
        let Some(totals) = checks.iter().find(|c| c.letter == subspace.letter).map(|c| c.totals) else {
            continue;
        };
        let limit = Limit::new(subspace, table, rule, limits);
        let fits = limit.fits(totals.longest_key, totals.longest_value);
        if fits && !limit.may_collide(totals.longest_key) && limit.all_usable(&totals) {
            continue;
        }
        let progress = Progress::start(show, "limits", totals.key_bytes + totals.value_bytes);
        let mut reader = dump.open_subspace(subspace.letter, Verify::Counts)?;
        unusable.merge(limit.check_all(&mut reader, &progress)?);
    }
    Ok(unusable)
}

/// Checks every record of a store against its table in the target; subspaces whose source cannot hold too large
/// records are not read. Returns the unusable values.
///
/// Errors: refused, naming the first record that does not fit.
pub fn check_store(
    store: &Store,
    subspaces: &[(&'static Subspace, &'static Table)],
    rule: BlobRule,
    limits: &Limits,
    jobs: usize,
    show: Show,
) -> Result<Unusable> {
    let mut looked_through = Vec::new();
    for (subspace, table) in subspaces {
        let limit = Limit::new(subspace, table, rule, limits);
        let usable = match subspace.value {
            // A table without a value column contains no values.
            ValueKind::None => store.table(subspace).is_none_or(|table| table.max_value == Some(0)),
            ValueKind::Counter => false,
            ValueKind::Bytes | ValueKind::Blob => true,
        };
        let fits = limit.fits(u64::from(u16::MAX), ENGINES_OWN);
        if !fits || limit.may_collide(u64::from(u16::MAX)) || !usable {
            looked_through.push((*subspace, limit));
        }
    }
    if looked_through.is_empty() {
        return Ok(Unusable::default());
    }
    let sizes = looked_through.iter().map(|(subspace, _)| Ok(store.estimate(subspace)?.bytes));
    let progress = Progress::start(show, "limits", sizes.sum::<Result<u64>>()?);
    let found = in_parallel(jobs, &looked_through, |(subspace, limit)| {
        limit.check_all(&mut store.read(subspace, &KeyRange::all())?, &progress)
    })?;
    Ok(found.into_iter().fold(Unusable::default(), |mut all, part| {
        all.merge(part);
        all
    }))
}

/// Size of a value in bytes that is accepted without reading the records: larger ones fail with the engine's own
/// error.
const ENGINES_OWN: u64 = 900_000_000;

/// The limits of one subspace.
struct Limit {
    subspace: &'static Subspace,
    rule: BlobRule,
    key: u64,
    value: u64,
    record: u64,
    setting: &'static str,
    prefix: Option<u64>,
    // Whether a value without a byte would have no piece, so that the server would not find it.
    no_empty: bool,
    // Whether the table has a column for values that no server can use.
    holds_unusable: bool,
}

impl Limit {
    fn new(subspace: &'static Subspace, table: &Table, rule: BlobRule, limits: &Limits) -> Self {
        let blob = subspace.value == ValueKind::Blob;
        let (record, setting) = if blob { limits.blob } else { limits.record }.unwrap_or((u64::MAX, ""));
        // Where records have no value, any value is unusable, whatever its length.
        let no_value = subspace.value == ValueKind::None;
        Limit {
            subspace,
            rule,
            key: table.max_key.unwrap_or(u64::MAX),
            value: if no_value { u64::MAX } else { table.max_value.unwrap_or(u64::MAX) },
            record,
            setting,
            prefix: table.unique_prefix,
            no_empty: table.pieces.is_some_and(|pieces| pieces.number_width > 0),
            holds_unusable: !(table.integer || no_value && table.max_value == Some(0)),
        }
    }

    /// Whether counts alone prove that a server can use every value.
    fn all_usable(&self, totals: &Totals) -> bool {
        match self.subspace.value {
            // No value is longer than 8 bytes, and the average is 8.
            ValueKind::Counter => {
                totals.longest_value <= 8 && Some(totals.value_bytes) == totals.records.checked_mul(8)
            }
            ValueKind::None => totals.value_bytes == 0,
            ValueKind::Bytes | ValueKind::Blob => true,
        }
    }

    /// Largest size of a value in the store, in bytes.
    fn stored(&self, length: u64) -> u64 {
        match self.subspace.value {
            ValueKind::Blob => blob::worst_case(self.rule, length),
            _ => length,
        }
    }

    fn fits(&self, key: u64, value: u64) -> bool {
        let value = self.stored(value);
        // A total does not show whether any value is empty.
        let some_empty = self.no_empty && self.stored(0) == 0;
        !some_empty && key <= self.key && value <= self.value && key.saturating_add(value) <= self.record
    }

    fn may_collide(&self, longest_key: u64) -> bool {
        self.prefix.is_some_and(|prefix| longest_key > prefix)
    }

    fn check(&self, key: &[u8], value: u64) -> Result<()> {
        let (length, value) = (key.len() as u64, self.stored(value));
        let elsewhere = "use another backend, or remove the record from the source";
        if length > self.key {
            return Err(self.refuse("key", length, self.key, key).help(elsewhere));
        }
        if value == 0 && self.no_empty {
            return Err(Error::refused("the target cannot hold an empty blob: the server would not find it")
                .with("subspace", self.subspace.to_string())
                .with("key", hex(key))
                .with("decoded", self.subspace.describe(key))
                .help(
                    "set compression of the target's store to lz4, with which no blob is stored empty, or use another \
                     backend",
                ));
        }
        if value > self.value {
            return Err(self.refuse("value", value, self.value, key).help(elsewhere));
        }
        let record = length.saturating_add(value);
        if record > self.record {
            return Err(self.refuse("record", record, self.record, key).help(format!(
                "raise {} of the target, and of the configuration if it is set there",
                self.setting
            )));
        }
        Ok(())
    }

    /// Checks all records of the subspace, in key order; returns the unusable values.
    fn check_all(&self, records: &mut dyn Pages, progress: &Progress) -> Result<Unusable> {
        let (mut unusable, mut page, mut before) = (Unusable::default(), Page::new(), Vec::new());
        while records.next(&mut page, 1 << 20)? {
            progress.add(page.len() as u64, page.size() as u64);
            for (key, value) in page.iter() {
                self.check(key, value.len() as u64)?;
                unusable.note(self, key, value);
                self.check_prefix(&before, key)?;
                before.clear();
                before.extend_from_slice(key);
            }
        }
        Ok(unusable)
    }

    fn check_prefix(&self, before: &[u8], key: &[u8]) -> Result<()> {
        let Some(prefix) = self.prefix.and_then(|prefix| usize::try_from(prefix).ok()) else { return Ok(()) };
        match (before.get(..prefix), key.get(..prefix)) {
            (Some(one), Some(other)) if one == other => Err(Error::refused(format!(
                "the target cannot hold two keys that are the same in their first {prefix} bytes"
            ))
            .with("subspace", self.subspace.to_string())
            .with("key", hex(key))
            .with("decoded", self.subspace.describe(key))
            .with("length", key.len().to_string())
            .with("other key", hex(before))
            .help("use another backend, or remove one of the records from the source")),
            _ => Ok(()),
        }
    }

    fn refuse(&self, what: &str, length: u64, limit: u64, key: &[u8]) -> Error {
        Error::refused(format!("the target cannot hold a {what} of {length} bytes, its limit is {limit}"))
            .with("subspace", self.subspace.to_string())
            .with("key", hex(key))
            .with("decoded", self.subspace.describe(key))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::catalog::{self, BackendKind};

    #[test]
    fn what_does_not_fit_is_refused_with_its_length_and_the_limit() {
        let version = catalog::version(5).unwrap();
        let limit = Some((1 << 24, "max_allowed_packet"));
        let packet = Limits { record: limit, blob: limit };
        let mysql = BackendKind::Mysql;
        for (kind, letter, key, value, expect) in [
            (mysql, 's', 255, 10, None),
            (mysql, 's', 256, 10, Some("key of 256 bytes, its limit is 255")),
            (mysql, 'i', 65_535, 0, None),
            (mysql, 'i', 65_536, 0, Some("key of 65536 bytes, its limit is 65535")),
            (mysql, 'p', 10, (1 << 24) - 11, None),
            (mysql, 'p', 10, (1 << 24) - 5, Some("record of 16777221 bytes, its limit is 16777216")),
            (mysql, 'p', 10, 1 << 24, Some("value of 16777216 bytes, its limit is 16777215")),
            (mysql, 't', 32, 1 << 25, Some("record of 33554464 bytes, its limit is 16777216")),
            (BackendKind::Postgres, 's', 3000, 1, Some("key of 3000 bytes, its limit is 2692")),
            (BackendKind::Sqlite, 's', 3000, 1 << 30, Some("value of 1073741824 bytes, its limit is")),
            // Cut into pieces, except for what the server never joins.
            (BackendKind::FoundationDb, 'p', 10, 25_500_000, None),
            (BackendKind::FoundationDb, 't', 32, 0, Some("an empty blob")),
            (BackendKind::FoundationDb, 'l', 13, 100_000, None),
            (BackendKind::FoundationDb, 'l', 13, 100_001, Some("value of 100001 bytes, its limit is 100000")),
        ] {
            let subspace = version.subspace(letter).unwrap();
            let table = subspace.table(kind).unwrap();
            let limits = if kind == mysql { packet.clone() } else { Limits::default() };
            let limit = Limit::new(subspace, table, BlobRule::Raw, &limits);
            let error = limit.check(&vec![b'x'; key], value).err();
            assert_eq!(limit.fits(key as u64, value), expect.is_none(), "{letter} {key} {value}");
            match (&error, expect) {
                (None, None) => {}
                (Some(error), Some(text)) => {
                    assert!(error.to_string().contains(text), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Refused);
                }
                _ => panic!("{letter} {key} {value}: {error:?}"),
            }
        }
    }

    #[test]
    fn keys_that_are_unique_on_a_prefix_only_are_compared() {
        let version = catalog::version(5).unwrap();
        let subspace = version.subspace('i').unwrap();
        let table = subspace.table(BackendKind::Mysql).unwrap();
        let limit = Limit::new(subspace, table, BlobRule::Raw, &Limits::default());
        let key = |length, last| {
            let mut key = vec![b'a'; length];
            key.push(last);
            key
        };
        for (one, other, collide) in [
            (key(399, 1), key(399, 2), false),
            (key(400, 1), key(400, 2), true),
            (key(399, 1), key(398, 1), false),
            (vec![b'a'; 400], vec![b'a'; 401], true),
            (vec![b'a'; 399], vec![b'a'; 400], false),
        ] {
            assert_eq!(limit.check_prefix(&one, &other).is_err(), collide, "{} {}", one.len(), other.len());
        }
        assert!(limit.may_collide(401) && !limit.may_collide(400));
    }
}
