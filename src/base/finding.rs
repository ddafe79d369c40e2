//! Findings: bad data that is reported and never changes or drops a record.
//!
//! A pipeline returns its result *and* its findings. Counts are complete; of most kinds only the first
//! samples are kept, of losses every one. Policy (`--strict`, exit codes) belongs to the commands.

use std::collections::BTreeMap;

mod spill;

use serde::{Deserialize, Serialize};
use spill::Samples;

use crate::base::hex::hex;

/// How many samples of a kind are kept unless the kind is [complete](FindingKind::is_complete).
pub const SAMPLES: usize = 100;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A key matches no layout of its subspace.
    UnknownKey,
    /// A value breaks the rule of its layout.
    BadValue,
    /// A value that no server can use and that not every store can hold: a counter that is no number, a value
    /// where keys have none.
    UnusableValue,
    /// Such a value that was not loaded, because the target has no place for it.
    ValueLeftOut,
    /// A table, column family or key prefix that the catalog does not know holds rows.
    UnknownTable,
    /// A table of something else in the same database.
    OtherTable,
    /// A table that the server always has is not there or cannot be read.
    MissingTable,
    /// A table of an older schema version still holds rows.
    LegacyRows,
    /// The trailer hash of an archived value does not match its payload.
    BadArchive,
    /// A blob's content does not hash to its key.
    BlobMismatch,
    /// A blob under a key that is no content hash by design.
    BlobNotHashed,
    /// A link names a blob that the store does not have.
    BlobMissing,
    /// A blob that is missing or has another content, and that only a link names which is written before a blob
    /// is used.
    BlobProvisional,
    /// A blob that no link names.
    BlobUnlinked,
    /// A table of the data store holds blobs that the configuration does not use.
    UnusedBlobs,
    /// An object in a blob store that is not this server's.
    ForeignObject,
    /// A counter is lower than an id it should cover.
    CounterTooLow,
    /// A record or range that could not be read.
    Lost,
    /// The end of a log, or files, that were not read because a killed server had not finished them.
    LogEnd,
    /// A record repeated with equal content in a server's dump, taken once.
    Duplicate,
    /// Records out of ascending order in a server's dump.
    OutOfOrder,
}

impl FindingKind {
    /// Its name in a manifest and in `findings.jsonl`.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            // A unit variant always becomes a string.
            _ => String::new(),
        }
    }

    /// The kind of that name; a newer release may write kinds that this one does not know.
    pub fn named(name: &str) -> Option<FindingKind> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    /// Losses are listed one by one, however many there are.
    pub fn is_complete(self) -> bool {
        matches!(
            self,
            FindingKind::Lost
                | FindingKind::BlobMissing
                | FindingKind::BlobProvisional
                | FindingKind::UnusableValue
                | FindingKind::ValueLeftOut
        )
    }

    /// Ends the run with exit code 3: the result does not hold everything, or not everything in a state in which
    /// a server could use it.
    pub fn is_incomplete(self) -> bool {
        matches!(
            self,
            FindingKind::UnusableValue
                | FindingKind::ValueLeftOut
                | FindingKind::UnknownTable
                | FindingKind::MissingTable
                | FindingKind::LegacyRows
                | FindingKind::BlobMismatch
                | FindingKind::BlobMissing
                | FindingKind::Lost
        )
    }

    /// The dump holds what this is about, as it was found.
    pub fn travels(self) -> bool {
        matches!(self, FindingKind::UnusableValue | FindingKind::BlobMismatch)
    }

    /// Notices describe what is normal; `--strict` ignores them.
    pub fn is_notice(self) -> bool {
        matches!(
            self,
            FindingKind::BlobNotHashed
                | FindingKind::BlobUnlinked
                | FindingKind::UnusedBlobs
                | FindingKind::ForeignObject
                | FindingKind::LogEnd
                | FindingKind::OtherTable
        )
    }

    /// Words for a person.
    pub fn title(self) -> &'static str {
        match self {
            FindingKind::UnknownKey => "keys of no known layout",
            FindingKind::BadValue => "values that break the rule of their layout",
            FindingKind::UnusableValue => "values that no server can use",
            FindingKind::ValueLeftOut => "values left out, for which the target has no place",
            FindingKind::UnknownTable => "tables the catalog does not know",
            FindingKind::OtherTable => "tables that are not this server's, which are left where they are",
            FindingKind::MissingTable => "tables of the server that are not there or cannot be read",
            FindingKind::LegacyRows => "tables of an older schema version that still hold rows",
            FindingKind::BadArchive => "archives whose hash does not match",
            FindingKind::BlobMismatch => "blobs whose content does not hash to their key",
            FindingKind::BlobNotHashed => "blobs under keys that are no content hash by design",
            FindingKind::BlobMissing => "linked blobs that are missing",
            FindingKind::BlobProvisional => "blobs without their content that belong to nothing yet",
            FindingKind::BlobUnlinked => "blobs without a link",
            FindingKind::UnusedBlobs => "tables of blobs that the configuration does not use",
            FindingKind::ForeignObject => "objects in the blob store that are not this server's",
            FindingKind::CounterTooLow => "counters lower than an id they should cover",
            FindingKind::Lost => "records or ranges that could not be read",
            FindingKind::LogEnd => "ends of logs and files that were not finished and not read",
            FindingKind::Duplicate => "repeated records, taken once",
            FindingKind::OutOfOrder => "records out of order",
        }
    }
}

/// One thing found, as a line of `manifest/findings.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// Subspace letter, or a table name the catalog does not know.
    pub subspace: String,
    /// Key in lower-case hex; empty when the finding is about a whole table.
    pub key: String,
    /// Why, with the key decoded where a layout matches.
    pub detail: String,
}

/// Complete counts and bounded samples of everything found.
#[derive(Debug, Default, Clone)]
pub struct Findings {
    counts: BTreeMap<FindingKind, u64>,
    samples: BTreeMap<FindingKind, Samples>,
}

impl Findings {
    /// Nothing found yet.
    pub fn new() -> Self {
        Findings::default()
    }

    /// Counts a finding; builds its sample only while samples of that kind are kept.
    pub fn add(
        &mut self,
        kind: FindingKind,
        subspace: impl Into<String>,
        key: &[u8],
        detail: impl FnOnce() -> String,
    ) {
        self.add_all(kind, 1, subspace, key, detail);
    }

    /// Counts `count` findings that one line tells of.
    pub fn add_all(
        &mut self,
        kind: FindingKind,
        count: u64,
        subspace: impl Into<String>,
        key: &[u8],
        detail: impl FnOnce() -> String,
    ) {
        *self.counts.entry(kind).or_default() += count;
        let samples = self.samples.entry(kind).or_default();
        if kind.is_complete() || samples.in_memory() < SAMPLES {
            samples.push(Finding { kind, subspace: subspace.into(), key: hex(key), detail: detail() });
        }
    }

    /// Counts a finding about every key between two, which are not part of it; either end may be open.
    pub fn add_between(
        &mut self,
        kind: FindingKind,
        subspace: impl Into<String>,
        [after, before]: [&Option<Vec<u8>>; 2],
        detail: impl FnOnce() -> String,
    ) {
        let end = |key: &Option<Vec<u8>>| key.as_deref().map(hex).unwrap_or_default();
        *self.counts.entry(kind).or_default() += 1;
        let samples = self.samples.entry(kind).or_default();
        if kind.is_complete() || samples.in_memory() < SAMPLES {
            let key = format!("{}..{}", end(after), end(before));
            samples.push(Finding { kind, subspace: subspace.into(), key, detail: detail() });
        }
    }

    /// Counts what another run has counted.
    pub fn recall(&mut self, kind: FindingKind, count: u64) {
        if count > 0 {
            *self.counts.entry(kind).or_default() += count;
        }
    }

    /// Keeps a sample of what is counted already, as another run has written it down.
    pub fn recall_sample(&mut self, finding: Finding) {
        let samples = self.samples.entry(finding.kind).or_default();
        if finding.kind.is_complete() || samples.in_memory() < SAMPLES {
            samples.push(finding);
        }
    }

    /// Adds what another part of the run found. Samples stay sorted when `other` is merged in key order.
    pub fn merge(&mut self, other: Findings) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        for (kind, list) in other.samples {
            let samples = self.samples.entry(kind).or_default();
            if kind.is_complete() {
                samples.append(list)
            } else {
                let room = SAMPLES.saturating_sub(samples.in_memory());
                list.first().iter().take(room).for_each(|finding| samples.push(finding.clone()));
            }
        }
    }

    /// Takes back the finding about one key, if its sample was kept; whether it was.
    pub fn retract(&mut self, kind: FindingKind, key: &[u8]) -> bool {
        let key = hex(key);
        let kept = self.samples.get_mut(&kind).is_some_and(|samples| samples.remove(&key));
        if kept && let Some(count) = self.counts.get_mut(&kind) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&kind);
            }
        }
        kept
    }

    /// How often `kind` was found.
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// Complete counts by kind.
    pub fn counts(&self) -> &BTreeMap<FindingKind, u64> {
        &self.counts
    }

    /// The first samples, by kind and in the order found.
    pub fn samples(&self) -> impl Iterator<Item = &Finding> {
        self.samples.values().flat_map(Samples::first)
    }

    /// Gives every sample kept to `each` as a line of JSON with its newline, by kind and in the order found.
    ///
    /// Errors: those of `each`, and of reading what did not fit into memory.
    pub fn lines(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
        self.samples.values().try_for_each(|samples| samples.lines(each))
    }

    /// Whether anything was found that `--strict` makes fatal.
    pub fn any_strict(&self) -> bool {
        self.counts.keys().any(|kind| !kind.is_notice())
    }

    /// Whether the result does not hold everything (exit 3).
    pub fn incomplete(&self) -> bool {
        self.counts.keys().any(|kind| kind.is_incomplete())
    }

    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_complete_and_samples_bounded_except_for_losses() {
        let mut findings = Findings::new();
        for n in 0..250u8 {
            findings.add(FindingKind::UnknownKey, "p", &[n], String::new);
            findings.add(FindingKind::Lost, "p", &[n], String::new);
        }
        let mut merged = Findings::new();
        merged.merge(findings.clone());
        merged.merge(findings);
        assert_eq!(merged.count(FindingKind::UnknownKey), 500);
        let of = |kind| merged.samples().filter(|f| f.kind == kind).count();
        assert_eq!(of(FindingKind::UnknownKey), SAMPLES);
        assert_eq!(of(FindingKind::Lost), 500);
    }

    #[test]
    fn a_finding_that_is_taken_back_is_neither_counted_nor_kept() {
        let mut findings = Findings::new();
        for n in 0..3u8 {
            findings.add(FindingKind::BlobMismatch, "t", &[n], String::new);
        }
        assert!(findings.retract(FindingKind::BlobMismatch, &[1]));
        assert!(!findings.retract(FindingKind::BlobMismatch, &[1]));
        assert!(!findings.retract(FindingKind::BlobMissing, &[0]));
        let keys: Vec<&str> = findings.samples().map(|finding| finding.key.as_str()).collect();
        assert_eq!((findings.count(FindingKind::BlobMismatch), keys), (2, vec!["00", "02"]));
        assert!(findings.retract(FindingKind::BlobMismatch, &[0]) && findings.incomplete());
        assert!(findings.retract(FindingKind::BlobMismatch, &[2]) && findings.is_empty());
    }
}
