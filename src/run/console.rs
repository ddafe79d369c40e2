//! What a run says: text for people on stderr, one JSON object per line on stdout with `--json`.
//!
//! Results that were asked for (tables, catalogs) go to stdout. Errors are printed by `main`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Serialize;

use crate::base::dir::Dir;
use crate::base::error::{Error, Result, one_line, unseen};
use crate::base::stop::{LOOK, Stop};
use crate::run::progress::Show;

/// What to do about a report that is not written.
const FULL: &str = "free some space where --report goes";

/// Bytes of a report that wait for its file.
const WAITING: usize = 64 << 10;

/// The first failure to write anything, which [`close`] returns: a line that is lost must not end a run half way,
/// and must not let it end as if nothing had been lost.
static LOST: Mutex<Option<Error>> = Mutex::new(None);

/// Where everything said goes as well, with `--report`. One for the process: errors are said in many places.
static REPORT: OnceLock<Report> = OnceLock::new();

struct Report {
    path: PathBuf,
    state: Mutex<ReportState>,
}

enum ReportState {
    // Nothing is written before it is certain that the file does not lie in a store or a dump.
    Waiting(String),
    Open(File),
    Closed,
}

/// Writes everything said from now on into a new, private file as well, once [`begin_report`] says so.
///
/// Errors: usage if the file is there already or cannot be created.
pub fn report_to(path: &Path) -> Result<()> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(no_file(path, std::io::ErrorKind::AlreadyExists.into()));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::read_dir(parent).map_err(|error| no_file(path, error))?;
    // Set once, at the start.
    let _ = REPORT
        .set(Report { path: path.to_path_buf(), state: Mutex::new(ReportState::Waiting(String::new())) });
    Ok(())
}

/// The file of the report, if one was asked for.
pub fn report_path() -> Option<&'static Path> {
    REPORT.get().map(|report| report.path.as_path())
}

/// Creates the file of the report, if one was asked for, and writes what was said so far.
///
/// Errors: usage if it cannot be created.
pub fn begin_report() -> Result<()> {
    let Some(report) = REPORT.get() else { return Ok(()) };
    let mut state = report.state.lock().unwrap_or_else(PoisonError::into_inner);
    report.begin(&mut state)
}

/// Leaves the report out: its file has no place.
pub fn no_report() {
    if let Some(report) = REPORT.get() {
        *report.state.lock().unwrap_or_else(PoisonError::into_inner) = ReportState::Closed;
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
            .next("name a new file with --report"),
        _ => Error::usage("cannot create the file for the report")
            .with("path", place)
            .because(error)
            .next("name a file in a directory that can be written"),
    }
}

fn report(line: &str) {
    let Some(report) = REPORT.get() else { return };
    let mut state = report.state.lock().unwrap_or_else(PoisonError::into_inner);
    if let ReportState::Waiting(text) = &mut *state {
        text.push_str(line);
        text.push('\n');
        if text.len() > WAITING {
            // What can say so much has opened its stores before.
            let _ = report.begin(&mut state);
        }
    } else if let ReportState::Open(file) = &mut *state
        && let Err(error) = writeln!(file, "{line}")
    {
        lost("cannot write the report", FULL, error);
    }
}

/// Remembers what could not be written.
fn lost(what: &str, next: &str, error: std::io::Error) {
    let mut first = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| {
        Error::io(what).because(error).next(next).next("repeat the command: part of its output is missing")
    });
}

/// Takes note of an outcome of writing to stdout. A closed pipe (`… | head`) is the reader's choice; nothing is lost
/// by not telling it more.
pub fn wrote(outcome: std::io::Result<()>) {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            lost("cannot write to stdout", "check where stdout goes and whether there is space", error);
        }
        _ => {}
    }
}

/// Brings everything that was said to where it goes.
///
/// Errors: I/O, if any of it could not be written.
pub fn close() -> Result<()> {
    wrote(std::io::stdout().flush());
    // A run that ended early has not begun it.
    begin_report()?;
    if let Some(report) = REPORT.get()
        && let ReportState::Open(file) = &*report.state.lock().unwrap_or_else(PoisonError::into_inner)
        && let Err(error) = file.sync_all()
    {
        lost("cannot write the report", FULL, error);
    }
    match LOST.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Where a run speaks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    /// One JSON object per line on stdout.
    pub json: bool,
    /// No text on stderr but errors and warnings.
    pub quiet: bool,
}

impl Console {
    /// A sentence about the run, unless quiet.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.quiet { report(&one_line(text.as_ref())) } else { to_stderr(text.as_ref()) }
    }

    /// A sentence that nobody should miss, quiet or not.
    pub fn warn(&self, text: impl AsRef<str>) {
        to_stderr(&format!("warning: {}", text.as_ref()));
    }

    /// A result that was asked for, as text on stdout; silent with `--json`.
    pub fn print(&self, text: impl AsRef<str>) {
        let line = one_line(text.as_ref());
        report(&line);
        if !self.json {
            write_line(&line);
        }
    }

    /// Bytes that were asked for, as they are.
    ///
    /// Errors: I/O, unless the reader has closed its end.
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::io("cannot write to stdout")
                    .because(error)
                    .next("check where stdout goes and whether there is space"))
            }
            _ => Ok(()),
        }
    }

    /// The same result as data, with `--json` only.
    pub fn data(&self, data: &impl Serialize) {
        if self.json
            && let Ok(line) = serde_json::to_string(data)
        {
            write_line(&escaped(&line));
        }
    }

    /// How progress is shown.
    pub fn progress(&self) -> Show {
        if self.quiet { Show::Nothing } else { Show::Person }
    }
}

/// Asks for a line on stdin; what cannot be read is no answer.
///
/// Errors: interrupted, if the run should end before there is one.
pub fn ask(question: &str, stop: &Stop) -> Result<String> {
    to_stderr(question);
    let (answered, answer) = channel();
    // Reading cannot be broken off, so another thread waits for it, which ends with the process.
    let reading = std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        // Not wanted any more if the run has ended.
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

/// A line on stderr; unlike `eprintln!` it does not end the run where nobody listens any more. What a dump or a
/// store has put into it stays text.
pub fn to_stderr(line: &str) {
    let line = &one_line(line);
    report(line);
    match writeln!(std::io::stderr(), "{line}") {
        // A warning that a full disk has swallowed is not said; a terminal that is gone has no reader.
        Err(error) if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) => {
            lost("cannot write to stderr", "check where stderr goes and whether there is space", error);
        }
        _ => {}
    }
}

fn write_line(line: &str) {
    wrote(writeln!(std::io::stdout(), "{line}"));
}

/// JSON that a terminal shows as it is: outside of strings it has no such characters, and in them they may be escaped.
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
