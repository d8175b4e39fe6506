//! What a plan says of a load: how sessions begin, how many there are, how long it goes on.

use std::time::Duration;

use super::details;
use super::preview::{Preview, Size};
use crate::scenario::{Load, OnOverload, Pace, Scenario, Until};
use crate::units::{Span, counted};

/// Lines of a label and what there is to say.
pub(super) fn lines(scenario: &Scenario, preview: &Preview) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let sessions = |count: u32| counted(count.into(), "session", "sessions");
    let say = match &scenario.load {
        Load::Once { concurrency } => {
            format!("everything once, {} open at once", sessions(*concurrency))
        }
        Load::Closed { until: until @ Until::Stages(_), .. } => {
            format!("closed: sessions open at once go {until}")
        }
        Load::Closed { users, until: until @ Until::Duration(_) } => {
            format!("closed: {} open at once, {until}", sessions(*users))
        }
        Load::Closed { users, until: Until::Iterations(_) } => {
            format!("closed: {} open at once", sessions(*users))
        }
        Load::Open { rate: Pace::Steady(rate), arrivals, duration, .. } => format!(
            "open: sessions arrive at {rate} ({arrivals}) for {}, whatever the agent does",
            Span(*duration)
        ),
        Load::Open { rate, arrivals, .. } => {
            format!("open: sessions arrive at a rate that goes {rate} ({arrivals})")
        }
        Load::Replay { trace, speed, .. } => {
            let from = trace.from.display();
            let speed = match speed.to_string().as_str() {
                "1" => "as fast as there".to_owned(),
                speed => format!("{speed} times as fast"),
            };
            let part = match trace.window {
                None => String::new(),
                Some((from, to)) if to == Duration::MAX => format!(" from {} on", Span(from)),
                Some((from, to)) => format!(" from {} to {}", Span(from), Span(to)),
            };
            format!("replay: sessions arrive as in {from}{part}, {speed}")
        }
    };
    lines.push(("load", say));
    if let Load::Open { .. } | Load::Replay { .. } = scenario.load {
        lines.push((
            "",
            match scenario.load.bound() {
                None => "no bound on the turns on the wire".into(),
                Some((most, OnOverload::Queue)) => {
                    format!("at most {most} turns on the wire; more wait, and the wait counts")
                }
                Some((most, OnOverload::Drop)) => {
                    format!("at most {most} turns on the wire; more are dropped and counted")
                }
            },
        ));
        let due: Vec<String> =
            preview.arrivals.iter().map(|due| format!("{:.3}s", due.as_secs_f64())).collect();
        let more = if preview.size.sessions() == Some(due.len() as u64) { "" } else { ", …" };
        lines.push(("arrivals", format!("{}{more}", due.join(", "))));
    }
    let size = match preview.size {
        Size::Exact { sessions, turns } => sizes(sessions, turns),
        Size::About { sessions, turns } => format!("about {}", sizes(sessions, turns)),
        Size::Unknown => "as many sessions as fit into the time".into(),
    };
    lines.push(("in all", size));
    lines.push(("lasts", details::lasts(scenario)));
    lines
}

fn sizes(sessions: u64, turns: u64) -> String {
    let sessions = counted(sessions, "session", "sessions");
    format!("{sessions}, {}", counted(turns, "turn", "turns"))
}
