//! Rules over the structure: the parts of the program, who may use whom, and that a name means one thing.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, report, text, without_tests};

/// The parts of the program and what each may use besides itself, lowest first. Every file of `src/` is in one of them.
const PARTS: [(&str, &[&str]); 13] = [
    ("base", &[]),
    ("codec", &[]),
    ("catalog", &["base", "codec"]),
    ("settings", &[]),
    ("config", &["base", "catalog", "settings"]),
    ("dump", &["base"]),
    ("backend", &["base", "catalog", "settings"]),
    ("run", &["base"]),
    ("records", &["base", "codec", "catalog", "dump", "backend", "run"]),
    ("open", &["base", "catalog", "settings", "config", "dump", "backend", "run", "records"]),
    ("target", &["base", "catalog", "config", "dump", "backend", "run", "records", "open"]),
    ("commands", &["base", "catalog", "config", "dump", "backend", "run", "records", "open", "target"]),
    ("cli", &["base", "catalog", "dump", "run", "records", "open", "target", "commands"]),
];

/// What files use of other modules, where their part allows more: by how their path begins. Modules of `base` are named
/// one by one, other parts as a whole.
const USES_ONLY: [(&str, &[&str]); 8] = [
    ("src/base/hex", &[]),
    ("src/base/dir", &["base::dir", "base::sync"]),
    ("src/catalog", &["base::hex", "catalog", "codec"]),
    ("src/config", &["base::dir", "base::error", "catalog", "config", "settings"]),
    (
        "src/dump",
        &[
            "base::dir",
            "base::error",
            "base::finding",
            "base::hex",
            "base::page",
            "base::seal",
            "base::stop",
            "base::sync",
            "base::write_back",
            "dump",
        ],
    ),
    (
        "src/backend",
        &[
            "backend",
            "base::dir",
            "base::error",
            "base::hex",
            "base::page",
            "base::process",
            "base::stop",
            "base::sync",
            "base::write_back",
            "catalog",
            "settings",
        ],
    ),
    ("src/records/blob", &[]),
    ("src/records/pipeline", &["base::error", "base::page", "base::stop", "base::sync", "run"]),
];

/// The roots of the library and of the program: they name everything.
const PROGRAM: [&str; 2] = ["src/lib.rs", "src/main.rs"];

/// Files that name a backend besides `open/backends.rs`: which, as parts of every store that has its blobs elsewhere.
const BACKENDS: [(&str, &[&str]); 2] =
    [("src/open/connect.rs", &["routed"]), ("src/target/transfer/target.rs", &["memory", "routed"])];

/// Folders whose modules are listed in reading order: each uses only those above it.
const IN_ORDER: [&str; 9] = ["base", "config", "run", "records", "open", "target", "commands", "cli", "dump"];

#[test]
fn every_part_uses_only_those_below_it() {
    assert_eq!(
        modules("src/lib.rs"),
        PARTS.map(|(part, _)| part),
        "src/lib.rs lists the parts, lowest first"
    );
    for (at, (part, uses)) in PARTS.iter().enumerate() {
        let below = PARTS.get(..at).unwrap_or_default();
        let known = uses.iter().all(|used| below.iter().any(|(name, _)| name == used));
        assert!(known, "{part} uses {uses:?}, of which one is not below it");
    }
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for path in files("src", ".rs").into_iter().filter(|path| !PROGRAM.contains(&path.as_str())) {
        let module = module_of(&path);
        let part = module.first().cloned().unwrap_or_default();
        let Some((_, may)) = PARTS.iter().find(|(name, _)| *name == part) else {
            wrong.push(format!("{path}: is in no part"));
            continue;
        };
        for (line, to) in references(&module, &text(&path)) {
            // Modules of the top only; others are items of the part itself.
            let others = |to: &&String| **to != part && PARTS.iter().any(|(name, _)| name == *to);
            let Some(to) = to.first().filter(others) else { continue };
            if !may.contains(&to.as_str()) {
                wrong.push(format!("{path}:{line}: {part} uses {to}"));
            }
            used.insert((part.clone(), to.clone()));
        }
    }
    // A permission that nothing needs would hide the next mistake.
    for (part, may) in PARTS {
        let unused = may.iter().filter(|to| !used.contains(&(part.to_string(), to.to_string())));
        wrong.extend(unused.map(|to| format!("tests/tidy/parts.rs: {part} may use {to} and does not")));
    }
    report("every part uses only those below it", wrong);
}

#[test]
fn some_files_use_less_than_their_part_may() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for path in files("src", ".rs") {
        let Some((start, only)) = USES_ONLY.iter().find(|(start, _)| path.starts_with(start)) else {
            continue;
        };
        for (line, to) in references(&module_of(&path), &text(&path)) {
            let Some(part) = to.first().filter(|part| PARTS.iter().any(|(name, _)| name == *part)) else {
                continue;
            };
            let used = if part == "base" {
                to.iter().take(2).cloned().collect::<Vec<_>>().join("::")
            } else {
                part.clone()
            };
            if !only.contains(&used.as_str()) {
                wrong.push(format!("{path}:{line}: uses {used}"));
            }
            seen.insert((*start, used));
        }
    }
    for (start, only) in USES_ONLY {
        let unused = only.iter().filter(|used| !seen.contains(&(start, used.to_string())));
        wrong.extend(unused.map(|used| format!("tests/tidy/parts.rs: {start} may use {used} and does not")));
    }
    report("files use no more than tests/tidy/parts.rs lists for them", wrong);
}

#[test]
fn modules_beside_each_other_have_one_direction() {
    // By folder: which module uses which of those beside it.
    let mut edges: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for path in files("src", ".rs").into_iter().filter(|path| !PROGRAM.contains(&path.as_str())) {
        let module = module_of(&path);
        for (_, to) in references(&module, &text(&path)) {
            let shared = module.iter().zip(&to).take_while(|(one, two)| one == two).count();
            let (Some(from), Some(to)) = (module.get(shared), to.get(shared)) else { continue };
            let folder = module.iter().take(shared).cloned().collect();
            edges.entry(folder).or_default().entry(from.clone()).or_default().insert(to.clone());
        }
    }
    let mut wrong = Vec::new();
    for (folder, uses) in &edges {
        let name = folder.join("/");
        let list = modules(&if name.is_empty() { "src/lib.rs".into() } else { format!("src/{name}.rs") });
        let uses = |module: &str| uses.get(module).into_iter().flatten().filter(|to| list.contains(to));
        if name.is_empty() || IN_ORDER.contains(&name.as_str()) {
            for (at, module) in list.iter().enumerate() {
                let after = list.get(at..).unwrap_or_default();
                let later = uses(module).filter(|to| after.contains(to));
                wrong.extend(
                    later.map(|to| format!("src/{name}: {module} uses {to}, which is listed after it")),
                );
            }
        }
        // Whatever uses nothing that is left can go; what stays in the end goes round.
        let mut left: BTreeSet<&String> = list.iter().collect();
        while let Some(free) = left.iter().copied().find(|m| !uses(m).any(|to| left.contains(to))) {
            left.remove(free);
        }
        if !left.is_empty() {
            wrong.push(format!("src/{name}: {left:?} go round in a circle"));
        }
    }
    // What commands share has a home outside them.
    let commands = edges.get(&vec!["commands".to_string()]);
    for (command, uses) in commands.into_iter().flatten() {
        let others = uses.iter().filter(|to| *to != "loaded");
        wrong.extend(others.map(|to| format!("src/commands: {command} uses {to}")));
    }
    report("modules of a folder do not use each other in circles", wrong);
}

#[test]
fn backends_are_named_where_they_are_opened() {
    let names = ["memory", "mysql", "objects", "postgres", "rocksdb", "routed", "sqlite"];
    let mut wrong = Vec::new();
    for path in files("src", ".rs") {
        if path == "src/open/backends.rs" || path.starts_with("src/backend") {
            continue;
        }
        let allowed = BACKENDS.iter().find(|(file, _)| *file == path).map_or(&[][..], |(_, names)| names);
        for (line, to) in references(&module_of(&path), &text(&path)) {
            let [part, name, ..] = &to[..] else { continue };
            if part == "backend" && names.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{path}:{line}: names {name}"));
            }
        }
    }
    report("open/backends.rs names the backends", wrong);
}

/// The module that a file of `src/` is, from the top of the crate.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.split('/').map(str::to_string).collect()
}

/// The modules that a file declares, in its order.
fn modules(path: &str) -> Vec<String> {
    let text = text(path);
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    declared.map(str::to_string).collect()
}

/// Every path into this crate that the code of a module uses, from the top of the crate, and its line. Not what tests
/// and documentation refer to.
fn references(module: &[String], text: &str) -> Vec<(usize, Vec<String>)> {
    let code: String = without_tests(text)
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "\n".to_string() } else { format!("{line}\n") })
        .collect();
    let mut found = Vec::new();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (at, _) in code.match_indices("::") {
        let before = code.get(..at).unwrap_or_default();
        let start = before.rfind(|c: char| !word(c)).map_or(0, |at| at + 1);
        let (outer, root) = before.split_at(start);
        // Only where a path begins.
        if outer.ends_with("::") {
            continue;
        }
        let mut path = match root {
            "crate" => Vec::new(),
            "super" => module.iter().take(module.len().saturating_sub(1)).cloned().collect(),
            _ => continue,
        };
        let line = before.matches('\n').count() + 1;
        let mut rest = code.get(at..).unwrap_or_default();
        loop {
            let Some(next) = rest.strip_prefix("::") else {
                found.push((line, path));
                break;
            };
            if let Some(group) = next.strip_prefix('{') {
                for item in items(group) {
                    let names =
                        item.split("::").take_while(|name| !name.is_empty() && name.chars().all(word));
                    let inner = names.filter(|name| *name != "self").map(str::to_string);
                    found.push((line, path.iter().cloned().chain(inner).collect()));
                }
                break;
            }
            let end = next.find(|c: char| !word(c)).unwrap_or(next.len());
            match next.get(..end) {
                Some("super") => drop(path.pop()),
                Some("") | None => {
                    found.push((line, path));
                    break;
                }
                Some(name) => path.push(name.to_string()),
            }
            rest = next.get(end..).unwrap_or_default();
        }
    }
    found
}

/// The paths of a group, of which the opening brace has been read.
fn items(group: &str) -> Vec<String> {
    let (mut found, mut depth) = (vec![String::new()], 0_usize);
    for c in group.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => found.push(String::new()),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth > 0 => {}
            _ => found.last_mut().into_iter().for_each(|item| item.push(c)),
        }
    }
    found.retain(|item| !item.is_empty());
    found
}

#[test]
fn references_are_found() {
    let module = ["records".to_string(), "check".to_string()];
    let found = |text: &str| -> Vec<String> {
        references(&module, text)
            .into_iter()
            .map(|(line, path)| format!("{line} {}", path.join("::")))
            .collect()
    };
    assert_eq!(found("use crate::base::page::Page;"), ["1 base::page::Page"]);
    assert_eq!(found("\nfn f(a: crate::a::K) -> crate::b::R<()> {"), ["2 a::K", "2 b::R"]);
    assert_eq!(
        found("use super::store::{self, Reading};"),
        ["1 records::store", "1 records::store::Reading"]
    );
    assert_eq!(found("use super::super::dump;"), ["1 dump"]);
    assert_eq!(found("use crate::{\n    a::{b, c},\n    d::e,\n};"), ["1 a", "1 d::e"]);
    assert_eq!(found("    /// See [`crate::blob`].\nuse std::fmt;"), [""; 0]);
}

#[test]
fn every_module_stands_in_the_code_map() {
    let map = text("ARCHITECTURE.md");
    let mut missing = Vec::new();
    for (part, _) in PARTS {
        let root = format!("src/{part}.rs");
        let row = map.lines().find(|line| line.starts_with(&format!("| `{part}` |")));
        let Some(row) = row else {
            missing.push(part.to_string());
            continue;
        };
        let absent = modules(&root).into_iter().filter(|name| !row.contains(&format!("`{name}`")));
        missing.extend(absent.map(|name| format!("{part}: {name}")));
    }
    report("ARCHITECTURE.md has a row for every part, which names its modules", missing);
}

#[test]
fn a_type_name_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files("src", ".rs") {
        for (number, line) in without_tests(&text(&path)).lines().enumerate() {
            if let Some(name) = defined_type(line) {
                places.entry(name.to_string()).or_default().push(format!("{path}:{}", number + 1));
            }
        }
    }
    assert!(places.len() > 300, "types are found");
    let several = places.iter().filter(|(_, places)| places.len() > 1);

    report(
        "a type name means one thing in src",
        several.map(|(name, places)| format!("{name}: {}", places.join(", "))).collect(),
    );
}

/// The name of the type that a line of a module defines.
fn defined_type(line: &str) -> Option<&str> {
    let mut words = line.split(|c: char| c.is_whitespace() || c == '<' || c == '(' || c == ';' || c == '{');
    let mut word = words.next()?;
    if word == "pub" {
        word = words.find(|word| !word.is_empty() && !word.contains(')') && *word != "in")?;
    }
    if !["struct", "enum", "trait", "type", "union"].contains(&word) {
        return None;
    }
    let name = words.next()?.trim_end_matches(':');
    name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
}

#[test]
fn defined_types_are_found() {
    for (line, name) in [
        ("pub struct Loaded {", Some("Loaded")),
        ("pub(super) enum Found<T> {", Some("Found")),
        ("pub(in crate::config) struct Region {", Some("Region")),
        ("pub trait Source: Send + Sync {", Some("Source")),
        ("type Found = Vec<u8>;", Some("Found")),
        ("struct Job(u64);", Some("Job")),
        ("    type Item = u8;", None),
        ("pub fn structure() {", None),
        ("// struct Comment", None),
    ] {
        assert_eq!(defined_type(line), name, "{line}");
    }
}
