//! The generated key code against the interpreter, over every layout of every schema version.
//!
//! Keys are sampled from the descriptors and mutated; both readers must agree on them, and what was decoded
//! must be written back byte for byte. A new subspace is covered without a new test.

mod debug;
mod examples;

use stalwart_migrate::catalog::{
    self, BackendKind, CoveredId, FieldValue, FreshRule, Group, Layout, Problem, SchemaVersion, Segment,
    SegmentKind, Subspace, TypedKey, ValueForm, ValueKind,
};
use stalwart_migrate::codec::KeyError;

use crate::oracle;
use crate::sampler::Sampler;

const SAMPLES: usize = 300;

fn each_subspace(mut check: impl FnMut(&'static SchemaVersion, &'static Subspace)) {
    for version in catalog::versions() {
        for subspace in version.subspaces {
            assert_eq!(subspace.version, version.number);
            check(version, subspace);
        }
    }
}

/// What the typed key of a layout says: the key written back, and its fields as `{:?}`.
fn typed(subspace: &Subspace, layout: &Layout, key: &[u8]) -> (Vec<u8>, String) {
    let (mut bytes, mut fields) = (Vec::new(), Vec::new());
    subspace.segments(layout, key, &mut |values| {
        assert_eq!(values.len(), layout.segments.len(), "{}", layout.name);
        values.iter().for_each(|value| value.put(&mut bytes));
    });
    subspace.fields(layout, key, |segment, value| fields.push(field_text(segment.name, value)));
    (bytes, fields.join(", "))
}

fn field_text(name: &str, value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Number(number) => format!("{name}: {number}"),
        FieldValue::Bytes(bytes) => format!("{name}: {bytes:?}"),
    }
}

fn agree(subspace: &Subspace, key: &[u8]) {
    let expect = oracle::layout_of(subspace, key);
    let what = || format!("version {} {} {key:02x?}", subspace.version, subspace.letter);
    assert_eq!(subspace.describe(key), oracle::describe(subspace, key), "{}", what());
    debug::agrees(subspace, expect, key);
    match (subspace.layout(key), expect) {
        (Ok(layout), Some(expect)) => {
            assert!(std::ptr::eq(layout, expect), "{}: {} but {}", what(), layout.name, expect.name);
            let (bytes, fields) = typed(subspace, layout, key);
            assert_eq!(bytes, key, "{}", what());
            let expect = oracle::fields(layout, key).into_iter().map(|(s, value)| field_text(s.name, value));
            assert_eq!(fields, expect.collect::<Vec<_>>().join(", "), "{}", what());
            let names_blob = layout.blob_link || layout.content_hash;
            let hash = oracle::fields(layout, key).into_iter().find(|(s, _)| s.kind == SegmentKind::Hash);
            let hash = hash.filter(|_| names_blob).map(|(_, value)| value);
            let found = subspace.blob_hash(key).map(|hash| FieldValue::Bytes(hash));
            assert_eq!(found, hash, "{}", what());
            assert!(key.len() >= oracle::min_key(layout), "{}", what());
            assert!(oracle::max_key(layout).is_none_or(|longest| key.len() <= longest), "{}", what());
        }
        (Err(KeyError), None) => assert_eq!(subspace.blob_hash(key), None, "{}", what()),
        (layout, expect) => panic!("{}: {layout:?} but {expect:?}", what()),
    }
    // Read as a key of another layout it is no key, and still nothing panics.
    for layout in subspace.layouts {
        typed(subspace, layout, key);
    }
}

#[test]
fn interpreter_and_generated_code_agree_on_sampled_and_mutated_keys() {
    each_subspace(|_, subspace| {
        for (index, &layout) in subspace.layouts.iter().enumerate() {
            let seed =
                u64::from(subspace.version) << 32 | u64::from(u32::from(subspace.letter)) << 8 | index as u64;
            let mut sampler = Sampler::new(seed);
            for _ in 0..SAMPLES {
                let mut key = sampler.key(layout);
                assert!(oracle::accepts(layout, &key), "{} {key:02x?}", layout.name);
                agree(subspace, &key);
                let at = sampler.below(key.len() as u64) as usize;
                match sampler.below(5) {
                    0 => key.truncate(at),
                    1 => key.push(sampler.number() as u8),
                    2 => key.insert(at, sampler.number() as u8),
                    3 => drop(key.remove(at)),
                    _ => key[at] ^= 1 << sampler.below(8),
                }
                agree(subspace, &key);
            }
        }
        agree(subspace, &[]);
    });
}

#[test]
fn a_key_of_a_layout_is_read_as_that_layout_or_one_that_declares_the_overlap() {
    each_subspace(|_, subspace| {
        for layout in subspace.layouts {
            let mut sampler = Sampler::new(7);
            let mut own = 0;
            for _ in 0..SAMPLES {
                let found = subspace.layout(&sampler.key(layout)).expect("a sampled key has a layout");
                own += usize::from(found.index == layout.index);
                assert!(
                    found.index == layout.index || found.shares.contains(&layout.index),
                    "{}",
                    layout.name
                );
            }
            assert!(own > 0, "{}.{} never wins", subspace.name, layout.name);
        }
    });
}

#[test]
fn fields_in_words_give_the_key_back() {
    each_subspace(|_, subspace| {
        for layout in subspace.layouts {
            let mut sampler = Sampler::new(11);
            for _ in 0..SAMPLES {
                let key = sampler.key(layout);
                let fields = oracle::fields(layout, &key).into_iter();
                let texts: Vec<(&str, String)> =
                    fields.map(|(segment, value)| (segment.name, oracle::text(value))).collect();
                let given: Vec<(&str, &str)> =
                    texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
                let built = subspace.prefix(layout, &given);
                let built = built.unwrap_or_else(|field| panic!("{field} of {}", layout.name));
                assert!(key.starts_with(&built), "{}: {built:02x?} of {key:02x?}", layout.name);
            }
        }
    });
}

#[test]
fn prefixes_go_as_far_as_fields_are_given() {
    let property = catalog::version(5).unwrap().subspace('p').unwrap();
    let check = |given: &[(&'static str, &'static str)], expect: Result<&[u8], &'static str>| {
        assert_eq!(property.prefix(property.layouts[1], given), expect.map(<[u8]>::to_vec), "{given:?}");
    };
    check(&[], Ok(&[]));
    check(&[("account", "7")], Ok(&[0, 0, 0, 7]));
    check(&[("collection", "mailbox"), ("account", "0x10")], Ok(&[0, 0, 0, 16, 1]));
    check(&[("collection", "0")], Err("collection"));
    check(&[("account", "7"), ("field", "50")], Err("field"));
    check(&[("account", "7"), ("colour", "5")], Err("colour"));
    check(&[("account", "4294967296")], Err("account"));
    check(&[("account", "seven")], Err("account"));
    let event = catalog::version(5).unwrap().subspace('q').unwrap();
    let queue = [("due", "1"), ("queue_id", "2"), ("queue", "local")];
    let due = event.prefix(event.layouts[0], &queue);
    assert_eq!(due, Ok(b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02local\0\0\0".to_vec()));
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs =
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    pairs.collect()
}

const H: &str = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f";

#[test]
fn typed_keys_are_written_byte_for_byte() {
    use catalog::keys::{
        BlobLinkKey, BlobLinkV1Key, BlobsKey, LogsKey, PropertyKey, QuotaKey, RegistryPkKey,
    };
    fn check<K: TypedKey>(version: u32, key: K, expect: &str) {
        let mut bytes = Vec::new();
        key.encode(&mut bytes);
        assert_eq!(bytes, unhex(&expect.replace('H', H)));
        // And the same is read from them.
        assert_eq!(format!("{:?}", K::decode(&bytes, version).unwrap()), format!("{key:?}"));
    }
    let hash = &unhex(H).try_into().unwrap();
    check(5, PropertyKey::SchemaVersion {}, "00");
    let change = LogsKey::Change { account: 1, sync_collection: 0, change: 10 };
    check(5, change, "00000001 00 000000000000000a");
    check(5, QuotaKey::DiskUsage { principal: 300 }, "04 ac02");
    let link = BlobLinkKey::TemporaryLink { hash, account: 1, until: 1748736000 };
    check(5, link, "H 00000001 00000000683b9800");
    check(6, RegistryPkKey::NodeLease { node: 0 }, "ffffffff 0000");
    check(1, BlobLinkV1Key::Commit { hash }, "H ffffffff 00 ffffffff");
    check(5, BlobsKey::Webadmin {}, "5354414c574152545f57454241444d494e");
    // Numbers without a name survive.
    let unnamed = PropertyKey::Property { account: 1, collection: 200, field: 201, document: 2 };
    check(5, unnamed, "00000001 c8 c9 00000002");
    assert_eq!(LogsKey::decode(&[0; 12], 5), None);
}

#[test]
fn records_are_checked_against_their_layout() {
    let check = |version: u32, letter: char, key: &str, value: &[u8], expect: Result<&str, &str>| {
        let subspace = catalog::version(version).unwrap().subspace(letter).unwrap();
        let key = unhex(&key.replace('H', H));
        match (subspace.check(&key, value), expect) {
            (Ok(layout), Ok(name)) => assert_eq!(layout.name, name, "{key:02x?}"),
            (Err(problem), Err(text)) => assert_eq!(problem.to_string(), text, "{key:02x?}"),
            (Ok(layout), Err(text)) => panic!("{} instead of {text}", layout.name),
            (Err(problem), Ok(name)) => panic!("{problem} instead of {name}"),
        }
    };
    check(5, 'p', "00", &[0, 0, 0, 5], Ok("schema_version"));
    check(
        5,
        'p',
        "00",
        &[5],
        Err("value of layout schema_version: it has a length that this layout never has"),
    );
    check(5, 'p', "00 00", &[], Err("no layout of the subspace accepts this key"));
    check(5, 'i', "00000001 03 33 00000001", &[], Ok("index"));
    check(5, 'i', "00000001 03 33 00000001", &[0], Err("value of layout index: this subspace has no values"));
    check(5, 'n', "00000001 00", &[7; 8], Ok("document_id"));
    check(5, 'n', "00000001 00", &[7; 7], Err("value of layout document_id: a counter has 8 bytes"));
    check(5, 'k', "H", &[], Ok("commit"));
    check(5, 'k', "H", &[1], Err("value of layout commit: it should be empty"));
    check(5, 'k', "H 00", &[], Err("no layout of the subspace accepts this key"));
    check(5, 'e', "0363aa3140000001", &[0xa0], Ok("message"));
    check(
        5,
        'e',
        "0363aa3140000001",
        &[],
        Err("value of layout message: an archive has at least its marker"),
    );
    // Of 20 bytes the value tells a reference from a unique key.
    let twenty = "0025 0000000000000003 0000 0000000000000005";
    check(6, 'g', twenty, &[], Ok("reference"));
    check(6, 'g', twenty, &[0; 10], Ok("unique_key"));
    check(6, 'g', twenty, &[0; 9], Err("value of layout reference: it should be empty"));
    // The index of a submission, as releases up to 0.16.16 and later ones write it.
    let submission = "00000001 04 31 00000000683b9800 00000001";
    check(5, 'p', submission, &[0; 13], Ok("integer_index"));
    check(6, 'p', submission, &[0; 13], Ok("integer_index"));
    check(6, 'p', submission, &[0; 21], Ok("integer_index"));
    let length = "value of layout integer_index: it has a length that this layout never has";
    check(5, 'p', submission, &[0; 21], Err(length));
    // Left by the upgrade to 0.13.0.
    check(3, 'q', "000000006b0c3f52 04bfd237ac600c56", &[0; 8], Ok("old_event"));
    check(1, 'g', "00000003 00 00000001", &[1], Ok("empty_word"));
    check(5, 'd', "05 00000003 00000009", &[], Ok("member_of"));
    check(6, 'k', "H 00000003 00000000683b9800", &[2], Ok("temporary_link"));
    // Of 18 bytes, too.
    let eighteen = "00000001 00 5a 07 61626364656667 0000002a";
    check(5, 'p', eighteen, &[0; 20], Ok("hash_index"));
}

#[test]
fn a_problem_says_which_layout() {
    let subspace = catalog::version(5).unwrap().subspace('n').unwrap();
    match subspace.check(&[0, 0, 0, 1], &[]) {
        Err(Problem::BadValue { layout, reason }) => {
            assert_eq!((layout.name, reason), ("change_id", "a counter has 8 bytes"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_schema_version_record_is_found_before_the_version_is_known() {
    let record = catalog::schema_version_record();
    assert_eq!((record.letter, record.key), ('p', &[0][..]));
    assert_eq!(
        (record.read(&[0, 0, 0, 5]), record.read(&[5]), record.value(6)),
        (Some(5), None, [0, 0, 0, 6])
    );
    for backend in catalog::backends() {
        assert_eq!(record.table(backend.kind).unwrap().name, "p");
        for version in catalog::versions() {
            let subspace = version.subspace(record.letter).unwrap();
            assert_eq!(subspace.layout(record.key).unwrap().fixed_key, Some(record.key));
            assert_eq!(subspace.table(backend.kind).unwrap().name, "p");
        }
    }
    for version in catalog::versions() {
        let layouts = version.subspace(record.letter).unwrap().layouts.iter();
        assert_eq!(layouts.filter(|layout| layout.fixed_key == Some(record.key)).count(), 1);
    }
}

#[test]
fn versions_have_the_letters_that_their_releases_use() {
    let check = |version: u32, letters: &str, server: &str| {
        let version = catalog::version(version).unwrap();
        let all: String = version.subspaces.iter().map(|s| s.letter).collect();
        assert_eq!(all, letters, "version {}", version.number);
        let server_letters: String =
            version.subspaces.iter().filter(|s| s.family().is_some()).map(|s| s.letter).collect();
        assert_eq!(server_letters, server, "version {}", version.number);
        let mut families: Vec<char> =
            version.families.iter().flat_map(|(_, letters)| letters.iter().copied()).collect();
        families.sort_unstable();
        assert_eq!(families.into_iter().collect::<String>(), server, "version {}", version.number);
        for subspace in version.subspaces {
            let family = subspace.family().map(|name| version.family(name).unwrap());
            assert!(family.is_none_or(|letters| letters.contains(&subspace.letter)), "{}", subspace.letter);
            let selected = version.families.iter().filter(|(_, letters)| letters.contains(&subspace.letter));
            assert_eq!(selected.count(), usize::from(family.is_some()), "{}", subspace.letter);
        }
    };
    for version in 1..=4 {
        check(version, "abcdefghijklmnopqrstuvwxy", "abcdegiklmnpqstuvy");
    }
    check(5, "adefhijklmnopqrstuxyz", "adefhijklnopqrstux");
    check(6, "abdefghijklmnopqrstuwxyz", "abdefghiklnopqrstux");
    assert!(catalog::version(0).is_none() && catalog::version(7).is_none());
    assert_eq!(catalog::version(5).unwrap().family("data"), Some(&['a', 'i', 'u', 'n', 'p'][..]));
    assert_eq!(catalog::version(6).unwrap().family("directory"), None);
    assert_eq!(catalog::version(6).unwrap().subspace('g').unwrap().name, "registry_pk");
}

#[test]
fn tables_are_those_the_server_makes() {
    let table = |version: u32, letter: char, backend: BackendKind| {
        catalog::version(version).unwrap().subspace(letter).unwrap().table(backend)
    };
    let create = |version, letter, backend| table(version, letter, backend).unwrap().create;
    assert_eq!(
        create(5, 'a', BackendKind::Sqlite),
        "CREATE TABLE IF NOT EXISTS a (k BLOB PRIMARY KEY, v BLOB NOT NULL)"
    );
    assert_eq!(create(5, 'i', BackendKind::Sqlite), "CREATE TABLE IF NOT EXISTS i (k BLOB PRIMARY KEY)");
    assert_eq!(
        create(6, 'n', BackendKind::Postgres),
        "CREATE TABLE IF NOT EXISTS n (k BYTEA PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)"
    );
    assert_eq!(
        create(5, 't', BackendKind::Mysql),
        "CREATE TABLE IF NOT EXISTS t (k TINYBLOB, v LONGBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB"
    );
    assert_eq!(table(5, 'i', BackendKind::Mysql).unwrap().unique_prefix, Some(400));
    assert_eq!(table(5, 'u', BackendKind::RocksDb).unwrap().merge_operator, Some("merge"));
    let blobs = table(5, 't', BackendKind::RocksDb).unwrap();
    assert_eq!((blobs.blob_files, blobs.value), (true, ValueKind::Blob));
    // The change log is never cut.
    for version in [1, 5, 6] {
        assert_eq!(table(version, 'l', BackendKind::FoundationDb).unwrap().max_value, Some(100_000));
        assert_eq!(table(version, 'l', BackendKind::Mysql).unwrap().max_value, Some((1 << 24) - 1));
    }
    // Other values are cut: these are as many pieces as the server reads.
    let longest = |letter| table(5, letter, BackendKind::FoundationDb).unwrap().max_value;
    assert_eq!((longest('p'), longest('t'), longest('i')), (Some(25_500_000), Some(698_500_000), None));
    // No subspace is in the column family that every RocksDB database has.
    each_subspace(|version, subspace| {
        let table = subspace.table(BackendKind::RocksDb).unwrap();
        assert_eq!(table.name, subspace.letter.to_string());
        assert!(version.legacy_tables(BackendKind::RocksDb).all(|left| left.table.name != "default"));
    });
    assert_eq!(table(5, 'z', BackendKind::Postgres).unwrap_err(), "PostgreSQL has search tables of its own.");
    // What has no place somewhere can be rebuilt by the server.
    each_subspace(|_, subspace| {
        for backend in catalog::backends() {
            assert!(subspace.table(backend.kind).is_ok() || subspace.derived, "{}", subspace.letter);
        }
    });
}

#[test]
fn left_over_tables_complete_the_column_families() {
    let check = |version: u32, legacy: &str, side: usize| {
        let version = catalog::version(version).unwrap();
        for backend in catalog::backends() {
            let tables: Vec<_> = version.legacy_tables(backend.kind).collect();
            assert_eq!(tables.iter().map(|t| t.letter).collect::<String>(), legacy);
            assert!(tables.iter().all(|t| t.required == (backend.kind == BackendKind::RocksDb)));
        }
        assert_eq!(version.side_tables(BackendKind::Mysql).count(), side);
        assert_eq!(version.side_tables(BackendKind::RocksDb).count(), 0);
    };
    check(4, "", 0);
    check(5, "bcgvw", 4);
    check(6, "cv", 4);
    let rocksdb = catalog::backend(BackendKind::RocksDb).unwrap();
    assert_eq!(rocksdb.name, "rocksdb");
    let legacy = catalog::version(5).unwrap().legacy_tables(BackendKind::Sqlite).next().unwrap();
    assert_eq!(legacy.table.value, ValueKind::None);
}

#[test]
fn the_catalog_knows_what_is_special() {
    let layout = |version: u32, letter: char, name: &str| {
        let subspace = catalog::version(version).unwrap().subspace(letter).unwrap();
        *subspace.layouts.iter().find(|l| l.name == name).unwrap()
    };
    // Node leases belong to one installation; everything else is copied.
    let mut staying = Vec::new();
    each_subspace(|version, subspace| {
        let stay = subspace.layouts.iter().filter(|l| l.local);
        staying.extend(stay.map(|l| (version.number, subspace.letter, l.name)));
    });
    assert_eq!(staying, [(6, 'g', "node_lease")]);
    assert_eq!(layout(6, 'g', "node_lease").fresh, Some(FreshRule::Keep));
    // Fixed and derived keys of blobs.
    assert_eq!(layout(5, 't', "webadmin").fixed_key, Some(&b"STALWART_WEBADMIN"[..]));
    assert!(layout(5, 't', "content").content_hash && !layout(5, 't', "webadmin").content_hash);
    let derived: Vec<_> =
        catalog::versions().iter().flat_map(|v| v.derived_keys().map(move |c| (v, c))).collect();
    let [(version, derived)] = derived[..] else { panic!("{derived:?}") };
    assert_eq!((version.number, derived.prefix), (6, "STALWART_APP_"));
    assert!(layout(6, 't', "content").derived_keys.iter().any(|other| std::ptr::eq(other, derived)));
    let objects = version.subspace(derived.of.letter).unwrap();
    let key = unhex("000b 0000000000000007");
    assert!(derived.of.is(objects.layout(&key).unwrap()) && key.starts_with(derived.start));
    assert_eq!(derived.start, unhex("000b"));
    assert_eq!(derived.preimage(&key).as_deref(), Some("STALWART_APP_7"));
    assert_eq!(derived.preimage(&unhex("0010 0000000000000007")), None);
    // Links name blobs.
    let link = |version: u32, letter: char, key: &str| {
        let key = unhex(&key.replace('H', H));
        catalog::version(version).unwrap().subspace(letter).unwrap().blob_hash(&key).map(|h| h.to_vec())
    };
    assert_eq!(link(5, 'k', "H"), Some(unhex(H)));
    assert_eq!(link(1, 'k', "H 00000001 00 0000002a"), Some(unhex(H)));
    assert_eq!(link(5, 'k', "00"), None);
    assert_eq!(link(5, 'p', "00"), None);
    // Archives under some fields only.
    let property = layout(5, 'p', "property");
    assert_eq!(property.value_form(&unhex("00000001 05 32 00000001")), ValueForm::Archive);
    assert_eq!(property.value_form(&unhex("00000001 00 47 00000001")), ValueForm::Archive);
    assert_eq!(property.value_form(&unhex("00000001 01 47 00000001")), ValueForm::Opaque);
    for field in [44, 45, 46] {
        let key = [&[0, 0, 0, 3, 7, field][..], &[0; 4]].concat();
        assert_eq!(property.value_form(&key), ValueForm::Archive);
        let opaque = if field == 46 { ValueForm::Opaque } else { ValueForm::Archive };
        assert_eq!(layout(6, 'p', "property").value_form(&key), opaque);
    }
}

/// The numbers of a rule's group in a key, by the oracle; those that the key lacks are left to the rule.
fn group(layout: &Layout, key: &[u8], names: &[&str]) -> Vec<Option<u64>> {
    names.iter().map(|name| oracle::number(layout, key, name)).collect()
}

fn has_field(layout: &Layout, name: &str) -> bool {
    layout.segments.iter().any(|segment| segment.name == name)
}

fn agrees(group: Group, expect: &[Option<u64>]) -> bool {
    let same = group.iter().zip(expect).all(|(number, expect)| expect.is_none_or(|expect| expect == *number));
    same && group[expect.len()..].iter().all(|number| *number == 0)
}

#[test]
fn counter_rules_name_and_take_the_same_group_on_both_sides() {
    let mut rules = 0;
    for version in catalog::versions() {
        for rule in version.counter_rules() {
            rules += 1;
            let counter = rule.counter.layout;
            assert_eq!(version.subspace(rule.counter.letter).unwrap().value, ValueKind::Counter);
            assert!(rule.group.iter().all(|name| has_field(counter, name)), "{}", rule.name);
            let mut sampler = Sampler::new(u64::from(version.number));
            for _ in 0..SAMPLES {
                let key = sampler.key(counter);
                let names = group(counter, &key, rule.group);
                assert!(names.iter().all(Option::is_some), "{}", rule.name);
                assert!(agrees((rule.group_of)(&key).unwrap(), &names), "{}", rule.name);
            }
            assert!(version.covers(rule).next().is_some());
            for cover in version.covers(rule) {
                let layout = cover.of.layout;
                let subspace = version.subspace(cover.of.letter).unwrap();
                assert!(subspace.layouts.iter().any(|other| cover.of.is(other)), "{}", layout.name);
                // The numbers of a group that the key lacks: the same ones for every key.
                let mut fixed: Option<Vec<u64>> = None;
                // Where the id may be: a field of its own, never one of the group.
                let own = |s: &&Segment| !s.name.is_empty() && !rule.group.contains(&s.name);
                let mut ids: Vec<&str> = layout.segments.iter().filter(own).map(|s| s.name).collect();
                let mut covered = 0;
                for _ in 0..SAMPLES {
                    let key = sampler.key(layout);
                    let Some((numbers, id)) = (cover.covered)(&key) else { continue };
                    covered += 1;
                    let names = group(layout, &key, rule.group);
                    assert!(agrees(numbers, &names), "{} {} {numbers:?} {names:?}", rule.name, layout.name);
                    let lacking = rule.group.iter().zip(numbers).filter(|(name, _)| !has_field(layout, name));
                    let lacking: Vec<u64> = lacking.map(|(_, number)| number).collect();
                    assert_eq!(*fixed.get_or_insert(lacking.clone()), lacking, "{}", layout.name);
                    if let CoveredId::Number(id) = id {
                        ids.retain(|name| oracle::number(layout, &key, name) == Some(id));
                        assert!(!ids.is_empty(), "{}", layout.name);
                    }
                }
                // Where only some records are covered, the samples may have none of them.
                assert!(covered > 0 || !["property", "hash_index", "integer_index"].contains(&layout.name));
            }
        }
    }
    assert_eq!(rules, 6 * 2 + 1);
    // What is covered: version, letter, key, group and id of the rule `document_id`.
    let check = |version: u32, letter: char, key: &str, expect: Option<(&[u64], u64)>| {
        let version = catalog::version(version).unwrap();
        let rule = version.counter_rules().find(|rule| rule.name == "document_id").unwrap();
        let (key, subspace) = (unhex(key), version.subspace(letter).unwrap());
        let layout = subspace.layout(&key).unwrap();
        let found = version.covers(rule).filter(|c| c.of.is(layout)).find_map(|cover| (cover.covered)(&key));
        let found = found.map(|(group, id)| (group.to_vec(), id));
        assert_eq!(found, expect.map(|(group, id)| (group.to_vec(), CoveredId::Number(id))), "{key:02x?}");
    };
    check(6, 'i', "00000001 07 2c 00000001", Some((&[1, 7], 1)));
    check(6, 'i', "ffffffff 07 2c 00000001", None);
    check(5, 'i', "ffffffff 07 2c 00000001", Some((&[0xffff_ffff, 7], 1)));
    check(3, 'b', "ffffffff 06 0000002a", Some((&[0xffff_ffff, 6], 42)));
    check(4, 'b', "ffffffff 06 0000002a", None);
    check(4, 'b', "ffffffff 07 0000002a", Some((&[0xffff_ffff, 7], 42)));
    check(4, 'b', "00000001 06 0000002a", Some((&[1, 6], 42)));
    check(5, 'd', "02 ac 02", Some((&[0xffff_ffff, 7], 300)));
    check(5, 'p', "00000001 00 32 0000002a", Some((&[1, 0], 42)));
}

#[test]
fn singletons_have_keys_of_their_layout_and_the_names_of_their_types() {
    let mut found = Vec::new();
    for version in catalog::versions() {
        for object in version.singletons() {
            let subspace = version.subspace(object.letter).unwrap();
            assert!(subspace.check(object.key, &[0, 0]).is_ok(), "{}", object.name);
            let expect = format!("({}) item=20080258862541", object.title);
            assert!(subspace.describe(object.key).ends_with(&expect), "{}", subspace.describe(object.key));
            let default = object.variants.iter().find(|variant| variant.name == "Default").unwrap();
            assert_eq!(object.variant(default.number), Some(default));
            assert!(!default.external && object.variant(99).is_none());
            found.push((version.number, object.name));
        }
    }
    assert_eq!(
        found,
        [
            (6, "blob_store"),
            (6, "in_memory_store"),
            (6, "search_store"),
            (6, "tracing_store"),
            (6, "metrics_store"),
            (6, "coordinator"),
        ]
    );
    let blob_store = catalog::version(6).unwrap().blob_store().unwrap();
    assert_eq!(blob_store.key, [0x00, 0x10, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd]);
    assert!(catalog::version(5).unwrap().blob_store().is_none());
}
