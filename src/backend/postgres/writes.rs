//! What shows that something has written to the tables of a database.
//!
//! The database counts the rows that are written of each table, and gives every transaction that writes a number.
//! Numbers alone do not say which database was written, or that it was more than its statistics; counts alone may
//! come late. Both together say it. Sessions that are still open may not have reported their counts yet: they are
//! asked for on their own.
//!
//! source: "The Cumulative Statistics System" and "Transaction ID and Snapshot Information Functions" in
//! PostgreSQL's documentation

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::postgres::PgConnection;

/// What has been written up to a moment.
#[derive(Debug)]
pub(super) struct PgWrites {
    // Every transaction that had ended, as the database puts it.
    ended: String,
    // Rows written since the counts began, by the oid of the table.
    rows: BTreeMap<i64, i64>,
}

impl PgWrites {
    /// Asks for what was written up to now, or up to the snapshot of the transaction.
    pub async fn up_to_now(connection: &mut PgConnection) -> sqlx::Result<PgWrites> {
        // Within a transaction the first answer would be given again.
        sqlx::raw_sql("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await?;
        let ended =
            sqlx::query_scalar("SELECT txid_current_snapshot()::text").fetch_one(&mut *connection).await?;
        let count = "SELECT relid::int8, (n_tup_ins + n_tup_upd + n_tup_del)::int8 FROM \
                     pg_catalog.pg_stat_user_tables";
        let rows = sqlx::query(count).fetch_all(connection).await?;
        let rows = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok(PgWrites { ended, rows: rows.collect::<sqlx::Result<_>>()? })
    }

    /// Whether rows of a table were written up to `now` that were not written before.
    pub fn written(&self, now: &PgWrites, oid: i64) -> bool {
        let count = |writes: &PgWrites| writes.rows.get(&oid).copied().unwrap_or_default();
        self.ended != now.ended && count(self) < count(now)
    }
}
