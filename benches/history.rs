//! What `streamgauge history` finds where there is something to find, and where there is nothing:
//! `cargo bench --bench history`. The table is in docs/methodology.md.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed"
)]

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, StudentT};
use streamgauge::history::{Entry, FORMAT, Measured, Policy, State, Track, Word, tracks};
use streamgauge::summary::ValidityVerdict;

const HISTORIES: u64 = 500;
const RUNS: usize = 60;
const STEP_AT: usize = 40;
/// From this run on the newest is judged: before, there are too few to expect anything.
const JUDGED_FROM: usize = 8;
const NOISE: f64 = 0.03;

/// How far a night is off, in standard deviations.
#[derive(Clone, Copy)]
enum Nights {
    /// Each by itself, normal.
    Normal,
    /// Each by itself; now and then one is far off (Student's t with 3 degrees of freedom).
    Wild,
    /// Like the night before, with correlation 0.3.
    Sticky,
}

impl Nights {
    fn effects(self, chance: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let mut last = 0.0;
        (0..RUNS)
            .map(|_| match self {
                Self::Normal => chance.sample(StandardNormal),
                // Its variance is 3.
                Self::Wild => StudentT::new(3.0).unwrap().sample(chance) / 3f64.sqrt(),
                Self::Sticky => {
                    let fresh: f64 = chance.sample(StandardNormal);
                    last = 0.3 * last + (1.0 - 0.09f64).sqrt() * fresh;
                    last
                }
            })
            .collect()
    }
}

/// A history whose runs from [`STEP_AT`] on are `step` times as slow.
fn history(seed: u64, nights: Nights, step: f64) -> Vec<Entry> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let effects = nights.effects(&mut chance);
    effects
        .iter()
        .enumerate()
        .map(|(number, effect)| {
            let level = if number < STEP_AT { 1.0 } else { step };
            // The run's own effect is shared by its figures; each has an error of its own besides.
            let mut measured = |value: f64| {
                let own: f64 = chance.sample(StandardNormal);
                let off = 0.9 * effect + (1.0 - 0.81f64).sqrt() * own;
                Measured {
                    value: value * level * (NOISE * off).exp(),
                    standard_error: Some(value * 0.01),
                    count: 600,
                }
            };
            let metrics = BTreeMap::from([
                ("ttfc.p50".to_owned(), measured(200.0)),
                ("ttfc.p95".to_owned(), measured(320.0)),
                ("total.p95".to_owned(), measured(1_900.0)),
            ]);
            let errors = (0..600).filter(|_| chance.random::<f64>() < 0.001).count();
            entry(number, metrics, errors as f64 / 600.0)
        })
        .collect()
}

fn entry(number: usize, mut metrics: BTreeMap<String, Measured>, errors: f64) -> Entry {
    let day = i64::try_from(number).unwrap() * 86_400;
    metrics.insert(
        "errors".to_owned(),
        Measured { value: errors, standard_error: Some(0.0), count: 600 },
    );
    Entry {
        format: FORMAT,
        id: format!("night {number}"),
        name: "nightly".to_owned(),
        started_at: jiff::Timestamp::from_second(1_767_000_000 + day).unwrap().to_string(),
        state: State::Finished,
        fingerprint: "00aa11bb22cc33dd".to_owned(),
        version: "0.1.0".to_owned(),
        commit: None,
        branch: None,
        dirty: false,
        target: "simulated".to_owned(),
        validity: Some(ValidityVerdict::Valid),
        metrics,
    }
}

fn look(runs: &[Entry]) -> Track {
    tracks(runs.to_vec(), &Policy::default()).remove(0)
}

fn is_alarm(runs: &[Entry]) -> bool {
    look(runs).newest.unwrap().verdict == Word::Regressed
}

fn percent(part: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / of as f64)
}

fn unchanged(name: &str, nights: Nights) {
    let (mut changed, mut alarms, mut judged) = (0, 0, 0);
    for seed in 0..HISTORIES {
        let runs = history(seed, nights, 1.0);
        changed += usize::from(!look(&runs).changes.is_empty());
        for newest in JUDGED_FROM..RUNS {
            alarms += usize::from(is_alarm(&runs[..=newest]));
            judged += 1;
        }
    }
    let a_quarter = alarms as f64 / judged as f64 * 91.3125;
    println!(
        "| {name} | none | {changed} of {HISTORIES} ({}) | {a_quarter:.2} |  |  |",
        percent(changed, HISTORIES as usize)
    );
}

fn changed(name: &str, nights: Nights, step: f64) {
    let (mut alarmed, mut found) = ([0; 3], 0);
    for seed in 0..HISTORIES {
        let runs = history(1_000_000 + seed, nights, step);
        let first = (STEP_AT..STEP_AT + 3).position(|newest| is_alarm(&runs[..=newest]));
        for within in alarmed.iter_mut().skip(first.unwrap_or(3)) {
            *within += 1;
        }
        let near = |at: usize| at.abs_diff(STEP_AT) <= 1;
        found += usize::from(look(&runs[..STEP_AT + 3]).changes.iter().any(|one| near(one.at)));
    }
    let all = HISTORIES as usize;
    println!(
        "| {name} | +{:.0} % |  |  | {} / {} / {} | {} |",
        (step - 1.0) * 100.0,
        percent(alarmed[0], all),
        percent(alarmed[1], all),
        percent(alarmed[2], all),
        percent(found, all)
    );
}

fn main() {
    println!(
        "{HISTORIES} histories of {RUNS} nights each, 3 % from night to night, step at {STEP_AT}\n"
    );
    println!(
        "| nights | step | histories with a change point | false alarms a quarter | alarm within \
         1 / 2 / 3 runs | change point after 3 runs |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, nights) in
        [("normal", Nights::Normal), ("wild", Nights::Wild), ("sticky", Nights::Sticky)]
    {
        unchanged(name, nights);
        changed(name, nights, 1.15);
    }
    for step in [1.05, 1.10, 1.20] {
        changed("normal", Nights::Normal, step);
    }
}
