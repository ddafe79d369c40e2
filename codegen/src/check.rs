//! Every rule a schema must obey, one function per rule. All mistakes are collected.
//!
//! Checks the model; reads no YAML and writes no Rust.

mod identifiers;
mod overlap;
mod references;

use std::collections::BTreeMap;

use crate::model::{
    Backend, IntSet, Layout, Model, Segment, SegmentKind, Subspace, Text, ValueForm, ValueKind,
};
use crate::report::{Mistake, Position};
use overlap::KeyRelation;

/// The data stores that the program supports: name in the schema and variant of `BackendKind`.
pub(crate) const BACKENDS: [(&str, &str); 5] = [
    ("rocksdb", "RocksDb"),
    ("sqlite", "Sqlite"),
    ("postgres", "Postgres"),
    ("mysql", "Mysql"),
    ("foundationdb", "FoundationDb"),
];

/// Adds what breaks a rule to `mistakes`.
pub(crate) fn check(model: &Model, mistakes: &mut Vec<Mistake>) {
    versions_ascend(model, mistakes);
    // Everything else goes through the versions of a range one by one.
    if !mistakes.is_empty() {
        return;
    }
    letters_and_names_are_unique(model, mistakes);
    every_letter_has_a_family(model, mistakes);
    every_version_has_layouts(model, mistakes);
    segments_are_sound(model, mistakes);
    names_are_told_apart(model, mistakes);
    values_fit_their_kind(model, mistakes);
    layouts_are_decidable(model, mistakes);
    backends_map_everything(model, mistakes);
    everything_is_documented(model, mistakes);
    identifiers::names_are_identifiers(model, mistakes);
    identifiers::names_stay_apart(model, mistakes);
    identifiers::names_have_no_gap(model, mistakes);
    references::schema_version_record(model, mistakes);
    references::blobs(model, mistakes);
    references::one_side_each(model, mistakes);
    references::legacy(model, mistakes);
    references::counter_rules(model, mistakes);
    references::singletons(model, mistakes);
}

/// Rule 2: version numbers ascend.
fn versions_ascend(model: &Model, mistakes: &mut Vec<Mistake>) {
    for pair in model.versions.windows(2) {
        if let [before, after] = pair
            && before.number.checked_add(1) != Some(after.number)
        {
            let message = format!("version {} does not follow version {}", after.number, before.number);
            mistakes.push(
                Mistake::new(after.place, message)
                    .help("list the versions in ascending order, none left out"),
            );
        }
    }
    if model.versions.is_empty() {
        mistakes.push(
            Mistake::new(Position { line: 1, column: 1 }, "no schema version")
                .help("declare one under `versions:`"),
        );
    }
}

/// Rules 1 and 2: per version letters and names are unique.
fn letters_and_names_are_unique(model: &Model, mistakes: &mut Vec<Mistake>) {
    for (index, later) in model.subspaces.iter().enumerate() {
        for earlier in &model.subspaces[..index] {
            let Some(version) = later.versions.common(&earlier.versions) else { continue };
            if earlier.letter == later.letter {
                let message = format!("letter `{}` is taken in version {version}", later.letter);
                mistakes.push(
                    Mistake::new(later.letter_place, message)
                        .note(earlier.letter_place, format!("`{}` has it", earlier.name.value))
                        .help("end the version range of the older entry"),
                );
            }
            if earlier.name.value == later.name.value {
                let message = format!("name `{}` is taken in version {version}", later.name.value);
                mistakes.push(
                    Mistake::new(later.name.place, message)
                        .note(earlier.name.place, "it is declared here")
                        .help("end the version range of the older entry"),
                );
            }
        }
        for version in later.versions.iter() {
            duplicates(later.layouts_in(version).map(|l| &l.name), "layout", mistakes);
        }
    }
    duplicates(model.backends.iter().map(|b| &b.name), "backend", mistakes);
    duplicates(model.rules.iter().map(|r| &r.name), "counter rule", mistakes);
    for version in &model.versions {
        let live = model.singletons.iter().filter(|s| s.versions.contains(version.number));
        duplicates(live.map(|s| &s.name), "singleton", mistakes);
    }
}

fn duplicates<'a>(names: impl Iterator<Item = &'a Text>, what: &str, mistakes: &mut Vec<Mistake>) {
    let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.insert(&name.value, name.place) {
            let message = format!("{what} `{}` is declared twice", name.value);
            mistakes.push(
                Mistake::new(name.place, message)
                    .note(first, "it is declared here")
                    .help("rename one of them"),
            );
        }
    }
}

/// Rule 1: per version every subspace is in one family, or has a reason why it is in none.
fn every_letter_has_a_family(model: &Model, mistakes: &mut Vec<Mistake>) {
    for version in &model.versions {
        let mut seen: BTreeMap<char, Position> = BTreeMap::new();
        let families = version.families.iter().flat_map(|(_, letters)| letters);
        for letter in families.chain(version.no_family.iter().map(|(letter, _)| letter)) {
            if let Some(first) = seen.insert(letter.value, letter.place) {
                let message =
                    format!("letter `{}` is in two families of version {}", letter.value, version.number);
                mistakes.push(
                    Mistake::new(letter.place, message).note(first, "it is named here").help("name it once"),
                );
            }
            if !model.subspaces_in(version.number).any(|s| s.letter == letter.value) {
                let message = format!("version {} has no subspace `{}`", version.number, letter.value);
                mistakes.push(Mistake::new(letter.place, message).help("remove the letter"));
            }
        }
        for subspace in model.subspaces_in(version.number) {
            if !seen.contains_key(&subspace.letter) {
                let message = format!(
                    "subspace `{}` is in no family of version {}",
                    subspace.name.value, version.number
                );
                mistakes.push(
                    Mistake::new(subspace.name.place, message)
                        .note(version.place, "the version is declared here")
                        .help("add its letter to a family, or to `no_family` with the reason"),
                );
            }
        }
    }
}

/// Rule 2: a subspace has a layout in every version it exists in.
fn every_version_has_layouts(model: &Model, mistakes: &mut Vec<Mistake>) {
    for subspace in &model.subspaces {
        let bare = subspace.versions.iter().find(|v| subspace.layouts_in(*v).next().is_none());
        if let Some(version) = bare {
            let message = format!("subspace `{}` has no layout in version {version}", subspace.name.value);
            mistakes.push(
                Mistake::new(subspace.name.place, message).help("add one, or end the subspace's range"),
            );
        }
    }
}

/// Rule 3: one undelimited segment per layout, and restrictions that fit their width.
fn segments_are_sound(model: &Model, mistakes: &mut Vec<Mistake>) {
    for layout in model.layouts() {
        if layout.segments.is_empty() {
            let message = format!("layout `{}` has no segment", layout.name.value);
            mistakes.push(Mistake::new(layout.name.place, message).help("a key is never empty"));
        }
        let mut undelimited: Option<&Segment> = None;
        for segment in &layout.segments {
            if let Some(first) = undelimited
                && segment.kind.fixed().is_none()
            {
                let message = format!("the end of `{}` cannot be found", first.name);
                mistakes.push(
                    Mistake::new(segment.place, message)
                        .note(first.place, format!("`{}` ends where the segments after it begin", first.name))
                        .help("after a segment without an end of its own only fixed widths can follow"),
                );
            }
            if segment.kind.undelimited() {
                undelimited = Some(segment);
            }
            restriction_fits(segment, mistakes);
            if segment.kind == SegmentKind::Bytes(0) {
                mistakes.push(Mistake::new(segment.place, "a segment of no bytes").help("remove it"));
            }
            if let Some(names) = &segment.names {
                if !model.names.iter().any(|table| table.name.value == names.value) {
                    let message = format!("no table of names `{}`", names.value);
                    mistakes.push(Mistake::new(names.place, message).help("declare it under `names:`"));
                }
                if segment.kind.largest().is_none() {
                    let message = format!("`{}` is no number, so its values have no names", segment.name);
                    mistakes.push(Mistake::new(segment.place, message).help("remove `names:`"));
                }
            }
        }
        let fields: Vec<Text> = layout
            .segments
            .iter()
            .filter(|s| !s.name.is_empty())
            .map(|s| Text { value: s.name.clone(), place: s.place })
            .collect();
        duplicates(fields.iter(), "field", mistakes);
    }
}

/// A value has one name. An earlier name is that of a value, another one, and the only one in its versions.
fn names_are_told_apart(model: &Model, mistakes: &mut Vec<Mistake>) {
    for table in &model.names {
        for pair in table.values.windows(2) {
            if let [(one, _), (other, name)] = pair
                && one == other
            {
                let message = format!("{one} has two names, of which one is `{name}`");
                mistakes.push(Mistake::new(table.name.place, message).help("remove one of them"));
            }
        }
        for (index, entry) in table.earlier.iter().enumerate() {
            let now = table.values.iter().find(|(value, _)| *value == entry.value);
            let twin = table.earlier[..index].iter().find(|before| {
                before.value == entry.value && entry.versions.common(&before.versions).is_some()
            });
            let message = match (now, twin) {
                (None, _) => format!("`{}` has no name for {}", table.name.value, entry.value),
                (Some((_, name)), _) if *name == entry.name => {
                    format!("{} is called `{name}` anyway", entry.value)
                }
                (_, Some(_)) => format!("{} has two earlier names in one version", entry.value),
                _ => continue,
            };
            mistakes.push(Mistake::new(entry.place, message).help("correct the entry, or remove it"));
        }
    }
}

fn restriction_fits(segment: &Segment, mistakes: &mut Vec<Mistake>) {
    if segment.allowed.is_empty() {
        return;
    }
    let message = match segment.kind.largest() {
        None => format!("`{}` is no number and cannot be restricted", segment.name),
        Some(largest) => match beyond(&segment.allowed, largest) {
            Some(value) => format!("`{}` never reaches {value}", segment.name),
            None if segment.allowed.iter().any(|(from, to)| *from == 0 && *to >= largest) => {
                format!("`{}` may be any number, so `in:` restricts nothing", segment.name)
            }
            None => return,
        },
    };
    mistakes.push(Mistake::new(segment.place, message).help("correct `in:`"));
}

/// A value of a set that is larger than a field can hold. An open range ends at the largest number of any width.
fn beyond(set: &IntSet, largest: u64) -> Option<u64> {
    let beyond = |&(from, to): &(u64, u64)| match (from > largest, to > largest && to != u64::MAX) {
        (true, _) => Some(from),
        (false, true) => Some(to),
        (false, false) => None,
    };
    set.iter().find_map(beyond)
}

/// The value form of a layout fits the value kind of its subspace.
fn values_fit_their_kind(model: &Model, mistakes: &mut Vec<Mistake>) {
    for subspace in &model.subspaces {
        for layout in &subspace.layouts {
            let fits = match subspace.value {
                ValueKind::Bytes => true,
                ValueKind::None => layout.value == ValueForm::Empty,
                ValueKind::Counter | ValueKind::Blob => layout.value == ValueForm::Opaque,
            };
            if !fits {
                let message = format!("layout `{}` narrows a value that has no form", layout.name.value);
                mistakes.push(
                    Mistake::new(layout.value_place, message)
                        .note(subspace.name.place, "the value kind is declared here")
                        .help("only subspaces with `value: bytes` have value forms"),
                );
            }
            if layout.content_hash && subspace.value != ValueKind::Blob {
                let message = format!("layout `{}` hashes no content", layout.name.value);
                mistakes.push(
                    Mistake::new(layout.name.place, message).help("`content_hash` is for `value: blob`"),
                );
            }
            if layout.long && matches!(subspace.value, ValueKind::None | ValueKind::Counter) {
                let message = format!("values of `{}` are never long", layout.name.value);
                mistakes.push(
                    Mistake::new(layout.name.place, message)
                        .note(subspace.name.place, "the value kind is declared here")
                        .help("`long` is for `value: bytes` and `value: blob`"),
                );
            }
        }
    }
}

/// Rule 4: no layout hides another, and every overlap has a reason.
fn layouts_are_decidable(model: &Model, mistakes: &mut Vec<Mistake>) {
    for subspace in &model.subspaces {
        for (index, earlier) in subspace.layouts.iter().enumerate() {
            for shares in &earlier.shares {
                let later = &subspace.layouts[index + 1..];
                if !later.iter().any(|l| l.name.value == shares.with.value) {
                    let message = format!("no layout `{}` below `{}`", shares.with.value, earlier.name.value);
                    mistakes.push(
                        Mistake::new(shares.with.place, message).help("name a later layout of this subspace"),
                    );
                }
            }
            for later in &subspace.layouts[index + 1..] {
                if earlier.versions.common(&later.versions).is_some() {
                    mistakes.extend(pair(earlier, later));
                }
            }
        }
    }
}

fn pair(earlier: &Layout, later: &Layout) -> Option<Mistake> {
    let shares = earlier.shares.iter().find(|s| s.with.value == later.name.value);
    let (a, b) = (&earlier.name.value, &later.name.value);
    let declared = format!("`{b}` is declared here");
    match (overlap::relation(earlier, later), shares) {
        (KeyRelation::Disjoint, None) | (KeyRelation::MoreSpecific, Some(_)) => None,
        (KeyRelation::Disjoint, Some(shares)) => Some(
            Mistake::new(shares.with.place, format!("`{a}` shares no key with `{b}`"))
                .help("remove `shares:`"),
        ),
        (KeyRelation::Covers | KeyRelation::Crossing, Some(shares)) if shares.undecidable => None,
        (KeyRelation::Covers, _) => Some(
            Mistake::new(
                later.name.place,
                format!("layout `{b}` can never match: `{a}` above accepts every key it accepts"),
            )
            .note(earlier.name.place, format!("`{a}` is declared here"))
            .help("list the more specific layout first"),
        ),
        (KeyRelation::MoreSpecific, None) => Some(
            Mistake::new(earlier.name.place, format!("layout `{a}` takes keys that `{b}` accepts too"))
                .note(later.name.place, declared)
                .help("say why under `shares:`, or restrict a field with `in:`"),
        ),
        (KeyRelation::Crossing, _) => Some(
            Mistake::new(
                earlier.name.place,
                format!("some keys fit both `{a}` and `{b}`, and neither covers the other"),
            )
            .note(later.name.place, declared)
            .help("restrict a field with `in:`, or declare `shares:` with `undecidable: true`"),
        ),
    }
}

/// Rule 5: each subspace is mapped, or refused with a reason, for each backend.
fn backends_map_everything(model: &Model, mistakes: &mut Vec<Mistake>) {
    for backend in &model.backends {
        if !BACKENDS.iter().any(|(name, _)| *name == backend.name.value) {
            let names: Vec<&str> = BACKENDS.iter().map(|(name, _)| *name).collect();
            let message = format!("unknown backend `{}`", backend.name.value);
            mistakes.push(
                Mistake::new(backend.name.place, message).help(format!("known are {}", names.join(", "))),
            );
        }
        if !backend.table.contains("{letter}") {
            let message = format!("all tables of `{}` have one name", backend.name.value);
            mistakes.push(Mistake::new(backend.name.place, message).help("write `{letter}` in `table:`"));
        }
        let creates = backend.kinds.iter().filter_map(|kind| kind.create.as_ref());
        if creates.clone().any(|create| !create.contains("{table}")) || ![0, 4].contains(&creates.count()) {
            let message = format!("`{}` creates some tables and not others", backend.name.value);
            let help = "give `create:` with `{table}` for all four value kinds, or for none";
            mistakes.push(Mistake::new(backend.name.place, message).help(help));
        }
        for (kind, table) in backend.kinds.iter().enumerate() {
            if let Some((true, place)) = table.integer
                && kind != ValueKind::Counter as usize
            {
                let message = "only counters are integers".to_owned();
                mistakes.push(Mistake::new(place, message).help("remove `integer:`"));
            }
        }
        pieces(model, backend, mistakes);
        for (refused, because) in &backend.refuses {
            let mut entries = model.subspaces.iter().filter(|s| s.name.value == refused.value).peekable();
            if entries.peek().is_none() {
                let message = format!("no subspace `{}`", refused.value);
                mistakes.push(Mistake::new(refused.place, message).help("remove the refusal"));
            }
            if because.trim().is_empty() {
                let message = format!("`{}` is refused without a reason", refused.value);
                mistakes.push(Mistake::new(refused.place, message).help("say why under `because:`"));
            }
            for entry in entries.filter(|s| !s.derived) {
                let message = format!("`{}` has no place in {}", entry.name.value, backend.title);
                mistakes.push(
                    Mistake::new(refused.place, message)
                        .note(entry.name.place, "it is not `derived: true`")
                        .help("only what the server can rebuild may be refused"),
                );
            }
        }
    }
}

/// A backend that cuts any values cuts all long ones, and earlier releases allowed fewer pieces.
fn pieces(model: &Model, backend: &Backend, mistakes: &mut Vec<Mistake>) {
    let cuts = backend.kinds.iter().any(|kind| kind.pieces.is_some());
    let uncut = |s: &&Subspace| backend.kinds[s.value as usize].pieces.is_none();
    let placed = |s: &&Subspace| backend.refusal(&s.name.value).is_none();
    let uncut = model.subspaces.iter().filter(uncut).filter(placed).flat_map(|s| &s.layouts);
    for layout in uncut.filter(|layout| cuts && layout.long) {
        let message = format!("`{}` is long, and {} does not cut it", layout.name.value, backend.title);
        mistakes.push(
            Mistake::new(layout.name.place, message)
                .note(backend.name.place, "the backend is declared here")
                .help("give the value kind `pieces:`, or remove `long: true`"),
        );
    }
    for (kind, table) in backend.kinds.iter().enumerate() {
        let Some(pieces) = &table.pieces else { continue };
        for whole in &pieces.whole {
            let named = model.subspaces.iter().filter(|s| s.name.value == whole.value);
            let mut entries = named.filter(|s| s.value as usize == kind).peekable();
            if entries.peek().is_none() {
                let message = format!("no subspace `{}` with values of this kind", whole.value);
                mistakes.push(Mistake::new(whole.place, message).help("correct the name"));
            }
            for layout in entries.flat_map(|s| &s.layouts).filter(|l| l.long) {
                let message =
                    format!("values of `{}` are not cut, yet `{}` is long", whole.value, layout.name.value);
                mistakes.push(
                    Mistake::new(whole.place, message)
                        .note(layout.name.place, "the layout is declared here")
                        .help("remove `long: true`, for such a value has no place"),
                );
            }
        }
        if let Some((versions, _, most)) = &pieces.earlier
            && *most >= pieces.most
        {
            let message = format!("earlier releases took {most} pieces, no fewer than {}", pieces.most);
            mistakes
                .push(Mistake::new(versions.place, message).help("correct the number, or remove `earlier:`"));
        }
    }
}

/// Rule 6: docs and sources are there.
fn everything_is_documented(model: &Model, mistakes: &mut Vec<Mistake>) {
    let mut need = |owner: &str, place: Position, key: &str, text: &Option<Text>| {
        if text.as_ref().is_none_or(|t| t.value.trim().is_empty()) {
            mistakes
                .push(Mistake::new(place, format!("{owner} has no `{key}:`")).help(format!("add `{key}:`")));
        }
    };
    for version in &model.versions {
        let owner = format!("version {}", version.number);
        need(&owner, version.place, "doc", &version.doc);
        need(&owner, version.place, "source", &version.source);
    }
    for backend in &model.backends {
        let owner = format!("backend `{}`", backend.name.value);
        need(&owner, backend.name.place, "doc", &backend.doc);
        need(&owner, backend.name.place, "source", &backend.source);
    }
    for rule in &model.rules {
        let owner = format!("counter rule `{}`", rule.name.value);
        need(&owner, rule.name.place, "doc", &rule.doc);
        need(&owner, rule.name.place, "source", &rule.source);
    }
    for singleton in &model.singletons {
        let owner = format!("singleton `{}`", singleton.name.value);
        need(&owner, singleton.name.place, "doc", &singleton.doc);
        need(&owner, singleton.name.place, "source", &singleton.source);
    }
    for subspace in &model.subspaces {
        let owner = format!("subspace `{}`", subspace.name.value);
        need(&owner, subspace.name.place, "title", &subspace.title);
        need(&owner, subspace.name.place, "doc", &subspace.doc);
        need(&owner, subspace.name.place, "source", &subspace.source);
        for layout in &subspace.layouts {
            need(&format!("layout `{}`", layout.name.value), layout.name.place, "doc", &layout.doc);
        }
    }
    for layout in model.layouts() {
        for segment in layout.segments.iter().filter(|s| !s.name.is_empty() && s.doc.trim().is_empty()) {
            let message = format!("field `{}` has no `doc:`", segment.name);
            let help = "add `doc:` to the field, or an entry under `fields:`";
            mistakes.push(Mistake::new(segment.place, message).help(help));
        }
    }
}
