//! Snapshots of one moment on several connections.
//!
//! MySQL cannot share a snapshot between connections. Several are of one moment if only their own connections existed
//! while they were taken.

use std::time::Duration;

use super::presence::own_ids;
use super::{MysqlSession, text};
use crate::base::error::Result;
use crate::settings::MysqlSettings;

/// How often several snapshots are tried. A connection that was just closed is still counted for a moment.
const ATTEMPTS: usize = 5;
/// Time between two tries.
const AGAIN: Duration = Duration::from_millis(40);

/// Takes a snapshot on every connection; false if they may be of different moments.
pub(super) fn snapshots(settings: &MysqlSettings, sessions: &mut [MysqlSession]) -> Result<bool> {
    if let [only] = sessions {
        begin(settings, only)?;
        return Ok(true);
    }
    let ours = sessions.len() as u64;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(AGAIN);
        }
        let Some(first) = sessions.first_mut() else { return Ok(true) };
        let present = first.run(async |connection| own_ids(connection).await);
        let present = present.map_err(|error| settings.translate(error, "take a snapshot"))?;
        let ours = ours + present.len() as u64;
        let before = company(settings, first)?;
        for session in &mut *sessions {
            begin(settings, session)?;
        }
        let Some(first) = sessions.first_mut() else { return Ok(true) };
        // A session that commits has a connection: only ours existed, and none was opened and closed meanwhile.
        if before.alone(ours) && company(settings, first)? == before {
            return Ok(true);
        }
    }
    Ok(sessions.len() < 2)
}

fn begin(settings: &MysqlSettings, session: &mut MysqlSession) -> Result<()> {
    // Ends an open transaction, and with it its snapshot.
    let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    settings.execute(session, "begin to read the database", begin)
}

/// The database server's counters of connections and of writes.
#[derive(PartialEq, Eq)]
struct Company(Vec<(String, String)>);

impl Company {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether `ours` are all connections that exist, and the server writes nothing by itself.
    fn alone(&self, ours: u64) -> bool {
        let idle = |name| self.get(name).is_none_or(|value| ["0", "OFF", ""].contains(&value));
        let counted = self.get("Connections").is_some();
        counted
            && self.get("Threads_connected").and_then(|count| count.parse().ok()) == Some(ours)
            && ["Slave_running", "Slaves_running", "Replica_running", "Mysqlx_sessions", "wsrep_ready"]
                .into_iter()
                .all(idle)
    }
}

fn company(settings: &MysqlSettings, session: &mut MysqlSession) -> Result<Company> {
    let counted = session.run(async |connection| {
        let show = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Connections', \
                    'Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted', 'Slave_running', \
                    'Slaves_running', 'Replica_running', 'Mysqlx_sessions', 'wsrep_ready')";
        let rows = sqlx::raw_sql(show).fetch_all(connection).await?;
        rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect::<sqlx::Result<Vec<_>>>()
    });
    let mut counted = counted.map_err(|error| settings.translate(error, "take a snapshot"))?;
    counted.sort();
    Ok(Company(counted))
}
