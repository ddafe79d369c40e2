//! A connection that is cut in the middle: forwards so many bytes, then closes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What ends the connections.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// So many bytes from the server.
    Down(i64),
    /// So many bytes to the server.
    Up(i64),
}

/// Forwards to a server on this machine; returns the port. Budgets are for all connections together.
pub fn proxy(port: u16, cut: Cut) -> u16 {
    mendable(port, cut).0
}

/// As [`proxy`], with what lets everything through from then on.
pub fn mendable(port: u16, cut: Cut) -> (u16, impl Fn()) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    let (down, up) = match cut {
        Cut::Down(bytes) => (bytes, i64::MAX),
        Cut::Up(bytes) => (i64::MAX, bytes),
    };
    let budgets = [Arc::new(AtomicI64::new(down)), Arc::new(AtomicI64::new(up))];
    let mended = budgets.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            let [down, up] = budgets.clone();
            let pair = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || forward(server, client, &down));
            std::thread::spawn(move || forward(pair.0, pair.1, &up));
        }
    });
    (own, move || mended.iter().for_each(|budget| budget.store(i64::MAX, Ordering::Relaxed)))
}

fn forward(mut from: TcpStream, mut to: TcpStream, budget: &AtomicI64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer) {
        let left = budget.fetch_sub(length as i64, Ordering::Relaxed);
        if length == 0 || left < length as i64 || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
