//! Reading one HTTP/1.1 request out of a buffer. No sockets here: bytes in, request out.

use super::refusal::Refusal;

/// A request's head, as far as the agent cares for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    /// From `x-api-key`, or from `authorization: Bearer`.
    pub(super) key: Option<String>,
    pub(super) wants_csv: bool,
    pub(super) keep_alive: bool,
    /// HTTP/1.0 knows no chunked framing.
    pub(super) http10: bool,
    pub(super) expects_continue: bool,
    pub(super) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Other(String),
}

impl Method {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Other(name) => name,
        }
    }
}

/// How long the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Length(usize),
    Chunked,
}

/// More header lines than this no client sends.
const MOST_HEADERS: usize = 100;

/// Reads a head from the start of `input`: it and its length, or `None` if more is needed.
pub(super) fn head(input: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::head_too_large()),
        Err(error) => return Err(Refusal::bad_request(&format!("not an HTTP request: {error}"))),
    };
    let method = match parsed.method.unwrap_or_default() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    let (path, query) = target(parsed.path.unwrap_or_default());
    let http10 = parsed.version == Some(0);
    let mut head = Head {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        key: None,
        wants_csv: false,
        // The reply to a HEAD must have no body; ours has one, and then the connection ends.
        keep_alive: !http10 && parsed.method != Some("HEAD"),
        http10,
        expects_continue: false,
        body: Body::Length(0),
    };
    read_headers(&mut head, parsed.headers)?;
    Ok(Some((head, length)))
}

fn read_headers(head: &mut Head, headers: &[httparse::Header<'_>]) -> Result<(), Refusal> {
    let mut length: Option<usize> = None;
    let mut chunked = false;
    for header in headers {
        let value = header.value.trim_ascii();
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            let number = std::str::from_utf8(value)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Refusal::bad_request("content-length is not a number"))?;
            if length.is_some_and(|length| length != number) {
                return Err(Refusal::bad_request("two content-lengths that differ"));
            }
            length = Some(number);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::bad_request("a transfer-encoding other than chunked"));
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            for word in value.split(|byte| *byte == b',') {
                if word.trim_ascii().eq_ignore_ascii_case(b"close") {
                    head.keep_alive = false;
                } else if word.trim_ascii().eq_ignore_ascii_case(b"keep-alive")
                    && head.http10
                    && head.method != Method::Other("HEAD".into())
                {
                    head.keep_alive = true;
                }
            }
        } else if name.eq_ignore_ascii_case("x-api-key") {
            head.key = Some(String::from_utf8_lossy(value).into_owned());
        } else if name.eq_ignore_ascii_case("authorization") {
            let (scheme, key) = value.split_at(value.len().min(7));
            if scheme.eq_ignore_ascii_case(b"bearer ") && head.key.is_none() {
                head.key = Some(String::from_utf8_lossy(key.trim_ascii()).into_owned());
            }
        } else if name.eq_ignore_ascii_case("accept") {
            head.wants_csv = memchr::memmem::find(value, b"text/csv").is_some();
        } else if name.eq_ignore_ascii_case("expect") {
            head.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        }
    }
    head.body = match (chunked, length) {
        (true, Some(_)) => {
            return Err(Refusal::bad_request("both content-length and transfer-encoding"));
        }
        (true, None) => Body::Chunked,
        (false, length) => Body::Length(length.unwrap_or(0)),
    };
    Ok(())
}

/// Path and query of a request target; a proxy's absolute form loses scheme and host.
fn target(target: &str) -> (&str, &str) {
    let path = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        }
        _ => target,
    };
    path.split_once('?').unwrap_or((path, ""))
}

/// The value of `name` in a query.
pub(super) fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| match pair.split_once('=') {
        Some((key, value)) if key == name => Some(value),
        _ => None,
    })
}

/// Undoes chunked framing as the bytes come.
#[derive(Debug, Default)]
pub(super) struct Unchunker {
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Size,
    Data(usize),
    DataEnd,
    Trailer,
    Done,
}

/// Longer lines than this between chunks are an attack.
const LONGEST_LINE: usize = 1_024;

impl Unchunker {
    /// Takes bytes from the front of `input` (it says how many) and adds the body among them to
    /// `body`. More is needed while [`Unchunker::done`] is false.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        body: &mut Vec<u8>,
        most: usize,
    ) -> Result<usize, Refusal> {
        let bad = || Refusal::bad_request("the chunked framing of the body is broken");
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            match self.state {
                State::Done => return Ok(taken),
                State::Data(left) => {
                    let now = left.min(rest.len());
                    body.extend_from_slice(&rest[..now]);
                    taken += now;
                    if now < left {
                        self.state = State::Data(left - now);
                        return Ok(taken);
                    }
                    self.state = State::DataEnd;
                }
                State::Size | State::DataEnd | State::Trailer => {
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        return if rest.len() > LONGEST_LINE { Err(bad()) } else { Ok(taken) };
                    };
                    let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
                    taken += end + 1;
                    self.state = match self.state {
                        State::DataEnd if line.is_empty() => State::Size,
                        State::DataEnd => return Err(bad()),
                        State::Trailer if line.is_empty() => State::Done,
                        State::Trailer => State::Trailer,
                        _ => match size(line).ok_or_else(bad)? {
                            0 => State::Trailer,
                            size if body.len().saturating_add(size) > most => {
                                return Err(Refusal::body_too_large(most));
                            }
                            size => State::Data(size),
                        },
                    };
                }
            }
        }
    }

    pub(super) fn done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

fn size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let input = b"POST /v2/stream/?a=1 HTTP/1.1\r\nHost: x\r\nX-Api-Key: k \r\n\
                      content-length: 12\r\nExpect: 100-continue\r\n\r\nhello";
        for cut in 0..input.len() - 5 {
            assert_eq!(head(&input[..cut]), Ok(None), "{cut}");
        }
        let (read, length) = head(input).unwrap().unwrap();
        assert_eq!(length, input.len() - 5);
        assert_eq!((read.path.as_str(), query_value(&read.query, "a")), ("/v2/stream/", Some("1")));
        assert_eq!((read.key.as_deref(), read.body), (Some("k"), Body::Length(12)));
        assert!(read.keep_alive && read.expects_continue && !read.http10);
    }

    #[test]
    fn heads_that_could_be_read_in_two_ways_are_refused() {
        for (lines, status) in [
            ("content-length: 5\r\ncontent-length: 6\r\n", 400),
            ("content-length: 5\r\ntransfer-encoding: chunked\r\n", 400),
            ("transfer-encoding: gzip\r\n", 400),
            ("content-length: +5\r\n", 400),
            ("content-length: 99999999999999999999999\r\n", 400),
            ("no colon\r\n", 400),
            (&"a: b\r\n".repeat(200), 431),
        ] {
            let input = format!("POST / HTTP/1.1\r\n{lines}\r\n");
            assert_eq!(head(input.as_bytes()).unwrap_err().status, status, "{lines}");
        }
    }

    #[test]
    fn an_absolute_target_is_its_path() {
        assert_eq!(target("http://h:1/a/b?c=d"), ("/a/b", "c=d"));
        assert_eq!(target("http://h"), ("/", ""));
        assert_eq!(target("/a?u=http://h/"), ("/a", "u=http://h/"));
    }

    proptest! {
        #[test]
        fn a_chunked_body_is_the_same_wherever_its_bytes_are_split(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1usize..50,
        ) {
            let mut framed = Vec::new();
            for piece in &pieces {
                framed.extend_from_slice(format!("{:x};ext=1\r\n", piece.len()).as_bytes());
                framed.extend_from_slice(piece);
                framed.extend_from_slice(b"\r\n");
            }
            framed.extend_from_slice(b"0\r\nx-trailer: y\r\n\r\nNEXT");
            let (mut unchunker, mut body, mut buffer) = (Unchunker::default(), Vec::new(), Vec::new());
            for part in framed.chunks(step) {
                buffer.extend_from_slice(part);
                let taken = unchunker.feed(&buffer, &mut body, 10_000).unwrap();
                buffer.drain(..taken);
            }
            prop_assert!(unchunker.done());
            prop_assert_eq!(body, pieces.concat());
            prop_assert_eq!(buffer, b"NEXT");
        }

        #[test]
        fn garbage_is_refused_or_waited_for_but_never_trips(
            input in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            let _ = head(&input);
            let _ = Unchunker::default().feed(&input, &mut Vec::new(), 100);
        }
    }
}
