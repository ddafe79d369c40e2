//! The same jobs with the clients of the database servers, on files in the format that they read fastest.
//!
//! Files contain the records of a dump in key order, so nothing is sorted during a measurement.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stalwart_migrate::catalog::{self, BackendKind, Table, ValueKind};

use super::AnyError;
use super::own::Records;
use super::servers::{Kind, Server};

/// Tables of the shape's schema version, with a file of rows for each.
pub struct Rows {
    tables: Vec<(&'static Table, PathBuf)>,
}

impl Rows {
    /// Writes `records` into files below `dir`, in the format that the server's client loads.
    pub fn write(kind: Kind, schema_version: u32, records: &Records, dir: &Path) -> Result<Rows, AnyError> {
        std::fs::create_dir_all(dir)?;
        let version = catalog::version(schema_version).ok_or("unknown version")?;
        let mut tables = Vec::new();
        for subspace in version.subspaces {
            let Ok(table) = subspace.table(backend(kind)) else { continue };
            let path = dir.join(table.name);
            let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
            if kind == Kind::Postgres {
                file.write_all(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0")?;
            }
            let pages = records.iter().filter(|(letter, _)| *letter == subspace.letter);
            for (key, value) in pages.flat_map(|(_, pages)| pages.iter().flat_map(|page| page.iter())) {
                match kind {
                    Kind::Postgres => copy_row(&mut file, table.value, key, value)?,
                    Kind::Mysql => text_row(&mut file, table.value, key, value)?,
                }
            }
            if kind == Kind::Postgres {
                file.write_all(&[0xff, 0xff])?;
            }
            file.flush()?;
            tables.push((table, path));
        }
        Ok(Rows { tables })
    }

    /// Creates the tables in an empty database and loads every file.
    pub fn load(&self, server: &Server, database: &str) -> Result<(), AnyError> {
        let mut script = String::new();
        for (table, path) in &self.tables {
            let (name, path) = (table.name, path.display());
            match server.kind {
                Kind::Postgres => {
                    script += &format!("{};\n\\copy {name} FROM '{path}' (FORMAT binary)\n", table.create);
                }
                Kind::Mysql => {
                    script += &format!(
                        "{};\nLOAD DATA LOCAL INFILE '{path}' INTO TABLE {name} CHARACTER SET binary;\n",
                        table.create
                    );
                }
            }
        }
        let mut client = server.client(database);
        if server.kind == Kind::Mysql {
            client.args(["--local-infile=1"]);
        }
        run(client.stdin(Stdio::piped()), Some(&script))
    }
}

/// Reads every table of a database into files below `dir`, and removes them.
pub fn read(server: &Server, database: &str, dir: &Path) -> Result<(), AnyError> {
    std::fs::create_dir_all(dir)?;
    match server.kind {
        Kind::Postgres => {
            let names = server.sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
            let copy = |name: &str| format!("\\copy {name} TO '{}/{name}' (FORMAT binary)\n", dir.display());
            let script: String = names.lines().map(copy).collect();
            run(server.client(database).stdin(Stdio::piped()), Some(&script))?;
        }
        Kind::Mysql => {
            let port = server.port.to_string();
            let mut dump = Command::new("mariadb-dump");
            dump.args(["--single-transaction", "--skip-lock-tables", "-h", "127.0.0.1", "-u", "root"]);
            dump.args(["--skip-password", "-P", &port, database]);
            run(dump.stdout(File::create(dir.join("dump.sql"))?), None)?;
        }
    }
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Flushes what earlier runs have left in the server's memory to disk, so that it does not slow down the next run.
pub fn checkpoint(server: &Server) {
    if server.kind == Kind::Postgres {
        server.sql("", "CHECKPOINT");
    }
}

fn backend(kind: Kind) -> BackendKind {
    match kind {
        Kind::Postgres => BackendKind::Postgres,
        Kind::Mysql => BackendKind::Mysql,
    }
}

fn copy_row(file: &mut impl Write, kind: ValueKind, key: &[u8], value: &[u8]) -> Result<(), AnyError> {
    match (kind, <[u8; 8]>::try_from(value)) {
        (ValueKind::None, _) => {
            file.write_all(&[0, 1])?;
            write_field(file, key)
        }
        (ValueKind::Counter, Ok(number)) => {
            file.write_all(&[0, 2])?;
            write_field(file, key)?;
            write_field(file, &i64::from_le_bytes(number).to_be_bytes())
        }
        _ => {
            file.write_all(&[0, 2])?;
            write_field(file, key)?;
            write_field(file, value)
        }
    }
}

fn write_field(file: &mut impl Write, bytes: &[u8]) -> Result<(), AnyError> {
    file.write_all(&u32::try_from(bytes.len())?.to_be_bytes())?;
    Ok(file.write_all(bytes)?)
}

fn text_row(file: &mut impl Write, kind: ValueKind, key: &[u8], value: &[u8]) -> Result<(), AnyError> {
    write_escaped(file, key)?;
    match (kind, <[u8; 8]>::try_from(value)) {
        (ValueKind::None, _) => {}
        (ValueKind::Counter, Ok(number)) => write!(file, "\t{}", i64::from_le_bytes(number))?,
        _ => {
            file.write_all(b"\t")?;
            write_escaped(file, value)?;
        }
    }
    Ok(file.write_all(b"\n")?)
}

/// The client's default escapes: backslash before tab, newline and backslash, `\0` for a zero byte.
fn write_escaped(file: &mut impl Write, bytes: &[u8]) -> Result<(), AnyError> {
    for byte in bytes {
        match byte {
            b'\t' | b'\n' | b'\\' => file.write_all(&[b'\\', *byte])?,
            0 => file.write_all(b"\\0")?,
            byte => file.write_all(&[*byte])?,
        }
    }
    Ok(())
}

fn run(command: &mut Command, script: Option<&str>) -> Result<(), AnyError> {
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    if let (Some(mut input), Some(script)) = (child.stdin.take(), script) {
        input.write_all(script.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
