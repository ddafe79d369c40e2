//! How long many small objects take, beside rclone where it is installed: `SMALL_OBJECTS=20000` and
//! `--nocapture`.

use std::process::Command;
use std::time::Instant;

use stalwart_migrate::backend::objects::{Flow, ObjectSource, ObjectTarget, Objects, S3};
use stalwart_migrate::backend::{KeyRange, Target};
use stalwart_migrate::base::page::Page;

use super::{KIND, Records, fs_objects, key, possible, s3_settings, scan, table};
use crate::harness::blob_servers::{self, Server};

const FLOW: Flow = Flow { requests: 16, bytes: 16 << 20 };

fn measure(what: &str, expect: &Records, open: &dyn Fn() -> Box<dyn Objects>) {
    let begin = Instant::now();
    let target = ObjectTarget::new(open(), table(), KIND, possible(), FLOW);
    target.create(&[table()]).unwrap();
    let mut shard = target.shard(table()).unwrap();
    let mut page = Page::new();
    expect.iter().for_each(|(key, value)| page.push(key, value));
    shard.write(&page).unwrap();
    shard.commit().unwrap();
    eprintln!("{} objects written to {what} in {:.1?}", expect.len(), begin.elapsed());
    let begin = Instant::now();
    let source = ObjectSource::open(open(), table(), KIND, possible(), FLOW, false).unwrap();
    let got: Records = scan(&source, &KeyRange::all(), 256 << 10).into_iter().collect();
    eprintln!("{} objects read from {what} in {:.1?}", expect.len(), begin.elapsed());
    assert!(got == *expect);
}

#[test]
fn small_objects_are_sent_many_at_a_time() {
    let count: u64 = std::env::var("SMALL_OBJECTS").map_or(500, |count| count.parse().unwrap());
    let expect: Records = (0..count).map(|n| (key(n), vec![n as u8; 2000])).collect();
    let dir = tempfile::tempdir().unwrap();
    measure("files", &expect, &|| Box::new(fs_objects(&dir.path().join("files"), 2)));
    let server = Server::s3();
    let name = server.bucket();
    let settings = s3_settings(&server.endpoint(), &name, "p/");
    measure("S3", &expect, &|| Box::new(S3::new(&settings).unwrap()));
    if count > 500 {
        let copy = dir.path().join("copy").display().to_string();
        let remote = |path: &str| {
            format!(
                ":s3,provider=Other,access_key_id={},secret_access_key={},endpoint='{}',region=eu-central-1:{path}",
                blob_servers::ACCESS_KEY,
                blob_servers::SECRET_KEY,
                server.endpoint()
            )
        };
        for (from, to) in
            [(remote(&format!("{name}/p")), copy.clone()), (copy.clone(), remote(&format!("{name}/q")))]
        {
            let begin = Instant::now();
            let mut rclone = Command::new("rclone");
            rclone.env_remove("AWS_CA_BUNDLE");
            rclone.args(["copy", "--transfers", "16", "--checkers", "16", &from, &to]);
            assert!(rclone.status().unwrap().success());
            eprintln!("rclone copies in {:.1?}", begin.elapsed());
        }
    }
}
