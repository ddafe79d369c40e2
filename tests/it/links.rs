//! Targets in directories that another user can write to: links, second names and files of others, before, during
//! and after a load, and what becomes of owners and permissions.
//!
//! Most of it needs root, which gives directories to another user; without, the same is done with one's own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::large::{size, with_blobs};
use crate::harness::preload::{disk, with_signal};
use crate::harness::site;
use crate::harness::site::{
    EMBEDDED, Engine, RocksDb, Site, Sqlite, assert_same, copy_tree, ended, outcome, started, until,
};

/// The user of a mail server.
const MAIL: u32 = 65_534;

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// User and permissions.
fn state(path: &Path) -> (u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.permissions().mode() & 0o7777)
}

/// Gives a directory with everything in it to the mail server's user, if this is root.
fn give(path: &Path) {
    if root() {
        assert!(Command::new("chown").args(["-hR", "65534"]).arg(path).status().unwrap().success());
    }
}

/// A configuration whose blobs are files in this directory.
fn blobs_in(site: &Site, directory: &Path) {
    let data = site.store();
    let text = format!(
        "storage.data = \"db\"\nstorage.blob = \"fs\"\nstorage.lookup = \"db\"\nstorage.fts = \"db\"\n\
         store.db.type = \"sqlite\"\nstore.db.path = \"{}\"\n\
         store.fs.type = \"fs\"\nstore.fs.path = \"{}\"\nstore.fs.depth = 2\n",
        data.display(),
        directory.display()
    );
    fs::write(site.config(), text).unwrap();
}

fn dump() -> (Site, PathBuf) {
    let site = Site::of("0.15.5", RocksDb);
    let dump = site.export("dump");
    (site, dump)
}

#[test]
fn only_files_of_the_store_get_the_owner() {
    let (_site, dump) = dump();
    if !root() {
        return;
    }
    for fresh in [false, true] {
        let target = if fresh { Site::fresh("0.15.5", RocksDb) } else { Site::empty("0.15.5", RocksDb) };
        let store = target.store();
        for dir in ["rocksdb/etc", "rocksdb/lost+found", "outside"] {
            fs::create_dir_all(target.path(dir)).unwrap();
        }
        for file in ["outside.key", "rocksdb/etc/config.toml", "rocksdb/notes.sst.txt", "outside/file"] {
            fs::write(target.path(file), "key").unwrap();
        }
        symlink(target.path("outside.key"), store.join("etc/key.pem")).unwrap();
        symlink(target.path("outside"), store.join("l")).unwrap();
        target.import_with(&dump, &["--owner", "65534:65534"]).expect(0);
        for kept in ["outside.key", "outside", "outside/file", "rocksdb/etc", "rocksdb/etc/config.toml"] {
            assert_eq!(state(&target.path(kept)).0, 0, "{kept}");
        }
        for kept in ["rocksdb/l", "rocksdb/etc/key.pem", "rocksdb/lost+found", "rocksdb/notes.sst.txt"] {
            assert_eq!(state(&target.path(kept)).0, 0, "{kept}");
        }
        for given in ["rocksdb", "rocksdb/CURRENT", "rocksdb/IDENTITY", "rocksdb/LOCK"] {
            assert_eq!(state(&target.path(given)).0, MAIL, "{given}");
        }
        let content = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
        let tables: Vec<_> = content.filter(|path| path.extension().is_some_and(|e| e == "sst")).collect();
        assert!(!tables.is_empty() && tables.iter().all(|path| state(path).0 == MAIL), "{tables:?}");
    }
}

#[test]
fn only_blobs_get_the_owner_and_none_is_written_through_a_link() {
    let (_site, dump) = dump();
    let target = Site::empty("0.15.5", Sqlite);
    let (blobs, outside) = (target.path("blobs"), target.path("outside"));
    blobs_in(&target, &blobs);
    // What a first import writes shows which names a second one will use.
    target.import_with(&dump, &[]).expect(0);
    let mut files = Vec::new();
    let mut open = vec![blobs.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    assert!(files.len() > 1, "{files:?}");
    for path in &files {
        assert_eq!(state(path).1 & 0o137, 0, "{}", path.display());
        assert_eq!(state(path.parent().unwrap()).1 & 0o027, 0, "{}", path.display());
    }
    fs::remove_dir_all(target.store_dir()).unwrap();
    fs::write(&outside, "precious").unwrap();
    for (n, path) in files.iter().enumerate() {
        fs::remove_file(path).unwrap();
        let part = path.with_file_name(format!(".{}.part", path.file_name().unwrap().to_str().unwrap()));
        match n % 2 {
            0 => symlink(&outside, part).unwrap(),
            _ => fs::hard_link(&outside, part).unwrap(),
        }
    }
    fs::create_dir_all(blobs.join("lost+found")).unwrap();
    fs::write(blobs.join("notes"), "").unwrap();
    give(&blobs);
    if root() {
        chown(&outside, Some(0), None).unwrap();
        for foreign in ["lost+found", "notes"] {
            chown(blobs.join(foreign), Some(0), None).unwrap();
        }
    }
    let owner: &[&str] = if root() { &["--owner", "65534"] } else { &[] };
    target.import_with(&dump, owner).expect(0);
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    assert_same(&dump, &target.export("again"));
    if root() {
        assert_eq!(state(&outside).0, 0);
        for foreign in ["lost+found", "notes"] {
            assert_eq!(state(&blobs.join(foreign)).0, 0, "{foreign}");
        }
        assert!(files.iter().all(|path| state(path).0 == MAIL && state(path.parent().unwrap()).0 == MAIL));
    }
}

#[test]
fn a_volume_with_other_things_in_it_is_an_empty_target() {
    let (_site, dump) = dump();
    for more in [&[][..], &["--wipe-target", "--yes"], &["--dry-run"]] {
        let target = Site::empty("0.15.5", RocksDb);
        let store = target.store();
        for dir in ["lost+found", ".snapshot/daily", "etc", "logs", "bin"] {
            fs::create_dir_all(store.join(dir)).unwrap();
        }
        fs::write(store.join("logs/stalwart.2025-01-01"), "log").unwrap();
        fs::write(store.join("etc/config.toml"), "").unwrap();
        fs::set_permissions(store.join("lost+found"), fs::Permissions::from_mode(0o700)).unwrap();
        give(&store);
        let before = site::trace(&store.join("etc"));
        target.import_with(&dump, more).expect(0);
        for kept in ["lost+found", ".snapshot/daily", "logs/stalwart.2025-01-01", "bin"] {
            let owner = if root() { MAIL } else { rustix::process::geteuid().as_raw() };
            assert_eq!(state(&store.join(kept)).0, owner, "{kept}");
        }
        assert_eq!(site::trace(&store.join("etc")), before);
        assert!(!store.join("stalwart-migrate.staging").exists());
        assert!(!store.join("stalwart-migrate.owner").exists());
        if more.contains(&"--dry-run") {
            assert!(!store.join("CURRENT").exists())
        } else {
            assert_same(&dump, &target.export("again"))
        }
    }
    // Files of a database without the one that makes it a database are not nothing.
    for name in ["000012.sst", "000011.log", "000013.blob"] {
        let target = Site::empty("0.15.5", RocksDb);
        fs::create_dir(target.store()).unwrap();
        fs::write(target.store().join(name), "mail").unwrap();
        for more in [&[][..], &["--wipe-target", "--yes"], &["--dry-run"]] {
            let refused = target.import_with(&dump, more).expect(5);
            assert!(refused.error().contains(name) && refused.error().contains("CURRENT"), "{refused:?}");
        }
        assert_eq!(fs::read(target.store().join(name)).unwrap(), b"mail");
    }
}

#[test]
fn names_that_rocksdb_would_write_to_are_refused_if_they_lead_elsewhere() {
    let (_site, dump) = dump();
    let outside = |target: &Site| {
        fs::create_dir(target.path("outside")).unwrap();
        fs::write(target.path("outside/file"), "precious").unwrap();
    };
    for (name, goal) in [
        ("stalwart-migrate.staging", "outside"),
        ("000009.sst", "outside/file"),
        ("000004.log", "outside/absent"),
        ("LOG", "outside/file"),
        ("LOCK", "outside/file"),
        ("MANIFEST-000001", "outside/absent"),
        ("OPTIONS-000007", "outside/file"),
    ] {
        for fresh in [false, true] {
            let target = if fresh { Site::fresh("0.15.5", RocksDb) } else { Site::empty("0.15.5", RocksDb) };
            outside(&target);
            fs::create_dir_all(target.store()).unwrap();
            let _ = fs::remove_file(target.store().join(name));
            symlink(target.path(goal), target.store().join(name)).unwrap();
            give(&target.store());
            let owners = state(&target.store());
            let refused = target.import_with(&dump, &[]);
            let refused = if refused.status.code() == Some(5) { refused } else { refused.expect(5) };
            assert!(refused.error().contains(name), "{name}: {refused:?}");
            assert_eq!(fs::read(target.path("outside/file")).unwrap(), b"precious", "{name}");
            assert_eq!(fs::read_dir(target.path("outside")).unwrap().count(), 1, "{name}");
            assert_eq!(state(&target.store()), owners, "{name}: not given back");
        }
    }
}

#[test]
fn names_that_sqlite_would_write_to_are_refused_if_they_lead_elsewhere() {
    let (_site, dump) = dump();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        for hard in [false, true] {
            let target = Site::empty("0.15.5", Sqlite);
            let (outside, name) = (target.path("outside"), format!("stalwart.sqlite3{suffix}"));
            fs::create_dir_all(target.store_dir()).unwrap();
            fs::write(&outside, "").unwrap();
            if hard {
                fs::hard_link(&outside, target.store_dir().join(&name)).unwrap()
            } else {
                symlink(&outside, target.store_dir().join(&name)).unwrap()
            }
            give(&target.store_dir());
            if root() {
                chown(&outside, Some(0), None).unwrap();
            }
            let owners = state(&target.store_dir());
            let outcome = target.import_with(&dump, &["--owner", "65534"]);
            // One's own link to a database is followed; that of another user is not.
            if root() || hard || !suffix.is_empty() {
                assert!(matches!(outcome.status.code(), Some(1 | 2 | 5)), "{name} {hard} {outcome:?}");
                assert_eq!(fs::read(&outside).unwrap(), b"", "{name} {hard}");
                assert_eq!(state(&target.store_dir()), owners, "{name} {hard}: not given back");
            }
            if root() {
                assert_eq!(state(&outside).0, 0, "{name} {hard}");
            }
        }
    }
}

#[test]
fn a_link_of_another_user_leads_a_target_nowhere() {
    let (_site, dump) = dump();
    if !root() {
        return;
    }
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        fs::create_dir(target.path("precious")).unwrap();
        symlink(target.path("precious"), target.store_dir()).unwrap();
        give(&target.store_dir());
        let refused = target.import_with(&dump, &["--owner", "65534"]);
        assert!(matches!(refused.status.code(), Some(1 | 2 | 5)), "{engine:?} {refused:?}");
        assert!(refused.error().contains("symbolic link"), "{engine:?} {refused:?}");
        assert_eq!(fs::read_dir(target.path("precious")).unwrap().count(), 0, "{engine:?}");
        assert_eq!(state(&target.path("precious")).0, 0);
        // A link of root's is a decision of root's.
        fs::remove_file(target.store_dir()).unwrap();
        symlink(target.path("precious"), target.store_dir()).unwrap();
        target.import_with(&dump, &[]).expect(0);
        assert_same(&dump, &target.export("again"));
    }
}

#[test]
fn a_directory_of_another_user_is_out_of_reach_during_the_load_and_given_back() {
    let source = with_blobs(96);
    let dump = source.export("dump");
    if !root() {
        return;
    }
    let target = Site::empty("0.15.5", RocksDb);
    let store = target.store();
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o750)).unwrap();
    give(&store);
    let import = || {
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(["--jobs", "1"]);
        command
    };
    // Killed, it stays out of reach; and the next run knows whose it was.
    let child = started(&mut import());
    until("the import writes", || size(&store) > 4 << 20);
    assert_eq!(state(&store), (0, 0o700));
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    ended(child);
    assert_eq!(state(&store), (0, 0o700));
    // Interrupted, it is given back.
    let child = started(import().arg("--resume"));
    until("the import goes on", || size(&store) > 24 << 20 || !store.join("stalwart-migrate.owner").exists());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let interrupted = ended(child);
    assert!(matches!(interrupted.status.code(), Some(130 | 0)), "{interrupted:?}");
    assert_eq!(state(&store), (MAIL, 0o750));
    if interrupted.status.code() == Some(130) {
        target.import_with(&dump, &["--resume"]).expect(0);
    }
    assert_eq!(state(&store), (MAIL, 0o750));
    assert!(!store.join("stalwart-migrate.owner").exists());
    assert_same(&dump, &target.export("again"));
}

#[test]
fn new_targets_have_the_permissions_that_the_server_gives() {
    let (_site, dump) = dump();
    for mask in ["000", "022", "027"] {
        for engine in EMBEDDED {
            let target = Site::empty("0.15.5", engine);
            let import = Command::new("sh")
                .args(["-c", "umask $0; exec \"$@\"", mask])
                .arg(target.program().get_program())
                .arg("-c")
                .arg(target.config())
                .arg("-i")
                .arg(&dump)
                .env("STORE_DIR", target.path(""))
                .output()
                .unwrap();
            assert!(import.status.success(), "{import:?}");
            assert_eq!(state(&target.store_dir()).1, 0o750, "{mask} {engine:?}");
            for entry in fs::read_dir(target.store_dir()).unwrap() {
                let path = entry.unwrap().path();
                assert_eq!(state(&path).1, 0o640, "{mask} {}", path.display());
            }
        }
    }
}

#[test]
fn a_source_is_not_read_over_the_links_of_another_user() {
    let (_site, dump) = dump();
    let source = Site::empty("0.15.5", Sqlite);
    let (blobs, secret) = (source.path("blobs"), source.path("secret"));
    blobs_in(&source, &blobs);
    source.import_with(&dump, &[]).expect(0);
    fs::write(&secret, "for root only").unwrap();
    let mut open = vec![blobs.clone()];
    let blob = loop {
        let path = open.pop().unwrap();
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()))
        } else {
            break path;
        }
    };
    fs::remove_file(&blob).unwrap();
    symlink(&secret, &blob).unwrap();
    give(&blobs);
    let exported = source.export_with("again", &[]);
    if root() {
        let refused = exported.expect(1);
        assert!(refused.error().contains("symbolic link"), "{refused:?}");
    } else {
        // One's own link is followed, and what it leads to is no such blob.
        assert_eq!(exported.status.code(), Some(3), "{exported:?}");
    }
}

#[test]
fn too_few_files_are_no_damage() {
    let site = Site::of("0.15.5", RocksDb);
    let whole = site.export("whole");
    let (mut failed, mut complete) = (0, 0);
    for limit in (14..64).step_by(2) {
        for salvage in [true, false] {
            let name = format!("dump-{limit}-{salvage}");
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -n $0; exec \"$@\"", &limit.to_string()]);
            command
                .arg(site.program().get_program())
                .arg("-c")
                .arg(site.config())
                .arg("-e")
                .arg(site.path(&name));
            command.args(if salvage { &["--salvage"][..] } else { &[] }).env("STORE_DIR", site.path(""));
            let outcome = outcome(command);
            assert!(!outcome.stderr.contains("damaged"), "{limit}: {outcome:?}");
            match outcome.status.code() {
                Some(0) => {
                    complete += 1;
                    assert_same(&whole, &site.path(&name));
                }
                _ => {
                    failed += 1;
                    assert_eq!(outcome.status.code(), Some(1), "{limit}: {outcome:?}");
                    assert!(!site.path(&name).join("manifest/manifest.json").exists(), "{limit}");
                }
            }
        }
    }
    assert!(failed > 2 && complete > 2, "{failed} {complete}");
}

#[test]
fn a_file_that_must_not_be_read_is_no_damage() {
    let site = Site::of("0.15.5", RocksDb);
    let table = fs::read_dir(site.store()).unwrap().map(|entry| entry.unwrap().path());
    let table = table.into_iter().find(|path| path.extension().is_some_and(|e| e == "sst")).unwrap();
    fs::set_permissions(&table, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = site.unprivileged();
    let place = site.path("open");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    command.arg("-c").arg(site.config()).arg("-e").arg(place.join("dump")).arg("--salvage");
    let refused = outcome(command).expect(1);
    assert!(refused.error().contains("Permission denied"), "{refused:?}");
    assert!(refused.error().contains("run as a user who may read"), "{refused:?}");
    assert!(!place.join("dump/manifest/manifest.json").exists());
}

/// A store with a log, so that a private copy is made of it, in a temporary directory of its own.
fn copied(engine: Engine) -> (Site, PathBuf) {
    let site = Site::of("0.15.5-killed", engine);
    let temporary = site.path("tmp");
    fs::create_dir(&temporary).unwrap();
    (site, temporary)
}

#[test]
fn private_copies_of_killed_runs_are_named_and_removed() {
    let (site, temporary) = copied(Sqlite);
    let left = temporary.join("stalwart-migrate-2147483647-0123456789abcdef");
    let other = temporary.join("stalwart-migrate-2147483647-notours");
    for dir in [&left, &other] {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("stalwart.sqlite3"), "mail").unwrap();
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mut command = site.program();
    command.arg("-q").arg("-c").arg(site.config()).arg("-e").arg(site.path("dump")).env("TMPDIR", &temporary);
    let printed = outcome(command).expect(0);
    assert!(printed.stderr.contains(left.to_str().unwrap()), "{printed:?}");
    assert!(!left.exists() && other.join("stalwart.sqlite3").exists());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1, "a copy was left");
}

#[test]
fn a_closed_terminal_ends_a_run_as_an_interrupt_does() {
    assert!(disk().is_some(), "this test needs a C compiler");
    let site = with_blobs(96);
    for (ignored, code) in [(false, 130), (true, 0)] {
        let dump = site.path(&format!("dump-{ignored}"));
        let mut command = Command::new("sh");
        let ignore = if ignored { "trap '' HUP; " } else { "" };
        command.args(["-c", &format!("{ignore}exec \"$0\" \"$@\"")]).arg(site.program().get_program());
        command.arg("-c").arg(site.config()).arg("-e").arg(&dump).args(["--jobs", "1"]);
        command.env("STORE_DIR", site.path(""));
        // In the middle of the file of the blobs, however fast the run is.
        let sent = with_signal(&mut command, "write", &format!("dump-{ignored}/subspace_t"), 8, Signal::HUP);
        outcome(command).expect(code);
        assert!(sent.exists(), "the run ended before the signal");
        assert_eq!(dump.join("manifest/manifest.json").exists(), ignored);
    }
    site.export_with("dump-false", &["--resume"]).expect(0);
    assert_same(&site.path("dump-true"), &site.path("dump-false"));
}

#[test]
fn a_dump_lies_where_its_directory_was_opened() {
    let (_site, dump) = dump();
    let target = Site::empty("0.15.5", RocksDb);
    // A dump in a directory of the mail server's user: its files are exclusive, private and root's.
    let copy = Site::of("0.15.5", RocksDb);
    let place = copy.path("place");
    fs::create_dir(&place).unwrap();
    give(&place);
    copy.export_with("place", &[]).expect(0);
    for entry in fs::read_dir(&place).unwrap() {
        let path = entry.unwrap().path();
        let expect = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(state(&path), (rustix::process::geteuid().as_raw(), expect), "{}", path.display());
    }
    assert_same(&dump, &place);
    copy_tree(&place, &target.path("copy"));
    target.import_with(&target.path("copy"), &[]).expect(0);
}
