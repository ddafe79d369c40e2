//! The schema versions: what each has, and the names of values.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::tables::backend_kind;
use super::{NamedSubspace, ident, plain};
use crate::model::{Model, SchemaVersion};
use crate::names;

/// Versions, their subspaces and families, what older ones have left, names.
pub(super) fn items(model: &Model, entries: &[NamedSubspace<'_>]) -> Vec<TokenStream> {
    let mut items = vec![versions(model)];
    items.extend(model.versions.iter().map(|version| subspaces(entries, version.number)));
    for version in &model.versions {
        let name = families_static(model, version);
        if name == names::families(version.number) {
            let families = version.families.iter().map(|(name, letters)| {
                let letters = letters.iter().map(|letter| letter.value);
                quote! { (#name, &[#(#letters),*]) }
            });
            let count = plain(version.families.len());
            items.push(quote! { static #name: [(&str, &[char]); #count] = [#(#families),*]; });
        }
    }
    items.push(super::rules::version_record(model));
    items.push(left(model));
    for table in &model.names {
        let name = ident(&names::names_table(&table.name.value));
        let values = table.values.iter().map(|(value, word)| {
            let value = plain(*value);
            quote! { (#value, #word) }
        });
        let earlier = table.earlier.iter().map(|earlier| {
            let (value, word) = (plain(earlier.value), &earlier.name);
            let (from, to) = (plain(earlier.versions.from), plain(earlier.versions.to));
            quote! { (#value, (#from, #to), #word) }
        });
        items.push(quote! {
            static #name: Names = Names { values: &[#(#values),*], earlier: &[#(#earlier),*] };
        });
    }
    items
}

fn versions(model: &Model) -> TokenStream {
    let versions = model.versions.iter().map(|version| {
        let (number, releases) = (plain(version.number), &version.releases);
        let (subspaces, families) =
            (ident(&names::subspaces(version.number)), families_static(model, version));
        let marked = version.blobs_marked.then(|| quote! { .blobs_marked() });
        quote! { SchemaVersion::new(#number, #releases, &#subspaces, &#families)#marked }
    });
    let count = plain(model.versions.len());
    quote! { pub(super) static VERSIONS: [SchemaVersion; #count] = [#(#versions),*]; }
}

/// The subspaces of a version, by letter.
fn subspaces(entries: &[NamedSubspace<'_>], version: u32) -> TokenStream {
    let live: Vec<_> = entries.iter().filter(|entry| entry.subspace.versions.contains(version)).collect();
    let (name, count, number) = (ident(&names::subspaces(version)), plain(live.len()), plain(version));
    let subspaces = live.iter().map(|entry| {
        let (constant, key, layouts) = (entry.constant(), entry.key(), entry.layouts_in(version));
        quote! { #constant.with::<#key, #number>(&#layouts) }
    });
    quote! { static #name: [Subspace; #count] = [#(#subspaces),*]; }
}

/// Named after the first version that has the same families.
fn families_static(model: &Model, version: &SchemaVersion) -> Ident {
    let families = |version: &SchemaVersion| -> Vec<(String, Vec<char>)> {
        let families = version.families.iter();
        families.map(|(name, letters)| (name.clone(), letters.iter().map(|l| l.value).collect())).collect()
    };
    let first = model.versions.iter().find(|other| families(other) == families(version));
    ident(&names::families(first.map_or(version.number, |first| first.number)))
}

/// Tables that older versions have left, and those beside the subspaces.
fn left(model: &Model) -> TokenStream {
    let legacy = model.legacy.iter().map(|legacy| {
        let (letter, title) = (legacy.letter.value, &legacy.title);
        let (from, to) = (plain(legacy.versions.from), plain(legacy.versions.to));
        let tables = ident(&names::tables(legacy.letter.value, legacy.value));
        quote! { LegacySubspace::new(#letter, (#from, #to), #title, &#tables) }
    });
    let side = model.backends.iter().flat_map(|backend| {
        let kind = backend_kind(backend);
        backend.side_tables.iter().map(move |table| {
            let (name, title) = (&table.name, &table.title);
            let (from, to) = (plain(table.versions.from), plain(table.versions.to));
            quote! { SideTable::new(#kind, #name, (#from, #to), #title) }
        })
    });
    quote! {
        pub(super) static LEGACY: &[LegacySubspace] = &[#(#legacy),*];
        pub(super) static SIDE_TABLES: &[SideTable] = &[#(#side),*];
    }
}
