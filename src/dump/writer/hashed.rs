//! A file that is hashed as it is written, and brought to the disk while more is written.
//!
//! Left to the end, syncing a large file takes as long as writing a fifth of it. Knows nothing of frames.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Bytes after which what was written is brought to the disk.
const SETTLE: u64 = 16 << 20;

/// A file and the BLAKE3 of what was written to it.
pub(super) struct HashedFile {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
    // Up to where the disk has been asked to hold the file.
    asked: u64,
    settling: Option<Settling>,
}

/// A thread that syncs when it is asked to. Its errors are those of the file: the system tells each only once.
struct Settling {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl HashedFile {
    /// A new file.
    pub fn new(file: File) -> Self {
        HashedFile::resume(file, blake3::Hasher::new(), 0)
    }

    /// A file at whose end more is written: `hasher` has seen its `bytes` bytes.
    pub fn resume(file: File, hasher: blake3::Hasher, bytes: u64) -> Self {
        HashedFile { file, hasher, bytes, asked: bytes, settling: None }
    }

    /// Brings everything to the disk; the length in bytes and the hash.
    pub fn finish(self) -> io::Result<(u64, blake3::Hash)> {
        if let Some(Settling { ask, thread }) = self.settling {
            drop(ask);
            join(thread)?;
        }
        self.file.sync_all()?;
        Ok((self.bytes, self.hasher.finalize()))
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.bytes - self.asked < SETTLE {
            return Ok(());
        }
        self.asked = self.bytes;
        let settling = match self.settling.take() {
            Some(settling) => settling,
            None => Settling::start(self.file.try_clone()?)?,
        };
        if settling.thread.is_finished() {
            return join(settling.thread);
        }
        // A disk that is still busy with what was asked before is asked again after more.
        let _ = settling.ask.try_send(());
        self.settling = Some(settling);
        Ok(())
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        self.settle()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Settling {
    fn start(file: File) -> io::Result<Self> {
        let (ask, asked) = sync_channel(1);
        let thread = Builder::new().name("settle".to_owned()).spawn(move || settle(&file, &asked))?;
        Ok(Settling { ask, thread })
    }
}

fn settle(file: &File, asked: &Receiver<()>) -> io::Result<()> {
    for () in asked {
        file.sync_data()?;
    }
    Ok(())
}

fn join(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs the file has stopped")))
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
        assert!(file.settling.is_some(), "{} bytes are worth syncing early", file.bytes);
        let (bytes, hash) = file.finish().unwrap();
        let mut content = Vec::new();
        copy.seek(SeekFrom::Start(0)).unwrap();
        copy.read_to_end(&mut content).unwrap();
        assert_eq!((bytes, hash), (content.len() as u64, blake3::hash(&content)));
    }

    #[test]
    fn an_error_of_an_early_sync_is_reported() {
        let mut file = HashedFile::new(tempfile::tempfile().unwrap());
        // Cannot be synced: a pipe has no disk.
        let (_reader, writer) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(writer));
        let settling = Settling::start(pipe).unwrap();
        settling.ask.send(()).unwrap();
        file.settling = Some(settling);
        assert!(file.finish().is_err());
    }
}
