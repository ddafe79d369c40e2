//! Detects that something has written to the tables of a database.
//!
//! The database counts the rows written to each table, and gives every writing transaction a number. The numbers
//! alone do not show which database was written, or whether more than its statistics was; the counts alone may come
//! late. Both together show it. Sessions that are still open may not have reported their counts yet, so they are
//! queried separately.
//!
//! source: "The Cumulative Statistics System" and "Transaction ID and Snapshot Information Functions" in
//! PostgreSQL's documentation

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::postgres::PgConnection;

/// The writes up to a moment.
#[derive(Debug)]
pub(super) struct PgWrites {
    // The database's list of transactions that had ended.
    ended: String,
    // Rows written since counting began, by the oid of the table.
    rows: BTreeMap<i64, i64>,
}

impl PgWrites {
    /// Reads the writes up to now, or up to the snapshot of the transaction.
    pub async fn up_to_now(connection: &mut PgConnection) -> sqlx::Result<PgWrites> {
        // Within a transaction the first answer would be repeated.
        sqlx::raw_sql("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await?;
        let ended =
            sqlx::query_scalar("SELECT txid_current_snapshot()::text").fetch_one(&mut *connection).await?;
        let count = "SELECT relid::int8, (n_tup_ins + n_tup_upd + n_tup_del)::int8 FROM \
                     pg_catalog.pg_stat_user_tables";
        let rows = sqlx::query(count).fetch_all(connection).await?;
        let rows = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok(PgWrites { ended, rows: rows.collect::<sqlx::Result<_>>()? })
    }

    /// Whether rows of a table were written between this moment and `now`.
    pub fn written(&self, now: &PgWrites, oid: i64) -> bool {
        let count = |writes: &PgWrites| writes.rows.get(&oid).copied().unwrap_or_default();
        self.ended != now.ended && count(self) < count(now)
    }
}
