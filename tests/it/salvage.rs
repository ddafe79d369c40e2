//! Damaged stores: without --salvage every damage is an error and nothing passes for a dump; with it every record
//! is in the dump as it was, or in a line that says that it is lost.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use stalwart_migrate::base::page::Page;
use stalwart_migrate::dump::reader::{Dump, Verify};

use crate::harness::generate;
use crate::harness::site;
use crate::harness::site::{RocksDb, Site, Sqlite, findings, manifest, outcome, trace};

type Records = BTreeMap<(char, Vec<u8>), Vec<u8>>;

/// Every record of a dump.
fn records(dump: &Path) -> Records {
    let dump = Dump::open(dump).unwrap();
    let mut all = Records::new();
    for file in dump.subspaces() {
        let mut reader = dump.open_subspace(file.letter, Verify::Digests).unwrap();
        let mut page = Page::new();
        while reader.read_page(&mut page, 1 << 20).unwrap() {
            all.extend(page.iter().map(|(key, value)| ((file.letter, key.to_vec()), value.to_vec())));
        }
    }
    all
}

/// What a dump says is lost: subspace, and a key or the ends of a range.
struct Lost(Vec<(String, String, Option<String>)>);

impl Lost {
    fn of(dump: &Path) -> Lost {
        let lost = findings(dump).into_iter().filter(|finding| finding["kind"] == "lost");
        Lost(
            lost.map(|finding| {
                let (subspace, key) =
                    (finding["subspace"].as_str().unwrap(), finding["key"].as_str().unwrap());
                assert!(!finding["detail"].as_str().unwrap().is_empty());
                match key.split_once("..") {
                    Some((after, before)) => (subspace.into(), after.into(), Some(before.into())),
                    None => (subspace.into(), key.into(), None),
                }
            })
            .collect(),
        )
    }

    fn has(&self, letter: char, key: &[u8]) -> bool {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.iter().any(|(subspace, after, before)| {
            (subspace == "*" || *subspace == letter.to_string())
                && match before {
                    None => *after == key,
                    Some(before) => {
                        (after.is_empty() || key > *after) && (before.is_empty() || key < *before)
                    }
                }
        })
    }
}

/// How many records a damage may cost at most; whether it costs any at all.
#[derive(Clone, Copy)]
struct Cost {
    most: usize,
    /// Whether records may be as they were earlier, or be there again.
    older: bool,
    /// Whether reading without --salvage fails.
    fails: bool,
}

fn check(what: &str, damaged: &Site, before: &Records, cost: Cost) {
    let source = trace(&damaged.store_dir());
    let refused = damaged.export_with("refused", &[]);
    if cost.fails {
        let refused = refused.expect(1);
        assert!(refused.error().contains("--salvage"), "{what}: {refused:?}");
        assert!(!damaged.path("refused/manifest/manifest.json").exists(), "{what}");
    }
    if damaged.path("refused/manifest/manifest.json").exists() {
        assert!(records(&damaged.path("refused")) == *before, "{what}: silently changed");
    }
    let _ = fs::remove_dir_all(damaged.path("refused"));
    // The record with the version may be among what is damaged.
    let salvaged = damaged.export_with("salvaged", &["--salvage", "--schema", "5"]);
    let complete = salvaged.status.code() == Some(0);
    let salvaged = salvaged.expect(if complete { 0 } else { 3 });
    assert_eq!(trace(&damaged.store_dir()), source, "{what}: the source is untouched");
    let dump = damaged.path("salvaged");
    let (after, lost) = (records(&dump), Lost::of(&dump));
    let mut gone = 0;
    for ((letter, key), value) in before {
        match after.get(&(*letter, key.clone())) {
            Some(found) if found == value => {}
            // What the engine cannot see is seen by the hash.
            Some(_) if cost.older => gone += 1,
            Some(_) if salvaged.stderr.contains("do not match") || salvaged.stderr.contains("mismatch") => {
                gone += 1
            }
            Some(_) => panic!("{what}: {letter} {key:02x?} has changed"),
            None => {
                gone += 1;
                assert!(
                    lost.has(*letter, key),
                    "{what}: {letter} {key:02x?} is lost and not listed: {:?}",
                    lost.0
                );
            }
        }
    }
    for place in after.keys() {
        assert!(cost.older || before.contains_key(place), "{what}: {place:02x?} was not there before");
    }
    assert_eq!(lost.0.is_empty(), complete, "{what}");
    println!("{what}: {} of {} records lost, in {} lines", gone, before.len(), lost.0.len());
    lost.0.iter().take(6).for_each(|line| println!("  {line:?}"));
    assert!(gone <= cost.most, "{what}: {gone} records lost");
    if !lost.0.is_empty() {
        assert_eq!(manifest(&dump)["completeness"], "salvage", "{what}");
        let target = Site::empty("0.15.5", Sqlite);
        let refused = target.import_with(&dump, &[]).expect(5);
        assert!(refused.error().contains("salvaged from a damaged store"), "{what}: {refused:?}");
        refused.says(&["the dump's export has found", "not in the dump: subspace"]);
        // Without its schema-version record nothing can become a store.
        if after.contains_key(&('p', vec![0])) {
            target.import_with(&dump, &["--yes"]).expect(3).says(&["not in the dump: subspace"]);
            target.verify_against(&dump).expect(3);
        }
    }
    let mut verify = damaged.program();
    verify.arg("verify").arg(&dump);
    assert!([0, 3, 4].contains(&outcome(verify).status.code().unwrap()), "{what}");
}

fn generated() -> (Site, PathBuf, Records) {
    let site = Site::empty("0.15.5", Sqlite);
    fs::create_dir_all(site.store_dir()).unwrap();
    generate::sqlite(&site.store(), &generate::Shape { messages: 3_000, blob_bytes: 4_000 }).unwrap();
    let dump = site.export("dump");
    let records = records(&dump);
    (site, dump, records)
}

/// Files of a store by extension, the largest first.
fn by_size(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<(u64, PathBuf)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| (fs::metadata(&path).unwrap().len(), path))
        .collect();
    files.sort();
    files.reverse();
    files.into_iter().map(|(_, path)| path).collect()
}

fn write_at(path: &Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x41], at).unwrap();
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn damaged_table_files_of_rocksdb() {
    let (_site, dump, before) = generated();
    let all = before.len();
    type Damage = fn(&Path);
    let damages: [(&str, Damage, usize); 6] = [
        ("a flipped bit in a table file", |file| flip(file, size(file) / 3), 300),
        ("flipped bits in three blocks", |file| (1..4).for_each(|n| flip(file, n * size(file) / 5)), 900),
        ("a table file cut in half", |file| cut(file, size(file) / 2), all),
        ("a missing table file", |file| fs::remove_file(file).unwrap(), all),
        ("a table file without its footer", |file| write_at(file, size(file) - 64, &[0; 64]), all),
        ("an empty table file", |file| cut(file, 0), all),
    ];
    for (what, damage, most) in damages {
        let damaged = Site::empty("0.15.5", RocksDb);
        damaged.import_with(&dump, &[]).expect(0);
        // Neither the one with the schema version nor the smallest.
        let files = by_size(&damaged.store(), "sst");
        for file in files.iter().take(2) {
            damage(file);
        }
        check(what, &damaged, &before, Cost { most, older: false, fails: true });
    }
}

#[test]
fn damaged_blob_files_of_rocksdb() {
    let site = Site::of("0.15.5", RocksDb);
    let before = records(&site.export("dump"));
    let blobs = before.keys().filter(|(letter, _)| *letter == 't').count();
    for (what, missing) in [("a missing blob file", true), ("a flipped bit in a blob file", false)] {
        let damaged = Site::of("0.15.5", RocksDb);
        let file = by_size(&damaged.store(), "blob").remove(0);
        if missing {
            fs::remove_file(file).unwrap()
        } else {
            flip(&file, size(&file) / 2)
        }
        check(
            what,
            &damaged,
            &before,
            Cost { most: if missing { blobs } else { 1 }, older: false, fails: true },
        );
    }
}

#[test]
fn bad_merge_operands_of_rocksdb() {
    use stalwart_migrate::catalog::{self, BackendKind, ValueKind};
    let (_site, dump, before) = generated();
    let damaged = Site::empty("0.15.5", RocksDb);
    damaged.import_with(&dump, &[]).expect(0);
    let version = catalog::version(5).unwrap();
    let subspace =
        version.subspaces.iter().find(|s| s.value == ValueKind::Counter && s.letter == 'n').unwrap();
    let name = subspace.table(BackendKind::RocksDb).unwrap().merge_operator.unwrap();
    {
        let mut options = rocksdb::Options::default();
        options.set_merge_operator_associative(name, |_, _, operands| {
            operands.iter().last().map(<[u8]>::to_vec)
        });
        let families = rocksdb::DB::list_cf(&options, damaged.store()).unwrap();
        let families =
            families.iter().map(|name| rocksdb::ColumnFamilyDescriptor::new(name, options.clone()));
        let db = rocksdb::DB::open_cf_descriptors(&options, damaged.store(), families).unwrap();
        let counters: Vec<Vec<u8>> =
            before.keys().filter(|(letter, _)| *letter == 'n').map(|(_, key)| key.clone()).collect();
        let family = db.cf_handle("n").unwrap();
        for key in [&counters[3], &counters[7], &counters[counters.len() - 1]] {
            db.merge_cf(&family, key, [1, 2, 3]).unwrap();
        }
        db.flush_cf(&family).unwrap();
    }
    check("bad merge operands", &damaged, &before, Cost { most: 3, older: false, fails: true });
}

#[test]
fn damaged_logs_of_rocksdb() {
    let site = Site::of("0.15.5-killed", RocksDb);
    let before = records(&site.export("dump"));
    let damaged = Site::of("0.15.5-killed", RocksDb);
    let log = by_size(&damaged.store(), "log").remove(0);
    flip(&log, size(&log) / 2);
    // Entries after the damage are replayed on the content from before it.
    let cost = Cost { most: before.len(), older: true, fails: true };
    check("a flipped bit in the log", &damaged, &before, cost);
}

const PAGE: u64 = 4096;

/// Numbers of the pages whose first byte says that they are of this kind.
fn pages(path: &Path, kind: u8) -> Vec<u64> {
    let bytes = fs::read(path).unwrap();
    let all = (1..bytes.len() as u64 / PAGE).filter(|page| bytes[(page * PAGE) as usize] == kind);
    all.collect()
}

#[test]
fn damaged_pages_of_sqlite() {
    let (site, _, before) = generated();
    let (leaf, index_leaf, interior, index_interior) = (13, 10, 5, 2);
    let all = before.len();
    let zero = |path: &Path, page: u64| write_at(path, page * PAGE, &[0; PAGE as usize]);
    let middle = |path: &Path, kind: u8| {
        let found = pages(path, kind);
        found[found.len() / 2]
    };
    type Damage<'a> = Box<dyn Fn(&Path) + 'a>;
    // Half of what it has goes from the list of its cells, and stays where it is.
    let fewer = |path: &Path, page: u64| {
        let count = fs::read(path).unwrap()[(page * PAGE) as usize + 3..][..2].to_vec();
        let half = u16::from_be_bytes([count[0], count[1]]) / 2;
        write_at(path, page * PAGE + 3, &half.to_be_bytes());
    };
    let damages: [(&str, Damage, usize); 12] = [
        ("a leaf page that lists fewer cells", Box::new(|path| fewer(path, middle(path, leaf))), 200),
        (
            "an index leaf page that lists fewer cells",
            Box::new(|path| fewer(path, middle(path, index_leaf))),
            1,
        ),
        (
            "leaf and index leaf pages that list fewer cells",
            Box::new(|path| {
                fewer(path, middle(path, leaf));
                pages(path, index_leaf).into_iter().for_each(|page| fewer(path, page));
            }),
            200,
        ),
        (
            "a key of the index that is not that of its row",
            Box::new(|path| {
                let page = middle(path, index_leaf) * PAGE;
                let bytes = fs::read(path).unwrap();
                let cell = u16::from_be_bytes([bytes[page as usize + 8], bytes[page as usize + 9]]);
                // Behind lengths and types, in the key.
                flip(path, page + u64::from(cell) + 6);
            }),
            2,
        ),
        ("a leaf page of zeros", Box::new(|path| zero(path, middle(path, leaf))), 200),
        (
            "three leaf pages of garbage",
            Box::new(|path| {
                let found = pages(path, leaf);
                (1..4)
                    .for_each(|n| write_at(path, found[n * found.len() / 5] * PAGE, &[0xa5; PAGE as usize]));
            }),
            600,
        ),
        ("an index leaf page of zeros", Box::new(|path| zero(path, middle(path, index_leaf))), 0),
        ("an interior page of zeros", Box::new(|path| zero(path, middle(path, interior))), 0),
        ("an interior index page of zeros", Box::new(|path| zero(path, middle(path, index_interior))), 0),
        (
            "leaf and index leaf pages of zeros",
            Box::new(|path| {
                zero(path, middle(path, leaf));
                pages(path, index_leaf).into_iter().step_by(9).for_each(|page| zero(path, page));
            }),
            all,
        ),
        ("a file that ends too early", Box::new(|path| cut(path, size(path) / PAGE * 9 / 10 * PAGE)), all),
        (
            "the pages of long values",
            Box::new(|path| {
                // The page after a run of others that are no tree: somewhere in a chain.
                let bytes = fs::read(path).unwrap();
                let chained = (1..bytes.len() as u64 / PAGE - 1).filter(|page| {
                    let next = page * PAGE;
                    bytes[next as usize..][..4] == u32::to_be_bytes(*page as u32 + 2)
                });
                chained.take(3).for_each(|page| zero(path, page));
            }),
            3,
        ),
    ];
    for (what, damage, most) in damages {
        let damaged = Site::empty("0.15.5", Sqlite);
        fs::create_dir_all(damaged.store_dir()).unwrap();
        fs::copy(site.store(), damaged.store()).unwrap();
        damage(&damaged.store());
        let free = most == 0;
        // Which pages matter, and how much an interior page covers, depends on the store.
        let most = if free { all } else { most };
        check(what, &damaged, &before, Cost { most, older: false, fails: !free });
    }
}

#[test]
fn a_whole_store_gives_a_whole_dump() {
    for engine in [RocksDb, Sqlite] {
        let site = Site::of("0.15.5", engine);
        site.export_with("salvaged", &["--salvage"]).expect(0);
        site::assert_same(&site.export("dump"), &site.path("salvaged"));
        assert_eq!(manifest(&site.path("salvaged"))["completeness"], "complete");
        site.export_with("other", &["--salvage", "--resume"]).expect(2);
        site.export_with("other", &["--salvage", "--strict"]).expect(2);
        site.import_with(&site.path("salvaged"), &["--salvage"]).expect(2);
    }
}
