//! A comparison as things that hold or do not: for test reports and for CI.

use super::cells::{needs, points, ratio};
use crate::compare::{Comparison, Verdict};
use crate::report::gates::{Gate, GateKind};
use crate::report::junit::{Suite, junit};

/// The error rate and each figure that decides; of runs that could not be compared, that they could
/// not. With `strict`, what cannot be told does not hold either.
pub fn comparison_gates(comparison: &Comparison, strict: bool) -> Vec<Gate> {
    let gate = |name: String, verdict: Verdict, seen: String| Gate {
        kind: GateKind::Comparison,
        name,
        held: match verdict {
            Verdict::Regressed | Verdict::Incomparable | Verdict::Invalid => false,
            Verdict::Inconclusive | Verdict::Differs => !strict,
            Verdict::Improved | Verdict::NoWorse | Verdict::NoDifferenceSeen => true,
        },
        seen: format!("{}: {seen}", verdict.words()),
    };
    let Some(errors) = &comparison.errors else {
        let why = comparison.reasons.join(" ");
        return vec![gate("comparable".into(), comparison.verdict, why)];
    };
    let mut gates = vec![gate("errors".into(), errors.verdict, points(errors))];
    for one in &comparison.primary {
        let Some(verdict) = one.verdict else { continue };
        let mut seen = ratio(one, comparison.noise.is_known());
        if let Some(needed) = one.needs {
            seen = format!("{seen}; {}", needs(needed));
        }
        gates.push(gate(one.figure.to_string(), verdict, seen));
    }
    gates
}

/// The same as a JUnit test report.
pub fn comparison_junit(comparison: &Comparison, strict: bool) -> String {
    let gates = comparison_gates(comparison, strict);
    let id = comparison.new.first().map_or("", |run| run.id.as_str());
    let suite = Suite { name: "compare", id, duration_s: 0.0, gates: &gates };
    junit("streamgauge compare", [suite])
}
