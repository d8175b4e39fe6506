//! The protocols end to end: what is asked, how the answer is read, what is told apart.

use std::collections::BTreeMap;

use streamgauge::agent::{Agent, Amount};

use crate::agent::{agent, faults};
use crate::support::{KEY, Ran, Row, command, run_into, scenario};

/// Runs a scenario against an agent in this process, with a key for either vendor.
fn run(agent: &Agent, protocol: &str, path: &str, more: &[&str]) -> Ran {
    let url = format!("{}{path}", agent.base_url());
    let start = ["-m", "hello there", "--target", &url, "--protocol", protocol];
    let reports = tempfile::tempdir().unwrap();
    let mut command = run_into(&reports, &[&start[..], more].concat());
    let output = command.env("OPENAI_API_KEY", KEY).output().unwrap();
    Ran::new(&output, reports)
}

/// The three streamed dialects, with the paths a user may write.
const STREAMS: [(&str, &str); 4] =
    [("lyzr-v3", ""), ("openai", ""), ("openai", "/v1"), ("openai", "/v4")];

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or(0)
}

#[test]
fn every_chunk_the_agent_sent_is_counted_whatever_the_dialect() {
    for (protocol, path) in STREAMS {
        let agent = agent(|_| {});
        let ran = run(&agent, protocol, path, &["-n", "6", "-c", "2"]);
        assert_eq!(ran.code, 0, "{protocol}{path}: {}\n{}", ran.out, ran.err);
        let truth = agent.truth();
        let sent: Vec<u64> = truth.requests.iter().map(|one| u64::from(one.chunks)).collect();
        let samples = ran.samples();
        let counted: Vec<u64> = samples.iter().map(|row| number(row, "chunks")).collect();
        assert_eq!((counted, samples.len()), (sent, 6), "{protocol}{path}");
        assert!(truth.requests.iter().all(|one| &*one.agent_id == "streamgauge"));
    }
}

#[test]
fn text_arrives_as_it_was_meant() {
    let answer =
        "Line one\nline \\n two \"quoted\" \\\\ é 世界 😀\ttab \u{2028} 36 true [] {\"a\":1}";
    for (protocol, path) in STREAMS {
        for fault in ["split-escape", "split-utf8", "crlf", "comments", "line-separators"] {
            let agent = agent(|options| {
                options.behaviour.answer = Some(answer.into());
                faults(&[fault])(options);
            });
            let ran = run(&agent, protocol, path, &["-n", "1", "-c", "1", "--record", "answers"]);
            assert_eq!(ran.code, 0, "{protocol}{path} {fault}: {}\n{}", ran.out, ran.err);
            let line = std::fs::read_to_string(ran.directory().join("answers.jsonl")).unwrap();
            let said: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
            let text = said.get("text").or(said.get("answer")).unwrap().as_str().unwrap();
            // Some of the faults add text of their own.
            let parts: Vec<&str> = answer.split_inclusive(' ').collect();
            let missing = parts.iter().filter(|part| !text.contains(part.trim())).count();
            assert_eq!(missing, 0, "{protocol}{path} {fault}: {text}");
            if matches!(fault, "crlf" | "comments") {
                assert_eq!(text, answer, "{protocol}{path} {fault}");
            }
        }
    }
}

#[test]
fn an_answer_that_is_none_is_told_apart() {
    for (protocol, path) in STREAMS {
        for (fault, outcome) in [
            ("error-event=3", "failed/agent"),
            ("no-done", "failed/truncated"),
            ("cut=3", "failed/truncated"),
            ("cut-unframed=3", "failed/truncated"),
            ("empty", "failed/empty"),
            ("invalid-utf8", "failed/protocol"),
            ("reset", "failed/closed"),
            ("status=503", "failed/status"),
        ] {
            for via in ["target.transport=wire", "target.transport=reqwest"] {
                let agent = agent(faults(&[fault]));
                let ran = run(&agent, protocol, path, &["-n", "1", "-c", "1", "--set", via]);
                let expected = BTreeMap::from([(outcome.to_owned(), 1)]);
                assert_eq!(ran.outcomes(), expected, "{protocol}{path} {fault} {via}: {}", ran.out);
                assert_eq!(ran.code, 3, "{protocol}{path} {fault} {via}: {}", ran.err);
                assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY));
            }
        }
    }
}

#[test]
fn reasoning_and_tokens_have_figures_of_their_own() {
    let agent = agent(|options| options.behaviour.reasoning = Amount::Fixed(5));
    let ran =
        run(&agent, "openai", "/v1", &["-n", "4", "-c", "1", "--set", "thresholds.tokens=rate>0"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for row in ran.samples() {
        let at = |column: &str| row[column].parse::<f64>().unwrap();
        assert!(at("started_ms") <= at("first_reasoning_ms"), "{row:?}");
        assert!(at("first_reasoning_ms") <= at("first_chunk_ms"), "{row:?}");
        assert_eq!((number(&row, "chunks"), number(&row, "tokens_out")), (20, 25), "{row:?}");
        assert_eq!(number(&row, "tokens_in"), 2);
    }
    let summary = ran.summary();
    for metric in ["first_reasoning", "tpot"] {
        assert_eq!(summary["metrics"][metric]["count"], 4, "{metric}");
    }
    assert!(summary["rates"]["tokens_per_s"].as_f64().unwrap() > 0.0);
    // Where the server counts nothing, nothing is made up.
    let silent = run(&agent, "lyzr-v3", "", &["-n", "1", "-c", "1"]);
    assert_eq!(silent.samples()[0]["tokens_out"], "");
    assert!(silent.summary()["rates"]["tokens_per_s"].is_null());
}

#[test]
fn a_conversation_is_sent_along_where_the_agent_does_not_remember_it() {
    let text = "sessions: [{ messages: [one, two, three] }]\nload: { once: { concurrency: 1 } }\n\
                users: { count: 1 }\n";
    let scenario = scenario(text, &[]);
    // The agent counts the words of the whole conversation it is sent.
    let tokens_in = |more: &[&str]| {
        let agent =
            agent(|options| options.behaviour.answer = Some("four little words here".into()));
        let url = agent.base_url();
        let start = [scenario.path.to_str().unwrap(), "--target", &url, "--protocol", "openai"];
        let reports = tempfile::tempdir().unwrap();
        let output = run_into(&reports, &[&start[..], more].concat())
            .env("OPENAI_API_KEY", KEY)
            .output()
            .unwrap();
        let ran = Ran::new(&output, reports);
        ran.samples().iter().map(|row| number(row, "tokens_in")).collect::<Vec<_>>()
    };
    assert_eq!(tokens_in(&[]), [1, 1 + 4 + 1, 1 + 4 + 1 + 4 + 1]);
    assert_eq!(tokens_in(&["--set", "target.history=none"]), [1, 1, 1]);
}

#[test]
fn a_recorded_conversation_is_sent_along_as_it_was_recorded() {
    let row = r#"{"conversations": [{"from": "system", "value": "be brief"},
        {"from": "human", "value": "one"}, {"from": "gpt", "value": "a recorded answer of six words"},
        {"from": "human", "value": "two"}, {"from": "gpt", "value": "short"},
        {"from": "human", "value": "three"}, {"from": "gpt", "value": "never sent"}]}"#;
    let row = row.replace('\n', "");
    let plain = r#"{"turns": ["one", "two"]}"#;
    let text = "target: { url: embedded, protocol: openai, history: recorded }\n\
                sessions: [{ from: rows.jsonl }]\n";
    let good = scenario(text, &[("rows.jsonl", row.as_str())]);
    let path = good.path.to_str().unwrap();
    let agent = agent(|options| options.behaviour.answer = Some("another answer".into()));
    let url = agent.base_url();
    let reports = tempfile::tempdir().unwrap();
    let output = run_into(&reports, &[path, "--target", &url, "--protocol", "openai", "-c", "1"])
        .env("OPENAI_API_KEY", KEY)
        .output()
        .unwrap();
    let ran = Ran::new(&output, reports);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Words of the conversation as recorded, not as it went this time.
    let words: Vec<u64> = ran.samples().iter().map(|row| number(row, "tokens_in")).collect();
    assert_eq!(words, [1, 1 + 6 + 1, 1 + 6 + 1 + 1 + 1]);
    let plan = command(&["plan", path, "--format", "json"]).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    let third = &plan["plan"]["first_requests"][2]["body"]["messages"];
    let said: Vec<&str> =
        third.as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["one", "a recorded answer of six words", "two", "short", "three"]);

    let inline = text.replace("from: rows.jsonl", "messages: [one, two]");
    for (text, rows, why) in [
        (text, plain, "no recorded answer to message 1"),
        (inline.as_str(), plain, "`history: recorded` sends recorded answers along"),
    ] {
        let bad = scenario(text, &[("rows.jsonl", rows)]);
        let output = command(&["plan", bad.path.to_str().unwrap()]).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(why), "{err}");
    }
}
