//! A database server that declines TLS, or an attacker on the connection who does so in its name.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::database_servers::{Kind, Server};
use crate::harness::site::{Engine, Site, assert_same_without_index};

/// Listens as a PostgreSQL that declines TLS; returns the port and what clients send to it after that.
fn declining() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (port, sent) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&sent);
    let answer = move |mut client: TcpStream| -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut request = [0; 8];
        client.read_exact(&mut request)?;
        if request == *b"\0\0\0\x08\x04\xd2\x16\x2f" {
            client.write_all(b"N")?;
        } else {
            heard.lock().unwrap().extend(request);
        }
        let mut start = [0; 512];
        let read = client.read(&mut start)?;
        heard.lock().unwrap().extend(&start[..read]);
        // Asks for the password in clear.
        client.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
        let read = client.read(&mut start)?;
        heard.lock().unwrap().extend(&start[..read]);
        Ok(())
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(|client| drop(answer(client))));
    (port, sent)
}

#[test]
fn a_database_that_declines_tls_is_not_given_the_password() {
    for certificates in ["false", "true"] {
        let (port, sent) = declining();
        let site = Site::on(Server::of(Kind::Postgres));
        let port = port.to_string();
        site.configure(&[
            ("port", &port),
            ("password", "s3cr3t"),
            ("tls.enable", "true"),
            ("tls.allow-invalid-certs", certificates),
        ]);
        let says = ["declines TLS", "nothing secret was sent", "--allow-plaintext"];
        site.run(&["-e", "dump"]).expect(1).says(&says);
        site.run(&["inspect", "-c", "config.toml"]).expect(1).says(&says);
        site.run(&["-i", "tests"]).expect(2);
        assert_eq!(String::from_utf8_lossy(&sent.lock().unwrap()), "", "{certificates}");
        site.run(&["-e", "dump", "--allow-plaintext"]).expect(1);
        assert!(String::from_utf8_lossy(&sent.lock().unwrap()).contains("s3cr3t"), "agreed to");
    }
}

#[test]
fn without_tls_a_database_is_used_when_that_is_agreed_to() {
    let server = Box::leak(Box::new(Server::private(Kind::Postgres, &["ssl=off"])));
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    let dump = dump.to_str().unwrap();
    let site = Site::on(server);
    site.configure(&[("tls.enable", "true")]);
    site.run(&["-i", dump]).expect(1).says(&["declines TLS"]);
    assert_eq!(site.database().sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    site.run(&["-i", dump, "--allow-plaintext"]).expect(0);
    site.run(&["-e", "again", "--allow-plaintext"]).expect(0);
    assert_same_without_index(dump.as_ref(), &site.path("again"));
}
