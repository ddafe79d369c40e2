//! Dry runs: every check is made and reported, and nothing is written.

use crate::harness::site::{Outcome, RocksDb, Site, Sqlite};

#[test]
fn a_dry_run_reports_every_check() {
    let source = Site::of("0.15.5", Sqlite);
    let checks = |printed: &Outcome| -> Vec<(String, String)> {
        let lines = printed.json().into_iter().filter(|line| line["event"] == "check");
        lines
            .map(|line| (line["name"].as_str().unwrap().into(), line["outcome"].as_str().unwrap().into()))
            .collect()
    };
    let printed = source.export_with("dry", &["--dry-run", "--json"]).expect(0);
    let found = checks(&printed);
    for name in
        ["configuration", "source", "schema version", "source not in use", "destination", "free space"]
    {
        assert!(found.contains(&(name.into(), "passed".into())), "{name}: {found:?}");
    }
    let text = source.export_with("dry", &["--dry-run"]).expect(0);
    assert!(
        text.text().contains("passed   free space") && text.stderr.contains("estimated time"),
        "{text:?}"
    );
    let dump = source.export("dump");
    // What refuses is shown with everything else.
    let target = Site::of("0.15.5", RocksDb);
    let printed = target.import_with(&dump, &["--dry-run", "--json"]).expect(5);
    let found = checks(&printed);
    assert!(found.contains(&("target empty".into(), "refused".into())), "{found:?}");
    assert!(found.contains(&("dump undamaged".into(), "passed".into())), "{found:?}");
    let fresh = Site::fresh("0.15.5", RocksDb);
    let printed = fresh.import_with(&dump, &["--dry-run", "--json"]).expect(0);
    let found = checks(&printed);
    for name in ["target empty", "dump undamaged", "records fit", "target", "free space"] {
        assert!(found.contains(&(name.into(), "passed".into())), "{name}: {found:?}");
    }
}
