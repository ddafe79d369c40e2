//! Writes a PostgreSQL store in bulk: `COPY … FROM STDIN`, a transaction per shard.
//!
//! `COPY` only inserts. If a repeated shard finds its own rows, it deletes those first.

use std::sync::Mutex;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::copy::Encoder;
use super::relations::Relations;
use super::source::other_sessions;
use super::{PgSession, PostgresSource, close, quoted};
use crate::backend::sql::{Idle, without_leavers};
use crate::backend::{Sessions, Shard, Source, Target};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::settings::PostgresSettings;

/// Limit of shards that are written at the same time: beyond it the database server only queues.
const WRITERS: usize = 8;

/// Bytes of rows in a `COPY`: each costs round trips and a flush of the table's buffers.
const COPY_BYTES: usize = 4 << 20;

/// A PostgreSQL database opened for writing.
pub struct PostgresTarget {
    settings: PostgresSettings,
    // Lists the other sessions.
    leader: Mutex<PgSession>,
    idle: Idle<PgConnection>,
    path: Vec<String>,
    relations: Mutex<Relations>,
    // Keeps the tables from being replaced or given triggers.
    holder: Mutex<Option<PgSession>>,
    // Process ids of all connections, to distinguish them from other sessions.
    pids: Mutex<Vec<i32>>,
}

impl PostgresTarget {
    /// Connects and checks that the database can be written.
    ///
    /// Errors: I/O if it cannot be reached or refuses the connection; refused if it is read-only or a pooler is
    /// between; usage if the search path names no schema that exists.
    pub fn open(settings: PostgresSettings) -> Result<Self> {
        let (mut first, mut second) = (settings.connect()?, settings.connect()?);
        settings.check_direct(&mut first, &mut second)?;
        let path = settings.prepare(&mut first)?;
        settings.prepare(&mut second)?;
        let looked = first.run(async |connection| {
            let state = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
            let read_only: bool = sqlx::query_scalar(state).fetch_one(&mut *connection).await?;
            Ok((read_only, Relations::load(connection, &path, &settings.location()).await?))
        });
        let (read_only, relations) =
            looked.map_err(|error| settings.translate(error, "look at the database"))?;
        if read_only {
            return Err(super::read_only(&settings.location()));
        }
        relations.home()?;
        let pids = Mutex::new(vec![pid(&settings, &mut first)?, pid(&settings, &mut second)?]);
        let (idle, relations, holder) = (Idle::new(), Mutex::new(relations), Mutex::default());
        idle.give_back(second);
        Ok(PostgresTarget { settings, leader: Mutex::new(first), idle, pids, path, relations, holder })
    }

    fn connect(&self) -> Result<PgSession> {
        if let Some(session) = self.idle.take() {
            return Ok(session);
        }
        let mut session = self.settings.connect()?;
        self.settings.prepare(&mut session)?;
        let pid = pid(&self.settings, &mut session)?;
        lock(&self.pids).push(pid);
        Ok(session)
    }

    fn own(&self) -> Vec<i32> {
        lock(&self.pids).clone()
    }

    /// The qualified name of a table.
    ///
    /// Errors: I/O if it does not exist; refused if it is no plain table.
    fn qualified(&self, table: &Table) -> Result<String> {
        let relations = lock(&self.relations);
        relations.table(table.name)?.map(|found| found.qualified()).ok_or_else(|| {
            Error::io("a table of the database has gone")
                .with("database", self.settings.location())
                .with("table", table.name)
                .help("stop whatever else uses the database, then start again")
        })
    }

    /// Reads the tables again, and prevents changes to their definitions while this target is open.
    ///
    /// Errors: refused if one of them is not as the server creates it.
    fn hold(&self, tables: &[&Table]) -> Result<()> {
        let mut session = self.connect()?;
        let look = |session: &mut PgSession| {
            let looked = session.run(async |connection| {
                Relations::load(connection, &self.path, &self.settings.location()).await
            });
            looked.map_err(|error| self.settings.translate(error, "look at the tables"))
        };
        *lock(&self.relations) = look(&mut session)?;
        let names = tables.iter().map(|table| self.qualified(table)).collect::<Result<Vec<_>>>()?;
        let begin = format!("BEGIN; LOCK TABLE {} IN ROW EXCLUSIVE MODE", names.join(", "));
        self.settings.execute(&mut session, "lock the tables", begin)?;
        // The table that existed before it was locked may have been another one.
        let relations = look(&mut session)?;
        relations.writable(tables, false)?;
        *lock(&self.relations) = relations;
        *lock(&self.holder) = Some(session);
        Ok(())
    }

    /// Runs `work` in a transaction.
    fn with<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let mut session = self.connect()?;
        // A statement that waits for a lock is executed even if its connection is closed meanwhile; a commit that was
        // never sent is not. After an error the state of the connection is unknown.
        self.settings.execute(&mut session, doing, "BEGIN".to_string())?;
        let done = session.run(work).map_err(|error| self.settings.translate(error, doing))?;
        self.settings.execute(&mut session, doing, "COMMIT".to_string())?;
        self.idle.give_back(session);
        Ok(done)
    }
}

fn pid(settings: &PostgresSettings, session: &mut PgSession) -> Result<i32> {
    let pid = session
        .run(async |connection| sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await);
    pid.map_err(|error| settings.translate(error, "look at the database"))
}

impl Drop for PostgresTarget {
    fn drop(&mut self) {
        let holder = lock(&self.holder).take();
        self.idle.drain().into_iter().chain(holder).for_each(close);
    }
}

impl Target for PostgresTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::Postgres
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        if tables.is_empty() {
            return Ok(());
        }
        let relations = lock(&self.relations).clone();
        relations.check_schemas(&tables.iter().map(|table| table.name).collect::<Vec<_>>())?;
        let home = quoted(relations.home()?);
        let mut session = self.connect()?;
        for table in tables {
            // Creating an existing table needs the same privileges as creating a new one.
            if relations.table(table.name)?.is_some() {
                continue;
            }
            let create = format!("BEGIN; SET LOCAL search_path = {home}; {}", table.create);
            for statements in [create, "COMMIT".to_string()] {
                let created = self.settings.execute(&mut session, "create the tables", statements);
                created.map_err(|error| error.with("table", table.name))?;
            }
        }
        self.idle.give_back(session);
        self.hold(tables)
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        let delete = format!("DELETE FROM {} WHERE k = ANY($1)", self.qualified(table)?);
        self.with("delete records", async |connection| {
            sqlx::query(AssertSqlSafe(delete)).bind(keys).execute(connection).await.map(|_| ())
        })
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        // TRUNCATE would need a privilege that the server's user may not have.
        let delete = format!("DELETE FROM {}", self.qualified(table)?);
        self.with("empty a table", async |connection| {
            if kept.is_empty() {
                // Without parameters: the table may have no key that can be compared with bytes.
                sqlx::raw_sql(AssertSqlSafe(delete)).execute(connection).await.map(|_| ())
            } else {
                let delete = format!("{delete} WHERE k <> ALL($1)");
                sqlx::query(AssertSqlSafe(delete)).bind(kept).execute(connection).await.map(|_| ())
            }
        })
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(PostgresSource::open_beside(self.settings.clone(), self.own())?))
    }

    fn sessions(&self) -> Result<Sessions> {
        let mut leader = lock(&self.leader);
        let own = self.own();
        let others = without_leavers(|| {
            let asked = leader.run(async |connection| other_sessions(connection, &own).await);
            asked.map_err(|error| self.settings.translate(error, "look for other sessions"))
        })?;
        Ok(Sessions { others, hidden: None })
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let name = self.qualified(table)?;
        let mut session = self.connect()?;
        self.settings.execute(&mut session, "begin a transaction", "BEGIN".to_string())?;
        Ok(Box::new(PostgresShard {
            target: self,
            session: Some(session),
            table,
            name,
            ahead: PgNextRow::Unknown,
            pending: Page::new(),
        }))
    }

    fn finish(&self) -> Result<()> {
        // Every commit is already durable.
        Ok(())
    }
}

struct PostgresShard<'a> {
    target: &'a PostgresTarget,
    session: Option<PgSession>,
    table: &'a Table,
    // Including the schema.
    name: String,
    ahead: PgNextRow,
    pending: Page,
}

/// The next row that is already in the table.
enum PgNextRow {
    Unknown,
    None,
    Key(Vec<u8>),
}

impl PostgresShard<'_> {
    fn flush(&mut self, page: &Page) -> Result<()> {
        let (Some(session), Some((first, _)), Some((last, _))) =
            (&mut self.session, page.get(0), page.last())
        else {
            return Ok(());
        };
        let (table, name, ahead) = (self.table, self.name.as_str(), &mut self.ahead);
        let written = session.run(async |connection| {
            if matches!(ahead, PgNextRow::Unknown) {
                *ahead = look_ahead(connection, name, first).await?;
            }
            if matches!(ahead, PgNextRow::Key(key) if key.as_slice() <= last) {
                replace(connection, name, page).await?;
                *ahead = look_ahead(connection, name, last).await?;
            }
            copy(connection, name, table, page).await
        });
        match written {
            Ok(()) => Ok(()),
            Err(error) => {
                // The transaction is lost, and the connection with it.
                self.session = None;
                Err(self.target.settings.translate(error, "write records").with("table", table.name))
            }
        }
    }
}

impl Shard for PostgresShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        if page.size() >= COPY_BYTES {
            // Not through another page, which would need its memory again.
            let before = std::mem::take(&mut self.pending);
            self.flush(&before)?;
            return self.flush(page);
        }
        page.iter().for_each(|(key, value)| self.pending.push(key, value));
        if self.pending.size() < COPY_BYTES {
            return Ok(());
        }
        let mut full = std::mem::take(&mut self.pending);
        self.flush(&full)?;
        full.clear();
        self.pending = full;
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        let rest = std::mem::take(&mut self.pending);
        self.flush(&rest)?;
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let settings = &self.target.settings;
        settings
            .execute(&mut session, "commit records", "COMMIT".to_string())
            .map_err(|error| error.with("table", self.table.name))?;
        self.target.idle.give_back(session);
        Ok(())
    }
}

impl Drop for PostgresShard<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // The database rolls back the uncommitted changes of a closed connection.
            close(session);
        }
    }
}

/// Finds the first row at or after a key.
async fn look_ahead(connection: &mut PgConnection, name: &str, from: &[u8]) -> sqlx::Result<PgNextRow> {
    let find = format!("SELECT k FROM {name} WHERE k >= $1 ORDER BY k LIMIT 1");
    let row = sqlx::query(AssertSqlSafe(find)).bind(from).fetch_optional(connection).await?;
    Ok(match row {
        Some(row) => PgNextRow::Key(row.try_get(0)?),
        None => PgNextRow::None,
    })
}

/// Deletes the rows that a page will write again.
async fn replace(connection: &mut PgConnection, name: &str, page: &Page) -> sqlx::Result<()> {
    let keys: Vec<&[u8]> = page.iter().map(|(key, _)| key).collect();
    let delete = format!("DELETE FROM {name} WHERE k = ANY($1)");
    sqlx::query(AssertSqlSafe(delete)).bind(keys).execute(connection).await.map(|_| ())
}

async fn copy(connection: &mut PgConnection, name: &str, table: &Table, page: &Page) -> sqlx::Result<()> {
    let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
    let into = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
    let mut stream = connection.copy_in_raw(&into).await?;
    let mut encoder = Encoder::new(table.value);
    for (key, value) in page.iter() {
        let large = encoder.push(key, value);
        if large.is_some() || encoder.full() {
            stream.send(encoder.chunk()).await?;
            encoder.sent();
        }
        if let Some(large) = large {
            for chunk in large.chunks(256 << 10) {
                stream.send(chunk).await?;
            }
        }
    }
    encoder.end();
    stream.send(encoder.chunk()).await?;
    let written = stream.finish().await?;
    if written == page.len() as u64 {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol(format!("{written} of {} rows written", page.len())))
    }
}
