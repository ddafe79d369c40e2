//! What a transaction sees of its own writes, and what atomic operations leave in the store.

use foundationdb::options::{MutationType, TransactionOption};
use foundationdb::{RangeOption, Transaction};

use crate::harness::{Coded, get, rule, with};

async fn keys(transaction: &Transaction, snapshot: bool) -> Result<String, foundationdb::FdbError> {
    let range = RangeOption::from((b"".as_slice(), b"\xff".as_slice()));
    let rows = transaction.get_range(&range, 1, snapshot).await?;
    let texts = rows.iter().map(|row| {
        format!("{}={}", String::from_utf8_lossy(row.key()), String::from_utf8_lossy(row.value()))
    });
    Ok(texts.collect::<Vec<_>>().join(" "))
}

rule!(own_writes_are_read, [], |cluster| async move {
    for key in ["a", "b", "c", "d"] {
        cluster.set(key, "old").await?;
    }
    let write = |transaction: &Transaction| {
        transaction.set(b"a", b"new");
        transaction.clear_range(b"b", b"d");
        transaction.set(b"e", b"new");
    };
    let transaction = cluster.transaction()?;
    write(&transaction);
    assert_eq!(keys(&transaction, false).await?, "a=new d=old e=new");
    assert_eq!(keys(&transaction, true).await?, "a=new d=old e=new");
    assert_eq!(get(&transaction, "b").await?, None);

    let snapshots = with(cluster.transaction()?, &[TransactionOption::SnapshotRywDisable])?;
    write(&snapshots);
    assert_eq!(keys(&snapshots, false).await?, "a=new d=old e=new");
    assert_eq!(keys(&snapshots, true).await?, "a=old b=old c=old d=old");

    let without = with(cluster.transaction()?, &[TransactionOption::ReadYourWritesDisable])?;
    write(&without);
    assert_eq!(keys(&without, false).await?, "a=old b=old c=old d=old");
    assert_eq!(get(&without, "e").await?, None);
    without.commit().await?;
    assert_eq!(keys(&cluster.transaction()?, false).await?, "a=new d=old e=new");
    Ok(())
});

rule!(own_writes_are_hidden_before_the_first_operation_or_not_at_all, [], |cluster| async move {
    let read = cluster.transaction()?;
    read.get(b"k", false).await?;
    read.set_option(TransactionOption::ReadYourWritesDisable)?;
    assert_eq!(read.get(b"k", false).await.code(), 2000);
    let written = cluster.transaction()?;
    written.set(b"k", b"v");
    written.set_option(TransactionOption::ReadYourWritesDisable)?;
    assert_eq!(written.commit().await.code(), 2000);
    Ok(())
});

rule!(atomic_operations, [], |cluster| async move {
    let number = 5_i64.to_le_bytes();
    let add = async || {
        let transaction = cluster.transaction()?;
        transaction.atomic_op(b"n", &number, MutationType::Add);
        transaction.atomic_op(b"n", &number, MutationType::Add);
        let seen = transaction.get(b"n", false).await?.map(|value| value.to_vec());
        transaction.commit().await?;
        let stored = cluster.transaction()?.get(b"n", false).await?.map(|value| value.to_vec());
        Ok::<_, Box<dyn std::error::Error>>((seen, stored))
    };
    let of = |number: i64| Some(number.to_le_bytes().to_vec());
    assert_eq!(add().await?, (of(10), of(10)));
    assert_eq!(add().await?, (of(20), of(20)));
    // In the order of the calls.
    let transaction = cluster.transaction()?;
    transaction.set(b"n", &1_i64.to_le_bytes());
    transaction.atomic_op(b"n", &number, MutationType::Add);
    transaction.atomic_op(b"m", &number, MutationType::Add);
    transaction.clear(b"m");
    transaction.atomic_op(b"m", &number, MutationType::Max);
    transaction.atomic_op(b"c", b"x", MutationType::CompareAndClear);
    transaction.commit().await?;
    let after = cluster.transaction()?;
    assert_eq!(after.get(b"n", false).await?.map(|value| value.to_vec()), of(6));
    assert_eq!(after.get(b"m", false).await?.map(|value| value.to_vec()), of(5));
    let clearing = cluster.transaction()?;
    clearing.atomic_op(b"n", &6_i64.to_le_bytes(), MutationType::CompareAndClear);
    clearing.commit().await?;
    assert!(cluster.transaction()?.get(b"n", false).await?.is_none());
    Ok(())
});
