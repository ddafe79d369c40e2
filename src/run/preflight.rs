//! Preflight: collects the checks before the first write into one report.
//!
//! Each check passes, warns, or refuses with a remedy. A run ends with the first refusal; a dry run makes all
//! remaining checks that are possible and prints them all. The commands make the checks.

use std::path::Path;

use serde::Serialize;

use crate::base::dir::absolute;
use crate::base::error::{Error, ErrorKind, Result};
use crate::run::console::Console;

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The check passed.
    Passed,
    /// The run continues after a warning.
    Warned,
    /// The run ends before anything is written.
    Refused,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The subject of the check, in a few words.
    pub name: &'static str,
    /// The outcome.
    pub outcome: CheckOutcome,
    /// The result, with a remedy if one is needed.
    pub detail: String,
}

/// The checks of one run.
#[derive(Debug)]
pub struct Preflight {
    console: Console,
    dry_run: bool,
    checks: Vec<Check>,
    refusal: Option<Error>,
}

impl Preflight {
    /// A preflight without checks.
    pub fn new(console: Console, dry_run: bool) -> Self {
        Preflight { console, dry_run, checks: Vec::new(), refusal: None }
    }

    /// Records a check that passed.
    pub fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.note(name, CheckOutcome::Passed, detail.into());
    }

    /// Records a warning and prints it at once.
    pub fn warn(&mut self, name: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        self.console.warn(&detail);
        self.note(name, CheckOutcome::Warned, detail);
    }

    /// Records the outcome of a check: its detail, or a refusal.
    ///
    /// Returns the value of the check, or `None` after a refusal in a dry run. Errors: a refusal outside of a dry
    /// run, and every error of another kind, after which a report would be meaningless.
    pub fn check<T>(
        &mut self,
        name: &'static str,
        outcome: Result<T>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<Option<T>> {
        match outcome {
            Ok(value) => {
                self.note(name, CheckOutcome::Passed, detail(&value));
                Ok(Some(value))
            }
            Err(error) if error.kind() == ErrorKind::Refused && self.dry_run => {
                self.note(name, CheckOutcome::Refused, error.to_string());
                self.refusal.get_or_insert(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Records a check whose refusal is only a warning in a dry run, which writes nothing.
    pub fn check_unless_dry(&mut self, name: &'static str, outcome: Result<String>) -> Result<()> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::Refused && self.dry_run => {
                self.warn(name, error.to_string());
                Ok(())
            }
            outcome => self.check(name, outcome, String::clone).map(|_| ()),
        }
    }

    /// Checks the free space for about `expected` bytes at `path`, which need not exist yet. Sizes are estimates,
    /// so too little space is only a warning; the error comes from the write that fails.
    pub fn space(&mut self, path: &Path, expected: u64) {
        let path = absolute(path);
        let Some(existing) = path.ancestors().find(|ancestor| ancestor.exists()) else { return };
        let Ok(found) = rustix::fs::statvfs(existing) else { return };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        let place = existing.display();
        let sizes =
            format!("about {} MiB are to be written, {place} has {} MiB free", expected >> 20, free >> 20);
        if free < expected {
            self.warn("free space", format!("{sizes}: it may not be enough"))
        } else {
            self.pass("free space", sizes)
        }
    }

    /// Prints the report of a dry run.
    ///
    /// Errors: the first refusal.
    pub fn conclude(self) -> Result<()> {
        #[derive(Serialize)]
        struct PreflightLine<'a> {
            event: &'static str,
            #[serde(flatten)]
            check: &'a Check,
        }
        for check in self.checks.iter().filter(|_| self.dry_run) {
            let word = match check.outcome {
                CheckOutcome::Passed => "passed",
                CheckOutcome::Warned => "warned",
                CheckOutcome::Refused => "refused",
            };
            self.console.print(format!("{word:<8} {:<20} {}", check.name, check.detail));
            self.console.data(&PreflightLine { event: "check", check });
        }
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// Ends a dry run in which a check has refused what the rest needs: prints the report.
    ///
    /// Errors: always, the first refusal.
    pub fn refuse<T>(self) -> Result<T> {
        self.conclude()?;
        Err(Error::refused("a check before the first write was refused"))
    }

    fn note(&mut self, name: &'static str, outcome: CheckOutcome, detail: String) {
        self.checks.push(Check { name, outcome, detail });
    }
}

/// The estimated time for `bytes` at the rate of a slow disk, as text: usually too long.
pub fn estimated_time(bytes: u64) -> String {
    /// Bytes per second, verification included.
    const RATE: u64 = 50_000_000;
    match bytes / RATE {
        0..60 => "less than a minute, as a rule".to_string(),
        seconds => format!("about {} minutes at 50 MB/s, most likely less", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_a_refusal_and_a_dry_run_goes_on_to_its_end() {
        let refused = || Err::<u32, _>(Error::refused("no").help("do something"));
        let mut run = Preflight::new(Console { json: false, quiet: true }, false);
        assert_eq!(run.check("one", Ok(1), |n| n.to_string()).unwrap(), Some(1));
        assert_eq!(run.check("two", refused(), |n| n.to_string()).unwrap_err().message(), "no");
        let mut dry = Preflight::new(Console { json: false, quiet: true }, true);
        assert_eq!(dry.check("one", refused(), |n| n.to_string()).unwrap(), None);
        dry.check_unless_dry("two", refused().map(|n| n.to_string())).unwrap();
        dry.pass("three", "fine");
        assert!(dry.check("four", Err::<u32, _>(Error::io("broken")), |n| n.to_string()).is_err());
        let outcomes: Vec<_> = dry.checks.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes, [CheckOutcome::Refused, CheckOutcome::Warned, CheckOutcome::Passed]);
        assert_eq!(dry.checks[0].detail, "no; do something");
        assert_eq!(dry.conclude().unwrap_err().message(), "no");
        // Nothing that was refused ends well, even if no check has noted why.
        let dry = Preflight::new(Console { json: false, quiet: true }, true);
        assert_eq!(dry.refuse::<u32>().unwrap_err().kind(), ErrorKind::Refused);
    }
}
