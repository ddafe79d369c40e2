//! Read versions, the five seconds of a transaction, and versions of commits.

use foundationdb::options::{MutationType, TransactionOption};

use crate::harness::{Coded, advance, rule, with};

rule!(a_transaction_is_too_old_after_five_seconds, [], |cluster| async move {
    cluster.set("k", "v").await?;
    let transaction = cluster.transaction()?;
    transaction.get(b"k", false).await?;
    advance(4_000_000)?;
    assert_eq!(transaction.get(b"k", false).await.code(), 0);
    advance(1_100_000)?;
    assert_eq!(transaction.get(b"k", false).await.code(), 1007);
    let range = (b"a".as_slice(), b"z".as_slice());
    assert_eq!(transaction.get_range(&range.into(), 1, true).await.code(), 1007);
    transaction.set(b"k", b"new");
    assert_eq!(transaction.commit().await.code(), 1007);
    assert_eq!(cluster.get("k").await?.as_deref(), Some("v"));
    Ok(())
});

rule!(the_clock_runs_by_itself, [("FDB_DOUBLE_RATE", "1000000000")], |cluster| async move {
    // Five million versions are five milliseconds here.
    let transaction = cluster.transaction()?;
    transaction.get(b"k", false).await?;
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(transaction.get(b"k", false).await.code(), 1007);
    Ok(())
});

rule!(only_reading_makes_a_transaction_old, [], |cluster| async move {
    let written = cluster.transaction()?;
    written.set(b"a", b"1");
    advance(6_000_000)?;
    assert_eq!(written.commit().await.code(), 0);
    // Reading as a snapshot counts as well, unless the transaction takes the risk.
    let commit = async |options: &[TransactionOption]| {
        let read = with(cluster.transaction()?, options)?;
        read.get(b"a", true).await?;
        read.set(b"b", b"1");
        advance(6_000_000)?;
        Ok::<_, Box<dyn std::error::Error>>(read.commit().await.code())
    };
    assert_eq!(commit(&[]).await?, 1007);
    assert_eq!(commit(&[TransactionOption::CausalWriteRisky]).await?, 0);
    Ok(())
});

rule!(reads_are_of_one_version, [], |cluster| async move {
    cluster.set("k", "old").await?;
    cluster.set("gone", "x").await?;
    let transaction = cluster.transaction()?;
    let version = transaction.get_read_version().await?;
    cluster.set("k", "new").await?;
    let clearing = cluster.transaction()?;
    clearing.clear(b"gone");
    clearing.commit().await?;
    assert_eq!(transaction.get(b"k", true).await?.as_deref(), Some(b"old".as_slice()));
    assert_eq!(transaction.get(b"gone", true).await?.as_deref(), Some(b"x".as_slice()));
    assert_eq!(transaction.get_read_version().await?, version);

    let same = cluster.transaction()?;
    same.set_read_version(version);
    assert_eq!(same.get(b"k", true).await?.as_deref(), Some(b"old".as_slice()));
    assert_eq!(cluster.get("k").await?.as_deref(), Some("new"));
    assert_eq!(cluster.get("gone").await?, None);
    Ok(())
});

rule!(values_outlive_their_history, [], |cluster| async move {
    for value in ["1", "2", "3"] {
        cluster.set("k", value).await?;
        cluster.set("gone", value).await?;
        advance(6_000_000)?;
    }
    let clearing = cluster.transaction()?;
    clearing.clear(b"gone");
    clearing.commit().await?;
    for _ in 0..3 {
        advance(6_000_000)?;
        cluster.set("other", "x").await?;
        assert_eq!(cluster.get("k").await?.as_deref(), Some("3"));
        assert_eq!(cluster.get("gone").await?, None);
    }
    cluster.set("gone", "back").await?;
    assert_eq!(cluster.get("gone").await?.as_deref(), Some("back"));
    Ok(())
});

rule!(a_version_of_the_future, [], |cluster| async move {
    let version = cluster.transaction()?.get_read_version().await?;
    let transaction = cluster.transaction()?;
    transaction.set_read_version(version + 60_000_000);
    assert_eq!(transaction.get(b"k", false).await.code(), 1009);
    transaction.set(b"k", b"v");
    assert_eq!(transaction.commit().await.code(), 1009);
    for (version, code) in [(0, 2011), (-5, 2011)] {
        let transaction = cluster.transaction()?;
        transaction.set_read_version(version);
        assert_eq!(transaction.get(b"k", false).await.code(), code);
    }
    let twice = cluster.transaction()?;
    twice.get_read_version().await?;
    twice.set_read_version(version);
    assert_eq!(twice.get(b"k", false).await.code(), 2010);
    Ok(())
});

rule!(versions_of_commits_grow, [], |cluster| async move {
    let mut last = cluster.transaction()?.get_read_version().await?;
    for _ in 0..5 {
        let transaction = cluster.transaction()?;
        transaction.set(b"k", b"v");
        let committed = transaction.commit().await?.committed_version()?;
        assert!(committed > last, "{committed} after {last}");
        last = cluster.transaction()?.get_read_version().await?;
        assert!(last >= committed, "{last} after {committed}");
    }
    let nothing = cluster.transaction()?;
    nothing.get(b"k", false).await?;
    assert_eq!(nothing.commit().await?.committed_version()?, -1);
    Ok(())
});

rule!(versionstamps, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    transaction.atomic_op(b"stamp/..........\x06\0\0\0", b"v", MutationType::SetVersionstampedKey);
    transaction.atomic_op(b"k", b"..........\0\0\0\0", MutationType::SetVersionstampedValue);
    assert_eq!(transaction.get(b"k", false).await.code(), 1036);
    let stamp = transaction.get_versionstamp();
    let version = transaction.commit().await?.committed_version()?;
    let expect = [version.to_be_bytes().as_slice(), &[0, 0]].concat();
    assert_eq!(&*stamp.await?, expect);
    let after = cluster.transaction()?;
    assert_eq!(after.get(b"k", false).await?.as_deref(), Some(expect.as_slice()));
    let key = [b"stamp/".as_slice(), &expect].concat();
    assert_eq!(after.get(&key, false).await?.as_deref(), Some(b"v".as_slice()));
    let nothing = cluster.transaction()?;
    let stamp = nothing.get_versionstamp();
    nothing.commit().await?;
    assert_eq!(stamp.await.code(), 2021);
    Ok(())
});
