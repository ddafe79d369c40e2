//! Whether a table of a store is the one that the server creates.
//!
//! Only such tables are read and written: a view, a virtual table, a generated column or a constraint of another kind
//! would make SQLite execute text of an untrusted file, and another key would change what a record is. Compares text
//! with text and executes none of it.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::quoted;
use crate::backend::TableState;
use crate::backend::shape::Fault;
use crate::catalog::{self, BackendKind, Table};

/// The definition of a table in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TableForm {
    /// There is no table of this name.
    Absent,
    /// As the server creates it.
    AsCreated,
    /// A different table; its definition as stored in the database.
    Other(String),
}

/// Every table of all schema versions, each name once.
pub(super) fn tables() -> Vec<&'static Table> {
    let mut tables: Vec<&'static Table> = Vec::new();
    for version in catalog::versions().iter().rev() {
        let legacy = version.legacy_tables(BackendKind::Sqlite).map(|legacy| legacy.table);
        for table in version.tables(BackendKind::Sqlite).chain(legacy) {
            if !tables.iter().any(|known| known.name == table.name) {
                tables.push(table);
            }
        }
    }
    tables.sort_by_key(|table| table.name);
    tables
}

/// Reads the definition of the table from the schema.
pub(super) fn of(connection: &Connection, table: &Table) -> rusqlite::Result<TableForm> {
    let find =
        "SELECT type, rootpage, sql FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type <> 'index'";
    let found = connection.prepare_cached(find)?.query_row([table.name], |row| {
        let text = |at| match row.get_ref(at) {
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        // Objects that are no tables have no page.
        let page = matches!(row.get_ref(1)?, ValueRef::Integer(page) if page > 0);
        Ok((text(0) == "table" && page, text(2)))
    });
    Ok(match found.optional()? {
        None => TableForm::Absent,
        Some((true, sql)) if words(&sql) == words(table.create) => TableForm::AsCreated,
        Some((_, sql)) => TableForm::Other(sql),
    })
}

/// The tables that can hold rows, and whether they do. A virtual table is assumed to: a check would run the module
/// that it names.
pub(super) fn listed(connection: &Connection) -> rusqlite::Result<Vec<TableState>> {
    // The range of names that begin with `sqlite_`.
    let names = "SELECT name, rootpage > 0 FROM sqlite_master WHERE type = 'table' \
                 AND NOT (name >= 'sqlite_' AND name < 'sqlite`') ORDER BY name";
    let mut statement = connection.prepare(names)?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names: Vec<(String, bool)> = names.collect::<Result<_, _>>()?;
    let known = tables();
    let mut tables = Vec::with_capacity(names.len());
    for (name, ordinary) in names {
        // Table names are case-insensitive.
        let own = known.iter().find(|table| table.name.eq_ignore_ascii_case(&name));
        let name = own.map_or(name, |table| table.name.to_string());
        let any = format!("SELECT 1 FROM {} LIMIT 1", quoted(&name));
        let rows = !ordinary || connection.query_row(&any, [], |_| Ok(())).optional()?.is_some();
        tables.push(TableState { name, rows });
    }
    Ok(tables)
}

/// The definition of a table, shortened for a message.
pub(super) fn shown(sql: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = sql.chars().take(MOST).collect();
    if shown.len() < sql.len() {
        shown.push('…');
    }
    shown
}

/// Names of triggers and additional indexes on the tables that the server creates: each would take part in writing.
pub(super) fn extras(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let find = "SELECT type, name, tbl_name FROM sqlite_master \
                WHERE type = 'trigger' OR type = 'index' AND sql IS NOT NULL ORDER BY name";
    let known = tables();
    let mut statement = connection.prepare(find)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, name, on): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if known.iter().any(|table| table.name.eq_ignore_ascii_case(&on)) {
            found.push(format!("{kind} {name} on {on}"));
        }
    }
    Ok(found)
}

/// Describes how these tables differ from those of the server and, if they are to be written, which objects would
/// take part in writing.
pub(super) fn faults(
    connection: &Connection,
    tables: &[&Table],
    written: bool,
) -> rusqlite::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let mut fault =
        |table: &str, what| faults.push(Fault { table: table.to_string(), column: None, what, remedy: None });
    for table in tables {
        if let TableForm::Other(sql) = of(connection, table)? {
            let what =
                format!("it is not as the server makes it: `{}` instead of `{}`", shown(&sql), table.create);
            fault(table.name, what);
        }
    }
    for extra in if written { extras(connection)? } else { Vec::new() } {
        let table = extra.rsplit_once(" on ").map_or("", |(_, table)| table);
        fault(table, format!("the {extra} would take part in what is written, and the server makes none"));
    }
    Ok(faults)
}

/// The tokens of a `CREATE TABLE`, without what does not change the table: blanks, the case of letters,
/// `IF NOT EXISTS`, and quotes around the names of table and columns. Quotes elsewhere change the meaning: as
/// part of a type, `"PRIMARY"` makes no key.
fn words(sql: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let close = match c {
            '"' | '`' => Some(c),
            '[' => Some(']'),
            _ => None,
        };
        let mut word = String::new();
        if let Some(close) = close {
            let name = words.len() == 2 || words.last().is_some_and(|last| last == "(" || last == ",");
            word.extend((!name).then_some('"'));
            word.extend(rest.by_ref().take_while(|c| *c != close));
        } else if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            while let Some(next) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                word.push(next);
            }
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            word.push(c);
        }
        words.push(word.to_ascii_uppercase());
        if words.get(2..5).is_some_and(|optional| optional == ["IF", "NOT", "EXISTS"]) {
            words.truncate(2);
        }
    }
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_of_the_server_is_as_created() {
        let table = *tables().iter().find(|table| table.create.contains("v BLOB")).unwrap();
        let name = table.name;
        let check = |sql: &str, expect: bool| {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch("CREATE TABLE other (x)").unwrap();
            connection.execute_batch(&sql.replace('@', name)).unwrap();
            let found = of(&connection, table).unwrap();
            assert_eq!(found == TableForm::AsCreated, expect, "{sql}: {found:?}");
            assert_ne!(found, TableForm::Absent, "{sql}");
        };
        check(table.create, true);
        check("create table \"@\" (k blob primary key,\n  v blob not null)", true);
        check("CREATE TABLE old (k BLOB PRIMARY KEY, v BLOB NOT NULL); ALTER TABLE old RENAME TO @", true);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID", false);
        check("CREATE TABLE @ (k BLOB, v BLOB NOT NULL)", false);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY COLLATE NOCASE, v BLOB NOT NULL)", false);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY, v BLOB NOT NULL CHECK (length(v) > 0))", false);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY, v BLOB NOT NULL AS (zeroblob(9)))", false);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY, v TEXT NOT NULL)", false);
        check("CREATE TABLE @ (k BLOB PRIMARY KEY, v BLOB NOT NULL, w)", false);
        check("CREATE TABLE @ (k BLOB \"PRIMARY\" \"KEY\", v BLOB NOT NULL)", false);
        check("CREATE TABLE @ (k\u{a0}BLOB PRIMARY KEY, v BLOB NOT NULL)", false);
        check("CREATE VIEW @ AS SELECT x AS k, x AS v FROM other", false);
        check("CREATE VIRTUAL TABLE @ USING fts5(k, v)", false);
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(of(&connection, table).unwrap(), TableForm::Absent);
    }

    #[test]
    fn what_takes_part_in_writing_is_found() {
        let table = *tables().first().unwrap();
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(table.create).unwrap();
        connection.execute_batch("CREATE TABLE own (x); CREATE INDEX own_x ON own (x)").unwrap();
        assert_eq!(extras(&connection).unwrap(), Vec::<String>::new());
        let name = table.name;
        let add = format!(
            "CREATE INDEX i2 ON {name} (k, k); CREATE TRIGGER t2 AFTER INSERT ON {name} BEGIN SELECT 1; END"
        );
        connection.execute_batch(&add).unwrap();
        let expect = [format!("index i2 on {name}"), format!("trigger t2 on {name}")];
        assert_eq!(extras(&connection).unwrap(), expect);
        assert_eq!(faults(&connection, &[table], false).unwrap(), []);
        let faults = faults(&connection, &[table], true).unwrap();
        assert!(faults.len() == 2 && faults.iter().all(|fault| fault.table == name), "{faults:?}");
        connection.execute_batch(&format!("DROP TABLE {name}; CREATE TABLE {name} (k TEXT)")).unwrap();
        let faults = super::faults(&connection, &[table], false).unwrap();
        let texts: Vec<String> = faults.iter().map(Fault::describe).collect();
        assert!(texts.len() == 1 && texts.iter().all(|texts| texts.contains("(k TEXT)")), "{texts:?}");
    }
}
