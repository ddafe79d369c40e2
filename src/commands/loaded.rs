//! Plan and result of a load, shared by import and copy.

use serde::Serialize;

use crate::base::error::Error;
use crate::base::finding::Findings;
use crate::records::audit::Audit;
use crate::records::selection::Omission;
use crate::run::console::Console;
use crate::run::preflight;
use crate::target::load::Loaded;
use crate::target::transfer::{self, Transfer};

/// The result of an import or a copy.
#[derive(Debug, Default, Serialize)]
pub struct Imported {
    /// Schema version of the dump or of the source store.
    pub schema_version: u32,
    /// Subspaces written to the target, with counts.
    pub subspaces: Vec<ImportedSubspace>,
    /// Subspaces that were not loaded, with the reason: not selected, not read from the source, or without a table in
    /// the target.
    pub left_out: Vec<(char, Omission)>,
    /// Further notes for the administrator.
    pub advice: Vec<String>,
    /// Whether the target was read back and compared.
    pub verified: bool,
    /// Properties that cannot be proven, because the dump was made by a server and has no manifest.
    pub unproven: Vec<String>,
    /// Whether the dump itself is incomplete.
    pub incomplete_dump: bool,
    /// Whether the files of the target were given to an owner.
    #[serde(skip)]
    pub owned: bool,
    /// Linked, unlinked and missing blobs; `None` without both links and blobs.
    #[serde(skip)]
    pub audit: Option<Audit>,
    /// All findings.
    #[serde(skip)]
    pub findings: Findings,
}

/// Counts of one imported subspace.
#[derive(Debug, Serialize)]
pub struct ImportedSubspace {
    /// Letter.
    pub letter: char,
    /// Name.
    pub name: &'static str,
    /// Records written.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl Imported {
    /// Fills in the result of a load.
    pub fn complete(&mut self, loaded: Loaded, verified: bool, how: &transfer::TransferOptions) {
        for (subspace, layout, count) in loaded.local {
            how.run.console.say(format!(
                "left out {count} {layout} records of {} ({}), which belong to the old installation",
                subspace.letter, subspace.name
            ));
        }
        self.subspaces = loaded
            .expected
            .iter()
            .map(|e| ImportedSubspace {
                letter: e.subspace.letter,
                name: e.subspace.name,
                records: e.totals.records,
                bytes: e.totals.key_bytes + e.totals.value_bytes,
            })
            .collect();
        self.findings.merge(loaded.findings);
        self.audit = loaded.audit;
        self.verified = verified;
        self.owned = how.owner.is_some();
    }
}

/// Adds help to the error of a strict run with findings before the first write.
pub fn nothing_written(error: Error) -> Error {
    error.help("nothing was written; run without --strict to take every record as it is")
}

/// Prints the plan of a run: subspaces with records and bytes.
pub fn plan(transfer: &Transfer, console: &Console) {
    #[derive(Serialize)]
    struct PlannedLoad {
        event: &'static str,
        letter: char,
        name: &'static str,
        bytes_about: u64,
        records: Option<u64>,
    }
    console.print(format!("{:<2} {:<18} {:>14} {:>16}", "", "subspace", "records", "bytes about"));
    for part in &transfer.parts {
        let (letter, name) = (part.subspace.letter, part.subspace.name);
        let bytes_about = transfer.input.size(part.subspace).unwrap_or_default();
        let records = part.stated.as_ref().map(|(totals, _)| totals.records);
        let shown = records.map_or("?".to_string(), |records| records.to_string());
        console.print(format!("{letter:<2} {name:<18} {shown:>14} {bytes_about:>16}"));
        console.data(&PlannedLoad { event: "planned", letter, name, bytes_about, records });
    }
    let bytes = transfer.total();
    console.print(format!("{:<2} {:<18} {:>14} {bytes:>16}", "", "total", ""));
    console.say(format!("estimated time: {}", preflight::estimated_time(bytes)));
}

/// Records and bytes over all imported subspaces.
pub fn totals(subspaces: &[ImportedSubspace]) -> (u64, u64) {
    subspaces.iter().fold((0, 0), |(records, bytes), s| (records + s.records, bytes + s.bytes))
}
