//! The agent's threads: each an event loop of its own; the first one also accepts.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::connection::Connection;
use super::options::{Options, Source};
use super::shared::{Shared, Worker};
use super::truth::Truth;
use super::window::{self, Window};
use crate::clock::{Alarm, Clock};

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The options contradict themselves or the machine.
    #[error("{0}")]
    Options(String),
    /// The address is taken, not ours, or not allowed.
    #[error("the agent cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No thread, no event loop or no timer.
    #[error("the agent cannot start its threads: {0}")]
    Threads(#[source] io::Error),
}

/// A running agent. Dropped, it stops.
pub struct Agent {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts an agent on threads of its own; when this returns, it accepts connections. All its times
/// are offsets of `clock`.
///
/// # Errors
/// The options cannot be, the address cannot be listened on, or the system refuses threads.
pub fn start(listen: SocketAddr, options: Options, clock: Clock) -> Result<Agent, AgentError> {
    options.check().map_err(AgentError::Options)?;
    let threads = options.threads;
    let shared = Arc::new(Shared::new(options, clock));
    let (stop, stopped) = watch::channel(false);
    let (started, address) = sync_channel(threads);
    let (mut lanes, mut mouths) = (Vec::new(), Vec::new());
    for _ in 1..threads {
        let (lane, mouth) = mpsc::channel(1_024);
        lanes.push(lane);
        mouths.push(mouth);
    }
    let mut agent = Agent { address: listen, shared, stop, threads: Vec::new() };
    let first = First { listen, lanes };
    let mut jobs: Vec<Job> = vec![Job::Accept(first)];
    jobs.extend(mouths.into_iter().map(Job::Take));
    for (index, job) in jobs.into_iter().enumerate() {
        let seat = Seat {
            shared: Arc::clone(&agent.shared),
            index,
            stopped: stopped.clone(),
            started: started.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("agent-{index}"))
            .spawn(move || seat.run(job))
            .map_err(AgentError::Threads)?;
        agent.threads.push(thread);
    }
    drop(started);
    for _ in 0..threads {
        // A thread that ends without a word has panicked; there is nothing to wait for then.
        let word = address.recv().unwrap_or_else(|_| Err(Failed::Thread(io::Error::other("died"))));
        match word {
            Ok(Some(bound)) => agent.address = bound,
            Ok(None) => {}
            Err(Failed::Thread(error)) => return Err(AgentError::Threads(error)),
            Err(Failed::Listen(source)) => {
                return Err(AgentError::Listen { address: listen, source });
            }
        }
    }
    Ok(agent)
}

impl Agent {
    /// Where it listens; never port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it knows of the requests that have ended, as far as its log reaches.
    pub fn truth(&self) -> Truth {
        self.shared.truth(0)
    }

    /// Where it replays a run: what was matched and what was not, in one sentence.
    pub fn replay_account(&self) -> Option<String> {
        match &self.shared.options.source {
            Source::Replay(recording) => Some(recording.account()),
            _ => None,
        }
    }

    /// Empties the log.
    pub fn reset_truth(&self) {
        self.shared.reset_truth();
    }

    /// Stops at once, cutting what is under way, and says what it knew.
    pub fn stop(mut self) -> Truth {
        self.halt();
        self.shared.truth(0)
    }

    fn halt(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on stderr already.
            let _ = thread.join();
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.halt();
    }
}

/// What a thread is there for, beside serving.
enum Job {
    Accept(First),
    Take(mpsc::Receiver<Dealt>),
}

/// The first thread listens and deals connections to all.
struct First {
    listen: SocketAddr,
    lanes: Vec<mpsc::Sender<Dealt>>,
}

enum Failed {
    Thread(io::Error),
    Listen(io::Error),
}

/// Where a thread sits.
struct Seat {
    shared: Arc<Shared>,
    index: usize,
    stopped: watch::Receiver<bool>,
    started: SyncSender<Result<Option<SocketAddr>, Failed>>,
}

impl Seat {
    fn run(self, job: Job) {
        let Self { shared, index, mut stopped, started } = self;
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build_local(LocalOptions::default());
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = started.send(Err(Failed::Thread(error)));
                return;
            }
        };
        let freezing = stopped.clone();
        runtime.block_on(async move {
            let alarm = match Alarm::new(shared.clock, Duration::ZERO) {
                Ok(alarm) => alarm,
                Err(error) => {
                    let _ = started.send(Err(Failed::Thread(error)));
                    return;
                }
            };
            let worker = Rc::new(Worker::new(shared, index, alarm));
            for window in &worker.shared.options.freezes {
                tokio::task::spawn_local(freeze(Rc::clone(&worker), *window, freezing.clone()));
            }
            match job {
                Job::Take(mut mouth) => {
                    let _ = started.send(Ok(None));
                    drop(started);
                    tokio::select! {
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                        () = take(&worker, &mut mouth) => {}
                    }
                }
                Job::Accept(first) => match listen(first.listen) {
                    Err(error) => {
                        let _ = started.send(Err(Failed::Listen(error)));
                    }
                    Ok(listener) => {
                        let address = listener.local_addr().unwrap_or(first.listen);
                        let _ = started.send(Ok(Some(address)));
                        drop(started);
                        tokio::select! {
                            _ = stopped.wait_for(|stopped| *stopped) => {}
                            () = accept(&worker, listener, address, &first.lanes) => {}
                        }
                    }
                },
            }
        });
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // An agent that was just stopped leaves connections in TIME_WAIT; they must not bar the next.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4_096)
}

/// A connection on its way to a thread, with the place it takes among all connections.
struct Dealt {
    stream: std::net::TcpStream,
    permit: Option<OwnedSemaphorePermit>,
}

/// Connections the other threads are dealt.
async fn take(worker: &Rc<Worker>, mouth: &mut mpsc::Receiver<Dealt>) {
    while let Some(Dealt { stream, permit }) = mouth.recv().await {
        if let Ok(stream) = TcpStream::from_std(stream) {
            serve(worker, stream, permit);
        }
    }
}

fn serve(worker: &Rc<Worker>, stream: TcpStream, permit: Option<OwnedSemaphorePermit>) {
    let connection = Connection::new(stream, Rc::clone(worker), worker.now());
    tokio::task::spawn_local(async move {
        connection.serve().await;
        drop(permit);
    });
}

/// Accepts for all threads, and does not where connections are to be refused.
async fn accept(
    worker: &Rc<Worker>,
    listener: TcpListener,
    address: SocketAddr,
    lanes: &[mpsc::Sender<Dealt>],
) {
    let options = &worker.shared.options;
    let places = options.limits.connections.map(|most| most.min(Semaphore::MAX_PERMITS));
    let places = places.map(|most| Arc::new(Semaphore::new(most)));
    let mut listener = Some(listener);
    let mut first_request = worker.shared.first_request.subscribe();
    let mut next = 0;
    loop {
        let origin = *first_request.borrow_and_update();
        let (refusing, change) = window::at(&options.refusals, origin, worker.now());
        if refusing {
            // Nobody listens on the port until the stretch is over.
            listener = None;
            worker.alarm.until(change.unwrap_or_default()).await;
            continue;
        }
        let Some(open) = &listener else {
            listener = listen(address).ok();
            if listener.is_none() {
                // Somebody took the port meanwhile; try again in a moment.
                worker.alarm.after(Duration::from_millis(10)).await;
            }
            continue;
        };
        let (stream, permit) = tokio::select! {
            accepted = accept_one(open, places.as_ref()) => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    // Out of descriptors, most likely: those waiting keep waiting.
                    worker.alarm.after(Duration::from_millis(5)).await;
                    continue;
                }
            },
            () = worker.alarm.until(change.unwrap_or_default()), if change.is_some() => continue,
            _ = first_request.changed(), if origin.is_none() => continue,
        };
        let lane = next % (lanes.len() + 1);
        next += 1;
        match lane.checked_sub(1) {
            None => serve(worker, stream, permit),
            Some(lane) => {
                if let Ok(stream) = stream.into_std() {
                    let _ = lanes[lane].send(Dealt { stream, permit }).await;
                }
            }
        }
    }
}

/// The next connection, once there is a place for it.
async fn accept_one(
    listener: &TcpListener,
    places: Option<&Arc<Semaphore>>,
) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    let permit = match places {
        Some(places) => Arc::clone(places).acquire_owned().await.ok(),
        None => None,
    };
    let (stream, _) = listener.accept().await?;
    // It fails only if the connection is gone already.
    let _ = stream.set_nodelay(true);
    Ok((stream, permit))
}

/// Stands still on this thread, whatever else it has to do: as a garbage collector would.
async fn freeze(worker: Rc<Worker>, window: Window, stopped: watch::Receiver<bool>) {
    let mut first_request = worker.shared.first_request.subscribe();
    let origin = match first_request.wait_for(Option::is_some).await {
        Ok(origin) => origin.unwrap_or_default(),
        Err(_) => return,
    };
    for n in 0.. {
        let Some((start, end)) = window.occurrence(origin, n) else { return };
        worker.alarm.until(start).await;
        let from = worker.now();
        while worker.now() < end && !*stopped.borrow() {
            // In steps, so that an agent that is told to stop does not wait for the end.
            std::thread::sleep(end.since(worker.now()).min(Duration::from_millis(20)));
        }
        worker.ledger().froze(from, worker.now());
    }
}
