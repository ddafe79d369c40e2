//! Export and import of each backend, compared with the engine's own means on the same machine.
//!
//! `make bench` runs it. `BENCH_MESSAGES` scales the stores (default 1: 100 000 messages with 2 kB blobs and 20 000
//! with 20 kB), `BENCH_RUNS` sets the repetitions (default 5, of which the median counts), `BENCH_ONLY` selects the
//! engines (`rocksdb,sqlite,postgresql,mysql`), `BENCH_MEMORY=0` skips the stores that are four times as large.
//! Ratios cover the time from first read to last commit with `--no-verify`; verification has its own column. Uses the
//! database servers of this machine at their usual ports, or starts private ones.

#[path = "stores/clients.rs"]
mod clients;
#[path = "../tests/it/harness/generate.rs"]
mod generate;
#[path = "../tests/it/harness/measure.rs"]
mod measure;
#[path = "stores/own.rs"]
mod own;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../tests/it/harness/database_servers.rs"]
mod servers;
#[path = "stores/table.rs"]
mod table;

use std::path::Path;

use clients::Rows;
use generate::Shape;
use measure::{Measured, Run};
use servers::{Database, Kind, Server};
use table::Table;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    // `cargo bench` passes --bench; `cargo test --benches` must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number = |name: &str, default: f64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (scale, runs) = (number("BENCH_MESSAGES", 1.0), number("BENCH_RUNS", 5.0) as usize);
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let chosen = |engine: &&Engine| only.is_empty() || only.split(',').any(|name| name == engine.name());
    let engines: Vec<Engine> = ENGINES.iter().filter(chosen).copied().collect();
    println!("{}", table::machine());
    let shape = |messages: f64, blob_bytes| Shape { messages: (messages * scale) as u32, blob_bytes };
    for shape in [shape(100_000.0, 2_000), shape(20_000.0, 20_000)] {
        bench(&engines, &shape, runs.max(1))?;
    }
    if number("BENCH_MEMORY", 1.0) != 0.0 {
        memory(&engines, [shape(100_000.0, 2_000), shape(400_000.0, 2_000)])?;
    }
    Ok(())
}

/// The engines to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    RocksDb,
    Sqlite,
    Server(Kind),
}

const ENGINES: [Engine; 4] =
    [Engine::RocksDb, Engine::Sqlite, Engine::Server(Kind::Postgres), Engine::Server(Kind::Mysql)];

impl Engine {
    /// Its name in configurations.
    fn name(self) -> &'static str {
        match self {
            Engine::RocksDb => "rocksdb",
            Engine::Sqlite => "sqlite",
            Engine::Server(Kind::Postgres) => "postgresql",
            Engine::Server(Kind::Mysql) => "mysql",
        }
    }

    /// The engine's own means of reading and of writing everything.
    fn own_means(self) -> [&'static str; 2] {
        match self {
            Engine::RocksDb => ["bare iterators", "SstFileWriter loop"],
            Engine::Sqlite => ["backup API", "sorted inserts"],
            Engine::Server(Kind::Postgres) => ["\\copy to, binary", "\\copy from, binary"],
            Engine::Server(Kind::Mysql) => ["mariadb-dump", "LOAD DATA INFILE"],
        }
    }

    /// A new, empty store, and a configuration called `name` that names it.
    fn place(self, tool: &Run, name: &str) -> Result<Place, AnyError> {
        let Engine::Server(kind) = self else {
            let path = tool.dir().join(name);
            tool.configure_as(name, self.name(), &path)?;
            return Ok(Place::Path(path));
        };
        let server = Server::of(kind);
        clients::checkpoint(server);
        let database = server.database();
        tool.configure_server(name, self.name(), server.port, &database.name)?;
        Ok(Place::Database(database))
    }
}

/// A store that is removed when it is dropped.
enum Place {
    Path(std::path::PathBuf),
    Database(Database<'static>),
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::Path(path) = self {
            let _ = own::remove(path);
        }
    }
}

/// Creates a SQLite store of that shape, and its dump.
fn dump(tool: &Run, shape: &Shape) -> Result<(Place, std::path::PathBuf, (u64, u64)), AnyError> {
    let source = Engine::Sqlite.place(tool, "generated")?;
    let Place::Path(path) = &source else { return Err("SQLite keeps its store in a file".into()) };
    generate::sqlite(path, shape)?;
    let dump = tool.dir().join("dump");
    tool.export("generated", &dump)?;
    let (records, bytes) = tool.size(&dump)?;
    println!(
        "\n{} messages with blobs of {} bytes on average: {records} records, {:.0} MB\n",
        shape.messages,
        shape.blob_bytes,
        bytes as f64 / 1e6
    );
    Ok((source, dump, (records, bytes)))
}

fn bench(engines: &[Engine], shape: &Shape, runs: usize) -> Result<(), AnyError> {
    let work = tempfile::tempdir()?;
    let tool = Run::new(work.path());
    let (generated, dump, (records, bytes)) = dump(&tool, shape)?;
    drop(generated);
    let mut table = Table::new(records, bytes);
    for engine in engines {
        let name = engine.name();
        let [read, write] = engine.own_means();
        let source = engine.place(&tool, name)?;
        tool.import(name, &dump, &["--no-verify"])?;
        let export = table::median(runs, || {
            let out = work.path().join("bench-dump");
            let outcome = tool.export(name, &out)?;
            std::fs::remove_dir_all(out)?;
            Ok(outcome)
        })?;
        let own_read = table::median(runs, || own_time(|| own_read(*engine, &source, work.path())))?;
        drop(source);
        table.add(&format!("{name} export"), &export, None, read, &own_read);
        let import = |flags: &[&str]| {
            table::median(runs, || {
                let _target = engine.place(&tool, "target")?;
                tool.import("target", &dump, flags)
            })
        };
        let (imported, verified) = (import(&["--no-verify"])?, import(&[])?);
        let own_write = own_write(*engine, &tool, &dump, runs)?;
        table.add(&format!("{name} import"), &imported, Some(&verified), write, &own_write);
    }
    table.print();
    Ok(())
}

fn own_read(engine: Engine, source: &Place, work: &Path) -> Result<(), AnyError> {
    match (engine, source) {
        (Engine::Server(_), Place::Database(database)) => {
            clients::read(database.server, &database.name, &work.join("own-files"))
        }
        (Engine::RocksDb, Place::Path(path)) => own::read_rocksdb(path),
        (_, Place::Path(path)) => own::backup_sqlite(path, &work.join("own-backup")),
        _ => Err("only servers keep databases".into()),
    }
}

fn own_write(engine: Engine, tool: &Run, dump: &Path, runs: usize) -> Result<Measured, AnyError> {
    let records = own::collect(dump)?;
    if let Engine::Server(kind) = engine {
        let files = tempfile::tempdir_in(tool.dir())?;
        let rows = Rows::write(kind, own::schema_version(dump)?, &records, files.path())?;
        drop(records);
        return table::median(runs, || {
            let place = engine.place(tool, "own")?;
            let Place::Database(database) = &place else { return Err("a server without database".into()) };
            own_time(|| rows.load(database.server, &database.name))
        });
    }
    table::median(runs, || {
        let place = engine.place(tool, "own")?;
        let Place::Path(path) = &place else { return Err("a store without path".into()) };
        own_time(|| match engine {
            Engine::RocksDb => own::write_rocksdb(path, &records),
            _ => own::write_sqlite(path, &records),
        })
    })
}

fn own_time(work: impl FnOnce() -> Result<(), AnyError>) -> Result<Measured, AnyError> {
    let begin = std::time::Instant::now();
    work()?;
    Ok(Measured { seconds: begin.elapsed().as_secs_f64(), peak_memory: 0 })
}

/// Peak memory of every job on a store and on one that is four times as large.
fn memory(engines: &[Engine], shapes: [Shape; 2]) -> Result<(), AnyError> {
    let mut peaks: Vec<(String, Vec<u64>)> = Vec::new();
    for shape in &shapes {
        let work = tempfile::tempdir()?;
        let tool = Run::new(work.path());
        let (generated, dump, _) = dump(&tool, shape)?;
        drop(generated);
        let mut seen = Vec::new();
        for engine in engines {
            let name = engine.name();
            let _source = engine.place(&tool, name)?;
            seen.push((format!("{name} import"), tool.import(name, &dump, &[])?.peak_memory));
            let again = work.path().join("again");
            seen.push((format!("{name} export"), tool.export(name, &again)?.peak_memory));
            std::fs::remove_dir_all(again)?;
        }
        if peaks.is_empty() {
            peaks = seen.into_iter().map(|(job, peak)| (job, vec![peak])).collect()
        } else {
            peaks.iter_mut().zip(seen).for_each(|((_, peaks), (_, peak))| peaks.push(peak))
        }
    }
    let [small, large] = shapes.map(|shape| shape.messages);
    println!("| peak memory | {small} messages | {large} messages |");
    println!("|---|---|---|");
    for (job, peaks) in peaks {
        let cells: Vec<String> = peaks.iter().map(|peak| format!("{} MiB", peak >> 20)).collect();
        println!("| {job} | {} |", cells.join(" | "));
    }
    Ok(())
}
