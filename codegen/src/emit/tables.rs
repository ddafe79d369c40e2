//! Data stores and where each keeps a subspace.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::layouts::value_kind;
use super::{Entry, ident, plain};
use crate::check::BACKENDS;
use crate::model::{Backend, Model, Subspace, TableKind, ValueKind};
use crate::names;

/// Backends, tables of others, and the tables of all subspaces.
pub(super) fn items(model: &Model, entries: &[Entry<'_>]) -> Vec<TokenStream> {
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
    let mut templates = TokenStream::new();
    for backend in &model.backends {
        templates.extend(
            names::KINDS.iter().zip(&backend.kinds).map(|(kind, table)| template(backend, *kind, table)),
        );
    }
    items.push(templates);
    // Letters are used again by later versions, often for the same kind of table.
    let mut mappings: BTreeMap<String, TokenStream> = BTreeMap::new();
    for Entry { subspace, .. } in entries {
        let name = ident(&names::tables_of(model, subspace));
        let entry = mappings.entry(name.to_string());
        entry.or_insert_with(|| mapping(model, &name, subspace.letter, subspace.value, Some(subspace)));
    }
    for legacy in &model.legacy {
        let name = ident(&names::tables(legacy.letter.value, legacy.value));
        let entry = mappings.entry(name.to_string());
        entry.or_insert_with(|| mapping(model, &name, legacy.letter.value, legacy.value, None));
    }
    items.push(mappings.into_values().collect());
    items
}

fn template(backend: &Backend, kind: ValueKind, table: &TableKind) -> TokenStream {
    let (name, value, backend) =
        (ident(&names::template(&backend.name.value, kind)), value_kind(kind), backend_kind(backend));
    let mut rest = Vec::new();
    let limits =
        [("max_key", table.max_key), ("max_value", table.max_value), ("unique_prefix", table.unique_prefix)];
    for (field, limit) in limits {
        if let Some(limit) = limit {
            let (field, limit) = (format_ident!("{field}"), plain(limit));
            rest.push(quote! { #field: Some(#limit), });
        }
    }
    rest.extend(table.blob_min_size.map(|_| quote! { blob_files: true, }));
    rest.extend(table.integer.filter(|(integer, _)| *integer).map(|_| quote! { integer: true, }));
    if let Some(merge) = &table.merge_operator {
        rest.push(quote! { merge_operator: Some(#merge), });
    }
    quote! { const #name: Template = Template(#backend, Table { value: #value, #(#rest)* ..Table::PLAIN }); }
}

fn mapping(
    model: &Model,
    name: &Ident,
    letter: char,
    value: ValueKind,
    subspace: Option<&Subspace>,
) -> TokenStream {
    let entries = model.backends.iter().map(|backend| {
        let (kind, template) = (backend_kind(backend), ident(&names::template(&backend.name.value, value)));
        if let Some(because) = subspace.and_then(|subspace| backend.refusal(&subspace.name.value)) {
            return quote! { Mapping::refused(#kind, #because) };
        }
        let table = backend.table_name(letter);
        // A value that is never cut is no longer than a piece.
        let whole = subspace.and_then(|subspace| backend.whole(subspace)).map(plain);
        match (&backend.kinds[value as usize].create, whole) {
            (None, Some(most)) => quote! { #template.up_to(#most).table(#table) },
            (None, None) => quote! { #template.table(#table) },
            (Some(create), _) => {
                let create = create.replace("{table}", &table);
                quote! { #template.created(#table, #create) }
            }
        }
    });
    let count = plain(model.backends.len());
    quote! { static #name: [Mapping; #count] = [#(#entries),*]; }
}

pub(super) fn backend_kind(backend: &Backend) -> TokenStream {
    let known = BACKENDS.iter().find(|(name, _)| *name == backend.name.value);
    let variant = format_ident!("{}", known.map_or("Unknown", |(_, variant)| variant));
    quote! { BackendKind::#variant }
}
