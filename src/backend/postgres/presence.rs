//! A session that stays open in a PostgreSQL database: it identifies the database, whatever name leads to it, and
//! holds the schemas of the store.
//!
//! Nothing is written. Everything happens in one transaction that stays open: a pooler may move each transaction to
//! another session, but not a part of one.

use std::collections::BTreeSet;
use std::sync::Mutex;

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::{PgSession, close};
use crate::backend::hold::HoldMode;
use crate::backend::unlike_any_other;
use crate::base::error::{Error, Result};
use crate::base::sync::lock;
use crate::catalog::{self, BackendKind};
use crate::settings::PostgresSettings;

/// First half of the advisory locks that hold a schema; the second half is made from the oid of the schema.
const HOLDING: i32 = 0x5357_4d47;

/// A session that stays open in a database.
pub struct PostgresPresence {
    settings: PostgresSettings,
    session: Mutex<Option<PgSession>>,
    mark: i64,
    facts: PgFacts,
}

/// The identity of a database, from its server.
#[derive(Debug, Clone, Default)]
struct PgFacts {
    // The system identifier, assigned when the data directory was created; `None` if it may not be queried.
    system: Option<String>,
    database: i64,
    standby: bool,
    // Oids of the catalog's tables along the search path, and of the tables that they consist of.
    tables: BTreeSet<i64>,
    // Oids of the schemas of those tables, and of the one that new tables are created in.
    schemas: BTreeSet<i64>,
}

impl PostgresPresence {
    /// Connects, reads the identity and stays open.
    ///
    /// Errors: I/O if the database cannot be reached or refuses the connection.
    pub fn open(settings: PostgresSettings) -> Result<Self> {
        let mut session = settings.connect()?;
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = 0; \
                     SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
                     SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings \
                     WHERE name = 'transaction_timeout';";
        settings.execute(&mut session, "look at the database", begin.to_string())?;
        let mark = unlike_any_other().cast_signed();
        let facts = session
            .run(async |connection| {
                let facts = facts(connection).await?;
                let take = "SELECT pg_catalog.pg_advisory_xact_lock_shared($1)";
                sqlx::query(take).bind(mark).execute(connection).await?;
                Ok(facts)
            })
            .map_err(|error| settings.translate(error, "look at the database"))?;
        Ok(PostgresPresence { settings, session: Mutex::new(Some(session)), mark, facts })
    }

    /// Holds the store against other runs.
    ///
    /// Errors: refused if another run holds it.
    pub fn hold(&self, mode: HoldMode) -> Result<()> {
        let function = match mode {
            HoldMode::Shared => "pg_try_advisory_xact_lock_shared",
            HoldMode::Exclusive => "pg_try_advisory_xact_lock",
        };
        let schemas: Vec<i64> = self.facts.schemas.iter().copied().collect();
        // The second half of a lock is signed, an oid is not.
        let take = format!(
            "SELECT bool_and(pg_catalog.{function}($1, (oid - 2147483648)::int4)) FROM unnest($2::int8[]) oid"
        );
        let held: Option<bool> = self.ask("hold the database", async |connection| {
            let query = sqlx::query_scalar(sqlx::AssertSqlSafe(take)).bind(HOLDING).bind(&schemas);
            query.fetch_one(connection).await
        })?;
        if held.unwrap_or(true) {
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

    /// The evidence that this store and `other`, whose session is open too, are the same; `None` if they are not.
    ///
    /// Errors: I/O if the database cannot be queried.
    pub fn same(&self, other: &PostgresPresence) -> Result<Option<String>> {
        let seen = self.sees(other)?;
        let (ours, theirs) = (&self.facts, &other.facts);
        let how = match seen {
            Some(database) if database == ours.database => "it is the same database of the same server",
            Some(_) => return Ok(None),
            // One server replicates the writes of the other.
            None if ours.system.is_some()
                && ours.system == theirs.system
                && ours.database == theirs.database
                && (ours.standby || theirs.standby) =>
            {
                "one server is a standby of the other"
            }
            None => return Ok(None),
        };
        let shared = ours.tables.intersection(&theirs.tables).count();
        if shared == 0 && ours.schemas.is_disjoint(&theirs.schemas) {
            return Ok(None);
        }
        Ok(Some(how.to_string()))
    }

    /// The database in which the server lists the session of `other`; `None` if it does not list it.
    fn sees(&self, other: &PostgresPresence) -> Result<Option<i64>> {
        let bits = other.mark.cast_unsigned();
        let (high, low) = (bits >> 32, bits & 0xffff_ffff);
        let [high, low] = [high, low].map(u64::cast_signed);
        self.ask("look for our own session", async |connection| {
            let look = "SELECT database::int8 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' \
                        AND classid::int8 = $1 AND objid::int8 = $2 AND objsubid = 1";
            let row = sqlx::query(look).bind(high).bind(low).fetch_optional(connection).await?;
            row.map(|row| row.try_get(0)).transpose()
        })
    }

    fn ask<T>(&self, doing: &str, ask: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let mut session = lock(&self.session);
        let Some(session) = session.as_mut() else { return Err(Error::io("the session has ended")) };
        session.run(ask).map_err(|error| self.settings.translate(error, doing))
    }
}

impl Drop for PostgresPresence {
    fn drop(&mut self) {
        let session = lock(&self.session).take();
        session.into_iter().for_each(close);
    }
}

async fn facts(connection: &mut PgConnection) -> sqlx::Result<PgFacts> {
    let names: Vec<&str> = catalog::versions()
        .iter()
        .flat_map(|version| version.tables(BackendKind::Postgres))
        .map(|table| table.name)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let look = "SELECT (SELECT oid::int8 FROM pg_catalog.pg_database WHERE datname = current_database()), \
                pg_catalog.pg_is_in_recovery(), \
                (SELECT oid::int8 FROM pg_catalog.pg_namespace WHERE nspname = current_schema()), \
                pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')";
    let row = sqlx::query(look).fetch_one(&mut *connection).await?;
    let (database, standby, schema): (i64, bool, Option<i64>) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let system = if row.try_get::<bool, _>(3)? {
        let ask = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
        sqlx::query_scalar(ask).fetch_one(&mut *connection).await?
    } else {
        None
    };
    // Tables that inherit from a table are read, and emptied, with it.
    let used = "WITH RECURSIVE used AS (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relname::text = ANY($1) \
                AND c.relkind = ANY ('{r,p,v,m,f}') AND pg_catalog.pg_table_is_visible(c.oid) UNION \
                SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN used u ON i.inhparent = u.oid) \
                SELECT c.oid::int8, c.relnamespace::int8 FROM pg_catalog.pg_class c JOIN used USING (oid)";
    let rows = sqlx::query(used).bind(&names).fetch_all(connection).await?;
    let mut facts =
        PgFacts { system, database, standby, schemas: schema.into_iter().collect(), ..PgFacts::default() };
    for row in rows {
        facts.tables.insert(row.try_get(0)?);
        facts.schemas.insert(row.try_get(1)?);
    }
    Ok(facts)
}
