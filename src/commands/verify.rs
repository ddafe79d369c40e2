//! Verify: checks a dump on its own, or compares it record by record with a store. Writes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::backend::{KeyRange, Pages};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{self, Archive, SchemaVersion, Subspace, ValueForm, ValueKind};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::reader::{Dump, SubspaceReader, Verify};
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::installation::BlobChoice;
use crate::open::reading;
use crate::open::source_checks;
use crate::open::unchanged;
use crate::records::audit::{Audit, HashList, Sides};
use crate::records::changes;
use crate::records::check;
use crate::records::comparison;
use crate::records::counters::Counters;
use crate::records::derived_keys::DerivedBlobKeys;
use crate::records::gaps;
use crate::records::input::{self, HeldDump, Input};
use crate::records::pipeline::{Pipeline, in_parallel};
use crate::records::store;
use crate::run::Run;
use crate::run::console::Console;
use crate::run::progress::Progress;

/// What to verify and how.
pub struct VerifyOptions<'a> {
    /// The directory of the dump.
    pub dir: &'a Path,
    /// Compare with the store of this configuration.
    pub against: Option<&'a Path>,
    /// Overrides the schema version that the store states.
    pub schema: Option<u32>,
    /// The user's choices about the blob store.
    pub blobs: BlobChoice<'a>,
    /// Threads, memory, console and the stop request.
    pub run: &'a Run,
}

/// The result of a verification.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Subspaces with their counts.
    pub subspaces: Vec<VerifiedSubspace>,
    /// Properties that cannot be proven, because the dump was made by a server and has no manifest.
    pub unproven: Vec<String>,
    /// Whether the export that made the dump was incomplete.
    pub incomplete_dump: bool,
    /// Findings of the export that made the dump, counted by kind, from the manifest.
    #[serde(skip)]
    pub recorded: BTreeMap<String, u64>,
    /// Linked, unlinked and missing blobs.
    #[serde(skip)]
    pub audit: Option<Audit>,
    /// All findings.
    #[serde(skip)]
    pub findings: Findings,
}

/// One verified subspace.
#[derive(Debug, Serialize)]
pub struct VerifiedSubspace {
    /// Letter.
    pub letter: char,
    /// Name.
    pub name: &'static str,
    /// Records read.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Digest of the records, in hex; empty when comparing.
    pub records_blake3: String,
    /// Records that differ from the store.
    pub differences: u64,
}

/// Verifies a dump.
///
/// Errors: usage, refused (unfinished dump, unknown version), damaged, I/O, interrupted. Findings about the
/// data are not errors.
pub fn run(options: &VerifyOptions) -> Result<Verified> {
    let dump = input::open_dump(options.dir, &options.run.budget)?;
    let version = catalog::version(dump.schema_version()).ok_or_else(|| {
        store::unknown_version(dump.schema_version()).with("dump", options.dir.display().to_string())
    })?;
    let subspaces = known(&dump, version)?;
    let expected: Vec<(char, &str)> = version.subspaces.iter().map(|s| (s.letter, s.name)).collect();
    let mut verified = Verified {
        unproven: dump.unproven(&expected),
        incomplete_dump: dump.manifest().is_some_and(|manifest| manifest.incomplete()),
        recorded: dump.manifest().map(|manifest| manifest.findings.clone()).unwrap_or_default(),
        ..Verified::default()
    };
    left_out(&dump, &options.run.console)?;
    match options.against {
        Some(config) => against(dump, &subspaces, config, options, &mut verified)?,
        None => alone(&dump, version, &subspaces, options, &mut verified)?,
    }
    Ok(verified)
}

/// Warns about the tables that were missing when the dump was exported.
fn left_out(dump: &Dump, console: &Console) -> Result<()> {
    if dump.manifest().is_none_or(|manifest| manifest.count(FindingKind::MissingTable) == 0) {
        return Ok(());
    }
    for finding in dump.findings()?.into_iter().flatten() {
        let finding = finding?;
        if finding.known_kind() == Some(FindingKind::MissingTable) {
            console.warn(format!("not in the dump: subspace {}: {}", finding.subspace, finding.detail));
        }
    }
    Ok(())
}

/// Whether the findings of a verification mean damage (exit 4).
pub fn damaged(findings: &Findings) -> bool {
    let kinds = [
        FindingKind::BadArchive,
        FindingKind::BlobMismatch,
        FindingKind::MissingTable,
        FindingKind::UnusableValue,
    ];
    kinds.iter().any(|kind| findings.count(*kind) > 0)
}

fn known(dump: &Dump, version: &'static SchemaVersion) -> Result<Vec<&'static Subspace>> {
    let find = |letter: char| {
        version.subspace(letter).ok_or_else(|| {
            Error::damaged("the dump has a subspace that its schema version does not know")
                .with("subspace", letter.to_string())
        })
    };
    dump.subspaces().iter().map(|file| find(file.letter)).collect()
}

fn alone(
    dump: &Dump,
    version: &'static SchemaVersion,
    subspaces: &[&'static Subspace],
    options: &VerifyOptions,
    verified: &mut Verified,
) -> Result<()> {
    let again = "copy the dump again from where it was made, or export again";
    input::checksums(dump, options.run).map_err(|error| match error.kind() {
        ErrorKind::Damaged => error.help_if_none(again),
        _ => error,
    })?;
    let total = dump.manifest().map_or(0, |m| m.subspaces.iter().map(SubspaceEntry::bytes).sum());
    let derived_keys = input::derived_keys(dump, version)?;
    let progress = Progress::start(options.run.console.progress(), "verify", total);
    let mut sorted = subspaces.to_vec();
    sorted.sort_by_key(|s| std::cmp::Reverse(dump.entry(s.letter).map(|e| e.value_bytes)));
    let mut done = in_parallel(options.run.budget.jobs, &sorted, |subspace| {
        verify_subspace(dump, version, subspace, &derived_keys, options, &progress)
    })?;
    drop(progress);
    done.sort_by_key(|part| part.verified.letter);
    let mut counters = Counters::new(version);
    let mut sides = Sides::default();
    for part in done {
        verified.findings.merge(part.findings);
        counters.merge(part.counters);
        sides.add(part.subspace, part.hashes);
        verified.subspaces.push(part.verified);
    }
    counters.check(&mut verified.findings);
    verified.audit = sides.audit(&mut verified.findings)?;
    Ok(())
}

struct VerifiedPart {
    subspace: &'static Subspace,
    verified: VerifiedSubspace,
    findings: Findings,
    counters: Counters,
    hashes: Option<HashList>,
}

fn verify_subspace(
    dump: &Dump,
    version: &'static SchemaVersion,
    subspace: &'static Subspace,
    derived_keys: &DerivedBlobKeys,
    options: &VerifyOptions,
    progress: &Progress,
) -> Result<VerifiedPart> {
    let mut hashes = HashList::of(subspace, &std::env::temp_dir())?;
    let (mut findings, mut counters) = (Findings::new(), Counters::new(version));
    let mut reader = dump.open_subspace(subspace.letter, Verify::Digests)?;
    let read = |reader: &std::sync::Mutex<&mut SubspaceReader>,
                emit: &mut dyn FnMut(&mut Page) -> Result<()>| {
        let mut reader = lock(reader);
        let mut page = Page::new();
        while reader.read_page(&mut page, options.run.budget.page_bytes())? {
            emit(&mut page)?;
        }
        Ok(())
    };
    let pipeline = Pipeline { readers: 1, ..Pipeline::of(options.run) };
    pipeline.run(&[std::sync::Mutex::new(&mut reader)], read, |page| {
        for (key, value) in page.iter() {
            check_record(subspace, derived_keys, key, value, &mut findings, &mut counters);
            if let Some(hashes) = &mut hashes {
                hashes.push_record(subspace, key, value)?;
            }
        }
        progress.add(page.len() as u64, page.size() as u64);
        Ok(())
    })?;
    findings.merge(reader.findings().clone());
    let digest = reader.digest();
    let totals = digest.as_ref().map(|digest| digest.totals).unwrap_or_default();
    let verified = VerifiedSubspace {
        letter: subspace.letter,
        name: subspace.name,
        records: totals.records,
        bytes: totals.key_bytes + totals.value_bytes,
        records_blake3: digest.map(|digest| hex(&digest.records_blake3)).unwrap_or_default(),
        differences: 0,
    };
    Ok(VerifiedPart { subspace, verified, findings, counters, hashes })
}

fn check_record(
    subspace: &'static Subspace,
    derived_keys: &DerivedBlobKeys,
    key: &[u8],
    value: &[u8],
    findings: &mut Findings,
    counters: &mut Counters,
) {
    if subspace.value == ValueKind::Blob {
        check::content(subspace, derived_keys, key, value, findings);
        return;
    }
    let Some(layout) = check::record(subspace, key, value, findings) else { return };
    let mut change_id = None;
    let problem = match layout.value_form(key) {
        ValueForm::Archive => {
            match Archive::parse(value).and_then(|archive| archive.check().map(|()| archive)) {
                Ok(archive) => {
                    change_id = archive.change_id;
                    None
                }
                Err(why) => Some((FindingKind::BadArchive, why)),
            }
        }
        ValueForm::Changes => changes::check(value).err().map(|why| (FindingKind::BadValue, why)),
        // `check::record` has checked the other forms together with the key.
        ValueForm::Opaque | ValueForm::Empty | ValueForm::Lease | ValueForm::Lengths(_) => None,
    };
    if let Some((kind, why)) = problem {
        findings.add(kind, subspace.letter, key, || format!("{}: {why}", subspace.describe(key)));
    }
    counters.see(layout, key, value, change_id);
}

fn against(
    dump: Dump,
    subspaces: &[&'static Subspace],
    config: &Path,
    options: &VerifyOptions,
    verified: &mut Verified,
) -> Result<()> {
    let console = &options.run.console;
    let config = connect::configuration(config, console)?;
    let total = dump.manifest().map_or(0, |m| m.subspaces.iter().map(SubspaceEntry::bytes).sum());
    let dump = HeldDump::new(dump)?;
    let left = Input::dump(&dump);
    let version = dump.version();
    // An interrupted import leaves a store without a schema version; its missing records are to be listed.
    let how = OpenOptions {
        blobs: options.blobs,
        schema: options.schema,
        otherwise: Some(version.number),
        ..OpenOptions::default()
    };
    // Blobs that are not in the dump are looked up in the blob store by the hashes in the links.
    let linked = version.blobs().filter(|_| subspaces.iter().any(|subspace| subspace.links_blobs()));
    let wanted = |_: &Connected| Ok(subspaces.iter().copied().chain(linked).collect());
    let connected = reading::open(&config, how, true, wanted, options.run)?;
    let store = connected.store;
    if store.version().number != version.number {
        let named = |version: &SchemaVersion| format!("{} ({})", version.number, version.releases);
        return Err(Error::refused("dump and store have different schema versions")
            .with("dump", named(version))
            .with("store", named(store.version()))
            .help("compare the dump with a store of its own schema version"));
    }
    verified.findings.merge(source_checks::unknown_tables(&store)?);
    let store = reading::past_absent(store, subspaces, &connected.place.location())?;
    verified.findings.merge(gaps::findings(&gaps::among(store.gaps(), subspaces)));
    let right = Input::store(&store);
    let progress = Progress::start(console.progress(), "compare", total);
    let names = ["the dump", "the store"];
    let compared: Vec<&'static Subspace> =
        subspaces.iter().copied().filter(|s| right.holds(s) || !s.derived).collect();
    let done = in_parallel(options.run.budget.jobs, &compared, |subspace| {
        comparison::compare([&left, &right], names, subspace, options.run, &progress)
    })?;
    drop(progress);
    let mut sides = Sides::default();
    for comparison::ComparedSubspace { subspace, counts, shown, found, hashes } in done {
        shown.iter().for_each(|line| console.print(line));
        let [_, found] = found;
        verified.findings.merge(found);
        sides.add(subspace, hashes);
        verified.subspaces.push(VerifiedSubspace {
            letter: counts.letter,
            name: counts.name,
            records: counts.equal + counts.only_left + counts.different,
            bytes: counts.equal_bytes,
            records_blake3: String::new(),
            differences: counts.differences(),
        });
    }
    if let Some(subspace) = version.blobs().filter(|_| sides.lack_blobs()) {
        let names = store.blob_names(subspace, &std::env::temp_dir(), &options.run.stop)?;
        sides.add(subspace, Some(names));
    }
    verified.findings.merge(store.piece_findings());
    verified.audit = sides.audit(&mut verified.findings)?;
    unchanged::check(store.source(), &connected.place)?;
    let unseen = |s: &Subspace| right.gaps().iter().any(|gap| gap.subspace.letter == s.letter);
    for subspace in version.subspaces.iter().filter(|s| !left.holds(s) && !unseen(s)) {
        let mut reading = right.read(subspace, &KeyRange::all())?;
        if reading.next(&mut Page::new(), 1)? {
            console.say(format!("not compared: {subspace} is not in the dump"));
        }
    }
    Ok(())
}
