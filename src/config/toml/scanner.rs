//! The characters of a configuration file, one at a time, with line and column.
//!
//! Ignores carriage returns, as the server does, and skips comments; contains no statements.

use std::str::Chars;

use crate::base::error::Error;

/// A line and a column, both counted from 1. Carriage returns do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    /// A syntax error here. `what` may contain characters of keys and headers only: values may be secret.
    pub(super) fn error(self, what: impl Into<String>) -> Error {
        Error::usage(what).with("line", self.line.to_string()).with("column", self.column.to_string())
    }
}

/// The unread rest of the text.
pub(super) struct Scanner<'a> {
    rest: Chars<'a>,
    place: Position,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { rest: text.chars(), place: Position { line: 1, column: 1 } }
    }

    /// Line and column of the next character.
    pub(super) fn place(&self) -> Position {
        self.place
    }

    /// The next character that is no carriage return.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().find(|&c| c != '\r')
    }

    /// Whether a newline comes next; here a carriage return counts as a character.
    pub(super) fn is_bare_newline_next(&self) -> bool {
        self.rest.clone().next() == Some('\n')
    }

    /// Takes the next character that is no carriage return.
    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.rest.find(|&c| c != '\r')?;
        if next == '\n' {
            self.place.line = self.place.line.saturating_add(1);
            self.place.column = 1;
        } else {
            self.place.column = self.place.column.saturating_add(1);
        }
        Some(next)
    }

    /// Takes the next character if it is `expected`.
    pub(super) fn bump_if(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.bump();
        }
        found
    }

    /// Skips spaces and tabs.
    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.bump();
        }
    }

    /// Skips spaces, tabs, line ends and comments.
    pub(super) fn skip_lines(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\n') => {
                    self.bump();
                }
                Some('#') => self.skip_to_line_end(),
                _ => return,
            }
        }
    }

    /// Skips everything up to the next newline, but not the newline.
    pub(super) fn skip_to_line_end(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.bump();
        }
    }
}
