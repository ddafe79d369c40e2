//! Writes a MySQL or MariaDB store in bulk: prepared inserts of many rows, a transaction per shard.
//!
//! Uses plain inserts in strict mode, and a warning is an error: no value is truncated or skipped silently. If a
//! repeated shard finds its own rows, it deletes those first.

use std::sync::Mutex;

use sqlx::mysql::{MySqlArguments, MySqlConnection};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, Row};

use super::source::{hidden, other_sessions};
use super::{MysqlSession, MysqlSource, WRITERS, close, literal, quoted, text};
use crate::backend::sql::{Idle, without_leavers};
use crate::backend::{Sessions, Shard, Source, Target};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::settings::MysqlSettings;

/// Bytes of rows in a statement, if the packet limit allows it.
const STATEMENT_BYTES: u64 = 1 << 20;
/// Rows in a statement. Powers of two, so that few statements are prepared; two placeholders for each are far below
/// the limit of 65 535 in a statement.
const MOST_ROWS: usize = 1024;
/// A value of at least this length in bytes is sent in pieces.
const LARGE: usize = 32 << 20;
/// Length of a piece in bytes.
const PIECE: usize = 8 << 20;

/// A MySQL or MariaDB database opened for writing.
pub struct MysqlTarget {
    settings: MysqlSettings,
    statement_bytes: usize,
    // Lists the other sessions.
    leader: Mutex<MysqlSession>,
    idle: Idle<MySqlConnection>,
    // Ids of all connections, to distinguish them from other sessions.
    ids: Mutex<Vec<u64>>,
}

impl MysqlTarget {
    /// Connects. The source has checked before whether the database can be written.
    ///
    /// Errors: I/O if it cannot be reached or refuses the connection.
    pub fn open(settings: MysqlSettings) -> Result<Self> {
        let (mut session, variables) = settings.session()?;
        let bytes = STATEMENT_BYTES.min(variables.max_packet() / 2);
        let statement_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let id = settings.id(&mut session)?;
        let (leader, ids) = (Mutex::new(session), Mutex::new(vec![id]));
        Ok(MysqlTarget { settings, statement_bytes, leader, idle: Idle::new(), ids })
    }

    fn own(&self) -> Vec<u64> {
        lock(&self.ids).clone()
    }

    fn connect(&self) -> Result<MysqlSession> {
        if let Some(session) = self.idle.take() {
            return Ok(session);
        }
        let (mut session, _) = self.settings.session()?;
        let id = self.settings.id(&mut session)?;
        lock(&self.ids).push(id);
        Ok(session)
    }

    fn with<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let mut session = self.connect()?;
        // After an error the state of the connection is unknown.
        let done = session.run(work).map_err(|error| self.settings.translate(error, doing))?;
        self.idle.give_back(session);
        Ok(done)
    }
}

impl Drop for MysqlTarget {
    fn drop(&mut self) {
        self.idle.drain().into_iter().for_each(close);
    }
}

impl Target for MysqlTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::Mysql
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        let present = self.with("list the tables", async |connection| {
            let list = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";
            let rows = sqlx::raw_sql(list).fetch_all(connection).await?;
            rows.iter().map(|row| text(row, 0)).collect::<sqlx::Result<Vec<String>>>()
        })?;
        // Creating an existing table needs the same privileges as creating a new one.
        for table in tables.iter().filter(|table| !present.iter().any(|name| name == table.name)) {
            let created = self.with("create the tables", async |connection| {
                sqlx::raw_sql(AssertSqlSafe(table.create)).execute(connection).await.map(|_| ())
            });
            created.map_err(|error| error.with("table", table.name))?;
        }
        Ok(())
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.with("delete records", async |connection| {
            sqlx::raw_sql("START TRANSACTION").execute(&mut *connection).await?;
            delete(connection, table, keys.iter().map(Vec::as_slice), self.statement_bytes).await?;
            sqlx::raw_sql("COMMIT").execute(connection).await.map(|_| ())
        })
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        // TRUNCATE would need a privilege that the server's user may not have.
        let delete = format!("DELETE FROM {}", quoted(table.name));
        let deletes: Vec<String> = match (kept.first(), kept.last()) {
            (Some(first), Some(last)) => {
                let before = std::iter::once(format!("k < {}", literal(first)));
                let between = kept.windows(2).map(|pair| {
                    let bounds =
                        pair.iter().zip([">", "<"]).map(|(key, sign)| format!("k {sign} {}", literal(key)));
                    bounds.collect::<Vec<_>>().join(" AND ")
                });
                let after = std::iter::once(format!("k > {}", literal(last)));
                let conditions = before.chain(between).chain(after);
                conditions.map(|condition| format!("{delete} WHERE {condition}")).collect()
            }
            _ => vec![delete],
        };
        // A statement that waits for a lock is executed even if its connection is closed meanwhile; a commit that was
        // never sent is not.
        self.with("empty a table", async |connection| {
            sqlx::raw_sql("START TRANSACTION").execute(&mut *connection).await?;
            for delete in deletes {
                sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut *connection).await?;
            }
            sqlx::raw_sql("COMMIT").execute(connection).await.map(|_| ())
        })
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        // One connection: with those of the target open, several snapshots could not be shown to be of the same
        // moment.
        Ok(Box::new(MysqlSource::open_beside(self.settings.clone(), 0, self.own())?))
    }

    fn sessions(&self) -> Result<Sessions> {
        let mut leader = lock(&self.leader);
        let own = self.own();
        let fail = |error| self.settings.translate(error, "look for other sessions");
        let others = without_leavers(|| {
            leader.run(async |connection| other_sessions(connection, &own).await).map_err(fail)
        })?;
        let hidden = leader.run(async |connection| hidden(connection).await).map_err(fail)?;
        Ok(Sessions { others, hidden })
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let mut session = self.connect()?;
        self.settings.execute(&mut session, "begin a transaction", "START TRANSACTION")?;
        Ok(Box::new(MysqlShard { target: self, session: Some(session), table, ahead: MysqlNextRow::Unknown }))
    }

    fn finish(&self) -> Result<()> {
        // Every commit is already durable, as far as the database server is configured for it.
        Ok(())
    }
}

struct MysqlShard<'a> {
    target: &'a MysqlTarget,
    session: Option<MysqlSession>,
    table: &'a Table,
    ahead: MysqlNextRow,
}

/// The next row that is already in the table.
enum MysqlNextRow {
    Unknown,
    None,
    Key(Vec<u8>),
}

impl Shard for MysqlShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        let (Some(session), Some((first, _)), Some((last, _))) =
            (&mut self.session, page.get(0), page.last())
        else {
            return Ok(());
        };
        let (table, ahead, bytes) = (self.table, &mut self.ahead, self.target.statement_bytes);
        let written = session.run(async |connection| {
            if matches!(ahead, MysqlNextRow::Unknown) {
                *ahead = look_ahead(connection, table, first).await?;
            }
            if matches!(ahead, MysqlNextRow::Key(key) if key.as_slice() <= last) {
                delete(connection, table, page.iter().map(|(key, _)| key), bytes).await?;
                *ahead = look_ahead(connection, table, last).await?;
            }
            insert(connection, table, page, bytes).await
        });
        match written {
            Ok(()) => Ok(()),
            Err(error) => {
                // Closing the connection rolls the transaction back.
                self.session = None;
                Err(self.target.settings.translate(error, "write records").with("table", table.name))
            }
        }
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let settings = &self.target.settings;
        settings
            .execute(&mut session, "commit records", "COMMIT")
            .map_err(|error| error.with("table", self.table.name))?;
        self.target.idle.give_back(session);
        Ok(())
    }
}

impl Drop for MysqlShard<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            close(session);
        }
    }
}

/// Finds the first row at or after a key.
async fn look_ahead(
    connection: &mut MySqlConnection,
    table: &Table,
    from: &[u8],
) -> sqlx::Result<MysqlNextRow> {
    let (name, from) = (quoted(table.name), literal(from));
    let find = format!("SELECT k FROM {name} FORCE INDEX (PRIMARY) WHERE k >= {from} LIMIT 1");
    let row = sqlx::raw_sql(AssertSqlSafe(find)).fetch_optional(connection).await?;
    Ok(match row {
        Some(row) => MysqlNextRow::Key(row.try_get_unchecked(0)?),
        None => MysqlNextRow::None,
    })
}

/// Deletes single keys, in statements of about this many bytes.
async fn delete<'k>(
    connection: &mut MySqlConnection,
    table: &Table,
    keys: impl Iterator<Item = &'k [u8]>,
    bytes: usize,
) -> sqlx::Result<()> {
    let mut keys = keys.peekable();
    while keys.peek().is_some() {
        let mut delete = format!("DELETE FROM {} WHERE k IN (", quoted(table.name));
        let mut first = true;
        while let Some(key) = keys.next_if(|key| first || delete.len() + 2 * key.len() < bytes) {
            delete.push_str(if first { "" } else { "," });
            delete.push_str(&literal(key));
            first = false;
        }
        delete.push(')');
        sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut MySqlConnection,
    table: &Table,
    page: &Page,
    bytes: usize,
) -> sqlx::Result<()> {
    let mut start = 0;
    while start < page.len() {
        if let Some((key, value)) = page.get(start).filter(|(_, value)| value.len() >= LARGE) {
            insert_large(connection, table, key, value).await?;
            start += 1;
            continue;
        }
        let rows = rows_that_fit(page, start, bytes);
        let mut query = sqlx::query(AssertSqlSafe(statement(table, rows)));
        for index in start..start + rows {
            let Some((key, value)) = page.get(index) else { break };
            query = bind(query, table.value, key, value);
        }
        let written = query.execute(&mut *connection).await?.rows_affected();
        if written != rows as u64 {
            return Err(sqlx::Error::Protocol(format!("{written} of {rows} rows written")));
        }
        check_warnings(connection).await?;
        start += rows;
    }
    Ok(())
}

/// Inserts a row whose value is sent in pieces, into a variable of the session first: the client library would copy a
/// bound value once for the statement and once for sending.
async fn insert_large(
    connection: &mut MySqlConnection,
    table: &Table,
    key: &[u8],
    value: &[u8],
) -> sqlx::Result<()> {
    sqlx::raw_sql("SET @stalwart_migrate = x''").execute(&mut *connection).await?;
    for piece in value.chunks(PIECE) {
        let add = "SET @stalwart_migrate = CONCAT(@stalwart_migrate, ?)";
        sqlx::query(add).bind(piece).execute(&mut *connection).await?;
        check_warnings(connection).await?;
    }
    let insert = format!("INSERT INTO {} (k, v) VALUES (?, @stalwart_migrate)", quoted(table.name));
    let query = sqlx::query(AssertSqlSafe(insert)).persistent(false).bind(key);
    let written = query.execute(&mut *connection).await?.rows_affected();
    if written != 1 {
        return Err(sqlx::Error::Protocol(format!("{written} of 1 rows written")));
    }
    check_warnings(connection).await?;
    sqlx::raw_sql("SET @stalwart_migrate = NULL").execute(connection).await.map(|_| ())
}

/// How many rows from `start` on form a statement: a power of two within the limit, or a single row.
fn rows_that_fit(page: &Page, start: usize, bytes: usize) -> usize {
    let (mut fit, mut size) = (0, 0);
    while fit < MOST_ROWS {
        let Some((key, value)) = page.get(start + fit) else { break };
        size += key.len() + value.len() + 24;
        if size > bytes {
            break;
        }
        fit += 1;
    }
    1 << fit.max(1).ilog2()
}

fn statement(table: &Table, rows: usize) -> String {
    let (columns, row) = match table.value {
        ValueKind::None => ("k", "(?)"),
        _ => ("k, v", "(?,?)"),
    };
    format!("INSERT INTO {} ({columns}) VALUES {}", quoted(table.name), vec![row; rows].join(","))
}

fn bind<'q>(
    query: Query<'q, MySql, MySqlArguments>,
    kind: ValueKind,
    key: &'q [u8],
    value: &'q [u8],
) -> Query<'q, MySql, MySqlArguments> {
    let query = query.bind(key);
    match (kind, <[u8; 8]>::try_from(value)) {
        (ValueKind::None, _) => query,
        (ValueKind::Counter, Ok(number)) => query.bind(i64::from_le_bytes(number)),
        _ => query.bind(value),
    }
}

/// A warning means that a value was not written as sent.
async fn check_warnings(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let rows = sqlx::raw_sql("SHOW WARNINGS LIMIT 1").fetch_all(connection).await?;
    match rows.first() {
        None => Ok(()),
        Some(row) => Err(sqlx::Error::Decode(format!("the database warns: {}", text(row, 2)?).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_take_powers_of_two_within_the_limit() {
        let mut page = Page::new();
        for n in 0..1500u32 {
            page.push(&n.to_be_bytes(), &[0; 100]);
        }
        page.push(b"zz", &[0; 5000]);
        for (start, bytes, rows) in [
            (0, usize::MAX, 1024),
            (1024, usize::MAX, 256),
            (0, 128 * 3, 2),
            (0, 128 * 4, 4),
            (0, 1, 1),
            (1500, 100, 1),
            (1499, 128 + 5026, 2),
        ] {
            assert_eq!(rows_that_fit(&page, start, bytes), rows, "{start} {bytes}");
        }
    }
}
