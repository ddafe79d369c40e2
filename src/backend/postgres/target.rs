//! Writing a PostgreSQL store in bulk: `COPY … FROM STDIN`, a transaction per shard.
//!
//! Plain rows go into tables without them. Where a repeated shard meets its own rows, those are deleted first.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::copy::Encoder;
use super::{PostgresSettings, Session, close, has_table, quoted};
use crate::backend::sql::Idle;
use crate::backend::{Shard, Target};
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::error::{Error, Result};
use crate::page::Page;

/// Shards that may be written at the same time: beyond that the database server only queues.
const WRITERS: usize = 8;

/// Bytes of rows in a `COPY`: each costs round trips and a flush of the table's buffers.
const COPY_BYTES: usize = 4 << 20;

/// A PostgreSQL database opened for writing.
pub struct PostgresTarget {
    settings: PostgresSettings,
    idle: Idle<PgConnection>,
}

impl PostgresTarget {
    /// Connects and checks that the database can be written.
    ///
    /// Errors: I/O if it cannot be reached, refuses or is read-only.
    pub fn open(settings: PostgresSettings) -> Result<Self> {
        let target = PostgresTarget { settings, idle: Idle::new() };
        let (read_only, schema) = target.with("look at the database", async |connection| {
            let state = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, \
                         current_schema()::text";
            let row = sqlx::query(state).fetch_one(connection).await?;
            Ok((row.try_get::<bool, _>(0)?, row.try_get::<Option<String>, _>(1)?))
        })?;
        if read_only {
            return Err(Error::io("cannot write to the database: it is read-only")
                .with("database", &*target.settings.place)
                .next("use the primary server, and a user without default_transaction_read_only"));
        }
        if schema.is_none() {
            return Err(Error::usage("the search path of the connection names no schema that exists")
                .with("database", &*target.settings.place)
                .next("create the schema, or correct the options of the store in the configuration"));
        }
        Ok(target)
    }

    fn connect(&self) -> Result<Session> {
        if let Some(session) = self.idle.take() {
            return Ok(session);
        }
        let mut session = self.settings.connect()?;
        let settings = "SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET idle_in_transaction_session_timeout = 0; SET standard_conforming_strings = on;";
        self.settings.execute(&mut session, "prepare a connection", settings.to_string())?;
        Ok(session)
    }

    fn with<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let mut session = self.connect()?;
        // After an error the connection may be in the middle of anything.
        let done = session.run(work).map_err(|error| self.settings.translate(error, doing))?;
        self.idle.give_back(session);
        Ok(done)
    }
}

impl Drop for PostgresTarget {
    fn drop(&mut self) {
        self.idle.drain().into_iter().for_each(close);
    }
}

impl Target for PostgresTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::Postgres
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        let mut session = self.connect()?;
        for table in tables {
            // Creating what exists needs the same privileges as creating it.
            let created = session.run(async |connection| {
                if !has_table(connection, table.name).await? {
                    sqlx::raw_sql(AssertSqlSafe(table.create)).execute(connection).await?;
                }
                Ok(())
            });
            created.map_err(|error| {
                self.settings.translate(error, "create the tables").with("table", table.name)
            })?;
        }
        self.idle.give_back(session);
        Ok(())
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        let delete = format!("DELETE FROM {} WHERE k = ANY($1)", quoted(table.name));
        self.with("delete records", async |connection| {
            sqlx::query(AssertSqlSafe(delete)).bind(keys).execute(connection).await.map(|_| ())
        })
    }

    fn clear(&self, table: &Table) -> Result<()> {
        // TRUNCATE would need a privilege that the server's user may lack.
        let delete = format!("DELETE FROM {}", quoted(table.name));
        self.with("empty a table", async |connection| {
            sqlx::raw_sql(AssertSqlSafe(delete)).execute(connection).await.map(|_| ())
        })
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let mut session = self.connect()?;
        self.settings.execute(&mut session, "begin a transaction", "BEGIN".to_string())?;
        Ok(Box::new(PostgresShard {
            target: self,
            session: Some(session),
            table,
            ahead: Ahead::Unknown,
            pending: Page::new(),
        }))
    }

    fn finish(&self) -> Result<()> {
        // Every commit is durable already.
        Ok(())
    }
}

struct PostgresShard<'a> {
    target: &'a PostgresTarget,
    session: Option<Session>,
    table: &'a Table,
    ahead: Ahead,
    pending: Page,
}

/// The next row that the table has already.
enum Ahead {
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
        let (table, ahead) = (self.table, &mut self.ahead);
        let written = session.run(async |connection| {
            if matches!(ahead, Ahead::Unknown) {
                *ahead = look_ahead(connection, table, first).await?;
            }
            if matches!(ahead, Ahead::Key(key) if key.as_slice() <= last) {
                replace(connection, table, page).await?;
                *ahead = look_ahead(connection, table, last).await?;
            }
            copy(connection, table, page).await
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
            // Not by way of another page, which would take its memory again.
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
            // The database rolls back what a closed connection has not committed.
            close(session);
        }
    }
}

/// Finds the first row at or behind a key.
async fn look_ahead(connection: &mut PgConnection, table: &Table, from: &[u8]) -> sqlx::Result<Ahead> {
    let find = format!("SELECT k FROM {} WHERE k >= $1 ORDER BY k LIMIT 1", quoted(table.name));
    let row = sqlx::query(AssertSqlSafe(find)).bind(from).fetch_optional(connection).await?;
    Ok(match row {
        Some(row) => Ahead::Key(row.try_get(0)?),
        None => Ahead::None,
    })
}

/// Deletes the rows that a page is about to bring again.
async fn replace(connection: &mut PgConnection, table: &Table, page: &Page) -> sqlx::Result<()> {
    let keys: Vec<&[u8]> = page.iter().map(|(key, _)| key).collect();
    let delete = format!("DELETE FROM {} WHERE k = ANY($1)", quoted(table.name));
    sqlx::query(AssertSqlSafe(delete)).bind(keys).execute(connection).await.map(|_| ())
}

async fn copy(connection: &mut PgConnection, table: &Table, page: &Page) -> sqlx::Result<()> {
    let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
    let into = format!("COPY {} ({columns}) FROM STDIN (FORMAT binary)", quoted(table.name));
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
    match written == page.len() as u64 {
        true => Ok(()),
        false => Err(sqlx::Error::Protocol(format!("{written} of {} rows written", page.len()))),
    }
}
