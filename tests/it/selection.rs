//! Which subspaces a run takes: `EXPORT_TYPES`, `--types`, `--exclude`, as an administrator types them.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::site;
use crate::harness::site::{Outcome, Site, Sqlite, letters, manifest, outcome, trace};

const ALL: &str = "adefhijklmnopqrstuxyz";

fn export(site: &Site, variable: Option<&str>, more: &[&str]) -> (Outcome, std::path::PathBuf) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let dump = site.path(&format!("dump-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let mut command = site.program();
    command.arg("-c").arg(site.config()).arg("-e").arg(&dump).args(more);
    if let Some(variable) = variable {
        command.env("EXPORT_TYPES", variable);
    }
    (outcome(command), dump)
}

#[test]
fn exactly_these_subspaces_are_exported() {
    let site = Site::of("0.15.5", Sqlite);
    for (variable, more, expected) in [
        (None, &[][..], ALL),
        (Some(""), &[], ALL),
        (Some(" \t "), &[], ALL),
        (Some("j,k,t"), &[], "jkt"),
        (Some("t,j,k,j"), &[], "jkt"),
        (Some("p"), &[], "p"),
        (Some(" p , l "), &[], "lp"),
        (Some("blob_link"), &[], "k"),
        // A family wins over an equal name.
        (Some("blob"), &[], "jkt"),
        (Some("queue,directory"), &[], "deq"),
        (Some("@telemetry"), &[], "ox"),
        (Some("@lookup,@search"), &[], "myz"),
        (Some("@blob"), &[], "t"),
        (Some("@server"), &[], "adefhijklnopqrstux"),
        (Some("@data,@blob,@lookup,@search,@telemetry"), &[], ALL),
        (Some("j,k,t"), &["--types", "p"], "p"),
        (Some("no such type"), &["--types=p,n"], "np"),
        (Some("j,k,t"), &["--exclude", "t"], "jk"),
        (None, &["--exclude=@search,@lookup"], "adefhijklnopqrstux"),
        (None, &["--types", "data", "--exclude", "counter"], "aipu"),
    ] {
        let (outcome, dump) = export(&site, variable, more);
        let outcome = outcome.expect(0);
        assert_eq!(letters(&dump), expected, "{variable:?} {more:?}");
        let named = format!("exporting {} subspaces: ", expected.len());
        assert!(outcome.stderr.contains(&named), "the list is printed: {outcome:?}");
        // What was left out is named, and is not incomplete.
        let manifest = manifest(&dump);
        let skipped = manifest["skipped"].as_array().unwrap();
        assert_eq!(skipped.len(), ALL.len() - expected.len());
        assert!(skipped.iter().all(|skip| skip["reason"] == "not selected"), "{skipped:?}");
        fs::remove_dir_all(dump).unwrap();
    }
}

#[test]
fn what_is_no_type_ends_the_run_before_a_file_is_made() {
    let site = Site::of("0.15.5", Sqlite);
    let before = trace(&site.path(""));
    for (variable, more, says) in [
        (Some("j,Q9"), &[][..], "EXPORT_TYPES names the unknown type \"Q9\""),
        (Some("J"), &[], "EXPORT_TYPES names the unknown type \"J\""),
        (Some("jk"), &[], "unknown type \"jk\""),
        // Letters of other schema versions are not of this one.
        (Some("b"), &[], "unknown type \"b\""),
        (Some("@nothing"), &[], "unknown type \"@nothing\""),
        (Some("j;k"), &[], "unknown type \"j;k\""),
        (Some("j,,k"), &[], "EXPORT_TYPES has nothing between two commas"),
        (Some("j, ,k"), &[], "EXPORT_TYPES has nothing between two commas"),
        (Some(","), &[], "EXPORT_TYPES has nothing between two commas"),
        (Some("p,"), &[], "EXPORT_TYPES has nothing between two commas"),
        (Some("p"), &["--types", "Q9"], "--types names the unknown type \"Q9\""),
        (None, &["--types", ""], "--types has nothing between two commas"),
        (None, &["--exclude", "Q9"], "--exclude names the unknown type \"Q9\""),
    ] {
        let (outcome, _) = export(&site, variable, more);
        let outcome = outcome.expect(2);
        let error = outcome.error();
        for word in [says, "valid are: letters a d e f", "blob_link", "families ", "@lookup", "@server"] {
            assert!(error.contains(word), "{word:?} is missing: {outcome:?}");
        }
        assert_eq!(trace(&site.path("")), before, "{variable:?} {more:?}");
    }
    let (outcome, _) = export(&site, None, &["--exclude", "@data,@blob,@lookup,@search,@telemetry"]);
    assert!(outcome.expect(2).error().contains("nothing is left to do"));
    assert_eq!(trace(&site.path("")), before);
}

#[test]
fn a_configuration_is_named_in_many_ways() {
    let site = Site::of("0.15.5", Sqlite);
    let config = site.config().to_str().unwrap().to_string();
    let wrong = site.path("no-such-config").to_str().unwrap().to_string();
    let dump = |n: usize| site.path(&format!("dump-{n}")).to_str().unwrap().to_string();
    let long = format!("--config={config}");
    for (n, (variable, arguments, code)) in [
        (None, vec!["-c", &config, "-e", "DUMP"], 0),
        (None, vec!["--config", &config, "--export", "DUMP"], 0),
        (None, vec![&long, "--export=DUMP"], 0),
        (None, vec!["--export=DUMP", &long], 0),
        (Some(&config), vec!["--export", "DUMP"], 0),
        (Some(&config), vec!["-e", "DUMP", "--types", "p", "--quiet"], 0),
        // The option wins over the variable, right or wrong.
        (Some(&wrong), vec!["--config", &config, "--export", "DUMP"], 0),
        (Some(&config), vec!["--config", &wrong, "--export", "DUMP"], 2),
        (Some(&wrong), vec!["--export", "DUMP"], 2),
        (None, vec!["--export", "DUMP"], 2),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = site.program();
        command.args(arguments.iter().map(|argument| argument.replace("DUMP", &dump(n))));
        if let Some(variable) = variable {
            command.env("CONFIG_PATH", variable);
        }
        outcome(command).expect(code);
        assert_eq!(site.path(&format!("dump-{n}")).exists(), code == 0, "{arguments:?}");
    }
}

#[test]
fn wrong_command_lines_end_with_2() {
    let site = Site::of("0.15.5", Sqlite);
    let before = trace(&site.path(""));
    for arguments in [
        &[][..],
        &["--no-such-flag"],
        &["no-such-command"],
        &["--config", "config.toml"],
        &["--config"],
        &["--export"],
        &["--config", "config.toml", "--export", "a", "--import", "b"],
        &["--config", "config.toml", "--export", "a", "verify", "b"],
        &["--config", "config.toml", "--export", "a", "--jobs", "0"],
        &["--config", "config.toml", "--export", "a", "--jobs", "many"],
        &["--config", "config.toml", "--export", "a", "--memory", "1KiB"],
        &["--config", "config.toml", "--export", "a", "--memory", "much"],
        &["--config", "config.toml", "--export", "a", "--schema", "five"],
        &["verify"],
        &["verify", "a", "b"],
    ] {
        let mut command = site.program();
        command.args(arguments);
        let outcome = outcome(command).expect(2);
        assert!(outcome.stderr.starts_with("error: ") || outcome.stderr.contains("Usage:"), "{outcome:?}");
        assert_eq!(trace(&site.path("")), before, "{arguments:?}");
    }
    for (arguments, says) in [
        (&["--help"][..], "EXPORT_TYPES"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["catalog"], "search_index"),
    ] {
        let mut command = site::bare();
        command.args(arguments);
        let outcome = outcome(command).expect(0);
        assert!(outcome.text().contains(says), "{outcome:?}");
    }
}
