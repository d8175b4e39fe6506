//! One picture of a run, for a terminal of any size; from 60 columns by 15 lines on everything that
//! matters is in it.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, LineGauge, Paragraph, Sparkline};

use crate::report::{millis, observed, one_line, rate, thousands};
use crate::sink::live::{Latency, Standing, ThresholdStanding};

/// Seconds that the chart shows.
const SHOWN: f64 = 120.0;
/// Seconds that rates are over.
const LATE: f64 = 5.0;

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn of(self, colour: Color) -> Style {
        if self.0 { Style::new().fg(colour) } else { Style::new() }
    }

    fn good(self) -> Style {
        self.of(Color::Green)
    }

    fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws `run`; `own` is a line of the command's, `said` what was last said to the user.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    run: &Standing,
    own: Option<&str>,
    said: Option<&str>,
    coloured: bool,
) {
    let paint = Paint(coloured);
    let area = frame.area();
    let room = area.height;
    // What is least is left out first.
    let lists = match room {
        0..=9 => 0,
        10..=15 => 3,
        16..=23 => 4,
        room => (room / 4).min(9),
    };
    let [head, gauge, extra, counts, table, chart, below, foot] = area.layout(&Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(u16::from(own.is_some())),
        Constraint::Length(2),
        Constraint::Length(4),
        Constraint::Min(0),
        Constraint::Length(lists),
        Constraint::Length(1),
    ]));
    frame.render_widget(Paragraph::new(title(run)), head);
    progress(frame, gauge, run, paint);
    if let Some(own) = own {
        frame.render_widget(Paragraph::new(one_line(own)), extra);
    }
    frame.render_widget(Paragraph::new(numbers(run, paint)), counts);
    frame.render_widget(Paragraph::new(latencies(&run.latencies, paint)), table);
    match chart.height {
        0 => {}
        1..=5 => bars(frame, chart, run, paint),
        _ => rolling(frame, chart, run, paint),
    }
    let [left, right] =
        below.layout(&Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]));
    frame.render_widget(Paragraph::new(thresholds(&run.thresholds, left, paint)), left);
    frame.render_widget(Paragraph::new(errors(run, paint)), right);
    let foot_text = match said {
        Some(said) => Line::styled(one_line(said), paint.of(Color::Yellow)),
        None => Line::styled("Ctrl-C: no new turns, wait for those on their way", paint.faint()),
    };
    frame.render_widget(Paragraph::new(foot_text), foot);
}

fn title(run: &Standing) -> Line<'static> {
    Line::from(vec![
        Span::styled(one_line(&run.name), BOLD),
        Span::raw(format!("  {}", one_line(&run.load))),
    ])
}

fn progress(frame: &mut Frame<'_>, area: Rect, run: &Standing, paint: Paint) {
    let elapsed = format!("{:>6.1} s ", run.elapsed_s);
    match run.done {
        Some(done) => {
            let label = format!("{elapsed}{:>3.0} % ", done * 100.0);
            let gauge = LineGauge::default()
                .ratio(done)
                .label(label)
                .filled_symbol("━")
                .unfilled_symbol("─")
                .filled_style(paint.of(Color::Blue))
                .unfilled_style(paint.faint());
            frame.render_widget(gauge, area);
        }
        None => frame.render_widget(Paragraph::new(elapsed), area),
    }
}

fn numbers(run: &Standing, paint: Paint) -> Vec<Line<'static>> {
    let failed = run.count("failed") + run.count("timed_out");
    let number = |name: &str, value: u64| Span::raw(format!("{name} {}  ", thousands(value)));
    let mut counts =
        vec![number("started", run.started), number("completed", run.count("completed"))];
    let text = format!("failed {}  ", thousands(failed));
    counts.push(if failed > 0 { Span::styled(text, paint.bad()) } else { Span::raw(text) });
    let dropped = run.count("dropped") + run.count("cancelled");
    if dropped > 0 {
        counts.push(number("dropped", dropped));
    }
    counts.push(number("in flight", run.in_flight));
    let last = run.seconds.last().map_or(0, |second| second.second);
    let over = LATE.min(last as f64 + 1.0);
    let late = run.seconds.iter().filter(|one| (one.second as f64) > last as f64 - LATE);
    let (started, completed, failing) = late.fold((0, 0, 0), |sum, one| {
        (sum.0 + one.started, sum.1 + one.completed, sum.2 + one.failed)
    });
    let each = |count: u64| rate(Some(count as f64 / over));
    let rates = format!(
        "of late: started {}  completed {}  failed {}",
        each(started),
        each(completed),
        each(failing)
    );
    vec![Line::from(counts), Line::raw(rates)]
}

fn latencies(all: &[Latency], paint: Paint) -> Vec<Line<'static>> {
    let head = format!(
        "{:<6}{:>9}{:>9}{:>9}  │{:>8}{:>8}{:>8}",
        "ms", "p50", "p95", "p99", "10s p50", "10s p95", "10s p99"
    );
    let mut lines = vec![Line::styled(head, paint.faint())];
    for one in all {
        let [p50, p95, p99] = one.all.map(millis);
        let short = |value: Option<f64>| value.map_or("n/a".into(), |value| format!("{value:.0}"));
        let [late50, late95, late99] = one.late.map(short);
        lines.push(Line::raw(format!(
            "{:<6}{p50:>9}{p95:>9}{p99:>9}  │{late50:>8}{late95:>8}{late99:>8}",
            one.metric.name()
        )));
    }
    lines
}

/// ttfc p95, a column a second: all that a few lines have room for.
fn bars(frame: &mut Frame<'_>, area: Rect, run: &Standing, paint: Paint) {
    let last = run.seconds.last().map_or(0, |second| second.second);
    let columns = u64::from(area.width);
    let from = last.saturating_sub(columns.saturating_sub(1));
    let mut heights = vec![0; (last - from + 1) as usize];
    for second in run.seconds.iter().filter(|one| one.second >= from) {
        heights[(second.second - from) as usize] = second.ttfc.map_or(0, |(_, p95)| p95 as u64);
    }
    let highest = heights.iter().max().copied().unwrap_or(0);
    let title = format!("ttfc p95 a second, at most {highest} ms");
    let block = Block::new().title(Line::styled(title, paint.faint()));
    let style = paint.of(Color::Magenta);
    frame.render_widget(Sparkline::default().data(&heights).style(style).block(block), area);
}

/// ttfc p50 and p95, second by second.
fn rolling(frame: &mut Frame<'_>, area: Rect, run: &Standing, paint: Paint) {
    let now = run.elapsed_s;
    let from = (now - SHOWN).max(0.0);
    let shown = run.seconds.iter().filter(|one| one.second as f64 >= from);
    let (middle, tail): (Vec<_>, Vec<_>) = shown
        .filter_map(|one| {
            let (p50, p95) = one.ttfc?;
            let at = one.second as f64 + 0.5;
            Some(((at, p50), (at, p95)))
        })
        .unzip();
    let highest = tail.iter().map(|point| point.1).fold(1.0, f64::max) * 1.05;
    let line = |name: &'static str, colour| {
        let set = Dataset::default().name(name).style(paint.of(colour));
        set.marker(Marker::Braille).graph_type(GraphType::Line)
    };
    let sets = vec![
        line("ttfc p95", Color::Magenta).data(&tail),
        line("ttfc p50", Color::Blue).data(&middle),
    ];
    // The chart's own legend is left out where it would take much of the room.
    let title = Line::from(vec![
        Span::styled("ttfc p95", paint.of(Color::Magenta)),
        Span::raw(" and "),
        Span::styled("p50", paint.of(Color::Blue)),
        Span::raw(", second by second"),
    ]);
    let chart = Chart::new(sets)
        .block(Block::new().title(title))
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([from, now.max(from + 1.0)])
                .labels([format!("{from:.0}s"), format!("{now:.0}s")].map(Line::from)),
        )
        .y_axis(
            Axis::default()
                .bounds([0.0, highest])
                .labels(["0".to_owned(), format!("{highest:.0}ms")].map(Line::from)),
        );
    frame.render_widget(chart, area);
}

fn thresholds(all: &[ThresholdStanding], area: Rect, paint: Paint) -> Vec<Line<'static>> {
    if all.is_empty() {
        return vec![Line::styled("no thresholds", paint.faint())];
    }
    let mut lines = vec![Line::styled("thresholds", paint.faint())];
    // Those that do not hold first, where not all have room.
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|one| one.holds != Some(false));
    let room = usize::from(area.height.saturating_sub(1));
    for one in all.into_iter().take(room) {
        let (mark, style) = match one.holds {
            Some(true) => ("✓", paint.good()),
            Some(false) => ("✗", paint.bad()),
            None => ("·", paint.faint()),
        };
        let unit = crate::summary::unit(&one.threshold);
        let seen = observed(one.observed, unit);
        let what = format!("{} {}", one.threshold.metric, one.threshold.expression);
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} {seen:<10} "), style),
            Span::raw(one_line(&what)),
        ]));
    }
    lines
}

fn errors(run: &Standing, paint: Paint) -> Vec<Line<'static>> {
    if run.errors.is_empty() {
        return vec![Line::styled("no errors", paint.faint())];
    }
    let mut lines = vec![Line::styled("without an answer", paint.faint())];
    for one in &run.errors {
        let status = one.status.map_or(String::new(), |status| format!(" {status}"));
        let last = one.last.as_deref().map(one_line).unwrap_or_default();
        lines.push(Line::from(vec![
            Span::styled(
                format!("{:>5} {}{status} ", thousands(one.count), one.outcome.error()),
                paint.bad(),
            ),
            Span::styled(last, paint.faint()),
        ]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::clock::Clock;
    use crate::measure::{Goal, Layout, Recorder};
    use crate::sample::{Failure, Outcome, Part, Phase, Sample, Timeline};
    use crate::sink::live::{Facts, Live};
    use crate::threshold::Threshold;
    use crate::units::Offset;

    /// Thirty seconds of a run in which every tenth turn fails.
    fn standing() -> Standing {
        let threshold = |metric, expression| Threshold::parse(metric, expression, &["a"]).unwrap();
        let thresholds = vec![threshold("ttfc", "p(95)<800ms"), threshold("errors", "rate<1%")];
        let selections = thresholds.iter().map(|one| one.selection);
        let layout = Arc::new(Layout::new(1, selections, Goal::default()));
        let facts = Facts {
            name: "support \x1b[2Jdesk".into(),
            run: "r".into(),
            load: "5 users for 1m".into(),
            planned: Some(1_000),
            lasts_s: None,
            thresholds,
            layout: Arc::clone(&layout),
            gauges: Vec::new(),
        };
        let live = Live::new(facts, Clock::start());
        let mut sink = live.sink();
        let mut recorder = Recorder::new(layout);
        for turn in 0..300u64 {
            let at = |millis: u64| Offset::from_nanos((turn * 100 + millis) * 1_000_000);
            let failed = turn % 10 == 0;
            let sample = Sample {
                session_number: turn,
                kind: 0,
                session_id: "s".into(),
                user_id: "u".into(),
                turn: 1,
                part: Part::Main,
                session_turns: 1,
                attempt: 1,
                retried: false,
                phase: Phase::Steady,
                timeline: Timeline {
                    intended: at(0),
                    started: Some(at(0)),
                    first_chunk: Some(at(200 + turn)),
                    last_chunk: Some(at(900)),
                    ended: at(900),
                    ..Timeline::default()
                },
                queue: Default::default(),
                connect: None,
                connection: None,
                client_lag: None,
                chunks: 3,
                reads: 3,
                bytes: 30,
                tool_calls: 0,
                tokens: Default::default(),
                status: failed.then_some(503),
                outcome: match failed {
                    true => Outcome::Failed(Failure::Status),
                    false => Outcome::Completed,
                },
                message: failed.then(|| "Service Unavailable".into()),
            };
            recorder.sample(&sample, &Default::default());
            sink.samples(&[sample]).unwrap();
        }
        while let Some(second) = recorder.finish() {
            sink.second(&second).unwrap();
        }
        live.standing()
    }

    fn picture(width: u16, height: u16, own: Option<&str>) -> Vec<String> {
        let run = standing();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &run, own, Some("Stopping."), false)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let rows = buffer.content().chunks(usize::from(width));
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect()
    }

    #[test]
    fn everything_that_matters_is_in_it_also_at_60_by_15() {
        for (width, height) in [(80, 24), (60, 15), (200, 60)] {
            let rows = picture(width, height, None);
            let all = rows.join("\n");
            assert!(rows[0].starts_with("support [2Jdesk  5 users for 1m"), "{all}");
            for word in [
                "completed 270",
                "failed 30",
                "ttfc ",
                "✓ ",
                "ms ttfc p(95)<800ms",
                "✗ 10.00 %",
                "30 status 503",
                "ttfc p95",
                "Stopping.",
            ] {
                assert!(all.contains(word), "{width}x{height}: {word} is not in\n{all}");
            }
        }
    }

    #[test]
    fn a_tiny_terminal_and_a_line_of_its_own_are_no_trouble() {
        for (width, height) in [(1, 1), (20, 5), (40, 9)] {
            picture(width, height, Some("3/9 done"));
        }
        assert!(picture(60, 15, Some("3/9 done")).iter().any(|row| row.contains("3/9 done")));
    }
}
