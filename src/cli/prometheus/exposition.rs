//! A standing as Prometheus reads it: text format 0.0.4, base units, and no label that grows with
//! users or sessions.

use std::fmt::{Display, Write};

use crate::sink::live::{Buckets, Standing};

/// What is served under `/metrics`.
pub(super) fn exposition(standing: &Standing) -> String {
    let mut page = Page(String::new());
    let version = env!("CARGO_PKG_VERSION");
    page.family("streamgauge_run_info", "gauge", "Which run this is.");
    let labels = [("run", &*standing.run), ("scenario", &standing.name), ("version", version)];
    page.sample("streamgauge_run_info", &labels, 1);
    page.family(
        "streamgauge_run_start_time_seconds",
        "gauge",
        "When the run began, seconds since the Unix epoch.",
    );
    page.sample(
        "streamgauge_run_start_time_seconds",
        &[],
        format_args!("{:.3}", standing.origin_s),
    );
    page.family("streamgauge_run_elapsed_seconds", "gauge", "How long the run has been going on.");
    page.sample("streamgauge_run_elapsed_seconds", &[], format_args!("{:.3}", standing.elapsed_s));
    if let Some(planned) = standing.planned {
        page.family("streamgauge_turns_planned", "gauge", "Turns there will be.");
        page.sample("streamgauge_turns_planned", &[], planned);
    }
    page.family("streamgauge_attempts_started_total", "counter", "Requests sent.");
    page.sample("streamgauge_attempts_started_total", &[], standing.started);
    page.family("streamgauge_in_flight", "gauge", "Requests on the wire.");
    page.sample("streamgauge_in_flight", &[], standing.in_flight);
    page.family(
        "streamgauge_turns_total",
        "counter",
        "Turns that ended, by how their last attempt ended.",
    );
    for (outcome, count) in standing.counts {
        page.sample("streamgauge_turns_total", &[("outcome", outcome)], count);
    }
    page.family(
        "streamgauge_errors_total",
        "counter",
        "Turns without an answer, by what went wrong.",
    );
    for one in &standing.errors {
        let status = one.status.map_or(String::new(), |status| status.to_string());
        let (outcome, error) = (one.outcome.word(), one.outcome.error());
        let labels = [("outcome", outcome), ("error", error), ("status", &*status)];
        page.sample("streamgauge_errors_total", &labels, one.count);
    }
    for (name, help, count) in [
        ("streamgauge_retries_total", "Attempts that another followed.", standing.retried),
        ("streamgauge_chunks_total", "Chunks of replies that ended.", standing.chunks),
        (
            "streamgauge_received_bytes_total",
            "Bytes of body of replies that ended.",
            standing.bytes,
        ),
    ] {
        page.family(name, "counter", help);
        page.sample(name, &[], count);
    }
    for (name, help, buckets) in [
        (
            "streamgauge_time_to_first_chunk_seconds",
            "Of completed turns: from when the turn was due until its first chunk.",
            &standing.ttfc,
        ),
        (
            "streamgauge_time_to_first_chunk_service_seconds",
            "Of completed turns: from when the request was sent until its first chunk.",
            &standing.ttfc_service,
        ),
        (
            "streamgauge_turn_duration_seconds",
            "Of completed turns: from when the turn was due until its reply ended.",
            &standing.total,
        ),
        (
            "streamgauge_lateness_seconds",
            "Of all attempts: how late the tester itself was.",
            &standing.lateness,
        ),
    ] {
        page.histogram(name, help, buckets);
    }
    if !standing.thresholds.is_empty() {
        let name = "streamgauge_threshold_holds";
        page.family(name, "gauge", "Whether a threshold holds so far; absent without data.");
        for one in &standing.thresholds {
            let Some(holds) = one.holds else { continue };
            let threshold = &one.threshold;
            let labels = [
                ("metric", threshold.metric.as_str()),
                ("expression", threshold.expression.as_str()),
            ];
            page.sample(name, &labels, u8::from(holds));
        }
    }
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        self.0.push_str(if labels.is_empty() { " " } else { "} " });
        let _ = writeln!(self.0, "{value}");
    }

    fn histogram(&mut self, name: &str, help: &str, buckets: &Buckets) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in buckets.cumulative() {
            self.sample(&bucket, &[("le", &bound.to_string())], count);
        }
        self.sample(&bucket, &[("le", "+Inf")], buckets.count);
        let sum = buckets.sum_micros as f64 / 1e6;
        self.sample(&format!("{name}_sum"), &[], sum);
        self.sample(&format!("{name}_count"), &[], buckets.count);
    }
}

/// Text of others inside a label's quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_histograms_end_with_all() {
        let mut page = Page(String::new());
        page.sample("a", &[("x", "q\"\\\n"), ("y", "z")], 3);
        assert_eq!(page.0, "a{x=\"q\\\"\\\\\\n\",y=\"z\"} 3\n");
        let mut page = Page(String::new());
        page.histogram("h_seconds", "Help.", &Buckets::default());
        assert!(page.0.contains("h_seconds_bucket{le=\"0.0025\"} 0\n"), "{}", page.0);
        assert!(page.0.ends_with("le=\"+Inf\"} 0\nh_seconds_sum 0\nh_seconds_count 0\n"));
    }
}
