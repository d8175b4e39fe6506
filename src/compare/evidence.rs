//! What a run observed, in the form that a comparison resamples it in.

use std::collections::HashMap;
use std::sync::Arc;

use super::figure::Figure;
use crate::measure::values;
use crate::metric::Metric;
use crate::sample::{Outcome, Part, Phase, Sample};
use crate::stats::bootstrap::Observations;

/// Fewer sessions say nothing of how sessions differ: then each turn stands by itself, in order of
/// time.
const FEWEST_SESSIONS: usize = 20;

/// Where the observations come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `samples.csv`: every turn, with its session.
    Samples,
    /// `histograms.hlog`: the turns of each second.
    Histograms,
}

/// Turns, observed one by one or second by second.
#[derive(Debug, Clone)]
pub struct Evidence {
    source: Source,
    /// By session kind (`None`: all of them) and metric.
    observations: HashMap<(Option<u16>, Metric), Observations>,
    /// 1 for each turn without an answer, 0 for each with one; by session kind.
    errors: HashMap<Option<u16>, Observations>,
}

impl Evidence {
    /// Where it comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What was observed of `metric`, in the turns of one kind or of all.
    pub(super) fn of(&self, kind: Option<u16>, metric: Metric) -> Option<&Observations> {
        self.observations.get(&(kind, metric)).filter(|all| all.count() > 0)
    }

    /// Turns without an answer.
    pub(super) fn errors(&self, kind: Option<u16>) -> Option<&Observations> {
        self.errors.get(&kind)
    }
}

/// Gathers the evidence of a run.
#[derive(Debug)]
pub struct Gathering {
    metrics: Vec<Metric>,
    /// Metrics that are kept for each session kind as well.
    of_kinds: Vec<Metric>,
    turns: Vec<Turn>,
    sessions: Vec<Session>,
    known: HashMap<(u64, Arc<str>), usize>,
    /// (second, value, count), by metric; of histograms.
    seconds: HashMap<Metric, Vec<(usize, u64, u32)>>,
}

#[derive(Debug)]
struct Turn {
    session: usize,
    kind: u16,
    due: u64,
    failed: bool,
    values: Box<[Option<u64>]>,
}

#[derive(Debug)]
struct Session {
    due: u64,
    ended: u64,
    turns: u32,
    seen: u32,
    completed: bool,
}

impl Gathering {
    /// Gathers what `figures` are of; what `of_kinds` are of also by session kind.
    pub fn new(figures: &[Figure], of_kinds: &[Figure]) -> Self {
        let metrics = |figures: &[Figure]| {
            let mut metrics: Vec<Metric> = figures.iter().map(|one| one.metric).collect();
            metrics.sort_unstable();
            metrics.dedup();
            metrics
        };
        Self {
            metrics: metrics(&[figures, of_kinds].concat()),
            of_kinds: metrics(of_kinds),
            turns: Vec::new(),
            sessions: Vec::new(),
            known: HashMap::new(),
            seconds: HashMap::new(),
        }
    }

    /// Adds a row of `samples.csv`. Rows that no figure is of are passed over.
    pub fn sample(&mut self, sample: &Sample) {
        let cold = sample.phase == Phase::Warmup;
        if sample.part != Part::Main || cold || sample.retried {
            return;
        }
        let due = sample.timeline.intended.micros();
        let ended = sample.timeline.ended.micros();
        let completed = sample.outcome.is_completed();
        let key = (sample.session_number, Arc::clone(&sample.session_id));
        let sessions = &mut self.sessions;
        let at = *self.known.entry(key).or_insert_with(|| {
            sessions.push(Session {
                due,
                ended,
                turns: sample.session_turns,
                seen: 0,
                completed: true,
            });
            sessions.len() - 1
        });
        let session = &mut sessions[at];
        session.due = session.due.min(due);
        session.ended = session.ended.max(ended);
        session.seen += 1;
        session.completed &= completed;
        if sample.outcome == Outcome::Cancelled {
            return;
        }
        let of = values(sample);
        let values =
            self.metrics.iter().map(|&metric| of[metric as usize].filter(|_| completed)).collect();
        self.turns.push(Turn { session: at, kind: sample.kind, due, failed: !completed, values });
    }

    /// Adds `count` values of a second of `histograms.hlog`: of what samples lack, or the whole of
    /// a run that has none.
    pub fn second(&mut self, second: u64, metric: Metric, micros: u64, count: u64) {
        if self.metrics.contains(&metric) {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            self.seconds.entry(metric).or_default().push((second as usize, micros, count));
        }
    }

    /// Whether `metric` is wanted and no sample has it: what happens within a reply, such as gaps,
    /// is in histograms alone.
    pub fn lacks(&self, metric: Metric) -> bool {
        let at = self.metrics.iter().position(|one| *one == metric);
        at.is_some_and(|at| self.turns.iter().all(|turn| turn.values[at].is_none()))
    }

    /// Everything was added. `counts` are turns without an answer, and all but the cancelled, by
    /// session kind: of a run without samples.
    pub fn finish(
        mut self,
        source: Source,
        counts: impl IntoIterator<Item = (Option<u16>, u64, u64)>,
    ) -> Evidence {
        let units = self.units();
        let mut observations = HashMap::new();
        let mut errors = HashMap::new();
        let mut kinds: Vec<Option<u16>> = self.turns.iter().map(|turn| Some(turn.kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() == 1 {
            // The one kind is all there is.
            kinds.clear();
        }
        kinds.push(None);
        for kind in kinds {
            let mine = || {
                let turns = self.turns.iter().zip(&units);
                turns.filter(move |(turn, _)| kind.is_none_or(|kind| turn.kind == kind))
            };
            for (at, &metric) in self.metrics.iter().enumerate() {
                if kind.is_some() && !self.of_kinds.contains(&metric) {
                    continue;
                }
                let values = mine().filter_map(|(turn, &unit)| Some((unit, turn.values[at]?, 1)));
                observations.insert((kind, metric), Observations::new(values));
            }
            let failed = mine().map(|(turn, &unit)| (unit, u64::from(turn.failed), 1));
            errors.insert(kind, Observations::new(failed));
        }
        if source == Source::Samples && self.metrics.contains(&Metric::SessionTotal) {
            observations.insert((None, Metric::SessionTotal), self.session_totals());
        }
        for (metric, seconds) in std::mem::take(&mut self.seconds) {
            if source == Source::Samples && metric == Metric::SessionTotal {
                continue;
            }
            observations.insert((None, metric), Observations::new(seconds));
        }
        if source == Source::Histograms {
            for (kind, failed, all) in counts {
                let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
                let both = [(0, 1, narrow(failed)), (0, 0, narrow(all - failed))];
                errors.insert(kind, Observations::new(both));
            }
        }
        Evidence { source, observations, errors }
    }

    /// For each turn, its unit: its session, in the order in which sessions began.
    fn units(&self) -> Vec<usize> {
        let places = |due: &dyn Fn(usize) -> u64, count: usize| {
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by_key(|&at| due(at));
            let mut places = vec![0; count];
            order.into_iter().enumerate().for_each(|(place, at)| places[at] = place);
            places
        };
        if self.sessions.len() < FEWEST_SESSIONS {
            return places(&|at| self.turns[at].due, self.turns.len());
        }
        let places = places(&|at| self.sessions[at].due, self.sessions.len());
        self.turns.iter().map(|turn| places[turn.session]).collect()
    }

    fn session_totals(&self) -> Observations {
        let mut whole: Vec<&Session> = self
            .sessions
            .iter()
            .filter(|session| session.completed && session.seen >= session.turns)
            .collect();
        whole.sort_by_key(|session| session.due);
        let totals = whole.iter().map(|session| session.ended.saturating_sub(session.due));
        Observations::new(totals.enumerate().map(|(unit, total)| (unit, total, 1)))
    }
}
