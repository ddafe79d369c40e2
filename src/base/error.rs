//! The error type of the crate: message, place, cause and remedy.
//!
//! The kind of an error tells the caller how to react and decides the exit code; it does not depend on the
//! backend or command that raised it. Bad *data* is not an error but a
//! [`Finding`](crate::base::finding).

use std::fmt;

/// Result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Help for a file that has reached its size limit.
pub const RAISE_FILE_SIZE: &str = "a file has reached the limit of its size: raise that (ulimit -f, LimitFSIZE=), or use a file system that has none";

/// The kind of an error, by the possible reaction; decides the exit code.
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
    /// SIGINT, SIGTERM or SIGHUP arrived. Exit 130.
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
    // Remedies; the one of the innermost cause comes first.
    help: Vec<String>,
}

impl Error {
    /// A new error; `message` describes it in one clause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), context: Vec::new(), source: None, help: Vec::new() }
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
        let source = source.into();
        let io = source.downcast_ref::<std::io::Error>();
        // A file size limit has the same remedy everywhere.
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::FileTooLarge) {
            self = self.help(RAISE_FILE_SIZE);
        }
        self.source = Some(source);
        self
    }

    /// Adds a remedy, a sentence without its full stop, after those that the error has already: the code that raises
    /// an error has the remedy for the cause, its callers have the one for the run.
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        let advice = advice.into();
        if !self.help.contains(&advice) {
            self.help.push(advice);
        }
        self
    }

    /// Adds a remedy if the error has none.
    pub fn help_if_none(self, advice: &str) -> Self {
        if self.help.is_empty() { self.help(advice) } else { self }
    }

    /// Changes the kind of the error, for a caller with more context.
    pub fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without place, cause and remedies.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The value of a named place, if the error has it.
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
        for help in &self.help {
            line.push_str("; ");
            line.push_str(help);
        }
        f.write_str(&one_line(&line))
    }
}

/// Escapes a text to one line that is safe for a terminal. Causes come from libraries, names from directories, stores
/// and dumps. They may contain line breaks, terminal commands, or characters that hide or reorder others.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' => line.push(' '),
            c if c.is_control() || unseen(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

/// Whether a character is invisible or changes how others are shown: line separators, format characters (such as
/// those that reverse text), and characters that may be ignored in display.
///
/// source: Unicode 16, General_Category Cf, Zl and Zp, and Default_Ignorable_Code_Point
pub(crate) fn unseen(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2
        | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff)
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
            .help("use --wipe-target to empty it");
        assert_eq!(
            error.to_string(),
            "the target is not empty (subspace p, key 00): first second; use --wipe-target to empty it"
        );
        assert_eq!(error.kind().exit_code(), 5);
        let further =
            error.help("use --wipe-target to empty it").help("repeat the command").help_if_none("give up");
        assert!(further.to_string().ends_with("second; use --wipe-target to empty it; repeat the command"));
        let error = Error::refused("no").help_if_none("do something");
        assert_eq!(error.to_string(), "no; do something");
        let error = Error::damaged("a name").with("file", "\u{1b}]0;x\u{7}\r\nerror: \u{9b}1mé");
        assert_eq!(error.to_string(), "a name (file \\u{1b}]0;x\\u{7}  error: \\u{9b}1mé)");
    }

    #[test]
    fn nothing_in_a_line_hides_or_reorders_the_rest() {
        for hidden in "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{85}\u{9b}\u{7f}\
                       \u{feff}\u{200b}\u{200d}\u{2060}\u{ad}\u{2028}\u{2029}\u{e0041}\u{fe0f}\u{3164}"
            .chars()
        {
            let line = one_line(&format!("a{hidden}b"));
            assert_eq!(line, format!("a{}b", hidden.escape_unicode()));
            assert_eq!(one_line(&line), line);
        }
        for seen in ["Grüße, 世界", "עברית عربى", "a\u{301} 👍 –…"] {
            assert_eq!(one_line(seen), seen);
        }
    }
}
