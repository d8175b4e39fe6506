//! What a row of `streamgauge batch` may say of itself: expectations, values, and what comes back.

use std::fs;

use crate::batch::{Batch, Served};

const QUICK: [&str; 6] = ["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "3"];

#[test]
fn an_answer_that_is_not_what_its_row_expects_is_a_failed_row_with_its_text() {
    let agent = Served::start(&[&QUICK[..], &["--answer", "a refund is on its way"]].concat());
    let prompts = concat!(
        "{\"id\": \"a\", \"message\": \"x\", \"expect\": {\"contains\": \"refund\"}, \"n\": 1.0}\n",
        "{\"id\": \"b\", \"message\": \"x\", \"expect\": {\"contains\": \"sorry\"}}\n",
        "{\"id\": \"c\", \"turns\": [\"x\", \"y\"], \"expect\": [null, {\"matches\": \"^no\"}]}\n",
        "{\"id\": \"d\", \"message\": \"x\"}\n",
    );
    let batch = Batch::new(&agent.url, prompts);
    let ended = batch.run(&["-o", "a.jsonl", "--order", "input"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    let lines = batch.lines("a.jsonl");
    let of = |field: &str| {
        lines.iter().map(|line| line[field].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("status"), ["completed", "failed", "failed", "completed"]);
    assert_eq!(of("error"), ["", "expectation", "expectation", ""]);
    assert!(of("message")[1].contains("expect.contains"), "{:?}", of("message"));
    assert!(lines.iter().all(|line| !line["text"].as_str().unwrap().is_empty()));
    assert_eq!(lines[2]["turns"].as_array().unwrap().len(), 2);
    assert!(lines.iter().take(2).all(|line| line["attempts"].as_array().unwrap().len() == 1));
    batch.verify();
    fs::write(batch.path("expect.yaml"), "not_empty: true\nmin_chunks: 100\n").unwrap();
    let all = batch.run(&["-o", "b.jsonl", "--expect", "expect.yaml"]);
    assert_eq!(all.code, 3, "{}", all.err);
    assert!(batch.lines("b.jsonl").iter().all(|line| line["error"] == "expectation"));
    fs::write(batch.path("expect.yaml"), "min_chunks: 1\n").unwrap();
    let changed = batch.run(&["-o", "b.jsonl", "--expect", "expect.yaml"]);
    assert!(changed.code == 2 && changed.err.contains("--expect: was"), "{}", changed.err);
    fs::write(batch.path("expect.yaml"), "min_chunk: 1\n").unwrap();
    let wrong = batch.run(&["-o", "c.jsonl", "--expect", "expect.yaml"]);
    assert!(wrong.code == 2 && wrong.err.contains("min_chunks"), "{}", wrong.err);
    let missing = batch.run(&["-o", "c.jsonl", "--expect", "nothing.yaml"]);
    assert!(missing.code == 2 && missing.err.contains("no such file"), "{}", missing.err);
}

#[test]
fn a_row_brings_values_for_the_template_and_usage_comes_back() {
    let agent = Served::start(&QUICK);
    let prompts = concat!(
        "{\"id\": \"a\", \"text\": \"T{{ x }}\", \"vars\": {\"style\": \"verse\", \"n\": 2}}\n",
        "{\"id\": \"b\", \"text\": \"U\", \"vars\": {\"style\": \"prose\", \"n\": 3}}\n",
    );
    let batch = Batch::new(&agent.url, prompts);
    let template = "{{ vars.n }} lines of {{ vars.style }}: {{ row.text }}";
    let arguments =
        ["--message", template, "--protocol", "openai", "--set", "target.api_key_env=LYZR_API_KEY"];
    let ended = batch.run(&[&["-o", "a.jsonl"], &arguments[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.err);
    let mut asked: Vec<String> = agent.all("/v1/chat/completions");
    asked.sort();
    assert_eq!(asked, ["2 lines of verse: T{{ x }}", "3 lines of prose: U"]);
    let lines = batch.lines("a.jsonl");
    for line in &lines {
        assert!(line["usage"]["output_tokens"].as_u64().unwrap() > 0, "{line}");
        assert!(line["meta"]["vars"]["n"].is_u64());
    }
    let exported = batch
        .run(&[&["-o", "b.jsonl", "--output-format", "openai-batch"], &arguments[..]].concat());
    assert_eq!(exported.code, 0, "{}", exported.err);
    let usage = &batch.lines("b.jsonl")[0]["response"]["body"]["usage"];
    assert!(usage["total_tokens"].as_u64() > usage["completion_tokens"].as_u64(), "{usage}");
    let lyzr = batch.run(&["-o", "c.jsonl", "--map", "message=text"]);
    assert_eq!(lyzr.code, 0, "{}", lyzr.err);
    assert!(batch.lines("c.jsonl")[0].get("usage").is_none(), "it counts none");
    let unknown = batch.run(&["-o", "d.jsonl", "--message", "{{ vars.other }}"]);
    assert!(unknown.code == 2 && unknown.err.contains("line 1"), "{}", unknown.err);
}
