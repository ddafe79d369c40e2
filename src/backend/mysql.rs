//! MySQL and MariaDB through sqlx: one table per subspace.
//!
//! This file connects and translates the database's errors. `source.rs` reads, `splits.rs` finds split keys,
//! `shape.rs` compares tables with those that the server creates, `access.rs` checks whether they can be written,
//! `target.rs` writes; none of them depends on what the tables mean.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::backend::sql::{self, Cause, LOST};
use crate::base::error::{Error, ErrorKind, Result};
use crate::settings::{MysqlSettings, Secret};

mod access;
mod presence;
mod rows;
mod shape;
mod snapshots;
mod source;
mod splits;
mod target;
mod writes;

pub use presence::MysqlPresence;
pub use source::MysqlSource;
pub use target::MysqlTarget;

/// Limit of shards that are written at the same time: beyond it the database server only queues.
const WRITERS: usize = 8;

type MysqlSession = sql::Session<MySqlConnection>;

/// Name of the setting that limits a record.
const MAX_PACKET: &str = "max_allowed_packet";
/// Statements that a connection keeps prepared: inserts of a power of two of rows each.
const PREPARED: usize = 16;
/// Bytes of a packet that belong to neither key nor value.
const PACKET_OVERHEAD: u64 = 64;

impl MysqlSettings {
    fn connect(&self) -> Result<MysqlSession> {
        let tls = self.tls && !self.host.starts_with('/');
        let mode = match (tls, self.allow_invalid_certs) {
            (false, _) => MySqlSslMode::Disabled,
            (true, true) => MySqlSslMode::Required,
            (true, false) => MySqlSslMode::VerifyIdentity,
        };
        let mut options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .username(self.user.as_deref().unwrap_or_default())
            .database(&self.database)
            .ssl_mode(mode)
            .pipes_as_concat(false)
            .timezone(None)
            // Inserts have at most this many different lengths; the database server limits the total of all
            // connections.
            .statement_cache_capacity(PREPARED)
            .disable_statement_logging();
        if self.host.starts_with('/') {
            options = options.socket(&self.host);
        }
        // The server's client library treats an empty password as none, sqlx as a wrong one.
        if let Some(password) =
            self.password.as_ref().map(Secret::expose).filter(|password| !password.is_empty())
        {
            options = options.password(password);
        }
        // The configured timeout is for idle connections of the mail server.
        let reach = Some((self.host.as_str(), self.port)).filter(|_| !self.host.starts_with('/'));
        MysqlSession::open(reach, options.connect(), None::<Duration>, &self.location(), |error| {
            self.translate(error, "connect")
        })
    }

    fn translate(&self, error: sqlx::Error, doing: &str) -> Error {
        sql::translate(error, doing, &self.location(), |error| {
            cause(error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number))
        })
    }

    /// Runs a statement without results.
    fn execute(&self, session: &mut MysqlSession, doing: &str, statement: impl Into<String>) -> Result<()> {
        let statement = statement.into();
        session
            .run(async |connection| sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await)
            .map(|_| ())
            .map_err(|error| self.translate(error, doing))
    }

    /// Connects and prepares the session.
    fn session(&self) -> Result<(MysqlSession, Variables)> {
        let mut session = self.connect()?;
        let variables = self.prepare(&mut session)?;
        Ok((session, variables))
    }

    /// The id of a connection, as the list of sessions shows it.
    fn id(&self, session: &mut MysqlSession) -> Result<u64> {
        let id = session.run(async |connection| {
            let ask = "SELECT CAST(CONNECTION_ID() AS UNSIGNED)";
            sqlx::raw_sql(ask).fetch_one(connection).await?.try_get(0)
        });
        id.map_err(|error| self.translate(error, "connect"))
    }

    /// Frees a session from limits and settings that are not meant for it, and makes it strict. Whatever the database
    /// server, the user or an `init_connect` have set, values are written exactly as sent and rows are returned
    /// completely.
    fn prepare(&self, session: &mut MysqlSession) -> Result<Variables> {
        // Without these even the settings could not be queried; both are as old as the engine.
        let whole = "SET SESSION sql_big_selects = 1, sql_select_limit = 18446744073709551615";
        self.execute(session, "prepare a connection", whole)?;
        let variables = session.run(async |connection| variables(connection).await);
        let variables =
            variables.map_err(|error| self.translate(error, "look at the database's settings"))?;
        let set = SESSION.iter().filter(|(name, _)| variables.get(name).is_some());
        let set: Vec<String> = set.map(|(name, value)| format!("{name} = {value}")).collect();
        self.execute(session, "prepare a connection", format!("SET SESSION {}", set.join(", ")))?;
        Ok(variables)
    }
}

/// Settings of every session, where the database server has them: names of MySQL and MariaDB.
const SESSION: &[(&str, &str)] = &[
    ("sql_mode", "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"),
    // Every single statement is its own transaction, and a commit neither starts another one nor disconnects.
    ("autocommit", "1"),
    ("completion_type", "0"),
    ("sql_safe_updates", "0"),
    ("unique_checks", "1"),
    ("foreign_key_checks", "1"),
    // A warning means that a value was not written as sent; it must not be dropped.
    ("max_error_count", "64"),
    // A pipeline that waits for its turn must not lose its connection.
    ("wait_timeout", "2147483"),
    ("net_read_timeout", "2147483"),
    ("net_write_timeout", "2147483"),
    ("max_statement_time", "0"),
    ("max_execution_time", "0"),
    // Queries the current time of the last write to a table instead of one cached for a day.
    ("information_schema_stats_expiry", "0"),
    ("idle_transaction_timeout", "0"),
    ("idle_readonly_transaction_timeout", "0"),
    ("idle_write_transaction_timeout", "0"),
    // In seconds: longer than a change of a table's definition takes, and limited.
    ("lock_wait_timeout", "60"),
];

/// Settings of the database that matter.
struct Variables(Vec<(String, String)>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("ON") || value == "1")
    }

    /// Limit of a packet in bytes.
    fn max_packet(&self) -> u64 {
        self.get(MAX_PACKET).and_then(|value| value.parse().ok()).unwrap_or(1 << 20)
    }
}

async fn variables(connection: &mut MySqlConnection) -> sqlx::Result<Variables> {
    let names = SESSION.iter().map(|(name, _)| *name).chain(access::VARIABLES.iter().copied());
    let names: Vec<String> = names.chain([MAX_PACKET]).map(|name| format!("'{name}'")).collect();
    let show = format!("SHOW SESSION VARIABLES WHERE Variable_name IN ({})", names.join(", "));
    let rows = sqlx::raw_sql(AssertSqlSafe(show)).fetch_all(connection).await?;
    let pairs = rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?)));
    Ok(Variables(pairs.collect::<sqlx::Result<_>>()?))
}

/// A column as text, whatever character type the database gives it.
fn text(row: &sqlx::mysql::MySqlRow, index: usize) -> sqlx::Result<String> {
    let bytes: &[u8] = row.try_get_unchecked(index)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// The cause of an error number. Numbers: the error reference of MySQL, shared by MariaDB.
fn cause(number: u16) -> Option<Cause> {
    let io = |what, help| Some(Cause { kind: ErrorKind::Io, what, help });
    match number {
        1045 | 1698 => io(
            "user or password are refused",
            "check user and password in the configuration, and tls.enable if the database server wants TLS",
        ),
        1044 | 1142 | 1143 | 1227 | 1370 => io(
            "a privilege is missing",
            "grant the user of the configuration what the server needs too, on the whole database",
        ),
        1049 => io("the database does not exist", "create it, or check its name in the configuration"),
        1290 | 1792 | 1836 => io(
            "the database is read-only",
            "use the primary server, and turn read_only and transaction_read_only off",
        ),
        1461 => io(
            "there are too many prepared statements",
            "raise max_prepared_stmt_count on the database server, or stop what prepares so many",
        ),
        1146 | 1347 | 1356 => io(
            "a table is missing, or something else has its name",
            "check that the tables are as the server creates them",
        ),
        3159 | 4163..=4165 => {
            io("the database server wants TLS", "set tls.enable of the store in the configuration")
        }
        1153 | 1301 => io("a record exceeds max_allowed_packet", "raise it on the database server"),
        1040 | 1203 | 1226 => io("there are too many connections", "stop other clients, or use fewer --jobs"),
        1021 | 1114 => io("the disk of the database server is full", "free some space and start again"),
        1062 => io(
            "two keys are the same to the database",
            "keys without values must differ within their first 400 bytes there: use another backend",
        ),
        1406 | 1264 | 1265 => io(
            "a record does not fit its column",
            "check that the tables are as the server creates them, or use another backend",
        ),
        1205 | 1213 => io("another session holds a lock", "stop the server and every other client"),
        1053 | 1077 | 1317 | 1927 | 2006 | 2013 | 4031 => Some(LOST),
        _ => None,
    }
}

/// An identifier as MySQL quotes it.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Bytes as a literal, which is a binary string under any character set of the session.
fn literal(bytes: &[u8]) -> String {
    format!("x'{}'", crate::base::hex::hex(bytes))
}

/// Closes a session cleanly.
fn close(session: MysqlSession) {
    session.close(async |connection| connection.close().await);
}
