//! A session that stays open in a MySQL or MariaDB database: it identifies the database, whatever name leads to it,
//! and holds it.
//!
//! Nothing is written: named locks are the server's, belong to the session and need no privilege.

use std::sync::Mutex;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row, raw_sql};

use super::{MysqlSession, close, text};
use crate::backend::hold::HoldMode;
use crate::backend::unlike_any_other;
use crate::base::error::{Error, Result};
use crate::base::sync::lock;
use crate::settings::MysqlSettings;

/// A named lock has one holder: a reader takes one of these locks, a writer takes all of them.
const READERS: usize = 16;

/// Marks of the sessions of this process.
static MARKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Connection ids of the presences of this process on a server.
pub(super) async fn own_ids(connection: &mut MySqlConnection) -> sqlx::Result<Vec<u64>> {
    let marks = lock(&MARKS).clone();
    let mut ids = Vec::with_capacity(marks.len());
    for mark in marks {
        ids.extend(holder(&mut *connection, &mark).await?);
    }
    Ok(ids)
}

/// A session that stays open in a database.
pub struct MysqlPresence {
    settings: MysqlSettings,
    session: Mutex<Option<MysqlSession>>,
    mark: String,
    facts: MysqlFacts,
}

/// The identity of a database, from its server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MysqlFacts {
    // In the form in which the server compares names of databases.
    database: String,
    // Identifiers that servers with the same data share.
    servers: Vec<String>,
}

impl MysqlPresence {
    /// Connects, reads the identity and stays open.
    ///
    /// Errors: I/O if the database cannot be reached or refuses the connection.
    pub fn open(settings: MysqlSettings) -> Result<Self> {
        let mut session = settings.connect()?;
        settings.prepare(&mut session)?;
        let mark = format!("stalwart-migrate {:016x}", unlike_any_other());
        let facts = session
            .run(async |connection| {
                let facts = facts(connection).await?;
                take(connection, &mark).await?;
                Ok(facts)
            })
            .map_err(|error| settings.translate(error, "look at the database"))?;
        lock(&MARKS).push(mark.clone());
        Ok(MysqlPresence { settings, session: Mutex::new(Some(session)), mark, facts })
    }

    /// Holds the database against other runs.
    ///
    /// Errors: refused if another run holds it.
    pub fn hold(&self, mode: HoldMode) -> Result<()> {
        let held = self.ask("hold the database", async |connection| {
            for slot in 0..READERS {
                let taken = take(connection, &self.slot(slot)).await?;
                if taken == (mode == HoldMode::Shared) {
                    return Ok(taken);
                }
            }
            Ok(mode == HoldMode::Exclusive)
        })?;
        if held {
            return Ok(());
        }
        let what = match mode {
            HoldMode::Shared => "another run of this program writes to the database",
            HoldMode::Exclusive => "another run of this program uses the database",
        };
        Err(Error::refused(what)
            .with("database", self.settings.location())
            .help("wait until it has ended, and try again"))
    }

    /// The name of a lock; names are short and shared by all databases of a server.
    fn slot(&self, slot: usize) -> String {
        let database = blake3::hash(self.facts.database.as_bytes()).to_hex();
        format!("stalwart-migrate {} {slot}", database.get(..32).unwrap_or_default())
    }

    /// The evidence that this store and `other`, whose session is open too, are the same; `None` if they are not.
    ///
    /// Errors: I/O if the database cannot be queried.
    pub fn same(&self, other: &MysqlPresence) -> Result<Option<String>> {
        let seen: Option<u64> =
            self.ask("look for our own session", async |connection| holder(connection, &other.mark).await)?;
        let (ours, theirs) = (&self.facts, &other.facts);
        let how = match seen {
            Some(_) => "it is the same database of the same server",
            None if ours.servers.iter().any(|name| theirs.servers.contains(name)) => {
                "both servers give the same name of themselves or of their cluster"
            }
            None => return Ok(None),
        };
        Ok((ours.database == theirs.database).then(|| how.to_string()))
    }

    fn ask<T>(
        &self,
        doing: &str,
        ask: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let mut session = lock(&self.session);
        let Some(session) = session.as_mut() else { return Err(Error::io("the session has ended")) };
        session.run(ask).map_err(|error| self.settings.translate(error, doing))
    }
}

impl Drop for MysqlPresence {
    fn drop(&mut self) {
        lock(&MARKS).retain(|mark| *mark != self.mark);
        let session = lock(&self.session).take();
        session.into_iter().for_each(close);
    }
}

/// Takes a named lock, if it is free. Names are made here, of letters and digits, so no prepared statement is needed.
async fn take(connection: &mut MySqlConnection, name: &str) -> sqlx::Result<bool> {
    let take = format!("SELECT CAST(GET_LOCK('{name}', 0) AS SIGNED)");
    let row = raw_sql(AssertSqlSafe(take)).fetch_one(connection).await?;
    Ok(row.try_get::<Option<i64>, _>(0)? == Some(1))
}

/// The connection that holds a named lock.
async fn holder(connection: &mut MySqlConnection, name: &str) -> sqlx::Result<Option<u64>> {
    let look = format!("SELECT CAST(IS_USED_LOCK('{name}') AS UNSIGNED)");
    raw_sql(AssertSqlSafe(look)).fetch_one(connection).await?.try_get(0)
}

async fn facts(connection: &mut MySqlConnection) -> sqlx::Result<MysqlFacts> {
    let database = "SELECT IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE()))";
    let database = text(&raw_sql(database).fetch_one(&mut *connection).await?, 0)?;
    let mut servers = Vec::new();
    for show in [
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'group_replication_group_name')",
        "SHOW GLOBAL STATUS WHERE Variable_name = 'wsrep_cluster_state_uuid'",
    ] {
        for row in raw_sql(show).fetch_all(&mut *connection).await? {
            let value = text(&row, 1)?;
            // Empty, or all zeros, without a cluster.
            if value.bytes().any(|byte| byte.is_ascii_alphanumeric() && byte != b'0') {
                servers.push(format!("{} {value}", text(&row, 0)?.to_ascii_lowercase()));
            }
        }
    }
    Ok(MysqlFacts { database, servers })
}
