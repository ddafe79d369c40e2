//! `docs/subspaces.md`: the same model for people.
//!
//! Plain Markdown, in the order of the schema; a test compares the file with this text.

use std::fmt::Write;

use crate::model::{
    Backend, CounterRule, Fresh, IntSet, Layout, Model, NameTable, Pieces, Range, SchemaVersion, Segment,
    Singleton, StoreGroup, Subspace, ValueForm, ValueKind, hex_constant,
};

/// The document.
pub(crate) fn markdown(model: &Model) -> String {
    let mut out = String::from(
        "# Subspaces\n\nGenerated from `schema/` by `codegen`: edit the schema, then run \
         `UPDATE_EXPECT=1 cargo test -p codegen`.\n",
    );
    out.push_str("\n## Schema versions\n\n");
    table(
        &mut out,
        &["Version", "Releases", "Server's own dump", "What it is"],
        model.versions.iter().map(version),
    );
    letters(&mut out, model);
    out.push_str("\n## Families\n\n");
    out.push_str("What a name in `EXPORT_TYPES` selects, by version.\n\n");
    let selected = model.versions.iter().flat_map(|v| families(v).map(|row| (v.number, row)));
    table(&mut out, &["Versions", "Family", "Letters"], by_versions(selected).into_iter());
    out.push_str("\nOutside every family of the server, and so missing from its own exports:\n\n");
    let missing = model.versions.iter().flat_map(|v| missing(v).map(|row| (v.number, row)));
    table(&mut out, &["Versions", "Letter", "Why"], by_versions(missing).into_iter());
    backends(&mut out, model);
    out.push_str("\n## Key layouts\n\n");
    out.push_str(
        "A key is the segments of one layout, in order; integers are big-endian. `0x…` is a constant. Layouts \
         are tried from top to bottom.\n",
    );
    for entry in &model.subspaces {
        subspace(&mut out, model, entry);
    }
    if !model.rules.is_empty() {
        out.push_str(
            "\n## Counter rules\n\nA counter below what it covers makes the server hand out an id twice.\n",
        );
        for entry in &model.rules {
            rule(&mut out, entry);
        }
    }
    if !model.singletons.is_empty() {
        out.push_str(
            "\n## Store singletons\n\nObjects of which there is at most one, and which define where a store is. \
             External variants are marked with an asterisk.\n\n",
        );
        let rows = model.singletons.iter().map(|entry| singleton(model, entry));
        let head = ["Object", "Versions", "Key", "Decides", "Variants", "What it is", "Source"];
        table(&mut out, &head, rows);
    }
    if !model.names.is_empty() {
        out.push_str("\n## Names of values\n\nValues without a name are kept and printed as numbers.\n");
        for entry in &model.names {
            names(&mut out, entry);
        }
    }
    out
}

fn version(version: &SchemaVersion) -> Vec<String> {
    let dump = if version.subspace_files { "`subspace_X` files" } else { "op-stream files" };
    let doc = version.doc.as_ref().map_or(String::new(), |d| one_line(&d.value));
    vec![version.number.to_string(), version.releases.clone(), dump.to_owned(), doc]
}

fn families(version: &SchemaVersion) -> impl Iterator<Item = Vec<String>> {
    version.families.iter().map(|(name, letters)| {
        let letters: Vec<String> = letters.iter().map(|l| format!("`{}`", l.value)).collect();
        vec![format!("`{name}`"), letters.join(" ")]
    })
}

fn missing(version: &SchemaVersion) -> impl Iterator<Item = Vec<String>> {
    version.no_family.iter().map(|(letter, because)| vec![format!("`{}`", letter.value), one_line(because)])
}

/// Equal rows of consecutive versions as one, in the order of their first version.
fn by_versions(rows: impl Iterator<Item = (u32, Vec<String>)>) -> Vec<Vec<String>> {
    let mut merged: Vec<(u32, u32, Vec<String>)> = Vec::new();
    for (version, row) in rows {
        match merged.iter_mut().find(|(_, to, known)| *known == row && to.checked_add(1) == Some(version)) {
            Some((_, to, _)) => *to = version,
            None => merged.push((version, version, row)),
        }
    }
    let named = merged.into_iter().map(|(from, to, mut row)| {
        row.insert(0, span(from, to));
        row
    });
    named.collect()
}

fn letters(out: &mut String, model: &Model) {
    out.push_str("\n## Letters by version\n\n");
    let numbers: Vec<String> = model.versions.iter().map(|v| v.number.to_string()).collect();
    let mut head = vec!["Letter"];
    head.extend(numbers.iter().map(String::as_str));
    let rows = ('a'..='z').map(|letter| {
        let mut row = vec![format!("`{letter}`")];
        row.extend(model.versions.iter().map(|version| {
            let legacy =
                model.legacy.iter().any(|l| l.letter.value == letter && l.versions.contains(version.number));
            match model.subspaces_in(version.number).find(|s| s.letter == letter) {
                Some(subspace) => subspace.name.value.clone(),
                None if legacy => "*left over*".to_owned(),
                None => "–".to_owned(),
            }
        }));
        row
    });
    table(out, &head, rows);
}

fn backends(out: &mut String, model: &Model) {
    out.push_str("\n## Backends\n");
    for backend in &model.backends {
        let _ = write!(out, "\n### {}\n\n{}\n", backend.title, doc_of(&backend.doc));
        let _ = writeln!(out, "\nSource: {}", doc_of(&backend.source));
        out.push('\n');
        let kinds = ["bytes", "none", "counter", "blob"].into_iter().zip(&backend.kinds);
        let rows = kinds.map(|(word, kind)| {
            let create =
                kind.create.as_ref().map_or("–".to_owned(), |c| format!("`{}`", c.replace("{table}", "a")));
            let mut notes = Vec::new();
            notes.extend(kind.unique_prefix.map(|n| format!("keys unique on their first {n} bytes")));
            notes.extend(kind.integer.filter(|(is, _)| *is).map(|_| "integers only".to_owned()));
            notes.extend(kind.merge_operator.as_ref().map(|m| format!("merge operator `{m}`")));
            notes.extend(kind.blob_min_size.map(|n| format!("blob files from {n} bytes")));
            notes.extend(kind.pieces.iter().flat_map(pieces));
            vec![word.to_owned(), create, limit(kind.max_key), limit(kind.max_value), notes.join("; ")]
        });
        table(out, &["Value", "Table", "Longest key", "Longest value", "Also"], rows);
        for (name, because) in &backend.refuses {
            let _ = writeln!(out, "\nNo place for `{}`: {}", name.value, one_line(because));
        }
        if !backend.companions.is_empty() {
            out.push_str("\nTables of others that are often in the same database, and are left alone:\n\n");
            let rows =
                backend.companions.iter().map(|(name, title)| vec![format!("`{name}`"), title.clone()]);
            table(out, &["Table", "What"], rows);
        }
        if !backend.side_tables.is_empty() {
            out.push_str("\nTables beside the subspaces, which the server rebuilds:\n\n");
            let rows = backend
                .side_tables
                .iter()
                .map(|side| vec![format!("`{}`", side.name), range(&side.versions), side.title.clone()]);
            table(out, &["Table", "Versions", "What"], rows);
        }
    }
}

fn pieces(pieces: &Pieces) -> Vec<String> {
    let Pieces { size, width, most, whole, earlier } = pieces;
    let number = if *width == 0 { "one byte on later pieces".to_owned() } else { format!("{width} bytes") };
    let mut notes = vec![format!("pieces of {size} bytes, at most {most}, numbered by {number}")];
    notes.extend(earlier.iter().map(|(versions, releases, most)| {
        format!("at most {most} pieces in {releases} (version {})", range(versions))
    }));
    if !whole.is_empty() {
        let names: Vec<String> = whole.iter().map(|name| format!("`{}`", name.value)).collect();
        notes.push(format!("values of {} are never cut", names.join(", ")));
    }
    notes
}

fn subspace(out: &mut String, model: &Model, subspace: &Subspace) {
    let title = subspace.title.as_ref().map_or("", |t| t.value.as_str());
    let _ = write!(
        out,
        "\n### `{}` {}: {title} (version {})\n\n{}\n\n",
        subspace.letter,
        subspace.name.value,
        range(&subspace.versions),
        doc_of(&subspace.doc)
    );
    let store = store(subspace.store);
    let value = match subspace.value {
        ValueKind::Bytes => "bytes",
        ValueKind::None => "none",
        ValueKind::Counter => "counter, signed 64-bit little-endian",
        ValueKind::Blob => "blob",
    };
    let _ = write!(out, "Store: {store}. Value: {value}.");
    if subspace.derived {
        out.push_str(" Derived: the server can rebuild it.");
    }
    let _ = writeln!(out, "\nSource: {}\n", doc_of(&subspace.source));
    let rows = subspace.layouts.iter().map(|layout| {
        let key: Vec<String> = layout.segments.iter().map(segment).collect();
        vec![
            format!("`{}`", layout.name.value),
            range(&layout.versions),
            key.join("<br>"),
            form(layout, subspace.value),
            notes(model, subspace, layout),
        ]
    });
    table(out, &["Layout", "Versions", "Key", "Value", "What it is"], rows);
}

fn segment(segment: &Segment) -> String {
    if segment.name.is_empty() {
        return format!("`{}`", segment.kind.word());
    }
    let mut text = format!("`{}` {}", segment.name, segment.kind.word());
    if !segment.allowed.is_empty() {
        let _ = write!(text, " in {}", set(&segment.allowed));
    }
    text
}

fn form(layout: &Layout, kind: ValueKind) -> String {
    let mut text = match (&layout.value, kind) {
        (_, ValueKind::None) => return "–".to_owned(),
        (_, ValueKind::Counter) => "counter".to_owned(),
        (_, ValueKind::Blob) => "blob".to_owned(),
        (ValueForm::Opaque, _) => "bytes".to_owned(),
        (ValueForm::Empty, _) => "empty".to_owned(),
        (ValueForm::Archive, _) => "archive".to_owned(),
        (ValueForm::Changes, _) => "changes, or empty".to_owned(),
        (ValueForm::Lease, _) => "lease".to_owned(),
        (ValueForm::Lengths(lengths), _) => {
            let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
            format!("{} bytes", lengths.join(" or "))
        }
    };
    if let Some(doc) = &layout.value_doc {
        let _ = write!(text, ": {}", one_line(doc));
    }
    text
}

fn notes(model: &Model, subspace: &Subspace, layout: &Layout) -> String {
    let mut parts = vec![doc_of(&layout.doc)];
    if layout.local {
        parts.push("Belongs to one installation and is not copied.".to_owned());
    }
    if layout.content_hash {
        parts.push("The key is the BLAKE3 of the content.".to_owned());
    }
    for derived in &layout.derived_keys {
        parts.push(one_line(&derived.doc));
    }
    if layout.links_blob.is_some() {
        parts.push("Names a blob.".to_owned());
    }
    if !layout.provisional.is_empty() {
        let which: Vec<String> =
            layout.provisional.iter().map(|(f, s)| format!("`{}` {}", f.value, set(s))).collect();
        parts.push(format!("With {} and an empty value, written before the blob is used.", which.join(", ")));
    }
    parts.extend(fresh_note(layout.fresh.unwrap_or(subspace.fresh)).map(str::to_owned));
    if let Some((rule, _)) = layout.fresh_if_derived_key
        && let Some(note) = fresh_note(rule)
    {
        parts.push(format!("Where the hash is derived from an object of the target: {note}"));
    }
    for shares in &layout.shares {
        let undecidable = if shares.undecidable { " (undecidable from the key alone)" } else { "" };
        parts.push(format!(
            "Tried before `{}`{undecidable}: {}",
            shares.with.value,
            one_line(&shares.because)
        ));
    }
    let longest = layout.lengths().longest().map(|n| n as u64);
    let checked: Vec<&str> = model
        .backends
        .iter()
        .filter(|b| b.refusal(&subspace.name.value).is_none() && too_long(b, subspace.value, longest))
        .map(|b| b.title.as_str())
        .collect();
    if !checked.is_empty() {
        parts.push(format!("Key length checked on load: {}.", checked.join(", ")));
    }
    parts.join(" ")
}

fn fresh_note(rule: Fresh) -> Option<&'static str> {
    match rule {
        Fresh::Refuse => None,
        Fresh::Clear => Some("A fresh target may hold it; cleared before an import."),
        Fresh::Save => Some("A fresh target may hold it; saved and cleared before an import."),
        Fresh::Keep => Some("A target may hold it; stays."),
    }
}

fn too_long(backend: &Backend, kind: ValueKind, longest: Option<u64>) -> bool {
    let table = &backend.kinds[kind as usize];
    let limit = [table.max_key, table.unique_prefix].into_iter().flatten().min();
    limit.is_some_and(|limit| longest.is_none_or(|longest| longest > limit))
}

fn rule(out: &mut String, rule: &CounterRule) {
    let group: Vec<String> = rule.group.iter().map(|f| format!("`{}`", f.value)).collect();
    let _ = write!(
        out,
        "\n### {} (version {})\n\n{}\n\nCounter `{}.{}`, per {}. Source: {}\n\n",
        rule.name.value,
        range(&rule.versions),
        doc_of(&rule.doc),
        rule.counter.subspace,
        rule.counter.layout,
        group.join(" and "),
        doc_of(&rule.source)
    );
    let rows = rule.covers.iter().map(|cover| {
        let id =
            cover.field.as_ref().map_or("change id of the archive".to_owned(), |f| format!("`{}`", f.value));
        let mut conditions: Vec<String> = Vec::new();
        conditions.extend(cover.fixed.iter().map(|(f, n)| format!("`{}` is {}", f.value, number(*n))));
        conditions.extend(cover.only.iter().map(|(f, s)| format!("only `{}` {}", f.value, set(s))));
        conditions.extend(cover.unless.iter().map(|(f, s)| format!("not `{}` {}", f.value, set(s))));
        let of = format!("`{}.{}`", cover.of.subspace, cover.of.layout);
        vec![of, range(&cover.versions), id, conditions.join("; ")]
    });
    table(out, &["Records", "Versions", "Id", "Which"], rows);
}

fn singleton(model: &Model, singleton: &Singleton) -> Vec<String> {
    // The newest version; the check has proven that each of them has the layout.
    let subspace = model.named(singleton.versions.to, &singleton.layout.subspace);
    let layout = model.layout(singleton.versions.to, &singleton.layout);
    let key = layout.and_then(|layout| singleton.key_of(layout)).unwrap_or_default();
    let letter = subspace.map_or(' ', |s| s.letter);
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let variants: Vec<String> = singleton
        .variants
        .iter()
        .map(|v| format!("{} {}{}", v.number, v.name.value, if v.external { "\\*" } else { "" }))
        .collect();
    vec![
        singleton.title.clone(),
        range(&singleton.versions),
        format!("`{letter}` `{digits}`"),
        singleton.store.map_or("–".to_owned(), |s| format!("{} store", store(s))),
        variants.join(", "),
        doc_of(&singleton.doc),
        doc_of(&singleton.source),
    ]
}

fn store(store: StoreGroup) -> &'static str {
    match store {
        StoreGroup::Data => "data",
        StoreGroup::Blob => "blob",
        StoreGroup::Lookup => "lookup",
        StoreGroup::Search => "search",
        StoreGroup::Telemetry => "telemetry",
    }
}

fn names(out: &mut String, names: &NameTable) {
    let _ = write!(
        out,
        "\n### {}\n\n{}\n\nSource: {}\n\n",
        names.name.value,
        one_line(&names.doc),
        one_line(&names.source)
    );
    let rows = names.values.iter().map(|(value, word)| {
        let mut words = word.clone();
        for earlier in names.earlier.iter().filter(|earlier| earlier.value == *value) {
            let _ = write!(words, "; in version {} {}", range(&earlier.versions), earlier.name);
        }
        vec![value.to_string(), words]
    });
    table(out, &["Value", "Name"], rows);
}

fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn range(range: &Range) -> String {
    span(range.from, range.to)
}

fn span(from: u32, to: u32) -> String {
    if from == to { from.to_string() } else { format!("{from}–{to}") }
}

fn set(set: &IntSet) -> String {
    let parts: Vec<String> = set
        .iter()
        .map(|&(from, to)| match to {
            _ if from == to => number(from),
            u64::MAX => format!("{}…", number(from)),
            _ => format!("{}…{}", number(from), number(to)),
        })
        .collect();
    parts.join(", ")
}

/// Large numbers are distinguished by their digits in hex.
fn number(n: u64) -> String {
    if n > 0xffff { hex_constant(&n.to_be_bytes()) } else { n.to_string() }
}

fn limit(limit: Option<u64>) -> String {
    limit.map_or("–".to_owned(), |n| n.to_string())
}

fn doc_of(text: &Option<crate::model::Text>) -> String {
    text.as_ref().map_or(String::new(), |t| one_line(&t.value))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
