//! A table by both of its trees: the rows by number, and the index of keys. The server, and every reader of this
//! program, goes by the index; a row that the index does not list is there and never seen.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::xxh3_128;

use super::quoted;
use crate::catalog::Table;

/// How many keys, and the sum of their hashes, which does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Keys {
    count: u64,
    sum: u128,
}

/// What is different between the keys of the rows and those of the index, if anything is.
pub(super) fn difference(connection: &Connection, table: &Table) -> rusqlite::Result<Option<String>> {
    let name = quoted(table.name);
    let rows = keys(connection, &format!("SELECT k FROM {name} NOT INDEXED"))?;
    let listed =
        keys(connection, &format!("SELECT k FROM {name} INDEXED BY {}", quoted(&index(table.name))))?;
    Ok(match rows == listed {
        true => None,
        false if rows.count == listed.count => {
            Some(format!("{} rows do not have the keys that its index lists", rows.count))
        }
        false => Some(format!("it has {} rows, and its index lists {} keys", rows.count, listed.count)),
    })
}

/// The index of keys that comes with a table.
pub(super) fn index(table: &str) -> String {
    format!("sqlite_autoindex_{table}_1")
}

fn keys(connection: &Connection, select: &str) -> rusqlite::Result<Keys> {
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    let mut keys = Keys::default();
    while let Some(row) = rows.next()? {
        let hash = match row.get_ref(0)? {
            ValueRef::Blob(key) => xxh3_128(key),
            // Keys of other kinds are counted elsewhere.
            _ => 0,
        };
        keys.count += 1;
        keys.sum = keys.sum.wrapping_add(hash);
    }
    Ok(keys)
}
