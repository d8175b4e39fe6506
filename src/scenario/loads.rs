//! How much is asked at once: the load models, as they stand after checking.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::units::{Rate, Span, UnitError, counted};

/// How much is asked at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// Everything once.
    Once {
        /// Sessions open at once.
        concurrency: u32,
    },
    /// So many users, each opening its next session when the last has ended.
    Closed {
        /// Sessions open at once; with stages, the most there ever are.
        users: u32,
        /// When to stop.
        until: Until,
    },
    /// Sessions arrive on a schedule, whatever the agent does.
    Open {
        /// How often.
        rate: Pace,
        /// How evenly.
        arrivals: Arrivals,
        /// For how long; with stages, their sum.
        duration: Duration,
        /// Most turns on the wire at once; `None`: no bound.
        max_in_flight: Option<u32>,
        /// What an arrival does that finds no free slot.
        on_overload: OnOverload,
    },
    /// Sessions arrive when those of a trace did.
    Replay {
        /// When they did.
        trace: Arc<Trace>,
        /// How many times faster; above zero.
        speed: f64,
        /// Most turns on the wire at once; `None`: no bound.
        max_in_flight: Option<u32>,
        /// What an arrival does that finds no free slot.
        on_overload: OnOverload,
    },
}

/// When a closed load stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// After this time.
    Duration(Duration),
    /// After so many sessions in all.
    Iterations(u64),
    /// After the last of these; users come and go on the way.
    Stages(Arc<[Stage<u32>]>),
}

/// A stretch of time over which a level goes in a straight line from the one before it (at first:
/// nothing) to another. One that takes no time is a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage<T> {
    /// How long it takes.
    pub span: Duration,
    /// The level at its end.
    pub to: T,
}

/// How often sessions arrive.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Always as often.
    Steady(Rate),
    /// As often as the stages say; `None` is not at all.
    Stages(Arc<[Stage<Option<Rate>>]>),
}

/// How evenly sessions arrive.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Arrivals {
    /// At equal distances.
    #[default]
    Even,
    /// Independently of each other (exponential distances).
    Poisson,
    /// Distances are gamma distributed with this shape: below 1 in bursts, 1 is Poisson, above it
    /// more and more even.
    Gamma(f64),
}

/// What an arrival does that finds no free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnOverload {
    /// It waits, and the wait counts.
    #[default]
    Queue,
    /// It is dropped, and the drop is counted.
    Drop,
}

/// When sessions arrived once.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The file, as written.
    pub from: PathBuf,
    /// The part of it that is taken, counted from its earliest arrival; `None`: all of it.
    pub window: Option<(Duration, Duration)>,
    /// Each arrival, in order, from the beginning of the part that is taken; never empty.
    pub arrivals: Vec<Duration>,
    /// Rows that stood right after a later one in the file, and were put in order.
    pub out_of_order: u64,
}

/// Which turns are kept but left out of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmup {
    /// Those due before this.
    Time(Duration),
    /// Those due before so many turns have ended.
    Turns(u64),
}

impl Default for Warmup {
    fn default() -> Self {
        Self::Time(Duration::ZERO)
    }
}

impl Warmup {
    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => Span(*time).fmt(f),
            Self::Turns(1) => f.write_str("1 turn"),
            Self::Turns(turns) => write!(f, "{turns} turns"),
        }
    }
}

impl Load {
    /// What is worth knowing of its trace before it is run: one sentence.
    pub fn note(&self) -> Option<String> {
        let Self::Replay { trace, .. } = self else { return None };
        let (rows, from) = (trace.out_of_order, trace.from.display());
        match rows {
            0 => None,
            1 => Some(format!("a row of {from} stands after a later one; it is put in order")),
            _ => Some(format!(
                "{rows} rows of {from} stand after a later one; they are put in order"
            )),
        }
    }

    /// When no more turns are started, where time ends the load.
    pub fn duration(&self) -> Option<Duration> {
        match self {
            Self::Closed { until: Until::Duration(time), .. }
            | Self::Open { duration: time, .. } => Some(*time),
            Self::Closed { until: Until::Stages(stages), .. } => {
                Some(stages.iter().map(|stage| stage.span).sum())
            }
            Self::Once { .. } | Self::Closed { .. } | Self::Replay { .. } => None,
        }
    }

    /// The bound on turns on the wire and what happens at it, where sessions arrive on a schedule
    /// and there is a bound.
    pub fn bound(&self) -> Option<(u32, OnOverload)> {
        match self {
            Self::Open { max_in_flight, on_overload, .. }
            | Self::Replay { max_in_flight, on_overload, .. } => {
                max_in_flight.map(|most| (most, *on_overload))
            }
            Self::Once { .. } | Self::Closed { .. } => None,
        }
    }
}

impl Pace {
    /// Sessions that arrive in `duration`, on average.
    pub fn expected(&self, duration: Duration) -> f64 {
        match self {
            Self::Steady(rate) => rate.hertz() * duration.as_secs_f64(),
            Self::Stages(stages) => {
                let mut before = 0.0;
                let areas = stages.iter().map(|stage| {
                    let from = std::mem::replace(&mut before, stage.to.map_or(0.0, Rate::hertz));
                    (from + before) / 2.0 * stage.span.as_secs_f64()
                });
                areas.sum()
            }
        }
    }

    /// Sessions a second where they arrive most often.
    pub fn peak_hertz(&self) -> f64 {
        match self {
            Self::Steady(rate) => rate.hertz(),
            Self::Stages(stages) => {
                stages.iter().filter_map(|stage| stage.to).map(Rate::hertz).fold(0.0, f64::max)
            }
        }
    }
}

/// `5/s`, or where the stages go: `to 50/s in 30s, to 0/s in 10s`.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(rate) => rate.fmt(f),
            Self::Stages(stages) => write_stages(f, stages, |f, rate| match rate {
                Some(rate) => rate.fmt(f),
                None => f.write_str("0/s"),
            }),
        }
    }
}

/// `50 users for 1m`, `to 50 users in 30s, to 0 users in 10s`.
impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(time) => write!(f, "for {}", Span(*time)),
            Self::Iterations(count) => {
                write!(f, "{} in all", counted(*count, "session", "sessions"))
            }
            Self::Stages(stages) => write_stages(f, stages, |f, users| users.fmt(f)),
        }
    }
}

fn write_stages<T>(
    f: &mut fmt::Formatter<'_>,
    stages: &[Stage<T>],
    level: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, stage) in stages.iter().enumerate() {
        f.write_str(if index == 0 { "to " } else { ", to " })?;
        level(f, &stage.to)?;
        match stage.span.is_zero() {
            true => f.write_str(" at once")?,
            false => write!(f, " in {}", Span(stage.span))?,
        }
    }
    Ok(())
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Even => f.pad("even"),
            Self::Poisson => f.pad("poisson"),
            Self::Gamma(shape) => write!(f, "gamma({shape})"),
        }
    }
}

impl FromStr for Arrivals {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = |why: &str| {
            UnitError(format!("`{text}` {why}: write `even`, `poisson` or `gamma(0.5)`"))
        };
        match text.trim() {
            "even" => return Ok(Self::Even),
            "poisson" => return Ok(Self::Poisson),
            _ => {}
        }
        let shape = text.trim().strip_prefix("gamma").map(str::trim);
        let shape = shape.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        let shape = shape.ok_or_else(|| bad("is not a way to arrive"))?;
        match shape.trim().parse::<f64>() {
            Ok(shape) if (0.01..=1e6).contains(&shape) => Ok(Self::Gamma(shape)),
            Ok(_) => Err(bad("has a shape out of range (0.01 to 1000000)")),
            Err(_) => Err(bad("has a shape that is not a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_arrive_are_read_and_written() {
        for text in ["even", "poisson", "gamma(0.5)", "gamma(12)"] {
            assert_eq!(text.parse::<Arrivals>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("posson", "not a way to arrive"),
            ("gamma", "not a way to arrive"),
            ("gamma(x)", "not a number"),
            ("gamma(0)", "out of range"),
            ("gamma(NaN)", "out of range"),
        ] {
            assert!(text.parse::<Arrivals>().unwrap_err().0.contains(why), "{text}");
        }
    }

    #[test]
    fn stages_say_where_they_go_and_what_comes_of_them() {
        let stage = |seconds, to: Option<&str>| Stage {
            span: Duration::from_secs(seconds),
            to: to.map(|rate| rate.parse().unwrap()),
        };
        let stages = [stage(0, Some("4/s")), stage(10, Some("8/s")), stage(20, None)];
        let pace = Pace::Stages(stages.into());
        assert_eq!(pace.to_string(), "to 4/s at once, to 8/s in 10s, to 0/s in 20s");
        assert_eq!(pace.expected(Duration::from_secs(30)), 60.0 + 80.0);
        assert_eq!(pace.peak_hertz(), 8.0);
    }
}
