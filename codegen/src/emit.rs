//! From the model to Rust: typed keys per entry of the schema, and the descriptor tables of all versions.
//!
//! Code only where types differ; whatever is uniform becomes data. An entry is written once, whatever the number of
//! versions that have it: what changes between them is a guard, or a list of its layouts.

pub(crate) mod docs;

mod format;

mod keys;

mod layouts;

mod rules;

mod tables;

mod versions;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::model::{IntSet, Layout, LayoutPath, Model, SegmentKind, Subspace, is_text};
use crate::names::{self, KeyForm};

/// The catalog as Rust text.
pub(crate) fn rust(model: &Model) -> String {
    let entries = entries(model);
    let mut items = vec![quote! {
        use super::*;
        use crate::codec::Value::*;
        use crate::codec::*;
    }];
    items.extend(versions::items(model, &entries));
    items.extend(rules::items(model, &entries));
    items.extend(tables::items(model, &entries));
    for entry in &entries {
        items.extend(keys::items(entry));
        items.extend(layouts::items(model, &entries, entry));
    }
    let keys = entries.iter().map(NamedSubspace::key);
    items.push(quote! { pub mod keys { pub use super::{#(#keys),*}; } });
    let mut text = String::from("// Generated from the schema by `codegen`: edit the schema instead.\n");
    for item in items.into_iter().filter(|item| !item.is_empty()) {
        text.push('\n');
        text.push_str(&format::item(item));
    }
    text
}

/// A subspace of the schema with what its keys are in all of its versions.
struct NamedSubspace<'m> {
    subspace: &'m Subspace,
    /// What its generated items are named after: another entry of the name may exist in later versions.
    name: String,
    /// The forms of its keys.
    forms: Vec<KeyForm<'m>>,
}

impl<'m> NamedSubspace<'m> {
    fn new(model: &'m Model, subspace: &'m Subspace) -> Self {
        NamedSubspace { subspace, name: names::entry(model, subspace), forms: names::forms(subspace) }
    }

    /// Name of the key enum.
    fn key(&self) -> Ident {
        ident(&names::key(&self.name))
    }

    /// Name of the descriptor constant.
    fn constant(&self) -> Ident {
        ident(&names::constant(&self.name))
    }

    /// Name of the static with its layouts.
    fn statics(&self) -> Ident {
        ident(&names::layouts(&self.name))
    }

    /// Name of the static with its layouts in a version, which is that of the first version that has the same.
    fn layouts_in(&self, version: u32) -> Ident {
        let same = |other: &u32| self.active(*other) == self.active(version);
        let first = self.subspace.versions.iter().find(same).unwrap_or(version);
        ident(&names::layouts_in(&self.name, first))
    }

    /// Indexes of the layouts that a version has.
    fn active(&self, version: u32) -> Vec<usize> {
        let layouts = self.subspace.layouts.iter().enumerate();
        layouts.filter(|(_, layout)| layout.versions.contains(version)).map(|(index, _)| index).collect()
    }

    /// Whether a key borrows from the bytes it was decoded from.
    fn borrows(&self) -> bool {
        self.forms.iter().flat_map(KeyForm::fields).any(|segment| segment.kind.largest().is_none())
    }

    /// The form of the keys of a layout.
    fn form(&self, layout: usize) -> Option<&KeyForm<'m>> {
        self.forms.iter().find(|form| form.layouts.iter().any(|(index, _)| *index == layout))
    }

    /// `PropertyKey::Record { kind: 3 | 5, .. }`: keys of a layout whose fields are in these sets, with `bound` names.
    fn pattern(&self, layout: usize, sets: &[(&str, &IntSet)], bound: &[&str]) -> TokenStream {
        let Some(form) = self.form(layout) else { return quote! { _ } };
        let (key, name) = (self.key(), ident(&form.name));
        let mut fields = Vec::new();
        for segment in form.fields() {
            let field = format_ident!("{}", segment.name);
            let set = sets.iter().find(|(name, _)| *name == segment.name);
            let wanted = bound.contains(&segment.name.as_str());
            let set = set.map(|(_, set)| {
                let pattern = set_pattern(set, segment.kind.largest().unwrap_or(u64::MAX));
                // A name binds closer than an alternative.
                if wanted && set.len() > 1 {
                    quote! { (#pattern) }
                } else {
                    pattern
                }
            });
            match set {
                Some(set) if wanted => fields.push(quote! { #field: #field @ #set }),
                Some(set) => fields.push(quote! { #field: #set }),
                None if wanted => fields.push(quote! { #field }),
                None => {}
            }
        }
        if fields.len() < form.fields().count() {
            fields.push(quote! { .. });
        }
        quote! { #key::#name { #(#fields),* } }
    }
}

/// The number in a field that a pattern has bound.
fn widened(layout: &Layout, field: &str) -> TokenStream {
    let name = format_ident!("{field}");
    match layout.field(field).map(|segment| &segment.kind) {
        Some(SegmentKind::U64 | SegmentKind::Leb64) => quote! { #name },
        _ => quote! { u64::from(#name) },
    }
}

fn entries(model: &Model) -> Vec<NamedSubspace<'_>> {
    let mut entries: Vec<_> =
        model.subspaces.iter().map(|subspace| NamedSubspace::new(model, subspace)).collect();
    entries.sort_by_key(|entry| (entry.subspace.letter, entry.subspace.versions.from));
    entries
}

/// What a layout path means in the versions of a range: runs of versions with the entry and index of the layout.
fn resolve<'e, 'm>(
    entries: &'e [NamedSubspace<'m>],
    path: &LayoutPath,
    versions: impl Iterator<Item = u32>,
) -> Vec<(u32, u32, &'e NamedSubspace<'m>, usize)> {
    let mut runs: Vec<(u32, u32, &NamedSubspace<'m>, usize)> = Vec::new();
    for version in versions {
        let named = |e: &&NamedSubspace<'_>| {
            e.subspace.name.value == path.subspace && e.subspace.versions.contains(version)
        };
        let Some(entry) = entries.iter().find(named) else { continue };
        let mut layouts = entry.subspace.layouts.iter();
        let layout = layouts.position(|l| l.name.value == path.layout && l.versions.contains(version));
        let Some(layout) = layout else { continue };
        match runs.last_mut() {
            Some((_, to, e, l)) if std::ptr::eq(*e, entry) && *l == layout => *to = version,
            _ => runs.push((version, version, entry, layout)),
        }
    }
    runs
}

/// The numbers of a set as a pattern.
fn set_pattern(set: &IntSet, largest: u64) -> TokenStream {
    let parts = set.iter().map(|&(from, to)| {
        let (low, high) = (number(from), number(to));
        match to {
            _ if from == to => low,
            _ if to >= largest => quote! { #low.. },
            _ => quote! { #low..=#high },
        }
    });
    quote! { #(#parts)|* }
}

/// Doc lines of an item.
fn doc(text: &str) -> TokenStream {
    let lines = wrap(text, 100).into_iter().map(|line| format!(" {line}"));
    quote! { #(#[doc = #lines])* }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A name as a token. `check` has refused names that are none.
fn ident(name: &str) -> Ident {
    format_ident!("{name}")
}

/// An integer without type suffix.
fn plain(n: impl TryInto<u64>) -> TokenStream {
    let literal = Literal::u64_unsuffixed(n.try_into().unwrap_or(u64::MAX));
    quote! { #literal }
}

/// A number of the schema: large ones are distinguished by their digits in hex.
fn number(n: u64) -> TokenStream {
    if n > 0xffff { hex(n) } else { plain(n) }
}

/// A number in hex.
fn hex(n: u64) -> TokenStream {
    // A literal of this form always parses; otherwise the number would be written in decimal.
    let literal: Result<Literal, _> = format!("0x{n:02x}").parse();
    literal.map_or_else(|_| quote! { #n }, |literal| quote! { #literal })
}

/// Bytes after a `&`: as text where they are text.
fn bytes(bytes: &[u8]) -> TokenStream {
    if is_text(bytes) {
        let text = Literal::byte_string(bytes);
        return quote! { #text };
    }
    let bytes = bytes.iter().map(|byte| hex(u64::from(*byte)));
    quote! { &[#(#bytes),*] }
}
