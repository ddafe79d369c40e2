//! Any records, and any bytes in the place of a dump.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn any_records() -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<u8>>> {
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (any::<u8>(), 60_000..200_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..40), value, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_records_come_back_and_pages_leave_no_trace(
        records in any_records(), chunks in [1..50usize, 1..50usize], limit in 0..300_000usize,
    ) {
        let records: Records = records.into_iter().collect();
        let temp = tempfile::tempdir().unwrap();
        let dirs = [temp.path().join("1"), temp.path().join("2")];
        for (dir, chunk) in dirs.iter().zip(chunks) {
            write(dir, &[('p', records.clone())], chunk);
            let dump = Dump::open(dir).unwrap();
            dump.checksums(1).unwrap();
            prop_assert!(read(&dump, 'p', limit).unwrap() == records);
        }
        for name in ["subspace_p", "manifest/manifest.json", "manifest/findings.jsonl"] {
            prop_assert_eq!(fs::read(dirs[0].join(name)).unwrap(), fs::read(dirs[1].join(name)).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic_the_reader(
        flg in prop_oneof![Just(0x60u8), Just(0x74), Just(0x40), any::<u8>()],
        bd in prop_oneof![Just(0x40u8), Just(0x70), any::<u8>()],
        blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        raw in any::<bool>(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut file = vec![4, 0x22, 0x4d, 0x18, flg, bd];
        file.push((xxhash_rust::xxh32::xxh32(&[flg, bd], 0) >> 8) as u8);
        for block in &blocks {
            file.extend((block.len() as u32 | if raw { 0x8000_0000 } else { 0 }).to_le_bytes());
            file.extend(block);
            if flg & 0x10 != 0 {
                file.extend(xxhash_rust::xxh32::xxh32(block, 0).to_le_bytes());
            }
        }
        file.extend(&noise);
        for bytes in [&file, &noise] {
            let mut page = Page::new();
            if let Ok(mut reader) = RecordReader::new(&bytes[..], "f") {
                while matches!(reader.read_page(&mut page, 100), Ok(true)) {}
            }
        }
        let _ = Manifest::from_json(&noise);
    }

    #[test]
    fn flipped_bytes_of_a_server_file_never_panic_the_reader(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let list: Records = (0..60u8).map(|n| (vec![b'k', n], vec![n / 8; usize::from(n)])).collect();
        let content = content('a', 5, &list);
        let packed = lz4_flex::block::compress(&content);
        let mut file = vec![4, 0x22, 0x4d, 0x18, SERVER_FLG, 0x40, 0x82];
        file.extend((packed.len() as u32).to_le_bytes());
        file.extend(packed);
        for (index, with) in flips {
            let at = index.index(file.len());
            file[at] ^= with;
        }
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("subspace_a"), &file).unwrap();
        let _ = accept(temp.path());
    }
}
