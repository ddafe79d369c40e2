//! Range reads: batches, limits, order, key selectors; sizes and split points.

use foundationdb::options::StreamingMode;
use foundationdb::{KeySelector, RangeOption};
use futures_util::TryStreamExt;

use crate::harness::{Coded, rule};

fn all(mode: StreamingMode) -> RangeOption<'static> {
    RangeOption { mode, ..RangeOption::from((b"key".to_vec(), b"kez".to_vec())) }
}

rule!(batches_end_by_bytes, [], |cluster| async move {
    // A row counts 6 + 70 + 24 = 100 bytes.
    cluster.fill(900, 70).await?;
    let transaction = cluster.transaction()?;
    for (mode, iteration, rows, more) in [
        (StreamingMode::Small, 1, 3, true),
        (StreamingMode::Medium, 1, 10, true),
        (StreamingMode::Large, 1, 41, true),
        (StreamingMode::Serial, 1, 800, true),
        (StreamingMode::WantAll, 1, 800, true),
        (StreamingMode::Iterator, 1, 41, true),
        (StreamingMode::Iterator, 2, 62, true),
        (StreamingMode::Iterator, 3, 93, true),
        (StreamingMode::Iterator, 9, 800, true),
        (StreamingMode::Iterator, 50, 900, false),
    ] {
        let batch = transaction.get_range(&all(mode), iteration, true).await?;
        assert_eq!((batch.len(), batch.more()), (rows, more), "{mode:?} {iteration}");
    }
    let target = RangeOption { target_bytes: 550, ..all(StreamingMode::WantAll) };
    assert_eq!(transaction.get_range(&target, 1, true).await?.len(), 6);
    let target = RangeOption { target_bytes: 550, ..all(StreamingMode::Exact) };
    assert_eq!(transaction.get_range(&target, 1, true).await?.len(), 6);
    assert_eq!(transaction.get_range(&all(StreamingMode::Iterator), 0, true).await.code(), 2000);
    assert_eq!(transaction.get_range(&all(StreamingMode::Exact), 1, true).await.code(), 2210);
    Ok(())
});

rule!(a_limit_says_more_even_if_nothing_is_left, [], |cluster| async move {
    cluster.fill(10, 1).await?;
    let transaction = cluster.transaction()?;
    for (limit, rows, more) in [(3, 3, true), (10, 10, true), (11, 10, false)] {
        let range = RangeOption { limit: Some(limit), ..all(StreamingMode::Exact) };
        let batch = transaction.get_range(&range, 1, false).await?;
        assert_eq!((batch.len(), batch.more()), (rows, more), "{limit}");
    }
    Ok(())
});

rule!(a_value_is_read_whole_in_a_small_batch, [], |cluster| async move {
    cluster.fill(2, 100_000).await?;
    let transaction = cluster.transaction()?;
    let batch = transaction.get_range(&all(StreamingMode::Small), 1, false).await?;
    assert_eq!((batch.len(), batch[0].value().len(), batch.more()), (1, 100_000, true));
    Ok(())
});

rule!(streams_read_everything_once, [], |cluster| async move {
    cluster.fill(900, 70).await?;
    for (reverse, mode) in [
        (false, StreamingMode::Iterator),
        (true, StreamingMode::Iterator),
        (false, StreamingMode::Small),
        (false, StreamingMode::WantAll),
    ] {
        let transaction = cluster.transaction()?;
        let range = RangeOption { reverse, ..all(mode) };
        let mut found: Vec<Vec<u8>> = transaction
            .get_ranges_keyvalues(range, true)
            .map_ok(|row| row.key().to_vec())
            .try_collect()
            .await?;
        if reverse {
            found.reverse();
        }
        let expect: Vec<Vec<u8>> = (0..900).map(|number| format!("key{number:03}").into_bytes()).collect();
        assert!(found == expect, "{reverse} {mode:?}: {} keys", found.len());
    }
    Ok(())
});

rule!(keys_and_values_are_those_that_were_written, [], |cluster| async move {
    let keys: [&[u8]; 4] = [b"", b"\0", b"k\xfe", b"k\xfe\0"];
    let transaction = cluster.transaction()?;
    for key in keys {
        transaction.set(key, &[key, b"\xff"].concat());
    }
    transaction.set(b"z", b"");
    transaction.commit().await?;
    let transaction = cluster.transaction()?;
    let range = RangeOption::from((b"".as_slice(), b"\xff".as_slice()));
    let batch = transaction.get_range(&range, 1, false).await?;
    let found: Vec<(&[u8], &[u8])> = batch.iter().map(|row| (row.key(), row.value())).collect();
    let expect: [(&[u8], &[u8]); 5] = [
        (b"", b"\xff"),
        (b"\0", b"\0\xff"),
        (b"k\xfe", b"k\xfe\xff"),
        (b"k\xfe\0", b"k\xfe\0\xff"),
        (b"z", b""),
    ];
    assert_eq!(found, expect);
    assert_eq!(transaction.get(b"z", false).await?.as_deref(), Some(b"".as_slice()));
    Ok(())
});

rule!(selectors_with_offsets, [], |cluster| async move {
    cluster.fill(10, 1).await?;
    let transaction = cluster.transaction()?;
    for (selector, expect) in [
        (KeySelector::first_greater_or_equal(b"key003".as_slice()), b"key003".as_slice()),
        (KeySelector::first_greater_than(b"key003".as_slice()), b"key004"),
        (KeySelector::last_less_or_equal(b"key003".as_slice()), b"key003"),
        (KeySelector::last_less_than(b"key003".as_slice()), b"key002"),
        (KeySelector::new(b"key003".as_slice().into(), false, 4), b"key006"),
        (KeySelector::new(b"key003".as_slice().into(), false, -2), b"key000"),
        (KeySelector::new(b"key003".as_slice().into(), false, -3), b""),
        (KeySelector::first_greater_than(b"key009".as_slice()), b"\xff"),
    ] {
        assert_eq!(&*transaction.get_key(&selector, false).await?, expect, "{selector:?}");
    }
    let begin = KeySelector::new(b"key003".as_slice().into(), false, 3);
    let end = KeySelector::new(b"key003".as_slice().into(), false, 5);
    let batch = transaction.get_range(&RangeOption::from((begin, end)), 1, false).await?;
    assert_eq!(batch.iter().map(|row| row.key()).collect::<Vec<_>>(), [b"key005", b"key006"]);
    Ok(())
});

rule!(sizes_and_split_points, [], |cluster| async move {
    // A row has 6 + 94 bytes.
    cluster.fill(100, 94).await?;
    let transaction = cluster.transaction()?;
    assert_eq!(transaction.get_estimated_range_size_bytes(b"key", b"kez").await?, 10_000);
    assert_eq!(transaction.get_estimated_range_size_bytes(b"key050", b"key060").await?, 1_000);
    assert_eq!(transaction.get_estimated_range_size_bytes(b"a", b"b").await?, 0);
    let points = transaction.get_range_split_points(b"key", b"kez", 3_000).await?;
    let points: Vec<&[u8]> = points.iter().map(|point| point.key()).collect();
    assert_eq!(points, [b"key".as_slice(), b"key030", b"key060", b"key090", b"kez"]);
    let points = transaction.get_range_split_points(b"a", b"b", 3_000).await?;
    assert_eq!(points.iter().map(|point| point.key()).collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(transaction.get_range_split_points(b"a", b"b", 0).await.code(), 2000);
    Ok(())
});
