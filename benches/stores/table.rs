//! Medians of measurements, and the table of all.

use std::process::Command;

use super::AnyError;
use super::measure::Measured;

/// The median by time of several runs; the highest peak of all.
pub fn median(
    runs: usize,
    mut run: impl FnMut() -> Result<Measured, AnyError>,
) -> Result<Measured, AnyError> {
    let mut outcomes = (0..runs).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    outcomes.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let peak_memory = outcomes.iter().map(|outcome| outcome.peak_memory).max().unwrap_or(0);
    let seconds = outcomes.get(outcomes.len() / 2).ok_or("no runs")?.seconds;
    Ok(Measured { seconds, peak_memory })
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
        ours: &Measured,
        verified: Option<&Measured>,
        own_name: &str,
        own: &Measured,
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
