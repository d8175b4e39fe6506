//! What one worker records, second by second.

use std::collections::VecDeque;
use std::sync::Arc;

use super::interval::Interval;
use super::layout::Layout;
use super::tally::EndedSession;
use super::within::Within;
use crate::sample::Sample;
use crate::units::Offset;

/// A second is handed out when the one after it is over too: what ended in it may be recorded a
/// little later, and still belongs to it.
const GRACE: u64 = 1;

/// One per worker thread: no locks, and no allocation per turn once it is warm.
#[derive(Debug)]
pub struct Recorder {
    layout: Arc<Layout>,
    /// Seconds not yet handed out, in order.
    open: VecDeque<Box<Interval>>,
    /// No second before this is opened any more.
    floor: u64,
    #[expect(clippy::vec_box, reason = "boxes go to the collector and come back as they are")]
    spare: Vec<Box<Interval>>,
}

impl Recorder {
    /// An empty recorder for the series of `layout`.
    pub fn new(layout: Arc<Layout>) -> Self {
        Self { layout, open: VecDeque::new(), floor: 0, spare: Vec::new() }
    }

    /// An attempt was handed to the transport.
    pub fn started(&mut self, at: Offset) {
        let at = self.open_at(at);
        self.open[at].flow.started += 1;
    }

    /// An attempt ended. `within` is of its reply; it counts if it completed its turn.
    pub fn sample(&mut self, sample: &Sample, within: &Within) {
        let at = self.open_at(sample.timeline.ended);
        let interval = &mut self.open[at];
        interval.flow.sample(sample);
        interval.tally.sample(&self.layout, sample, within);
    }

    /// Sessions with so many turns in all were never opened, because the run was stopped at `at`;
    /// `kind` is one of their scenario's.
    pub fn never_opened(&mut self, at: Offset, kind: u16, turns: u64) {
        let at = self.open_at(at);
        let interval = &mut self.open[at];
        interval.flow.dropped += turns;
        interval.tally.never_opened(&self.layout, kind, turns);
    }

    /// The last turn of a session ended.
    pub fn session_ended(&mut self, session: &EndedSession) {
        let at = self.open_at(session.ended);
        self.open[at].tally.session_ended(&self.layout, session);
    }

    /// The earliest second that is over for good at `now`. Call until `None`, about once a second.
    /// Seconds in which nothing happened are left out.
    pub fn roll(&mut self, now: Offset) -> Option<Box<Interval>> {
        let open = second_of(now).saturating_sub(GRACE);
        if self.open.front().is_some_and(|first| first.second < open) {
            return self.take_front();
        }
        self.floor = self.floor.max(open);
        None
    }

    /// Nothing is reported any more of seconds before this one. It moves when `roll` gives `None`.
    pub fn reached(&self) -> u64 {
        self.floor
    }

    /// The earliest second, over or not: at the end of a run, until `None`.
    pub fn finish(&mut self) -> Option<Box<Interval>> {
        self.take_front()
    }

    /// Takes back a box for the next second; without this each second allocates a new one.
    pub fn recycle(&mut self, interval: Box<Interval>) {
        if self.spare.len() < 4 {
            self.spare.push(interval);
        }
    }

    fn take_front(&mut self) -> Option<Box<Interval>> {
        let interval = self.open.pop_front()?;
        self.floor = self.floor.max(interval.second + 1);
        Some(interval)
    }

    /// Where the second of `at` is kept; the earliest open one for what comes too late.
    fn open_at(&mut self, at: Offset) -> usize {
        let second = second_of(at).max(self.floor);
        match self.open.iter().rposition(|one| one.second <= second) {
            Some(at) if self.open[at].second == second => at,
            found => {
                let fresh = match self.spare.pop() {
                    Some(mut spare) => {
                        spare.reuse(second);
                        spare
                    }
                    None => Box::new(Interval::new(&self.layout, second)),
                };
                let at = found.map_or(0, |before| before + 1);
                self.open.insert(at, fresh);
                at
            }
        }
    }
}

fn second_of(at: Offset) -> u64 {
    at.nanos() / 1_000_000_000
}
