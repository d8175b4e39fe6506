//! The thread that looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::kernel::{self, ThreadTime};
use super::seen::{Look, Seen, Spell};
use super::sleeps::Sleeps;
use crate::clock::{Clock, cpu_time};
use crate::executor::Gauges;
use crate::machine;
use crate::summary::{Retransmits, Used};
use crate::units::Offset;

/// A short sleep, and how long the thread rests before the next one: a hiccup of several
/// milliseconds meets one or the other, and both are measured.
const SLEEPS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(4)];
/// How often it looks around.
const LOOK: Duration = Duration::from_millis(250);

/// A thread that watches this process until it is told to end.
#[derive(Debug)]
pub struct Watch {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Starts to watch; the workers are those of `gauges`, the times are offsets of `clock`, connections
    /// come from so many source addresses (each has its ports).
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(clock: Clock, gauges: Vec<Arc<Gauges>>, sources: u64) -> std::io::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&ending);
        let thread = std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || Watcher::new(clock, gauges, sources).watch(&theirs))?;
        Ok(Self { ending, thread })
    }

    /// Ends it; what it has seen.
    pub fn end(self) -> Seen {
        self.ending.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}

/// Numbers that only grow, as they stand.
struct Standing {
    at: Offset,
    process: Duration,
    /// Of each worker: its thread's times, and how much of them it was wide awake.
    workers: Vec<Option<(ThreadTime, Duration)>>,
    throttled: Option<Duration>,
}

struct Watcher {
    clock: Clock,
    gauges: Vec<Arc<Gauges>>,
    seen: Seen,
    last: Standing,
    /// Since then.
    sleeps: Sleeps,
    segments: Option<(u64, u64)>,
    descriptor_limit: Option<u64>,
    /// Those of all source addresses together.
    ports: Option<u64>,
}

impl Watcher {
    fn new(clock: Clock, gauges: Vec<Arc<Gauges>>, sources: u64) -> Self {
        Self {
            last: Standing::now(clock, &gauges),
            sleeps: Sleeps::default(),
            seen: Seen::new(machine::cpus()),
            segments: kernel::segments(),
            descriptor_limit: machine::descriptor_limit(),
            ports: kernel::port_range().map(|each| each * sources),
            clock,
            gauges,
        }
    }

    fn watch(mut self, ending: &AtomicBool) -> Seen {
        let mut next_look = self.clock.now() + LOOK;
        while !ending.load(Ordering::Acquire) {
            for sleep in SLEEPS {
                let before = self.clock.now();
                std::thread::sleep(sleep);
                let after = self.clock.now();
                let late = after.since(before).saturating_sub(sleep);
                let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                self.sleeps.note(micros);
            }
            if self.clock.now() >= next_look {
                self.look();
                next_look = self.clock.now() + LOOK;
            }
        }
        self.look();
        if let (Some(before), Some(now)) = (self.segments, kernel::segments()) {
            let again = now.0.saturating_sub(before.0);
            self.seen.retransmits =
                Some(Retransmits { again, sent: now.1.saturating_sub(before.1) });
        }
        self.seen
    }

    fn look(&mut self) {
        let now = Standing::now(self.clock, &self.gauges);
        let sleeps = std::mem::take(&mut self.sleeps);
        self.seen.add(now.since(&self.last, sleeps));
        self.last = now;
        let open = kernel::descriptors();
        if let (Some(open), Some(limit)) = (open, self.descriptor_limit) {
            raise(&mut self.seen.descriptors, open, limit);
        }
        // Every connection of ours is a descriptor; those that ended keep their port for a while.
        if let (Some(open), Some(lingering), Some(limit)) = (open, kernel::lingering(), self.ports)
        {
            raise(&mut self.seen.ports, open + lingering, limit);
        }
    }
}

fn raise(used: &mut Option<Used>, now: u64, limit: u64) {
    let most = used.map_or(now, |used| used.most.max(now));
    *used = Some(Used { most, limit });
}

impl Standing {
    fn now(clock: Clock, gauges: &[Arc<Gauges>]) -> Self {
        let worker = |gauges: &Arc<Gauges>| {
            let time = kernel::thread_time(gauges.thread()?)?;
            Some((time, gauges.wide_awake()))
        };
        Self {
            workers: gauges.iter().map(worker).collect(),
            throttled: kernel::throttled(),
            process: cpu_time(),
            at: clock.now(),
        }
    }

    fn since(&self, before: &Self, sleeps: Sleeps) -> Look {
        let length = self.at.since(before.at);
        let spell = |(now, before): (&Option<_>, &Option<_>)| {
            let ((now, now_awake), (before, before_awake)): (
                (ThreadTime, Duration),
                (ThreadTime, Duration),
            ) = ((*now)?, (*before)?);
            let awake = now_awake.saturating_sub(before_awake);
            Some(Spell::new(
                length,
                now.running.saturating_sub(before.running).saturating_sub(awake),
                now.waiting.saturating_sub(before.waiting),
            ))
        };
        let throttled = self.throttled.zip(before.throttled);
        Look {
            from: before.at,
            until: self.at,
            process: self.process.saturating_sub(before.process),
            workers: self.workers.iter().zip(&before.workers).map(spell).collect(),
            throttled: throttled.map(|(now, before)| now.saturating_sub(before)),
            sleeps,
            of: 1,
        }
    }
}
