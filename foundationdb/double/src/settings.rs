//! What a test sets in the environment of the process, read once.
//!
//! | Variable | Example | Meaning |
//! |---|---|---|
//! | `FDB_DOUBLE_FAULTS` | `every=97 code=1007 of=read` | errors to inject, see [`crate::faults`] |
//! | `FDB_DOUBLE_LOG` | a path | injected errors and counts of operations, appended line by line |
//! | `FDB_DOUBLE_LATENCY` | `read=200us,commit=2ms` | how long results take; kinds as in the rules for errors |
//! | `FDB_DOUBLE_KILL` | `commit:17:before` | kills the process at its 17th commit: `before`, `torn` or `after` |
//! | `FDB_DOUBLE_RATE` | `1000000` | versions per second |
//!
//! A variable that cannot be understood makes `fdb_setup_network` fail with 2006 and prints why: a test whose
//! errors are not injected would pass for the wrong reason.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::faults::{Faults, Kind, OPERATIONS, Operation};

/// The settings of this process.
pub(crate) struct Settings {
    pub(crate) faults: Faults,
    pub(crate) kill: Option<Kill>,
    pub(crate) versions_per_second: i64,
    latency: [Duration; OPERATIONS],
}

/// At which commit the process kills itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kill {
    /// The number of the commit, of those that reach the log; the first is 1.
    pub(crate) commit: u64,
    pub(crate) moment: Moment,
}

/// When, relative to the write to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    /// After half of the entry.
    Torn,
    After,
}

impl Settings {
    pub(crate) fn latency(&self, operation: Operation) -> Duration {
        self.latency.get(operation as usize).copied().unwrap_or_default()
    }
}

/// The settings, or what is wrong with the environment.
pub(crate) fn get() -> Result<&'static Settings, &'static str> {
    static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
    SETTINGS.get_or_init(|| read(|name| std::env::var(name).ok())).as_ref().map_err(String::as_str)
}

fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, String> {
    let log = variable("FDB_DOUBLE_LOG").map(PathBuf::from);
    let rules = variable("FDB_DOUBLE_FAULTS").unwrap_or_default();
    let versions_per_second = match variable("FDB_DOUBLE_RATE") {
        None => 1_000_000,
        Some(text) => {
            text.parse().map_err(|_| format!("FDB_DOUBLE_RATE is \"{text}\", which is no number"))?
        }
    };
    Ok(Settings {
        faults: Faults::parse(&rules, log).map_err(|what| format!("FDB_DOUBLE_FAULTS: {what}"))?,
        kill: variable("FDB_DOUBLE_KILL").map(|text| kill(&text)).transpose()?,
        versions_per_second,
        latency: latencies(&variable("FDB_DOUBLE_LATENCY").unwrap_or_default())?,
    })
}

fn kill(text: &str) -> Result<Kill, String> {
    let wrong = || format!("FDB_DOUBLE_KILL is \"{text}\", which is no commit:NUMBER:before, torn or after");
    let mut parts = text.split(':');
    let (name, number, moment) = (parts.next(), parts.next(), parts.next().unwrap_or("after"));
    let commit = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let moment = match moment {
        "before" => Moment::Before,
        "torn" => Moment::Torn,
        "after" => Moment::After,
        _ => return Err(wrong()),
    };
    (name == Some("commit") && parts.next().is_none()).then_some(Kill { commit, moment }).ok_or_else(wrong)
}

fn latencies(text: &str) -> Result<[Duration; OPERATIONS], String> {
    let mut latency = [Duration::ZERO; OPERATIONS];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong =
            || format!("FDB_DOUBLE_LATENCY contains \"{part}\", which is no KIND=TIME such as read=200us");
        let (kind, time) = part.split_once('=').ok_or_else(wrong)?;
        let kind = Kind::parse(kind).ok_or_else(wrong)?;
        let unit = time.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = time[..unit].parse().map_err(|_| wrong())?;
        let time = match &time[unit..] {
            "us" => Duration::from_micros(number),
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            _ => return Err(wrong()),
        };
        for operation in kind.operations() {
            latency[operation as usize] = time;
        }
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_understood() {
        let at = |commit, moment| Ok(Kill { commit, moment });
        assert_eq!(kill("commit:17"), at(17, Moment::After));
        assert_eq!(kill("commit:1:before"), at(1, Moment::Before));
        assert_eq!(kill("commit:2:torn"), at(2, Moment::Torn));
        for wrong in ["", "commit", "commit:x", "read:3", "commit:3:during", "commit:3:after:all"] {
            assert!(kill(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn latencies_are_understood() {
        let latency = latencies("read=200us, commit=2ms,get=1s");
        let of = |operation: Operation| latency.clone().map(|latency| latency[operation as usize]);
        assert_eq!(of(Operation::GetRange), Ok(Duration::from_micros(200)));
        assert_eq!(of(Operation::Get), Ok(Duration::from_secs(1)));
        assert_eq!(of(Operation::Commit), Ok(Duration::from_millis(2)));
        assert_eq!(of(Operation::Version), Ok(Duration::ZERO));
        for wrong in ["read", "read=", "read=5", "read=5h", "write=5ms", "read=ms"] {
            assert!(latencies(wrong).is_err(), "{wrong}");
        }
    }
}
