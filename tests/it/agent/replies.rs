//! What the embedded agent answers: over every protocol, from memory, by rules, the same for a seed.

use std::time::Duration;

use streamgauge::agent::Behaviour;

use super::{agent, ask, ask_at, body, events, get};

#[test]
fn the_documented_request_is_answered_chunk_by_chunk() {
    let agent = agent(|_| {});
    for path in ["/v2/stream/", "/v2/stream"] {
        let answer = ask_at(&agent, path, &body("s1", "Can you stream your response?"));
        assert_eq!((answer.status, answer.whole, answer.chunks.len()), (200, true, 20));
        assert!(answer.text().contains("\"Can you stream your response?\""), "{}", answer.text());
    }
    let chat = ask_at(&agent, "/v2/chat/", &body("s2", "hello"));
    assert!(chat.json()["response"].as_str().unwrap().contains("\"hello\""));
}

#[test]
fn a_session_is_remembered_and_no_other() {
    let agent = agent(|_| {});
    ask_at(&agent, "/v2/stream/", &body("one", "My name is Ada."));
    let second = ask_at(&agent, "/v2/stream/", &body("one", "What is my name?")).text();
    assert!(second.contains("message 2 of our session") && second.contains("Ada"), "{second}");
    let other = ask_at(&agent, "/v2/stream/", &body("two", "What is my name?")).text();
    assert!(!other.contains("Ada"), "{other}");
    let none = r#"{"user_id":"u","agent_id":"a","session_id":null,"message":"Who?"}"#;
    for _ in 0..2 {
        assert!(!ask_at(&agent, "/v2/stream/", none).text().contains("our session"));
    }
    let history = get(&agent, "/v1/sessions/one/history").json();
    let said: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["role"].as_str().unwrap(), entry["content"].as_str().unwrap()))
        .collect();
    assert_eq!(said.len(), 4);
    assert_eq!(said[0], ("user", "My name is Ada."));
    assert_eq!(said[3], ("assistant", second.as_str()));
    assert_eq!(get(&agent, "/v1/sessions/none/history").status, 404);
}

#[test]
fn events_carry_tokens_escaped_and_end_with_done() {
    let agent = agent(|options| {
        options.behaviour.answer = Some("To improve:\n- \"this\" \\ that".into());
        options.behaviour.framing = agent::Framing::Sse;
    });
    for path in ["/v2/stream/", "/v3/inference/stream/"] {
        let answer = ask_at(&agent, path, &body("s", "x"));
        assert!(answer.head.contains("content-type: text/event-stream"));
        let text = answer.text();
        let events = events(&text);
        assert_eq!(events, ["To", " improve:\\n-", " \\\"this\\\"", " \\\\", " that", "[DONE]"]);
    }
}

#[test]
fn completions_speak_openai_streamed_and_not() {
    let agent = agent(|options| options.behaviour.reasoning = "3".parse().unwrap());
    let request = |stream: bool| {
        serde_json::json!({"model": "m", "stream": stream,
            "stream_options": {"include_usage": stream},
            "messages": [{"role": "user", "content": "My name is Ada."},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "And now?"}]})
        .to_string()
    };
    for path in ["/v1/chat/completions", "/v4/chat/completions/"] {
        let text = ask_at(&agent, path, &request(true)).text();
        let events = events(&text);
        assert_eq!(events.last(), Some(&"[DONE]"));
        let chunks: Vec<serde_json::Value> = events[..events.len() - 1]
            .iter()
            .map(|event| serde_json::from_str(event).unwrap())
            .collect();
        let join = |field: &str| -> String {
            let delta = |chunk: &serde_json::Value| {
                Some(chunk["choices"].get(0)?["delta"].get(field)?.as_str()?.to_owned())
            };
            chunks.iter().filter_map(delta).collect()
        };
        assert!(join("content").contains("Ada") && join("reasoning_content").contains("think"));
        assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], 23);
        let whole = ask_at(&agent, path, &request(false)).json();
        let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(content.contains("Ada"), "{content}");
    }
    let refusal = ask_at(&agent, "/v1/chat/completions", "{}").json();
    assert_eq!(refusal["error"]["type"], "invalid_request_error");
    assert_eq!(get(&agent, "/v1/models").json()["data"][0]["object"], "model");
    assert_eq!(get(&agent, "/v3/agents/abc").json()["_id"], "abc");
}

#[test]
fn the_same_seed_gives_the_same_replies_and_faults() {
    let play = |seed: u64| {
        let agent = agent(|options| {
            options.seed = seed;
            options.behaviour.chunks = "uniform(1, 50)".parse().unwrap();
            options.faults = vec!["status=500@30%".parse().unwrap()];
        });
        (0..20).map(|_| (ask(&agent, "x").status, ask(&agent, "x").body.len())).collect::<Vec<_>>()
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn rules_decide_by_agent_and_message_and_writes_group_or_split() {
    let agent = agent(|options| {
        let with = |when: &str, change: &dyn Fn(&mut Behaviour)| {
            let mut behaviour = options.behaviour.clone();
            behaviour.gap = agent::Draw::fixed(Duration::from_millis(1));
            change(&mut behaviour);
            agent::Rule { when: when.parse().unwrap(), behaviour }
        };
        options.rules = vec![
            with("message:group*", &|behaviour| behaviour.per_write = "5".parse().unwrap()),
            with("message:split*", &|behaviour| behaviour.split_writes = true),
            with("message:json*", &|behaviour| behaviour.framing = agent::Framing::Json),
            with("agent:a&message:sized*", &|behaviour| {
                behaviour.chunk_bytes = Some("7".parse().unwrap());
            }),
        ];
    });
    let chunks = |message: &str| ask(&agent, message).chunks;
    assert_eq!(chunks("as it is").len(), 20);
    assert_eq!(chunks("group").len(), 4);
    assert_eq!(chunks("split").len(), 40);
    assert!(chunks("sized").iter().all(|chunk| chunk.len() == 7));
    let json = ask(&agent, "json");
    assert!(json.head.contains("application/json") && json.json()["response"].is_string());
    let truth = agent.stop();
    let counts: Vec<_> =
        truth.requests.iter().map(|record| (record.chunks, record.bytes)).collect();
    // Halves of a chunk are one chunk; a document has one.
    let chunks: Vec<u32> = counts.iter().map(|count| count.0).collect();
    assert_eq!(chunks, [20, 20, 20, 20, 1]);
    assert_eq!(counts[3].1, 140);
}
