//! Compares a table in a store with the table that the catalog's statement creates.
//!
//! Parses that statement; queries no store. Each engine reports the columns and keys that it has, in its own names of
//! types, and provides the statement that would remove a difference. This program never runs such a statement.

use crate::catalog::Table;

/// A difference between a table and what the server creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The table.
    pub table: String,
    /// Its column, if one is affected.
    pub column: Option<String>,
    /// What the store has and what the server creates instead, as a clause.
    pub what: String,
    /// The statement that removes the difference, if a single one can without changing a value.
    pub remedy: Option<String>,
}

impl Fault {
    /// As `table n, column v: it is numeric, and the server makes it BIGINT`.
    pub fn describe(&self) -> String {
        let column = self.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        format!("table {}{column}: {}", self.table, self.what)
    }
}

/// A column in a `CREATE TABLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column<'a> {
    pub name: &'a str,
    /// Its type, as the statement names it.
    pub kind: &'a str,
    /// Type and everything after it.
    pub definition: &'a str,
    /// Whether the statement itself excludes NULL.
    pub required: bool,
}

/// A table in a `CREATE TABLE`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape<'a> {
    pub columns: Vec<Column<'a>>,
    /// Columns of the primary key, each with the length in bytes of its prefix in the key; the whole column if
    /// `None`.
    pub key: Vec<(&'a str, Option<u64>)>,
    /// The storage engine, if the statement names one.
    pub engine: Option<&'a str>,
}

impl<'a> Shape<'a> {
    /// Parses a `CREATE TABLE` of the catalog: columns, one primary key, options. `None` for anything else.
    pub fn of(create: &'a str) -> Option<Shape<'a>> {
        let (_, rest) = create.split_once('(')?;
        let (body, options) = rest.rsplit_once(')')?;
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for part in items(body) {
            if let Some(parts) = part.strip_prefix("PRIMARY KEY") {
                let parts = parts.trim().strip_prefix('(')?.strip_suffix(')')?;
                for part in items(parts) {
                    key.push(match part.split_once('(') {
                        Some((name, length)) => {
                            (name.trim(), Some(length.trim_end_matches(')').trim().parse().ok()?))
                        }
                        None => (part, None),
                    });
                }
                continue;
            }
            let (name, definition) = part.split_once(' ')?;
            let kind = definition.split(' ').next()?;
            if definition.contains("PRIMARY KEY") {
                key.push((name, None));
            }
            columns.push(Column { name, kind, definition, required: definition.contains("NOT NULL") });
        }
        let engine = options.trim().strip_prefix("ENGINE=");
        (!columns.is_empty() && !key.is_empty()).then_some(Shape { columns, key, engine })
    }
}

/// The parts between commas outside of parentheses.
fn items(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let outside = move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(outside).map(str::trim).collect()
}

/// A column in a store.
#[derive(Debug, Default)]
pub(super) struct FoundColumn {
    pub name: String,
    /// Its type as the engine names it, for messages.
    pub kind: String,
    /// Whether NULL is excluded.
    pub required: bool,
    /// Whether the engine computes it from other columns.
    pub generated: bool,
}

/// A table in a store.
#[derive(Debug, Default)]
pub(super) struct FoundTable {
    /// In the order of the table.
    pub columns: Vec<FoundColumn>,
    /// Columns of the primary key, as in [`Shape`].
    pub key: Vec<(String, Option<u64>)>,
    /// Whether the key serves its purpose: not deferred, not partial, ascending, valid.
    pub key_usable: bool,
}

/// Differences that a statement can remove.
pub(super) enum Mend<'a> {
    /// A column has another type.
    Type(&'a Column<'a>),
    /// A column may be NULL.
    Null(&'a Column<'a>),
    /// There is no primary key.
    NoKey,
}

/// The engine's rules for its own types and statements.
pub(super) trait Dialect {
    /// Whether the server can work with a column where its statement creates `made`; with `written`, whether the
    /// column also takes every value that fits `made`.
    fn suits(&self, made: &Column, found: &FoundColumn, written: bool) -> bool;

    /// Whether a key on the first `found` bytes of a column can replace one on the first `made` bytes.
    fn key_suits(&self, made: Option<u64>, found: Option<u64>, written: bool) -> bool {
        let _ = written;
        made == found
    }

    /// The statement that removes the difference `what`, if there is one that changes no value.
    fn mend(&self, table: &Table, shape: &Shape, what: Mend) -> Option<String>;
}

/// Compares columns and primary key of a table with `shape`.
pub(super) fn compare(
    table: &Table,
    shape: &Shape,
    found: &FoundTable,
    dialect: &dyn Dialect,
    written: bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |column: Option<&str>, what: String, remedy: Option<String>| {
        faults.push(Fault {
            table: table.name.to_string(),
            column: column.map(str::to_string),
            what,
            remedy,
        });
    };
    for made in &shape.columns {
        let Some(column) = found.columns.iter().find(|column| column.name == made.name) else {
            fault(Some(made.name), format!("it is not there, and the server makes it {}", made.kind), None);
            continue;
        };
        if column.generated {
            fault(
                Some(made.name),
                "it is computed by an expression, and the server makes it a plain one".into(),
                None,
            );
            continue;
        }
        if !dialect.suits(made, column, written) {
            let what = format!("it is {}, and the server makes it {}", column.kind, made.kind);
            fault(Some(made.name), what, dialect.mend(table, shape, Mend::Type(made)));
        }
        let key = shape.key.iter().any(|(name, _)| *name == made.name);
        if (made.required || key && !found.key.is_empty()) && !column.required {
            let what = "it may be NULL, and the server makes it NOT NULL".to_string();
            fault(Some(made.name), what, dialect.mend(table, shape, Mend::Null(made)));
        }
    }
    for column in &found.columns {
        if !shape.columns.iter().any(|made| made.name == column.name) {
            let what = format!("it is {}, and the server makes no such column", column.kind);
            fault(Some(&column.name), what, None);
        }
    }
    let order = |names: &[&str]| -> Vec<String> {
        let kept = names.iter().filter(|name| {
            shape.columns.iter().any(|made| made.name == **name)
                && found.columns.iter().any(|column| column.name == **name)
        });
        kept.map(|name| name.to_string()).collect()
    };
    let (made, is): (Vec<&str>, Vec<&str>) = (
        shape.columns.iter().map(|column| column.name).collect(),
        found.columns.iter().map(|column| column.name.as_str()).collect(),
    );
    if order(&made) != order(&is) {
        fault(
            None,
            format!(
                "its columns stand in the order {}, and the server makes them {}",
                is.join(", "),
                made.join(", ")
            ),
            None,
        );
    }
    let key = |parts: Vec<(String, Option<u64>)>| {
        let part = |(name, length): &(String, Option<u64>)| match length {
            Some(length) => format!("{name}({length})"),
            None => name.clone(),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(", ")
    };
    let wanted = key(shape.key.iter().map(|(name, length)| (name.to_string(), *length)).collect());
    let same = shape.key.len() == found.key.len()
        && shape.key.iter().zip(&found.key).all(|((made, length), (name, found))| {
            made == name && dialect.key_suits(*length, *found, written)
        });
    match (found.key.is_empty(), same && found.key_usable) {
        (_, true) => {}
        (true, _) => {
            let what = format!("it has no primary key, and the server makes one on {wanted}");
            fault(None, what, dialect.mend(table, shape, Mend::NoKey));
        }
        (false, false) => {
            let odd = if same { ", deferred, partial, descending or invalid" } else { "" };
            let is = key(found.key.clone());
            fault(
                None,
                format!("its primary key is on {is}{odd}, and the server makes it on {wanted}"),
                None,
            );
        }
    }
    faults
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::{self, BackendKind, ValueKind};

    #[test]
    fn every_statement_of_the_catalog_is_read() {
        let mut seen = 0;
        for version in catalog::versions() {
            for backend in [BackendKind::Sqlite, BackendKind::Postgres, BackendKind::Mysql] {
                for subspace in version.subspaces {
                    let Ok(table) = subspace.table(backend) else { continue };
                    let shape = Shape::of(table.create).unwrap();
                    let names: Vec<&str> = shape.columns.iter().map(|column| column.name).collect();
                    assert_eq!(names, if table.value == ValueKind::None { &["k"][..] } else { &["k", "v"] });
                    assert_eq!(shape.key.len(), 1);
                    assert_eq!(shape.engine, (backend == BackendKind::Mysql).then_some("InnoDB"));
                    seen += 1;
                }
            }
        }
        assert!(seen > 300, "{seen}");
    }

    #[test]
    fn a_statement_is_taken_apart() {
        let create = "CREATE TABLE IF NOT EXISTS n (k TINYBLOB, v BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (k(255))) ENGINE=InnoDB";
        let shape = Shape::of(create).unwrap();
        let column = |name, kind, definition, required| Column { name, kind, definition, required };
        let v = column("v", "BIGINT", "BIGINT NOT NULL DEFAULT 0", true);
        assert_eq!(shape.columns, [column("k", "TINYBLOB", "TINYBLOB", false), v]);
        assert_eq!((shape.key, shape.engine), (vec![("k", Some(255))], Some("InnoDB")));
        assert_eq!(Shape::of("CREATE TABLE x AS SELECT 1"), None);
    }

    struct Exact;

    impl Dialect for Exact {
        fn suits(&self, made: &Column, found: &FoundColumn, _written: bool) -> bool {
            made.kind.eq_ignore_ascii_case(&found.kind)
        }

        fn mend(&self, _: &Table, _: &Shape, _: Mend) -> Option<String> {
            None
        }
    }

    #[test]
    fn every_difference_is_named() {
        let table = catalog::version(5).unwrap().subspace('n').unwrap();
        let table = table.table(BackendKind::Postgres).unwrap();
        let shape = Shape::of(table.create).unwrap();
        let column = |name: &str, kind: &str, required| FoundColumn {
            name: name.into(),
            kind: kind.into(),
            required,
            generated: false,
        };
        let right = || vec![column("k", "bytea", true), column("v", "bigint", true)];
        let k = || vec![("k".to_string(), None)];
        for (columns, key, usable, expect) in [
            (right(), k(), true, &[][..]),
            (
                vec![column("k", "text", true), column("v", "numeric", false)],
                k(),
                true,
                &["k: it is text", "v: it is numeric", "v: it may be NULL"],
            ),
            (right(), vec![], false, &["it has no primary key"]),
            (right(), k(), false, &["deferred"]),
            (right(), vec![("v".into(), None)], true, &["its primary key is on v,"]),
            (vec![column("k", "bytea", true)], k(), true, &["v: it is not there"]),
            (vec![column("v", "bigint", true), column("k", "bytea", true)], k(), true, &["order v, k"]),
            (
                right().into_iter().chain([column("x", "int4", false)]).collect(),
                k(),
                true,
                &["x: it is int4"],
            ),
        ] {
            let found = FoundTable { columns, key, key_usable: usable };
            let faults = compare(table, &shape, &found, &Exact, true);
            let texts: Vec<String> = faults.iter().map(Fault::describe).collect();
            assert_eq!(texts.len(), expect.len(), "{texts:?}");
            texts
                .iter()
                .zip(expect)
                .for_each(|(texts, words)| assert!(texts.contains(words), "{texts} {words}"));
        }
    }
}
