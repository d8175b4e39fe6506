//! From totals and facts to a summary.

use super::caveat::{Caveat, caveats};
use super::facts::{LoadFacts, RunFacts, ScenarioFacts};
use super::judge::judge;
use super::metrics::{Figures, Metrics};
use super::model::{
    CountsSummary, ErrorSummary, Group, LoadSummary, Rates, RunSummary, ScenarioLoad,
    ScenarioSummary, Summary,
};
use super::observed::Observed;
use super::validity::{reasons, validity};
use crate::measure::{Distribution, Series, Totals};
use crate::metric::Metric;
use crate::sample::Part;
use crate::units::Offset;

/// Version of `summary.json`.
const FORMAT: u32 = 1;

/// The summary of a run.
pub fn summarize(facts: &RunFacts, totals: &Totals) -> Summary {
    let measured_s = measured(&facts.load, Offset::ZERO, totals.tally().last_ended);
    let metrics = metrics(totals.all(), totals);
    let caveats = caveats(facts, totals, &metrics);
    Summary {
        format: FORMAT,
        run: RunSummary {
            id: facts.id.clone(),
            name: facts.name.clone(),
            started_at: facts.started_at.clone(),
            duration_s: to_millis(facts.duration.as_secs_f64()),
            seed: facts.seed,
            version: facts.version.clone(),
            fingerprint: facts.fingerprint.clone(),
            stopped: facts.stopped.clone(),
        },
        counts: CountsSummary::from(&totals.tally().counts),
        aside: Some(&totals.tally().aside).filter(|aside| aside.planned() > 0).map(Into::into),
        rates: rates(totals.all(), totals.layout().has_goal(), measured_s),
        groups: groups(facts, totals),
        scenarios: scenarios(facts, totals),
        errors: errors(totals),
        thresholds: judge(facts, totals, measured_s),
        validity: validity(&reasons(facts, totals)),
        health: facts.observed.clone().map(|seen| Observed {
            reads_per_chunk: (totals.all().chunks > 0).then(|| reads_per_chunk(totals.all())),
            ..seen
        }),
        accuracy: None,
        caveats: caveats.iter().map(Caveat::text).collect(),
        load: LoadSummary {
            model: facts.load.model,
            description: facts.load.description.clone(),
            measured_s: measured_s.map(to_millis),
            warmup_s: to_millis(facts.load.warmup.as_secs_f64()),
            offered: facts.load.offered,
            in_flight_max: totals.seconds().map(|(_, _, open)| open).max().unwrap_or(0),
        },
        metrics,
    }
}

fn reads_per_chunk(all: &Series) -> f64 {
    (all.reads as f64 / all.chunks as f64 * 1e3).round() / 1e3
}

/// Seconds that rates are over: from the end of the warm-up until no more turns were started. Counted
/// are the turns that were due and completed in that time: what came in the drain would make a
/// target that cannot keep up look as if it could. (What was on its way at the end of the warm-up
/// is left out, so that a rate over a time of only a few turns' length is a little too low.)
pub(super) fn measured(load: &LoadFacts, start: Offset, last_ended: Offset) -> Option<f64> {
    let ended = load.ended.unwrap_or(last_ended);
    let measured = ended.since(start + load.warmup).as_secs_f64();
    (measured > 0.0).then_some(measured)
}

fn to_millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

fn rates(all: &Series, has_goal: bool, measured_s: Option<f64>) -> Rates {
    let per_second = |count: u64| measured_s.map(|seconds| six_digits(count as f64 / seconds));
    let good = has_goal.then_some(all.good - all.late.good);
    Rates {
        throughput_per_s: per_second(all.counts.completed - all.late.completed),
        chunks_per_s: per_second(all.chunks - all.late.chunks),
        goodput_per_s: good.and_then(per_second),
        error_rate: all.counts.error_rate().map(six_digits),
        tokens_per_s: all.all_tokens().map(|tokens| tokens - all.late.tokens).and_then(per_second),
    }
}

fn six_digits(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The figures of a series. How slow turns come together is known of all turns; the fewer of them
/// a kind has, the less its own turns share (design effect 1 + (m − 1)·ρ, Kish 1965).
fn metrics(series: &Series, totals: &Totals) -> Metrics {
    static NONE: std::sync::LazyLock<Distribution> = std::sync::LazyLock::new(Distribution::new);
    Metrics::of(|metric| {
        let all = totals.all().distribution(metric).map_or(0, Distribution::count);
        let distribution = series.distribution(metric).unwrap_or(&NONE);
        let share = if all > 0 { distribution.count() as f64 / all as f64 } else { 1.0 };
        let unanswered = match metric {
            Metric::Ttfc | Metric::TtfcService | Metric::Total | Metric::TotalService => {
                Some(series.counts.unanswered())
            }
            Metric::SessionTotal => Some(series.sessions_incomplete),
            _ => None,
        };
        Figures::new(distribution, unanswered, |micros| {
            1.0 + (totals.overdispersion(metric, micros) - 1.0) * share
        })
    })
}

fn groups(facts: &RunFacts, totals: &Totals) -> Vec<Group> {
    let kinds = facts.kinds.iter().enumerate();
    kinds
        .filter_map(|(kind, name)| {
            let series = totals.layout().series_of_kind(u16::try_from(kind).ok()?)?;
            let series = totals.tally().series(series)?;
            let mut counts = CountsSummary::from(&series.counts);
            counts.in_warmup = 0;
            let scenario = totals.layout().scenario_of(kind as u16);
            let scenario = facts.scenarios.get(usize::from(scenario)).map(|one| one.name.clone());
            let metrics = metrics(series, totals);
            Some(Group { session: name.clone(), metrics, counts, scenario })
        })
        .collect()
}

fn scenarios(facts: &RunFacts, totals: &Totals) -> Vec<ScenarioSummary> {
    let summary = |(index, one): (u16, &ScenarioFacts)| {
        let series = totals.tally().series(totals.layout().series_of_scenario(index)?)?;
        let own = totals.tally().scenario(index);
        let measured_s = measured(&one.load, one.start, own.last_ended);
        let has_goal = totals.layout().goal(index).is_set();
        Some(ScenarioSummary {
            scenario: one.name.clone(),
            start_s: to_millis(one.start.as_secs_f64()),
            counts: CountsSummary::from(&own.counts),
            rates: rates(series, has_goal, measured_s),
            metrics: metrics(series, totals),
            load: ScenarioLoad {
                model: one.load.model,
                description: one.load.description.clone(),
                measured_s: measured_s.map(to_millis),
                warmup_s: to_millis(one.load.warmup.as_secs_f64()),
                offered: one.load.offered,
            },
            aside: Some(&own.aside).filter(|aside| aside.planned() > 0).map(Into::into),
        })
    };
    (0..).zip(&facts.scenarios).filter_map(summary).collect()
}

fn errors(totals: &Totals) -> Vec<ErrorSummary> {
    let mut groups: Vec<_> = totals.tally().errors().iter().collect();
    // The sort is stable, and the groups come in the order of their keys.
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
        .into_iter()
        .map(|group| ErrorSummary {
            error: group.outcome.error().into(),
            status: group.status,
            count: group.count,
            example: group.example.as_ref().map(|(_, message)| message.to_string()),
            outcome: group.outcome.word().into(),
            part: (group.part != Part::Main).then(|| group.part.word().into()),
        })
        .collect()
}
