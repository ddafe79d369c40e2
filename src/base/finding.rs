//! Findings: reports of bad data. A finding never changes or drops a record.
//!
//! A pipeline returns its result *and* its findings. Counts are complete. Samples are limited for most kinds and
//! complete for losses. The commands decide the consequences (`--strict`, exit codes).

use std::collections::BTreeMap;

mod spill;

use serde::{Deserialize, Serialize};
use spill::Samples;

use crate::base::hex::hex;

/// Number of samples kept of a kind unless the kind is [complete](FindingKind::is_complete).
pub const SAMPLES: usize = 100;

/// The kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A key matches no layout of its subspace.
    UnknownKey,
    /// A value breaks the rule of its layout.
    BadValue,
    /// A value that no server can use and that not every store can hold: a counter that is not a number, a value
    /// under a key that must not have one.
    UnusableValue,
    /// Such a value that was not loaded, because the target cannot hold it.
    ValueLeftOut,
    /// A table, column family or key prefix with rows that is not in the catalog.
    UnknownTable,
    /// A table of another program in the same database.
    OtherTable,
    /// A table that every server creates is missing or cannot be read.
    MissingTable,
    /// A table of an older schema version still holds rows.
    LegacyRows,
    /// The trailer hash of an archived value does not match its payload.
    BadArchive,
    /// A blob's content does not hash to its key.
    BlobMismatch,
    /// A blob under a key that by design is not a content hash.
    BlobNotHashed,
    /// A link names a blob that the store does not have.
    BlobMissing,
    /// A missing or different blob that is named only by a provisional link, written before the blob is used.
    BlobProvisional,
    /// A blob that no link names.
    BlobUnlinked,
    /// A table of the data store holds blobs that the configuration does not use.
    UnusedBlobs,
    /// An object in a blob store that does not belong to this server.
    ForeignObject,
    /// A counter is lower than an id it should cover.
    CounterTooLow,
    /// A record or range that could not be read.
    Lost,
    /// A piece of a value that was replaced by a shorter one or deleted: it belongs to no record and is left out.
    OrphanPiece,
    /// A record whose key looks like that of a piece of another value: it is taken as a record.
    LookAlikeKey,
    /// A value of which pieces are missing, too short or too many.
    BrokenPieces,
    /// The end of a log, or files, not read because a killed server had not finished them.
    LogEnd,
    /// A record repeated with equal content in a server's dump, read once.
    Duplicate,
    /// Records out of ascending order in a server's dump.
    OutOfOrder,
}

impl FindingKind {
    /// The name of the kind in a manifest and in `findings.jsonl`.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            // A unit variant always becomes a string.
            _ => String::new(),
        }
    }

    /// The kind of this name; `None` for kinds of newer releases.
    pub fn named(name: &str) -> Option<FindingKind> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    /// Whether all samples are kept, as for losses.
    pub fn is_complete(self) -> bool {
        matches!(
            self,
            FindingKind::Lost
                | FindingKind::BlobMissing
                | FindingKind::BlobProvisional
                | FindingKind::UnusableValue
                | FindingKind::ValueLeftOut
                | FindingKind::OrphanPiece
                | FindingKind::BrokenPieces
        )
    }

    /// Whether the run ends with exit code 3: records are missing from the result, or a server could not use some of
    /// them.
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
                | FindingKind::OrphanPiece
                | FindingKind::BrokenPieces
        )
    }

    /// Whether the dump contains the affected record unchanged.
    pub fn keeps_record(self) -> bool {
        matches!(self, FindingKind::UnusableValue | FindingKind::BlobMismatch)
    }

    /// Whether the kind describes normal data, which `--strict` ignores.
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

    /// Description for messages, in the plural.
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
            FindingKind::OrphanPiece => "pieces of values that were replaced or deleted, which are left out",
            FindingKind::LookAlikeKey => "records whose keys look like those of pieces",
            FindingKind::BrokenPieces => "values whose pieces are missing, too short or too many",
            FindingKind::LogEnd => "ends of logs and files that were not finished and not read",
            FindingKind::Duplicate => "repeated records, taken once",
            FindingKind::OutOfOrder => "records out of order",
        }
    }
}

/// One finding, as a line of `manifest/findings.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// Subspace letter, or the name of a table that is not in the catalog.
    pub subspace: String,
    /// Key in lower-case hex; empty for a finding about a whole table.
    pub key: String,
    /// Reason, with the key decoded if a layout matches.
    pub detail: String,
}

/// Complete counts and bounded samples of findings.
#[derive(Debug, Default, Clone)]
pub struct Findings {
    counts: BTreeMap<FindingKind, u64>,
    samples: BTreeMap<FindingKind, Samples>,
}

impl Findings {
    /// No findings.
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

    /// Counts `count` findings that share one sample.
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

    /// Counts one finding about all keys between two keys, both excluded; either end may be open.
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

    /// Adds the count of another run.
    pub fn recall(&mut self, kind: FindingKind, count: u64) {
        if count > 0 {
            *self.counts.entry(kind).or_default() += count;
        }
    }

    /// Keeps a sample of another run, without counting it.
    pub fn recall_sample(&mut self, finding: Finding) {
        let samples = self.samples.entry(finding.kind).or_default();
        if finding.kind.is_complete() || samples.in_memory() < SAMPLES {
            samples.push(finding);
        }
    }

    /// Adds the findings of another part of the run. Samples stay sorted if `other` is merged in key order.
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

    /// Removes the finding about one key if its sample was kept. Returns whether it was removed.
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

    /// Count of `kind`.
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// Complete counts by kind.
    pub fn counts(&self) -> &BTreeMap<FindingKind, u64> {
        &self.counts
    }

    /// The samples in memory, by kind and in the order found.
    pub fn samples(&self) -> impl Iterator<Item = &Finding> {
        self.samples.values().flat_map(Samples::first)
    }

    /// Calls `each` with every sample as a line of JSON with its newline, by kind and in the order found.
    ///
    /// Errors: those of `each`, and of reading samples from temporary files.
    pub fn lines(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
        self.samples.values().try_for_each(|samples| samples.lines(each))
    }

    /// Whether there is a finding that is fatal with `--strict`.
    pub fn any_strict(&self) -> bool {
        self.counts.keys().any(|kind| !kind.is_notice())
    }

    /// Whether the result is incomplete (exit 3).
    pub fn incomplete(&self) -> bool {
        self.counts.keys().any(|kind| kind.is_incomplete())
    }

    /// Whether there are no findings.
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
