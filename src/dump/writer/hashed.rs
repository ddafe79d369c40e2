//! A file that is hashed while it is written, with early write-back to disk.
//!
//! Does not depend on frames.

use std::fs::File;
use std::io::{self, Write};

use crate::base::write_back::WriteBack;

/// A file and the BLAKE3 of the bytes written to it.
pub(super) struct HashedFile {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
    write_back: WriteBack,
}

impl HashedFile {
    /// Wraps a new file.
    pub fn new(file: File) -> Self {
        HashedFile::resume(file, blake3::Hasher::new(), 0)
    }

    /// Wraps a file to append to: `hasher` covers its present `bytes` bytes.
    pub fn resume(file: File, hasher: blake3::Hasher, bytes: u64) -> Self {
        HashedFile { file, hasher, bytes, write_back: WriteBack::default() }
    }

    /// Syncs everything to disk; returns the length in bytes and the hash.
    pub fn finish(mut self) -> io::Result<(u64, blake3::Hash)> {
        self.write_back.finish()?;
        self.file.sync_all()?;
        Ok((self.bytes, self.hasher.finalize()))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        self.write_back.wrote(written as u64, || self.file.try_clone())?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_file_however_often_it_is_synced() {
        let mut copy = tempfile::tempfile().unwrap();
        let mut file = HashedFile::new(copy.try_clone().unwrap());
        let piece: Vec<u8> = (0..3u32 << 18).flat_map(u32::to_be_bytes).collect();
        for _ in 0..12 {
            file.write_all(&piece).unwrap();
        }
        assert!(file.write_back.started(), "{} bytes are worth syncing early", file.bytes);
        let (bytes, hash) = file.finish().unwrap();
        let mut content = Vec::new();
        copy.seek(SeekFrom::Start(0)).unwrap();
        copy.read_to_end(&mut content).unwrap();
        assert_eq!((bytes, hash), (content.len() as u64, blake3::hash(&content)));
    }

    #[test]
    fn an_error_of_an_early_sync_is_reported() {
        let mut file = HashedFile::new(tempfile::tempfile().unwrap());
        // A pipe cannot be synced.
        let (_reader, writer) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(writer));
        file.write_back.wrote(1 << 30, || Ok(pipe)).unwrap();
        assert!(file.finish().is_err());
    }
}
