//! After a signal nothing is created: every place that begins something looks first.
//!
//! A process of its own, because the request to end is one for the whole process.

use stalwart_migrate::backend::Target;
use stalwart_migrate::backend::objects::{Fs, Objects};
use stalwart_migrate::backend::rocksdb::{RocksTarget, RocksTargetOptions};
use stalwart_migrate::base::error::{Error, ErrorKind};
use stalwart_migrate::base::stop::Stop;
use stalwart_migrate::dump::writer::DumpWriter;
use stalwart_migrate::run::resume::StateFile;
use stalwart_migrate::settings::{FsSettings, RocksDbSettings};

use crate::harness::alone::{alone, test_name};

#[test]
fn nothing_is_created_after_a_signal() {
    alone(test_name!(nothing_is_created_after_a_signal), || {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        Stop::of_process().stop();
        let options = RocksTargetOptions { memory: 64 << 20, tables: Vec::new(), legacy: Vec::new() };
        let rocksdb =
            RocksDbSettings { path: at("rocksdb"), min_blob_size: 1 << 14, write_buffer_size: 1 << 20 };
        let outcomes: Vec<(&str, Option<Error>)> = vec![
            ("dump", DumpWriter::create(&at("dump"), 5).err()),
            ("state", StateFile::create(&at("state/of-a-run.json"), &1).err()),
            ("blobs", Fs::new(&FsSettings { path: at("blobs"), depth: 2 }).prepare().err()),
            ("rocksdb", RocksTarget::open(&rocksdb, options).map(|target| target.writers()).err()),
        ];
        for (what, error) in outcomes {
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Interrupted), "{what}");
        }
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    });
}
