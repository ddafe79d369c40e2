//! The checks of every record: layout, value form, and blobs against their keys.
//!
//! Problems become findings; they never change or drop a record. Does not depend on where the records come from.

use std::collections::BTreeMap;

use crate::base::finding::{FindingKind, Findings};
use crate::base::page::Page;
use crate::catalog::{Layout, Problem, Subspace};
use crate::records::blob::{self, BlobRule, ContentCheck};
use crate::records::derived_keys::DerivedBlobKeys;

/// Findings and counts of reading records.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Findings.
    pub findings: Findings,
    /// Number of records skipped because they are local to the installation, by layout name.
    pub local: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Adds the findings and counts of another part of the same subspace.
    pub fn merge(&mut self, other: Tally) {
        self.findings.merge(other.findings);
        for (layout, count) in other.local {
            *self.local.entry(layout).or_default() += count;
        }
    }
}

/// Whether a subspace may have records that are local to the installation.
pub fn has_local(subspace: &Subspace) -> bool {
    subspace.layouts.iter().any(|layout| layout.local)
}

/// Checks the records of `raw` and adds the portable ones to `page`.
pub fn sift(subspace: &'static Subspace, raw: &Page, page: &mut Page, tally: &mut Tally) {
    for (key, value) in raw.iter() {
        match record(subspace, key, value, &mut tally.findings) {
            Some(layout) if layout.local => *tally.local.entry(layout.name).or_default() += 1,
            _ => page.push(key, value),
        }
    }
}

/// Checks key and value against the layouts of the subspace; returns the layout, or `None` for an unknown key.
pub fn record(
    subspace: &'static Subspace,
    key: &[u8],
    value: &[u8],
    findings: &mut Findings,
) -> Option<&'static Layout> {
    let problem = match subspace.check(key, value) {
        Ok(layout) => return Some(layout),
        Err(problem) => problem,
    };
    let unusable = subspace.unusable(value);
    if let Some(reason) = unusable {
        findings.add(FindingKind::UnusableValue, subspace.letter, key, || {
            format!("{}: {reason}, this value has {}", subspace.describe(key), value.len())
        });
    }
    match problem {
        Problem::UnknownKey(error) => {
            findings
                .add(FindingKind::UnknownKey, subspace.letter, key, || format!("{}: {error}", subspace.name));
            None
        }
        Problem::BadValue { layout, reason } => {
            if unusable.is_none() {
                findings.add(FindingKind::BadValue, subspace.letter, key, || {
                    format!("{}: {reason}", subspace.describe(key))
                });
            }
            Some(layout)
        }
    }
}

/// Decodes a stored blob and adds a finding unless the content hashes to the key.
pub fn blob<'a>(
    subspace: &'static Subspace,
    (rule, derived_keys): (BlobRule, &DerivedBlobKeys),
    key: &[u8],
    stored: &'a [u8],
    findings: &mut Findings,
) -> std::borrow::Cow<'a, [u8]> {
    let hashed = record(subspace, key, stored, findings).is_some_and(|layout| layout.content_hash)
        && !derived_keys.contains(key);
    let decoded = blob::decode(rule, hashed.then_some(key), stored);
    let mut found = |kind, what: &str| {
        findings.add(kind, subspace.letter, key, || format!("{}: {what}", subspace.describe(key)));
    };
    match decoded.check {
        ContentCheck::Matching => {}
        ContentCheck::Unhashed => found(FindingKind::BlobNotHashed, "the key is no hash of the content"),
        ContentCheck::Mismatch => {
            found(FindingKind::BlobMismatch, "decoded, but the content does not hash to the key")
        }
        ContentCheck::Undecodable => {
            found(FindingKind::BlobMismatch, "cannot be decoded; the stored bytes travel as they are");
        }
    }
    decoded.content
}

/// Checks the decoded content of a blob against its key.
pub fn content(
    subspace: &'static Subspace,
    derived_keys: &DerivedBlobKeys,
    key: &[u8],
    content: &[u8],
    findings: &mut Findings,
) {
    let hashed = record(subspace, key, content, findings).is_some_and(|layout| layout.content_hash)
        && !derived_keys.contains(key);
    let mut found = |kind, what: &str| {
        findings.add(kind, subspace.letter, key, || format!("{}: {what}", subspace.describe(key)));
    };
    if !hashed {
        found(FindingKind::BlobNotHashed, "the key is no hash of the content");
    } else if blake3::hash(content).as_bytes() != key {
        found(FindingKind::BlobMismatch, "the content does not hash to the key");
    }
}
