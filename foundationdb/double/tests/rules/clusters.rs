//! Cluster files, unreachable clusters and locked databases.

use std::time::{Duration, Instant};

use foundationdb::options::{DatabaseOption, TransactionOption};
use foundationdb::{Database, FdbError};
use futures_util::FutureExt;

use crate::harness::{Coded, rule, with};

rule!(no_cluster_file, [], |cluster| async move {
    let missing = cluster.file().with_file_name("missing");
    // As in the real client, only operations fail.
    let database = Database::from_path(&missing.to_string_lossy())?;
    let transaction = database.create_trx()?;
    let error = transaction.get(b"k", false).await.err().ok_or("read")?;
    assert_eq!(error.code(), 1515);
    assert_eq!(error.message(), "No cluster file found in current directory or default location");
    assert_eq!(transaction.on_error(error).await.code(), 1515);
    let transaction = database.create_trx()?;
    transaction.set(b"k", b"v");
    assert_eq!(transaction.commit().await.code(), 1515);
    assert!(!missing.with_file_name("missing.store").exists());
    Ok(())
});

rule!(a_cluster_file_of_something_else, [], |cluster| async move {
    std::fs::write(cluster.file(), "this is no cluster file\n")?;
    assert_eq!(cluster.transaction()?.get(b"k", false).await.code(), 2104);
    Ok(())
});

rule!(the_default_cluster_file, [("FDB_CLUSTER_FILE", "/nowhere/fdb.cluster")], |_cluster| async move {
    assert_eq!(Database::default()?.create_trx()?.get(b"k", false).await.code(), 1515);
    Ok(())
});

rule!(stores_of_different_files, [], |cluster| async move {
    cluster.set("k", "v").await?;
    let other = cluster.file().with_file_name("other.cluster");
    std::fs::copy(cluster.file(), &other)?;
    let transaction = Database::from_path(&other.to_string_lossy())?.create_trx()?;
    assert!(transaction.get(b"k", false).await?.is_none());
    assert_eq!(cluster.get("k").await?.as_deref(), Some("v"));
    assert!(cluster.file().with_file_name("fdb.cluster.store").exists());
    Ok(())
});

rule!(an_unreachable_cluster, [], |cluster| async move {
    std::fs::write(cluster.file(), "unreachable:test@127.0.0.1:4500\n")?;
    let transaction = cluster.transaction()?;
    let mut read = transaction.get(b"k", false);
    std::thread::sleep(Duration::from_millis(50));
    assert!((&mut read).now_or_never().is_none(), "answered");
    transaction.cancel();
    assert_eq!(read.await.code(), 1025);

    let began = Instant::now();
    let timed = with(cluster.transaction()?, &[TransactionOption::Timeout(100)])?;
    assert_eq!(timed.get(b"k", false).await.code(), 1031);
    assert!(began.elapsed() >= Duration::from_millis(100));
    // Later operations fail at once, and no retry helps.
    assert_eq!(timed.get_read_version().await.code(), 1031);
    assert_eq!(timed.on_error(FdbError::from_code(1031)).await.code(), 1031);

    let database = cluster.database()?;
    database.set_option(DatabaseOption::TransactionTimeout(100))?;
    let transaction = database.create_trx()?;
    transaction.set(b"k", b"v");
    assert_eq!(transaction.commit().await.code(), 1031);
    assert_eq!(&*database.get_client_status().await?, b"{\"Healthy\":false,\"ClusterID\":\"fdb-double\"}");
    Ok(())
});

rule!(a_timeout_that_is_set_late, [], |cluster| async move {
    std::fs::write(cluster.file(), "unreachable:test@127.0.0.1:4500\n")?;
    let transaction = cluster.transaction()?;
    let read = transaction.get(b"k", false);
    transaction.set_option(TransactionOption::Timeout(50))?;
    assert_eq!(read.await.code(), 1031);
    Ok(())
});

rule!(a_locked_database, [], |cluster| async move {
    cluster.set("k", "v").await?;
    let lock = cluster.file().with_file_name("fdb.cluster.locked");
    let before = cluster.transaction()?;
    before.get(b"k", false).await?;
    std::fs::write(&lock, "")?;
    let read = cluster.transaction()?.get(b"k", false).await;
    assert_eq!(read.code(), 1038);
    assert!(read.err().is_some_and(|error| error.is_retryable()));
    before.set(b"k", b"other");
    assert_eq!(before.commit().await.code(), 1038);

    let reads = with(cluster.transaction()?, &[TransactionOption::ReadLockAware])?;
    assert_eq!(reads.get(b"k", false).await?.as_deref(), Some(b"v".as_slice()));
    reads.set(b"k", b"other");
    assert_eq!(reads.commit().await.code(), 1038);

    let aware = with(cluster.transaction()?, &[TransactionOption::LockAware])?;
    assert_eq!(aware.get(b"k", false).await?.as_deref(), Some(b"v".as_slice()));
    aware.set(b"k", b"new");
    assert_eq!(aware.commit().await.code(), 0);
    std::fs::remove_file(&lock)?;
    assert_eq!(cluster.get("k").await?.as_deref(), Some("new"));
    Ok(())
});
