//! A false MySQL server, with as much of the protocol as it takes to mislead a client. It keeps all bytes it receives.
//!
//! Packets: "MySQL Client/Server Protocol", connection phase: three bytes of length, a number, the content.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it misleads the client.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It announces that it has no TLS.
    NoTls,
    /// It announces TLS, and then sends no certificate.
    FalseTls,
    /// It accepts every client and answers each query with the request to send this file.
    AskForFile(String),
}

/// Its port, and the bytes it has received so far.
pub fn impostor(answer: Answer) -> (u16, impl Fn() -> Vec<u8>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (answer, kept) = (answer.clone(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let _ = serve(client, &answer, &kept);
            });
        }
    });
    (port, move || heard.lock().unwrap().clone())
}

fn serve(mut client: TcpStream, answer: &Answer, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(2)))?;
    client.write_all(&packet(0, &greeting(!matches!(answer, Answer::NoTls))))?;
    let mut bytes = [0; 4096];
    let mut listen = |client: &mut TcpStream| -> std::io::Result<usize> {
        let read = client.read(&mut bytes)?;
        heard.lock().unwrap().extend_from_slice(&bytes[..read]);
        Ok(read)
    };
    match answer {
        Answer::NoTls => while listen(&mut client)? > 0 {},
        Answer::FalseTls => {
            listen(&mut client)?;
            client.write_all(&[0; 64])?;
            while listen(&mut client)? > 0 {}
        }
        Answer::AskForFile(path) => {
            listen(&mut client)?;
            client.write_all(&packet(2, &[0, 0, 0, 2, 0, 0, 0]))?;
            listen(&mut client)?;
            client.write_all(&packet(1, &[&[0xfb], path.as_bytes()].concat()))?;
            // A client that follows the request sends the file now.
            while listen(&mut client)? > 0 {}
        }
    }
    Ok(())
}

fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], content].concat()
}

fn greeting(tls: bool) -> Vec<u8> {
    // Long password, database in the answer, local files, protocol 4.1, transactions, secure connection; TLS.
    let low: u16 = 0x0001 | 0x0008 | 0x0080 | 0x0200 | 0x2000 | 0x8000 | if tls { 0x0800 } else { 0 };
    // Authentication plugins.
    let high: u16 = 0x0008;
    let mut greeting = b"\x0a8.0.36\0".to_vec();
    greeting.extend_from_slice(&7u32.to_le_bytes());
    greeting.extend_from_slice(b"01234567\0");
    greeting.extend_from_slice(&low.to_le_bytes());
    greeting.push(45);
    greeting.extend_from_slice(&2u16.to_le_bytes());
    greeting.extend_from_slice(&high.to_le_bytes());
    greeting.push(21);
    greeting.extend_from_slice(&[0; 10]);
    greeting.extend_from_slice(b"890123456789\0mysql_native_password\0");
    greeting
}
