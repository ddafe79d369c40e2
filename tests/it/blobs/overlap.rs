//! Source and target that are one thing under two names: refused whatever was agreed to, and the source stays as it is.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::blobs::{Home, Store, args, database, fs, original};
use crate::harness::blob_servers::Server;
use crate::harness::database_servers::{Kind, Server as Databases};
use crate::harness::program::{Outcome, assert_same, program, run};

/// Every file below a path with the digest of its content.
fn content(path: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![path.to_path_buf()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if meta.is_file() {
            found.insert(path.clone(), blake3::hash(&fs::read(&path).unwrap()).to_string());
        }
    }
    found
}

/// A copy is refused in every way, says this, and recommends nothing that would destroy the source.
#[track_caller]
fn refused(from: &Path, to: &Path, says: &[&str]) {
    for more in [
        &["--wipe-target", "--yes"][..],
        &[],
        &["--yes"],
        &["--wipe-target", "--yes", "--resume"],
        &["--dry-run", "--wipe-target", "--yes"],
    ] {
        let arguments = ["copy", "--from", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
        let ran = run(&[&arguments[..], more].concat()).expect(2);
        let error = ran.stderr.lines().last().unwrap();
        assert!(!error.contains("wipe"), "{more:?}: {}", ran.stderr);
        for words in says {
            assert!(error.contains(words), "{more:?}: nothing of {words:?} in {}", ran.stderr);
        }
    }
}

fn replaced(config: &Path, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(config).unwrap();
    assert!(text.contains(from), "{text}");
    let path = config.with_extension("other.toml");
    fs::write(&path, text.replace(from, to)).unwrap();
    path
}

const SAME: &str = "source and target are the same store";
const BLOBS: &str = "keep their blobs at the same place";
const EXCLUDE: &str = "--exclude @blob";
const OVERLAP: &str = "overlap";

#[test]
fn stores_in_files_are_recognised_by_whatever_path() {
    let home = Home::new();
    let dump = original(&home);
    let at = |name: &str| home.path(name);
    fs::create_dir_all(at("src/deep")).unwrap();
    let rocks = home.toml("rocks", &Store::RocksDb("src/rocks"), &Store::Fs("src/blobs", 2).lz4());
    let sqlite = home.toml("sqlite", &Store::Sqlite("src/one.sqlite3"), &Store::Data);
    home.import(&rocks, &dump);
    home.import(&sqlite, &dump);
    symlink(at("src/rocks"), at("rocks-link")).unwrap();
    symlink(at("src"), at("src-link")).unwrap();
    symlink("src/one.sqlite3", at("sqlite-link")).unwrap();
    fs::hard_link(at("src/one.sqlite3"), at("hard")).unwrap();
    fs::create_dir_all(at("other/blobs")).unwrap();
    symlink(at("src/blobs"), at("other/blobs/a")).unwrap();
    // What a server leaves of a log.
    let logged = home.toml("logged", &Store::Sqlite("src/two.sqlite3"), &Store::Data);
    home.import(&logged, &dump);
    fs::write(at("src/two.sqlite3-wal"), "").unwrap();
    fs::hard_link(at("src/two.sqlite3-wal"), at("three.sqlite3-wal")).unwrap();
    let before = content(&at("src"));
    let new = || Store::Sqlite("new.sqlite3");
    let check = |from: &Path, data: Store, blobs: Store, says: &[&str]| {
        refused(from, &home.toml("to", &data, &blobs), says);
        assert_eq!(content(&at("src")), before, "{says:?}");
    };
    for name in ["src/rocks", "rocks-link", "src-link/rocks", "src/deep/../rocks", "src/./rocks/"] {
        check(&rocks, Store::RocksDb(name), Store::Data, &[SAME]);
    }
    for name in ["src/one.sqlite3", "sqlite-link", "hard", "src-link/deep/../one.sqlite3"] {
        check(&sqlite, Store::Sqlite(name), Store::Data, &[SAME]);
    }
    // A part of the one inside the other, there already or not.
    for name in ["src/rocks/inside", "src-link/deep/../rocks/a/../b", "rocks-link/x/y"] {
        check(&rocks, Store::RocksDb(name), Store::Data, &["same store", "lies inside the source's"]);
        check(&rocks, Store::Sqlite(name), Store::Data, &["lies inside the source's"]);
        check(&rocks, new(), Store::Fs(name, 2), &[OVERLAP, "name another blob store"]);
    }
    check(&rocks, Store::RocksDb("src"), Store::Data, &["has the source's inside"]);
    check(&sqlite, Store::RocksDb("src"), Store::Data, &["has the source's inside"]);
    check(&logged, Store::Sqlite("three.sqlite3"), Store::Data, &[SAME]);
    check(&logged, Store::Sqlite("src/two.sqlite3-wal"), Store::Data, &[SAME]);
    // Blobs: another depth, another name, one of several shards, a directory among them that is a link.
    for (name, depth) in [("src/blobs", 2), ("src/blobs", 0), ("src-link/blobs", 3), ("src/deep/../blobs", 2)]
    {
        check(&rocks, new(), Store::Fs(name, depth), &[BLOBS, EXCLUDE]);
        let shards = vec![Store::Fs("fresh", 2), Store::Fs(name, depth)];
        check(&rocks, new(), Store::Sharded(shards), &[BLOBS, EXCLUDE, "member 2 of the blob store"]);
    }
    check(&rocks, new(), Store::Fs("other/blobs", 2), &[BLOBS]);
    check(&rocks, new(), Store::Fs("src/blobs/0", 2), &[BLOBS]);
    // Data where the other has blobs.
    fs::remove_file(at("hard")).unwrap();
    check(
        &sqlite,
        new(),
        Store::Sqlite("sqlite-link"),
        &["data store of the source and the blob store of the target overlap"],
    );
    check(&rocks, new(), Store::RocksDb("rocks-link"), &["data store of the source and the blob store"]);
    check(
        &rocks,
        Store::Sqlite("src/blobs/db"),
        Store::Data,
        &["blob store of the source and the data store"],
    );
    assert!(!at("new.sqlite3").exists() && !at("fresh").exists());
    // Beside each other is not inside.
    let to = home.toml("to", &Store::RocksDb("src/rocks2"), &Store::Fs("src/blobs2", 2));
    run(args!["copy", "--from", rocks, "--to", to]).expect(0);
    let to = home.toml("to", &Store::Sqlite("src/left.sqlite3"), &Store::Fs("src/blobs", 2));
    run(args!["copy", "--from", rocks, "--to", to, "--exclude", "@blob"]).expect(0);
}

#[test]
fn a_directory_that_is_mounted_twice_is_recognised() {
    let mounted = |from: &Path, to: &Path, arguments: &[&std::ffi::OsStr]| {
        let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(from).arg(to);
        command.args(arguments).env_remove("EXPORT_TYPES").env_remove("CONFIG_PATH");
        command.output().unwrap()
    };
    let home = Home::new();
    fs::create_dir_all(home.path("src")).unwrap();
    fs::create_dir_all(home.path("mnt/point")).unwrap();
    let (src, mnt) = (home.path("src"), home.path("mnt"));
    if !mounted(&src, &mnt, args!["true"]).status.success() {
        eprintln!("nothing can be mounted here: this test has not looked");
        return;
    }
    let rocks = home.toml("rocks", &Store::RocksDb("src/rocks"), &Store::Fs("src/blobs", 2).lz4());
    home.import(&rocks, &original(&home));
    fs::create_dir(home.path("src/rocks/sub")).unwrap();
    let before = content(&src);
    let program = program();
    for (from, to, data, blobs, says) in [
        ("src", "mnt", Store::RocksDb("mnt/rocks"), Store::Data, SAME),
        ("src/rocks", "mnt", Store::RocksDb("mnt"), Store::Data, SAME),
        ("src/rocks/sub", "mnt", Store::RocksDb("mnt"), Store::Data, "lies inside the source's"),
        ("src/rocks/sub", "mnt", Store::Sqlite("mnt/new"), Store::Data, "lies inside the source's"),
        ("src/blobs", "mnt", Store::Sqlite("new"), Store::Fs("mnt", 1), BLOBS),
        // Inside what the target's directory is.
        ("src/blobs", "mnt/point", Store::Sqlite("new"), Store::Fs("mnt", 1), BLOBS),
    ] {
        let to_config = home.toml("to", &data, &blobs);
        let copy = args![program, "copy", "--from", rocks, "--to", to_config, "--wipe-target", "--yes"];
        let output = mounted(&home.path(from), &home.path(to), copy);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{from} {to}: {text}");
        assert!(text.contains(says), "{says}: {text}");
        assert_eq!(content(&src), before);
    }
}

/// Exports before and after, so that nothing has changed.
#[track_caller]
fn refused_and_whole(home: &Home, from: &Path, to: &Path, says: &[&str]) {
    refused(from, to, says);
    let _ = fs::remove_dir_all(home.path("after"));
    assert_same(&home.path("before"), &home.export(from, "after"));
}

#[test]
fn a_postgresql_database_is_recognised_by_whatever_address() {
    let home = Home::new();
    let dump = original(&home);
    let server = Databases::of(Kind::Postgres);
    let store = Store::Sql(server.database());
    let Store::Sql(database) = &store else { return };
    let from = home.toml("from", &store, &Store::Fs("blobs", 2).lz4());
    home.import(&from, &dump);
    home.export(&from, "before");
    let socket = ["/run/postgresql", "/var/run/postgresql", "/tmp"]
        .into_iter()
        .find(|dir| Path::new(dir).join(format!(".s.PGSQL.{}", server.port)).exists());
    for host in ["127.0.0.1", "localhost"].into_iter().chain(socket) {
        let to = replaced(&home.toml("to", &store, &Store::Data), "\"127.0.0.1\"", &format!("\"{host}\""));
        refused_and_whole(&home, &from, &to, &[SAME]);
        // The source's data as the target's blobs.
        let blobs = home.toml("to", &Store::Sqlite("new"), &store);
        let to = replaced(&blobs, "\"127.0.0.1\"", &format!("\"{host}\""));
        refused_and_whole(&home, &from, &to, &["blob store of the target overlap"]);
    }
    let with_options = |path: &str, name: &str| {
        let to = home.toml(name, &store, &Store::Data);
        let text =
            fs::read_to_string(&to).unwrap() + &format!("store.db.options = \"-c search_path={path}\"\n");
        fs::write(&to, text).unwrap();
        to
    };
    for path in ["public", "nowhere,public", "pg_catalog,public"] {
        refused_and_whole(&home, &from, &with_options(path, "to"), &[SAME]);
    }
    // Tables of their own are another store, although the database is the same.
    database.sql("CREATE SCHEMA other");
    let other = with_options("other", "other");
    let copied = run(args!["copy", "--from", from, "--to", other]).expect(0);
    assert!(copied.stderr.contains("read back and equal to the source"), "{}", copied.stderr);
    run(args!["diff", from, other]).expect(0);
    // And theirs are not, where the first schema has none.
    database.sql("CREATE SCHEMA third");
    refused_and_whole(&home, &from, &with_options("third,public", "to"), &[SAME]);
    // A table that has those of the source below it.
    database.sql("CREATE SCHEMA heir; CREATE TABLE heir.p (LIKE public.p INCLUDING ALL); ALTER TABLE public.p INHERIT heir.p");
    refused_and_whole(&home, &from, &with_options("heir", "to"), &[SAME]);
    // A role that may not ask for the identifier of the server, nor for other sessions.
    assert!(!home.path("new").exists());
}

#[test]
fn a_mysql_database_is_recognised_by_whatever_address() {
    let home = Home::new();
    let dump = original(&home);
    let server = Databases::of(Kind::Mysql);
    let store = Store::Sql(server.database());
    let from = home.toml("from", &store, &Store::Data);
    home.import(&from, &dump);
    home.export(&from, "before");
    let socket = ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock"];
    let socket = socket.into_iter().find(|path| server.port == 3306 && Path::new(path).exists());
    for host in ["127.0.0.1", "localhost"].into_iter().chain(socket) {
        let to = replaced(&home.toml("to", &store, &Store::Data), "\"127.0.0.1\"", &format!("\"{host}\""));
        refused_and_whole(&home, &from, &to, &[SAME]);
        let blobs = home.toml("to", &Store::Sqlite("new"), &store);
        let to = replaced(&blobs, "\"127.0.0.1\"", &format!("\"{host}\""));
        refused_and_whole(
            &home,
            &from,
            &to,
            &["data store of the source and the blob store of the target overlap"],
        );
    }
    let other = database(Kind::Mysql);
    let to = home.toml("other", &other, &Store::Data);
    run(args!["copy", "--from", from, "--to", to]).expect(0);
}

/// A blob store that is the data store under another name is the data store.
#[test]
fn blobs_in_the_data_store_by_another_name_are_read_once() {
    let home = Home::new();
    let dump = original(&home);
    for (n, (data, other)) in [
        (Store::Sqlite("one"), None),
        (database(Kind::Postgres), Some("localhost")),
        (database(Kind::Mysql), Some("localhost")),
    ]
    .into_iter()
    .enumerate()
    {
        let config = home.toml("one", &data, &Store::Data);
        home.import(&config, &dump);
        let again = match other {
            None => {
                symlink(home.path("one"), home.path("link")).unwrap();
                home.toml("two", &data, &Store::Sqlite("link"))
            }
            Some(host) => {
                let both = home.toml("two", &data, &data);
                let text = fs::read_to_string(&both).unwrap();
                let text = text
                    .replace("store.blobs.host = \"127.0.0.1\"", &format!("store.blobs.host = \"{host}\""));
                fs::write(&both, text).unwrap();
                both
            }
        };
        let text = fs::read_to_string(&again).unwrap() + "store.blobs.compression = \"lz4\"\n";
        fs::write(&again, text.replace("store.db.host", "store.db.compression = \"lz4\"\nstore.db.host"))
            .unwrap();
        let one = home.export(&config, &format!("one-{n}"));
        let ran = run(args!["-c", config, "-e", home.path(&format!("two-{n}"))]).expect(0);
        assert_same(&one, &home.path(&format!("two-{n}")));
        assert!(!ran.stderr.contains("unused"), "{}", ran.stderr);
    }
}

#[test]
fn a_bucket_is_recognised_by_whatever_address() {
    let home = Home::new();
    let dump = original(&home);
    let (bucket, container) = (Server::s3().bucket(), Server::azure().container());
    for (name, address, other, store) in [
        ("s3", "127.0.0.1", "localhost", Store::S3(bucket.clone(), "a/")),
        ("azure", "127.0.0.1", "localhost", Store::Azure(container.clone(), "a/")),
    ] {
        let from =
            home.toml(&format!("{name}-from"), &Store::Sqlite(if name == "s3" { "s" } else { "z" }), &store);
        home.import(&from, &dump);
        let _ = fs::remove_dir_all(home.path("before"));
        home.export(&from, "before");
        let to = home.toml("to", &Store::Sqlite("new"), &store);
        refused_and_whole(&home, &from, &to, &[BLOBS, EXCLUDE]);
        let to = replaced(&to, address, other);
        refused_and_whole(&home, &from, &to, &[BLOBS, EXCLUDE]);
        assert!(!home.path("new").exists());
        let beside = match name {
            "s3" => Store::S3(bucket.clone(), "b/"),
            _ => Store::Azure(container.clone(), "b/"),
        };
        let to = home.toml("beside", &Store::Sqlite(if name == "s3" { "s2" } else { "z2" }), &beside);
        run(args!["copy", "--from", from, "--to", to]).expect(0);
        assert_same(&home.path("before"), &home.export(&to, &format!("beside-{name}")));
        let foreign = |ran: Outcome| ran.stderr.contains("foreign");
        assert!(!foreign(run(args!["-c", from, "--dry-run", "-e", home.path("dry")]).expect(0)));
    }
    // What a killed run has left of looking is no blob, and goes with the next.
    let left = Server::s3().object(
        &bucket,
        &format!("c/{}", crate::blobs::base32(b"stalwart-migrate asks whether this is one bucket")),
    );
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "left").unwrap();
    let to = home.toml("c", &Store::Sqlite("c"), &Store::S3(bucket.clone(), "c/"));
    let from = home.path("s3-from.toml");
    let copied = run(args!["copy", "--from", from, "--to", to]).expect(0);
    assert!(!left.exists(), "{}", copied.stderr);
}

#[test]
fn dumps_and_files_of_a_run_stay_out_of_stores() {
    let home = Home::new();
    let dump = original(&home);
    let config = home.toml("one", &Store::RocksDb("rocks"), &Store::Fs("blobs", 2).lz4());
    home.import(&config, &dump);
    symlink(home.path("rocks"), home.path("link")).unwrap();
    let before = [content(&home.path("rocks")), content(&home.path("blobs")), content(&dump)];
    let unchanged = || {
        assert_eq!(before, [content(&home.path("rocks")), content(&home.path("blobs")), content(&dump)]);
    };
    for place in ["rocks/dump", "link/dump", "blobs/0/dump", "blobs"] {
        let ran = run(args!["-c", config, "-e", home.path(place)]).expect(2);
        assert!(ran.stderr.contains("the dump would overlap with the"), "{}", ran.stderr);
        unchanged();
    }
    for (option, place) in
        [("--report", "link/report"), ("--state", "blobs/state"), ("--report", "new/report.txt")]
    {
        if place.starts_with("new") {
            fs::create_dir(home.path("new")).unwrap();
        }
        let ran = run(args!["-c", config, "-e", home.path("new"), option, home.path(place)]).expect(2);
        assert!(
            ran.stderr.contains("would overlap with the") && ran.stderr.contains(option),
            "{}",
            ran.stderr
        );
        unchanged();
        assert!(!home.path(place).exists());
    }
    let target = home.toml("two", &Store::RocksDb("rocks2"), &Store::Fs("blobs2", 2).lz4());
    for (option, place) in
        [("--report", "rocks2/report"), ("--state", "blobs2/state"), ("--report", "dump/report")]
    {
        let file = if place.starts_with("dump") { dump.join("report") } else { home.path(place) };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let ran = run(args!["-c", target, "-i", dump, option, file]).expect(2);
        assert!(ran.stderr.contains("would overlap with the"), "{}", ran.stderr);
        let ran = run(args!["copy", "--from", config, "--to", target, option, file]);
        if !place.starts_with("dump") {
            assert!(ran.expect(2).stderr.contains("would overlap with the"));
            assert!(!file.exists());
        } else {
            let _ = fs::remove_file(&file);
            let _ = fs::remove_dir_all(home.path("rocks2"));
            let _ = fs::remove_dir_all(home.path("blobs2"));
        }
        unchanged();
    }
    // A dump inside its target, and around it.
    let inside = home.toml("three", &Store::RocksDb("three"), &Store::Data);
    fs::create_dir(home.path("three")).unwrap();
    fs::rename(&dump, home.path("three/dump")).unwrap();
    for more in [&["--wipe-target", "--yes"][..], &[]] {
        let arguments = ["-c", inside.to_str().unwrap(), "-i"].map(String::from);
        let moved = home.path("three/dump");
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.push(moved.to_str().unwrap());
        all.extend(more);
        let ran = run(&all).expect(2);
        assert!(ran.stderr.contains("the dump and the data store of the target overlap"), "{}", ran.stderr);
    }
    fs::rename(home.path("three/dump"), &dump).unwrap();
    unchanged();
    let around =
        replaced(&inside, home.path("three").to_str().unwrap(), dump.join("store").to_str().unwrap());
    run(args!["-c", around, "-i", dump]).expect(2);
    unchanged();
}

#[test]
fn an_import_meets_a_run_that_reads_the_same_store() {
    use stalwart_migrate::backend::hold::{Hold, HoldMode};
    let home = Home::new();
    let dump = original(&home);
    let wipe = |config: &Path| run(args!["-c", config, "-i", dump, "--wipe-target", "--yes"]);
    let says = "another run of this program uses the";
    let files = home.toml("files", &Store::Sqlite("one"), &Store::Fs("blobs", 2).lz4());
    home.import(&files, &dump);
    for held in [
        Hold::sqlite(&home.path("one"), HoldMode::Shared).unwrap(),
        Hold::directory(&home.path("blobs"), HoldMode::Shared).unwrap(),
    ] {
        let refused = wipe(&files).expect(5);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
        drop(held);
    }
    wipe(&files).expect(0);
    for store in [database(Kind::Postgres), database(Kind::Mysql)] {
        let config = home.toml("database", &store, &Store::Data);
        home.import(&config, &dump);
        let Store::Sql(database) = &store else { return };
        // What a run that reads takes.
        let hold = match database.server.kind {
            Kind::Postgres => {
                "SELECT pg_advisory_lock_shared(1398230343, (oid::int8 - 2147483648)::int4) FROM pg_namespace \
                 WHERE nspname = 'public'; SELECT pg_sleep(600);"
                    .to_string()
            }
            Kind::Mysql => {
                let name = blake3::hash(database.name.as_bytes()).to_hex();
                format!("SELECT GET_LOCK('stalwart-migrate {} 0', 0); SELECT sleep(600);", &name[..32])
            }
        };
        // Of another database, so that it is no session on this one.
        let elsewhere = if database.server.kind == Kind::Mysql { "" } else { database.name.as_str() };
        let mut reader = database.server.client(elsewhere);
        let option = if database.server.kind == Kind::Postgres { "-c" } else { "-e" };
        let mut reader = reader.arg(option).arg(hold).stdout(std::process::Stdio::null()).spawn().unwrap();
        let begin = std::time::Instant::now();
        let refused = loop {
            let ran = wipe(&config);
            if ran.code() == Some(5) {
                break ran;
            }
            assert!(begin.elapsed().as_secs() < 60, "{}", ran.stderr);
        };
        let agreed = refused.stderr.contains("others are connected") || refused.stderr.contains(says);
        assert!(agreed && refused.stderr.contains(says), "{}", refused.stderr);
        reader.kill().unwrap();
        reader.wait().unwrap();
    }
}
