//! Changes that break formats: flipped bits, cuts, repeats, splices, and lengths that lie.
//!
//! The same numbers give the same changes. Knows no format but the ways lengths are written.

use crate::sampler::Sampler;

/// Lengths and counts that lie, as they stand in files.
const LIES: [&[u8]; 14] = [
    &[0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0, 0, 1, 0],
    &[1, 0, 1, 0],
    &[0, 0, 1, 0x80],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x1f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x00],
    &[0x80, 0x80, 0x04],
    &[0x81, 0x80, 0x04],
    &[0, 0, 0, 0],
];

/// A number below a bound, as an index.
pub fn below(numbers: &mut Sampler, bound: usize) -> usize {
    numbers.below(bound as u64) as usize
}

/// One of several.
pub fn pick<'a, T>(numbers: &mut Sampler, list: &'a [T]) -> &'a T {
    &list[below(numbers, list.len())]
}

/// Changes bytes one to five times; `other` is a second input to take pieces from.
pub fn mutate(numbers: &mut Sampler, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=below(numbers, 5) {
        once(numbers, bytes, other);
    }
}

fn once(numbers: &mut Sampler, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = below(numbers, bytes.len() + 1);
    let length = 1 + below(numbers, 40);
    match numbers.below(12) {
        0 | 1 => flip(numbers, bytes),
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *pick(numbers, &[0, 1, 0x7f, 0x80, 0xff]);
            }
        }
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
        5 => {
            let piece: Vec<u8> = (0..length).map(|_| numbers.number() as u8).collect();
            insert(bytes, at, &piece);
        }
        6 => {
            let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
            let place = below(numbers, bytes.len() + 1);
            insert(bytes, place, &piece);
        }
        7 => {
            // The same piece many times: lists and blocks that do not end.
            let piece = bytes[at..(at + length).min(bytes.len())].repeat(2 + below(numbers, 60));
            insert(bytes, at, &piece);
        }
        8 => {
            let from = below(numbers, other.len() + 1);
            let to = from + below(numbers, other.len() - from + 1).min(4096);
            insert(bytes, at, &other[from..to]);
        }
        9 => {
            bytes.truncate(at);
            let from = below(numbers, other.len() + 1);
            bytes.extend_from_slice(&other[from..]);
        }
        10 => {
            let lie = *pick::<&[u8]>(numbers, &LIES);
            overwrite(bytes, at, lie);
        }
        _ => {
            let lie = *pick::<&[u8]>(numbers, &LIES);
            insert(bytes, at, lie);
        }
    }
}

/// Flips one bit.
pub fn flip(numbers: &mut Sampler, bytes: &mut [u8]) {
    if !bytes.is_empty() {
        let at = below(numbers, bytes.len());
        bytes[at] ^= 1 << numbers.below(8);
    }
}

/// Changes text: pieces of it, of another text and of a list of words; most of the time it stays text.
pub fn mutate_text(numbers: &mut Sampler, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    for _ in 0..=below(numbers, 6) {
        let at = below(numbers, bytes.len() + 1);
        match numbers.below(10) {
            0..=3 => insert(bytes, at, pick::<&str>(numbers, words).as_bytes()),
            4 => {
                let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n);
                bytes.drain(at..end);
            }
            5 => {
                let word = pick(numbers, words).repeat(1 + below(numbers, 300));
                insert(bytes, at, word.as_bytes());
            }
            6 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << numbers.below(7);
                }
            }
            7 => insert(bytes, at, "é\u{202e}\u{feff}".as_bytes()),
            _ => once(numbers, bytes, other),
        }
    }
    if numbers.below(8) > 0 {
        let text = String::from_utf8_lossy(bytes).into_owned();
        *bytes = text.into_bytes();
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn overwrite(bytes: &mut [u8], at: usize, piece: &[u8]) {
    bytes[at..].iter_mut().zip(piece).for_each(|(byte, new)| *byte = *new);
}
