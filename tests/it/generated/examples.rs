//! Worked examples of the format reference: keys as releases write them, and what they say.
//!
//! Handwritten, and derived from no descriptor.

use stalwart_migrate::catalog;

use super::{H, typed, unhex};

#[test]
fn worked_examples_of_the_format_reference_decode_as_described() {
    // Versions, letter, key in hex (H: the BLAKE3 of `hello`), description.
    let examples: &[(&[u32], char, &str, &str)] = &[
        (
            &[1, 6],
            'a',
            "00 00 00 05 00 00 00 01 01 00 00 00 07",
            "grant grantee=5 account=1 collection=1 (Mailbox) document=7",
        ),
        (&[1, 4], 'b', "00 00 00 01 00 00 00 00 2a", "document account=1 collection=0 (Email) document=42"),
        (&[6], 'b', "ff ff 00 00 00 00 00 00 00 00 00 05", "object object=0 (Account) item=5"),
        (
            &[6],
            'b',
            "00 00 00 02 6a 6f 68 6e 00 00 00 00 00 00 00 05",
            "index object=0 (Account) property=2 (Text) index_value=\"john\" item=5",
        ),
        (
            &[1, 4],
            'c',
            "00 00 00 01 00 07 ac 02 00 00 00 2a",
            "number_tag account=1 collection=0 (Email) field=7 tag=300 document=42",
        ),
        (
            &[1, 4],
            'c',
            "00 00 00 01 00 07 fe ff ff ff 0f 00 00 00 2a",
            "number_tag account=1 collection=0 (Email) field=7 tag=4294967294 document=42",
        ),
        (
            &[1, 4],
            'c',
            "00 00 00 01 00 d9 00 00 00 2a",
            "text_tag account=1 collection=0 (Email) field=217 tag=\"\" document=42",
        ),
        (&[1, 5], 'd', "00 61 64 6d 69 6e", "name name=\"admin\""),
        (&[1, 5], 'd', "02 ac 02", "principal principal=300"),
        (&[1, 5], 'd', "05 00 00 01 2c 00 00 00 02", "member_of principal=300 group=2"),
        (&[1, 5], 'd', "07 61 64 6d 69 6e 00 00 01 2c", "word word=\"admin\" principal=300"),
        (&[6], 'd', "00 00 00 00 00 00 00 00 00 05", "account object=0 (Account) item=5"),
        (&[1, 6], 'e', "03 63 aa 31 40 00 00 01", "message queue_id=244225933312000001"),
        (
            &[5],
            'f',
            "06 f0 fa 40 00 00 00 00 00 00 00 01 07 00 00 00 2a 00",
            "index_insert due=500174711422976000 account=1 document=42 search_index=0 (Email)",
        ),
        (
            &[2, 5],
            'f',
            "ff ff ff ff ff ff ff ff 00 00 00 01 05 00 00 00 09 06 f0 fa 40 00 00 00 00",
            "imip_payload account=1 document=9 due=500174711422976000",
        ),
        (&[6], 'f', "00 00 00 00 00 00 00 00 03 63 aa 31 40 00 00 01", "task id=244225933312000001"),
        (
            &[6],
            'f',
            "00 00 00 00 68 3b 98 00 03 63 aa 31 40 00 00 01",
            "due due=1748736000 id=244225933312000001",
        ),
        (
            &[1, 4],
            'g',
            "00 00 00 01 68 65 6c 6c 6f 00 00 00 00 2a",
            "postings account=1 word=\"hello\" collection=0 (Email) document=42",
        ),
        (
            &[6],
            'g',
            "ff ff 00 f2 6a 6f 68 6e 00 00 00 00 00 00 00 03",
            "unique_key object=65535 property=242 (Email) index_value=0x6a6f686e0000000000000003",
        ),
        (
            &[6],
            'g',
            "00 25 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 00 00 05",
            "reference target=37 (Domain) target_item=3 source=0 (Account) source_item=5",
        ),
        (&[6], 'g', "ff ff ff ff 00 00", "node_lease node=0"),
        (
            &[1, 5],
            'h',
            "00 00 00 00 00 68 3b 98 00 65 78 61 6d 70 6c 65 2e 6f 72 67 11 22 33 44 55 66 77 88 \
             03 63 aa 31 40 00 00 01 00",
            "dmarc_header due=1748736000 domain=\"example.org\" policy=1234605616436508552 \
             sequence=244225933312000001",
        ),
        (
            &[1, 6],
            'i',
            "00 00 00 01 0b 00 61 62 63 00 00 00 02",
            "index account=1 collection=11 (ContactCard) field=0 index_value=\"abc\" document=2",
        ),
        (
            &[5, 6],
            'i',
            "00 00 00 01 03 33 00 00 00 01",
            "index account=1 collection=3 (Identity) field=51 index_value=\"\" document=1",
        ),
        (
            &[5],
            'j',
            "02 00 00 00 00 68 3b 98 00 00 00 00 01 H",
            "spam_sample until=1748736000 account=1 hash=0xH",
        ),
        (&[5, 6], 'k', "H", "commit hash=0xH"),
        (&[1, 4], 'k', "H ff ff ff ff 00 ff ff ff ff", "commit hash=0xH"),
        (
            &[1, 5, 6],
            'k',
            "H 00 00 00 01 00 00 00 00 2a",
            "document_link hash=0xH account=1 collection=0 (Email) document=42",
        ),
        (
            &[5, 6],
            'k',
            "H 00 00 00 01 00 00 00 00 68 3b 98 00",
            "temporary_link hash=0xH account=1 until=1748736000",
        ),
        (
            &[1, 6],
            'l',
            "00 00 00 01 00 00 00 00 00 00 00 00 0a",
            "change account=1 sync_collection=0 (Email) change=10",
        ),
        (
            &[1, 3],
            'p',
            "00 00 00 01 0d 32 00 00 00 02",
            "property account=1 collection=13 (CalendarScheduling) field=50 document=2",
        ),
        (
            &[4, 6],
            'p',
            "00 00 00 01 0d 32 00 00 00 02",
            "property account=1 collection=13 (CalendarEventNotification) field=50 document=2",
        ),
        (
            &[3],
            'l',
            "00 00 00 01 08 00 00 00 00 00 00 00 0a",
            "change account=1 sync_collection=8 (CalendarScheduling) change=10",
        ),
        (
            &[4],
            'l',
            "00 00 00 01 08 00 00 00 00 00 00 00 0a",
            "change account=1 sync_collection=8 (CalendarEventNotification) change=10",
        ),
        (&[1, 6], 'n', "00 00 00 01 00", "document_id account=1 collection=0 (Email)"),
        (&[1, 6], 'n', "00 00 00 01 01 54 00 00 00 03", "mailbox_uid account=1 mailbox=3"),
        (&[6], 'n', "00 00 00 02 fe", "tenant_quota tenant=2"),
        (&[6], 'n', "00 00", "registry_id object=0 (Account)"),
        (&[1, 5], 'x', "00 00 00 00 68 3b 98 00 ac 02 01", "metric time=1748736000 metric=300 node=1"),
        (&[1, 5, 6], 'p', "00", "schema_version"),
        (
            &[1, 6],
            'p',
            "00 00 00 01 00 32 00 00 00 2a",
            "property account=1 collection=0 (Email) field=50 document=42",
        ),
        (
            &[5, 6],
            'p',
            "00 00 00 01 00 5a 05 68 65 6c 6c 6f 00 00 00 2a",
            "hash_index account=1 collection=0 (Email) field=90 index_value=0x0568656c6c6f document=42",
        ),
        (
            &[5, 6],
            'p',
            "00 00 00 01 0b 02 00 00 00 00 68 3b 98 00 00 00 00 03",
            "integer_index account=1 collection=11 (ContactCard) field=2 index_value=1748736000 document=3",
        ),
        (
            &[3, 6],
            'q',
            "00 00 00 00 68 3b 98 00 03 63 aa 31 40 00 00 01 72 65 6d 6f 74 65 00 00",
            "event due=1748736000 queue_id=244225933312000001 queue=\"remote\"",
        ),
        (
            &[6],
            's',
            "00 69 00 00 12 43 4c b2 4d cd",
            "object object=105 (SystemSettings) item=20080258862541",
        ),
        (&[1, 5], 'u', "04 ac 02", "disk_usage principal=300"),
        (
            &[1, 4],
            'v',
            "00 00 00 01 68 65 6c 6c 6f 00 1d 00 00 00 2a",
            "token account=1 word=\"hello\" collection=0 (Email) field=29 document=42",
        ),
        (
            &[1, 4],
            'v',
            "00 00 00 01 73 74 61 6c 77 61 72 74 08 00 1d 00 00 00 2a",
            "token account=1 word=0x7374616c7761727408 collection=0 (Email) field=29 document=42",
        ),
        (
            &[5, 6],
            'z',
            "00 00 00 00 01 68 65 6c 6c 6f 05 07 00 00 00 2a",
            "term search_index=0 (Email) account=1 word=0x68656c6c6f05 field=7 document=42",
        ),
        (
            &[5, 6],
            'z',
            "40 00 00 00 01 0a 00 00 00 00 68 3b 98 00 00 00 00 2a",
            "field search_index=64 (Email) account=1 field=10 index_value=0x00000000683b9800 document=42",
        ),
        (
            &[5, 6],
            'z',
            "80 00 00 00 01 00 00 00 2a",
            "document search_index=128 (Email) account=1 document=42",
        ),
        (&[5, 6], 'z', "84 03 63 aa 31 40 00 00 01", "trace span=244225933312000001"),
    ];
    for (versions, letter, key, expect) in examples {
        let (key, expect) = (unhex(&key.replace('H', H)), expect.replace('H', H));
        for version in *versions {
            let subspace = catalog::version(*version).unwrap().subspace(*letter).unwrap();
            assert_eq!(subspace.describe(&key), expect, "version {version} {letter}");
            let (bytes, _) = typed(subspace, subspace.layout(&key).unwrap(), &key);
            assert_eq!(bytes, key, "version {version} {letter}");
        }
    }
}
