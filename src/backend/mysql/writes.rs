//! What shows that something has written to the tables of a database.
//!
//! The database server keeps the second in which each table was last written, until it is started again. MySQL
//! counts all rows that it writes, of any database, as well: where nothing was counted, nothing was written. A table
//! that is written once more within the second in which it was looked at looks the same: then only the other
//! sessions tell.
//!
//! source: "Server Status Variables" and "The INFORMATION_SCHEMA TABLES Table" in the manuals of MySQL and MariaDB

use std::collections::BTreeMap;

use sqlx::mysql::MySqlConnection;

use super::text;

/// What has been written up to a moment.
#[derive(Debug, Default)]
pub(super) struct MysqlWrites {
    // Rows written, of any database; nothing where they are not counted.
    rows: Vec<(String, String)>,
    // When each table was written, where that is known; as text whose order is that of time.
    tables: BTreeMap<String, String>,
}

impl MysqlWrites {
    /// Asks for what was written up to now.
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

    /// Whether a table was written up to `now` and not only before.
    pub fn written(&self, now: &MysqlWrites, table: &str) -> bool {
        let counted = !self.rows.is_empty();
        (!counted || self.rows != now.rows) && now.tables.get(table) > self.tables.get(table)
    }
}
