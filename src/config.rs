//! Which stores a server's configuration names, and how to reach them.
//!
//! Reads the server's own file, of either era, as strictly as a migration needs: a value that cannot be resolved
//! is an error where the server would go on with a default. Opens no store. A setting that may live in the
//! database is asked for through a function of the caller.

pub mod toml;

/// A text of the configuration for a message: control characters escaped, bounded in length.
fn shown(text: &str) -> String {
    const LIMIT: usize = 200;
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= LIMIT {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}
