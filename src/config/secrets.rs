//! Secrets stored in an environment variable or a file.
//!
//! Stricter than the server where a migration needs it. Errors name the variable or the file, never its content; the
//! caller adds the member that refers to it. source: `crates/registry/src/utils/secret.rs` @ v0.16.18

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::config::file::read_text;
use crate::config::macros::Lookup;
use crate::settings::{Secret, shown, shown_path};

/// Limit in bytes of a file with a secret.
const MAX_SECRET: u64 = 1 << 20;

/// The secret in a variable. `placed` adds the referring member to an error.
pub(super) fn of_environment(name: &str, env: Lookup<'_>, placed: impl Fn(Error) -> Error) -> Result<Secret> {
    match env(name.trim()) {
        Some(secret) if !secret.is_empty() => Ok(Secret::new(secret)),
        _ => Err(placed(Error::usage("an environment variable is not set, empty or not UTF-8"))
            .with("name", shown(name.trim()))
            .help("set it as the server's service does")),
    }
}

/// The secret in a file. `placed` adds the referring member to an error.
pub(super) fn of_file(path: &str, placed: impl Fn(Error) -> Error) -> Result<Secret> {
    let path = Path::new(path.trim());
    let placed = |error: Error| placed(error.with("path", shown_path(path)));
    let text = read_text(path, "a file that holds a secret", MAX_SECRET).map_err(placed)?;
    // Only the end is trimmed; a blank at the start is part of the secret.
    match text.trim_end() {
        "" => Err(placed(Error::usage("a file that holds a secret is empty")).help("write the secret to it")),
        secret => Ok(Secret::new(secret)),
    }
}
