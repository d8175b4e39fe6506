//! OpenAI-compatible `POST /v1/chat/completions`, streamed. The server keeps nothing: the client
//! sends the conversation so far with every message.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::completion_event::CompletionEvent;
use super::event_stream::{Data, EndMark, EventStream};
use super::{Asking, Breach, ErrorBody, Reply, Role};
use crate::sample::Failure;
use crate::units::Offset;

/// Where a bare base URL is asked.
pub(super) const PATH: &str = "/v1/chat/completions";

/// What is added to a base URL that ends in one of these versions.
pub(super) const UNDER_VERSION: (&[&str], &str) = (&["/v1", "/v4"], "/chat/completions");

/// The body of a request. The session has no place in it: the conversation is the session.
pub(super) fn body(asking: &Asking<'_>, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        messages: Messages<'a>,
        stream: bool,
        stream_options: Options,
    }
    #[derive(Serialize)]
    struct Options {
        include_usage: bool,
    }
    let body = Body {
        model: asking.agent_id,
        messages: Messages(asking),
        stream: true,
        stream_options: Options { include_usage: true },
    };
    serde_json::to_writer(out, &body)
}

/// What was said before, and then the message.
struct Messages<'a>(&'a Asking<'a>);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Said<'a> {
            role: &'static str,
            content: &'a str,
        }
        let asking = self.0;
        let mut list = serializer.serialize_seq(Some(asking.history.len() + 1))?;
        for earlier in asking.history {
            let role = match earlier.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            list.serialize_element(&Said { role, content: &earlier.text })?;
        }
        list.serialize_element(&Said { role: "user", content: asking.message })?;
        list.end()
    }
}

/// Decodes one reply.
#[derive(Debug)]
pub(super) struct OpenAiDecoder {
    events: EventStream,
    seen: Seen,
}

/// What the events have shown so far.
#[derive(Debug, Default)]
struct Seen {
    /// One of them was a chat completion's.
    completion: bool,
    /// One of them was something else.
    other: bool,
    calls: Calls,
}

/// The tool calls seen so far. Most servers number them; a piece without a number begins a further
/// call if it has a name.
#[derive(Debug, Default)]
struct Calls {
    numbered: u64,
    further: u64,
}

impl OpenAiDecoder {
    pub(super) fn new() -> Self {
        Self { events: EventStream::new(EndMark::Done), seen: Seen::default() }
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: Offset,
        reply: &mut Reply,
    ) -> Result<(), Breach> {
        let Self { events, seen } = self;
        events.feed(bytes, at, reply, |data, reply| event(seen, reply, data))
    }

    pub(super) fn end(&mut self, at: Offset, reply: &mut Reply) -> Result<(), Breach> {
        let Self { events, seen } = self;
        let ended = events.end(at, reply, |data, reply| event(seen, reply, data));
        if seen.other && !seen.completion {
            let message = "no event of the stream is a chat completion: is this another protocol?";
            return match ended {
                Err(breach) if breach.failure == Failure::Agent => Err(breach),
                _ => Err(Breach::new(Failure::Protocol, message)),
            };
        }
        ended
    }
}

fn event(seen: &mut Seen, reply: &mut Reply, data: Data<'_>) -> Result<(), Breach> {
    if data.text.trim_ascii().is_empty() {
        return Ok(());
    }
    if let Some(message) = data.text.strip_prefix("[ERROR]") {
        return Err(Breach::new(Failure::Agent, ErrorBody::said(message).0));
    }
    let event: CompletionEvent<'_> = match serde_json::from_str(data.text) {
        Ok(event) => event,
        // The missing end mark will say it.
        Err(error) if data.unfinished && error.is_eof() => return Ok(()),
        Err(error) => {
            return Err(Breach::new(
                Failure::Protocol,
                format!(
                    "an event of the stream is no chat completion (line {}, column {} of its data)",
                    error.line(),
                    error.column()
                ),
            ));
        }
    };
    if let Some(error) = event.error {
        return Err(Breach::new(Failure::Agent, ErrorBody::read(error.get().as_bytes()).0));
    }
    if let Some(usage) = event.usage {
        reply.count_tokens(usage.into());
    }
    match &event.choices {
        Some(_) => seen.completion = true,
        None => seen.other = true,
    }
    let choice = event.choices.and_then(|choices| choices.0);
    let Some(delta) = choice.and_then(|choice| choice.delta) else { return Ok(()) };
    if [&delta.reasoning_content, &delta.reasoning].iter().any(|one| !one.0.is_empty()) {
        reply.reasoning(data.at);
    }
    // A refusal is what the model says to the user in place of an answer.
    for text in [&delta.content, &delta.refusal] {
        reply.chunk(data.at, &text.0);
    }
    if delta.tool_calls.pieces > 0 || delta.function_call.is_some() {
        let calls = &mut seen.calls;
        calls.numbered = calls.numbered.max(delta.tool_calls.numbered);
        calls.further += delta.tool_calls.further;
        let old_style = u64::from(delta.function_call.is_some());
        reply.tool_call(data.at, (calls.numbered + calls.further).max(old_style));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Dialect, Message};
    use crate::sample::Tokens;

    fn decode(reads: &[&str]) -> (Reply, Result<(), Failure>) {
        let mut reply = Reply::default();
        reply.clear(true, true);
        let mut decoder = Dialect::OpenAi.decoder();
        let mut end = Ok(());
        for (i, read) in reads.iter().enumerate() {
            let at = Offset::from_nanos(i as u64 + 1);
            end = end.and_then(|()| decoder.feed(read.as_bytes(), at, &mut reply));
        }
        let at = Offset::from_nanos(reads.len() as u64 + 1);
        let end = end.and_then(|()| decoder.end(at, &mut reply));
        (reply, end.map_err(|breach| breach.failure))
    }

    fn delta(delta: &str) -> String {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n")
    }

    const DONE: &str = "data: [DONE]\n\n";

    #[test]
    fn reasoning_comes_before_the_answer_and_is_not_part_of_it() {
        let reads = [
            &delta(r#"{"role":"assistant","content":""}"#),
            &delta(r#"{"reasoning_content":"hm"}"#),
            &delta(r#"{"reasoning":"so","content":null}"#),
            &delta(r#"{"content":"\"é\" \ud83d\ude00"}"#),
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":7,\
             \"completion_tokens_details\":{\"reasoning_tokens\":4}}}\n\n",
            DONE,
        ];
        let (reply, end) = decode(&reads.map(|read| read));
        assert_eq!((reply.text(), reply.chunks(), end), ("\"é\" 😀", 1, Ok(())));
        assert_eq!(reply.first_reasoning(), Some(Offset::from_nanos(2)));
        assert_eq!(reply.first_chunk(), Some(Offset::from_nanos(4)));
        let tokens = Tokens { input: Some(3), output: Some(7), reasoning: Some(4) };
        assert_eq!(reply.tokens(), tokens);
    }

    #[test]
    fn a_reply_of_nothing_but_tool_calls_is_a_reply() {
        let reads = [
            &delta(
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}"#,
            ),
            &delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#),
            &delta(
                r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":""}}]}"#,
            ),
            DONE,
        ];
        let (reply, end) = decode(&reads.map(|read| read));
        assert_eq!((reply.tool_calls(), reply.chunks(), end), (2, 0, Ok(())));
        assert_eq!(reply.last_sign(), Some(Offset::from_nanos(3)));
        let unnumbered =
            delta(r#"{"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}"#);
        assert_eq!(decode(&[&unnumbered, DONE]).0.tool_calls(), 2);
        let old = delta(r#"{"function_call":{"name":"f","arguments":""}}"#);
        assert_eq!(decode(&[&old, DONE]).0.tool_calls(), 1);
    }

    #[test]
    fn what_is_not_an_answer_is_told_apart() {
        let text = delta(r#"{"content":"a"}"#);
        for (reads, failure) in [
            (&[""][..], Failure::Empty),
            (&[DONE], Failure::Empty),
            (&[": keep-alive\n\n", DONE], Failure::Empty),
            (&[&text], Failure::Truncated),
            (&[&text, "data: [DO"], Failure::Truncated),
            (&[&text, "data: {\"choices\":[{\"del"], Failure::Truncated),
            (&[&text, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"], Failure::Agent),
            (&[&text, "event: error\ndata: overloaded\n\n"], Failure::Agent),
            (&[&text, "data: [ERROR] overloaded\n\n"], Failure::Agent),
            (&["{\"error\": ", "{\"message\": \"no\"}}"], Failure::Agent),
            (&["{\"choices\": [], \"error\": null}"], Failure::Protocol),
            (&["Hello there"], Failure::Protocol),
            (&["data: hello\n\n", DONE], Failure::Protocol),
            (&["event: message_start\ndata: {\"type\":\"message_start\"}\n\n"], Failure::Protocol),
            (&["data: {\"choices\":[{\"del\n\n", DONE], Failure::Protocol),
        ] {
            assert_eq!(decode(reads).1, Err(failure), "{reads:?}");
        }
    }

    #[test]
    fn what_other_servers_add_or_leave_out_does_no_harm() {
        for event in [
            "data: {\"choices\":null}\n\n",
            "data: {\"error\":null,\"choices\":[{\"delta\":null}],\"usage\":null,\"x\":[1,{}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":null}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"reasoning\":{\"a\":1},\"tool_calls\":[]}}]}\n\n",
            "data: {}\n\ndata:\n\nid: 3\n\n: ping\n\n",
        ] {
            let text = delta(r#"{"content":"a"}"#);
            let (reply, end) = decode(&[event, &text, DONE, "data: after the end\n\n"]);
            assert_eq!((reply.text(), end), ("a", Ok(())), "{event}");
            assert_eq!((reply.tool_calls(), reply.first_reasoning()), (0, None), "{event}");
        }
        let parts = delta(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#);
        assert_eq!(decode(&[&parts, DONE]).0.text(), "ab");
    }

    #[test]
    fn the_request_carries_the_conversation() {
        let history = [
            Message { role: Role::User, text: "hi".into() },
            Message { role: Role::Assistant, text: "hello".into() },
        ];
        let asking = Asking {
            user_id: "u",
            agent_id: "model-1",
            session_id: "s",
            message: "how?",
            history: &history,
        };
        let mut out = Vec::new();
        Dialect::OpenAi.body(&asking, &mut out).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({
            "model": "model-1",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "hello"},
                {"role": "user", "content": "how?"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(body, expected);
    }
}
