//! What goes wrong between here and a service: refusals, failures in passing and for good, connections that are
//! cut or slow, answers that are none. No error shows a secret.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stalwart_migrate::backend::objects::{Azure, Flow, ObjectSource, Objects, S3, names};
use stalwart_migrate::backend::{KeyRange, Source, Target};
use stalwart_migrate::base::error::{Error, ErrorKind};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::settings::{AzureCredential, AzureSettings, Endpoint, S3Settings, Secret};

use super::{FLOW, KIND, azure_settings, key, possible, s3_settings, scan, table, target};
use crate::harness::blob_servers::{self, Server, free_port};
use crate::harness::stub::{Reply, Request, Stub, s3_list};

/// Secrets that no error may show; the stub's answers repeat what they were sent.
const CANARY: &str = "CANARY7CANARY7CANARY7CANARY7";

/// Bytes that an answer may have where its length is not what is tested.
const MOST: u64 = 1 << 20;

fn s3(stub: &Stub, retries: u32) -> S3Settings {
    S3Settings {
        access_key: Some(Secret::new(format!("{CANARY}KEY"))),
        secret_key: Some(Secret::new(format!("{CANARY}SECRET"))),
        security_token: Some(Secret::new(format!("{CANARY}TOKEN"))),
        max_retries: retries,
        timeout: Duration::from_secs(2),
        ..s3_settings(&stub.endpoint(), "mail", "sw/")
    }
}

fn azure(stub: &Stub, retries: u32) -> AzureSettings {
    AzureSettings {
        account: "acct".into(),
        credential: AzureCredential::SasToken(Secret::new(format!("sv=2020&sig={CANARY}SIG%3D"))),
        max_retries: retries,
        timeout: Duration::from_secs(2),
        ..azure_settings(&stub.endpoint(), "mail", "sw/")
    }
}

/// Where messages say that the blobs of [`both`] are.
fn places(stub: &Stub) -> [String; 2] {
    let endpoint = stub.endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    [format!("s3://{address}/mail/sw/"), format!("azure://{address}/acct/mail/sw/")]
}

/// Both services, on a stub.
fn both(stub: &Stub, retries: u32) -> [Box<dyn Objects>; 2] {
    [Box::new(S3::new(&s3(stub, retries)).unwrap()), Box::new(Azure::new(&azure(stub, retries)).unwrap())]
}

#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let text = format!("{error} {error:?}");
    // The place of a store may be shown, the address of a request may not.
    let elsewhere = text.replace("s3://127.0.0.1:", "").replace("azure://127.0.0.1:", "");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {error}");
    }
    assert!(!text.contains("CANARY"), "a secret is shown: {text}");
    assert!(!elsewhere.contains("127.0.0.1:"), "an address is shown: {text}");
}

/// An answer of the kind that repeats what it was sent.
fn refusal(code: &str, request: &Request) -> Vec<u8> {
    let head = request.head.join("\n");
    format!("<Error><Code>{code}</Code><Message>{head}{CANARY}</Message></Error>").into_bytes()
}

#[test]
fn a_failure_in_passing_is_repeated() {
    for once in [500, 503, 429] {
        let stub = Stub::start(move |number, _| match number % 2 {
            0 => Reply::Whole(once, b"<Error><Code>SlowDown</Code></Error>".to_vec()),
            _ => Reply::Whole(200, b"content".to_vec()),
        });
        for objects in both(&stub, 1) {
            assert_eq!(objects.get(&key(1), MOST).unwrap().as_deref(), Some(&b"content"[..]));
            objects.put(&key(1), b"sent".to_vec()).unwrap();
        }
        let seen = stub.seen();
        assert_eq!(seen.len(), 8);
        let puts: Vec<&Request> = seen.iter().filter(|request| request.method == "PUT").collect();
        assert_eq!(puts.len(), 4);
        assert!(puts.iter().all(|put| put.body == b"sent"), "sent whole again");
    }
}

#[test]
fn a_failure_for_good_is_an_error_after_the_last_try() {
    let stub = Stub::start(|_, request| Reply::Whole(503, refusal("ServiceUnavailable", request)));
    for (objects, place) in both(&stub, 2).into_iter().zip(places(&stub)) {
        let before = stub.seen().len();
        let begin = Instant::now();
        let error = objects.get(&key(1), MOST).unwrap_err();
        assert_eq!(stub.seen().len() - before, 3);
        assert!(begin.elapsed() >= Duration::from_secs(3), "waits longer every time");
        assert_eq!(error.kind(), ErrorKind::Io);
        let name = format!("sw/{}", names::encode(&key(1)));
        says(&error, &["cannot read a blob", "503 (ServiceUnavailable), 3 times", &name, &place]);
    }
}

#[test]
fn what_is_refused_is_no_absence_and_not_repeated() {
    for (status, code) in
        [(403, "AccessDenied"), (401, "Unauthorized"), (301, "PermanentRedirect"), (400, "Odd")]
    {
        let stub = Stub::start(move |_, request| Reply::Whole(status, refusal(code, request)));
        for objects in both(&stub, 3) {
            let before = stub.seen().len();
            let says_so = format!("{status} ({code})");
            says(&objects.get(&key(1), MOST).unwrap_err(), &["cannot read a blob", &says_so]);
            says(&objects.put(&key(1), vec![1]).unwrap_err(), &["cannot write a blob", &says_so]);
            says(&objects.delete(&key(1)).unwrap_err(), &["cannot delete a blob", &says_so]);
            says(&objects.open().unwrap_err(), &["cannot list the objects", &says_so]);
            assert_eq!(stub.seen().len() - before, 4);
        }
    }
    // A code that does not look like one is not shown either.
    let stub = Stub::start(|_, _| {
        let code = format!("{CANARY} in a code");
        Reply::Whole(403, format!("<Error><Code>{code}</Code></Error>").into_bytes())
    });
    both(&stub, 0)
        .iter()
        .for_each(|objects| says(&objects.get(&key(1), MOST).unwrap_err(), &["answers 403"]));
}

#[test]
fn an_absent_object_is_none_and_an_absent_bucket_an_error() {
    let missing = Arc::new(Mutex::new("NoSuchKey"));
    let code = Arc::clone(&missing);
    let stub =
        Stub::start(move |_, request| Reply::Whole(404, refusal(code.lock().unwrap().as_ref(), request)));
    let [s3_objects, azure_objects] = both(&stub, 0);
    for (objects, code) in [(s3_objects, "NoSuchKey"), (azure_objects, "BlobNotFound")] {
        for absent in [code, "not a code"] {
            *missing.lock().unwrap() = absent;
            assert_eq!(objects.get(&key(1), MOST).unwrap(), None);
            objects.delete(&key(1)).unwrap();
        }
    }
    let [s3, azure] = both(&stub, 0);
    for (objects, code) in [(s3, "NoSuchBucket"), (azure, "ContainerNotFound")] {
        *missing.lock().unwrap() = code;
        says(&objects.get(&key(1), MOST).unwrap_err(), &["cannot read a blob", "404", code]);
        says(&objects.open().unwrap_err(), &["cannot list", "404", "in the configuration"]);
    }
}

#[test]
fn a_connection_cut_in_the_middle_is_repeated_and_never_half_an_object() {
    let cut = Arc::new(AtomicUsize::new(usize::MAX));
    let still = Arc::clone(&cut);
    let stub = Stub::start(move |_, _| match still.fetch_sub(1, Ordering::SeqCst) {
        0 | usize::MAX.. => Reply::Whole(200, vec![7; 5000]),
        n if n % 2 == 0 => Reply::Cut(vec![7; 3000]),
        _ => Reply::None,
    });
    for objects in both(&stub, 2) {
        cut.store(2, Ordering::SeqCst);
        assert_eq!(objects.get(&key(1), MOST).unwrap(), Some(vec![7; 5000]));
        cut.store(10, Ordering::SeqCst);
        let error = objects.get(&key(1), MOST).unwrap_err();
        says(&error, &["cannot read a blob: the service cannot be talked to, 3 times"]);
    }
}

#[test]
fn a_slow_service_is_an_error_after_its_time() {
    let stub = Stub::start(|_, _| Reply::Late(Duration::from_secs(5), 200, vec![1]));
    let settings = [
        Box::new(S3::new(&S3Settings { timeout: Duration::from_millis(300), ..s3(&stub, 0) }).unwrap())
            as Box<dyn Objects>,
        Box::new(
            Azure::new(&AzureSettings { timeout: Duration::from_millis(300), ..azure(&stub, 0) }).unwrap(),
        ),
    ];
    for objects in settings {
        let begin = Instant::now();
        says(&objects.get(&key(1), MOST).unwrap_err(), &["no answer within 300 ms", "timeout"]);
        assert!(begin.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn a_port_without_a_listener_is_an_error() {
    let settings =
        S3Settings { max_retries: 0, ..s3_settings(&format!("http://127.0.0.1:{}", free_port()), "b", "") };
    let error =
        ObjectSource::open(Box::new(S3::new(&settings).unwrap()), table(), KIND, possible(), FLOW, false);
    says(&error.err().unwrap(), &["cannot list the objects", "refused", "check the endpoint"]);
}

#[test]
fn an_answer_that_is_no_list_is_not_taken_for_an_empty_one() {
    let whole = s3_list(&[("sw/x", 1)], None);
    let half = whole[..whole.len() / 2].to_vec();
    let endless = s3_list(&[], Some("again"));
    let unsized_ = b"<ListBucketResult><Contents><Key>sw/x</Key></Contents></ListBucketResult>".to_vec();
    for (answer, why) in [
        (b"<html>Welcome</html>".to_vec(), "no list"),
        (Vec::new(), "no list"),
        (half, "no list"),
        (vec![0xff, 0xfe], "no text"),
        (endless, "goes on with what it has shown"),
        (unsized_, "without a size"),
    ] {
        let stub = Stub::start(move |_, _| Reply::Whole(200, answer.clone()));
        let [s3_place, azure_place] = places(&stub);
        let objects = S3::new(&s3(&stub, 0)).unwrap();
        let error = objects.list(&mut |_| Ok(std::ops::ControlFlow::Continue(()))).unwrap_err();
        says(&error, &[why, &s3_place]);
        let objects = Azure::new(&azure(&stub, 0)).unwrap();
        says(&objects.open().unwrap_err(), &[&azure_place]);
    }
}

/// A stub with these objects; `get` answers for them.
fn bucket(
    keys: Vec<Vec<u8>>,
    size: usize,
    get: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
) -> Stub {
    let names: Vec<String> = keys.iter().map(|key| format!("sw/{}", names::encode(key))).collect();
    Stub::start(move |number, request| {
        if request.target.contains("list-type=2") {
            let objects: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), size)).collect();
            Reply::Whole(200, s3_list(&objects, None))
        } else {
            get(number, request)
        }
    })
}

#[test]
fn an_unreadable_object_ends_an_export_and_is_a_loss_in_a_salvage() {
    let keys: Vec<Vec<u8>> = (0..30).map(key).collect();
    let bad = names::encode(&keys[7]);
    let stub = bucket(keys.clone(), 3, move |_, request| {
        if request.target.contains(&bad) {
            Reply::Whole(403, refusal("AccessDenied", request))
        } else {
            Reply::Whole(200, b"abc".to_vec())
        }
    });
    let open = |salvage| {
        let objects = Box::new(S3::new(&s3(&stub, 0)).unwrap());
        ObjectSource::open(objects, table(), KIND, possible(), FLOW, salvage).unwrap()
    };
    let strict = open(false);
    let mut pages = strict.scan(table(), &KeyRange::all()).unwrap();
    let error = loop {
        match pages.next(&mut Page::new(), 1) {
            Ok(more) => assert!(more, "everything could be read"),
            Err(error) => break error,
        }
    };
    let hex: String = keys[7].iter().map(|byte| format!("{byte:02x}")).collect();
    says(&error, &["cannot read a blob", "403 (AccessDenied)", &hex, &names::encode(&keys[7])]);
    let source = open(true);
    assert_eq!(scan(&source, &KeyRange::all(), 10).len(), 29);
    let losses = source.losses();
    assert_eq!((losses.len(), losses[0].key.as_ref()), (1, Some(&keys[7])));
    assert!(losses[0].reason.contains("403") && !losses[0].reason.contains("CANARY"));
}

#[test]
fn reading_ahead_is_bounded_by_requests_and_by_bytes() {
    let count = |size: usize, flow: Flow| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let peak = Arc::clone(&most);
        let stub = bucket((0..40).map(key).collect(), size, move |_, _| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            Reply::Whole(200, vec![1; size])
        });
        let objects = Box::new(S3::new(&s3(&stub, 0)).unwrap());
        let source = ObjectSource::open(objects, table(), KIND, possible(), flow, false).unwrap();
        assert_eq!(scan(&source, &KeyRange::all(), 1 << 20).len(), 40);
        peak.load(Ordering::SeqCst)
    };
    assert_eq!(count(10, Flow { requests: 6, bytes: 1 << 20 }), 6);
    assert_eq!(count(1000, Flow { requests: 6, bytes: 3000 }), 3);
    assert_eq!(count(1000, Flow { requests: 6, bytes: 10 }), 1);
}

#[test]
fn what_stays_listed_was_not_cleared() {
    let stub = bucket(vec![key(1)], 3, |_, _| Reply::Whole(204, Vec::new()));
    let target = target(Box::new(S3::new(&s3(&stub, 0)).unwrap()));
    says(&target.clear(table(), &[]).unwrap_err(), &["still lists objects that were deleted"]);
}

#[test]
fn a_shard_reports_its_first_failure() {
    let bad = names::encode(&key(3));
    let stub = bucket(Vec::new(), 0, move |_, request| {
        if request.target.contains(&bad) {
            Reply::Whole(507, refusal("QuotaExceeded", request))
        } else {
            Reply::Whole(200, Vec::new())
        }
    });
    let target = target(Box::new(S3::new(&s3(&stub, 0)).unwrap()));
    target.create(&[table()]).unwrap();
    let mut page = Page::new();
    (0..20).for_each(|n| page.push(&key(n), b"x"));
    let mut shard = target.shard(table()).unwrap();
    let error = shard.write(&page).and_then(|()| shard.commit()).unwrap_err();
    says(&error, &["cannot write a blob", "507 (QuotaExceeded)", &names::encode(&key(3))]);
}

#[test]
fn wrong_keys_are_refused_by_real_services() {
    let server = Server::s3();
    let settings = S3Settings {
        secret_key: Some(Secret::new(CANARY)),
        ..s3_settings(&server.endpoint(), &server.bucket(), "")
    };
    says(
        &S3::new(&settings).unwrap().open().unwrap_err(),
        &["403 (SignatureDoesNotMatch)", "check the keys"],
    );
    let settings = s3_settings(&server.endpoint(), "no-such-bucket", "");
    says(
        &S3::new(&settings).unwrap().open().unwrap_err(),
        &["404 (NoSuchBucket)", "check bucket and endpoint"],
    );
    let server = Server::azure();
    let container = server.container();
    let open = |credential, container: &str| {
        let settings = AzureSettings { credential, ..azure_settings(&server.endpoint(), container, "") };
        Azure::new(&settings).unwrap().open().unwrap_err()
    };
    let wrong = AzureCredential::AccessKey(Secret::new(CANARY));
    says(&open(wrong, &container), &["403 (AuthorizationFailure)", "check the key"]);
    let wrong =
        AzureCredential::SasToken(Secret::new(server.sas().replace("sig=", &format!("sig={CANARY}"))));
    says(&open(wrong, &container), &["403", "check the key or the token"]);
    let right = AzureCredential::AccessKey(Secret::new(blob_servers::ACCOUNT_KEY));
    says(&open(right, "no-such-container"), &["404 (ContainerNotFound)", "check account and container"]);
}

#[test]
fn prefixes_stand_verbatim_in_addresses() {
    let check = |prefix: &str, expect: &str| {
        let stub = Stub::start(|_, _| Reply::Whole(200, Vec::new()));
        let objects = S3::new(&S3Settings { key_prefix: Some(prefix.into()), ..s3(&stub, 0) }).unwrap();
        objects.get(&[1], MOST).unwrap();
        assert_eq!(stub.seen()[0].target, format!("/mail/{expect}"));
    };
    check("", "ae");
    check("a", "aae");
    check("/a//b/", "a//b/ae");
    check("//", "/ae");
    check("%41 ü?#\\/", "%2541%20%C3%BC%3F%23%5C/ae");
    let stub = Stub::start(|_, _| Reply::Whole(200, Vec::new()));
    for lost in ["../", "a/./", "./"] {
        let error = S3::new(&S3Settings { key_prefix: Some(lost.into()), ..s3(&stub, 0) }).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let error =
            Azure::new(&AzureSettings { key_prefix: Some(lost.into()), ..azure(&stub, 0) }).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    // An endpoint is used as it is.
    let endpoint = Some(Endpoint::new(format!("{}/", stub.endpoint())));
    S3::new(&S3Settings { endpoint, ..s3(&stub, 0) }).unwrap().get(&[1], MOST).unwrap();
    assert_eq!(stub.seen()[0].target, "//mail/sw/ae");
    // Services demand a length of 0 for an empty object.
    let objects = [
        Box::new(S3::new(&s3(&stub, 0)).unwrap()) as Box<dyn Objects>,
        Box::new(Azure::new(&azure(&stub, 0)).unwrap()),
    ];
    for objects in objects {
        objects.put(&[1], Vec::new()).unwrap();
        let head = stub.seen().pop().unwrap().head.join("\n").to_lowercase();
        assert!(head.contains("content-length: 0"), "{head}");
    }
    let head = stub.seen()[0].head.join("\n").to_lowercase();
    assert!(
        head.contains("x-amz-security-token") && head.contains("/eu-central-1/s3/aws4_request"),
        "{head}"
    );
    assert!(!head.contains("range:") && !head.contains("accept-encoding"), "{head}");
}

#[test]
fn settings_that_lead_nowhere_are_usage_errors() {
    let base = || s3_settings("http://host", "b", "");
    for (settings, place) in [
        (S3Settings { endpoint: None, region: "mars-1".into(), ..base() }, "s3://mars-1/b/"),
        (S3Settings { endpoint: Some(Endpoint::new("")), ..base() }, "s3:///b/"),
        (
            S3Settings { endpoint: Some(Endpoint::new(format!("http://u:{CANARY}@host"))), ..base() },
            "s3://host/b/",
        ),
        (S3Settings { endpoint: Some(Endpoint::new("ftp://host")), ..base() }, "s3://host/b/"),
        (S3Settings { bucket: String::new(), ..base() }, "s3://host//"),
        (S3Settings { access_key: Some(Secret::new(format!("{CANARY}\r\nx: y"))), ..base() }, "s3://host/b/"),
    ] {
        assert!(!format!("{settings:?}").contains("CANARY"));
        let error = S3::new(&settings).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
        says(&error, &[place]);
    }
}

#[test]
fn certificates_are_checked_unless_set_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, keyfile, port) = (dir.path().join("cert"), dir.path().join("key"), free_port());
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&keyfile)
        .arg("-out")
        .arg(&cert)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    // Ends with its input.
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
        .arg(&cert)
        .arg("-key")
        .arg(&keyfile)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let open = |allow_invalid_certs| {
        let base = s3_settings(&format!("127.0.0.1:{port}"), "b", "");
        let settings = S3Settings { allow_invalid_certs, max_retries: 0, ..base };
        S3::new(&settings).unwrap().open().unwrap_err()
    };
    says(&open(false), &["certificate"]);
    says(&open(true), &["no list"]);
    server.kill().unwrap();
    server.wait().unwrap();
}
