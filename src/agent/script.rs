//! A script: the agent's whole behaviour in a YAML file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::draw::{Amount, Draw};
use super::fault::{FaultRule, RetryAfter};
use super::options::{Behaviour, Capacity, Framing, Options, Rule, WhenFull};
use super::when::When;
use super::window::Window;
use crate::units::{Rate, Span};

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a script: file, line, column and why.
    #[error("{}: {why}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Line, column and what is wrong there.
        why: String,
    },
}

/// A script as it is written; whatever is left out keeps its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Script {
    seed: Option<u64>,
    threads: Option<usize>,
    behaviour: Written,
    rules: Vec<WrittenRule>,
    faults: Vec<FaultRule>,
    freeze: Vec<Window>,
    refuse: Vec<Window>,
    agents: Vec<String>,
    capacity: WrittenCapacity,
    limits: WrittenLimits,
}

/// A behaviour, or what is different about it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    first_chunk: Option<Draw>,
    gap: Option<Draw>,
    chunks: Option<Amount>,
    chunk_bytes: Option<Amount>,
    per_write: Option<Amount>,
    split_writes: Option<bool>,
    framing: Option<Framing>,
    reasoning: Option<Amount>,
    answer: Option<String>,
}

/// A rule: for which requests what is different.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    when: When,
    #[serde(default)]
    behaviour: Written,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenCapacity {
    max_concurrent: Option<usize>,
    when_full: WhenFull,
    rate: Option<Rate>,
    retry_after: RetryAfter,
    credits: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLimits {
    truth: Option<usize>,
    truth_writes: bool,
    sessions: Option<usize>,
    body_bytes: Option<usize>,
    connections: Option<usize>,
    request_time: Option<Span>,
    idle_time: Option<Span>,
}

/// Reads a script.
///
/// # Errors
/// The file cannot be read, or it is not a script; then the error names line and column.
pub fn read(path: &Path) -> Result<Options, ScriptError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScriptError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|why| ScriptError::Wrong { path: path.to_owned(), why })
}

fn parse(text: &str) -> Result<Options, String> {
    // An empty file is an empty script.
    let script: Option<Script> = serde_saphyr::from_str(text).map_err(|error| one_line(&error))?;
    let script = script.unwrap_or_default();
    let defaults = Options::default();
    let behaviour = script.behaviour.over(&defaults.behaviour);
    let rules = script
        .rules
        .into_iter()
        .map(|rule| Rule { when: rule.when, behaviour: rule.behaviour.over(&behaviour) })
        .collect();
    let mut limits = defaults.limits.clone();
    let written = script.limits;
    let span = |written: Option<Span>, default: Duration| written.map_or(default, |span| span.0);
    limits.truth = written.truth.unwrap_or(limits.truth);
    limits.truth_writes = written.truth_writes;
    limits.sessions = written.sessions.unwrap_or(limits.sessions);
    limits.body_bytes = written.body_bytes.unwrap_or(limits.body_bytes);
    limits.connections = written.connections;
    limits.request_time = span(written.request_time, limits.request_time);
    limits.idle_time = span(written.idle_time, limits.idle_time);
    let options = Options {
        behaviour,
        rules,
        faults: script.faults,
        capacity: Capacity {
            max_concurrent: script.capacity.max_concurrent,
            when_full: script.capacity.when_full,
            rate: script.capacity.rate,
            retry_after: script.capacity.retry_after,
            credits: script.capacity.credits,
        },
        freezes: script.freeze,
        refusals: script.refuse,
        agents: script.agents,
        seed: script.seed.unwrap_or(defaults.seed),
        threads: script.threads.unwrap_or(defaults.threads),
        limits,
        ..defaults
    };
    options.check()?;
    Ok(options)
}

impl Written {
    fn over(self, base: &Behaviour) -> Behaviour {
        Behaviour {
            first_chunk: self.first_chunk.unwrap_or_else(|| base.first_chunk.clone()),
            gap: self.gap.unwrap_or_else(|| base.gap.clone()),
            chunks: self.chunks.unwrap_or_else(|| base.chunks.clone()),
            chunk_bytes: self.chunk_bytes.or_else(|| base.chunk_bytes.clone()),
            per_write: self.per_write.unwrap_or_else(|| base.per_write.clone()),
            split_writes: self.split_writes.unwrap_or(base.split_writes),
            framing: self.framing.unwrap_or(base.framing),
            reasoning: self.reasoning.unwrap_or_else(|| base.reasoning.clone()),
            answer: self.answer.map(Arc::from).or_else(|| base.answer.clone()),
        }
    }
}

/// The message of a YAML error with its place first, on one line.
fn one_line(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
    let text = text.lines().next().unwrap_or("not a script");
    // The library says the place at the end, for some errors.
    let text = text.rsplit_once(" at line ").map_or(text, |(said, _)| said);
    format!("{}{text}", place.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_everything_the_flags_say_and_more() {
        let options = parse(
            "seed: 7\n\
             behaviour: { first_chunk: 'lognormal(200ms, 0.4)', gap: 5ms, chunks: 12 }\n\
             rules:\n\
             - when: \"agent:slow-*\"\n  behaviour: { gap: 'bimodal(5ms, 2s, 1%)' }\n\
             - { when: 'message:*poem*', behaviour: { chunks: 'uniform(100, 200)' } }\n\
             faults: ['status=503@5%', 'cut=3@7']\n\
             freeze: [10s+2s/30s]\n\
             capacity: { max_concurrent: 8, when_full: reject, rate: 5/s, retry_after: date }\n\
             limits: { sessions: 10, idle_time: 5s }\n",
        )
        .unwrap();
        assert_eq!((options.seed, options.rules.len(), options.faults.len()), (7, 2, 2));
        // A rule keeps what the behaviour above it says.
        assert_eq!(options.rules[0].behaviour.chunks, Amount::Fixed(12));
        assert_eq!(options.rules[1].behaviour.gap, "5ms".parse().unwrap());
        assert_eq!(options.capacity.retry_after, RetryAfter::Date);
        assert_eq!(options.limits.idle_time, Duration::from_secs(5));
        assert!(parse("").is_ok());
    }

    #[test]
    fn the_script_in_the_documentation_is_one() {
        let page = include_str!("../../docs/agent.md");
        let script = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        let options = parse(script.unwrap()).unwrap();
        assert_eq!((options.rules.len(), options.faults.len()), (2, 2));
        assert_eq!(options.rules[1].behaviour.chunks, Amount::Fixed(300));
        assert_eq!(options.capacity.credits, Some(10_000));
        let faults = include_str!("../../docs/faults.md");
        for written in super::super::fault::WRITTEN {
            assert!(faults.contains(&format!("`{written}`")), "{written} is not documented");
        }
    }

    #[test]
    fn a_mistake_is_shown_with_its_place() {
        for (text, why) in [
            ("seed: 1\nbehavior: {}\n", "line 2, column 1"),
            ("faults:\n  - explode\n", "line 2, column 5"),
            ("behaviour: { gap: 5 }", "has no unit"),
            ("capacity: { max_concurrent: 0 }", "never answers"),
            ("behaviour: { chunks: 1000000, chunk_bytes: 1000 }", "64 MiB"),
            ("rules: [{ behaviour: {} }]", "when"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
