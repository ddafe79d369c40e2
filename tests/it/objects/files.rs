//! Directories of blobs: what else lies there, what cannot be read, and what a writer leaves behind.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use stalwart_migrate::backend::objects::{ObjectSource, Objects, names};
use stalwart_migrate::backend::{KeyRange, Source, Target};
use stalwart_migrate::base::error::ErrorKind;
use stalwart_migrate::base::page::Page;

use super::{FLOW, KIND, Records, Site, fs_objects, key, possible, records, scan, source, table, target};
use crate::harness::alone::{only, test_name};

fn file(root: &Path, key: &[u8]) -> PathBuf {
    root.join(names::path(key, 2))
}

fn salvage(root: &Path) -> ObjectSource {
    ObjectSource::open(Box::new(fs_objects(root, 2)), table(), KIND, possible(), FLOW, true).unwrap()
}

fn read_error(root: &Path) -> String {
    let source = source(Box::new(fs_objects(root, 2)));
    let mut pages = match source.scan(table(), &KeyRange::all()) {
        Ok(pages) => pages,
        Err(error) => return error.to_string(),
    };
    loop {
        match pages.next(&mut Page::new(), 1) {
            Ok(true) => {}
            Ok(false) => panic!("everything could be read"),
            Err(error) => {
                assert!(pages.next(&mut Page::new(), 1).is_err(), "an error stays");
                assert_eq!(error.kind(), ErrorKind::Io);
                return error.to_string();
            }
        }
    }
}

#[test]
fn a_store_is_laid_out_as_the_server_does_it() {
    let dir = tempfile::tempdir().unwrap();
    let content = b"Subject: hi\r\n\r\nHello, blob.\r\n";
    let key = blake3::hash(content).as_bytes().to_vec();
    let site = Site::fs(dir.path(), 2);
    site.write(&[(key, content.to_vec())].into_iter().collect());
    let path = dir.path().join("8b/f8/rp2lpg1komqvey7w1azqk200lubaxjvg9ciid1z3gyd9vt9y9weq");
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777 & !0o640, 0, "no wider than 0640");
    assert_eq!(fs::metadata(dir.path().join("8b")).unwrap().mode() & 0o7777 & !0o750, 0);
}

#[test]
fn other_files_are_counted_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let site = Site::fs(root, 2);
    let expect = records(20);
    site.write(&expect);
    let [one, other] = [key(1), key(2)];
    let foreign = [
        root.join("README"),
        root.join(names::encode(&one)),
        file(root, &other).with_file_name(names::encode(&one)),
        root.join("8b/readme"),
        root.join("08").join("file"),
        // Names of keys that no server makes.
        root.join("1/2").join(names::encode(&[1, 2, 3])),
    ];
    for path in &foreign {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "not a blob").unwrap();
    }
    // Directories and pipes under the name of a key are none.
    fs::create_dir_all(root.join("0/0").join(names::encode(&[0; 32]))).unwrap();
    let pipe = [vec![0; 31], vec![1]].concat();
    assert!(Command::new("mkfifo").arg(file(root, &pipe)).status().unwrap().success());
    symlink("/nowhere", root.join("dangling")).unwrap();
    symlink(root, root.join("loop")).unwrap();
    // A directory that is another one's, too: its files have the wrong names there.
    symlink(root, root.join("ff")).ok();
    let source = (site.source)();
    assert!(site.read() == expect);
    let (count, sample) = source.foreign().unwrap().unwrap();
    assert!(count >= foreign.len() as u64 + 4, "{count}, as {sample}");
    (site.target)().clear(table(), &[]).unwrap();
    assert!(site.read().is_empty());
    foreign.iter().for_each(|path| assert!(path.exists(), "{}", path.display()));
    assert!(file(root, &pipe).exists() || fs::symlink_metadata(file(root, &pipe)).is_ok());
}

#[test]
fn links_are_followed_and_one_that_leads_nowhere_is_no_absence() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let site = Site::fs(&root, 2);
    let expect = records(20);
    site.write(&expect);
    let keys: Vec<&Vec<u8>> = expect.keys().collect();
    // A directory moved to another disk, and a file.
    let moved = root.join(names::directory(keys[3][0]));
    fs::rename(&moved, dir.path().join("elsewhere")).unwrap();
    symlink(dir.path().join("elsewhere"), &moved).unwrap();
    let moved = file(&root, keys[5]);
    fs::rename(&moved, dir.path().join("file")).unwrap();
    symlink(dir.path().join("file"), &moved).unwrap();
    assert!(site.read() == expect);
    fs::remove_file(dir.path().join("file")).unwrap();
    let error = read_error(&root);
    assert!(error.contains(&names::encode(keys[5])), "{error}");
    let direct = (site.source)().get(table(), keys[5]).unwrap_err().to_string();
    assert!(direct.contains("cannot read a blob"), "{direct}");
    let source = salvage(&root);
    assert_eq!(scan(&source, &KeyRange::all(), 100).len(), expect.len() - 1);
    assert_eq!(source.losses().len(), 1);
    assert_eq!(source.losses()[0].key.as_ref(), Some(keys[5]));
}

#[test]
fn a_file_that_goes_while_reading_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::fs(dir.path(), 2);
    let expect: Records = (0..50).map(|n| (key(n), vec![1])).collect();
    site.write(&expect);
    for salvaging in [false, true] {
        let source = ObjectSource::open(
            Box::new(fs_objects(dir.path(), 2)),
            table(),
            KIND,
            possible(),
            FLOW,
            salvaging,
        )
        .unwrap();
        site.write(&expect);
        source.estimate(table()).unwrap();
        let last = expect.keys().last().unwrap();
        fs::remove_file(file(dir.path(), last)).unwrap();
        let mut pages = source.scan(table(), &KeyRange::all()).unwrap();
        let end = loop {
            match pages.next(&mut Page::new(), 1) {
                Ok(true) => {}
                end => break end,
            }
        };
        if salvaging {
            assert!(!end.unwrap());
            assert_eq!(source.losses()[0].key.as_ref(), Some(last));
        } else {
            let error = end.unwrap_err().to_string();
            assert!(error.contains("was listed is not there any more"), "{error}");
            assert!(error.contains(&names::encode(last)), "{error}");
        }
    }
}

#[test]
fn a_source_must_be_there_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("absent");
    let open = |path: &Path| {
        let objects = Box::new(fs_objects(path, 2));
        ObjectSource::open(objects, table(), KIND, possible(), FLOW, false).err().unwrap()
    };
    let error = open(&path);
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains(path.to_str().unwrap()) && !path.exists(), "{error}");
    let error = open(Path::new("no/such/place"));
    let absolute = std::env::current_dir().unwrap().join("no/such/place");
    assert!(error.to_string().contains(absolute.to_str().unwrap()), "{error}");
    fs::write(&path, "").unwrap();
    assert!(open(&path).to_string().contains("is no directory"));
    assert_eq!(open(&path.join("below")).kind(), ErrorKind::Usage);
}

#[test]
fn a_shard_that_is_not_committed_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::fs(dir.path(), 2);
    let target = (site.target)();
    target.create(&[table()]).unwrap();
    let mut page = Page::new();
    page.push(&key(1), b"one");
    page.push(&key(2), b"two");
    let mut shard = target.shard(table()).unwrap();
    shard.write(&page).unwrap();
    drop(shard);
    let files = |root: &Path| {
        let output = Command::new("find").arg(root).args(["-type", "f"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect::<Vec<_>>()
    };
    assert_eq!(files(dir.path()), Vec::<PathBuf>::new());

    // What a killed one leaves is no blob, and goes with the next run or when the store is emptied.
    let objects = fs_objects(dir.path(), 2);
    objects.put(&key(1), b"half".to_vec()).unwrap();
    objects.put(&key(3), b"half".to_vec()).unwrap();
    assert!(site.read().is_empty());
    assert_eq!((site.source)().foreign().unwrap().unwrap().0, 2);
    let mut shard = target.shard(table()).unwrap();
    shard.write(&page).unwrap();
    shard.commit().unwrap();
    assert_eq!((site.read().len(), files(dir.path()).len()), (2, 3));
    target.clear(table(), &[]).unwrap();
    assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let target = target(Box::new(fs_objects(&root, 2)));
    target.create(&[table()]).unwrap();
    // A file where a directory should be stops even root.
    fs::write(root.join(names::directory(key(1)[0])), "").unwrap();
    let mut page = Page::new();
    page.push(&key(1), b"one");
    let mut shard = target.shard(table()).unwrap();
    let error = shard.write(&page).and_then(|()| shard.commit()).unwrap_err();
    assert!(error.to_string().contains("cannot write a blob"), "{error}");
    assert!(error.to_string().contains(&names::encode(&key(1))), "{error}");
    fs::write(dir.path().join("file"), "").unwrap();
    let below = super::target(Box::new(fs_objects(&dir.path().join("file/blobs"), 2)));
    assert!(below.create(&[table()]).unwrap_err().to_string().contains("cannot create the directory"));
}

/// Runs a test of this program again as a user who may not read the files of root.
fn as_another_user(test: &str, dir: &Path) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can have files that another user cannot read");
        return;
    }
    // That user may not read the directory of this program.
    let program = dir.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(only(test))
        .env("BLOBS_OF_ROOT", dir.join("blobs"))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

#[test]
fn what_may_not_be_read_is_an_error_and_never_an_absence() {
    let hidden = key(1);
    let secret = |root: &Path| file(root, &key(2));
    if let Some(root) = std::env::var_os("BLOBS_OF_ROOT").map(PathBuf::from) {
        let error = read_error(&root);
        assert!(error.contains("cannot read a directory") && error.contains("Permission denied"), "{error}");
        let direct = source(Box::new(fs_objects(&root, 2)));
        let error = direct.get(table(), &hidden).unwrap_err().to_string();
        assert!(error.contains("cannot read a blob") && error.contains("Permission denied"), "{error}");
        let source = salvage(&root);
        let read = scan(&source, &KeyRange::all(), 100);
        let below = |key: &[u8]| key.starts_with(&hidden[..1]);
        let expect: Records =
            records(30).into_iter().filter(|(key, _)| !below(key) && *key != super::key(2)).collect();
        assert!(read.into_iter().collect::<Records>() == expect);
        let losses = source.losses();
        assert_eq!(losses.len(), 2, "{losses:?}");
        for loss in losses {
            match loss.key {
                Some(key) => assert_eq!(key, super::key(2)),
                None => {
                    let range = KeyRange { after: loss.after, until: loss.before };
                    assert!(range.contains(&hidden) && !range.contains(&super::key(2)));
                }
            }
            assert!(loss.reason.contains("Permission denied"), "{}", loss.reason);
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let site = Site::fs(&root, 2);
    site.write(&records(30));
    fs::set_permissions(root.join(names::directory(hidden[0])), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(Command::new("chmod").arg("o+rX").arg(&root).status().unwrap().success());
    for entry in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.file_name().unwrap().to_str() != Some(&names::directory(hidden[0])) {
            assert!(Command::new("chmod").args(["-R", "o+rX"]).arg(&entry).status().unwrap().success());
        }
    }
    fs::set_permissions(secret(&root), fs::Permissions::from_mode(0o600)).unwrap();
    as_another_user(test_name!(what_may_not_be_read_is_an_error_and_never_an_absence), dir.path());
}
