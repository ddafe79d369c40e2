//! `--strict`: findings make a run fail.
//!
//! One rule for all commands. Notices describe normal data and do not count. A command that writes checks before it
//! completes its result. Every command returns an [`End`], the only source of its exit code.

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};

/// Exit code of a run that has found damage or a difference. Takes precedence over the one for findings.
const DAMAGED: u8 = 4;

/// Whether findings are failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strict(bool);

impl Strict {
    /// Strict if `on`, the value of `--strict`.
    pub fn new(on: bool) -> Self {
        Strict(on)
    }

    /// Whether findings are failures.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// Checks that a strict run has no findings except notices.
    ///
    /// Errors: findings, with their counts and the first of them.
    pub fn check(self, findings: &Findings) -> Result<()> {
        match failure(findings) {
            Some(error) if self.0 => Err(error),
            _ => Ok(()),
        }
    }

    /// Checks the same for the findings of the export of a dump, counted by kind in its manifest.
    ///
    /// Errors: findings.
    pub fn check_recorded(self, counts: &BTreeMap<String, u64>) -> Result<()> {
        match recorded_failure(counts) {
            Some(error) if self.0 => Err(error),
            _ => Ok(()),
        }
    }
}

fn failure(findings: &Findings) -> Option<Error> {
    if !findings.any_strict() {
        return None;
    }
    let counted = findings.counts().iter().filter(|(kind, _)| !kind.is_notice());
    let counts: Vec<String> = counted.map(|(kind, count)| format!("{count} {}", kind.title())).collect();
    let what = format!("--strict: there are findings: {}", counts.join(", "));
    let error = Error::new(ErrorKind::Findings, what);
    Some(match findings.samples().find(|finding| !finding.kind.is_notice()) {
        Some(first) => error
            .with("first in subspace", first.subspace.clone())
            .with("key", first.key.clone())
            .because(first.detail.clone()),
        None => error,
    })
}

fn recorded_failure(counts: &BTreeMap<String, u64>) -> Option<Error> {
    // An unknown kind, from a newer release, counts as a failure.
    let fatal = counts
        .iter()
        .filter(|(name, count)| **count > 0 && FindingKind::named(name).is_none_or(|kind| !kind.is_notice()));
    let counts: Vec<String> = fatal
        .map(|(name, count)| {
            format!("{count} {}", FindingKind::named(name).map_or(name.as_str(), |kind| kind.title()))
        })
        .collect();
    (!counts.is_empty()).then(|| {
        let what = format!("--strict: the export of this dump has found: {}", counts.join(", "));
        Error::new(ErrorKind::Findings, what).help("see manifest/findings.jsonl in the dump")
    })
}

/// The end of a command: exit code and findings.
#[derive(Debug)]
#[must_use]
pub struct End {
    strict: Strict,
    code: u8,
    failure: Option<Error>,
}

impl End {
    /// The end of a command with `code`, unless these findings fail it.
    pub fn new(strict: Strict, code: u8, findings: &Findings) -> Self {
        End { strict, code, failure: failure(findings) }
    }

    /// The end of a command that reads no data.
    pub fn plain(code: u8) -> Self {
        End { strict: Strict(false), code, failure: None }
    }

    /// Adds further findings.
    pub fn and(mut self, findings: &Findings) -> Self {
        self.failure = self.failure.or_else(|| failure(findings));
        self
    }

    /// Adds the findings of the export of a dump, counted by kind in its manifest.
    pub fn and_recorded(mut self, counts: &BTreeMap<String, u64>) -> Self {
        self.failure = self.failure.or_else(|| recorded_failure(counts));
        self
    }

    /// The exit code that results from [`End::conclude`].
    pub fn exit_code(&self) -> u8 {
        if self.fails() { ErrorKind::Findings.exit_code() } else { self.code }
    }

    fn fails(&self) -> bool {
        self.strict.0 && self.failure.is_some() && self.code != DAMAGED
    }

    /// Returns the exit code.
    ///
    /// Errors: findings, with `--strict`, unless the run has found damage.
    pub fn conclude(self) -> Result<u8> {
        match (self.fails(), self.failure) {
            (true, Some(error)) => Err(error.help("without --strict the run ends with what it has done")),
            _ => Ok(self.code),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::base::finding::FindingKind;

    fn found(kind: FindingKind) -> Findings {
        let mut findings = Findings::new();
        findings.add(kind, "x", &[1], || "odd".to_string());
        findings
    }

    #[test]
    fn findings_fail_a_strict_run_unless_they_are_notices_or_it_found_damage() {
        let (none, notice, bad) =
            (Findings::new(), found(FindingKind::BlobUnlinked), found(FindingKind::BadValue));
        for (strict, code, findings, expect) in [
            (true, 0, &none, 0),
            (true, 0, &notice, 0),
            (true, 0, &bad, 1),
            (true, 3, &bad, 1),
            (true, 3, &none, 3),
            (true, 4, &bad, 4),
            (false, 0, &bad, 0),
            (false, 3, &bad, 3),
        ] {
            let end = || End::new(Strict::new(strict), code, findings);
            assert_eq!(end().exit_code(), expect);
            let concluded = end().conclude().unwrap_or_else(|error| error.kind().exit_code());
            assert_eq!(concluded, expect, "{strict} {code} {findings:?}");
            assert_eq!(Strict::new(strict).check(findings).is_err(), strict && findings.any_strict());
        }
        let error = Strict::new(true).check(&bad).unwrap_err().to_string();
        assert!(
            error.contains("1 values that break") && error.contains("subspace x, key 01): odd"),
            "{error}"
        );
    }

    #[test]
    fn what_an_export_has_found_counts_even_if_only_a_newer_release_knows_it() {
        let counts = |name: &str, count| BTreeMap::from([(name.to_string(), count)]);
        for (name, count, fails) in [
            ("unknown_key", 2, true),
            ("blob_unlinked", 2, false),
            ("unknown_key", 0, false),
            ("new_kind", 1, true),
        ] {
            let counts = counts(name, count);
            assert_eq!(Strict::new(true).check_recorded(&counts).is_err(), fails, "{name}");
            assert!(Strict::new(false).check_recorded(&counts).is_ok());
            let end = End::new(Strict::new(true), 0, &Findings::new()).and_recorded(&counts);
            assert_eq!(end.exit_code(), u8::from(fails), "{name}");
        }
    }
}
