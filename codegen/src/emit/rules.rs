//! Rules between records: counters that cover ids, objects that define where stores are.
//!
//! Written once with the versions that have them. Functions over typed keys take the numbers from a key.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::layouts::store;
use super::{NamedSubspace, bytes, hex, ident, plain, resolve, widened};
use crate::model::{CounterRule, Cover, IntSet, Layout, Model, Singleton};
use crate::names;

/// The rules of all versions.
pub(super) fn items(model: &Model, entries: &[NamedSubspace<'_>]) -> Vec<TokenStream> {
    let (mut rules, mut functions) = (Vec::new(), BTreeMap::new());
    let most = model.rules.iter().map(|rule| rule.group.len()).max().unwrap_or(1);
    for rule in &model.rules {
        for (from, to, counter, layout) in resolve(entries, &rule.counter, rule.versions.iter()) {
            let versions = (from, to);
            rules.push(self::rule(entries, rule, versions, (counter, layout), most, &mut functions));
        }
    }
    let singletons: Vec<TokenStream> = model.singletons.iter().flat_map(|s| singleton(entries, s)).collect();
    let most = plain(most);
    let mut items = vec![quote! {
        pub const GROUP_NUMBERS: usize = #most;
        pub(super) static COUNTER_RULES: &[CounterRule] = &[#(#rules),*];
    }];
    items.extend(functions.into_values());
    items.push(quote! { pub(super) static SINGLETONS: &[Singleton] = &[#(#singletons),*]; });
    items
}

fn rule(
    entries: &[NamedSubspace<'_>],
    rule: &CounterRule,
    (from, to): (u32, u32),
    (counter, layout): (&NamedSubspace<'_>, usize),
    most: usize,
    functions: &mut BTreeMap<String, TokenStream>,
) -> TokenStream {
    let name = &rule.name.value;
    let fields: Vec<&str> = rule.group.iter().map(|field| field.value.as_str()).collect();
    let group_of = ident(&names::group_of(name, &counter.name, layout));
    let (key, index, pattern) = (counter.key(), plain(layout), counter.pattern(layout, &[], &fields));
    let numbers = group(rule, None, &counter.subspace.layouts[layout], most);
    let function = quote! {
        fn #group_of(key: &[u8]) -> Option<Group> {
            match #key::read(#index, key)? {
                #pattern => Some(#numbers),
                _ => None,
            }
        }
    };
    functions.insert(group_of.to_string(), function);
    let mut covers = Vec::new();
    for (number, cover) in rule.covers.iter().enumerate() {
        let versions = cover.versions.iter().filter(|version| (from..=to).contains(version));
        for (from, to, of, layout) in resolve(entries, &cover.of, versions) {
            // Layouts of one form of keys are read alike.
            let first = of.form(layout).and_then(|form| form.layouts.first()).map_or(layout, |(at, _)| *at);
            let function = ident(&names::covered(name, number, &of.name, first));
            let covered = covered(rule, cover, (of, first), most, &function);
            functions.entry(function.to_string()).or_insert(covered);
            let (from, to, letter) = (plain(from), plain(to), of.subspace.letter);
            let (statics, layout) = (of.statics(), plain(layout));
            covers.push(quote! { Cover::new((#from, #to), #letter, &#statics[#layout], #function) });
        }
    }
    let (from, to, letter, statics) = (plain(from), plain(to), counter.subspace.letter, counter.statics());
    quote! {
        CounterRule {
            name: #name,
            versions: (#from, #to),
            counter: LayoutRef { letter: #letter, layout: &#statics[#index] },
            group: &[#(#fields),*],
            group_of: #group_of,
            covers: &[#(#covers),*],
        }
    }
}

/// The function that takes group and id from the key of a covered record.
fn covered(
    rule: &CounterRule,
    cover: &Cover,
    (of, layout): (&NamedSubspace<'_>, usize),
    most: usize,
    function: &proc_macro2::Ident,
) -> TokenStream {
    let bound: Vec<&str> = cover.key_fields(&rule.group).map(|field| field.value.as_str()).collect();
    let only: Vec<(&str, &IntSet)> =
        cover.only.iter().map(|(field, set)| (field.value.as_str(), set)).collect();
    let excluded = cover.unless.iter().map(|(field, set)| of.pattern(layout, &[(&field.value, set)], &[]));
    let excluded = excluded.map(|pattern| quote! { #pattern => None, });
    let (key, index, pattern) = (of.key(), plain(layout), of.pattern(layout, &only, &bound));
    let numbers = group(rule, Some(cover), &of.subspace.layouts[layout], most);
    let id = match &cover.field {
        None => quote! { CoveredId::ArchiveChangeId },
        Some(field) => {
            let id = widened(&of.subspace.layouts[layout], &field.value);
            quote! { CoveredId::Number(#id) }
        }
    };
    quote! {
        fn #function(key: &[u8]) -> Option<(Group, CoveredId)> {
            match #key::read(#index, key)? {
                #(#excluded)*
                #pattern => Some((#numbers, #id)),
                _ => None,
            }
        }
    }
}

/// The numbers of a group, filled up with zeros where other rules have more.
fn group(rule: &CounterRule, cover: Option<&Cover>, of: &Layout, most: usize) -> TokenStream {
    let mut numbers: Vec<TokenStream> = Vec::new();
    for field in &rule.group {
        numbers.push(match cover.and_then(|cover| cover.fixed_number(&field.value)) {
            Some(value) => super::number(value),
            None => widened(of, &field.value),
        });
    }
    numbers.resize(most, plain(0u64));
    quote! { [#(#numbers),*] }
}

/// One entry for each run of versions with the same place and key.
fn singleton(entries: &[NamedSubspace<'_>], singleton: &Singleton) -> Vec<TokenStream> {
    let runs = resolve(entries, &singleton.layout, singleton.versions.iter());
    let (name, title) = (&singleton.name.value, &singleton.title);
    let store = match singleton.store.map(store) {
        None => quote! { None },
        Some(store) => quote! { Some(#store) },
    };
    let variants = singleton.variants.iter().map(|variant| {
        let (number, name) = (plain(variant.number), &variant.name.value);
        let place = if variant.external { format_ident!("external") } else { format_ident!("internal") };
        quote! { Variant::#place(#number, #name) }
    });
    let variants = quote! { &[#(#variants),*] };
    runs.into_iter()
        .filter_map(|(from, to, entry, layout)| {
            let key = singleton.key_of(&entry.subspace.layouts[layout])?;
            let key = key.iter().map(|byte| hex(u64::from(*byte)));
            let (from, to, letter) = (plain(from), plain(to), entry.subspace.letter);
            Some(quote! {
                Singleton {
                    name: #name,
                    title: #title,
                    versions: (#from, #to),
                    letter: #letter,
                    key: &[#(#key),*],
                    store: #store,
                    variants: #variants,
                }
            })
        })
        .collect()
}

/// The record that contains the version, from the newest version; the check has proven them all alike.
pub(super) fn version_record(model: &Model) -> TokenStream {
    let marked = model.subspaces.iter().rev().flat_map(|s| s.layouts.iter().map(move |l| (s, l)));
    let Some((subspace, layout)) = marked.into_iter().find(|(_, l)| l.schema_version) else {
        return TokenStream::new();
    };
    let key = bytes(&layout.fixed_key().unwrap_or_default());
    let (letter, tables) = (subspace.letter, ident(&names::tables_of(model, subspace)));
    quote! {
        pub(super) static SCHEMA_VERSION_RECORD: VersionRecord =
            VersionRecord { letter: #letter, key: #key, tables: &#tables };
    }
}
