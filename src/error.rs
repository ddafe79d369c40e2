//! What went wrong, where, why, and what to do next.
//!
//! One error type for the whole crate. Its kind names what the caller can do about it and decides the exit
//! code; it does not know which backend or command raised it. Bad *data* is no error but a
//! [`Finding`](crate::finding).

use std::fmt;

/// Result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller can do about an error; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Wrong flags, configuration, paths or types: fix the command. Exit 2.
    Usage,
    /// The machine, a store or the network failed. Exit 1.
    Io,
    /// Findings became fatal by `--strict`. Exit 1.
    Findings,
    /// Damage or a difference was found. Exit 4.
    Damaged,
    /// Preflight refuses: nothing has been written. Exit 5.
    Refused,
    /// SIGINT or SIGTERM arrived. Exit 130.
    Interrupted,
}

impl ErrorKind {
    /// Exit code of the process, as documented in the README.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Io | ErrorKind::Findings => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Damaged => 4,
            ErrorKind::Refused => 5,
            ErrorKind::Interrupted => 130,
        }
    }
}

/// An error with its place and its remedy. Displayed on one line; never holds a secret.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    next: Option<String>,
}

impl Error {
    /// A new error: `message` says what happened, in one clause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), context: Vec::new(), source: None, next: None }
    }

    /// Wrong usage or configuration. Exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Usage, message)
    }

    /// The machine or a store failed. Exit 1.
    pub fn io(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Io, message)
    }

    /// Refused before the first write. Exit 5.
    pub fn refused(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Refused, message)
    }

    /// Damage or a difference was found. Exit 4.
    pub fn damaged(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Damaged, message)
    }

    /// Adds a named place (`subspace`, `key`, `file`, …), outermost last.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.context.push((name, value.into()));
        self
    }

    /// Adds the lower-level cause.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says what to do next, as a sentence without its full stop.
    pub fn next(mut self, advice: impl Into<String>) -> Self {
        self.next = Some(advice.into());
        self
    }

    /// Says what to do next unless the error says so already.
    pub fn or_next(mut self, advice: &str) -> Self {
        self.next.get_or_insert_with(|| advice.to_string());
        self
    }

    /// Says what to do after what it says already.
    pub fn and_next(mut self, advice: &str) -> Self {
        self.next = Some(match self.next.take() {
            Some(first) => format!("{first}; {advice}"),
            None => advice.to_string(),
        });
        self
    }

    /// The same error under another kind, for a caller that knows better what it means.
    pub fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, without place, cause and advice.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The value of a named place, if the error carries it.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.context.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.message.clone();
        for (index, (name, value)) in self.context.iter().enumerate() {
            line.push_str(if index == 0 { " (" } else { ", " });
            line.push_str(name);
            line.push(' ');
            line.push_str(value);
        }
        if !self.context.is_empty() {
            line.push(')');
        }
        if let Some(source) = &self.source {
            line.push_str(": ");
            line.push_str(&source.to_string());
        }
        if let Some(next) = &self.next {
            line.push_str("; ");
            line.push_str(next);
        }
        f.write_str(&one_line(&line))
    }
}

/// A text as one line that a terminal takes for text: causes come from libraries, names from directories and dumps,
/// and may hold line breaks or worse.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_place_cause_and_advice() {
        let error = Error::refused("the target is not empty")
            .with("subspace", "p")
            .with("key", "00")
            .because(std::io::Error::other("first\nsecond"))
            .next("use --wipe-target to empty it");
        assert_eq!(
            error.to_string(),
            "the target is not empty (subspace p, key 00): first second; use --wipe-target to empty it"
        );
        assert_eq!(error.kind().exit_code(), 5);
        let error = Error::damaged("a name").with("file", "\u{1b}]0;x\u{7}\r\nerror: \u{9b}1mé");
        assert_eq!(error.to_string(), "a name (file \\u{1b}]0;x\\u{7}  error: \\u{9b}1mé)");
    }
}
