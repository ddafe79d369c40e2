//! Blobs to and from an S3 service, compared with `rclone copy` of the same objects with the same number of parallel
//! transfers.
//!
//! `make bench` runs it. `BENCH_BLOBS` is the number of blobs (default 20 000, of 8 kB), `BENCH_RUNS` the number of
//! runs (default 5, of which the median counts; both programs take turns). This program also reads or writes a whole
//! dump and a SQLite database, hashes every blob, and does not verify afterwards. rclone neither checks what exists
//! nor queries what it has written.

#[allow(dead_code, clippy::unwrap_used)]
#[path = "../tests/it/harness/generate.rs"]
mod generate;
#[allow(clippy::unwrap_used)]
#[path = "../tests/it/harness/blob_servers.rs"]
mod servers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rusqlite::Connection;
use servers::Server;

type AnyError = Box<dyn std::error::Error>;

/// Transfers of the program at the same time.
const TRANSFERS: &str = "32";

/// Bytes of a blob.
const BYTES: usize = 8_000;

fn main() -> Result<(), AnyError> {
    // `cargo bench` passes --bench; `cargo test --benches` must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (blobs, runs) = (number("BENCH_BLOBS", 20_000), number("BENCH_RUNS", 5).max(1));
    let work = tempfile::tempdir()?;
    let path = |name: &str| work.path().join(name);
    fill(&path("store"), blobs)?;
    configure(&path("source"), &path("store"), "path = \"/nowhere\"\ntype = \"fs\"", "db")?;
    let run = |config: &str, action: &str, dump: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stalwart-migrate"));
        command.arg("-c").arg(path(config)).arg(action).arg(dump).arg("-q").args(more);
        timed(&mut command)
    };
    let dump = path("dump");
    run("source", "-e", &dump, &[])?;
    // The same objects as files, for rclone.
    let flat = format!("type = \"fs\"\ndepth = 0\npath = \"{}\"", path("objects").display());
    configure(&path("flat"), &path("flat-data"), &flat, "blobs")?;
    run("flat", "-i", &dump, &["--no-verify"])?;

    let server = Server::s3();
    let (mut ours, mut theirs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..runs {
        let bucket = server.bucket();
        let store = format!(
            "type = \"s3\"\nbucket = \"{bucket}\"\nregion = \"eu-central-1\"\nendpoint = \"{}\"\n\
             access-key = \"{}\"\nsecret-key = \"{}\"\nkey-prefix = \"ours/\"",
            server.endpoint(),
            servers::ACCESS_KEY,
            servers::SECRET_KEY
        );
        let config = format!("s3-{round}");
        configure(&path(&config), &path(&format!("data-{round}")), &store, "blobs")?;
        ours[0].push(run(&config, "-i", &dump, &["--no-verify"])?);
        theirs[0].push(rclone(path("objects").as_os_str(), remote(server, &bucket).as_ref())?);
        ours[1].push(run(&config, "-e", &path("out"), &[])?);
        theirs[1].push(rclone(remote(server, &bucket).as_ref(), path("copied").as_os_str())?);
        let copied = std::fs::read_dir(path("copied"))?.count();
        if copied != usize::try_from(blobs)? {
            return Err(format!("rclone has copied {copied} of {blobs} objects").into());
        }
        std::fs::remove_dir_all(path("out"))?;
        std::fs::remove_dir_all(path("copied"))?;
        std::fs::remove_dir_all(server.object(&bucket, ""))?;
    }
    println!("{blobs} blobs of {BYTES} bytes, {TRANSFERS} at a time, median of {runs}\n");
    println!("| | stalwart-migrate, s | blobs/s | rclone copy, s | ratio |\n|---|---|---|---|---|");
    for (n, what) in ["import into S3", "export from S3"].iter().enumerate() {
        let (ours, theirs) = (median(&mut ours[n]), median(&mut theirs[n]));
        println!(
            "| {what} | {ours:.2} | {:.0} | {theirs:.2} | {:.2} |",
            f64::from(blobs) / ours,
            ours / theirs
        );
    }
    Ok(())
}

/// A store with blobs and their commit rows, and little else.
fn fill(path: &Path, blobs: u32) -> Result<(), AnyError> {
    generate::sqlite(path, &generate::Shape { messages: 0, blob_bytes: 1 })?;
    let mut db = Connection::open(path)?;
    let all = db.transaction()?;
    for n in 0..blobs {
        // Content that cannot be compressed.
        let mut content = vec![0; BYTES];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut content);
        let key = *blake3::hash(&content).as_bytes();
        all.prepare_cached("INSERT INTO t VALUES (?1, ?2)")?.execute((key, content))?;
        all.prepare_cached("INSERT INTO k VALUES (?1, x'')")?.execute([key])?;
    }
    Ok(all.commit()?)
}

fn configure(path: &Path, data: &Path, blobs: &str, used: &str) -> Result<(), AnyError> {
    let text = format!(
        "[storage]\ndata = \"db\"\nblob = \"{used}\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\ntype = \"sqlite\"\n\
         path = \"{}\"\n[store.blobs]\n{blobs}\n",
        data.display()
    );
    Ok(std::fs::write(path, text)?)
}

/// The bucket as rclone names it.
fn remote(server: &Server, bucket: &str) -> String {
    format!(
        ":s3,provider=Other,access_key_id={},secret_access_key={},region=eu-central-1,endpoint='{}':{bucket}/theirs",
        servers::ACCESS_KEY,
        servers::SECRET_KEY,
        server.endpoint()
    )
}

fn rclone(from: &std::ffi::OsStr, to: &std::ffi::OsStr) -> Result<f64, AnyError> {
    let mut command = Command::new("rclone");
    command.arg("copy").args([from, to]).args(["--transfers", TRANSFERS, "--checkers", TRANSFERS]);
    // Not for a service without TLS.
    command.env_remove("AWS_CA_BUNDLE");
    command.args(["--s3-no-check-bucket", "--s3-no-head", "--no-check-dest", "--config", "/dev/null"]);
    timed(&mut command)
}

fn timed(command: &mut Command) -> Result<f64, AnyError> {
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() {
        Ok(begin.elapsed().as_secs_f64())
    } else {
        Err(format!("{command:?} ended with {status}").into())
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
