//! Reads the rows of a range in key order, by queries of a limited number of rows, and checks their order.

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

use super::{literal, quoted};
use crate::backend::KeyRange;
use crate::backend::sql::{AsyncWork, PageFeed};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::catalog::ValueKind;
use crate::settings::MysqlSettings;

/// Bytes of rows requested at once: what an abandoned query leaves in the connection.
const QUERY_BYTES: usize = 32 << 20;
/// Rows requested at first, while their size is unknown.
const FIRST_ROWS: u64 = 1000;

/// The rows of a range.
pub(super) struct MysqlRows {
    pub(super) name: String,
    pub(super) value: ValueKind,
    pub(super) range: KeyRange,
    pub(super) settings: MysqlSettings,
}

impl AsyncWork<MySqlConnection> for MysqlRows {
    async fn run(mut self, connection: &mut MySqlConnection, feed: &mut PageFeed) -> Result<()> {
        let mut limit = FIRST_ROWS;
        loop {
            match self.query(connection, feed, limit).await {
                Ok(BatchOutcome { stopped: false, rows, bytes }) if rows == limit => {
                    let average = bytes / usize::try_from(rows).unwrap_or(usize::MAX).max(1);
                    limit = (QUERY_BYTES / average.max(16)).max(16) as u64;
                }
                Ok(_) => return Ok(()),
                Err(failed) => {
                    return Err(self.error(failed, feed.last().or(self.range.after.as_deref())));
                }
            }
        }
    }
}

/// What a query has delivered.
pub(super) struct BatchOutcome {
    pub(super) rows: u64,
    pub(super) bytes: usize,
    /// Whether it was ended before its last row.
    pub(super) stopped: bool,
}

/// Why reading has failed.
pub(super) enum MysqlReadError {
    /// The database reports an error.
    Database(sqlx::Error),
    /// This key is not greater than the one before it.
    Order(Vec<u8>),
}

impl From<sqlx::Error> for MysqlReadError {
    fn from(error: sqlx::Error) -> Self {
        MysqlReadError::Database(error)
    }
}

impl MysqlRows {
    fn select(&self, limit: u64) -> String {
        let columns = if self.value == ValueKind::None { "k" } else { "k, v" };
        let lower = if self.range.after.is_some() { ">" } else { ">=" };
        let after = literal(self.range.after.as_deref().unwrap_or_default());
        let upper = self.range.until.as_deref().map(|until| format!(" AND k <= {}", literal(until)));
        format!(
            "SELECT {columns} FROM {} FORCE INDEX (PRIMARY) WHERE k {lower} {after}{} LIMIT {limit}",
            quoted(&self.name),
            upper.unwrap_or_default()
        )
    }

    pub(super) fn error(&self, failed: MysqlReadError, reached: Option<&[u8]>) -> Error {
        let error = match failed {
            MysqlReadError::Database(error) => self.settings.translate(error, "read from the database"),
            MysqlReadError::Order(key) => Error::io("the database does not deliver rows in key order")
                .with("database", self.settings.location())
                .with("key", hex(&key))
                .help("check that the table has the primary key that the server gives it"),
        };
        let reached = reached.map(hex).unwrap_or_default();
        error.with("table", format!("{}, after key {reached}", self.name))
    }

    /// The record of a row, which `outcome` counts; its key is greater than `before`.
    fn record<'a>(
        &self,
        row: &'a MySqlRow,
        before: Option<&[u8]>,
        counter: &'a mut [u8; 8],
        outcome: &mut BatchOutcome,
    ) -> Result<(&'a [u8], &'a [u8]), MysqlReadError> {
        let key: &[u8] = row.try_get_unchecked(0)?;
        let value = match self.value {
            ValueKind::None => &[],
            kind => value(row, kind, counter)?,
        };
        if before.is_some_and(|before| before >= key) {
            return Err(MysqlReadError::Order(key.to_vec()));
        }
        outcome.rows += 1;
        outcome.bytes += key.len() + value.len();
        Ok((key, value))
    }

    /// Reads up to `limit` rows into a page, or until it is full.
    pub(super) async fn page(
        &mut self,
        connection: &mut MySqlConnection,
        page: &mut Page,
        budget: usize,
        limit: u64,
    ) -> Result<BatchOutcome, MysqlReadError> {
        let mut stream = sqlx::raw_sql(AssertSqlSafe(self.select(limit))).fetch(connection);
        let (mut outcome, mut counter) = (BatchOutcome { rows: 0, bytes: 0, stopped: false }, [0; 8]);
        while let Some(row) = stream.try_next().await? {
            let before = page.last().map(|(key, _)| key).or(self.range.after.as_deref());
            let (key, value) = self.record(&row, before, &mut counter, &mut outcome)?;
            page.push(key, value);
            if page.size() >= budget && outcome.rows < limit {
                outcome.stopped = true;
                break;
            }
        }
        self.range.after = page.last().map(|(key, _)| key.to_vec()).or(self.range.after.take());
        Ok(outcome)
    }

    /// Reads up to `limit` rows, from where the last query ended.
    async fn query(
        &mut self,
        connection: &mut MySqlConnection,
        feed: &mut PageFeed,
        limit: u64,
    ) -> Result<BatchOutcome, MysqlReadError> {
        let mut stream = sqlx::raw_sql(AssertSqlSafe(self.select(limit))).fetch(connection);
        let (mut outcome, mut counter) = (BatchOutcome { rows: 0, bytes: 0, stopped: false }, [0; 8]);
        while let Some(row) = stream.try_next().await? {
            let before = feed.last().or(self.range.after.as_deref());
            let (key, value) = self.record(&row, before, &mut counter, &mut outcome)?;
            if feed.push(key, value) {
                self.range.after = Some(key.to_vec());
                // The row is in the page: free this buffer before other threads work on the page.
                drop(row);
                if !feed.hand_over().await {
                    outcome.stopped = true;
                    return Ok(outcome);
                }
            }
        }
        self.range.after = feed.last().map(<[u8]>::to_vec).or(self.range.after.take());
        Ok(outcome)
    }
}

/// The logical value of a row whose second column is the value.
pub(super) fn value<'a>(
    row: &'a MySqlRow,
    kind: ValueKind,
    counter: &'a mut [u8; 8],
) -> sqlx::Result<&'a [u8]> {
    if kind == ValueKind::Counter {
        *counter = row.try_get_unchecked::<i64, _>(1)?.to_le_bytes();
        return Ok(counter);
    }
    row.try_get_unchecked(1)
}
