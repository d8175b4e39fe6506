//! What a run saw of itself, in the words of a page.

use serde_json::Value;

use super::facts::Facts;
use crate::report::{percent, thousands};
use crate::summary::Observed;

/// From `health` of `run.json`; what the system did not tell is left out.
pub(super) fn of_the_tester(health: &Value) -> Facts {
    let mut facts = Facts::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    let observed: Observed = serde_json::from_value(health.clone()).unwrap_or_default();
    add("turns left late by", three(health, "lateness"));
    add("reads lay in the kernel", three(health, "client_lag"));
    add(
        "threads woke late by",
        observed.hiccups.map(|one| spread([one.p50_ms, one.p99_ms, one.max_ms])),
    );
    add(
        "control turns seemed longer by",
        observed.control.map(|one| {
            format!(
                "ttfc p50 {} ms, p95 {} ms; total p50 {} ms, p95 {} ms; at most {} ms, in {} turns",
                short(one.ttfc_p50_ms),
                short(one.ttfc_p95_ms),
                short(one.total_p50_ms),
                short(one.total_p95_ms),
                short(one.worst_ms),
                thousands(one.turns)
            )
        }),
    );
    add("busiest worker", observed.busiest().map(|(_, one)| busy(one.running, one.waiting)));
    add(
        "processor time",
        observed.process.map(|one| {
            let share = percent(Some(one.share()));
            format!("{} s, {share} of {} processors", short(one.cpu_s), one.cpus)
        }),
    );
    add("held back by a quota", number(health, "throttled_ms").map(milliseconds));
    add("collector lagged by", number(health, "collector_lag_ms").map(milliseconds));
    add(
        "connections opened",
        whole(health, "connections_opened").map(|opened| {
            let again = ["connections_replaced_idle", "connections_replaced_unsent"];
            let again: u64 = again.iter().filter_map(|key| whole(health, key)).sum();
            format!("{}, of them {} in place of closed ones", thousands(opened), thousands(again))
        }),
    );
    let of = |most: u64, all: u64| format!("{} of {}", thousands(most), thousands(all));
    add("descriptors", observed.descriptors.map(|one| of(one.most, one.limit)));
    add("local ports", observed.ports.map(|one| of(one.most, one.limit)));
    add("segments sent again", observed.retransmits.map(|one| of(one.again, one.sent)));
    add("reads for a chunk", observed.reads_per_chunk.map(short));
    facts
}

fn number(health: &Value, key: &str) -> Option<f64> {
    health.get(key).and_then(Value::as_f64)
}

fn whole(health: &Value, key: &str) -> Option<u64> {
    health.get(key).and_then(Value::as_u64)
}

fn three(health: &Value, name: &str) -> Option<String> {
    let of = |what: &str| number(health, &format!("{name}_{what}_ms"));
    Some(spread([of("p50")?, of("p99")?, of("max")?]))
}

fn spread([p50, p99, max]: [f64; 3]) -> String {
    format!("p50 {} ms, p99 {} ms, at most {} ms", short(p50), short(p99), short(max))
}

fn busy(running: f64, waiting: f64) -> String {
    let (running, waiting) = (percent(Some(running)), percent(Some(waiting)));
    format!("ran {running} of the time, waited for a processor {waiting}")
}

fn milliseconds(value: f64) -> String {
    format!("{} ms", short(value))
}

/// Microseconds are all there is to know.
fn short(value: f64) -> String {
    format!("{}", (value * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_seen_is_said_and_what_was_not_is_left_out() {
        let facts = of_the_tester(&json!({
            "lateness_p50_ms": 0.12345, "lateness_p99_ms": 2, "lateness_max_ms": 3.5,
            "collector_lag_ms": 0.4, "connections_opened": 1_200, "connections_replaced_idle": 2,
            "workers": [{ "running": 0.25, "waiting": 0.5, "saturated": 0.0 }],
            "ports": { "most": 3, "limit": 28_232 },
        }));
        let wanted = [
            ("turns left late by", "p50 0.123 ms, p99 2 ms, at most 3.5 ms"),
            ("busiest worker", "ran 25.00 % of the time, waited for a processor 50.00 %"),
            ("collector lagged by", "0.4 ms"),
            ("connections opened", "1,200, of them 2 in place of closed ones"),
            ("local ports", "3 of 28,232"),
        ];
        assert_eq!(facts, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(of_the_tester(&json!({ "collector_lag_ms": 1 })).len(), 1);
    }
}
