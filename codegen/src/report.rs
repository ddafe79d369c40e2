//! What is wrong with a schema, and where: mistakes as `file:line:column` with notes and a help line.
//!
//! Maps lines of the joined text back to the files it was joined from. Contains no rule.

use std::fmt;

/// A file of the schema: the name that reports print, and its text.
#[derive(Debug, Clone, Copy)]
pub struct SchemaFile<'a> {
    /// Path as printed in reports.
    pub name: &'a str,
    /// YAML text.
    pub text: &'a str,
}

/// Line and column, from 1, in the joined text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Line of the joined text, from 1; 0 if unknown.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// One thing that is wrong with the schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    place: Position,
    message: String,
    notes: Vec<(Position, String)>,
    help: Option<String>,
}

impl Mistake {
    /// A mistake at a place of the joined text.
    pub fn new(place: Position, message: impl Into<String>) -> Self {
        Mistake { place, message: message.into(), notes: Vec::new(), help: None }
    }

    /// Points at another place that takes part in it.
    pub fn note(mut self, place: Position, text: impl Into<String>) -> Self {
        self.notes.push((place, text.into()));
        self
    }

    /// Adds what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Every mistake of a run, sorted by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    lines: Vec<String>,
}

impl Mistakes {
    /// Sorts the mistakes and resolves their places. `files` holds each file's name and number of lines.
    pub(crate) fn new(mut mistakes: Vec<Mistake>, files: &[(String, usize)]) -> Self {
        mistakes.sort();
        mistakes.dedup();
        let mut lines = Vec::new();
        for mistake in mistakes {
            lines.push(format!("{}: {}", locate(mistake.place, files), mistake.message));
            for (place, text) in mistake.notes {
                lines.push(format!("  note: {}: {text}", locate(place, files)));
            }
            if let Some(help) = mistake.help {
                lines.push(format!("  help: {help}"));
            }
        }
        Mistakes { lines }
    }

    /// The report as lines, as a build script prints them.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let prefix = if line.starts_with("  ") { "" } else { "error: " };
            writeln!(f, "{prefix}{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

fn locate(place: Position, files: &[(String, usize)]) -> String {
    let mut line = place.line;
    for (name, count) in files {
        if line <= *count {
            return format!("{name}:{line}:{}", place.column);
        }
        line -= count;
    }
    let name = files.last().map_or("schema", |(name, _)| name.as_str());
    format!("{name}:{line}:{}", place.column)
}
