//! Where the database itself says that blobs are, from 0.16 on: read from there, and an import never leaves them out without a message
//! when it brings the object and puts the blobs elsewhere.

use std::fs;

use super::*;
use crate::harness::program::{bare, outcome, run};

const BLOB_STORE: &str = "0010000012434cb24dcd";
const SECRET: &str = "STALWART_MIGRATE_TEST_S3_SECRET";

/// The object of `--blob-config` for files.
pub(super) fn files(path: &Path) -> String {
    serde_json::json!({"@type": "FileSystem", "path": path, "depth": 2}).to_string()
}

fn s3(bucket: &str, prefix: &str) -> String {
    let region = serde_json::json!({
        "@type": "Custom", "customEndpoint": Server::s3().endpoint(), "customRegion": "eu-1"
    });
    serde_json::json!({
        "@type": "S3", "region": region, "bucket": bucket, "keyPrefix": prefix,
        "accessKey": {"@type": "Value", "value": blob_servers::ACCESS_KEY},
        "secretKey": {"@type": "Value", "secret": blob_servers::SECRET_KEY}
    })
    .to_string()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 128);
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// The value of a BlobStore object for files.
fn files_object(path: &Path) -> Vec<u8> {
    [&[1, 4][..], &text(path.to_str().unwrap()), &[2]].concat()
}

/// That of one for S3, its secret in a variable.
fn s3_object(bucket: &str, prefix: &str) -> Vec<u8> {
    let mut value = vec![1, 2, 0x2a];
    value.extend(text(&Server::s3().endpoint()));
    value.extend(text("eu-1"));
    value.extend(text(bucket));
    value.push(1);
    value.extend(text(blob_servers::ACCESS_KEY));
    value.push(2);
    value.extend(text(SECRET));
    value.extend([0, 0, 0, 0xb0, 0xea, 0x01, 3, 1]);
    value.extend(text(prefix));
    value.extend([0, 1]);
    value
}

fn set(home: &Home, store: &str, key: &str, value: &[u8]) {
    put(&Connection::open(home.path(store)).unwrap(), "s", &unhex(key), value);
}

/// Runs the program with the secret of the object in its environment.
fn run_with_secret(arguments: &[&std::ffi::OsStr]) -> Outcome {
    let mut command = bare();
    command.args(arguments).env(SECRET, blob_servers::SECRET_KEY);
    outcome(command)
}

#[track_caller]
fn tells_no_secret(ran: &Outcome) {
    let all = format!("{}{}", ran.text(), ran.stderr);
    assert!(!all.contains(blob_servers::SECRET_KEY) && !all.contains(blob_servers::ACCESS_KEY), "{all}");
}

/// Only the blobs are compared: the object differs.
#[track_caller]
fn same_blobs(one: &Path, other: &Path) {
    let read = |dump: &Path| fs::read(dump.join("subspace_t")).unwrap();
    assert!(read(one) == read(other));
}

/// An installation whose object names files at `files`, and its dump.
fn with_files(home: &Home) -> (PathBuf, PathBuf, PathBuf) {
    drop(home.fixture("0.16.18", "plain"));
    let plain = home.export(&home.json("plain"), "plain-dump");
    let (config, choice) = (home.json("source"), home.write("choice.json", &files(&home.path("files"))));
    run(args!["-c", config, "-i", plain, "--blob-config", choice, "--yes"]).expect(0);
    // As the administrator enters it afterwards.
    set(home, "source", BLOB_STORE, &files_object(&home.path("files")));
    let dump = home.export(&config, "dump");
    same_blobs(&plain, &dump);
    assert!(found(&dump, "blob_missing").is_empty() && !blobs_of(&dump).is_empty());
    (config, plain, dump)
}

#[test]
fn blobs_are_read_where_the_object_says() {
    let home = Home::new();
    let (config, plain, dump) = with_files(&home);
    // The choice of the user wins: these are not there.
    fs::create_dir(home.path("empty")).unwrap();
    let empty = home.write("empty.json", &files(&home.path("empty")));
    run(args!["-c", config, "-e", home.path("from-empty"), "--blob-config", empty]).expect(3);
    assert!(!found(&home.path("from-empty"), "blob_missing").is_empty());
    run(args!["verify", dump, "--against", config]).expect(0);
    run(args!["verify", dump, "--against", config, "--blob-config", empty]).verdict(4);
    // In S3, by a secret of the environment.
    let bucket = Server::s3().bucket();
    let choice = home.write("choice-s3.json", &s3(&bucket, "sw/"));
    let target = home.json("s3");
    run(args!["-c", target, "-i", plain, "--blob-config", choice, "--yes"]).expect(0);
    set(&home, "s3", BLOB_STORE, &s3_object(&bucket, "sw/"));
    let ran = run_with_secret(args!["-c", target, "-e", home.path("from-s3")]).expect(0);
    tells_no_secret(&ran);
    same_blobs(&plain, &home.path("from-s3"));
    let unset = run(args!["-c", target, "-e", home.path("unset")]).expect(2);
    assert!(unset.stderr.contains(SECRET), "{}", unset.stderr);
    for damaged in [&[1, 9][..], &[1, 4, 0xff], &[], &[1, 4, 0, 2]] {
        set(&home, "source", BLOB_STORE, damaged);
        let ran = run(args!["-c", config, "-e", home.path("damaged")]).expect(2);
        assert!(ran.stderr.contains("BlobStore") && ran.stderr.contains("--blob-config"), "{}", ran.stderr);
        assert!(!home.path("damaged").exists());
    }
}

#[test]
fn imports_never_part_the_object_from_the_blobs() {
    let home = Home::new();
    let (_, _, dump) = with_files(&home);
    let target = home.json("target");
    let ran = run(args!["-c", target, "-i", dump]).expect(5);
    for place in [home.path("files"), home.path("target")] {
        assert!(ran.stderr.contains(place.to_str().unwrap()), "{}", ran.stderr);
    }
    assert!(ran.stderr.contains("--blob-config") && !home.path("target").exists(), "{}", ran.stderr);
    run(args!["-c", target, "-i", dump, "--yes"]).expect(5);
    // The same place, which the old installation still fills.
    let same = home.write("same.json", &files(&home.path("files")));
    let filled = run(args!["-c", target, "-i", dump, "--blob-config", same]).expect(5);
    assert!(filled.stderr.contains("subspace t (blobs) has"), "{}", filled.stderr);
    assert!(!home.path("target").exists());
    fs::rename(home.path("files"), home.path("old-files")).unwrap();
    run(args!["-c", target, "-i", dump, "--blob-config", same]).expect(0);
    assert_same(&dump, &home.export(&target, "again"));
    // Another one.
    let (bucket, elsewhere) = (Server::s3().bucket(), home.json("elsewhere"));
    let other = home.write("other.json", &s3(&bucket, "new/"));
    let refused = run(args!["-c", elsewhere, "-i", dump, "--blob-config", other]).expect(5);
    assert!(refused.stderr.contains(&bucket) && refused.stderr.contains("--yes"), "{}", refused.stderr);
    tells_no_secret(&refused);
    assert!(!home.path("elsewhere").exists());
    let agreed = run(args!["-c", elsewhere, "-i", dump, "--blob-config", other, "--yes"]).expect(0);
    for words in ["recovery mode", &bucket, "keyPrefix = new/", "customRegion = eu-1", "(not shown)"] {
        assert!(agreed.stderr.contains(words), "{words}: {}", agreed.stderr);
    }
    tells_no_secret(&agreed);
    let again = home.path("elsewhere-again");
    run(args!["-c", elsewhere, "-e", again, "--blob-config", other]).expect(0);
    assert_same(&dump, &again);
    // Into the data store, against the object.
    let (inside, default) = (home.json("inside"), home.write("default.json", "{\"@type\": \"Default\"}"));
    let agreed = run(args!["-c", inside, "-i", dump, "--blob-config", default, "--yes"]).expect(0);
    assert!(agreed.stderr.contains("@type = Default"), "{}", agreed.stderr);
    run(args!["-c", inside, "-e", home.path("inside-again"), "--blob-config", default]).expect(0);
    assert_same(&dump, &home.path("inside-again"));
    // A copy is an import.
    let copy = home.json("copy");
    let from = home.path("target.json");
    run(args!["copy", "--from", from, "--to", copy]).expect(5);
    let choice = home.write("copy-blobs.json", &files(&home.path("copy-files")));
    run(args!["copy", "--from", from, "--to", copy, "--blob-config", choice, "--yes"]).expect(0);
    assert!(home.path("copy-files").exists());
}

#[test]
fn objects_that_lead_nowhere_are_overridden_only_when_agreed() {
    let home = Home::new();
    let db = home.fixture("0.16.18", "source");
    put(&db, "s", &unhex(BLOB_STORE), &s3_object("old-bucket", "old/"));
    drop(db);
    let (config, inside) = (home.json("source"), home.write("default.json", "{\"@type\": \"Default\"}"));
    let dump = home.path("dump");
    run(args!["-c", config, "-e", dump, "--blob-config", inside]).expect(0);
    let target = home.json("target");
    let unset = run(args!["-c", target, "-i", dump]).expect(2);
    assert!(unset.stderr.contains(SECRET), "{}", unset.stderr);
    run(args!["-c", target, "-i", dump, "--blob-config", inside]).expect(2);
    let agreed = run(args!["-c", target, "-i", dump, "--blob-config", inside, "--yes"]).expect(0);
    assert!(
        agreed.stderr.contains("recovery mode") && agreed.stderr.contains("@type = Default"),
        "{}",
        agreed.stderr
    );
}

#[test]
fn stores_that_the_old_registry_still_names_are_reported() {
    let home = Home::new();
    let db = home.fixture("0.16.18", "source");
    put(&db, "s", &unhex("0055000012434cb24dcd"), &[1, 1, 4, b'h', b't', b't', b'p']);
    put(&db, "s", &unhex("002f000012434cb24dcd"), &[1, 2, 4, b'r', b'e', b'd', b's']);
    put(&db, "s", &unhex("0072000012434cb24dcd"), &[1, 1]);
    drop(db);
    let config = home.json("source");
    let dump = home.path("dump");
    let exported = run(args!["-c", config, "-e", dump]).expect(0);
    for words in ["SearchStore is kept in another store, ElasticSearch", "InMemoryStore is kept", "Redis"] {
        assert!(exported.stderr.contains(words), "{words}: {}", exported.stderr);
    }
    let imported = run(args!["-c", home.json("target"), "-i", dump]).expect(0);
    for words in ["SearchStore still names ElasticSearch", "InMemoryStore still names Redis"] {
        assert!(imported.stderr.contains(words), "{words}: {}", imported.stderr);
    }
    assert!(!imported.stderr.contains("TracingStore"), "{}", imported.stderr);
}

/// Files as the server's own export writes them: a frame without an end.
fn server_dump(ours: &Path, dir: &Path) {
    fs::create_dir(dir).unwrap();
    for entry in fs::read_dir(ours).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name();
        // What that export leaves out.
        if ["subspace_m", "subspace_y", "subspace_z", "subspace_j", "subspace_w"]
            .contains(&name.to_str().unwrap())
        {
            continue;
        }
        // Without checksums, and with blocks of 64 KiB at most.
        let mut frame = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x40];
        frame.push((xxhash_rust::xxh32::xxh32(&[0x60, 0x40], 0) >> 8) as u8);
        for block in content(&fs::read(entry.path()).unwrap()).chunks(1 << 16) {
            frame.extend((block.len() as u32 | 1 << 31).to_le_bytes());
            frame.extend(block);
        }
        fs::write(dir.join(&name), frame).unwrap();
    }
}

/// What a frame of ours holds: a head of 7 bytes, blocks with a checksum each, an end mark.
fn content(frame: &[u8]) -> Vec<u8> {
    let (mut rest, mut content) = (&frame[7..], Vec::new());
    loop {
        let size = u32::from_le_bytes(rest[..4].try_into().unwrap());
        let (raw, length) = (size >> 31 == 1, (size & 0x7fff_ffff) as usize);
        if length == 0 {
            return content;
        }
        let block = &rest[4..4 + length];
        if raw {
            content.extend(block)
        } else {
            content.extend(lz4_flex::block::decompress(block, 1 << 16).unwrap())
        }
        rest = &rest[8 + length..];
    }
}

#[test]
fn bundles_of_applications_are_no_damage() {
    let home = Home::new();
    let db = home.fixture("0.16.18", "source");
    // source: blob-store facts, "STALWART_APP_1"
    let key = unhex("d42a86358bc35dc31f76598d78dc7fe2c7d9e3d14332a262539b22d0d2673e8f");
    put(&db, "s", &unhex("000b0000000000000001"), b"\x01\x03app");
    put(&db, "t", &key, b"PK a bundle\0");
    put(&db, "k", &key, b"");
    let temporary = [&key[..], &[0xff; 4], &u64::MAX.to_be_bytes()].concat();
    put(&db, "k", &temporary, b"");
    drop(db);
    let config = home.json("source");
    let (dump, theirs) = (home.path("dump"), home.path("theirs"));
    let notice = |ran: Outcome| {
        let outcome = ran.expect(0).last();
        assert_eq!(outcome["findings"]["blob_not_hashed"], 1, "{outcome}");
        assert_eq!(outcome["findings"].get("blob_mismatch"), None, "{outcome}");
    };
    notice(run(args!["-c", config, "-e", dump, "--json"]));
    assert_eq!(blobs_of(&dump)[&key], 11, "without its mark");
    notice(run(args!["verify", dump, "--json"]));
    notice(run(args!["verify", dump, "--against", config, "--json"]));
    let target = home.json("target");
    run(args!["-c", target, "-i", dump, "--strict"]).expect(0);
    assert_same(&dump, &home.export(&target, "again"));
    server_dump(&dump, &theirs);
    notice(run(args!["verify", theirs, "--json"]));
    let from_theirs = home.json("from-theirs");
    notice(run(args!["-c", from_theirs, "-i", theirs, "--json"]));
    let again = home.export(&from_theirs, "from-theirs-again");
    assert!(fs::read(again.join("subspace_t")).unwrap() == fs::read(dump.join("subspace_t")).unwrap());
    // Without its object, a link that is written before a blob is used says that nothing is lost.
    Connection::open(home.path("source"))
        .unwrap()
        .execute("DELETE FROM s WHERE k = x'000b0000000000000001'", [])
        .unwrap();
    run(args!["-c", config, "-e", home.path("orphan")]).expect(0);
    assert_eq!(found(&home.path("orphan"), "blob_provisional"), [hex(&key)]);
    // With a link of an account it is what it looks like.
    let mut temporary = temporary;
    temporary.splice(32..36, [0, 0, 0, 3]);
    put(&Connection::open(home.path("source")).unwrap(), "k", &temporary, b"");
    run(args!["-c", config, "-e", home.path("damaged")]).expect(3);
    assert_eq!(found(&home.path("damaged"), "blob_mismatch"), [hex(&key)]);
}
