//! Inspect: what a dump or a store holds, as a table, as decoded records, or one blob. Writes nothing.
//!
//! Both are read through the catalog of their schema version. A running server causes a warning, not a refusal,
//! because reading does no harm. Does not depend on how results are printed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::backend::{KeyRange, Pages};
use crate::base::dir::{Dir, absolute};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::{hex, unhex};
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::{self, SchemaVersion, Subspace};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::reader::Dump;
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::installation::BlobChoice;
use crate::open::overlap::{self, Side};
use crate::open::reading;
use crate::open::source_checks;
use crate::records::check;
use crate::records::check::Tally;
use crate::records::gaps;
use crate::records::input::{self, HeldDump, Input};
use crate::records::pipeline::in_parallel;
use crate::records::selection::Request;
use crate::records::store;
use crate::run::Run;
use crate::run::progress::Progress;

mod prefix;
mod record;

use prefix::Prefixes;
pub use record::{FieldData, Record};

/// Bytes read at a time when a few records are wanted.
const SMALL_PAGE: usize = 64 << 10;
/// Bytes of a value that a list shows.
const VALUE_START: usize = 16;

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub enum Inspected<'a> {
    /// The directory of a dump.
    Dump(&'a Path),
    /// The configuration of a store.
    Store(&'a Path),
}

/// Where to look and how.
pub struct InspectOptions<'a> {
    /// A dump or a store.
    pub place: Inspected<'a>,
    /// Overrides the schema version that the place states.
    pub schema: Option<u32>,
    /// The choices about the blob store.
    pub blobs: BlobChoice<'a>,
    /// A new file for what is shown.
    pub out: Option<&'a Path>,
    /// Threads, memory, console, and the request to end.
    pub run: &'a Run,
}

/// What a dump or a store holds.
#[derive(Debug, Serialize)]
pub struct Contents {
    /// Name of the store's engine, or `dump`.
    pub source: &'static str,
    /// Schema version by which it was read.
    pub schema_version: u32,
    /// Server releases of that version.
    pub releases: &'static str,
    /// Records of all subspaces.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// The subspaces, by letter.
    #[serde(skip)]
    pub subspaces: Vec<SubspaceContents>,
    /// Records that belong to one installation and are not counted: letter, layout, how many.
    #[serde(rename = "left_behind")]
    pub local: Vec<(char, &'static str, u64)>,
    /// Subspaces of the schema version that a dump lacks, or for which the engine has no place.
    pub absent: Vec<char>,
    /// Findings from reading a store; a dump is not read.
    #[serde(skip)]
    pub findings: Findings,
    /// Findings of the export that wrote a dump, as counted in its manifest.
    #[serde(skip)]
    pub recorded: BTreeMap<String, u64>,
}

/// How much a subspace holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubspaceContents {
    /// Letter.
    pub letter: char,
    /// Name.
    pub name: String,
    /// Family of the server's own export, if it is in one.
    pub family: Option<&'static str>,
    /// Records, without those that belong to one installation.
    pub records: u64,
    /// Bytes of their keys and values; counters take 8 bytes, blobs what their content takes.
    pub bytes: u64,
    /// Percentage of the bytes of all subspaces.
    pub share: f64,
}

/// The end of a list of records.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Records delivered.
    pub records: u64,
    /// Whether there are more than asked for.
    pub more: bool,
    /// Findings in the delivered records.
    #[serde(skip)]
    pub findings: Findings,
}

/// A blob's content.
#[derive(Debug)]
pub struct Blob {
    /// Letter of the blob subspace.
    pub letter: char,
    /// Key in the blob subspace.
    pub key: Vec<u8>,
    /// The content, decoded.
    pub content: Vec<u8>,
    /// Whether the key is the hash of the content; `None` if keys of its layout never are.
    pub hash_matches: Option<bool>,
}

/// Counts what every subspace holds: from the manifest of a dump, else by reading everything.
///
/// Errors: usage, refused (unfinished dump, unknown schema version), damaged, I/O, interrupted.
pub fn contents(request: &Request, options: &InspectOptions) -> Result<Contents> {
    let opened = open(options, &|version| request.resolve(version))?;
    let input = opened.input();
    let version = input.version();
    let wanted = request.resolve(version)?;
    let (source, done) = match &opened {
        OpenPlace::Dump(held) => ("dump", count_dump(&held.dump, &input, &wanted, options)?),
        OpenPlace::Store(connected) => {
            let expected = wanted.iter().map(|subspace| input.size(subspace)).sum::<Result<u64>>()?;
            (connected.store.source().kind().name(), count(&input, &wanted, expected, options)?)
        }
    };
    let mut contents = Contents {
        source,
        schema_version: version.number,
        releases: version.releases,
        records: done.iter().map(|(held, _)| held.records).sum(),
        bytes: done.iter().map(|(held, _)| held.bytes).sum(),
        subspaces: Vec::new(),
        local: Vec::new(),
        absent: Vec::new(),
        findings: Findings::new(),
        recorded: BTreeMap::new(),
    };
    match &opened {
        OpenPlace::Store(connected) => {
            contents.findings.merge(source_checks::unknown_tables(&connected.store)?);
            contents.findings.merge(connected.store.piece_findings());
            contents.findings.merge(gaps::findings(&gaps::among(connected.store.gaps(), &wanted)));
        }
        OpenPlace::Dump(held) => {
            let manifest = held.dump.manifest();
            contents.recorded = manifest.map(|manifest| manifest.findings.clone()).unwrap_or_default();
        }
    }
    for (mut held, tally) in done {
        held.share =
            if contents.bytes == 0 { 0.0 } else { held.bytes as f64 * 100.0 / contents.bytes as f64 };
        contents.findings.merge(tally.findings);
        contents.local.extend(tally.local.into_iter().map(|(name, n)| (held.letter, name, n)));
        contents.subspaces.push(held);
    }
    let absent = wanted.iter().filter(|s| !contents.subspaces.iter().any(|held| held.letter == s.letter));
    contents.absent = absent.map(|subspace| subspace.letter).collect();
    Ok(contents)
}

/// Delivers the first `limit` records of a subspace, in key order, whose keys have these fields (`name=value`)
/// at their beginning. 0 means all.
///
/// Errors: as [`contents`]; usage also for a subspace or a field that is unknown, listing the valid ones.
pub fn records(
    subspace: &str,
    fields: &[String],
    limit: u64,
    options: &InspectOptions,
    each: &mut dyn FnMut(&Record),
) -> Result<Listed> {
    let opened = open(options, &|version| Ok(vec![find(version, subspace)?]))?;
    let subspace = find(opened.input().version(), subspace)?;
    let prefixes = Prefixes::of(subspace, fields)?;
    let mut listed = Listed { records: 0, more: false, findings: Findings::new() };
    'prefixes: for prefix in prefixes.bytes() {
        let mut reader = opened.holding(subspace)?.read_everything(subspace, &KeyRange::around(prefix))?;
        let mut page = Page::new();
        while reader.next(&mut page, SMALL_PAGE)? {
            options.run.stop.check()?;
            for (key, value) in page.iter() {
                // A dump is read from its beginning.
                if !key.starts_with(prefix) && key > prefix.as_slice() {
                    continue 'prefixes;
                }
                if !key.starts_with(prefix) || !prefixes.hold(subspace, key) {
                    continue;
                }
                if limit != 0 && listed.records == limit {
                    listed.more = true;
                    return Ok(listed);
                }
                listed.records += 1;
                check::record(subspace, key, value, &mut listed.findings);
                each(&Record::new(subspace, key, value, VALUE_START));
            }
        }
    }
    Ok(listed)
}

/// The record of a key in hex, with its whole value, and what is wrong with it.
///
/// Errors: as [`records`]; exit code 1 if there is no such record.
pub fn record(subspace: &str, key: &str, options: &InspectOptions) -> Result<(Record, Findings)> {
    let key = unhex(key).filter(|key| !key.is_empty()).ok_or_else(|| {
        Error::usage("a key is an even number of hex digits")
            .with("key", key)
            .help("copy it from the list that --subspace gives")
    })?;
    let opened = open(options, &|version| Ok(vec![find(version, subspace)?]))?;
    let subspace = find(opened.input().version(), subspace)?;
    match opened.holding(subspace)?.get(subspace, &key)? {
        Some(value) => {
            let mut findings = Findings::new();
            check::record(subspace, &key, &value, &mut findings);
            Ok((Record::new(subspace, &key, &value, usize::MAX), findings))
        }
        None => Err(Error::io("there is no such record")
            .with("subspace", subspace.to_string())
            .with("key", format!("{}: {}", hex(&key), subspace.describe(&key)))
            .help(format!("list the records with --subspace {}", subspace.name))),
    }
}

/// The content of a blob: `name` is its key, as 64 hex digits or, where the key is a fixed text, as that text.
///
/// Errors: as [`record`]. Content that does not hash to its key is no error here: see [`Blob::hash_matches`].
pub fn blob(name: &str, options: &InspectOptions) -> Result<Blob> {
    let opened = open(options, &|version| Ok(version.blobs().into_iter().collect()))?;
    let version = opened.input().version();
    let Some(subspace) = version.blobs() else {
        return Err(Error::usage(format!("schema version {} keeps no blobs", version.number)));
    };
    let key = unhex(name).filter(|key| subspace.layout(key).is_ok());
    let key = key.or_else(|| Some(name.as_bytes().to_vec()).filter(|key| subspace.layout(key).is_ok()));
    let Some((key, layout)) = key.and_then(|key| subspace.layout(&key).ok().map(|layout| (key, layout)))
    else {
        let fixed = subspace.layouts.iter().filter_map(|layout| layout.fixed_key);
        let fixed: Vec<String> = fixed.map(|key| String::from_utf8_lossy(key).into_owned()).collect();
        return Err(Error::usage("no blob can have this name")
            .with("blob", name)
            .help(format!("give a hash of 64 hex digits, or one of: {}", fixed.join(", "))));
    };
    let Some(content) = opened.holding(subspace)?.get(subspace, &key)? else {
        return Err(Error::io("there is no such blob")
            .with("blob", hex(&key))
            .help(format!("list the blobs with --subspace {}", subspace.name)));
    };
    let hash_matches = layout.content_hash.then(|| blake3::hash(&content).as_bytes() == key.as_slice());
    Ok(Blob { letter: subspace.letter, key, content, hash_matches })
}

/// What is looked into.
enum OpenPlace {
    Dump(Box<HeldDump>),
    Store(Box<Connected>),
}

impl OpenPlace {
    fn input(&self) -> Input<'_> {
        match self {
            OpenPlace::Dump(held) => Input::dump(held),
            OpenPlace::Store(connected) => Input::store(&connected.store),
        }
    }

    /// Its records, among which are those of a subspace.
    ///
    /// Errors: usage for a dump without the subspace.
    fn holding(&self, subspace: &'static Subspace) -> Result<Input<'_>> {
        match self {
            OpenPlace::Dump(held) if !held.dump.has(subspace.letter) => {
                let letters: Vec<_> = held.dump.subspaces().iter().map(|s| s.letter.to_string()).collect();
                Err(Error::usage("the dump has no such subspace")
                    .with("subspace", subspace.to_string())
                    .help(format!("it has {}", letters.join(" "))))
            }
            _ => Ok(self.input()),
        }
    }
}

/// Opens what is to be looked into; the blob store only if blobs are among what is `wanted`.
fn open(
    options: &InspectOptions,
    wanted: &dyn Fn(&'static SchemaVersion) -> Result<Vec<&'static Subspace>>,
) -> Result<OpenPlace> {
    let console = &options.run.console;
    match options.place {
        Inspected::Dump(dir) => {
            let dump = input::open_dump(dir, &options.run.budget)?;
            let number = options.schema.unwrap_or(dump.schema_version());
            let version = catalog::version(number).ok_or_else(|| store::unknown_version(number))?;
            Ok(OpenPlace::Dump(Box::new(HeldDump::with_version(dump, version))))
        }
        Inspected::Store(config) => {
            let config = connect::configuration(config, console)?;
            let how = OpenOptions { schema: options.schema, blobs: options.blobs, ..OpenOptions::default() };
            let wanted = |connected: &Connected| {
                let out = options.out.map(|path| ("blob", "--out", path.to_path_buf()));
                let (kept, out) =
                    (Side::stores("store", &connected.place), out.into_iter().collect::<Vec<_>>());
                overlap::check(&kept, &Side::files(&out), true, console)?;
                wanted(connected.store.version())
            };
            let connected = reading::open(&config, how, false, wanted, options.run)?;
            Ok(OpenPlace::Store(Box::new(connected)))
        }
    }
}

fn find(version: &'static SchemaVersion, token: &str) -> Result<&'static Subspace> {
    let letter = |subspace: &Subspace| subspace.letter.encode_utf8(&mut [0; 4]) == token;
    version.subspaces.iter().find(|subspace| subspace.name == token || letter(subspace)).ok_or_else(|| {
        let valid: Vec<String> =
            version.subspaces.iter().map(|s| format!("{} {}", s.letter, s.name)).collect();
        Error::usage(format!("there is no subspace {token:?}"))
            .with("schema version", version.number.to_string())
            .help(format!("valid are, by letter or name: {}", valid.join(", ")))
    })
}

fn held(letter: char, name: &str, subspace: Option<&'static Subspace>) -> SubspaceContents {
    let family = subspace.and_then(Subspace::family);
    SubspaceContents { letter, name: name.to_string(), family, records: 0, bytes: 0, share: 0.0 }
}

/// Counts from the manifest of a dump, or by reading a dump without one.
fn count_dump(
    dump: &Dump,
    input: &Input,
    wanted: &[&'static Subspace],
    options: &InspectOptions,
) -> Result<Vec<(SubspaceContents, Tally)>> {
    let Some(manifest) = dump.manifest() else {
        options.run.console.say("a server's dump has no counts: reading all of it");
        // The sizes of its files are compressed ones.
        return count(input, wanted, 0, options);
    };
    // A dump read by another version's catalog may hold letters that this one does not have.
    let known = |letter: char| wanted.iter().find(|subspace| subspace.letter == letter).copied();
    let entries = manifest.subspaces.iter().filter(|entry| known(entry.letter).is_some());
    let count = |entry: &SubspaceEntry| SubspaceContents {
        records: entry.records,
        bytes: entry.bytes(),
        ..held(entry.letter, &entry.name, known(entry.letter))
    };
    Ok(entries.map(|entry| (count(entry), Tally::default())).collect())
}

/// Counts by reading everything, about `expected` bytes; 0 means unknown.
fn count(
    input: &Input,
    wanted: &[&'static Subspace],
    expected: u64,
    options: &InspectOptions,
) -> Result<Vec<(SubspaceContents, Tally)>> {
    let gap = |subspace: &Subspace| input.gaps().iter().any(|gap| gap.subspace.letter == subspace.letter);
    let mut parts = Vec::new();
    for subspace in wanted.iter().filter(|subspace| input.holds(subspace) && !gap(subspace)) {
        let ranges = input.ranges(subspace, options.run.budget.parts())?;
        parts.extend(ranges.into_iter().map(|range| (*subspace, range)));
    }
    let progress = Progress::start(options.run.console.progress(), "count", expected);
    let counted = in_parallel(options.run.budget.jobs, &parts, |(subspace, range)| {
        let mut held = held(subspace.letter, subspace.name, Some(subspace));
        let mut reading = input.read_everything(subspace, range)?;
        let mut page = Page::new();
        while reading.next(&mut page, options.run.budget.page_bytes())? {
            count_page(&mut held, &page, options, &progress)?;
        }
        Ok((held, reading.into_tally()))
    })?;
    drop(progress);
    let mut sums: Vec<(SubspaceContents, Tally)> = Vec::new();
    for (part, tally) in counted {
        match sums.last_mut().filter(|(sum, _)| sum.letter == part.letter) {
            Some((sum, so_far)) => {
                sum.records += part.records;
                sum.bytes += part.bytes;
                so_far.merge(tally);
            }
            None => sums.push((part, tally)),
        }
    }
    Ok(sums)
}

fn count_page(
    held: &mut SubspaceContents,
    page: &Page,
    options: &InspectOptions,
    progress: &Progress,
) -> Result<()> {
    options.run.stop.check()?;
    held.records += page.len() as u64;
    let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
    held.bytes += bytes as u64;
    progress.add(page.len() as u64, page.size() as u64);
    Ok(())
}

impl Blob {
    /// Writes the content to a new file that only its owner can read.
    ///
    /// Errors: usage if the file exists, I/O.
    pub fn save(&self, file: &Path) -> Result<()> {
        Stop::of_process().check()?;
        let created =
            Dir::holding(file).and_then(|(dir, name)| Ok((dir.create_private_file(&name)?, dir, name)));
        let written = created.and_then(|(mut out, dir, name)| {
            // A partial file is not the blob.
            out.write_all(&self.content).and_then(|()| out.sync_all()).inspect_err(|_| {
                let _ = dir.remove(name);
            })
        });
        written.map_err(|error| {
            let place = absolute(file);
            let failed = match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    Error::usage("the file exists already").help("name another one with --out")
                }
                _ => Error::io("cannot write the blob").because(error).help("check path, rights and space"),
            };
            failed.with("file", place.display().to_string())
        })
    }

    /// What is wrong with it.
    pub fn findings(&self) -> Findings {
        let mut findings = Findings::new();
        if self.hash_matches == Some(false) {
            findings.add(FindingKind::BlobMismatch, self.letter, &self.key, || {
                "the content does not hash to the key".to_string()
            });
        }
        findings
    }

    /// Refuses content that does not hash to its key.
    ///
    /// Errors: damaged.
    pub fn check(&self) -> Result<()> {
        if self.hash_matches != Some(false) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Damaged, "the content does not hash to the key")
            .with("blob", hex(&self.key))
            .with("hash", blake3::hash(&self.content).to_hex().to_string())
            .with("bytes", self.content.len().to_string())
            .help("the blob is damaged, or its key is the hash of something else; --yes writes it as it is"))
    }
}
