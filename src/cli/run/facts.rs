//! What a summary has to know of a run besides its samples.

use super::conduct::Conducted;
use crate::plan::Shard;
use crate::scenario::{Load, Until};
use crate::summary::{LoadFacts, LoadModel, Offered, RunFacts};
use crate::units::{Offset, Span};

/// The facts of a run that has ended.
pub(super) fn facts(conducted: &Conducted) -> RunFacts {
    let scenario = conducted.job.plan.scenario();
    let manifest = &conducted.manifest;
    RunFacts {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        duration: conducted.duration,
        seed: manifest.seed,
        version: manifest.version.clone(),
        fingerprint: manifest.fingerprint.clone(),
        kinds: conducted.job.plan.kinds().iter().map(|kind| kind.name.to_string()).collect(),
        load: load_facts(conducted),
        thresholds: scenario.thresholds.clone(),
        failures: scenario.limits.failures,
        collector_lag: conducted.collected.lag,
    }
}

fn load_facts(conducted: &Conducted) -> LoadFacts {
    let scenario = conducted.job.plan.scenario();
    let (model, description, max_in_flight) = match scenario.load {
        Load::Once { concurrency } => {
            (LoadModel::Once, format!("everything once, {concurrency} at a time"), None)
        }
        Load::Closed { users, until: Until::Duration(time) } => {
            (LoadModel::Closed, format!("{users} users for {}", Span(time)), None)
        }
        Load::Closed { users, until: Until::Iterations(count) } => {
            (LoadModel::Closed, format!("{users} users, {count} sessions"), None)
        }
        Load::Open { rate, arrivals, duration, max_in_flight, .. } => {
            let text = format!("{rate} {arrivals} for {}", Span(duration));
            (LoadModel::Open, text, max_in_flight)
        }
    };
    // An interrupted load was offered until the interruption; the drain counts as load there,
    // because nobody noted the moment.
    let lasted = Offset::ZERO + conducted.duration;
    let ended = conducted.job.load_end().map(|end| end.min(lasted));
    LoadFacts {
        model,
        description,
        warmup: scenario.warmup,
        ended,
        offered: ended.filter(|_| model == LoadModel::Open).map(|end| offered(conducted, end)),
        max_in_flight,
    }
}

fn offered(conducted: &Conducted, end: Offset) -> Offered {
    let opened = conducted.collected.opened;
    let due = if conducted.interrupted {
        // What was due after the interruption was not offered; who was turned away was.
        opened.sent + opened.held
    } else {
        let plan = &conducted.job.plan;
        let until = plan.session_count().unwrap_or(u64::MAX);
        let arrivals = plan.arrivals(Shard::WHOLE);
        arrivals.take_while(|&(number, due)| number < until && due < end).count() as u64
    };
    Offered { due, sent: opened.sent, held_by_target: opened.held }
}
