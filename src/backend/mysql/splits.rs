//! Finds split keys: keys that divide a table into parts of similar size, without reading it.
//!
//! The optimizer estimates the rows between two keys from a few pages of the primary key. The largest part is halved
//! repeatedly, at an existing key, until the parts are small enough to be joined.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row};

use super::{literal, quoted};
use crate::catalog::Table;

/// Parts to find for each range that is wanted.
const FINER: usize = 4;
/// A table with fewer rows is not worth dividing.
const FEW_ROWS: u64 = 10_000;

/// The keys after `after` (all keys if `None`) up to `until`, about `rows` of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SplitPart {
    after: Option<Vec<u8>>,
    until: Vec<u8>,
    rows: u64,
    // The part cannot be divided further.
    whole: bool,
}

/// Split keys for about `n` ranges, ascending.
pub(super) async fn split_keys(
    connection: &mut MySqlConnection,
    table: &Table,
    n: usize,
) -> sqlx::Result<Vec<Vec<u8>>> {
    let name = quoted(table.name);
    let edge = |order| format!("SELECT k FROM {name} FORCE INDEX (PRIMARY) {order} LIMIT 1");
    // Finds the edge along the key, since the database would not use the key for an `ORDER BY`.
    let Some(first) = key(connection, edge("WHERE k >= ?"), &[]).await? else { return Ok(Vec::new()) };
    let rows = estimate(connection, &name, None, None).await?;
    if rows < FEW_ROWS {
        return Ok(Vec::new());
    }
    let Some(last) = last_key(connection, &name, &first).await? else { return Ok(Vec::new()) };
    let mut parts = vec![SplitPart { after: None, until: last, rows, whole: false }];
    let small = rows / (n * FINER) as u64;
    for _ in 0..n * FINER * 4 {
        let largest = (0..parts.len()).filter(|i| parts.get(*i).is_some_and(|p| !p.whole && p.rows > small));
        let largest = largest.max_by_key(|i| parts.get(*i).map_or(0, |part| part.rows));
        let Some((index, part)) = largest.and_then(|i| Some((i, parts.get(i)?.clone()))) else { break };
        let low = part.after.as_deref().unwrap_or(&first);
        let middle = middle(low, &part.until);
        let found = key(connection, edge("WHERE k > ?"), &middle).await?;
        match found.filter(|found| found.as_slice() > low && *found < part.until) {
            Some(found) => {
                let before = estimate(connection, &name, part.after.as_deref(), Some(&found)).await?;
                let rest = estimate(connection, &name, Some(&found), Some(&part.until)).await?;
                let halves = [
                    SplitPart { after: part.after, until: found.clone(), rows: before, whole: false },
                    SplitPart { after: Some(found), until: part.until, rows: rest, whole: false },
                ];
                parts.splice(index..=index, halves);
            }
            None => {
                // All keys but the last one are below the middle: halve the lower part.
                let below = SplitPart { until: middle.clone(), ..part.clone() };
                let narrower = middle.as_slice() > low && below.until < part.until;
                let rest = estimate(connection, &name, part.after.as_deref(), Some(&middle)).await?;
                if !narrower || rest == 0 {
                    if let Some(part) = parts.get_mut(index) {
                        part.whole = true;
                    }
                    continue;
                }
                let tail = SplitPart { after: Some(middle), until: part.until, rows: 1, whole: true };
                parts.splice(index..=index, [SplitPart { rows: rest, ..below }, tail]);
            }
        }
    }
    Ok(join(&parts, n))
}

/// Joins adjacent parts until there are about `n`.
fn join(parts: &[SplitPart], n: usize) -> Vec<Vec<u8>> {
    let total: u64 = parts.iter().map(|part| part.rows).sum();
    let share = (total / n.max(1) as u64).max(1);
    let (mut splits, mut sum) = (Vec::new(), 0);
    for part in parts.iter().take(parts.len().saturating_sub(1)) {
        sum += part.rows;
        if sum >= share && splits.len() + 1 < n {
            splits.push(part.until.clone());
            sum = 0;
        }
    }
    splits
}

/// A byte string halfway between two, read as fractions of equal length.
fn middle(low: &[u8], high: &[u8]) -> Vec<u8> {
    let common = low.iter().zip(high).take_while(|(a, b)| a == b).count();
    let window = |key: &[u8]| {
        let mut bytes = [0; 8];
        let rest = key.get(common..).unwrap_or_default();
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(bytes)
    };
    let (a, b) = (window(low), window(high));
    let mut middle = high.get(..common).unwrap_or_default().to_vec();
    middle.extend_from_slice(&(a + b.saturating_sub(a) / 2).to_be_bytes());
    middle
}

/// The first key that `select` finds from `from` on, which replaces its question mark.
async fn key(connection: &mut MySqlConnection, select: String, from: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
    let select = select.replace('?', &literal(from));
    let row = sqlx::raw_sql(AssertSqlSafe(select)).fetch_optional(connection).await?;
    row.map(|row| row.try_get_unchecked(0)).transpose()
}

/// A key that no key of the table exceeds, found by bisection.
async fn last_key(
    connection: &mut MySqlConnection,
    name: &str,
    first: &[u8],
) -> sqlx::Result<Option<Vec<u8>>> {
    let query = format!("SELECT k FROM {name} FORCE INDEX (PRIMARY) WHERE k > ? LIMIT 1");
    let mut last = first.to_vec();
    // Each round determines at least one more bit of the first 16 bytes.
    let mut high = vec![0xff; 16];
    for _ in 0..128 {
        if key(connection, query.clone(), &high).await?.is_some() {
            return Ok(Some(vec![0xff; 400]));
        }
        let middle = middle(&last, &high);
        if middle <= last || middle >= high {
            break;
        }
        match key(connection, query.clone(), &middle).await? {
            Some(found) => last = found,
            None => high = middle,
        }
    }
    Ok(Some(high.max(last)))
}

/// The optimizer's estimate of the rows between two keys.
async fn estimate(
    connection: &mut MySqlConnection,
    name: &str,
    after: Option<&[u8]>,
    until: Option<&[u8]>,
) -> sqlx::Result<u64> {
    let lower = if after.is_some() { ">" } else { ">=" };
    let upper = until.map(|until| format!(" AND k <= {}", literal(until))).unwrap_or_default();
    let after = literal(after.unwrap_or_default());
    let explain =
        format!("EXPLAIN SELECT k FROM {name} FORCE INDEX (PRIMARY) WHERE k {lower} {after}{upper}");
    let Some(row) = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_optional(connection).await? else {
        return Ok(0);
    };
    // A range that is known to be empty has no number, and other formats of the answer have no such column: a table
    // that cannot be divided is read as one range.
    let rows: Option<i64> = row.try_get_unchecked("rows").unwrap_or(None);
    Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_lies_between() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"", b"\xff"),
            (b"a", b"c"),
            (b"account1\0\0\0\0\0\0\0\x01", b"account1\0\0\0\0\0\0\0\x09"),
            (b"ab", b"ab\x04"),
            (b"", b"\0\0\0\0\0\0\0\x02"),
            (b"\0", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ];
        for (low, high) in cases {
            let middle = middle(low, high);
            assert!(low < middle.as_slice() && middle.as_slice() <= high, "{low:x?} {middle:x?} {high:x?}");
        }
    }

    #[test]
    fn parts_are_joined_into_similar_shares() {
        let part = |key: u8, rows| SplitPart { after: None, until: vec![key], rows, whole: true };
        let parts: Vec<SplitPart> = (0..40).map(|key| part(key, if key == 7 { 500 } else { 10 })).collect();
        for n in [1, 2, 4, 8] {
            let splits = join(&parts, n);
            assert!(splits.len() < n && splits.is_sorted(), "{n}: {splits:?}");
        }
        assert_eq!(join(&[part(0, 1), part(1, 1)], 2), [vec![0]]);
    }
}
