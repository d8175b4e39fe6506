//! `cargo bench --bench verdicts`: how often the verdicts of `compare` are right, on runs whose agent
//! is known not to have changed, or by how much. `-- real` does the same with real runs against the
//! embedded agent; `-- 60 'unchanged, 600'` makes 60 pairs of the rows with these words alone, and
//! `-- coverage` looks at intervals alone. The tables of `docs/methodology.md` are its output.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and may fail")]

mod real;
mod simulated;
#[expect(dead_code, reason = "the other benchmarks need more of it")]
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulated::Model;
use streamgauge::artifact::{StoredRun, earlier};
use streamgauge::compare::{Comparison, Run, Settings, Verdict, compare};
use streamgauge::metric::Metric;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "real") {
        return real::main();
    }
    // cargo gives `--bench` to every benchmark.
    let pairs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(200);
    let only: Vec<&String> =
        words.iter().filter(|word| *word != "--bench" && word.parse::<usize>().is_err()).collect();
    if only.iter().all(|word| *word != "coverage") {
        verdicts(pairs, &only);
    }
    if only.is_empty() || only.iter().any(|word| *word == "coverage") {
        coverage(5 * pairs);
    }
}

/// `count` jobs on every processor; what they give, in no order.
fn each<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let one = job(number);
                    done.lock().expect("nobody panicked").push(one);
                }
            });
        }
    });
    done.into_inner().expect("nobody panicked")
}

const COLUMNS: [Verdict; 6] = [
    Verdict::Regressed,
    Verdict::Improved,
    Verdict::NoWorse,
    Verdict::Inconclusive,
    Verdict::Differs,
    Verdict::NoDifferenceSeen,
];

/// Pairs of runs with and without a change, judged alone and with a history of 20 runs.
fn verdicts(pairs: usize, only: &[&String]) {
    println!("{pairs} pairs each; verdicts in per cent");
    let mut heading = format!("{:<40}{:>8}", "agent, turns in a run", "noise");
    COLUMNS.iter().for_each(|one| heading.push_str(&format!("{:>13}", short(*one))));
    println!("{heading}");
    for (name, model) in [
        ("independent", Model::independent as fn(usize) -> Model),
        ("correlated", Model::correlated),
    ] {
        for (change, factor) in
            [("unchanged", 1.0), ("+10 %", 1.1), ("+20 %", 1.2), ("+30 %", 1.3), ("×3", 3.0)]
        {
            for turns in [300, 600] {
                for run in [0.0, 0.03] {
                    if name == "independent" && (run > 0.0 || factor > 1.0) {
                        continue;
                    }
                    let base = model(turns).noisy(run);
                    let label = format!("{name}, {:.0} % runs, {change}, {turns}", run * 100.0);
                    if only.iter().all(|words| label.contains(words.as_str())) {
                        row(&label, pairs, &base, &base.slower(factor));
                    }
                }
            }
        }
    }
}

fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NoDifferenceSeen => "none seen",
        other => other.words(),
    }
}

fn row(label: &str, pairs: usize, base: &Model, new: &Model) {
    let judged = each(pairs, |pair| {
        let folder = tempfile::tempdir().expect("a folder");
        let seed = |run: usize| (pair * 100 + run) as u64;
        for run in 0..20 {
            simulated::run(folder.path(), base, run, seed(run));
        }
        let settings = Settings::default();
        let base = [loaded(&simulated::run(folder.path(), base, 20, seed(20)), &settings)];
        let new = [loaded(&simulated::run(folder.path(), new, 21, seed(21)), &settings)];
        let history = earlier(folder.path(), &base, &new, &settings).expect("a folder");
        assert_eq!(history.len(), 20);
        [&[][..], &history].map(|before| compare(&base, &new, before, &settings).verdict)
    });
    for (noise, at) in [("lone", 0), ("history", 1)] {
        let mut line = format!("{label:<40}{noise:>8}");
        for verdict in COLUMNS {
            let count = judged.iter().filter(|both| both[at] == verdict).count();
            let share = 100.0 * count as f64 / pairs as f64;
            line.push_str(&if count == 0 {
                format!("{:>13}", "–")
            } else {
                format!("{share:>13.1}")
            });
        }
        println!("{line}");
    }
}

fn loaded(path: &Path, settings: &Settings) -> Run {
    StoredRun::open(path).and_then(|run| run.evidence(settings)).expect("a run")
}

/// How often 95 % intervals hold the truth: of a percentile in a summary, and of a ratio.
fn coverage(runs: usize) {
    println!("\n{runs} runs each; 95 % intervals that hold the truth, in per cent");
    println!(
        "{:<24}{:>8}{:>10}{:>10}{:>12}{:>12}",
        "", "turns", "p50", "p95", "ratio p50", "ratio p95"
    );
    for (name, model) in [
        ("independent", Model::independent as fn(usize) -> Model),
        ("correlated", Model::correlated),
    ] {
        for turns in [600, 1_200, 3_000] {
            let model = model(turns);
            let held = each(runs, |run| {
                let summary = simulated::summary(&model, 1_000_000 + run as u64);
                let ci95 = summary.metrics.get(Metric::Ttfc).ci95;
                let holds = |interval: Option<[f64; 2]>, z: f64| {
                    let [low, high] = interval.unwrap_or([0.0, f64::INFINITY]);
                    (low..=high).contains(&model.truth_ms(z))
                };
                [holds(ci95.p50, 0.0), holds(ci95.p95, 1.644_853_627)]
            });
            let ratios = each(runs, |pair| {
                let folder = tempfile::tempdir().expect("a folder");
                let settings = Settings::default();
                let run = |at: usize| {
                    let seed = (2_000_000 + 2 * pair + at) as u64;
                    [loaded(&simulated::run(folder.path(), &model, at, seed), &settings)]
                };
                within(&compare(&run(0), &run(1), &[], &settings))
            });
            let percent = |hits: usize, of: usize| 100.0 * hits as f64 / of as f64;
            let single = |at: usize| percent(held.iter().filter(|both| both[at]).count(), runs);
            let ratio =
                |figure: &str| percent(ratios.iter().filter(|one| one[figure]).count(), runs);
            println!(
                "{name:<24}{turns:>8}{:>10.1}{:>10.1}{:>12.1}{:>12.1}",
                single(0),
                single(1),
                ratio("ttfc.p50"),
                ratio("ttfc.p95")
            );
        }
    }
}

/// Which figures' intervals hold the ratio 1.
fn within(comparison: &Comparison) -> BTreeMap<String, bool> {
    let each = comparison.primary.iter().filter_map(|one| {
        let [low, high] = one.within?;
        Some((one.figure.to_string(), (low..=high).contains(&1.0)))
    });
    each.collect()
}
