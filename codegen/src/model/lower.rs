//! From the written schema to its meaning: reads words, ranges, constants and value sets.
//!
//! Reports what cannot be read and goes on with a guess, so that one run shows every mistake. Rules that concern
//! several entries are in `check`.

use std::collections::BTreeMap;

use super::{
    Backend, CounterRule, Cover, DerivedKeys, EarlierName, Fresh, IntSet, Layout, LayoutPath, Legacy, Letter,
    Model, NameTable, Pieces, Range, SchemaVersion, Segment, SegmentKind, Shares, SideTable, Singleton,
    StoreGroup, Subspace, TableKind, Text, ValueForm, ValueKind, Variant,
};
use crate::report::{Mistake, Position};
use crate::schema::{self, At, Document, Entries, FieldEntry, SegmentText};

const LONGEST_SEGMENT: usize = 255;

/// Resolves the document; adds what cannot be read to `mistakes`.
pub(crate) fn lower(document: Document, mistakes: &mut Vec<Mistake>) -> Model {
    let numbers: Vec<u32> = document.versions.iter().map(|v| v.number.value).collect();
    let first = numbers.iter().min().copied().unwrap_or(1);
    let last = numbers.iter().max().copied().unwrap_or(1);
    let mut lower = Lower { first, last, fields: document.fields.0.into_iter().collect(), mistakes };
    Model {
        versions: document.versions.into_iter().map(|v| lower.version(v)).collect(),
        backends: document.backends.into_iter().map(|b| lower.backend(b)).collect(),
        names: document.names.0.into_iter().map(|(name, table)| lower.names(text(name), table)).collect(),
        subspaces: document.subspaces.into_iter().map(|s| lower.subspace(s)).collect(),
        legacy: document.legacy.into_iter().map(|l| lower.legacy(l)).collect(),
        rules: document.counter_rules.into_iter().map(|r| lower.rule(r)).collect(),
        singletons: document.singletons.into_iter().map(|s| lower.singleton(s)).collect(),
    }
}

struct Lower<'a> {
    first: u32,
    last: u32,
    fields: BTreeMap<String, FieldEntry>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Lower<'_> {
    fn wrong(&mut self, place: Position, message: String, help: &str) {
        self.mistakes.push(Mistake::new(place, message).help(help));
    }

    fn version(&mut self, version: schema::SchemaVersion) -> SchemaVersion {
        let subspace_files = match version.server_dump.value.as_str() {
            "subspace files" => true,
            "op-stream" => false,
            other => {
                let message = format!("unknown server dump `{other}`");
                self.wrong(version.server_dump.place, message, "write `subspace files` or `op-stream`");
                false
            }
        };
        let families = version.families.0.into_iter();
        SchemaVersion {
            number: version.number.value,
            place: version.number.place,
            releases: version.releases.value,
            doc: version.doc.map(text),
            source: version.source.map(text),
            subspace_files,
            blobs_marked: version.blobs_marked,
            families: families
                .map(|(name, letters)| (name, letters.into_iter().map(|l| self.letter(l)).collect()))
                .collect(),
            no_family: version
                .no_family
                .0
                .into_iter()
                .map(|(letter, because)| (self.letter(because.with(letter)), because.value))
                .collect(),
        }
    }

    fn letter(&mut self, at: At<String>) -> Letter {
        let mut chars = at.value.chars();
        let value = match (chars.next(), chars.next()) {
            (Some(letter @ 'a'..='z'), None) => letter,
            _ => {
                self.wrong(
                    at.place,
                    format!("`{}` is no letter", at.value),
                    "a letter is one of a to z, in quotes where YAML would read it as a word (`n`, `y`)",
                );
                'a'
            }
        };
        Letter { value, place: at.place }
    }

    fn range(&mut self, written: Option<At<String>>, fallback: Range) -> Range {
        let Some(at) = written else { return fallback };
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let (from, to) = match at.value.split_once("..") {
            None => (number(&at.value), number(&at.value)),
            Some((from, "")) => (number(from), Some(fallback.to)),
            Some((from, to)) => match to.strip_prefix('=') {
                Some(to) if from.trim().is_empty() => (Some(fallback.from), number(to)),
                Some(to) => (number(from), number(to)),
                None => (None, None),
            },
        };
        let (Some(from), Some(to)) = (from, to) else {
            self.wrong(
                at.place,
                format!("`{}` is no range of schema versions", at.value),
                "write `5`, `5..`, `..=4` or `3..=4`",
            );
            return Range { place: at.place, ..fallback };
        };
        let within = fallback.from <= from && from <= to && to <= fallback.to;
        if !within {
            self.wrong(
                at.place,
                format!(
                    "range `{}` is empty or leaves versions {} to {}",
                    at.value, fallback.from, fallback.to
                ),
                "a range lies within the declared versions, and a layout's within its subspace's",
            );
            return Range { place: at.place, ..fallback };
        }
        Range { from, to, place: at.place }
    }

    fn everywhere(&self, place: Position) -> Range {
        Range { from: self.first, to: self.last, place }
    }

    fn value_kind(&mut self, at: &At<String>) -> ValueKind {
        match at.value.as_str() {
            "bytes" => ValueKind::Bytes,
            "none" => ValueKind::None,
            "counter" => ValueKind::Counter,
            "blob" => ValueKind::Blob,
            other => {
                let message = format!("unknown value kind `{other}`");
                self.wrong(at.place, message, "a subspace's value is bytes, none, counter or blob");
                ValueKind::Bytes
            }
        }
    }

    fn backend(&mut self, backend: schema::Backend) -> Backend {
        let everywhere = self.everywhere(backend.name.place);
        let kinds = [backend.bytes, backend.none, backend.counter, backend.blob].map(|kind| TableKind {
            create: kind.create.map(|at| at.value),
            max_key: kind.max_key.map(|at| at.value),
            max_value: kind.max_value.map(|at| at.value),
            unique_prefix: kind.unique_prefix.map(|at| at.value),
            integer: kind.integer.map(|at| (at.value, at.place)),
            merge_operator: kind.merge_operator.map(|at| at.value),
            blob_min_size: kind.blob_files.map(|files| files.min_size.value),
            pieces: kind.pieces.map(|pieces| Pieces {
                size: pieces.size.value,
                width: pieces.number_width.value,
                most: pieces.most.value,
                whole: pieces.whole.into_iter().map(text).collect(),
                earlier: pieces.earlier.map(|earlier| {
                    let versions = self.range(Some(earlier.versions), everywhere);
                    (versions, earlier.releases.value, earlier.most.value)
                }),
            }),
        });
        Backend {
            name: text(backend.name),
            title: backend.title.value,
            doc: backend.doc.map(text),
            source: backend.source.map(text),
            table: backend.table.value,
            legacy_required: backend.legacy_required,
            kinds,
            refuses: backend.refuses.into_iter().map(|r| (text(r.subspace), r.because.value)).collect(),
            companions: backend.companions.into_iter().map(|c| (c.name.value, c.title.value)).collect(),
            side_tables: backend
                .side_tables
                .into_iter()
                .map(|table| SideTable {
                    name: table.name.value,
                    versions: self.range(table.versions, everywhere),
                    title: table.title.value,
                })
                .collect(),
        }
    }

    fn names(&mut self, name: Text, table: schema::NameTable) -> NameTable {
        let mut values = Vec::new();
        let mut earlier = Vec::new();
        for entry in table.earlier {
            let place = entry.value.place;
            let everywhere = self.everywhere(place);
            let versions = self.range(Some(entry.versions), everywhere);
            earlier.push(EarlierName { value: entry.value.value, versions, name: entry.name.value, place });
        }
        for (value, title) in table.values.0 {
            match number(&value) {
                Some(value) => values.push((value, title.value)),
                None => self.wrong(
                    title.place,
                    format!("`{value}` is no number"),
                    "names map a number to a word, as `50: archive`",
                ),
            }
        }
        values.sort();
        NameTable { name, doc: table.doc.value, source: table.source.value, values, earlier }
    }

    fn fresh(&mut self, at: At<String>) -> Fresh {
        match at.value.as_str() {
            "refuse" => Fresh::Refuse,
            "clear" => Fresh::Clear,
            "save" => Fresh::Save,
            "keep" => Fresh::Keep,
            other => {
                let message = format!("unknown fresh rule `{other}`");
                self.wrong(at.place, message, "a fresh rule is refuse, clear, save or keep");
                Fresh::Refuse
            }
        }
    }

    fn subspace(&mut self, subspace: schema::Subspace) -> Subspace {
        let letter = self.letter(subspace.letter);
        let everywhere = self.everywhere(subspace.name.place);
        let versions = self.range(subspace.versions, everywhere);
        let value = self.value_kind(&subspace.value);
        let store = subspace.store.map_or(StoreGroup::Data, |at| self.store(&at));
        Subspace {
            letter: letter.value,
            letter_place: letter.place,
            versions,
            title: subspace.title.map(text),
            doc: subspace.doc.map(text),
            source: subspace.source.map(text),
            store,
            value,
            fresh: subspace.fresh.map_or(Fresh::Refuse, |at| self.fresh(at)),
            derived: subspace.derived,
            settings: subspace.settings,
            layouts: subspace.layouts.into_iter().map(|l| self.layout(l, versions, value)).collect(),
            name: text(subspace.name),
        }
    }

    fn store(&mut self, at: &At<String>) -> StoreGroup {
        match at.value.as_str() {
            "data" => StoreGroup::Data,
            "blob" => StoreGroup::Blob,
            "lookup" => StoreGroup::Lookup,
            "search" => StoreGroup::Search,
            "telemetry" => StoreGroup::Telemetry,
            other => {
                let message = format!("unknown store group `{other}`");
                self.wrong(at.place, message, "a store is data, blob, lookup, search or telemetry");
                StoreGroup::Data
            }
        }
    }

    fn layout(&mut self, layout: schema::Layout, within: Range, kind: ValueKind) -> Layout {
        let versions = self.range(layout.versions, Range { place: layout.name.place, ..within });
        let value_place = layout.value.as_ref().map_or(layout.name.place, |at| at.place);
        let value = match layout.value {
            Some(at) => self.value_form(&at),
            None if kind == ValueKind::None => ValueForm::Empty,
            None => ValueForm::Opaque,
        };
        Layout {
            name: text(layout.name),
            versions,
            doc: layout.doc.map(text),
            segments: layout.key.into_iter().map(|segment| self.segment(segment)).collect(),
            value,
            value_place,
            value_doc: layout.value_doc.map(|at| at.value),
            archives: layout.archives.into_iter().map(|fields| self.sets(fields)).collect(),
            long: layout.long,
            local: layout.local,
            schema_version: layout.schema_version,
            content_hash: layout.content_hash,
            derived_keys: layout
                .derived_keys
                .into_iter()
                .map(|derived| DerivedKeys {
                    versions: self.range(derived.versions, versions),
                    doc: derived.doc.value,
                    prefix: derived.prefix.value,
                    of: self.path(&derived.of),
                    field: text(derived.field),
                    only: self.sets(derived.only),
                })
                .collect(),
            links_blob: layout.links_blob.map(text),
            commit: layout.commit.map(|at| (at.value, at.place)),
            provisional: self.sets(layout.provisional),
            fresh: layout.fresh.map(|at| self.fresh(at)),
            fresh_if_derived_key: layout.fresh_if_derived_key.map(|at| {
                let place = at.place;
                (self.fresh(at), place)
            }),
            shares: layout
                .shares
                .into_iter()
                .map(|s| Shares { with: text(s.with), because: s.because.value, undecidable: s.undecidable })
                .collect(),
        }
    }

    fn value_form(&mut self, at: &At<String>) -> ValueForm {
        match at.value.as_str() {
            "opaque" => ValueForm::Opaque,
            "empty" => ValueForm::Empty,
            "archive" => ValueForm::Archive,
            "changes" => ValueForm::Changes,
            "lease" => ValueForm::Lease,
            other => {
                let list = other.strip_prefix("lengths ").unwrap_or_default();
                let lengths: Option<Vec<u64>> = list.split(',').map(|n| number(n.trim())).collect();
                lengths.map_or_else(
                    || {
                        let message = format!("unknown value form `{other}`");
                        let help =
                            "a layout's value is opaque, empty, archive, changes, lease or `lengths 4, 8`";
                        self.wrong(at.place, message, help);
                        ValueForm::Opaque
                    },
                    ValueForm::Lengths,
                )
            }
        }
    }

    /// Layouts are compared length by length, and no store takes keys that are much longer.
    fn segment(&mut self, entry: schema::SegmentEntry) -> Segment {
        let mut segment = self.written_segment(entry);
        if let Some(width) = segment.kind.fixed().filter(|width| *width > LONGEST_SEGMENT) {
            let help = format!("a segment of fixed width has at most {LONGEST_SEGMENT} bytes");
            self.wrong(segment.place, format!("a segment of {width} bytes"), &help);
            segment.kind = SegmentKind::Rest;
        }
        segment
    }

    fn written_segment(&mut self, entry: schema::SegmentEntry) -> Segment {
        let place = entry.place;
        let constant = |bytes| Segment {
            name: String::new(),
            kind: SegmentKind::Const(bytes),
            allowed: Vec::new(),
            names: None,
            doc: String::new(),
            place,
        };
        match entry.what {
            SegmentText::Constant(written) => match constant_bytes(&written) {
                Some(bytes) => constant(bytes),
                None => {
                    let message = format!("`{written}` is neither a constant nor a `name: kind` pair");
                    self.wrong(place, message, "write `0x00ff`, `text:WORD` or `account: u32`");
                    constant(vec![0])
                }
            },
            SegmentText::Number(_) => constant(vec![0]),
            SegmentText::Field(name, spec) => {
                if name.is_empty() {
                    self.wrong(place, "a field without a name".to_owned(), "write `account: u32`");
                }
                let kind_place = spec.is_place.unwrap_or(place);
                let kind = kind(&spec.is).unwrap_or_else(|| {
                    let message = format!("unknown segment kind `{}`", spec.is);
                    let help = "kinds are u8 u16 u32 u64 bytes(N) hash leb128(u32) leb128(u64) short_hash \
                                term_hash token_hash rest";
                    self.wrong(kind_place, message, help);
                    SegmentKind::Rest
                });
                let allowed = spec.allowed.map_or_else(Vec::new, |at| self.set(&at));
                let entry = self.fields.get(&name);
                let names = spec.names.or_else(|| entry.and_then(|e| e.names.clone())).map(text);
                let doc = spec.doc.map(|at| at.value).or_else(|| entry.map(|e| e.doc.value.clone()));
                Segment { name, kind, allowed, names, doc: doc.unwrap_or_default(), place }
            }
        }
    }

    fn set(&mut self, at: &At<String>) -> IntSet {
        let mut set = Vec::new();
        for part in at.value.split(',') {
            let part = part.trim();
            let range = match part.split_once("..") {
                None => number(part).map(|n| (n, n)),
                Some((from, "")) => number(from).map(|from| (from, u64::MAX)),
                Some((from, to)) => number(from).zip(to.strip_prefix('=').and_then(number)),
            };
            match range {
                Some((from, to)) if from <= to => set.push((from, to)),
                _ => {
                    let message = format!("`{part}` is no value and no range");
                    self.wrong(at.place, message, "write values and ranges as in `0, 3..=5, 0x80..`");
                }
            }
        }
        set.sort_unstable();
        set
    }

    fn sets(&mut self, entries: Entries<At<String>>) -> Vec<(Text, IntSet)> {
        let fields = entries.0.into_iter();
        fields.map(|(name, at)| (Text { value: name, place: at.place }, self.set(&at))).collect()
    }

    fn numbers(&mut self, entries: Entries<At<String>>, help: &str) -> Vec<(Text, u64)> {
        let mut numbers = Vec::new();
        for (field, at) in entries.0 {
            match number(&at.value) {
                Some(value) => numbers.push((Text { value: field, place: at.place }, value)),
                None => self.wrong(at.place, format!("`{}` is no number", at.value), help),
            }
        }
        numbers
    }

    fn path(&mut self, at: &At<String>) -> LayoutPath {
        let (subspace, layout) = at.value.split_once('.').unwrap_or_else(|| {
            let message = format!("`{}` names no layout", at.value);
            self.mistakes.push(Mistake::new(at.place, message).help("write `subspace.layout`"));
            (at.value.as_str(), "")
        });
        LayoutPath { subspace: subspace.to_owned(), layout: layout.to_owned(), place: at.place }
    }

    fn legacy(&mut self, legacy: schema::Legacy) -> Legacy {
        let everywhere = self.everywhere(legacy.letter.place);
        Legacy {
            letter: self.letter(legacy.letter),
            versions: self.range(Some(legacy.versions), everywhere),
            value: self.value_kind(&legacy.value),
            title: legacy.title.value,
        }
    }

    fn rule(&mut self, rule: schema::CounterRule) -> CounterRule {
        let everywhere = self.everywhere(rule.name.place);
        let versions = self.range(rule.versions, everywhere);
        CounterRule {
            name: text(rule.name),
            versions,
            doc: rule.doc.map(text),
            source: rule.source.map(text),
            counter: self.path(&rule.counter),
            group: rule.group.into_iter().map(text).collect(),
            covers: rule
                .covers
                .into_iter()
                .map(|cover| {
                    if cover.field.is_some() == cover.archive_change_id {
                        let message =
                            "what a counter covers is one field or the archive's change id".to_owned();
                        self.wrong(cover.of.place, message, "write `field: …` or `archive_change_id: true`");
                    }
                    Cover {
                        of: self.path(&cover.of),
                        versions: self.range(cover.versions, versions),
                        field: cover.field.map(text),
                        fixed: self.numbers(cover.fixed, "a fixed field of a group has one number"),
                        only: self.sets(cover.only),
                        unless: self.sets(cover.unless),
                    }
                })
                .collect(),
        }
    }

    fn singleton(&mut self, singleton: schema::Singleton) -> Singleton {
        let everywhere = self.everywhere(singleton.name.place);
        let key = self.numbers(singleton.key, "a field of a singleton's key has one number");
        let mut variants = Vec::new();
        for (written, variant) in singleton.variants.0 {
            match number(&written) {
                Some(number) => {
                    variants.push(Variant { number, name: text(variant.name), external: variant.external })
                }
                None => {
                    let message = format!("`{written}` is no number");
                    let help = "variants map a number to `{name: …, external: …}`";
                    self.wrong(variant.name.place, message, help);
                }
            }
        }
        Singleton {
            name: text(singleton.name),
            title: singleton.title.value,
            versions: self.range(singleton.versions, everywhere),
            doc: singleton.doc.map(text),
            source: singleton.source.map(text),
            layout: self.path(&singleton.layout),
            key,
            store: singleton.store.map(|at| self.store(&at)),
            variants,
        }
    }
}

fn text(at: At<String>) -> Text {
    Text { value: at.value, place: at.place }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn constant_bytes(written: &str) -> Option<Vec<u8>> {
    if let Some(word) = written.strip_prefix("text:") {
        return (!word.is_empty()).then(|| word.as_bytes().to_vec());
    }
    let digits = written.strip_prefix("0x")?;
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn kind(word: &str) -> Option<SegmentKind> {
    Some(match word {
        "u8" => SegmentKind::U8,
        "u16" => SegmentKind::U16,
        "u32" => SegmentKind::U32,
        "u64" => SegmentKind::U64,
        "hash" => SegmentKind::Hash,
        "leb128(u32)" => SegmentKind::Leb32,
        "leb128(u64)" => SegmentKind::Leb64,
        "short_hash" => SegmentKind::ShortHash,
        "term_hash" => SegmentKind::TermHash,
        "token_hash" => SegmentKind::TokenHash,
        "rest" => SegmentKind::Rest,
        other => SegmentKind::Bytes(other.strip_prefix("bytes(")?.strip_suffix(')')?.parse().ok()?),
    })
}
