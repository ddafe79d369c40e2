//! Forms of stored blobs: compressed and raw side by side, and raw ones that end like something else.

use std::fs;

use super::*;
use crate::harness::program::run;

/// Contents that end in the bytes that mark a form, of several lengths, and harmless ones.
fn contents() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for n in 0..200u32 {
        let mut content: Vec<u8> = (0..n * 7).map(|at| (at * 31 + n * 17) as u8).collect();
        content.extend(n.to_le_bytes());
        content.push([0x00, 0xa1, b'\n', 0x00][n as usize % 4]);
        all.push(content);
    }
    all
}

#[track_caller]
fn all_there(dump: &Path) {
    let blobs = blobs_of(dump);
    for content in contents() {
        let key = blake3::hash(&content);
        assert_eq!(blobs.get(&key.as_bytes()[..]), Some(&(content.len() as u64)), "{key}");
    }
    let verified = run(args!["verify", dump, "--json"]).expect(0).last();
    for kind in ["blob_mismatch", "blob_missing", "unknown_key", "bad_value"] {
        assert_eq!(verified["findings"].get(kind), None, "{verified}");
    }
}

#[test]
fn raw_and_compressed_blobs_are_told_apart_by_their_hash() {
    for compressed in [true, false] {
        let home = Home::new();
        let db = home.fixture("0.15.5", "mixed");
        for (n, content) in contents().iter().enumerate() {
            linked(&db, content, &if n % 8 < 4 { content.clone() } else { lz4(content) });
        }
        drop(db);
        let store = |store: Store| if compressed { store.lz4() } else { store };
        let config = home.toml("mixed", &store(Store::Sqlite("mixed")), &Store::Data);
        let dump = home.export(&config, "dump");
        all_there(&dump);
        // The same in files, where the other half is compressed.
        let files = home.toml("files", &Store::Sqlite("files"), &store(Store::Fs("blobs", 2)));
        home.import(&files, &dump);
        for (n, content) in contents().iter().enumerate() {
            let path = home.path("blobs").join(file_of(blake3::hash(content).as_bytes(), 2));
            let expect = if compressed { lz4(content) } else { content.clone() };
            assert_eq!(fs::read(&path).unwrap(), expect, "as the configuration says");
            fs::write(&path, if n % 8 < 4 { lz4(content) } else { content.clone() }).unwrap();
        }
        let again = home.export(&files, "again");
        all_there(&again);
        assert_same(&dump, &again);
        assert!(found(&again, "blob_mismatch").is_empty());
    }
}

#[test]
fn from_0_16_on_blobs_are_marked_whatever_they_end_in() {
    let home = Home::new();
    let db = home.fixture("0.16.18", "mixed");
    for (n, content) in contents().iter().enumerate() {
        let plain = [&content[..], &[0]].concat();
        // Also as an older release has left them.
        linked(&db, content, [&lz4(content), &plain, content][n % 3]);
    }
    drop(db);
    let dump = home.export(&home.json("mixed"), "dump");
    all_there(&dump);
    let files = home.write("files-blobs.json", &registry::files(&home.path("blobs")));
    let target = home.json("target");
    run(args!["-c", target, "-i", dump, "--blob-config", files, "--yes"]).expect(0);
    for content in contents() {
        let path = home.path("blobs").join(file_of(blake3::hash(&content).as_bytes(), 2));
        assert_eq!(fs::read(&path).unwrap(), lz4(&content));
    }
    let again = home.path("again");
    run(args!["-c", target, "-e", again, "--blob-config", files]).expect(0);
    assert_same(&dump, &again);
}
