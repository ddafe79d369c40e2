//! Node leases: the hosts of a cluster renew them while they run.
//!
//! A lease survives a stop of its server for up to an hour, so a fresh one is a warning and no proof. The catalog
//! defines which records are leases.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::backend::KeyRange;
use crate::base::error::Result;
use crate::base::page::Page;
use crate::catalog::ValueForm;
use crate::records::store::Store;

/// Age up to which the server considers the host of a lease alive.
///
/// source: crates/store/src/build/registry.rs @ v0.16.18
const ALIVE: Duration = Duration::from_secs(3600);

/// A host and when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Name of the host, as in the lease.
    pub host: String,
    /// Time since its last renewal; zero if the renewal is in the future.
    pub age: Duration,
}

impl Lease {
    /// Reads the value of a lease.
    fn read(value: &[u8], now: SystemTime) -> Option<Lease> {
        let (seconds, host) = value.split_first_chunk::<8>()?;
        let renewed = UNIX_EPOCH.checked_add(Duration::from_secs(u64::from_be_bytes(*seconds)))?;
        let age = now.duration_since(renewed).unwrap_or_default();
        let host = String::from_utf8_lossy(host).chars().filter(|c| !c.is_control()).take(255).collect();
        Some(Lease { host, age })
    }

    /// As `mx1.example.org, 12 minutes ago`.
    pub fn describe(&self) -> String {
        format!("{}, {} minutes ago", self.host, self.age.as_secs() / 60)
    }
}

/// Leases of a store that are not older than an hour.
pub fn fresh(store: &Store) -> Result<Vec<Lease>> {
    let now = SystemTime::now();
    let mut found = Vec::new();
    for subspace in store.version().subspaces {
        let Some(table) = store.table(subspace).filter(|_| store.gap(subspace).is_none()) else { continue };
        for layout in subspace.layouts.iter().filter(|layout| layout.value == ValueForm::Lease) {
            let range = KeyRange::around(layout.start());
            let mut pages = store.source().scan(table, &range)?;
            let mut page = Page::new();
            while pages.next(&mut page, 1 << 16)? {
                let leases = page.iter().filter(|(key, value)| {
                    subspace.check(key, value).is_ok_and(|found| std::ptr::eq(found, *layout))
                });
                found.extend(leases.filter_map(|(_, value)| Lease::read(value, now)));
            }
        }
    }
    found.retain(|lease| lease.age <= ALIVE);
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_a_time_and_a_host() {
        let now = UNIX_EPOCH + Duration::from_secs(0x6955_b900 + 720);
        let lease = Lease::read(b"\0\0\0\0\x69\x55\xb9\0mx1.example.org", now).unwrap();
        assert_eq!(lease.describe(), "mx1.example.org, 12 minutes ago");
        assert_eq!(Lease::read(&[0xff; 8], now), None);
        assert_eq!(Lease::read(&[0; 7], now), None);
        let ahead = Lease::read(b"\0\0\0\0\x70\0\0\0\x1b[31mx", now).unwrap();
        assert_eq!((ahead.age, ahead.host.as_str()), (Duration::ZERO, "[31mx"));
    }
}
