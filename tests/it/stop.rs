//! Once the process was asked to end, whatever reads ends: every store, every dump, every list.
//!
//! The flag belongs to the process and is never lowered, so this test has a process of its own.

use std::time::Duration;

use stalwart_migrate::backend::rocksdb::RocksSource;
use stalwart_migrate::backend::sqlite::SqliteSource;
use stalwart_migrate::backend::{KeyRange, Pages, Source};
use stalwart_migrate::base::error::{ErrorKind, Result};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::base::stop::Stop;
use stalwart_migrate::catalog::{self, BlobUse};
use stalwart_migrate::dump::{Dump, Verify};
use stalwart_migrate::records::audit::{self, HashList};
use stalwart_migrate::records::blob::BlobRule;
use stalwart_migrate::records::store::Store;
use stalwart_migrate::run::console;
use stalwart_migrate::target::state;

use crate::harness::alone::{alone, test_name};
use crate::harness::site::{EMBEDDED, Engine, RocksDb, Site, fixture};

#[track_caller]
fn ends<T>(what: &str, outcome: Result<T>) {
    match outcome {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{what}: {error}"),
        Ok(_) => panic!("{what} went on"),
    }
}

fn source(site: &Site, engine: Engine) -> Box<dyn Source> {
    match engine {
        RocksDb => Box::new(RocksSource::open(&site.store(), 8 << 20).unwrap()),
        _ => Box::new(SqliteSource::open(&site.store(), 8 << 20, 1).unwrap()),
    }
}

#[test]
fn whatever_reads_ends_once_the_process_was_asked_to() {
    alone(test_name!(whatever_reads_ends_once_the_process_was_asked_to), || {
        let version = catalog::version(5).unwrap();
        let blobs = version.blobs().unwrap();
        let sites = EMBEDDED.map(|engine| (Site::of("0.15.5", engine), engine));
        let ours = sites[0].0.export("dump");
        let dumps =
            [ours, fixture("stalwart-0.15.5/server-dump-of-rocksdb")].map(|dir| Dump::open(&dir).unwrap());
        let mut readers: Vec<_> =
            dumps.iter().map(|dump| dump.open_subspace(blobs.letter, Verify::Digests).unwrap()).collect();
        let sources: Vec<_> = sites.iter().map(|(site, engine)| source(site, *engine)).collect();
        let stores: Vec<_> = sites
            .iter()
            .map(|(site, engine)| Store::open(source(site, *engine), version, BlobRule::Lz4).unwrap())
            .collect();
        let mut readings: Vec<_> =
            stores.iter().map(|store| store.read(blobs, &KeyRange::all()).unwrap()).collect();
        let lists = [(); 2].map(|()| {
            let mut list = HashList::create(&std::env::temp_dir()).unwrap();
            list.push(&[1; 32], BlobUse::Used).unwrap();
            list
        });

        Stop::of_process().stop();

        let mut page = Page::new();
        for (dump, reader) in dumps.iter().zip(&mut readers) {
            ends("the checksums of a dump", dump.checksums(2));
            ends("the records of a dump", reader.read_page(&mut page, 1 << 20));
            if let Some(mut lines) = dump.findings().unwrap() {
                ends("the findings of a dump", lines.next().unwrap());
            }
        }
        for (source, (_, engine)) in sources.iter().zip(&sites) {
            let table = blobs.table(source.kind()).unwrap();
            let scan =
                source.scan(table, &KeyRange::all()).and_then(|mut pages| pages.next(&mut page, 1 << 20));
            ends(&format!("a scan of {engine:?}"), scan);
            let keys = source.keys(table).and_then(|mut pages| pages.next(&mut page, 1 << 20));
            ends(&format!("keys of {engine:?}"), keys);
            let looked = state::check(source.as_ref(), version, state::Extent::Everything, false);
            ends(&format!("a look at a target in {engine:?}"), looked.map(drop));
        }
        for (reading, (_, engine)) in readings.iter_mut().zip(&sites) {
            ends(&format!("records of {engine:?}"), reading.next(&mut page, 1 << 20));
        }
        let [links, blobs] = lists;
        ends("the blob audit", audit::compare(links, blobs, |_, _| ()));
        ends("a wait", Stop::of_process().sleep(Duration::from_secs(3600)));
        ends("a question", console::ask("nothing to answer", Stop::of_process()));
    });
}
