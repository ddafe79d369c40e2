//! Shows the progress of a run: a bar on a terminal, a line every ten seconds elsewhere, nothing with `--quiet`.
//!
//! Writes to stderr. Depends only on counts of records and bytes.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Interval between lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Interval between drawings of the bar.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Counters of a running step, shared by all threads.
#[derive(Debug, Default)]
struct ProgressCounts {
    records: AtomicU64,
    bytes: AtomicU64,
    finished: AtomicBool,
}

/// A step of the run that shows its progress until dropped.
pub struct Progress {
    counts: Arc<ProgressCounts>,
    painter: Option<JoinHandle<()>>,
}

/// Whether progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// No progress.
    Nothing,
    /// Progress on stderr: a bar on a terminal, lines elsewhere.
    Person,
}

impl Progress {
    /// Begins a step. The total of `expected` bytes gives the percentage and the remaining time; 0 means unknown.
    pub fn start(show: Show, step: &'static str, expected: u64) -> Self {
        let counts = Arc::new(ProgressCounts::default());
        let painter = (show == Show::Person).then(|| {
            let counts = Arc::clone(&counts);
            std::thread::spawn(move || {
                if std::io::stderr().is_terminal() {
                    draw_bar(&counts, step, expected)
                } else {
                    write_lines(&counts, step, expected)
                }
            })
        });
        Progress { counts, painter }
    }

    /// Adds the records and bytes done since the last call.
    pub fn add(&self, records: u64, bytes: u64) {
        self.counts.records.fetch_add(records, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.counts.finished.store(true, Ordering::Relaxed);
        if let Some(painter) = self.painter.take() {
            painter.thread().unpark();
            // A panic in the painter does not affect the run.
            let _ = painter.join();
        }
    }
}

fn draw_bar(counts: &ProgressCounts, step: &'static str, expected: u64) {
    let bar = ProgressBar::with_draw_target(Some(expected).filter(|n| *n > 0), ProgressDrawTarget::stderr());
    let template = match expected {
        0 => "{prefix} {msg} {bytes} {bytes_per_sec} {elapsed}",
        _ => "{prefix} [{bar:30}] {msg} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(step);
    while !counts.finished.load(Ordering::Relaxed) {
        let bytes = counts.bytes.load(Ordering::Relaxed);
        // Sizes are estimates: the bar must not exceed its length.
        if expected > 0 && bytes > bar.length().unwrap_or(0) {
            bar.set_length(bytes);
        }
        bar.set_position(bytes);
        bar.set_message(format!("{} records", HumanCount(counts.records.load(Ordering::Relaxed))));
        std::thread::park_timeout(DRAW_EVERY);
    }
    bar.finish_and_clear();
}

fn write_lines(counts: &ProgressCounts, step: &'static str, expected: u64) {
    let begin = Instant::now();
    let mut next = LINE_EVERY;
    while !counts.finished.load(Ordering::Relaxed) {
        if begin.elapsed() >= next {
            next += LINE_EVERY;
            let (records, bytes) =
                (counts.records.load(Ordering::Relaxed), counts.bytes.load(Ordering::Relaxed));
            let line = line(step, records, bytes, expected, begin.elapsed());
            // A closed stderr must not end the run.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        std::thread::park_timeout(next.saturating_sub(begin.elapsed()));
    }
}

fn line(step: &str, records: u64, bytes: u64, expected: u64, elapsed: Duration) -> String {
    let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001);
    let mut line = format!(
        "{step}: {} records, {}, {}/s",
        HumanCount(records),
        HumanBytes(bytes),
        HumanBytes(rate as u64)
    );
    if expected > bytes && rate > 0.0 {
        let left = Duration::from_secs_f64((expected - bytes) as f64 / rate);
        line.push_str(&format!(", {}% done, {} left", bytes * 100 / expected, HumanDuration(left)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_records_bytes_rate_and_time_left() {
        let line = line("export", 1234, 50 << 20, 100 << 20, Duration::from_secs(10));
        assert_eq!(line, "export: 1,234 records, 50.00 MiB, 5.00 MiB/s, 50% done, 10 seconds left");
    }
}
