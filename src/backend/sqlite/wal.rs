//! Predicts which frames of a write-ahead log SQLite applies, and which it discards without an error.
//!
//! SQLite applies a log up to the first invalid frame and discards the rest, as it must after a crash. Valid frames
//! of the same generation after an invalid one do not come from a crash: such a log is damaged. This module only
//! reads; it decides nothing about the run.
//!
//! Format: "Database File Format" of SQLite, section 4, and "WAL-mode File Format", sections 2.1 and 2.2 (the `-shm`
//! file). A frame is valid if it has the salts of the header and its checksum continues that of the frame before.

use std::io::{self, Read, Seek};

use crate::base::stop::Stop;

/// Bytes of the header of a log.
const HEADER: usize = 32;
/// Bytes of the header of a frame.
const FRAME_HEADER: usize = 24;
/// The first four bytes of a log, without the last bit, which gives the byte order of its checksums.
const MAGIC: u32 = 0x377f_0682;
/// The fault of a log that has content and no valid header.
const NO_HEADER: &str = "its header is damaged: SQLite would take it for empty";
/// The only version of the format.
const VERSION: u32 = 3_007_000;

/// The state of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WriteAheadLog {
    /// Whole frames that SQLite applies: up to the last commit before the first invalid frame.
    pub applied: u64,
    /// The last valid frame that ends a transaction, also after invalid ones.
    pub last_commit: u64,
    /// Bytes after the applied frames that belong to the same generation and are not applied.
    pub ignored: u64,
    /// Describes the damage, if any.
    pub damage: Option<String>,
    form: Option<Form>,
    // Whether the header is valid.
    sound: bool,
}

/// How the frames of a log are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    page_size: u32,
    big_endian: bool,
    salts: [u8; 8],
    // The checksum that the first frame continues; unknown if the header is damaged.
    sum: Option<Sum>,
}

type Sum = (u32, u32);

/// The state of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Valid, and so are all frames before it.
    Right,
    /// Valid, after an invalid frame.
    RightAgain,
    /// Of this generation and invalid.
    Wrong,
    /// Left over from an earlier generation of the log.
    Older,
}

/// One frame of a log.
struct Frame<'a> {
    number: u64,
    page: u32,
    /// Pages of the database after the transaction that this frame ends; 0 if it ends none.
    pages_after: u32,
    verdict: Verdict,
    content: &'a [u8],
}

/// Reads a log of `length` bytes that is beside a database with pages of `database_page` bytes.
///
/// Errors: I/O.
pub(super) fn read<R: Read + Seek>(
    log: &mut R,
    length: u64,
    database_page: Option<u32>,
) -> io::Result<WriteAheadLog> {
    let mut found = WriteAheadLog { ignored: length, ..WriteAheadLog::default() };
    if length < HEADER as u64 {
        return Ok(found);
    }
    log.rewind()?;
    let mut header = [0; HEADER];
    log.read_exact(&mut header)?;
    let sound = Form::of(&header);
    let form = match sound {
        Some(form) if database_page.is_some_and(|page| page != form.page_size) => {
            found.damage = Some(format!(
                "it is the log of a database with pages of {} bytes, which this one does not have",
                form.page_size
            ));
            return Ok(found);
        }
        Some(form) => Some(form),
        None => Form::without_header(&header, log, database_page)?,
    };
    let Some(form) = form else {
        // A file that was extended and never written, as after a loss of power, contains zeros.
        log.rewind()?;
        found.damage = (!only_zeros(log)?).then(|| NO_HEADER.to_string());
        return Ok(found);
    };
    let frame_bytes = FRAME_HEADER as u64 + u64::from(form.page_size);
    let total = (length - HEADER as u64) / frame_bytes;
    let (mut first_wrong, mut right_again, mut own, mut open_end) = (None, 0u64, 0, true);
    each_frame(log, form, |frame| {
        if frame.verdict != Verdict::Right {
            first_wrong.get_or_insert(frame.number);
        }
        open_end = frame.verdict != Verdict::Older;
        if !open_end {
            return Ok(());
        }
        own = frame.number;
        right_again += u64::from(frame.verdict == Verdict::RightAgain);
        if frame.pages_after > 0 && frame.verdict != Verdict::Wrong {
            found.last_commit = frame.number;
            if frame.verdict == Verdict::Right {
                found.applied = frame.number;
            }
        }
        Ok(())
    })?;
    found.form = Some(form);
    found.sound = sound.is_some();
    if !found.sound {
        log.rewind()?;
        found.damage = (right_again > 0 || !only_zeros(log)?).then(|| NO_HEADER.to_string());
        return Ok(found);
    }
    // An incomplete last frame belongs to this generation if the frame before it does.
    let rest = if open_end { length - HEADER as u64 - total * frame_bytes } else { 0 };
    found.ignored = own.saturating_sub(found.applied) * frame_bytes + rest;
    if let (Some(wrong), true) = (first_wrong, right_again > 0) {
        found.damage = Some(format!(
            "frame {wrong} of {total} is wrong and {right_again} frames written after it are right: SQLite would \
             forget everything from the wrong one on"
        ));
    }
    Ok(found)
}

impl WriteAheadLog {
    /// Passes every page that a damaged log still contains to `write`, oldest first: page number, content, and the
    /// size of the database in pages after the transaction. Frames up to `skip` are in the database already.
    ///
    /// Errors: I/O, and those of `write`.
    pub fn recover<R: Read + Seek>(
        &self,
        log: &mut R,
        skip: u64,
        mut write: impl FnMut(u32, u32, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(form) = self.form else { return Ok(()) };
        each_frame(log, form, |frame| {
            let whole =
                matches!(frame.verdict, Verdict::Right | Verdict::RightAgain) && !frame.content.is_empty();
            if whole && frame.number > skip && frame.number <= self.last_commit {
                write(frame.page, frame.pages_after, frame.content)
            } else {
                Ok(())
            }
        })
    }

    /// The salts of this generation as stored in the file; `None` if the header is not valid.
    pub fn salts(&self) -> Option<[u8; 8]> {
        self.form.filter(|_| self.sound).map(|form| form.salts)
    }
}

impl Form {
    fn of(header: &[u8; HEADER]) -> Option<Form> {
        let magic = number(header, 0);
        let (page_size, big_endian) = (number(header, 8), magic & 1 == 1);
        let sum = checksum(big_endian, (0, 0), header.get(..24)?);
        let right = magic & !1 == MAGIC
            && number(header, 4) == VERSION
            && page_size.is_power_of_two()
            && (512..=65_536).contains(&page_size)
            && sum == (number(header, 24), number(header, 28));
        let salts = header.get(16..24)?.try_into().ok()?;
        right.then_some(Form { page_size, big_endian, salts, sum: Some(sum) })
    }

    /// Guesses the encoding of the frames after a damaged header, from the first frame and the page size of the
    /// database.
    fn without_header<R: Read>(
        header: &[u8; HEADER],
        log: &mut R,
        database_page: Option<u32>,
    ) -> io::Result<Option<Form>> {
        let mut first = [0; FRAME_HEADER];
        let (true, Some(page_size)) = (read_whole(log, &mut first)?, database_page) else { return Ok(None) };
        let magic = number(header, 0);
        // Current machines write big-endian checksums only if configured to.
        let big_endian = magic & !1 == MAGIC && magic & 1 == 1;
        let salts = first.get(8..16).and_then(|salts| salts.try_into().ok());
        Ok(salts.map(|salts| Form { page_size, big_endian, salts, sum: None }))
    }
}

/// Classifies every whole frame in order.
fn each_frame<R: Read + Seek>(
    log: &mut R,
    form: Form,
    mut each: impl FnMut(Frame) -> io::Result<()>,
) -> io::Result<()> {
    log.seek(io::SeekFrom::Start(HEADER as u64))?;
    let mut log = io::BufReader::with_capacity(1 << 20, log);
    let mut bytes = vec![0; FRAME_HEADER + form.page_size as usize];
    // The stored checksum of the previous frame, and the computed one.
    let (mut stated, mut expected) = (form.sum, form.sum);
    let (mut at, mut intact, mut own_before) = (0u64, true, true);
    while read_whole(&mut log, &mut bytes)? {
        if Stop::of_process().stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        at += 1;
        let (head, content) = bytes.split_at(FRAME_HEADER);
        let (page, pages_after) = (number(head, 0), number(head, 4));
        let own = head.get(8..16) == Some(&form.salts);
        let sum = Some((number(head, 16), number(head, 20)));
        let continued = |from: Option<Sum>| {
            let from = checksum(form.big_endian, from?, head.get(..8)?);
            Some(checksum(form.big_endian, from, content))
        };
        let by_stated = continued(stated);
        let by_expected = if expected == stated { by_stated } else { continued(expected) };
        let follows = page > 0 && (by_stated == sum || by_expected == sum);
        let mut frame = Frame { number: at, page, pages_after, verdict: Verdict::Older, content };
        frame.verdict = match (own, follows) {
            (true, true) if intact => Verdict::Right,
            (true, true) => Verdict::RightAgain,
            // Only this generation writes these salts; without the preceding frame the content cannot be verified.
            (true, false) if !own_before && page > 0 => {
                frame.content = &[];
                Verdict::RightAgain
            }
            (true, false) => Verdict::Wrong,
            // The checksum continues, so only the salts are wrong.
            (false, true) => {
                intact = false;
                Verdict::RightAgain
            }
            (false, false) => Verdict::Older,
        };
        intact &= frame.verdict == Verdict::Right;
        (stated, expected, own_before) = (sum, by_expected, own);
        each(frame)?;
    }
    Ok(())
}

/// Fills `bytes`; false if fewer bytes are left in the file.
fn read_whole(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn only_zeros(file: &mut impl Read) -> io::Result<bool> {
    let mut part = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut part)?;
        match part.get(..read) {
            Some([]) | None => return Ok(true),
            Some(part) if zeros(part) => {}
            Some(_) => return Ok(false),
        }
    }
}

fn zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Continues the checksum of a log over whole pairs of words.
fn checksum(big_endian: bool, (mut one, mut two): Sum, bytes: &[u8]) -> Sum {
    let word =
        |bytes: [u8; 4]| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    for pair in bytes.chunks_exact(8) {
        let (Ok(first), Ok(second)) = (pair[..4].try_into(), pair[4..].try_into()) else { break };
        one = one.wrapping_add(word(first)).wrapping_add(two);
        two = two.wrapping_add(word(second)).wrapping_add(one);
    }
    (one, two)
}

/// The state of a log as its `-shm` file records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    /// Frames in the log.
    pub frames: u32,
    /// Frames of the log that are also in the database file.
    pub in_database: u32,
    /// The salts of the log.
    pub salts: [u8; 8],
}

impl Shared {
    /// Bytes read from the start of the file.
    pub const BYTES: usize = 100;

    /// Reads the start of a `-shm` file; `None` if its content is not reliable. Its numbers are in the byte order of
    /// the machine that wrote it, little-endian on every platform that the server is built for.
    pub fn of(bytes: &[u8; Shared::BYTES]) -> Option<Shared> {
        let number = |at: usize| {
            bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
        };
        let sum = checksum(false, (0, 0), bytes.get(..40)?);
        let right = bytes.get(..48)? == bytes.get(48..96)?
            && number(0) == VERSION
            && bytes.get(12) == Some(&1)
            && sum == (number(40), number(44));
        let salts = bytes.get(32..40)?.try_into().ok()?;
        right.then(|| Shared { frames: number(16), in_database: number(96), salts })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const PAGE: usize = 512;
    const FRAME: usize = FRAME_HEADER + PAGE;

    /// A log with `frames` frames, each of which ends a transaction.
    fn log(frames: u32) -> Vec<u8> {
        let put = |bytes: &mut Vec<u8>, sum: Sum| {
            bytes.extend(sum.0.to_be_bytes());
            bytes.extend(sum.1.to_be_bytes());
        };
        let mut bytes: Vec<u8> = [MAGIC, VERSION, PAGE as u32, 0, 7, 8].map(u32::to_be_bytes).concat();
        let mut sum = checksum(false, (0, 0), &bytes);
        put(&mut bytes, sum);
        for page in 1..=frames {
            let head = [page, frames].map(u32::to_be_bytes).concat();
            let content = [u8::try_from(page).unwrap(); PAGE];
            sum = checksum(false, checksum(false, sum, &head), &content);
            bytes.extend(head);
            bytes.extend([7u32, 8].map(u32::to_be_bytes).concat());
            put(&mut bytes, sum);
            bytes.extend(content);
        }
        bytes
    }

    fn found(bytes: &[u8]) -> WriteAheadLog {
        read(&mut Cursor::new(bytes), bytes.len() as u64, Some(PAGE as u32)).unwrap()
    }

    #[test]
    fn damage_is_told_from_an_end_that_was_not_written() {
        // Frames applied, bytes ignored, whether damaged.
        let check = |what: &str, change: &dyn Fn(&mut Vec<u8>), expect: (u64, u64, bool)| {
            let mut bytes = log(9);
            change(&mut bytes);
            let log = found(&bytes);
            assert_eq!((log.applied, log.ignored, log.damage.is_some()), expect, "{what}: {log:?}");
        };
        let at = |frame: usize, byte: usize| HEADER + (frame - 1) * FRAME + byte;
        let frame = FRAME as u64;
        check("whole", &|_| {}, (9, 0, false));
        check("a flipped byte of a page", &|b| b[at(4, 99)] ^= 1, (3, 6 * frame, true));
        check("a flipped byte of a checksum", &|b| b[at(4, 17)] ^= 1, (3, 6 * frame, true));
        check("a flipped byte of the salts", &|b| b[at(4, 9)] ^= 1, (3, 6 * frame, true));
        check("a flipped page number", &|b| b[at(4, 3)] ^= 1, (3, 6 * frame, true));
        check("zeros in the middle", &|b| b[at(4, 0)..at(7, 0)].fill(0), (3, 6 * frame, true));
        check("zeros before the last frame", &|b| b[at(4, 0)..at(9, 0)].fill(0), (3, 6 * frame, true));
        check("the salts of the last frame", &|b| b[at(9, 9)] ^= 1, (8, frame, true));
        check("a last frame that was not written whole", &|b| b[at(9, 99)] ^= 1, (8, frame, false));
        check("a cut in a frame", &|b| b.truncate(at(9, 77)), (8, 77, false));
        check("a cut between frames", &|b| b.truncate(at(9, 0)), (8, 0, false));
        check("zeros at the end", &|b| b.extend([0; 3 * FRAME]), (9, 0, false));
        check(
            "an older generation at the end",
            &|b| {
                let mut older = log(12).split_off(at(10, 0));
                older.chunks_exact_mut(FRAME).for_each(|frame| frame[8..30].fill(6));
                b.extend(older);
            },
            (9, 0, false),
        );
        let whole = log(9).len() as u64;
        check("a damaged header", &|b| b[13] ^= 1, (0, whole, true));
        check("a damaged magic number", &|b| b[0] ^= 1, (0, whole, true));
        check("nothing but zeros", &|b| b.fill(0), (0, whole, false));
        check("nothing but garbage", &|b| b.fill(0xa5), (0, whole, true));
        check("less than a header", &|b| b.truncate(20), (0, 20, false));
        // The last transaction has no commit frame.
        check(
            "frames without a commit",
            &|b| {
                let sum = (number(b, at(8, 16)), number(b, at(8, 20)));
                b[at(9, 4)..at(9, 8)].fill(0);
                let sum = checksum(false, checksum(false, sum, &b[at(9, 0)..at(9, 8)]), &b[at(9, 24)..]);
                b[at(9, 16)..at(9, 20)].copy_from_slice(&sum.0.to_be_bytes());
                b[at(9, 20)..at(9, 24)].copy_from_slice(&sum.1.to_be_bytes());
            },
            (8, frame, false),
        );
        let other = read(&mut Cursor::new(log(9)), whole, Some(4096)).unwrap();
        assert!(other.damage.unwrap().contains("pages of 512 bytes"));
    }

    #[test]
    fn every_page_that_is_right_is_recovered() {
        let check = |change: &dyn Fn(&mut Vec<u8>), skip, expect: &[u32]| {
            let mut bytes = log(5);
            change(&mut bytes);
            let mut pages = Vec::new();
            found(&bytes)
                .recover(&mut Cursor::new(&bytes), skip, |page, after, content| {
                    assert!(after == 5 && content.iter().all(|byte| u32::from(*byte) == page));
                    pages.push(page);
                    Ok(())
                })
                .unwrap();
            assert_eq!(pages, expect);
        };
        let at = |frame: usize, byte: usize| HEADER + (frame - 1) * FRAME + byte;
        check(&|b| b[at(2, 99)] ^= 1, 0, &[1, 3, 4, 5]);
        check(&|b| b[at(2, 99)] ^= 1, 3, &[4, 5]);
        check(&|b| b[at(2, 17)] ^= 1, 0, &[1, 3, 4, 5]);
        // Frames after zeros cannot be verified.
        check(&|b| b[at(2, 0)..at(3, 0)].fill(0), 0, &[1, 4, 5]);
        // The first frame continues the checksum of the header.
        check(&|b| b[13] ^= 1, 0, &[2, 3, 4, 5]);
    }

    #[test]
    fn an_index_of_a_log_is_believed_only_if_it_is_whole() {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stalwart-0.15.5-killed/sqlite/");
        let start = std::fs::read(format!("{fixture}stalwart.sqlite3-shm")).unwrap();
        let mut start: [u8; Shared::BYTES] = start[..Shared::BYTES].try_into().unwrap();
        let log = std::fs::read(format!("{fixture}stalwart.sqlite3-wal")).unwrap();
        let log = read(&mut Cursor::new(&log), log.len() as u64, Some(4096)).unwrap();
        assert_eq!((log.applied, log.ignored, &log.damage), (1051, 0, &None));
        let shared = Shared::of(&start).unwrap();
        assert_eq!((shared.frames, shared.in_database), (1051, 1001));
        assert_eq!(Some(shared.salts), log.salts());
        start[17] ^= 1;
        assert_eq!(Shared::of(&start), None);
        assert_eq!(Shared::of(&[0; Shared::BYTES]), None);
    }
}
