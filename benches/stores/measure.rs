//! Running the program, its time and peak memory, medians, and the table.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::AnyError;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Wall-clock time.
    pub seconds: f64,
    /// Peak resident set in bytes; 0 if it was not measured.
    pub peak_memory: u64,
}

/// The program under test, with configurations in a working directory.
pub struct Run {
    dir: PathBuf,
}

impl Run {
    /// Configurations go to `dir`.
    pub fn new(dir: &Path) -> Self {
        Run { dir: dir.to_path_buf() }
    }

    /// Where configurations are, and whatever else a measurement leaves for a while.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes the configuration of an embedded store.
    pub fn configure_as(&self, name: &str, backend: &str, path: &Path) -> Result<(), AnyError> {
        self.configure_with(name, backend, &format!("path = \"{}\"\n", path.display()))
    }

    /// Writes the configuration of a database on a server of this machine, whose administrator needs no password.
    pub fn configure_server(
        &self,
        name: &str,
        backend: &str,
        port: u16,
        database: &str,
    ) -> Result<(), AnyError> {
        let user = if backend == "mysql" { "root" } else { "postgres" };
        let place = format!(
            "host = \"127.0.0.1\"\nport = {port}\nuser = \"{user}\"\npassword = \"\"\ndatabase = \"{database}\"\n"
        );
        self.configure_with(name, backend, &place)
    }

    fn configure_with(&self, name: &str, backend: &str, place: &str) -> Result<(), AnyError> {
        let text = format!(
            "[storage]\ndata = \"db\"\nblob = \"db\"\nlookup = \"db\"\nfts = \"db\"\n[store.db]\n\
             type = \"{backend}\"\n{place}compression = \"lz4\"\n"
        );
        Ok(std::fs::write(self.config(name), text)?)
    }

    /// Exports a configured store.
    pub fn export(&self, name: &str, dump: &Path) -> Result<Outcome, AnyError> {
        self.run(Command::new(PROGRAM).arg("--config").arg(self.config(name)).arg("--export").arg(dump))
    }

    /// Imports into a configured store.
    pub fn import(&self, name: &str, dump: &Path, flags: &[&str]) -> Result<Outcome, AnyError> {
        let mut command = Command::new(PROGRAM);
        self.run(command.arg("--config").arg(self.config(name)).arg("--import").arg(dump).args(flags))
    }

    /// Runs something else.
    #[allow(dead_code, reason = "benchmarks export and import only")]
    pub fn run_with(&self, arguments: &[&Path]) -> Result<Outcome, AnyError> {
        self.run(Command::new(PROGRAM).args(arguments))
    }

    /// Records and bytes of keys and values in a dump.
    pub fn size(&self, dump: &Path) -> Result<(u64, u64), AnyError> {
        let text = std::fs::read_to_string(dump.join("manifest/manifest.json"))?;
        let manifest: serde_json::Value = serde_json::from_str(&text)?;
        let subspaces = manifest["subspaces"].as_array().ok_or("no subspaces")?;
        let sum = |field: &str| subspaces.iter().filter_map(|s| s[field].as_u64()).sum::<u64>();
        Ok((sum("records"), sum("key_bytes") + sum("value_bytes")))
    }

    fn config(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }

    fn run(&self, command: &mut Command) -> Result<Outcome, AnyError> {
        let begin = Instant::now();
        let mut child = command
            .args(["--quiet", "--json"])
            .env_remove("EXPORT_TYPES")
            .env_remove("CONFIG_PATH")
            .stdout(Stdio::null())
            .spawn()?;
        let status_file = format!("/proc/{}/status", child.id());
        let mut peak_memory = 0;
        loop {
            // A high-water mark: the last reading before the end is the peak, give or take a moment.
            peak_memory = high_water_mark(&status_file).unwrap_or(peak_memory);
            if let Some(status) = child.try_wait()? {
                let seconds = begin.elapsed().as_secs_f64();
                return match status.success() {
                    true => Ok(Outcome { seconds, peak_memory }),
                    false => Err(format!("{command:?} ended with {status}").into()),
                };
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_stalwart-migrate");

fn high_water_mark(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The median by time of several runs; the highest peak of all.
pub fn median(runs: usize, mut run: impl FnMut() -> Result<Outcome, AnyError>) -> Result<Outcome, AnyError> {
    let mut outcomes = (0..runs).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    outcomes.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let peak_memory = outcomes.iter().map(|outcome| outcome.peak_memory).max().unwrap_or(0);
    let seconds = outcomes.get(outcomes.len() / 2).ok_or("no runs")?.seconds;
    Ok(Outcome { seconds, peak_memory })
}

/// Processor, cores and date, for the report.
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let date = Command::new("date").arg("+%F").output().map(|out| out.stdout).unwrap_or_default();
    format!(
        "{}, {cores} cores, {}",
        model.map_or("unknown processor", |(_, model)| model),
        String::from_utf8_lossy(&date).trim()
    )
}

/// Results as a Markdown table.
pub struct Table {
    records: u64,
    bytes: u64,
    lines: Vec<String>,
}

impl Table {
    /// Rates are of this many records and bytes of keys and values.
    pub fn new(records: u64, bytes: u64) -> Self {
        Table { records, bytes, lines: Vec::new() }
    }

    /// Adds a job of ours and the same job done by the engine's own means.
    pub fn add(
        &mut self,
        job: &str,
        ours: &Outcome,
        verified: Option<&Outcome>,
        own_name: &str,
        own: &Outcome,
    ) {
        let peak = verified.map_or(ours.peak_memory, |verified| verified.peak_memory.max(ours.peak_memory));
        self.lines.push(format!(
            "| {job} | {:.2} s | {} | {:.0} | {:.0} MB/s | {} MiB | {} | {:.2} s | {:.2} |",
            ours.seconds,
            verified.map_or("-".to_string(), |verified| format!("{:.2} s", verified.seconds)),
            self.records as f64 / ours.seconds,
            self.bytes as f64 / 1e6 / ours.seconds,
            peak >> 20,
            own_name,
            own.seconds,
            ours.seconds / own.seconds,
        ));
    }

    /// Prints the table.
    pub fn print(&self) {
        println!(
            "| job | time | with verification | records/s | rate | peak memory | own means | own time | ratio |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        self.lines.iter().for_each(|line| println!("{line}"));
    }
}
