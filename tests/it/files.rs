//! New files that options name: where they may lie, and how large they may become.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::harness::site;
use crate::harness::site::{EMBEDDED, RocksDb, Site, Sqlite, fixture, outcome, trace};

/// A name that a blob can have.
const BLOB: &str = "2c5d8da9b5fb2ff2b9f4d0b9a3f31f2ee0b0cf2b6d3a2a3f2a3f2a3f2a3f2a3f";

/// Every place where no file of ours belongs: below a store, a dump or an unfinished one, whichever it is.
fn forbidden(site: &Site) -> Vec<PathBuf> {
    let store = Site::of("0.15.5", RocksDb);
    site::copy_tree(&store.store(), &site.path("another/rocksdb"));
    store.export("dump");
    site::copy_tree(&store.path("dump"), &site.path("another/dump"));
    site::copy_tree(&fixture("stalwart-0.15.5/server-dump-of-rocksdb"), &site.path("another/server-dump"));
    site::copy_tree(&fixture("stalwart-0.15.5/sqlite"), &site.path("another/sqlite"));
    site::copy_tree(&store.path("dump"), &site.path("another/unfinished"));
    fs::create_dir_all(site.path("another/dump/deeper/still")).unwrap();
    std::os::unix::fs::symlink(site.path("another/dump"), site.path("link")).unwrap();
    [
        "another/rocksdb/new",
        "another/dump/new",
        "another/rocksdb/not/there/new",
        "another/dump/manifest/new",
        "another/dump/deeper/still/new",
        "another/server-dump/new",
        "another/sqlite/stalwart.sqlite3-journal",
        "another/sqlite/stalwart.sqlite3-wal",
        "link/new",
    ]
    .map(|path| site.path(path))
    .to_vec()
}

#[test]
fn no_file_that_an_option_names_lies_in_a_store_or_a_dump() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let config = site.config();
    let (dump, config) = (dump.to_str().unwrap(), config.to_str().unwrap());
    let empty = Site::empty("0.15.5", RocksDb);
    let target = empty.config();
    let commands: &[(&[&str], &str)] = &[
        (&["-c", config, "-e", "new-dump"], "--report"),
        (&["-c", config, "-e", "new-dump"], "--state"),
        (&["-c", config], "--export"),
        (&["-c", target.to_str().unwrap(), "-i", dump], "--report"),
        (&["-c", target.to_str().unwrap(), "-i", dump], "--state"),
        (&["copy", "--from", config, "--to", target.to_str().unwrap()], "--report"),
        (&["copy", "--from", config, "--to", target.to_str().unwrap()], "--state"),
        (&["verify", dump], "--report"),
        (&["verify", dump, "--against", config], "--report"),
        (&["diff", dump, config], "--report"),
        (&["inspect", dump], "--report"),
        (&["inspect", "-c", config], "--report"),
        (&["inspect", dump, "--blob", BLOB], "--out"),
        (&["inspect", "-c", config, "--blob", BLOB], "--out"),
    ];
    for place in forbidden(&site) {
        for (command, option) in commands {
            let before = [trace(&site.path("another")), trace(&site.store()), trace(Path::new(dump))];
            let mut run = site.program();
            run.args(*command).arg(option).arg(&place);
            let outcome = outcome(run).expect(2);
            let error = outcome.error();
            assert!(error.contains("would overlap with the ") && error.contains(option), "{error}");
            assert_eq!(before, [trace(&site.path("another")), trace(&site.store()), trace(Path::new(dump))]);
            assert!(!site.path("new-dump").exists() && !empty.store().exists(), "{command:?}");
        }
    }
}

#[test]
fn a_dump_is_found_by_what_is_there_whatever_it_is_called() {
    let site = Site::of("0.15.5", Sqlite);
    let config = site.config();
    let export = |cwd: &Path, more: &[&str]| {
        let mut run = site.program();
        run.current_dir(cwd).arg("-c").arg(&config).args(more);
        outcome(run)
    };
    let store = site.path("rocksdb");
    site::copy_tree(&Site::of("0.15.5", RocksDb).store(), &store);
    fs::create_dir(store.join("empty")).unwrap();
    std::os::unix::fs::symlink(store.join("empty"), site.path("elsewhere")).unwrap();
    let refused = export(site.path("").as_path(), &["-e", "elsewhere"]).expect(2);
    let error = refused.error();
    assert!(error.contains("would overlap with the RocksDB database"), "{error}");
    assert_eq!(fs::read_dir(store.join("empty")).unwrap().count(), 0);
    let own = site.path("own");
    fs::create_dir(&own).unwrap();
    export(&own, &["-e", "."]).expect(0);
    // It lies in no dump: it is one.
    let refused = export(&own, &["-e", ".", "--resume"]).expect(5);
    let error = refused.error();
    assert!(error.contains("the export is complete"), "{error}");
}

#[test]
fn no_file_that_an_option_names_lies_among_the_blobs_of_a_store() {
    let site = Site::of("0.15.5", Sqlite);
    let (blobs, config) = (site.path("blobs"), site.path("with-blobs.toml"));
    fs::create_dir(&blobs).unwrap();
    let text = format!(
        "[storage]\ndata = \"db\"\nblob = \"fs\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\ntype = \"sqlite\"\n\
         path = \"{}\"\n[store.fs]\ntype = \"fs\"\npath = \"{}\"\n",
        site.store().display(),
        blobs.display()
    );
    fs::write(&config, text).unwrap();
    for (command, option) in [
        (&["--blob", BLOB][..], "--out"),
        (&[], "--report"),
        (&["--blob", BLOB, "--out", "blob"], "--report"),
    ] {
        let mut inspect = site.program();
        inspect.args(["inspect", "-c"]).arg(&config).args(command).arg(option).arg(blobs.join("new"));
        let outcome = outcome(inspect).expect(2);
        assert!(outcome.error().contains(option), "{outcome:?}");
        assert_eq!(fs::read_dir(&blobs).unwrap().count(), 0);
    }
}

/// Runs with a limit of the size of files, as `ulimit -f` sets it.
fn limited(mut command: Command, bytes: u64) -> site::Outcome {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // SAFETY: between fork and exec there is one call of the system, which allocates nothing.
    unsafe {
        command.pre_exec(move || setrlimit(Resource::Fsize, limit).map_err(Into::into));
    }
    outcome(command)
}

#[test]
fn a_file_that_may_not_grow_is_an_error_with_a_remedy_and_leaves_no_copies() {
    for engine in EMBEDDED {
        let site = Site::of("0.15.5", engine);
        let dump = site.export("dump");
        let temporary = site.path("temporary");
        fs::create_dir(&temporary).unwrap();
        for bytes in [4 << 10, 64 << 10, 512 << 10] {
            let left = || fs::read_dir(&temporary).unwrap().count();
            let mut export = site.program();
            export.env("TMPDIR", &temporary).arg("-c").arg(site.config()).args(["-e", "limited"]);
            let ended = limited(export, bytes).expect(1);
            assert!(ended.error().contains("ulimit -f"), "{ended:?}");
            assert_eq!(left(), 0);
            let _ = fs::remove_dir_all(site.path("limited"));

            let target = Site::empty("0.15.5", engine);
            let mut import = target.program();
            import.env("TMPDIR", &temporary).arg("-c").arg(target.config()).arg("-i").arg(&dump);
            let ended = limited(import, bytes).expect(1);
            assert!(ended.error().contains("ulimit -f"), "{ended:?}");
            assert_eq!(left(), 0);
        }
    }
}
