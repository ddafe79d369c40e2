//! Detects that something has written to the tables of a database.
//!
//! The database server keeps the second of the last write to each table, until it is restarted. MySQL also counts all
//! rows that it writes, in any database: if the count is unchanged, nothing was written. A second write within the
//! second in which a table was checked is not visible; then only the other sessions show it.
//!
//! source: "Server Status Variables" and "The INFORMATION_SCHEMA TABLES Table" in the manuals of MySQL and MariaDB

use std::collections::BTreeMap;

use sqlx::mysql::MySqlConnection;

use super::text;

/// The writes up to a moment.
#[derive(Debug, Default)]
pub(super) struct MysqlWrites {
    // Counters of rows written, in any database; empty if the server has none.
    rows: Vec<(String, String)>,
    // The time of the last write to each table, if it is known; as text that sorts by time.
    tables: BTreeMap<String, String>,
}

impl MysqlWrites {
    /// Reads the writes up to now.
    pub async fn up_to_now(connection: &mut MySqlConnection) -> sqlx::Result<MysqlWrites> {
        let show = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted', 'Innodb_rows_updated', \
                    'Innodb_rows_deleted')";
        let rows = sqlx::raw_sql(show).fetch_all(&mut *connection).await?;
        let rows = rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?)));
        let rows = rows.collect::<sqlx::Result<_>>()?;
        let list = "SELECT table_name, DATE_FORMAT(update_time, '%Y-%m-%d %H:%i:%s') FROM information_schema.tables \
                    WHERE table_schema = DATABASE() AND update_time IS NOT NULL";
        let tables = sqlx::raw_sql(list).fetch_all(connection).await?;
        let tables = tables.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?)));
        Ok(MysqlWrites { rows, tables: tables.collect::<sqlx::Result<_>>()? })
    }

    /// Whether a table was written between this moment and `now`.
    pub fn written(&self, now: &MysqlWrites, table: &str) -> bool {
        let counted = !self.rows.is_empty();
        (!counted || self.rows != now.rows) && now.tables.get(table) > self.tables.get(table)
    }
}
