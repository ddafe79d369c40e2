//! Brings a file to the disk while more is written to it.
//!
//! Left to the end, syncing a large file takes as long as writing a fifth of it. Knows nothing of contents.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Bytes after which what was written is brought to the disk.
const SETTLE: u64 = 16 << 20;

/// Counts what is written to a file and syncs it now and then, in a thread of its own. Small files get none.
///
/// The handle that it syncs by is closed when this goes, and not before: closing any handle of a file gives
/// up the locks that the process has on it.
#[derive(Debug, Default)]
pub struct WriteBack {
    // Since the disk was asked last.
    bytes: u64,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
    file: Option<Arc<File>>,
}

impl WriteBack {
    /// So many bytes more were written. `handle` gives another handle of the file, once.
    ///
    /// Errors: those of earlier syncs. The system tells each of them to every handle that was open then, but
    /// only once.
    pub fn wrote(&mut self, bytes: u64, handle: impl FnOnce() -> io::Result<File>) -> io::Result<()> {
        self.bytes += bytes;
        if self.bytes < SETTLE {
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
        // A disk that is still busy with what was asked before is asked again after more.
        let _ = ask.try_send(());
        self.thread = Some((ask, thread));
        Ok(())
    }

    /// Whether syncing has begun.
    #[cfg(test)]
    pub fn begun(&self) -> bool {
        self.thread.is_some()
    }

    /// Waits for what was asked. What was written since is not on the disk yet.
    ///
    /// Errors: as [`WriteBack::wrote`].
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
        // Whoever wanted to know has called it.
        let _ = self.finish();
    }
}

fn start(file: Arc<File>) -> io::Result<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
    let (ask, asked) = sync_channel(1);
    let thread = Builder::new().name("settle".to_owned()).spawn(move || settle(&file, &asked))?;
    Ok((ask, thread))
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
    use super::*;

    /// Cannot be synced: a pipe has no disk.
    fn unsyncable() -> io::Result<File> {
        let (_reader, writer) = io::pipe()?;
        Ok(File::from(std::os::fd::OwnedFd::from(writer)))
    }

    #[test]
    fn only_large_files_are_synced_early() {
        let mut settling = WriteBack::default();
        settling.wrote(SETTLE - 1, unsyncable).unwrap();
        assert!(!settling.begun() && settling.file.is_none());
        settling.wrote(1, tempfile::tempfile).unwrap();
        settling.wrote(SETTLE, unsyncable).unwrap();
        assert!(settling.begun());
        settling.finish().unwrap();
    }

    #[test]
    fn an_error_of_an_early_sync_is_reported() {
        let mut settling = WriteBack::default();
        settling.wrote(SETTLE, unsyncable).unwrap();
        assert!(settling.finish().is_err());
        let mut settling = WriteBack::default();
        settling.wrote(SETTLE, unsyncable).unwrap();
        while settling.thread.as_ref().is_some_and(|(_, thread)| !thread.is_finished()) {
            std::thread::yield_now();
        }
        assert!(settling.wrote(SETTLE, unsyncable).is_err());
        assert!(settling.file.is_some(), "the handle stays open, and with it the locks");
    }
}
