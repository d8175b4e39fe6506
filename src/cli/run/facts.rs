//! What a summary has to know of a run besides its samples.

use super::conduct::Conducted;
use crate::plan::{Plan, Shard};
use crate::scenario::{Load, Pace, Until};
use crate::sink::StoppedBy;
use crate::summary::{
    Control, LoadFacts, LoadModel, Observed, Offered, RunFacts, ScenarioFacts, StoppedSummary,
};
use crate::units::{Offset, Span, counted};

/// The facts of a run that has ended.
pub(super) fn facts(conducted: &Conducted) -> RunFacts {
    let job = &conducted.job;
    let shared = job.shared();
    let manifest = &conducted.manifest;
    let scenarios: Vec<ScenarioFacts> = (0..)
        .zip(&job.plans)
        .map(|(index, plan)| ScenarioFacts {
            name: plan.scenario().name.clone(),
            start: plan.start(),
            load: load_facts(conducted, index, plan),
        })
        .collect();
    let load = LoadFacts::together(&scenarios);
    RunFacts {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        duration: conducted.duration,
        seed: manifest.seed,
        version: manifest.version.clone(),
        fingerprint: manifest.fingerprint.clone(),
        kinds: job.kind_names(),
        thresholds: shared.thresholds.clone(),
        failures: shared.limits.failures,
        stopped: conducted.stopped.as_ref().map(|by| {
            let StoppedBy { rule, observed, at, .. } = by;
            let over = rule.over.as_secs_f64();
            StoppedSummary::new(&rule.condition, over, *observed, at.as_secs_f64())
        }),
        collector_lag: conducted.collected.lag,
        observed: Some(observed(conducted, &load)),
        load,
        scenarios: if conducted.listed { scenarios } else { Vec::new() },
    }
}

/// What the run saw of itself while its figures were made: after the warm-up, before the drain.
fn observed(conducted: &Conducted, load: &LoadFacts) -> Observed {
    let from = Offset::ZERO + load.warmup;
    let end = conducted.job.load_end().unwrap_or(Offset::NEVER);
    let until = conducted.stopped_at.map_or(end, |at| at.min(end));
    Observed {
        control: Control::of(
            conducted.control.between(from, until).collect::<Vec<_>>().into_iter(),
        ),
        ..conducted.seen.between(from, until)
    }
}

fn load_facts(conducted: &Conducted, index: usize, plan: &Plan) -> LoadFacts {
    let scenario = plan.scenario();
    let (model, description) = describe(&scenario.load);
    // A load that was stopped was offered until then; the drain is not part of it.
    let lasted = match (&conducted.stopped, conducted.stopped_at) {
        (Some(stopped), _) => stopped.at,
        (None, Some(at)) => at,
        (None, None) => Offset::ZERO + conducted.duration,
    };
    // A schedule goes on to its end, also where nothing more is due: the silence counts.
    let to_its_end =
        model == LoadModel::Open && !is_cut_short(conducted) && plan.session_count().is_none();
    let ended = match plan.load_end() {
        Some(end) if to_its_end => Some(end),
        Some(end) => Some(end.min(lasted)),
        None => conducted.stopped_at,
    };
    let warm_at = conducted.warm_at.get(index).copied().unwrap_or(Offset::ZERO);
    LoadFacts {
        model,
        description,
        warmup: warm_at.since(plan.start()),
        ended,
        offered: matches!(model, LoadModel::Open | LoadModel::Replay)
            .then(|| offered(conducted, index, plan, ended.unwrap_or(Offset::NEVER))),
        max_in_flight: scenario.load.bound().map(|(most, _)| most),
        limited: scenario.load.bound().is_some() || scenario.limits.requests.is_some(),
    }
}

/// The model of a load, and the load in a few words.
pub(super) fn describe(load: &Load) -> (LoadModel, String) {
    let counted_users = |count: u32| counted(count.into(), "user", "users");
    match load {
        Load::Once { concurrency } => {
            (LoadModel::Once, format!("everything once, {concurrency} at a time"))
        }
        Load::Closed { users, until: until @ Until::Duration(_) } => {
            (LoadModel::Closed, format!("{} {until}", counted_users(*users)))
        }
        Load::Closed { users, until: Until::Iterations(count) } => {
            let sessions = counted(*count, "session", "sessions");
            (LoadModel::Closed, format!("{}, {sessions}", counted_users(*users)))
        }
        Load::Closed { until: until @ Until::Stages(_), .. } => {
            (LoadModel::Closed, format!("users {until}"))
        }
        Load::Open { rate: Pace::Steady(rate), arrivals, duration, .. } => {
            (LoadModel::Open, format!("{rate} {arrivals} for {}", Span(*duration)))
        }
        Load::Open { rate, arrivals, .. } => (LoadModel::Open, format!("{rate}, {arrivals}")),
        Load::Replay { trace, speed, .. } => {
            let arrivals = counted(trace.arrivals.len() as u64, "arrival", "arrivals");
            let name = trace.from.display();
            let faster = match speed.to_string().as_str() {
                "1" => String::new(),
                times => format!(", {times} times as fast"),
            };
            (LoadModel::Replay, format!("{arrivals} as in {name}{faster}"))
        }
    }
}

/// Whether the load was ended before its end.
fn is_cut_short(conducted: &Conducted) -> bool {
    conducted.interrupted || conducted.key_refused || conducted.stopped.is_some()
}

fn offered(conducted: &Conducted, index: usize, plan: &Plan, end: Offset) -> Offered {
    let opened = conducted.collected.opened.get(index).copied().unwrap_or_default();
    let due = if is_cut_short(conducted) {
        // What was due after the end was not offered; who was turned away was.
        opened.sent + opened.held
    } else {
        let until = plan.session_count().unwrap_or(u64::MAX);
        let arrivals = plan.arrivals(Shard::WHOLE);
        arrivals.take_while(|&(number, due)| number < until && due < end).count() as u64
    };
    Offered { due, sent: opened.sent, held_by_target: opened.held }
}
