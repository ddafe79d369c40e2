//! One suite over the contract of sources and targets: whatever is written to a store, it holds what the model
//! in memory holds, and reads the same.
//!
//! Random histories of shards, deletions and clearings; random ranges and page sizes. A new backend joins with
//! one `Backend`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use stalwart_migrate::backend::memory::Memory;
use stalwart_migrate::backend::rocksdb::{RocksSource, RocksTarget, RocksTargetOptions};
use stalwart_migrate::backend::sqlite::{SqliteSource, SqliteTarget};
use stalwart_migrate::backend::{KeyRange, Source, Target};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, BackendKind, Table};
use stalwart_migrate::settings::RocksDbSettings;

const MEMORY: u64 = 16 << 20;

/// How a kind of store is made and opened in a directory.
struct Backend {
    kind: BackendKind,
    target: fn(&Path) -> Box<dyn Target>,
    source: fn(&Path) -> Box<dyn Source>,
}

const BACKENDS: [Backend; 2] = [
    Backend {
        kind: BackendKind::RocksDb,
        target: |dir| {
            let options = RocksTargetOptions { memory: MEMORY, tables: Vec::new(), legacy: vec!["b".into()] };
            let path = dir.join("new/rocksdb");
            let settings = RocksDbSettings { path, min_blob_size: 16_834, write_buffer_size: 128 << 20 };
            Box::new(RocksTarget::open(&settings, options).unwrap())
        },
        source: |dir| Box::new(RocksSource::open(&dir.join("new/rocksdb"), MEMORY).unwrap()),
    },
    Backend {
        kind: BackendKind::Sqlite,
        target: |dir| Box::new(SqliteTarget::open(&dir.join("new/store.sqlite3"), MEMORY).unwrap()),
        source: |dir| Box::new(SqliteSource::open(&dir.join("new/store.sqlite3"), MEMORY, 4).unwrap()),
    },
];

/// One that needs a process of its own, with the double of its client library.
#[cfg(feature = "foundationdb")]
const FOUNDATIONDB: Backend = Backend {
    kind: BackendKind::FoundationDb,
    target: |dir| {
        use stalwart_migrate::backend::foundationdb::FoundationDbTarget;
        let target = FoundationDbTarget::open(&cluster(dir), catalog::version(5).unwrap());
        Box::new(target.unwrap())
    },
    source: |dir| {
        use stalwart_migrate::backend::foundationdb::FoundationDbSource;
        Box::new(FoundationDbSource::open(&cluster(dir), MEMORY, 4).unwrap())
    },
};

#[cfg(feature = "foundationdb")]
fn cluster(dir: &Path) -> stalwart_migrate::settings::FoundationDbSettings {
    let file = dir.join("fdb.cluster");
    if !file.exists() {
        std::fs::write(&file, "test:test@127.0.0.1:4500").unwrap();
    }
    stalwart_migrate::settings::FoundationDbSettings {
        cluster_file: Some(file),
        transaction_timeout: None,
        retry_limit: None,
        max_retry_delay: None,
        machine_id: None,
        datacenter_id: None,
    }
}

/// A subspace of each kind of value: bytes, none, counter, blob.
const LETTERS: [char; 4] = ['p', 'i', 'n', 't'];

fn table(kind: BackendKind, letter: char) -> &'static Table {
    catalog::version(5).unwrap().subspace(letter).unwrap().table(kind).unwrap()
}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// Something done to a target.
#[derive(Debug, Clone)]
enum Step {
    /// Records in pages of so many, committed or dropped.
    Shard {
        letter: char,
        records: Records,
        page: usize,
        commit: bool,
    },
    Delete {
        letter: char,
        keys: Vec<Vec<u8>>,
    },
    Clear {
        letter: char,
        kept: BTreeSet<Vec<u8>>,
    },
    /// The target is closed and opened again.
    Reopen,
}

fn letter() -> impl Strategy<Value = char> {
    select(&LETTERS[..])
}

/// Few different keys, so that steps meet; many with bytes at the edges.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(select(&[0u8, 1, 0x41, 0x7f, 0x80, 0xfe, 0xff][..]), 1..4),
        1 => Just(vec![]),
        1 => vec(any::<u8>(), 1..80),
        1 => (any::<u8>(), 250usize..600).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn value(letter: char) -> BoxedStrategy<Vec<u8>> {
    match letter {
        'i' => Just(vec![]).boxed(),
        'n' => prop_oneof![any::<i64>(), select(&[0, 1, -1, i64::MIN, i64::MAX][..])]
            .prop_map(|number| number.to_le_bytes().to_vec())
            .boxed(),
        _ => prop_oneof![
            8 => vec(any::<u8>(), 0..40),
            2 => Just(vec![]),
            1 => (any::<u8>(), 1000usize..40_000).prop_map(|(byte, length)| vec![byte; length]),
            1 => any::<u8>().prop_map(|byte| vec![byte; 1 << 20]),
        ]
        .boxed(),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let shard = letter().prop_flat_map(|letter| {
        (Just(letter), btree_map(key(), value(letter), 0..30), 1usize..20, prop::bool::weighted(0.8))
    });
    prop_oneof![
        8 => shard.prop_map(|(letter, records, page, commit)| Step::Shard { letter, records, page, commit }),
        2 => (letter(), vec(key(), 0..20)).prop_map(|(letter, keys)| Step::Delete { letter, keys }),
        1 => (letter(), btree_set(key(), 0..4)).prop_map(|(letter, kept)| Step::Clear { letter, kept }),
        1 => Just(Step::Reopen),
    ]
}

fn range() -> impl Strategy<Value = KeyRange> {
    (prop::option::of(key()), prop::option::of(key())).prop_map(|(after, until)| KeyRange { after, until })
}

fn apply(target: &dyn Target, step: &Step) {
    let table = |letter| table(target.kind(), letter);
    match step {
        Step::Shard { letter, records, page: count, commit } => {
            let mut shard = target.shard(table(*letter)).unwrap();
            let records: Vec<_> = records.iter().collect();
            for records in records.chunks(*count) {
                let mut page = Page::new();
                records.iter().for_each(|(key, value)| page.push(key, value));
                shard.write(&page).unwrap();
            }
            if *commit {
                shard.commit().unwrap();
            }
        }
        Step::Delete { letter, keys } => target.delete(table(*letter), keys).unwrap(),
        Step::Clear { letter, kept } => {
            target.clear(table(*letter), &kept.iter().cloned().collect::<Vec<_>>()).unwrap();
        }
        Step::Reopen => {}
    }
}

/// Reads a range page by page.
fn read(source: &dyn Source, letter: char, range: &KeyRange, budget: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pages = source.scan(table(source.kind(), letter), range).unwrap();
    let (mut page, mut records) = (Page::new(), Vec::new());
    while pages.next(&mut page, budget).unwrap() {
        assert!(!page.is_empty(), "a page holds at least one record");
        let last = page.last().unwrap();
        let before_last = page.size() - last.0.len() - last.1.len();
        assert!(
            page.len() == 1 || before_last.saturating_sub(64) < budget,
            "a page ends when its budget is reached"
        );
        records.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
    }
    assert!(page.is_empty(), "the end comes with an empty page");
    assert!(!pages.next(&mut page, budget).unwrap(), "the end stays the end");
    assert!(records.windows(2).all(|pair| pair[0].0 < pair[1].0), "keys ascend");
    records
}

/// The store reads as the model does, whatever is asked.
fn compare(model: &dyn Source, store: &dyn Source, ranges: &[(KeyRange, usize)], keys: &[Vec<u8>]) {
    assert_eq!(model.kind(), store.kind());
    let rows = |source: &dyn Source| -> BTreeMap<String, bool> {
        source.tables().unwrap().into_iter().map(|table| (table.name, table.rows)).collect()
    };
    let (expected, found) = (rows(model), rows(store));
    for (name, rows) in &expected {
        assert_eq!(found.get(name), Some(rows), "table {name}");
    }
    assert!(found.iter().all(|(name, rows)| !rows || expected.contains_key(name)), "{found:?}");
    for letter in LETTERS {
        let table = table(store.kind(), letter);
        let all = read(model, letter, &KeyRange::all(), usize::MAX);
        assert_eq!(read(store, letter, &KeyRange::all(), 1 << 20), all, "{letter}");
        for (range, budget) in ranges {
            assert_eq!(
                read(store, letter, range, *budget),
                read(model, letter, range, usize::MAX),
                "{letter} {range:?}"
            );
        }
        for parts in [1, 2, 7, 64] {
            let parts = store.ranges(table, parts).unwrap();
            let read: Vec<_> = parts.iter().flat_map(|range| read(store, letter, range, 4096)).collect();
            assert_eq!(read, all, "{letter}: {parts:?}");
        }
        for key in keys.iter().chain(all.iter().map(|(key, _)| key)) {
            assert_eq!(store.get(table, key).unwrap(), model.get(table, key).unwrap(), "{letter} {key:?}");
        }
        assert_eq!(store.unreachable(table).unwrap(), None);
        store.estimate(table).unwrap();
    }
}

fn check(backend: &Backend, steps: &[Step], ranges: &[(KeyRange, usize)], keys: &[Vec<u8>]) {
    let dir = tempfile::tempdir().unwrap();
    let model = Memory::new(backend.kind);
    let tables: Vec<&Table> = LETTERS.iter().map(|letter| table(backend.kind, *letter)).collect();
    Target::create(&model, &tables).unwrap();
    let mut target = (backend.target)(dir.path());
    target.create(&tables).unwrap();
    for step in steps {
        if let Step::Reopen = step {
            drop(target);
            target = (backend.target)(dir.path());
            // Creating what is there changes nothing.
            target.create(&tables).unwrap();
        }
        let step = told_apart(backend, step);
        apply(target.as_ref(), &step);
        apply(&model, &step);
    }
    // Through what holds the lock as well as afterwards.
    compare(&model, target.look().unwrap().as_ref(), ranges, keys);
    target.finish().unwrap();
    drop(target);
    compare(&model, (backend.source)(dir.path()).as_ref(), ranges, keys);
}

/// Random histories for one kind of store.
fn histories(backend: &Backend) {
    let mut config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: 200, ..Default::default() };
    // Enough for every run of the suite; the variable asks for more.
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 64;
    }
    let strategy = (vec(step(), 0..12), vec((range(), 1usize..100_000), 0..6), vec(key(), 0..6));
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&strategy, |(steps, ranges, keys)| {
        check(backend, &steps, &ranges, &keys);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{}: {error}", backend.kind.name()));
}

#[test]
fn rocksdb_holds_what_the_model_holds() {
    histories(&BACKENDS[0]);
}

#[test]
fn sqlite_holds_what_the_model_holds() {
    histories(&BACKENDS[1]);
}

/// Short keys that begin with each other are no keys of a server, so a long value of one of them could not be told
/// from others: values are kept short where pieces have no numbers.
#[cfg(feature = "foundationdb")]
#[test]
fn foundationdb_holds_what_the_model_holds() {
    use crate::foundationdb::double::in_process;
    use crate::harness::alone::test_name;
    in_process(test_name!(foundationdb_holds_what_the_model_holds), &[], || histories(&FOUNDATIONDB));
}

/// The step, with values that the backend can tell apart.
fn told_apart(backend: &Backend, step: &Step) -> Step {
    let mut step = step.clone();
    if let Step::Shard { letter, records, .. } = &mut step
        && table(backend.kind, *letter).pieces.is_some_and(|pieces| pieces.number_width == 0)
    {
        records.values_mut().for_each(|value| value.truncate(50_000));
    }
    step
}

fn shard(letter: char, records: &[(&[u8], &[u8])], commit: bool) -> Step {
    let records = records.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    Step::Shard { letter, records, page: 2, commit }
}

#[test]
fn what_the_contract_promises() {
    let (one, two) = (1i64.to_le_bytes(), 2i64.to_le_bytes());
    let large = vec![0xa1; 1 << 20];
    for (what, steps) in [
        ("nothing", vec![]),
        ("an empty shard", vec![shard('p', &[], true)]),
        (
            "counters are set, not added",
            vec![shard('n', &[(b"c", &two)], true), shard('n', &[(b"c", &one)], true)],
        ),
        (
            "a repeated shard replaces itself",
            vec![
                shard('p', &[(b"a", b"1"), (b"b", b"2")], true),
                shard('p', &[(b"a", b"3"), (b"b", b"")], true),
            ],
        ),
        (
            "a dropped shard leaves nothing",
            vec![shard('p', &[(b"a", b"1")], false), shard('i', &[(b"a", b"")], false)],
        ),
        (
            "nor does it spoil the next",
            vec![shard('p', &[(b"a", b"1")], false), shard('p', &[(b"b", b"2")], true)],
        ),
        (
            "keys of zeros and ones",
            vec![shard('p', &[(b"\0", b"1"), (b"\0\0", b"2"), (b"\xff", b"3"), (b"\xff\xff", b"4")], true)],
        ),
        ("the empty key", vec![shard('p', &[(b"", b"1")], true), shard('i', &[(b"", b"")], true)]),
        ("large values", vec![shard('t', &[(b"a", &large), (b"b", b""), (b"c", &large)], true)]),
        (
            "cleared to the last key",
            vec![
                shard('p', &[(b"a", b"1"), (b"\xff\xff", b"2")], true),
                Step::Clear { letter: 'p', kept: BTreeSet::new() },
            ],
        ),
        (
            "written again after clearing",
            vec![
                shard('p', &[(b"a", b"1")], true),
                Step::Clear { letter: 'p', kept: BTreeSet::new() },
                shard('p', &[(b"a", b"2")], true),
            ],
        ),
        (
            "written again after deleting",
            vec![
                shard('n', &[(b"a", &one)], true),
                Step::Delete { letter: 'n', keys: vec![b"a".to_vec(), b"b".to_vec()] },
                shard('n', &[(b"a", &two)], true),
            ],
        ),
        (
            "what was there stays when reopened",
            vec![shard('p', &[(b"a", b"1")], true), Step::Reopen, shard('p', &[(b"b", b"1")], true)],
        ),
    ] {
        for backend in &BACKENDS {
            println!("{}: {what}", backend.kind.name());
            check(backend, &steps, &[(KeyRange::all(), 1)], &[b"a".to_vec(), vec![]]);
        }
    }
}

/// The model itself, against plain maps.
#[test]
fn the_model_is_a_sorted_map() {
    let model = Memory::new(BackendKind::Sqlite);
    let ends = |after: Option<&[u8]>, until: Option<&[u8]>| KeyRange {
        after: after.map(<[u8]>::to_vec),
        until: until.map(<[u8]>::to_vec),
    };
    apply(&model, &shard('p', &[(b"b", b"2"), (b"a", b"1"), (b"c", b"3")], true));
    apply(&model, &shard('p', &[(b"d", b"4")], false));
    for (range, expected) in [
        (KeyRange::all(), "abc"),
        (ends(Some(b"a"), None), "bc"),
        (ends(None, Some(b"b")), "ab"),
        (ends(Some(b"a"), Some(b"b")), "b"),
        (ends(Some(b"b"), Some(b"a")), ""),
        (ends(Some(b"c"), None), ""),
    ] {
        let keys = read(&model, 'p', &range, 1).into_iter().flat_map(|(key, _)| key).collect();
        assert_eq!(String::from_utf8(keys).unwrap(), expected, "{range:?}");
    }
}
