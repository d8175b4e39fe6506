//! Who waits how long: the deadlines of all attempts of a worker, kept by one timer.
//!
//! A timer for each attempt would be set and taken back for every turn, and moved with every chunk,
//! though hardly one ever fires. Here an attempt has a cell with its deadline, which a read only
//! overwrites; one task looks through the cells when the earliest it saw is due. No deadline is ever
//! set nearer than the shortest time-out, so what it has not seen yet cannot be due before that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::clock::Clock;
use crate::units::Offset;

/// Between two looks, at least: what tokio's timer can tell apart.
const AT_LEAST: Duration = Duration::from_millis(1);

/// The attempts of one worker that wait. Clones are the same.
#[derive(Debug, Clone)]
pub struct Vigil(Rc<Watch>);

#[derive(Debug)]
struct Watch {
    clock: Clock,
    /// The shortest time-out.
    shortest: Duration,
    places: RefCell<Places>,
}

#[derive(Debug, Default)]
struct Places {
    all: Vec<Place>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    deadline: Offset,
    /// `None` between being woken and coming.
    waker: Option<Waker>,
    /// There is reason to look whether to go on.
    look: bool,
    /// Somebody's.
    taken: bool,
}

/// What an attempt that waits has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing has happened.
    No,
    /// Whether all are being cut: it may have come too late to be told.
    ForCut,
    /// Also whether its deadline has passed.
    ForAll,
}

/// One attempt's place; given up when dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    vigil: &'a Vigil,
    deadline: Cell<Offset>,
    /// Taken when it first has to wait.
    place: Cell<Option<usize>>,
}

impl Vigil {
    /// For attempts none of whose time-outs is shorter than `shortest`.
    pub(super) fn new(clock: Clock, shortest: Duration) -> Self {
        Self(Rc::new(Watch { clock, shortest, places: RefCell::default() }))
    }

    /// Wakes attempts whose deadline has passed, for as long as it is polled: run it beside them.
    pub async fn keep(self) {
        let Watch { clock, shortest, .. } = &*self.0;
        loop {
            let now = clock.now();
            let next = self.wake(|place| place.deadline <= now).unwrap_or(Offset::NEVER);
            let next = next.min(now + *shortest).max(now + AT_LEAST);
            tokio::time::sleep_until(clock.on_tokio(next)).await;
        }
    }

    /// Lets every attempt look whether it may go on.
    pub fn look_up(&self) {
        self.wake(|_| true);
    }

    /// Wakes those, and says when the earliest of the others is due.
    fn wake(&self, which: impl Fn(&Place) -> bool) -> Option<Offset> {
        let mut earliest: Option<Offset> = None;
        for place in &mut self.0.places.borrow_mut().all {
            if !place.taken {
                continue;
            }
            if which(place) {
                place.look = true;
                if let Some(waker) = place.waker.take() {
                    waker.wake();
                }
            } else {
                earliest = Some(earliest.map_or(place.deadline, |one| one.min(place.deadline)));
            }
        }
        earliest
    }

    pub(super) fn wait_until(&self, deadline: Offset) -> Waiting<'_> {
        Waiting { vigil: self, deadline: Cell::new(deadline), place: Cell::new(None) }
    }
}

impl Waiting<'_> {
    /// Moves the deadline.
    pub(super) fn until(&self, deadline: Offset) {
        self.deadline.set(deadline);
        if let Some(place) = self.place.get() {
            self.vigil.0.places.borrow_mut().all[place].deadline = deadline;
        }
    }

    /// Notes that the attempt waits; whether there is something to look at first.
    pub(super) fn note(&self, context: &Context<'_>) -> Look {
        let mut places = self.vigil.0.places.borrow_mut();
        if let Some(place) = self.place.get() {
            let place = &mut places.all[place];
            if !place.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                place.waker = Some(context.waker().clone());
            }
            return if std::mem::take(&mut place.look) { Look::ForAll } else { Look::No };
        }
        let waker = Some(context.waker().clone());
        let fresh = Place { deadline: self.deadline.get(), waker, look: false, taken: true };
        let at = match places.free.pop() {
            Some(free) => {
                places.all[free] = fresh;
                free
            }
            None => {
                places.all.push(fresh);
                places.all.len() - 1
            }
        };
        self.place.set(Some(at));
        Look::ForCut
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.get() {
            let mut places = self.vigil.0.places.borrow_mut();
            places.all[place].waker = None;
            places.all[place].taken = false;
            places.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits until it is told to look at or after its deadline; when that was.
    async fn expire(
        vigil: &Vigil,
        clock: Clock,
        deadline: Offset,
        moved: Option<Offset>,
    ) -> Offset {
        let waiting = vigil.wait_until(deadline);
        let mut moved = moved;
        poll_fn(|context| {
            let look = waiting.note(context) == Look::ForAll;
            if let Some(later) = moved.take() {
                waiting.until(later);
            }
            let due = clock.now() >= waiting.deadline.get();
            if look && due { Poll::Ready(clock.now()) } else { Poll::Pending }
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_woken_at_its_own_deadline_and_a_moved_one_later() {
        let clock = Clock::following_tokio();
        let vigil = Vigil::new(clock, SECOND);
        let at = |seconds: u32| Offset::ZERO + seconds * SECOND;
        let all = async {
            tokio::join!(
                expire(&vigil, clock, at(5), None),
                expire(&vigil, clock, at(2), None),
                expire(&vigil, clock, at(2), Some(at(9))),
                async {
                    tokio::time::sleep(SECOND * 3).await;
                    expire(&vigil, clock, at(4), None).await
                },
            )
        };
        let (first, second, third, fourth) = tokio::select! {
            all = all => all,
            () = vigil.clone().keep() => unreachable!("it goes on for ever"),
        };
        for (woken, due) in [(first, 5), (second, 2), (third, 9), (fourth, 4)] {
            let late = woken.since(at(due));
            assert!(woken >= at(due) && late <= Duration::from_millis(3), "{woken} for {due}");
        }
        assert_eq!(vigil.0.places.borrow().free.len(), vigil.0.places.borrow().all.len());
    }
}
