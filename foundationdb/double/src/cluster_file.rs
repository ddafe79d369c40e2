//! The cluster file: which store a database is.
//!
//! The form is that of "Cluster file format" in FoundationDB's administration guide:
//! `description:ID@address:port,…`, with lines of remarks. What follows the description is checked and not used.

use std::path::{Path, PathBuf};

use crate::code::Code;

/// What a cluster file leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// The store beside the cluster file.
    Store,
    /// A cluster that never answers.
    Unreachable,
}

/// The file that a database without a path uses.
pub(crate) fn default_path() -> PathBuf {
    if let Some(path) = std::env::var_os("FDB_CLUSTER_FILE") {
        return PathBuf::from(path);
    }
    let here = PathBuf::from("fdb.cluster");
    if here.exists() { here } else { PathBuf::from("/etc/foundationdb/fdb.cluster") }
}

/// Reads a cluster file.
pub(crate) fn read(path: &Path) -> Result<Cluster, Code> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes).ok_or(Code::CLUSTER_FILE_INVALID),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Code::NO_CLUSTER_FILE),
        Err(_) => Err(Code::IO_ERROR),
    }
}

fn parse(bytes: &[u8]) -> Option<Cluster> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let line = lines.find(|line| !line.is_empty())?;
    if lines.any(|line| !line.is_empty()) {
        return None;
    }
    let (names, addresses) = line.split_once('@')?;
    let (description, id) = names.split_once(':')?;
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let address = |text: &str| {
        let parts = text.strip_suffix(":tls").unwrap_or(text).rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if !word(description) || !word(id) || !addresses.split(',').all(address) {
        return None;
    }
    Some(if description.contains("unreachable") { Cluster::Unreachable } else { Cluster::Store })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_files_are_understood() {
        let good = |text: &str, expect| assert_eq!(parse(text.as_bytes()), Some(expect), "{text}");
        good("test:abc123@127.0.0.1:4500\n", Cluster::Store);
        good("# remark\n\ntest_2:x@10.0.0.1:4500:tls,[::1]:4501:tls", Cluster::Store);
        good("unreachable:x@10.0.0.1:4500", Cluster::Unreachable);
        good("is_unreachable_now:x@host.example:4500", Cluster::Unreachable);
        for wrong in [
            "",
            "# only a remark\n",
            "test@127.0.0.1:4500",
            "test:abc",
            "test:abc@",
            "test:abc@127.0.0.1",
            "test:abc@127.0.0.1:port",
            "te st:abc@127.0.0.1:4500",
            "a:b@1.1.1.1:1\nc:d@1.1.1.1:1",
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse(b"\xff\xfe:a@1.1.1.1:1"), None);
    }
}
