//! Reading a MySQL or MariaDB store: consistent snapshots, opened together.
//!
//! Nothing is locked or written. Rows are read along the primary key without asking for an order, which the
//! database would establish by sorting whole tables: the key's prefix is the whole key, or unique at least, so
//! that its order is that of unsigned bytes. It is checked row by row nevertheless.

use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

use super::presence::own_ids;
use super::splits::split_keys;
use super::{MAX_PACKET, MysqlSettings, PACKET_OVERHEAD, Session, close, quoted, text};
use crate::backend::sql::{AsyncWork, Hopper, Idle, Pump, without_leavers};
use crate::backend::{Estimate, KeyRange, Limits, Pages, Sessions, Source, TableState, Unreadable};
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::error::{Error, Result};
use crate::finding::hex;
use crate::page::Page;

/// How often the snapshots are taken anew if something was written in between.
const ATTEMPTS: usize = 5;
/// Bytes of rows asked for at once: what a query that is given up leaves in the connection.
const QUERY_BYTES: usize = 32 << 20;
/// Errors of a privilege that is missing, on a table and on a column.
const DENIED: [u16; 2] = [1142, 1143];
/// Error of a table that is not there.
const NO_SUCH_TABLE: u16 = 1146;
/// Rows asked for at first, while their size is unknown.
const FIRST_ROWS: u64 = 1000;

/// A MySQL or MariaDB database opened for reading.
pub struct MysqlSource {
    settings: MysqlSettings,
    max_packet: u64,
    // Asks small questions; sees the same state as all others.
    leader: Mutex<Session>,
    idle: Idle<MySqlConnection>,
    ids: Vec<u64>,
    names: Vec<String>,
    notes: Vec<String>,
}

impl MysqlSource {
    /// Connects `connections` times and takes the snapshots that everything is read from.
    ///
    /// Errors: I/O if the database cannot be reached or refuses.
    pub fn open(settings: MysqlSettings, connections: usize) -> Result<Self> {
        let mut sessions = Vec::with_capacity(connections + 1);
        let (mut ids, mut max_packet) = (Vec::new(), 0);
        for _ in 0..=connections {
            let mut session = settings.connect()?;
            max_packet = settings.prepare(&mut session)?.max_packet();
            settings.execute(
                &mut session,
                "prepare a connection",
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            )?;
            let id = session.run(async |connection| {
                sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS UNSIGNED)").fetch_one(connection).await
            });
            ids.push(id.map_err(|error| settings.translate(error, "connect"))?);
            sessions.push(session);
        }
        let agreed = snapshots(&settings, &mut sessions)?;
        let mut leader = match sessions.pop() {
            Some(session) => session,
            None => settings.connect()?,
        };
        let idle = Idle::new();
        sessions.into_iter().for_each(|session| idle.give_back(session));
        let names = leader.run(async |connection| {
            let list = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
                        AND table_type = 'BASE TABLE'";
            let rows = sqlx::query(list).fetch_all(connection).await?;
            rows.iter().map(|row| text(row, 0)).collect::<sqlx::Result<Vec<String>>>()
        });
        let mut names = names.map_err(|error| settings.translate(error, "list the tables"))?;
        names.sort_unstable();
        let notes = match agreed {
            true => Vec::new(),
            false => vec![
                "something writes to the database server: if it writes to this database, its tables may be \
                 seen at slightly different moments"
                    .to_string(),
            ],
        };
        Ok(MysqlSource { settings, max_packet, leader: Mutex::new(leader), idle, ids, names, notes })
    }

    fn has_table(&self, table: &Table) -> bool {
        self.names.iter().any(|name| name == table.name)
    }

    fn connect(&self) -> Result<Session> {
        match self.idle.take() {
            Some(session) => Ok(session),
            // More readers than foreseen: a later view, which is the same as long as no server runs.
            None => {
                let mut session = self.settings.connect()?;
                self.settings.prepare(&mut session)?;
                begin(&self.settings, &mut session)?;
                Ok(session)
            }
        }
    }

    fn ask<T>(
        &self,
        doing: &str,
        ask: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        self.ask_raw(ask).map_err(|error| self.settings.translate(error, doing))
    }

    fn ask_raw<T>(&self, ask: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>) -> sqlx::Result<T> {
        self.leader.lock().unwrap_or_else(PoisonError::into_inner).run(ask)
    }
}

impl Drop for MysqlSource {
    fn drop(&mut self) {
        self.idle.drain().into_iter().for_each(close);
    }
}

/// Takes a snapshot on every connection; false if they may differ.
fn snapshots(settings: &MysqlSettings, sessions: &mut [Session]) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let before = match sessions.first_mut() {
            Some(session) => changes(settings, session)?,
            None => return Ok(true),
        };
        for session in &mut *sessions {
            begin(settings, session)?;
        }
        if let Some(session) = sessions.first_mut()
            && changes(settings, session)? == before
        {
            return Ok(true);
        }
    }
    Ok(sessions.len() < 2)
}

fn begin(settings: &MysqlSettings, session: &mut Session) -> Result<()> {
    // Ends a transaction that is open, and with it its snapshot.
    let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    settings.execute(session, "begin to read the database", begin)
}

/// Rows that have been written on the whole database server, as far as it counts them.
fn changes(settings: &MysqlSettings, session: &mut Session) -> Result<Vec<(String, String)>> {
    let counted = session.run(async |connection| {
        let show = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted', 'Innodb_rows_updated', \
                    'Innodb_rows_deleted', 'Handler_write', 'Handler_update', 'Handler_delete')";
        let rows = sqlx::raw_sql(show).fetch_all(connection).await?;
        rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect::<sqlx::Result<Vec<_>>>()
    });
    let mut counted = counted.map_err(|error| settings.translate(error, "take a snapshot"))?;
    // Where InnoDB counts by itself, temporary tables of the question itself do not matter.
    if counted.iter().any(|(name, _)| name.starts_with("Innodb")) {
        counted.retain(|(name, _)| name.starts_with("Innodb"));
    }
    counted.sort();
    Ok(counted)
}

impl MysqlSource {
    fn pages(&self, table: &Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + '_>> {
        let pump = match self.has_table(table) {
            true => {
                let rows = Rows {
                    name: table.name.to_string(),
                    value: table.value,
                    range: range.clone(),
                    settings: self.settings.clone(),
                };
                Some(Pump::start(self.connect()?, rows))
            }
            false => None,
        };
        Ok(Box::new(MysqlPages { source: self, pump }))
    }
}

impl Source for MysqlSource {
    fn kind(&self) -> BackendKind {
        BackendKind::Mysql
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        self.ask("list the tables", async |connection| {
            let mut tables = Vec::with_capacity(self.names.len());
            for name in &self.names {
                let any = format!("SELECT 1 FROM {} LIMIT 1", quoted(name));
                let rows = match sqlx::raw_sql(AssertSqlSafe(any)).fetch_optional(&mut *connection).await {
                    // What may not be read may be full.
                    Err(error) if DENIED.contains(&number(&error)) => true,
                    rows => rows?.is_some(),
                };
                tables.push(TableState { name: name.clone(), rows });
            }
            Ok(tables)
        })
    }

    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        let views = self.ask("list the tables", async |connection| {
            let list = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND \
                        table_type <> 'BASE TABLE'";
            let rows = sqlx::query(list).fetch_all(connection).await?;
            rows.iter().map(|row| text(row, 0)).collect::<sqlx::Result<Vec<String>>>()
        })?;
        let mut unreadable = Vec::new();
        for table in tables {
            let hidden = |why: &str, next: &str| Unreadable {
                table: table.name.to_string(),
                absent: false,
                why: why.to_string(),
                next: next.to_string(),
            };
            // Not even asked for its columns: its query is somebody else's.
            if views.iter().any(|name| name == table.name) {
                let next = "look at who made it; only tables are read, as the server makes them";
                unreadable.push(hidden("what has its name is no table but a view", next));
                continue;
            }
            let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
            // A name without rights of any kind is not listed. The database says why when it is asked, and reads
            // nothing for it.
            let ask = format!("SELECT {columns} FROM {} LIMIT 0", quoted(table.name));
            let asked = self.ask_raw(async |connection| {
                sqlx::raw_sql(AssertSqlSafe(ask)).fetch_optional(connection).await.map(|_| ())
            });
            let listed = self.has_table(table);
            match asked {
                Ok(()) if listed => {}
                Ok(()) => unreadable.push(hidden(
                    "the table was not there a moment ago",
                    "stop the server and whatever else uses the database, then start again",
                )),
                Err(error) if number(&error) == NO_SUCH_TABLE && !listed => {
                    unreadable.push(Unreadable::absent(table));
                }
                Err(error) if DENIED.contains(&number(&error)) => unreadable.push(hidden(
                    match listed {
                        true => "the privilege to SELECT from the table is missing",
                        false => "this user may not know of the table: it has no privilege on it",
                    },
                    "GRANT SELECT on the whole database to the user of the configuration",
                )),
                Err(error @ sqlx::Error::Database(_)) => unreadable.push(hidden(
                    &format!("the database does not read the table: {error}"),
                    "check that the tables are as the server creates them",
                )),
                Err(error) => return Err(self.settings.translate(error, "look at the tables")),
            }
        }
        Ok(unreadable)
    }

    fn has_other_columns(&self, name: &str) -> Result<bool> {
        self.ask("look at a table", async |connection| {
            let count = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND \
                         table_name = ? AND column_name = 'k'";
            sqlx::query_scalar::<_, i64>(count).bind(name).fetch_one(connection).await.map(|count| count == 0)
        })
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.has_table(table) {
            return Ok(None);
        }
        self.ask("read a record", async |connection| {
            let column = if table.value == ValueKind::None { "''" } else { "v" };
            let get = format!("SELECT k, {column} FROM {} WHERE k = ?", quoted(table.name));
            let row = sqlx::query(AssertSqlSafe(get)).bind(key).fetch_optional(connection).await?;
            row.map(|row| Ok(value(&row, table.value, &mut [0; 8])?.to_vec())).transpose()
        })
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        if !self.has_table(table) {
            return Ok(Estimate::default());
        }
        self.ask("estimate a table", async |connection| {
            let size = "SELECT CAST(COALESCE(table_rows, 0) AS UNSIGNED), CAST(COALESCE(data_length, 0) AS \
                        UNSIGNED) FROM information_schema.tables WHERE table_schema = DATABASE() AND \
                        table_name = ?";
            let row = sqlx::query(size).bind(table.name).fetch_one(connection).await?;
            Ok(Estimate { records: row.try_get(0)?, bytes: row.try_get(1)? })
        })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if n < 2 || !self.has_table(table) {
            return Ok(vec![KeyRange::all()]);
        }
        self.ask("find split keys", async |connection| split_keys(connection, table, n).await)
            .map(KeyRange::between)
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(table, range)
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(&Table { value: ValueKind::None, ..*table }, &KeyRange::all())
    }

    fn sessions(&self) -> Result<Sessions> {
        let others = without_leavers(|| {
            self.ask("look for other sessions", async |connection| {
                let list = "SELECT CAST(id AS UNSIGNED), user, host FROM information_schema.processlist \
                            WHERE db = DATABASE() AND command <> 'Daemon' ORDER BY id";
                let own = own_ids(&mut *connection).await?;
                let mut others = Vec::new();
                for row in sqlx::query(list).fetch_all(connection).await? {
                    let id: u64 = row.try_get(0)?;
                    if !self.ids.contains(&id) && !own.contains(&id) {
                        let (user, host) = (text(&row, 1)?, text(&row, 2)?);
                        others.push(format!("connection {id} of user {user} from {host}"));
                    }
                }
                Ok(others)
            })
        })?;
        let seen = self.ask("look for privileges", async |connection| {
            let right = "SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type = \
                         'PROCESS' AND grantee = CONCAT(CHAR(39), REPLACE(CURRENT_USER(), '@', \
                         CONCAT(CHAR(39), '@', CHAR(39))), CHAR(39))";
            sqlx::query_scalar::<_, i64>(right).fetch_one(connection).await
        })?;
        let hidden = (seen == 0).then(|| {
            "without the privilege PROCESS only sessions of the same database user can be seen".to_string()
        });
        Ok(Sessions { others, hidden })
    }

    fn limits(&self) -> Result<Limits> {
        // What the mail server's own client would refuse must not be written either.
        let packet = self.settings.max_allowed_packet.filter(|limit| *limit > 0);
        let packet = packet.map_or(self.max_packet, |limit| limit.min(self.max_packet));
        let limit = Some((packet.saturating_sub(PACKET_OVERHEAD), MAX_PACKET));
        Ok(Limits { record: limit, blob: limit })
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

struct MysqlPages<'a> {
    source: &'a MysqlSource,
    pump: Option<Pump<MySqlConnection>>,
}

impl Pages for MysqlPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        match &mut self.pump {
            Some(pump) => pump.next(page, budget, &self.source.idle),
            None => {
                page.clear();
                Ok(false)
            }
        }
    }
}

impl Drop for MysqlPages<'_> {
    fn drop(&mut self) {
        // Its snapshot cannot be had again; the next query skips what is left of this one.
        if let Some(session) = self.pump.as_mut().and_then(Pump::stop) {
            self.source.idle.give_back(session);
        }
    }
}

/// The number of an error that the database has sent; 0 for another one.
fn number(error: &sqlx::Error) -> u16 {
    match error {
        sqlx::Error::Database(error) => {
            error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
        }
        _ => 0,
    }
}

/// The rows of a range.
struct Rows {
    name: String,
    value: ValueKind,
    range: KeyRange,
    settings: MysqlSettings,
}

impl AsyncWork<MySqlConnection> for Rows {
    async fn run(mut self, connection: &mut MySqlConnection, hopper: &mut Hopper) -> Result<()> {
        let mut limit = FIRST_ROWS;
        loop {
            match self.query(connection, hopper, limit).await {
                Ok(Outcome { stopped: false, rows, bytes }) if rows == limit => {
                    let average = bytes / usize::try_from(rows).unwrap_or(usize::MAX).max(1);
                    limit = (QUERY_BYTES / average.max(16)).max(16) as u64;
                }
                Ok(_) => return Ok(()),
                Err(failed) => {
                    let error = match failed {
                        Failed::Database(error) => self.settings.translate(error, "read from the database"),
                        Failed::Order(key) => Error::io("the database does not deliver rows in key order")
                            .with("database", &*self.settings.place)
                            .with("key", hex(&key))
                            .next("check that the table has the primary key that the server gives it"),
                    };
                    let reached = hopper.last().or(self.range.after.as_deref()).map(hex).unwrap_or_default();
                    return Err(error.with("table", format!("{}, after key {reached}", self.name)));
                }
            }
        }
    }
}

struct Outcome {
    rows: u64,
    bytes: usize,
    stopped: bool,
}

enum Failed {
    Database(sqlx::Error),
    Order(Vec<u8>),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Failed::Database(error)
    }
}

impl Rows {
    /// Reads up to `limit` rows, from where the last query has ended.
    async fn query(
        &mut self,
        connection: &mut MySqlConnection,
        hopper: &mut Hopper,
        limit: u64,
    ) -> Result<Outcome, Failed> {
        let columns = if self.value == ValueKind::None { "k" } else { "k, v" };
        let lower = if self.range.after.is_some() { ">" } else { ">=" };
        let upper = if self.range.until.is_some() { " AND k <= ?" } else { "" };
        let select = format!(
            "SELECT {columns} FROM {} FORCE INDEX (PRIMARY) WHERE k {lower} ?{upper} LIMIT {limit}",
            quoted(&self.name)
        );
        let mut query = sqlx::query(AssertSqlSafe(select)).persistent(false);
        query = query.bind(self.range.after.clone().unwrap_or_default());
        if let Some(until) = &self.range.until {
            query = query.bind(until.clone());
        }
        let mut stream = query.fetch(connection);
        let (mut outcome, mut counter) = (Outcome { rows: 0, bytes: 0, stopped: false }, [0; 8]);
        while let Some(row) = stream.try_next().await? {
            let key: &[u8] = row.try_get_unchecked(0)?;
            let value = match self.value {
                ValueKind::None => &[],
                kind => value(&row, kind, &mut counter)?,
            };
            let before = hopper.last().or(self.range.after.as_deref());
            if before.is_some_and(|before| before >= key) {
                return Err(Failed::Order(key.to_vec()));
            }
            outcome.rows += 1;
            outcome.bytes += key.len() + value.len();
            if hopper.push(key, value) {
                self.range.after = Some(key.to_vec());
                // What has arrived is in the page: it is given back before anybody works on that.
                drop(row);
                if !hopper.hand_over().await {
                    outcome.stopped = true;
                    return Ok(outcome);
                }
            }
        }
        self.range.after = hopper.last().map(<[u8]>::to_vec).or(self.range.after.take());
        Ok(outcome)
    }
}

/// The logical value of a row whose second column is the value.
fn value<'a>(row: &'a MySqlRow, kind: ValueKind, counter: &'a mut [u8; 8]) -> sqlx::Result<&'a [u8]> {
    if kind == ValueKind::Counter {
        *counter = row.try_get_unchecked::<i64, _>(1)?.to_le_bytes();
        return Ok(counter);
    }
    row.try_get_unchecked(1)
}
