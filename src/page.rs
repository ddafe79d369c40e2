//! A page of records: one byte arena plus offsets, reused without allocating per record.
//!
//! Knows neither stores nor the dump; records are logical (counters as 8 bytes little-endian).

/// Records in key order, bounded by bytes.
#[derive(Debug, Default, Clone)]
pub struct Page {
    bytes: Vec<u8>,
    // End of each key and of each value in `bytes`.
    ends: Vec<(usize, usize)>,
}

impl Page {
    /// An empty page.
    pub fn new() -> Self {
        Page::default()
    }

    /// Appends a record.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, self.bytes.len()));
    }

    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes held, keys and values plus bookkeeping.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<(usize, usize)>()
    }

    /// Bytes of memory kept, used or not.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<(usize, usize)>()
    }

    /// The record at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let &(key_end, value_end) = self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
        Some((&self.bytes[start..key_end], &self.bytes[key_end..value_end]))
    }

    /// The last record, if there is one.
    pub fn last(&self) -> Option<(&[u8], &[u8])> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Key and value of every record, in the order they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_and_clearing_empties() {
        let mut page = Page::new();
        page.push(b"a", b"1");
        page.push(b"", b"");
        page.push(b"b", b"");
        let all: Vec<_> = page.iter().collect();
        assert_eq!(all, [(&b"a"[..], &b"1"[..]), (b"", b""), (b"b", b"")]);
        assert_eq!(page.last(), Some((&b"b"[..], &b""[..])));
        page.clear();
        assert!(page.is_empty() && page.last().is_none());
    }
}
