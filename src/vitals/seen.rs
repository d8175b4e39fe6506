//! What was seen, look by look, and what it comes to over a stretch of time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::Distribution;
use crate::summary::{Busy, Hiccups, Observed, ProcessTime, Retransmits, Used};
use crate::units::Offset;

/// A thread that ran or waited for more than this share of the time between two looks had none left.
const SATURATED: f64 = 0.9;
/// What came between two looks closer together than this says nothing.
const SHORTEST: Duration = Duration::from_millis(100);

/// What the thread of a worker did between two looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spell {
    pub(super) running: Duration,
    pub(super) waiting: Duration,
}

/// What was seen between two looks.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) from: Offset,
    pub(super) until: Offset,
    pub(super) process: Duration,
    /// Each worker's; `None` where the system does not tell, or the thread did not run throughout.
    pub(super) workers: Box<[Option<Spell>]>,
    pub(super) throttled: Option<Duration>,
}

/// Everything that was seen. Grows with the length of a run in seconds, by a few dozen bytes each.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) looks: Vec<Look>,
    /// Overshoots of short sleeps, by the second they ended in.
    pub(super) sleeps: BTreeMap<u64, Distribution>,
    pub(super) cpus: usize,
    pub(super) descriptors: Option<Used>,
    pub(super) ports: Option<Used>,
    pub(super) retransmits: Option<Retransmits>,
}

impl Seen {
    /// What was seen in a stretch of time; what is used up is of the whole run.
    pub fn between(&self, from: Offset, until: Offset) -> Observed {
        let inside = |look: &&Look| {
            look.from >= from && look.until <= until && look.until.since(look.from) >= SHORTEST
        };
        let looks: Vec<&Look> = self.looks.iter().filter(inside).collect();
        let watched: Duration = looks.iter().map(|look| look.until.since(look.from)).sum();
        let process: Duration = looks.iter().map(|look| look.process).sum();
        let throttled: Option<Duration> = looks
            .iter()
            .map(|look| look.throttled)
            .sum::<Option<_>>()
            .filter(|_| !looks.is_empty());
        let seconds = from.nanos().div_ceil(1_000_000_000)..=until.nanos() / 1_000_000_000;
        let mut sleeps = Distribution::new();
        if !seconds.is_empty() {
            self.sleeps.range(seconds).for_each(|(_, second)| sleeps.merge(second));
        }
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
        let (mut watched, mut saturated) = (Duration::ZERO, Duration::ZERO);
        for look in looks {
            let Some(Some(spell)) = look.workers.get(worker) else { continue };
            let length = look.until.since(look.from);
            watched += length;
            sum.running += spell.running;
            sum.waiting += spell.waiting;
            if (spell.running + spell.waiting).as_secs_f64() > SATURATED * length.as_secs_f64() {
                saturated += length;
            }
        }
        let share = |time: Duration| thousandths(time.as_secs_f64() / watched.as_secs_f64());
        (!watched.is_zero()).then(|| Busy {
            running: share(sum.running),
            waiting: share(sum.waiting),
            saturated: share(saturated),
        })
    };
    // All or none: a number in the list is the worker's.
    (0..count).map(of).collect::<Option<_>>().unwrap_or_default()
}

fn hiccups(sleeps: &Distribution) -> Option<Hiccups> {
    let millis = |micros: u64| micros as f64 / 1e3;
    Some(Hiccups {
        count: sleeps.count(),
        p50_ms: millis(sleeps.percentile(50.0)?),
        p99_ms: millis(sleeps.percentile(99.0)?),
        max_ms: millis(sleeps.max()?),
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
        let spell = Spell { running: ms(running), waiting: ms(waiting) };
        let workers = Box::new([Some(spell), Some(Spell::default())]);
        Look { from: at(from), until: at(until), process: ms(running), workers, throttled: None }
    }

    #[test]
    fn only_what_lies_in_the_stretch_counts_and_waiting_is_no_free_time() {
        let mut seen = Seen { cpus: 2, ..Seen::default() };
        seen.looks = vec![
            look(0, 250, 250, 0),
            look(250, 500, 50, 0),
            look(500, 750, 100, 140),
            look(750, 1000, 10, 0),
        ];
        let all = seen.between(at(250), at(1000));
        assert_eq!(all.process.unwrap().cpu_s, 0.16);
        let busy = all.workers[0];
        assert_eq!((busy.running, busy.waiting), (0.213, 0.187));
        assert_eq!(busy.saturated, 0.333, "one look of three: it ran 40 % and waited 56 %");
        assert_eq!(all.workers[1].saturated, 0.0);
        assert_eq!(all.busiest().unwrap().0, 0);
        assert_eq!(seen.between(at(5000), at(9000)).process, None);
    }
}
