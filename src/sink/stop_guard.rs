//! Stops a run that has gone so wrong that the rest of it would tell nothing more.

use std::io;
use std::sync::{Arc, OnceLock};

use super::Sink;
use crate::clock::Clock;
use crate::executor::Stop;
use crate::measure::{Interval, Layout, Window};
use crate::scenario::{Scenario, StopRule};
use crate::threshold::Subject;
use crate::units::Offset;

/// Why a run was stopped, where it was.
#[derive(Debug, Clone, Default)]
pub struct Stopped(Arc<OnceLock<StoppedBy>>);

/// The rule that stopped a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppedBy {
    /// The rule.
    pub rule: StopRule,
    /// What it saw, in the unit of the rule's threshold.
    pub observed: f64,
    /// The end of the seconds it looked at.
    pub until: Offset,
    /// When no more turns were started: a little later, because a second is told when it is over.
    pub at: Offset,
}

impl Stopped {
    /// The rule that did it.
    pub fn by(&self) -> Option<&StoppedBy> {
        self.0.get()
    }
}

/// Looks at the last seconds, second by second.
#[derive(Debug)]
pub struct StopGuard {
    stop: Stop,
    stopped: Stopped,
    clock: Clock,
    rules: Vec<(StopRule, Window)>,
    has_goal: bool,
}

impl StopGuard {
    /// A guard over the run of `scenario` that counts by `clock`; it stops the run by `stop` and
    /// says why in `stopped`.
    pub fn new(
        scenario: &Scenario,
        layout: &Layout,
        stop: Stop,
        stopped: Stopped,
        clock: Clock,
    ) -> Self {
        Self::with_rules(&scenario.stop_when, layout, (stop, stopped, clock))
    }

    fn with_rules(
        rules: &[StopRule],
        layout: &Layout,
        (stop, stopped, clock): (Stop, Stopped, Clock),
    ) -> Self {
        let rules = rules.iter().filter_map(|rule| {
            let series = layout.series_of(rule.condition.selection)?;
            let metric = match rule.condition.subject {
                Subject::Duration(metric) => Some(metric),
                _ => None,
            };
            Some((rule.clone(), Window::new(series, metric, rule.over.as_secs())))
        });
        Self { rules: rules.collect(), has_goal: layout.has_goal(), stop, stopped, clock }
    }
}

impl Sink for StopGuard {
    fn second(&mut self, second: &Interval) -> io::Result<()> {
        for (rule, window) in &mut self.rules {
            window.add(second);
            let condition = &rule.condition;
            let seconds = Some(rule.over.as_secs_f64());
            let observed = window.sum(second.second).and_then(|sum| {
                sum.figure(condition.subject, condition.aggregation, seconds, self.has_goal)
            });
            let Some(observed) = observed else { continue };
            if condition.comparison.holds(observed, condition.bound) {
                let until = Offset::from_nanos((second.second + 1) * 1_000_000_000);
                let at = self.clock.now();
                let by = StoppedBy { rule: rule.clone(), observed, until, at };
                let first = self.stopped.0.set(by);
                if first.is_ok() {
                    self.stop.drain();
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::StopPhase;
    use crate::measure::{Goal, Recorder};
    use crate::sample::{Failure, Outcome, Phase, Sample, Timeline};
    use crate::threshold::Threshold;
    use std::time::Duration;

    fn rule(metric: &str, expression: &str, seconds: u64) -> StopRule {
        let condition = Threshold::parse(metric, expression, &["a"]).unwrap();
        StopRule { condition, over: Duration::from_secs(seconds) }
    }

    /// The second of the stop, of a run whose turns fail as told: so many good, so many bad ones a
    /// second.
    fn stopped_at(rule: StopRule, seconds: &[(u64, u64)]) -> Option<f64> {
        let layout = Arc::new(Layout::new(1, [rule.condition.selection], Goal::default()));
        let (stop, stopped) = (Stop::new(), Stopped::default());
        let handles = (stop.clone(), stopped.clone(), Clock::start());
        let mut guard = StopGuard::with_rules(&[rule], &layout, handles);
        let mut recorder = Recorder::new(Arc::clone(&layout));
        for (second, (good, bad)) in (0u64..).zip(seconds) {
            for turn in 0..good + bad {
                let at = Offset::from_nanos(second * 1_000_000_000 + turn * 1_000_000);
                let outcome = match turn < *good {
                    true => Outcome::Completed,
                    false => Outcome::Failed(Failure::Status),
                };
                recorder.sample(&sample(at, outcome), &Default::default());
            }
        }
        while let Some(second) = recorder.finish() {
            guard.second(&second).unwrap();
        }
        assert_eq!(stopped.by().is_some(), stop.phase() == StopPhase::Draining);
        stopped.by().map(|by| by.until.as_secs_f64())
    }

    fn sample(at: Offset, outcome: Outcome) -> Sample {
        Sample {
            session_number: 0,
            kind: 0,
            session_id: "s".into(),
            user_id: "u".into(),
            turn: 1,
            part: crate::sample::Part::Main,
            attempt: 1,
            retried: false,
            phase: Phase::Steady,
            timeline: Timeline {
                intended: at,
                started: Some(at),
                ended: at + Duration::from_millis(20),
                ..Timeline::default()
            },
            queue: Duration::ZERO,
            connect: None,
            connection: None,
            client_lag: None,
            chunks: 1,
            reads: 1,
            bytes: 1,
            tokens: Default::default(),
            tool_calls: 0,
            session_turns: 1,
            status: None,
            outcome,
            message: None,
        }
    }

    #[test]
    fn it_stops_at_the_end_of_the_window_that_goes_wrong_and_not_before_a_whole_one() {
        let errors = || rule("errors", "rate>50%", 2);
        assert_eq!(stopped_at(errors(), &[(0, 9), (0, 9), (9, 0)]), Some(2.0));
        assert_eq!(stopped_at(errors(), &[(9, 0), (9, 0), (9, 1), (1, 20)]), Some(4.0));
        assert_eq!(stopped_at(errors(), &[(9, 0), (4, 6), (9, 0), (4, 6), (9, 0)]), None);
        assert_eq!(stopped_at(errors(), &[(9, 0), (0, 0), (0, 9)]), Some(3.0), "an empty second");
    }

    #[test]
    fn it_also_looks_at_durations_and_rates() {
        assert_eq!(stopped_at(rule("total", "p(95)>10ms", 1), &[(9, 0)]), Some(1.0));
        assert_eq!(stopped_at(rule("total", "p(95)>30ms", 1), &[(9, 0)]), None);
        assert_eq!(
            stopped_at(rule("throughput", "rate<5/s", 2), &[(9, 0), (5, 0), (4, 0)]),
            Some(3.0)
        );
    }
}
