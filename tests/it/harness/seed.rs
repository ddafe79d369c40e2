//! Numbers from the environment, and the seed of everything that tests of kills draw: with the same one the same is
//! drawn again.

use std::time::SystemTime;

/// The number that a variable holds, if it is set.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// `STALWART_MIGRATE_KILL_SEED`, or else a new one.
pub fn seed() -> u64 {
    number("STALWART_MIGRATE_KILL_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 % 1_000_000_007
    })
}
