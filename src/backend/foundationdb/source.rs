//! Reads a FoundationDB cluster as a store: snapshot reads that write nothing and conflict with nothing.
//!
//! Every table of the catalog exists in a cluster, possibly empty. The cluster has no sign that it was written: only
//! the clients that its status counts show whether a server may be running.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use foundationdb::options::StreamingMode;
use foundationdb::{FdbResult, KeySelector, RangeOption, Transaction};

use super::assembly::{Assembled, Assembler, proven_pieces};
use super::cluster::Cluster;
use super::reader::{FoundationDbPages, RangeRows, RangeSource, split_points};
use super::{end_of, prefix};
use crate::backend::{
    Estimate, KeyRange, Pages, PieceFault, ReadVersions, Sessions, Source, TableState, Unreadable,
};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{self, BackendKind, SchemaVersion, Subspace, Table};
use crate::settings::FoundationDbSettings;

/// First key after those of users.
const USERS_END: &[u8] = b"\xff";
/// The state of the cluster, as a document.
const STATUS: &[u8] = b"\xff\xff/status/json";
/// Most bytes of a chunk in flight.
const IN_FLIGHT: u64 = 768 << 10;
/// Most chunks in flight.
const MOST_IN_FLIGHT: u64 = 16;
/// Pieces that are asked for at once.
const AT_ONCE: usize = 8;
/// Bytes that are read to estimate the size of a record.
const SAMPLE: usize = 64 << 10;

/// A FoundationDB cluster opened for reading.
pub struct FoundationDbSource {
    cluster: Arc<Cluster>,
    ahead: usize,
    version: OnceLock<&'static SchemaVersion>,
    faults: Mutex<BTreeSet<PieceFault>>,
}

impl FoundationDbSource {
    /// Connects to the cluster. `memory` is for what is read ahead, by up to `readers` at once.
    ///
    /// Errors: usage without a client library or a cluster file, I/O if the cluster does not answer, refused if it is
    /// locked or divided into tenants.
    pub fn open(settings: &FoundationDbSettings, memory: u64, readers: usize) -> Result<Self> {
        let ahead = memory / IN_FLIGHT / readers.max(1) as u64;
        Ok(Self::of(Cluster::open(settings)?, usize::try_from(ahead.clamp(1, MOST_IN_FLIGHT)).unwrap_or(1)))
    }

    pub(super) fn of(cluster: Arc<Cluster>, ahead: usize) -> Self {
        FoundationDbSource { cluster, ahead, version: OnceLock::new(), faults: Mutex::default() }
    }

    /// The subspace of a table, once the version is known.
    fn subspace(&self, table: &Table) -> Option<&'static Subspace> {
        subspace(self.version.get().copied()?, table)
    }
}

/// The subspace of a version that is kept in a table.
pub(super) fn subspace(version: &'static SchemaVersion, table: &Table) -> Option<&'static Subspace> {
    let named = |subspace: &&Subspace| {
        subspace.table(BackendKind::FoundationDb).is_ok_and(|found| found.name == table.name)
    };
    version.subspaces.iter().find(named)
}

/// The pieces of the value of a key that follow each other; empty if there is no first one.
pub(super) async fn pieces_of(
    transaction: &Transaction,
    table: &Table,
    key: &[u8],
) -> FdbResult<Vec<Vec<u8>>> {
    let base = [&prefix(table), key].concat();
    let Some(first) = transaction.get(&base, true).await? else { return Ok(Vec::new()) };
    let (size, most) = table.pieces.map_or((u64::MAX, 1), |pieces| (pieces.size, pieces.most));
    let mut pieces = vec![first.to_vec()];
    let mut suffixes = 0..=u8::try_from(most.saturating_sub(2)).unwrap_or(u8::MAX);
    while most > 1 && pieces.last().is_some_and(|last| last.len() as u64 >= size) {
        let keys = suffixes.by_ref().take(AT_ONCE).map(|suffix| [base.as_slice(), &[suffix]].concat());
        let asked: Vec<_> = keys.map(|key| transaction.get(&key, true)).collect();
        if asked.is_empty() {
            break;
        }
        let mut ended = false;
        for value in asked {
            match value.await? {
                Some(value) if !ended => {
                    ended = (value.len() as u64) < size;
                    pieces.push(value.to_vec());
                }
                _ => ended = true,
            }
        }
        if ended {
            break;
        }
    }
    Ok(pieces)
}

impl Source for FoundationDbSource {
    fn kind(&self) -> BackendKind {
        BackendKind::FoundationDb
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let firsts = self.cluster.read("list the first bytes of keys", async |transaction| {
            let (mut firsts, mut from) = (Vec::new(), Vec::new());
            loop {
                let found =
                    transaction.get_key(&KeySelector::first_greater_or_equal(from.as_slice()), true).await?;
                if *found >= *USERS_END {
                    return Ok(firsts);
                }
                let first = found.first().copied();
                // The empty key has no first byte.
                from = first.map_or_else(|| vec![0], |first| end_of(&[first]));
                firsts.push(first);
            }
        })?;
        let of_catalog =
            catalog::versions().iter().flat_map(|version| version.tables(BackendKind::FoundationDb));
        let of_catalog: BTreeSet<&str> = of_catalog.map(|table| table.name).collect();
        let mut tables: Vec<TableState> = firsts
            .into_iter()
            .map(|first| {
                let name = first.map_or("0x".to_string(), |first| format!("0x{first:02x}"));
                let letter = first.filter(u8::is_ascii_lowercase).map(|first| char::from(first).to_string());
                TableState { name: letter.unwrap_or(name), rows: true }
            })
            .collect();
        for name in of_catalog {
            if !tables.iter().any(|table| table.name == name) {
                tables.push(TableState { name: name.to_string(), rows: false });
            }
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    fn unreadable(&self, _tables: &[&Table]) -> Result<Vec<Unreadable>> {
        // A client may read all keys or none.
        Ok(Vec::new())
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(pieces) = table.pieces.filter(|pieces| pieces.number_width > 0) else {
            let pieces = self
                .cluster
                .read("read a record", async |transaction| pieces_of(transaction, table, key).await)?;
            let count = proven_pieces(self.subspace(table), key, &pieces);
            return Ok((count > 0).then(|| pieces.get(..count).unwrap_or_default().concat()));
        };
        let width = usize::from(pieces.number_width);
        let begin = [&prefix(table), key].concat();
        let end = [begin.as_slice(), &vec![u8::MAX; width], &[0]].concat();
        let (range, length) = (KeyRange::all(), begin.len() + width);
        let (mut page, mut faults, mut overflow) = (Page::new(), Vec::new(), Default::default());
        let mut out = Assembled {
            range: &range,
            table: table.name,
            page: &mut page,
            budget: usize::MAX,
            overflow: &mut overflow,
            faults: &mut faults,
        };
        let mut assembler = Assembler::new(table, None);
        let mut rows = RangeRows::new(Arc::clone(&self.cluster), (begin, end), self.ahead);
        while let Some(values) = rows.next()? {
            for row in values.iter().filter(|row| row.key().len() == length) {
                let found = row.key().get(table.name.len()..).unwrap_or_default();
                assembler.push(found, row.value(), &mut out);
            }
        }
        assembler.finish(&mut out);
        Ok(page.get(0).map(|(_, value)| value.to_vec()))
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        let (begin, end) = (prefix(table), end_of(&prefix(table)));
        self.cluster.read("estimate a table", async |transaction| {
            let bytes = transaction.get_estimated_range_size_bytes(&begin, &end).await?;
            let sample = RangeOption {
                mode: StreamingMode::Exact,
                target_bytes: SAMPLE,
                ..RangeOption::from((begin.as_slice(), end.as_slice()))
            };
            let sample = transaction.get_range(&sample, 1, true).await?;
            let sampled: u64 = sample.iter().map(|row| (row.key().len() + row.value().len()) as u64).sum();
            let bytes = u64::try_from(bytes).unwrap_or_default().max(sampled);
            let each = sampled / (sample.len() as u64).max(1);
            Ok(Estimate { records: bytes.checked_div(each).unwrap_or_default(), bytes })
        })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if n < 2 {
            return Ok(vec![KeyRange::all()]);
        }
        let (begin, end) = (prefix(table), end_of(&prefix(table)));
        let bytes = self.estimate(table)?.bytes / n as u64;
        let bytes = i64::try_from(bytes.max(1)).unwrap_or(i64::MAX);
        let points = split_points(&self.cluster, &begin, &end, bytes)?;
        let width = table.pieces.map_or(0, |pieces| usize::from(pieces.number_width));
        let subspace = self.subspace(table).filter(|_| table.pieces.is_some());
        let mut splits: Vec<Vec<u8>> = points
            .iter()
            .filter_map(|point| {
                let key = point.get(begin.len()..)?;
                let key = key.get(..key.len().checked_sub(width)?)?;
                // The key of a piece stands for that of its value.
                let value = key.split_last().map(|(_, value)| value).filter(|value| {
                    width == 0
                        && subspace
                            .is_some_and(|known| known.layout(key).is_err() && known.layout(value).is_ok())
                });
                Some(value.unwrap_or(key).to_vec()).filter(|key| !key.is_empty())
            })
            .collect();
        splits.sort();
        splits.dedup();
        // There may be more points than asked for.
        let step = splits.len().div_ceil(n.saturating_sub(1).max(1)).max(1);
        Ok(KeyRange::between(splits.into_iter().step_by(step).collect()))
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        let source = RangeSource {
            cluster: &self.cluster,
            subspace: self.subspace(table),
            ahead: self.ahead,
            faults: &self.faults,
        };
        Ok(Box::new(FoundationDbPages::new(source, table, range)))
    }

    fn sessions(&self) -> Result<Sessions> {
        sessions(&self.cluster)
    }

    fn learn_version(&self, version: &'static SchemaVersion) {
        // The version is set before the first record is read, and it never changes; a second call sets the same one.
        let _ = self.version.set(version);
    }

    fn piece_faults(&self) -> Vec<PieceFault> {
        lock(&self.faults).iter().cloned().collect()
    }

    fn read_versions(&self) -> Option<ReadVersions> {
        self.cluster.versions()
    }
}

/// The other clients of a cluster, as far as its status tells.
pub(super) fn sessions(cluster: &Cluster) -> Result<Sessions> {
    let read = cluster.read("look for other clients", async |transaction| {
        Ok(transaction.get(STATUS, true).await?.map(|status| status.to_vec()))
    });
    let hidden = |why: &str| Sessions {
        others: Vec::new(),
        hidden: Some(format!("{why}; a server may be connected to the cluster")),
    };
    Ok(match read.map(|status| status.as_deref().and_then(clients)) {
        Ok(Some(0 | 1)) => Sessions::default(),
        Ok(Some(count)) => Sessions {
            others: vec![format!("{} other clients, as the status of the cluster counts them", count - 1)],
            hidden: None,
        },
        Ok(None) => hidden("the status of the cluster does not count its clients"),
        Err(error) if error.kind() == crate::base::error::ErrorKind::Interrupted => return Err(error),
        Err(error) => hidden(&format!("the status of the cluster cannot be read ({error})")),
    })
}

/// The number of clients in the status of a cluster, this one included.
fn clients(status: &[u8]) -> Option<u64> {
    let status: serde_json::Value = serde_json::from_slice(status).ok()?;
    status.get("cluster")?.get("clients")?.get("count")?.as_u64()
}
