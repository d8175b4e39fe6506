//! How a target is reached: whose connections, HTTP/2, TLS, proxies, addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::agent::agent;
use crate::support::{Ran, run, scenario};

/// Six users in turn, each asking twice: twelve requests of which only one is open at a time.
fn one_at_a_time(url: &str, keep: &str, transport: &str) -> Ran {
    let text = format!(
        "target: {{ url: \"{url}\", connections: {keep}, transport: {transport} }}\nusers: {{ count: 6 }}\n\
         sessions: [{{ messages: [a, b] }}]\nload: {{ open: {{ rate: 30/s, duration: 400ms, max_in_flight: 1 }} }}\n",
    );
    let scenario = scenario(&text, &[]);
    let ran = run(&[scenario.path.to_str().unwrap(), "--workers", "1"]);
    assert_eq!(ran.code, 0, "{keep}: {}\n{}", ran.out, ran.err);
    ran
}

#[test]
fn connections_belong_to_whom_the_scenario_says() {
    for (keep, transport) in ["shared", "per_user", "per_request"]
        .into_iter()
        .flat_map(|keep| [(keep, "wire"), (keep, "reqwest")])
    {
        let agent = agent(|_| {});
        let ran = one_at_a_time(&agent.base_url(), keep, transport);
        let truth = agent.truth();
        let users: BTreeSet<_> = truth.requests.iter().map(|one| one.user_id.clone()).collect();
        let mut used: BTreeMap<u64, BTreeSet<_>> = BTreeMap::new();
        for one in &truth.requests {
            used.entry(one.connection).or_default().insert(one.user_id.clone());
        }
        let opened = ran.samples().iter().filter(|row| !row["connect_ms"].is_empty()).count();
        let most = used.values().map(BTreeSet::len).max();
        match keep {
            "shared" => assert!(used.len() < users.len() && most > Some(1), "{used:?}"),
            "per_user" => assert_eq!((used.len(), most), (users.len(), Some(1))),
            _ => assert_eq!(used.len(), truth.requests.len()),
        }
        assert_eq!(opened, used.len(), "{keep}: nobody opens a connection and uses another");
        assert_eq!(ran.summary()["metrics"]["connect"]["count"], opened, "{keep}");
        if transport == "wire" {
            // Each of its samples names its connection, and the agent's log agrees who shared one.
            let named: BTreeSet<_> =
                ran.samples().iter().map(|row| row["connection"].clone()).collect();
            assert_eq!(named.len(), used.len(), "{keep}");
            assert_eq!(ran.json("run.json")["health"]["connections_opened"], used.len(), "{keep}");
        }
    }
}

#[test]
fn a_name_is_connected_to_where_resolve_says() {
    let agent = agent(|_| {});
    let port = agent.address().port();
    let url = format!("http://agent.invalid:{port}");
    let start = ["-m", "hi", "--target", &url, "--agent-id", "a", "-n", "1", "-c", "1"];
    let resolve = format!("agent.invalid:{port}:127.0.0.1");
    for (asked, via) in [(1, "target.transport=wire"), (2, "target.transport=reqwest")] {
        let found = run(&[&start[..], &["--resolve", &resolve, "--set", via]].concat());
        assert_eq!(found.code, 0, "{via}: {}", found.err);
        assert_eq!(agent.truth().requests.len(), asked);
        let lost = run(&[&start[..], &["--set", via]].concat());
        let nowhere = BTreeMap::from([("failed/dns".to_owned(), 1)]);
        assert_eq!(lost.outcomes(), nowhere, "{via}: {}", lost.out);
    }
}

/// A proxy that tunnels and forwards, and counts what it is asked.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            let count = Arc::clone(&count);
            thread::spawn(move || forward(client.unwrap(), &count));
        }
    });
    (url, asked)
}

/// The port of such a proxy, for whoever stands before it.
pub(crate) fn proxy_port() -> u16 {
    proxy().0.rsplit(':').next().unwrap().parse().unwrap()
}

/// Reads a head; then CONNECT is a tunnel, and `POST http://host/path` goes to that host.
fn forward(mut client: TcpStream, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let text = String::from_utf8(head).unwrap();
    let target = text.split(' ').nth(1).unwrap();
    let tunnel = text.starts_with("CONNECT ");
    let host = target.strip_prefix("http://").unwrap_or(target).split('/').next().unwrap();
    let mut server = TcpStream::connect(host).unwrap();
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    } else {
        server.write_all(text.as_bytes()).unwrap();
    }
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}

#[test]
fn everything_goes_through_the_proxy() {
    let agent = agent(|_| {});
    let (proxy, asked) = proxy();
    let set = format!("target.proxy={proxy}");
    let url = agent.base_url();
    let ran = run(&["-m", "hi", "--target", &url, "-n", "3", "-c", "1", "--set", &set]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!((asked.load(Ordering::SeqCst), agent.truth().requests.len()), (1, 3));
    // The password of a proxy is nobody's business.
    let set = set.replace("//", "//me:hush-hush@");
    let ran = run(&["-m", "hi", "--target", &url, "-n", "1", "-c", "1", "--set", &set]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for file in std::fs::read_dir(ran.directory()).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(9).any(|part| part == b"hush-hush"));
    }
    let gone = "target.proxy=http://127.0.0.1:1";
    let ran = run(&["-m", "hi", "--target", &url, "-n", "1", "-c", "1", "--set", gone]);
    assert_eq!(ran.outcomes(), BTreeMap::from([("failed/connect".to_owned(), 1)]));
}

/// Certificates of a made-up authority, written into a folder.
pub(crate) struct Papers {
    folder: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Papers {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let papers = Self { folder: tempfile::tempdir().unwrap(), authority };
        papers.write("ca.pem", &papers.authority.pem());
        papers.issue("server");
        papers.issue("client");
        papers
    }

    fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// What a server presents, and whether it wants to know who asks.
    pub(crate) fn server(&self, wants_client: bool, protocol: &[u8]) -> Arc<ServerConfig> {
        let certificate = |name: &str| CertificateDer::from_pem_file(self.path(name)).unwrap();
        let key = PrivateKeyDer::from_pem_file(Path::new(&self.path("server.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(certificate("ca.pem")).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(vec![certificate("server.pem")], key).unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

/// Runs an async server on a thread of its own, for as long as the tests run; its port.
pub(crate) fn serve<F: Future<Output = ()> + 'static>(
    accept: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(accept(socket));
            }
        });
    });
    port
}

/// Decrypts what comes and hands it to an agent.
pub(crate) async fn unwrap_tls(
    socket: tokio::net::TcpStream,
    config: Arc<ServerConfig>,
    agent: u16,
) {
    let Ok(mut client) = tokio_rustls::TlsAcceptor::from(config).accept(socket).await else {
        return;
    };
    let mut server = tokio::net::TcpStream::connect(("127.0.0.1", agent)).await.unwrap();
    server.set_nodelay(true).unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

#[test]
fn tls_is_checked_and_our_own_certificate_shown() {
    let agent = agent(|_| {});
    let papers = Papers::new();
    let inner = agent.address().port();
    for (wants_client, transport) in
        [(false, "wire"), (true, "wire"), (false, "reqwest"), (true, "reqwest")]
    {
        let via = format!("target.transport={transport}");
        let config = papers.server(wants_client, b"http/1.1");
        let port = serve(move |socket| unwrap_tls(socket, Arc::clone(&config), inner));
        let url = format!("https://localhost:{port}");
        let start = ["-m", "hi", "--target", &url, "-n", "2", "-c", "1", "--set", &via];
        let ca = format!("target.ca_file={}", papers.path("ca.pem"));
        let cert = format!("target.client_cert={}", papers.path("client.pem"));
        let key = format!("target.client_key={}", papers.path("client.key"));
        let trusting = ["--set", &ca];
        let known = ["--set", &ca, "--set", &cert, "--set", &key];

        let stranger = run(&start);
        assert_eq!(
            stranger.outcomes(),
            BTreeMap::from([("failed/tls".to_owned(), 2)]),
            "{:?}",
            stranger.samples()
        );
        let ran = run(&[&start[..], &known].concat());
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        assert_eq!(ran.summary()["metrics"]["connect"]["count"], 1);
        // The key in a file is as secret as the one in the environment.
        let secret = std::fs::read_to_string(papers.path("client.key")).unwrap();
        let secret = secret.lines().nth(1).unwrap();
        assert!(
            !std::fs::read_to_string(ran.directory().join("run.json")).unwrap().contains(secret)
        );
        let nameless = run(&[&start[..], &trusting].concat());
        assert_eq!(nameless.code == 0, !wants_client, "{}\n{}", nameless.out, nameless.err);
        if wants_client {
            // With TLS 1.3 the server turns us away after our handshake is done.
            assert_eq!(nameless.summary()["counts"]["failed"], 2, "{}", nameless.out);
        }
    }
}

/// Answers every request of an HTTP/2 connection with an OpenAI stream of three chunks.
async fn answer_http2<S>(socket: S, opened: Arc<AtomicUsize>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    opened.fetch_add(1, Ordering::SeqCst);
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::task::spawn_local(async move {
            let mut body = request.into_body();
            while let Some(Ok(piece)) = body.data().await {
                let _ = body.flow_control().release_capacity(piece.len());
            }
            let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
            for text in ["a", "b", "c"] {
                let event =
                    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
                stream.send_data(Bytes::from(event), false).unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            stream.send_data(Bytes::from_static(b"data: [DONE]\n\n"), true).unwrap();
        });
    }
}

#[test]
fn http2_carries_many_turns_on_one_connection() {
    let papers = Papers::new();
    let config = papers.server(false, b"h2");
    let (plain, secret) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let opened = Arc::clone(&plain);
    let plain_port = serve(move |socket| answer_http2(socket, Arc::clone(&opened)));
    let opened = Arc::clone(&secret);
    let secret_port = serve(move |socket| {
        let (config, opened) = (Arc::clone(&config), Arc::clone(&opened));
        async move {
            if let Ok(socket) = tokio_rustls::TlsAcceptor::from(config).accept(socket).await {
                answer_http2(socket, opened).await;
            }
        }
    });
    let ca = format!("target.ca_file={}", papers.path("ca.pem"));
    for (url, more, opened) in [
        (format!("http://127.0.0.1:{plain_port}"), &[][..], plain),
        (format!("https://localhost:{secret_port}"), &["--set", &ca][..], secret),
    ] {
        let start = ["-m", "hi", "--target", &url, "--protocol", "openai", "-n", "20", "-c", "4"];
        let http2 = ["--set", "target.http2=true", "--workers", "1"];
        let ran = run(&[&start[..], &http2, more].concat());
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        assert!(ran.samples().iter().all(|row| row["chunks"] == "3"));
        // The first turns may each begin to open one before it is known that one is enough.
        let opened = opened.load(Ordering::SeqCst);
        assert!((1..=4).contains(&opened), "{opened} connections for 20 turns, 4 at a time");
    }
    // A server that does not speak it is told from one that is not there.
    let agent = agent(|_| {});
    let url = agent.base_url();
    let ran =
        run(&["-m", "hi", "--target", &url, "-n", "1", "-c", "1", "--set", "target.http2=true"]);
    assert_eq!(ran.outcomes(), BTreeMap::from([("failed/protocol".to_owned(), 1)]), "{}", ran.out);
}

#[test]
fn a_server_that_closes_in_the_middle_of_tls_cuts_the_reply() {
    let papers = Papers::new();
    let config = papers.server(false, b"http/1.1");
    let port = serve(move |socket| {
        let config = Arc::clone(&config);
        async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(config);
            let Ok(mut socket) = acceptor.accept(socket).await else { return };
            let mut seen = Vec::new();
            while !seen.ends_with(b"}") {
                let mut part = [0; 1024];
                let Ok(read @ 1..) = socket.read(&mut part).await else { return };
                seen.extend_from_slice(&part[..read]);
            }
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
            // Without the farewell of TLS, and without the last chunk of HTTP.
            drop(socket);
        }
    });
    let url = format!("https://localhost:{port}");
    let ca = format!("target.ca_file={}", papers.path("ca.pem"));
    for transport in ["wire", "reqwest"] {
        let via = format!("target.transport={transport}");
        let sets = ["--set", &ca, "--set", &via];
        let ran = run(&[&["-m", "hi", "--target", &url, "-n", "1", "-c", "1"][..], &sets].concat());
        let cut = BTreeMap::from([("failed/truncated".to_owned(), 1)]);
        assert_eq!(ran.outcomes(), cut, "{transport}: {}", ran.out);
    }
}

/// Settings of the target that cannot be, what is said, and what is advised.
const MISTAKES: [(&str, &str, &str); 17] = [
    ("protocol: lyzr-v3, framing: raw", "always event streams", "lyzr-v2 alone"),
    ("history: none", "keeps the history itself", "openai alone"),
    ("connections: per-user", "cannot be `per-user`", "did you mean `per_user`?"),
    ("http2: yes", "`target.http2` cannot be `yes`", "`true` or `false`"),
    ("transport: wire, http2: true", "does not know HTTP/2", "take `transport` away"),
    ("transport: reqwest, source_addresses: [127.0.0.2]", "wire transport alone", "take it away"),
    ("source_addresses: [here]", "`here` is not an IP address", "addresses of this machine"),
    ("proxy: ftp://p:1", "`ftp` is no proxy", "socks5://"),
    ("proxy: \"http://p:1/x\"", "`target.proxy` has a path", "a host and a port"),
    ("proxy: p", "is not a URL", "http://host:port"),
    ("ca_file: good.pem", "asked without TLS: `target.ca_file` would do nothing", "https://"),
    ("url: \"https://h\", ca_file: no.pem", "no.pem cannot be read", "paths count"),
    ("url: \"https://h\", ca_file: bad.pem", "bad.pem holds no certificate", "BEGIN CERTIFICATE"),
    ("url: \"https://h\", client_cert: bad.pem", "go together", "name both files"),
    ("resolve: \"h:80\"", "is not `host:port:address`", "127.0.0.1"),
    ("resolve: [\"other:80:127.0.0.1\"]", "nothing else than `h:80` is asked", "`target.url`"),
    ("proxy: \"http://p:1\", resolve: \"h:80:::1\"", "do nothing behind a proxy", "take one"),
];

#[test]
fn a_target_that_cannot_be_reached_so_is_refused_with_a_way_out() {
    for (fields, message, help) in MISTAKES {
        let url = if fields.contains("url:") { "" } else { "url: \"http://h\", " };
        let text =
            format!("target: {{ {url}agent_id: a, {fields} }}\nsessions: [{{ messages: [a] }}]\n");
        let scenario = scenario(&text, &[("bad.pem", "nothing"), ("good.pem", "nothing")]);
        let ran = run(&[scenario.path.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{fields}: {}", ran.err);
        let said = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(message) && said.contains(help), "{fields}:\n{}", ran.err);
        assert_eq!(ran.err.matches("error:").count(), 1, "{fields}:\n{}", ran.err);
    }
    let embedded = run(&["-m", "hi", "--target", "embedded", "--set", "target.http2=true"]);
    assert_eq!(embedded.code, 2);
    assert!(embedded.err.contains("HTTP/1.1 alone"), "{}", embedded.err);
}
