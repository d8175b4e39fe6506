//! What was seen, look by look, and what it comes to over a stretch of time.

use std::time::Duration;

use super::sleeps::Sleeps;
use crate::summary::{Busy, Hiccups, Observed, ProcessTime, Retransmits, Used};
use crate::units::Offset;

/// A thread that ran or waited for more than this share of the time between two looks had none left.
const SATURATED: f64 = 0.9;
/// What came between two looks closer together than this says nothing.
const SHORTEST: Duration = Duration::from_millis(100);

/// So many looks are kept. When there are more each two become one: a run of any length needs the
/// same memory, and its first and last moments are known to a few thousandths of it.
const MOST: usize = 512;

/// What the thread of a worker did between two looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spell {
    /// How long it was watched.
    length: Duration,
    running: Duration,
    waiting: Duration,
    /// In looks at whose time it had next to nothing left.
    saturated: Duration,
}

impl Spell {
    /// Of one look.
    pub(super) fn new(length: Duration, running: Duration, waiting: Duration) -> Self {
        let busy = (running + waiting).as_secs_f64() > SATURATED * length.as_secs_f64();
        let saturated = if busy { length } else { Duration::ZERO };
        Self { length, running, waiting, saturated }
    }

    fn add(&mut self, other: &Self) {
        self.length += other.length;
        self.running += other.running;
        self.waiting += other.waiting;
        self.saturated += other.saturated;
    }
}

/// What was seen between two looks, or over several.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) from: Offset,
    pub(super) until: Offset,
    pub(super) process: Duration,
    /// Each worker's; `None` where the system does not tell, or the thread did not run throughout.
    pub(super) workers: Box<[Option<Spell>]>,
    pub(super) throttled: Option<Duration>,
    /// Overshoots of the short sleeps in it.
    pub(super) sleeps: Sleeps,
    /// How many looks it was made of.
    pub(super) of: u32,
}

impl Look {
    /// Takes in the one after it.
    fn extend(&mut self, next: &Self) {
        self.until = next.until;
        self.process += next.process;
        for (one, next) in self.workers.iter_mut().zip(&next.workers) {
            match (&mut *one, next) {
                (Some(one), Some(next)) => one.add(next),
                (None, Some(next)) => *one = Some(*next),
                (_, None) => {}
            }
        }
        self.throttled = self.throttled.zip(next.throttled).map(|(one, next)| one + next);
        self.sleeps.merge(&next.sleeps);
        self.of += next.of;
    }
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Seen {
    looks: Vec<Look>,
    /// How many looks are kept as one by now.
    each: u32,
    cpus: usize,
    pub(super) descriptors: Option<Used>,
    pub(super) ports: Option<Used>,
    pub(super) retransmits: Option<Retransmits>,
}

impl Seen {
    /// Nothing yet, by a process that may use so many processors.
    pub(super) fn new(cpus: usize) -> Self {
        Self { each: 1, cpus, ..Self::default() }
    }

    /// Keeps a look, unless it was too short to say something.
    pub(super) fn add(&mut self, look: Look) {
        if look.until.since(look.from) < SHORTEST {
            return;
        }
        match self.looks.last_mut() {
            Some(last) if last.of < self.each => return last.extend(&look),
            _ => self.looks.push(look),
        }
        if self.looks.len() > MOST {
            self.each *= 2;
            let mut pairs = std::mem::take(&mut self.looks).into_iter();
            while let Some(mut one) = pairs.next() {
                if let Some(next) = pairs.next() {
                    one.extend(&next);
                }
                self.looks.push(one);
            }
        }
    }

    /// What was seen in a stretch of time; what is used up is of the whole run.
    pub fn between(&self, from: Offset, until: Offset) -> Observed {
        let inside = |look: &&Look| look.from >= from && look.until <= until;
        let looks: Vec<&Look> = self.looks.iter().filter(inside).collect();
        let watched: Duration = looks.iter().map(|look| look.until.since(look.from)).sum();
        let process: Duration = looks.iter().map(|look| look.process).sum();
        let throttled: Option<Duration> = looks
            .iter()
            .map(|look| look.throttled)
            .sum::<Option<_>>()
            .filter(|_| !looks.is_empty());
        let mut sleeps = Sleeps::default();
        looks.iter().for_each(|look| sleeps.merge(&look.sleeps));
        Observed {
            process: (!watched.is_zero()).then(|| ProcessTime {
                watched_s: thousandths(watched.as_secs_f64()),
                cpu_s: thousandths(process.as_secs_f64()),
                cpus: self.cpus,
            }),
            workers: workers(&looks),
            hiccups: hiccups(&sleeps),
            throttled_ms: throttled.map(|time| thousandths(time.as_secs_f64() * 1e3)),
            descriptors: self.descriptors,
            ports: self.ports,
            retransmits: self.retransmits,
            reads_per_chunk: None,
            control: None,
        }
    }
}

fn workers(looks: &[&Look]) -> Vec<Busy> {
    let count = looks.iter().map(|look| look.workers.len()).max().unwrap_or(0);
    let of = |worker: usize| {
        let mut sum = Spell::default();
        looks
            .iter()
            .filter_map(|look| look.workers.get(worker)?.as_ref())
            .for_each(|one| sum.add(one));
        let share = |time: Duration| thousandths(time.as_secs_f64() / sum.length.as_secs_f64());
        (!sum.length.is_zero()).then(|| Busy {
            running: share(sum.running),
            waiting: share(sum.waiting),
            saturated: share(sum.saturated),
        })
    };
    // All or none: a number in the list is the worker's.
    (0..count).map(of).collect::<Option<_>>().unwrap_or_default()
}

fn hiccups(sleeps: &Sleeps) -> Option<Hiccups> {
    let millis = |micros: u64| micros as f64 / 1e3;
    let all = sleeps.distribution();
    Some(Hiccups {
        count: all.count(),
        p50_ms: millis(all.percentile(50.0)?),
        p99_ms: millis(all.percentile(99.0)?),
        max_ms: millis(sleeps.longest()),
    })
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Offset {
        Offset::from_nanos(millis * 1_000_000)
    }

    fn look(from: u64, until: u64, running: u64, waiting: u64) -> Look {
        let ms = Duration::from_millis;
        let length = ms(until - from);
        let spell = |running, waiting| Some(Spell::new(length, ms(running), ms(waiting)));
        let workers = Box::new([spell(running, waiting), spell(0, 0)]);
        let mut sleeps = Sleeps::default();
        sleeps.note(running);
        Look {
            from: at(from),
            until: at(until),
            process: ms(running),
            workers,
            throttled: None,
            sleeps,
            of: 1,
        }
    }

    #[test]
    fn only_what_lies_in_the_stretch_counts_and_waiting_is_no_free_time() {
        let mut seen = Seen::new(2);
        for look in [
            look(0, 250, 250, 0),
            look(250, 500, 50, 0),
            look(500, 750, 100, 140),
            look(750, 1000, 10, 0),
            // Too short to say something.
            look(1000, 1001, 1, 0),
        ] {
            seen.add(look);
        }
        let all = seen.between(at(250), at(1000));
        assert_eq!(all.process.unwrap().cpu_s, 0.16);
        let busy = all.workers[0];
        assert_eq!((busy.running, busy.waiting), (0.213, 0.187));
        assert_eq!(busy.saturated, 0.333, "one look of three: it ran 40 % and waited 56 %");
        assert_eq!(all.workers[1].saturated, 0.0);
        assert_eq!(all.busiest().unwrap().0, 0);
        assert_eq!(all.hiccups.unwrap().count, 3);
        assert_eq!(seen.between(at(5000), at(9000)).process, None);
    }

    #[test]
    fn a_run_of_a_day_keeps_every_second_in_bounded_memory() {
        let mut seen = Seen::new(2);
        let day = 24 * 3600 * 4;
        for number in 0..day {
            // One look in a hundred is saturated.
            let running = if number % 100 == 0 { 240 } else { 25 };
            seen.add(look(number * 250, (number + 1) * 250, running, 0));
        }
        assert!(seen.looks.len() <= MOST);
        let all = seen.between(Offset::ZERO, Offset::NEVER);
        assert_eq!(all.process.unwrap().watched_s, day as f64 / 4.0);
        assert_eq!(all.workers[0].saturated, 0.01);
        assert_eq!(all.hiccups.unwrap().count, day);
        // The second half, to a few thousandths of the day.
        let half = seen.between(at(day * 125), Offset::NEVER).process.unwrap().watched_s;
        assert!((half - day as f64 / 8.0).abs() < day as f64 / 4.0 / 200.0, "{half}");
    }
}
