//! Directories that were prepared: links, pipes, devices, names and manifests that lie.
//!
//! The program itself runs on them, with a limit on time and on memory. It ends with the exit code of a damaged
//! dump, says what is wrong, and touches nothing beside it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bodies::parcel::{FILES, FINDINGS, MANIFEST, SEAL, sealed};
use super::dumps::seeds;

/// Time that a run on a small dump may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Kilobytes of memory for everything: the program's promise for any store.
const MEMORY: u32 = 256 << 10;

/// What is done to a dump, the exit code of `verify` (3 for a sound one of ours: blobs are missing), and words of the error.
type Case = (&'static str, fn(&Path), i32, &'static str);

const OURS: [Case; 29] = [
    ("sound", |_| {}, 3, ""),
    ("a link to a file", |d| moved_out(d, "subspace_p"), 4, "no regular file"),
    (
        "a link to a device",
        |d| replaced(d, "subspace_p", |p| symlink("/dev/zero", p).unwrap()),
        4,
        "no regular file",
    ),
    (
        "a link to nothing",
        |d| replaced(d, "subspace_p", |p| symlink("nothing", p).unwrap()),
        4,
        "no regular file",
    ),
    ("a linked manifest", |d| moved_out(d, MANIFEST), 4, "no regular file"),
    ("linked findings", |d| moved_out(d, FINDINGS), 4, "no regular file"),
    ("a linked directory", |d| moved_out(d, "manifest"), 4, "must be a directory of its own"),
    ("a pipe", |d| replaced(d, "subspace_a", pipe), 4, "no regular file"),
    ("a pipe for a manifest", |d| replaced(d, MANIFEST, pipe), 4, "no regular file"),
    ("a pipe for findings", |d| replaced(d, FINDINGS, pipe), 4, "no regular file"),
    ("one more pipe", |d| pipe(&d.join("subspace_z")), 4, "no regular file"),
    (
        "a socket",
        |d| replaced(d, "subspace_a", |p| drop(std::os::unix::net::UnixListener::bind(p))),
        4,
        "no regular file",
    ),
    (
        "a directory for a file",
        |d| replaced(d, "subspace_a", |p| fs::create_dir(p).unwrap()),
        4,
        "no regular file",
    ),
    (
        "a directory for a manifest",
        |d| replaced(d, MANIFEST, |p| fs::create_dir(p).unwrap()),
        4,
        "no regular file",
    ),
    (
        "a file for a directory",
        |d| replaced(d, "manifest", |p| fs::write(p, "{}").unwrap()),
        4,
        "must be a directory",
    ),
    (
        "spaces",
        |d| fs::write(d.join(MANIFEST), vec![b' '; 100 << 20]).unwrap(),
        4,
        "longer than any manifest",
    ),
    (
        "a hole",
        |d| fs::File::options().write(true).open(d.join(MANIFEST)).unwrap().set_len(1 << 42).unwrap(),
        4,
        "longer than any manifest",
    ),
    ("depth", |d| fs::write(d.join(MANIFEST), "{\"a\":".repeat(100_000)).unwrap(), 4, "no valid manifest"),
    ("brackets", |d| edited(d, |m| m["new"] = serde_json::from_str(&nested(100)).unwrap()), 3, ""),
    (
        "many entries",
        |d| {
            edited(d, |m| m["skipped"] = vec![json!({"letter": "a", "name": "", "reason": ""}); 8_000].into())
        },
        4,
        "is named",
    ),
    (
        "many kinds",
        |d| edited(d, |m| (0..25_000).for_each(|n| m["findings"][format!("k{n}")] = json!(n))),
        3,
        "",
    ),
    (
        "a file outside",
        |d| edited(d, |m| m["subspaces"][0]["file"] = json!("../../etc/passwd")),
        4,
        "its file is named",
    ),
    ("a letter twice", |d| edited(d, |m| m["subspaces"][1] = m["subspaces"][0].clone()), 4, "is there twice"),
    (
        "a letter of the wrong case",
        |d| fs::rename(d.join("subspace_a"), d.join("subspace_A")).unwrap(),
        4,
        "do not belong",
    ),
    ("counts beyond all", |d| edited(d, endless), 4, "bytes of records in a file"),
    (
        "endless findings",
        |d| fs::File::options().write(true).open(d.join(FINDINGS)).unwrap().set_len(1 << 43).unwrap(),
        4,
        "the findings differ",
    ),
    (
        "a name that is no text",
        |d| fs::write(d.join(OsStr::from_bytes(b"subspace_\xff")), "").unwrap(),
        4,
        "do not belong",
    ),
    (
        "a name that is an order",
        |d| fs::write(d.join("x\u{1b}[2J\nerror: no"), "").unwrap(),
        4,
        "do not belong",
    ),
    ("foreign files", foreign_files, 4, "do not belong"),
];

const SERVERS: [Case; 9] = [
    ("sound", |_| {}, 0, ""),
    ("a link", |d| moved_out(d, "subspace_p"), 4, "no regular file"),
    ("a pipe", |d| replaced(d, "subspace_a", pipe), 4, "no regular file"),
    ("a directory", |d| replaced(d, "subspace_a", |p| fs::create_dir(p).unwrap()), 4, "no regular file"),
    (
        "a hole behind it",
        |d| fs::File::options().write(true).open(d.join("subspace_a")).unwrap().set_len(1 << 42).unwrap(),
        4,
        "bytes follow the end",
    ),
    ("one value of four gigabytes", |d| bomb(d, &[0xff, 0xff, 0xff, 0xff, 0x0f], false), 4, "inside a value"),
    ("records without end", |d| bomb(d, &[], true), 5, "sorting takes more"),
    ("a pipe beside it", |d| pipe(&d.join("other")), 0, ""),
    ("foreign files", foreign_files, 0, ""),
];

#[test]
fn hostile_directories_are_refused_and_nothing_beside_them_is_touched() {
    let _alone = super::campaign::alone();
    let seeds = seeds();
    for (dump, cases) in [(&seeds[0], &OURS[..]), (&seeds[1], &SERVERS[..])] {
        for (what, prepare, code, says) in cases {
            // A hundred thousand files take their time on a disk.
            let place = tempfile::tempdir_in(super::bodies::in_memory()).unwrap();
            let dir = place.path().join("dump");
            fs::create_dir_all(dir.join("manifest")).unwrap();
            if dump.manifest().is_none() {
                fs::remove_dir(dir.join("manifest")).unwrap();
            }
            dump.unpack(&dir);
            prepare(&dir);
            fs::write(place.path().join("secret"), "untouched").unwrap();
            let target = place.path().join("target.sqlite3");
            let config = place.path().join("config.toml");
            let text = format!(
                "storage.data = \"d\"\n[store.d]\ntype = \"sqlite\"\npath = \"{}\"\n",
                target.display()
            );
            fs::write(&config, text).unwrap();
            let before = names(place.path());
            let dir_text = dir.to_str().unwrap();
            run(what, &["verify", dir_text], *code, says);
            let unseen = *says == "the findings differ";
            // What is found in the records `inspect` does not look for.
            run(what, &["inspect", dir_text], if matches!(code, 0 | 3) || unseen { 0 } else { *code }, says);
            if !matches!(code, 0 | 3) {
                // An import refuses what is damaged, before it opens the target.
                let arguments = ["--config", config.to_str().unwrap(), "--import", dir_text];
                let early =
                    !["the findings differ", "bytes follow the end", "inside a value", "sorting takes more"]
                        .contains(says);
                if early {
                    run(what, &arguments, 5, says);
                }
            }
            assert_eq!(names(place.path()), before, "{what}");
            assert_eq!(fs::read(place.path().join("secret")).unwrap(), b"untouched", "{what}");
            assert!(!target.exists(), "{what}");
        }
    }
}

#[test]
fn what_is_no_directory_is_wrong_usage() {
    let _alone = super::campaign::alone();
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_string();
    pipe(Path::new(&at("pipe")));
    fs::write(at("file"), "{a").unwrap();
    symlink("nothing", at("link")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    for (path, code) in [
        (at("pipe"), 2),
        (at("file"), 2),
        (at("link"), 2),
        (at("none"), 2),
        (at("empty"), 2),
        ("/dev/zero".into(), 2),
        (at("loop"), 1),
    ] {
        run(&path, &["verify", &path], code, "");
    }
}

#[test]
fn findings_of_a_dump_are_lines_of_bounded_length() {
    let _alone = super::campaign::alone();
    let place = tempfile::tempdir().unwrap();
    let mut dump = seeds().remove(0);
    dump.repair = FILES | SEAL;
    let line = |key: &str, detail: &str| {
        json!({"kind": "blob_missing", "subspace": "k", "key": key, "detail": detail}).to_string() + "\n"
    };
    for (name, text, says) in [
        ("long", "x".repeat(3 << 20) + "\n", "cut off or too long"),
        ("deep", "[".repeat(900_000) + "\n", "a line of the findings is damaged"),
        ("order", line("00", "\u{1b}[2J\nerror: all is well") + "x", "a line of the findings"),
    ] {
        *dump.file_mut(FINDINGS).unwrap() = text.into_bytes();
        let dir = place.path().join(name);
        fs::create_dir_all(dir.join("manifest")).unwrap();
        dump.clone().repaired().unpack(&dir);
        run(name, &["verify", dir.to_str().unwrap()], 3, "");
        let config = place.path().join("config.toml");
        fs::write(
            &config,
            "storage.data = \"d\"\nstore.d.type = \"sqlite\"\nstore.d.path = \"/none/none\"\n",
        )
        .unwrap();
        run(name, &["--config", config.to_str().unwrap(), "--import", dir.to_str().unwrap()], 5, says);
    }
}

/// Runs the program with limits; `says` must be on stderr, in one line.
#[track_caller]
fn run(what: &str, arguments: &[&str], code: i32, says: &str) {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("ulimit -d {MEMORY} && exec \"$0\" \"$@\""),
        env!("CARGO_BIN_EXE_stalwart-migrate"),
    ]);
    command.args(arguments).env_remove("EXPORT_TYPES").env_remove("CONFIG_PATH").stdin(Stdio::null());
    let log = tempfile::tempdir().unwrap();
    let at = |name: &str| log.path().join(name);
    command.stdout(fs::File::create(at("out")).unwrap()).stderr(fs::File::create(at("err")).unwrap());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > LIMIT => {
                child.kill().unwrap();
                panic!("{what}: {arguments:?} hangs");
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let read = |name: &str| String::from_utf8(fs::read(at(name)).unwrap()).unwrap();
    let (out, err) = (read("out"), read("err"));
    let shown = err.get(..2000).unwrap_or(&err);
    assert_eq!(status.code(), Some(code), "{what}: {arguments:?}: {shown}");
    assert!(!err.contains("panicked") && !err.contains("internal error"), "{what}: {shown}");
    assert!(!err.chars().chain(out.chars()).any(|c| c.is_control() && c != '\n'), "{what}: {err:?}");
    if !matches!(code, 0 | 3) {
        let errors: Vec<&str> = err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1 && errors[0].contains(says), "{what}: {says}: {shown}");
        assert!(errors[0].len() < 4000, "{what}: an error of {} bytes", errors[0].len());
    }
}

/// Everything below a directory.
fn names(dir: &Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(path) = open.pop() {
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// Puts the real thing outside and a link to it in its place.
fn moved_out(dir: &Path, name: &str) {
    let outside = dir.parent().unwrap().join("outside");
    fs::rename(dir.join(name), &outside).unwrap();
    symlink(outside, dir.join(name)).unwrap();
}

fn replaced(dir: &Path, name: &str, make: fn(&Path)) {
    let path = dir.join(name);
    if path.is_dir() {
        fs::remove_dir_all(&path).unwrap()
    } else {
        fs::remove_file(&path).unwrap()
    }
    make(&path);
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn foreign_files(dir: &Path) {
    (0..100_000).for_each(|n| drop(fs::File::create(dir.join(format!("foreign{n}"))).unwrap()));
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

fn endless(manifest: &mut Value) {
    for entry in manifest["subspaces"].as_array_mut().unwrap() {
        for name in ["records", "key_bytes", "value_bytes"] {
            entry[name] = json!(u64::MAX);
        }
        (entry["longest_key"], entry["longest_value"]) = (json!(1), json!(1));
    }
}

/// Changes the manifest and seals it.
fn edited(dir: &Path, edit: fn(&mut Value)) {
    let path = dir.join(MANIFEST);
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(path, sealed(manifest)).unwrap();
}

/// A server's file of few bytes whose content is endless: a value's length and zeros, or empty records.
fn bomb(dir: &Path, length: &[u8], disordered: bool) {
    let mut file = vec![4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
    let mut put = |content: &[u8]| {
        let packed = lz4_flex::block::compress(content);
        file.extend((packed.len() as u32).to_le_bytes());
        file.extend(packed);
    };
    let start = [&[0x7b, b'a', 5, 0, 0, 0][..], if disordered { &[] } else { &[1, b'k'] }, length].concat();
    put(&[&start[..], &[0; 1000]].concat());
    // Three hundred bytes each: for values 32 MiB in all, for empty records as many as sorting refuses.
    (0..512).for_each(|_| put(&[0; 65_536]));
    fs::write(dir.join("subspace_a"), file).unwrap();
}
