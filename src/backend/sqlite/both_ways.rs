//! Compares the two trees of a table: the rows by number, and the index of keys. The server, and every reader of this
//! program, uses the index; a row that the index does not list exists and is never found.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use xxhash_rust::xxh3::xxh3_128;

use super::quoted;
use crate::backend::Odd;
use crate::catalog::{Table, ValueKind};

/// The number of keys, and the sum of their hashes, which does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct KeySum {
    count: u64,
    sum: u128,
}

/// Result of comparing the trees of a table.
#[derive(Debug, Default)]
pub(super) struct IndexCheck {
    /// Describes how the keys of the rows and those of the index differ; `None` if they are equal.
    pub difference: Option<String>,
    /// Rows whose value has another type than the server writes.
    pub odd: Vec<Odd>,
}

/// Reads the keys of a table from both trees, and the types of its values.
pub(super) fn compare(connection: &Connection, table: &Table) -> rusqlite::Result<IndexCheck> {
    let name = quoted(table.name);
    let columns = if table.value == ValueKind::None { "k" } else { "k, typeof(v)" };
    let mut odd = Vec::new();
    let rows = keys(connection, &format!("SELECT {columns} FROM {name} NOT INDEXED"), |key, row| {
        if table.value == ValueKind::None {
            return Ok(());
        }
        let ValueRef::Text(kind) = row.get_ref(1)? else { return Ok(()) };
        let written: &[u8] = if table.value == ValueKind::Counter { b"integer" } else { b"blob" };
        if kind != written {
            // The server reads a text as bytes where it expects bytes.
            let lost = table.value == ValueKind::Counter || kind != b"text";
            let kind = String::from_utf8_lossy(kind).to_uppercase();
            let reason = if lost {
                format!("its value is stored as {kind}, which the server cannot read")
            } else {
                format!("its value is stored as {kind}, whose bytes the server takes")
            };
            odd.push(Odd { key: key.to_vec(), reason, lost });
        }
        Ok(())
    })?;
    let select = format!("SELECT k FROM {name} INDEXED BY {} ORDER BY k", quoted(&index(table.name)));
    let (mut last, mut in_order) = (None::<Vec<u8>>, true);
    let listed = keys(connection, &select, |key, _| {
        in_order &= last.as_deref().is_none_or(|last| last < key);
        let last = last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    })?;
    let difference = if rows.count != listed.count {
        Some(format!("it has {} rows, and its index lists {} keys", rows.count, listed.count))
    } else if rows != listed {
        Some(format!("{} rows do not have the keys that its index lists", rows.count))
    } else if !in_order {
        Some("its index lists keys twice, or not in order".to_string())
    } else {
        None
    };
    Ok(IndexCheck { difference, odd })
}

/// The name of the key index that SQLite creates for a table.
pub(super) fn index(table: &str) -> String {
    format!("sqlite_autoindex_{table}_1")
}

fn keys(
    connection: &Connection,
    select: &str,
    mut each: impl FnMut(&[u8], &Row) -> rusqlite::Result<()>,
) -> rusqlite::Result<KeySum> {
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    let mut keys = KeySum::default();
    while let Some(row) = rows.next()? {
        let hash = match row.get_ref(0)? {
            ValueRef::Blob(key) => {
                each(key, row)?;
                xxh3_128(key)
            }
            // Keys of other types are counted elsewhere.
            _ => 0,
        };
        keys.count += 1;
        keys.sum = keys.sum.wrapping_add(hash);
    }
    Ok(keys)
}
