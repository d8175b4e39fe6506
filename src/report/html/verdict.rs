//! Is it good? In a word and a sentence.

use super::super::table::{cut, one_line, thousands};
use crate::scenario::Failures;
use crate::summary::{Summary, ValidityVerdict};

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Finished,
    /// A signal stopped it.
    Interrupted,
    /// It could not go on.
    Failed,
    /// It goes on, or was killed.
    NotYet,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The class that paints it: `good`, `warn` or `bad`.
    pub(super) tone: &'static str,
    /// The same for those who see no colour.
    pub(super) sign: &'static str,
    pub(super) word: String,
    pub(super) sentence: String,
}

impl Verdict {
    fn new(tone: &'static str, word: &str, sentence: impl Into<String>) -> Self {
        let sign = match tone {
            "good" => "✓",
            "warn" => "!",
            _ => "✗",
        };
        Self { tone, sign, word: word.into(), sentence: sentence.into() }
    }
}

/// What `summary` comes to, where `failures` turns may stay without an answer.
pub(super) fn verdict(summary: &Summary, ended: Ended, failures: Failures) -> Verdict {
    let found = summary.verdict(failures);
    let counts = &summary.counts;
    let missing = counts.planned - counts.completed;
    let unanswered = match (missing, counts.planned) {
        (1, 1) => "The one turn has no answer".to_owned(),
        (all, planned) if all == planned => {
            format!("None of {} turns has an answer", thousands(planned))
        }
        (1, planned) => format!("1 of {} turns has no answer", thousands(planned)),
        (some, planned) => {
            format!("{} of {} turns have no answer", thousands(some), thousands(planned))
        }
    };
    if ended == Ended::Failed {
        let said = format!("The run could not go on; what is here came before. {unanswered}.");
        return Verdict::new("bad", "Broken off", said);
    }
    if let Some(stopped) = &summary.run.stopped {
        let said = format!(
            "After {} s a rule of stop_when held: {} {}.",
            stopped.at_s,
            one_line(&stopped.metric),
            one_line(&stopped.expression)
        );
        return Verdict::new("bad", "Stopped by a rule", said);
    }
    match ended {
        Ended::NotYet => {
            return Verdict::new(
                "warn",
                "Not ended",
                "The run goes on or was killed: this is what it had written by then.",
            );
        }
        Ended::Interrupted => {
            let said = format!("Somebody stopped it before its end. {unanswered}.");
            return Verdict::new("warn", "Interrupted", said);
        }
        Ended::Finished | Ended::Failed => {}
    }
    let all = summary.thresholds.len();
    if found.invalid {
        return Verdict::new(
            "bad",
            "Invalid",
            "The tester did not keep up: the figures say as much about it as about the target.",
        );
    }
    if found.thresholds_failed > 0 {
        let said = match (found.thresholds_failed, all) {
            (1, 1) => "The one threshold does not hold.".into(),
            (failed, all) if failed == all => format!("None of the {all} thresholds holds."),
            (1, all) => format!("1 of {all} thresholds does not hold."),
            (failed, all) => format!("{failed} of {all} thresholds do not hold."),
        };
        let said = match missing {
            0 => said,
            _ => format!("{said} {unanswered}{}", why(summary)),
        };
        return Verdict::new("bad", "Failed", said);
    }
    if found.too_many_failures {
        let said = format!("{unanswered}; {failures} may stay without one{}", why(summary));
        return Verdict::new("bad", "Failed", said);
    }
    let held = match all {
        0 => "Everything was done; no threshold was set.".to_owned(),
        1 => "The one threshold holds.".to_owned(),
        all => format!("All {all} thresholds hold."),
    };
    let held = match missing {
        0 => held,
        _ => format!("{held} {unanswered}, which is allowed."),
    };
    match summary.validity.verdict {
        ValidityVerdict::Valid if all == 0 => Verdict::new("good", "Done", held),
        ValidityVerdict::Valid => Verdict::new("good", "Passed", held),
        _ => Verdict::new(
            "warn",
            if all == 0 { "Done, degraded" } else { "Passed, degraded" },
            format!("{held} The tester was not always in time."),
        ),
    }
}

/// What most turns without an answer came to, to end a sentence with.
fn why(summary: &Summary) -> String {
    let Some(most) = summary.errors.iter().max_by_key(|group| group.count) else {
        return ".".into();
    };
    let status = most.status.map_or(String::new(), |status| format!(" {status}"));
    let example = most.example.as_deref().map(one_line).filter(|example| !example.is_empty());
    let example = example
        .map_or(String::new(), |example| format!(": {}", cut(example.trim_end_matches('.'), 120)));
    format!(". Most often: {}{status}{example}.", one_line(&most.error))
}
