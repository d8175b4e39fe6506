//! Waking a task at a due time, to within some ten microseconds.
//!
//! Tokio's timer wheel has slots of a millisecond and rounds up, so that it wakes a task about
//! 1.1 ms late. Here one kernel timer per thread, registered with the thread's own event loop,
//! fires a *lead* before the earliest due time, and the waiting task then yields in a loop until
//! the moment has come: other tasks and sockets of the thread go on meanwhile. Nothing crosses a
//! thread. `docs/decisions/pacing.md` has the measurements.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::Clock;
use crate::units::Offset;

/// Between two looks at the clock that are nearer to each other than this, the thread did nothing
/// else.
const NOTHING_BETWEEN: Duration = Duration::from_micros(5);

/// Wakes tasks of one thread at exact offsets. Clones share the thread's one kernel timer.
#[derive(Clone)]
pub struct Alarm {
    clock: Clock,
    lead: Duration,
    /// `None`: the clock is virtual, and tokio's own timer is exact.
    queue: Option<Rc<Queue>>,
}

struct Queue {
    timer: kernel::Timer,
    waiting: RefCell<Waiting>,
    awake: Awake,
}

/// How long the thread has waited wide awake.
#[derive(Default)]
struct Awake {
    last_look: Cell<Offset>,
    so_far: Cell<Duration>,
}

impl Awake {
    fn look(&self, now: Offset) {
        let step = now.since(self.last_look.replace(now));
        if step < NOTHING_BETWEEN {
            self.so_far.set(self.so_far.get() + step);
        }
    }
}

#[derive(Default)]
struct Waiting {
    heap: BinaryHeap<Reverse<Entry>>,
    /// What the kernel timer is set to.
    armed: Option<Offset>,
    tickets: u64,
}

struct Entry {
    due: Offset,
    /// Of two with the same due time, who came first is woken first.
    ticket: u64,
    waker: Waker,
}

impl Alarm {
    /// An alarm for the tasks of this thread; call it inside a tokio `LocalRuntime` or `LocalSet`.
    ///
    /// `lead` is how long before a due time the waiting task starts to yield in a loop: about
    /// 60 µs buys exactness for a little CPU, zero leaves the kernel timer's own lateness
    /// (about 50 µs).
    ///
    /// # Errors
    /// The kernel refused a timer (descriptors used up).
    pub fn new(clock: Clock, lead: Duration) -> io::Result<Self> {
        if clock.is_virtual() {
            return Ok(Self { clock, lead, queue: None });
        }
        let queue = Rc::new(Queue {
            timer: kernel::Timer::new()?,
            waiting: RefCell::new(Waiting::default()),
            awake: Awake::default(),
        });
        // The driver holds the queue weakly: it ends when the last alarm is gone.
        let driven = Rc::downgrade(&queue);
        tokio::task::spawn_local(poll_fn(move |context| {
            let Some(queue) = driven.upgrade() else { return Poll::Ready(()) };
            loop {
                match queue.timer.poll_fired(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => queue.wake_due(clock),
                }
            }
        }));
        Ok(Self { clock, lead, queue: Some(queue) })
    }

    /// The clock this alarm goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Waits until `due`; returns at once if that has passed.
    pub async fn until(&self, due: Offset) {
        if self.clock.now() >= due {
            return;
        }
        let Some(queue) = &self.queue else {
            return tokio::time::sleep_until(self.clock.on_tokio(due)).await;
        };
        let wake_at = due - self.lead;
        let mut entered: Option<Waker> = None;
        poll_fn(|context| {
            let now = self.clock.now();
            if now >= due {
                return Poll::Ready(());
            }
            if now >= wake_at {
                // The last stretch: stay runnable, let everything else have its turn.
                queue.awake.look(now);
                context.waker().wake_by_ref();
            } else if !entered.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                entered = Some(context.waker().clone());
                queue.enter(now, wake_at, context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// How long the thread has yielded in a loop with nothing else to do: it ran, and was free.
    pub fn wide_awake(&self) -> Duration {
        self.queue.as_ref().map_or(Duration::ZERO, |queue| queue.awake.so_far.get())
    }

    /// Waits for `span` from now.
    pub async fn after(&self, span: Duration) {
        self.until(self.clock.now() + span).await;
    }
}

impl Queue {
    fn enter(&self, now: Offset, due: Offset, waker: Waker) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.tickets += 1;
        let ticket = waiting.tickets;
        waiting.heap.push(Reverse(Entry { due, ticket, waker }));
        if waiting.armed.is_none_or(|armed| due < armed) {
            waiting.armed = Some(due);
            self.timer.set(due.since(now));
        }
    }

    fn wake_due(&self, clock: Clock) {
        let mut waiting = self.waiting.borrow_mut();
        let now = clock.now();
        while waiting.heap.peek().is_some_and(|Reverse(first)| first.due <= now) {
            if let Some(Reverse(first)) = waiting.heap.pop() {
                first.waker.wake();
            }
        }
        waiting.armed = waiting.heap.peek().map(|Reverse(first)| first.due);
        if let Some(next) = waiting.armed {
            self.timer.set(next.since(clock.now()));
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.ticket == other.ticket
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.ticket).cmp(&(other.due, other.ticket))
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer descriptor in the thread's event loop.
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let descriptor = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            #[expect(
                unsafe_code,
                reason = "the event loop takes any descriptor; the proof is ours"
            )]
            // SAFETY: an `OwnedFd` is open, always returns the same descriptor, and closes it only
            // when dropped, which the `AsyncFd` that owns it from here on does after deregistering.
            let registered =
                unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
            Ok(Self(registered?))
        }

        pub(super) fn set(&self, after: Duration) {
            // Zero would disarm it.
            let after = after.max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(after.subsec_nanos()),
            };
            let once =
                Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            // It can fail only for a bad descriptor or a value out of range; ours are neither.
            let set = timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once);
            debug_assert!(set.is_ok(), "{set:?}");
        }

        pub(super) fn poll_fired(&self, context: &mut Context<'_>) -> Poll<()> {
            loop {
                let Poll::Ready(ready) = self.0.poll_read_ready(context) else {
                    return Poll::Pending;
                };
                let Ok(mut ready) = ready else { return Poll::Pending };
                let mut count = [0u8; 8];
                match rustix::io::read(self.0.get_ref(), &mut count) {
                    Ok(_) => return Poll::Ready(()),
                    Err(_) => ready.clear_ready(),
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::cell::RefCell;
    use std::future::Future;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use tokio::time::{Sleep, sleep};

    /// Tokio's timer set two slots early; the yielding loop covers the rest.
    pub(super) struct Timer(RefCell<(Option<Pin<Box<Sleep>>>, Option<Waker>)>);

    const EARLY: Duration = Duration::from_millis(2);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(RefCell::new((None, None))))
        }

        pub(super) fn set(&self, after: Duration) {
            let mut state = self.0.borrow_mut();
            state.0 = Some(Box::pin(sleep(after.saturating_sub(EARLY))));
            if let Some(waker) = state.1.take() {
                waker.wake();
            }
        }

        pub(super) fn poll_fired(&self, context: &mut Context<'_>) -> Poll<()> {
            let mut state = self.0.borrow_mut();
            state.1 = Some(context.waker().clone());
            match state.0.as_mut().map(|sleep| sleep.as_mut().poll(context)) {
                Some(Poll::Ready(())) => {
                    state.0 = None;
                    Poll::Ready(())
                }
                _ => Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_waiters_are_woken_in_order_and_never_early() {
        let runtime = tokio::runtime::LocalRuntime::new().unwrap();
        runtime.block_on(async {
            let clock = Clock::start();
            let alarm = Alarm::new(clock, Duration::from_micros(60)).unwrap();
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = [7u64, 3, 9, 3, 1]
                .into_iter()
                .map(|millis| {
                    let (alarm, order) = (alarm.clone(), Rc::clone(&order));
                    tokio::task::spawn_local(async move {
                        let due = Offset::from_nanos(millis * 1_000_000);
                        alarm.until(due).await;
                        assert!(alarm.clock().now() >= due);
                        order.borrow_mut().push(millis);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*order.borrow(), [1, 3, 3, 7, 9]);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_is_turned_by_tokio() {
        let clock = Clock::following_tokio();
        let alarm = Alarm::new(clock, Duration::from_micros(60)).unwrap();
        alarm.until(Offset::from_nanos(3_600_000_000_000)).await;
        assert_eq!(clock.now(), Offset::from_nanos(3_600_000_000_000));
    }
}
