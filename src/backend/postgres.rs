//! PostgreSQL through sqlx: one table per subspace, found along the search path.
//!
//! This file connects and translates PostgreSQL's errors. `source.rs` reads, `target.rs` writes, `relations.rs` finds
//! the tables, `copy.rs` contains the binary format of `COPY`; none of them depends on what the tables mean.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::backend::sql::{self, Cause, LOST};
use crate::base::error::{Error, ErrorKind, Result};
use crate::settings::{PostgresSettings, Secret};

mod copy;
mod large;
mod presence;
mod relations;
mod shape;
mod source;
mod target;
mod writes;

pub use presence::PostgresPresence;
pub use source::PostgresSource;
pub use target::PostgresTarget;

type PgSession = sql::Session<PgConnection>;

/// Makes a session independent of the settings of others and of the database. Functions and operators of the same
/// names in other schemas must not be found, limits are not meant for this session, a policy that hides rows is an
/// error, and every commit is durable. Which limits exist depends on the release.
const PREPARE: &str = "SET search_path = pg_catalog, pg_temp; SET standard_conforming_strings = on; \
     SET row_security = off; SET default_transaction_isolation = 'read committed'; \
     SET lock_timeout = '60s'; \
     SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'transaction_timeout', \
        'idle_in_transaction_session_timeout', 'idle_session_timeout'); \
     SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'";

/// How often each of two connections is asked for the session of the database that serves it.
const ASKED: usize = 3;

/// Directories in which the server's connection pool searches for a socket if no host is configured.
/// source: deadpool-postgres 0.14.1, which `crates/store/src/backend/postgres/main.rs` @ v0.15.5 uses
const SOCKET_DIRECTORIES: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

impl PostgresSettings {
    fn connect(&self) -> Result<PgSession> {
        let hosts: Vec<&str> = match self.host.as_deref().filter(|host| !host.is_empty()) {
            Some(host) => vec![host],
            None => SOCKET_DIRECTORIES.to_vec(),
        };
        let mut failed = None;
        for host in hosts {
            match self.connect_to(host) {
                Ok(session) => return Ok(session),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(|| Error::usage("no host to connect to")))
    }

    fn connect_to(&self, host: &str) -> Result<PgSession> {
        let tls = self.tls && !host.starts_with('/');
        let mode = match (tls, self.allow_invalid_certs) {
            (false, _) => PgSslMode::Disable,
            // Not "prefer": an attacker on the way could decline TLS, and would get the password.
            (true, true) => PgSslMode::Require,
            (true, false) => PgSslMode::VerifyFull,
        };
        match self.connect_with(host, mode) {
            Err(ConnectError::Declined) if self.allow_plaintext => self.connect_with(host, PgSslMode::Disable),
            other => other,
        }
        .map_err(|failed| match failed {
            ConnectError::Declined => Error::io(
                "cannot connect: the database server declines TLS, which the configuration asks for; nothing secret \
                 was sent to it",
            )
            .with("database", self.location())
            .help(
                "turn on TLS on the database server, or repeat with --allow-plaintext to go on in clear as the mail \
                 server does, if the network between is trusted",
            ),
            ConnectError::Other(error) => error,
        })
    }

    fn connect_with(&self, host: &str, mode: PgSslMode) -> Result<PgSession, ConnectError> {
        let options = self.connect_options(host, mode).map_err(ConnectError::Other)?;
        let mut declined = false;
        let reach = Some((host, self.port)).filter(|_| !host.starts_with('/'));
        let session = PgSession::open(reach, options.connect(), self.timeout, &self.location(), |error| {
            declined = matches!(&error, sqlx::Error::Tls(why) if sql::declined(why.as_ref()));
            self.translate(error, "connect")
        });
        match session {
            Ok(session) => Ok(session),
            Err(_) if declined => Err(ConnectError::Declined),
            Err(error) => Err(ConnectError::Other(error)),
        }
    }

    fn connect_options(&self, host: &str, mode: PgSslMode) -> Result<PgConnectOptions> {
        // sqlx reads it and the server does not: tables could be searched in another schema.
        if std::env::var_os("PGOPTIONS").is_some_and(|options| !options.is_empty()) {
            return Err(Error::usage("the variable PGOPTIONS is set, which the server does not use")
                .help("unset it; options belong into the configuration"));
        }
        // sqlx takes options verbatim only in a URL.
        let mut url = String::from("postgres://localhost/");
        let options = self.options.as_ref().map_or("", Secret::expose);
        if !options.is_empty() {
            url.push_str("?options=");
            for byte in options.bytes() {
                url.push_str(&format!("%{byte:02x}"));
            }
        }
        let options: PgConnectOptions = url.parse().map_err(|_| {
            Error::usage("the connection options cannot be used").with("database", self.location())
        })?;
        Ok(options
            .host(host)
            .port(self.port)
            .username(self.user.as_deref().unwrap_or_default())
            .password(self.password.as_ref().map_or("", Secret::expose))
            .database(&self.database)
            .ssl_mode(mode)
            .application_name(sql::own_name())
            .extra_float_digits(None)
            .disable_statement_logging())
    }

    /// Frees a session from the settings of others; returns the existing schemas of its search path, in order.
    fn prepare(&self, session: &mut PgSession) -> Result<Vec<String>> {
        let path = session.run(async |connection| {
            let path = "SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]";
            let path = sqlx::query_scalar(path).fetch_one(&mut *connection).await?;
            sqlx::raw_sql(PREPARE).execute(connection).await?;
            Ok(path)
        });
        path.map_err(|error| self.translate(error, "prepare a connection"))
    }

    /// Checks that each connection has a session of the database to itself, which snapshots, locks and settings need.
    ///
    /// Errors: refused if a pooler gives a session to another connection after every transaction.
    fn check_direct(&self, one: &mut PgSession, two: &mut PgSession) -> Result<()> {
        let process = |session: &mut PgSession| -> Result<i32> {
            // Without a prepared statement: the next statement may go to another session.
            let asked = session.run(async |connection| {
                let ask = sqlx::raw_sql("SELECT pg_catalog.pg_backend_pid()");
                ask.fetch_one(connection).await?.try_get(0)
            });
            asked.map_err(|error| self.translate(error, "connect"))
        };
        let (first, second) = (process(one)?, process(two)?);
        let mut shared = first == second;
        // An odd number of queries: if two sessions alternate, a different one answers.
        for _ in 0..ASKED {
            shared |= process(one)? != first || process(two)? != second || process(one)? != first;
        }
        if !shared {
            return Ok(());
        }
        Err(Error::refused(
            "the connection leads to a pooler that shares sessions of the database out by transaction or statement",
        )
        .with("database", self.location())
        .because("two connections were served by the same session of the database")
        .help(
            "name host and port of the database server itself in the configuration that this program is given \
             (PgBouncer: not its port, or pool_mode = session for this database)",
        ))
    }

    fn translate(&self, error: sqlx::Error, doing: &str) -> Error {
        if let sqlx::Error::Configuration(why) = &error
            && why.to_string().contains("saslprep")
        {
            // The message of sqlx contains a character of the secret.
            return Error::io("cannot connect: the user name or the password cannot be used with SCRAM")
                .with("database", self.location())
                .because(
                    "SASLprep (RFC 4013) refuses it: it holds a control character, as the end of a line, or another \
                     character that is prohibited, or mixes directions of writing",
                )
                .help(
                    "check that it is not the end of a line that a file or variable has brought along; otherwise give \
                     the user another password, at least for the migration (ALTER ROLE … PASSWORD), and name it in \
                     the configuration",
                );
        }
        sql::translate(error, doing, &self.location(), |error| {
            cause(error.code().as_deref().unwrap_or_default(), error.message())
        })
    }

    /// Runs statements without results.
    fn execute(&self, session: &mut PgSession, doing: &str, statements: String) -> Result<()> {
        session
            .run(async |connection| sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await)
            .map(|_| ())
            .map_err(|error| self.translate(error, doing))
    }
}

/// Why a connection failed.
enum ConnectError {
    /// The database does not support TLS.
    Declined,
    Other(Error),
}

/// The cause of an error code. Codes: PostgreSQL's documentation, appendix A.
fn cause(code: &str, message: &str) -> Option<Cause> {
    let io = |what, help| Some(Cause { kind: ErrorKind::Io, what, help });
    let insecure = message.contains("no encryption") || message.contains("SSL off");
    match code {
        // Another session may wait for a lock that this run holds: a deadlock.
        "55P03" => io(
            "a table was locked by another session for a minute",
            "end what changes or cleans up the tables (pg_locks names it), then go on with the same command and --resume",
        ),
        // The message of PgBouncer.
        "08P01" if message.contains("startup parameter") => io(
            "a connection pooler does not take the options of the store",
            "name host and port of the database server itself in the configuration that this program is given",
        ),
        "28000" if insecure => io(
            "the database server wants TLS, or does not let this user in",
            "set tls.enable in the configuration, or look into pg_hba.conf",
        ),
        "28000" | "28P01" => io(
            "user or password are refused",
            "check user and password of the store in the configuration, and pg_hba.conf",
        ),
        "3D000" => io("the database does not exist", "create it, or check its name in the configuration"),
        "42501" => io(
            "a privilege is missing",
            "grant the user of the configuration what the server needs too, on schema and tables",
        ),
        "25006" => io(
            "the database is read-only",
            "use the primary server, and a user without default_transaction_read_only",
        ),
        "40001" if message.contains("recovery") => io(
            "the standby server has cancelled a long read, to go on with its recovery",
            "read from the primary server, or raise max_standby_streaming_delay on the standby",
        ),
        "53300" => io("there are too many connections", "stop other clients, or use fewer --jobs"),
        "53100" => io("the disk of the database server is full", "free some space and start again"),
        "54000" => io(
            "a record exceeds a limit of the database",
            "use another backend, or remove the record from the source",
        ),
        "57P01" | "57P02" | "57P05" | "08006" | "08003" => Some(LOST),
        "57P03" => io("the database server is starting or stopping", "wait a moment and start again"),
        _ => None,
    }
}

/// The error of a read-only database.
fn read_only(place: &str) -> Error {
    Error::refused("cannot write to the database: it is read-only")
        .with("database", place)
        .help("use the primary server, and a user without default_transaction_read_only")
}

/// An identifier as PostgreSQL quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Bytes as a literal.
fn literal(bytes: &[u8]) -> String {
    format!("'\\x{}'::bytea", crate::base::hex::hex(bytes))
}

/// Closes a session cleanly.
fn close(session: PgSession) {
    session.close(async |connection| connection.close().await);
}
