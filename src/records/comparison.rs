//! One subspace of two inputs compared: counts, and the first differences in words.

use serde::Serialize;

use crate::base::error::Result;
use crate::base::finding::Findings;
use crate::base::hex::hex;
use crate::catalog::Subspace;
use crate::records::audit::HashList;
use crate::records::input::Input;
use crate::records::merge_join::{self, Pair, Value};
use crate::run::Run;
use crate::run::progress::Progress;

/// Differences shown of each subspace.
const SHOWN: usize = 5;

/// How many records of a subspace are where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Letter.
    pub letter: char,
    /// Name.
    pub name: &'static str,
    /// Records that are the same on both sides.
    pub equal: u64,
    /// Bytes of keys and values that are the same.
    pub equal_bytes: u64,
    /// Keys that only the left side has.
    pub only_left: u64,
    /// Keys that only the right side has.
    pub only_right: u64,
    /// Keys with other values.
    pub different: u64,
}

impl Counts {
    /// Records that are not the same.
    pub fn differences(&self) -> u64 {
        self.only_left + self.only_right + self.different
    }
}

/// One subspace compared.
pub struct ComparedSubspace {
    /// The subspace.
    pub subspace: &'static Subspace,
    /// How many records are where.
    pub counts: Counts,
    /// The first differences in words.
    pub shown: Vec<String>,
    /// What reading left and right has found.
    pub found: [Findings; 2],
    /// Hashes of blobs that the right side names or has.
    pub hashes: Option<HashList>,
}

/// Compares one subspace; `names` are those of the sides in the lines that show the first differences.
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
            // What is large is a blob, whose key says it all.
            let value = if let Value::Bytes(value) = right { value } else { &[] };
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
                return Ok(true);
            }
            (Some(_), None) => counts.only_left += 1,
            (None, _) => counts.only_right += 1,
            _ => counts.different += 1,
        }
        if shown.len() < SHOWN {
            shown.push(format!(
                "{} ({}) {}: {}: {}",
                subspace.letter,
                subspace.name,
                hex(key),
                pair.difference(names),
                subspace.describe(key)
            ));
        }
        Ok(true)
    })?;
    progress.add(seen, bytes);
    Ok(ComparedSubspace { subspace, counts, shown, found: found.map(|tally| tally.findings), hashes })
}
