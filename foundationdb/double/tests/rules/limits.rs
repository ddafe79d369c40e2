//! Limits of keys, values and transactions, and keys that may not be read or written.

use foundationdb::options::{ConflictRangeType, MutationType, TransactionOption};

use crate::harness::{Coded, rule, with};

rule!(keys_and_values, [], |cluster| async move {
    for (key, value, code) in [
        (10_000, 100_000, 0),
        (10_001, 1, 2102),
        (1, 100_001, 2103),
        // The key is looked at first.
        (10_001, 100_001, 2102),
        (0, 0, 0),
    ] {
        let transaction = cluster.transaction()?;
        transaction.set(&vec![b'k'; key], &vec![b'v'; value]);
        assert_eq!(transaction.commit().await.code(), code, "{key} {value}");
    }
    let transaction = cluster.transaction()?;
    transaction.atomic_op(&[b'k'; 10_001], b"1", MutationType::Add);
    // Every later operation says so, not only the commit.
    assert_eq!(transaction.get(b"other", false).await.code(), 2102);
    assert_eq!(transaction.commit().await.code(), 2102);
    Ok(())
});

rule!(transactions, [], |cluster| async move {
    let sized = |values: usize| {
        let transaction = cluster.transaction()?;
        for number in 0..values {
            transaction.set(format!("{number:04}").as_bytes(), &[b'v'; 100_000]);
        }
        Ok::<_, foundationdb::FdbError>(transaction)
    };
    assert_eq!(sized(99)?.commit().await.code(), 0);
    assert_eq!(sized(100)?.commit().await.code(), 2101);
    let limited = |limit| with(sized(3)?, &[TransactionOption::SizeLimit(limit)]);
    assert_eq!(limited(301_000)?.commit().await.code(), 0);
    assert_eq!(limited(300_000)?.commit().await.code(), 2101);
    // Below the least and above the greatest value of the option.
    assert_eq!(limited(31)?.commit().await.code(), 2006);
    assert_eq!(limited(10_000_001)?.commit().await.code(), 2006);
    Ok(())
});

rule!(sizes, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    assert_eq!(transaction.get_approximate_size().await?, 0);
    transaction.set(b"key", b"value");
    // The mutation, and the range from "key" to "key\0".
    assert_eq!(transaction.get_approximate_size().await?, (28 + 3 + 5) + (24 + 3 + 4));
    transaction.clear_range(b"a", b"b");
    assert_eq!(transaction.get_approximate_size().await?, 67 + (28 + 2) + (24 + 2));
    transaction.set_option(TransactionOption::NextWriteNoWriteConflictRange)?;
    transaction.set(b"key", b"value");
    assert_eq!(transaction.get_approximate_size().await?, 123 + (28 + 8));
    transaction.get(b"x", true).await?;
    assert_eq!(transaction.get_approximate_size().await?, 159);
    transaction.get(b"x", false).await?;
    assert_eq!(transaction.get_approximate_size().await?, 159 + (24 + 1 + 2));
    Ok(())
});

rule!(system_keys, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    assert_eq!(transaction.get(b"\xff", false).await.code(), 2004);
    assert_eq!(transaction.get(b"\xff/conf", false).await.code(), 2004);
    assert_eq!(transaction.get(b"\xff/metadataVersion", false).await.code(), 0);
    let all = (b"".as_slice(), b"\xff".as_slice());
    assert_eq!(transaction.get_range(&all.into(), 1, false).await.code(), 0);
    let beyond = (b"".as_slice(), b"\xff\x01".as_slice());
    assert_eq!(transaction.get_range(&beyond.into(), 1, false).await.code(), 2004);

    let reads = with(cluster.transaction()?, &[TransactionOption::ReadSystemKeys])?;
    assert_eq!(reads.get(b"\xff/conf", false).await.code(), 0);
    assert_eq!(reads.get_range(&beyond.into(), 1, false).await.code(), 0);
    reads.set(b"\xff/conf", b"1");
    assert_eq!(reads.commit().await.code(), 2004);

    let writes = with(cluster.transaction()?, &[TransactionOption::AccessSystemKeys])?;
    writes.set(b"\xff/conf", b"1");
    assert_eq!(writes.commit().await.code(), 0);
    let cleared = cluster.transaction()?;
    cleared.clear_range(b"a", b"\xff");
    assert_eq!(cleared.commit().await.code(), 0);
    let cleared = cluster.transaction()?;
    cleared.clear_range(b"a", b"\xff\xff");
    assert_eq!(cleared.commit().await.code(), 2004);
    Ok(())
});

rule!(special_keys, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    let status = transaction.get(b"\xff\xff/status/json", false).await?.ok_or("no status")?;
    assert!(status.starts_with(b"{\"client\":{"), "{status:?}", status = &*status);
    assert_eq!(transaction.get(b"\xff\xff/cluster_file_path", false).await.code(), 2113);
    transaction.set(b"\xff\xff/management/excluded/x", b"");
    assert_eq!(transaction.commit().await.code(), 2114);
    Ok(())
});

rule!(inverted_ranges, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    assert_eq!(transaction.add_conflict_range(b"b", b"a", ConflictRangeType::Read).code(), 2005);
    assert_eq!(transaction.get_estimated_range_size_bytes(b"b", b"a").await.code(), 2005);
    // A range read of nothing is no error.
    let range = (b"b".as_slice(), b"a".as_slice());
    assert_eq!(transaction.get_range(&range.into(), 1, false).await?.len(), 0);
    transaction.clear_range(b"b", b"a");
    assert_eq!(transaction.commit().await.code(), 2005);
    Ok(())
});

rule!(what_is_not_supported, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    assert_eq!(transaction.watch(b"k").await.code(), 2108);
    let range = (b"a".as_slice(), b"b".as_slice());
    assert_eq!(transaction.get_mapped_range(&range.into(), b"", 1, false).await.code(), 2108);
    let addresses = transaction.get_addresses_for_key(b"k").await?;
    assert_eq!(addresses.iter().map(|address| address.to_bytes()).collect::<Vec<_>>(), [b"127.0.0.1:4500"]);
    assert_eq!(cluster.database()?.get_main_thread_busyness().await?, 0.0);
    Ok(())
});
