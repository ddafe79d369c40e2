//! Values at the limits of pieces, keys that look like pieces, and the ends of ranges among them.

use std::collections::BTreeMap;

use stalwart_migrate::backend::foundationdb::{FoundationDbSource, FoundationDbTarget};
use stalwart_migrate::backend::{KeyRange, PieceFaultKind, Source, Target};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, BackendKind, Table};
use stalwart_migrate::settings::FoundationDbSettings;

use super::double::{Cluster, Pairs, in_process};
use crate::harness::alone::test_name;

pub fn settings(cluster: &Cluster) -> FoundationDbSettings {
    FoundationDbSettings {
        cluster_file: Some(cluster.file()),
        transaction_timeout: None,
        retry_limit: None,
        max_retry_delay: None,
        machine_id: None,
        datacenter_id: None,
    }
}

pub fn source(cluster: &Cluster) -> FoundationDbSource {
    let source = FoundationDbSource::open(&settings(cluster), 8 << 20, 2).unwrap();
    source.learn_version(catalog::version(5).unwrap());
    source
}

fn table(letter: char) -> &'static Table {
    catalog::version(5).unwrap().subspace(letter).unwrap().table(BackendKind::FoundationDb).unwrap()
}

pub fn read(source: &dyn Source, letter: char, range: &KeyRange, budget: usize) -> Pairs {
    let mut pages = source.scan(table(letter), range).unwrap();
    let (mut page, mut records) = (Page::new(), BTreeMap::new());
    while pages.next(&mut page, budget).unwrap() {
        records.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
    }
    records
}

fn write(target: &dyn Target, letter: char, records: &Pairs) {
    let mut shard = target.shard(table(letter)).unwrap();
    for (key, value) in records {
        let mut page = Page::new();
        page.push(key, value);
        shard.write(&page).unwrap();
    }
    shard.commit().unwrap();
}

fn property(document: u8) -> Vec<u8> {
    vec![0, 0, 0, 3, 9, 0x32, 0, 0, 0, document]
}

#[test]
fn values_of_every_length_come_back() {
    in_process(test_name!(values_of_every_length_come_back), &[], || {
        let cluster = Cluster::new();
        let target = FoundationDbTarget::open(&settings(&cluster), catalog::version(5).unwrap()).unwrap();
        let lengths = [0, 1, 99_999, 100_000, 100_001, 200_000, 9_000_000, 9_200_000];
        let value = |length: usize| -> Vec<u8> { (0..length).map(|n| (n % 251) as u8).collect() };
        let records: Pairs = (0..).zip(lengths).map(|(n, length)| (property(n), value(length))).collect();
        write(&target, 'p', &records);
        let blobs = [0, 1, 100_000, 40_000_000];
        let blobs: Pairs = (0..).zip(blobs).map(|(n, length)| (vec![n; 32], value(length))).collect();
        write(&target, 't', &blobs);
        for source in [target.look().unwrap(), Box::new(source(&cluster)) as Box<dyn Source>] {
            for budget in [1, 1 << 18, usize::MAX] {
                assert!(read(source.as_ref(), 'p', &KeyRange::all(), budget) == records, "{budget}");
            }
            assert!(read(source.as_ref(), 't', &KeyRange::all(), 1 << 18) == blobs);
            for (key, value) in &records {
                assert!(source.get(table('p'), key).unwrap().as_ref() == Some(value), "{}", value.len());
            }
            for (key, value) in &blobs {
                assert!(source.get(table('t'), key).unwrap().as_ref() == Some(value), "{}", value.len());
            }
            assert_eq!(source.piece_faults(), []);
        }
        let pieces = cluster.pairs();
        assert!(pieces.values().all(|value| value.len() <= 100_000));
        // Shorter values take the place of all pieces.
        let short: Pairs = records.keys().chain([&vec![9; 3]]).map(|key| (key.clone(), vec![7])).collect();
        write(&target, 'p', &short);
        let short_blobs: Pairs = blobs.keys().map(|key| (key.clone(), vec![7])).collect();
        write(&target, 't', &short_blobs);
        assert_eq!(cluster.pairs().len(), short.len() + short_blobs.len());
        write(&target, 'p', &records);
        target.delete(table('p'), &records.keys().cloned().collect::<Vec<_>>()).unwrap();
        target.clear(table('t'), &[vec![1; 32]]).unwrap();
        assert_eq!(cluster.pairs().len(), 2);
    });
}

/// Keys of every kind that can be mistaken, as a cluster has them.
fn mixed() -> Pairs {
    let mut pairs = Pairs::new();
    let mut cut = |letter: u8, key: &[u8], value: &[u8]| {
        for (at, piece) in value.chunks(100_000).enumerate() {
            let mut key = [&[letter], key].concat();
            key.extend(at.checked_sub(1).map(|at| at as u8));
            pairs.insert(key, piece.to_vec());
        }
    };
    cut(b's', b"a", &[b'a'; 250_000]);
    cut(b's', b"ab", b"short");
    cut(b's', b"abc", &[b'c'; 100_000]);
    cut(b's', b"abd", b"short");
    cut(b's', b"b", &[b'b'; 300_000]);
    cut(b's', b"bz", &[b'z'; 150_000]);
    cut(b's', b"c", b"short");
    cut(b'p', &property(1), &[1; 450_000]);
    cut(b'p', &property(1), &[2; 120_000]);
    cut(b'p', &property(2), &[1; 350_000]);
    cut(b'p', &property(2), &[3; 5]);
    cut(b'p', &property(3), &[4; 5]);
    pairs
}

#[test]
fn no_range_cuts_a_value() {
    in_process(test_name!(no_range_cuts_a_value), &[], || {
        let cluster = Cluster::new();
        cluster.fill(&mixed());
        let faults = {
            let source = source(&cluster);
            let all = read(&source, 's', &KeyRange::all(), usize::MAX);
            assert_eq!(all.len(), 7);
            assert_eq!(read(&source, 'p', &KeyRange::all(), usize::MAX).len(), 3);
            source.piece_faults()
        };
        let kinds = |kind| faults.iter().filter(|fault| fault.kind == kind).count();
        assert_eq!(
            (kinds(PieceFaultKind::Orphan), kinds(PieceFaultKind::LookAlike)),
            (3 + 3, 2),
            "{faults:?}"
        );
        for letter in ['s', 'p'] {
            let all = read(&source(&cluster), letter, &KeyRange::all(), usize::MAX);
            let physical: Vec<Vec<u8>> = cluster
                .pairs()
                .into_keys()
                .filter(|key| key[0] == letter as u8)
                .map(|key| key[1..].to_vec())
                .collect();
            for split in &physical {
                for more in [&[][..], &[0], &[0xff]] {
                    let source = source(&cluster);
                    let split = [split, more].concat();
                    let ranges = KeyRange::between(vec![split.clone()]);
                    let parts: Vec<Pairs> =
                        ranges.iter().map(|range| read(&source, letter, range, 1000)).collect();
                    let found: Vec<_> = parts.iter().flatten().collect();
                    assert!(found.iter().copied().eq(all.iter()), "{split:02x?}");
                    let of_table: Vec<_> =
                        faults.iter().filter(|fault| fault.table == letter.to_string()).cloned().collect();
                    assert_eq!(source.piece_faults(), of_table, "{split:02x?}");
                }
            }
            for n in [2, 3, 8, 100] {
                let source = source(&cluster);
                let ranges = source.ranges(table(letter), n).unwrap();
                let parts: Vec<_> =
                    ranges.iter().flat_map(|range| read(&source, letter, range, 1000)).collect();
                assert!(parts.into_iter().eq(all.clone()), "{n}");
            }
        }
    });
}

#[test]
fn a_blob_without_a_piece_is_told() {
    let cluster = Cluster::of_a_server();
    let mut pairs = cluster.pairs();
    let second = pairs.keys().find(|key| key.starts_with(b"t") && key.ends_with(&[0, 1])).unwrap().clone();
    let (first, third) = ([&second[..33], &[0, 0]].concat(), [&second[..33], &[0, 2]].concat());
    let last = pairs.remove(&second).unwrap();
    pairs.insert(third, last);
    cluster.fill(&pairs);
    cluster.export("dump", &[]).expect(3).says(&["values whose pieces are missing", "piece 1 is missing"]);
    pairs.remove(&first);
    cluster.fill(&pairs);
    cluster.export("dump2", &[]).expect(3).says(&["pieces 0 to 1 are missing", "make no value"]);
}
