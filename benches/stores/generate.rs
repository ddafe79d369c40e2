//! A large schema-5 SQLite store shaped like a real one: about 9 records per message.
//!
//! Values are pseudo-random words that compress about 2:1, so that codecs do real work. The same shape gives
//! the same bytes.

use std::path::Path;

use rusqlite::Connection;

use super::AnyError;

/// How large and of what.
pub struct Shape {
    /// Messages.
    pub messages: u32,
    /// Average length of a blob, in bytes.
    pub blob_bytes: u32,
}

/// Writes the store.
pub fn sqlite(path: &Path, shape: &Shape) -> Result<(), AnyError> {
    let db = Connection::open(path)?;
    db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;")?;
    for letter in "adefhjkmopqrstlxz".chars() {
        db.execute_batch(&format!("CREATE TABLE {letter} (k BLOB PRIMARY KEY, v BLOB NOT NULL)"))?;
    }
    db.execute_batch("CREATE TABLE i (k BLOB PRIMARY KEY)")?;
    for letter in "nuy".chars() {
        db.execute_batch(&format!(
            "CREATE TABLE {letter} (k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0)"
        ))?;
    }
    db.execute_batch("BEGIN")?;
    let mut words = Words::new();
    put(&db, 'p', &[0], &5u32.to_be_bytes())?;
    let users = (shape.messages / 2000).max(1);
    for user in 0..users {
        account(&db, &mut words, user, users, shape.messages)?;
    }
    for number in 0..shape.messages {
        message(&db, &mut words, number, users, shape.blob_bytes)?;
    }
    db.execute_batch("COMMIT")?;
    Ok(())
}

fn account(db: &Connection, words: &mut Words, user: u32, users: u32, messages: u32) -> Result<(), AnyError> {
    let id = user.to_be_bytes();
    let per_user = i64::from(messages / users);
    count(db, 'n', &id, per_user * 4)?;
    for (collection, last) in [(0, per_user + 1), (1, 5), (11, 60)] {
        count(db, 'n', &[&id[..], &[collection]].concat(), last)?;
    }
    for mailbox in 0..5u32 {
        let mailbox = mailbox.to_be_bytes();
        count(db, 'n', &[&id[..], &[1, 0x54], &mailbox].concat(), 400)?;
        put(db, 'p', &[&id[..], &[1, 0x32], &mailbox].concat(), &archive(words.text(120)))?;
    }
    put(db, 'd', format!("\0user{user:05}").as_bytes(), &[0xac, 2, 0])?;
    put(
        db,
        'a',
        &[&id[..], &((user + 1) % users).to_be_bytes(), &[1, 0, 0, 0, 1]].concat(),
        &9u64.to_be_bytes(),
    )?;
    for card in 0..60u32 {
        let key = [&id[..], &[11, 0], words.text(20), &card.to_be_bytes()].concat();
        db.prepare_cached("INSERT OR IGNORE INTO i VALUES (?1)")?.execute([key])?;
    }
    Ok(())
}

fn message(
    db: &Connection,
    words: &mut Words,
    number: u32,
    users: u32,
    average: u32,
) -> Result<(), AnyError> {
    let (user, document) = ((number % users).to_be_bytes(), (number / users).to_be_bytes());
    // Most messages are short and a few are long.
    let size =
        200 + (average / 4) + words.below(average / 2) + if words.below(10) == 0 { average * 5 } else { 0 };
    let mut body = format!("{number:016}").into_bytes();
    match words.below(10) {
        // Attachments do not compress.
        0..3 => (0..size).for_each(|_| body.push(words.below(256) as u8)),
        _ => body.extend_from_slice(words.text(size as usize)),
    }
    let hash = *blake3::hash(&body).as_bytes();
    let mut stored = (body.len() as u32).to_le_bytes().to_vec();
    stored.extend(lz4_flex::block::compress(&body));
    stored.push(0xa1);
    put(db, 't', &hash, &stored)?;
    put(db, 'k', &hash, b"")?;
    put(db, 'k', &[&hash[..], &user, &[0], &document].concat(), b"")?;
    if number.is_multiple_of(3) {
        put(db, 'k', &[&hash[..], &user, &(1_900_000_000 + u64::from(number)).to_be_bytes()].concat(), b"")?;
    }
    let base = [&user[..], &[0]].concat();
    let (short, long) = (60 + words.below(100) as usize, 700 + words.below(1900) as usize);
    put(db, 'p', &[&base[..], &[0x32], &document].concat(), &archive(words.text(short)))?;
    put(db, 'p', &[&base[..], &[0x47], &document].concat(), &archive(words.text(long)))?;
    let thread = [&document[..], words.text(32)].concat();
    put(db, 'p', &[&base[..], &[0x5a, 10], words.text(10), &document].concat(), &thread)?;
    for change in 0..2 + u64::from(number % 2) {
        let id = u64::from(number / users) * 3 + change + 1;
        put(db, 'l', &[&base[..], &id.to_be_bytes()].concat(), &[0, 0, 0, 0, 1, 0, 0, 42])?;
    }
    Ok(())
}

fn put(db: &Connection, table: char, key: &[u8], value: &[u8]) -> Result<(), AnyError> {
    db.prepare_cached(&format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2)"))?.execute([key, value])?;
    Ok(())
}

fn count(db: &Connection, table: char, key: &[u8], value: i64) -> Result<(), AnyError> {
    db.prepare_cached(&format!("INSERT INTO {table} VALUES (?1, ?2)"))?.execute((key, value))?;
    Ok(())
}

/// An archived value with its trailer.
fn archive(payload: &[u8]) -> Vec<u8> {
    let hash = xxhash_rust::xxh3::xxh3_64(payload) as u32;
    [payload, &hash.to_be_bytes(), &[0xa0]].concat()
}

/// Reproducible words and numbers.
struct Words {
    pool: Vec<u8>,
    state: u64,
}

impl Words {
    fn new() -> Self {
        let mut words = Words { pool: Vec::new(), state: 42 };
        let vocabulary: Vec<Vec<u8>> = (0..6000)
            .map(|_| (0..2 + words.below(10)).map(|_| b'a' + words.below(26) as u8).collect())
            .collect();
        let mut pool = Vec::with_capacity(16 << 20);
        while pool.len() < 15 << 20 {
            let word = words.below(6000) as usize;
            pool.extend_from_slice(&vocabulary[word]);
            pool.push(b' ');
        }
        words.pool = pool;
        words
    }

    fn below(&mut self, bound: u32) -> u32 {
        // xorshift64*: good enough, and the same everywhere.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let number = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (number % u64::from(bound.max(1))) as u32
    }

    fn text(&mut self, length: usize) -> &[u8] {
        let start = self.below((self.pool.len() - length) as u32) as usize;
        &self.pool[start..start + length]
    }
}
