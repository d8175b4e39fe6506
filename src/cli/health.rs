//! What a run saw of itself, as it stands in `run.json`: of runs and batches alike.

use std::time::Duration;

use serde::Serialize;

use crate::client::wire::ConnectionCounts;
use crate::measure::Totals;
use crate::metric::Metric;
use crate::summary::Observed;

/// `health` of `run.json`.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// The longest that a worker's word waited for the collector.
    collector_lag_ms: f64,
    /// Processor time of the process, the embedded agent's included.
    cpu_s: f64,
    lateness_p50_ms: Option<f64>,
    lateness_p99_ms: Option<f64>,
    lateness_max_ms: Option<f64>,
    /// How long bytes lay in the kernel before we had them, read by read; null where it does not tell.
    client_lag_p50_ms: Option<f64>,
    client_lag_p99_ms: Option<f64>,
    client_lag_max_ms: Option<f64>,
    /// Connections opened; of those kept, how many had ended before they were used again, and how many
    /// turned out to have when a request was to be written. Only of the wire transport.
    connections_opened: Option<u64>,
    connections_replaced_idle: Option<u64>,
    connections_replaced_unsent: Option<u64>,
    #[serde(flatten)]
    observed: Option<Observed>,
}

impl Health {
    /// Of a run with these `totals`, whose collector was behind by at most `lag` and which used `cpu`
    /// of processor time.
    pub(super) fn of(
        totals: &Totals,
        lag: Duration,
        cpu: Duration,
        connections: Option<ConnectionCounts>,
        observed: Option<Observed>,
    ) -> Self {
        let of = |metric| totals.all().distribution(metric);
        let percentile = |metric, percent| {
            of(metric).and_then(|all| Some(all.percentile(percent)? as f64 / 1e3))
        };
        let longest = |metric| of(metric).and_then(|all| Some(all.max()? as f64 / 1e3));
        Self {
            collector_lag_ms: (lag.as_secs_f64() * 1e6).round() / 1e3,
            cpu_s: cpu.as_secs_f64(),
            lateness_p50_ms: percentile(Metric::Lateness, 50.0),
            lateness_p99_ms: percentile(Metric::Lateness, 99.0),
            lateness_max_ms: longest(Metric::Lateness),
            client_lag_p50_ms: percentile(Metric::ClientLag, 50.0),
            client_lag_p99_ms: percentile(Metric::ClientLag, 99.0),
            client_lag_max_ms: longest(Metric::ClientLag),
            connections_opened: connections.map(|all| all.opened),
            connections_replaced_idle: connections.map(|all| all.replaced_idle),
            connections_replaced_unsent: connections.map(|all| all.replaced_unsent),
            observed,
        }
    }
}
