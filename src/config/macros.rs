//! `%{env:NAME}%`, `%{file:PATH}%` and `%{cfg:KEY}%` in values of `config.toml`.
//!
//! Expands one value at a time, in the order of the server's three passes over all settings, so that the result is
//! the server's. Where the server records an error and continues with a mangled value, this module fails. Never shows
//! a value: the expansion of a macro may be a secret. source: `crates/utils/src/config/mod.rs` @ v0.15.5

use std::cell::Cell;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::config::file::read_text;
use crate::config::toml::{Toml, TomlValue};
use crate::settings::{shown, shown_path};

const ENV: &str = "%{env:";
const FILE: &str = "%{file:";
const CFG: &str = "%{cfg:";
const END: &str = "}%";

/// Limit of macros for one value, including those of `cfg` references. Settings can refer to each other endlessly.
const MAX_MACROS: u32 = 200;

/// Limit in bytes of an expanded value, and of a file named by a macro.
const MAX_VALUE: usize = 1 << 20;

/// Returns the value of an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of `key` with its macros expanded, if the key is set. With `secret`, errors name a macro only by text
/// that is literally in the configuration. Errors are of kind usage and name key and line.
pub(super) fn expand(toml: &Toml, env: Lookup<'_>, key: &str, secret: bool) -> Result<Option<String>> {
    let Some(entry) = toml.get(key) else { return Ok(None) };
    let passes = Passes { toml, env, secret, left: Cell::new(MAX_MACROS) };
    passes.all(key, entry).map(Some)
}

struct Passes<'a> {
    toml: &'a Toml,
    env: Lookup<'a>,
    secret: bool,
    left: Cell<u32>,
}

impl Passes<'_> {
    fn all(&self, key: &str, entry: &TomlValue) -> Result<String> {
        let text = self.env_and_file(key, entry)?;
        self.pass(key, entry, &text, CFG, |name| {
            let other = self.toml.get(name).ok_or_else(|| {
                self.failed(key, entry, "the configuration lacks the key a macro refers to", name)
                    .help("set that key, or write the value itself")
            })?;
            // The last pass processes the keys in order: earlier keys are already expanded, later ones are not.
            if name < key { self.all(name, other) } else { self.env_and_file(name, other) }
        })
    }

    fn env_and_file(&self, key: &str, entry: &TomlValue) -> Result<String> {
        let text = self.pass(key, entry, &entry.value, ENV, |name| {
            (self.env)(name).ok_or_else(|| {
                self.failed(key, entry, "an environment variable is not set or not UTF-8", name)
                    .help("set it as the server's service does")
            })
        })?;
        self.pass(key, entry, &text, FILE, |name| {
            let path = Path::new(name.strip_prefix("//").unwrap_or(name));
            read_text(path, "a file named by a macro", MAX_VALUE as u64).map_err(|error| {
                let error =
                    if self.nameable(entry, name) { error.with("path", shown_path(path)) } else { error };
                placed(error, key, entry)
            })
        })
    }

    /// Replaces every macro that starts with `open`, once: inserted text is not expanded again.
    fn pass(
        &self,
        key: &str,
        entry: &TomlValue,
        text: &str,
        open: &str,
        resolve: impl Fn(&str) -> Result<String>,
    ) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(open) {
            let Some((name, tail)) = after.split_once(END) else {
                let error = Error::usage(format!("a macro {open}…{END} is not closed"));
                return Err(placed(error, key, entry).help(format!("end it with {END}")));
            };
            let Some(left) = self.left.get().checked_sub(1) else {
                let error = Error::usage(format!("a value needs more than {MAX_MACROS} macros"));
                return Err(placed(error, key, entry).help("write the value itself"));
            };
            self.left.set(left);
            out.push_str(before);
            out.push_str(&resolve(name)?);
            rest = tail;
            if out.len() > MAX_VALUE {
                let error = Error::usage(format!("a value expands to more than {MAX_VALUE} bytes"));
                return Err(placed(error, key, entry).help("write the value itself"));
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn failed(&self, key: &str, entry: &TomlValue, what: &str, name: &str) -> Error {
        let error = Error::usage(what);
        let error = if self.nameable(entry, name) { error.with("name", shown(name)) } else { error };
        placed(error, key, entry)
    }

    /// Whether a macro's name may be shown: a part inserted by an earlier macro may be a secret.
    fn nameable(&self, entry: &TomlValue, name: &str) -> bool {
        !self.secret || entry.value.contains(name)
    }
}

fn placed(error: Error, key: &str, entry: &TomlValue) -> Error {
    error.with("key", shown(key)).with("line", entry.line.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        let value = match name {
            "A" => "aye",
            "B" => "bee",
            "EMPTY" => "",
            "MACRO" => "%{env:A}%",
            "OPEN" => "%{cfg:",
            "TO_CFG" => "%{cfg:z}%",
            "CANARY" => "%{cfg:hunter2}%",
            "CANARY_FILE" => "%{file:/no/hunter2}%",
            _ => return None,
        };
        Some(value.to_string())
    }

    fn expanded(text: &str, secret: bool) -> Result<Option<String>> {
        expand(&Toml::parse(text).unwrap(), &env, "m", secret)
    }

    fn check(text: &str, expect: &str) {
        let value = expanded(text, true).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(value.as_deref(), Some(expect), "{text:?}");
    }

    fn refuse(text: &str, expect: &str) {
        let error = expanded(text, false).unwrap_err();
        assert_eq!(error.to_string(), expect, "{text:?}");
        assert_eq!(error.kind(), crate::base::error::ErrorKind::Usage);
    }

    #[test]
    fn variables_stand_anywhere_in_a_value() {
        check("m = 'plain'\n", "plain");
        check("m = '%{env:A}%'\n", "aye");
        check("m = 'x%{env:A}%/%{env:B}%y'\n", "xaye/beey");
        check("m = '%{env:EMPTY}%'\n", "");
        check("m = '}% %{foo:A}% %{env'\n", "}% %{foo:A}% %{env");
        // The value of a variable is not expanded again by the same pass, but by later ones.
        check("m = '%{env:MACRO}%'\n", "%{env:A}%");
        check("m = '%{env:TO_CFG}%'\nz = 'zed'\n", "zed");
    }

    #[test]
    fn keys_see_what_the_server_has_expanded_by_then() {
        check("m = '%{cfg:a}%'\na = '%{env:A}%'\n", "aye");
        check("m = '%{cfg:z}%'\nz = '%{env:B}%'\n", "bee");
        check("m = '%{cfg:a}%'\na = '%{cfg:b}%'\nb = 1\n", "1");
        check("m = '%{cfg:b}%'\nb = '%{cfg:a}%'\na = '%{cfg:z}%'\nz = 1\n", "1");
        // A later key that refers to a key has not been expanded yet.
        check("m = '%{cfg:z}%'\nz = '%{cfg:a}%'\na = 1\n", "%{cfg:a}%");
        check("m = '%{cfg:m}%'\n", "%{cfg:m}%");
        check("m = '%{cfg:a}%%{cfg:a}%'\na = x\n", "xx");
    }

    #[test]
    fn files_are_taken_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pw");
        std::fs::write(&path, " p w\r\n%{env:A}%\n").unwrap();
        let path = path.to_str().unwrap();
        check(&format!("m = '%{{file:{path}}}%'\n"), " p w\r\n%{env:A}%\n");
        check(&format!("m = '%{{file://{path}}}%'\n"), " p w\r\n%{env:A}%\n");
        // The path can contain a variable. It cannot contain a reference: the path ends at the first `}%`.
        let toml = Toml::parse("m = '%{file:%{env:DIR}%/pw}%'\n").unwrap();
        let at = dir.path().to_str().unwrap().to_string();
        let env = move |name: &str| (name == "DIR").then(|| at.clone());
        assert_eq!(expand(&toml, &env, "m", true).unwrap().as_deref(), Some(" p w\r\n%{env:A}%\n"));
        let error = expanded(&format!("m = '%{{file:{path}%{{cfg:a}}%}}%'\n"), false).unwrap_err();
        assert_eq!(error.message(), "a file named by a macro cannot be read");
    }

    #[test]
    fn what_cannot_be_resolved_is_an_error_with_key_and_line() {
        assert_eq!(expanded("a = 1\n", false).unwrap(), None);
        refuse(
            "\nm = '%{env: A}%'\n",
            "an environment variable is not set or not UTF-8 (name  A, key m, line 2); \
             set it as the server's service does",
        );
        refuse(
            "m = '%{cfg:x.y}%'\n",
            "the configuration lacks the key a macro refers to (name x.y, key m, line 1); \
             set that key, or write the value itself",
        );
        refuse(
            "m = '%{file:/no/such}%'\n",
            "a file named by a macro cannot be read (path /no/such, key m, line 1): \
             No such file or directory (os error 2); check the path",
        );
        refuse(
            "m = '%{env:A}%/%{env:B}'\n",
            "a macro %{env:…}% is not closed (key m, line 1); end it with }%",
        );
        refuse("m = '%{env:B}'\n", "a macro %{env:…}% is not closed (key m, line 1); end it with }%");
        refuse("m = '%{env:OPEN}%'\n", "a macro %{cfg:…}% is not closed (key m, line 1); end it with }%");
        // The error names the setting at fault, not the one that refers to it.
        refuse(
            "m = '%{cfg:a}%'\n\na = '%{env:NONE}%'\n",
            "an environment variable is not set or not UTF-8 (name NONE, key a, line 3); \
             set it as the server's service does",
        );
    }

    #[test]
    fn what_a_variable_holds_is_not_shown_of_a_secret() {
        for text in ["m = '%{env:CANARY}%'\n", "m = '%{env:CANARY_FILE}%'\n"] {
            let error = expanded(text, true).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            let error = expanded(text, false).unwrap_err();
            assert!(error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn expansion_is_bounded() {
        let mut chain = "a0000 = 1\n".to_string();
        let mut doubling = "a0000 = ''\n".to_string();
        for n in 1..1000 {
            chain.push_str(&format!("a{n:04} = '%{{cfg:a{:04}}}%'\n", n - 1));
            doubling.push_str(&format!("a{n:04} = '%{{cfg:a{0:04}}}%%{{cfg:a{0:04}}}%'\n", n - 1));
        }
        for (text, expect) in [
            (chain + "m = '%{cfg:a0999}%'\n", "a value needs more than 200 macros"),
            (doubling + "m = '%{cfg:a0999}%'\n", "a value needs more than 200 macros"),
            (
                format!("a = '{}'\nm = '{}'\n", "x".repeat(100_000), "%{cfg:a}%".repeat(20)),
                "a value expands to more than 1048576 bytes",
            ),
        ] {
            assert_eq!(expanded(&text, false).unwrap_err().message(), expect);
        }
    }
}
