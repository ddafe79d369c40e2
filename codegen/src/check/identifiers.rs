//! Rules about names: each becomes Rust that compiles, and no two become the same.
//!
//! Takes the names of generated items from `names`, as `emit` does, so that no item is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Layout, Model, Range, Text};
use crate::names;
use crate::report::{Mistake, Position};

/// Names that the generated text has anyway: its own statics, and what it uses of the catalog and of `codec`.
const TAKEN: [&str; 14] = [
    "BACKENDS",
    "COMPANIONS",
    "COUNTER_RULES",
    "GROUP_NUMBERS",
    "LEGACY",
    "SCHEMA_VERSION_RECORD",
    "SIDE_TABLES",
    "SINGLETONS",
    "TypedKey",
    "U16",
    "U32",
    "U64",
    "U8",
    "VERSIONS",
];

/// Rule 6: names are identifiers.
pub(super) fn names_are_identifiers(model: &Model, mistakes: &mut Vec<Mistake>) {
    let names = model.subspaces.iter().map(|s| &s.name);
    let names = names.chain(model.layouts().map(|l| &l.name));
    let names = names.chain(model.rules.iter().map(|rule| &rule.name));
    let names = names.chain(model.singletons.iter().map(|singleton| &singleton.name));
    for name in names.chain(model.names.iter().map(|table| &table.name)) {
        identifier(&name.value, name.place, mistakes);
    }
    for segment in model.layouts().flat_map(|layout| &layout.segments) {
        if !segment.name.is_empty() {
            identifier(&segment.name, segment.place, mistakes);
        }
    }
}

fn identifier(name: &str, place: Position, mistakes: &mut Vec<Mistake>) {
    let word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let snake = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('_').all(word);
    // `syn` refuses keywords; names such as `len` and `key` are the generated code's own.
    if !snake || syn::parse_str::<syn::Ident>(name).is_err() || ["gen", "key", "len", "with"].contains(&name)
    {
        let message = format!("`{name}` cannot be a name");
        mistakes.push(
            Mistake::new(place, message).help("use lower-case words joined by `_`, and no word of Rust"),
        );
    }
}

/// Rule 6: no two items of the generated text have one name.
pub(super) fn names_stay_apart(model: &Model, mistakes: &mut Vec<Mistake>) {
    let mut items = Items::new(model);
    for table in &model.names {
        items.add(names::names_table(&table.name.value), &table.name, mistakes);
    }
    for subspace in &model.subspaces {
        let (entry, name) = (names::entry(model, subspace), &subspace.name);
        items.add(names::key(&entry), name, mistakes);
        items.add(names::constant(&entry), name, mistakes);
        items.add(names::layouts(&entry), name, mistakes);
        for version in subspace.versions.iter() {
            items.add(names::layouts_in(&entry, version), name, mistakes);
        }
        for (index, layout) in subspace.layouts.iter().enumerate() {
            for what in conditions(layout) {
                items.add(names::condition(&entry, index, &what), &layout.name, mistakes);
            }
        }
        let mut variants = Items::default();
        for form in names::forms(subspace) {
            if let Some((_, layout)) = form.layouts.first() {
                variants.add(form.name, &layout.name, mistakes);
            }
        }
    }
    for rule in &model.rules {
        for (counter, layout) in named(model, &rule.counter.subspace, &rule.counter.layout) {
            items.add(names::group_of(&rule.name.value, &counter, layout), &rule.name, mistakes);
        }
        for (number, cover) in rule.covers.iter().enumerate() {
            for (of, layout) in named(model, &cover.of.subspace, &cover.of.layout) {
                items.add(names::covered(&rule.name.value, number, &of, layout), &rule.name, mistakes);
            }
        }
    }
}

/// What functions over the keys of a layout are for.
fn conditions(layout: &Layout) -> Vec<String> {
    let mut conditions = Vec::new();
    conditions.extend((!layout.archives.is_empty()).then(|| "archived".to_owned()));
    conditions.extend((!layout.provisional.is_empty()).then(|| "provisional".to_owned()));
    conditions.extend((0..layout.derived_keys.len()).map(|number| format!("object_{number}")));
    conditions
}

/// The entries and indexes of the layouts that a path means in some version.
fn named<'m>(
    model: &'m Model,
    subspace: &'m str,
    layout: &'m str,
) -> impl Iterator<Item = (String, usize)> + use<'m> {
    let subspaces = model.subspaces.iter().filter(move |s| s.name.value == subspace);
    subspaces.flat_map(move |s| {
        let layouts = s.layouts.iter().enumerate().filter(move |(_, l)| l.name.value == layout);
        layouts.map(move |(index, _)| (names::entry(model, s), index))
    })
}

/// Generated items, by name, with what in the schema each is named after; some are named after nothing.
#[derive(Default)]
struct Items {
    known: BTreeMap<String, Option<Text>>,
    /// Names that were found to become the same: each pair is reported once.
    reported: BTreeSet<(Position, Position)>,
}

impl Items {
    /// The names that exist whatever the schema contains.
    fn new(model: &Model) -> Items {
        let mut known: Vec<String> = TAKEN.iter().map(|name| (*name).to_owned()).collect();
        for version in &model.versions {
            known.extend([names::subspaces(version.number), names::families(version.number)]);
        }
        for backend in &model.backends {
            known.extend(names::KINDS.map(|kind| names::template(&backend.name.value, kind)));
        }
        known.extend(model.subspaces.iter().map(|s| names::tables_of(model, s)));
        known.extend(model.legacy.iter().map(|l| names::tables(l.letter.value, l.value)));
        let known = known.into_iter().map(|name| (name, None)).collect();
        Items { known, reported: BTreeSet::new() }
    }

    fn add(&mut self, item: String, after: &Text, mistakes: &mut Vec<Mistake>) {
        let name = &after.value;
        let mistake = match self.known.get(&item) {
            None => {
                self.known.insert(item, Some(after.clone()));
                return;
            }
            // Reported as a name that is declared twice.
            Some(Some(first)) if first.value == *name => return,
            Some(Some(first)) => {
                if !self.reported.insert((first.place, after.place)) {
                    return;
                }
                let message = format!("`{}` and `{name}` both become `{item}`", first.value);
                Mistake::new(after.place, message).note(first.place, "the other one is declared here")
            }
            Some(None) => Mistake::new(after.place, format!("`{name}` becomes `{item}`, which is taken")),
        };
        mistakes.push(mistake.help("rename one of them"));
    }
}

/// Rule 2: what has a name keeps it from its first version to its last.
pub(super) fn names_have_no_gap(model: &Model, mistakes: &mut Vec<Mistake>) {
    gaps(model.subspaces.iter().map(|s| (&s.name, s.versions)), "subspace", mistakes);
    for subspace in &model.subspaces {
        gaps(subspace.layouts.iter().map(|l| (&l.name, l.versions)), "layout", mistakes);
    }
}

fn gaps<'m>(
    entries: impl Iterator<Item = (&'m Text, Range)> + Clone,
    what: &str,
    mistakes: &mut Vec<Mistake>,
) {
    for (name, versions) in entries.clone() {
        let of_name = || entries.clone().filter(|(other, _)| other.value == name.value);
        let Some((before, last)) = of_name().filter(|(_, v)| v.to < versions.from).max_by_key(|(_, v)| v.to)
        else {
            continue;
        };
        let missing = last.to + 1;
        if missing < versions.from {
            let message = format!("{what} `{}` is missing in version {missing}", name.value);
            mistakes.push(
                Mistake::new(name.place, message)
                    .note(before.place, format!("it ends with version {} here", last.to))
                    .help("extend one of the ranges, or rename one of them"),
            );
        }
    }
}
