//! A comparison for a terminal, 80 columns wide.

use super::cells::{interval_heading, needs, noise, points, rate, ratio, side};
use crate::compare::{Comparison, FigureCompared, RunNamed, Verdict};
use crate::report::style::Style;
use crate::report::table::{self, cut, one_line, thousands, wrapped};

const LABEL: usize = 16;
const SIDE: usize = 14;
const RATIO: usize = 22;

/// The comparison as text, each line ended.
pub fn comparison_text(comparison: &Comparison, style: Style) -> String {
    let mut page = Page { lines: Vec::new(), style };
    page.head(comparison);
    if let Some(errors) = &comparison.errors {
        page.blank();
        page.row(["", "base", "new", interval_heading(comparison)], Some("verdict"), true);
        let cells = ["errors", &rate(errors.base.rate), &rate(errors.new.rate), &points(errors)];
        page.judged(cells, Some(errors.verdict));
        page.needs(errors.needs.map(needs));
        for one in &comparison.primary {
            page.figure(one, comparison.noise.is_known());
        }
        page.looking(comparison);
        page.kinds(comparison);
    }
    page.list("not compared", &comparison.left_out);
    page.list("to know before believing it", &comparison.caveats);
    page.blank();
    if comparison.errors.is_some() {
        page.faint_text(&noise(comparison));
        page.blank();
    }
    page.verdict(comparison);
    page.lines.join("\n") + "\n"
}

struct Page {
    lines: Vec<String>,
    style: Style,
}

impl Page {
    fn blank(&mut self) {
        self.lines.push(String::new());
    }

    fn head(&mut self, comparison: &Comparison) {
        for (name, runs) in [("base", &comparison.base), ("new", &comparison.new)] {
            for (at, run) in runs.iter().enumerate() {
                let label = if at == 0 { name } else { "" };
                let line =
                    format!("{:<6}{}", self.style.heading(&format!("{label:<6}")), run_line(run));
                self.lines.push(line.trim_end().to_owned());
            }
        }
    }

    fn row(&mut self, cells: [&str; 4], verdict: Option<&str>, faint: bool) {
        let [label, base, new, ratio] = cells;
        let line = format!(
            "{label:<LABEL$}{base:>SIDE$}{new:>SIDE$}{ratio:>RATIO$} {}",
            verdict.unwrap_or("")
        );
        let line = line.trim_end().to_owned();
        let line = if faint { self.style.faint(&line) } else { line };
        self.lines.push(line);
    }

    fn judged(&mut self, cells: [&str; 4], verdict: Option<Verdict>) {
        let painted = verdict.map(|one| paint(self.style, one, short(one)));
        self.row(cells, painted.as_deref(), false);
    }

    fn figure(&mut self, one: &FigureCompared, known: bool) {
        let label = one.figure.to_string();
        let cells = [&label, &side(one.base.as_ref()), &side(one.new.as_ref()), &ratio(one, known)];
        self.judged(cells.map(String::as_str), one.verdict);
        self.needs(one.needs.map(needs));
    }

    fn needs(&mut self, needs: Option<String>) {
        if let Some(needs) = needs.filter(|text| !text.is_empty()) {
            self.faint_text(&format!("  {needs}"));
        }
    }

    fn faint_text(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        for line in wrapped(text, indent) {
            let line = self.style.faint(&line);
            self.lines.push(line);
        }
    }

    fn looking(&mut self, comparison: &Comparison) {
        if comparison.others.is_empty() && comparison.rates.is_empty() {
            return;
        }
        self.blank();
        let heading = ["for looking", "base", "new", "ratio (95 % within)"];
        self.row(heading, None, true);
        for one in &comparison.others {
            self.figure(one, false);
        }
        for one in &comparison.rates {
            let of = |value: f64| table::rate(Some(value));
            let ratio =
                if one.base > 0.0 { format!("{:.3}", one.new / one.base) } else { "n/a".into() };
            self.row([&one.rate, &of(one.base), &of(one.new), &ratio], None, false);
        }
    }

    fn kinds(&mut self, comparison: &Comparison) {
        let Some(first) = comparison.kinds.first() else { return };
        self.blank();
        let line = |name: &str, errors: &str, cells: &[String]| {
            let cells: String = cells.iter().map(|cell| format!("{cell:>19}")).collect();
            format!("{:<14}{errors:>9}{cells}", cut(&one_line(name), 13))
        };
        let mut names: Vec<String> =
            first.figures.iter().map(|one| one.figure.to_string()).collect();
        if names.is_empty() {
            names = comparison.primary.iter().map(|one| one.figure.to_string()).collect();
        }
        let heading = self.style.faint(&line("by session", "errors", &names));
        self.lines.push(heading);
        for kind in &comparison.kinds {
            let errors = match (kind.base_error_rate, kind.new_error_rate) {
                (Some(base), Some(new)) => format!("{:+.1} pp", (new - base) * 100.0),
                _ => "n/a".into(),
            };
            let cells: Vec<String> = kind.figures.iter().map(|one| ratio(one, false)).collect();
            self.lines.push(line(&kind.session, &errors, &cells));
        }
    }

    fn list(&mut self, title: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.blank();
        let title = self.style.heading(title);
        self.lines.push(title);
        for sentence in sentences {
            let mut lines = wrapped(&one_line(sentence), 4);
            if let Some(first) = lines.first_mut() {
                first.replace_range(..4, "  - ");
            }
            self.lines.extend(lines);
        }
    }

    fn verdict(&mut self, comparison: &Comparison) {
        let title = self.style.heading("verdict");
        let verdict = paint(self.style, comparison.verdict, comparison.verdict.words());
        self.lines.push(format!("{title}  {verdict}"));
        for reason in &comparison.reasons {
            self.lines.extend(wrapped(&one_line(reason), 2));
        }
    }
}

/// The longest verdict has more letters than its column: it is said in two words there.
pub(super) fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NoDifferenceSeen => "none seen",
        other => other.words(),
    }
}

pub(super) fn paint(style: Style, verdict: Verdict, word: &str) -> String {
    match verdict {
        Verdict::Regressed | Verdict::Invalid | Verdict::Incomparable => style.bad(word),
        Verdict::Improved | Verdict::NoWorse => style.good(word),
        Verdict::Inconclusive | Verdict::Differs => style.doubtful(word),
        Verdict::NoDifferenceSeen => word.to_owned(),
    }
}

/// The run, how much of it there is, and what it was of.
fn run_line(run: &RunNamed) -> String {
    let commit = run.commit.as_ref().map_or(String::new(), |commit| {
        format!("  {}", commit.chars().take(7).collect::<String>())
    });
    let turns = format!("  {} turns{commit}", thousands(run.completed));
    let room = 74usize.saturating_sub(turns.chars().count());
    format!("{}{turns}", cut(&one_line(&run.id), room))
}
