//! Runs over time for a terminal, from 60 columns.

use super::sparkline::sparkline;
use super::words::{
    cadence, commits, day, digits, expected, label, minute, remark, shift, verdict, why,
};
use crate::history::{Newest, Policy, Primary, Track, Word};
use crate::report::Style;
use crate::report::table::{cut, one_line, percent, wrapped_to};

/// The table of every track, that of the newest run last. `rows` is how many runs of each are
/// listed, `width` how many columns the terminal has.
pub fn history_text(
    tracks: &[Track],
    policy: &Policy,
    (rows, width): (usize, usize),
    style: Style,
) -> String {
    let width = width.clamp(60, 120);
    let mut page = Page { lines: Vec::new(), style, width };
    for (at, track) in tracks.iter().enumerate() {
        if at > 0 {
            page.line(String::new());
        }
        page.track(track, policy, rows);
    }
    page.lines.join("\n") + "\n"
}

struct Page {
    lines: Vec<String>,
    style: Style,
    width: usize,
}

impl Page {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn faint(&mut self, line: &str) {
        self.line(self.style.faint(line));
    }

    fn wrapped(&mut self, text: &str, indent: usize) {
        self.lines.extend(wrapped_to(self.width, text, indent));
    }

    fn track(&mut self, track: &Track, policy: &Policy, rows: usize) {
        let print = cut(&one_line(&track.fingerprint), 16);
        let name = cut(&one_line(&track.name), self.width - print.chars().count() - 2);
        let gap = self.width - name.chars().count() - print.chars().count();
        self.line(format!("{}{:gap$}{}", self.style.heading(&name), "", self.style.faint(&print)));
        self.about(track);
        self.line(String::new());
        self.trends(track);
        self.changes(track);
        self.runs(track, rows);
        if let Some(newest) = &track.newest {
            self.newest(track, newest, policy);
        }
    }

    fn about(&mut self, track: &Track) {
        let (Some(first), Some(last)) = (track.runs.first(), track.runs.last()) else { return };
        let many = track.runs.len();
        let mut about = match many {
            1 => format!("1 run, {}", day(last)),
            many => format!("{many} runs, {} to {}", day(first), day(last)),
        };
        let unusable = track.runs.iter().filter(|run| !run.is_usable()).count();
        if unusable > 0 {
            about += &format!(", {unusable} of them not used (·)");
        }
        if let Some(newest) = track.newest.as_ref().filter(|_| many > 1) {
            about += &format!("; {}", cadence(newest.runs_per_day));
        }
        self.wrapped(&about, 0);
        if let Some(other) = &track.follows {
            let other = one_line(other);
            self.wrapped(&format!("the scenario was changed: {other} came before"), 0);
        }
    }

    /// A line for each figure: its name, the newest value, what was expected, the trend.
    fn trends(&mut self, track: &Track) {
        const LABEL: usize = 10;
        const VALUE: usize = 10;
        const EXPECTED: usize = 16;
        let room = self.width - LABEL - VALUE - EXPECTED - 3;
        self.faint(&format!(
            "{:LABEL$}{:>VALUE$} {:>EXPECTED$}  {}",
            "ms", "newest", "expected", "trend"
        ));
        for primary in Primary::ALL {
            let judged = track
                .newest
                .iter()
                .flat_map(|newest| &newest.judged)
                .find(|judged| judged.metric == primary);
            let values = track.values(primary);
            let changes = self.changes_of(track, primary);
            let bare = |value: Option<f64>| match (primary, value) {
                (_, None) => "n/a".into(),
                (Primary::Errors, value) => percent(value),
                (_, Some(value)) => digits(value),
            };
            let newest = bare(track.runs.last().and_then(|run| Some(run.measured(primary)?.value)));
            let newest = format!("{newest:>VALUE$}");
            let newest = match judged.map(|judged| judged.verdict) {
                Some(Word::Regressed) => self.style.bad(&newest),
                Some(Word::Improved) => self.style.good(&newest),
                _ => newest,
            };
            let seen = judged
                .and_then(|judged| judged.expected.as_ref())
                .map_or("n/a".into(), |seen| expected(primary, seen).replace(" ms", ""));
            let line = sparkline(&values, &changes, room);
            self.line(format!("{:LABEL$}{newest} {seen:>EXPECTED$}  {line}", label(primary)));
        }
    }

    fn changes_of(&self, track: &Track, primary: Primary) -> Vec<usize> {
        let has = |shifts: &[crate::history::Shift]| shifts.iter().any(|one| one.metric == primary);
        track.changes.iter().filter(|change| has(&change.shifts)).map(|change| change.at).collect()
    }

    fn changes(&mut self, track: &Track) {
        if track.changes.is_empty() {
            return;
        }
        self.line(String::new());
        self.line(self.style.heading("changes"));
        for change in &track.changes {
            let shifts: Vec<String> = change.shifts.iter().map(shift).collect();
            let commits =
                commits(track, change).map_or(String::new(), |commits| format!("  in {commits}"));
            let said = format!("{}  {}{commits}", day(&track.runs[change.at]), shifts.join(", "));
            let worse = change.shifts.iter().any(crate::history::Shift::is_worse);
            for line in wrapped_to(self.width, &said, 2) {
                let line = if worse { self.style.bad(&line) } else { self.style.good(&line) };
                self.line(line);
            }
        }
    }

    /// The last runs, one a line.
    fn runs(&mut self, track: &Track, rows: usize) {
        if rows == 0 {
            return;
        }
        self.line(String::new());
        let wide = self.width >= 76;
        let head =
            if wide { format!("{:<16} {:<8}", "run began", "commit") } else { "began".into() };
        let columns = ["ttfc p50", "ttfc p95", "total p95", "errors"];
        let columns: String = columns.iter().map(|name| format!("{name:>10}")).collect();
        let start = |text: &str| match wide {
            true => text.to_owned(),
            // No room for the year, nor for the commit.
            false => text.chars().skip(5).take(11).collect(),
        };
        let first = if wide { 25 } else { 11 };
        let end = self.width.saturating_sub(first + 40 + 1);
        self.faint(&format!("{head:first$}{columns}"));
        for run in track.runs.iter().rev().take(rows).rev() {
            let commit = run.short_commit().unwrap_or_default();
            let head = format!("{:<16} {:<8}", minute(run), cut(&one_line(&commit), 8));
            let figures: String = Primary::ALL
                .into_iter()
                .map(|primary| {
                    let value = run.measured(primary).map(|measured| measured.value);
                    let value = match primary {
                        Primary::Errors => percent(value),
                        _ => value.map_or("n/a".into(), digits),
                    };
                    format!("{value:>10}")
                })
                .collect();
            let remark = cut(remark(run), end);
            let line = format!("{}{figures} {}", start(&head), self.style.doubtful(&remark));
            self.line(if remark.is_empty() { format!("{}{figures}", start(&head)) } else { line });
        }
        let more = track.runs.len().saturating_sub(rows);
        if more > 0 {
            self.faint(&format!("… and {more} before (--runs N shows more)"));
        }
    }

    fn newest(&mut self, track: &Track, newest: &Newest, policy: &Policy) {
        self.line(String::new());
        let run = &track.runs[newest.at];
        let word = verdict(newest.verdict);
        let word = match newest.verdict {
            Word::Regressed => self.style.bad(word),
            Word::Improved | Word::AsBefore => self.style.good(word),
            Word::TooFew | Word::Invalid | Word::Incomplete => self.style.doubtful(word),
        };
        self.line(format!("{}  {word}", self.style.heading("newest")));
        let mut about = format!("run {}", one_line(&run.id));
        if let Some(commit) = run.short_commit() {
            about += &format!(", commit {}", one_line(&commit));
        }
        if let Some(branch) = &run.branch {
            about += &format!(" on {}", one_line(branch));
        }
        self.wrapped(&about, 2);
        for sentence in why(track, newest, policy) {
            self.wrapped(&sentence, 2);
        }
    }
}
