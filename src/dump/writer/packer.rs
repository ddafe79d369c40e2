//! Compresses a file's content in a second thread, in parallel with counting and digesting its records.
//!
//! Digests and compression cost about the same, so a large subspace is written nearly twice as fast. A small
//! one is compressed in its own thread. The bytes written are the same in both cases.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::dump::frame::FrameWriter;

// Bytes of content sent to the compressing thread at once.
const CHUNK: usize = 512 * 1024;

// Queued chunks, besides the one being filled and the one being compressed.
const AHEAD: usize = 2;

/// Takes content and writes a frame into `W`. If dropped unfinished, the frame has no end mark.
pub struct Packer<W: Write> {
    chunk: Vec<u8>,
    // `None` after a failure, whose error was already reported.
    stage: Option<Stage<W>>,
}

enum Stage<W: Write> {
    Here(Box<FrameWriter<W>>),
    Beside {
        work: SyncSender<PackerTask>,
        spare: Receiver<Vec<u8>>,
        thread: JoinHandle<io::Result<Option<W>>>,
    },
}

enum PackerTask {
    Content(Vec<u8>),
    End,
}

impl<W: Write + Send + 'static> Packer<W> {
    /// Starts a frame.
    pub fn new(sink: W) -> Self {
        Packer::resume(FrameWriter::new(sink))
    }

    /// Continues a frame.
    pub fn resume(frame: FrameWriter<W>) -> Self {
        Packer { chunk: Vec::new(), stage: Some(Stage::Here(Box::new(frame))) }
    }

    /// Appends content. An error of the sink may be returned some calls later, at the latest by
    /// [`finish`](Packer::finish).
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() < CHUNK - self.chunk.len() {
            self.chunk.extend_from_slice(bytes);
            return Ok(());
        }
        self.push_chunks(bytes)
    }

    /// Ends the frame and returns the sink, not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        match self.stage.take() {
            None => Err(failed_before()),
            Some(Stage::Here(mut frame)) => {
                frame.push(&self.chunk)?;
                frame.finish()
            }
            Some(Stage::Beside { work, thread, .. }) => {
                let chunk = std::mem::take(&mut self.chunk);
                // A closed channel means that the thread has ended with an error, which `join` returns.
                let _ = work.send(PackerTask::Content(chunk)).and_then(|()| work.send(PackerTask::End));
                drop(work);
                join(thread)?.ok_or_else(failed_before)
            }
        }
    }

    fn push_chunks(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(head);
            bytes = tail;
            if self.chunk.len() == CHUNK {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let (work, spare, thread) = match self.stage.take() {
            None => return Err(failed_before()),
            Some(Stage::Here(frame)) => beside(*frame)?,
            Some(Stage::Beside { work, spare, thread }) => (work, spare, thread),
        };
        if work.send(PackerTask::Content(std::mem::take(&mut self.chunk))).is_err() {
            return join(thread).and(Err(failed_before()));
        }
        self.chunk = spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        self.stage = Some(Stage::Beside { work, spare, thread });
        Ok(())
    }
}

impl<W: Write> Drop for Packer<W> {
    fn drop(&mut self) {
        if let Some(Stage::Beside { work, thread, .. }) = self.stage.take() {
            drop(work);
            // The result is ignored; the join ensures that nothing writes to the file after the drop.
            let _ = thread.join();
        }
    }
}

type Beside<W> = (SyncSender<PackerTask>, Receiver<Vec<u8>>, JoinHandle<io::Result<Option<W>>>);

fn beside<W: Write + Send + 'static>(frame: FrameWriter<W>) -> io::Result<Beside<W>> {
    let (work, received) = sync_channel(AHEAD);
    let (returned, spare) = channel();
    let thread =
        Builder::new().name("compress".to_owned()).spawn(move || compress(frame, &received, &returned))?;
    Ok((work, spare, thread))
}

/// Returns the sink after [`PackerTask::End`], and `None` if the channel is closed without it.
fn compress<W: Write>(
    mut frame: FrameWriter<W>,
    work: &Receiver<PackerTask>,
    spare: &Sender<Vec<u8>>,
) -> io::Result<Option<W>> {
    for work in work {
        match work {
            PackerTask::Content(mut chunk) => {
                frame.push(&chunk)?;
                chunk.clear();
                // Fails only if the other side has ended and needs no more buffers.
                let _ = spare.send(chunk);
            }
            PackerTask::End => return frame.finish().map(Some),
        }
    }
    Ok(None)
}

fn join<W>(thread: JoinHandle<io::Result<Option<W>>>) -> io::Result<Option<W>> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the compressing thread has stopped")))
}

fn failed_before() -> io::Error {
    io::Error::other("writing the file has failed before")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_frame_however_they_arrive() {
        let noise = |n: usize| (n as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3];
        for length in [0, 9, CHUNK - 1, CHUNK, CHUNK + 1, 7 * CHUNK / 2] {
            let content: Vec<u8> = (0..length).map(noise).collect();
            let mut frame = FrameWriter::new(Vec::new());
            frame.push(&content).unwrap();
            let expect = frame.finish().unwrap();
            for pieces in [1 + length / 7, CHUNK, 3 * CHUNK] {
                let mut packer = Packer::new(Vec::new());
                content.chunks(pieces).for_each(|piece| packer.push(piece).unwrap());
                assert!(packer.finish().unwrap() == expect, "{length} in pieces of {pieces}");
            }
        }
    }

    #[test]
    fn an_error_of_the_sink_is_reported_wherever_it_happens() {
        let noise: Vec<u8> =
            (0..CHUNK as u64).map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[0]).collect();
        for (room, chunks) in [(0, 0), (CHUNK, 1), (CHUNK, 20), (8 * CHUNK, 20), (20 * CHUNK, 20)] {
            let mut packer = Packer::new(Full(room));
            let pushed = (0..chunks).try_for_each(|_| packer.push(&noise));
            let again = pushed.is_err().then(|| packer.push(&vec![0; CHUNK]).is_err());
            let error = pushed.and_then(|()| packer.finish().map(drop)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "room {room}: {error}");
            assert_ne!(again, Some(false), "it keeps failing");
        }
    }
}
