//! The fastest answer there can be: the same bytes to every request, in one write, with no look at
//! what was asked. Against it a client shows its own limit, not the agent's.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{AGENT_CPU, pinned_to};

/// The argument that makes a benchmark this server.
const SERVE: &str = "--respond-with-chunks";

/// The responder in a process of its own, until dropped.
pub(crate) struct Responder {
    child: Child,
    /// Its base URL.
    pub(crate) url: String,
}

impl Responder {
    /// Starts one whose replies have so many chunks.
    pub(crate) fn start(chunks: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = pinned_to(AGENT_CPU, &program);
        let mut child =
            command.args([SERVE, chunks]).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut url = String::new();
        let out = child.stdout.take().expect("its stdout is a pipe");
        BufReader::new(out).read_line(&mut url).expect("its first line is its URL");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves for ever where the arguments say that this process is the responder.
pub(crate) fn serve_if_asked() {
    let mut arguments = std::env::args().skip_while(|one| one != SERVE).skip(1);
    let Some(chunks) = arguments.next() else { return };
    let mut reply =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..chunks.parse().expect("a count of chunks") {
        reply.extend_from_slice(b"6\r\nchunk \r\n");
    }
    reply.extend_from_slice(b"0\r\n\r\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("http://{}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("a reader");
        let reply: std::rc::Rc<[u8]> = reply.into();
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            tokio::task::spawn_local(respond(socket, std::rc::Rc::clone(&reply)));
        }
    });
}

/// Every request of these clients comes in one piece: a read is a request.
async fn respond(mut socket: tokio::net::TcpStream, reply: std::rc::Rc<[u8]>) {
    let _ = socket.set_nodelay(true);
    let mut request = vec![0; 4096];
    while matches!(socket.read(&mut request).await, Ok(1..)) {
        if socket.write_all(&reply).await.is_err() {
            return;
        }
    }
}
