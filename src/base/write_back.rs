//! Syncs a file to disk while it is still being written.
//!
//! A single sync of a large file at the end takes as long as writing a fifth of it. Does not depend on contents.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Bytes written between two syncs.
const WRITE_BACK: u64 = 16 << 20;

/// Counts the bytes written to a file and syncs it regularly in a separate thread. Small files get no thread.
///
/// Its own handle of the file is closed on drop and not earlier: closing any handle of a file releases the locks
/// of the process on it.
#[derive(Debug, Default)]
pub struct WriteBack {
    // Bytes since the last sync was requested.
    bytes: u64,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
    file: Option<Arc<File>>,
}

impl WriteBack {
    /// Counts `bytes` more written. `handle` opens another handle of the file; it is called at most once.
    ///
    /// Errors: those of earlier syncs. The system reports each to every handle that was open then, but only once.
    pub fn wrote(&mut self, bytes: u64, handle: impl FnOnce() -> io::Result<File>) -> io::Result<()> {
        self.bytes += bytes;
        if self.bytes < WRITE_BACK {
            return Ok(());
        }
        self.bytes = 0;
        let (ask, thread) = match self.thread.take() {
            Some(thread) => thread,
            None => {
                let file = match &self.file {
                    Some(file) => Arc::clone(file),
                    None => Arc::clone(self.file.insert(Arc::new(handle()?))),
                };
                start(file)?
            }
        };
        if thread.is_finished() {
            return join(thread);
        }
        // If an earlier request is still pending, the next one follows after more bytes.
        let _ = ask.try_send(());
        self.thread = Some((ask, thread));
        Ok(())
    }

    /// Whether syncing has begun.
    #[cfg(test)]
    pub fn started(&self) -> bool {
        self.thread.is_some()
    }

    /// Waits for requested syncs. Bytes written since are not synced.
    ///
    /// Errors: those of [`WriteBack::wrote`].
    pub fn finish(&mut self) -> io::Result<()> {
        match self.thread.take() {
            None => Ok(()),
            Some((ask, thread)) => {
                drop(ask);
                join(thread)
            }
        }
    }
}

impl Drop for WriteBack {
    fn drop(&mut self) {
        // Callers that need the error have called `finish` before.
        let _ = self.finish();
    }
}

fn start(file: Arc<File>) -> io::Result<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
    let (ask, asked) = sync_channel(1);
    let thread = Builder::new().name("write-back".to_owned()).spawn(move || write_back(&file, &asked))?;
    Ok((ask, thread))
}

fn write_back(file: &File, asked: &Receiver<()>) -> io::Result<()> {
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
    use super::*;

    /// A pipe, which cannot be synced.
    fn unsyncable() -> io::Result<File> {
        let (_reader, writer) = io::pipe()?;
        Ok(File::from(std::os::fd::OwnedFd::from(writer)))
    }

    #[test]
    fn only_large_files_are_synced_early() {
        let mut write_back = WriteBack::default();
        write_back.wrote(WRITE_BACK - 1, unsyncable).unwrap();
        assert!(!write_back.started() && write_back.file.is_none());
        write_back.wrote(1, tempfile::tempfile).unwrap();
        write_back.wrote(WRITE_BACK, unsyncable).unwrap();
        assert!(write_back.started());
        write_back.finish().unwrap();
    }

    #[test]
    fn an_error_of_an_early_sync_is_reported() {
        let mut write_back = WriteBack::default();
        write_back.wrote(WRITE_BACK, unsyncable).unwrap();
        assert!(write_back.finish().is_err());
        let mut write_back = WriteBack::default();
        write_back.wrote(WRITE_BACK, unsyncable).unwrap();
        while write_back.thread.as_ref().is_some_and(|(_, thread)| !thread.is_finished()) {
            std::thread::yield_now();
        }
        assert!(write_back.wrote(WRITE_BACK, unsyncable).is_err());
        assert!(write_back.file.is_some(), "the handle stays open, and with it the locks");
    }
}
