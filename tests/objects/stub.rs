//! A service that does what a test tells it to: answers of any status, cut or late.

#![allow(dead_code, reason = "every test uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
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
    /// The connection is closed.
    None,
}

/// A service; its threads end with the process.
pub struct Stub {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Answers every request as `reply` says, which is told its number.
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
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, reply) = (Arc::clone(&requests), Arc::clone(&reply));
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => serve(stream, &requests, reply.as_ref()),
                    Some(tls) => {
                        let Ok(session) = rustls::ServerConnection::new(tls) else { return };
                        serve(rustls::StreamOwned::new(session, stream), &requests, reply.as_ref());
                    }
                });
            }
        });
        Stub { port, seen }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(stream: impl Read + Write, seen: &Mutex<Vec<Request>>, reply: &dyn Fn(usize, &Request) -> Reply) {
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
