//! Proxies other than plain HTTP ones: SOCKS, with and without a name and a password, and over TLS.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::agent::agent;
use crate::connections::{Papers, serve};
use crate::support::{Ran, run};

/// What a SOCKS proxy was told: the address it was to reach, and who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    host: String,
    user: Option<String>,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// A SOCKS5 proxy (RFC 1928) that goes to this machine whatever the name is. Where `password` is set it
/// wants one (RFC 1929).
fn socks(password: Option<&'static str>) -> (u16, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Log::default();
    let seen = Arc::clone(&log);
    thread::spawn(move || {
        for client in listener.incoming() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                // A client that goes away in the middle has said enough.
                let _ = relay(client.unwrap(), password, &seen);
            });
        }
    });
    (port, log)
}

fn bytes<const N: usize>(client: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(client: &mut TcpStream) -> std::io::Result<String> {
    let [length] = bytes::<1>(client)?;
    let mut text = vec![0; usize::from(length)];
    client.read_exact(&mut text)?;
    Ok(String::from_utf8(text).unwrap())
}

fn relay(mut client: TcpStream, password: Option<&str>, log: &Log) -> std::io::Result<()> {
    let [5, methods] = bytes::<2>(&mut client)? else { return Ok(()) };
    let mut offered = vec![0; usize::from(methods)];
    client.read_exact(&mut offered)?;
    let mut user = None;
    if let Some(password) = password {
        if !offered.contains(&2) {
            return client.write_all(&[5, 0xff]);
        }
        client.write_all(&[5, 2])?;
        let [1] = bytes::<1>(&mut client)? else { return Ok(()) };
        user = Some(text(&mut client)?);
        let right = text(&mut client)? == password;
        client.write_all(&[1, u8::from(!right)])?;
        if !right {
            return Ok(());
        }
    } else {
        client.write_all(&[5, 0])?;
    }
    let [5, 1, 0, kind] = bytes::<4>(&mut client)? else { return Ok(()) };
    let host = match kind {
        1 => std::net::Ipv4Addr::from(bytes::<4>(&mut client)?).to_string(),
        3 => text(&mut client)?,
        _ => std::net::Ipv6Addr::from(bytes::<16>(&mut client)?).to_string(),
    };
    let port = u16::from_be_bytes(bytes(&mut client)?);
    log.lock().unwrap().push(Asked { host, user });
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

fn through(proxy: &str, url: &str, more: &[&str]) -> Ran {
    let set = format!("target.proxy={proxy}");
    let start =
        ["-m", "hi", "--target", url, "--agent-id", "a", "-n", "3", "-c", "1", "--set", &set];
    run(&[&start[..], more].concat())
}

#[test]
fn socks_proxies_are_asked_by_address_or_by_name() {
    let agent = agent(|_| {});
    let port = agent.address().port();
    let named = format!("http://agent.invalid:{port}");
    let (socks_port, log) = socks(None);
    let ran = through(&format!("socks5://127.0.0.1:{socks_port}"), &agent.base_url(), &[]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let asked = Asked { host: "127.0.0.1".into(), user: None };
    assert_eq!(*log.lock().unwrap(), [asked], "one connection for three turns");
    assert_eq!(ran.summary()["metrics"]["connect"]["count"], 1);
    // With the h the proxy resolves the name, which nobody here could.
    let ran = through(&format!("socks5h://127.0.0.1:{socks_port}"), &named, &[]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(log.lock().unwrap()[1].host, "agent.invalid");
    assert_eq!(agent.truth().requests.len(), 6);
    let ran = through(&format!("socks5://127.0.0.1:{socks_port}"), &named, &[]);
    assert_eq!(ran.summary()["counts"]["failed"], 3, "the name is resolved here: {}", ran.out);
    let ran = through("socks5://127.0.0.1:1", &agent.base_url(), &[]);
    assert_eq!(ran.outcomes(), BTreeMap::from([("failed/connect".to_owned(), 3)]));
}

#[test]
fn a_socks_proxy_that_wants_a_password_gets_it_and_nobody_else_does() {
    let agent = agent(|_| {});
    let (port, log) = socks(Some("hush-hush"));
    let ran = through(&format!("socks5://me:hush-hush@127.0.0.1:{port}"), &agent.base_url(), &[]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(log.lock().unwrap()[0].user.as_deref(), Some("me"));
    for file in std::fs::read_dir(ran.directory()).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(9).any(|part| part == b"hush-hush"));
    }
    for wrong in ["me:else@", ""] {
        let ran = through(&format!("socks5://{wrong}127.0.0.1:{port}"), &agent.base_url(), &[]);
        assert_eq!(ran.outcomes(), BTreeMap::from([("failed/connect".to_owned(), 3)]), "{wrong}");
        assert!(!ran.err.contains("else"), "{}", ran.err);
    }
    assert_eq!(agent.truth().requests.len(), 3, "nobody came past the proxy");
}

#[test]
fn a_proxy_over_tls_is_trusted_by_the_ca_file() {
    let agent = agent(|_| {});
    let papers = Papers::new();
    let config = papers.server(false, b"http/1.1");
    let forwarder = crate::connections::proxy_port();
    let port =
        serve(move |socket| crate::connections::unwrap_tls(socket, Arc::clone(&config), forwarder));
    let proxy = format!("https://localhost:{port}");
    let ca = format!("target.ca_file={}", papers.path("ca.pem"));
    let ran = through(&proxy, &agent.base_url(), &["--set", &ca]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(agent.truth().requests.len(), 3);
    assert_eq!(ran.summary()["metrics"]["connect"]["count"], 1);
    let stranger = through(&proxy, &agent.base_url(), &[]);
    assert_eq!(
        stranger.outcomes(),
        BTreeMap::from([("failed/tls".to_owned(), 3)]),
        "{}",
        stranger.out
    );
}
