//! Pairs as a cluster has them, and the records and faults that come of them.

#[cfg(test)]
use super::*;
use crate::catalog;

const SIZE: usize = 100_000;

type Found = (Vec<(Vec<u8>, Vec<u8>)>, Vec<(PieceFaultKind, Vec<u8>)>);

fn assemble(letter: char, pairs: &[(Vec<u8>, Vec<u8>)]) -> Found {
    let version = catalog::version(5).unwrap();
    let subspace = version.subspace(letter).unwrap();
    let table = subspace.table(catalog::BackendKind::FoundationDb).unwrap();
    let mut assembler = Assembler::new(table, Some(subspace));
    let (mut page, mut overflow, mut faults) = (Page::new(), VecDeque::new(), Vec::new());
    let mut out = Assembled {
        range: &KeyRange::all(),
        table: table.name,
        page: &mut page,
        budget: usize::MAX,
        overflow: &mut overflow,
        faults: &mut faults,
    };
    assert!(pairs.is_sorted());
    pairs.iter().for_each(|(key, value)| assembler.push(key, value, &mut out));
    assembler.finish(&mut out);
    let records: Vec<_> = page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert!(records.is_sorted());
    (records, faults.into_iter().map(|fault| (fault.kind, fault.key)).collect())
}

/// Bytes that differ from piece to piece.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 7 % 251) as u8).collect()
}

/// An archive of this length, with its hash.
fn archive(length: usize) -> Vec<u8> {
    let payload = bytes(length - 5);
    let hash = xxhash_rust::xxh3::xxh3_64(&payload) as u32;
    [payload.as_slice(), &hash.to_be_bytes(), &[0xa0]].concat()
}

/// The pairs of a value.
fn cut(key: &[u8], value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let piece = |(at, piece): (usize, &[u8])| {
        let mut key = key.to_vec();
        key.extend(suffix(at));
        (key, piece.to_vec())
    };
    value.chunks(SIZE).enumerate().map(piece).collect()
}

fn key(last: u8) -> Vec<u8> {
    vec![0, 0, 0, 3, 9, 0x32, 0, 0, 0, last]
}

#[test]
fn values_of_every_length_are_joined() {
    for length in [1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 9_000_000, 255 * SIZE] {
        let (one, two) = (archive(length.max(6)), archive(7));
        let pairs = [cut(&key(1), &one), cut(&key(2), &two)].concat();
        let (records, faults) = assemble('p', &pairs);
        assert!(records == [(key(1), one), (key(2), two)], "{length}");
        assert_eq!(faults, [], "{length}");
    }
}

#[test]
fn pieces_of_longer_values_before_are_named_and_left_out() {
    use PieceFaultKind::Orphan;
    let old = bytes(350_981);
    for length in [40, SIZE - 1, SIZE, SIZE + 3, 2 * SIZE, 250_000] {
        let new = archive(length);
        let left = cut(&key(7), &old).split_off(length.div_ceil(SIZE));
        let pairs = [cut(&key(7), &new), left.clone(), cut(&key(8), &archive(9))].concat();
        let orphans: Vec<_> = left.into_iter().map(|(key, _)| (Orphan, key)).collect();
        let records = vec![(key(7), new), (key(8), archive(9))];
        let (found, faults) = assemble('p', &pairs);
        assert!(found == records, "{length}");
        assert_eq!(faults, orphans, "{length}");
    }
}

#[test]
fn pieces_of_several_earlier_values_are_named() {
    // Two pieces, then three, then one.
    let pairs = [
        (key(7), archive(50)),
        ([key(7), vec![0]].concat(), bytes(SIZE)),
        ([key(7), vec![1]].concat(), bytes(300)),
        ([key(7), vec![2]].concat(), bytes(SIZE)),
        ([key(7), vec![3]].concat(), bytes(5)),
    ];
    let (records, faults) = assemble('p', &pairs);
    assert_eq!(records, [(key(7), archive(50))]);
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.iter().all(|(kind, _)| *kind == PieceFaultKind::Orphan));
}

#[test]
fn pieces_without_their_first_one_are_no_records() {
    let left = cut(&key(7), &bytes(350_981)).split_off(1);
    let pairs = [left.clone(), cut(&key(8), &archive(9))].concat();
    let (records, faults) = assemble('p', &pairs);
    assert_eq!(records, [(key(8), archive(9))]);
    assert_eq!(faults, left.into_iter().map(|(key, _)| (PieceFaultKind::Orphan, key)).collect::<Vec<_>>());
}

#[test]
fn keys_one_byte_longer_are_records() {
    let of = |key: &str, value: Vec<u8>| (key.as_bytes().to_vec(), value);
    let (short, long) = (b"value".to_vec(), vec![b'v'; 250_000]);
    let pairs =
        [of("a", short.clone()), of("ab", short.clone()), of("abc", short.clone()), of("b", short.clone())];
    assert_eq!(assemble('s', &pairs), (pairs.to_vec(), vec![]));
    // The server joins them to the long value.
    let pairs =
        [cut(b"a", &long), vec![of("ab", short.clone()), of("ac", short.clone()), of("b", short.clone())]];
    let (records, faults) = assemble('s', &pairs.concat());
    let expected = [of("a", long), of("ab", short.clone()), of("ac", short.clone()), of("b", short)];
    assert_eq!(records, expected);
    let look_alike = |key: &str| (PieceFaultKind::LookAlike, key.as_bytes().to_vec());
    assert_eq!(faults, [look_alike("ab"), look_alike("ac")]);
    // Long values of their own.
    let (one, two) = (vec![b'1'; 250_000], vec![b'2'; 150_000]);
    let pairs = [cut(b"a", &one), cut(b"az", &two), cut(b"b", &two)].concat();
    let (records, faults) = assemble('s', &pairs);
    assert_eq!(records, [of("a", one), of("az", two.clone()), of("b", two)]);
    assert_eq!(faults, [look_alike("az")]);
}

#[test]
fn what_only_the_server_joins_is_taken_if_its_hash_is_right() {
    let whole = archive(200_050);
    let piece = |at: u8, range: std::ops::Range<usize>| ([key(7), vec![at]].concat(), whole[range].to_vec());
    let pairs = [(key(7), whole[..SIZE].to_vec()), piece(0, SIZE..SIZE + 50), piece(1, SIZE + 50..200_050)];
    let (records, faults) = assemble('p', &pairs);
    assert_eq!((records, faults), (vec![(key(7), whole)], vec![(PieceFaultKind::Broken, key(7))]));
}

#[test]
fn keys_between_two_pieces_do_not_cut_a_value() {
    let long = vec![b'v'; 250_000];
    let mut pairs = cut(b"a", &long);
    pairs.push((b"a\0deeper".to_vec(), b"1".to_vec()));
    pairs.sort();
    let (records, _) = assemble('s', &pairs);
    assert_eq!(records, [(b"a".to_vec(), long), (b"a\0deeper".to_vec(), b"1".to_vec())]);
}

fn numbered(key: &[u8], pieces: &[(u16, usize)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pieces.iter().map(|(at, length)| ([key, &at.to_be_bytes()].concat(), vec![*at as u8; *length])).collect()
}

#[test]
fn blobs_are_joined_by_number_and_what_is_wrong_with_them_is_told() {
    let (one, two) = ([1; 32], [2; 32]);
    let check = |pieces: &[(u16, usize)], length: Option<usize>, fault: bool| {
        let pairs = [numbered(&one, pieces), numbered(&two, &[(0, 3)])].concat();
        let (records, faults) = assemble('t', &pairs);
        let lengths: Vec<_> = records.iter().map(|(key, value)| (key[0], value.len())).collect();
        let expected: Vec<_> = length.map(|length| (1, length)).into_iter().chain([(2, 3)]).collect();
        assert_eq!(lengths, expected, "{pieces:?}");
        assert_eq!(faults.len(), usize::from(fault), "{pieces:?} {faults:?}");
        assert!(faults.iter().all(|(kind, key)| *kind == PieceFaultKind::Broken && *key == one));
    };
    check(&[(0, 0)], Some(0), false);
    check(&[(0, SIZE)], Some(SIZE), false);
    check(&[(0, SIZE), (1, 1)], Some(SIZE + 1), false);
    check(&[(0, SIZE), (2, 7)], Some(SIZE + 7), true);
    check(&[(0, 5), (1, 7)], Some(12), true);
    check(&[(1, SIZE), (2, 7)], None, true);
    let most: Vec<_> = (0..6985).map(|at| (at, SIZE)).collect();
    check(&[&most[..6984], &[(6984, 1)]].concat(), Some(698_400_001), false);
    let (_, faults) = assemble('t', &[(vec![7], vec![1])]);
    assert_eq!(faults, [(PieceFaultKind::Broken, vec![7])]);
}

#[test]
fn blobs_whose_keys_begin_with_each_other_keep_their_order() {
    let mut pairs = numbered(&[], &[(0, SIZE), (1, SIZE), (2, 5)]);
    pairs.extend(numbered(&[0], &[(0, SIZE), (1, 4)]));
    pairs.extend(numbered(&[0, 1], &[(0, 1)]));
    pairs.extend(numbered(&[9], &[(0, 2)]));
    pairs.sort();
    let (records, faults) = assemble('t', &pairs);
    let lengths: Vec<_> = records.iter().map(|(key, value)| (key.as_slice(), value.len())).collect();
    assert_eq!(lengths, [(&[][..], 200_005), (&[0], 100_004), (&[0, 1], 1), (&[9], 2)]);
    assert_eq!(faults, []);
}
