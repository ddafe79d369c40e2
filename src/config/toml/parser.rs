//! Statements of `config.toml`: table headers, keys and values.
//!
//! Reproduces the server where it drops or keeps something unexpectedly. source: `crates/utils/src/config/parser.rs`
//! @ v0.12.5, v0.15.5

use std::collections::btree_map;

use super::scanner::{Position, Scanner};
use super::{Toml, TomlValue};
use crate::base::error::{Error, Result};
use crate::settings::shown;

/// Maximum nesting of arrays and inline tables.
const MAX_NESTING: usize = 9;

/// Limit in bytes of a full key. The server has none; every real key is far shorter, and without a limit a long table
/// header would be repeated for every key under it.
const MAX_KEY: usize = 1024;

/// Limit in bytes of all keys and values together, with the cost of an entry of the map.
const MAX_TOTAL: usize = 32 << 20;
const ENTRY_COST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Toml> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        toml: Toml::default(),
        prefix: String::new(),
        array: None,
        total: 0,
    };
    parser.file()?;
    Ok(parser.toml)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    toml: Toml,
    // The current table header, empty or with its dot.
    prefix: String,
    // Only the last array of tables continues its count: the server forgets the one before it.
    array: Option<(String, usize)>,
    total: usize,
}

/// The character that ended a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyEnd {
    Equals,
    Comma,
    Brace,
}

impl Parser<'_> {
    fn file(&mut self) -> Result<()> {
        loop {
            self.scanner.skip_lines();
            let place = self.scanner.place();
            match self.scanner.peek() {
                None => return Ok(()),
                Some('[') => {
                    self.scanner.bump();
                    self.header(place)?;
                }
                Some(c) if c == '"' || c.is_ascii_alphanumeric() => self.setting()?,
                Some('\u{feff}') => {
                    return Err(place
                        .error("the file starts with a byte order mark, which the server refuses")
                        .help("save it as UTF-8 without one"));
                }
                Some(c) => {
                    return Err(place.error(format!("a line cannot start with {c:?}")).help(
                        "start it with [ for a table, or a key: an ASCII letter or digit, or double quotes",
                    ));
                }
            }
        }
    }

    fn header(&mut self, place: Position) -> Result<()> {
        self.scanner.skip_blanks();
        let name = if self.scanner.bump_if('[') {
            let name = self.header_name(String::new())?;
            if !self.scanner.bump_if(']') {
                return Err(self.scanner.place().error("a header that starts with [[ must end with ]]"));
            }
            let index = match &self.array {
                Some((last, index)) if *last == name => index.saturating_add(1),
                _ => 0,
            };
            let element = element(&name, index);
            self.array = Some((name, index));
            element
        } else {
            // The first character is taken unchanged: it keeps its case, and a quote opens nothing.
            match self.scanner.peek() {
                Some(c) if c == '"' || is_header_char(c) => {
                    self.scanner.bump();
                    self.header_name(c.to_string())?
                }
                _ => self.header_name(String::new())?,
            }
        };
        if name.len() > MAX_KEY {
            return Err(too_long(place));
        }
        self.prefix = name;
        self.prefix.push('.');
        self.scanner.skip_to_line_end();
        Ok(())
    }

    /// The rest of a header's name, up to and including its `]`.
    fn header_name(&mut self, mut name: String) -> Result<String> {
        let mut quoted = false;
        let mut last = '\0';
        loop {
            let place = self.scanner.place();
            let next = self.scanner.bump();
            match next {
                None | Some('\n') => return Err(place.error("a table header must end with ] on its line")),
                Some('"') if last != '\\' => quoted = !quoted,
                Some('\\') if quoted => {}
                Some(c) if quoted => name.push(c),
                Some(' ' | '\t') => {}
                Some(']') if name.is_empty() => return Err(place.error("a table header has no name")),
                Some(']') => return Ok(name),
                Some(c) if is_header_char(c) => name.push(c.to_ascii_lowercase()),
                Some(c) => {
                    return Err(place
                        .error(format!("a table header cannot hold {c:?}"))
                        .help("put that part of the name in double quotes"));
                }
            }
            last = next.unwrap_or_default();
        }
    }

    /// `key = value` outside of any value.
    fn setting(&mut self) -> Result<()> {
        let place = self.scanner.place();
        let prefix = self.prefix.clone();
        let (key, _) = self.key(&prefix, place, false)?;
        self.scanner.skip_blanks();
        self.value(key, 0)?;
        self.scanner.skip_blanks();
        let after = self.scanner.place();
        match self.scanner.peek() {
            Some('\n' | '#') => Ok(()),
            None => {
                self.toml.unfinished = Some(after.line);
                Ok(())
            }
            // The character is not shown: it may belong to a password that was quoted wrongly.
            Some(_) => Err(after
                .error("there is text after the value")
                .help("start a comment with # or put the whole value in quotes")),
        }
    }

    /// A full key and the character that ended it. A comma or brace only ends one inside an inline table.
    fn key(&mut self, prefix: &str, start: Position, inline: bool) -> Result<(String, KeyEnd)> {
        let mut key = prefix.to_string();
        let mut quoted = false;
        let mut last = '\0';
        let end = loop {
            let place = self.scanner.place();
            let next = self.scanner.bump();
            match next {
                None => return Err(place.error("the file ends within a key").help("write key = value")),
                Some('\n') if quoted => {
                    return Err(place.error("a quoted key must end on its line").help("close its quotes"));
                }
                Some('"') if !quoted || last != '\\' => quoted = !quoted,
                Some('\\') if quoted => {}
                Some(c) if quoted => key.push(c),
                Some('=') => break KeyEnd::Equals,
                Some(',') if inline => break KeyEnd::Comma,
                Some('}') if inline => break KeyEnd::Brace,
                Some(' ' | '\t') => {}
                Some('\n') if key.len() == prefix.len() => {}
                Some('\n') => {
                    return Err(place.error("a key has no = on its line").help("write key = value"));
                }
                Some(c) => key.push(c),
            }
            if key.len() > MAX_KEY {
                return Err(too_long(start));
            }
            last = next.unwrap_or_default();
        };
        if key.len() == prefix.len() {
            return Err(start.error("there is an empty key").help("name it, or remove the comma before it"));
        }
        Ok((key, end))
    }

    /// A value of any form. The scanner is at its first character.
    fn value(&mut self, key: String, depth: usize) -> Result<()> {
        let place = self.scanner.place();
        match self.scanner.peek() {
            Some('[' | '{') if depth == MAX_NESTING => Err(place
                .error(format!("arrays and tables are nested more than {MAX_NESTING} deep"))
                .with("key", shown(&key))),
            Some('[') => {
                self.scanner.bump();
                self.array(&key, depth)
            }
            Some('{') => {
                self.scanner.bump();
                self.inline_table(&key, depth)
            }
            Some(quote @ ('"' | '\'')) => {
                self.scanner.bump();
                let value = self.quoted(&key, quote, place)?;
                self.insert(key, value, place)
            }
            Some(c) if is_word_char(c) => {
                let mut word = String::new();
                while let Some(c) = self.scanner.peek().filter(|&c| is_word_char(c)) {
                    self.scanner.bump();
                    word.push(c);
                }
                self.insert(key, word, place)
            }
            None | Some('\n') => Err(place
                .error("a key has no value")
                .with("key", shown(&key))
                .help("write the value on the same line, or \"\" for an empty one")),
            Some(_) => Err(place
                .error("a value without quotes can only hold letters, digits, dots, + and -")
                .with("key", shown(&key))
                .help("put it in double quotes")),
        }
    }

    fn array(&mut self, key: &str, depth: usize) -> Result<()> {
        let mut index = 0usize;
        loop {
            self.scanner.skip_lines();
            match self.scanner.peek() {
                Some(',') => {
                    self.scanner.bump();
                    index = index.saturating_add(1);
                    continue;
                }
                Some(']') => {
                    self.scanner.bump();
                    return Ok(());
                }
                None => return Err(self.unfinished(key, "an array is not closed", "]")),
                Some(_) => {}
            }
            let start = self.scanner.place();
            let element = element(key, index);
            if element.len() > MAX_KEY {
                return Err(too_long(start));
            }
            self.value(element, depth + 1)?;
            self.scanner.skip_lines();
            if !matches!(self.scanner.peek(), Some(',' | ']') | None) {
                return Err(self.unfinished(
                    key,
                    "an element of an array is not followed by a comma",
                    ", or ]",
                ));
            }
        }
    }

    fn inline_table(&mut self, key: &str, depth: usize) -> Result<()> {
        let prefix = format!("{key}.");
        loop {
            let start = self.scanner.place();
            let (sub_key, end) = self.key(&prefix, start, true)?;
            match end {
                KeyEnd::Equals => {
                    while matches!(self.scanner.peek(), Some(' ' | '\t' | '\n')) {
                        self.scanner.bump();
                    }
                    self.value(sub_key, depth + 1)?;
                    self.scanner.skip_lines();
                    if self.scanner.bump_if('}') {
                        return Ok(());
                    }
                    if !self.scanner.bump_if(',') {
                        return Err(self.unfinished(
                            key,
                            "a value of an inline table is not followed by a comma",
                            ", or }",
                        ));
                    }
                }
                KeyEnd::Comma => self.insert(sub_key, String::new(), start)?,
                KeyEnd::Brace => return self.insert(sub_key, String::new(), start),
            }
        }
    }

    /// A string after its opening quote. Both quote characters have the same rules.
    fn quoted(&mut self, key: &str, quote: char, start: Position) -> Result<String> {
        if self.scanner.bump_if(quote) {
            if !self.scanner.bump_if(quote) {
                return Ok(String::new());
            }
            return self.triple_quoted(key, quote, start);
        }
        let mut value = String::new();
        // The last character read, escaped or not: after a pair of backslashes it is still a backslash, so that the
        // next character counts as escaped again.
        let mut last = quote;
        loop {
            let Some(c) = self.scanner.bump() else { return Err(open_string(key, start)) };
            match c {
                '\\' if last != '\\' => {}
                't' if last == '\\' => value.push('\t'),
                'n' if last == '\\' => value.push('\n'),
                'r' if last == '\\' => value.push('\r'),
                _ if c == quote && last != '\\' => return Ok(value),
                _ => value.push(c),
            }
            last = c;
        }
    }

    fn triple_quoted(&mut self, key: &str, quote: char, start: Position) -> Result<String> {
        // After a carriage return the newline stays part of the value.
        if self.scanner.is_bare_newline_next() {
            self.scanner.bump();
        }
        let mut value = String::new();
        let mut quotes = 0;
        loop {
            let Some(c) = self.scanner.bump() else { return Err(open_string(key, start)) };
            value.push(c);
            quotes = if c == quote { quotes + 1 } else { 0 };
            if quotes == 3 {
                value.truncate(value.len().saturating_sub(3 * quote.len_utf8()));
                return Ok(value);
            }
        }
    }

    fn insert(&mut self, key: String, value: String, place: Position) -> Result<()> {
        self.total = self.total.saturating_add(key.len() + value.len() + ENTRY_COST);
        if self.total > MAX_TOTAL {
            return Err(place.error(format!("the settings take more than {MAX_TOTAL} bytes")));
        }
        match self.toml.entries.entry(key) {
            btree_map::Entry::Vacant(slot) => {
                slot.insert(TomlValue { value, line: place.line });
                Ok(())
            }
            btree_map::Entry::Occupied(slot) => Err(place
                .error("a key is set twice")
                .with("key", shown(slot.key()))
                .with("first on line", slot.get().line.to_string())
                .help("keep one of the two")),
        }
    }

    fn unfinished(&self, key: &str, what: &str, missing: &str) -> Error {
        self.scanner.place().error(what).with("key", shown(key)).help(format!("write {missing} here"))
    }
}

fn element(name: &str, index: usize) -> String {
    format!("{name}.{index:04}")
}

fn is_header_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '+' | '-')
}

fn too_long(place: Position) -> Error {
    place.error(format!("a key is longer than {MAX_KEY} bytes"))
}

fn open_string(key: &str, start: Position) -> Error {
    start.error("a quoted value is not closed before the file ends").with("key", shown(key)).help(
        "close its quotes; a backslash before the closing quote escapes it, even after another backslash",
    )
}
