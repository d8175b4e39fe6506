//! What a page takes from a run's samples, one after the other: whatever the number of samples,
//! memory stays bounded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::spread::Spread;
use crate::measure::{Counts, Distribution, values};
use crate::metric::Metric;
use crate::sample::{Outcome, Part, Phase, Sample};
use crate::units::Offset;

/// Messages that are told apart; what comes after them is counted together.
const MESSAGES: usize = 120;
/// Turns that are drawn, of each sort.
const SLOWEST: usize = 8;
const TYPICAL: usize = 5;
const UNANSWERED: usize = 9;
/// Of each way to fail.
const ALIKE: usize = 2;

/// The distributions that a page shows and samples have.
pub const SPREADS: [Metric; 4] =
    [Metric::Ttfc, Metric::TtfcService, Metric::Total, Metric::TotalService];

/// Takes samples in the order of the file.
#[derive(Debug)]
pub struct Gather {
    /// The median total, around which typical turns are found.
    median: Option<u64>,
    spreads: [Distribution; SPREADS.len()],
    messages: BTreeMap<(u16, u32), Message>,
    others: Option<Box<Message>>,
    slowest: BinaryHeap<Reverse<Ranked>>,
    typical: BinaryHeap<Ranked>,
    unanswered: Vec<(Sample, usize)>,
}

/// One message of a session kind, over all sessions.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Turns by outcome.
    pub counts: Counts,
    /// Of completed turns, on the response basis.
    pub ttfc: Distribution,
    /// The same.
    pub total: Distribution,
}

/// What was taken.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// One for each of [`SPREADS`].
    pub spreads: Vec<(Metric, Spread)>,
    /// By session kind (an index) and turn; without a key, all that were too many to tell apart.
    pub messages: Vec<(Option<(u16, u32)>, Message)>,
    /// Turns to be drawn, in the order they are shown.
    pub turns: Vec<Turn>,
}

/// A turn to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Why this one.
    pub chosen: Chosen,
    /// What happened when.
    pub sample: Sample,
    /// When its chunks came, in microseconds after it was sent; empty where that was not recorded.
    pub chunks: Vec<u64>,
}

/// Why a turn is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// One of the slowest.
    Slowest,
    /// One of those nearest to the median.
    Typical,
    /// It has no answer.
    Unanswered,
}

#[derive(Debug)]
struct Ranked {
    rank: u64,
    /// Of two that rank alike, the earlier one counts more.
    ended: Offset,
    sample: Sample,
}

impl Gather {
    /// Nothing taken yet. `median` is the median of `total`, in microseconds, where it is known.
    pub fn new(median: Option<u64>) -> Self {
        Self {
            median,
            spreads: Default::default(),
            messages: BTreeMap::new(),
            others: None,
            slowest: BinaryHeap::new(),
            typical: BinaryHeap::new(),
            unanswered: Vec::new(),
        }
    }

    /// Takes one attempt. Those that another followed, that were due in the warm-up, or that belong
    /// to set-up and closing are in no figure, so they are not here either.
    pub fn sample(&mut self, sample: &Sample) {
        if sample.retried || sample.part != Part::Main || sample.phase == Phase::Warmup {
            return;
        }
        let values = values(sample);
        let completed = sample.outcome.is_completed();
        let key = (sample.kind, sample.turn);
        let room = self.messages.len() < MESSAGES || self.messages.contains_key(&key);
        let message = match room {
            true => self.messages.entry(key).or_default(),
            false => self.others.get_or_insert_default(),
        };
        message
            .add(sample.outcome, (values[Metric::Ttfc as usize], values[Metric::Total as usize]));
        if !completed {
            self.unanswered(sample);
            return;
        }
        for (metric, spread) in SPREADS.into_iter().zip(&mut self.spreads) {
            if let Some(micros) = values[metric as usize] {
                spread.record(micros);
            }
        }
        if let Some(total) = values[Metric::Total as usize] {
            self.rank(sample, total);
        }
    }

    fn rank(&mut self, sample: &Sample, total: u64) {
        let ranked = |rank| Ranked { rank, ended: sample.timeline.ended, sample: sample.clone() };
        let least = self.slowest.peek().map(|Reverse(least)| least.rank);
        if self.slowest.len() < SLOWEST || least.is_some_and(|least| total > least) {
            self.slowest.push(Reverse(ranked(total)));
            if self.slowest.len() > SLOWEST {
                self.slowest.pop();
            }
        }
        let Some(median) = self.median else { return };
        let away = total.abs_diff(median);
        let farthest = self.typical.peek().map(|farthest| farthest.rank);
        if self.typical.len() < TYPICAL || farthest.is_some_and(|farthest| away < farthest) {
            self.typical.push(ranked(away));
            if self.typical.len() > TYPICAL {
                self.typical.pop();
            }
        }
    }

    /// The first of each way to fail; what was never sent has nothing to be drawn.
    fn unanswered(&mut self, sample: &Sample) {
        if sample.timeline.started.is_none() {
            return;
        }
        let alike = |one: &&mut (Sample, usize)| {
            one.0.outcome == sample.outcome && one.0.status == sample.status
        };
        let known = self.unanswered.iter_mut().filter(alike).count();
        if known < ALIKE && self.unanswered.len() < UNANSWERED {
            self.unanswered.push((sample.clone(), known));
        }
    }

    /// Everything was taken.
    pub fn finish(self) -> Gathered {
        let in_order = |mut ranked: Vec<Ranked>| {
            ranked.sort_by_key(|one| (Reverse(total(&one.sample)), one.ended));
            ranked.into_iter().map(|one| one.sample).collect::<Vec<_>>()
        };
        let slowest = in_order(self.slowest.into_iter().map(|Reverse(one)| one).collect());
        let typical: Vec<Ranked> = self.typical.into_vec();
        let typical =
            in_order(typical.into_iter().filter(|one| !slowest.contains(&one.sample)).collect());
        let mut unanswered = self.unanswered;
        // One of each way first, then a second.
        unanswered.sort_by_key(|(_, nth)| *nth);
        let turns = [
            (Chosen::Unanswered, unanswered.into_iter().map(|(sample, _)| sample).collect()),
            (Chosen::Slowest, slowest),
            (Chosen::Typical, typical),
        ];
        let messages = self.messages.into_iter().map(|(key, message)| (Some(key), message));
        Gathered {
            spreads: SPREADS
                .into_iter()
                .zip(&self.spreads)
                .map(|(metric, spread)| (metric, Spread::of(spread)))
                .collect(),
            messages: messages.chain(self.others.map(|others| (None, *others))).collect(),
            turns: turns
                .into_iter()
                .flat_map(|(chosen, samples): (_, Vec<Sample>)| {
                    let turn = move |sample| Turn { chosen, sample, chunks: Vec::new() };
                    samples.into_iter().map(turn)
                })
                .collect(),
        }
    }
}

fn total(sample: &Sample) -> u64 {
    sample.timeline.ended.micros().saturating_sub(sample.timeline.intended.micros())
}

impl Message {
    fn add(&mut self, outcome: Outcome, (ttfc, total): (Option<u64>, Option<u64>)) {
        let counts = &mut self.counts;
        *match outcome {
            Outcome::Completed => &mut counts.completed,
            Outcome::Failed(_) => &mut counts.failed,
            Outcome::TimedOut(_) => &mut counts.timed_out,
            Outcome::Cancelled => &mut counts.cancelled,
            Outcome::Dropped(_) => &mut counts.dropped,
        } += 1;
        if outcome.is_completed() {
            ttfc.into_iter().for_each(|micros| self.ttfc.record(micros));
            total.into_iter().for_each(|micros| self.total.record(micros));
        }
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        (self.rank, self.ended) == (other.rank, other.ended)
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.rank, Reverse(self.ended)).cmp(&(other.rank, Reverse(other.ended)))
    }
}
