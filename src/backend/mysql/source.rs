//! Reads a MySQL or MariaDB store: consistent snapshots of one moment.
//!
//! Nothing is locked or written, and nothing is prepared on the database server, which may have no room for it.
//! Several snapshots are of one moment if only their own connections existed while they were taken; otherwise one
//! snapshot serves everything, page by page. Rows are read along the primary key without `ORDER BY`, for which the
//! database would sort whole tables: the key's prefix is the whole key, or at least unique, so that its order is that
//! of unsigned bytes. The order is nevertheless checked row by row.

use std::sync::Mutex;

use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

use super::presence::own_ids;
use super::rows::{BatchOutcome, MysqlReadError, MysqlRows, value};
use super::snapshots::snapshots;
use super::splits::split_keys;
use super::writes::MysqlWrites;
use super::{MAX_PACKET, MysqlSession, PACKET_OVERHEAD, access, close, literal, quoted, shape, text};
use crate::backend::shape::Fault;
use crate::backend::sql::{Idle, QueryDriver, without_leavers};
use crate::backend::{Estimate, KeyRange, Limits, Pages, Sessions, Source, TableState, Unreadable};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::settings::MysqlSettings;

/// Storage engines that keep rows in the database server itself. Others query another server or program.
const OWN_ENGINES: [&str; 7] = ["InnoDB", "MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV", "ROCKSDB"];
/// Errors of a missing privilege, on a table and on a column.
const DENIED: [u16; 2] = [1142, 1143];
/// Error of a table that does not exist.
const NO_SUCH_TABLE: u16 = 1146;
/// Rows requested at first from a shared connection: rows that do not fit a page are read in vain.
const FEW_ROWS: u64 = 16;

const LOOK_FOR_WRITES: &str = "ask what was written to the database";

/// A MySQL or MariaDB database opened for reading.
pub struct MysqlSource {
    settings: MysqlSettings,
    max_packet: u64,
    // Runs small queries, and reads pages if no other connection is left; has the same state as all others.
    leader: Mutex<MysqlSession>,
    idle: Idle<MySqlConnection>,
    ids: Mutex<Vec<u64>>,
    tables: Vec<SourceTable>,
    // Approximately when the snapshots were taken.
    writes: MysqlWrites,
}

/// A table of the database.
struct SourceTable {
    name: String,
    // Whether querying it involves only the database server itself.
    own: bool,
}

impl MysqlSource {
    /// Connects `connections` times and takes the snapshots that everything is read from.
    ///
    /// Errors: I/O if the database cannot be reached or refuses the connection.
    pub fn open(settings: MysqlSettings, connections: usize) -> Result<Self> {
        MysqlSource::open_beside(settings, connections, Vec::new())
    }

    /// As [`MysqlSource::open`]; `own` are the ids of other connections of this process.
    pub(super) fn open_beside(
        settings: MysqlSettings,
        connections: usize,
        mut ids: Vec<u64>,
    ) -> Result<Self> {
        let mut sessions = Vec::with_capacity(connections + 1);
        let (mut max_packet, mut replica) = (0, false);
        for _ in 0..=connections {
            let mut session = settings.connect()?;
            let variables = settings.prepare(&mut session)?;
            max_packet = variables.max_packet();
            // Replication writes without a connection that would be counted.
            replica |= variables.on("read_only");
            settings.execute(
                &mut session,
                "prepare a connection",
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            )?;
            ids.push(settings.id(&mut session)?);
            sessions.push(session);
        }
        let mut writes = None;
        if let Some(first) = sessions.first_mut() {
            let asked = first.run(async |connection| MysqlWrites::up_to_now(connection).await);
            writes = Some(asked.map_err(|error| settings.translate(error, LOOK_FOR_WRITES))?);
        }
        let agreed = snapshots(&settings, &mut sessions)? && !replica;
        let mut leader = match sessions.pop() {
            Some(session) => session,
            None => settings.connect()?,
        };
        let idle = Idle::new();
        for session in sessions {
            if agreed { idle.give_back(session) } else { close(session) }
        }
        let tables = leader.run(async |connection| tables(connection).await);
        let tables = tables.map_err(|error| settings.translate(error, "list the tables"))?;
        let ids = Mutex::new(ids);
        Ok(MysqlSource {
            settings,
            max_packet,
            leader: Mutex::new(leader),
            idle,
            ids,
            tables,
            writes: writes.unwrap_or_default(),
        })
    }

    fn has_table(&self, table: &Table) -> bool {
        self.tables.iter().any(|named| named.name == table.name)
    }

    fn ask<T>(
        &self,
        doing: &str,
        ask: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        self.ask_raw(ask).map_err(|error| self.settings.translate(error, doing))
    }

    fn ask_raw<T>(&self, ask: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>) -> sqlx::Result<T> {
        lock(&self.leader).run(ask)
    }
}

impl Drop for MysqlSource {
    fn drop(&mut self) {
        self.idle.drain().into_iter().for_each(close);
    }
}

/// Everything that stores rows. Views store none, and querying one would execute its text.
async fn tables(connection: &mut MySqlConnection) -> sqlx::Result<Vec<SourceTable>> {
    let list = "SELECT table_name, COALESCE(engine, '') FROM information_schema.tables WHERE table_schema = \
                DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')";
    let rows = sqlx::raw_sql(list).fetch_all(connection).await?;
    let named = |row: &MySqlRow| {
        let engine = text(row, 1)?;
        let own = OWN_ENGINES.iter().any(|own| own.eq_ignore_ascii_case(&engine));
        Ok(SourceTable { name: text(row, 0)?, own })
    };
    let mut tables = rows.iter().map(named).collect::<sqlx::Result<Vec<_>>>()?;
    tables.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(tables)
}

impl MysqlSource {
    fn pages(&self, table: &Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + '_>> {
        let rows = MysqlRows {
            name: table.name.to_string(),
            value: table.value,
            range: range.clone(),
            settings: self.settings.clone(),
        };
        let reading = match (self.has_table(table), self.idle.take()) {
            (true, Some(session)) => RangeReading::Own(QueryDriver::start(session, rows)),
            // No other connection has the same snapshot.
            (true, None) => RangeReading::Shared { rows, limit: FEW_ROWS },
            (false, session) => {
                session.into_iter().for_each(|session| self.idle.give_back(session));
                RangeReading::Done
            }
        };
        Ok(Box::new(MysqlPages { source: self, reading }))
    }
}

impl Source for MysqlSource {
    fn kind(&self) -> BackendKind {
        BackendKind::Mysql
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        self.ask("list the tables", async |connection| {
            let mut tables = Vec::with_capacity(self.tables.len());
            for SourceTable { name, own } in &self.tables {
                let any = format!("SELECT 1 FROM {} LIMIT 1", quoted(name));
                if !own {
                    tables.push(TableState { name: name.clone(), rows: true });
                    continue;
                }
                let rows = match sqlx::raw_sql(AssertSqlSafe(any)).fetch_optional(&mut *connection).await {
                    // A table that may not be read may have rows.
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
            let rows = sqlx::raw_sql(list).fetch_all(connection).await?;
            rows.iter().map(|row| text(row, 0)).collect::<sqlx::Result<Vec<String>>>()
        })?;
        let mut unreadable = Vec::new();
        for table in tables {
            let hidden = |why: &str, help: &str| Unreadable {
                table: table.name.to_string(),
                absent: false,
                why: why.to_string(),
                help: help.to_string(),
            };
            // Not even its columns are queried: that would run the query of the view.
            if views.iter().any(|name| name == table.name) {
                let help = "look at who made it; only tables are read, as the server makes them";
                unreadable.push(hidden("what has its name is no table but a view", help));
                continue;
            }
            let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
            // A table without any rights on it is not listed. Querying it returns the reason, and reads nothing.
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
                    if listed {
                        "the privilege to SELECT from the table is missing"
                    } else {
                        "this user may not know of the table: it has no privilege on it"
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
            let count = format!(
                "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = \
                 CONVERT({} USING utf8) AND column_name = 'k'",
                literal(name.as_bytes())
            );
            let row = sqlx::raw_sql(AssertSqlSafe(count)).fetch_one(connection).await?;
            row.try_get::<i64, _>(0).map(|count| count == 0)
        })
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.has_table(table) {
            return Ok(None);
        }
        self.ask("read a record", async |connection| {
            let column = if table.value == ValueKind::None { "''" } else { "v" };
            let get = format!("SELECT k, {column} FROM {} WHERE k = {}", quoted(table.name), literal(key));
            let row = sqlx::raw_sql(AssertSqlSafe(get)).fetch_optional(connection).await?;
            row.map(|row| Ok(value(&row, table.value, &mut [0; 8])?.to_vec())).transpose()
        })
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        if !self.has_table(table) {
            return Ok(Estimate::default());
        }
        self.ask("estimate a table", async |connection| {
            let size = format!(
                "SELECT CAST(COALESCE(table_rows, 0) AS UNSIGNED), CAST(COALESCE(data_length, 0) AS UNSIGNED) FROM \
                 information_schema.tables WHERE table_schema = DATABASE() AND table_name = {}",
                literal(table.name.as_bytes())
            );
            let row = sqlx::raw_sql(AssertSqlSafe(size)).fetch_one(connection).await?;
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

    fn changed(&self) -> Result<Option<String>> {
        let now = self.ask(LOOK_FOR_WRITES, async |connection| MysqlWrites::up_to_now(connection).await)?;
        let written = self.tables.iter().find(|table| self.writes.written(&now, &table.name));
        Ok(written.map(|table| format!("the table {} was written", table.name)))
    }

    fn sessions(&self) -> Result<Sessions> {
        let ids = lock(&self.ids).clone();
        let others = without_leavers(|| {
            self.ask("look for other sessions", async |connection| other_sessions(connection, &ids).await)
        })?;
        let hidden = self.ask("look for privileges", async |connection| hidden(connection).await)?;
        Ok(Sessions { others, hidden })
    }

    fn limits(&self) -> Result<Limits> {
        // A record that the mail server's own client would refuse must not be written either.
        let packet = self.settings.max_allowed_packet.filter(|limit| *limit > 0);
        let packet = packet.map_or(self.max_packet, |limit| limit.min(self.max_packet));
        let limit = Some((packet.saturating_sub(PACKET_OVERHEAD), MAX_PACKET));
        Ok(Limits { record: limit, blob: limit })
    }

    fn shape_faults(&self, tables: &[&Table], written: bool) -> Result<Vec<Fault>> {
        self.ask("look at the tables", async |connection| shape::faults(connection, tables, written).await)
    }

    fn writable(&self, tables: &[&Table]) -> Result<()> {
        let (mut session, variables) = self.settings.session()?;
        let id = self.settings.id(&mut session)?;
        lock(&self.ids).push(id);
        let absent: Vec<&Table> = tables.iter().copied().filter(|table| !self.has_table(table)).collect();
        let there: Vec<&Table> = tables.iter().copied().filter(|table| self.has_table(table)).collect();
        let checked = access::check(&self.settings, &mut session, &variables, &there, &absent);
        close(session);
        checked
    }
}

/// Connections to the same database other than `ours`, described for messages.
pub(super) async fn other_sessions(
    connection: &mut MySqlConnection,
    ours: &[u64],
) -> sqlx::Result<Vec<String>> {
    let list = "SELECT CAST(id AS UNSIGNED), user, host FROM information_schema.processlist \
                WHERE db = DATABASE() AND command <> 'Daemon' ORDER BY id";
    let own = own_ids(&mut *connection).await?;
    let mut others = Vec::new();
    for row in sqlx::raw_sql(list).fetch_all(connection).await? {
        let id: u64 = row.try_get(0)?;
        if !ours.contains(&id) && !own.contains(&id) {
            let (user, host) = (text(&row, 1)?, text(&row, 2)?);
            others.push(format!("connection {id} of user {user} from {host}"));
        }
    }
    Ok(others)
}

/// Why there may be connections that are not visible, if so.
pub(super) async fn hidden(connection: &mut MySqlConnection) -> sqlx::Result<Option<String>> {
    let right = "SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type = \
                 'PROCESS' AND grantee = CONCAT(CHAR(39), REPLACE(CURRENT_USER(), '@', \
                 CONCAT(CHAR(39), '@', CHAR(39))), CHAR(39))";
    let seen: i64 = sqlx::raw_sql(right).fetch_one(connection).await?.try_get(0)?;
    Ok((seen == 0).then(|| {
        "without the privilege PROCESS only sessions of the same database user can be seen".to_string()
    }))
}

struct MysqlPages<'a> {
    source: &'a MysqlSource,
    reading: RangeReading,
}

/// How the rows of a range are read.
enum RangeReading {
    /// Through their own connection.
    Own(QueryDriver<MySqlConnection>),
    /// Through the shared connection, a page at a time; at most `limit` rows at once.
    Shared { rows: MysqlRows, limit: u64 },
    /// Reading has failed, for this reason.
    Failed(String),
    /// The last row has been read.
    Done,
}

impl Pages for MysqlPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        match &mut self.reading {
            RangeReading::Own(driver) => driver.next(page, budget, &self.source.idle),
            RangeReading::Shared { rows, limit } => {
                page.clear();
                let mut leader = lock(&self.source.leader);
                let read =
                    leader.run(async |connection| Ok(rows.page(connection, page, budget, *limit).await));
                drop(leader);
                match read.map_err(MysqlReadError::Database).flatten() {
                    Ok(BatchOutcome { rows: read, bytes, stopped }) => {
                        let ended = !stopped && read < *limit;
                        // As many rows as fill a page: rows beyond that are read in vain.
                        let average = bytes / usize::try_from(read).unwrap_or(usize::MAX).max(1);
                        *limit = (budget / average.max(16)).clamp(1, 1 << 20) as u64;
                        if ended {
                            self.reading = RangeReading::Done;
                        }
                        Ok(!page.is_empty())
                    }
                    Err(failed) => {
                        let reached = page.last().map(|(key, _)| key.to_vec()).or(rows.range.after.clone());
                        page.clear();
                        let error = rows.error(failed, reached.as_deref());
                        self.reading = RangeReading::Failed(error.to_string());
                        Err(error)
                    }
                }
            }
            RangeReading::Failed(why) => {
                page.clear();
                Err(Error::io(why.clone()))
            }
            RangeReading::Done => {
                page.clear();
                Ok(false)
            }
        }
    }
}

impl Drop for MysqlPages<'_> {
    fn drop(&mut self) {
        // Its snapshot cannot be taken again; the next query skips the rest of this one.
        if let RangeReading::Own(driver) = &mut self.reading
            && let Some(session) = driver.stop()
        {
            self.source.idle.give_back(session);
        }
    }
}

/// The number of an error of the database; 0 for other errors.
fn number(error: &sqlx::Error) -> u16 {
    match error {
        sqlx::Error::Database(error) => {
            error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
        }
        _ => 0,
    }
}
