//! Stores in FoundationDB: the program with the double of the client library, on what a real server has written and on
//! keys made up for what is hard to tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::digests::check_digests;
use crate::harness::program::outcome;
use crate::harness::site::{Engine, Site, assert_same, findings, manifest};

pub mod double;
mod failures;
mod values;

use double::Cluster;

/// The keys in findings of this kind.
fn keys(dump: &Path, kind: &str) -> Vec<String> {
    let found = findings(dump).into_iter().filter(|finding| finding["kind"] == kind);
    found.map(|f| format!("{}{}", f["subspace"].as_str().unwrap(), f["key"].as_str().unwrap())).collect()
}

#[test]
fn the_export_of_a_real_key_space_names_every_orphan() {
    let cluster = Cluster::of_a_server();
    let before = cluster.pairs();
    cluster.export("dump", &[]).expect(3).says(&["pieces of values that were replaced", "incomplete"]);
    let dump = cluster.path("dump");
    check_digests(&dump, "stalwart-0.15.5/expected/foundationdb.json", &[]);
    let orphans = fs::read("tests/fixtures/stalwart-0.15.5/foundationdb/orphans.json").unwrap();
    let orphans: Vec<BTreeMap<String, Value>> = serde_json::from_slice(&orphans).unwrap();
    let orphans: Vec<&str> = orphans.iter().map(|orphan| orphan["key"].as_str().unwrap()).collect();
    assert_eq!(keys(&dump, "orphan_piece"), orphans);
    assert_eq!(manifest(&dump)["findings"].as_object().unwrap()["orphan_piece"], 5);
    let versions = manifest(&dump)["read_versions"].clone();
    assert!(versions["first"].as_u64().unwrap() <= versions["last"].as_u64().unwrap(), "{versions}");
    assert_eq!(cluster.pairs(), before, "nothing was written");
    for more in [&["--jobs", "1"][..], &["--jobs", "7", "--memory", "16MiB"]] {
        let name = format!("dump{}", more.len());
        cluster.export(&name, more).expect(3);
        assert_same(&dump, &cluster.path(&name));
    }
}

#[test]
fn a_real_key_space_goes_into_every_engine_and_back() {
    let source = Cluster::of_a_server();
    source.export("dump", &[]).expect(3);
    let dump = source.path("dump");
    for engine in [Engine::Sqlite, Engine::RocksDb] {
        let site = Site::empty("0.15.5", engine);
        site.import_with(&dump, &["--yes"]).expect(3).says(&["read back and equal to the dump"]);
        let again = site.export("again");
        assert_same(&dump, &again);
        assert!(manifest(&again).get("read_versions").is_none());
        let target = Cluster::new();
        target.import(&again, &[]).expect(0).says(&["read back and equal to the dump"]);
        target.export("back", &[]).expect(0);
        assert_same(&dump, &target.path("back"));
        assert!(target.pairs().keys().all(|key| key.first().is_some_and(u8::is_ascii_lowercase)));
    }
}

#[test]
fn blobs_may_be_in_a_cluster_and_records_elsewhere() {
    let source = Cluster::of_a_server();
    source.export("dump", &[]).expect(3);
    let target = Cluster::new();
    let text = format!(
        "storage.data = \"db\"\nstorage.blob = \"blobs\"\nstorage.lookup = \"db\"\nstorage.fts = \"db\"\n\
         store.db.type = \"sqlite\"\nstore.db.path = \"{}\"\nstore.blobs.type = \"foundationdb\"\n\
         store.blobs.cluster-file = \"{}\"\nstore.blobs.compression = \"lz4\"\n",
        target.path("store.sqlite3").display(),
        target.file().display()
    );
    fs::write(target.config(), text).unwrap();
    target.import(&source.path("dump"), &["--yes"]).expect(3).says(&["read back and equal to the dump"]);
    let letters: BTreeSet<u8> = target.pairs().into_keys().map(|key| key[0]).collect();
    assert_eq!(letters, BTreeSet::from([b't']));
    target.export("back", &[]).expect(0);
    assert_same(&source.path("dump"), &target.path("back"));
}

#[test]
fn a_cluster_is_recognised_by_whatever_file_leads_to_it() {
    let (source, target) = (Cluster::of_a_server(), Cluster::new());
    let before = source.pairs();
    fs::copy(source.file(), target.file()).unwrap();
    let copy = |from: &Cluster, to: &Cluster| {
        let mut command = from.bare();
        command.arg("copy").arg("--from").arg(from.config()).arg("--to").arg(to.config());
        outcome(command)
    };
    let refused = copy(&source, &target).expect(2);
    assert!(refused.error().contains("the same description and id"), "{refused:?}");
    assert_eq!(source.pairs(), before);
    let other = Cluster::new();
    copy(&source, &other).expect(3).says(&["pieces of values that were replaced", "read back and equal"]);
    let mut command = source.bare();
    command.arg("diff").arg(source.config()).arg(other.config());
    outcome(command).expect(0).says(&["on the left", "pieces of values that were replaced"]);
    // What is read is held, and so is what is written, by the cluster file.
    let file = fs::File::open(other.file()).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockShared).unwrap();
    other.export("dump", &[]).expect(0);
    let refused = other.import(&other.path("dump"), &["--wipe-target", "--yes"]).expect(5);
    assert!(refused.error().contains("another run"), "{refused:?}");
    drop(file);
    other.import(&other.path("dump"), &["--wipe-target", "--yes"]).expect(0);
    other.export("again", &[]).expect(0);
    assert_same(&other.path("dump"), &other.path("again"));
}

#[test]
fn what_no_letter_explains_is_told_and_stays() {
    let cluster = Cluster::of_a_server();
    let mut pairs = cluster.pairs();
    for key in [&b""[..], b"\0tenant", b"Queue", b"\xfeend"] {
        pairs.insert(key.to_vec(), b"of another".to_vec());
    }
    cluster.fill(&pairs);
    cluster.export("dump", &[]).expect(3).says(&["tables the catalog does not know"]);
    let found: Vec<String> = findings(&cluster.path("dump"))
        .iter()
        .filter(|finding| finding["kind"] == "unknown_table")
        .map(|finding| finding["subspace"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(found, ["0x", "0x00", "0x51", "0xfe"]);
}
