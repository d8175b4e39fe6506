//! Replies that refuse: their status, and the body the real service sends with it.

use std::time::Duration;

use serde_json::{Value, json};

use super::fault::RetryAfter;

/// A reply that is not an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// What stands in the body's `detail`.
    pub(super) detail: Value,
    /// When to come again, and in which form that is said.
    pub(super) retry_after: Option<(RetryAfter, Duration)>,
    /// The methods a 405 allows.
    pub(super) allow: Option<&'static str>,
    /// Whether what follows on the connection can still be understood.
    pub(super) closes: bool,
    /// What the truth log calls it, beside the faults.
    pub(super) label: &'static str,
}

impl Refusal {
    fn new(status: u16, detail: impl Into<Value>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
            allow: None,
            closes: false,
            label: "",
        }
    }

    fn closing(status: u16, detail: &str) -> Self {
        Self { closes: true, ..Self::new(status, detail) }
    }

    pub(super) fn bad_request(why: &str) -> Self {
        Self::closing(400, why)
    }

    pub(super) fn head_too_large() -> Self {
        Self::closing(431, "Request header fields too large")
    }

    pub(super) fn body_too_large(most: usize) -> Self {
        Self::closing(413, &format!("Request body larger than {most} bytes"))
    }

    pub(super) fn too_slow() -> Self {
        Self::closing(408, "Request did not arrive in time")
    }

    pub(super) fn too_much_at_once() -> Self {
        Self::closing(503, "Too many bytes of request bodies at once")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(super) fn unknown_agent() -> Self {
        Self::new(404, "Agent not found")
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(405, "Method Not Allowed") }
    }

    pub(super) fn no_key() -> Self {
        Self::new(401, "Missing API key")
    }

    pub(super) fn wrong_key() -> Self {
        Self::new(403, "Invalid API key")
    }

    /// Fields of the body that are missing or of the wrong kind: (place, message, type).
    pub(super) fn unprocessable(problems: &[(Vec<Value>, &str, &str)]) -> Self {
        let detail: Vec<Value> = problems
            .iter()
            .map(|(place, message, kind)| json!({"loc": place, "msg": message, "type": kind}))
            .collect();
        Self::new(422, detail)
    }

    pub(super) fn rate_limited(form: RetryAfter, after: Duration) -> Self {
        Self {
            retry_after: Some((form, after)),
            label: "rate",
            ..Self::new(429, "Rate limit exceeded")
        }
    }

    pub(super) fn full(form: RetryAfter) -> Self {
        Self {
            retry_after: Some((form, Duration::from_secs(1))),
            label: "full",
            ..Self::new(429, "Too many concurrent requests")
        }
    }

    pub(super) fn out_of_credits() -> Self {
        Self { label: "credits", ..Self::new(429, "Insufficient credits") }
    }

    pub(super) fn tool_not_found() -> Self {
        Self::new(401, "Tool not found")
    }

    pub(super) fn retry_after(form: RetryAfter, after: Duration) -> Self {
        Self { retry_after: Some((form, after)), ..Self::new(429, "Rate limit exceeded") }
    }

    /// What the service says with a status.
    pub(super) fn with_status(status: u16) -> Self {
        let detail = match status {
            400 => "Bad Request",
            401 => "Invalid API key",
            403 => "Forbidden",
            404 => "Agent not found",
            422 => return Self::unprocessable(&[missing("message")]),
            429 => "Rate limit exceeded",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "Gateway Timeout",
        };
        Self::new(status, detail)
    }

    /// The body: FastAPI's shape, or OpenAI's.
    pub(super) fn body(&self, openai: bool) -> String {
        if !openai {
            return json!({"detail": self.detail}).to_string();
        }
        let message = match &self.detail {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (kind, code) = match self.status {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            404 => ("invalid_request_error", Some("model_not_found")),
            429 if self.label == "credits" => ("insufficient_quota", Some("insufficient_quota")),
            429 => ("requests", Some("rate_limit_exceeded")),
            500.. => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
            .to_string()
    }
}

/// A field of the body that is not there.
pub(super) fn missing(field: &str) -> (Vec<Value>, &'static str, &'static str) {
    (vec!["body".into(), field.into()], "field required", "value_error.missing")
}

/// The name of a status, for the status line.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}
