//! Descriptors: the layouts of an entry, which of them a version has, and the subspace itself.
//!
//! Static data for ordinary functions. Conditions on fields are functions over typed keys.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{NamedSubspace, bytes, ident, plain, resolve, widened};
use crate::model::{
    Fresh, IntSet, Layout, Model, Segment, SegmentKind, StoreGroup, Subspace, Text, ValueForm, ValueKind,
};
use crate::names;

/// What comes after the typed keys of an entry.
pub(super) fn items(
    model: &Model,
    entries: &[NamedSubspace<'_>],
    entry: &NamedSubspace<'_>,
) -> Vec<TokenStream> {
    let (statics, subspace) = (entry.statics(), entry.subspace);
    let mut items = Vec::new();
    let layouts: Vec<TokenStream> = subspace
        .layouts
        .iter()
        .enumerate()
        .map(|(index, layout)| self::layout(entries, entry, index, layout, &mut items))
        .collect();
    let count = plain(layouts.len());
    items.insert(0, quote! { static #statics: [Layout; #count] = [#(#layouts),*]; });
    let mut lists: Vec<Ident> = Vec::new();
    for version in subspace.versions.iter() {
        let (name, active) = (entry.layouts_in(version), entry.active(version));
        if !lists.contains(&name) {
            let (count, indexes) = (plain(active.len()), active.into_iter().map(plain));
            items.push(quote! { static #name: [&Layout; #count] = pick(&#statics, [#(#indexes),*]); });
            lists.push(name);
        }
    }
    items.push(descriptor(model, entry));
    items
}

fn descriptor(model: &Model, entry: &NamedSubspace<'_>) -> TokenStream {
    let (constant, subspace) = (entry.constant(), entry.subspace);
    let (letter, name) = (subspace.letter, &subspace.name.value);
    let title = subspace.title.as_ref().map_or("", |title| title.value.as_str());
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let (value, tables) = (value_kind(subspace.value), ident(&names::tables_of(model, subspace)));
    let mut words = Vec::new();
    if subspace.store != StoreGroup::Data {
        let store = store(subspace.store);
        words.push(quote! { .store(#store) });
    }
    if subspace.fresh != Fresh::Refuse {
        let fresh = fresh(subspace.fresh);
        words.push(quote! { .fresh(#fresh) });
    }
    words.extend(subspace.derived.then(|| quote! { .derived() }));
    words.extend(subspace.settings.then(|| quote! { .settings() }));
    quote! {
        const #constant: Subspace = Subspace::new(#letter, #name, #title, #value, &#tables)#(#words)*;
    }
}

fn layout(
    entries: &[NamedSubspace<'_>],
    entry: &NamedSubspace<'_>,
    index: usize,
    layout: &Layout,
    functions: &mut Vec<TokenStream>,
) -> TokenStream {
    let (number, name) = (plain(index), &layout.name.value);
    let segments = layout.segments.iter().map(segment);
    let mut words = vec![value(entry.subspace, layout)];
    if !layout.archives.is_empty() {
        let patterns = layout.archives.iter().map(|sets| entry.pattern(index, &named(sets), &[]));
        let name = condition(entry, index, "archived", patterns.collect(), functions);
        words.push(quote! { .archives(#name) });
    }
    if !layout.provisional.is_empty() {
        let pattern = entry.pattern(index, &named(&layout.provisional), &[]);
        let name = condition(entry, index, "provisional", vec![pattern], functions);
        words.push(quote! { .provisional(#name) });
    }
    let hash = plain(layout.hash_at().unwrap_or_default());
    words.extend(layout.content_hash.then(|| quote! { .content_hash(#hash) }));
    words.extend(layout.links_blob.as_ref().map(|_| quote! { .link(#hash) }));
    for (flag, word) in [
        (layout.long, "long"),
        (layout.local, "local"),
        (layout.commit.is_some_and(|(commit, _)| commit), "commit"),
    ] {
        let word = format_ident!("{word}");
        words.extend(flag.then(|| quote! { .#word() }));
    }
    if let Some(rule) = layout.fresh {
        let rule = fresh(rule);
        words.push(quote! { .fresh(#rule) });
    }
    if let Some((rule, _)) = layout.fresh_if_derived_key {
        let rule = fresh(rule);
        words.push(quote! { .fresh_if_derived_key(#rule) });
    }
    if let Some(key) = layout.fixed_key() {
        let key = bytes(&key);
        words.push(quote! { .fixed_key(#key) });
    }
    let shares: Vec<TokenStream> = shares(entry.subspace, layout).into_iter().map(plain).collect();
    if !shares.is_empty() {
        words.push(quote! { .shares(&[#(#shares),*]) });
    }
    let derived_keys: Vec<TokenStream> = derived_keys(entries, entry, index, layout, functions);
    if !derived_keys.is_empty() {
        words.push(quote! { .derived_keys(&[#(#derived_keys),*]) });
    }
    quote! { Layout::new(#number, #name, &[#(#segments),*]) #(#words)* }
}

/// Indexes of the layouts that accept some of the same keys.
fn shares(subspace: &Subspace, layout: &Layout) -> Vec<usize> {
    let layouts = subspace.layouts.iter().enumerate();
    let shared = layouts.filter(|(_, other)| {
        layout.shares.iter().any(|s| s.with.value == other.name.value)
            && layout.versions.common(&other.versions).is_some()
    });
    shared.map(|(index, _)| index).collect()
}

/// The form of the value, if it has one.
fn value(subspace: &Subspace, layout: &Layout) -> TokenStream {
    match (subspace.value, &layout.value) {
        (ValueKind::Counter, _) => quote! { .counter() },
        (ValueKind::None, _) | (_, ValueForm::Empty) => quote! { .empty() },
        (_, ValueForm::Opaque) => TokenStream::new(),
        (_, ValueForm::Archive) => quote! { .archive() },
        (_, ValueForm::Changes) => quote! { .changes() },
        (_, ValueForm::Lease) => quote! { .lease() },
        (_, ValueForm::Lengths(lengths)) => {
            let lengths = lengths.iter().map(|n| plain(*n));
            quote! { .lengths(&[#(#lengths),*]) }
        }
    }
}

/// Writes a function that returns whether a key of a layout meets one of the patterns; returns its name.
fn condition(
    entry: &NamedSubspace<'_>,
    index: usize,
    what: &str,
    patterns: Vec<TokenStream>,
    functions: &mut Vec<TokenStream>,
) -> Ident {
    let name = ident(&names::condition(&entry.name, index, what));
    let (key, index) = (entry.key(), plain(index));
    functions.push(quote! {
        fn #name(key: &[u8]) -> bool {
            matches!(#key::read(#index, key), Some(#(#patterns)|*))
        }
    });
    name
}

/// Keys of blobs that are derived from objects, each with the versions that have them.
fn derived_keys(
    entries: &[NamedSubspace<'_>],
    entry: &NamedSubspace<'_>,
    index: usize,
    layout: &Layout,
    functions: &mut Vec<TokenStream>,
) -> Vec<TokenStream> {
    let mut rules = Vec::new();
    for derived in &layout.derived_keys {
        for (from, to, of, object) in resolve(entries, &derived.of, derived.versions.iter()) {
            let what = format!("object_{}", rules.len());
            let name = ident(&names::condition(&entry.name, index, &what));
            let (key, read) = (of.key(), plain(object));
            let pattern = of.pattern(object, &named(&derived.only), &[&derived.field.value]);
            let id = widened(&of.subspace.layouts[object], &derived.field.value);
            functions.push(quote! {
                fn #name(key: &[u8]) -> Option<u64> {
                    match #key::read(#read, key)? {
                        #pattern => Some(#id),
                        _ => None,
                    }
                }
            });
            let (from, to, prefix, statics) = (plain(from), plain(to), &derived.prefix, of.statics());
            let start = bytes(&start(&of.subspace.layouts[object], &derived.only));
            let letter = of.subspace.letter;
            rules.push(quote! {
                DerivedKeys {
                    versions: (#from, #to),
                    prefix: #prefix,
                    of: LayoutRef { letter: #letter, layout: &#statics[#read] },
                    start: #start,
                    id: #name,
                }
            });
        }
    }
    rules
}

/// The bytes that every key of a layout begins with whose fields are in these sets.
fn start(layout: &Layout, only: &[(Text, IntSet)]) -> Vec<u8> {
    let mut start = Vec::new();
    for segment in &layout.segments {
        if let SegmentKind::Const(bytes) = &segment.kind {
            start.extend_from_slice(bytes);
            continue;
        }
        let set = only.iter().find(|(field, _)| field.value == segment.name).map(|(_, set)| &set[..]);
        let (Some([(from, to)]), Some(width)) = (set, segment.kind.fixed()) else { break };
        if from != to {
            break;
        }
        start.extend_from_slice(&from.to_be_bytes()[8 - width..]);
    }
    start
}

fn named(sets: &[(Text, IntSet)]) -> Vec<(&str, &IntSet)> {
    sets.iter().map(|(field, set)| (field.value.as_str(), set)).collect()
}

fn segment(segment: &Segment) -> TokenStream {
    let name = &segment.name;
    let mut tokens = match &segment.kind {
        SegmentKind::Const(constant) => {
            let constant = bytes(constant);
            return quote! { Segment::constant(#constant) };
        }
        SegmentKind::Bytes(n) => {
            let n = plain(*n);
            quote! { Segment::bytes(#name, #n) }
        }
        other => {
            let kind = match other {
                SegmentKind::Leb32 => "leb32".to_owned(),
                SegmentKind::Leb64 => "leb64".to_owned(),
                other => other.word(),
            };
            let kind = format_ident!("{kind}");
            quote! { Segment::#kind(#name) }
        }
    };
    if !segment.allowed.is_empty() {
        let ranges = segment.allowed.iter().map(|&(from, to)| {
            let (from, to) = (
                plain(from),
                if to == u64::MAX {
                    quote! { u64::MAX }
                } else {
                    plain(to)
                },
            );
            quote! { (#from, #to) }
        });
        tokens = quote! { #tokens.within(&[#(#ranges),*]) };
    }
    if let Some(names) = &segment.names {
        let names = ident(&names::names_table(&names.value));
        tokens = quote! { #tokens.named(&#names) };
    }
    tokens
}

pub(super) fn value_kind(kind: ValueKind) -> TokenStream {
    match kind {
        ValueKind::Bytes => quote! { ValueKind::Bytes },
        ValueKind::None => quote! { ValueKind::None },
        ValueKind::Counter => quote! { ValueKind::Counter },
        ValueKind::Blob => quote! { ValueKind::Blob },
    }
}

pub(super) fn store(store: StoreGroup) -> TokenStream {
    match store {
        StoreGroup::Data => quote! { StoreGroup::Data },
        StoreGroup::Blob => quote! { StoreGroup::Blob },
        StoreGroup::Lookup => quote! { StoreGroup::Lookup },
        StoreGroup::Search => quote! { StoreGroup::Search },
        StoreGroup::Telemetry => quote! { StoreGroup::Telemetry },
    }
}

fn fresh(fresh: Fresh) -> TokenStream {
    match fresh {
        Fresh::Refuse => quote! { FreshRule::Refuse },
        Fresh::Clear => quote! { FreshRule::Clear },
        Fresh::Save => quote! { FreshRule::Save },
        Fresh::Keep => quote! { FreshRule::Keep },
    }
}
