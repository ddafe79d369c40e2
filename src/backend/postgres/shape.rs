//! Reads the definition of a table from PostgreSQL: columns, primary key, other indexes. `relations` has checked that
//! it is a plain table without rules, triggers and constraints.
//!
//! Queries the system catalogs only, and executes no expression of the database. Types are compared by name and
//! schema, so that a type of another schema with a familiar name is not mistaken for PostgreSQL's own.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use crate::backend::shape::{Column, Dialect, Fault, FoundColumn, FoundTable, Mend, Shape, compare};
use crate::catalog::Table;

/// How tables differ from those that the server creates. `places` are the positions of the tables that exist.
pub(super) async fn faults(
    connection: &mut PgConnection,
    tables: &[&Table],
    places: &[(&str, i64)],
    written: bool,
) -> sqlx::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for table in tables {
        let Some(shape) = Shape::of(table.create) else { continue };
        let Some((_, oid)) = places.iter().find(|(name, _)| *name == table.name) else { continue };
        let mut fault = |what: String, remedy: Option<String>| {
            faults.push(Fault { table: table.name.to_string(), column: None, what, remedy });
        };
        let columns = format!(
            "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)::text, CASE WHEN n.nspname = \
             'pg_catalog' THEN t.typname::text ELSE '' END, a.attnotnull::text, coalesce(pg_catalog.to_jsonb(a) ->> \
             'attgenerated', '') FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN \
             pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT \
             a.attisdropped ORDER BY a.attnum"
        );
        let columns = rows(connection, columns, 5).await?;
        let indexes = format!(
            "SELECT i.indexrelid::regclass::text, i.indisprimary::text, i.indisunique::text, (i.indisvalid AND \
             i.indisready AND i.indimmediate)::text, coalesce((SELECT pg_catalog.string_agg(coalesce(a.attname::text, '?'), pg_catalog.chr(1) ORDER BY x.n) FROM \
             pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY x(attnum, n) LEFT JOIN pg_catalog.pg_attribute a ON \
             a.attrelid = i.indrelid AND a.attnum = x.attnum), '') FROM pg_catalog.pg_index i WHERE i.indrelid = {oid} \
             ORDER BY 1"
        );
        let indexes = rows(connection, indexes, 5).await?;
        let mut key = (Vec::new(), false);
        for index in &indexes {
            let [name, primary, unique, usable, columns] = index.as_slice() else { continue };
            if primary == "true" {
                let columns = columns.split('\u{1}').map(|column| (column.to_string(), None));
                key = (columns.collect(), usable == "true");
            } else if written && unique == "true" {
                fault(
                    format!("it has the unique index {name}, and the server makes none"),
                    Some(format!("DROP INDEX {name}")),
                );
            }
        }
        // PostgreSQL's internal name of the type comes before its display name.
        let column = |row: &Vec<String>| match row.as_slice() {
            [name, kind, own, required, generated] => Some((
                own.clone(),
                FoundColumn {
                    name: name.clone(),
                    kind: kind.clone(),
                    required: required == "true",
                    generated: !generated.is_empty(),
                },
            )),
            _ => None,
        };
        let (types, columns): (Vec<String>, Vec<FoundColumn>) = columns.iter().filter_map(column).unzip();
        let types = columns.iter().map(|column| column.name.clone()).zip(types).collect();
        let found = FoundTable { columns, key: key.0, key_usable: key.1 };
        faults.extend(compare(table, &shape, &found, &Postgres(types), written));
    }
    Ok(faults)
}

async fn rows(
    connection: &mut PgConnection,
    select: String,
    columns: usize,
) -> sqlx::Result<Vec<Vec<String>>> {
    let rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch_all(connection).await?;
    let cells = |row: &PgRow| (0..columns).map(|index| row.try_get(index)).collect();
    rows.iter().map(cells).collect()
}

/// PostgreSQL's types, by column, and statements.
struct Postgres(Vec<(String, String)>);

impl Dialect for Postgres {
    fn suits(&self, made: &Column, _found: &FoundColumn, _written: bool) -> bool {
        // The internal names of types in the system catalogs.
        let own = match made.kind {
            "BIGINT" => "int8",
            "BYTEA" => "bytea",
            other => other,
        };
        self.0.iter().any(|(name, kind)| name == made.name && kind == own)
    }

    fn mend(&self, table: &Table, shape: &Shape, what: Mend) -> Option<String> {
        let table = table.name;
        match what {
            Mend::Type(made) if made.kind == "BIGINT" => {
                Some(format!("ALTER TABLE {table} ALTER COLUMN {} TYPE BIGINT", made.name))
            }
            // Whether a conversion keeps the bytes depends on their current type.
            Mend::Type(_) => None,
            Mend::Null(made) => Some(format!("ALTER TABLE {table} ALTER COLUMN {} SET NOT NULL", made.name)),
            Mend::NoKey => {
                let names: Vec<&str> = shape.key.iter().map(|(name, _)| *name).collect();
                Some(format!("ALTER TABLE {table} ADD PRIMARY KEY ({})", names.join(", ")))
            }
        }
    }
}
