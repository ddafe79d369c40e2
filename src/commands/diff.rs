//! Diff: compares two dumps, two stores, or one of each, record by record. Writes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::Findings;
use crate::catalog::SchemaVersion;
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::installation::{BlobChoice, Installation};
use crate::open::overlap::{self, Side};
use crate::open::reading;
use crate::open::source_checks;
use crate::open::unchanged;
use crate::records::comparison::{self, Counts};
use crate::records::gaps::{self, Gap};
use crate::records::input::{self, HeldDump, Input};
use crate::records::pipeline::in_parallel;
use crate::records::selection::{Omission, Request};
use crate::records::store::Store;
use crate::run::Run;
use crate::run::progress::Progress;

/// What to compare and how.
pub struct DiffOptions<'a> {
    /// Directories of dumps or configuration files.
    pub sides: [&'a Path; 2],
    /// Subspaces asked for.
    pub request: &'a Request,
    /// Overrides the schema version that a store states.
    pub schema: Option<u32>,
    /// The user's choices about the blob stores of the configurations.
    pub blobs: BlobChoice<'a>,
    /// Threads, memory, console and the stop request.
    pub run: &'a Run,
}

/// The result of a comparison.
#[derive(Debug, Default, Serialize)]
pub struct Compared {
    /// Subspaces with their counts, by letter.
    pub subspaces: Vec<Counts>,
    /// Subspaces that were not compared, with the reason.
    pub left_out: Vec<(char, Omission)>,
    /// Findings from reading the left and the right side.
    #[serde(skip)]
    pub findings: [Findings; 2],
    /// Findings of the exports of those sides that are dumps, counted by kind, from their manifests.
    #[serde(skip)]
    pub recorded: Vec<BTreeMap<String, u64>>,
    /// Subspaces whose tables are missing in a store although its server creates them: letter, side, reason.
    pub missing: Vec<(char, &'static str, String)>,
}

impl Compared {
    /// Whether both sides are equal.
    pub fn equal(&self) -> bool {
        self.missing.is_empty() && self.subspaces.iter().all(|counts| counts.differences() == 0)
    }
}

/// Compares two dumps or stores.
///
/// Errors: usage, refused (also for different schema versions), damaged (a dump that cannot be read), I/O,
/// interrupted. Findings about the data are not errors.
pub fn run(options: &DiffOptions) -> Result<Compared> {
    let [left, right] = options.sides;
    let ((left_opened, one), (right_opened, other)) = (open(left, options)?, open(right, options)?);
    let (left, right) = (left_opened.input(), right_opened.input());
    // Other errors are ignored here: a side that cannot be located fails when it is read.
    if let Err(same) = overlap::check(&one, &other, true, &options.run.console)
        && same.kind() == ErrorKind::Usage
    {
        options.run.console.warn(format!("what is equal proves nothing where both sides are one: {same}"));
    }
    let version = left.version();
    if version.number != right.version().number {
        let named = |version: &SchemaVersion| format!("{} ({})", version.number, version.releases);
        return Err(Error::refused("the two have different schema versions")
            .with("left", named(version))
            .with("right", named(right.version()))
            .help("only data of one schema version can be compared"));
    }
    let selected = options.request.resolve(version)?;
    let (mut subspaces, mut left_out) = (Vec::new(), Vec::new());
    for subspace in version.subspaces {
        let held = [left.holds(subspace), right.holds(subspace)];
        let why = match held {
            [false, false] => continue,
            _ if !selected.iter().any(|s| s.letter == subspace.letter) => Omission::NotSelected,
            // Derived data may be absent where a store has no table for it.
            [true, false] | [false, true] if subspace.derived => Omission::NoCounterpart,
            _ => {
                subspaces.push(subspace);
                continue;
            }
        };
        left_out.push((subspace.letter, why));
    }
    let total = subspaces.iter().map(|s| left.size(s)).sum::<Result<u64>>()?;
    let progress = Progress::start(options.run.console.progress(), "compare", total);
    let done = in_parallel(options.run.budget.jobs, &subspaces, |subspace| {
        comparison::compare([&left, &right], ["the left", "the right"], subspace, options.run, &progress)
    })?;
    drop(progress);
    for side in [&left_opened, &right_opened] {
        if let OpenSide::Store(store, place) = side {
            unchanged::check(store.source(), place)?;
        }
    }
    let mut compared = Compared { left_out, ..Compared::default() };
    for (at, (side, other)) in [(&left_opened, &right), (&right_opened, &left)].into_iter().enumerate() {
        let Some(findings) = compared.findings.get_mut(at) else { continue };
        match side {
            OpenSide::Store(store, _) => {
                findings.merge(source_checks::unknown_tables(store)?);
                findings.merge(store.piece_findings());
                let selected = |gap: &&Gap| subspaces.iter().any(|s| s.letter == gap.subspace.letter);
                // A table is not missing if the other side does not have the subspace either.
                let gaps = store.gaps().iter().filter(selected).filter(|gap| other.holds(gap.subspace));
                let gaps: Vec<Gap> = gaps.cloned().collect();
                findings.merge(gaps::findings(&gaps));
                let name = if at == 0 { "left" } else { "right" };
                compared.missing.extend(gaps.into_iter().map(|gap| (gap.subspace.letter, name, gap.why)));
            }
            OpenSide::Dump(held) => {
                compared.recorded.extend(held.dump.manifest().map(|manifest| manifest.findings.clone()));
            }
        }
    }
    for comparison::ComparedSubspace { counts, shown, found, .. } in done {
        shown.iter().for_each(|line| options.run.console.print(line));
        compared.subspaces.push(counts);
        for (findings, part) in compared.findings.iter_mut().zip(found) {
            findings.merge(part);
        }
    }
    Ok(compared)
}

/// One opened side.
enum OpenSide {
    Dump(Box<HeldDump>),
    // With its location from the configuration.
    Store(Box<Store>, Box<Installation>),
}

impl OpenSide {
    fn input(&self) -> Input<'_> {
        match self {
            OpenSide::Dump(held) => Input::dump(held),
            OpenSide::Store(store, _) => Input::store(store),
        }
    }
}

/// Opens a directory as a dump and a file as a configuration.
fn open(path: &Path, options: &DiffOptions) -> Result<(OpenSide, Side)> {
    let console = &options.run.console;
    if path.is_dir() {
        let held = HeldDump::new(input::open_dump(path, &options.run.budget)?)?;
        return Ok((OpenSide::Dump(Box::new(held)), Side::dump(path)));
    }
    let config = connect::configuration(path, console)?;
    let how = OpenOptions { schema: options.schema, blobs: options.blobs, ..OpenOptions::default() };
    let wanted = |connected: &Connected| options.request.resolve(connected.store.version());
    let connected = reading::open(&config, how, true, wanted, options.run)?;
    let selected = wanted(&connected)?;
    let store = reading::past_absent(connected.store, &selected, &connected.place.location())?;
    let side = Side::stores("store", &connected.place);
    Ok((OpenSide::Store(Box::new(store), Box::new(connected.place)), side))
}
