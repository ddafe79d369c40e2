//! Rules over the whole tree that no compiler checks: names, sizes, module docs, links, what must not be there.
//!
//! Reads text only and knows no feature. Every rule lists all its violations at once, as `path:line: what`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files longer than this are split.
const MAX_LINES: usize = 800;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 10] =
    ["utils", "util", "common", "helpers", "helper", "manager", "types", "misc", "shared", "mod"];

/// Folders without anything of ours, or with bytes that are kept as they came.
const SKIPPED: [&str; 8] = [
    ".git",
    "target",
    "tests/fixtures",
    "codegen/tests/accept",
    "codegen/tests/golden",
    "fuzz/artifacts",
    "fuzz/corpus",
    "fuzz/target",
];

/// Quoted single letters in `src/` that are no subspaces: file, letters, what they are.
const LETTERS: [(&str, &str, &str); 16] = [
    ("src/backend/mysql/access.rs", "k", "column of every table"),
    ("src/backend/mysql/rows.rs", "k", "column of every table"),
    ("src/backend/mysql/source.rs", "kv", "columns of every table"),
    ("src/backend/mysql/target.rs", "k", "column of every table"),
    (
        "src/backend/postgres/relations.rs",
        "kvcefmprx",
        "columns of every table, kinds in the system catalogs",
    ),
    ("src/backend/postgres/source.rs", "v", "column of every table"),
    ("src/backend/postgres/target.rs", "k", "column of every table"),
    ("src/backend/sqlite/both_ways.rs", "k", "column of every table"),
    ("src/backend/sqlite/look.rs", "kv", "column of every table"),
    ("src/backend/sqlite/salvage.rs", "k", "column of every table"),
    ("src/backend/sqlite/source.rs", "kv", "columns of every table"),
    ("src/backend/sqlite/target.rs", "v", "column of every table"),
    ("src/cli.rs", "bkmg", "units of --memory"),
    ("src/config/toml/parser.rs", "tnr", "escapes"),
    ("src/config/value.rs", "smhd", "units of a duration"),
    ("src/dump/manifest.rs", "d", "shape of a date"),
];

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

/// Files below `folder`, as sorted paths relative to the package, whose name ends in `suffix`.
fn files(folder: &str, suffix: &str) -> Vec<String> {
    // Not env!("CARGO_MANIFEST_DIR"): a target directory may be shared by several checkouts. Cargo runs tests in
    // the package's directory.
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(path) = open.pop() {
        let name = path.strip_prefix("./").unwrap_or(&path).to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
            open.extend(entries.map(|entry| entry.unwrap_or_else(|e| panic!("{name}: {e}")).path()));
        } else if name.ends_with(suffix) {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every Rust file written by hand.
fn rust_files() -> Vec<String> {
    let found = files(".", ".rs");
    assert!(
        found.len() > 40,
        "only {} Rust files: the tests do not run in the package's directory",
        found.len()
    );
    found
}

#[track_caller]
fn report(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{rule}:\n  {}\n", violations.join("\n  "));
}

/// `path:line: text` for every line that `wrong` finds something in.
fn lines(path: &str, text: &str, wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let numbered = text.lines().enumerate();
    numbered.filter_map(|(n, line)| Some(format!("{path}:{}: {}", n + 1, wrong(line)?))).collect()
}

#[test]
fn modules_open_with_their_purpose() {
    let silent = rust_files().into_iter().filter(|path| !text(path).starts_with("//! "));
    report("a file opens with //!, what it is for and what it does not know", silent.collect());
}

#[test]
fn files_are_short_enough_to_read() {
    let lengths = rust_files().into_iter().map(|path| (text(&path).lines().count(), path));
    let long = lengths.filter(|(n, _)| *n > MAX_LINES).map(|(n, path)| format!("{path}: {n} lines"));
    report("a file has at most 800 lines", long.collect());
}

#[test]
fn names_come_from_the_field() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        for part in Path::new(&path).components() {
            let part = part.as_os_str().to_string_lossy();
            if EMPTY_NAMES.contains(&part.trim_end_matches(".rs")) {
                wrong.push(format!("{path}: {part}"));
            }
        }
        wrong.extend(lines(&path, &text(&path), |line| {
            let name = line.trim().trim_start_matches("pub ").strip_prefix("mod ")?;
            let name = name.trim_end_matches([';', '{', '}', ' ']);
            EMPTY_NAMES.contains(&name).then(|| format!("mod {name}"))
        }));
    }
    report("a name says what is inside", wrong);
}

#[test]
fn every_test_runs_and_says_what_it_expects() {
    let never = [concat!("#[", "ignore"), concat!(", ", "ignore)]"), concat!("should_", "panic")];
    let wrong = rust_files().into_iter().flat_map(|path| {
        lines(&path, &text(&path), |line| {
            never.iter().find(|word| line.contains(**word)).map(|w| w.to_string())
        })
    });
    report("no test is skipped, none is content with any panic", wrong.collect());
}

#[test]
fn nothing_speaks_of_a_machine() {
    let never = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("work", "place"),
        concat!(".lib", "rary/"),
        concat!("rust", "-svc"),
    ];
    let mut wrong = Vec::new();
    for path in files(".", "") {
        // What is not text was not written by hand.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        wrong.extend(lines(&path, &text, |line| {
            never.iter().find(|word| line.contains(**word)).map(|word| word.to_string())
        }));
    }
    report("no path or name of a particular machine", wrong);
}

#[test]
fn no_subspace_is_named_outside_the_catalog() {
    let mut wrong = Vec::new();
    for path in files("src", ".rs") {
        if path == "src/catalog.rs" || path.starts_with("src/catalog/") {
            continue;
        }
        let allowed = LETTERS.iter().find(|(file, ..)| *file == path).map_or("", |(_, letters, _)| letters);
        let text = text(&path);
        let code = without_tests(&text);
        wrong.extend(lines(&path, code, |line| {
            let found: String = quoted_letters(line).into_iter().filter(|c| !allowed.contains(*c)).collect();
            (!found.is_empty()).then(|| format!("the letter {found} is quoted"))
        }));
        // An exception that nothing needs any more would hide the next mistake.
        let used: BTreeSet<char> = code.lines().flat_map(quoted_letters).collect();
        let unused = allowed.chars().filter(|c| !used.contains(c));
        wrong.extend(unused.map(|c| format!("{path}: {c} is excepted in tests/tidy.rs and not there")));
    }
    report("letters, tables and layouts of subspaces stand in schema/ only", wrong);
}

/// The part of a file before its `mod tests`, which is last in every file.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\n").map_or(text, |(code, _)| code)
}

/// Single lower-case letters in quotes, as `'p'`, `b'p'` or `"p"`; not comments, not the ends of a range.
fn quoted_letters(line: &str) -> Vec<char> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    for (at, window) in bytes.windows(3).enumerate() {
        let [open, letter, close] = window else { continue };
        if open != close || !matches!(open, b'"' | b'\'') || !letter.is_ascii_lowercase() {
            continue;
        }
        let before = line.get(..at).unwrap_or_default().trim_end_matches(['b', '=', ' ']);
        let after = line.get(at + 3..).unwrap_or_default().trim_start();
        if !before.ends_with("..") && !after.starts_with("..") {
            found.push(char::from(*letter));
        }
    }
    found
}

#[test]
fn quoted_letters_are_found() {
    let check = |line: &str, expect: &str| {
        assert_eq!(quoted_letters(line).into_iter().collect::<String>(), expect, "{line}");
    };
    check("let table = \"p\";", "p");
    check("match letter { 't' | b'k' => 1 }", "tk");
    check("b'a'..=b'z' | 'A'..='Z'", "");
    check("if letter == 'p' {", "p");
    check("fn scan<'a, 'b>(&'a self)", "");
    check("    // the letter 'p'", "");
    check("\"up\" \"P\" '1' \"\" '\\n'", "");
}

#[test]
fn sqlite_is_opened_in_one_place() {
    let only = "src/backend/sqlite/connection.rs";
    let mut wrong = Vec::new();
    for path in files("src", ".rs").into_iter().filter(|path| path != only) {
        wrong.extend(lines(&path, without_tests(&text(&path)), |line| {
            line.contains("Connection::open").then(|| "opens SQLite without its safeguards".to_string())
        }));
    }
    report("connections to SQLite are opened in connection.rs", wrong);
    assert!(text(only).contains("Connection::open"));
}

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
        wrong.extend(unused.map(|to| format!("tests/tidy.rs: {part} may use {to} and does not")));
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
        wrong.extend(unused.map(|used| format!("tests/tidy.rs: {start} may use {used} and does not")));
    }
    report("files use no more than tests/tidy.rs lists for them", wrong);
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

/// What creates, changes, deletes or gives away files by their path.
const BY_PATH: [&str; 24] = [
    " File::create",
    "(File::create",
    "File::options",
    "fs::write",
    "fs::copy",
    "fs::rename",
    "fs::remove_",
    "remove_file(",
    "remove_dir_all(",
    "create_dir",
    "DirBuilder",
    "set_permissions",
    "hard_link(",
    "chown(",
    "::symlink(",
    "create_new(",
    ".create(true)",
    ".write(true)",
    ".append(true)",
    ".truncate(true)",
    "tempfile::",
    "mkdirat(",
    "renameat(",
    "unlinkat(",
];

#[test]
fn only_one_module_changes_what_is_in_a_file_system() {
    let mut wrong = Vec::new();
    for path in files("src", ".rs") {
        // Its tests are in a file of their own.
        if path == "src/base/dir.rs" || path.starts_with("src/base/dir/") {
            continue;
        }
        let text = text(&path);
        wrong.extend(lines(&path, without_tests(&text), |line| {
            let code = if line.trim_start().starts_with("//") { "" } else { line };
            BY_PATH.iter().find(|word| code.contains(**word)).map(|word| format!("{word} by path"))
        }));
    }
    report("files are created, changed, deleted and given away by `dir` alone", wrong);
}

#[test]
fn links_between_documents_resolve() {
    let mut wrong = Vec::new();
    for path in files(".", ".md") {
        let folder = Path::new(&path).parent().unwrap_or(Path::new(""));
        for link in links(&text(&path)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { PathBuf::from(&path) } else { folder.join(file) };
            if !target.exists() {
                wrong.push(format!("{path}: {link}: there is no {}", target.display()));
            } else if !anchor.is_empty() && !anchors(&text(&target.to_string_lossy())).contains(anchor) {
                wrong.push(format!("{path}: {link}: no heading has this anchor"));
            }
        }
    }
    report("links between documents resolve", wrong);
}

/// Targets of `[text](target)`, outside code blocks.
fn links(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = prose(markdown);
    while let Some((_, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        found.push(target.to_string());
        rest = after.to_string();
    }
    found
}

/// Anchors of the headings, as hosting sites make them: lower case, blanks to hyphens, punctuation dropped.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let prose = prose(markdown);
    let headings =
        prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    headings
        .map(|heading| {
            let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}

/// The text without fenced code blocks.
fn prose(markdown: &str) -> String {
    markdown.split("```").step_by(2).collect()
}

#[test]
fn every_promise_has_its_test() {
    let page = text("docs/guarantees.md");
    let cited: Vec<(&str, &str)> = page
        .split('`')
        .filter(|part| part.starts_with("tests/"))
        .filter_map(|part| part.split_once("::"))
        .collect();
    assert!(cited.len() > 40, "only {} tests are cited", cited.len());
    let missing = cited.into_iter().filter(|(path, name)| {
        let test = format!("#[test]\nfn {name}(");
        !Path::new(path).exists() || !text(path).contains(&test)
    });
    report(
        "docs/guarantees.md cites tests that exist",
        missing.map(|(path, name)| format!("{path}::{name}")).collect(),
    );
}

#[test]
fn links_and_anchors_are_found() {
    let page = "# The dump, v1\nsee [a](b.md#c) and\n```\n# no [x](y)\n```\n## `u32le` & more\n[d](#e)\n";
    assert_eq!(links(page), ["b.md#c", "#e"]);
    let expect = ["the-dump-v1", "u32le--more"].map(String::from);
    assert_eq!(anchors(page), BTreeSet::from(expect));
}

#[test]
fn each_native_library_is_built_once() {
    let lock = text("Cargo.lock");
    let mut wrong = Vec::new();
    for name in ["librocksdb-sys", "libsqlite3-sys"] {
        let count = lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
        if count != 1 {
            wrong.push(format!("{name}: {count} versions"));
        }
    }
    report("Cargo.lock has one version of each native library", wrong);
}
