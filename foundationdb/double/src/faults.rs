//! Errors that a test has injected, and what is counted.
//!
//! `FDB_DOUBLE_FAULTS` contains rules, separated by semicolons or lines. A rule consists of words `name=value`:
//!
//! * `of=` the kind of operation: `version`, `get`, `get_key`, `get_range`, `size`, `split`, `commit`, `read` (any but
//!   `version` and `commit`) or `any`;
//! * when: `at=5` the fifth operation of this kind, `every=97` each 97th, or `rate=0.01` each with this probability,
//!   drawn from `seed=N`;
//! * `code=` or `codes=`: an error code, or several separated by commas, of which one is drawn each time;
//! * `applied=yes|no|random`: whether a commit that fails with 1021 has happened. Other failures never have.
//!
//! The first rule that strikes decides. Each injected error is a line of `FDB_DOUBLE_LOG`, written before the
//! operation returns, so that it outlives a killed process:
//!
//! ```text
//! fault of=commit call=13 code=1021 applied=yes
//! counts version=0 get=4 get_key=0 get_range=1 size=0 split=0 commit=13 faults=1
//! ```
//!
//! The second line is written when the network stops, or when `fdb_double_write_counts` is called.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::code::Code;

/// An operation that a rule can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Version,
    Get,
    GetKey,
    GetRange,
    Size,
    Split,
    Commit,
}

/// How many operations there are.
pub(crate) const OPERATIONS: usize = 7;

const NAMES: [(Operation, &str); OPERATIONS] = [
    (Operation::Version, "version"),
    (Operation::Get, "get"),
    (Operation::GetKey, "get_key"),
    (Operation::GetRange, "get_range"),
    (Operation::Size, "size"),
    (Operation::Split, "split"),
    (Operation::Commit, "commit"),
];

/// Which operations a rule or a latency is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    One(Operation),
    Read,
    Any,
}

impl Kind {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "read" => Some(Self::Read),
            "any" => Some(Self::Any),
            name => NAMES.iter().find(|(_, of)| *of == name).map(|(operation, _)| Self::One(*operation)),
        }
    }

    fn covers(self, operation: Operation) -> bool {
        match self {
            Self::One(one) => one == operation,
            Self::Read => !matches!(operation, Operation::Version | Operation::Commit),
            Self::Any => true,
        }
    }

    pub(crate) fn operations(self) -> impl Iterator<Item = Operation> {
        NAMES.iter().map(|(operation, _)| *operation).filter(move |operation| self.covers(*operation))
    }
}

/// An error to return instead of, or after, doing the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) code: Code,
    /// The operation is a commit, which is done all the same.
    pub(crate) applied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    At(u64),
    Every(u64),
    Rate(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    Yes,
    No,
    Random,
}

#[derive(Debug)]
struct Rule {
    of: Kind,
    when: When,
    codes: Vec<Code>,
    applied: Applied,
    seed: u64,
    calls: u64,
}

/// The rules and counts of this process.
pub(crate) struct Faults {
    log: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    rules: Vec<Rule>,
    calls: [u64; OPERATIONS],
    faults: u64,
}

impl Faults {
    pub(crate) fn parse(text: &str, log: Option<PathBuf>) -> Result<Self, String> {
        let rules = text.split([';', '\n']).map(str::trim).filter(|rule| !rule.is_empty());
        let rules = rules.map(rule).collect::<Result<_, _>>()?;
        Ok(Self { log, state: Mutex::new(State { rules, calls: [0; OPERATIONS], faults: 0 }) })
    }

    /// Counts the operation, and returns the error that a rule has for it.
    pub(crate) fn strike(&self, operation: Operation) -> Option<Strike> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = &mut state.calls[operation as usize];
        *calls += 1;
        let call = *calls;
        let mut strike = None;
        // Every rule counts the operation, or the numbers of later rules would depend on earlier ones.
        for rule in state.rules.iter_mut().filter(|rule| rule.of.covers(operation)) {
            let struck = rule.strike(operation);
            strike = strike.or(struck);
        }
        let strike = strike?;
        state.faults += 1;
        let applied = if strike.applied { "yes" } else { "no" };
        self.write(&format!(
            "fault of={} call={call} code={} applied={applied}",
            name(operation),
            strike.code.0
        ));
        Some(strike)
    }

    /// Writes a line of counts to the log.
    pub(crate) fn write_counts(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counts: Vec<String> =
            NAMES.iter().map(|(of, name)| format!("{name}={}", state.calls[*of as usize])).collect();
        self.write(&format!("counts {} faults={}", counts.join(" "), state.faults));
    }

    /// Appends a line in one write, so that lines of several processes do not mix.
    fn write(&self, line: &str) {
        let Some(path) = &self.log else { return };
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let written = opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            eprintln!("fdb-double: cannot write to {}: {error}", path.display());
        }
    }
}

impl Rule {
    fn strike(&mut self, operation: Operation) -> Option<Strike> {
        self.calls += 1;
        let struck = match self.when {
            When::At(call) => self.calls == call,
            When::Every(calls) => self.calls.is_multiple_of(calls),
            When::Rate(rate) => (self.draw() >> 11) as f64 / ((1_u64 << 53) as f64) < rate,
        };
        if !struck {
            return None;
        }
        let drawn = self.draw() as usize % self.codes.len().max(1);
        let code = *self.codes.get(drawn)?;
        let applied = match self.applied {
            Applied::Yes => true,
            Applied::No => false,
            Applied::Random => self.draw() & 1 == 1,
        };
        let may = operation == Operation::Commit && code == Code::COMMIT_UNKNOWN_RESULT;
        Some(Strike { code, applied: applied && may })
    }

    /// The next number of the generator SplitMix64.
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn name(operation: Operation) -> &'static str {
    NAMES.get(operation as usize).map_or("", |(_, name)| name)
}

fn rule(text: &str) -> Result<Rule, String> {
    let (mut of, mut when, mut codes) = (None, None, Vec::new());
    let (mut applied, mut seed) = (Applied::No, 0);
    for word in text.split_whitespace() {
        let wrong = || format!("\"{word}\" in \"{text}\" is not understood");
        let (name, value) = word.split_once('=').ok_or_else(wrong)?;
        let number = || value.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        match name {
            "of" => of = Some(Kind::parse(value).ok_or_else(wrong)?),
            "at" => when = Some(When::At(number()?)),
            "every" => when = Some(When::Every(number()?)),
            "rate" => when = Some(When::Rate(value.parse().map_err(|_| wrong())?)),
            "seed" => seed = value.parse().map_err(|_| wrong())?,
            "code" | "codes" => {
                for code in value.split(',') {
                    codes.push(Code(code.parse().ok().filter(|code| *code > 0).ok_or_else(wrong)?));
                }
            }
            "applied" => {
                applied = match value {
                    "yes" => Applied::Yes,
                    "no" => Applied::No,
                    "random" => Applied::Random,
                    _ => return Err(wrong()),
                }
            }
            _ => return Err(wrong()),
        }
    }
    let (Some(of), Some(when), false) = (of, when, codes.is_empty()) else {
        return Err(format!("\"{text}\" lacks of=, code= or one of at=, every= and rate="));
    };
    Ok(Rule { of, when, codes, applied, seed, calls: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(rules: &str, operation: Operation, calls: u64) -> Vec<(u64, i32, bool)> {
        let faults = Faults::parse(rules, None).expect_rules();
        let strikes = (1..=calls).filter_map(|call| Some((call, faults.strike(operation)?)));
        strikes.map(|(call, strike)| (call, strike.code.0, strike.applied)).collect()
    }

    trait Expect {
        fn expect_rules(self) -> Faults;
    }

    impl Expect for Result<Faults, String> {
        fn expect_rules(self) -> Faults {
            self.unwrap_or_else(|what| panic!("{what}"))
        }
    }

    #[test]
    fn a_rule_strikes_its_calls() {
        let every = "every=3 code=1007 of=read";
        assert_eq!(struck(every, Operation::Get, 7), [(3, 1007, false), (6, 1007, false)]);
        assert_eq!(struck(every, Operation::Commit, 7), []);
        assert_eq!(struck("at=5 code=1020 of=commit", Operation::Commit, 9), [(5, 1020, false)]);
        assert_eq!(struck("at=2 code=1021 of=commit applied=yes", Operation::Commit, 3), [(2, 1021, true)]);
        assert_eq!(struck("at=2 code=1020 of=commit applied=yes", Operation::Commit, 3), [(2, 1020, false)]);
        let two = "at=2 code=1020 of=any; at=2 code=1021 of=any\nat=4 code=1009 of=commit";
        assert_eq!(struck(two, Operation::Commit, 5), [(2, 1020, false), (4, 1009, false)]);
    }

    #[test]
    fn a_seed_draws_the_same_calls() {
        let rule = "seed=7 rate=0.1 codes=1007,1009 of=read";
        let first = struck(rule, Operation::GetRange, 1000);
        assert_eq!(first, struck(rule, Operation::GetRange, 1000));
        assert!((70..=130).contains(&first.len()), "{}", first.len());
        assert!([1007, 1009].iter().all(|code| first.iter().any(|(_, drawn, _)| drawn == code)));
        assert_ne!(first, struck("seed=8 rate=0.1 codes=1007,1009 of=read", Operation::GetRange, 1000));
    }

    #[test]
    fn a_rule_that_is_not_understood_is_an_error() {
        let wrong = |text| Faults::parse(text, None).err();
        for text in
            ["every=0 code=1 of=read", "often code=1 of=read", "at=1 code=x of=read", "at=1 code=1 of=write"]
        {
            assert!(wrong(text).is_some_and(|what| what.ends_with("is not understood")), "{text}");
        }
        for text in ["code=1 of=read", "at=1 of=read", "at=1 code=1007"] {
            assert!(wrong(text).is_some_and(|what| what.contains("lacks of=")), "{text}");
        }
    }
}
