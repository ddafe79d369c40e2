//! The speed of decoding and checking keys, compared with handwritten decoders.
//!
//! `cargo bench --bench keys` prints a table; a ratio above 1 means that the generated code is slower. The
//! handwritten decoders cover exactly these three subspaces of version 5.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::keys::{BlobLinkKey, LogsKey, PropertyKey};
use stalwart_migrate::catalog::{self, Subspace, TypedKey};

#[path = "../tests/oracle/sampler.rs"]
mod sampler;

use sampler::Sampler;

/// Keys decoded per measurement.
const KEYS: usize = 10_000_000;
/// Different keys among them: more than fit the caches, fewer than would measure memory alone.
const DIFFERENT: usize = 500_000;
/// Measurements, of which the best counts: the others were delayed by other work.
const ROUNDS: usize = 7;
/// The highest accepted ratio of the generated code.
const TARGET: f64 = 1.2;

fn main() {
    println!("{KEYS} mixed keys of every layout, one core; millions of keys per second, best of {ROUNDS}");
    println!("{:<12} {:<8} {:>10} {:>10} {:>8}", "subspace", "", "generated", "by hand", "ratio");
    let worst = [
        contest(
            "property",
            'p',
            property,
            |k| by_hand::property(k).map(property_sum),
            by_hand::check_property,
        ),
        contest(
            "blob_link",
            'k',
            blob_link,
            |k| by_hand::blob_link(k).map(link_sum),
            by_hand::check_blob_link,
        ),
        contest("logs", 'l', logs, |k| by_hand::logs(k).map(logs_sum), by_hand::check_logs),
    ];
    let worst = worst.into_iter().fold(0.0, f64::max);
    println!("worst ratio of both together {worst:.2}, at most {TARGET} is wanted\n");
    println!("{:<20} {:>10}", "check, all of v5", "generated");
    for subspace in catalog::version(5).expect("the catalog has it").subspaces {
        let records = self::records(subspace.letter);
        let (speed, _) = race(&records, checker(subspace.letter), |_, _| Some(0));
        println!("{} {:<18} {speed:>10.1}", subspace.letter, subspace.name);
    }
}

/// Prints the three rows of a subspace; returns the ratio of decoding and checking together.
fn contest(
    name: &str,
    letter: char,
    decode: impl Fn(&[u8]) -> Option<u64>,
    hand_decode: impl Fn(&[u8]) -> Option<u64>,
    hand_check: impl Fn(&[u8], &[u8]) -> Option<u64>,
) -> f64 {
    let (records, check) = (records(letter), checker(letter));
    let row = |what: &str, (generated, hand): (f64, f64)| {
        println!("{name:<12} {what:<8} {generated:>10.1} {hand:>10.1} {:>8.2}", hand / generated);
        hand / generated
    };
    row("decode", race(&records, |k, _| decode(k), |k, _| hand_decode(k)));
    row("check", race(&records, &check, &hand_check));
    let both = |k: &[u8], v: &[u8]| Some(decode(k)?.wrapping_add(check(k, v)?));
    let hand_both = |k: &[u8], v: &[u8]| Some(hand_decode(k)?.wrapping_add(hand_check(k, v)?));
    row("both", race(&records, both, hand_both))
}

/// Millions of keys per second of both, measured in turns.
fn race(
    records: &Page,
    generated: impl Fn(&[u8], &[u8]) -> Option<u64>,
    hand: impl Fn(&[u8], &[u8]) -> Option<u64>,
) -> (f64, f64) {
    let (mut best_generated, mut best_hand) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best_generated = best_generated.min(time(records, &generated));
        best_hand = best_hand.min(time(records, &hand));
    }
    let speed = |time: Duration| KEYS as f64 / time.as_secs_f64() / 1e6;
    (speed(best_generated), speed(best_hand))
}

#[inline(never)]
fn time(records: &Page, work: &impl Fn(&[u8], &[u8]) -> Option<u64>) -> Duration {
    let begin = Instant::now();
    let mut sum = 0u64;
    for _ in 0..KEYS / DIFFERENT {
        for (key, value) in records.iter() {
            sum = sum.wrapping_add(work(key, value).unwrap_or(u64::MAX));
        }
    }
    black_box(sum);
    begin.elapsed()
}

/// Records of every layout of a subspace of version 5, equally many of each, in no order.
fn records(letter: char) -> Page {
    let subspace = find(letter);
    let (mut sampler, mut page) = (Sampler::new(5), Page::new());
    for _ in 0..DIFFERENT {
        let layout = &subspace.layouts[sampler.below(subspace.layouts.len() as u64) as usize];
        let key = sampler.key(layout);
        let length = (0..16).find(|length| subspace.check(&key, &[0; 16][..*length]).is_ok());
        page.push(&key, &[0; 16][..length.unwrap_or(0)]);
    }
    page
}

fn find(letter: char) -> &'static Subspace {
    catalog::version(5).and_then(|version| version.subspace(letter)).expect("the catalog has it")
}

/// The check of every record.
fn checker(letter: char) -> impl Fn(&[u8], &[u8]) -> Option<u64> {
    let subspace = find(letter);
    move |key, value| subspace.check(key, value).ok().map(|layout| std::ptr::from_ref(layout).addr() as u64)
}

fn property(key: &[u8]) -> Option<u64> {
    PropertyKey::decode(key, 5).map(property_sum)
}

fn blob_link(key: &[u8]) -> Option<u64> {
    BlobLinkKey::decode(key, 5).map(link_sum)
}

fn logs(key: &[u8]) -> Option<u64> {
    LogsKey::decode(key, 5).map(logs_sum)
}

// Every field is used, so that the compiler removes no part of the decoding.
fn property_sum(key: PropertyKey<'_>) -> u64 {
    use PropertyKey as Key;
    match key {
        Key::SchemaVersion {} => 1,
        Key::Property { account, collection, field, document } => {
            u64::from(account ^ document) + u64::from(collection ^ field)
        }
        Key::HashIndex { account, collection, field, index_value, document } => {
            u64::from(account ^ document) + u64::from(collection ^ field) + index_value.len() as u64
        }
        Key::IntegerIndex { account, collection, field, index_value, document } => {
            (u64::from(account ^ document) + u64::from(collection ^ field)) ^ index_value
        }
    }
}

fn link_sum(key: BlobLinkKey<'_>) -> u64 {
    use BlobLinkKey as Key;
    match key {
        Key::Commit { hash } => u64::from(hash[0]),
        Key::IdLink { hash, id } => u64::from(hash[0]) ^ id,
        Key::DocumentLink { hash, account, collection, document } => {
            u64::from(hash[0]) + u64::from(account ^ document) + u64::from(collection)
        }
        Key::TemporaryLink { hash, account, until } => (u64::from(hash[0]) + u64::from(account)) ^ until,
    }
}

fn logs_sum(key: LogsKey) -> u64 {
    use LogsKey as Key;
    match key {
        Key::Change { account, sync_collection, change }
        | Key::Vanished { account, sync_collection, change } => {
            (u64::from(account) + u64::from(sync_collection)) ^ change
        }
        Key::ShareNotification { account, notification } => u64::from(account) ^ notification,
    }
}

/// The handwritten decoders.
mod by_hand {
    use super::{BlobLinkKey, LogsKey, PropertyKey};

    fn u32_of(bytes: &[u8]) -> u32 {
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn u64_of(bytes: &[u8]) -> u64 {
        u64::from(u32_of(bytes)) << 32 | u64::from(u32_of(&bytes[4..]))
    }

    pub(super) fn property(key: &[u8]) -> Option<PropertyKey<'_>> {
        match key {
            [0] => Some(PropertyKey::SchemaVersion {}),
            [_, _, _, _, collection, field, rest @ ..] => {
                let (account, collection, field) = (u32_of(key), *collection, *field);
                if let [_, _, _, _] = rest {
                    return Some(PropertyKey::Property {
                        account,
                        collection,
                        field,
                        document: u32_of(rest),
                    });
                }
                let (index_value, document) = rest.split_last_chunk::<4>()?;
                let document = u32::from_be_bytes(*document);
                let (length, hash) = index_value.split_first()?;
                if hash.len() == usize::from(*length).min(15) {
                    return Some(PropertyKey::HashIndex {
                        account,
                        collection,
                        field,
                        index_value,
                        document,
                    });
                }
                let index_value = u64::from_be_bytes(index_value.try_into().ok()?);
                Some(PropertyKey::IntegerIndex { account, collection, field, index_value, document })
            }
            _ => None,
        }
    }

    // The checks return the layout, as the catalog does: callers need it.
    pub(super) fn check_property(key: &[u8], value: &[u8]) -> Option<u64> {
        match key.len() {
            1 => (key[0] == 0 && value.len() == 4).then_some(0),
            10 => Some(1),
            length @ 11..=26 => {
                if length - 11 == usize::from(key[6]).min(15) {
                    return Some(2);
                }
                (length == 18 && matches!(value.len(), 4 | 8 | 13)).then_some(3)
            }
            _ => None,
        }
    }

    pub(super) fn blob_link(key: &[u8]) -> Option<BlobLinkKey<'_>> {
        let (hash, rest) = key.split_first_chunk::<32>()?;
        match rest.len() {
            0 => Some(BlobLinkKey::Commit { hash }),
            8 => Some(BlobLinkKey::IdLink { hash, id: u64_of(rest) }),
            9 => Some(BlobLinkKey::DocumentLink {
                hash,
                account: u32_of(rest),
                collection: rest[4],
                document: u32_of(&rest[5..]),
            }),
            12 => Some(BlobLinkKey::TemporaryLink { hash, account: u32_of(rest), until: u64_of(&rest[4..]) }),
            _ => None,
        }
    }

    pub(super) fn check_blob_link(key: &[u8], value: &[u8]) -> Option<u64> {
        match key.len() {
            32 if value.is_empty() => Some(0),
            40 if value.is_empty() => Some(1),
            41 if value.is_empty() => Some(2),
            44 if value.len() < 2 => Some(3),
            _ => None,
        }
    }

    pub(super) fn logs(key: &[u8]) -> Option<LogsKey> {
        let [_, _, _, _, sync_collection, rest @ ..] = key else { return None };
        let (account, change) = (u32_of(key), u64::from_be_bytes(rest.try_into().ok()?));
        let sync_collection = *sync_collection;
        match sync_collection {
            0..=8 => Some(LogsKey::Change { account, sync_collection, change }),
            9 => Some(LogsKey::ShareNotification { account, notification: change }),
            251..=254 => Some(LogsKey::Vanished { account, sync_collection, change }),
            _ => None,
        }
    }

    pub(super) fn check_logs(key: &[u8], _value: &[u8]) -> Option<u64> {
        if key.len() != 13 {
            return None;
        }
        match key[4] {
            0..=8 => Some(0),
            251..=254 => Some(1),
            9 => Some(2),
            _ => None,
        }
    }
}
