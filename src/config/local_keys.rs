//! Decides which settings are local: taken from the file, never from the database.
//!
//! Contains the patterns of `config.local-keys` and the server's default list; accesses neither file nor database.
//! source: `crates/common/src/manager/config.rs` @ v0.15.5

/// The server's list if the file has none.
const DEFAULT: [&str; 16] = [
    "store.*",
    "directory.*",
    "tracer.*",
    "server.*",
    "certificate.*",
    "config.local-keys.*",
    "authentication.fallback-admin.*",
    "cluster.*",
    "storage.data",
    "storage.blob",
    "storage.lookup",
    "storage.fts",
    "storage.directory",
    "enterprise.license-key",
    "!server.blocked-ip.*",
    "!server.allowed-ip.*",
];

/// The effective patterns.
#[derive(Debug)]
pub(super) struct LocalKeys {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    All,
    Prefix(String),
    Suffix(String),
    // The texts between the asterisks.
    Glob(Vec<String>),
    Exact(String),
}

impl LocalKeys {
    /// The patterns of a list, or of the default list if `entries` is empty, which means that the key is not set.
    pub(super) fn new(entries: &[String]) -> Self {
        let mut keys = LocalKeys { include: Vec::new(), exclude: Vec::new() };
        if entries.is_empty() {
            DEFAULT.iter().for_each(|entry| keys.add(entry));
        } else {
            entries.iter().for_each(|entry| keys.add(entry));
        }
        keys
    }

    /// Whether the server takes this key from the file only.
    pub(super) fn is_local(&self, key: &str) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(key);
        self.include.iter().any(matches) && !self.exclude.iter().any(matches)
    }

    fn add(&mut self, entry: &str) {
        let entry = entry.trim();
        let (list, text) = match entry.strip_prefix('!') {
            Some(text) => (&mut self.exclude, text),
            None => (&mut self.include, entry),
        };
        if !text.is_empty() {
            list.push(Pattern::new(&text.to_lowercase()));
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        if text == "*" {
            Pattern::All
        } else if let Some(prefix) = text.strip_suffix('*') {
            Pattern::Prefix(prefix.to_string())
        } else if let Some(suffix) = text.strip_prefix('*') {
            Pattern::Suffix(suffix.to_string())
        } else if text.contains('*') {
            Pattern::Glob(text.split('*').map(str::to_string).collect())
        } else {
            Pattern::Exact(text.to_string())
        }
    }

    fn matches(&self, key: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Prefix(prefix) => key.starts_with(prefix),
            Pattern::Suffix(suffix) => key.ends_with(suffix),
            Pattern::Exact(text) => key == text,
            Pattern::Glob(parts) => glob(parts, key),
        }
    }
}

/// The first and the last part are anchored; each part between them may match as early as possible.
fn glob(parts: &[String], key: &str) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let Some(mut rest) = key.strip_prefix(first.as_str()).and_then(|key| key.strip_suffix(last.as_str()))
    else {
        return false;
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_include_and_exclude_in_any_order() {
        for (entries, key, local) in [
            (&[][..], "storage.blob", true),
            (&[], "storage.blobs", false),
            (&[], "store.a.type", true),
            (&[], "store", false),
            (&[], "tracing.history.store", false),
            (&[], "server.hostname", true),
            (&[], "server.blocked-ip.1.2.3.4", false),
            (&["storage.data"], "storage.blob", false),
            (&["*"], "storage.blob", true),
            (&["*", "!storage.blob"], "storage.blob", false),
            (&["!storage.blob", "*"], "storage.blob", false),
            (&["!*", "*"], "storage.blob", false),
            (&["!storage.lookup"], "storage.blob", false),
            (&[" STORAGE.* "], "storage.blob", true),
            (&["storage.*"], "Storage.blob", false),
            (&["*.blob"], "storage.blob", true),
            (&["*.blob"], "storage.blob.x", false),
            (&["s*e.b*b"], "storage.blob", true),
            (&["s*.*b"], "storage.blob", true),
            (&["s*b.b*b"], "storage.blob", false),
            (&["storage.b*blob"], "storage.blob", false),
            (&["", "  ", "!"], "storage.blob", false),
        ] {
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_string()).collect();
            assert_eq!(LocalKeys::new(&entries).is_local(key), local, "{entries:?} {key}");
        }
    }
}
