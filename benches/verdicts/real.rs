//! The same with real runs: streamgauge and the agent in processes of their own.

use std::path::{Path, PathBuf};

use streamgauge::compare::{Settings, compare};

use crate::loaded;
use crate::support::{Agent, run_in};

/// Long enough for some 800 turns.
const LOAD: [&str; 6] = ["-c", "20", "-z", "3s", "--set", "warmup=500ms"];

pub(crate) fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seed = 0;
    let mut run = |first_ms: f64| {
        seed += 1;
        one(folder.path(), first_ms, seed)
    };
    let history: Vec<PathBuf> = (0..8).map(|_| run(60.0)).collect();
    println!("{} earlier runs; verdict alone, and with them as history", history.len());
    for (label, first_ms, pairs) in [
        ("unchanged", 60.0, 10),
        ("+10 %", 66.0, 2),
        ("+20 %", 72.0, 2),
        ("+30 %", 78.0, 2),
        ("×3", 180.0, 1),
    ] {
        for _ in 0..pairs {
            let settings = Settings::default();
            let base = [loaded(&run(60.0), &settings)];
            let new = [loaded(&run(first_ms), &settings)];
            let before: Vec<_> = history
                .iter()
                .map(|path| settings.earlier(&loaded(path, &settings).summary))
                .collect();
            let alone = compare(&base, &new, &[], &settings);
            let with_history = compare(&base, &new, &before, &settings);
            let ratios = with_history.primary.iter().map(|one| {
                one.ratio.map_or("n/a".into(), |ratio| format!("{} {ratio:.3}", one.figure))
            });
            println!(
                "{label:<10} {:>18} {:>14}   {}",
                alone.verdict.words(),
                with_history.verdict.words(),
                ratios.collect::<Vec<_>>().join("  ")
            );
        }
    }
}

/// One run against an agent of its own.
fn one(folder: &Path, first_ms: f64, seed: u64) -> PathBuf {
    let first = format!("lognormal({first_ms}ms, 0.3)");
    let seed = seed.to_string();
    let agent =
        Agent::start(&["--first-chunk", &first, "--gap", "1ms", "--chunks", "10", "--seed", &seed]);
    let target = ["--target", &agent.url, "--seed", &seed];
    run_in(folder, &[&LOAD[..], &target].concat())
}
