//! What a run says: text for people on stderr, one JSON object per line on stdout with `--json`.
//!
//! Results that were asked for (tables, catalogs) go to stdout. Errors are printed by `main`.

use std::io::Write;

use serde::Serialize;

use crate::progress::Show;

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
        if !self.quiet {
            to_stderr(text.as_ref());
        }
    }

    /// A sentence that nobody should miss, quiet or not.
    pub fn warn(&self, text: impl AsRef<str>) {
        to_stderr(&format!("warning: {}", text.as_ref()));
    }

    /// A result that was asked for, as text on stdout; silent with `--json`.
    pub fn print(&self, text: impl AsRef<str>) {
        if !self.json {
            write_line(text.as_ref());
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

/// A line on stderr; unlike `eprintln!` it does not end the run where nobody listens any more.
pub fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn write_line(line: &str) {
    // A closed pipe (`… | head`) is the reader's choice; nothing is lost by not telling it more.
    let _ = writeln!(std::io::stdout(), "{line}");
}
