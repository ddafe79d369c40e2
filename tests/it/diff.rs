//! Comparing dumps and stores.

use rusqlite::Connection;

use crate::harness::site::{Site, Sqlite, diff};

#[test]
fn a_difference_is_named_and_counted() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let database = Connection::open(site.store()).unwrap();
    database
        .execute_batch(
            "DELETE FROM d WHERE k = (SELECT min(k) FROM d); INSERT INTO s VALUES (x'7a7a', x'01');
             UPDATE p SET v = x'00' WHERE k = (SELECT max(k) FROM p)",
        )
        .unwrap();
    drop(database);
    let printed = diff(&dump, &site.resolved_config(), &["--json"]).verdict(4);
    let outcome = printed.json().pop().unwrap();
    let of = |letter: &str| {
        let list = outcome["subspaces"].as_array().unwrap();
        let counts = list.iter().find(|counts| counts["letter"] == letter).unwrap();
        ["only_left", "only_right", "different"].map(|name| counts[name].as_u64().unwrap())
    };
    assert_eq!([of("d"), of("s"), of("p"), of("t")], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]);
    let shown = diff(&dump, &site.resolved_config(), &[]).verdict(4);
    for words in ["d (directory)", "in the left, not in the right", "s (settings) 7a7a: in the right"] {
        assert!(shown.text().contains(words), "{words}: {shown:?}");
    }
    let other = Site::of("0.13.4", Sqlite);
    let versions = diff(&dump, &other.resolved_config(), &[]).expect(5);
    assert!(versions.error().contains("different schema versions"), "{versions:?}");
    diff(&dump, &site.path("nothing"), &[]).expect(2);
}
