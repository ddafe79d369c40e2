//! Descriptor tables: names of values, table mappings, layouts, subspaces, versions.
//!
//! Static data for ordinary functions. Nothing here decides anything.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{Shape, byte, camel, hex, module_name, plain};
use crate::check::BACKENDS;
use crate::model::{
    Backend, CounterRule, Fresh, IntSet, Kind, Layout, LayoutPath, Model, Segment, Singleton, Store,
    Subspace, TableKind, Text, ValueForm, ValueKind,
};

const KINDS: [ValueKind; 4] = [ValueKind::Bytes, ValueKind::None, ValueKind::Counter, ValueKind::Blob];

/// What stands before the modules: versions, backends, names, tables.
pub(super) fn items(model: &Model, shapes: &[Shape<'_>]) -> Vec<TokenStream> {
    let mut items = vec![versions(model), record(model), backends(model)];
    items.extend(companions(model));
    for table in &model.names {
        let mut written = Vec::new();
        // The newest first: what it names needs no version.
        for version in model.versions.iter().rev() {
            let name = names_static(model, &table.name, version.number);
            if written.contains(&name) {
                continue;
            }
            let values = table.in_version(version.number).into_iter().map(|(value, word)| {
                let value = plain(value);
                quote! { (#value, #word) }
            });
            let count = plain(table.values.len());
            items.push(quote! { static #name: [(u64, &str); #count] = [#(#values),*]; });
            written.push(name);
        }
    }
    for backend in &model.backends {
        for (kind, table) in KINDS.iter().zip(&backend.kinds) {
            items.push(template(backend, *kind, table));
        }
    }
    // Letters are used again by later versions, often for the same kind of table.
    let mut mappings: BTreeMap<String, TokenStream> = BTreeMap::new();
    for shape in shapes {
        let name = mapping_static(model, shape.subspace);
        let subspace = shape.subspace;
        let entry = mappings.entry(name.to_string());
        entry.or_insert_with(|| mapping(model, &name, subspace.letter, subspace.value, Some(subspace)));
    }
    for legacy in &model.legacy {
        let name = mapping_name(legacy.letter.value, legacy.value);
        let entry = mappings.entry(name.to_string());
        entry.or_insert_with(|| mapping(model, &name, legacy.letter.value, legacy.value, None));
    }
    items.extend(mappings.into_values());
    items
}

/// Layouts and descriptor of a subspace, in the module of its first version.
pub(super) fn shape_items(model: &Model, shape: &Shape<'_>) -> Vec<TokenStream> {
    let (statics, constant, key) = (shape.statics(), shape.constant(), shape.key());
    let subspace = shape.subspace;
    let layouts: Vec<TokenStream> = shape.active().map(|l| layout(model, shape, l)).collect();
    let count = plain(layouts.len());
    let (letter, name) = (subspace.letter, &subspace.name.value);
    let [title, doc, source] = [&subspace.title, &subspace.doc, &subspace.source].map(words);
    let (store, value, fresh) = (store(subspace.store), value_kind(subspace.value), fresh(subspace.fresh));
    let (derived, settings) = (subspace.derived, subspace.settings);
    let tables = mapping_static(model, subspace);
    let version = plain(shape.home);
    let Membership { family, no_family, server_export, server_import } =
        membership(model, subspace, shape.home);
    let (family, no_family) = (option_text(family.as_deref()), option_text(no_family.as_deref()));
    let path = super::doc(&format!("`subspaces.{name}`"));
    vec![
        quote! { pub(super) static #statics: [Layout; #count] = [#(#layouts),*]; },
        quote! {
            #path
            pub(super) const #constant: Subspace = Subspace {
                version: #version,
                letter: #letter,
                name: #name,
                title: #title,
                doc: #doc,
                source: #source,
                family: #family,
                no_family: #no_family,
                store_group: #store,
                server_export: #server_export,
                server_import: #server_import,
                derived: #derived,
                settings: #settings,
                value: #value,
                fresh: #fresh,
                layouts: &#statics,
                tables: &#tables,
                decode: #key::layout_of,
                accepts: |key, length| {
                    let layout = &#statics[#key::layout_of(key).ok()?];
                    layout.takes(length).then_some(layout)
                },
            };
        },
    ]
}

/// The subspaces of a version, by letter.
pub(super) fn version_items(model: &Model, shapes: &[Shape<'_>], version: u32) -> TokenStream {
    let mut used: Vec<&Shape<'_>> = shapes.iter().filter(|s| s.in_version(version)).collect();
    used.sort_by_key(|s| s.subspace.letter);
    let entries = used.iter().map(|shape| {
        let constant = shape.constant();
        if shape.home == version {
            return quote! { #constant };
        }
        let (home, number) = (shape.home(), plain(version));
        let moved = quote! { super::#home::#constant.in_version(#number) };
        let now = membership(model, shape.subspace, version);
        if now == membership(model, shape.subspace, shape.home) {
            return moved;
        }
        let (family, reason) = (option_text(now.family.as_deref()), option_text(now.no_family.as_deref()));
        let (export, import) = (now.server_export, now.server_import);
        quote! { #moved.of_family(#family, #reason, #export, #import) }
    });
    let rules = model.rules.iter().filter(|r| r.versions.contains(version)).map(|r| rule(model, version, r));
    let singletons = model.singletons.iter().filter(|s| s.versions.contains(version));
    let singletons = singletons.filter_map(|s| singleton(model, version, s));
    let count = plain(used.len());
    quote! {
        pub(super) static SUBSPACES: [Subspace; #count] = [#(#entries),*];
        pub(super) static COUNTER_RULES: &[CounterRule] = &[#(#rules),*];
        pub(super) static SINGLETONS: &[Singleton] = &[#(#singletons),*];
    }
}

fn versions(model: &Model) -> TokenStream {
    let entries = model.versions.iter().map(|version| {
        let (module, number, releases) =
            (module_name(version.number), plain(version.number), &version.releases);
        let doc = words(&version.doc);
        let dump = match version.subspace_files {
            true => quote! { ServerDump::SubspaceFiles },
            false => quote! { ServerDump::OpStream },
        };
        let families = version.families.iter().map(|(name, letters)| {
            let letters = letters.iter().map(|l| l.value);
            quote! { (#name, &[#(#letters),*]) }
        });
        let blobs_marked = version.blobs_marked;
        let legacy = legacy(model, version.number);
        let side = model.backends.iter().flat_map(|backend| {
            let kind = backend_kind(backend);
            let tables = backend.side_tables.iter().filter(|t| t.versions.contains(version.number));
            tables.map(move |table| {
                let (name, title) = (&table.name, &table.title);
                quote! {
                    SideTable { backend: #kind, table: Table { name: #name, ..Table::PLAIN }, title: #title }
                }
            })
        });
        quote! {
            SchemaVersion {
                number: #number,
                releases: #releases,
                doc: #doc,
                server_dump: #dump,
                blobs_marked: #blobs_marked,
                subspaces: &#module::SUBSPACES,
                families: &[#(#families),*],
                legacy: &[#(#legacy),*],
                side_tables: &[#(#side),*],
                counter_rules: #module::COUNTER_RULES,
                singletons: #module::SINGLETONS,
            }
        }
    });
    let count = plain(model.versions.len());
    quote! { pub(super) static VERSIONS: [SchemaVersion; #count] = [#(#entries),*]; }
}

fn legacy(model: &Model, version: u32) -> Vec<TokenStream> {
    let required: Vec<TokenStream> =
        model.backends.iter().filter(|b| b.legacy_required).map(backend_kind).collect();
    let legacy = model.legacy.iter().filter(|l| l.versions.contains(version));
    legacy
        .map(|legacy| {
            let (letter, title) = (legacy.letter.value, &legacy.title);
            let tables = mapping_name(legacy.letter.value, legacy.value);
            quote! {
                LegacySubspace { letter: #letter, title: #title, tables: &#tables, required: &[#(#required),*] }
            }
        })
        .collect()
}

/// The record that tells the version, from the newest version; the check has proven them all alike.
fn record(model: &Model) -> TokenStream {
    let marked = model.subspaces.iter().rev().flat_map(|s| s.layouts.iter().map(move |l| (s, l)));
    let Some((subspace, layout)) = marked.into_iter().find(|(_, l)| l.schema_version) else {
        return TokenStream::new();
    };
    let bytes = layout.fixed_key().unwrap_or_default();
    let bytes = bytes.iter().map(|b| byte(*b));
    let (letter, tables) = (subspace.letter, mapping_static(model, subspace));
    quote! {
        pub(super) static SCHEMA_VERSION_RECORD: VersionRecord =
            VersionRecord { letter: #letter, key: &[#(#bytes),*], tables: &#tables };
    }
}

fn backends(model: &Model) -> TokenStream {
    let entries = model.backends.iter().map(|backend| {
        let (kind, name, title) = (backend_kind(backend), &backend.name.value, &backend.title);
        let default_table = option_text(backend.default_table.as_deref());
        let limit = option(backend.transaction_limit);
        quote! {
            Backend {
                kind: #kind,
                name: #name,
                title: #title,
                default_table: #default_table,
                transaction_limit: #limit,
            }
        }
    });
    let count = plain(model.backends.len());
    quote! { pub(super) static BACKENDS: [Backend; #count] = [#(#entries),*]; }
}

/// Nothing where there is none, so that a schema without them need not know of them.
fn companions(model: &Model) -> Option<TokenStream> {
    let entries: Vec<TokenStream> = model
        .backends
        .iter()
        .flat_map(|backend| {
            let kind = backend_kind(backend);
            backend.companions.iter().map(move |(name, title)| {
                quote! { Companion { backend: #kind, name: #name, title: #title } }
            })
        })
        .collect();
    let count = plain(entries.len());
    (!entries.is_empty())
        .then(|| quote! { pub(super) static COMPANIONS: [Companion; #count] = [#(#entries),*]; })
}

fn template(backend: &Backend, kind: ValueKind, table: &TableKind) -> TokenStream {
    let name = template_name(backend, kind);
    let value = value_kind(kind);
    let backend = backend_kind(backend);
    let mut rest = Vec::new();
    for (field, limit) in [
        ("max_key", table.max_key),
        ("max_value", table.max_value),
        ("unique_prefix", table.unique_prefix),
        ("min_blob_size", table.blob_min_size),
    ] {
        if let Some(limit) = limit {
            let (field, limit) = (format_ident!("{field}"), plain(limit));
            rest.push(quote! { #field: Some(#limit), });
        }
    }
    if table.blob_min_size.is_some() {
        rest.push(quote! { blob_files: true, });
    }
    if table.integer.is_some_and(|(integer, _)| integer) {
        rest.push(quote! { integer: true, });
    }
    if let Some(merge) = &table.merge_operator {
        rest.push(quote! { merge_operator: Some(#merge), });
    }
    if let Some(pieces) = &table.pieces {
        let (size, width, most) = (plain(pieces.size), plain(pieces.width), plain(pieces.most));
        let earlier = match &pieces.earlier {
            None => quote! { None },
            Some((versions, releases, most)) => {
                let (from, to, most) = (plain(versions.from), plain(versions.to), plain(*most));
                quote! { Some(EarlierPieces { versions: (#from, #to), releases: #releases, most: #most }) }
            }
        };
        rest.push(quote! {
            pieces: Some(Pieces { size: #size, number_width: #width, most: #most, earlier: #earlier }),
        });
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
        let (kind, template) = (backend_kind(backend), template_name(backend, value));
        if let Some(because) = subspace.and_then(|subspace| backend.refusal(&subspace.name.value)) {
            return quote! { Mapping::refused(#kind, #because) };
        }
        let table = backend.table_name(letter);
        match &backend.kinds[value as usize].create {
            None if subspace.is_some_and(|subspace| backend.whole(subspace).is_some()) => {
                quote! { #template.whole(#table) }
            }
            None => quote! { #template.table(#table) },
            Some(create) => {
                let create = create.replace("{table}", &table);
                quote! { #template.created(#table, #create) }
            }
        }
    });
    let count = plain(model.backends.len());
    quote! { static #name: [Mapping; #count] = [#(#entries),*]; }
}

fn layout(model: &Model, shape: &Shape<'_>, layout: &Layout) -> TokenStream {
    let name = &layout.name.value;
    let doc = words(&layout.doc);
    let segments = layout.segments.iter().map(|s| segment(model, shape.home, s));
    let mut rest = Vec::new();
    match &layout.value {
        ValueForm::Opaque => {}
        ValueForm::Empty => rest.push(quote! { value: ValueForm::Empty, }),
        ValueForm::Archive => rest.push(quote! { value: ValueForm::Archive, }),
        ValueForm::Changes => rest.push(quote! { value: ValueForm::Changes, }),
        ValueForm::Lease => rest.push(quote! { value: ValueForm::Lease, }),
        ValueForm::Lengths(lengths) => {
            let lengths = lengths.iter().map(|n| plain(*n));
            rest.push(quote! { value: ValueForm::Lengths(&[#(#lengths),*]), });
        }
    }
    let lengths = value_lengths(shape.subspace.value, &layout.value);
    if lengths != u64::MAX {
        let lengths = hex(lengths);
        rest.push(quote! { value_lengths: #lengths, });
    }
    if !layout.archives.is_empty() {
        let archives = layout.archives.iter().map(|fields| conditions(layout, fields));
        rest.push(quote! { archives: &[#(#archives),*], });
    }
    for (flag, word) in [
        (!layout.travels, quote! { travels: false, }),
        (layout.long, quote! { long: true, }),
        (layout.schema_version, quote! { schema_version: true, }),
        (layout.content_hash, quote! { content_hash: true, }),
        (layout.commit.is_some_and(|(commit, _)| commit), quote! { commit: true, }),
    ] {
        rest.extend(flag.then_some(word));
    }
    if let Some(rule) = layout.fresh {
        let rule = fresh(rule);
        rest.push(quote! { fresh: Some(#rule), });
    }
    if let Some((rule, _)) = layout.fresh_if_computed {
        let rule = fresh(rule);
        rest.push(quote! { fresh_if_computed: Some(#rule), });
    }
    if !layout.provisional.is_empty() {
        let provisional = conditions(layout, &layout.provisional);
        rest.push(quote! { provisional: Some(#provisional), });
    }
    if let Some(key) = layout.fixed_key() {
        let bytes = key.iter().map(|b| byte(*b));
        rest.push(quote! { fixed_key: Some(&[#(#bytes),*]), });
    }
    if let Some(offset) = layout.links_blob.as_ref().and_then(|f| layout.offset(layout.field(&f.value)?)) {
        let offset = plain(offset);
        rest.push(quote! { blob_link: Some(#offset), });
    }
    let shares: Vec<TokenStream> = layout
        .shares
        .iter()
        .filter_map(|s| shape.active().position(|l| l.name.value == s.with.value))
        .map(plain)
        .collect();
    if !shares.is_empty() {
        rest.push(quote! { shares: &[#(#shares),*], });
    }
    // A layout shared by versions keeps the computed keys of all of them; each says which it belongs to.
    let computed: Vec<TokenStream> = layout
        .computed
        .iter()
        .filter_map(|computed| {
            let version = computed.versions.to;
            let of = layout_ref(model, version, &computed.of)?;
            let target = target(model, version, &computed.of)?;
            let field = plain(target.field(&computed.field.value)?);
            let (prefix, only) = (&computed.prefix, conditions(target, &computed.only));
            let (from, to) = (plain(computed.versions.from), plain(computed.versions.to));
            Some(quote! {
                ComputedKeys { versions: (#from, #to), prefix: #prefix, of: #of, field: #field, only: #only }
            })
        })
        .collect();
    if !computed.is_empty() {
        rest.push(quote! { computed: &[#(#computed),*], });
    }
    quote! {
        Layout {
            name: #name,
            doc: #doc,
            segments: &[#(#segments),*],
            #(#rest)*
            ..Layout::PLAIN
        }
    }
}

/// Lengths of values that need no second look: bit n for n bytes, the top bit for all longer ones.
fn value_lengths(kind: ValueKind, form: &ValueForm) -> u64 {
    match (kind, form) {
        (ValueKind::None, _) | (ValueKind::Bytes, ValueForm::Empty) => 1,
        (ValueKind::Counter, _) => 1 << 8,
        (ValueKind::Bytes, ValueForm::Archive) => !1,
        (ValueKind::Bytes, ValueForm::Lengths(lengths)) => {
            lengths.iter().filter(|length| **length < 63).fold(0, |bits, length| bits | 1 << length)
        }
        // The time, and at least that.
        (ValueKind::Bytes, ValueForm::Lease) => !0xff,
        (ValueKind::Blob, _) | (ValueKind::Bytes, ValueForm::Opaque | ValueForm::Changes) => u64::MAX,
    }
}

fn segment(model: &Model, version: u32, segment: &Segment) -> TokenStream {
    let kind = match &segment.kind {
        Kind::Const(bytes) => {
            let bytes = bytes.iter().map(|b| byte(*b));
            return quote! { Segment::constant(&[#(#bytes),*]) };
        }
        Kind::Bytes(n) => {
            let n = plain(*n);
            quote! { SegmentKind::Bytes(#n) }
        }
        other => {
            let name = match other {
                Kind::Leb32 => "Leb32".to_owned(),
                Kind::Leb64 => "Leb64".to_owned(),
                other => camel(&other.word()),
            };
            let name = format_ident!("{name}");
            quote! { SegmentKind::#name }
        }
    };
    let name = &segment.name;
    let mut tokens = quote! { Segment::field(#name, #kind) };
    if !segment.allowed.is_empty() {
        let set = int_set(&segment.allowed);
        tokens = quote! { #tokens.within(#set) };
    }
    if let Some(names) = &segment.names {
        let names = names_static(model, &names.value, version);
        tokens = quote! { #tokens.named(&#names) };
    }
    tokens
}

fn rule(model: &Model, version: u32, rule: &CounterRule) -> TokenStream {
    let name = &rule.name.value;
    let doc = words(&rule.doc);
    let counter = layout_ref(model, version, &rule.counter);
    let counted = target(model, version, &rule.counter);
    let group = rule.group.iter().filter_map(|f| counted.and_then(|l| l.field(&f.value))).map(plain);
    let covers = rule.covers.iter().filter(|c| c.versions.contains(version)).filter_map(|cover| {
        let layout = target(model, version, &cover.of)?;
        let of = layout_ref(model, version, &cover.of)?;
        let group = rule.group.iter().filter_map(|name| {
            match cover.fixed.iter().find(|(field, _)| field.value == name.value) {
                Some((_, value)) => {
                    let value = plain(*value);
                    Some(quote! { GroupNumber::Fixed(#value) })
                }
                None => {
                    let index = plain(layout.field(&name.value)?);
                    Some(quote! { GroupNumber::Field(#index) })
                }
            }
        });
        let id = match cover.field.as_ref().map(|f| layout.field(&f.value)) {
            None => quote! { CoveredId::ArchiveChangeId },
            Some(index) => {
                let index = plain(index?);
                quote! { CoveredId::Field(#index) }
            }
        };
        let (only, unless) = (conditions(layout, &cover.only), conditions(layout, &cover.unless));
        Some(quote! { Cover { of: #of, group: &[#(#group),*], id: #id, only: #only, unless: #unless } })
    });
    quote! {
        CounterRule { name: #name, doc: #doc, counter: #counter, group: &[#(#group),*], covers: &[#(#covers),*] }
    }
}

fn singleton(model: &Model, version: u32, singleton: &Singleton) -> Option<TokenStream> {
    let letter = model.named(version, &singleton.layout.subspace)?.letter;
    let key = singleton.key_of(target(model, version, &singleton.layout)?)?;
    let key = key.iter().map(|b| byte(*b));
    let (name, title, doc) = (&singleton.name.value, &singleton.title, words(&singleton.doc));
    let store = match singleton.store.map(store) {
        None => quote! { None },
        Some(store) => quote! { Some(#store) },
    };
    let variants = singleton.variants.iter().map(|variant| {
        let (number, name, external) = (plain(variant.number), &variant.name.value, variant.external);
        quote! { Variant { number: #number, name: #name, external: #external } }
    });
    Some(quote! {
        Singleton {
            name: #name,
            title: #title,
            doc: #doc,
            letter: #letter,
            key: &[#(#key),*],
            store: #store,
            variants: &[#(#variants),*],
        }
    })
}

fn conditions(layout: &Layout, sets: &[(Text, IntSet)]) -> TokenStream {
    let conditions = sets.iter().filter_map(|(field, set)| {
        let (index, set) = (plain(layout.field(&field.value)?), int_set(set));
        Some(quote! { (#index, #set) })
    });
    quote! { &[#(#conditions),*] }
}

fn int_set(set: &IntSet) -> TokenStream {
    let ranges = set.iter().map(|(from, to)| {
        let (from, to) = (
            plain(*from),
            if *to == u64::MAX {
                quote! { u64::MAX }
            } else {
                plain(*to)
            },
        );
        quote! { (#from, #to) }
    });
    quote! { &[#(#ranges),*] }
}

fn target<'m>(model: &'m Model, version: u32, path: &LayoutPath) -> Option<&'m Layout> {
    let mut layouts = model.named(version, &path.subspace)?.layouts.iter();
    layouts.find(|l| l.name.value == path.layout && l.versions.contains(version))
}

fn layout_ref(model: &Model, version: u32, path: &LayoutPath) -> Option<TokenStream> {
    let subspace = model.named(version, &path.subspace)?;
    let mut active = subspace.layouts.iter().filter(|l| l.versions.contains(version));
    let (letter, index) = (subspace.letter, plain(active.position(|l| l.name.value == path.layout)?));
    Some(quote! { LayoutRef { letter: #letter, layout: #index } })
}

/// How the server's own tools treat a subspace in one version.
#[derive(PartialEq)]
struct Membership {
    family: Option<String>,
    no_family: Option<String>,
    server_export: bool,
    server_import: bool,
}

fn membership(model: &Model, subspace: &Subspace, version: u32) -> Membership {
    let version = model.versions.iter().find(|v| v.number == version);
    let letter = subspace.letter;
    let family = version
        .and_then(|v| v.families.iter().find(|(_, letters)| letters.iter().any(|l| l.value == letter)))
        .map(|(name, _)| name.clone());
    let no_family = version
        .and_then(|v| v.no_family.iter().find(|(l, _)| l.value == letter))
        .map(|(_, because)| because.clone());
    Membership {
        server_export: family.is_some(),
        server_import: family.is_some() && version.is_some_and(|v| v.subspace_files),
        family,
        no_family,
    }
}

fn words(text: &Option<Text>) -> String {
    let text = text.as_ref().map_or("", |t| t.value.as_str());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn option(value: Option<u64>) -> TokenStream {
    match value {
        None => quote! { None },
        Some(value) => {
            let value = plain(value);
            quote! { Some(#value) }
        }
    }
}

fn option_text(value: Option<&str>) -> TokenStream {
    match value {
        None => quote! { None },
        Some(value) => quote! { Some(#value) },
    }
}

fn backend_kind(backend: &Backend) -> TokenStream {
    let known = BACKENDS.iter().find(|(name, _)| *name == backend.name.value);
    let variant = format_ident!("{}", known.map_or("Unknown", |(_, variant)| variant));
    quote! { BackendKind::#variant }
}

fn template_name(backend: &Backend, kind: ValueKind) -> Ident {
    format_ident!("{}_{}", backend.name.value.to_uppercase(), kind_word(kind))
}

fn mapping_static(model: &Model, subspace: &Subspace) -> Ident {
    let name = mapping_name(subspace.letter, subspace.value);
    // A refusal goes by name, as does what is never cut: no mapping to be shared by what else has the letter.
    let by_name = |b: &Backend| b.refusal(&subspace.name.value).is_some() || b.whole(subspace).is_some();
    if model.backends.iter().any(by_name) {
        return format_ident!("{name}_{}", subspace.name.value.to_uppercase());
    }
    name
}

fn mapping_name(letter: char, value: ValueKind) -> Ident {
    format_ident!("TABLES_{}_{}", letter.to_ascii_uppercase(), kind_word(value))
}

fn kind_word(value: ValueKind) -> &'static str {
    match value {
        ValueKind::Bytes => "BYTES",
        ValueKind::None => "NONE",
        ValueKind::Counter => "COUNTER",
        ValueKind::Blob => "BLOB",
    }
}

/// The names of a table as they are in a version: those of the newest one have its plain name.
fn names_static(model: &Model, name: &str, version: u32) -> Ident {
    let numbers = || model.versions.iter().map(|v| v.number);
    let upper = name.to_uppercase();
    if numbers().max().is_none_or(|newest| model.same_names(name, newest, version)) {
        return format_ident!("NAMES_{upper}");
    }
    let first = numbers().find(|number| model.same_names(name, *number, version)).unwrap_or(version);
    format_ident!("NAMES_{upper}_V{first}")
}

fn value_kind(kind: ValueKind) -> TokenStream {
    match kind {
        ValueKind::Bytes => quote! { ValueKind::Bytes },
        ValueKind::None => quote! { ValueKind::None },
        ValueKind::Counter => quote! { ValueKind::Counter },
        ValueKind::Blob => quote! { ValueKind::Blob },
    }
}

fn store(store: Store) -> TokenStream {
    match store {
        Store::Data => quote! { StoreGroup::Data },
        Store::Blob => quote! { StoreGroup::Blob },
        Store::Lookup => quote! { StoreGroup::Lookup },
        Store::Search => quote! { StoreGroup::Search },
        Store::Telemetry => quote! { StoreGroup::Telemetry },
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
