//! Rules over the whole tree that no compiler checks: names, sizes, module docs, links, what must not be there.
//!
//! Reads text only and knows no feature. Every rule lists all its violations at once, as `path:line: what`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod parts;

/// Files longer than this are split.
const MAX_LINES: usize = 600;

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
    report("a file has at most 600 lines", long.collect());
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
        wrong.extend(unused.map(|c| format!("{path}: {c} is excepted in tests/tidy/main.rs and not there")));
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
fn conditions_are_not_matched() {
    let wrong = rust_files().into_iter().flat_map(|path| {
        lines(&path, &text(&path), |line| matches_condition(line).then(|| line.trim().to_string()))
    });
    report("a condition is decided by if and else, not by match", wrong.collect());
}

/// Whether a line has an arm of a `match` whose whole pattern is `true` or `false`; not comments.
fn matches_condition(line: &str) -> bool {
    if line.trim_start().starts_with("//") {
        return false;
    }
    ["true", "false"].into_iter().any(|word| {
        line.match_indices(word).any(|(at, _)| {
            let before = line.get(..at).unwrap_or_default().trim_end();
            let after = line.get(at + word.len()..).unwrap_or_default();
            (before.is_empty() || before.ends_with(['{', '|', ',', '}']))
                && (after.starts_with(" =>") || after.starts_with(" if "))
        })
    })
}

#[test]
fn matched_conditions_are_found() {
    for (line, expect) in [
        ("    true => 1,", true),
        ("    false => {", true),
        ("    true if late => 1,", true),
        (concat!("    true | ", "false => 1,"), true),
        (concat!("match even { ", "true => 1, ", "false => 2 }"), true),
        ("    Some(true) => 1,", false),
        ("    (true, false) => 1,", false),
        ("    (1, true) if late => 1,", false),
        ("    let even = if odd { false } else { true };", false),
        ("    true,", false),
        ("    // true => 1", false),
    ] {
        assert_eq!(matches_condition(line), expect, "{line}");
    }
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
