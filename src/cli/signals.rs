//! Ctrl-C and SIGTERM: the first drains, the second stops at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::executor::Stop;

/// Whether a run was interrupted.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupts(Arc<AtomicBool>);

impl Interrupts {
    /// Whether a signal has come.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Listens for the rest of the process's life. `drain` is said at the first signal.
    ///
    /// # Errors
    /// The system gives no thread or no signals.
    pub(super) fn listen(stop: Stop, drain: String) -> std::io::Result<Self> {
        let interrupts = Self::default();
        let came = interrupts.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = runtime.block_on(async { Signals::new() })?;
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                came.0.store(true, Ordering::Release);
                say(&drain);
                stop.drain();
                signals.next().await;
                say("Stopping at once.");
                stop.cut();
            });
        })?;
        Ok(interrupts)
    }
}

fn say(text: &str) {
    // The progress line may be half drawn.
    let _ = writeln!(std::io::stderr(), "\n{text}");
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
