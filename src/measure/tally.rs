//! What is counted of samples: outcomes, errors, and a distribution per series and metric.

use super::counts::{Counts, ScenarioCounts};
use super::distribution::Distribution;
use super::layout::Layout;
use super::values::values;
use super::within::Within;
use crate::metric::Metric;
use crate::sample::{Outcome, Part, Phase, Reason, Sample};
use crate::units::Offset;

/// Turns that ended in the same way without a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    /// Which part of their sessions they belong to.
    pub part: Part,
    /// How they ended.
    pub outcome: Outcome,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// How many turns.
    pub count: u64,
    /// The message of the earliest one that had one, and when it ended (µs).
    pub example: Option<(u64, Box<str>)>,
}

impl ErrorGroup {
    fn key(&self) -> (Part, &'static str, &'static str, Option<u16>) {
        (self.part, self.outcome.word(), self.outcome.error(), self.status)
    }

    fn offer(&mut self, at: u64, message: &str) {
        let earlier = match &self.example {
            None => true,
            Some((seen_at, seen)) => (at, message) < (*seen_at, seen.as_ref()),
        };
        if earlier {
            self.example = Some((at, message.into()));
        }
    }
}

/// The end of a session, told once to a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedSession {
    /// Its kind.
    pub kind: u16,
    /// The phase of its first turn.
    pub phase: Phase,
    /// When its first message was due.
    pub due: Offset,
    /// When its last reply ended.
    pub ended: Offset,
    /// Whether every one of its turns was completed.
    pub completed: bool,
}

impl EndedSession {
    /// First message due until last reply ended, in microseconds.
    pub(super) fn total(&self) -> u64 {
        self.ended.micros().saturating_sub(self.due.micros())
    }
}

/// Completed turns that were due in the load and ended after it, in the drain. A rate is of what
/// came while the load lasted: with these a target that cannot keep up would look as if it could.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Late {
    /// How many.
    pub completed: u64,
    /// Their chunks.
    pub chunks: u64,
    /// Their output tokens.
    pub tokens: u64,
    /// Those that met the goal.
    pub good: u64,
}

impl Late {
    fn merge(&mut self, other: &Self) {
        self.completed += other.completed;
        self.chunks += other.chunks;
        self.tokens += other.tokens;
        self.good += other.good;
    }
}

/// The figures of some of the turns: all of them, one kind, or a threshold's selection.
/// Turns due before the end of the warm-up are not in it.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Turns by outcome.
    pub counts: Counts,
    /// Chunks of completed turns.
    pub chunks: u64,
    /// Reads that brought those chunks.
    pub reads: u64,
    /// Output tokens of completed turns, as the server counted them.
    pub tokens: u64,
    /// Completed turns whose output tokens it counted.
    pub counted: u64,
    /// Completed turns that met the goal.
    pub good: u64,
    /// What of all that came after the end of the load.
    pub late: Late,
    /// Sessions whose every turn was completed.
    pub sessions_completed: u64,
    /// Sessions that ended otherwise.
    pub sessions_incomplete: u64,
    /// Allocated when the first value comes.
    metrics: [Option<Box<Distribution>>; Metric::COUNT],
}

impl Series {
    /// No turn at all.
    pub(super) const EMPTY: Self = Self {
        counts: Counts {
            completed: 0,
            failed: 0,
            timed_out: 0,
            cancelled: 0,
            dropped: 0,
            unopened: 0,
            in_warmup: 0,
        },
        chunks: 0,
        reads: 0,
        tokens: 0,
        counted: 0,
        good: 0,
        late: Late { completed: 0, chunks: 0, tokens: 0, good: 0 },
        sessions_completed: 0,
        sessions_incomplete: 0,
        metrics: [const { None }; Metric::COUNT],
    };

    /// The distribution of `metric` over completed turns; `None` where there is no value.
    pub fn distribution(&self, metric: Metric) -> Option<&Distribution> {
        self.metrics[metric as usize].as_deref().filter(|all| !all.is_empty())
    }

    /// Output tokens, where the server counted them for every completed turn: a sum over some of
    /// the turns would look like a slower target.
    pub fn all_tokens(&self) -> Option<u64> {
        (self.counted > 0 && self.counted == self.counts.completed).then_some(self.tokens)
    }

    fn metric(&mut self, metric: Metric) -> &mut Distribution {
        self.metrics[metric as usize].get_or_insert_default()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.chunks += other.chunks;
        self.reads += other.reads;
        self.tokens += other.tokens;
        self.counted += other.counted;
        self.good += other.good;
        self.late.merge(&other.late);
        self.sessions_completed += other.sessions_completed;
        self.sessions_incomplete += other.sessions_incomplete;
        for metric in Metric::ALL {
            if let Some(theirs) = other.distribution(metric) {
                self.metric(metric).merge(theirs);
            }
        }
    }

    /// The same with the distribution of `metric` alone.
    pub(super) fn part(&self, metric: Option<Metric>) -> Self {
        let mut metrics: [Option<Box<Distribution>>; Metric::COUNT] = Default::default();
        if let Some(metric) = metric {
            metrics[metric as usize].clone_from(&self.metrics[metric as usize]);
        }
        Self {
            counts: self.counts,
            chunks: self.chunks,
            reads: self.reads,
            tokens: self.tokens,
            counted: self.counted,
            good: self.good,
            late: self.late,
            sessions_completed: self.sessions_completed,
            sessions_incomplete: self.sessions_incomplete,
            metrics,
        }
    }

    fn clear(&mut self) {
        let mut metrics = std::mem::take(&mut self.metrics);
        metrics.iter_mut().flatten().for_each(|all| all.clear());
        *self = Self { metrics, ..Self::default() };
    }
}

impl PartialEq for Series {
    /// Equal where the same turns were counted; memory kept for later does not matter.
    fn eq(&self, other: &Self) -> bool {
        (self.counts, self.chunks, self.reads, self.good)
            == (other.counts, other.chunks, other.reads, other.good)
            && (self.tokens, self.counted, self.late) == (other.tokens, other.counted, other.late)
            && (self.sessions_completed, self.sessions_incomplete)
                == (other.sessions_completed, other.sessions_incomplete)
            && Metric::ALL.iter().all(|&one| self.distribution(one) == other.distribution(one))
    }
}

/// Everything that is counted of samples and can be added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Every turn of the run, warm-up included; set-up and closing turns are counted apart.
    pub counts: Counts,
    /// Set-up and closing turns: in no other figure but errors and what was sent.
    pub aside: Counts,
    /// Attempts that were really sent, retried ones included.
    pub sent: u64,
    /// Attempts that were followed by another at the same turn.
    pub retried: u64,
    /// Our own lateness with every attempt after the warm-up that was really sent, however it
    /// ended: what the run is judged valid by.
    pub sent_lateness: Distribution,
    /// When the last attempt ended.
    pub last_ended: Offset,
    /// Completed turns of the warm-up, for the timeline alone.
    pub warmup: Series,
    /// Sorted by key, so that equal tallies look equal.
    errors: Vec<ErrorGroup>,
    series: Vec<Series>,
    /// One for each scenario; none where there is only one, whose counts are those of the run.
    scenarios: Vec<ScenarioCounts>,
}

impl Tally {
    /// Nothing counted yet, with the series of `layout`.
    pub fn new(layout: &Layout) -> Self {
        let scenarios = if layout.scenarios() > 1 { layout.scenarios() } else { 0 };
        Self {
            series: vec![Series::default(); layout.len()],
            scenarios: vec![ScenarioCounts::default(); scenarios],
            ..Self::default()
        }
    }

    /// What was counted of one scenario.
    pub fn scenario(&self, scenario: u16) -> ScenarioCounts {
        let whole =
            ScenarioCounts { counts: self.counts, aside: self.aside, last_ended: self.last_ended };
        self.scenarios.get(usize::from(scenario)).copied().unwrap_or(whole)
    }

    /// One of the layout's series; 0 is everything after the warm-up.
    pub fn series(&self, at: usize) -> Option<&Series> {
        self.series.get(at)
    }

    /// Turns without a reply, by (part, outcome, error, status), over the whole run.
    pub fn errors(&self) -> &[ErrorGroup] {
        &self.errors
    }

    /// Counts one attempt and, if it decides its turn, the turn.
    pub fn sample(&mut self, layout: &Layout, sample: &Sample, within: &Within) {
        let values = values(sample);
        self.last_ended = self.last_ended.max(sample.timeline.ended);
        let scenario = layout.scenario_of(sample.kind);
        self.scenario_counts(scenario, |own| {
            own.last_ended = own.last_ended.max(sample.timeline.ended);
        });
        self.sent += u64::from(sample.timeline.started.is_some());
        self.retried += u64::from(sample.retried);
        let warm = sample.phase != Phase::Warmup;
        if warm && let Some(lateness) = values[Metric::Lateness as usize] {
            self.sent_lateness.record(lateness);
        }
        if sample.retried {
            return;
        }
        let completed = sample.outcome.is_completed();
        if !completed {
            self.error(sample);
        }
        if sample.part != Part::Main {
            self.aside.count(sample.outcome, sample.phase);
            self.scenario_counts(scenario, |own| own.aside.count(sample.outcome, sample.phase));
            return;
        }
        self.counts.count(sample.outcome, sample.phase);
        self.scenario_counts(scenario, |own| own.counts.count(sample.outcome, sample.phase));
        let good = completed && layout.goal(scenario).is_met(&values);
        let series = &mut self.series;
        let add = |series: &mut Series| {
            series.counts.count(sample.outcome, sample.phase);
            if !completed {
                return;
            }
            series.chunks += sample.chunks;
            series.reads += sample.reads;
            series.tokens += sample.tokens.output.unwrap_or(0);
            series.counted += u64::from(sample.tokens.output.is_some());
            series.good += u64::from(good);
            if sample.phase == Phase::Drain {
                series.late.merge(&Late {
                    completed: 1,
                    chunks: sample.chunks,
                    tokens: sample.tokens.output.unwrap_or(0),
                    good: u64::from(good),
                });
            }
            for metric in Metric::ALL {
                if let Some(value) = values[metric as usize] {
                    series.metric(metric).record(value);
                }
            }
            within.add_to(
                series,
                |series| series.metric(Metric::Gap),
                |series| series.metric(Metric::ClientLag),
            );
        };
        if warm {
            layout.for_each(sample.kind, sample.turn, |at| add(&mut series[at]));
        } else {
            add(&mut self.warmup);
        }
    }

    /// Counts turns of sessions that were never opened: of which kind they would have been is not
    /// told, but `kind` is one of their scenario.
    pub fn never_opened(&mut self, layout: &Layout, kind: u16, turns: u64) {
        if turns == 0 {
            return;
        }
        let stopped = Outcome::Dropped(Reason::Stopped);
        let count = |counts: &mut Counts| {
            counts.dropped += turns;
            counts.unopened += turns;
        };
        count(&mut self.counts);
        let scenario = layout.scenario_of(kind);
        self.scenario_counts(scenario, |own| count(&mut own.counts));
        let own = layout.series_of_scenario(scenario).filter(|&at| at > 0);
        for at in std::iter::once(0).chain(own) {
            count(&mut self.series[at].counts);
        }
        self.error_group(Part::Main, stopped, None).count += turns;
    }

    /// Counts the end of a session.
    pub fn session_ended(&mut self, layout: &Layout, session: &EndedSession) {
        if session.phase == Phase::Warmup {
            return;
        }
        layout.for_each_of_session(session.kind, |at| {
            let series = &mut self.series[at];
            if session.completed {
                series.sessions_completed += 1;
                series.metric(Metric::SessionTotal).record(session.total());
            } else {
                series.sessions_incomplete += 1;
            }
        });
    }

    /// Changes what is counted of one scenario, where several are counted apart.
    fn scenario_counts(&mut self, scenario: u16, change: impl FnOnce(&mut ScenarioCounts)) {
        if let Some(own) = self.scenarios.get_mut(usize::from(scenario)) {
            change(own);
        }
    }

    fn error(&mut self, sample: &Sample) {
        let known = self.error_group(sample.part, sample.outcome, sample.status);
        known.count += 1;
        if let Some(message) = &sample.message {
            known.offer(sample.timeline.ended.micros(), message);
        }
    }

    fn error_group(
        &mut self,
        part: Part,
        outcome: Outcome,
        status: Option<u16>,
    ) -> &mut ErrorGroup {
        let group = ErrorGroup { part, outcome, status, count: 0, example: None };
        let found = self.errors.binary_search_by_key(&group.key(), ErrorGroup::key);
        let at = found.unwrap_or_else(|at| {
            self.errors.insert(at, group);
            at
        });
        &mut self.errors[at]
    }

    /// Adds all of `other`, which has the same layout.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.series.len(), other.series.len(), "tallies of one run");
        self.counts.merge(&other.counts);
        self.aside.merge(&other.aside);
        self.sent += other.sent;
        self.retried += other.retried;
        self.sent_lateness.merge(&other.sent_lateness);
        self.last_ended = self.last_ended.max(other.last_ended);
        self.warmup.merge(&other.warmup);
        for group in &other.errors {
            let known = self.error_group(group.part, group.outcome, group.status);
            known.count += group.count;
            if let Some((at, message)) = &group.example {
                known.offer(*at, message);
            }
        }
        for (ours, theirs) in self.series.iter_mut().zip(&other.series) {
            ours.merge(theirs);
        }
        for (ours, theirs) in self.scenarios.iter_mut().zip(&other.scenarios) {
            ours.merge(theirs);
        }
    }

    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self { mut series, mut errors, mut warmup, mut sent_lateness, mut scenarios, .. } =
            std::mem::take(self);
        series.iter_mut().for_each(Series::clear);
        errors.clear();
        warmup.clear();
        sent_lateness.clear();
        scenarios.fill(ScenarioCounts::default());
        *self = Self { series, errors, warmup, sent_lateness, scenarios, ..Self::default() };
    }
}
