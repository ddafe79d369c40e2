//! RocksDB databases of which something is missing or is something else than it seems.

mod states;

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use crate::harness::preload;
use crate::harness::site;
use crate::harness::site::{RocksDb, Site};

/// The file of a store whose name begins or ends so.
fn file(site: &Site, part: &str) -> PathBuf {
    let entries = fs::read_dir(site.store()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(part) || name.ends_with(part)
    };
    entries.into_iter().find(named).unwrap_or_else(|| panic!("no {part}"))
}

#[test]
fn a_list_of_files_without_its_end_is_damage() {
    // The last record is of 19 bytes, and what is before it makes a list, too.
    for cut in [19, 100, 300, 800] {
        let site = Site::of("0.15.5", RocksDb);
        let list = file(&site, "MANIFEST-");
        let length = fs::metadata(&list).unwrap().len();
        fs::File::options().write(true).open(&list).unwrap().set_len(length - cut).unwrap();
        let outcome = site.export_with("refused", &[]).expect(1);
        assert!(
            outcome.error().contains("the list of files of the RocksDB database is damaged"),
            "{outcome:?}"
        );
        site.export_with("salvaged", &["--salvage"]).expect(3);
    }
}

#[test]
fn a_database_without_a_log_is_named() {
    let site = Site::of("0.15.5", RocksDb);
    fs::remove_file(file(&site, ".log")).unwrap();
    let outcome = site.export_with("dump", &[]).expect(0);
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("no write-ahead log"),
        "{outcome:?}"
    );
}

#[test]
fn only_files_are_read_as_files() {
    for part in ["CURRENT", "MANIFEST-", ".sst", ".log"] {
        let site = Site::of("0.15.5", RocksDb);
        let path = file(&site, part);
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        let outcome = site.export_with("dump", &[]).expect(5);
        assert!(outcome.error().contains("is no regular file"), "{outcome:?}");
        // What this user has linked is read.
        fs::remove_file(&path).unwrap();
        let site = Site::of("0.15.5", RocksDb);
        let (path, elsewhere) = (file(&site, part), site.path("elsewhere"));
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        site.export_with("linked", &[]).expect(0);
        // What another user has linked is not.
        if rustix::process::geteuid().is_root() {
            lchown(&path, Some(65_534), None).unwrap();
            let outcome = site.export_with("foreign", &[]).expect(5);
            assert!(outcome.error().contains("a symbolic link that another user has made"), "{outcome:?}");
        }
    }
}

#[test]
fn what_is_exchanged_while_a_database_is_opened_is_not_read_as_a_part_of_it() {
    if preload::disk().is_none() || !rustix::process::geteuid().is_root() {
        return;
    }
    let whole = Site::of("0.15.5", RocksDb).export("whole");
    let mut stops = 0;
    for after in 0..4 {
        let run = |site: &Site| {
            let mut run = site.program();
            run.arg("-c").arg(site.config()).args(["-e", "dump"]);
            run.stdout(Stdio::piped()).stderr(Stdio::piped());
            preload::stopped_at(run, "MANIFEST", after)
        };
        let site = Site::of("0.15.5", RocksDb);
        let Some(stopped) = run(&site) else { break };
        stops += 1;
        // A file for a link of another user.
        let (path, elsewhere) = (file(&site, ".sst"), site.path("elsewhere"));
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        lchown(&path, Some(65_534), None).unwrap();
        let outcome = stopped.goes_on();
        assert_eq!(outcome.code(), Some(5), "{after}: {outcome:?}");
        // The directory for another one, with other records or none.
        let site = Site::of("0.15.5", RocksDb);
        let Some(stopped) = run(&site) else { break };
        let other = Site::fresh("0.15.5", RocksDb);
        fs::rename(site.store(), site.path("elsewhere")).unwrap();
        symlink(other.store(), site.store()).unwrap();
        let outcome = stopped.goes_on();
        match outcome.code() {
            Some(0) => site::assert_same(&whole, &site.path("dump")),
            code => assert_eq!(code, Some(5), "{after}: {outcome:?}"),
        }
    }
    assert!(stops > 1, "never stopped");
}

#[test]
fn a_database_is_read_from_the_directory_that_was_opened() {
    use stalwart_migrate::backend::Source;
    use stalwart_migrate::backend::rocksdb::RocksSource;
    use stalwart_migrate::catalog::{self, BackendKind};

    let site = Site::of("0.15.5", RocksDb);
    let source = RocksSource::open(&site.store(), 16 << 20).unwrap();
    fs::rename(site.store(), site.path("elsewhere")).unwrap();
    fs::create_dir(site.store()).unwrap();
    let version = catalog::version(5).unwrap();
    let mut records = 0;
    for table in version.subspaces.iter().filter_map(|subspace| subspace.table(BackendKind::RocksDb).ok()) {
        // Files with blobs are opened when they are read.
        let mut pages =
            source.scan(table, &stalwart_migrate::backend::KeyRange { after: None, until: None }).unwrap();
        let mut page = stalwart_migrate::base::page::Page::new();
        while pages.next(&mut page, 1 << 20).unwrap() {
            records += page.len();
        }
    }
    assert!(records > 3000, "{records}");
}
