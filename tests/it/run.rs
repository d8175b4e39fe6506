//! `streamgauge run` as a user meets it: the command, real sockets, the files it leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use streamgauge::agent::{Agent, Behaviour, Message, Record};
use streamgauge::units::Offset;

use crate::agent::{agent, faults};
use crate::support::{KEY, Ran, Row, run, run_into, scenario};

/// Everything CONTRACT-like that a run directory holds.
const FILES: [&str; 6] =
    ["histograms.hlog", "run.json", "samples.csv", "summary.csv", "summary.json", "timeline.csv"];

fn quick(agent: &Agent, more: &[&str]) -> Ran {
    let url = agent.base_url();
    let arguments = [&["-m", "hello", "--target", &url], more].concat();
    run(&arguments)
}

#[test]
fn the_quickstart_leaves_a_complete_run_directory() {
    let ran = run(&["scenarios/quickstart.yaml", "--set", "load.closed.duration=2s"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for file in FILES {
        assert!(ran.directory().join(file).exists(), "{file}");
    }
    ran.assert_balanced();
    assert!(ran.summary()["counts"]["completed"].as_u64().unwrap() > 5);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    assert!(!ran.err.contains('\x1b'), "a log gets plain lines: {}", ran.err);
    let manifest = ran.json("run.json");
    assert_eq!(manifest["state"], "finished");
    assert_eq!(manifest["target"]["embedded"], true);
}

#[test]
fn the_other_scenarios_run() {
    for (name, shorter) in [
        ("ten-users", &["--set", "load.closed.duration=2s", "--set", "warmup=0s"][..]),
        ("arrivals", &["--set", "load.open.duration=3s", "--set", "warmup=0s"]),
    ] {
        let file = format!("scenarios/{name}.yaml");
        let ran = run(&[&[file.as_str()], shorter].concat());
        // In so short a time a threshold may fail: the machine that tests runs on is shared.
        assert!([0, 99].contains(&ran.code), "{name}: {}\n{}", ran.out, ran.err);
        ran.assert_balanced();
    }
}

#[test]
fn messages_arrive_byte_for_byte_in_order_and_one_at_a_time() {
    let agent = agent(|_| {});
    let prompts: Vec<String> = (0..30)
        .map(|n| format!("  {{{{ not a template }}}} \u{2028} №{n}\t\"quoted\" \\n é\u{0}\r\n "))
        .collect();
    let lines: String = prompts
        .chunks(2)
        .map(|two| serde_json::json!({ "turns": two }).to_string() + "\n")
        .collect();
    let scenario = scenario(
        "sessions: [{ name: rows, from: rows.jsonl, turns: turns }]\nload: { once: { concurrency: 4 } }",
        &[("rows.jsonl", &lines)],
    );
    let url = agent.base_url();
    let ran = run(&[scenario.path.to_str().unwrap(), "--target", &url, "--agent-id", "a"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth = agent.truth();
    let mut sessions: BTreeMap<String, Vec<(Offset, Offset, String)>> = BTreeMap::new();
    for one in &truth.requests {
        let turns = sessions.entry(session_of(one)).or_default();
        turns.push((one.complete, one.ended.unwrap(), text_of(one)));
    }
    assert_eq!(sessions.len(), 15);
    let mut seen = BTreeSet::new();
    for turns in sessions.values() {
        assert_eq!(turns.len(), 2);
        assert!(turns[0].1 <= turns[1].0, "the second was asked after the first had ended");
        seen.insert((turns[0].2.clone(), turns[1].2.clone()));
    }
    let sent: BTreeSet<_> = prompts.chunks(2).map(|two| (two[0].clone(), two[1].clone())).collect();
    assert_eq!(seen, sent);
}

#[test]
fn two_thousand_turns_agree_with_the_agents_own_log() {
    let agent = agent(|options| {
        let millis = Duration::from_millis;
        options.behaviour = Behaviour::fixed(millis(10), millis(2), 8);
    });
    let scenario = scenario(
        "sessions: [{ name: two, messages: [one, two] }]
load: { closed: { users: 20, iterations: 1000 } }",
        &[],
    );
    let url = agent.base_url();
    let ran = run(&[scenario.path.to_str().unwrap(), "--target", &url]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth = agent.truth();
    assert_eq!((truth.requests.len(), truth.dropped), (2_000, 0));
    let mut turns: BTreeMap<String, u32> = BTreeMap::new();
    let truth: BTreeMap<_, _> = truth
        .requests
        .iter()
        .map(|one| {
            assert_eq!(one.in_session, 0, "two turns of one session were under way at once");
            let turn = turns.entry(session_of(one)).or_default();
            *turn += 1;
            ((session_of(one), *turn), one)
        })
        .collect();
    let samples = ran.samples();
    assert_eq!(samples.len(), 2_000);
    let mut errors = Vec::new();
    for row in &samples {
        let theirs = &truth[&(row["session"].clone(), row["turn"].parse().unwrap())];
        assert_eq!(row["chunks"].parse::<u32>().unwrap(), theirs.chunks);
        assert_eq!(row["bytes"].parse::<u64>().unwrap(), theirs.bytes);
        // Ours contains theirs: it begins before the request has arrived, and ends after the chunk
        // has left. How much more it is depends on the machine: a benchmark says.
        let first = theirs.first_chunk.unwrap().since(theirs.complete).as_secs_f64() * 1e3;
        let last = theirs.last_chunk.unwrap().since(theirs.complete).as_secs_f64() * 1e3;
        assert!(number(row, "ttfc_service_ms") >= first - 0.002, "{row:?}");
        assert!(number(row, "total_service_ms") >= last - 0.002, "{row:?}");
        errors.push(number(row, "ttfc_service_ms") - first);
        let sum = number(row, "intended_ms") + number(row, "queue_ms") + number(row, "lateness_ms");
        assert!((number(row, "started_ms") - sum).abs() < 0.003, "{row:?}");
    }
    errors.sort_by(f64::total_cmp);
    assert!(errors[errors.len() / 2] < 50.0, "half of the turns are off by {} ms", errors[1_000]);
}

fn session_of(one: &Record) -> String {
    one.session_id.clone().unwrap().into()
}

fn text_of(one: &Record) -> String {
    match &one.message {
        Message::Kept(text) => text.to_string(),
        other => panic!("the message was not kept whole: {other:?}"),
    }
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

#[test]
fn each_way_to_fail_is_counted_under_its_own_error() {
    let patience =
        ["--set", "target.timeouts.first_chunk=300ms", "--set", "target.timeouts.idle=300ms"];
    for (fault, more, outcome) in [
        ("status=500", &[][..], "failed/status"),
        ("status=422", &[], "failed/status"),
        ("retry-after=2s", &[], "failed/status"),
        ("credits", &[], "failed/status"),
        ("reset", &[], "failed/closed"),
        ("reset-after=3", &[], "failed/truncated"),
        ("cut=3", &[], "failed/truncated"),
        ("cut-inside=3", &[], "failed/truncated"),
        ("stall=3", &patience, "timed_out/timeout_idle"),
        ("silence=5s", &patience, "timed_out/timeout_first_chunk"),
        ("slow-head=5s", &patience, "timed_out/timeout_first_chunk"),
        ("empty", &[], "failed/empty"),
        ("invalid-utf8", &[], "failed/protocol"),
        ("split-utf8", &[], "completed/"),
        ("line-separators", &[], "completed/"),
        ("big-event", &[], "completed/"),
        ("close-delimited", &[], "completed/"),
    ] {
        let agent = agent(faults(&[fault]));
        let ran = quick(&agent, more);
        assert_eq!(ran.outcomes(), [(outcome.to_owned(), 1)].into(), "{fault}: {}", ran.err);
        ran.assert_balanced();
        let code = if outcome.starts_with("completed") { 0 } else { 3 };
        assert_eq!(ran.code, code, "{fault}: {}", ran.out);
    }
}

#[test]
fn an_error_reply_is_told_with_what_it_says() {
    let agent = agent(faults(&["status=500"]));
    let ran = quick(&agent, &[]);
    let group = &ran.summary()["errors"][0];
    assert_eq!((&group["error"], &group["status"]), (&"status".into(), &500.into()));
    assert!(!group["example"].as_str().unwrap().is_empty());
    assert!(ran.out.contains("status 500"), "{}", ran.out);
}

#[test]
fn nobody_listening_is_a_failure_to_connect() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let ran = run(&["-m", "hello", "--target", &format!("http://127.0.0.1:{port}")]);
    assert_eq!(ran.outcomes(), [("failed/connect".to_owned(), 1)].into());
    assert_eq!(ran.code, 3);
    let ran = run(&["-m", "hello", "--agent-id", "a", "--target", "http://no-such-name.invalid"]);
    assert_eq!(ran.outcomes(), [("failed/dns".to_owned(), 1)].into(), "{}", ran.err);
    assert_eq!(ran.code, 3);
}

#[test]
fn a_target_that_does_not_speak_tls_is_told_from_one_that_does_not_listen() {
    let agent = agent(|_| {});
    let url = agent.base_url().replace("http://", "https://");
    let ran = run(&["-m", "hello", "--target", &url]);
    assert_eq!(ran.outcomes(), [("failed/tls".to_owned(), 1)].into(), "{}", ran.out);
}

#[test]
fn a_refused_key_ends_the_run_early_with_exit_1() {
    let agent = agent(|options| {
        options.api_key = Some(streamgauge::secret::Secret::new("another"));
    });
    let ran = quick(&agent, &["-c", "2", "-n", "1000"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("refuses the key") && ran.err.contains("LYZR_API_KEY"), "{}", ran.err);
    ran.assert_balanced();
    let sent = ran.samples().iter().filter(|row| !row["started_ms"].is_empty()).count();
    assert!(sent < 500, "{sent} requests were spent on a key that does not work");
}

#[test]
fn an_agent_that_dies_in_the_middle_is_counted_and_the_run_ends() {
    let mut dying = agent_process(&["--first-chunk", "100ms", "--gap", "20ms", "--chunks", "10"]);
    let reports = tempfile::tempdir().unwrap();
    let child = run_into(&reports, &["-m", "x", "--target", &dying.url, "-c", "5", "-n", "40"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    dying.child.kill().unwrap();
    let ran = Ran::new(&child.wait_with_output().unwrap(), reports);
    assert_eq!(ran.code, 3, "{}", ran.err);
    ran.assert_balanced();
    let outcomes = ran.outcomes();
    assert!(outcomes.contains_key("completed/"), "{outcomes:?}");
    assert!(outcomes.contains_key("failed/connect"), "{outcomes:?}");
}

/// `streamgauge agent` as a process of its own.
pub(crate) struct AgentProcess {
    pub(crate) child: std::process::Child,
    pub(crate) url: String,
}

pub(crate) fn agent_process(arguments: &[&str]) -> AgentProcess {
    let mut child = crate::support::command(&["agent", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .spawn()
        .unwrap();
    let mut url = Vec::new();
    let out = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        url.push(byte[0]);
    }
    AgentProcess { child, url: String::from_utf8(url).unwrap() }
}

impl AgentProcess {
    /// Ends it as Ctrl-C does; what it said on standard error.
    #[cfg(unix)]
    pub(crate) fn interrupted(&mut self) -> String {
        interrupt(&self.child);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

#[cfg(unix)]
#[test]
fn one_ctrl_c_drains_and_two_stop_and_both_leave_complete_files() {
    let slow = agent(|options| {
        options.behaviour =
            Behaviour::fixed(Duration::from_millis(500), Duration::from_millis(50), 10);
    });
    for (signals, unanswered) in [(1, "completed/"), (2, "cancelled/stopped")] {
        let reports = tempfile::tempdir().unwrap();
        let url = slow.base_url();
        let child = run_into(&reports, &["-m", "x", "--target", &url, "-c", "4", "-n", "400"])
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(1_500));
        for _ in 0..signals {
            interrupt(&child);
            std::thread::sleep(Duration::from_millis(100));
        }
        let ran = Ran::new(&child.wait_with_output().unwrap(), reports);
        assert_eq!(ran.code, 130, "{}", ran.err);
        ran.assert_balanced();
        assert_eq!(ran.summary()["counts"]["planned"], 400);
        assert_eq!(ran.json("run.json")["state"], "interrupted");
        let outcomes = ran.outcomes();
        assert!(outcomes.contains_key(unanswered), "{outcomes:?}");
        assert_eq!(outcomes.contains_key("cancelled/stopped"), signals == 2, "{outcomes:?}");
        assert!(outcomes["completed/"] >= 4, "{outcomes:?}");
        assert!(ran.summary()["counts"]["unopened"].as_u64().unwrap() > 300);
    }
}

#[test]
fn thresholds_decide_the_exit_code_and_are_checked_before_the_run() {
    let agent = agent(|_| {});
    let held = quick(&agent, &["--set", "thresholds.total=[\"p(50)<10s\"]"]);
    assert_eq!(held.code, 0, "{}", held.err);
    let failed = quick(&agent, &["--set", "thresholds.total=[\"max<1us\"]"]);
    assert_eq!(failed.code, 99, "{}", failed.err);
    assert_eq!(failed.summary()["thresholds"][0]["ok"], false);
    let asked = agent.truth().requests.len();
    let unknown = quick(&agent, &["--set", "thresholds.tttfc=[\"max<1s\"]"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("ttfc"), "{}", unknown.err);
    let no_data = quick(&agent, &["--set", "thresholds.connect=[\"max<1s\"]", "-n", "0"]);
    assert_eq!(no_data.code, 2, "a load of nothing is refused");
    assert_eq!(agent.truth().requests.len(), asked, "nothing was sent");
}

#[test]
fn what_is_refused_leaves_no_directory_and_sends_nothing() {
    for arguments in [
        &["no-such-file.yaml"][..],
        &["-m", "x", "--target", "ftp://x"],
        &[
            "-m",
            "x",
            "--agent-id",
            "a",
            "--target",
            "https://example.com",
            "--set",
            "target.api_key_env=NOT_SET_ANYWHERE",
        ],
        &["-m", "x", "--set", "nonsense=1"],
        &["--no-such-flag"],
        &[],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(!ran.err.is_empty());
        assert_eq!(std::fs::read_dir(ran.reports.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn json_goes_to_stdout_and_talk_to_stderr() {
    let agent = agent(|_| {});
    let ran = quick(&agent, &["--format", "json", "-n", "3", "-c", "1"]);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(summary, ran.summary());
    assert_eq!(summary["counts"]["completed"], 3);
}

#[test]
fn the_key_is_sent_and_shown_nowhere() {
    let agent = agent(|options| {
        options.api_key = Some(streamgauge::secret::Secret::new(KEY));
    });
    let ran = quick(
        &agent,
        &["-v", "-n", "2", "-c", "1", "--record", "chunks", "-H", "x-team-token: tt-canary"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut everything = ran.out.clone() + &ran.err;
    for entry in std::fs::read_dir(ran.directory()).unwrap() {
        everything
            .push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(!everything.contains(KEY));
    assert!(!everything.contains("tt-canary"));
}

#[test]
fn what_is_said_is_kept_only_where_asked_for() {
    let agent = agent(|options| options.behaviour.answer = Some("a-very-special-answer".into()));
    let ran = quick(&agent, &[]);
    for entry in std::fs::read_dir(ran.directory()).unwrap() {
        let path = entry.unwrap().path();
        let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!content.contains("special-answer"), "{}", path.display());
    }
    let ran = quick(&agent, &["--record", "answers"]);
    let line = std::fs::read_to_string(ran.directory().join("answers.jsonl")).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&said["message"], &said["text"]),
        (&"hello".into(), &"a-very-special-answer".into())
    );
    let ran = quick(&agent, &["--record", "chunks"]);
    let line = std::fs::read_to_string(ran.directory().join("chunks.jsonl")).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let text: String =
        said["chunks"].as_array().unwrap().iter().map(|chunk| chunk[1].as_str().unwrap()).collect();
    assert_eq!(text, "a-very-special-answer");
}

#[test]
fn a_second_run_in_the_same_folder_stands_beside_the_first() {
    let agent = agent(|_| {});
    let reports = tempfile::tempdir().unwrap();
    let url = agent.base_url();
    for _ in 0..2 {
        let ended = run_into(&reports, &["-m", "x", "--target", &url]).output().unwrap();
        assert!(ended.status.success());
    }
    let beside = std::fs::read_dir(reports.path()).unwrap().count();
    assert_eq!(beside, 4, "two runs, `latest` and history.jsonl");
    let sessions: BTreeSet<_> = agent.truth().requests.iter().map(|one| session_of(one)).collect();
    assert_eq!(sessions.len(), 2, "a session id is never used twice");
}

#[test]
fn throughput_is_what_came_while_the_load_lasted() {
    // Ten a second is all it can do; twenty a second are asked.
    let slow = agent(|options| {
        options.behaviour = Behaviour::fixed(Duration::from_millis(500), Duration::ZERO, 1);
        options.capacity.max_concurrent = Some(5);
    });
    let ran = quick(&slow, &["-r", "20/s", "-z", "3s"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary = ran.summary();
    assert_eq!(summary["counts"]["completed"], 60);
    let rate = summary["rates"]["throughput_per_s"].as_f64().unwrap();
    assert!((5.0..=11.0).contains(&rate), "{rate}");
}

#[test]
fn a_threshold_on_some_errors_does_not_excuse_the_others() {
    let agent = agent(faults(&["status=500"]));
    let scenario = scenario(
        "sessions: [{ name: good, messages: [a] }, { name: bad, messages: [b] }]
load: { once: { concurrency: 1 } }
users: { count: 1 }
thresholds: { 'errors{session=good}': ['count<100'] }",
        &[],
    );
    let url = agent.base_url();
    let ran = run(&[scenario.path.to_str().unwrap(), "--target", &url, "--quiet"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.out.starts_with("2 of 2 turns have no answer\n"), "{}", ran.out);
}

#[test]
fn a_run_that_is_killed_leaves_what_it_was() {
    let reports = tempfile::tempdir().unwrap();
    let mut child =
        run_into(&reports, &["scenarios/quickstart.yaml", "--set", "name=killed"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    child.kill().unwrap();
    child.wait().unwrap();
    let directory = std::fs::read_dir(reports.path()).unwrap().next().unwrap().unwrap().path();
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(directory.join("run.json")).unwrap()).unwrap();
    assert_eq!((&manifest["state"], &manifest["name"]), (&"running".into(), &"killed".into()));
}

#[test]
fn rows_are_in_order_of_ending_whatever_the_number_of_workers() {
    let agent = agent(|options| {
        let millis = Duration::from_millis;
        options.behaviour = Behaviour::fixed(millis(3), millis(1), 3);
    });
    let ran = quick(&agent, &["-c", "24", "-n", "1000", "--workers", "4"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ended: Vec<f64> = ran.samples().iter().map(|row| number(row, "ended_ms")).collect();
    assert_eq!(ended.len(), 1_000);
    assert!(ended.is_sorted());
}
