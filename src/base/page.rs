//! A page of records: one byte arena plus offsets, reused without allocating per record.
//!
//! Does not depend on stores or dumps; records are logical (counters as 8 bytes little-endian).

/// Values from this size in bytes are not copied if possible.
const LARGE: usize = 1 << 20;
/// Most bytes of memory kept by an empty page, so that the memory of a huge value is freed.
const KEPT: usize = 8 << 20;

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

    /// An empty page with room for exactly `records` records of `size` bytes, as [`Page::size`] counts.
    pub fn with_room(records: usize, size: usize) -> Self {
        let bytes = size.saturating_sub(records * size_of::<(usize, usize)>());
        Page { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(records) }
    }

    /// Appends a record.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        if value.len() >= LARGE {
            // Growth by doubling would take twice as much memory.
            self.bytes.reserve_exact(key.len() + value.len());
        }
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, self.bytes.len()));
    }

    /// Appends a record and takes its value: a large value becomes the arena without a copy.
    pub fn push_owned(&mut self, key: &[u8], mut value: Vec<u8>) {
        if value.len() < LARGE {
            return self.push(key, &value);
        }
        let (before, length) = (self.bytes.len(), value.len());
        let key_end = before + key.len();
        value.reserve_exact(key_end);
        value.resize(key_end + length, 0);
        value.copy_within(..length, key_end);
        for (slot, byte) in value.iter_mut().zip(self.bytes.iter().chain(key)) {
            *slot = *byte;
        }
        self.bytes = value;
        self.ends.push((key_end, key_end + length));
    }

    /// Appends a record whose value is written by `append`, which must only append to its buffer. After an error the
    /// record is not added.
    pub fn push_with<E>(
        &mut self,
        key: &[u8],
        append: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        match append(&mut self.bytes) {
            Ok(()) => {
                self.ends.push((key_end, self.bytes.len().max(key_end)));
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// Replaces the last value by an empty one and frees its memory.
    pub fn forget_last_value(&mut self) {
        if let Some((key_end, value_end)) = self.ends.last_mut() {
            *value_end = *key_end;
            self.bytes.truncate(*key_end);
            self.bytes.shrink_to_fit();
        }
    }

    /// Removes all records. Keeps the memory up to a limit.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        if self.capacity() > KEPT {
            *self = Page::default();
        }
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

    /// Bytes of memory allocated, used or not.
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

    #[test]
    fn a_large_value_comes_in_every_way_and_leaves_no_memory_taken() {
        let value: Vec<u8> = (0..LARGE as u32 * 3).map(|n| (n % 251) as u8).collect();
        for small in [0, 3] {
            let mut pages = [(); 3].map(|()| Page::new());
            for page in &mut pages {
                (0..small).for_each(|n: u8| page.push(&[n], b"small"));
            }
            let [copied, owned, appended] = &mut pages;
            copied.push(b"large", &value);
            owned.push_owned(b"large", value.clone());
            let refused = appended.push_with(b"not this", |bytes| {
                bytes.extend_from_slice(b"half");
                Err(())
            });
            assert!(refused.is_err());
            let taken = appended.push_with::<()>(b"large", |bytes| {
                bytes.extend_from_slice(&value);
                Ok(())
            });
            assert!(taken.is_ok());
            for page in &mut pages {
                page.push(b"last", b"");
                page.push_owned(b"z", b"small".to_vec());
                assert_eq!(page.len(), usize::from(small) + 3);
                assert_eq!(page.get(usize::from(small)), Some((&b"large"[..], &value[..])));
                assert_eq!(page.last(), Some((&b"z"[..], &b"small"[..])));
            }
        }
        let mut page = Page::new();
        page.push(b"j", b"before");
        page.push(b"k", &vec![0; KEPT + 1]);
        assert!(page.capacity() <= KEPT + LARGE, "no more than what is in it");
        page.forget_last_value();
        assert!(page.iter().eq([(&b"j"[..], &b"before"[..]), (b"k", b"")]) && page.capacity() < 1000);
        page.push(b"l", &vec![0; KEPT + 1]);
        page.clear();
        assert_eq!(page.capacity(), 0);
    }
}
