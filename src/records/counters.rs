//! Counter rules: a counter must not be lower than any id it covers, or the server hands ids out twice.
//!
//! The catalog defines which counters cover which ids. Both are collected while records are read. Memory grows with
//! the number of groups (accounts, collections, mailboxes), not with that of records.

use std::collections::HashMap;

use crate::base::finding::{FindingKind, Findings};
use crate::catalog::{Archive, CounterRule, CoveredId, Group, Layout, SchemaVersion, Subspace, ValueForm};

/// Counters and the highest ids seen so far.
pub struct Counters {
    version: &'static SchemaVersion,
    seen: Vec<Seen>,
}

/// The counters of one rule, and the highest ids that they cover.
struct Seen {
    rule: &'static CounterRule,
    counters: HashMap<Group, i64>,
    highest: HashMap<Group, u64>,
}

impl Counters {
    /// Nothing seen yet.
    pub fn new(version: &'static SchemaVersion) -> Self {
        let seen = |rule| Seen { rule, counters: HashMap::new(), highest: HashMap::new() };
        Counters { version, seen: version.counter_rules().map(seen).collect() }
    }

    /// Whether a rule concerns records of a subspace.
    pub fn concerns(version: &SchemaVersion, subspace: &Subspace) -> bool {
        let letter = subspace.letter;
        version.counter_rules().any(|rule| {
            rule.counter.letter == letter || version.covers(rule).any(|cover| cover.of.letter == letter)
        })
    }

    /// Notes a record of any kind. Records that break the rules of their layout are ignored.
    pub fn see_record(&mut self, subspace: &'static Subspace, key: &[u8], value: &[u8]) {
        let Ok(layout) = subspace.check(key, value) else { return };
        let archive =
            (layout.value_form(key) == ValueForm::Archive).then(|| Archive::parse(value).ok()).flatten();
        self.see(layout, key, value, archive.and_then(|archive| archive.change_id));
    }

    /// Notes a record. `change_id` is that of a versioned archive.
    pub fn see(&mut self, layout: &'static Layout, key: &[u8], value: &[u8], change_id: Option<u64>) {
        for Seen { rule, counters, highest } in &mut self.seen {
            if rule.counter.is(layout)
                && let (Some(group), Ok(value)) = ((rule.group_of)(key), value.try_into())
            {
                counters.insert(group, i64::from_le_bytes(value));
            }
            for cover in self.version.covers(rule).filter(|cover| cover.of.is(layout)) {
                let Some((group, id)) = (cover.covered)(key) else { continue };
                let id = match id {
                    CoveredId::Number(id) => Some(id),
                    CoveredId::ArchiveChangeId => change_id,
                };
                if let Some(id) = id {
                    let highest = highest.entry(group).or_default();
                    *highest = id.max(*highest);
                }
            }
        }
    }

    /// Adds the counters and ids of another part of the run.
    pub fn merge(&mut self, other: Counters) {
        for (mine, theirs) in self.seen.iter_mut().zip(other.seen) {
            mine.counters.extend(theirs.counters);
            for (group, id) in theirs.highest {
                let highest = mine.highest.entry(group).or_default();
                *highest = id.max(*highest);
            }
        }
    }

    /// Adds a finding for every counter that is too low; a missing one counts as 0.
    pub fn check(&self, findings: &mut Findings) {
        for seen in &self.seen {
            let rule = seen.rule;
            let mut low: Vec<(&Group, u64, i64)> = seen
                .highest
                .iter()
                .map(|(group, id)| (group, *id, seen.counters.get(group).copied().unwrap_or(0)))
                .filter(|(_, id, counter)| u64::try_from(*counter).map_or(true, |counter| counter < *id))
                .collect();
            low.sort();
            for (group, id, counter) in low {
                findings.add(FindingKind::CounterTooLow, rule.counter.letter, &[], || {
                    format!(
                        "{}: the counter of {} is {counter}, the highest id it should cover is {id}",
                        rule.name,
                        describe(rule, group)
                    )
                });
            }
        }
    }
}

fn describe(rule: &CounterRule, group: &Group) -> String {
    let fields: Vec<String> =
        rule.group.iter().zip(group).map(|(name, value)| format!("{name}={value}")).collect();
    fields.join(" ")
}
