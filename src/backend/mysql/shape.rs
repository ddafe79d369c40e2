//! Reads the definition of a table from MySQL: kind, storage engine, columns, keys, constraints and triggers.
//!
//! Queries `information_schema` only: reads no view, and executes no trigger or expression of the database.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row};

use super::text;
use crate::backend::shape::{Column, Dialect, Fault, FoundColumn, FoundTable, Mend, Shape, compare};
use crate::catalog::Table;

/// How existing tables differ from those that the server creates.
pub(super) async fn faults(
    connection: &mut MySqlConnection,
    tables: &[&Table],
    written: bool,
) -> sqlx::Result<Vec<Fault>> {
    let kinds = rows(
        connection,
        "SELECT table_name, table_type, COALESCE(engine, ''), COALESCE(create_options, '') \
         FROM information_schema.tables WHERE table_schema = DATABASE()",
        4,
    )
    .await?;
    let columns = rows(
        connection,
        "SELECT table_name, column_name, column_type, is_nullable, extra FROM information_schema.columns \
         WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position",
        5,
    )
    .await?;
    // A key part that is an expression has no column; a descending one has another collation.
    let keys = rows(
        connection,
        "SELECT table_name, index_name, COALESCE(column_name, ''), COALESCE(sub_part, ''), non_unique, \
         COALESCE(collation, '') FROM information_schema.statistics WHERE table_schema = DATABASE() \
         ORDER BY table_name, index_name, seq_in_index",
        6,
    )
    .await?;
    let (mut constraints, mut triggers) = (Vec::new(), Vec::new());
    if written {
        constraints = rows(
            connection,
            "SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints \
             WHERE table_schema = DATABASE() AND constraint_type NOT IN ('PRIMARY KEY', 'UNIQUE')",
            3,
        )
        .await?;
        triggers = rows(
            connection,
            "SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers \
             WHERE event_object_schema = DATABASE()",
            3,
        )
        .await?;
    }
    let mut faults = Vec::new();
    for table in tables {
        let Some(shape) = Shape::of(table.create) else { continue };
        let Some(kind) = of(&kinds, table).next() else { continue };
        let (kind, engine, options) = (cell(kind, 1), cell(kind, 2), cell(kind, 3));
        let mut fault = |what: String, remedy: Option<String>| {
            faults.push(Fault { table: table.name.to_string(), column: None, what, remedy });
        };
        if kind != "BASE TABLE" {
            let remedy = (kind == "SYSTEM VERSIONED")
                .then(|| format!("ALTER TABLE {} DROP SYSTEM VERSIONING", table.name));
            fault(format!("it is a {}, and the server makes a plain table", kind.to_lowercase()), remedy);
            continue;
        }
        if let Some(made) = shape.engine.filter(|made| !made.eq_ignore_ascii_case(engine)) {
            let is = if engine.is_empty() { "an engine that cannot open it" } else { engine };
            let remedy = (!engine.is_empty()).then(|| format!("ALTER TABLE {} ENGINE={made}", table.name));
            fault(format!("it is kept by {is}, and the server makes it {made}"), remedy);
        }
        if options.contains("partitioned") {
            let remedy = Some(format!("ALTER TABLE {} REMOVE PARTITIONING", table.name));
            fault("it is partitioned, and the server makes it whole".to_string(), remedy);
        }
        for constraint in of(&constraints, table) {
            let (name, what) = (cell(constraint, 1), cell(constraint, 2).to_lowercase());
            fault(format!("it has the {what} constraint {name}, and the server makes none"), None);
        }
        for trigger in of(&triggers, table) {
            let (name, event) = (cell(trigger, 1), cell(trigger, 2));
            fault(
                format!("the trigger {name} would run on each {event}, and the server makes none"),
                Some(format!("DROP TRIGGER {name}")),
            );
        }
        let mut others: Vec<&str> = of(&keys, table)
            .filter(|key| {
                written && cell(key, 1) != "PRIMARY" && (cell(key, 4) == "0" || cell(key, 2).is_empty())
            })
            .map(|key| cell(key, 1))
            .collect();
        others.dedup();
        for name in others {
            let remedy = Some(format!("ALTER TABLE {} DROP INDEX {name}", table.name));
            fault(format!("it has the unique or computed index {name}, and the server makes none"), remedy);
        }
        let key: Vec<&Vec<String>> = of(&keys, table).filter(|key| cell(key, 1) == "PRIMARY").collect();
        let found = FoundTable {
            columns: of(&columns, table).map(|row| column(row)).collect(),
            key: key.iter().map(|row| (cell(row, 2).to_string(), cell(row, 3).parse().ok())).collect(),
            key_usable: key.iter().all(|row| cell(row, 5) != "D"),
        };
        faults.extend(compare(table, &shape, &found, &Mysql, written));
    }
    Ok(faults)
}

fn column(row: &[String]) -> FoundColumn {
    FoundColumn {
        name: cell(row, 1).to_string(),
        kind: cell(row, 2).to_string(),
        required: cell(row, 3) == "NO",
        generated: cell(row, 4).contains("GENERATED") && !cell(row, 4).contains("DEFAULT_GENERATED"),
    }
}

/// The rows of a result that are about a table.
fn of<'r>(rows: &'r [Vec<String>], table: &Table) -> impl Iterator<Item = &'r Vec<String>> {
    let name = table.name;
    rows.iter().filter(move |row| cell(row, 0) == name)
}

fn cell(row: &[String], index: usize) -> &str {
    row.get(index).map_or("", String::as_str)
}

async fn rows(
    connection: &mut MySqlConnection,
    select: &'static str,
    columns: usize,
) -> sqlx::Result<Vec<Vec<String>>> {
    let rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch_all(connection).await?;
    rows.iter()
        .map(|row| (0..columns.min(row.len())).map(|index| text(row, index)).collect())
        .collect::<sqlx::Result<_>>()
}

/// MySQL's types and statements.
struct Mysql;

impl Dialect for Mysql {
    fn suits(&self, made: &Column, found: &FoundColumn, written: bool) -> bool {
        match (bytes(made.kind), bytes(&found.kind)) {
            // Byte strings of all types compare alike; the type must only be long enough for what is written.
            (Some(made), Some(found)) => !written || found >= made,
            (None, None) => number(made.kind) == number(&found.kind),
            _ => false,
        }
    }

    fn key_suits(&self, made: Option<u64>, found: Option<u64>, written: bool) -> bool {
        match (made, found) {
            // A key on fewer bytes is still a key: no two rows are equal in them.
            (_, None) => true,
            (Some(made), Some(found)) => !written || found >= made,
            (None, Some(_)) => !written,
        }
    }

    fn mend(&self, table: &Table, shape: &Shape, what: Mend) -> Option<String> {
        let table = table.name;
        match what {
            Mend::Type(made) if bytes(made.kind).is_none() => {
                Some(format!("ALTER TABLE {table} MODIFY {} {}", made.name, made.definition))
            }
            // Whether a conversion keeps the bytes depends on their current type.
            Mend::Type(_) => None,
            Mend::Null(made) => Some(format!("ALTER TABLE {table} MODIFY {} {}", made.name, made.definition)),
            Mend::NoKey => {
                let part = |(name, length): &(&str, Option<u64>)| {
                    length.map_or(name.to_string(), |length| format!("{name}({length})"))
                };
                let parts: Vec<String> = shape.key.iter().map(part).collect();
                Some(format!("ALTER TABLE {table} ADD PRIMARY KEY ({})", parts.join(", ")))
            }
        }
    }
}

/// Maximum length in bytes of a type of byte strings; `None` for other types, and for `BINARY`, which pads with
/// zeros.
fn bytes(kind: &str) -> Option<u64> {
    let kind = kind.to_ascii_lowercase();
    let (base, length) = kind.split_once('(').unwrap_or((&kind, ""));
    match base.split(' ').next().unwrap_or_default() {
        "tinyblob" => Some(255),
        "blob" => Some(65_535),
        "mediumblob" => Some(16_777_215),
        "longblob" => Some(u64::from(u32::MAX)),
        "varbinary" => length.split(')').next().and_then(|length| length.parse().ok()),
        _ => None,
    }
}

/// A type without the display width that some releases add, so that equal types are equal texts.
fn number(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.split_once('(') {
        Some((base, rest)) => format!("{base}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_hold_the_same_bytes_will_do() {
        let made = |kind| Column { name: "v", kind, definition: kind, required: true };
        for (kind, is, read, written) in [
            ("TINYBLOB", "tinyblob", true, true),
            ("TINYBLOB", "varbinary(255)", true, true),
            ("TINYBLOB", "varbinary(100)", true, false),
            ("TINYBLOB", "blob", true, true),
            ("MEDIUMBLOB", "longblob", true, true),
            ("MEDIUMBLOB", "blob", true, false),
            ("MEDIUMBLOB", "mediumblob /*M!100301 COMPRESSED*/", true, true),
            ("MEDIUMBLOB", "mediumtext", false, false),
            ("TINYBLOB", "binary(255)", false, false),
            ("TINYBLOB", "varchar(255)", false, false),
            ("BIGINT", "bigint(20)", true, true),
            ("BIGINT", "bigint", true, true),
            ("BIGINT", "bigint(20) unsigned", false, false),
            ("BIGINT", "int(11)", false, false),
            ("BIGINT", "decimal(20,0)", false, false),
            ("BIGINT", "blob", false, false),
        ] {
            let found = FoundColumn { kind: is.to_string(), ..FoundColumn::default() };
            assert_eq!(Mysql.suits(&made(kind), &found, false), read, "{kind} {is}");
            assert_eq!(Mysql.suits(&made(kind), &found, true), written, "{kind} {is}");
        }
    }
}
