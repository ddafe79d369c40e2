//! Rules between records, as data: counters that cover ids, blob keys computed from objects.
//!
//! Says which fields of which layouts; reading them from a store is the caller's business.

use super::descriptors::{Layout, ValueForm};
use super::interpreter::FieldValue;

/// A layout of the same schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutRef {
    /// Letter of the subspace.
    pub letter: char,
    /// Index among its layouts.
    pub layout: usize,
}

/// Segment indexes with inclusive ranges of values.
pub type Conditions = &'static [(usize, &'static [(u64, u64)])];

/// For each group a counter must not be lower than any id it covers; a missing counter is 0.
#[derive(Debug)]
pub struct CounterRule {
    /// Name, unique in the schema.
    pub name: &'static str,
    /// What breaks otherwise.
    pub doc: &'static str,
    /// The counter.
    pub counter: LayoutRef,
    /// Segments of the counter's key that name the group.
    pub group: &'static [usize],
    /// What it covers.
    pub covers: &'static [Cover],
}

/// Records whose ids a counter covers.
#[derive(Debug)]
pub struct Cover {
    /// Their layout.
    pub of: LayoutRef,
    /// What names their group, in the counter's order.
    pub group: &'static [GroupNumber],
    /// The id.
    pub id: CoveredId,
    /// Only records whose fields are all in these sets.
    pub only: Conditions,
    /// Not the records of which a field is in its set.
    pub unless: Conditions,
}

/// One of the numbers that name the group of a covered record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupNumber {
    /// In this segment of the key.
    Field(usize),
    /// The same for all these records: their keys do not hold it.
    Fixed(u64),
}

/// Where an id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoveredId {
    /// In this segment of the key.
    Field(usize),
    /// In the trailer of the archived value, where that is a versioned archive.
    ArchiveChangeId,
}

/// Blob keys that are the BLAKE3 of a prefix and an object's id in decimal, not of the content.
#[derive(Debug)]
pub struct ComputedKeys {
    /// First and last schema version that has them.
    pub versions: (u32, u32),
    /// What stands before the id.
    pub prefix: &'static str,
    /// Records that name the objects.
    pub of: LayoutRef,
    /// Segment of their key that holds the id.
    pub field: usize,
    /// Only records whose fields are all in these sets.
    pub only: Conditions,
}

impl ComputedKeys {
    /// The text whose hash is the blob's key, for a record of [`of`](Self::of); `None` if it names no such
    /// blob.
    pub fn preimage(&self, layout: &Layout, key: &[u8]) -> Option<String> {
        if !holds(self.only, layout, key) {
            return None;
        }
        Some(format!("{}{}", self.prefix, number(layout, key, self.field)?))
    }
}

impl Cover {
    /// Whether a record with this key is covered.
    pub fn applies(&self, layout: &Layout, key: &[u8]) -> bool {
        let excluded =
            self.unless.iter().any(|condition| holds(std::slice::from_ref(condition), layout, key));
        holds(self.only, layout, key) && !excluded
    }
}

impl Layout {
    /// Whether this is a link that is written before the blob is used.
    pub fn is_provisional(&self, key: &[u8], value: &[u8]) -> bool {
        value.is_empty() && self.provisional.is_some_and(|conditions| holds(conditions, self, key))
    }

    /// What the value of this key holds: some layouts hold archives under some of their fields only.
    pub fn value_form(&self, key: &[u8]) -> ValueForm {
        match self.archives.iter().any(|conditions| holds(conditions, self, key)) {
            true => ValueForm::Archive,
            false => self.value,
        }
    }
}

/// The number in a segment of a key.
pub(super) fn number(layout: &Layout, key: &[u8], segment: usize) -> Option<u64> {
    match layout.fields(key).find(|field| field.index == segment)?.value {
        FieldValue::Number(number) => Some(number),
        FieldValue::Bytes(_) => None,
    }
}

fn holds(conditions: &[(usize, &[(u64, u64)])], layout: &Layout, key: &[u8]) -> bool {
    conditions.iter().all(|(segment, ranges)| {
        number(layout, key, *segment)
            .is_some_and(|number| ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)))
    })
}
