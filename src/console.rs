//! What a run says: text for people on stderr, one JSON object per line on stdout with `--json`.
//!
//! Results that were asked for (tables, catalogs) go to stdout. Errors are printed by `main`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};

use serde::Serialize;

use crate::error::{Error, Result, one_line};
use crate::progress::Show;
use crate::stop::{LOOK, Stop};

/// Where everything said goes as well, with `--report`. One for the process: errors are said in many places.
static REPORT: OnceLock<File> = OnceLock::new();

/// Writes everything said from now on into a new, private file as well.
///
/// Errors: usage if the file is there already, I/O if it cannot be created.
pub fn report_to(path: &Path) -> Result<()> {
    let created = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
    let file = created.map_err(|error| {
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
    })?;
    // Set once, at the start.
    let _ = REPORT.set(file);
    Ok(())
}

fn report(line: &str) {
    if let Some(mut file) = REPORT.get() {
        let _ = writeln!(file, "{line}");
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
        match self.quiet {
            true => report(&one_line(text.as_ref())),
            false => to_stderr(text.as_ref()),
        }
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
                Err(Error::io("cannot write to stdout").because(error).next("check where stdout goes"))
            }
            _ => Ok(()),
        }
    }

    /// The same result as data, with `--json` only.
    pub fn data(&self, data: &impl Serialize) {
        if self.json
            && let Ok(line) = serde_json::to_string(data)
        {
            write_line(&line);
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
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn write_line(line: &str) {
    // A closed pipe (`… | head`) is the reader's choice; nothing is lost by not telling it more.
    let _ = writeln!(std::io::stdout(), "{line}");
}
