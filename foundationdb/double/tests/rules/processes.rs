//! Several processes on one store, and processes that are killed.

use std::error::Error;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use foundationdb::options::{MutationType, StreamingMode};
use foundationdb::{Database, RangeOption};
use futures_executor::block_on;
use futures_util::TryStreamExt;

use crate::harness::{Cluster, Tested, alone, here, process, role, said};

async fn add(cluster: &Cluster, key: &str) -> Result<(), Box<dyn Error>> {
    let transaction = cluster.transaction()?;
    transaction.atomic_op(key.as_bytes(), &1_i64.to_le_bytes(), MutationType::Add);
    transaction.commit().await?;
    Ok(())
}

/// Adds one to a number that it has read: a process that does so at the same time conflicts, and tries again.
async fn read_and_add(cluster: &Cluster, key: &str) -> Result<usize, Box<dyn Error>> {
    let mut transaction = cluster.transaction()?;
    let mut conflicts = 0;
    loop {
        let value = transaction.get(key.as_bytes(), false).await?;
        let number: i64 = match value {
            None => 0,
            Some(value) => String::from_utf8_lossy(&value).parse()?,
        };
        transaction.set(key.as_bytes(), (number + 1).to_string().as_bytes());
        match transaction.commit().await {
            Ok(_) => return Ok(conflicts),
            Err(error) => {
                assert_eq!(error.code(), 1020);
                conflicts += 1;
                transaction = error.on_error().await?;
            }
        }
    }
}

const EACH: i64 = 200;

#[test]
fn two_processes_lose_nothing() -> Tested {
    let name = concat!(module_path!(), "::two_processes_lose_nothing");
    match role().as_deref() {
        None => {
            let folder = tempfile::tempdir()?;
            let spawn =
                |who| Ok::<_, Box<dyn Error>>(process(name, &[], Some(folder.path()), Some(who))?.spawn()?);
            let both = [spawn("one")?, spawn("other")?];
            for child in both {
                let output = child.wait_with_output()?;
                assert!(output.status.success(), "{}", said(&output));
            }
            let output = process(name, &[], Some(folder.path()), Some("look"))?.output()?;
            assert!(output.status.success(), "{}", said(&output));
            Ok(())
        }
        Some("look") => here(|cluster| async move {
            let transaction = cluster.transaction()?;
            let added = transaction.get(b"added", false).await?.map(|value| value.to_vec());
            assert_eq!(added, Some((2 * EACH).to_le_bytes().to_vec()));
            assert_eq!(cluster.get("read").await?, Some((2 * EACH).to_string()));
            let range = RangeOption {
                mode: StreamingMode::WantAll,
                ..RangeOption::from((b"own/".as_slice(), b"own0".as_slice()))
            };
            assert_eq!(transaction.get_range(&range, 1, false).await?.len(), usize::try_from(2 * EACH)?);
            Ok(())
        }),
        Some(who) => here(|cluster| async move {
            for number in 0..EACH {
                add(&cluster, "added").await?;
                read_and_add(&cluster, "read").await?;
                cluster.set(&format!("own/{who}/{number}"), "").await?;
            }
            Ok(())
        }),
    }
}

#[test]
fn threads_of_a_process_lose_nothing() -> Tested {
    alone(concat!(module_path!(), "::threads_of_a_process_lose_nothing"), &[], |cluster| async move {
        std::thread::scope(|scope| {
            let work = || {
                for _ in 0..EACH {
                    let both = block_on(async {
                        add(&cluster, "added").await?;
                        read_and_add(&cluster, "read").await
                    });
                    // An error of another thread cannot be sent here.
                    both.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err("panicked".to_owned())))
        })?;
        let added = cluster.transaction()?.get(b"added", false).await?.map(|value| value.to_vec());
        assert_eq!(added, Some((4 * EACH).to_le_bytes().to_vec()));
        assert_eq!(cluster.get("read").await?, Some((4 * EACH).to_string()));
        Ok(())
    })
}

#[test]
fn a_store_is_opened_long_after_its_commits() -> Tested {
    let name = concat!(module_path!(), "::a_store_is_opened_long_after_its_commits");
    match role().as_deref() {
        None => {
            let folder = tempfile::tempdir()?;
            // For the second, a thousand seconds pass in each.
            for (role, rate) in [("write", "1000000"), ("look", "1000000000")] {
                let variables = [("FDB_DOUBLE_RATE", rate)];
                let output = process(name, &variables, Some(folder.path()), Some(role))?.output()?;
                assert!(output.status.success(), "{}", said(&output));
            }
            Ok(())
        }
        Some("write") => here(|cluster| async move {
            for key in ["a", "b", "c", "d"] {
                cluster.set(key, "old").await?;
            }
            cluster.set("a", "new").await?;
            let transaction = cluster.transaction()?;
            transaction.clear_range(b"b", b"d");
            transaction.commit().await?;
            cluster.set("c", "again").await
        }),
        Some(_) => here(|cluster| async move {
            let other = cluster.file().with_file_name("other.cluster");
            std::fs::copy(cluster.file(), &other)?;
            let started = Database::from_path(&other.to_string_lossy())?.create_trx()?;
            started.get_read_version().await?;
            std::thread::sleep(std::time::Duration::from_millis(50));
            let range = RangeOption::from((b"".as_slice(), b"\xff".as_slice()));
            let rows = cluster.transaction()?.get_range(&range, 1, false).await?;
            let rows: Vec<_> = rows.iter().map(|row| [row.key(), b"=", row.value()].concat()).collect();
            assert_eq!(rows, [b"a=new".as_slice(), b"c=again", b"d=old"]);
            cluster.set("b", "new").await?;
            assert_eq!(cluster.get("b").await?.as_deref(), Some("new"));
            Ok(())
        }),
    }
}

/// Commits one key after the other until it is killed.
fn commit_until_killed() -> Tested {
    here(|cluster| async move {
        for number in 1..100 {
            cluster.set(&format!("{number:02}"), "v").await?;
            println!("committed {number}");
        }
        Err("not killed".into())
    })
}

/// The keys that are in the store of a folder, seen by another process, which commits one more.
fn left(name: &str, folder: &Path) -> Result<String, Box<dyn Error>> {
    let output = process(name, &[], Some(folder), Some("look"))?.output()?;
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.split_once("keys: ")).ok_or("no keys")?;
    Ok(line.1.to_owned())
}

fn look() -> Tested {
    here(|cluster| async move {
        cluster.set("after", "v").await?;
        let transaction = cluster.transaction()?;
        let range = RangeOption::from((b"".as_slice(), b"\xff".as_slice()));
        let keys: Vec<String> = transaction
            .get_ranges_keyvalues(range, true)
            .map_ok(|row| String::from_utf8_lossy(row.key()).into_owned())
            .try_collect()
            .await?;
        println!("keys: {}", keys.join(" "));
        Ok(())
    })
}

#[test]
fn a_killed_process_leaves_whole_commits() -> Tested {
    let name = concat!(module_path!(), "::a_killed_process_leaves_whole_commits");
    match role().as_deref() {
        Some("look") => look(),
        Some(_) => commit_until_killed(),
        None => {
            for (kill, committed, keys) in [
                ("commit:3:before", 2, "01 02 after"),
                ("commit:3:torn", 2, "01 02 after"),
                // It happened, though the process never learnt it.
                ("commit:3:after", 2, "01 02 03 after"),
                ("commit:3", 2, "01 02 03 after"),
                ("commit:1:torn", 0, "after"),
            ] {
                let folder = tempfile::tempdir()?;
                let variables = [("FDB_DOUBLE_KILL", kill)];
                let output = process(name, &variables, Some(folder.path()), Some("victim"))?.output()?;
                assert_eq!(output.status.signal(), Some(9), "{kill}: {}", said(&output));
                let told = String::from_utf8_lossy(&output.stdout).matches("committed ").count();
                assert_eq!(told, committed, "{kill}: {}", said(&output));
                assert_eq!(left(name, folder.path())?, keys, "{kill}");
                // Once more: the entry that was cut has left nothing behind.
                assert_eq!(left(name, folder.path())?, keys, "{kill}");
            }
            Ok(())
        }
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_what_it_was_told() -> Tested {
    let name = concat!(module_path!(), "::a_process_killed_at_any_moment_leaves_what_it_was_told");
    match role().as_deref() {
        Some("look") => look(),
        Some(_) => here(|cluster| async move {
            for number in 1..1_000_000 {
                cluster.set(&format!("{number:07}"), "v").await?;
                println!("committed {number}");
            }
            Err("not killed".into())
        }),
        None => {
            for milliseconds in [15, 40, 75, 120] {
                let folder = tempfile::tempdir()?;
                let mut command = process(name, &[], Some(folder.path()), Some("victim"))?;
                let mut child = command.stdout(std::process::Stdio::piped()).spawn()?;
                // Long enough for the network of most runs; one that has not begun is a case as well.
                std::thread::sleep(std::time::Duration::from_millis(milliseconds));
                child.kill()?;
                let output = child.wait_with_output()?;
                let told = String::from_utf8_lossy(&output.stdout);
                let told = told.lines().filter_map(|line| line.split_once("committed ")).count();
                // Without the one that was added by looking.
                let keys = left(name, folder.path())?.split(' ').count() - 1;
                assert!(keys == told || keys == told + 1, "{keys} keys, told of {told}");
            }
            Ok(())
        }
    }
}
