//! Peak memory does not grow with the store, and stays below 256 MiB at the defaults.
//!
//! Two stores of the same shape, 230 and 560 MB, go from SQLite through a dump into RocksDB and SQLite and
//! back. Peaks are the kernel's high-water marks, so nothing here depends on time.

use crate::harness::generate;
use crate::harness::generate::Shape;
use crate::harness::measure::Run;

/// The promise for any store at the defaults, in bytes.
const MOST: u64 = 256 << 20;
/// What the allocator and the moment of looking add or take, in bytes.
const NOISE: u64 = 8 << 20;

#[test]
fn peak_memory_does_not_grow_with_the_store() {
    let small = peaks(41_000);
    let large = peaks(100_000);
    for ((job, small), (_, large)) in small.into_iter().zip(large) {
        println!("{job}: {} MiB and {} MiB", small >> 20, large >> 20);
        assert!(small > 1 << 20 && large > 1 << 20, "{job}: the peaks were not seen");
        assert!(large < MOST, "{job}: {large} bytes");
        assert!(large < small + small / 10 + NOISE, "{job}: {small} bytes became {large}");
    }
}

/// Peak memory of every job on a store of so many messages.
fn peaks(messages: u32) -> Vec<(&'static str, u64)> {
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    generate::sqlite(&at("source"), &Shape { messages, blob_bytes: 2_000 }).unwrap();
    let tool = Run::new(work.path());
    tool.configure_as("sqlite", "sqlite", &at("source")).unwrap();
    let mut peaks = vec![("export from SQLite", tool.export("sqlite", &at("dump")).unwrap().peak_memory)];
    std::fs::remove_file(at("source")).unwrap();
    for (backend, import, export) in [
        ("rocksdb", "import into RocksDB", "export from RocksDB"),
        ("sqlite", "import into SQLite", "export again from SQLite"),
    ] {
        tool.configure_as("target", backend, &at(backend)).unwrap();
        peaks.push((import, tool.import("target", &at("dump"), &[]).unwrap().peak_memory));
        peaks.push((export, tool.export("target", &at("again")).unwrap().peak_memory));
        std::fs::remove_dir_all(at("again")).unwrap();
    }
    peaks
}
