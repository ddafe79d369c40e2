//! Reads values that are too large for one message in pieces: the client library holds a message several times in
//! memory.
//!
//! Finding them costs nothing if a table has none, since PostgreSQL stores them outside the table. Depends on rows,
//! not on what they mean.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::literal;
use crate::backend::KeyRange;

/// Values of at least this length in bytes are read in pieces.
pub(super) const LARGE: i64 = 32 << 20;
/// Length of a piece in bytes.
const PIECE: i32 = 8 << 20;

/// The condition that a key is in a range, as ` WHERE …`; empty for the whole table. Without `last`, the range
/// excludes its end.
pub(super) fn within(range: &KeyRange, last: bool) -> String {
    let mut conditions = Vec::new();
    conditions.extend(range.after.as_deref().map(|after| format!("k > {}", literal(after))));
    let below = if last { "<=" } else { "<" };
    conditions.extend(range.until.as_deref().map(|until| format!("k {below} {}", literal(until))));
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// The keys of large values in a range, ascending; `from` is the table as a query names it.
pub(super) async fn find(
    connection: &mut PgConnection,
    from: &str,
    range: &KeyRange,
) -> sqlx::Result<Vec<Vec<u8>>> {
    // Values of this length are in a TOAST table, whose size is known without reading it.
    let beside = format!(
        "SELECT coalesce(max(pg_catalog.pg_relation_size(reltoastrelid)), 0) >= {LARGE} FROM pg_catalog.pg_class \
         WHERE oid = (SELECT tableoid FROM {from} LIMIT 1) AND reltoastrelid <> 0"
    );
    if !sqlx::query_scalar::<_, bool>(AssertSqlSafe(beside)).fetch_one(&mut *connection).await? {
        return Ok(Vec::new());
    }
    let inside = within(range, true);
    let and = if inside.is_empty() { " WHERE" } else { " AND" };
    let find = format!("SELECT k FROM {from}{inside}{and} pg_catalog.octet_length(v) >= {LARGE} ORDER BY k");
    sqlx::query_scalar(AssertSqlSafe(find)).fetch_all(connection).await
}

/// Reads the value of a key, piece by piece.
pub(super) async fn read(connection: &mut PgConnection, from: &str, key: &[u8]) -> sqlx::Result<Vec<u8>> {
    let length = format!("SELECT pg_catalog.octet_length(v) FROM {from} WHERE k = $1");
    let length: i32 = sqlx::query_scalar(AssertSqlSafe(length)).bind(key).fetch_one(&mut *connection).await?;
    let select = format!("SELECT pg_catalog.substr(v, $2, {PIECE}) FROM {from} WHERE k = $1");
    let mut value = Vec::new();
    // The database counts from one. It stores the length that it states, so that much can be allocated at once.
    value.reserve_exact(usize::try_from(length).unwrap_or_default());
    let mut at = 1i32;
    while at <= length {
        let query = sqlx::query(AssertSqlSafe(select.clone())).bind(key).bind(at);
        let row = query.fetch_one(&mut *connection).await?;
        value.extend_from_slice(row.try_get::<&[u8], _>(0)?);
        let Some(next) = at.checked_add(PIECE) else { break };
        at = next;
    }
    if i32::try_from(value.len()) == Ok(length) {
        Ok(value)
    } else {
        Err(sqlx::Error::Protocol(format!("{} of {length} bytes of a value arrived", value.len())))
    }
}
