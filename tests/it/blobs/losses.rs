//! Blobs that are not there, not what they should be, or cannot be read: each is named, and nothing else is lost.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::*;
use crate::harness::program::run;
use crate::harness::program::{command, outcome, program};
use crate::harness::stub::{Reply, Stub, s3_list};

/// An installation with files as blobs, the dump it came from, and the keys of its blobs.
fn with_files(home: &Home, messages: u32) -> (PathBuf, PathBuf, Vec<Vec<u8>>) {
    home.generated("generated", messages, 2000);
    let source = home.toml("generated", &Store::Sqlite("generated"), &Store::Data);
    let dump = home.export(&source, "whole");
    let config = home.toml("files", &Store::Sqlite("data"), &Store::Fs("blobs", 1).lz4());
    home.import(&config, &dump);
    let keys = blobs_of(&dump).into_keys().collect();
    (config, dump, keys)
}

/// Every subspace but the blobs is the same.
#[track_caller]
fn rest_is_whole(whole: &Path, other: &Path) {
    for entry in fs::read_dir(whole).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name();
        if name != "subspace_t" {
            assert!(fs::read(entry.path()).unwrap() == fs::read(other.join(&name)).unwrap(), "{name:?}");
        }
    }
}

/// The program as a user who may not read everything.
fn unprivileged(home: &Home, arguments: &[&std::ffi::OsStr]) -> Outcome {
    let (own, copy) = (program(), home.path("stalwart-migrate"));
    if !copy.exists() {
        fs::hard_link(&own, &copy).or_else(|_| fs::copy(&own, &copy).map(drop)).unwrap();
    }
    let mut command = command(&copy);
    command.args(arguments);
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    outcome(command)
}

fn give_away(path: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    chown(path, Some(65534), Some(65534)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| give_away(&entry.path()));
    }
}

#[test]
fn what_is_missing_or_damaged_is_listed_and_the_rest_is_exported() {
    let home = Home::new();
    let (config, whole, keys) = with_files(&home, 600);
    let file = |key: &[u8]| home.path("blobs").join(file_of(key, 1));
    let missing: BTreeSet<String> = keys.iter().step_by(20).map(|key| hex(key)).collect();
    keys.iter().step_by(20).for_each(|key| fs::remove_file(file(key)).unwrap());
    let cut: BTreeSet<String> = keys.iter().skip(1).step_by(100).map(|key| hex(key)).collect();
    for key in keys.iter().skip(1).step_by(100) {
        let bytes = fs::read(file(key)).unwrap();
        fs::write(file(key), &bytes[..bytes.len() / 2]).unwrap();
    }
    assert!(missing.len() >= 25 && cut.len() >= 5, "{} {}", missing.len(), cut.len());
    let dump = home.path("dump");
    let ran = run(args!["-c", config, "-e", dump]).expect(3);
    assert!(ran.stderr.contains(&format!("{} missing", missing.len())), "{}", ran.stderr);
    assert_eq!(found(&dump, "blob_missing").into_iter().collect::<BTreeSet<_>>(), missing);
    assert_eq!(found(&dump, "blob_mismatch").into_iter().collect::<BTreeSet<_>>(), cut);
    let there = blobs_of(&dump);
    assert_eq!(there.len(), keys.len() - missing.len());
    let before = blobs_of(&whole);
    for (key, bytes) in there.iter().filter(|(key, _)| !cut.contains(&hex(key))) {
        assert_eq!(before.get(key), Some(bytes));
    }
    rest_is_whole(&whole, &dump);
    run(args!["-c", config, "-e", home.path("strict"), "--strict"]).expect(1);
    assert!(!home.path("strict/manifest/manifest.json").exists());
    // Blobs that were not exported are named again by every command on the dump.
    let target = home.toml("target", &Store::Sqlite("target"), &Store::Fs("t-blobs", 2));
    let imported = run(args!["-c", target, "-i", dump]).expect(3);
    assert!(imported.stderr.contains(&format!("{} missing", missing.len())), "{}", imported.stderr);
    run(args!["verify", dump]).verdict(4);
}

#[test]
fn an_unreadable_directory_is_no_absence() {
    let home = Home::new();
    let (config, whole, keys) = with_files(&home, 500);
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    for name in ["blobs", "data", "files.toml"] {
        give_away(&home.path(name));
    }
    let faithful = home.path("faithful");
    unprivileged(&home, args!["-c", config, "-e", faithful]).expect(0);
    assert_same(&whole, &faithful);
    let dir = format!("{:x}", keys[keys.len() / 2][0]);
    let closed = home.path("blobs").join(&dir);
    if rustix::process::geteuid().is_root() {
        chown(&closed, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let dump = home.path("dump");
    let refused = unprivileged(&home, args!["-c", config, "-e", dump]).expect(1);
    assert!(refused.stderr.contains("cannot read a directory of the blob store"), "{}", refused.stderr);
    assert!(!dump.join("manifest/manifest.json").exists());
    let salvaged = home.path("salvaged");
    let ran = unprivileged(&home, args!["-c", config, "-e", salvaged, "--salvage"]).expect(3);
    let inside: Vec<_> = keys.iter().filter(|key| key[0] == keys[keys.len() / 2][0]).collect();
    assert_eq!(blobs_of(&salvaged).len(), keys.len() - inside.len(), "{}", ran.stderr);
    assert_eq!(found(&salvaged, "lost").len(), 1);
    let missing: BTreeSet<String> = found(&salvaged, "blob_missing").into_iter().collect();
    assert_eq!(missing, inside.iter().map(|key| hex(key)).collect());
    rest_is_whole(&whole, &salvaged);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn s3_tells_absence_and_refusal_apart() {
    let home = Home::new();
    let dump = original(&home);
    let bucket = Server::s3().bucket();
    let config = home.toml("s3", &Store::Sqlite("data"), &Store::S3(bucket.clone(), "m/"));
    home.import(&config, &dump);
    fs::remove_file(Server::s3().object(&bucket, &format!("m/{EXAMPLE_NAME}"))).unwrap();
    run(args!["-c", config, "-e", home.path("missing")]).expect(3);
    assert_eq!(found(&home.path("missing"), "blob_missing"), [EXAMPLE_KEY]);
    // A service that lists and does not give.
    let stub = Stub::start(|_, request| {
        if request.target.contains("list-type") {
            Reply::Whole(200, s3_list(&[(&format!("m/{EXAMPLE_NAME}"), 29)], None))
        } else {
            Reply::Whole(403, b"<Error><Code>AccessDenied</Code></Error>".to_vec())
        }
    });
    let text = fs::read_to_string(&config).unwrap().replace(&Server::s3().endpoint(), &stub.endpoint());
    let forbidden = home.write("forbidden.toml", &text);
    let ran = run(args!["-c", forbidden, "-e", home.path("forbidden")]).expect(1);
    assert!(
        ran.stderr.contains("403 (AccessDenied)") && !ran.stderr.contains(blob_servers::SECRET_KEY),
        "{}",
        ran.stderr
    );
    assert!(!home.path("forbidden/manifest/manifest.json").exists());
    run(args!["-c", forbidden, "-e", home.path("salvaged"), "--salvage"]).expect(3);
    assert_eq!(found(&home.path("salvaged"), "lost"), [EXAMPLE_KEY]);
}

#[test]
fn certificates_are_checked_unless_set_otherwise() {
    use rustls::pki_types::pem::PemObject;
    let home = Home::new();
    let dump = original(&home);
    let (cert, key) = (home.path("cert.pem"), home.path("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(args!["-keyout", key, "-out", cert])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = rustls::pki_types::CertificateDer::from_pem_file(&cert).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let tls = rustls::ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(tls.with_single_cert(vec![certificate], key).unwrap());
    let objects: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    let stub = Stub::secure(tls, move |_, request| {
        let mut objects = objects.lock().unwrap();
        let name = request.target.split('?').next().unwrap().trim_start_matches("/mail/").to_string();
        match request.method.as_str() {
            "GET" if request.target.contains("list-type") => {
                let list: Vec<_> = objects.iter().map(|(name, value)| (name.as_str(), value.len())).collect();
                Reply::Whole(200, s3_list(&list, None))
            }
            "GET" => {
                objects.get(&name).map_or(Reply::Whole(404, Vec::new()), |v| Reply::Whole(200, v.clone()))
            }
            "PUT" => {
                objects.insert(name, request.body.clone());
                Reply::Whole(200, Vec::new())
            }
            _ => Reply::Whole(204, Vec::new()),
        }
    });
    let config = home.toml("tls", &Store::Sqlite("data"), &Store::S3("mail".into(), "x/"));
    let text = fs::read_to_string(&config).unwrap();
    let secure = stub.endpoint().replace("http://", "https://");
    home.write("tls.toml", &text.replace(&Server::s3().endpoint(), &secure));
    let refused = run(args!["-c", config, "-i", dump]).expect(1);
    assert!(refused.stderr.contains("--allow-invalid-certs"), "{}", refused.stderr);
    assert!(!home.path("data").exists());
    run(args!["-c", config, "-i", dump, "--allow-invalid-certs"]).expect(0);
    run(args!["-c", config, "-e", home.path("refused")]).expect(1);
    run(args!["-c", config, "-e", home.path("again"), "--allow-invalid-certs"]).expect(0);
    assert_same(&dump, &home.path("again"));
}
