//! Output of a run: text on stderr and, with `--json`, one JSON object per line on stdout.
//!
//! Requested results (tables, catalogs) go to stdout. Errors are printed by `main`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};

use serde::Serialize;

use crate::base::dir::Dir;
use crate::base::error::{Error, Result, one_line, unseen};
use crate::base::stop::{LOOK, Stop};
use crate::base::sync::lock;
use crate::run::progress::Show;

/// Help for a report that cannot be written.
const FULL: &str = "free some space where --report goes";

/// Bytes of a report that are buffered until its file is created.
const WAITING: usize = 64 << 10;

/// The first output failure, returned by [`close`]: a lost line must not interrupt a run, and the run must not end
/// as if nothing was lost.
static LOST: Mutex<Option<Error>> = Mutex::new(None);

/// The file of `--report`, which gets a copy of all text. One per process, because many places print errors.
static REPORT: OnceLock<Report> = OnceLock::new();

struct Report {
    path: PathBuf,
    state: Mutex<ReportState>,
}

enum ReportState {
    // Buffered until the file is known not to lie in a store or a dump.
    Waiting(String),
    Open(File),
    Closed,
}

/// Copies all text from now on into a new, private file, which [`begin_report`] creates.
///
/// Errors: usage if the file exists already or its directory cannot be read.
pub fn report_to(path: &Path) -> Result<()> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(no_file(path, std::io::ErrorKind::AlreadyExists.into()));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::read_dir(parent).map_err(|error| no_file(path, error))?;
    // Set only once, at the start.
    let _ = REPORT
        .set(Report { path: path.to_path_buf(), state: Mutex::new(ReportState::Waiting(String::new())) });
    Ok(())
}

/// Path of the report, if one was requested.
pub fn report_path() -> Option<&'static Path> {
    REPORT.get().map(|report| report.path.as_path())
}

/// Creates the file of the report, if one was requested, and writes the buffered text.
///
/// Errors: usage if the file cannot be created.
pub fn begin_report() -> Result<()> {
    let Some(report) = REPORT.get() else { return Ok(()) };
    let mut state = lock(&report.state);
    report.begin(&mut state)
}

/// Disables the report, because its path overlaps with a store or a dump.
pub fn no_report() {
    if let Some(report) = REPORT.get() {
        *lock(&report.state) = ReportState::Closed;
    }
}

impl Report {
    fn begin(&self, state: &mut ReportState) -> Result<()> {
        let ReportState::Waiting(text) = state else { return Ok(()) };
        let text = std::mem::take(text);
        let created = Dir::holding(&self.path).and_then(|(dir, name)| dir.create_private_file(name));
        match created {
            Ok(mut file) => {
                if let Err(error) = file.write_all(text.as_bytes()) {
                    lost("cannot write the report", FULL, error);
                }
                *state = ReportState::Open(file);
                Ok(())
            }
            Err(error) => {
                *state = ReportState::Closed;
                Err(no_file(&self.path, error))
            }
        }
    }
}

fn no_file(path: &Path, error: std::io::Error) -> Error {
    let place = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::usage("the file for the report exists already")
            .with("path", place)
            .help("name a new file with --report"),
        _ => Error::usage("cannot create the file for the report")
            .with("path", place)
            .because(error)
            .help("name a file in a directory that can be written"),
    }
}

fn report(line: &str) {
    let Some(report) = REPORT.get() else { return };
    let mut state = lock(&report.state);
    if let ReportState::Waiting(text) = &mut *state {
        text.push_str(line);
        text.push('\n');
        if text.len() > WAITING {
            // A run with this much text has checked the path before.
            let _ = report.begin(&mut state);
        }
    } else if let ReportState::Open(file) = &mut *state
        && let Err(error) = writeln!(file, "{line}")
    {
        lost("cannot write the report", FULL, error);
    }
}

/// Keeps the first output failure.
fn lost(what: &str, next: &str, error: std::io::Error) {
    let mut first = lock(&LOST);
    first.get_or_insert_with(|| {
        Error::io(what).because(error).help(next).help("repeat the command: part of its output is missing")
    });
}

/// Keeps a failure to write to stdout. Ignores a closed pipe (`… | head`): the reader wants no more output.
pub fn wrote(outcome: std::io::Result<()>) {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            lost("cannot write to stdout", "check where stdout goes and whether there is space", error);
        }
        _ => {}
    }
}

/// Flushes all output and syncs the report.
///
/// Errors: I/O, if any output of the run could not be written.
pub fn close() -> Result<()> {
    wrote(std::io::stdout().flush());
    // A run that ended early has not created the file.
    begin_report()?;
    if let Some(report) = REPORT.get()
        && let ReportState::Open(file) = &*lock(&report.state)
        && let Err(error) = file.sync_all()
    {
        lost("cannot write the report", FULL, error);
    }
    match lock(&LOST).take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Options of the output of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    /// One JSON object per line on stdout.
    pub json: bool,
    /// Only errors and warnings on stderr.
    pub quiet: bool,
}

impl Console {
    /// Prints a line about the run to stderr, unless quiet.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.quiet { report(&one_line(text.as_ref())) } else { to_stderr(text.as_ref()) }
    }

    /// Prints a warning to stderr, quiet or not.
    pub fn warn(&self, text: impl AsRef<str>) {
        to_stderr(&format!("warning: {}", text.as_ref()));
    }

    /// Prints a requested result as text to stdout, except with `--json`.
    pub fn print(&self, text: impl AsRef<str>) {
        let line = one_line(text.as_ref());
        report(&line);
        if !self.json {
            write_line(&line);
        }
    }

    /// Writes requested bytes to stdout, unchanged.
    ///
    /// Errors: I/O, except for a closed pipe.
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::io("cannot write to stdout")
                    .because(error)
                    .help("check where stdout goes and whether there is space"))
            }
            _ => Ok(()),
        }
    }

    /// Prints a result as JSON to stdout, only with `--json`.
    pub fn data(&self, data: &impl Serialize) {
        if self.json
            && let Ok(line) = serde_json::to_string(data)
        {
            write_line(&escaped(&line));
        }
    }

    /// Whether progress is shown.
    pub fn progress(&self) -> Show {
        if self.quiet { Show::Nothing } else { Show::Person }
    }
}

/// Prints a question and reads a line from stdin. A line that cannot be read counts as empty.
///
/// Errors: interrupted, if the run is stopped before the answer; I/O, if no thread can be started.
pub fn ask(question: &str, stop: &Stop) -> Result<String> {
    to_stderr(question);
    let (answered, answer) = channel();
    // A blocking read cannot be cancelled, so a separate thread waits for it and ends with the process.
    let reading = std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        // The receiver is gone if the run has ended.
        let _ = answered.send(line);
    });
    reading.map_err(|error| Error::io("cannot start a thread").because(error))?;
    loop {
        stop.check()?;
        match answer.recv_timeout(LOOK) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(String::new()),
        }
    }
}

/// Prints a line to stderr. Unlike `eprintln!` it does not panic if stderr is closed. Control characters from a
/// dump or a store are escaped.
pub fn to_stderr(line: &str) {
    let line = &one_line(line);
    report(line);
    match writeln!(std::io::stderr(), "{line}") {
        // A full disk loses a warning, so the run must fail. A closed terminal has no reader.
        Err(error) if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) => {
            lost("cannot write to stderr", "check where stderr goes and whether there is space", error);
        }
        _ => {}
    }
}

fn write_line(line: &str) {
    wrote(writeln!(std::io::stdout(), "{line}"));
}

/// Escapes control and invisible characters in JSON for terminals. They occur only inside strings, where JSON allows
/// escapes.
fn escaped(json: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_control() || unseen(c);
    if !json.contains(special) {
        return Cow::Borrowed(json);
    }
    let mut line = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if special(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c)
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_value_and_shows_what_it_holds() {
        for text in ["plain", "a\u{202e}b", "\u{9b}1m", "\u{e0041}\u{feff}", "é世", "\n\u{7f}\""] {
            let line = serde_json::to_string(text).unwrap();
            let shown = escaped(&line);
            assert!(!shown.contains(|c: char| c.is_control() || unseen(c)), "{shown:?}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
