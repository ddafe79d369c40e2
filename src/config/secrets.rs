//! Secrets that stand elsewhere: in a variable of the environment or in a file.
//!
//! As stricter than the server as a migration needs. Errors name the variable or the file, never what is in it;
//! the caller says which member refers to it. source: `crates/registry/src/utils/secret.rs` @ v0.16.18

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::config::file::{absolute, read_text};
use crate::config::macros::Lookup;
use crate::settings::{Secret, shown};

/// Bytes of the largest file that holds a secret.
const MAX_SECRET: u64 = 1 << 20;

/// The secret in a variable. `placed` adds to an error what refers to it.
pub(super) fn of_environment(name: &str, env: Lookup<'_>, placed: impl Fn(Error) -> Error) -> Result<Secret> {
    match env(name.trim()) {
        Some(secret) if !secret.is_empty() => Ok(Secret::new(secret)),
        _ => Err(placed(Error::usage("an environment variable is not set, empty or not UTF-8"))
            .with("name", shown(name.trim()))
            .next("set it as the server's service does")),
    }
}

/// The secret in a file. `placed` adds to an error what refers to it.
pub(super) fn of_file(path: &str, placed: impl Fn(Error) -> Error) -> Result<Secret> {
    let path = Path::new(path.trim());
    let placed = |error: Error| placed(error.with("path", shown(&absolute(path).to_string_lossy())));
    let text = read_text(path, "a file that holds a secret", MAX_SECRET).map_err(placed)?;
    // Only the end is trimmed; a blank at the start belongs to the secret.
    match text.trim_end() {
        "" => Err(placed(Error::usage("a file that holds a secret is empty")).next("write the secret to it")),
        secret => Ok(Secret::new(secret)),
    }
}
