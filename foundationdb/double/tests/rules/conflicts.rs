//! Which transactions conflict.

use std::error::Error;

use foundationdb::options::{ConflictRangeType, MutationType, TransactionOption};
use foundationdb::{KeySelector, RangeOption, Transaction};

use crate::harness::{Cluster, Coded, rule, with};

/// Lets a transaction do something, another one write `key`, and the first commit.
async fn committed(
    cluster: &Cluster,
    key: &str,
    options: &[TransactionOption],
    first: impl AsyncFnOnce(&Transaction) -> Result<(), Box<dyn Error>>,
) -> Result<i32, Box<dyn Error>> {
    let transaction = with(cluster.transaction()?, options)?;
    transaction.get_read_version().await?;
    first(&transaction).await?;
    cluster.set(key, "in between").await?;
    transaction.set(b"result", b"1");
    Ok(transaction.commit().await.code())
}

fn range(begin: &str, end: &str) -> RangeOption<'static> {
    RangeOption::from((begin.as_bytes().to_vec(), end.as_bytes().to_vec()))
}

rule!(reads_conflict_with_later_writes, [], |cluster| async move {
    cluster.fill(10, 1).await?;
    let read = |key: &'static str, snapshot| {
        async move |tr: &Transaction| {
            tr.get(key.as_bytes(), snapshot).await?;
            Ok(())
        }
    };
    assert_eq!(committed(&cluster, "key001", &[], read("key001", false)).await?, 1020);
    assert_eq!(committed(&cluster, "key002", &[], read("key001", false)).await?, 0);
    assert_eq!(committed(&cluster, "key001", &[], read("key001", true)).await?, 0);
    // A key that did not exist was read as well.
    assert_eq!(committed(&cluster, "new", &[], read("new", false)).await?, 1020);
    Ok(())
});

rule!(range_reads_conflict_as_far_as_they_read, [], |cluster| async move {
    let first_three = |reverse, snapshot| {
        async move |tr: &Transaction| {
            let option = RangeOption { limit: Some(3), reverse, ..range("key002", "key008") };
            assert_eq!(tr.get_range(&option, 1, snapshot).await?.len(), 3);
            Ok(())
        }
    };
    for (key, reverse, snapshot, code) in [
        ("key002", false, false, 1020),
        ("key004", false, false, 1020),
        ("key0041", false, false, 0),
        ("key001", false, false, 0),
        ("key004", false, true, 0),
        ("key007", true, false, 1020),
        ("key0079", true, false, 1020),
        ("key005", true, false, 1020),
        ("key0049", true, false, 0),
        ("key008", true, false, 0),
    ] {
        // Without the keys that earlier cases have added.
        let anew = cluster.transaction()?;
        anew.clear_range(b"", b"\xff");
        anew.commit().await?;
        cluster.fill(10, 1).await?;
        let found = committed(&cluster, key, &[], first_three(reverse, snapshot)).await?;
        assert_eq!(found, code, "{key} {reverse} {snapshot}");
    }
    let all = async |tr: &Transaction| {
        tr.get_range(&range("key002", "key0089"), 1, false).await?;
        Ok(())
    };
    assert_eq!(committed(&cluster, "key00888", &[], all).await?, 1020);
    Ok(())
});

rule!(key_selectors_conflict_between_key_and_result, [], |cluster| async move {
    cluster.fill(10, 1).await?;
    let select = async |tr: &Transaction| {
        let selector = KeySelector::first_greater_or_equal(b"key0031".as_slice());
        assert_eq!(&*tr.get_key(&selector, false).await?, b"key004");
        Ok(())
    };
    assert_eq!(committed(&cluster, "key003", &[], select).await?, 0);
    assert_eq!(committed(&cluster, "key0035", &[], select).await?, 1020);
    Ok(())
});

rule!(writes_alone_do_not_conflict, [], |cluster| async move {
    let write = async |tr: &Transaction| {
        tr.set(b"k", b"1");
        tr.atomic_op(b"n", &1_i64.to_le_bytes(), MutationType::Add);
        tr.clear_range(b"a", b"c");
        Ok(())
    };
    assert_eq!(committed(&cluster, "k", &[], write).await?, 0);
    // A key that the transaction has written itself was not read from the store.
    let read_own = async |tr: &Transaction| {
        tr.set(b"k", b"1");
        tr.get(b"k", false).await?;
        Ok(())
    };
    assert_eq!(committed(&cluster, "k", &[], read_own).await?, 0);
    let without = [TransactionOption::ReadYourWritesDisable];
    assert_eq!(committed(&cluster, "k", &without, read_own).await?, 1020);
    Ok(())
});

rule!(conflict_ranges_can_be_added, [], |cluster| async move {
    let reads = async |tr: &Transaction| Ok(tr.add_conflict_range(b"a", b"c", ConflictRangeType::Read)?);
    assert_eq!(committed(&cluster, "b", &[], reads).await?, 1020);
    assert_eq!(committed(&cluster, "c", &[], reads).await?, 0);
    // A transaction without changes commits what it is taken to have written.
    let reader = cluster.transaction()?;
    reader.get(b"b", false).await?;
    let writer = cluster.transaction()?;
    writer.add_conflict_range(b"a", b"c", ConflictRangeType::Write)?;
    assert!(writer.commit().await?.committed_version()? > 0);
    reader.set(b"result", b"1");
    assert_eq!(reader.commit().await.code(), 1020);
    Ok(())
});

rule!(the_next_write_has_no_conflict_range, [], |cluster| async move {
    let reader = async |key: &str| {
        let reader = cluster.transaction()?;
        reader.get(key.as_bytes(), false).await?;
        reader.set(b"result", b"1");
        Ok::<_, Box<dyn Error>>(reader)
    };
    let (first, second) = (reader("first").await?, reader("second").await?);
    let writer = with(cluster.transaction()?, &[TransactionOption::NextWriteNoWriteConflictRange])?;
    writer.set(b"first", b"1");
    writer.set(b"second", b"1");
    writer.commit().await?;
    assert_eq!(first.commit().await.code(), 0);
    assert_eq!(second.commit().await.code(), 1020);
    assert_eq!(cluster.get("first").await?.as_deref(), Some("1"));
    Ok(())
});
