//! Which cluster a configuration means: its cluster file, and what is in it. Connects to nothing.
//!
//! Format: "Cluster file format" in FoundationDB's administration guide: `description:ID@address:port,…`, and remarks.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::settings::FoundationDbSettings;

/// Names the cluster file, for this program and every other client.
const VARIABLE: &str = "FDB_CLUSTER_FILE";
/// Where packages put the cluster file.
const USUAL: &str = "/etc/foundationdb/fdb.cluster";
/// Longest cluster file that is read, in bytes.
const LONGEST: u64 = 1 << 16;

/// The path of the cluster file: of the configuration, the environment, or the usual one.
pub fn cluster_file(settings: &FoundationDbSettings) -> PathBuf {
    let named = settings.cluster_file.clone();
    named.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from)).unwrap_or_else(|| PathBuf::from(USUAL))
}

/// The names of a cluster, which it has whatever the path of its cluster file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIdentity {
    description: String,
    id: String,
    coordinators: Vec<String>,
}

impl ClusterIdentity {
    /// Reads the cluster file.
    ///
    /// Errors: usage if it does not exist or is no cluster file, I/O if it cannot be read.
    pub fn read(settings: &FoundationDbSettings) -> Result<ClusterIdentity> {
        let path = cluster_file(settings);
        let text = text(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                Error::usage("there is no cluster file of FoundationDB")
                    .with("path", path.display().to_string())
                    .help(format!(
                        "copy the cluster file (fdb.cluster) of a machine of the cluster to this one, and name it with \
                         cluster-file in the configuration or with {VARIABLE}"
                    ))
            }
            std::io::ErrorKind::InvalidData => wrong(&path),
            _ => Error::io("cannot read the cluster file of FoundationDB")
                .with("path", path.display().to_string())
                .because(error)
                .help("run as a user who may read it"),
        })?;
        ClusterIdentity::parse(&text).ok_or_else(|| wrong(&path))
    }

    fn parse(text: &str) -> Option<ClusterIdentity> {
        let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let line = lines.find(|line| !line.is_empty())?;
        let (names, addresses) = line.split_once('@')?;
        let (description, id) = names.split_once(':')?;
        let coordinators: Vec<String> =
            addresses.split(',').map(|address| address.trim().to_string()).collect();
        let named =
            !description.is_empty() && !id.is_empty() && coordinators.iter().all(|one| one.contains(':'));
        named.then(|| ClusterIdentity {
            description: description.to_string(),
            id: id.to_string(),
            coordinators,
        })
    }

    /// The evidence that both are the same cluster; `None` if they are not.
    pub fn same(&self, other: &ClusterIdentity) -> Option<String> {
        if self.description != other.description {
            return None;
        }
        if self.id == other.id {
            return Some("both cluster files have the same description and id".to_string());
        }
        // A change of the coordinators changes the id; an older file still leads to the cluster.
        let shared = self.coordinators.iter().find(|one| other.coordinators.contains(one))?;
        Some(format!("both cluster files have the same description and name the coordinator {shared}"))
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    // Opening a FIFO would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn wrong(path: &Path) -> Error {
    Error::usage("the file is no cluster file of FoundationDB").with("path", path.display().to_string()).help(
        "copy the cluster file (fdb.cluster) of a machine of the cluster: it has a line such as \
             description:id@address:port",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_known_by_their_names() {
        let read = |text: &str| ClusterIdentity::parse(text);
        for wrong in ["", "# remark", "a@1.1.1.1:1", "a:b", ":b@1.1.1.1:1", "a:b@here"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let check = |one: &str, other: &str, same: bool| {
            let met = read(one).zip(read(other)).map(|(one, other)| one.same(&other).is_some());
            assert_eq!(met, Some(same), "{one} {other}");
        };
        check("a:b@1.1.1.1:1", "# remark\n\na:b@2.2.2.2:1:tls\n", true);
        check("a:b@1.1.1.1:1,2.2.2.2:1", "a:c@2.2.2.2:1", true);
        check("a:b@1.1.1.1:1", "a:c@2.2.2.2:1", false);
        check("a:b@1.1.1.1:1", "c:b@1.1.1.1:1", false);
    }
}
