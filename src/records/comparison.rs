//! Compares one subspace of two inputs: counts, and the first differences in words.

use serde::Serialize;

use crate::base::error::Result;
use crate::base::finding::Findings;
use crate::base::hex::hex;
use crate::catalog::Subspace;
use crate::records::audit::HashList;
use crate::records::input::Input;
use crate::records::merge_join::{self, ComparedValue, Pair};
use crate::run::Run;
use crate::run::progress::Progress;

/// Most differences shown for each subspace.
const SHOWN: usize = 5;

/// Numbers of equal and different records of a subspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Letter of the subspace.
    pub letter: char,
    /// Name of the subspace.
    pub name: &'static str,
    /// Records that are equal on both sides.
    pub equal: u64,
    /// Bytes of keys and values of equal records.
    pub equal_bytes: u64,
    /// Keys that exist only on the left side.
    pub only_left: u64,
    /// Keys that exist only on the right side.
    pub only_right: u64,
    /// Keys with different values on the two sides.
    pub different: u64,
}

impl Counts {
    /// Number of records that are not equal.
    pub fn differences(&self) -> u64 {
        self.only_left + self.only_right + self.different
    }
}

/// Result of comparing one subspace.
pub struct ComparedSubspace {
    /// The subspace.
    pub subspace: &'static Subspace,
    /// Numbers of equal and different records.
    pub counts: Counts,
    /// The first differences, in words.
    pub shown: Vec<String>,
    /// Findings of reading the left and the right side.
    pub found: [Findings; 2],
    /// Hashes of blobs that the right side names or contains.
    pub hashes: Option<HashList>,
}

/// Compares one subspace; `names` are the names of the sides in the lines that show the first differences.
///
/// Errors: those of reading either side and of the list of hashes, and interrupted.
pub fn compare(
    sides: [&Input; 2],
    names: [&str; 2],
    subspace: &'static Subspace,
    run: &Run,
    progress: &Progress,
) -> Result<ComparedSubspace> {
    let mut hashes = HashList::of(subspace, &std::env::temp_dir())?;
    let mut counts = Counts { letter: subspace.letter, name: subspace.name, ..Counts::default() };
    let mut shown = Vec::new();
    let (mut seen, mut bytes) = (0, 0);
    let found = merge_join::compare(sides, subspace, run.budget.page_bytes(), &run.stop, |pair| {
        let Pair { key, left, right } = pair;
        if let (Some(hashes), Some(right)) = (&mut hashes, right) {
            // Large values are blobs, for which the list needs only the key.
            let value = if let ComparedValue::Bytes(value) = right { value } else { &[] };
            hashes.push_record(subspace, key, value)?;
        }
        seen += 1;
        bytes += (key.len() + left.map_or(0, |value| value.length())) as u64;
        if seen == 4096 {
            progress.add(seen, bytes);
            (seen, bytes) = (0, 0);
        }
        match (left, right) {
            _ if pair.equal() => {
                counts.equal += 1;
                counts.equal_bytes += (key.len() + left.map_or(0, |value| value.length())) as u64;
                return Ok(());
            }
            (Some(_), None) => counts.only_left += 1,
            (None, _) => counts.only_right += 1,
            _ => counts.different += 1,
        }
        if shown.len() < SHOWN {
            shown.push(format!(
                "{subspace} {}: {}: {}",
                hex(key),
                pair.difference(names),
                subspace.describe(key)
            ));
        }
        Ok(())
    })?;
    progress.add(seen, bytes);
    Ok(ComparedSubspace { subspace, counts, shown, found: found.map(|tally| tally.findings), hashes })
}
