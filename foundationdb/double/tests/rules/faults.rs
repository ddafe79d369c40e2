//! Injected errors, and the log of them.

use std::error::Error;
use std::path::Path;

use crate::harness::{Coded, process, role, rule, said};

/// The lines of the log of a process that ran a test of this file.
fn logged(name: &str, rules: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let variables = [("FDB_DOUBLE_FAULTS", rules), ("FDB_DOUBLE_LOG", log.to_str().ok_or("path")?)];
    let output = process(name, &variables, None, Some("child"))?.output()?;
    assert!(output.status.success(), "{}", said(&output));
    let text = if Path::new(&log).exists() { std::fs::read_to_string(&log)? } else { String::new() };
    Ok(text.lines().map(str::to_owned).collect())
}

#[test]
fn errors_are_injected_and_logged() -> crate::harness::Tested {
    if role().is_none() {
        let rules = "every=3 code=1007 of=get; at=2 code=1020 of=commit";
        let log = logged(concat!(module_path!(), "::errors_are_injected_and_logged"), rules)?;
        assert_eq!(
            log,
            [
                "fault of=get call=3 code=1007 applied=no",
                "fault of=get call=6 code=1007 applied=no",
                "fault of=commit call=2 code=1020 applied=no",
                "counts version=1 get=7 get_key=0 get_range=0 size=0 split=0 commit=3 faults=3",
            ]
        );
        return Ok(());
    }
    crate::harness::here(|cluster| async move {
        let transaction = cluster.transaction()?;
        transaction.get_read_version().await?;
        let mut codes = Vec::new();
        for _ in 0..7 {
            codes.push(transaction.get(b"k", false).await.code());
        }
        assert_eq!(codes, [0, 0, 1007, 0, 0, 1007, 0]);
        let mut codes = Vec::new();
        for value in ["1", "2", "3"] {
            let transaction = cluster.transaction()?;
            transaction.set(b"k", value.as_bytes());
            transaction.set(value.as_bytes(), b"");
            codes.push(transaction.commit().await.code());
        }
        assert_eq!(codes, [0, 1020, 0]);
        Ok(())
    })
}

const BOTH: &str = "at=1 code=1021 of=commit applied=yes; at=2 code=1021 of=commit applied=no";

rule!(an_unknown_result_is_either, [("FDB_DOUBLE_FAULTS", BOTH)], |cluster| async move {
    for (key, code, value) in [("applied", 1021, Some("v")), ("lost", 1021, None), ("plain", 0, Some("v"))] {
        let transaction = cluster.transaction()?;
        transaction.set(key.as_bytes(), b"v");
        let committed = transaction.commit().await;
        assert_eq!(committed.code(), code, "{key}");
        assert_eq!(cluster.get(key).await?.as_deref(), value, "{key}");
    }
    Ok(())
});

const RANDOM: &str = "seed=3 rate=0.5 code=1021 of=commit applied=random";

rule!(an_unknown_result_is_drawn, [("FDB_DOUBLE_FAULTS", RANDOM)], |cluster| async move {
    let (mut applied, mut lost) = (0, 0);
    for number in 0..60 {
        let key = format!("{number:02}");
        let transaction = cluster.transaction()?;
        transaction.set(key.as_bytes(), b"v");
        let code = transaction.commit().await.code();
        match (code, cluster.get(&key).await?.is_some()) {
            (0, true) => {}
            (1021, true) => applied += 1,
            (1021, false) => lost += 1,
            other => return Err(format!("{key}: {other:?}").into()),
        }
    }
    assert!(applied >= 5 && lost >= 5, "{applied} applied, {lost} lost");
    Ok(())
});

const OFTEN: &str = "seed=1 rate=0.3 codes=1007,1009,1037,1020,1021 of=any applied=random";

rule!(a_loop_with_retries_gets_through, [("FDB_DOUBLE_FAULTS", OFTEN)], |cluster| async move {
    for _ in 0..30 {
        let mut transaction = cluster.transaction()?;
        loop {
            transaction.set_option(foundationdb::options::TransactionOption::MaxRetryDelay(1))?;
            let read = transaction.get(b"k", false).await.map(drop);
            if let Err(error) = read {
                transaction = transaction.on_error(error).await?;
                continue;
            }
            transaction.set(b"k", b"v");
            match transaction.commit().await {
                Ok(_) => break,
                Err(error) => transaction = error.on_error().await?,
            }
        }
    }
    Ok(())
});

#[test]
fn rules_that_are_not_understood_stop_the_network() -> crate::harness::Tested {
    let name = concat!(module_path!(), "::rules_that_are_not_understood_stop_the_network");
    if role().is_none() {
        let output = process(name, &[("FDB_DOUBLE_FAULTS", "often")], None, Some("child"))?.output()?;
        assert!(output.status.success(), "{}", said(&output));
        let expect = "fdb-double: FDB_DOUBLE_FAULTS: \"often\" in \"often\" is not understood\n";
        assert!(String::from_utf8_lossy(&output.stderr).contains(expect), "{}", said(&output));
        return Ok(());
    }
    fdb_client::load()?;
    let built = foundationdb::api::FdbApiBuilder::default().build()?.build();
    assert_eq!(built.code(), 2006);
    Ok(())
}
