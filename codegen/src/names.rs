//! What the generated items are called.
//!
//! Used by `emit`, which writes them, and by `check`, which finds names that would be written twice. Does not depend
//! on the syntax of Rust.

use crate::model::{Layout, Model, Segment, Subspace, ValueKind};

/// Every kind of values, in the order of `Backend::kinds`.
pub(crate) const KINDS: [ValueKind; 4] =
    [ValueKind::Bytes, ValueKind::None, ValueKind::Counter, ValueKind::Blob];

/// A form of keys: layouts of equal name and key, each in other versions. They differ in their values alone.
#[derive(Debug)]
pub(crate) struct KeyForm<'m> {
    /// The variant of the typed key.
    pub name: String,
    /// The layouts with their indexes, in the order of the schema.
    pub layouts: Vec<(usize, &'m Layout)>,
}

impl<'m> KeyForm<'m> {
    /// The segments, which are those of all its layouts.
    pub fn segments(&self) -> &'m [Segment] {
        self.layouts.first().map_or(&[], |(_, layout)| &layout.segments)
    }

    /// The segments that are no constants.
    pub fn fields(&self) -> impl Iterator<Item = &'m Segment> {
        self.segments().iter().filter(|segment| !segment.name.is_empty())
    }

    fn has_key_of(&self, layout: &Layout) -> bool {
        let same = |(one, other): (&Segment, &Segment)| {
            one.name == other.name && one.kind == other.kind && one.allowed == other.allowed
        };
        let named = self.layouts.iter().all(|(_, other)| other.name.value == layout.name.value);
        let segments = self.segments();
        named && segments.len() == layout.segments.len() && segments.iter().zip(&layout.segments).all(same)
    }
}

/// The forms of a subspace's keys. A later form of a name carries the version that it begins with.
pub(crate) fn forms(subspace: &Subspace) -> Vec<KeyForm<'_>> {
    let mut forms: Vec<KeyForm<'_>> = Vec::new();
    for (index, layout) in subspace.layouts.iter().enumerate() {
        if let Some(form) = forms.last_mut().filter(|form| form.has_key_of(layout)) {
            form.layouts.push((index, layout));
            continue;
        }
        let mut before = subspace.layouts[..index].iter();
        let again = before.any(|other| other.name.value == layout.name.value);
        let version = if again { format!("V{}", layout.versions.from) } else { String::new() };
        let name = camel(&layout.name.value) + &version;
        forms.push(KeyForm { name, layouts: vec![(index, layout)] });
    }
    forms
}

/// What the items of a subspace are named after: another one of its name may exist in later versions.
pub(crate) fn entry(model: &Model, subspace: &Subspace) -> String {
    let later =
        |s: &Subspace| s.name.value == subspace.name.value && s.versions.from > subspace.versions.from;
    let version = if model.subspaces.iter().any(later) {
        format!("_v{}", subspace.versions.from)
    } else {
        String::new()
    };
    subspace.name.value.clone() + &version
}

/// The enum of an entry's keys.
pub(crate) fn key(entry: &str) -> String {
    format!("{}Key", camel(entry))
}

/// The descriptor of an entry.
pub(crate) fn constant(entry: &str) -> String {
    entry.to_uppercase()
}

/// The static with the layouts of an entry.
pub(crate) fn layouts(entry: &str) -> String {
    format!("{}_LAYOUTS", entry.to_uppercase())
}

/// The static with the layouts that an entry has in a version.
pub(crate) fn layouts_in(entry: &str, version: u32) -> String {
    format!("{}_IN_{version}", entry.to_uppercase())
}

/// A function over the keys of a layout.
pub(crate) fn condition(entry: &str, layout: usize, what: &str) -> String {
    format!("{entry}_{layout}_{what}")
}

/// The function that takes a group from the keys of a counter.
pub(crate) fn group_of(rule: &str, counter: &str, layout: usize) -> String {
    format!("{rule}_of_{counter}_{layout}")
}

/// The function that takes group and id from keys of a form that a rule covers, which begins with this layout.
pub(crate) fn covered(rule: &str, cover: usize, of: &str, layout: usize) -> String {
    format!("{rule}_cover_{cover}_{of}_{layout}")
}

/// The static with a table of names.
pub(crate) fn names_table(name: &str) -> String {
    format!("NAMES_{}", name.to_uppercase())
}

/// The static with the subspaces of a version.
pub(crate) fn subspaces(version: u32) -> String {
    format!("SUBSPACES_{version}")
}

/// The static with the families of a version.
pub(crate) fn families(version: u32) -> String {
    format!("FAMILIES_{version}")
}

/// The common part of a backend's tables for one kind of values.
pub(crate) fn template(backend: &str, kind: ValueKind) -> String {
    format!("{}_{}", backend.to_uppercase(), kind_word(kind))
}

/// The static with the tables of a letter for a kind of values.
pub(crate) fn tables(letter: char, kind: ValueKind) -> String {
    format!("TABLES_{}_{}", letter.to_ascii_uppercase(), kind_word(kind))
}

/// The static with the tables of a subspace. What a backend refuses or never cuts goes by name, so that nothing else
/// that has the letter shares such tables.
pub(crate) fn tables_of(model: &Model, subspace: &Subspace) -> String {
    let tables = tables(subspace.letter, subspace.value);
    let own = model
        .backends
        .iter()
        .any(|b| b.refusal(&subspace.name.value).is_some() || b.whole(subspace).is_some());
    if own { format!("{tables}_{}", subspace.name.value.to_uppercase()) } else { tables }
}

/// The macro that makes the tables of a letter for a kind of values.
pub(crate) fn tables_macro(kind: ValueKind) -> String {
    format!("{}_tables", kind_word(kind).to_lowercase())
}

fn kind_word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Bytes => "BYTES",
        ValueKind::None => "NONE",
        ValueKind::Counter => "COUNTER",
        ValueKind::Blob => "BLOB",
    }
}

/// `task_queue` as `TaskQueue`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}
