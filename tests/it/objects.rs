//! Blob stores outside databases: one suite over directories, real S3 and Azure services and stores that share
//! blobs; what else may lie there; and everything that can go wrong on the way.

mod answers;
mod faults;
mod files;
mod speed;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use stalwart_migrate::backend::objects::{
    Azure, Flow, Fs, ObjectSource, ObjectTarget, Objects, Possible, S3, ShardedSource, ShardedTarget, names,
};
use stalwart_migrate::backend::{Estimate, KeyRange, Pages, Source, Target};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, BackendKind, Subspace, Table};
use stalwart_migrate::records::blob::BlobRule;
use stalwart_migrate::records::store::Store;
use stalwart_migrate::settings::{AzureCredential, AzureSettings, Endpoint, FsSettings, S3Settings, Secret};

use crate::harness::blob_servers::{self, Server};

const KIND: BackendKind = BackendKind::Sqlite;

const FLOW: Flow = Flow { requests: 8, bytes: 1 << 20 };

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn blobs() -> &'static Subspace {
    catalog::version(5).unwrap().subspace('t').unwrap()
}

fn table() -> &'static Table {
    blobs().table(KIND).unwrap()
}

fn possible() -> Possible {
    std::sync::Arc::new(|key| blobs().layout(key).is_ok())
}

fn s3_settings(endpoint: &str, bucket: &str, prefix: &str) -> S3Settings {
    S3Settings {
        bucket: bucket.into(),
        region: "eu-central-1".into(),
        endpoint: Some(Endpoint::new(endpoint)),
        access_key: Some(Secret::new(blob_servers::ACCESS_KEY)),
        secret_key: Some(Secret::new(blob_servers::SECRET_KEY)),
        security_token: None,
        session_token: None,
        profile: None,
        timeout: Duration::from_secs(30),
        max_retries: 3,
        key_prefix: Some(prefix.to_string()).filter(|prefix| !prefix.is_empty()),
        allow_invalid_certs: false,
    }
}

fn azure_settings(endpoint: &str, container: &str, prefix: &str) -> AzureSettings {
    AzureSettings {
        account: blob_servers::ACCOUNT.into(),
        container: container.into(),
        credential: AzureCredential::AccessKey(Secret::new(blob_servers::ACCOUNT_KEY)),
        endpoint: Some(Endpoint::new(endpoint)),
        timeout: Duration::from_secs(30),
        max_retries: 3,
        key_prefix: Some(prefix.to_string()),
    }
}

fn fs_objects(path: &Path, depth: u8) -> Fs {
    Fs::new(&FsSettings { path: path.to_path_buf(), depth })
}

fn source(objects: Box<dyn Objects>) -> ObjectSource {
    ObjectSource::open(objects, table(), KIND, possible(), FLOW, false).unwrap()
}

fn target(objects: Box<dyn Objects>) -> ObjectTarget {
    ObjectTarget::new(objects, table(), KIND, possible(), FLOW)
}

/// A blob store and how it is opened.
struct Site {
    name: String,
    source: Box<dyn Fn() -> Box<dyn Source>>,
    target: Box<dyn Fn() -> Box<dyn Target>>,
}

impl Site {
    fn of(name: &str, objects: impl Fn() -> Box<dyn Objects> + Clone + 'static) -> Site {
        let again = objects.clone();
        Site {
            name: name.to_string(),
            source: Box::new(move || Box::new(source(objects()))),
            target: Box::new(move || Box::new(target(again()))),
        }
    }

    fn fs(path: &Path, depth: u8) -> Site {
        let path = path.to_path_buf();
        Site::of(&format!("fs, depth {depth}"), move || Box::new(fs_objects(&path, depth)))
    }

    fn s3(bucket: &str, prefix: &str) -> Site {
        let settings = s3_settings(&Server::s3().endpoint(), bucket, prefix);
        Site::of(&format!("s3, prefix {prefix:?}"), move || Box::new(S3::new(&settings).unwrap()))
    }

    fn azure(container: &str, prefix: &str) -> Site {
        let settings = azure_settings(&Server::azure().endpoint(), container, prefix);
        Site::of(&format!("azure, prefix {prefix:?}"), move || Box::new(Azure::new(&settings).unwrap()))
    }

    fn sharded(name: &str, members: Vec<Site>) -> Site {
        let (sources, targets): (Vec<_>, Vec<_>) = members.into_iter().map(|m| (m.source, m.target)).unzip();
        Site {
            name: name.to_string(),
            source: Box::new(move || {
                let members = sources.iter().map(|open| (open(), table())).collect();
                Box::new(ShardedSource::new(KIND, table(), members).unwrap())
            }),
            target: Box::new(move || {
                let members = targets.iter().map(|open| (open(), table())).collect();
                Box::new(ShardedTarget::new(KIND, table(), members).unwrap())
            }),
        }
    }

    fn write(&self, records: &Records) {
        let target = (self.target)();
        target.create(&[table()]).unwrap();
        let all: Vec<_> = records.iter().collect();
        for part in all.chunks(all.len().div_ceil(3).max(1)) {
            let mut shard = target.shard(table()).unwrap();
            for page in part.chunks(7) {
                let mut records = Page::new();
                page.iter().for_each(|(key, value)| records.push(key, value));
                shard.write(&records).unwrap();
            }
            shard.commit().unwrap();
        }
        target.finish().unwrap();
    }

    fn read(&self) -> Records {
        let source = (self.source)();
        scan(source.as_ref(), &KeyRange::all(), 1 << 20).into_iter().collect()
    }
}

/// Everything in a range, checked to be in order.
#[track_caller]
fn scan(source: &dyn Source, range: &KeyRange, budget: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pages = source.scan(table(), range).unwrap();
    let (mut page, mut all) = (Page::new(), Vec::<(Vec<u8>, Vec<u8>)>::new());
    while pages.next(&mut page, budget).unwrap() {
        assert!(!page.is_empty());
        all.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
    }
    assert!(page.is_empty() && !pages.next(&mut page, budget).unwrap());
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "keys do not ascend");
    all
}

fn key(n: u64) -> Vec<u8> {
    blake3::hash(&n.to_le_bytes()).as_bytes().to_vec()
}

/// Blobs of many sizes: none, small ones, and one that is larger than what may be in memory at once.
fn records(count: u64) -> Records {
    let size = |n: u64| match n % 10 {
        0 => 0,
        1 => 1,
        9 => 70_000,
        n => n as usize * 100,
    };
    let value = |n: u64, size| (0..size).map(|at| (at as u64 * 31 + n) as u8).collect::<Vec<u8>>();
    let mut records: Records = (0..count).map(|n| (key(n), value(n, size(n)))).collect();
    records.insert(key(count), value(7, 3 << 20));
    records.insert(b"STALWART_WEBADMIN".to_vec(), b"PK".to_vec());
    records
}

/// What every blob store does.
fn suite(site: &Site) {
    let name = &site.name;
    let clear = || {
        let target = (site.target)();
        target.create(&[table()]).unwrap();
        target.clear(table(), &[]).unwrap();
    };
    clear();
    let empty = (site.source)();
    assert_eq!(empty.tables().unwrap().len(), 1, "{name}");
    assert!(!empty.tables().unwrap()[0].rows && scan(empty.as_ref(), &KeyRange::all(), 1).is_empty());
    assert_eq!(empty.estimate(table()).unwrap(), Estimate::default());
    assert_eq!(empty.get(table(), &key(1)).unwrap(), None, "{name}");
    assert_eq!(empty.foreign().unwrap(), None, "{name}");

    let mut expect = records(120);
    site.write(&expect);
    let source = (site.source)();
    assert!(source.tables().unwrap()[0].rows, "{name}");
    let bytes = expect.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
    assert_eq!(source.estimate(table()).unwrap(), Estimate { records: expect.len() as u64, bytes });
    for budget in [1, 4096, 1 << 20] {
        let got: Records = scan(source.as_ref(), &KeyRange::all(), budget).into_iter().collect();
        assert!(got == expect, "{name}, pages of {budget}");
    }
    for n in [1, 4, 7] {
        let ranges = source.ranges(table(), n).unwrap();
        assert!(!ranges.is_empty() && ranges.len() <= n);
        // All at the same time, as in a pipeline.
        let parts: Vec<Vec<_>> = std::thread::scope(|scope| {
            let read = |range| scan(source.as_ref(), range, 1000);
            let readers: Vec<_> = ranges.iter().map(|range| scope.spawn(move || read(range))).collect();
            readers.into_iter().map(|reader| reader.join().unwrap()).collect()
        });
        let got: Records = parts.into_iter().flatten().collect();
        assert!(got == expect, "{name} in {n} ranges");
    }
    let middle = expect.keys().nth(60).unwrap().clone();
    let after = KeyRange { after: Some(middle.clone()), until: None };
    let up_to = KeyRange { after: None, until: Some(middle) };
    assert_eq!(scan(source.as_ref(), &after, 1).len(), expect.len() - 61, "{name}");
    assert_eq!(scan(source.as_ref(), &up_to, 1).len(), 61, "{name}");
    for (key, value) in expect.iter().step_by(11) {
        assert!(source.get(table(), key).unwrap().as_ref() == Some(value), "{name}");
    }
    assert_eq!(source.get(table(), &[0; 32]).unwrap(), None, "{name}");
    let before = source.fingerprint().unwrap().unwrap();
    assert_eq!((site.source)().fingerprint().unwrap().unwrap(), before, "{name}");

    // Written again: replaced.
    let again: Records = expect.iter().step_by(5).map(|(key, _)| (key.clone(), b"again".to_vec())).collect();
    site.write(&again);
    expect.extend(again);
    assert!(site.read() == expect, "{name}: replaced");
    assert_ne!((site.source)().fingerprint().unwrap().unwrap(), before, "{name}");

    let gone: Vec<Vec<u8>> = expect.keys().step_by(3).cloned().collect();
    let target = (site.target)();
    target.delete(table(), &gone).unwrap();
    target.delete(table(), &gone).unwrap();
    gone.iter().for_each(|key| drop(expect.remove(key)));
    assert!(site.read() == expect, "{name}: deleted");

    clear();
    assert!(site.read().is_empty(), "{name}: cleared");
}

#[test]
fn directories_do_what_every_blob_store_does() {
    for depth in [0, 2, 5] {
        let dir = tempfile::tempdir().unwrap();
        suite(&Site::fs(&dir.path().join("new/blobs"), depth));
    }
}

#[test]
fn s3_does_what_every_blob_store_does() {
    suite(&Site::s3(&Server::s3().bucket(), ""));
    suite(&Site::s3(&Server::s3().bucket(), "stalwart/"));
}

#[test]
fn azure_does_what_every_blob_store_does() {
    suite(&Site::azure(&Server::azure().container(), ""));
    suite(&Site::azure(&Server::azure().container(), "stalwart/"));
}

#[test]
fn sharded_stores_do_what_every_blob_store_does() {
    let dir = tempfile::tempdir().unwrap();
    let member = |n: u8| Site::fs(&dir.path().join(n.to_string()), n);
    suite(&Site::sharded("three directories", vec![member(0), member(1), member(2)]));
    let s3 = Site::s3(&Server::s3().bucket(), "shard/");
    suite(&Site::sharded("a directory and S3", vec![member(5), s3]));
}

#[test]
fn a_signature_is_as_good_as_the_key() {
    let server = Server::azure();
    let container = server.container();
    let settings = AzureSettings {
        credential: AzureCredential::SasToken(Secret::new(server.sas())),
        ..azure_settings(&server.endpoint(), &container, "p+q/")
    };
    suite(&Site::of("azure, by signature", move || Box::new(Azure::new(&settings).unwrap())));
}

/// Servers that share a bucket or container neither list nor change objects of each other.
fn isolation(site: impl Fn(&str) -> Site, prefixes: &[&str]) {
    let some = |n: u64| -> Records { (0..20).map(|i| (key(n * 100 + i), vec![n as u8; 10])).collect() };
    let sites: Vec<(Site, Records)> =
        prefixes.iter().enumerate().map(|(n, prefix)| (site(prefix), some(n as u64))).collect();
    sites.iter().for_each(|(site, records)| site.write(records));
    for (site, records) in &sites {
        assert!(site.read() == *records, "{}", site.name);
    }
    let (with_all, _) = &sites[0];
    let (foreign, sample) = (with_all.source)().foreign().unwrap().unwrap();
    assert_eq!(foreign as usize, (sites.len() - 1) * 20, "{sample}");
    let mut sites = sites;
    while !sites.is_empty() {
        let (gone, _) = sites.remove(0);
        (gone.target)().clear(table(), &[]).unwrap();
        assert!(gone.read().is_empty());
        for (site, records) in &sites {
            assert!(site.read() == *records, "{} after {} was cleared", site.name, gone.name);
        }
    }
}

#[test]
fn servers_share_a_bucket_by_prefix() {
    let bucket = Server::s3().bucket();
    isolation(|prefix| Site::s3(&bucket, prefix), &["", "a", "ab", "a/b/", "ü ß/+%&=?#~'(1)"]);
}

#[test]
fn servers_share_a_container_by_prefix() {
    let container = Server::azure().container();
    isolation(|prefix| Site::azure(&container, prefix), &["", "a", "ab", "a/b/", "ü ß/+%&=#~'(1)"]);
}

#[test]
fn a_blob_store_is_read_by_the_catalog_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let member = |n: u8| Site::fs(&dir.path().join(n.to_string()), n);
    let site = Site::sharded("directories", vec![member(1), member(2)]);
    let expect: Records = (0..50u8)
        .map(|n| vec![n; usize::from(n) * 10])
        .map(|content| (blake3::hash(&content).as_bytes().to_vec(), content))
        .collect();
    site.write(&expect);
    let store = Store::open((site.source)(), catalog::version(5).unwrap(), BlobRule::Raw).unwrap();
    let mut got = Records::new();
    for range in store.ranges(blobs(), 4).unwrap() {
        let (mut reading, mut page) = (store.read(blobs(), &range).unwrap(), Page::new());
        while reading.next(&mut page, 1000).unwrap() {
            got.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        }
        assert!(reading.into_tally().findings.is_empty());
    }
    assert!(got == expect);
    assert!(store.unknown_tables().unwrap().is_empty());
}

#[test]
fn lists_go_on_over_several_pages() {
    // More at a time than elsewhere: these services take a while for each.
    let flow = Flow { requests: 48, bytes: 1 << 20 };
    let check = |count: u64, objects: &dyn Fn() -> Box<dyn Objects>| {
        let expect: Records = (0..count).map(|n| (key(n), vec![n as u8])).collect();
        let target = ObjectTarget::new(objects(), table(), KIND, possible(), flow);
        let mut page = Page::new();
        expect.iter().for_each(|(key, value)| page.push(key, value));
        let mut shard = target.shard(table()).unwrap();
        shard.write(&page).unwrap();
        shard.commit().unwrap();
        let source = ObjectSource::open(objects(), table(), KIND, possible(), flow, false).unwrap();
        assert_eq!(source.estimate(table()).unwrap().records, count);
        let got: Records = scan(&source, &KeyRange::all(), 1 << 20).into_iter().collect();
        assert!(got == expect);
    };
    let s3 = s3_settings(&Server::s3().endpoint(), &Server::s3().bucket(), "many/");
    check(2100, &|| Box::new(S3::new(&s3).unwrap()));
    let azure = azure_settings(&Server::azure().endpoint(), &Server::azure().container(), "many/");
    check(5100, &|| Box::new(Azure::new(&azure).unwrap()));
}

#[test]
fn a_blob_in_the_wrong_member_is_delivered_once() {
    let dir = tempfile::tempdir().unwrap();
    let member = |n: usize| Site::fs(&dir.path().join(n.to_string()), 2);
    let three = || Site::sharded("three", (0..3).map(member).collect());
    let expect = records(90);
    three().write(&expect);
    for n in 0..3 {
        for key in member(n).read().keys() {
            assert_eq!(names::member(key, 3), n);
        }
    }
    // A fourth member changes where most blobs belong; one more lies in its old place and in the new one.
    let four = || Site::sharded("four", (0..4).map(member).collect());
    member(3).write(&Records::new());
    let moved = expect.keys().find(|key| names::member(key, 4) == 3).unwrap().clone();
    member(3).write(&[(moved.clone(), b"its own".to_vec())].into_iter().collect());
    let mut now = expect.clone();
    now.insert(moved.clone(), b"its own".to_vec());
    let wrong = |key: &&Vec<u8>| **key != moved && names::member(key, 3) != names::member(key, 4);
    let wrong = expect.keys().filter(wrong).count() as u64;
    assert!(wrong > 20);
    let members = (0..4).map(|n| ((member(n).source)(), table())).collect();
    let source = ShardedSource::new(KIND, table(), members).unwrap();
    assert_eq!((source.misplaced(), source.notes()), (0, vec![]));
    for _ in 0..2 {
        let got: Records = scan(&source, &KeyRange::all(), 500).into_iter().collect();
        assert!(got == now);
        assert_eq!(source.misplaced(), wrong);
    }
    assert!(source.notes()[0].contains(&format!("{wrong} blobs lie in a member")), "{:?}", source.notes());
    for key in expect.keys() {
        assert!(source.get(table(), key).unwrap().as_ref() == now.get(key));
    }
    (four().target)().clear(table(), &[]).unwrap();
    assert!(four().read().is_empty());
    assert!(ShardedSource::new(KIND, table(), Vec::new()).is_err());
}
