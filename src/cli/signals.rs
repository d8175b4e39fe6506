//! Ctrl-C and SIGTERM: the first drains, the second stops at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::voice::say;
use crate::executor::Stop;

/// Whether the command was interrupted, and what it does about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupts(Arc<State>);

#[derive(Debug, Default)]
struct State {
    came: AtomicBool,
    /// The run that is going on, and what is said when it is drained.
    run: Mutex<Option<(Stop, String)>>,
}

impl Interrupts {
    /// Whether a signal has come.
    pub(super) fn came(&self) -> bool {
        self.0.came.load(Ordering::Acquire)
    }

    /// Listens for the rest of the process's life, for one run or for several after each other.
    ///
    /// # Errors
    /// The system gives no thread or no signals.
    pub(super) fn listen() -> std::io::Result<Self> {
        let interrupts = Self::default();
        let ours = interrupts.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = runtime.block_on(async { Signals::new() })?;
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                ours.0.came.store(true, Ordering::Release);
                ours.drain();
                signals.next().await;
                say("Stopping at once.");
                ours.with_run(|stop, _| stop.cut());
            });
        })?;
        Ok(interrupts)
    }

    /// From now on a signal stops this run; `drain` is said then. One that has come already stops it
    /// now.
    pub(super) fn attend(&self, stop: Stop, drain: String) {
        *self.0.run.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, drain));
        if self.came() {
            self.drain();
        }
    }

    /// The run has ended: a signal finds nothing to stop.
    pub(super) fn leave(&self) {
        *self.0.run.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn drain(&self) {
        self.with_run(|stop, text| {
            say(text);
            stop.drain();
        });
    }

    fn with_run(&self, act: impl FnOnce(&Stop, &str)) {
        let run = self.0.run.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stop, text)) = run.as_ref() {
            act(stop, text);
        }
    }
}

/// The signals by which a person or a service manager asks a command to end.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on; call it inside a tokio runtime.
    pub(super) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; its name.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
