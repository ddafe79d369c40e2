//! Typed settings of a `config.toml`, with the place in every error.
//!
//! Combines the parsed file, its macros and the readers of values. Contains how a setting is read, not which settings
//! there are.

use std::fmt::Display;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::config::macros::{Lookup, expand};
use crate::config::toml::Toml;
use crate::config::value::ValidText;
use crate::settings::{Secret, shown};

/// A parsed file and the environment its macros refer to.
#[derive(Clone, Copy)]
pub(super) struct TomlSettings<'a> {
    pub(super) toml: &'a Toml,
    pub(super) env: Lookup<'a>,
    /// The absolute path of the file.
    pub(super) file: &'a Path,
}

impl TomlSettings<'_> {
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        expand(self.toml, self.env, key, false).map_err(|e| self.in_file(e))
    }

    pub(super) fn secret(&self, key: &str) -> Result<Option<Secret>> {
        let text = expand(self.toml, self.env, key, true).map_err(|e| self.in_file(e))?;
        Ok(text.map(Secret::new))
    }

    pub(super) fn required(&self, key: &str) -> Result<String> {
        match self.text(key)? {
            Some(text) if text.is_empty() => {
                Err(self.wrong(key, "a setting that is needed is empty").help("give it a value"))
            }
            Some(text) => Ok(text),
            None => Err(self.missing(key).help("add it")),
        }
    }

    pub(super) fn parsed<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, ValidText>,
    ) -> Result<Option<T>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let value = parse(&text).map_err(|expected| {
            self.wrong(key, format!("the value {} is wrong", self.shown(key, &text)))
                .help(format!("write {expected}; the server silently uses its default instead"))
        })?;
        Ok(Some(value))
    }

    /// The values of a list, in the order of their keys.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>> {
        let keys = self.toml.list(key).map(|(key, _)| key);
        keys.filter_map(|key| self.text(key).transpose()).collect()
    }

    /// The error of a missing key; the caller adds the remedy.
    pub(super) fn missing(&self, key: &str) -> Error {
        self.in_file(Error::usage(format!("the configuration has no key {}", shown(key))))
    }

    /// A value of `key` for a message: as written if it contains a macro, without its expansion.
    pub(super) fn shown(&self, key: &str, value: &str) -> String {
        match self.toml.get(key) {
            Some(entry) if entry.value.contains("%{") => shown(&entry.value),
            _ => shown(value),
        }
    }

    /// An error about the value of `key`.
    pub(super) fn wrong(&self, key: &str, what: impl Display) -> Error {
        let error = Error::usage(what.to_string()).with("key", shown(key));
        let error = match self.toml.get(key).or_else(|| self.toml.list(key).next().map(|(_, entry)| entry)) {
            Some(entry) => error.with("line", entry.line.to_string()),
            None => error,
        };
        self.in_file(error)
    }

    fn in_file(&self, error: Error) -> Error {
        error.with("file", shown(&self.file.to_string_lossy()))
    }
}
