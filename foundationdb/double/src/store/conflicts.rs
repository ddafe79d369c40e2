//! Recent commits, and whether a transaction read what one of them wrote.

use std::collections::VecDeque;

use super::log::Span;

/// The conflict ranges of recent commits, oldest first.
#[derive(Default)]
pub(crate) struct Commits(VecDeque<(i64, Vec<Span>)>);

impl Commits {
    /// Adds a commit. `writes` is sorted and without overlaps.
    pub(crate) fn push(&mut self, version: i64, writes: Vec<Span>) {
        if !writes.is_empty() {
            self.0.push_back((version, writes));
        }
    }

    /// Forgets commits that no transaction can conflict with any more.
    pub(crate) fn forget_before(&mut self, version: i64) {
        while self.0.front().is_some_and(|(oldest, _)| *oldest < version) {
            self.0.pop_front();
        }
    }

    /// Whether a commit after `version` wrote into one of the ranges.
    pub(crate) fn conflict(&self, version: i64, reads: &[Span]) -> bool {
        let later = self.0.iter().rev().take_while(|(committed, _)| *committed > version);
        later.into_iter().any(|(_, writes)| reads.iter().any(|read| intersects(writes, read)))
    }
}

fn intersects(writes: &[Span], read: &Span) -> bool {
    let first = writes.partition_point(|write| write.end <= read.begin);
    !read.is_empty() && writes.get(first).is_some_and(|write| write.begin < read.end)
}

/// Sorts ranges and joins those that overlap or touch.
pub(crate) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.end >= span.begin => last.end = last.end.clone().max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        let (begin, end) = text.split_at(1);
        Span::new(begin, end)
    }

    fn spans(text: &str) -> Vec<Span> {
        text.split_whitespace().map(span).collect()
    }

    #[test]
    fn ranges_are_joined() {
        let check = |from: &str, expect: &str| assert_eq!(joined(spans(from)), spans(expect), "{from}");
        check("", "");
        check("cd ab", "ab cd");
        check("ac bd", "ad");
        check("ab bc", "ac");
        check("af bc", "af");
        check("bb ba", "");
    }

    #[test]
    fn later_writes_conflict() {
        let mut commits = Commits::default();
        commits.push(10, spans("bd fh"));
        let check = |version, reads: &str, expect| {
            assert_eq!(commits.conflict(version, &spans(reads)), expect, "{version} {reads}");
        };
        check(9, "bc", true);
        check(9, "ac", true);
        check(9, "cz", true);
        check(9, "gi", true);
        check(9, "ab", false);
        check(9, "df", false);
        check(9, "hz", false);
        check(9, "", false);
        check(10, "bc", false);
    }

    #[test]
    fn old_commits_are_forgotten() {
        let mut commits = Commits::default();
        commits.push(10, spans("bd"));
        commits.push(20, spans("fh"));
        commits.forget_before(20);
        assert!(!commits.conflict(9, &spans("bd")));
        assert!(commits.conflict(9, &spans("fh")));
    }
}
