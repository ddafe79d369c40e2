//! Rules between records: counters that cover ids, blob keys derived from objects.
//!
//! Defines which records a rule concerns and takes the numbers from their keys. Callers read the records.

use super::descriptors::SchemaVersion;
use super::generated::GROUP_NUMBERS;
use super::layouts::{DerivedKeys, Layout, LayoutRef, ValueForm, is_in};

/// The numbers that name a group of records. A rule with fewer numbers fills the rest with zeros.
pub type Group = [u64; GROUP_NUMBERS];

/// For each group a counter must not be lower than any id it covers; a missing counter is 0.
#[derive(Debug)]
pub struct CounterRule {
    /// Name, unique in the schema.
    pub name: &'static str,
    /// First and last schema version that has it.
    pub(super) versions: (u32, u32),
    /// The counter.
    pub counter: LayoutRef,
    /// Names of the numbers of a group.
    pub group: &'static [&'static str],
    /// The group in a key of the counter.
    pub group_of: fn(&[u8]) -> Option<Group>,
    pub(super) covers: &'static [Cover],
}

/// Records whose ids a counter covers.
#[derive(Debug)]
pub struct Cover {
    /// First and last schema version in which it covers them.
    pub(super) versions: (u32, u32),
    /// Their layout.
    pub of: LayoutRef,
    /// The group in a key and the id of its record, if the record is covered.
    pub covered: fn(&[u8]) -> Option<(Group, CoveredId)>,
}

impl Cover {
    pub(super) const fn new(
        versions: (u32, u32),
        letter: char,
        layout: &'static Layout,
        covered: fn(&[u8]) -> Option<(Group, CoveredId)>,
    ) -> Cover {
        Cover { versions, of: LayoutRef { letter, layout }, covered }
    }
}

/// The id of a covered record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoveredId {
    /// This number of the key.
    Number(u64),
    /// In the trailer of the archived value, where that is a versioned archive.
    ArchiveChangeId,
}

impl SchemaVersion {
    /// What counters must cover.
    pub fn counter_rules(&self) -> impl Iterator<Item = &'static CounterRule> + use<> {
        let number = self.number;
        super::generated::COUNTER_RULES.iter().filter(move |rule| is_in(rule.versions, number))
    }

    /// What the counter of a rule covers.
    pub fn covers(&self, rule: &CounterRule) -> impl Iterator<Item = &'static Cover> + use<> {
        let number = self.number;
        rule.covers.iter().filter(move |cover| is_in(cover.versions, number))
    }

    /// Keys of blobs that are derived from objects.
    pub fn derived_keys(&self) -> impl Iterator<Item = &'static DerivedKeys> + use<> {
        let number = self.number;
        let layouts = self.blobs().into_iter().flat_map(|subspace| subspace.layouts);
        layouts.flat_map(|layout| layout.derived_keys).filter(move |derived| is_in(derived.versions, number))
    }
}

impl Layout {
    /// Whether some of its links are written before the blob is used.
    pub fn has_provisional(&self) -> bool {
        self.provisional.is_some()
    }

    /// Whether this is a link that is written before the blob is used.
    pub fn is_provisional(&self, key: &[u8], value: &[u8]) -> bool {
        value.is_empty() && self.provisional.is_some_and(|meets| meets(key))
    }

    /// The form of the value of this key: some layouts have archives for some values of their fields only.
    pub fn value_form(&self, key: &[u8]) -> ValueForm {
        match self.archives {
            Some(meets) if meets(key) => ValueForm::Archive,
            _ => self.value,
        }
    }
}
