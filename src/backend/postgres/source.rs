//! Reads a PostgreSQL store: one exported snapshot, shared by every connection.
//!
//! Nothing is written, and the only locks keep tables from being replaced. Rows come from `COPY … TO STDOUT` in key
//! order, which for `BYTEA` is the order of unsigned bytes.

use std::sync::Mutex;

use futures_util::TryStreamExt;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::copy::{Decoder, Malformed};
use super::large;
use super::relations::{Relation, Relations, hold};
use super::writes::PgWrites;
use super::{PgSession, close, shape};
use crate::backend::shape::Fault;
use crate::backend::sql::{AsyncWork, Idle, PageFeed, QueryDriver, own_name, without_leavers};
use crate::backend::{Estimate, KeyRange, Pages, Sessions, Source, TableState, Unreadable};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::settings::PostgresSettings;

/// Pages of a table that are sampled to find split keys.
const SAMPLE_PAGES: u64 = 400;

const LOOK_FOR_WRITES: &str = "ask what was written to the database";

/// A PostgreSQL database opened for reading.
pub struct PostgresSource {
    settings: PostgresSettings,
    snapshot: String,
    // Keeps the snapshot open, and runs small queries.
    leader: Mutex<PgSession>,
    // Reads the current tables, and keeps those in use from being replaced.
    holder: Mutex<PgSession>,
    path: Vec<String>,
    relations: Mutex<Relations>,
    // Writes up to the snapshot.
    writes: PgWrites,
    idle: Idle<PgConnection>,
    // Process ids of all connections, to distinguish them from other sessions.
    pids: Mutex<Vec<i32>>,
}

impl PostgresSource {
    /// Connects and takes the snapshot that everything is read from.
    ///
    /// Errors: I/O if the database cannot be reached or refuses the connection.
    pub fn open(settings: PostgresSettings) -> Result<Self> {
        PostgresSource::open_beside(settings, Vec::new())
    }

    /// As [`PostgresSource::open`]; `own` are the ids of other connections of this process.
    pub(super) fn open_beside(settings: PostgresSettings, own: Vec<i32>) -> Result<Self> {
        let (mut leader, mut holder) = (settings.connect()?, settings.connect()?);
        settings.check_direct(&mut leader, &mut holder)?;
        let path = settings.prepare(&mut holder)?;
        settings.prepare(&mut leader)?;
        settings.execute(&mut holder, "begin to look at the tables", "BEGIN READ ONLY".to_string())?;
        begin(&settings, &mut leader, None)?;
        let fail = |e| settings.translate(e, "take a snapshot of the database");
        let taken: sqlx::Result<(String, i32)> = leader.run(async |connection| {
            let row =
                sqlx::query("SELECT pg_export_snapshot(), pg_backend_pid()").fetch_one(connection).await?;
            Ok((row.try_get(0)?, row.try_get(1)?))
        });
        let (snapshot, pid) = taken.map_err(fail)?;
        let writes = leader.run(async |connection| PgWrites::up_to_now(connection).await);
        let writes = writes.map_err(|e| settings.translate(e, LOOK_FOR_WRITES))?;
        let looked = holder.run(async |connection| {
            let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await?;
            Ok((pid, Relations::load(connection, &path, &settings.location()).await?))
        });
        let (second, relations) = looked.map_err(|e| settings.translate(e, "look at the tables"))?;
        Ok(PostgresSource {
            settings,
            snapshot,
            leader: Mutex::new(leader),
            holder: Mutex::new(holder),
            path,
            relations: Mutex::new(relations),
            writes,
            idle: Idle::new(),
            pids: Mutex::new([own, vec![pid, second]].concat()),
        })
    }

    fn relations(&self) -> Relations {
        lock(&self.relations).clone()
    }

    /// The table with this name; `None` if it does not exist.
    fn table(&self, name: &str) -> Result<Option<Relation>> {
        let relations = lock(&self.relations);
        Ok(relations.table(name)?.cloned())
    }

    fn connect(&self) -> Result<PgSession> {
        if let Some(session) = self.idle.take() {
            return Ok(session);
        }
        let mut session = self.settings.connect()?;
        self.settings.prepare(&mut session)?;
        begin(&self.settings, &mut session, Some(&self.snapshot))?;
        let pid = session.run(async |connection| {
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await
        });
        let pid = pid.map_err(|e| self.settings.translate(e, "read from the database"))?;
        lock(&self.pids).push(pid);
        Ok(session)
    }

    fn ask<T>(&self, doing: &str, ask: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let mut leader = lock(&self.leader);
        leader.run(ask).map_err(|error| self.settings.translate(error, doing))
    }
}

impl Drop for PostgresSource {
    fn drop(&mut self) {
        self.idle.drain().into_iter().for_each(close);
    }
}

/// Starts the transaction in which everything is read.
fn begin(settings: &PostgresSettings, session: &mut PgSession, snapshot: Option<&str>) -> Result<()> {
    let mut statements = String::from("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;");
    if let Some(snapshot) = snapshot {
        statements.push_str(&format!("SET TRANSACTION SNAPSHOT '{}';", snapshot.replace('\'', "")));
    }
    // Rows are needed in key order. For a table that was never analyzed, the planner would prefer sorting a range in
    // temporary files to reading it by its index.
    statements.push_str("SET LOCAL enable_bitmapscan = off;");
    settings.execute(session, "begin to read the database", statements)
}

impl PostgresSource {
    fn pages(&self, table: &Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + '_>> {
        let Some(relation) = self.table(table.name)? else {
            return Ok(Box::new(PostgresPages { source: self, driver: None }));
        };
        let rows = PgRows {
            from: relation.qualified(),
            select: relation.select(table.value),
            range: range.clone(),
            value: table.value,
            name: table.name.to_string(),
            settings: self.settings.clone(),
            reached: range.after.clone(),
        };
        Ok(Box::new(PostgresPages { source: self, driver: Some(QueryDriver::start(self.connect()?, rows)) }))
    }
}

impl Source for PostgresSource {
    fn kind(&self) -> BackendKind {
        BackendKind::Postgres
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let relations = self.relations();
        self.ask("list the tables", async |connection| {
            let mut tables = Vec::new();
            for relation in relations.visible() {
                let rows = if relation.harmless() {
                    let any = format!("SELECT EXISTS (SELECT FROM {})", relation.qualified());
                    sqlx::query_scalar(AssertSqlSafe(any)).fetch_one(&mut *connection).await?
                } else {
                    // A relation that cannot be queried counts as having rows if it takes space or stores its rows
                    // elsewhere.
                    relation.space || !relation.keeps_rows()
                };
                tables.push(TableState { name: relation.name().to_string(), rows });
            }
            Ok(tables)
        })
    }

    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        let before = self.relations();
        let held: Vec<&Relation> = before
            .visible()
            .into_iter()
            .filter(|r| tables.iter().any(|t| t.name == r.name()) && r.harmless())
            .collect();
        let mut holder = lock(&self.holder);
        let now = holder.run(async |connection| {
            hold(connection, &held).await?;
            Relations::load(connection, &self.path, &self.settings.location()).await
        });
        let now = now.map_err(|error| self.settings.translate(error, "look at the tables"))?;
        let unreadable = now.unreadable(tables)?;
        *lock(&self.relations) = now;
        Ok(unreadable)
    }

    fn writable(&self, tables: &[&Table]) -> Result<()> {
        let relations = self.relations();
        let home = relations.home()?;
        let (read_only, create) = self.ask("look at the database", async |connection| {
            let state = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool, \
                         has_schema_privilege($1, 'CREATE')";
            let row = sqlx::query(state).bind(home).fetch_one(connection).await?;
            Ok((row.try_get::<bool, _>(0)?, row.try_get::<bool, _>(1)?))
        })?;
        if read_only {
            return Err(super::read_only(&self.settings.location()));
        }
        relations.writable(tables, create)
    }

    fn has_other_columns(&self, name: &str) -> Result<bool> {
        Ok(self.relations().has_other_columns(name))
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(relation) = self.table(table.name)? else { return Ok(None) };
        self.ask("read a record", async |connection| {
            let column = match table.value {
                ValueKind::None => "''::bytea",
                ValueKind::Counter => "int8send(v)",
                _ => "v",
            };
            let get = format!("SELECT {column} FROM {} WHERE k = $1", relation.qualified());
            let row = sqlx::query(AssertSqlSafe(get)).bind(key).fetch_optional(connection).await?;
            let Some(row) = row else { return Ok(None) };
            let mut value: Vec<u8> = row.try_get(0)?;
            if table.value == ValueKind::Counter {
                value.reverse();
            }
            Ok(Some(value))
        })
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        let Some(relation) = self.table(table.name)? else { return Ok(Estimate::default()) };
        self.ask("estimate a table", async |connection| {
            let size = "SELECT reltuples::float8, relpages::float8, pg_relation_size(oid)::float8 / \
                        current_setting('block_size')::float8, pg_table_size(oid) FROM pg_catalog.pg_class \
                        WHERE oid::int8 = $1";
            let row = sqlx::query(size).bind(relation.oid).fetch_one(&mut *connection).await?;
            let (tuples, counted, pages): (f64, f64, f64) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let bytes: i64 = row.try_get(3)?;
            let per_page = if tuples > 0.0 && counted > 0.0 {
                tuples / counted
            } else {
                // Never analyzed.
                let share = sample_percent(pages);
                let count =
                    format!("SELECT count(*) FROM {} TABLESAMPLE SYSTEM ({share})", relation.qualified());
                let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(connection).await?;
                seen as f64 / (pages * share / 100.0).max(1.0)
            };
            Ok(Estimate { records: (per_page * pages) as u64, bytes: u64::try_from(bytes).unwrap_or(0) })
        })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if n < 2 {
            return Ok(vec![KeyRange::all()]);
        }
        let Some(relation) = self.table(table.name)? else { return Ok(vec![KeyRange::all()]) };
        let mut keys = self.ask("find split keys", async |connection| {
            let size = "SELECT pg_relation_size($1::oid)::float8 / current_setting('block_size')::float8";
            let size = size.replace("$1", &relation.oid.to_string());
            let pages = sqlx::query_scalar(AssertSqlSafe(size)).fetch_one(&mut *connection).await?;
            // A repeatable sample of pages, independent of the statistics.
            let sample = format!(
                "SELECT k FROM {} TABLESAMPLE SYSTEM ({}) REPEATABLE (1)",
                relation.qualified(),
                sample_percent(pages)
            );
            let rows = sqlx::query(AssertSqlSafe(sample)).fetch_all(connection).await?;
            rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<Vec<u8>>>>()
        })?;
        keys.sort_unstable();
        keys.dedup();
        // A few rows are not worth their own query.
        let n = n.min(keys.len() / 100 + 1);
        let splits = (1..n).filter_map(|part| keys.get(part * keys.len() / n).cloned());
        Ok(KeyRange::between(splits.collect()))
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(table, range)
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(&Table { value: ValueKind::None, ..*table }, &KeyRange::all())
    }

    fn unreachable(&self, _table: &Table) -> Result<Option<(u64, String)>> {
        // A primary key is never NULL and always bytes.
        Ok(None)
    }

    fn shape_faults(&self, tables: &[&Table], written: bool) -> Result<Vec<Fault>> {
        let mut places = Vec::with_capacity(tables.len());
        for table in tables {
            places.extend(self.table(table.name)?.map(|relation| (table.name, relation.oid)));
        }
        self.ask("look at the tables", async |connection| {
            shape::faults(connection, tables, &places, written).await
        })
    }

    fn changed(&self) -> Result<Option<String>> {
        let mut holder = lock(&self.holder);
        let now = holder.run(async |connection| PgWrites::up_to_now(connection).await);
        let now = now.map_err(|error| self.settings.translate(error, LOOK_FOR_WRITES))?;
        let relations = self.relations();
        let written =
            relations.visible().into_iter().find(|relation| self.writes.written(&now, relation.oid));
        Ok(written.map(|relation| format!("rows of the table {} were written", relation.name())))
    }

    fn sessions(&self) -> Result<Sessions> {
        let ours = lock(&self.pids).clone();
        let others = without_leavers(|| {
            self.ask("look for other sessions", async |connection| other_sessions(connection, &ours).await)
        })?;
        Ok(Sessions { others, hidden: None })
    }
}

/// Sessions of clients on the same database other than `ours`, described for messages.
pub(super) async fn other_sessions(connection: &mut PgConnection, ours: &[i32]) -> sqlx::Result<Vec<String>> {
    // Within a transaction the first answer would be repeated.
    sqlx::raw_sql("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await?;
    // Without privileges only the names of other users' sessions are visible, which is enough.
    let list = "SELECT pid, coalesce(usename::text, '?'), coalesce(application_name, ''), \
                coalesce(client_addr::text, 'local') FROM pg_catalog.pg_stat_activity \
                WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> ALL($1) \
                AND application_name IS DISTINCT FROM $2 \
                AND coalesce(backend_type, 'client backend') = 'client backend' ORDER BY pid";
    let rows = sqlx::query(list).bind(ours).bind(own_name()).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (pid, user, program): (i32, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let from: String = row.try_get(3)?;
            let program = if program.is_empty() { String::new() } else { format!(" ({program})") };
            Ok(format!("process {pid} of user {user} from {from}{program}"))
        })
        .collect()
}

/// Share of a table's pages that gives a good sample, in percent.
fn sample_percent(pages: f64) -> f64 {
    (SAMPLE_PAGES as f64 * 100.0 / pages.max(1.0)).clamp(0.000_001, 100.0)
}

/// The statement that copies the rows of a range, with `select` as its start; without `last`, the range excludes its
/// end.
fn copied(select: &str, range: &KeyRange, last: bool) -> String {
    format!("COPY ({select}{} ORDER BY k) TO STDOUT (FORMAT binary)", large::within(range, last))
}

struct PostgresPages<'a> {
    source: &'a PostgresSource,
    driver: Option<QueryDriver<PgConnection>>,
}

impl Pages for PostgresPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        match &mut self.driver {
            Some(driver) => driver.next(page, budget, &self.source.idle),
            None => {
                page.clear();
                Ok(false)
            }
        }
    }
}

impl Drop for PostgresPages<'_> {
    fn drop(&mut self) {
        // The connection would have to read the rest of its query; a new one costs less.
        if let Some(driver) = &mut self.driver {
            drop(driver.stop());
        }
    }
}

/// The rows of a range.
struct PgRows {
    // The table as a query names it, and the start of a query.
    from: String,
    select: String,
    range: KeyRange,
    value: ValueKind,
    name: String,
    settings: PostgresSettings,
    reached: Option<Vec<u8>>,
}

impl AsyncWork<PgConnection> for PgRows {
    async fn run(mut self, connection: &mut PgConnection, feed: &mut PageFeed) -> Result<()> {
        match self.all(connection, feed).await {
            Ok(()) => Ok(()),
            Err(failed) => {
                let error = match failed {
                    PgReadError::Database(error) => self.settings.translate(error, "read from the database"),
                    PgReadError::Row(malformed) => Error::io("cannot read from the database")
                        .with("database", self.settings.location())
                        .because(malformed.reason()),
                };
                let reached = feed.last().or(self.reached.as_deref()).map(hex).unwrap_or_default();
                Err(error.with("table", format!("{}, after key {reached}", self.name)))
            }
        }
    }
}

enum PgReadError {
    Database(sqlx::Error),
    Row(Malformed),
}

impl From<sqlx::Error> for PgReadError {
    fn from(error: sqlx::Error) -> Self {
        PgReadError::Database(error)
    }
}

impl PgRows {
    /// Reads the whole range: what is between large values at once, large values in pieces.
    async fn all(&mut self, connection: &mut PgConnection, feed: &mut PageFeed) -> Result<(), PgReadError> {
        let valued = matches!(self.value, ValueKind::Bytes | ValueKind::Blob);
        let large = if valued { large::find(connection, &self.from, &self.range).await? } else { Vec::new() };
        for key in large {
            let before = KeyRange { after: self.range.after.take(), until: Some(key.clone()) };
            if !self.copy(&before, false, connection, feed).await? {
                return Ok(());
            }
            let full = feed.push_owned(&key, large::read(connection, &self.from, &key).await?);
            self.reached = Some(key.clone());
            self.range.after = Some(key);
            if full && !feed.hand_over().await {
                return Ok(());
            }
        }
        self.copy(&self.range.clone(), true, connection, feed).await.map(|_| ())
    }

    /// Copies the rows of a range; false if no more are wanted.
    async fn copy(
        &mut self,
        range: &KeyRange,
        last: bool,
        connection: &mut PgConnection,
        feed: &mut PageFeed,
    ) -> Result<bool, PgReadError> {
        let query = copied(&self.select, range, last);
        let mut stream = connection.copy_out_raw(&query).await?;
        let mut decoder = Decoder::new(self.value);
        let mut joined = Vec::new();
        while let Some(arrived) = stream.try_next().await? {
            let mut rest = decoder.receive(&arrived, &mut joined);
            let mut full = false;
            while let Some(record) = decoder.next(&mut rest).map_err(PgReadError::Row)? {
                if !feed.push(record.key, record.value()) {
                    continue;
                }
                self.reached = feed.last().map(<[u8]>::to_vec);
                full = rest.is_empty();
                if !full && !feed.hand_over().await {
                    return Ok(false);
                }
            }
            // The rows are in the page: free this buffer before other threads work on the page.
            drop(arrived);
            joined = Vec::new();
            if full && !feed.hand_over().await {
                return Ok(false);
            }
        }
        if decoder.complete() { Ok(true) } else { Err(PgReadError::Row(Malformed::Format)) }
    }
}
