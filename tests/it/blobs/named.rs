//! Blobs that are left out: whatever a link names is looked for in the blob store, and nothing is read or written
//! there. With `--no-verify` no request is sent.

use std::fs;

use super::*;
use crate::harness::program::run;

/// The same configuration with a service that is not there.
fn dead(home: &Home, config: &Path) -> PathBuf {
    let text = fs::read_to_string(config).unwrap();
    let closed = format!("http://127.0.0.1:{}", blob_servers::free_port());
    home.write("dead.toml", &text.replace(&Server::s3().endpoint(), &closed))
}

#[test]
fn exports_without_blobs_look_for_each() {
    let home = Home::new();
    let dump = original(&home);
    let bucket = Server::s3().bucket();
    let config = home.toml("s3", &Store::Sqlite("data"), &Store::S3(bucket.clone(), "m/"));
    home.import(&config, &dump);
    let count = |n: usize| home.path(&format!("without{n}"));
    for (n, left) in ["t", "@blob"].iter().enumerate() {
        let ran = run(args!["-c", config, "-e", count(n), "--exclude", left]).expect(0);
        assert!(ran.stderr.contains(" linked, ") && ran.stderr.contains(" 0 missing"), "{}", ran.stderr);
        assert!(!count(n).join("subspace_t").exists());
    }
    fs::remove_file(Server::s3().object(&bucket, &format!("m/{EXAMPLE_NAME}"))).unwrap();
    let ran = run(args!["-c", config, "-e", count(2), "--exclude", "t"]).expect(3);
    assert!(ran.stderr.contains(" 1 missing"), "{}", ran.stderr);
    assert_eq!(found(&count(2), "blob_missing"), [EXAMPLE_KEY]);
    run(args!["-c", config, "-e", count(3), "--exclude", "t", "--no-verify"]).expect(0);
    let dead = dead(&home, &config);
    let text = fs::read_to_string(&dead).unwrap() + "store.blobs.max-retries = 0\n";
    fs::write(&dead, text).unwrap();
    run(args!["-c", dead, "-e", count(4), "--exclude", "t", "--no-verify"]).expect(0);
    assert_same(&count(0), &count(4));
    run(args!["-c", dead, "-e", count(5), "--exclude", "t"]).expect(1);
    run(args!["-c", dead, "-e", count(6), "--exclude", "t,k"]).expect(0);
}

#[test]
fn imports_without_blobs_look_for_each() {
    let home = Home::new();
    let dump = original(&home);
    let config = home.toml("first", &Store::Sqlite("first"), &Store::Fs("blobs", 2).lz4());
    home.import(&config, &dump);
    let without = home.path("without");
    run(args!["-c", config, "-e", without, "--exclude", "@blob"]).expect(0);
    // Moved by another tool, the blobs are there already.
    let second = home.toml("second", &Store::RocksDb("second"), &Store::Fs("blobs", 2).lz4());
    let ran = run(args!["-c", second, "-i", without]).expect(0);
    assert!(ran.stderr.contains(" linked, ") && ran.stderr.contains(" 0 missing"), "{}", ran.stderr);
    assert_same(&dump, &home.export(&second, "again"));
    run(args!["verify", without, "--against", second]).expect(0);
    fs::remove_file(home.path("blobs").join(file_of(blake3::hash(EXAMPLE).as_bytes(), 2))).unwrap();
    let third = home.toml("third", &Store::Sqlite("third"), &Store::Fs("blobs", 2).lz4());
    let ran = run(args!["-c", third, "-i", without, "--json"]).expect(3);
    assert_eq!(ran.last()["findings"]["blob_missing"], 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(EXAMPLE_KEY) && ran.stderr.contains(" 1 missing"), "{}", ran.stderr);
    run(args!["verify", without, "--against", third]).expect(3);
    // Emptying the target leaves the blobs that it does not bring.
    run(args!["-c", third, "-i", without, "--wipe-target", "--yes"]).expect(3);
    assert!(home.path("blobs/53/54/knkectcxifjfix7xivbecrcnjfha").exists());
    let fourth = home.toml("fourth", &Store::Sqlite("fourth"), &Store::Fs("blobs", 2).lz4());
    run(args!["-c", fourth, "-i", without, "--no-verify"]).expect(0);
    let nowhere = home.toml("nowhere", &Store::Sqlite("fifth"), &Store::Fs("nowhere", 2).lz4());
    run(args!["-c", nowhere, "-i", without]).expect(2);
    assert!(!home.path("fifth").exists() && !home.path("nowhere").exists());
    run(args!["-c", nowhere, "-i", without, "--no-verify"]).expect(0);
    assert!(!home.path("nowhere").exists());
}
