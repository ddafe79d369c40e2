//! The end of a run: what was done, what was found, what to do next, and the exit code.

use serde::Serialize;

use crate::base::dir::absolute;
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex;
use crate::catalog::{self, SchemaVersion, ValueForm};
use crate::commands::diff::Compared;
use crate::commands::export::Exported;
use crate::commands::inspect::{Blob, Contents, Listed, Record, SubspaceContents};
use crate::commands::loaded::{Imported, totals};
use crate::commands::verify::{Verified, damaged};
use crate::records::audit::Audit;
use crate::run::console::Console;
use crate::run::strict::{End, Strict};

/// Finished, but the result does not hold everything.
const INCOMPLETE: u8 = 3;
/// Damage or a difference was found.
const DAMAGED: u8 = 4;

#[derive(Serialize)]
struct Event<'a, T: Serialize> {
    event: &'static str,
    exit_code: u8,
    findings: std::collections::BTreeMap<String, u64>,
    #[serde(flatten)]
    outcome: &'a T,
}

fn event<T: Serialize>(console: &Console, name: &'static str, end: &End, findings: &Findings, outcome: &T) {
    let exit_code = end.exit_code();
    let findings = crate::dump::manifest::finding_counts(findings);
    console.data(&Event { event: name, exit_code, findings, outcome });
}

/// Reports an export.
pub fn export(exported: &Exported, dir: &std::path::Path, strict: Strict, console: &Console) -> End {
    let code = if exported.findings.incomplete() { INCOMPLETE } else { 0 };
    let end = End::new(strict, code, &exported.findings);
    event(console, "exported", &end, &exported.findings, exported);
    let Some(manifest) = &exported.manifest else { return end };
    table(console, manifest.subspaces.iter().map(|s| (s.letter, s.name.as_str(), s.records, s.bytes())));
    for left in &manifest.local {
        console.say(format!(
            "left out: {} {} records of {} ({}), which belong to this installation",
            left.records, left.layout, left.letter, left.name
        ));
    }
    blobs(exported.audit.as_ref(), console);
    if let Some(versions) = &manifest.read_versions {
        console.say(format!("read at versions {} to {} of the cluster", versions.first, versions.last));
        if versions.first < versions.last {
            console.warn(
                "the records are of one moment only if nothing has written to the cluster since the first of these \
                 versions: a server that was running makes the dump unusable",
            );
        }
    }
    findings(&exported.findings, console);
    let place = absolute(dir);
    console.say(format!("the dump is in {}", place.display()));
    console
        .say("it holds mail and secrets in clear: keep it private and delete it when the migration is done");
    if code == INCOMPLETE {
        console.warn("the dump is incomplete: see the findings above and manifest/findings.jsonl");
    }
    end
}

/// Reports an import or a copy of what `from` names.
pub fn import(imported: &Imported, dry_run: bool, from: &str, strict: Strict, console: &Console) -> End {
    let incomplete = imported.incomplete_dump || imported.findings.incomplete();
    let code = if incomplete { INCOMPLETE } else { 0 };
    let end = End::new(strict, code, &imported.findings);
    event(console, "imported", &end, &imported.findings, imported);
    findings(&imported.findings, console);
    if dry_run {
        return end;
    }
    table(console, imported.subspaces.iter().map(|s| (s.letter, s.name, s.records, s.bytes)));
    let (records, bytes) = totals(&imported.subspaces);
    let verified = if imported.verified {
        format!("read back and equal to {from}")
    } else {
        "not verified (--no-verify)".into()
    };
    blobs(imported.audit.as_ref(), console);
    console.say(format!("imported {records} records, {bytes} bytes; {verified}"));
    let Some(version) = catalog::version(imported.schema_version) else { return end };
    console.say("next:");
    console.say(format!("- only the server releases {} may start on this store", version.releases));
    if rustix::process::geteuid().is_root() && !imported.owned {
        console
            .say("- this ran as root: give the files to the user the server runs as (chown -R, or --owner)");
    }
    imported.advice.iter().for_each(|line| console.say(format!("- {line}")));
    for (letter, why) in &imported.left_out {
        if version.subspaces.iter().any(|s| s.letter == *letter && s.derived) {
            console.say(format!("- {letter} was left out ({why}): let the server re-index its search"));
        }
    }
    if version.subspaces.iter().any(|s| s.derived && !imported.subspaces.iter().any(|i| i.letter == s.letter))
        && imported.left_out.is_empty()
    {
        console.say("- the dump has no search index: let the server re-index its search");
    }
    console.say("- keep the source until you have seen the server working on the new store");
    end
}

/// Reports a verification.
pub fn verify(verified: &Verified, strict: Strict, console: &Console) -> End {
    let differences: u64 = verified.subspaces.iter().map(|s| s.differences).sum();
    let code = if differences > 0 || damaged(&verified.findings) {
        DAMAGED
    } else if verified.incomplete_dump || verified.findings.incomplete() {
        INCOMPLETE
    } else {
        0
    };
    let end = End::new(strict, code, &verified.findings).and_recorded(&verified.recorded);
    event(console, "verified", &end, &verified.findings, verified);
    table(console, verified.subspaces.iter().map(|s| (s.letter, s.name, s.records, s.bytes)));
    for subspace in verified.subspaces.iter().filter(|s| s.differences > 0) {
        console.warn(format!(
            "{} ({}): {} records differ",
            subspace.letter, subspace.name, subspace.differences
        ));
    }
    for what in &verified.unproven {
        console.warn(format!("cannot be proven: {what}"));
    }
    blobs(verified.audit.as_ref(), console);
    findings(&verified.findings, console);
    console.say(match code {
        0 => "everything checked is right",
        INCOMPLETE => "what is there is right, but the dump is incomplete",
        _ => "damage or differences were found",
    });
    end
}

/// Reports a comparison.
pub fn diff(compared: &Compared, strict: Strict, console: &Console) -> End {
    let code = if compared.equal() { 0 } else { DAMAGED };
    let [left, right] = &compared.findings;
    let recorded = compared.recorded.iter();
    let end = recorded.fold(End::new(strict, code, left).and(right), End::and_recorded);
    let mut both = left.clone();
    both.merge(right.clone());
    event(console, "compared", &end, &both, compared);
    console.print(format!(
        "{:<2} {:<18} {:>14} {:>12} {:>12} {:>12}",
        "", "subspace", "equal", "only left", "only right", "different"
    ));
    for part in &compared.subspaces {
        console.print(format!(
            "{:<2} {:<18} {:>14} {:>12} {:>12} {:>12}",
            part.letter, part.name, part.equal, part.only_left, part.only_right, part.different
        ));
    }
    for (letter, why) in &compared.left_out {
        console.say(format!("not compared: {letter}: {why}"));
    }
    for (side, found) in ["left", "right"].into_iter().zip(&compared.findings) {
        if !found.is_empty() {
            console.say(format!("on the {side}:"));
            findings(found, console);
        }
    }
    for (letter, side, why) in &compared.missing {
        console.warn(format!("the {side} lacks the table of {letter}: {why}"));
    }
    console.say(if code == 0 { "both hold the same" } else { "they differ" });
    end
}

/// Prints what a dump or a store holds.
pub fn contents(contents: &Contents, strict: Strict, console: &Console) -> End {
    #[derive(Serialize)]
    struct Row<'a> {
        event: &'static str,
        #[serde(flatten)]
        held: &'a SubspaceContents,
    }
    console.print(format!(
        "{}, schema version {} ({})",
        contents.source, contents.schema_version, contents.releases
    ));
    let line = |letter: &str, name: &str, family: &str, records: u64, bytes: u64, share: f64| {
        console.print(format!("{letter:<2} {name:<18} {family:<12} {records:>14} {bytes:>16} {share:>6.1}%"));
    };
    console.print(format!(
        "{:<2} {:<18} {:<12} {:>14} {:>16} {:>7}",
        "", "subspace", "family", "records", "bytes", "share"
    ));
    for held in &contents.subspaces {
        let letter = held.letter.to_string();
        line(&letter, &held.name, held.family.unwrap_or("-"), held.records, held.bytes, held.share);
        console.data(&Row { event: "held", held });
    }
    let all = if contents.bytes == 0 { 0.0 } else { 100.0 };
    line("", "total", "", contents.records, contents.bytes, all);
    let end = End::new(strict, 0, &contents.findings).and_recorded(&contents.recorded);
    event(console, "inspected", &end, &contents.findings, contents);
    for (letter, layout, records) in &contents.local {
        console.say(format!(
            "not counted: {records} {layout} records of {letter}, which belong to this installation"
        ));
    }
    if !contents.absent.is_empty() {
        let letters: Vec<String> = contents.absent.iter().map(char::to_string).collect();
        console.say(format!("not there: {}", letters.join(" ")));
    }
    findings(&contents.findings, console);
    end
}

#[derive(Serialize)]
struct RecordEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    record: &'a Record,
}

/// Prints a record of a list on one line.
pub fn listed(record: &Record, console: &Console) {
    console.data(&RecordEvent { event: "record", record });
    let cut = if record.value_bytes > record.value.len() as u64 { "…" } else { "" };
    let value = match record.counter {
        Some(number) => number.to_string(),
        None if record.value.is_empty() => String::new(),
        None => format!("{}{cut}", hex(&record.value)),
    };
    let problem = record.problem.as_ref().map(|problem| format!("  ! {problem}")).unwrap_or_default();
    let line =
        format!("{}  {}  {} bytes  {value}{problem}", record.key, record.described, record.value_bytes);
    console.print(line.trim_end());
}

/// Reports the end of a list.
pub fn list(listed: &Listed, strict: Strict, console: &Console) -> End {
    let end = End::new(strict, 0, &listed.findings);
    event(console, "listed", &end, &listed.findings, listed);
    match listed {
        Listed { more: true, records, .. } => {
            console.say(format!("the first {records} records; --limit N lists more, --limit 0 all"));
        }
        Listed { records: 0, .. } => console.say("no records"),
        Listed { records, .. } => console.say(format!("{records} records")),
    }
    end
}

/// Prints one record with its whole value.
pub fn record(record: &Record, found: &Findings, strict: Strict, console: &Console) -> End {
    console.data(&RecordEvent { event: "record", record });
    console.print(format!("key      {}", record.key));
    console.print(format!("decoded  {}", record.described));
    console.print(format!("value    {} bytes", record.value_bytes));
    if let Some(number) = record.counter {
        console.print(format!("counter  {number}"));
    }
    if let Some(problem) = &record.problem {
        console.print(format!("problem  {problem}"));
    }
    for (row, bytes) in record.value.chunks(16).enumerate() {
        let text =
            bytes.iter().map(|b| if b.is_ascii_graphic() || *b == 0x20 { char::from(*b) } else { '.' });
        let pairs: Vec<String> = bytes.iter().map(|byte| hex(&[*byte])).collect();
        let line = format!("{:08x}  {:<47}  {}", row * 16, pairs.join(" "), text.collect::<String>());
        console.print(line.trim_end());
    }
    End::new(strict, 0, found)
}

/// Says where a blob went.
pub fn blob(blob: &Blob, file: Option<&std::path::Path>, strict: Strict, console: &Console) -> End {
    #[derive(Serialize)]
    struct WrittenBlob {
        event: &'static str,
        key: String,
        bytes: usize,
        hash_matches: Option<bool>,
        file: Option<String>,
    }
    let file = file.map(|file| file.display().to_string());
    let place = file.as_deref().unwrap_or("stdout");
    let check = match blob.hash_matches {
        Some(true) => "the content hashes to its key",
        Some(false) => "the content does not hash to its key",
        None => "its key is no hash of the content",
    };
    console.say(format!("{} bytes written to {place}; {check}", blob.content.len()));
    console.data(&WrittenBlob {
        event: "blob",
        key: hex(&blob.key),
        bytes: blob.content.len(),
        hash_matches: blob.hash_matches,
        file,
    });
    End::new(strict, 0, &blob.findings())
}

/// Prints the catalog: a table, or every detail with `--json`.
pub fn catalog(console: &Console) {
    for version in catalog::versions() {
        console.print(format!("schema version {}: {}", version.number, version.releases));
        for subspace in version.subspaces {
            console.print(format!(
                "  {}  {:<18} {:<12} {:<10} {}",
                subspace.letter,
                subspace.name,
                subspace.family().unwrap_or("-"),
                subspace.store_group.name(),
                subspace.title
            ));
        }
        subspaces_as_data(version, console);
    }
}

#[derive(Serialize)]
struct SubspaceData {
    event: &'static str,
    schema_version: u32,
    letter: char,
    name: &'static str,
    title: &'static str,
    family: Option<&'static str>,
    store_group: &'static str,
    server_export: bool,
    derived: bool,
    layouts: Vec<LayoutData>,
    tables: Vec<TableData>,
}

#[derive(Serialize)]
struct LayoutData {
    name: &'static str,
    archive: bool,
    #[serde(rename = "travels")]
    portable: bool,
}

#[derive(Serialize)]
struct TableData {
    backend: &'static str,
    table: Option<&'static str>,
    create: Option<&'static str>,
    refused: Option<&'static str>,
    max_key: Option<u64>,
    max_value: Option<u64>,
}

fn subspaces_as_data(version: &SchemaVersion, console: &Console) {
    for subspace in version.subspaces {
        let layouts = subspace.layouts.iter().map(|layout| LayoutData {
            name: layout.name,
            archive: layout.value == ValueForm::Archive,
            portable: !layout.local,
        });
        let tables = catalog::backends().iter().map(|backend| {
            let table = subspace.table(backend.kind);
            TableData {
                backend: backend.name,
                table: table.ok().map(|table| table.name),
                create: table.ok().map(|table| table.create).filter(|statement| !statement.is_empty()),
                refused: table.err(),
                max_key: table.ok().and_then(|table| table.max_key),
                max_value: table.ok().and_then(|table| table.max_value),
            }
        });
        console.data(&SubspaceData {
            event: "subspace",
            schema_version: version.number,
            letter: subspace.letter,
            name: subspace.name,
            title: subspace.title,
            family: subspace.family(),
            store_group: subspace.store_group.name(),
            server_export: subspace.family().is_some(),
            derived: subspace.derived,
            layouts: layouts.collect(),
            tables: tables.collect(),
        });
    }
}

fn table<'a>(console: &Console, rows: impl Iterator<Item = (char, &'a str, u64, u64)>) {
    let (mut records, mut bytes) = (0, 0);
    console.print(format!("{:<2} {:<18} {:>14} {:>16}", "", "subspace", "records", "bytes"));
    for (letter, name, subspace_records, subspace_bytes) in rows {
        records += subspace_records;
        bytes += subspace_bytes;
        console.print(format!("{letter:<2} {name:<18} {subspace_records:>14} {subspace_bytes:>16}"));
    }
    console.print(format!("{:<2} {:<18} {records:>14} {bytes:>16}", "", "total"));
}

fn blobs(audit: Option<&Audit>, console: &Console) {
    if let Some(audit) = audit {
        let provisional = match audit.provisional {
            0 => String::new(),
            count => format!(", {count} missing that belong to nothing yet"),
        };
        console.say(format!(
            "blobs: {} linked, {} without a link, {} missing{provisional}",
            audit.linked, audit.unlinked, audit.missing
        ));
    }
}

fn findings(findings: &Findings, console: &Console) {
    for (kind, count) in findings.counts() {
        let text = format!("{count} {}", kind.title());
        if kind.is_notice() {
            console.say(format!("notice: {text}"));
            for sample in findings.samples().filter(|s| s.kind == *kind && *kind == FindingKind::OtherTable) {
                console.say(format!("  {}: {}", sample.subspace, sample.detail));
            }
            continue;
        }
        console.warn(format!("found {text}"));
        // The values that a target lacks are listed nowhere else.
        let shown = if *kind == FindingKind::ValueLeftOut { usize::MAX } else { 3 };
        for sample in findings.samples().filter(|sample| sample.kind == *kind).take(shown) {
            console.say(format!("  {} {}: {}", sample.subspace, sample.key, sample.detail));
        }
    }
}
