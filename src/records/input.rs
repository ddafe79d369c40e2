//! The input of records: a dump or a store.
//!
//! Import and copy, `verify --against`, `diff` and `inspect` read through this module, so that dumps and stores are
//! treated alike: records are checked, blobs are decoded, and records local to the installation are skipped unless
//! all are asked for.

use std::path::Path;

use crate::backend::{KeyRange, Pages};
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::{hex, hex_start, unhex};
use crate::base::page::Page;
use crate::catalog::{self, SchemaVersion, Subspace, ValueKind};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::reader::{Dump, FileCheck, SubspaceReader, Verify};
use crate::records::check::{self, Tally};
use crate::records::derived_keys::DerivedBlobKeys;
use crate::records::gaps::Gap;
use crate::records::store::{self, Store, StoreReader};
use crate::run::Run;
use crate::run::budget::Budget;
use crate::run::progress::Progress;

/// A dump with its schema version and derived blob keys.
pub struct HeldDump {
    /// The dump.
    pub dump: Dump,
    version: &'static SchemaVersion,
    // `None` if blobs are not to be compared with their keys.
    derived_keys: Option<DerivedBlobKeys>,
}

impl HeldDump {
    /// Wraps an opened dump.
    ///
    /// Errors: refused for a schema version that is not in the catalog, and those of reading the objects that
    /// name blobs with derived keys.
    pub fn new(dump: Dump) -> Result<HeldDump> {
        let number = dump.schema_version();
        let version = catalog::version(number)
            .ok_or_else(|| store::unknown_version(number).with("dump", dump.dir().display().to_string()))?;
        let derived_keys = Some(derived_keys(&dump, version)?);
        Ok(HeldDump { dump, version, derived_keys })
    }

    /// Wraps an opened dump that is read by the catalog of `version`, whatever it states itself. Blobs are not compared
    /// with their keys.
    pub fn with_version(dump: Dump, version: &'static SchemaVersion) -> HeldDump {
        HeldDump { dump, version, derived_keys: None }
    }

    /// The schema version by whose catalog it is read.
    pub fn version(&self) -> &'static SchemaVersion {
        self.version
    }
}

/// A dump or a store to read from, with the schema version that defines its records.
#[derive(Clone)]
pub struct Input<'a> {
    from: InputFrom<'a>,
    usable_only: Vec<char>,
}

#[derive(Clone, Copy)]
enum InputFrom<'a> {
    // Written by this tool or a server.
    Dump(&'a HeldDump),
    Store(&'a Store),
}

impl<'a> Input<'a> {
    /// The records of a dump.
    pub fn dump(dump: &'a HeldDump) -> Self {
        Input { from: InputFrom::Dump(dump), usable_only: Vec::new() }
    }

    /// The records of a store.
    pub fn store(store: &'a Store) -> Self {
        Input { from: InputFrom::Store(store), usable_only: Vec::new() }
    }

    /// The schema version by whose catalog it is read.
    pub fn version(&self) -> &'static SchemaVersion {
        match self.from {
            InputFrom::Dump(held) => held.version,
            InputFrom::Store(store) => store.version(),
        }
    }

    /// Whether the dump has a file for a subspace, or the store a table.
    pub fn holds(&self, subspace: &'static Subspace) -> bool {
        match self.from {
            InputFrom::Dump(held) => held.dump.has(subspace.letter),
            InputFrom::Store(store) => store.table(subspace).is_some(),
        }
    }

    /// Subspaces of a store whose tables are missing or cannot be read.
    pub fn gaps(&self) -> &'a [Gap] {
        match self.from {
            InputFrom::Dump(..) => &[],
            InputFrom::Store(store) => store.gaps(),
        }
    }

    /// Approximate size of a subspace, in bytes.
    pub fn size(&self, subspace: &'static Subspace) -> Result<u64> {
        match self.from {
            InputFrom::Dump(held) => Ok(held.dump.entry(subspace.letter).map_or_else(
                || held.dump.subspaces().iter().find(|f| f.letter == subspace.letter).map_or(0, |f| f.bytes),
                SubspaceEntry::bytes,
            )),
            InputFrom::Store(store) => Ok(store.estimate(subspace)?.bytes),
        }
    }

    /// Splits a subspace for parallel reading; a file of a dump is one range.
    pub fn ranges(&self, subspace: &'static Subspace, n: usize) -> Result<Vec<KeyRange>> {
        match self.from {
            InputFrom::Dump(..) => Ok(vec![KeyRange::all()]),
            InputFrom::Store(store) => store.ranges(subspace, n),
        }
    }

    /// Makes later reads of these subspaces leave out the values that no server can use, because the target
    /// cannot store them. Each is a finding.
    pub fn leave_out_unusable(&mut self, subspaces: &[&'static Subspace]) {
        self.usable_only = subspaces.iter().map(|subspace| subspace.letter).collect();
    }

    /// Reads the portable records of a range. For a dump, the range is the whole subspace.
    pub fn read(&self, subspace: &'static Subspace, range: &KeyRange) -> Result<Records<'a>> {
        let all = self.read_all(subspace, range)?;
        Ok(if self.usable_only.contains(&subspace.letter) {
            Records::Usable(Box::new(Usable { all, subspace, raw: Page::new(), left_out: Findings::new() }))
        } else {
            all
        })
    }

    fn read_all(&self, subspace: &'static Subspace, range: &KeyRange) -> Result<Records<'a>> {
        match self.from {
            InputFrom::Dump(held) if !held.dump.has(subspace.letter) => Ok(Records::Nothing),
            InputFrom::Dump(held) => Ok(Records::Dump {
                reader: Box::new(held.dump.open_subspace(subspace.letter, Verify::Counts)?),
                subspace,
                // The export of this tool has already compared every blob with its key.
                derived_keys: held.derived_keys.as_ref().filter(|_| held.dump.is_server_dump()),
                raw: Page::new(),
                tally: Tally::default(),
            }),
            InputFrom::Store(store) => store.read(subspace, range).map(Records::Store),
        }
    }

    /// Reads all records of a range, those that are local to the installation too. For a dump, the range is the whole
    /// subspace, and its records are not checked.
    pub fn read_everything(&self, subspace: &'static Subspace, range: &KeyRange) -> Result<Records<'a>> {
        match self.from {
            InputFrom::Dump(held) if !held.dump.has(subspace.letter) => Ok(Records::Nothing),
            InputFrom::Dump(held) => {
                Ok(Records::File(Box::new(held.dump.open_subspace(subspace.letter, Verify::Counts)?)))
            }
            InputFrom::Store(store) => Ok(Records::Store(store.read(subspace, range)?.of_everything())),
        }
    }

    /// The value of the schema-version record, if there is one.
    ///
    /// Errors: refused if the record contradicts the schema version.
    pub fn version_record(&self, subspaces: &[&'static Subspace]) -> Result<Option<Vec<u8>>> {
        let record = catalog::schema_version_record();
        let Some(subspace) = subspaces.iter().find(|s| s.letter == record.letter) else { return Ok(None) };
        match self.get(subspace, record.key)? {
            Some(value) if record.read(&value) != Some(self.version().number) => {
                Err(Error::refused("the schema-version record contradicts the rest of the data")
                    .with("record", hex(&value))
                    .with("expected", self.version().number.to_string())
                    .help("export again"))
            }
            value => Ok(value),
        }
    }

    /// The value of one record, portable or not; `None` if it does not exist.
    pub fn get(&self, subspace: &'static Subspace, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.from {
            InputFrom::Store(store) => store.get(subspace, key),
            InputFrom::Dump(_) => self.first_value(subspace, key),
        }
    }

    fn first_value(&self, subspace: &'static Subspace, wanted: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut records = self.read_everything(subspace, &KeyRange::all())?;
        let mut page = Page::new();
        while records.next(&mut page, 1 << 16)? {
            if let Some((_, value)) = page.iter().find(|(key, _)| *key == wanted) {
                return Ok(Some(value.to_vec()));
            }
            if page.last().is_some_and(|(key, _)| key > wanted) {
                break;
            }
        }
        Ok(None)
    }
}

/// A stream of records.
pub enum Records<'a> {
    /// From a file of a dump.
    Dump {
        /// The file.
        reader: Box<SubspaceReader>,
        /// Subspace of the file.
        subspace: &'static Subspace,
        /// Keys of blobs that are not a hash of their content; `None` if blobs are not compared with their keys.
        derived_keys: Option<&'a DerivedBlobKeys>,
        /// Records as read.
        raw: Page,
        /// Findings and counts so far.
        tally: Tally,
    },
    /// All of a file of a dump, unchecked.
    File(Box<SubspaceReader>),
    /// From a store.
    Store(StoreReader<'a>),
    /// Without the values that no server can use.
    Usable(Box<Usable<'a>>),
    /// From a dump without this subspace.
    Nothing,
}

/// Records for a target that cannot store the values that no server can use.
pub struct Usable<'a> {
    all: Records<'a>,
    subspace: &'static Subspace,
    raw: Page,
    left_out: Findings,
}

impl Pages for Usable<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        while page.is_empty() {
            if !self.all.next(&mut self.raw, budget)? {
                return Ok(false);
            }
            for (key, value) in self.raw.iter() {
                if self.subspace.unusable(value).is_none() {
                    page.push(key, value);
                    continue;
                }
                let without_value = self.subspace.value == ValueKind::None;
                if without_value {
                    // A server reads only the key.
                    page.push(key, b"");
                }
                self.left_out.add(FindingKind::ValueLeftOut, self.subspace.letter, key, || {
                    let what = if without_value { "the value" } else { "the record with its value" };
                    format!(
                        "{}: {what} of {} bytes, {}",
                        self.subspace.describe(key),
                        value.len(),
                        shown(value)
                    )
                });
            }
        }
        Ok(true)
    }
}

/// A value in hex, shortened if it is long.
fn shown(value: &[u8]) -> String {
    if value.is_empty() { "which is empty".to_string() } else { hex_start(value) }
}

impl Records<'_> {
    /// Findings and counts so far.
    pub fn into_tally(self) -> Tally {
        match self {
            Records::Dump { tally, .. } => tally,
            Records::File(reader) => Tally { findings: reader.findings().clone(), ..Tally::default() },
            Records::Store(reading) => reading.into_tally(),
            Records::Usable(usable) => {
                let Usable { all, left_out, .. } = *usable;
                let mut tally = all.into_tally();
                tally.findings.merge(left_out);
                tally
            }
            Records::Nothing => Tally::default(),
        }
    }
}

impl Pages for Records<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        let (reader, subspace, derived_keys, raw, tally) = match self {
            Records::File(reader) => return reader.next(page, budget),
            Records::Store(reading) => return reading.next(page, budget),
            Records::Usable(usable) => return usable.next(page, budget),
            Records::Nothing => {
                page.clear();
                return Ok(false);
            }
            Records::Dump { reader, subspace, derived_keys, raw, tally } => {
                (reader, *subspace, *derived_keys, raw, tally)
            }
        };
        let blobs = subspace.value == ValueKind::Blob;
        if blobs || !check::has_local(subspace) {
            let more = reader.read_page(page, budget)?;
            for (key, value) in page.iter() {
                match derived_keys {
                    Some(derived_keys) if blobs => {
                        check::content(subspace, derived_keys, key, value, &mut tally.findings);
                    }
                    _ => {
                        check::record(subspace, key, value, &mut tally.findings);
                    }
                }
            }
            return Ok(more);
        }
        page.clear();
        while page.is_empty() {
            if !reader.read_page(raw, budget)? {
                return Ok(false);
            }
            check::sift(subspace, raw, page, tally);
        }
        Ok(true)
    }
}

/// All records of a file of a dump, unchecked.
impl Pages for SubspaceReader {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        self.read_page(page, budget)
    }
}

/// Opens a dump; sorting its files may use a part of the memory budget.
///
/// Errors: those of [`Dump::open`].
pub fn open_dump(dir: &Path, budget: &Budget) -> Result<Dump> {
    Ok(Dump::open(dir)?.with_sort_budget(budget.sorting()))
}

/// Checks every file of a dump and shows the progress.
///
/// Errors: those of [`Dump::checksums`].
pub fn checksums(dump: &Dump, run: &Run) -> Result<Vec<FileCheck>> {
    let total = dump.subspaces().iter().map(|file| file.bytes).sum();
    let progress = Progress::start(run.console.progress(), "checksums", total);
    dump.checksums_seen(run.budget.jobs, &|bytes| progress.add(0, bytes))
}

/// Keys of blobs in a dump that by design are not a hash of their content: from the objects that name them, and
/// from the manifest for a dump without these objects.
///
/// Errors: those of reading the objects.
pub fn derived_keys(dump: &Dump, version: &'static SchemaVersion) -> Result<DerivedBlobKeys> {
    let stated = dump.manifest().map(|manifest| &manifest.unhashed_blobs[..]).unwrap_or_default();
    let stated = stated.iter().filter_map(|key| unhex(key)?.try_into().ok());
    let found = DerivedBlobKeys::read(version, |subspace, _| {
        let held = dump.has(subspace.letter).then(|| dump.open_subspace(subspace.letter, Verify::Counts));
        Ok(held.transpose()?.map(|reader| Box::new(reader) as Box<dyn Pages + Send>))
    })?;
    Ok(found.with(stated))
}
