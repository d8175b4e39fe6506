//! Passing on what an upstream server says, as it says it.

use std::rc::Rc;

use super::ask::{Api, Asked};
use super::connection::Connection;
use super::dress::{Dress, Escape, Form};
use super::options::Framing;
use super::pending::Pending;
use super::refusal::Refusal;
use super::reply::{Delimited, chunk, document_reply, head as write_head};
use super::request::Head;
use super::truth::End;
use super::upstream::{Reader, Said, Upstream, refusal};
use crate::units::Offset;

/// A request that an upstream server is to answer.
pub(super) struct Relay<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) api: Api,
    pub(super) asked: &'a Asked,
    pub(super) head: &'a Head,
    pub(super) origin: Offset,
}

/// What is known of the reply while it passes through.
#[derive(Default)]
struct Passed {
    text: String,
    reasoning: String,
    chunks: usize,
    failed: Option<String>,
    done: bool,
}

impl Relay<'_> {
    /// Asks the upstream server and passes its reply on; `true` if the connection can take another
    /// request.
    pub(super) async fn run(
        &self,
        connection: &mut Connection,
        pending: &mut Pending,
    ) -> Result<bool, Refusal> {
        let worker = Rc::clone(&connection.worker);
        let before = pending.said_before(self.asked);
        let client = worker.client().ok_or_else(|| Refusal::with_status(500))?;
        let mut request = client
            .post(&self.upstream.url)
            .header("content-type", "application/json")
            .body(self.upstream.request(self.asked, &before));
        if let Some(key) = &self.upstream.key {
            request = request.bearer_auth(key.expose());
        }
        let mut sent = std::pin::pin!(request.send());
        let response = loop {
            tokio::select! {
                biased;
                response = &mut sent => break response,
                there = connection.client_is_there() => if !there {
                    pending.end(End::ClientGone);
                    return Ok(false);
                },
            }
        };
        let mut response = match response {
            Ok(response) if response.status().is_success() => response,
            Ok(response) => return Err(refusal(response.status().as_u16())),
            Err(error) => {
                return Err(Refusal::with_status(if error.is_timeout() { 504 } else { 502 }));
            }
        };
        let dress = self.dress(pending, worker.shared.wall(self.origin).as_secs(), connection);
        let mut passed = Passed::default();
        if !dress.is_document() && !self.begin(connection, pending, &dress).await {
            pending.end(End::ClientGone);
            return Ok(false);
        }
        let mut reader = Reader::default();
        while passed.failed.is_none() && !passed.done {
            let bytes = tokio::select! {
                biased;
                bytes = response.chunk() => bytes,
                there = connection.client_is_there() => {
                    if there { continue }
                    pending.end(End::ClientGone);
                    pending.answered(passed.text);
                    return Ok(false);
                }
            };
            let said = match bytes {
                Ok(Some(bytes)) => reader.feed(&bytes),
                Ok(None) => {
                    let mut said = reader.end();
                    said.push(Said::Done);
                    said
                }
                Err(_) => vec![Said::Error("the upstream server broke off".into())],
            };
            for one in said {
                if !self.pass(one, connection, pending, &dress, &mut passed).await {
                    pending.end(End::ClientGone);
                    pending.answered(passed.text);
                    return Ok(false);
                }
            }
        }
        self.finish(connection, pending, &dress, passed).await
    }

    fn dress<'a>(
        &'a self,
        pending: &mut Pending,
        created: u64,
        connection: &Connection,
    ) -> Dress<'a> {
        let framing = connection.worker.shared.options.behaviour.framing;
        let form = match (self.api, framing) {
            (Api::V3Stream, _) | (Api::V2Stream, Framing::Sse) => Form::Events,
            (Api::V2Stream, Framing::Raw) => Form::Raw,
            (Api::Completions, _) if self.asked.stream => Form::CompletionEvents,
            (Api::Completions, _) => Form::Completion,
            (Api::Chat | Api::V2Stream, _) => Form::Document,
        };
        Dress {
            form,
            model: &self.asked.agent_id,
            seq: pending.record().seq,
            created,
            include_usage: self.asked.include_usage,
            prompt_tokens: self.asked.message.split_whitespace().count(),
            crlf: false,
            no_done: false,
        }
    }

    fn delimited(&self) -> Delimited {
        if self.head.http10 { Delimited::Close } else { Delimited::Chunked }
    }

    /// The head goes out when the upstream server's has come.
    async fn begin(
        &self,
        connection: &mut Connection,
        pending: &mut Pending,
        dress: &Dress<'_>,
    ) -> bool {
        let now = connection.worker.now();
        let date = connection.worker.date(now);
        let mut out = Vec::with_capacity(256);
        let keep_alive = self.head.keep_alive;
        write_head(&mut out, 200, dress.content_type(), self.delimited(), keep_alive, &date);
        out.extend_from_slice(b"\r\n");
        let mut opening = Vec::new();
        dress.opening(&mut opening);
        self.frame(&mut out, &opening);
        let record = pending.record();
        record.status = 200;
        record.head = Some(now);
        connection.count(record, opening.len(), 0, now);
        connection.send(&out).await.is_ok()
    }

    async fn pass(
        &self,
        said: Said,
        connection: &mut Connection,
        pending: &mut Pending,
        dress: &Dress<'_>,
        passed: &mut Passed,
    ) -> bool {
        let (text, reasoning) = match said {
            Said::Done => {
                passed.done = true;
                return true;
            }
            Said::Error(error) => {
                passed.failed = Some(error);
                return true;
            }
            Said::Text(text) => {
                passed.text.push_str(&text);
                (text, false)
            }
            Said::Reasoning(text) => {
                passed.reasoning.push_str(&text);
                // Where thoughts have no place of their own they are left out.
                if dress.form != Form::CompletionEvents {
                    return true;
                }
                (text, true)
            }
        };
        passed.chunks += 1;
        if dress.is_document() {
            return true;
        }
        let mut payload = Vec::new();
        dress.chunk(&mut payload, text.as_bytes(), reasoning, Escape::Whole);
        self.write(connection, pending, &payload, 1).await
    }

    async fn finish(
        &self,
        connection: &mut Connection,
        pending: &mut Pending,
        dress: &Dress<'_>,
        passed: Passed,
    ) -> Result<bool, Refusal> {
        if dress.is_document() {
            if passed.failed.is_some() {
                return Err(Refusal::with_status(502));
            }
            let body =
                dress.document(passed.text.as_bytes(), passed.reasoning.as_bytes(), passed.chunks);
            let now = connection.worker.now();
            let date = connection.worker.date(now);
            let kind = dress.content_type();
            let mut reply = document_reply(200, kind, &body, self.head.keep_alive, &date, "");
            reply.parts.iter_mut().for_each(|part| part.chunks = 1);
            let keep = connection.play(&reply, pending, now).await;
            pending.answered(passed.text);
            return Ok(keep);
        }
        let mut payload = Vec::new();
        match &passed.failed {
            Some(error) => dress.error(&mut payload, error),
            None => dress.closing(&mut payload, passed.chunks),
        }
        let mut there = self.write(connection, pending, &payload, 0).await;
        let chunked = self.delimited() == Delimited::Chunked;
        if there && chunked {
            there = connection.send(b"0\r\n\r\n").await.is_ok();
        }
        pending.answered(passed.text);
        pending.end(if there { End::Complete } else { End::ClientGone });
        Ok(there && chunked && self.head.keep_alive)
    }

    async fn write(
        &self,
        connection: &mut Connection,
        pending: &mut Pending,
        payload: &[u8],
        chunks: u32,
    ) -> bool {
        let mut out = Vec::with_capacity(payload.len() + 16);
        self.frame(&mut out, payload);
        let now = connection.worker.now();
        let written = out.is_empty() || connection.send(&out).await.is_ok();
        if written {
            connection.count(pending.record(), payload.len(), chunks, now);
        }
        written
    }

    /// An empty chunk would end the body: nothing is written for nothing.
    fn frame(&self, out: &mut Vec<u8>, payload: &[u8]) {
        if payload.is_empty() {
        } else if self.delimited() == Delimited::Chunked {
            chunk(out, payload, 0);
        } else {
            out.extend_from_slice(payload);
        }
    }
}
