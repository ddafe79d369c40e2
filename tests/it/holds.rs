//! Stores that runs hold: several may read one, and what one writes is closed to all others.

use std::fs;

use stalwart_migrate::backend::hold::{Hold, HoldMode};

use crate::harness::large::{size, with_blobs};
use crate::harness::site::{EMBEDDED, RocksDb, Site, Sqlite, assert_same, ended, started, trace, until};

#[test]
fn the_second_of_two_imports_into_one_target_is_refused() {
    let source = with_blobs(96);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(["--jobs", "1"]);
        let first = started(&mut command);
        until("the import writes", || size(&target.store_dir()) > 1 << 20);
        for flags in [&[][..], &["--resume"], &["--wipe-target", "--yes"]] {
            let second = target.import_with(&dump, flags).expect(5);
            let words =
                ["another run of this program is at work on the target", "another run is at work here"];
            assert!(words.iter().any(|words| second.error().contains(words)), "{second:?}");
        }
        ended(first).expect(0);
        assert_same(&dump, &target.export("again"));
    }
}

#[test]
fn a_source_is_held_while_it_is_read_and_readers_do_not_mind_each_other() {
    for engine in EMBEDDED {
        let source = Site::of("0.15.5", engine);
        if engine == RocksDb {
            // Every server leaves it.
            fs::write(source.store().join("LOCK"), "").unwrap();
        }
        let before = trace(&source.store_dir());
        let take = if engine == RocksDb { Hold::rocksdb } else { Hold::sqlite };
        // Another run that reads.
        let reader = take(&source.store(), HoldMode::Shared).unwrap().unwrap();
        source.export("dump");
        let target = Site::empty("0.15.5", Sqlite);
        target.copy_from(&source, &[]).expect(0);
        assert_eq!(trace(&source.store_dir()), before);
        let refused = source.import_with(&source.path("dump"), &["--wipe-target", "--yes"]).expect(5);
        assert!(refused.error().contains("another run of this program uses the store"), "{refused:?}");
        drop(reader);
        // The refused import may have touched the directory.
        let before = trace(&source.store_dir());
        // Another run that writes.
        let writer = take(&source.store(), HoldMode::Exclusive).unwrap().unwrap();
        let refused = source.export_with("refused", &[]).expect(5);
        assert!(refused.error().contains("another run of this program writes to the store"), "{refused:?}");
        let target = Site::empty("0.15.5", Sqlite);
        target.copy_from(&source, &[]).expect(5);
        assert!(!target.store().exists() && !source.path("refused").exists());
        source.export_with("dry", &["--dry-run"]).expect(0).says(&["another run of this program writes"]);
        drop(writer);
        assert_eq!(trace(&source.store_dir()), before);
    }
}
