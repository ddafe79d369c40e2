//! Rules about entries that name each other: the schema-version record, blob links, counter rules, singletons.
//!
//! A reference must hold in every version of its range, so that generated indexes are never out of range.

use crate::model::{
    CounterRule, Cover, IntSet, Layout, LayoutPath, Model, Singleton, Subspace, Text, ValueForm, ValueKind,
};
use crate::report::{Mistake, Position};

/// An unknown store is recognised by one record, so it must be found before the version is known.
pub(super) fn schema_version_record(model: &Model, mistakes: &mut Vec<Mistake>) {
    let mut first: Option<(char, Vec<u8>, Position)> = None;
    for version in &model.versions {
        let live = model.subspaces_in(version.number);
        let marked: Vec<_> = live
            .flat_map(|s| s.layouts_in(version.number).map(move |l| (s, l)))
            .filter(|(_, l)| l.schema_version)
            .collect();
        let [(subspace, layout)] = marked[..] else {
            let message =
                format!("version {} has {} schema-version records, not one", version.number, marked.len());
            mistakes.push(
                Mistake::new(version.place, message).help("mark one layout with `schema_version: true`"),
            );
            continue;
        };
        let place = layout.name.place;
        let four_bytes = layout.value == ValueForm::Lengths(vec![4]) && subspace.value == ValueKind::Bytes;
        let Some(key) = layout.fixed_key().filter(|_| four_bytes) else {
            let message =
                format!("schema-version record `{}` has no fixed key or no four bytes", layout.name.value);
            mistakes
                .push(Mistake::new(place, message).help("its key is constants only, its value `lengths 4`"));
            continue;
        };
        match &first {
            None => first = Some((subspace.letter, key, place)),
            Some((letter, bytes, _)) if *letter == subspace.letter && *bytes == key => {}
            Some((_, _, before)) => mistakes.push(
                Mistake::new(place, format!("the schema-version record moves in version {}", version.number))
                    .note(*before, "it is here before")
                    .help("it must be found before the version is known"),
            ),
        }
    }
}

/// Links and derived keys name fields that exist.
pub(super) fn blobs(model: &Model, mistakes: &mut Vec<Mistake>) {
    for layout in model.layouts() {
        let hashed = layout.hash_at().is_some();
        match &layout.links_blob {
            Some(field) if !hashed => {
                let message =
                    format!("`{}` is no hash at a fixed place of `{}`", field.value, layout.name.value);
                mistakes.push(Mistake::new(field.place, message).help("name a field of kind `hash`"));
            }
            None if layout.content_hash && !hashed => {
                let message = format!("`{}` has no hash at a fixed place", layout.name.value);
                let help = "add a field of kind `hash`, or remove `content_hash:`";
                mistakes.push(Mistake::new(layout.name.place, message).help(help));
            }
            _ => {}
        }
        links(layout, mistakes);
        if let Some((_, place)) = layout.fresh_if_derived_key {
            for version in layout.versions.iter().filter(|version| !has_derived_keys(model, *version)) {
                let message = format!("version {version} derives no key of a blob");
                mistakes.push(
                    Mistake::new(place, message).help("declare `derived_keys:`, or end the layout's range"),
                );
            }
        }
        for fields in &layout.archives {
            sets(layout, fields, mistakes);
        }
        if !layout.archives.is_empty() && layout.value != ValueForm::Opaque {
            let message = format!("values of `{}` already have a form", layout.name.value);
            mistakes.push(Mistake::new(layout.value_place, message).help("remove `archives:` or `value:`"));
        }
        for derived in &layout.derived_keys {
            for version in derived.versions.iter() {
                if let Some(of) = resolve(model, version, &derived.of, mistakes) {
                    number_field(of, &derived.field, mistakes);
                    sets(of, &derived.only, mistakes);
                }
            }
        }
    }
}

/// The blob audit compares one subspace of links with one of blobs.
pub(super) fn one_side_each(model: &Model, mistakes: &mut Vec<Mistake>) {
    type BlobSide = (&'static str, &'static str, fn(&Subspace, u32) -> bool);
    let sides: [BlobSide; 2] = [
        (
            "name blobs",
            "put all layouts with `links_blob:` of a version into one subspace",
            |subspace, version| subspace.layouts_in(version).any(|layout| layout.links_blob.is_some()),
        ),
        ("hold blobs", "one subspace of a version has `value: blob`", |s, _| s.value == ValueKind::Blob),
    ];
    for (what, help, is) in sides {
        // Each pair is reported once, whatever the number of versions that have it.
        let mut reported: Vec<Position> = Vec::new();
        for version in &model.versions {
            let number = version.number;
            let mut live = model.subspaces_in(number).filter(|s| is(s, number));
            let Some(first) = live.next() else { continue };
            for second in live {
                if reported.contains(&second.name.place) {
                    continue;
                }
                let message =
                    format!("`{}` and `{}` {what} in version {number}", first.name.value, second.name.value);
                mistakes.push(
                    Mistake::new(second.name.place, message)
                        .note(first.name.place, format!("`{}` is declared here", first.name.value))
                        .help(help),
                );
                reported.push(second.name.place);
            }
        }
    }
}

/// Words about links belong to subspaces of links only.
fn links(layout: &Layout, mistakes: &mut Vec<Mistake>) {
    let provisional = layout.provisional.first().map(|(field, _)| (field.place, "`provisional:`"));
    let commit = layout.commit.map(|(_, place)| (place, "`commit:`"));
    let fresh = layout
        .fresh_if_derived_key
        .filter(|_| !layout.content_hash)
        .map(|(_, p)| (p, "`fresh_if_derived_key:`"));
    if layout.links_blob.is_none() {
        for (place, word) in [provisional, commit, fresh].into_iter().flatten() {
            let message = format!("keys of `{}` name no blob", layout.name.value);
            mistakes.push(Mistake::new(place, message).help(format!("remove {word}, or add `links_blob:`")));
        }
    }
    sets(layout, &layout.provisional, mistakes);
    let empty = match &layout.value {
        ValueForm::Opaque | ValueForm::Empty => true,
        ValueForm::Lengths(lengths) => lengths.contains(&0),
        ValueForm::Archive | ValueForm::Changes | ValueForm::Lease => false,
    };
    if let Some((field, _)) = layout.provisional.first()
        && !empty
    {
        let message = format!("values of `{}` are never empty", layout.name.value);
        mistakes.push(
            Mistake::new(field.place, message)
                .note(layout.value_place, "the value is declared here")
                .help("a provisional link has an empty value"),
        );
    }
}

/// Whether a version has blobs whose keys are derived from objects.
fn has_derived_keys(model: &Model, version: u32) -> bool {
    let layouts = model.subspaces_in(version).flat_map(|s| s.layouts_in(version));
    let mut derived = layouts.flat_map(|l| &l.derived_keys);
    derived.any(|derived| derived.versions.contains(version))
}

/// Left-over tables carry letters that are free in their versions.
pub(super) fn legacy(model: &Model, mistakes: &mut Vec<Mistake>) {
    for legacy in &model.legacy {
        for subspace in model.subspaces.iter().filter(|s| s.letter == legacy.letter.value) {
            if let Some(version) = legacy.versions.common(&subspace.versions) {
                let message = format!("letter `{}` is in use in version {version}", legacy.letter.value);
                mistakes.push(
                    Mistake::new(legacy.letter.place, message)
                        .note(subspace.name.place, format!("`{}` has it", subspace.name.value))
                        .help("a left-over table has a letter that its version no longer uses"),
                );
            }
        }
    }
}

/// Counters, groups and covered fields exist in every version of the rule.
pub(super) fn counter_rules(model: &Model, mistakes: &mut Vec<Mistake>) {
    for rule in &model.rules {
        super::duplicates(rule.group.iter(), "field of a group", mistakes);
        for version in rule.versions.iter() {
            if let Some(counter) = resolve(model, version, &rule.counter, mistakes) {
                for field in &rule.group {
                    number_field(counter, field, mistakes);
                }
            }
            if let Some(subspace) = model.named(version, &rule.counter.subspace)
                && subspace.value != ValueKind::Counter
            {
                let message = format!("`{}` holds no counters", subspace.name.value);
                mistakes.push(
                    Mistake::new(rule.counter.place, message).help("name a subspace with `value: counter`"),
                );
            }
            for cover in rule.covers.iter().filter(|c| c.versions.contains(version)) {
                let Some(of) = resolve(model, version, &cover.of, mistakes) else { continue };
                for field in cover.key_fields(&rule.group) {
                    number_field(of, field, mistakes);
                }
                fixed_group(rule, cover, model.layout(version, &rule.counter), of, mistakes);
                sets(of, &cover.only, mistakes);
                sets(of, &cover.unless, mistakes);
                if cover.field.is_none() && of.value != ValueForm::Archive && of.value != ValueForm::Opaque {
                    let message = format!("values of `{}` are no archives", of.name.value);
                    mistakes.push(Mistake::new(cover.of.place, message).help("remove `archive_change_id`"));
                }
            }
        }
    }
}

/// The fields that a rule fixes are in its group and not in the covered key, and a counter can have their numbers.
fn fixed_group(
    rule: &CounterRule,
    cover: &Cover,
    counter: Option<&Layout>,
    of: &Layout,
    mistakes: &mut Vec<Mistake>,
) {
    for (field, value) in &cover.fixed {
        if !rule.group.iter().any(|name| name.value == field.value) {
            let message = format!("`{}` is no field of the group", field.value);
            mistakes.push(Mistake::new(field.place, message).help("fix fields of `group:` only"));
            continue;
        }
        if let Some(segment) = of.field(&field.value) {
            let message = format!("the key of `{}` has `{}` already", of.name.value, field.value);
            mistakes.push(
                Mistake::new(field.place, message)
                    .note(segment.place, "the field is declared here")
                    .help("fix only what the key does not hold; choose records with `only:`"),
            );
        }
        if let Some(counter) = counter {
            number_fits(counter, field, *value, mistakes);
        }
    }
}

/// The key of a singleton can be written in every version and is its own, and its variants differ in name and number.
pub(super) fn singletons(model: &Model, mistakes: &mut Vec<Mistake>) {
    for (index, singleton) in model.singletons.iter().enumerate() {
        variants(singleton, mistakes);
        for version in singleton.versions.iter() {
            let Some(layout) = resolve(model, version, &singleton.layout, mistakes) else { continue };
            let subspace = model.named(version, &singleton.layout.subspace);
            if let Some(subspace) = subspace.filter(|s| s.value != ValueKind::Bytes) {
                let message = format!("`{}` holds no objects", subspace.name.value);
                mistakes.push(
                    Mistake::new(singleton.layout.place, message)
                        .note(subspace.name.place, "the value kind is declared here")
                        .help("name a subspace with `value: bytes`"),
                );
            }
            key_of_singleton(singleton, layout, mistakes);
            let twin = model.singletons[..index].iter().find(|earlier| {
                let same = earlier.versions.contains(version)
                    && earlier.layout.subspace == singleton.layout.subspace
                    && earlier.layout.layout == singleton.layout.layout;
                same && earlier.key_of(layout) == singleton.key_of(layout)
            });
            if let Some(twin) = twin {
                let message = format!("`{}` and `{}` have one key", twin.name.value, singleton.name.value);
                mistakes.push(
                    Mistake::new(singleton.name.place, message)
                        .note(twin.name.place, format!("`{}` is declared here", twin.name.value))
                        .help("correct `key:`, or end the version range of the older entry"),
                );
            }
        }
    }
}

fn key_of_singleton(singleton: &Singleton, layout: &Layout, mistakes: &mut Vec<Mistake>) {
    for (field, value) in &singleton.key {
        number_field(layout, field, mistakes);
        number_fits(layout, field, *value, mistakes);
    }
    for segment in layout.segments.iter().filter(|s| !s.name.is_empty()) {
        let given = singleton.key.iter().any(|(field, _)| field.value == segment.name);
        let fixed = segment.kind.largest().is_some() && segment.kind.fixed().is_some();
        let (message, help) = match (fixed, given) {
            (true, true) => continue,
            (true, false) => (format!("the key has no `{}`", segment.name), "give it a number under `key:`"),
            (false, _) => (
                format!("the key cannot be written: `{}` is no number of fixed width", segment.name),
                "name a layout of constants and u8, u16, u32, u64",
            ),
        };
        mistakes.push(
            Mistake::new(singleton.layout.place, message)
                .note(segment.place, "the field is declared here")
                .help(help),
        );
    }
}

fn variants(singleton: &Singleton, mistakes: &mut Vec<Mistake>) {
    if singleton.variants.is_empty() {
        let message = format!("singleton `{}` has no variant", singleton.name.value);
        mistakes.push(Mistake::new(singleton.name.place, message).help("list them under `variants:`"));
    }
    for (index, variant) in singleton.variants.iter().enumerate() {
        let twin = singleton.variants[..index]
            .iter()
            .find(|v| v.number == variant.number || v.name.value == variant.name.value);
        if let Some(twin) = twin {
            let message = format!("variant `{}: {}` is taken", variant.number, variant.name.value);
            mistakes.push(
                Mistake::new(variant.name.place, message)
                    .note(twin.name.place, "number or name is here before")
                    .help("each number has one name, and each name one number"),
            );
        }
    }
}

/// The number is one that the field of this layout may have.
fn number_fits(layout: &Layout, field: &Text, value: u64, mistakes: &mut Vec<Mistake>) {
    let segment = layout.field(&field.value);
    let Some((segment, largest)) = segment.and_then(|s| Some((s, s.kind.largest()?))) else { return };
    let allowed = &segment.allowed;
    if value > largest
        || !(allowed.is_empty() || allowed.iter().any(|(from, to)| (*from..=*to).contains(&value)))
    {
        mistakes.push(never(layout, field, value));
    }
}

fn resolve<'m>(
    model: &'m Model,
    version: u32,
    path: &LayoutPath,
    mistakes: &mut Vec<Mistake>,
) -> Option<&'m Layout> {
    let found = model.layout(version, path);
    if found.is_none() {
        let message = format!("version {version} has no layout `{}.{}`", path.subspace, path.layout);
        mistakes.push(Mistake::new(path.place, message).help("correct the name or the version range"));
    }
    found
}

fn number_field(layout: &Layout, field: &Text, mistakes: &mut Vec<Mistake>) {
    if layout.field(&field.value).is_none_or(|s| s.kind.largest().is_none()) {
        let message = format!("layout `{}` has no number `{}`", layout.name.value, field.value);
        mistakes.push(
            Mistake::new(field.place, message)
                .note(layout.name.place, "the layout is declared here")
                .help("name one of its number fields"),
        );
    }
}

fn sets(layout: &Layout, sets: &[(Text, IntSet)], mistakes: &mut Vec<Mistake>) {
    for (field, set) in sets {
        number_field(layout, field, mistakes);
        let largest = layout.field(&field.value).and_then(|segment| segment.kind.largest());
        if let Some(value) = largest.and_then(|largest| super::beyond(set, largest)) {
            mistakes.push(never(layout, field, value));
        }
    }
}

fn never(layout: &Layout, field: &Text, value: u64) -> Mistake {
    let mistake = Mistake::new(field.place, format!("`{}` is never {value}", field.value));
    let segment = layout.field(&field.value);
    let mistake = segment.into_iter().fold(mistake, |f, s| f.note(s.place, "the field is declared here"));
    mistake.help("correct the number")
}
