//! Heads: the one that is sent, rendered once; and those that come, read with `httparse`.

use std::fmt;
use std::io::Write;
use std::mem::MaybeUninit;

use super::chunked::ChunkedDecoder;
use super::framing::Framing;
use crate::client::HttpSetupError;
use crate::protocol::Endpoint;

/// Most bytes of a response head, interim ones not counted.
pub(super) const HEAD_LIMIT: usize = 64 << 10;
/// Most header lines of a response.
const LINES: usize = 128;

/// A request head, complete but for the length of the body.
#[derive(Clone)]
pub(super) struct RequestHead(Vec<u8>);

impl fmt::Debug for RequestHead {
    /// Without its content: the key stands in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestHead").finish_non_exhaustive()
    }
}

impl RequestHead {
    /// Renders the head that every request to `endpoint` has.
    pub(super) fn new(endpoint: &Endpoint, url: &url::Url) -> Result<Self, HttpSetupError> {
        let mut head = Vec::with_capacity(512);
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        head.extend_from_slice(b"POST ");
        head.extend_from_slice(path.as_bytes());
        head.extend_from_slice(b" HTTP/1.1\r\n");
        let mut names_host = false;
        let mut lines = Vec::new();
        let plain = endpoint.headers.iter().map(|(name, value)| (name, value.as_str()));
        let key = endpoint.key.iter().map(|(name, key)| (name, key.expose()));
        for (name, value) in plain.chain(key) {
            // Checked by the library that knows what HTTP allows.
            reqwest::header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| HttpSetupError::Header(name.clone()))?;
            reqwest::header::HeaderValue::from_str(value)
                .map_err(|_| HttpSetupError::Header(name.clone()))?;
            names_host |= name.eq_ignore_ascii_case("host");
            if name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
            {
                // How long the body is is not for a scenario to say.
                continue;
            }
            lines.extend_from_slice(name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        if !names_host {
            head.extend_from_slice(b"host: ");
            head.extend_from_slice(host.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(&lines);
        head.extend_from_slice(b"content-length: ");
        Ok(Self(head))
    }

    /// Appends a whole request.
    pub(super) fn request(&self, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
        // Writing to memory cannot fail.
        let _ = write!(out, "{}\r\n\r\n", body.len());
        out.extend_from_slice(body);
    }
}

/// What a response head says of what follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// The connection may be used again after the body.
    pub(super) keep_alive: bool,
    /// Its length in bytes.
    pub(super) length: usize,
}

/// What bytes hold of a response head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A final head.
    Head(ResponseHead),
    /// An interim one (1xx), so long; the final one follows.
    Interim(usize),
    /// It is not all there.
    Partial,
}

/// Reads a response head to a `POST` from the start of `bytes`.
///
/// # Errors
/// A sentence on what is not HTTP/1.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    // Not written over before it is used: four kilobytes for each of a hundred thousand heads a second.
    let mut lines = [const { MaybeUninit::uninit() }; LINES];
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let length = match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut lines) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_LIMIT => return Ok(Parsed::Partial),
        Ok(httparse::Status::Partial) => {
            return Err(format!("the response head is longer than {} KiB", HEAD_LIMIT >> 10));
        }
        Err(httparse::Error::TooManyHeaders) => {
            return Err(format!("the response head has more than {LINES} lines"));
        }
        Err(error) => return Err(format!("the response is not HTTP/1.1: {error}")),
    };
    let status = response.code.unwrap_or(0);
    match status {
        101 => return Err("the server changes to a protocol that nobody asked for".to_owned()),
        100..200 => return Ok(Parsed::Interim(length)),
        _ => {}
    }
    let mut seen = Seen::default();
    for line in response.headers.iter() {
        seen.note(line.name, line.value)?;
    }
    let framing = match (status, &seen) {
        (204 | 304, _) => Framing::Empty,
        (_, Seen { chunked: true, .. }) => Framing::Chunked(ChunkedDecoder::new()),
        (_, Seen { coded: true, .. }) => {
            return Err("the response has a transfer coding that nobody asked for".to_owned());
        }
        (_, Seen { length: Some(0), .. }) => Framing::Empty,
        (_, Seen { length: Some(length), .. }) => Framing::Length(*length),
        _ => Framing::UntilClose,
    };
    // Two lengths are the beginning of two opinions on where the next response starts.
    let doubtful = seen.chunked && seen.length.is_some();
    let lasting = response.version == Some(1) || seen.keep_alive;
    let keep_alive = lasting && !seen.close && framing != Framing::UntilClose && !doubtful;
    Ok(Parsed::Head(ResponseHead { status, framing, keep_alive, length }))
}

/// What the header lines have said so far.
#[derive(Default)]
struct Seen {
    keep_alive: bool,
    close: bool,
    chunked: bool,
    coded: bool,
    length: Option<u64>,
}

impl Seen {
    fn note(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        if name.eq_ignore_ascii_case("content-length") {
            for part in value.split(|&byte| byte == b',') {
                let length = number(part.trim_ascii()).ok_or_else(|| {
                    "the response has a content-length that is no number".to_owned()
                })?;
                if self.length.is_some_and(|known| known != length) {
                    return Err("the response has two lengths that differ".to_owned());
                }
                self.length = Some(length);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            for coding in words(value) {
                self.coded = true;
                // It counts only where it is the last.
                self.chunked = coding.eq_ignore_ascii_case(b"chunked");
            }
        } else if name.eq_ignore_ascii_case("connection") {
            for word in words(value) {
                self.close |= word.eq_ignore_ascii_case(b"close");
                self.keep_alive |= word.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

fn number(digits: &[u8]) -> Option<u64> {
    // `parse` alone would take a sign.
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A header of a head that has been read.
pub(super) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = [httparse::EMPTY_HEADER; LINES];
    let mut response = httparse::Response::new(&mut lines);
    response.parse(head).ok()?;
    let found = response.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Parsed, String> {
        parse(text.as_bytes())
    }

    #[test]
    fn what_follows_a_head_is_as_its_lines_say() {
        let chunked = Framing::Chunked(ChunkedDecoder::new());
        for (lines, framing, keep_alive) in [
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n", chunked.clone(), true),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nconnection: close\r\n",
                chunked.clone(),
                false,
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n", Framing::Length(12), true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 12, 12\r\n", Framing::Length(12), true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", Framing::Empty, true),
            ("HTTP/1.1 204 No Content\r\n", Framing::Empty, true),
            ("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n", Framing::Empty, true),
            ("HTTP/1.1 200 OK\r\n", Framing::UntilClose, false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n", Framing::Length(1), false),
            (
                "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n",
                Framing::Length(1),
                true,
            ),
            // Both: chunked counts, and nobody else will be asked over it.
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n",
                chunked,
                false,
            ),
        ] {
            let text = format!("{lines}\r\n");
            let Ok(Parsed::Head(head)) = head(&text) else { panic!("{lines}") };
            assert_eq!(
                (head.framing, head.keep_alive, head.length),
                (framing, keep_alive, text.len())
            );
            for cut in 0..text.len() {
                assert_eq!(parse(&text.as_bytes()[..cut]), Ok(Parsed::Partial), "{lines} {cut}");
            }
        }
        assert_eq!(head("HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP"), Ok(Parsed::Interim(31)));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for (text, why) in [
            ("SSH-2.0-OpenSSH_9\r\n", "not HTTP/1.1"),
            ("HTTP/2 200\r\n\r\n", "not HTTP/1.1"),
            ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "no number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n", "no number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "differ"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n", "nobody asked for"),
            ("HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", "nobody asked for"),
        ] {
            let error = head(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_LIMIT));
        assert!(head(&long).unwrap_err().contains("64 KiB"));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(LINES + 1));
        assert!(head(&many).unwrap_err().contains("128 lines"));
    }

    #[test]
    fn a_header_is_found_whatever_its_case() {
        let head = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n";
        assert_eq!(header(head, "retry-after"), Some("7"));
        assert_eq!(header(head, "date"), None);
    }
}
