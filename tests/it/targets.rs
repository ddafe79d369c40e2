//! Targets of imports: what empties them, what survives that, and to whom their files belong.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rusqlite::Connection;

use crate::harness::site::{EMBEDDED, RocksDb, Site, Sqlite, assert_same, trace};

#[test]
fn a_target_is_emptied_only_when_agreed_to() {
    for engine in EMBEDDED {
        for release in ["0.15.5", "0.16.18"] {
            let source = Site::of(release, Sqlite);
            let dump = source.export("dump");
            let target = Site::of(release, engine);
            let before = trace(&target.store_dir());
            let refused = target.import_with(&dump, &[]).expect(5);
            for words in ["the target is not empty", "subspace p (property)", "--wipe-target"] {
                assert!(refused.error().contains(words), "{refused:?}");
            }
            let refused = target.import_with(&dump, &["--wipe-target"]).expect(5);
            assert!(refused.error().contains("no terminal on which to agree"), "{refused:?}");
            assert_eq!(trace(&target.store_dir()), before);
            target
                .import_with(&dump, &["--wipe-target", "--yes"])
                .expect(0)
                .says(&["--wipe-target destroys"]);
            assert_same(&dump, &target.export("again"));
        }
    }
}

#[test]
fn the_lease_of_a_target_outlives_its_emptying() {
    let source = Site::of("0.16.18", RocksDb);
    let dump = source.export("dump");
    let target = Site::of("0.16.18", Sqlite);
    let leases = || -> Vec<(Vec<u8>, Vec<u8>)> {
        let database = Connection::open(target.store()).unwrap();
        let mut rows = database.prepare("SELECT k, v FROM g WHERE substr(k, 1, 4) = x'ffffffff'").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = leases();
    assert_eq!(before.len(), 1);
    target.import_with(&dump, &["--wipe-target", "--yes"]).expect(0);
    assert_eq!(leases(), before);
}

#[test]
fn a_fresh_lease_warns_and_an_old_one_does_not() {
    let site = Site::of("0.16.18", Sqlite);
    let printed = site.export_with("old", &[]).expect(0);
    assert!(!printed.stderr.contains("renewed its lease"), "{printed:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let value = [&(now - 300).to_be_bytes()[..], b"mx7.example.org"].concat();
    let database = Connection::open(site.store()).unwrap();
    let update = "UPDATE g SET v = ?1 WHERE k = (SELECT max(k) FROM g WHERE substr(k, 1, 4) = x'ffffffff')";
    assert_eq!(database.execute(update, [value]).unwrap(), 1);
    drop(database);
    site.export_with("new", &[]).expect(0).says(&["warning: ", "mx7.example.org, 5 minutes ago"]);
    assert_same(&site.path("old"), &site.path("new"));
}

#[test]
fn files_get_the_owner_asked_for() {
    let dump_site = Site::of("0.15.5", Sqlite);
    let dump = dump_site.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        for (owner, says) in [("no-such-user:root", "no such user"), ("0:no-such-group", "no such group")] {
            let refused = target.import_with(&dump, &["--owner", owner]).expect(2);
            assert!(refused.error().contains(says), "{refused:?}");
            assert!(!target.store().exists());
        }
        if !rustix::process::geteuid().is_root() {
            continue;
        }
        let printed = target.import_with(&dump, &["--owner", "65534:65533"]).expect(0);
        assert!(!printed.stderr.contains("chown"), "{printed:?}");
        let mut open = vec![target.store()];
        while let Some(path) = open.pop() {
            let meta = fs::metadata(&path).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (65534, 65533), "{}", path.display());
            if meta.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
}
