//! Answers that leave something out, say it in their own way, or do not end: what is not listed is never taken
//! for absent, and no memory is taken for a length that an answer only states.

use std::ops::ControlFlow;

use stalwart_migrate::backend::objects::{Azure, ListEntry, ObjectSource, Objects, S3, names};
use stalwart_migrate::backend::{KeyRange, Source};
use stalwart_migrate::base::error::Result;

use super::{FLOW, KIND, azure_settings, key, possible, s3_settings, scan, table};
use crate::harness::stub::{Reply, Stub, s3_list};

fn s3(stub: &Stub) -> S3 {
    S3::new(&s3_settings(&stub.endpoint(), "mail", "sw/")).unwrap()
}

fn azure(stub: &Stub) -> Azure {
    Azure::new(&azure_settings(&stub.endpoint(), "mail", "sw/")).unwrap()
}

/// How many objects are listed.
fn listed(objects: &dyn Objects) -> Result<usize> {
    let mut count = 0;
    objects.list(&mut |found| {
        count += usize::from(matches!(found, ListEntry::Object { .. }));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

fn s3_item(n: u64) -> String {
    format!("<Contents><Key>sw/{}</Key><Size>3</Size></Contents>", names::encode(&key(n)))
}

fn azure_item(n: u64) -> String {
    let name = names::encode(&key(n));
    format!("<Blob><Name>sw/{name}</Name><Properties><Content-Length>3</Content-Length></Properties></Blob>")
}

/// Lists a store of one object on the first page, which has `rest` besides, and another on every later one.
fn on_two_pages(rest: &str, list: impl Fn(&Stub) -> Result<usize>, azure: bool) -> Result<usize> {
    let rest = rest.to_string();
    let stub = Stub::start(move |number, _| {
        let (first, last) = (number == 0, rest.clone());
        let document = if azure {
            let item = azure_item(number as u64);
            let end = if first { last } else { "<NextMarker/>".to_string() };
            format!("<EnumerationResults><Blobs>{item}</Blobs>{end}</EnumerationResults>")
        } else {
            let item = s3_item(number as u64);
            let end = if first { last } else { "<IsTruncated>false</IsTruncated>".to_string() };
            format!("<ListBucketResult>{item}{end}</ListBucketResult>")
        };
        Reply::Whole(200, document.into_bytes())
    });
    list(&stub)
}

#[test]
fn an_s3_list_ends_only_where_it_says_so() {
    let token = "<NextContinuationToken>t</NextContinuationToken>";
    let check = |rest: String, expect: std::result::Result<usize, &str>| {
        let got = on_two_pages(&rest, |stub| listed(&s3(stub)), false);
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{rest}"),
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{rest}: {error}"),
            (got, expect) => panic!("{rest}: {got:?} instead of {expect:?}"),
        }
    };
    for yes in ["true", "True", "TRUE", " true\n", "1"] {
        check(format!("<IsTruncated>{yes}</IsTruncated>{token}"), Ok(2));
        check(format!("<IsTruncated>{yes}</IsTruncated>"), Err("does not say how it goes on"));
        check(
            format!("<IsTruncated>{yes}</IsTruncated><NextContinuationToken/>"),
            Err("does not say how it goes on"),
        );
    }
    for no in ["false", "False", "FALSE", " false ", "0"] {
        check(format!("<IsTruncated>{no}</IsTruncated>"), Ok(1));
        // A token leads further, whatever else is stated.
        check(format!("<IsTruncated>{no}</IsTruncated>{token}"), Ok(2));
    }
    for none in ["", "<IsTruncated/>", "<IsTruncated>yes</IsTruncated>", "<Truncated>false</Truncated>"] {
        check(none.to_string(), Err("does not say whether it is complete"));
        check(format!("{none}{token}"), Ok(2));
    }
    check(format!("<s3:isTruncated xmlns:s3='u'>true</s3:isTruncated>{}", token.to_lowercase()), Ok(2));
    let end = "<IsTruncated>false</IsTruncated>";
    check(format!("<KeyCount>1</KeyCount>{end}"), Ok(1));
    check(format!("<KeyCount>2</KeyCount>{end}"), Err("shows fewer objects than it counts"));
    check(format!("<CommonPrefixes><Prefix>sw/a</Prefix></CommonPrefixes>{end}"), Err("does not name every"));
    check(format!("{}{end}", s3_item(7).to_lowercase()), Ok(2));
}

#[test]
fn an_azure_list_ends_only_where_it_says_so() {
    let check = |rest: &str, expect: std::result::Result<usize, &str>| {
        let got = on_two_pages(rest, |stub| listed(&azure(stub)), true);
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{rest}"),
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{rest}: {error}"),
            (got, expect) => panic!("{rest}: {got:?} instead of {expect:?}"),
        }
    };
    check("<NextMarker>m</NextMarker>", Ok(2));
    check("<nextmarker> m </nextmarker>", Ok(2));
    check("<NextMarker/>", Ok(1));
    check("<NextMarker></NextMarker>", Ok(1));
    check("", Err("does not say whether it is complete"));
    check(
        "<Blobs><BlobPrefix><Name>sw/a</Name></BlobPrefix></Blobs><NextMarker/>",
        Err("does not name every"),
    );
}

#[test]
fn a_list_that_goes_round_in_a_circle_ends() {
    let stub = Stub::start(|number, request| {
        let token = format!("t{}", number % 3);
        let azure = request.target.contains("comp=list");
        Reply::Whole(
            200,
            if azure {
                format!("<EnumerationResults><NextMarker>{token}</NextMarker></EnumerationResults>")
                    .into_bytes()
            } else {
                s3_list(&[], Some(&token))
            },
        )
    });
    for objects in [Box::new(s3(&stub)) as Box<dyn Objects>, Box::new(azure(&stub))] {
        let error = listed(objects.as_ref()).unwrap_err().to_string();
        assert!(error.contains("goes on with what it has shown"), "{error}");
    }
    assert!(stub.seen().len() < 40, "{}", stub.seen().len());
}

#[test]
fn no_more_is_read_than_was_asked_for() {
    const GIB: u64 = 1 << 30;
    let check = |most: u64, ask: &dyn Fn(&dyn Objects) -> Result<()>, says: &str| {
        let stub = Stub::start(|_, request| {
            let start = if request.target.contains("list") { &b"<ListBucketResult>"[..] } else { b"abc" };
            Reply::Endless(start.to_vec(), 4 * GIB)
        });
        for objects in [Box::new(s3(&stub)) as Box<dyn Objects>, Box::new(azure(&stub))] {
            let before = stub.sent();
            let error = ask(objects.as_ref()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            // What the buffers of the system hold comes on top.
            assert!(stub.sent() - before < most + (32 << 20), "{} of {most}", stub.sent() - before);
        }
    };
    check(16 << 20, &|objects| listed(objects).map(drop), "more than the 16777216 bytes expected");
    check(16 << 20, &|objects| objects.open(), "more than the 16777216 bytes expected");
    check(3, &|objects| objects.get(&key(1), 3).map(drop), "more than the 3 bytes expected");
    check(1 << 20, &|objects| objects.put(&key(1), vec![1]), "more than the 1048576 bytes expected");
    check(1 << 20, &|objects| objects.delete(&key(1)), "more than the 1048576 bytes expected");
    // An error is an error, however long its text is.
    let stub = Stub::start(|_, _| Reply::Whole(403, vec![b'x'; 1 << 20]));
    let error = s3(&stub).get(&key(1), 3).unwrap_err().to_string();
    assert!(error.contains("answers 403"), "{error}");
}

#[test]
fn a_part_of_an_object_is_not_taken_for_the_object() {
    // Asked for everything, the service sends a part and says so.
    let stub = Stub::start(|_, _| Reply::Whole(206, b"abc".to_vec()));
    for objects in [Box::new(s3(&stub)) as Box<dyn Objects>, Box::new(azure(&stub))] {
        let error = objects.get(&key(1), 100).unwrap_err().to_string();
        assert!(error.contains("answers 206"), "{error}");
    }
    // Or it does not say so.
    for body in [&b"ab"[..], b""] {
        let stub = Stub::start(move |_, request| {
            if request.target.contains("list-type") {
                Reply::Whole(200, s3_list(&[(&format!("sw/{}", names::encode(&key(1))), 3)], None))
            } else {
                Reply::Whole(200, body.to_vec())
            }
        });
        let open = |salvage| {
            ObjectSource::open(Box::new(s3(&stub)), table(), KIND, possible(), FLOW, salvage).unwrap()
        };
        let source = open(false);
        let mut pages = source.scan(table(), &KeyRange::all()).unwrap();
        let error = pages.next(&mut Default::default(), 1).unwrap_err().to_string();
        assert!(error.contains(&format!("listed with 3 bytes and read with {}", body.len())), "{error}");
        let source = open(true);
        assert!(scan(&source, &KeyRange::all(), 10).is_empty());
        assert_eq!(source.losses().len(), 1);
    }
}

#[test]
fn an_object_is_absent_only_if_the_service_names_the_object() {
    for (code, absent) in [
        ("NoSuchKey", true),
        ("nosuchkey", true),
        ("BlobNotFound", true),
        ("NoSuchBucket", false),
        ("ContainerNotFound", false),
        ("NoSuchHostedZone", false),
        ("AccountIsDisabled", false),
    ] {
        let body = format!("<Error><Code>{code}</Code></Error>");
        let stub = Stub::start(move |_, _| Reply::Whole(404, body.clone().into_bytes()));
        let right: Box<dyn Objects> = match code {
            "BlobNotFound" | "ContainerNotFound" => Box::new(azure(&stub)),
            _ => Box::new(s3(&stub)),
        };
        assert_eq!(right.get(&key(1), 3).is_ok_and(|found| found.is_none()), absent, "{code}");
    }
}

#[test]
fn one_object_is_read_by_the_size_it_is_listed_with() {
    let name = format!("sw/{}", names::encode(&key(1)));
    let stub = Stub::start(move |_, request| {
        if !request.target.contains("list-type") {
            Reply::Whole(200, b"abc".to_vec())
        } else if request.target.contains(&names::encode(&key(1))) {
            Reply::Whole(200, s3_list(&[(&name, 3), (&format!("{name}x"), 9)], None))
        } else {
            Reply::Whole(200, s3_list(&[], None))
        }
    });
    let objects = s3(&stub);
    assert_eq!((objects.size(&key(1)).unwrap(), objects.size(&key(2)).unwrap()), (Some(3), None));
    let source = ObjectSource::open(Box::new(objects), table(), KIND, possible(), FLOW, false).unwrap();
    assert_eq!(source.get(table(), &key(1)).unwrap().as_deref(), Some(&b"abc"[..]));
    assert_eq!(source.get(table(), &key(2)).unwrap(), None);
}
