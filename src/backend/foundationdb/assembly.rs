//! From the keys of a cluster to the records of a table: joins values that the server has cut into pieces.
//!
//! A pure function of pairs in key order; depends on no cluster. A piece is joined if the pieces before it are full
//! and its key is the next one. The server is less strict when it reads a range: it joins every key that directly
//! follows a full first piece and is one byte longer. Where the two differ, the hash of an archive decides. What
//! belongs to no value is reported, never joined.
//!
//! Facts: crates/store/src/backend/foundationdb/{read,write,blob}.rs @ v0.14.1, v0.15.5, v0.16.18.

use std::collections::VecDeque;

use crate::backend::{KeyRange, PieceFault, PieceFaultKind};
use crate::base::page::Page;
use crate::catalog::{Archive, Subspace, Table, ValueForm};

/// Most bytes that are held while a value waits for its next piece after keys of other records.
const MOST_HELD: usize = 64 << 20;

/// Takes what was assembled of one range.
pub(super) struct Assembled<'a> {
    /// Records and faults of other keys are left to other ranges.
    pub range: &'a KeyRange,
    /// The table, for faults.
    pub table: &'a str,
    /// Records, in key order, while it has fewer than `budget` bytes.
    pub page: &'a mut Page,
    /// Bytes of a page.
    pub budget: usize,
    /// Records after those of the page.
    pub overflow: &'a mut VecDeque<(Vec<u8>, Vec<u8>)>,
    /// What is wrong.
    pub faults: &'a mut Vec<PieceFault>,
}

impl Assembled<'_> {
    /// Whether the page takes more.
    pub fn has_room(&self) -> bool {
        self.overflow.is_empty() && (self.page.is_empty() || self.page.size() < self.budget)
    }

    fn record(&mut self, key: &[u8], value: &[u8]) {
        if !self.range.contains(key) {
        } else if self.has_room() {
            self.page.push(key, value);
        } else {
            self.overflow.push_back((key.to_vec(), value.to_vec()));
        }
    }

    fn owned(&mut self, key: Vec<u8>, value: Vec<u8>) {
        if !self.range.contains(&key) {
        } else if self.has_room() {
            self.page.push_owned(&key, value);
        } else {
            self.overflow.push_back((key, value));
        }
    }

    /// Reports a key. It belongs to the record `owner`, whose range reports it.
    fn fault(&mut self, kind: PieceFaultKind, owner: &[u8], key: &[u8], detail: String) {
        if self.range.contains(owner) {
            self.faults.push(PieceFault { table: self.table.to_string(), key: key.to_vec(), kind, detail });
        }
    }
}

/// Joins the pieces of one table.
pub(super) enum Assembler {
    /// Values are never cut.
    Whole,
    /// The first piece has the key of the value.
    Suffixed(Suffixed),
    /// Every piece has a number.
    Numbered(Numbered),
}

impl Assembler {
    /// For a table; without its subspace nothing is known of its keys, and no key is taken for an orphan.
    pub fn new(table: &Table, subspace: Option<&'static Subspace>) -> Assembler {
        let Some(pieces) = table.pieces else { return Assembler::Whole };
        let (size, most) = (usize::try_from(pieces.size).unwrap_or(usize::MAX), pieces.most);
        match pieces.number_width {
            0 => Assembler::Suffixed(Suffixed {
                size,
                most: usize::try_from(most).unwrap_or(usize::MAX).min(256),
                subspace,
                base: None,
                pieces: 0,
                stale: false,
                glue: None,
                open: None,
                waiting: VecDeque::new(),
            }),
            width => Assembler::Numbered(Numbered {
                size,
                most,
                width: usize::from(width),
                values: VecDeque::new(),
            }),
        }
    }

    /// Adds the next pair of the table.
    pub fn push(&mut self, key: &[u8], value: &[u8], out: &mut Assembled) {
        match self {
            Assembler::Whole => out.record(key, value),
            Assembler::Suffixed(suffixed) => suffixed.push(key, value, out),
            Assembler::Numbered(numbered) => numbered.push(key, value, out),
        }
    }

    /// Delivers what waited for further pieces: there are none.
    pub fn finish(&mut self, out: &mut Assembled) {
        match self {
            Assembler::Whole => {}
            Assembler::Suffixed(suffixed) => suffixed.finish(out),
            Assembler::Numbered(numbered) => numbered.finish(out),
        }
    }
}

/// Joins pieces whose keys are that of the value and one byte.
pub(super) struct Suffixed {
    size: usize,
    most: usize,
    subspace: Option<&'static Subspace>,
    // The last record, which further pieces may belong to.
    base: Option<Vec<u8>>,
    // How many pieces it had, those included that belong to it no more.
    pieces: usize,
    // Whether the last of them was a full one that belongs to it no more.
    stale: bool,
    // The last record of several pieces, while every key since then is one that the server joins to it.
    glue: Option<Vec<u8>>,
    open: Option<OpenValue>,
    // Pairs that are no pieces of the value that was open.
    waiting: VecDeque<(Vec<u8>, Vec<u8>)>,
}

/// A value whose pieces so far are full, or that the server would take for such a one.
struct OpenValue {
    pieces: Vec<Vec<u8>>,
    // Other pairs since then.
    others: Vec<(Vec<u8>, Vec<u8>)>,
    held: usize,
    // Whether the server would join all of them.
    joined: bool,
    // The record that this may be a left piece of, and how many pieces that has without it.
    suspect: Option<(Vec<u8>, usize)>,
}

/// Whether `key` is `base` and one byte.
fn is_member(base: &[u8], key: &[u8]) -> bool {
    key.len() == base.len() + 1 && key.starts_with(base)
}

/// The byte at the end of the key of the piece after so many; `None` for the first one.
fn suffix(pieces: usize) -> Option<u8> {
    u8::try_from(pieces.checked_sub(1)?).ok()
}

/// Whether the hash of an archive under this key is right; `None` if it has no hash to compare.
fn proven(subspace: Option<&'static Subspace>, key: &[u8], value: &[u8]) -> Option<bool> {
    let layout = subspace?.layout(key).ok()?;
    if layout.value_form(key) != ValueForm::Archive {
        return None;
    }
    match Archive::parse(value) {
        Ok(archive) => archive.hash.map(|_| archive.check().is_ok()),
        Err(_) => Some(false),
    }
}

/// Whether values under a key may be so long that they are cut.
pub(super) fn may_be_long(subspace: &'static Subspace, key: &[u8]) -> bool {
    subspace.layout(key).is_ok_and(|layout| layout.long)
}

/// How many of these full pieces and the one after them make the value of `key`: all, unless the hash of an archive
/// proves fewer.
pub(super) fn proven_pieces(subspace: Option<&'static Subspace>, key: &[u8], pieces: &[Vec<u8>]) -> usize {
    let all = pieces.len();
    if all < 2 || proven(subspace, key, &pieces.concat()) != Some(false) {
        return all;
    }
    let fewer =
        |n: &usize| pieces.get(..*n).is_some_and(|some| proven(subspace, key, &some.concat()) == Some(true));
    (1..all).find(fewer).unwrap_or(all)
}

impl Suffixed {
    fn push(&mut self, key: &[u8], value: &[u8], out: &mut Assembled) {
        // Almost every pair is a short value with a key that is no continuation.
        if self.open.is_none()
            && value.len() < self.size
            && self.glue.is_none()
            && self.base.as_deref().is_some_and(|base| !is_member(base, key))
        {
            return self.plain(key, value, out);
        }
        self.waiting.push_back((key.to_vec(), value.to_vec()));
        self.work(out);
    }

    fn finish(&mut self, out: &mut Assembled) {
        while self.open.is_some() {
            self.close(out);
            self.work(out);
        }
    }

    fn work(&mut self, out: &mut Assembled) {
        while let Some((key, value)) = self.waiting.pop_front() {
            if self.open.is_none() {
                self.single(key, value, out);
            } else if let Some(pair) = self.join(key, value) {
                self.waiting.push_front(pair);
                self.close(out);
            }
        }
    }

    /// Adds a pair to the open value; returns it if the value has ended before it.
    fn join(&mut self, key: Vec<u8>, value: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
        let (Some(open), Some(base)) = (&mut self.open, &self.base) else { return Some((key, value)) };
        let full = open.pieces.last().is_some_and(|last| last.len() >= self.size);
        let next = suffix(open.pieces.len()).filter(|_| full && open.pieces.len() < self.most);
        if is_member(base, &key) {
            if next.is_some() && key.last().copied() == next {
                open.pieces.push(value);
            } else {
                open.others.push((key, value));
            }
            return None;
        }
        // A key between two pieces begins with the key of the first of them.
        let between = next.is_some_and(|next| {
            key.starts_with(base) && key.get(base.len()).is_some_and(|byte| *byte < next)
        });
        if !between || open.held > MOST_HELD {
            return Some((key, value));
        }
        open.joined = false;
        open.held += key.len() + value.len();
        open.others.push((key, value));
        None
    }

    /// Delivers the open value, and puts the other pairs before the waiting ones.
    fn close(&mut self, out: &mut Assembled) {
        let (Some(open), Some(base)) = (self.open.take(), self.base.clone()) else { return };
        if open.held > MOST_HELD {
            out.fault(
                PieceFaultKind::Broken,
                &base,
                &base,
                "too many keys lie between its pieces".to_string(),
            );
        }
        if let Some((owner, pieces)) = open.suspect {
            let own =
                open.pieces.len() > 1 || proven(self.subspace, &base, &open.pieces.concat()) == Some(true);
            if own {
                self.look_alike(&owner, &base, out);
            } else {
                open.others.into_iter().rev().for_each(|pair| self.waiting.push_front(pair));
                self.base = Some(owner);
                self.pieces = pieces;
                return self.orphan(&base, open.pieces.first().map_or(0, Vec::len), out);
            }
        }
        self.glue = Some(base.clone());
        let count = proven_pieces(self.subspace, &base, &open.pieces);
        if count == open.pieces.len()
            && open.joined
            && !open.others.is_empty()
            && proven(self.subspace, &base, &open.pieces.concat()) == Some(false)
        {
            let mut joined = open.pieces.concat();
            open.others.iter().for_each(|(_, value)| joined.extend_from_slice(value));
            if proven(self.subspace, &base, &joined) == Some(true) {
                out.fault(PieceFaultKind::Broken, &base, &base, format!(
                    "its {} pieces are not cut as the server cuts them; joined as the server joins them, their hash is \
                     right",
                    open.pieces.len() + open.others.len()
                ));
                self.pieces = open.pieces.len() + open.others.len();
                return out.owned(base, joined);
            }
        }
        self.pieces = count;
        let mut pieces = open.pieces;
        let stale = pieces.split_off(count);
        let stale = stale.into_iter().enumerate().filter_map(|(at, value)| {
            let mut key = base.clone();
            key.push(suffix(count + at)?);
            Some((key, value))
        });
        let mut others: Vec<_> = stale.chain(open.others).collect();
        others.sort_by(|one, other| one.0.cmp(&other.0));
        for pair in others.into_iter().rev() {
            self.waiting.push_front(pair);
        }
        match pieces.len() {
            1 => out.owned(base, pieces.pop().unwrap_or_default()),
            _ => out.owned(base, pieces.concat()),
        }
    }

    /// A pair while no value is open.
    fn single(&mut self, key: Vec<u8>, value: Vec<u8>, out: &mut Assembled) {
        let accepted = self.subspace.map(|subspace| subspace.check(&key, &value).is_ok());
        let full = value.len() >= self.size;
        // Other records never had another piece.
        let next = self.base.as_ref().filter(|base| {
            is_member(base, &key)
                && self.pieces < self.most
                && key.last().copied() == suffix(self.pieces)
                && self.subspace.is_some_and(|subspace| may_be_long(subspace, base))
        });
        match (next.cloned(), accepted) {
            (Some(_), Some(false)) => return self.orphan(&key, value.len(), out),
            (Some(owner), Some(true)) if !full && (self.stale || self.is_foreign(&owner, &key)) => {
                return self.orphan(&key, value.len(), out);
            }
            // Its own next piece, or its hash, would show that it is a record.
            (Some(owner), Some(true)) if full => return self.open(key, value, Some((owner, self.pieces))),
            (Some(owner), Some(true)) => {
                self.look_alike(&owner, &key, out);
                self.pieces += 1;
                self.stale = false;
                return out.record(&key, &value);
            }
            _ => {}
        }
        match self.glue.clone() {
            Some(glue) if is_member(&glue, &key) => {
                if accepted == Some(true) {
                    self.look_alike(&glue, &key, out);
                }
            }
            _ => self.glue = None,
        }
        if !full {
            return self.plain(&key, &value, out);
        }
        let owner = self.owner_without_value(&key, accepted);
        match owner {
            // The catalog takes it for no record.
            Some(owner) if accepted == Some(false) => {
                (self.base, self.pieces) = (Some(owner.0), owner.1);
                self.orphan(&key, value.len(), out);
            }
            owner => self.open(key, value, owner),
        }
    }

    /// The record that a full piece may have belonged to of which the server has deleted the first piece only: the keys
    /// of both have different layouts. With the number of pieces before this one.
    fn owner_without_value(&self, key: &[u8], accepted: Option<bool>) -> Option<(Vec<u8>, usize)> {
        let (last, owner) = key.split_last()?;
        let subspace = self.subspace.filter(|_| usize::from(*last) + 2 <= self.most)?;
        let layout = subspace.layout(owner).ok().filter(|layout| layout.long)?;
        let differs = subspace.layout(key).map_or(true, |own| own.name != layout.name);
        (accepted == Some(false) || differs).then(|| (owner.to_vec(), usize::from(*last) + 1))
    }

    /// Whether the last record was a long one, and a key that continues its pieces has another layout.
    fn is_foreign(&self, owner: &[u8], key: &[u8]) -> bool {
        let layout = |key: &[u8]| Some(self.subspace?.layout(key).ok()?.name);
        self.glue.as_deref() == Some(owner) && layout(owner) != layout(key)
    }

    fn open(&mut self, key: Vec<u8>, value: Vec<u8>, suspect: Option<(Vec<u8>, usize)>) {
        self.base = Some(key);
        self.pieces = 1;
        self.stale = false;
        self.open =
            Some(OpenValue { pieces: vec![value], others: Vec::new(), held: 0, joined: true, suspect });
    }

    /// Reports a piece that belongs to the last record no more.
    fn orphan(&mut self, key: &[u8], length: usize, out: &mut Assembled) {
        self.pieces += 1;
        self.stale = length >= self.size;
        let Some(base) = &self.base else { return };
        let detail = format!(
            "{length} bytes that were a later piece of the value of {}, which the server has replaced by a shorter one or \
             deleted without its later pieces",
            self.named(base)
        );
        out.fault(PieceFaultKind::Orphan, base, key, detail);
    }

    /// Reports a record that could be taken for a piece of the value of `other`.
    fn look_alike(&self, other: &[u8], key: &[u8], out: &mut Assembled) {
        let detail = format!(
            "taken as a record of its own, as its layout says; its key could also be that of a piece of the value of {}",
            self.named(other)
        );
        out.fault(PieceFaultKind::LookAlike, key, key, detail);
    }

    fn plain(&mut self, key: &[u8], value: &[u8], out: &mut Assembled) {
        let base = self.base.get_or_insert_default();
        base.clear();
        base.extend_from_slice(key);
        self.pieces = 1;
        self.stale = false;
        out.record(key, value);
    }

    fn named(&self, key: &[u8]) -> String {
        let hex = crate::base::hex::hex(key);
        match self.subspace {
            Some(subspace) => format!("{hex} ({})", subspace.describe(key)),
            None => hex,
        }
    }
}

/// Joins pieces with numbers.
pub(super) struct Numbered {
    size: usize,
    most: u32,
    width: usize,
    // In key order: the key of one may begin with the key of another, whose pieces lie around it then.
    values: VecDeque<NumberedValue>,
}

struct NumberedValue {
    key: Vec<u8>,
    value: Vec<u8>,
    pieces: u32,
    // The number of the next piece.
    next: u64,
    // Bytes of the last piece.
    last: usize,
    lacks_first: bool,
    done: bool,
    wrong: Vec<String>,
}

impl Numbered {
    fn push(&mut self, key: &[u8], value: &[u8], out: &mut Assembled) {
        let Some((owner, number)) = key.len().checked_sub(self.width).map(|at| key.split_at(at)) else {
            let detail = "the key is too short to end with the number of a piece".to_string();
            return out.fault(PieceFaultKind::Broken, key, key, detail);
        };
        let number = number.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        if let Some(open) = self.values.iter_mut().rev().find(|open| open.key == owner) {
            if number != open.next {
                open.wrong.push(missing(open.next, number));
            }
            if open.last != self.size {
                open.wrong.push(format!("piece {} has {} bytes", open.next.saturating_sub(1), open.last));
            }
            open.value.extend_from_slice(value);
            (open.pieces, open.next, open.last) = (open.pieces + 1, number + 1, value.len());
            return;
        }
        for open in &mut self.values {
            let next = [open.key.as_slice(), &number_bytes(open.next, self.width)].concat();
            open.done |= open.last < self.size || key > next.as_slice();
        }
        self.deliver(out);
        let at = self.values.iter().position(|open| open.key.as_slice() > owner).unwrap_or(self.values.len());
        self.values.insert(
            at,
            NumberedValue {
                key: owner.to_vec(),
                value: value.to_vec(),
                pieces: 1,
                next: number + 1,
                last: value.len(),
                lacks_first: number != 0,
                done: false,
                wrong: if number == 0 { Vec::new() } else { vec![missing(0, number)] },
            },
        );
    }

    fn finish(&mut self, out: &mut Assembled) {
        self.values.iter_mut().for_each(|open| open.done = true);
        self.deliver(out);
    }

    fn deliver(&mut self, out: &mut Assembled) {
        while self.values.front().is_some_and(|first| first.done) {
            let Some(mut value) = self.values.pop_front() else { return };
            if value.pieces > self.most {
                value.wrong.push(format!(
                    "it has {} pieces, of which the server reads {} when it reads everything",
                    value.pieces, self.most
                ));
            }
            if value.lacks_first {
                value
                    .wrong
                    .push(format!("so the {} bytes of its other pieces make no value", value.value.len()));
            }
            if !value.wrong.is_empty() {
                let detail = value.wrong.join("; ");
                out.fault(PieceFaultKind::Broken, &value.key, &value.key, detail);
            }
            if !value.lacks_first {
                out.owned(value.key, value.value);
            }
        }
    }
}

/// A number as it ends the key of a piece.
pub(super) fn number_bytes(number: u64, width: usize) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    bytes.get(bytes.len().saturating_sub(width)..).unwrap_or_default().to_vec()
}

fn missing(next: u64, number: u64) -> String {
    match number.checked_sub(1) {
        Some(last) if last > next => format!("pieces {next} to {last} are missing"),
        _ => format!("piece {next} is missing"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
