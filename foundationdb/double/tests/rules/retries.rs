//! Cancelled and timed out transactions, `on_error`, and what may be done during a commit.

use std::time::{Duration, Instant};

use foundationdb::FdbError;
use foundationdb::options::{DatabaseOption, TransactionOption};

use crate::harness::{Coded, get, rule, with};

rule!(which_errors_may_be_retried, [], |cluster| async move {
    let not_committed = [1007, 1009, 1020, 1037, 1038, 1042, 1051, 1078, 1213];
    let maybe_committed = [1021, 1039];
    let never = [1025, 1031, 1036, 1515, 2000, 2004, 2101, 2102, 2103, 2104];
    for code in [not_committed.as_slice(), &maybe_committed, &never].concat() {
        let error = FdbError::from_code(code);
        let (not, maybe) = (not_committed.contains(&code), maybe_committed.contains(&code));
        assert_eq!(error.is_retryable_not_committed(), not, "{code}");
        assert_eq!(error.is_maybe_committed(), maybe, "{code}");
        assert_eq!(error.is_retryable(), not || maybe, "{code}");
        let retried = cluster.transaction()?.on_error(error).await;
        assert_eq!(retried.code(), if not || maybe { 0 } else { code });
    }
    assert_eq!(
        FdbError::from_code(1020).message(),
        "Transaction not committed due to conflict with another transaction"
    );
    Ok(())
});

rule!(a_retry_starts_anew, [], |cluster| async move {
    cluster.set("k", "old").await?;
    let transaction = with(cluster.transaction()?, &[TransactionOption::SnapshotRywDisable])?;
    let version = transaction.get_read_version().await?;
    transaction.set(b"k", b"new");
    cluster.set("k", "other").await?;
    let transaction = transaction.on_error(FdbError::from_code(1020)).await?;
    assert_eq!(get(&transaction, "k").await?.as_deref(), Some("other"));
    assert!(transaction.get_read_version().await? > version);
    // Of the options, those of time and retries stay, and others do not.
    transaction.set(b"k", b"seen");
    assert_eq!(transaction.get(b"k", true).await?.as_deref(), Some(b"seen".as_slice()));
    Ok(())
});

rule!(waits_grow_up_to_their_limit, [], |cluster| async move {
    let mut transaction = cluster.transaction()?;
    let began = Instant::now();
    for _ in 0..3 {
        transaction = transaction.on_error(FdbError::from_code(1020)).await?;
    }
    assert!(began.elapsed() >= Duration::from_millis(10 + 20 + 40));
    let mut limited = with(cluster.transaction()?, &[TransactionOption::MaxRetryDelay(0)])?;
    let began = Instant::now();
    for _ in 0..20 {
        limited = limited.on_error(FdbError::from_code(1020)).await?;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    Ok(())
});

rule!(retries_are_limited, [], |cluster| async move {
    let limit = |transaction| {
        with(transaction, &[TransactionOption::RetryLimit(2), TransactionOption::MaxRetryDelay(1)])
    };
    let mut transaction = limit(cluster.transaction()?)?;
    for _ in 0..2 {
        transaction = transaction.on_error(FdbError::from_code(1007)).await?;
    }
    assert_eq!(transaction.on_error(FdbError::from_code(1009)).await.code(), 1009);
    let database = cluster.database()?;
    database.set_option(DatabaseOption::TransactionRetryLimit(0))?;
    assert_eq!(database.create_trx()?.on_error(FdbError::from_code(1020)).await.code(), 1020);
    Ok(())
});

rule!(time_goes_on_during_retries, [], |cluster| async move {
    let mut transaction = with(cluster.transaction()?, &[TransactionOption::Timeout(150)])?;
    let began = Instant::now();
    let code = loop {
        match transaction.on_error(FdbError::from_code(1020)).await {
            Ok(again) => transaction = again,
            Err(error) => break error.code(),
        }
    };
    assert_eq!(code, 1031);
    let elapsed = began.elapsed();
    assert!((150..5000).contains(&elapsed.as_millis()), "{elapsed:?}");
    Ok(())
});

rule!(a_timeout_ends_with_a_reset, [], |cluster| async move {
    let mut transaction = with(cluster.transaction()?, &[TransactionOption::Timeout(50)])?;
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(transaction.get(b"k", false).await.code(), 1031);
    transaction.set(b"k", b"v");
    transaction.reset();
    assert_eq!(transaction.get(b"k", false).await.code(), 0);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(transaction.get(b"k", false).await.code(), 0);
    Ok(())
});

rule!(a_cancelled_transaction, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    transaction.set(b"k", b"v");
    let stamp = transaction.get_versionstamp();
    let cancelled = transaction.cancel();
    assert_eq!(stamp.await.code(), 1025);
    let transaction = cancelled.reset();
    assert_eq!(get(&transaction, "k").await?, None);
    Ok(())
});

rule!(slow_reads, [("FDB_DOUBLE_LATENCY", "read=500ms,commit=100ms")], |cluster| async move {
    let began = Instant::now();
    cluster.set("k", "v").await?;
    assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
    let began = Instant::now();
    let transaction = cluster.transaction()?;
    // Both at once.
    let (one, other) = (transaction.get(b"k", false), transaction.get(b"l", false));
    assert!(began.elapsed() < Duration::from_millis(450), "a read has waited");
    assert!(one.await?.is_some() && other.await?.is_none());
    assert!((500..1000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    let timed = with(cluster.transaction()?, &[TransactionOption::Timeout(50)])?;
    assert_eq!(timed.get(b"k", false).await.code(), 1031);
    let cancelled = cluster.transaction()?;
    let read = cancelled.get(b"k", false);
    cancelled.cancel();
    assert_eq!(read.await.code(), 1025);
    Ok(())
});

rule!(a_transaction_ends_with_its_commit, [], |cluster| async move {
    let transaction = cluster.transaction()?;
    transaction.set(b"k", b"v");
    let committed = transaction.commit().await?;
    assert!(committed.committed_version()? > 0);
    let transaction = committed.reset();
    assert_eq!(get(&transaction, "k").await?.as_deref(), Some("v"));
    Ok(())
});

const OFTEN: &str = "seed=5 rate=0.2 codes=1007,1009,1037,1020,1021 of=any applied=random";

rule!(the_loop_of_the_crate_gets_through, [("FDB_DOUBLE_FAULTS", OFTEN)], |cluster| async move {
    let database = cluster.database()?;
    let mut repeated = 0;
    for number in 0..50 {
        let (key, tries) = (format!("{number:02}"), std::cell::Cell::new(0));
        let tried = &tries;
        let key = key.as_str();
        let done = database.run(|transaction, _maybe_committed| async move {
            tried.set(tried.get() + 1);
            transaction.set_option(TransactionOption::MaxRetryDelay(1))?;
            transaction.get(key.as_bytes(), false).await?;
            transaction.set(key.as_bytes(), b"v");
            Ok(())
        });
        done.await?;
        repeated += tries.get() - 1;
    }
    assert!(repeated >= 10, "{repeated} repetitions");
    Ok(())
});
