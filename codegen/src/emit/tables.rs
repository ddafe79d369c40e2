//! Data stores and where each keeps a subspace.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::layouts::value_kind;
use super::{NamedSubspace, ident, plain};
use crate::check::BACKENDS;
use crate::model::{Backend, Model, Subspace, ValueKind};
use crate::names;

/// Backends, tables of others, and the tables of all subspaces.
pub(super) fn items(model: &Model, entries: &[NamedSubspace<'_>]) -> Vec<TokenStream> {
    let backends = model.backends.iter().map(|backend| {
        let (kind, name, title) = (backend_kind(backend), &backend.name.value, &backend.title);
        let required = backend.legacy_required;
        quote! { Backend { kind: #kind, name: #name, title: #title, legacy_required: #required } }
    });
    let companions = model.backends.iter().flat_map(|backend| {
        let kind = backend_kind(backend);
        backend.companions.iter().map(move |(name, title)| {
            quote! { Companion { backend: #kind, name: #name, title: #title } }
        })
    });
    let count = plain(model.backends.len());
    let mut items = vec![quote! {
        pub(super) static BACKENDS: [Backend; #count] = [#(#backends),*];
        pub(super) static COMPANIONS: &[Companion] = &[#(#companions),*];
    }];
    let mut kinds: Vec<ValueKind> = entries.iter().map(|entry| entry.subspace.value).collect();
    kinds.extend(model.legacy.iter().map(|legacy| legacy.value));
    let used = || names::KINDS.into_iter().filter(|kind| kinds.contains(kind));
    let templates = model.backends.iter().flat_map(|backend| used().map(move |kind| template(backend, kind)));
    items.push(templates.collect());
    // Letters are used again by later versions, often for the same kind of table.
    let mut mappings: BTreeMap<String, TokenStream> = BTreeMap::new();
    for NamedSubspace { subspace, .. } in entries {
        let (name, letter) = (names::tables_of(model, subspace), subspace.letter);
        mappings.insert(name.clone(), mapping(model, &name, letter, subspace.value, Some(subspace)));
    }
    for legacy in &model.legacy {
        let (name, letter) = (names::tables(legacy.letter.value, legacy.value), legacy.letter.value);
        mappings.insert(name.clone(), mapping(model, &name, letter, legacy.value, None));
    }
    items.extend(used().map(|kind| tables(model, kind)));
    items.push(mappings.into_values().collect());
    items
}

fn template(backend: &Backend, kind: ValueKind) -> TokenStream {
    let table = &backend.kinds[kind as usize];
    let (name, value, backend) =
        (ident(&names::template(&backend.name.value, kind)), value_kind(kind), backend_kind(backend));
    let mut words = Vec::new();
    let limits =
        [("max_key", table.max_key), ("max_value", table.max_value), ("unique_prefix", table.unique_prefix)];
    for (word, limit) in limits {
        if let Some(limit) = limit {
            let (word, limit) = (ident(word), plain(limit));
            words.push(quote! { .#word(#limit) });
        }
    }
    words.extend(table.blob_min_size.map(|_| quote! { .blob_files() }));
    if let Some(pieces) = &table.pieces {
        let (size, width, most) = (plain(pieces.size), plain(pieces.width), plain(pieces.most));
        words.push(quote! { .pieces(#size, #width, #most) });
    }
    words.extend(table.integer.filter(|(integer, _)| *integer).map(|_| quote! { .integer() }));
    if let Some(merge) = &table.merge_operator {
        words.push(quote! { .merge_operator(#merge) });
    }
    quote! { const #name: Template = Template::new(#backend, #value)#(#words)*; }
}

/// The tables that all letters have alike for a kind of values: a macro, since a statement is put together by the
/// compiler.
fn tables(model: &Model, kind: ValueKind) -> TokenStream {
    let entries = model.backends.iter().map(|backend| {
        let template = ident(&names::template(&backend.name.value, kind));
        let table = with_letter(&backend.table);
        match &backend.kinds[kind as usize].create {
            None => quote! { #template.table(#table) },
            Some(create) => {
                let create = with_letter(&create.replace("{table}", &backend.table));
                quote! { #template.created(#table, #create) }
            }
        }
    });
    let name = ident(&names::tables_macro(kind));
    quote! { macro_rules! #name { ($letter:literal) => ([#(#entries),*]); } }
}

/// A text with a letter in it, as the compiler puts it together.
fn with_letter(text: &str) -> TokenStream {
    let mut parts = Vec::new();
    for (index, part) in text.split("{letter}").enumerate() {
        parts.extend((index > 0).then(|| quote! { $letter }));
        parts.extend((!part.is_empty()).then(|| quote! { #part }));
    }
    match &parts[..] {
        [only] => only.clone(),
        _ => quote! { concat!(#(#parts),*) },
    }
}

fn mapping(
    model: &Model,
    name: &str,
    letter: char,
    value: ValueKind,
    subspace: Option<&Subspace>,
) -> TokenStream {
    let (name, count) = (ident(name), plain(model.backends.len()));
    let (macro_name, letter) = (ident(&names::tables_macro(value)), letter.to_string());
    let mut tables = quote! { #macro_name!(#letter) };
    let Some(subspace) = subspace else { return quote! { static #name: [Mapping; #count] = #tables; } };
    for backend in &model.backends {
        let kind = backend_kind(backend);
        if let Some(because) = backend.refusal(&subspace.name.value) {
            tables = quote! { descriptors::refused(#tables, #kind, #because) };
        } else if let Some(most) = backend.whole(subspace).map(plain) {
            // A value that is never cut is no longer than a piece of others.
            tables = quote! { descriptors::up_to(#tables, #kind, #most) };
        }
    }
    quote! { static #name: [Mapping; #count] = #tables; }
}

pub(super) fn backend_kind(backend: &Backend) -> TokenStream {
    let known = BACKENDS.iter().find(|(name, _)| *name == backend.name.value);
    let variant = format_ident!("{}", known.map_or("Unknown", |(_, variant)| variant));
    quote! { BackendKind::#variant }
}
