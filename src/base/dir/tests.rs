//! Tests with links, second names and other users, as an attacker would place them.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};

use super::*;

/// Another user; only root can create files for that user.
const OTHER: u32 = 65_534;

fn refused<T: std::fmt::Debug>(outcome: io::Result<T>, kind: ErrorKind) {
    assert_eq!(outcome.unwrap_err().kind(), kind);
}

#[test]
fn nothing_is_written_or_given_away_through_another_name() {
    let temporary = tempfile::tempdir().unwrap();
    let outside = temporary.path().join("outside");
    std::fs::write(&outside, "precious").unwrap();
    std::fs::create_dir(temporary.path().join("goal")).unwrap();
    std::fs::write(temporary.path().join("goal/kept"), "precious").unwrap();
    let dir = Dir::create(&temporary.path().join("a/b"), 0o750).unwrap();
    symlink(&outside, dir.place("link")).unwrap();
    symlink(temporary.path().join("absent"), dir.place("dangling")).unwrap();
    symlink(temporary.path().join("goal"), dir.place("folder")).unwrap();
    std::fs::hard_link(&outside, dir.place("hard")).unwrap();
    for name in ["link", "dangling", "folder", "hard"] {
        refused(dir.create_file(name, 0o640), ErrorKind::AlreadyExists);
        refused(dir.create_private_file(name), ErrorKind::AlreadyExists);
        refused(dir.make(name, 0o750), ErrorKind::AlreadyExists);
        refused(dir.give_file(name, Some(own_user()), None), ErrorKind::PermissionDenied);
        assert!(dir.reopen_file(name).is_err(), "{name}");
        assert!(dir.sub_or_make(name, 0o750).is_err(), "{name}");
        assert!(dir.look(name).unwrap().unwrap().objection().is_some(), "{name}");
    }
    for name in ["link", "dangling", "folder"] {
        assert!(dir.open_file(name).is_err(), "{name}");
    }
    refused(dir.sub("folder"), ErrorKind::NotADirectory);
    // The names are removed; their targets remain.
    dir.create_file("new", 0o640).unwrap().write_all(b"new").unwrap();
    dir.rename("new", "link").unwrap();
    dir.remove_files().unwrap();
    assert_eq!(dir.names().unwrap().count(), 0);
    assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
    assert!(!temporary.path().join("absent").exists() && temporary.path().join("goal/kept").exists());
    for name in ["", ".", "..", "../outside", "a/b"] {
        refused(dir.remove(name), ErrorKind::InvalidInput);
        refused(dir.create_file(name, 0o600), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_directory_stays_the_one_that_was_opened() {
    let temporary = tempfile::tempdir().unwrap();
    let (place, aside) = (temporary.path().join("place"), temporary.path().join("aside"));
    let dir = Dir::create(&place, 0o700).unwrap();
    std::fs::rename(&place, &aside).unwrap();
    std::fs::create_dir(temporary.path().join("trap")).unwrap();
    symlink(temporary.path().join("trap"), &place).unwrap();
    dir.create_private_file("file").unwrap().write_all(b"text").unwrap();
    let mut text = String::new();
    dir.open_file("file").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), std::fs::read(aside.join("file")).unwrap()), ("text", b"text".to_vec()));
    assert_eq!(std::fs::read(dir.anchored().join("file")).unwrap(), b"text");
    assert_eq!(std::fs::read_dir(temporary.path().join("trap")).unwrap().count(), 0);
    let mode = std::fs::metadata(aside.join("file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!dir.same(&Dir::open(&place).unwrap()).unwrap());
}

#[test]
fn links_on_the_way_are_followed_if_their_maker_could_have_gone_there() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(temporary.path().join("goal/deep")).unwrap();
    let at = |name: &str| temporary.path().join(name);
    symlink("goal", at("relative")).unwrap();
    symlink(at("relative/deep/.."), at("absolute")).unwrap();
    symlink("circle", at("circle")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    for way in ["goal", "relative", "absolute", "absolute/deep/../../relative"] {
        assert!(Dir::open(&at(way)).unwrap().same(&Dir::open(&at("goal")).unwrap()).unwrap(), "{way}");
    }
    refused(Dir::open(&at("dangling")), ErrorKind::NotFound);
    refused(Dir::create(&at("dangling"), 0o750), ErrorKind::AlreadyExists);
    refused(Dir::create(&at("dangling/below"), 0o750), ErrorKind::AlreadyExists);
    assert!(!at("nowhere").exists());
    refused(Dir::open(&at("goal/deep/absent")), ErrorKind::NotFound);
    assert!(Dir::open(&at("circle")).is_err());
    std::fs::write(at("file"), "").unwrap();
    refused(Dir::open(&at("file/below")), ErrorKind::NotADirectory);
    let made = Dir::create(&at("relative/new/path"), 0o750).unwrap();
    assert!(at("goal/new/path").is_dir());
    assert_eq!(made.entry().unwrap().mode & 0o027, 0);
    let (dir, name) = Dir::holding(&at("relative/file")).unwrap();
    assert_eq!((name.to_str(), dir.look("file").unwrap()), (Some("file"), None));
    refused(Dir::holding(&at("..")), ErrorKind::InvalidInput);
    if own_user() == 0 {
        lchown(at("relative"), Some(OTHER), None).unwrap();
        refused(Dir::open(&at("relative")), ErrorKind::PermissionDenied);
        refused(Dir::create(&at("absolute"), 0o750), ErrorKind::PermissionDenied);
        refused(Dir::create(&at("relative/trap/deep"), 0o750), ErrorKind::PermissionDenied);
        assert!(!at("goal/trap").exists());
        std::os::unix::fs::chown(at("goal"), Some(OTHER), None).unwrap();
        Dir::open(&at("relative")).unwrap();
        refused(Dir::open(&at("relative/deep")), ErrorKind::PermissionDenied);
        Dir::create(&at("relative/own/deep"), 0o750).unwrap();
    }
}

#[test]
fn files_are_given_away_one_by_one() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = Dir::open(temporary.path()).unwrap();
    dir.create_file("file", 0o640).unwrap();
    dir.make("folder", 0o750).unwrap();
    assert!(!dir.give_file("absent", Some(own_user()), None).unwrap());
    refused(dir.give_file("folder", Some(own_user()), None), ErrorKind::PermissionDenied);
    // Only root can change an owner; for other users the code path is the same.
    let user = if own_user() == 0 { OTHER } else { own_user() };
    assert!(dir.give_file("file", Some(user), None).unwrap());
    dir.sub("folder").unwrap().give(Some(user), None).unwrap();
    for name in ["file", "folder"] {
        assert_eq!(std::fs::metadata(dir.place(name)).unwrap().uid(), user, "{name}");
    }
    if user != own_user() {
        refused(dir.reopen_file("file"), ErrorKind::PermissionDenied);
        // A file that this program did not create must not be written.
        dir.open_file("file").unwrap();
    }
}

#[test]
fn private_directories_go_with_their_owner_and_those_of_dead_processes_are_found() {
    let temporary = tempfile::tempdir().unwrap();
    let private = PrivateDir::create(temporary.path()).unwrap();
    let path = private.path().to_path_buf();
    assert_eq!(private.dir().entry().unwrap().mode, 0o700);
    private.dir().create_private_file("copy").unwrap();
    private.dir().make("inner", 0o700).unwrap().create_private_file("copy").unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&format!("stalwart-migrate-{}-", std::process::id())), "{name}");
    // No process has an id this high.
    let dead = |digits: &str| temporary.path().join(format!("stalwart-migrate-2147483647-{digits}"));
    let make = |path: &Path, mode: u32| {
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("copy"), "mail").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (killed, used, foreign) =
        (dead("0123456789abcdef"), dead("0123456789abcde0"), dead("0123456789abcde1"));
    for (path, mode) in [(&killed, 0o700), (&used, 0o700), (&foreign, 0o755)] {
        make(path, mode);
    }
    make(&temporary.path().join("stalwart-migrate-2147483647-notours"), 0o700);
    symlink(&foreign, dead("0123456789abcde2")).unwrap();
    // Simulates a process in another container.
    let lock = File::open(&used).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let left = sweep(temporary.path());
    let left: Vec<_> = left.into_iter().map(|left| (left.path, left.removed)).collect();
    assert_eq!(left, [(used.clone(), false), (killed.clone(), true)]);
    assert!(!killed.exists() && used.exists() && foreign.join("copy").exists() && path.exists());
    drop(private);
    assert!(!path.exists());
}

#[test]
fn a_file_is_found_where_its_links_lead() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name);
    std::fs::create_dir(at("goal")).unwrap();
    std::fs::write(at("goal/file"), "").unwrap();
    symlink("goal/file", at("link")).unwrap();
    symlink(at("link"), at("twice")).unwrap();
    symlink("goal/absent", at("begun")).unwrap();
    symlink("circle", at("circle")).unwrap();
    for (way, name) in [("goal/file", "file"), ("link", "file"), ("twice", "file"), ("begun", "absent")] {
        let (dir, found) = Dir::locate(&at(way), None).unwrap();
        assert_eq!(found.to_str(), Some(name));
        assert_eq!(dir.real().unwrap(), at("goal").canonicalize().unwrap(), "{way}");
    }
    assert!(Dir::locate(&at("circle"), None).is_err());
    refused(Dir::locate(&at("new/file"), None), ErrorKind::NotFound);
    Dir::locate(&at("new/file"), Some(0o750)).unwrap();
    assert!(at("new").is_dir());
    if own_user() == 0 {
        lchown(at("link"), Some(OTHER), None).unwrap();
        refused(Dir::locate(&at("twice"), None), ErrorKind::PermissionDenied);
        std::os::unix::fs::chown(at("goal/file"), Some(OTHER), None).unwrap();
        Dir::locate(&at("twice"), None).unwrap();
    }
}

#[test]
fn a_directory_of_another_user_is_taken_over_and_given_back() {
    let temporary = tempfile::tempdir().unwrap();
    let place = temporary.path().join("place");
    let state = || {
        let meta = std::fs::metadata(&place).unwrap();
        (meta.uid(), meta.permissions().mode() & 0o7777)
    };
    let dir = Dir::create(&place, 0o750).unwrap();
    // No other user can write there, so it is not changed.
    drop(GuardedDir::over(dir.try_clone().unwrap()).unwrap());
    assert_eq!((state(), dir.names().unwrap().count()), ((own_user(), 0o750), 0));
    let (user, mode) = if own_user() == 0 { (OTHER, 0o770) } else { (own_user(), 0o750) };
    let foreign = || {
        dir.set_mode(mode).unwrap();
        dir.give(Some(user), None).unwrap();
    };
    foreign();
    let taken = GuardedDir::over(dir.try_clone().unwrap()).unwrap();
    assert_eq!(state(), if own_user() == 0 { (0, 0o700) } else { (user, mode) });
    drop(taken);
    assert_eq!((state(), dir.names().unwrap().count()), ((user, mode), 0));
    // With two stores in it, the last one restores the owner.
    let one = GuardedDir::over(dir.try_clone().unwrap()).unwrap();
    let other = GuardedDir::over(dir.try_clone().unwrap()).unwrap();
    drop(one);
    assert_eq!(state().0, own_user());
    drop(other);
    assert_eq!((state(), dir.names().unwrap().count()), ((user, mode), 0));
    // The run after a killed process restores the owner.
    if own_user() == 0 {
        std::fs::write(dir.place("stalwart-migrate.owner"), format!("{user} {mode:o}\n")).unwrap();
        dir.give(Some(0), None).unwrap();
        dir.set_mode(0o700).unwrap();
    }
    drop(GuardedDir::over(dir.try_clone().unwrap()).unwrap());
    assert_eq!((state(), dir.names().unwrap().count()), ((user, mode), 0));
    // A record placed by another user is neither trusted nor followed.
    let outside = temporary.path().join("outside");
    std::fs::write(&outside, "precious").unwrap();
    symlink(&outside, dir.place("stalwart-migrate.owner")).unwrap();
    foreign();
    drop(GuardedDir::over(dir.try_clone().unwrap()).unwrap());
    assert_eq!(state(), (user, mode));
    assert_eq!(std::fs::read(&outside).unwrap(), b"precious");
}
