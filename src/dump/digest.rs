//! Counts and digests of the records of one subspace, independent of the container.
//!
//! There are two digests: `records_blake3` runs in key order; `records_sum` does not depend on the order and can
//! be merged from parts. Both hash framed records: key length (u32, big-endian), key, value length, value. This
//! module does not depend on subspace letters or files.

use blake3::Hasher;

use crate::base::hex::hex;
use crate::base::page::Page;

// Framed records are hashed in pieces of exactly this size: BLAKE3 is a tree hash and processes many branches at
// once only if a piece begins at a multiple of a large power of two.
const BATCH: usize = 128 * 1024;

// Records of at least this size are hashed in place. For smaller ones, copying into one piece costs less than
// hashing the value at unaligned places of the tree.
const LARGE: usize = 256 * 1024;

/// Counts of a subspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Number of records.
    pub records: u64,
    /// Total length of keys, in bytes.
    pub key_bytes: u64,
    /// Total length of values, in bytes.
    pub value_bytes: u64,
    /// Longest key, in bytes.
    pub longest_key: u64,
    /// Longest value, in bytes.
    pub longest_value: u64,
}

impl Totals {
    /// Counts one record.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        let (key, value) = (key.len() as u64, value.len() as u64);
        self.records += 1;
        self.key_bytes += key;
        self.value_bytes += value;
        self.longest_key = self.longest_key.max(key);
        self.longest_value = self.longest_value.max(value);
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Totals) {
        self.records += other.records;
        self.key_bytes += other.key_bytes;
        self.value_bytes += other.value_bytes;
        self.longest_key = self.longest_key.max(other.longest_key);
        self.longest_value = self.longest_value.max(other.longest_value);
    }
}

/// Sum modulo 2^256 of hashes read as little-endian integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordsSum([u64; 4]);

impl RecordsSum {
    /// Adds a hash or another sum of 32 bytes, least significant first.
    pub fn add(&mut self, bytes: &[u8; 32]) {
        let (words, _) = bytes.as_chunks::<8>();
        let mut other = [0; 4];
        for (word, bytes) in other.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        self.merge(&RecordsSum(other));
    }

    /// Adds the sum of another part.
    pub fn merge(&mut self, other: &RecordsSum) {
        let mut carry = false;
        for (word, &more) in self.0.iter_mut().zip(&other.0) {
            let (sum, over) = word.overflowing_add(more);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = over || again;
        }
    }

    /// The sum as 64 hexadecimal digits, least significant byte first.
    pub fn to_hex(&self) -> String {
        hex(self.0.map(u64::to_le_bytes).as_flattened())
    }
}

/// Counts and sum of a part of a subspace, in any order; parts are merged.
#[derive(Debug, Clone, Default)]
pub struct PartDigest {
    totals: Totals,
    sum: RecordsSum,
    framed: Vec<u8>,
}

impl PartDigest {
    /// An empty digest.
    pub fn new() -> Self {
        PartDigest::default()
    }

    /// Adds one record.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.totals.add(key, value);
        let hash = if key.len() + value.len() < LARGE {
            self.framed.clear();
            frame(&mut self.framed, key, value);
            blake3::hash(&self.framed)
        } else {
            hash_in_place(key, value)
        };
        self.sum.add(hash.as_bytes());
    }

    /// Adds every record of a page.
    pub fn add_page(&mut self, page: &Page) {
        page.iter().for_each(|(key, value)| self.add(key, value));
    }

    /// Adds another part of the same subspace.
    pub fn merge(&mut self, other: &PartDigest) {
        self.totals.merge(&other.totals);
        self.sum.merge(&other.sum);
    }

    /// Counts so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Sum so far: `records_sum` when every record of the subspace was added once.
    pub fn sum(&self) -> RecordsSum {
        self.sum
    }
}

/// Counts and digests of a whole subspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubspaceDigest {
    /// Counts.
    pub totals: Totals,
    /// BLAKE3 over the framed records in key order.
    pub records_blake3: [u8; 32],
    /// Sum of the BLAKE3 of each framed record.
    pub records_sum: RecordsSum,
}

/// Both digests of a subspace whose records arrive in key order.
#[derive(Debug, Clone)]
pub struct Digest {
    totals: Totals,
    sum: RecordsSum,
    running: Hasher,
    batch: Vec<u8>,
}

impl Default for Digest {
    fn default() -> Self {
        Digest::new()
    }
}

impl Digest {
    /// An empty digest.
    pub fn new() -> Self {
        Digest {
            totals: Totals::default(),
            sum: RecordsSum::default(),
            running: Hasher::new(),
            batch: Vec::with_capacity(BATCH + LARGE),
        }
    }

    /// Adds the next record.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.totals.add(key, value);
        let hash = if key.len() + value.len() < LARGE {
            let start = self.batch.len();
            frame(&mut self.batch, key, value);
            let hash = blake3::hash(self.batch.get(start..).unwrap_or_default());
            self.flush_whole();
            hash
        } else {
            for piece in [&length(key)[..], key, &length(value), value] {
                self.push(piece);
            }
            hash_in_place(key, value)
        };
        self.sum.add(hash.as_bytes());
    }

    /// Adds every record of a page.
    pub fn add_page(&mut self, page: &Page) {
        page.iter().for_each(|(key, value)| self.add(key, value));
    }

    /// Counts so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Counts and digests of everything added.
    pub fn finish(mut self) -> SubspaceDigest {
        self.running.update(&self.batch);
        SubspaceDigest {
            totals: self.totals,
            records_blake3: *self.running.finalize().as_bytes(),
            records_sum: self.sum,
        }
    }

    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BATCH.saturating_sub(self.batch.len());
            let (head, tail) = bytes.split_at(bytes.len().min(room));
            self.batch.extend_from_slice(head);
            self.flush_whole();
            bytes = tail;
        }
    }

    /// Hashes all full pieces; the remainder is shorter than one.
    fn flush_whole(&mut self) {
        let whole = self.batch.len() / BATCH * BATCH;
        if whole > 0 {
            self.running.update(self.batch.get(..whole).unwrap_or_default());
            self.batch.drain(..whole);
        }
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    // Writer and reader both refuse keys and values of 4 GiB; the digest only must not panic.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

fn frame(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    out.extend_from_slice(&length(key));
    out.extend_from_slice(key);
    out.extend_from_slice(&length(value));
    out.extend_from_slice(value);
}

fn hash_in_place(key: &[u8], value: &[u8]) -> blake3::Hash {
    let mut hasher = Hasher::new();
    for piece in [&length(key)[..], key, &length(value), value] {
        hasher.update(piece);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_carries_and_wraps() {
        let mut sum = RecordsSum::default();
        sum.add(&[0xff; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        sum.add(&one);
        assert_eq!(sum, RecordsSum::default());
        sum.add(&one);
        assert_eq!(sum.to_hex(), format!("01{}", "0".repeat(62)));
    }

    #[test]
    fn batches_large_records_and_parts_agree_with_the_definition() {
        let records: Vec<_> = [0usize, 1, 100, LARGE - 9, LARGE, 3 * BATCH, 5, 70_000]
            .iter()
            .enumerate()
            .flat_map(|(n, &size)| (0..40u8).map(move |m| (vec![n as u8, m], vec![m; size])))
            .collect();
        let mut digest = Digest::new();
        let mut parts = [PartDigest::new(), PartDigest::new()];
        let mut all = Vec::new();
        let mut sum = RecordsSum::default();
        for (n, (key, value)) in records.iter().enumerate() {
            digest.add(key, value);
            parts[n % 2].add(key, value);
            let start = all.len();
            frame(&mut all, key, value);
            sum.add(blake3::hash(&all[start..]).as_bytes());
        }
        let whole = digest.finish();
        assert_eq!(whole.records_blake3, *blake3::hash(&all).as_bytes());
        assert_eq!(whole.records_sum, sum);
        let [first, mut second] = parts;
        second.merge(&first);
        assert_eq!((second.totals(), second.sum()), (whole.totals, sum));
        assert_eq!(whole.totals.longest_value, 3 * BATCH as u64);
    }
}
