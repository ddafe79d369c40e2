//! Output that cannot be written: a full disk is never a success, a reader who has seen enough is no failure.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rusqlite::Connection;

use crate::harness::site::{Site, Sqlite, bare};

/// Runs with stdout or stderr on a full disk; the exit code and what the other one says.
fn full(mut command: Command, stdout: bool) -> (i32, String) {
    let disk = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    if stdout {
        command.stdout(disk()).stderr(Stdio::piped())
    } else {
        command.stdout(Stdio::piped()).stderr(disk())
    };
    let output = command.output().unwrap();
    let printed = if stdout { output.stderr } else { output.stdout };
    (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

fn with(arguments: &[&str]) -> Command {
    let mut command = bare();
    command.args(arguments);
    command
}

#[test]
fn stdout_on_a_full_disk_is_never_a_success() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let dump = dump.to_str().unwrap();
    let key = "STALWART_SPAM_CLASSIFIER_MODEL.lz4";
    let blob = "02bd4fa496c3c0486de66c6a2914d952f084eea788c6364dfae04b65c45b0ded";
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["verify", "--help"],
        &["help", "inspect"],
        &["--version"],
        &["catalog"],
        &["catalog", "--json"],
        &["completions", "bash"],
        &["man"],
        &["inspect", dump],
        &["inspect", dump, "--json"],
        &["inspect", dump, "--subspace", "a"],
        &["inspect", dump, "--subspace", "a", "--limit", "1"],
        &["inspect", dump, "--blob", blob],
        &["verify", dump],
        &["verify", dump, "--json", "--quiet"],
        &["diff", dump, dump],
    ] {
        let (code, printed) = full(with(arguments), true);
        assert_eq!(code, 1, "{arguments:?}: {printed}");
        let last = printed.lines().last().unwrap();
        assert!(last.starts_with("error: cannot write to stdout: No space left"), "{arguments:?}: {printed}");
        assert!(last.contains("whether there is space"), "{last}");
    }
    // The run's own failure is the one that counts.
    let (code, _) = full(with(&["inspect", dump, "--blob", key, "--json"]), true);
    assert_eq!(code, 2);
    // The table of an export and an import with `--json`.
    let mut export = site.program();
    export.args(["-e", "new", "--json", "-c"]).arg(site.config());
    assert_eq!(full(export, true).0, 1);
    let target = Site::empty("0.15.5", Sqlite);
    let mut import = target.program();
    import.args(["-i", dump, "-c"]).arg(target.config());
    assert_eq!(full(import, true).0, 1);
}

#[test]
fn warnings_that_a_full_disk_swallows_are_a_failure() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let (code, printed) = full(with(&["verify", dump.to_str().unwrap(), "--json"]), false);
    assert_eq!(code, 1, "{printed}");
    // With --quiet there is no warning to write.
    assert_eq!(full(with(&["verify", dump.to_str().unwrap(), "--json", "--quiet"]), false).0, 0);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    for arguments in [&["catalog", "--json"][..], &["man"], &["--help"], &["inspect", dump.to_str().unwrap()]]
    {
        let mut child = with(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut printed = String::new();
        child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}: {printed}");
        assert!(!printed.contains("error"), "{arguments:?}: {printed}");
    }
}

#[test]
fn a_report_contains_the_output_and_is_private() {
    let site = Site::of("0.15.5", Sqlite);
    let report = site.path("report.txt");
    let printed = site.export_with("dump", &["--report", report.to_str().unwrap(), "--quiet"]).expect(0);
    assert_eq!(printed.stderr, "");
    let text = fs::read_to_string(&report).unwrap();
    for words in ["source: SQLite at", "the dump is in", "mail and secrets in clear"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o600);
    let twice = site.export_with("other", &["--report", report.to_str().unwrap()]).expect(2);
    assert!(twice.error().contains("exists already"), "{twice:?}");
    // The report contains errors, too, and replaced rows are saved in a file beside it.
    let target = Site::fresh("0.15.5", Sqlite);
    Connection::open(target.store())
        .unwrap()
        .execute("INSERT INTO s VALUES (CAST('my.own' AS BLOB), CAST('canary' AS BLOB))", [])
        .unwrap();
    let report = target.path("import.txt");
    target.import_with(&site.path("dump"), &["--report", report.to_str().unwrap()]).expect(0);
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.contains("import.txt.replaced.jsonl") && !text.contains("canary"), "{text}");
    assert!(fs::read_to_string(target.path("import.txt.replaced.jsonl")).unwrap().contains("my.own"));
    let report = target.path("refused.txt");
    target.import_with(&site.path("dump"), &["--report", report.to_str().unwrap()]).expect(5);
    assert!(fs::read_to_string(&report).unwrap().contains("error: the target is not empty"));
}
