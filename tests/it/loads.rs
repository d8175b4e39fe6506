//! Loads as the agent meets them: ramps, traces, levels, and the search for the highest.

use std::time::Duration;

use serde_json::Value;
use streamgauge::agent::{Agent, Behaviour, Capacity, WhenFull};

use crate::agent::{agent, faults};
use crate::support::{Ran, run, scenario};

/// An agent that answers in about 30 ms and, where `places` is given, turns away whom it has no
/// place for.
fn quick_agent(places: Option<usize>) -> Agent {
    agent(|options| {
        options.behaviour =
            Behaviour::fixed(Duration::from_millis(20), Duration::from_millis(5), 3);
        options.capacity =
            Capacity { max_concurrent: places, when_full: WhenFull::Reject, ..Capacity::default() };
    })
}

fn run_at(agent: &Agent, text: &str, files: &[(&str, &str)], more: &[&str]) -> Ran {
    let scenario = scenario(&format!("sessions: [{{ messages: [hello] }}]\n{text}"), files);
    let url = agent.base_url();
    let fixed = [scenario.path.to_str().unwrap(), "--target", &url, "--agent-id", "a"];
    run(&[&fixed, more].concat())
}

fn sweep(ran: &Ran) -> Value {
    ran.json("sweep.json")
}

#[test]
fn a_ramp_arrives_at_the_agent_as_it_was_planned() {
    let agent = quick_agent(None);
    let ran = run_at(
        &agent,
        "load: { open: { stages: [{ for: 1s, to: 40/s }, { for: 1s, to: 0/s }] } }",
        &[],
        &[],
    );
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    ran.assert_balanced();
    let samples = ran.samples();
    assert_eq!(samples.len(), 40);
    let mut due: Vec<f64> = samples.iter().map(|row| row["intended_ms"].parse().unwrap()).collect();
    due.sort_by(f64::total_cmp);
    let planned: Vec<f64> = (0..40)
        .map(|n| match f64::from(n) {
            n if n < 20.0 => (n / 20.0).sqrt(),
            n => 2.0 - ((40.0 - n) / 20.0).sqrt(),
        })
        .collect();
    for (due, planned) in due.iter().zip(planned) {
        assert!((due - planned * 1e3).abs() < 0.01, "{due} {planned}");
    }
    assert!(ran.out.contains("to 40/s in 1s, to 0/s in 1s, even"), "{}", ran.out);
    let measured = &ran.summary()["load"]["measured_s"];
    assert_eq!(*measured, 2.0, "the schedule goes on to its end, silent or not");
}

#[test]
fn a_replay_sends_every_arrival_of_its_trace() {
    let lines = (0..60).map(|n| format!("{{\"timestamp\": {}}}\n", n / 2 * 100));
    let mut lines: Vec<String> = lines.collect();
    // The first two stand last.
    lines.rotate_left(2);
    let trace = lines.concat();
    let agent = quick_agent(None);
    let ran = run_at(
        &agent,
        "load: { replay: { from: trace.jsonl, speed: 4, window: { from: 1s, to: 2s } } }",
        &[("trace.jsonl", &trace)],
        &[],
    );
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(ran.samples().len(), 20, "two at each of ten times");
    let summary = ran.summary();
    assert_eq!(summary["load"]["model"], "replay");
    assert_eq!(summary["load"]["offered"]["due"], 20);
    assert_eq!(summary["load"]["offered"]["sent"], 20);
    // A run is a trace as well.
    let samples = std::fs::read_to_string(ran.directory().join("samples.csv")).unwrap();
    assert!(ran.err.contains("note: a row of trace.jsonl stands after a later one"), "{}", ran.err);
    let again = run_at(
        &agent,
        "load: { replay: { from: samples.csv } }",
        &[("samples.csv", &samples)],
        &[],
    );
    assert_eq!(again.samples().len(), 20, "{}", again.err);
}

#[test]
fn a_sweep_runs_every_level_and_tells_the_gravest() {
    let agent = quick_agent(Some(4));
    let ran = run_at(
        &agent,
        "load: { closed: { users: 1, duration: 300ms } }\nslo: { total: 1s }",
        &[],
        &["--sweep", "concurrency=2,12", "--rest", "0s"],
    );
    assert_eq!(ran.code, 3, "the second level is more than it takes: {}\n{}", ran.out, ran.err);
    let sweep = sweep(&ran);
    assert_eq!((&sweep["kind"], &sweep["state"]), (&"sweep".into(), &"finished".into()));
    let levels = sweep["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 2);
    assert_eq!((&levels[0]["exit"], &levels[1]["verdict"]), (&0.into(), &"failures".into()));
    for level in levels {
        let directory = ran.directory().join(level["run"].as_str().unwrap());
        let summary: Value =
            serde_json::from_slice(&std::fs::read(directory.join("summary.json")).unwrap())
                .unwrap();
        assert_eq!(summary["rates"]["throughput_per_s"], level["throughput_per_s"]);
    }
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    assert!(ran.out.contains("ttfc p95"), "{}", ran.out);
}

#[test]
fn levels_that_cannot_be_are_refused_before_anything_is_sent() {
    let agent = quick_agent(None);
    let closed = "load: { closed: { users: 1, duration: 300ms } }";
    for (text, more, why) in [
        (closed, &["--sweep", "users=1"][..], "cannot be varied"),
        (closed, &["--sweep", "concurrency=1", "-c", "2"], "both set the concurrency"),
        (closed, &["--sweep", "concurrency=1", "--find-max", "rate"], "cannot be used with"),
        (closed, &["--find-max", "rate"], "what a good turn is"),
        (closed, &["--find-max", "rate", "-z", "3s"], "--probe"),
        ("load: { once: {} }", &["--sweep", "rate=5/s"], "how long it goes on is not said"),
    ] {
        let ran = run_at(&agent, text, &[], more);
        assert_eq!(ran.code, 2, "{more:?}: {}", ran.err);
        assert!(ran.err.contains(why), "{more:?}: {}", ran.err);
    }
    assert_eq!(agent.truth().requests.len(), 0);
}

#[test]
fn the_highest_concurrency_is_found() {
    let agent = quick_agent(Some(6));
    let ran = run_at(
        &agent,
        "slo: { total: 2s }",
        &[],
        &["--find-max", "concurrency", "--goal", "80%", "--probe", "400ms", "--rest", "0s"],
    );
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let sweep = sweep(&ran);
    let search = &sweep["search"];
    assert_eq!((&search["highest_met"], &search["lowest_missed"]), (&6.0.into(), &7.0.into()));
    // Where this machine was too busy to try the 7 in time, the search has to say that instead.
    let tries = sweep["levels"].as_array().unwrap();
    let missed = tries.iter().rfind(|one| one["value"] == 7.0).unwrap();
    let (limit, said) = match missed["validity"] == "invalid" {
        true => ("machine", "Highest concurrency: at least 6."),
        false => ("target", "Highest concurrency: 6 "),
    };
    assert_eq!(search["limit"], limit, "{missed}");
    assert!(ran.out.contains(said), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
}

#[test]
fn a_goal_that_no_level_meets_is_a_failure() {
    let agent = quick_agent(None);
    let ran = run_at(
        &agent,
        "slo: { total: 1ms }",
        &[],
        &["--find-max", "concurrency", "--probe", "200ms", "--rest", "0s"],
    );
    assert_eq!(ran.code, 99, "{}", ran.err);
    assert!(ran.out.contains("No level was found"), "{}", ran.out);
}

#[test]
fn a_run_that_has_gone_wrong_is_stopped_and_says_why() {
    let agent = agent(faults(&["status=500"]));
    let ran = run_at(
        &agent,
        "load: { open: { rate: 50/s, duration: 60s } }
warmup: { turns: 10 }
stop_when: [{ ttfc: max>1m }, { errors: rate>50%, for: 1s }]
limits: { failures: 100% }",
        &[],
        &[],
    );
    assert_eq!(ran.code, 99, "{}\n{}", ran.out, ran.err);
    ran.assert_balanced();
    let summary = ran.summary();
    let stopped = &summary["run"]["stopped"];
    assert_eq!((&stopped["metric"], &stopped["observed"]), (&"errors".into(), &1.0.into()));
    assert!(summary["run"]["duration_s"].as_f64().unwrap() < 50.0, "{stopped}");
    assert!(summary["load"]["warmup_s"].as_f64().unwrap() > 0.0, "ten turns take some time");
    let offered = &summary["load"]["offered"];
    assert_eq!(offered["due"], offered["sent"], "what was due after the stop was not offered");
    assert!(ran.out.contains("errors rate>50% over 1 s (100.00 % was seen)"), "{}", ran.out);
}
