//! Export and import of each backend, measured beside the engine's own means on the same machine.
//!
//! `make bench` runs it. `BENCH_MESSAGES` scales the stores (default 1: 100 000 messages with 2 kB blobs and
//! 20 000 with 20 kB), `BENCH_RUNS` sets the repetitions (default 5, of which the median counts). Ratios run
//! from first read to last commit with `--no-verify`; verification is a column of its own.

#[path = "stores/generate.rs"]
mod generate;
#[path = "stores/measure.rs"]
mod measure;
#[path = "stores/own.rs"]
mod own;

use std::path::Path;

use generate::Shape;
use measure::{Outcome, Run, Table};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    // `cargo bench` passes --bench; `cargo test --benches` must not spend minutes here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number = |name: &str, default: f64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (scale, runs) = (number("BENCH_MESSAGES", 1.0), number("BENCH_RUNS", 5.0) as usize);
    println!("{}", measure::machine());
    for (messages, blob_bytes) in [(100_000.0, 2_000), (20_000.0, 20_000)] {
        let shape = Shape { messages: (messages * scale) as u32, blob_bytes };
        bench(&shape, runs.max(1))?;
    }
    Ok(())
}

fn bench(shape: &Shape, runs: usize) -> Result<(), AnyError> {
    let work = tempfile::tempdir()?;
    let at = |name: &str| work.path().join(name);
    std::fs::create_dir(at("sqlite"))?;
    let store = at("sqlite/store");
    generate::sqlite(&store, shape)?;
    let tool = Run::new(work.path());
    tool.configure("sqlite", &store)?;
    tool.configure("rocksdb", &at("rocksdb"))?;
    // One dump serves all imports, and the RocksDB store is made from it.
    let dump = at("dump");
    tool.export("sqlite", &dump)?;
    tool.import("rocksdb", &dump, &[])?;
    let (records, bytes) = tool.size(&dump)?;
    println!(
        "\n{} messages with blobs of {} bytes on average: {records} records, {:.0} MB\n",
        shape.messages,
        shape.blob_bytes,
        bytes as f64 / 1e6
    );
    let mut table = Table::new(records, bytes);
    for backend in ["rocksdb", "sqlite"] {
        let source = at(if backend == "sqlite" { "sqlite/store" } else { "rocksdb" });
        let export = measure::median(runs, || {
            let out = at("bench-dump");
            let outcome = tool.export(backend, &out)?;
            std::fs::remove_dir_all(out)?;
            Ok(outcome)
        })?;
        let own_read = measure::median(runs, || own_time(|| own::read(backend, &source, work.path())))?;
        let imported =
            measure::median(runs, || import(&tool, backend, &dump, work.path(), &["--no-verify"]))?;
        let verified = measure::median(runs, || import(&tool, backend, &dump, work.path(), &[]))?;
        let records = own::collect(&dump)?;
        let own_write = measure::median(runs, || {
            let target = work.path().join("own-target");
            let outcome = own_time(|| own::write(backend, &target, &records));
            own::remove(&target)?;
            outcome
        })?;
        drop(records);
        table.add(&format!("{backend} export"), &export, None, own::READ, &own_read);
        table.add(&format!("{backend} import"), &imported, Some(&verified), own::WRITE, &own_write);
    }
    table.print();
    Ok(())
}

fn own_time(work: impl FnOnce() -> Result<(), AnyError>) -> Result<Outcome, AnyError> {
    let begin = std::time::Instant::now();
    work()?;
    Ok(Outcome { seconds: begin.elapsed().as_secs_f64(), peak_memory: 0 })
}

/// Imports into a store that is removed afterwards.
fn import(tool: &Run, backend: &str, dump: &Path, work: &Path, flags: &[&str]) -> Result<Outcome, AnyError> {
    let target = work.join("bench-target");
    let name = format!("{backend}-target");
    tool.configure_as(&name, backend, &target)?;
    let outcome = tool.import(&name, dump, flags)?;
    own::remove(&target)?;
    Ok(outcome)
}
