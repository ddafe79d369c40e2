//! A service with answers that a test sets: of any status, cut or late.

#![allow(dead_code, reason = "every test uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The head, line by line.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

/// What becomes of a request.
pub enum Reply {
    /// An answer.
    Whole(u16, Vec<u8>),
    /// The first bytes of an answer, of a body that would be longer.
    Cut(Vec<u8>),
    /// An answer after a while.
    Late(Duration, u16, Vec<u8>),
    /// An answer without a stated length, of which this many bytes more come after the first ones.
    Endless(Vec<u8>, u64),
    /// The connection is closed.
    None,
}

/// A service; its threads end with the process.
pub struct Stub {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
}

impl Stub {
    /// Answers every request with what `reply` returns for its number and content.
    pub fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Stub {
        Stub::with(None, reply)
    }

    /// The same behind TLS.
    pub fn secure(
        tls: Arc<rustls::ServerConfig>,
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Stub {
        Stub::with(Some(tls), reply)
    }

    fn with(
        tls: Option<Arc<rustls::ServerConfig>>,
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Stub {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, reply) = (Arc::new(Mutex::new(Vec::new())), Arc::new(reply));
        let requests = Arc::clone(&seen);
        let sent = Arc::new(AtomicU64::new(0));
        let bytes = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, reply) = (Arc::clone(&requests), Arc::clone(&reply));
                let sent = Arc::clone(&bytes);
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => serve(stream, &requests, &sent, reply.as_ref()),
                    Some(tls) => {
                        let Ok(session) = rustls::ServerConnection::new(tls) else { return };
                        serve(rustls::StreamOwned::new(session, stream), &requests, &sent, reply.as_ref());
                    }
                });
            }
        });
        Stub { port, seen, sent }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Bytes of endless answers that were taken so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    stream: impl Read + Write,
    seen: &Mutex<Vec<Request>>,
    sent: &AtomicU64,
    reply: &dyn Fn(usize, &Request) -> Reply,
) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let (status, body, length) = match reply(number, &request) {
            Reply::Whole(status, body) => (status, body.clone(), body.len()),
            Reply::Cut(body) => (200, body.clone(), body.len() + 1000),
            Reply::Late(wait, status, body) => {
                std::thread::sleep(wait);
                (status, body.clone(), body.len())
            }
            Reply::Endless(body, more) => {
                let head = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
                let writer = reader.get_mut();
                let chunk =
                    |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                let mut left = more;
                let mut written = writer.write_all(head).and_then(|()| writer.write_all(&chunk(&body)));
                while written.is_ok() && left > 0 {
                    written = writer.write_all(&chunk(&[b'x'; 64 << 10]));
                    left = left.saturating_sub(64 << 10);
                    sent.fetch_add(64 << 10, Ordering::Relaxed);
                }
                return;
            }
            Reply::None => return,
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
        let writer = reader.get_mut();
        let written = writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body));
        if written.and_then(|()| writer.flush()).is_err() || length != body.len() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" if head.is_empty() => return None,
            "" => break,
            line => head.push(line.to_string()),
        }
    }
    let mut words = head[0].split(' ').map(str::to_string);
    let (method, target) = (words.next()?, words.next()?);
    let length =
        head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, head, body })
}

/// An answer to a request for a list: these names and sizes, and where it goes on.
pub fn s3_list(objects: &[(&str, usize)], next: Option<&str>) -> Vec<u8> {
    let items: String = objects
        .iter()
        .map(|(name, size)| format!("<Contents><Key>{name}</Key><Size>{size}</Size></Contents>"))
        .collect();
    let next = next.map_or("<IsTruncated>false</IsTruncated>".to_string(), |next| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>")
    });
    format!("<?xml version=\"1.0\"?><ListBucketResult>{next}{items}</ListBucketResult>").into_bytes()
}
