//! The same jobs with the engines' own means, which are the reference of the ratios.

use std::path::Path;

use rocksdb::{DB, IngestExternalFileOptions, Options, SstFileWriter};
use rusqlite::Connection;
use stalwart_migrate::base::page::Page;
use stalwart_migrate::dump::reader::{Dump, Verify};

use super::AnyError;

/// Records of one subspace: table name and pages in key order.
pub type Records = Vec<(char, Vec<Page>)>;

/// Removes a store, file or directory.
pub fn remove(path: &Path) -> Result<(), AnyError> {
    if path.is_dir() {
        std::fs::remove_dir_all(path)?
    } else {
        std::fs::remove_file(path)?
    }
    Ok(())
}

/// The schema version of a dump.
pub fn schema_version(dump: &Path) -> Result<u32, AnyError> {
    Ok(Dump::open(dump)?.schema_version())
}

/// Every record of a dump, with blobs in the stored form.
pub fn collect(dump: &Path) -> Result<Records, AnyError> {
    use stalwart_migrate::records::blob::{BlobRule, encode};
    let dump = Dump::open(dump)?;
    let version = stalwart_migrate::catalog::version(dump.schema_version()).ok_or("unknown version")?;
    let mut all = Vec::new();
    for file in dump.subspaces() {
        let subspace = version.subspace(file.letter).ok_or("unknown subspace")?;
        let is_blob = subspace.value == stalwart_migrate::catalog::ValueKind::Blob;
        let (mut reader, mut pages) = (dump.open_subspace(file.letter, Verify::Counts)?, Vec::new());
        let mut raw = Page::new();
        while reader.read_page(&mut raw, 1 << 20)? {
            let mut page = Page::new();
            for (key, value) in raw.iter() {
                if is_blob { page.push(key, &encode(BlobRule::Lz4, value)) } else { page.push(key, value) }
            }
            pages.push(page);
        }
        all.push((file.letter, pages));
    }
    Ok(all)
}

/// Reads a whole store with bare iterators.
pub fn read_rocksdb(path: &Path) -> Result<(), AnyError> {
    let mut options = Options::default();
    let sum = |_: &[u8], existing: Option<&[u8]>, operands: &rocksdb::MergeOperands| {
        operands.iter().last().or(existing).map(<[u8]>::to_vec)
    };
    options.set_merge_operator_associative("merge", sum);
    let families = DB::list_cf(&options, path)?;
    let db = DB::open_cf_for_read_only(&options, path, &families, false)?;
    let mut bytes = 0;
    for name in &families {
        let family = db.cf_handle(name).ok_or("no family")?;
        let mut iterator = db.raw_iterator_cf(&family);
        iterator.seek_to_first();
        while let Some((key, value)) = iterator.item() {
            bytes += key.len() + value.len();
            iterator.next();
        }
        iterator.status()?;
    }
    match bytes {
        0 => Err("nothing read".into()),
        _ => Ok(()),
    }
}

/// Writes a whole store of records in memory: one sorted file for each family, ingested.
pub fn write_rocksdb(path: &Path, records: &Records) -> Result<(), AnyError> {
    let mut options = Options::default();
    options.create_if_missing(true);
    let mut db = DB::open(&options, path)?;
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    for (letter, pages) in records {
        db.create_cf(letter.to_string(), &options)?;
        let family = db.cf_handle(&letter.to_string()).ok_or("no family")?;
        if pages.is_empty() {
            continue;
        }
        let file = path.join(format!("own-{letter}.sst"));
        let mut writer = SstFileWriter::create(&options);
        writer.open(&file)?;
        for (key, value) in pages.iter().flat_map(Page::iter) {
            writer.put(key, value)?;
        }
        writer.finish()?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        db.ingest_external_file_cf_opts(&family, &ingest, vec![file])?;
    }
    Ok(())
}

/// Copies a whole database with SQLite's backup API.
pub fn backup_sqlite(path: &Path, target: &Path) -> Result<(), AnyError> {
    let source = Connection::open(path)?;
    let mut copy = Connection::open(target)?;
    rusqlite::backup::Backup::new(&source, &mut copy)?.run_to_completion(
        4096,
        std::time::Duration::ZERO,
        None,
    )?;
    drop(copy);
    remove(target)
}

/// Writes a whole store of records in memory: sorted inserts with the program's settings.
pub fn write_sqlite(path: &Path, records: &Records) -> Result<(), AnyError> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=NORMAL; PRAGMA \
         cache_size=-16384;",
    )?;
    for (letter, pages) in records {
        let (columns, values) = match letter {
            'i' => ("k BLOB PRIMARY KEY", "?1"),
            'n' | 'u' | 'y' => ("k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0", "?1, ?2"),
            _ => ("k BLOB PRIMARY KEY, v BLOB NOT NULL", "?1, ?2"),
        };
        db.execute_batch(&format!("CREATE TABLE {letter} ({columns}); BEGIN"))?;
        let mut insert = db.prepare(&format!("INSERT INTO {letter} VALUES ({values})"))?;
        for (key, value) in pages.iter().flat_map(Page::iter) {
            match (letter, <[u8; 8]>::try_from(value)) {
                ('i', _) => insert.execute([key])?,
                ('n' | 'u' | 'y', Ok(number)) => insert.execute((key, i64::from_le_bytes(number)))?,
                _ => insert.execute([key, value])?,
            };
        }
        db.execute_batch("COMMIT")?;
    }
    db.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
    Ok(())
}
