//! A store in the form of a dump: the portable logical records of one schema version.
//!
//! Interprets a backend's pages by the catalog: blobs are decoded, every record is checked, and records local to
//! the installation are skipped. Export, verification and comparison all read through this module.

use std::borrow::Cow;
use std::path::Path;

use crate::backend::meanwhile::explain;
use crate::backend::{Estimate, KeyRange, Pages, PieceFaultKind, Source, TableState};
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::{self, SchemaVersion, Subspace, Table, ValueKind};
use crate::records::audit::HashList;
use crate::records::blob::BlobRule;
use crate::records::check::{self, Tally};
use crate::records::derived_keys::DerivedBlobKeys;
use crate::records::gaps::{self, Gap};

/// A source with the schema version that defines its records.
pub struct Store {
    source: Box<dyn Source>,
    version: &'static SchemaVersion,
    rule: BlobRule,
    derived_keys: DerivedBlobKeys,
    gaps: Vec<Gap>,
    // Whether missing tables are read as empty ones.
    past_absent: bool,
}

/// A table that belongs to no subspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTable {
    /// A table left by an older version of the server.
    Legacy,
    /// Possibly a table of the server, of a version that is not in the catalog.
    Unknown,
    /// A table of another program that is often present, with its title.
    Companion(&'static str),
    /// A table whose columns are not those of the server's tables.
    Other,
}

/// Reads the schema version stated in a store; `None` if it states none.
///
/// Errors: refused if the record exists and is not a version.
pub fn schema_version(source: &dyn Source) -> Result<Option<u32>> {
    let record = catalog::schema_version_record();
    let Some(table) = record.table(source.kind()) else { return Ok(None) };
    let Some(value) = source.get(table, record.key)? else { return Ok(None) };
    match record.read(&value) {
        Some(number) => Ok(Some(number)),
        None => Err(Error::refused("the schema-version record does not hold 4 bytes")
            .with("table", table.name)
            .with("key", crate::base::hex::hex(record.key))
            .with("value", crate::base::hex::hex(&value))
            .help("name the version with --schema if you know which release wrote this store")),
    }
}

/// Tables of a source with rows that belong to no subspace of the schema version, with their classification by columns
/// and name; [`Store::unknown_tables`] also tells those of older versions.
///
/// Errors: those of the source.
pub fn unknown_tables(
    source: &dyn Source,
    version: &'static SchemaVersion,
) -> Result<Vec<(TableState, UnknownTable)>> {
    let kind = source.kind();
    let known = |name: &str| {
        version.subspaces.iter().any(|s| s.table(kind).is_ok_and(|table| table.name == name))
            || version.side_tables(kind).any(|side| side.table.name == name)
    };
    let classify = |name: &str| -> Result<UnknownTable> {
        Ok(match catalog::companion(kind, name) {
            // The name alone does not classify a table that has the columns of the server's tables.
            _ if !source.has_other_columns(name)? => UnknownTable::Unknown,
            Some(companion) => UnknownTable::Companion(companion.title),
            None => UnknownTable::Other,
        })
    };
    let tables = source.tables()?.into_iter().filter(|table| table.rows && !known(&table.name));
    tables.map(|table| classify(&table.name).map(|unknown| (table, unknown))).collect()
}

impl Store {
    /// Opens `source` with the catalog of `version`; `rule` is the encoding of its blobs.
    ///
    /// Errors: those of looking for tables and of reading the objects that name blobs with derived keys.
    pub fn open(source: Box<dyn Source>, version: &'static SchemaVersion, rule: BlobRule) -> Result<Self> {
        source.learn_version(version);
        let gaps = gaps::find(source.as_ref(), version)?;
        let derived_keys = {
            let source = source.as_ref();
            DerivedBlobKeys::read(version, |subspace, range| {
                let gap = gaps.iter().any(|gap| gap.subspace.letter == subspace.letter);
                let table = subspace.table(source.kind()).ok().filter(|_| !gap);
                table.map(|table| source.scan(table, range)).transpose()
            })?
        };
        Ok(Store { source, version, rule, derived_keys, gaps, past_absent: false })
    }

    /// Subspaces whose tables are missing or cannot be read. Reading one of them is an error, so that none is
    /// treated as empty.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Makes missing tables read as empty ones, after the user was informed.
    pub fn past_absent(mut self) -> Self {
        self.past_absent = true;
        self
    }

    /// The gap of a subspace, if it has one.
    pub fn gap(&self, subspace: &Subspace) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.subspace.letter == subspace.letter)
    }

    /// The table to read a subspace from; `None` if there is nothing to read.
    ///
    /// Errors: refused if the table should be readable and is not.
    fn readable(&self, subspace: &'static Subspace) -> Result<Option<&'static Table>> {
        match self.gap(subspace) {
            None => Ok(self.table(subspace)),
            Some(gap) if gap.absent && self.past_absent => Ok(None),
            Some(gap) => Err(gaps::refusal(std::slice::from_ref(gap), self.source.kind().title())),
        }
    }

    /// Returns the source, so that it can be combined with another.
    pub fn into_source(self) -> Box<dyn Source> {
        self.source
    }

    /// Keys of blobs that by design are not a hash of their content.
    pub fn derived_keys(&self) -> &DerivedBlobKeys {
        &self.derived_keys
    }

    /// The schema version whose catalog is used.
    pub fn version(&self) -> &'static SchemaVersion {
        self.version
    }

    /// The source.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// The table of a subspace; `None` if this kind of backend has none.
    pub fn table(&self, subspace: &'static Subspace) -> Option<&'static Table> {
        subspace.table(self.source.kind()).ok()
    }

    /// Approximate size of a subspace.
    pub fn estimate(&self, subspace: &'static Subspace) -> Result<Estimate> {
        let table = self.table(subspace).filter(|_| self.gap(subspace).is_none());
        table.map_or(Ok(Estimate::default()), |table| self.source.estimate(table))
    }

    /// Splits a subspace for parallel reading.
    pub fn ranges(&self, subspace: &'static Subspace, n: usize) -> Result<Vec<KeyRange>> {
        let table = self.table(subspace).filter(|_| self.gap(subspace).is_none());
        table.map_or(Ok(vec![KeyRange::all()]), |table| self.source.ranges(table, n))
    }

    /// Reads the portable records of a range.
    pub fn read<'a>(&'a self, subspace: &'static Subspace, range: &KeyRange) -> Result<StoreReader<'a>> {
        let place = |error: Error| error.with("subspace", subspace.to_string());
        let pages = match self.readable(subspace)? {
            Some(table) => {
                let pages = self.source.scan(table, range).map_err(place);
                Some(pages.map_err(|error| explain(self.source(), error))?)
            }
            None => None,
        };
        Ok(StoreReader {
            source: self.source(),
            pages,
            subspace,
            blobs: self.blobs(),
            raw: Page::new(),
            tally: Tally::default(),
            skip_local: true,
        })
    }

    /// The value of one record, portable or not; a blob is decoded.
    pub fn get(&self, subspace: &'static Subspace, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(table) = self.readable(subspace)? else { return Ok(None) };
        let value = self.source.get(table, key).map_err(|error| {
            error.with("subspace", subspace.to_string()).with("key", crate::base::hex::hex(key))
        });
        let value = value.map_err(|error| explain(self.source(), error))?;
        Ok(value.map(|stored| match subspace.value {
            ValueKind::Blob => {
                check::blob(subspace, self.blobs(), key, &stored, &mut Findings::new()).into_owned()
            }
            _ => stored,
        }))
    }

    /// The hashes that name the blobs in this store; their contents are not read. The list is stored in `dir`.
    pub fn blob_names(&self, subspace: &'static Subspace, dir: &Path, stop: &Stop) -> Result<HashList> {
        let mut names = HashList::create(dir)?;
        let Some(table) = self.readable(subspace)? else { return Ok(names) };
        let mut pages = self.source.keys(table)?;
        let mut page = Page::new();
        while pages.next(&mut page, 1 << 18).map_err(|error| explain(self.source(), error))? {
            stop.check()?;
            page.iter().try_for_each(|(key, _)| names.push_record(subspace, key, b""))?;
        }
        Ok(names)
    }

    /// Checks the stored form of one blob and adds what it finds, for a caller that took the content from another
    /// reader.
    pub fn check_blob(&self, subspace: &'static Subspace, key: &[u8], findings: &mut Findings) -> Result<()> {
        let Some(table) = self.readable(subspace)? else { return Ok(()) };
        if let Some(stored) = self.source.get(table, key)? {
            check::blob(subspace, self.blobs(), key, &stored, findings);
        }
        Ok(())
    }

    fn blobs(&self) -> (BlobRule, &DerivedBlobKeys) {
        (self.rule, &self.derived_keys)
    }

    /// Findings for pieces of values in the parts that were read so far.
    pub fn piece_findings(&self) -> Findings {
        let mut findings = Findings::new();
        for fault in self.source.piece_faults() {
            let subspaces = self.version.subspaces.iter();
            let subspace =
                subspaces.into_iter().find(|s| self.table(s).is_some_and(|t| t.name == fault.table));
            let place = subspace.map_or(fault.table, |subspace| subspace.letter.to_string());
            let kind = match fault.kind {
                PieceFaultKind::Orphan => FindingKind::OrphanPiece,
                PieceFaultKind::LookAlike => FindingKind::LookAlikeKey,
                PieceFaultKind::Broken => FindingKind::BrokenPieces,
            };
            findings.add(kind, place, &fault.key, || match (fault.kind, subspace) {
                (PieceFaultKind::Orphan, _) | (_, None) => fault.detail,
                (_, Some(subspace)) => format!("{}: {}", subspace.describe(&fault.key), fault.detail),
            });
        }
        findings
    }

    /// Tables with rows that belong to no subspace of this schema version, with their classification.
    pub fn unknown_tables(&self) -> Result<Vec<(TableState, UnknownTable)>> {
        let kind = self.source.kind();
        let mut found = unknown_tables(self.source(), self.version)?;
        for (table, unknown) in &mut found {
            if self.version.legacy_tables(kind).any(|legacy| legacy.table.name == table.name) {
                *unknown = UnknownTable::Legacy;
            }
        }
        Ok(found)
    }
}

/// A stream of logical records that collects findings and counts.
pub struct StoreReader<'a> {
    source: &'a dyn Source,
    pages: Option<Box<dyn Pages + Send + 'a>>,
    subspace: &'static Subspace,
    blobs: (BlobRule, &'a DerivedBlobKeys),
    raw: Page,
    tally: Tally,
    skip_local: bool,
}

impl StoreReader<'_> {
    /// Also delivers records that are local to the installation.
    pub fn of_everything(mut self) -> Self {
        self.skip_local = false;
        self
    }

    /// Findings and counts so far.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    fn fill(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        let Some(pages) = &mut self.pages else { return Ok(false) };
        let subspace = self.subspace;
        let place = |error: Error| error.with("subspace", subspace.to_string());
        // Records are copied only if they are changed or some of them are skipped.
        let all = !self.skip_local || !check::has_local(subspace);
        if subspace.value != ValueKind::Blob && all {
            let more = pages.next(page, budget).map_err(place)?;
            for (key, value) in page.iter() {
                check::record(subspace, key, value, &mut self.tally.findings);
            }
            return Ok(more);
        }
        while page.is_empty() {
            if !pages.next(&mut self.raw, budget).map_err(place)? {
                return Ok(false);
            }
            if subspace.value == ValueKind::Blob {
                decode(subspace, self.blobs, &mut self.raw, page, &mut self.tally.findings);
                continue;
            }
            check::sift(subspace, &self.raw, page, &mut self.tally);
        }
        Ok(true)
    }
}

/// Fills an empty page with the decoded blobs of `raw`, and leaves no large blob in `raw`.
fn decode(
    subspace: &'static Subspace,
    rule: (BlobRule, &DerivedBlobKeys),
    raw: &mut Page,
    page: &mut Page,
    findings: &mut Findings,
) {
    let decoded: Vec<Cow<[u8]>> =
        raw.iter().map(|(key, stored)| check::blob(subspace, rule, key, stored, findings)).collect();
    let lengths = raw.iter().map(|(_, stored)| stored.len());
    let unchanged = |(content, stored): (&Cow<[u8]>, usize)| matches!(content, Cow::Borrowed(content) if content.len() == stored);
    if decoded.iter().zip(lengths).all(unchanged) {
        drop(decoded);
        std::mem::swap(raw, page);
        return;
    }
    for ((key, _), content) in raw.iter().zip(decoded) {
        match content {
            Cow::Owned(content) => page.push_owned(key, content),
            Cow::Borrowed(content) => page.push(key, content),
        }
    }
    raw.clear();
}

impl Pages for StoreReader<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        self.fill(page, budget).map_err(|error| explain(self.source, error))
    }
}

/// The error for a schema version that is not in the catalog; lists the supported ones.
pub fn unknown_version(number: u32) -> Error {
    let known: Vec<String> =
        catalog::versions().iter().map(|v| format!("{} ({})", v.number, v.releases)).collect();
    Error::refused(format!("schema version {number} is not supported"))
        .help(format!("supported are {}", known.join(", ")))
}
