//! What is said of runs whose samples are known.

use serde_json::json;
use streamgauge::compare::{
    Comparison, Earlier, Figure, Gathering, NoiseSource, Run, Settings, Source, Verdict, compare,
};
use streamgauge::sample::{Failure, Outcome, Sample};
use streamgauge::summary::ValidityVerdict;

use crate::summary::{KINDS, ended, facts, summary_of, turn};

/// 600 turns around `millis`, spread evenly by a third to either side, in no order; `salt` makes
/// others of them.
fn turns(millis: f64, salt: u64) -> Vec<Sample> {
    (0..600)
        .map(|n| {
            // splitmix64 (Steele, Lea & Flood 2014).
            let mut bits = (salt * 1_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            let share = ((bits ^ bits >> 31) >> 11) as f64 / (1u64 << 53) as f64;
            turn(n, n as f64 * 100.0, millis * (2.0 / 3.0 + share * 2.0 / 3.0))
        })
        .collect()
}

fn of(id: &str, samples: &[Sample]) -> Run {
    let settings = Settings::default();
    let mut gathering = Gathering::new(&settings.figures(), &settings.primary);
    samples.iter().for_each(|sample| gathering.sample(sample));
    let summary = summary_of(&facts(&[]), samples);
    Run {
        id: id.into(),
        started_at: "2026-11-22T21:30:00Z".into(),
        commit: None,
        target: "embedded".into(),
        version: "0.1.0".into(),
        machine: "here".into(),
        fingerprint: "abc".into(),
        scenario: json!({ "load": { "open": { "rate": "10/s" } } }),
        incomplete: None,
        validity: summary.validity.clone(),
        summary,
        kinds: KINDS.map(String::from).to_vec(),
        evidence: gathering.finish(Source::Samples, []),
    }
}

fn run(id: &str, millis: f64, salt: u64) -> Run {
    of(id, &turns(millis, salt))
}

/// Earlier runs that differ by about `percent`.
fn history(percent: f64) -> Vec<Earlier> {
    (0..20)
        .map(|n| {
            let off = 1.0 + percent / 100.0 * [0.2, -1.3, 0.7, 1.6, -0.4, -0.9, 1.1, -0.2][n % 8];
            Earlier {
                figures: [100.0, 131.0, 262.0].map(|one| Some(one * off)).to_vec(),
                errors: (0, 600),
            }
        })
        .collect()
}

fn judged(base: f64, new: f64, history: &[Earlier], settings: &Settings) -> Comparison {
    compare(&[run("a", base, 1)], &[run("b", new, 2)], history, settings)
}

fn verdict(comparison: &Comparison, figure: &str) -> Verdict {
    let found = comparison.primary.iter().find(|one| one.figure.to_string() == figure);
    found.unwrap().verdict.unwrap()
}

#[test]
fn two_lone_runs_differ_but_only_what_is_beyond_the_assumed_noise_is_a_regression() {
    let settings = Settings::default();
    let same = judged(200.0, 200.0, &[], &settings);
    assert_eq!(
        (same.verdict, same.noise.source),
        (Verdict::NoDifferenceSeen, NoiseSource::Assumed)
    );
    let some = judged(200.0, 230.0, &[], &settings);
    assert_eq!(some.verdict, Verdict::Differs);
    assert!(some.primary[0].p_adjusted > Some(0.05), "{:?}", some.primary[0]);
    let much = judged(200.0, 600.0, &[], &settings);
    assert_eq!(much.verdict, Verdict::Regressed);
    assert!(much.reasons[0].contains("ttfc.p50 is"), "{:?}", much.reasons);
    assert_eq!(judged(600.0, 200.0, &[], &settings).verdict, Verdict::Improved);
}

#[test]
fn with_the_noise_known_a_verdict_is_firm_or_says_what_it_would_take() {
    let settings = Settings::default();
    let quiet = history(1.0);
    let known = judged(200.0, 240.0, &quiet, &settings);
    assert_eq!((known.verdict, known.noise.source), (Verdict::Regressed, NoiseSource::History));
    assert_eq!(known.noise.runs, 20);
    assert_eq!(judged(240.0, 200.0, &quiet, &settings).verdict, Verdict::Improved);
    let wide = Settings { min_change: 0.15, ..Settings::default() };
    assert_eq!(judged(200.0, 200.0, &quiet, &wide).verdict, Verdict::NoWorse);

    // The same difference between runs that differ by themselves says nothing.
    let noisy = judged(200.0, 240.0, &history(15.0), &settings);
    assert_eq!(noisy.verdict, Verdict::Inconclusive);
    let needs = noisy.primary[0].needs.unwrap();
    assert_eq!(needs.turns, None, "more turns do not quieten runs");
    assert!(needs.runs.is_some_and(|more| (1..40).contains(&more)), "{needs:?}");

    let given = Settings { run_noise: Some(0.01), ..Settings::default() };
    let with = judged(200.0, 240.0, &[], &given);
    assert_eq!((with.verdict, with.noise.source), (Verdict::Regressed, NoiseSource::Given));
    let few: Vec<Earlier> = quiet[..7].to_vec();
    assert_eq!(judged(200.0, 240.0, &few, &settings).noise.source, NoiseSource::Assumed);
}

#[test]
fn more_runs_a_side_tell_the_noise_themselves() {
    let side = |name: &str, all: &[f64]| -> Vec<Run> {
        all.iter().zip(1u64..).map(|(&ms, n)| run(&format!("{name}{n}"), ms, n)).collect()
    };
    let base = side("a", &[200.0, 203.0, 198.0]);
    let settings = Settings::default();
    let worse = compare(&base, &side("b", &[262.0, 259.0, 264.0]), &[], &settings);
    assert_eq!((worse.verdict, worse.noise.source), (Verdict::Regressed, NoiseSource::Repeats));
    let scattered = compare(&base, &side("b", &[200.0, 330.0, 240.0]), &[], &settings);
    assert_eq!(scattered.verdict, Verdict::Inconclusive);
    let alone = compare(&base[..2], &side("b", &[262.0]), &[], &settings);
    assert_eq!(alone.noise.source, NoiseSource::Assumed, "one degree of freedom tells nothing");
}

#[test]
fn errors_are_judged_first_and_fast_failures_are_no_improvement() {
    let mut failing = turns(100.0, 2);
    for sample in failing.iter_mut().step_by(5) {
        *sample = ended(sample.clone(), Outcome::Failed(Failure::Status));
    }
    let (base, new) = ([run("a", 200.0, 1)], [of("b", &failing)]);
    let settings = Settings::default();
    let alone = compare(&base, &new, &[], &settings);
    let errors = alone.errors.as_ref().unwrap();
    assert_eq!((errors.base.failed, errors.new.failed), (0, 120));
    assert_eq!((alone.verdict, errors.verdict), (Verdict::Regressed, Verdict::Regressed));
    assert!((errors.difference - 0.2).abs() < 1e-9 && errors.interval[0] > 0.15);
    assert_eq!(verdict(&alone, "ttfc.p50"), Verdict::Differs, "twice as fast, of the answered");
    assert!(alone.reasons.iter().any(|one| one.contains("the slow may be missing")));

    // A few failures: two lone runs may differ by so much, a history without any does not.
    let mut few = turns(200.0, 2);
    for at in [10, 120, 200, 310, 405, 490, 560, 590] {
        few[at] = ended(few[at].clone(), Outcome::Failed(Failure::Status));
    }
    let new = [of("b", &few)];
    let alone = compare(&base, &new, &[], &settings);
    assert_eq!(alone.errors.unwrap().verdict, Verdict::Differs);
    let known = compare(&base, &new, &history(1.0), &settings);
    assert_eq!(known.errors.unwrap().verdict, Verdict::Regressed);
}

#[test]
fn failures_that_come_together_say_less_than_they_are_many() {
    let failed = |which: &dyn Fn(usize) -> bool| {
        let mut samples = turns(200.0, 2);
        for (at, sample) in samples.iter_mut().enumerate() {
            if which(at) {
                *sample = ended(sample.clone(), Outcome::Failed(Failure::Closed));
            }
        }
        let base = [run("a", 200.0, 1)];
        let compared = compare(&base, &[of("b", &samples)], &history(1.0), &Settings::default());
        compared.errors.unwrap()
    };
    let spread = failed(&|at| at % 67 == 5);
    let together = failed(&|at| (300..309).contains(&at));
    assert_eq!((spread.new.failed, together.new.failed), (9, 9));
    assert_eq!(spread.verdict, Verdict::Regressed);
    assert!(together.overdispersion > 3.0, "{}", together.overdispersion);
    assert_ne!(together.verdict, Verdict::Regressed, "one outage is one event");
}

#[test]
fn what_was_asked_differently_or_cannot_be_relied_on_is_not_judged() {
    let settings = Settings::default();
    let mut other = run("b", 200.0, 2);
    other.fingerprint = "def".into();
    other.scenario = json!({ "load": { "open": { "rate": "20/s" } } });
    let refused = compare(&[run("a", 200.0, 1)], std::slice::from_ref(&other), &[], &settings);
    assert_eq!(refused.verdict, Verdict::Incomparable);
    assert!(refused.reasons[1].contains("load.open.rate: 10/s in BASE, 20/s in NEW"));
    assert!(refused.errors.is_none() && refused.primary.is_empty());

    // Both at once: what was asked is told first.
    other.validity.verdict = ValidityVerdict::Invalid;
    let refused = compare(&[run("a", 200.0, 1)], std::slice::from_ref(&other), &[], &settings);
    assert_eq!(refused.verdict, Verdict::Incomparable);
    other.fingerprint = "abc".into();
    let refused = compare(&[run("a", 200.0, 1)], &[other], &[], &settings);
    assert_eq!(refused.verdict, Verdict::Invalid);
    let mut part = run("b", 200.0, 2);
    part.incomplete = Some("was interrupted".into());
    let refused = compare(&[run("a", 200.0, 1)], &[part], &[], &settings);
    assert_eq!(refused.verdict, Verdict::Invalid);
    assert!(refused.reasons[0].contains("b was interrupted"), "{:?}", refused.reasons);

    let mut newer = run("b", 200.0, 2);
    newer.version = "0.2.0".into();
    newer.validity.verdict = ValidityVerdict::Degraded;
    let told = compare(&[run("a", 200.0, 1)], &[newer], &[], &settings);
    assert_eq!(told.verdict, Verdict::NoDifferenceSeen);
    assert!(told.caveats[0].contains("streamgauge 0.1.0 and 0.2.0"), "{:?}", told.caveats);
    assert!(told.caveats[1].contains("b is degraded"), "{:?}", told.caveats);
}

#[test]
fn too_few_turns_have_no_verdict_but_a_reason() {
    let settings = Settings::default();
    let few = [of("b", &turns(200.0, 2)[..50])];
    let compared = compare(&[run("a", 200.0, 1)], &few, &[], &settings);
    assert_eq!(verdict(&compared, "ttfc.p95"), Verdict::Inconclusive);
    assert_ne!(verdict(&compared, "ttfc.p50"), Verdict::Inconclusive);
    let said = "ttfc.p95: 50 values in NEW, and it takes 72 to say how sure it is.";
    assert!(compared.left_out.iter().any(|one| one == said), "{:?}", compared.left_out);
}

#[test]
fn the_same_runs_give_the_same_report_and_sides_can_be_swapped() {
    let settings = Settings::default();
    let forth = judged(200.0, 230.0, &[], &settings);
    assert_eq!(forth, judged(200.0, 230.0, &[], &settings));
    let back = compare(&[run("b", 230.0, 2)], &[run("a", 200.0, 1)], &[], &settings);
    for (one, other) in forth.primary.iter().zip(&back.primary) {
        assert!((one.ratio.unwrap() * other.ratio.unwrap() - 1.0).abs() < 1e-9);
    }
    let kinds: Vec<_> = forth.kinds.iter().map(|kind| kind.session.as_str()).collect();
    assert_eq!(kinds, KINDS);
}

#[test]
fn figures_are_named_as_everywhere() {
    assert_eq!("ttfc.p95".parse::<Figure>().unwrap().to_string(), "ttfc.p95");
    assert_eq!("gap.p99_9".parse::<Figure>().unwrap().to_string(), "gap.p99_9");
    for (text, why) in [
        ("ttfc", "write it as in `ttfc.p95`"),
        ("speed.p95", "`speed` is no metric"),
        ("ttfc.p42", "`p42` cannot be compared; there are p50"),
    ] {
        assert!(text.parse::<Figure>().unwrap_err().contains(why), "{text}");
    }
}
