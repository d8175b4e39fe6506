//! Ctrl-Z while the view is there: the shell must find its terminal as it was.

#[cfg(unix)]
pub(super) use unix::{Suspensions, has_terminal, suspend};

#[cfg(unix)]
mod unix {
    use std::io::{self, stderr};
    use std::time::Duration;

    use rustix::process::{Signal, getpgrp, getpid, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::runtime::{Builder, Runtime};
    use tokio::signal::unix;

    /// Asks to be suspended; they wait until somebody looks.
    pub(in crate::cli::tui) struct Suspensions {
        runtime: Runtime,
        asked: unix::Signal,
    }

    impl Suspensions {
        /// Listens from now on; the system no longer suspends the process by itself.
        ///
        /// # Errors
        /// The system gives no signals.
        pub(in crate::cli::tui) fn listen() -> io::Result<Self> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let kind = unix::SignalKind::from_raw(Signal::TSTP.as_raw());
            let asked = runtime.block_on(async { unix::signal(kind) })?;
            Ok(Self { runtime, asked })
        }

        /// Waits for so long, or until it is asked for: then true.
        pub(in crate::cli::tui) fn came_within(&mut self, time: Duration) -> bool {
            let asked = &mut self.asked;
            self.runtime
                .block_on(async { tokio::time::timeout(time, asked.recv()).await })
                .is_ok_and(|signal| signal.is_some())
        }
    }

    /// How long a signal may take to reach every thread.
    const LANDED: Duration = Duration::from_millis(20);

    /// Stops the process until somebody lets it go on. Where nobody could, because no shell with job
    /// control stands above it, the system does not stop it: that is why this is not `SIGSTOP`.
    pub(in crate::cli::tui) fn suspend() {
        let _ = kill_process(getpid(), Signal::TTOU);
        // The call may return before this thread is stopped, and nothing may be drawn in between.
        std::thread::sleep(LANDED);
    }

    /// Whether the terminal is ours to draw on: a process that goes on in the background must not.
    pub(in crate::cli::tui) fn has_terminal() -> bool {
        tcgetpgrp(stderr()).is_ok_and(|group| group == getpgrp())
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{Suspensions, has_terminal, suspend};

/// Where there is no such thing.
#[cfg(not(unix))]
mod elsewhere {
    use std::time::Duration;

    pub(in crate::cli::tui) struct Suspensions;

    impl Suspensions {
        pub(in crate::cli::tui) fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::cli::tui) fn came_within(&mut self, time: Duration) -> bool {
            std::thread::sleep(time);
            false
        }
    }

    pub(in crate::cli::tui) fn suspend() {}

    pub(in crate::cli::tui) fn has_terminal() -> bool {
        true
    }
}
