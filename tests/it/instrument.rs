use super::summary::{facts, hundred, summary_of};
use super::support::{rows, run};
use streamgauge::agent::{self, Behaviour, Options};
use streamgauge::clock::Clock;
use streamgauge::summary::{
    Busy, Control, Hiccups, Observed, ProcessTime, Summary, Used, ValidityVerdict,
};

/// The variable that holds the key of every test, whatever the protocol.
const KEY_VARIABLE: &str = "target.api_key_env=LYZR_API_KEY";

fn seeing(observed: Observed) -> Summary {
    let mut facts = facts(&[]);
    facts.observed = Some(observed);
    summary_of(&facts, &hundred())
}

fn verdict(observed: Observed) -> ValidityVerdict {
    seeing(observed).validity.verdict
}

const QUIET: Busy = Busy { running: 0.2, waiting: 0.01, saturated: 0.0 };

fn control(turns: u64, p50: f64, p95: f64) -> Observed {
    let control = Control {
        turns,
        ttfc_p50_ms: p50,
        ttfc_p95_ms: p95,
        total_p50_ms: 0.1,
        total_p95_ms: 0.1,
        worst_ms: 50.0,
        seconds: 10,
        seconds_above: 3,
    };
    Observed { control: Some(control), ..Observed::default() }
}

#[test]
fn each_thing_a_run_sees_of_itself_is_judged_and_says_what_to_do() {
    use ValidityVerdict::{Degraded, Invalid, Valid};
    let workers = |saturated| Observed {
        workers: vec![QUIET, Busy { running: 0.7, waiting: 0.2, saturated }],
        ..Observed::default()
    };
    assert_eq!(verdict(workers(0.05)), Valid);
    assert_eq!(verdict(workers(0.3)), Degraded);
    let saturated = seeing(workers(0.8)).validity;
    assert_eq!(saturated.verdict, Invalid);
    assert!(saturated.reasons[0].contains("Worker 1 had no time left in 80 %"), "{saturated:?}");
    assert!(saturated.reasons[0].contains("--workers"));

    // The p50 of ttfc is 250 ms: 2.5 ms is still good, 12.5 ms is the limit.
    let hiccups = |p99_ms| Observed {
        hiccups: Some(Hiccups { count: 500, p50_ms: 0.1, p99_ms, max_ms: 90.0 }),
        ..Observed::default()
    };
    assert_eq!(verdict(hiccups(2.0)), Valid);
    assert_eq!(verdict(hiccups(40.0)), Degraded);

    assert_eq!(verdict(control(100, 0.2, 2.0)), Valid);
    assert_eq!(verdict(control(100, 0.2, 4.0)), Degraded);
    assert_eq!(verdict(control(100, 0.2, 20.0)), Invalid);
    assert_eq!(verdict(control(10, 0.2, 20.0)), Valid, "one hiccup among few turns");

    let process = |cpu_s, throttled_ms| Observed {
        process: Some(ProcessTime { watched_s: 10.0, cpu_s, cpus: 2 }),
        throttled_ms,
        ..Observed::default()
    };
    assert_eq!(verdict(process(15.0, None)), Valid);
    assert_eq!(verdict(process(19.8, None)), Degraded);
    assert_eq!(verdict(process(1.0, Some(50.0))), Valid);
    assert_eq!(verdict(process(1.0, Some(500.0))), Degraded);
    assert_eq!(verdict(process(1.0, Some(5_000.0))), Invalid);

    let used = |most| Some(Used { most, limit: 1_000 });
    assert_eq!(verdict(Observed { descriptors: used(800), ..Observed::default() }), Valid);
    let nearly =
        seeing(Observed { descriptors: used(950), ports: used(950), ..Default::default() });
    assert_eq!((nearly.validity.verdict, nearly.validity.reasons.len()), (Degraded, 2));
    assert!(nearly.validity.reasons[0].contains("ulimit -n"));
    assert_eq!(nearly.health.unwrap().descriptors, used(950), "it stands in the summary as well");
}

#[test]
fn a_worker_without_time_left_makes_a_closed_load_doubtful() {
    // Everything is due at once, so whoever asks is the slower side: one worker, two agent threads.
    let options = Options {
        behaviour: Behaviour::fixed(Default::default(), Default::default(), 200),
        ..Options::default()
    };
    let options = Options { threads: 2, ..options };
    let agent = agent::start(([127, 0, 0, 1], 0).into(), options, Clock::start()).unwrap();
    let url = agent.base_url();
    let load = ["-m", "hi", "--target", &url, "-c", "32", "-z", "2s", "--workers", "1", "--strict"];
    let ran = run(&load);
    let validity = &ran.summary()["validity"];
    let reasons = validity["reasons"].to_string();
    assert_ne!(validity["verdict"], "valid", "{reasons}");
    assert!(reasons.contains("Worker 0 had no time left"), "{reasons}");
    assert_eq!(ran.code, if validity["verdict"] == "invalid" { 96 } else { 0 });
    let health = &ran.json("run.json")["health"];
    assert!(health["workers"][0]["saturated"].as_f64().unwrap() > 0.1, "{health}");
    assert!(health["process"]["cpu_s"].as_f64().unwrap() > 0.0, "{health}");
    assert!(health["hiccups"]["count"].as_u64().unwrap() > 0, "{health}");
    assert_eq!(ran.summary()["health"]["workers"], health["workers"]);
}

#[test]
fn control_turns_are_beside_the_run_and_in_none_of_its_figures() {
    let load = ["-m", "hi", "--target", "embedded", "-r", "5/s", "-z", "4s"];
    let with = run(&load);
    let without = run(&[&load[..], &["--no-control"]].concat());
    for ran in [&with, &without] {
        ran.assert_balanced();
        assert_eq!(ran.summary()["counts"]["planned"], 20);
        assert_eq!(ran.samples().len(), 20);
    }
    let control = &with.summary()["health"]["control"];
    assert!(control["turns"].as_u64().unwrap() >= 4, "{control}");
    // Ours minus theirs: what lies between is the way there and back, never less than nothing.
    assert!(control["ttfc_p50_ms"].as_f64().unwrap() > 0.0, "{control}");
    assert!(without.summary()["health"]["control"].is_null());
    let turns = |ran: &super::support::Ran| -> u64 {
        let seconds = rows(&ran.directory().join("timeline.csv"));
        seconds.iter().map(|row| row["control_turns"].parse::<u64>().unwrap()).sum()
    };
    assert!(turns(&with) >= control["turns"].as_u64().unwrap());
    assert_eq!(turns(&without), 0);
    let started = |ran: &super::support::Ran| -> u64 {
        let seconds = rows(&ran.directory().join("timeline.csv"));
        seconds.iter().map(|row| row["started"].parse::<u64>().unwrap()).sum()
    };
    assert_eq!((started(&with), started(&without)), (20, 20));
}

#[test]
fn control_turns_are_understood_whatever_the_target_speaks() {
    for set in ["target.protocol=openai", "target.protocol=lyzr-v3", "target.framing=sse"] {
        let framed = ["--set", set, "--set", "limits.failures=100%", "--set", KEY_VARIABLE];
        let load = ["-m", "hi", "--target", "embedded", "-r", "2/s", "-z", "3s"];
        let ran = run(&[&load[..], &framed[..]].concat());
        let control = &ran.summary()["health"]["control"];
        assert!(control["turns"].as_u64().is_some_and(|turns| turns > 0), "{set}: {control}");
    }
}

#[test]
fn a_short_load_has_no_control() {
    let ran = run(&["-m", "hi", "--target", "embedded", "-c", "2", "-n", "4"]);
    assert!(ran.summary()["health"]["control"].is_null());
}
