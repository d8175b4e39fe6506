//! `--prometheus ADDR`: the run's numbers for a scraper, while the run goes.
//!
//! A thread of its own answers `GET /metrics` from what the collector was told; workers know nothing
//! of it.

mod exposition;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::sink::live::Live;

/// How long a scraper may take to say what it wants, and to take it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that a request may have: a scraper's has a few hundred.
const REQUEST: usize = 8 * 1024;

/// The server, for as long as this is kept.
pub(super) struct Prometheus {
    address: SocketAddr,
    /// What is served; nothing before the run has begun.
    watched: Arc<Mutex<Option<Live>>>,
    over: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Prometheus {
    /// Listens from now on.
    ///
    /// # Errors
    /// The address cannot be listened on, or there is no thread.
    pub(super) fn listen(address: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let watched: Arc<Mutex<Option<Live>>> = Arc::default();
        let over = Arc::new(Notify::new());
        let (serving, end) = (Arc::clone(&watched), Arc::clone(&over));
        let thread = std::thread::Builder::new().name("prometheus".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(&listener, &serving) => {}
                    () = end.notified() => {}
                }
            });
        })?;
        Ok(Self { address, watched, over, thread: Some(thread) })
    }

    /// Where it listens: the port that was found, where port 0 was asked for.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves this run from now on.
    pub(super) fn serve(&self, live: Live) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(live);
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.over.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One after the other: scrapers are few, and each is given up after a while.
async fn serve(listener: &TcpListener, watched: &Mutex<Option<Live>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A scraper that went away is its own affair.
                let _ = tokio::time::timeout(PATIENCE, answer(stream, watched)).await;
            }
            // No descriptor is free: they may be again.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer(mut stream: TcpStream, watched: &Mutex<Option<Live>>) -> io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > REQUEST {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
    }
    let (status, body) = reply(&request, watched);
    let kind = match status {
        "200 OK" => "text/plain; version=0.0.4; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let sent = if request.starts_with(b"HEAD ") { "" } else { &body };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{sent}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await
}

fn reply(request: &[u8], watched: &Mutex<Option<Live>>) -> (&'static str, String) {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match (method, target.split('?').next().unwrap_or_default()) {
        ("GET" | "HEAD", "/metrics") => {
            let live = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let page = live.map(|live| exposition::exposition(&live.standing()));
            ("200 OK", page.unwrap_or_default())
        }
        ("GET" | "HEAD", _) => ("404 Not Found", "The metrics are under /metrics.\n".into()),
        _ => ("405 Method Not Allowed", "Only GET and HEAD.\n".into()),
    }
}
