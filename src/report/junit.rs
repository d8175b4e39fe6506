//! What runs are held to, as a JUnit test report: what Jenkins, GitLab and the others show as
//! tests.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::gates::{Gate, GateKind};
use super::table::one_line;

/// A run, as a suite of tests.
#[derive(Debug, Clone)]
pub struct Suite<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The run's id.
    pub id: &'a str,
    /// How long it took, in seconds.
    pub duration_s: f64,
    /// What it is held to: a test each.
    pub gates: &'a [Gate],
}

/// The document. A run that did not come to its end, or in which the tool did not keep up, is an
/// error of the test; everything else that does not hold is a failure.
pub fn junit<'a>(name: &str, suites: impl IntoIterator<Item = Suite<'a>>) -> String {
    let mut report = Report::new(one_line(name));
    for suite in suites {
        let mut tests = TestSuite::new(one_line(suite.name));
        tests.add_property(("run", one_line(suite.id).as_str()));
        tests.set_time(seconds(suite.duration_s));
        for gate in suite.gates {
            tests.add_test_case(case(suite.name, gate));
        }
        report.add_test_suite(tests);
    }
    let mut text = report.to_string().unwrap_or_default();
    // The schema that Jenkins checks against (xunit-plugin, junit-10.xsd) has no `skipped` here.
    if let Some(end) = text.find("<testsuites ").and_then(|at| Some(at + text[at..].find('>')?)) {
        let head = text[..end].replace(" skipped=\"0\"", "");
        text.replace_range(..end, &head);
    }
    text
}

fn case(suite: &str, gate: &Gate) -> TestCase {
    let status = match (gate.held, gate.kind) {
        (true, _) => TestCaseStatus::success(),
        (false, kind) => {
            let kind = match kind {
                GateKind::End | GateKind::Validity => NonSuccessKind::Error,
                _ => NonSuccessKind::Failure,
            };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(one_line(&gate.seen));
            status.set_type(gate.kind.name());
            status.set_description(format!("{}: {}", gate.name, gate.seen));
            status
        }
    };
    let mut case = TestCase::new(one_line(&gate.name), status);
    // Viewers group tests by what stands before the last dot.
    case.set_classname(format!("{}.{}", one_line(suite).replace('.', "_"), gate.kind.name()));
    case.set_time(Duration::ZERO);
    if gate.held {
        case.set_system_out(one_line(&gate.seen));
    }
    case
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
