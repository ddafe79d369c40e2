//! Resuming an interrupted export: its recorded state and its unfinished files.
//!
//! The records of an unfinished file are read and checked again as if they came from the store. The file itself
//! is the only record of how far the run came.

use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::{ExportOptions, lock};
use crate::backend::{KeyRange, Pages};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::{Subspace, ValueKind};
use crate::dump::digest::PartDigest;
use crate::dump::manifest::{DIRECTORY, MANIFEST, Manifest, RESUME};
use crate::dump::reader::Dump;
use crate::dump::writer::{DumpWriter, Resumed};
use crate::open::connect::Connected;
use crate::records::check::{self, Tally};
use crate::records::store::Store;
use crate::run::resume::{self, StateFile};

/// Bytes of records in a page when a store is read again.
const RESUME_PAGE: usize = 1 << 20;

/// Source, tool and selection of an export. Only an export with an equal state can be resumed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ExportState {
    command: String,
    tool_version: String,
    schema_version: u32,
    source: String,
    place: String,
    fingerprint: Option<String>,
    subspaces: String,
}

/// The starting point of an export.
pub(super) enum Begun {
    /// A dump that is new or left by an interrupted run.
    Unfinished(DumpWriter, StateFile),
    /// The interrupted run had written everything, the manifest last: its manifest and findings.
    Complete(Box<Manifest>, Findings, StateFile),
}

/// Creates a dump, or opens the one that an interrupted run has left.
pub(super) fn begin(
    connected: &Connected,
    subspaces: &[&'static Subspace],
    options: &ExportOptions,
) -> Result<Begun> {
    let inside = options.dir.join(DIRECTORY).join(RESUME);
    let path = options.state.unwrap_or(&inside);
    let source = connected.store.source();
    let mut letters: Vec<char> = subspaces.iter().map(|subspace| subspace.letter).collect();
    letters.sort_unstable();
    let state = ExportState {
        command: "export".to_string(),
        tool_version: env!("CARGO_PKG_VERSION").to_string(),
        schema_version: connected.store.version().number,
        source: source.kind().name().to_string(),
        place: resume::anonymous(&connected.place.location()),
        fingerprint: source.fingerprint()?,
        subspaces: letters.into_iter().collect(),
    };
    options.run.stop.check()?;
    if !options.resume {
        let writer = DumpWriter::create(options.dir, state.schema_version)?;
        return match StateFile::create(path, &state) {
            Ok(file) => Ok(Begun::Unfinished(writer, file)),
            Err(error) => {
                // No record was written yet, so a failure to remove the directory is ignored.
                let _ = writer.abandon();
                Err(error)
            }
        };
    }
    if options.dir.join(DIRECTORY).join(MANIFEST).exists() {
        return complete(path, &state, options);
    }
    let writer = DumpWriter::reopen(options.dir, state.schema_version)?;
    let Some((file, before)) = StateFile::open::<ExportState>(path)? else {
        return Err(Error::refused("the state of the interrupted export is not there")
            .with("path", path.display().to_string())
            .help(
                "name it with --state if it was kept elsewhere, or remove the directory and export again",
            ));
    };
    if let Some(what) = before.difference(&state) {
        return Err(Error::refused(format!("cannot go on: {what}"))
            .with("path", options.dir.display().to_string())
            .help("remove the directory and export again"));
    }
    Ok(Begun::Unfinished(writer, file))
}

/// Accepts a dump that has a manifest, if the state file shows that the same run made it.
///
/// Errors: refused, if there is no state file, or it belongs to another export.
fn complete(path: &Path, state: &ExportState, options: &ExportOptions) -> Result<Begun> {
    let refused = |what: String| {
        Error::refused(what)
            .with("path", options.dir.display().to_string())
            .help("check it with `verify DIR`; for another export name another directory")
    };
    let Some((file, before)) = StateFile::open::<ExportState>(path)? else {
        // Without a state file the run cannot be identified, and a complete dump needs no more work.
        return Err(refused("the export is complete: it has a manifest".to_string()));
    };
    if let Some(what) = before.difference(state) {
        return Err(refused(format!("the export is complete, but is not the one asked for: {what}")));
    }
    let dump = Dump::open(options.dir)?;
    let found = dump.manifest().map(|manifest| {
        let letters: String = manifest.subspaces.iter().map(|entry| entry.letter).collect();
        (manifest, letters)
    });
    match found {
        Some((manifest, letters))
            if manifest.schema_version == state.schema_version
                && manifest.source == state.source
                && letters == state.subspaces =>
        {
            Ok(Begun::Complete(Box::new(manifest.clone()), dump.recorded()?, file))
        }
        _ => Err(refused("the dump in the directory is not that of the interrupted export".to_string())),
    }
}

impl ExportState {
    /// The first difference between the two states, as text.
    fn difference(&self, now: &ExportState) -> Option<&'static str> {
        [
            (self.command != now.command, "the state is that of another command"),
            (self.tool_version != now.tool_version, "another release of this tool has begun the export"),
            (self.source != now.source || self.place != now.place, "another store was being exported"),
            (self.schema_version != now.schema_version, "the export was begun for another schema version"),
            (self.subspaces != now.subspaces, "other subspaces were being exported"),
            (self.fingerprint != now.fingerprint, "the store has changed since the export was interrupted"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Adds to an error how to resume.
pub(super) fn unfinished(error: Error, options: &ExportOptions) -> Error {
    if error.kind() == ErrorKind::Refused {
        return error;
    }
    error.help(format!(
        "what was exported so far is kept in {}: go on with the same command and --resume, or remove the directory",
        options.dir.display()
    ))
}

/// Resumes the file of a subspace. Checks the records in it again, so that their findings are counted.
pub(super) fn resume_subspace(
    store: &Store,
    subspace: &'static Subspace,
    writer: &Mutex<DumpWriter>,
    stop: &Stop,
    keep: &mut dyn FnMut(&Page) -> Result<()>,
) -> Result<(Resumed, Tally)> {
    let (mut tally, mut written) = (Tally::default(), PartDigest::new());
    // A store without a fingerprint is read again to detect changes.
    let again = store.source().fingerprint()?.is_none();
    let mut last: Option<Vec<u8>> = None;
    let mut each = |page: &Page| {
        stop.check()?;
        for (key, content) in page.iter() {
            if subspace.value != ValueKind::Blob {
                check::record(subspace, key, content, &mut tally.findings);
                continue;
            }
            let mut found = Findings::new();
            check::content(subspace, store.derived_keys(), key, content, &mut found);
            if found.count(FindingKind::BlobMismatch) > 0 {
                // Whether a blob could be decoded shows only in its stored bytes.
                found = Findings::new();
                store.check_blob(subspace, key, &mut found)?;
            }
            tally.findings.merge(found);
        }
        if again {
            written.add_page(page);
        }
        last = page.last().map(|(key, _)| key.to_vec()).or(last.take());
        keep(page)
    };
    let resumed = {
        let file = lock(writer).unfinished(subspace.letter, subspace.name)?;
        file.read(&mut each)?
    };
    if last.is_none() || !again && !check::has_local(subspace) {
        return Ok((resumed, tally));
    }
    let (mut found, mut page) = (PartDigest::new(), Page::new());
    let mut reading = store.read(subspace, &KeyRange { after: None, until: last })?;
    while reading.next(&mut page, RESUME_PAGE)? {
        stop.check()?;
        found.add_page(&page);
    }
    if again && (found.totals() != written.totals() || found.sum() != written.sum()) {
        return Err(Error::refused("cannot go on: the store has changed since the export was interrupted")
            .with("subspace", subspace.to_string())
            .help("remove the directory and export again"));
    }
    tally.local = reading.into_tally().local;
    Ok((resumed, tally))
}
