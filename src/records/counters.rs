//! Counter rules: a counter must not be lower than any id it covers, or the server hands ids out twice.
//!
//! Which counters cover which ids the catalog says; here they are gathered while records pass. Memory grows
//! with the number of groups (accounts, collections, mailboxes), not of records.

use std::collections::HashMap;

use crate::base::finding::{FindingKind, Findings};
use crate::catalog::{
    CounterRule, CoveredId, FieldValue, GroupNumber, Layout, LayoutRef, SchemaVersion, Subspace, ValueForm,
};
use crate::records::archive::Archive;

/// Values of the fields that name a group.
type Group = Vec<u64>;

/// Counters and the highest ids seen so far.
pub struct Counters {
    version: &'static SchemaVersion,
    seen: Vec<Seen>,
}

#[derive(Default)]
struct Seen {
    counters: HashMap<Group, i64>,
    highest: HashMap<Group, u64>,
}

impl Counters {
    /// Nothing seen yet.
    pub fn new(version: &'static SchemaVersion) -> Self {
        Counters { version, seen: version.counter_rules.iter().map(|_| Seen::default()).collect() }
    }

    /// Whether records of a subspace tell anything about a counter.
    pub fn concerns(version: &SchemaVersion, subspace: &Subspace) -> bool {
        let is = |of: LayoutRef| of.letter == subspace.letter;
        version.counter_rules.iter().any(|rule| is(rule.counter) || rule.covers.iter().any(|c| is(c.of)))
    }

    /// Notes a record, whatever it is.
    pub fn see_record(&mut self, subspace: &'static Subspace, key: &[u8], value: &[u8]) {
        let Ok(layout) = subspace.check(key, value) else { return };
        let archive =
            (layout.value_form(key) == ValueForm::Archive).then(|| Archive::parse(value).ok()).flatten();
        self.see(subspace, layout, key, value, archive.and_then(|archive| archive.change_id));
    }

    /// Notes a record. `change_id` is that of a versioned archive.
    pub fn see(
        &mut self,
        subspace: &Subspace,
        layout: &'static Layout,
        key: &[u8],
        value: &[u8],
        change_id: Option<u64>,
    ) {
        let is = |of: LayoutRef| {
            of.letter == subspace.letter
                && subspace.layouts.get(of.layout).is_some_and(|other| std::ptr::eq(other, layout))
        };
        for (rule, seen) in self.version.counter_rules.iter().zip(&mut self.seen) {
            if is(rule.counter)
                && let (Some(group), Ok(value)) = (
                    numbers(layout, key, rule.group.iter().copied().map(GroupNumber::Field)),
                    value.try_into(),
                )
            {
                seen.counters.insert(group, i64::from_le_bytes(value));
            }
            for cover in rule.covers.iter().filter(|cover| is(cover.of)) {
                let id = match cover.id {
                    CoveredId::Field(segment) => layout.number(key, segment),
                    CoveredId::ArchiveChangeId => change_id,
                };
                if let Some(id) = id
                    && cover.applies(layout, key)
                    && let Some(group) = numbers(layout, key, cover.group.iter().copied())
                {
                    let highest = seen.highest.entry(group).or_default();
                    *highest = id.max(*highest);
                }
            }
        }
    }

    /// Adds what another part of the run has seen.
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
        for (rule, seen) in self.version.counter_rules.iter().zip(&self.seen) {
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
                        self.describe(rule, group)
                    )
                });
            }
        }
    }

    fn describe(&self, rule: &CounterRule, group: &[u64]) -> String {
        let segments = self.version.layout(rule.counter).map_or(&[][..], |layout| layout.segments);
        let name = |index: &usize| segments.get(*index).map_or("?", |segment| segment.name);
        let fields: Vec<String> =
            rule.group.iter().zip(group).map(|(index, value)| format!("{}={value}", name(index))).collect();
        fields.join(" ")
    }
}

/// The numbers that name a group; `None` if the key lacks one.
fn numbers(layout: &'static Layout, key: &[u8], parts: impl Iterator<Item = GroupNumber>) -> Option<Group> {
    let fields: Vec<_> = layout.fields(key).collect();
    let number = |part| match part {
        GroupNumber::Fixed(number) => Some(number),
        GroupNumber::Field(index) => match fields.iter().find(|field| field.index == index)?.value {
            FieldValue::Number(number) => Some(number),
            FieldValue::Bytes(_) => None,
        },
    };
    parts.map(number).collect()
}
