//! Reading thresholds, and saying what is wrong with them.

use super::{Aggregation, Comparison, Selection, Subject, Threshold};
use crate::metric::Metric;
use crate::units::{Rate, Share, UnitError, parse_duration};

/// Longer ones first: `<=` also begins with `<`. `===` is what some k6 scripts have.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("===", Comparison::Equal),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

const TAGS: [&str; 3] = ["session", "turn", "scenario"];

/// What tags can name: a scenario and its session kinds, in the plan's order.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a, S> {
    /// What the scenario is called; `None` goes by any name.
    pub scenario: Option<&'a str>,
    /// Its session kinds.
    pub kinds: &'a [S],
}

impl Threshold {
    /// Reads one expression (`p(95)<800ms`) under its key (`ttfc{session=refund}`). `kinds` are the
    /// names of the scenario's session kinds, in the plan's order.
    ///
    /// A duration without a unit is in milliseconds, as in k6. `Err` says in one sentence what is
    /// not understood and what could be meant.
    pub fn parse<S: AsRef<str>>(
        metric_key: &str,
        expression: &str,
        kinds: &[S],
    ) -> Result<Self, UnitError> {
        Self::parse_in(metric_key, expression, &[Named { scenario: None, kinds }])
    }

    /// The same in a run of several scenarios, in its order.
    pub fn parse_in<S: AsRef<str>>(
        metric_key: &str,
        expression: &str,
        named: &[Named<'_, S>],
    ) -> Result<Self, UnitError> {
        let (name, tags) = split_key(metric_key)?;
        let subject = subject(name)?;
        let selection = read_tags(name, subject, tags, named)?;
        let (aggregation, comparison, bound) = read_expression(name, subject, expression)?;
        Ok(Self {
            metric: metric_key.into(),
            expression: expression.into(),
            subject,
            selection,
            aggregation,
            comparison,
            bound,
        })
    }
}

fn split_key(key: &str) -> Result<(&str, &str), UnitError> {
    let key = key.trim();
    match key.split_once('{') {
        None => Ok((key, "")),
        Some((name, tags)) => match tags.trim_end().strip_suffix('}') {
            Some(tags) => Ok((name.trim_end(), tags)),
            None => Err(UnitError(format!("`{key}` has no `}}` at its end"))),
        },
    }
}

fn subject(name: &str) -> Result<Subject, UnitError> {
    let others = [
        ("errors", Subject::Errors),
        ("throughput", Subject::Throughput),
        ("chunks", Subject::Chunks),
        ("tokens", Subject::Tokens),
        ("goodput", Subject::Goodput),
        ("in_flight", Subject::InFlight),
    ];
    let durations = Metric::ALL.map(|metric| (metric.name(), Subject::Duration(metric)));
    let all: Vec<_> = durations.into_iter().chain(others).collect();
    if let Some((_, subject)) = all.iter().find(|(known, _)| *known == name) {
        return Ok(*subject);
    }
    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    Err(UnitError(format!(
        "there is no metric `{name}`{}",
        meant(name, &names).unwrap_or_else(|| format!(": there are {}", names.join(", ")))
    )))
}

fn read_tags<S: AsRef<str>>(
    name: &str,
    subject: Subject,
    tags: &str,
    named: &[Named<'_, S>],
) -> Result<Selection, UnitError> {
    let mut selection = Selection::default();
    let (mut session, mut scenario) = (None, None);
    let mut seen = Vec::new();
    for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (key, value) = tag.split_once(['=', ':']).ok_or_else(|| {
            UnitError(format!("the tag `{tag}` has no value: write `{{session=NAME}}`"))
        })?;
        let (key, value) = (key.trim(), unquoted(value.trim()));
        if seen.contains(&key) {
            return Err(UnitError(format!("the tag `{key}` is there twice")));
        }
        seen.push(key);
        match key {
            "session" => session = Some(value),
            "turn" => {
                let turn = value.parse().ok().filter(|&turn| turn > 0);
                selection.turn = Some(turn.ok_or_else(|| {
                    UnitError(format!("`turn={value}` is not a position in a session, from 1"))
                })?);
            }
            "scenario" => scenario = Some(scenario_named(value, named)?),
            _ => {
                let hint = meant(key, &TAGS)
                    .unwrap_or_else(|| ": there are session, turn and scenario".into());
                return Err(UnitError(format!("there is no tag `{key}`{hint}")));
            }
        }
    }
    let refuse = |tag: &str, why: &str| {
        Err(UnitError(format!("`{name}` cannot have the tag `{tag}`: it is {why}")))
    };
    if let Some(session) = session {
        selection.kind = Some(kind(session, scenario, named)?);
    } else if named.len() > 1 {
        selection.scenario = scenario;
    }
    match subject {
        Subject::InFlight if selection.scenario.is_some() => refuse("scenario", "of the whole run"),
        Subject::InFlight if selection.kind.is_some() => refuse("session", "of the whole run"),
        Subject::InFlight if selection.turn.is_some() => refuse("turn", "of the whole run"),
        Subject::Duration(Metric::SessionTotal) if selection.turn.is_some() => {
            refuse("turn", "of whole sessions")
        }
        _ => Ok(selection),
    }
}

fn scenario_named<S>(name: &str, named: &[Named<'_, S>]) -> Result<u16, UnitError> {
    let found = named.iter().position(|one| one.scenario.is_none_or(|own| own == name));
    if let Some(scenario) = found.and_then(|at| u16::try_from(at).ok()) {
        return Ok(scenario);
    }
    let names: Vec<_> = named.iter().filter_map(|one| one.scenario).collect();
    let hint = meant(name, &names).unwrap_or_else(|| match names.as_slice() {
        [only] => format!(": this one is `{only}`"),
        _ => format!(": there are {}", names.join(", ")),
    });
    Err(UnitError(format!("there is no scenario `{name}`{hint}")))
}

/// The session kind of that name, in `scenario` where that is said; the only one of that name where
/// it is not.
fn kind<S: AsRef<str>>(
    name: &str,
    scenario: Option<u16>,
    named: &[Named<'_, S>],
) -> Result<u16, UnitError> {
    let all = named
        .iter()
        .enumerate()
        .flat_map(|(at, one)| one.kinds.iter().map(move |kind| (at, one.scenario, kind.as_ref())));
    let asked = |at: usize| scenario.is_none_or(|only| usize::from(only) == at);
    let within: Vec<_> = all.enumerate().filter(|(_, (at, _, _))| asked(*at)).collect();
    let mut found = within.iter().filter(|(_, (_, _, kind))| *kind == name);
    if let Some((kind, (_, first, _))) = found.next() {
        if let Some((_, (_, second, _))) = found.next() {
            let [first, second] = [*first, *second].map(Option::unwrap_or_default);
            return Err(UnitError(format!(
                "`{name}` is a session of `{first}` and of `{second}`: write which, as in \
                 `{{scenario={first},session={name}}}`"
            )));
        }
        return u16::try_from(*kind).map_err(|_| UnitError(format!("`{name}` is one too many")));
    }
    let names: Vec<_> = within.iter().map(|(_, (_, _, kind))| *kind).collect();
    let hint = meant(name, &names).unwrap_or_else(|| format!(": there are {}", names.join(", ")));
    Err(UnitError(format!("there is no session `{name}`{hint}")))
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

fn read_expression(
    name: &str,
    subject: Subject,
    expression: &str,
) -> Result<(Aggregation, Comparison, f64), UnitError> {
    let bad = |why: String| UnitError(format!("`{expression}` {why}"));
    let at = expression
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| bad(format!("compares nothing: write `{}`", example(subject))))?;
    let (left, rest) = expression.split_at(at);
    let (sign, comparison) = COMPARISONS
        .iter()
        .find(|(sign, _)| rest.starts_with(sign))
        .ok_or_else(|| bad("has an unknown comparison: use <, <=, >, >=, == or !=".into()))?;
    let aggregation = aggregation(left.trim(), subject).map_err(bad)?;
    if !fits(subject, aggregation) {
        return Err(bad(format!(
            "asks for a figure that `{name}` does not have: it has {}",
            figures(subject)
        )));
    }
    let right = rest[sign.len()..].trim();
    let bound = bound(subject, aggregation, right)
        .map_err(|error| bad(format!("has a bound that is not understood: {error}")))?;
    Ok((aggregation, *comparison, bound))
}

fn aggregation(word: &str, subject: Subject) -> Result<Aggregation, String> {
    if let Some(inside) = word.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')) {
        return inside
            .trim()
            .parse()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(Aggregation::Percentile)
            .ok_or_else(|| format!("has a percentile `{inside}` that is not between 0 and 100"));
    }
    Ok(match word {
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "avg" | "mean" => Aggregation::Mean,
        "med" | "median" => Aggregation::Percentile(50.0),
        "count" => Aggregation::Count,
        "rate" => Aggregation::Rate,
        "value" => Aggregation::Value,
        "" => return Err(format!("names no figure: write `{}`", example(subject))),
        _ => {
            let digits = word.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
            let names = ["min", "max", "avg", "med", "count", "rate", "value"];
            return Err(match digits {
                Some(percent) => format!("has `{word}`: write `p({percent})`"),
                None => format!(
                    "has an unknown figure `{word}`{}",
                    meant(word, &names)
                        .unwrap_or_else(|| format!(": there are p(95), {}", names.join(", ")))
                ),
            });
        }
    })
}

fn fits(subject: Subject, aggregation: Aggregation) -> bool {
    use Aggregation::{Count, Max, Mean, Min, Percentile, Rate, Value};
    match subject {
        Subject::Duration(_) => matches!(aggregation, Percentile(_) | Min | Max | Mean | Count),
        Subject::InFlight => matches!(aggregation, Min | Max | Mean | Value),
        Subject::Errors
        | Subject::Throughput
        | Subject::Chunks
        | Subject::Tokens
        | Subject::Goodput => {
            matches!(aggregation, Rate | Count)
        }
    }
}

fn figures(subject: Subject) -> &'static str {
    match subject {
        Subject::Duration(_) => "p(N), min, max, avg, med and count",
        Subject::InFlight => "min, max, avg and value",
        _ => "rate and count",
    }
}

fn example(subject: Subject) -> &'static str {
    match subject {
        Subject::Duration(_) => "p(95)<800ms",
        Subject::Errors => "rate<1%",
        Subject::InFlight => "max<500",
        Subject::Throughput | Subject::Chunks | Subject::Tokens | Subject::Goodput => "rate>20/s",
    }
}

fn bound(subject: Subject, aggregation: Aggregation, text: &str) -> Result<f64, UnitError> {
    let number = text.parse::<f64>().ok().filter(|bound| bound.is_finite() && *bound >= 0.0);
    match (subject, aggregation) {
        (Subject::Duration(_), Aggregation::Count) | (Subject::InFlight, _) => number,
        (Subject::Duration(_), _) => match number {
            Some(millis) => Some(millis),
            None => return parse_duration(text).map(|bound| bound.as_secs_f64() * 1e3),
        },
        (Subject::Errors, Aggregation::Rate) => {
            return text.parse::<Share>().map(Share::fraction);
        }
        (_, Aggregation::Rate) => match number {
            Some(per_second) => Some(per_second),
            None => return text.parse::<Rate>().map(Rate::hertz),
        },
        _ => number,
    }
    .ok_or_else(|| UnitError(format!("`{text}` is not a number")))
}

/// `: did you mean …?` where one of `known` is close.
fn meant(word: &str, known: &[&str]) -> Option<String> {
    let close = |one: &&str| strsim::damerau_levenshtein(one, word);
    let best = known.iter().copied().min_by_key(close)?;
    let allowed = 1 + word.chars().count() / 4;
    (close(&best) <= allowed).then(|| format!(": did you mean `{best}`?"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(key: &str, expression: &str) -> Result<Threshold, UnitError> {
        Threshold::parse(key, expression, &["refund", "questions"])
    }

    #[test]
    fn what_k6_users_write_is_understood() {
        use Aggregation::{Count, Max, Mean, Percentile, Rate, Value};
        use Comparison::{Above, AtLeast, AtMost, Below, Equal, Unequal};
        let ttfc = Subject::Duration(Metric::Ttfc);
        for (key, expression, subject, aggregation, comparison, bound) in [
            ("ttfc", "p(95)<800ms", ttfc, Percentile(95.0), Below, 800.0),
            ("ttfc", "p(99.9) <= 1.5s", ttfc, Percentile(99.9), AtMost, 1500.0),
            ("ttfc", "p(95)<800", ttfc, Percentile(95.0), Below, 800.0),
            ("ttfc", "med<1m30s", ttfc, Percentile(50.0), Below, 90_000.0),
            ("ttfc", "avg<250us", ttfc, Mean, Below, 0.25),
            ("ttfc", "mean<1s", ttfc, Mean, Below, 1000.0),
            ("ttfc", "max!=0", ttfc, Max, Unequal, 0.0),
            ("ttfc", "count>=1000", ttfc, Count, AtLeast, 1000.0),
            ("errors", "rate<1%", Subject::Errors, Rate, Below, 0.01),
            ("errors", "rate<0.01", Subject::Errors, Rate, Below, 0.01),
            ("errors", "count===0", Subject::Errors, Count, Equal, 0.0),
            ("throughput", "rate>300/m", Subject::Throughput, Rate, Above, 5.0),
            ("throughput", "rate>20", Subject::Throughput, Rate, Above, 20.0),
            ("goodput", "rate>20/s", Subject::Goodput, Rate, Above, 20.0),
            ("chunks", "count>5", Subject::Chunks, Count, Above, 5.0),
            ("in_flight", "value==0", Subject::InFlight, Value, Equal, 0.0),
        ] {
            let read = parse(key, expression).unwrap();
            assert_eq!(
                (read.subject, read.aggregation, read.comparison),
                (subject, aggregation, comparison),
                "{key}: {expression}"
            );
            assert!((read.bound - bound).abs() < 1e-9, "{key}: {expression}: {}", read.bound);
            assert_eq!((read.metric.as_str(), read.expression.as_str()), (key, expression));
        }
        let all = [Metric::Ttfc, Metric::Gap, Metric::SessionTotal, Metric::Lateness];
        for metric in all {
            assert!(parse(metric.name(), "p(50)<1s").is_ok(), "{metric}");
        }
    }

    #[test]
    fn tags_have_an_equals_sign_or_a_colon() {
        for key in [
            "ttfc{session=questions,turn=2}",
            "ttfc{ session:questions, turn:2 }",
            "ttfc{turn:2,session:\"questions\"}",
        ] {
            let read = parse(key, "p(95)<1s").unwrap();
            assert_eq!(
                read.selection,
                Selection { kind: Some(1), turn: Some(2), scenario: None },
                "{key}"
            );
        }
        let read = parse("errors{scenario=desk}", "rate<1%").unwrap();
        assert_eq!(read.selection, Selection::default(), "of the one there is");
        assert_eq!(parse("ttfc{}", "p(95)<1s").unwrap().selection, Selection::default());
    }

    #[test]
    fn where_several_are_run_together_tags_name_which() {
        let parse = |key: &str| {
            let steady = Named { scenario: Some("steady"), kinds: &["chat", "refund"] };
            let burst = Named { scenario: Some("burst"), kinds: &["chat"] };
            Threshold::parse_in(key, "p(95)<1s", &[steady, burst])
        };
        let selection = |scenario, kind| Selection { scenario, kind, turn: None };
        for (key, expected) in [
            ("ttfc", selection(None, None)),
            ("ttfc{scenario=burst}", selection(Some(1), None)),
            ("ttfc{scenario=burst,session=chat}", selection(None, Some(2))),
            ("ttfc{session=chat,scenario=steady}", selection(None, Some(0))),
            ("ttfc{session=refund}", selection(None, Some(1))),
        ] {
            assert_eq!(parse(key).unwrap().selection, expected, "{key}");
        }
        for (key, why) in [
            ("ttfc{scenario=brust}", "no scenario `brust`: did you mean `burst`?"),
            ("ttfc{session=chat}", "a session of `steady` and of `burst`: write which"),
            ("ttfc{session=refund,scenario=burst}", "no session `refund`: there are chat"),
        ] {
            let error = parse(key).unwrap_err().to_string();
            assert!(error.contains(why), "{key}: {error}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_way_out() {
        for (key, expression, why) in [
            ("tfc", "p(95)<1s", "there is no metric `tfc`: did you mean `ttfc`?"),
            ("http_req_duration", "p(95)<1s", "there are ttfc, ttfc_service"),
            ("ttfc{sesion=refund}", "p(95)<1s", "no tag `sesion`: did you mean `session`?"),
            ("ttfc{user=3}", "p(95)<1s", "there are session, turn and scenario"),
            ("ttfc{session=refnd}", "p(95)<1s", "no session `refnd`: did you mean `refund`?"),
            ("ttfc{session=billing}", "p(95)<1s", "there are refund, questions"),
            ("ttfc{session}", "p(95)<1s", "has no value"),
            ("ttfc{turn=0}", "p(95)<1s", "from 1"),
            ("ttfc{turn=1,turn=2}", "p(95)<1s", "twice"),
            ("ttfc{session=refund", "p(95)<1s", "has no `}`"),
            ("in_flight{session=refund}", "max<5", "of the whole run"),
            ("session_total{turn=1}", "max<5s", "of whole sessions"),
            ("ttfc", "p95<1s", "write `p(95)`"),
            ("ttfc", "p(101)<1s", "not between 0 and 100"),
            ("ttfc", "p(x)<1s", "not between 0 and 100"),
            ("ttfc", "<1s", "names no figure: write `p(95)<800ms`"),
            ("ttfc", "p(95)", "compares nothing"),
            ("ttfc", "p(95)=1s", "unknown comparison"),
            ("ttfc", "agv<1s", "did you mean `avg`?"),
            ("ttfc", "rate<1%", "does not have: it has p(N), min, max"),
            ("errors", "p(95)<1%", "it has rate and count"),
            ("ttfc", "p(95)<1%", "not understood"),
            ("ttfc", "p(95)<", "not understood"),
            ("ttfc", "p(95)<-5", "not understood"),
            ("ttfc", "p(95)<NaN", "not understood"),
            ("errors", "rate<5", "not between 0% and 100%"),
            ("throughput", "rate>5/d", "use s, m or h"),
            ("errors", "count<1%", "is not a number"),
        ] {
            let error = parse(key, expression).unwrap_err().to_string();
            assert!(error.contains(why), "{key}: {expression}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(key in "\\PC{0,20}", expression in "\\PC{0,20}") {
            let _ = parse(&key, &expression);
            let _ = parse("ttfc", &expression);
            let _ = parse(&format!("ttfc{{{key}}}"), "p(95)<1s");
        }
    }
}
