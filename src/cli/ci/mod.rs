//! What is told to the CI system around us: a summary for people, values for later steps, and an
//! error for each gate that did not hold.
//!
//! A command makes a [`Told`] and hands it over; which files and lines come of it is known here
//! alone. What CI cannot take is said and is no failure of the command.

mod github;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::report::{Gate, GateKind, JOB_SUMMARY_BYTES, cut_to};
use crate::scenario::Surroundings;

/// Whom to tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CiChoice {
    /// GitHub Actions, where GITHUB_ACTIONS says so.
    #[default]
    Auto,
    /// GitHub Actions.
    Github,
    /// Nobody.
    None,
}

/// The CI system around us.
#[derive(Debug)]
pub(super) struct Ci {
    /// The file that becomes the summary of the job.
    summary: Option<PathBuf>,
    /// The file that later steps read.
    output: Option<PathBuf>,
}

/// What a command has to tell.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// What it is about: a scenario, a comparison.
    pub(super) subject: &'a str,
    /// For people.
    pub(super) markdown: &'a str,
    /// For later steps: names in kebab-case, and values of one line.
    pub(super) outputs: Vec<(&'static str, String)>,
    /// Everything that was held to something.
    pub(super) gates: &'a [Gate],
    /// Whether a run in which the tool did not keep up is a failure (`--strict`).
    pub(super) strict: bool,
}

/// The branch of the job, where CI has checked out a commit without one.
pub(super) fn branch(world: &dyn Surroundings) -> Option<String> {
    // GitHub: of a pull request, else of a push; GitLab; Jenkins.
    let names = [
        "GITHUB_HEAD_REF",
        "GITHUB_REF_NAME",
        "CI_COMMIT_REF_NAME",
        "CHANGE_BRANCH",
        "BRANCH_NAME",
    ];
    names.iter().filter_map(|name| world.var(name)).find(|branch| !branch.is_empty())
}

impl Ci {
    /// Who is to be told, if anybody.
    pub(super) fn around(choice: CiChoice, world: &dyn Surroundings) -> Option<Self> {
        let set = |name: &str| world.var(name).filter(|value| !value.is_empty());
        let told = match choice {
            CiChoice::None => false,
            CiChoice::Github => true,
            CiChoice::Auto => set("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        };
        told.then(|| Self {
            summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            output: set("GITHUB_OUTPUT").map(PathBuf::from),
        })
    }

    /// Tells it. Commands to GitHub go to standard error, which it reads as well: standard output is
    /// data.
    pub(super) fn tell(&self, told: &Told<'_>, err: &mut dyn Write) {
        for line in annotations(told) {
            let _ = writeln!(err, "{line}");
        }
        let mut write = |path: &Option<PathBuf>, what: &str, text: &dyn Fn(&Path) -> String| {
            let Some(path) = path else { return };
            if let Err(error) = append(path, &text(path)) {
                let _ = writeln!(
                    err,
                    "note: the {what} in {} cannot be written: {error}",
                    path.display()
                );
            }
        };
        write(&self.summary, "job summary", &|path| {
            // Commands of the same step share the room there is.
            let taken = fs::metadata(path).map_or(0, |found| found.len());
            let room =
                JOB_SUMMARY_BYTES.saturating_sub(usize::try_from(taken).unwrap_or(usize::MAX));
            let text = format!("{}\n", told.markdown.trim_end());
            if room < 1_000 { String::new() } else { cut_to(&text, room) }
        });
        write(&self.output, "outputs", &|_| {
            told.outputs.iter().map(|(name, value)| github::output(name, value)).collect()
        });
    }
}

/// GitHub shows the first ten errors of a step: where there are more, the tenth says so.
fn annotations(told: &Told<'_>) -> Vec<String> {
    const SHOWN: usize = 10;
    let title = format!("streamgauge: {}", told.subject);
    let failed: Vec<&Gate> = told.gates.iter().filter(|gate| !gate.held).collect();
    let (doubts, mut errors): (Vec<&Gate>, Vec<&Gate>) =
        failed.into_iter().partition(|gate| gate.kind == GateKind::Validity && !told.strict);
    let more = errors.len().saturating_sub(SHOWN);
    if more > 0 {
        errors.truncate(SHOWN - 1);
    }
    let line = |level, gate: &Gate| {
        github::annotation(level, &title, &format!("{}: {}", gate.name, gate.seen))
    };
    let mut lines: Vec<String> = errors.into_iter().map(|gate| line("error", gate)).collect();
    if more > 0 {
        let said = format!("{} more did not hold: see the summary", more + 1);
        lines.push(github::annotation("error", &title, &said));
    }
    lines.extend(doubts.into_iter().map(|gate| line("warning", gate)));
    lines
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(kind: GateKind, number: usize) -> Gate {
        Gate { kind, name: format!("gate {number}"), held: false, seen: "100%\nof it".into() }
    }

    #[test]
    fn each_failed_gate_is_an_error_up_to_what_is_shown() {
        let mut gates: Vec<Gate> = (0..3).map(|n| gate(GateKind::Threshold, n)).collect();
        gates[1].held = true;
        gates.push(gate(GateKind::Validity, 9));
        let told = |gates, strict| Told {
            subject: "a: b, c",
            markdown: "",
            outputs: Vec::new(),
            gates,
            strict,
        };
        let lines = annotations(&told(&gates, false));
        assert_eq!(
            lines,
            [
                "::error title=streamgauge%3A a%3A b%2C c::gate 0: 100%25%0Aof it",
                "::error title=streamgauge%3A a%3A b%2C c::gate 2: 100%25%0Aof it",
                "::warning title=streamgauge%3A a%3A b%2C c::gate 9: 100%25%0Aof it",
            ]
        );
        assert!(annotations(&told(&gates, true))[2].starts_with("::error"));
        let many: Vec<Gate> = (0..12).map(|n| gate(GateKind::Threshold, n)).collect();
        let lines = annotations(&told(&many, true));
        assert_eq!(lines.len(), 10);
        assert!(lines[9].ends_with("::3 more did not hold: see the summary"), "{lines:?}");
    }
}
