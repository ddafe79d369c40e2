//! Checks, before anything is written, whether a MySQL or MariaDB database can be written, with the very statements
//! of a load, on no rows.
//!
//! Checks settings that make a database read-only, missing privileges on one table or on all, and room for prepared
//! statements.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{MysqlSession, PREPARED, Variables, WRITERS, quoted, text};
use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{Table, ValueKind};
use crate::settings::MysqlSettings;

/// Settings that are read.
pub(super) const VARIABLES: &[&str] = &[
    "read_only",
    "tx_read_only",
    "transaction_read_only",
    "innodb_read_only",
    "innodb_force_recovery",
    "max_prepared_stmt_count",
];

/// Checks whether rows can be deleted from and inserted into the tables `there`, and whether the tables `absent` can
/// be created. Writes nothing.
///
/// Errors: refused, with the obstacle.
pub(super) fn check(
    settings: &MysqlSettings,
    session: &mut MysqlSession,
    variables: &Variables,
    there: &[&Table],
    absent: &[&Table],
) -> Result<()> {
    let refused = |what: &str| Error::refused(what).with("database", settings.location());
    for name in ["tx_read_only", "transaction_read_only", "innodb_read_only"] {
        if variables.on(name) {
            return Err(refused("cannot write to the database: it is read-only")
                .with("setting", name)
                .help(format!("turn {name} off for this user or on the database server")));
        }
    }
    if variables.get("innodb_force_recovery").is_some_and(|level| level != "0") {
        return Err(refused("cannot write to the database: the database server runs to recover from damage")
            .with("setting", "innodb_force_recovery")
            .help(
                "use another database server, or repair this one and start it without innodb_force_recovery",
            ));
    }
    room(settings, session, variables)?;
    // Only a statement shows whether a read-only server lets this user write; that is checked before privileges.
    let probe = match there.first().or(absent.first()) {
        Some(table) => format!("DELETE FROM {} WHERE 1 = 0", quoted(table.name)),
        None => return Ok(()),
    };
    let read_only = session.run(async |connection| run(connection, probe).await);
    if let Err(error) = read_only
        && let error = settings.translate(error, "write to the database")
        && error.message().contains("read-only")
    {
        return Err(error.into_kind(ErrorKind::Refused));
    }
    for table in there {
        let name = quoted(table.name);
        let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
        let delete = format!("DELETE FROM {name} WHERE 1 = 0");
        let insert = format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE 1 = 0");
        for (doing, statement) in [("delete records", delete), ("write records", insert)] {
            let tried = session.run(async |connection| run(connection, statement).await);
            tried.map_err(|error| {
                settings.translate(error, doing).into_kind(ErrorKind::Refused).with("table", table.name)
            })?;
        }
    }
    for table in absent.iter().filter(|table| !table.create.is_empty()) {
        // Preparing a statement needs the privileges of running it, and has no other effect.
        let tried = session.run(async |connection| {
            let create = table.create.replace('\'', "''");
            run(connection, format!("PREPARE stalwart_migrate FROM '{create}'")).await?;
            run(connection, "DEALLOCATE PREPARE stalwart_migrate".to_string()).await
        });
        tried.map_err(|error| {
            let error = settings.translate(error, "create the tables");
            error.into_kind(ErrorKind::Refused).with("table", table.name)
        })?;
    }
    Ok(())
}

async fn run(connection: &mut MySqlConnection, statement: String) -> sqlx::Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map(|_| ())
}

/// Whether the database server has room for the prepared statements of a load.
fn room(settings: &MysqlSettings, session: &mut MysqlSession, variables: &Variables) -> Result<()> {
    let most = variables.get("max_prepared_stmt_count").and_then(|most| most.parse::<u64>().ok());
    let Some(most) = most else { return Ok(()) };
    let used = session.run(async |connection| {
        let show = "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'";
        let rows = sqlx::raw_sql(show).fetch_all(connection).await?;
        rows.first().map(|row| text(row, 1)).transpose()
    });
    let used = used.map_err(|error| settings.translate(error, "look at the database's settings"))?;
    let used = used.and_then(|used| used.parse::<u64>().ok()).unwrap_or(0);
    let needed = (PREPARED * WRITERS) as u64;
    if most.saturating_sub(used) >= needed {
        return Ok(());
    }
    Err(Error::refused("the database server has no room for the statements that writing prepares")
        .with("database", settings.location())
        .with("setting", "max_prepared_stmt_count")
        .because(format!("it allows {most}, {used} are in use, and up to {needed} more are needed"))
        .help("raise max_prepared_stmt_count on the database server, or stop what prepares so many"))
}
