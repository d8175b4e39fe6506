//! The plan for people: 80 columns, no colour needed.

use std::io::{self, Write};

use super::planned::Planned;
use super::preview::{Key, Preview, Request};
use super::{details, load};
use crate::plan::Plan;
use crate::scenario::{Failures, Load, Protocol, Scenario, TargetUrl};
use crate::secret::{MASK, is_key_like};
use crate::units::{Offset, Span, counted};

const WIDTH: usize = 80;
/// Lines of a request's body that are shown.
const BODY_LINES: usize = 6;

/// Writes the whole plan.
pub(super) fn write(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    let shared = planned.shared();
    writeln!(out, "{}: what would be done; nothing is sent\n", planned.name)?;
    target(planned, &mut Facts(out))?;
    if planned.listed {
        together(planned, out)?;
    } else if let [(plan, preview)] = planned.plans.as_slice() {
        own(plan, preview, &mut Facts(out))?;
    }
    let mut facts = Facts(out);
    limits(shared, &mut facts)?;
    facts.line("seed", &planned.seed.to_string())?;
    facts.line("fingerprint", &planned.fingerprint)?;
    for (plan, preview) in &planned.plans {
        if planned.listed {
            writeln!(out, "\n── {}", plan.scenario().name)?;
            own(plan, preview, &mut Facts(out))?;
        }
        kinds(plan, out)?;
        if !planned.listed {
            thresholds(shared, out)?;
        }
        for (shown, request) in preview.requests.iter().enumerate() {
            request.write(shown == 0, out)?;
        }
    }
    if planned.listed {
        thresholds(shared, out)?;
    }
    for note in planned.notes() {
        writeln!(out)?;
        wrapped(out, "note: ", "      ", &note)?;
    }
    Ok(())
}

/// What a scenario says for itself.
fn own(plan: &Plan, preview: &Preview, facts: &mut Facts<'_>) -> io::Result<()> {
    let scenario = plan.scenario();
    if plan.start() > Offset::ZERO {
        let after = Span(plan.start().since(Offset::ZERO));
        facts.line("starts", &format!("{after} after the beginning of the run"))?;
    }
    facts.line("users", &users(plan))?;
    for (label, text) in load::lines(scenario, preview) {
        facts.line(label, &text)?;
    }
    for (label, text) in details::of_scenario(scenario) {
        facts.line(label, &text)?;
    }
    bounds(scenario, facts)
}

/// The scenarios of the file, in a line each.
fn together(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    for (index, (plan, _)) in planned.plans.iter().enumerate() {
        let label = if index == 0 { "scenarios" } else { "" };
        let name = &plan.scenario().name;
        let start = match plan.start() {
            Offset::ZERO => "from the beginning".to_owned(),
            start => format!("{} later", Span(start.since(Offset::ZERO))),
        };
        Facts(out).line(label, &format!("{name}, {start}"))?;
    }
    Ok(())
}

fn thresholds(shared: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    if shared.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nthresholds")?;
    let wide = shared.thresholds.iter().map(|one| one.metric.chars().count()).max();
    let wide = wide.unwrap_or(0).min(40);
    for one in &shared.thresholds {
        writeln!(out, "  {:wide$}  {}", one.metric, one.expression)?;
    }
    Ok(())
}

/// Lines of a label and what there is to say.
struct Facts<'a>(&'a mut dyn Write);

impl Facts<'_> {
    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        wrapped(self.0, &format!("{label:<12}"), &" ".repeat(12), text)
    }
}

fn target(planned: &Planned, facts: &mut Facts<'_>) -> io::Result<()> {
    let target = &planned.shared().target;
    let mut requests = planned.plans.iter().flat_map(|(_, preview)| &preview.requests);
    match (&target.url, requests.next()) {
        (TargetUrl::Embedded, _) => {
            facts.line("target", "the embedded agent, started for the run on a free port")?;
        }
        (TargetUrl::Remote(_), Some(request)) => facts.line("target", &request.url)?,
        (TargetUrl::Remote(url), None) => facts.line("target", url)?,
    }
    let protocol = match target.protocol {
        Protocol::LyzrV2 => format!("{}, framing {}", target.protocol, target.framing),
        Protocol::LyzrV3 | Protocol::OpenAi => target.protocol.to_string(),
    };
    facts.line("protocol", &protocol)?;
    facts.line("agent id", &target.agent_id)?;
    let key = match &planned.key {
        Key::MadeUp => "a made-up one: the embedded agent takes any".to_owned(),
        Key::Set(name) => format!("from {name}"),
        Key::None(name) => format!("none is sent: {name} is not set, and the agent is local"),
        Key::Missing(why) => why.clone(),
    };
    facts.line("key", &key)?;
    for (name, value) in &target.headers {
        let shown = if is_key_like(name) { MASK } else { value };
        facts.line("header", &format!("{name}: {shown}"))?;
    }
    let timeouts = &target.timeouts;
    let [connect, first_chunk, idle, total] =
        [timeouts.connect, timeouts.first_chunk, timeouts.idle, timeouts.total].map(Span);
    facts.line(
        "time-outs",
        &format!("connect {connect}, first chunk {first_chunk}, idle {idle}, total {total}"),
    )?;
    for (label, text) in details::of_target(planned.shared()) {
        facts.line(label, &text)?;
    }
    Ok(())
}

fn users(plan: &Plan) -> String {
    let ids = &plan.scenario().users.ids;
    match ids.as_slice() {
        [one] => format!("1: {one}"),
        [first, last] => format!("2: {first}, {last}"),
        [first, second, .., last] => format!("{}: {first}, {second}, … {last}", ids.len()),
        [] => "none".into(),
    }
}

fn bounds(scenario: &Scenario, facts: &mut Facts<'_>) -> io::Result<()> {
    if !scenario.warmup.is_none() {
        let text = format!("{}, kept but left out of the figures", scenario.warmup);
        facts.line("warm-up", &text)?;
    }
    let on_error = match scenario.on_error {
        crate::scenario::OnError::EndSession => "the rest of the session is dropped and counted",
        crate::scenario::OnError::Continue => "the next message is sent all the same",
    };
    facts.line("on error", on_error)?;
    let slo = [("first chunk", scenario.slo.ttfc), ("total", scenario.slo.total)];
    let slo: Vec<String> = slo
        .into_iter()
        .filter_map(|(name, bound)| Some(format!("{name} within {}", Span(bound?))))
        .collect();
    if !slo.is_empty() {
        facts.line("good turn", &slo.join(", "))?;
    }
    Ok(())
}

/// What holds for the run as a whole.
fn limits(scenario: &Scenario, facts: &mut Facts<'_>) -> io::Result<()> {
    let limits = &scenario.limits;
    let mut parts = Vec::new();
    if let Some(requests) = limits.requests {
        parts.push(format!("{requests} requests"));
    }
    parts.push(counted(limits.retries.into(), "retry", "retries"));
    let judged = scenario.thresholds.iter().any(|one| one.metric.trim() == "errors");
    parts.push(match judged {
        true => "turns without an answer are judged by a threshold".to_owned(),
        false => match limits.failures {
            Failures::Count(0) => "every turn has to be answered".to_owned(),
            Failures::Count(1) => "one turn may go unanswered".to_owned(),
            Failures::Count(some) => format!("up to {some} turns may go unanswered"),
            Failures::Share(share) => format!("up to {share} of the turns may go unanswered"),
        },
    });
    facts.line("limits", &parts.join(", "))?;
    for rule in &scenario.stop_when {
        let (condition, over) = (&rule.condition, Span(rule.over));
        let text = format!("{} {} over {over}", condition.metric, condition.expression);
        facts.line("stops when", &text)?;
    }
    Ok(())
}

fn kinds(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let once = matches!(plan.scenario().load, Load::Once { .. });
    let sum: u64 = plan.kinds().iter().map(|kind| u64::from(kind.weight)).sum();
    let wide = plan.kinds().iter().map(|kind| kind.name.chars().count()).max().unwrap_or(0);
    let wide = wide.clamp(8, 44);
    writeln!(out, "\n{:wide$}  {:>8}  {:>9}  {:>9}", "sessions", "share", "turns", "rows")?;
    for kind in plan.kinds() {
        let share = match once {
            true => "-".to_owned(),
            false => format!("{:.1}%", 100.0 * f64::from(kind.weight) / sum as f64),
        };
        let turns = match kind.turns {
            (few, many) if few == many => few.to_string(),
            (few, many) => format!("{few} to {many}"),
        };
        let rows = kind.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
        writeln!(out, "{:wide$}  {share:>8}  {turns:>9}  {rows:>9}", kind.name)?;
    }
    for particular in details::of_kinds(plan.scenario()) {
        wrapped(out, "  ", "    ", &particular)?;
    }
    Ok(())
}

impl Request {
    fn write(&self, first: bool, out: &mut dyn Write) -> io::Result<()> {
        let think = match self.think.is_zero() {
            true => String::new(),
            false => format!(", after {:.3}s of thinking", self.think.as_secs_f64()),
        };
        let title = format!("session {} ({}), turn {}{think}", self.session, self.kind, self.turn);
        writeln!(out, "\n{title}")?;
        // The same for every request: once is enough.
        if first {
            writeln!(out, "  POST {}", self.url)?;
            for (name, value) in &self.headers {
                writeln!(out, "  {name}: {value}")?;
            }
            writeln!(out)?;
        }
        let letters: Vec<char> = self.body.chars().collect();
        for line in letters.chunks(WIDTH - 2).take(BODY_LINES) {
            writeln!(out, "  {}", line.iter().collect::<String>())?;
        }
        if letters.len() > BODY_LINES * (WIDTH - 2) {
            writeln!(out, "  … ({} bytes in all)", self.body.len())?;
        }
        Ok(())
    }
}

/// Writes words in lines of at most 80 columns; a longer word stays whole.
fn wrapped(out: &mut dyn Write, first: &str, next: &str, text: &str) -> io::Result<()> {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = next.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}
