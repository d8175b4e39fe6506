//! What a comparison says. Keys of its JSON are only ever added; readers go by name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::errors::ErrorsCompared;
use super::figure::Figure;
use super::noise::Noise;

/// Version of the JSON of a comparison.
pub(super) const FORMAT: u32 = 1;

/// Two sides compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this format.
    pub format: u32,
    /// Of the whole.
    pub verdict: Verdict,
    /// Why, each a sentence.
    pub reasons: Vec<String>,
    /// What to know before believing it, each a sentence.
    pub caveats: Vec<String>,
    /// The runs that are the measure.
    pub base: Vec<RunNamed>,
    /// The runs that are measured by it.
    pub new: Vec<RunNamed>,
    /// How much runs differ without a reason.
    pub noise: Noise,
    /// The smallest change that matters, a fraction.
    pub min_change: f64,
    /// Turns without an answer; `None` where the runs could not be compared.
    pub errors: Option<ErrorsCompared>,
    /// The figures that decide.
    pub primary: Vec<FigureCompared>,
    /// More figures, for looking: no verdict.
    pub others: Vec<FigureCompared>,
    /// Rates, for looking.
    pub rates: Vec<RateCompared>,
    /// Session kinds, for looking.
    pub kinds: Vec<KindCompared>,
    /// What could not be compared, and why, each a sentence.
    pub left_out: Vec<String>,
}

/// A run of a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunNamed {
    /// Its id.
    pub id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The commit of its working directory.
    pub commit: Option<String>,
    /// What it asked.
    pub target: String,
    /// Completed turns after the warm-up.
    pub completed: u64,
}

/// What is said of a figure, and of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Worse, beyond chance and the noise between runs.
    Regressed,
    /// Better, beyond both.
    Improved,
    /// Not worse by as much as matters.
    NoWorse,
    /// Neither can be told.
    Inconclusive,
    /// The two runs differ; whether the agent does cannot be told from two lone runs.
    Differs,
    /// The two runs do not differ beyond chance.
    NoDifferenceSeen,
    /// Something else was asked: the figures say nothing about each other.
    Incomparable,
    /// A run that is not to be relied on.
    Invalid,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::NoWorse => "no worse",
            Self::Inconclusive => "inconclusive",
            Self::Differs => "differs",
            Self::NoDifferenceSeen => "no difference seen",
            Self::Incomparable => "incomparable",
            Self::Invalid => "invalid",
        }
    }
}

/// One side of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    /// In milliseconds; of several runs, their geometric mean.
    pub value: f64,
    /// Half of its 95 % interval, as a fraction of the value: from the turns of the runs, and where
    /// there are several from how they differ as well.
    pub plus_minus: f64,
    /// Values that it is of.
    pub count: u64,
}

/// One figure of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureCompared {
    /// Which, as `ttfc.p95`.
    pub figure: Figure,
    /// The measure.
    pub base: Option<Estimated>,
    /// What is measured by it.
    pub new: Option<Estimated>,
    /// New over base.
    pub ratio: Option<f64>,
    /// The 95 % interval of the ratio with the noise between runs: what the verdict rests on.
    pub interval: Option<[f64; 2]>,
    /// The 95 % interval of the ratio between these very runs, from their turns alone.
    pub within: Option<[f64; 2]>,
    /// How much runs of an unchanged agent were taken to differ beyond what their turns explain: a
    /// standard deviation, as a fraction.
    pub between: Option<f64>,
    /// How often chance and noise alone differ as much.
    pub p: Option<f64>,
    /// The same after Holm's correction for looking at several figures.
    pub p_adjusted: Option<f64>,
    /// `None` where it is shown for looking.
    pub verdict: Option<Verdict>,
    /// What it would take to tell.
    pub needs: Option<Needs>,
    /// Why the verdict is not what the numbers alone would say.
    pub note: Option<String>,
}

/// What it would take to tell: one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// So many more turns in each run; `None`: more turns would not do.
    pub turns: Option<u64>,
    /// So many more runs on each side; `None`: more runs would not do.
    pub runs: Option<u64>,
}

/// A rate of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateCompared {
    /// `throughput`, `chunks`, `goodput` or `tokens`.
    pub rate: Cow<'static, str>,
    /// A second; of several runs, the mean.
    pub base: f64,
    /// The same.
    pub new: f64,
}

/// One session kind of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindCompared {
    /// Its name.
    pub session: String,
    /// Share of turns without an answer.
    pub base_error_rate: Option<f64>,
    /// The same.
    pub new_error_rate: Option<f64>,
    /// The primary figures of its turns.
    pub figures: Vec<FigureCompared>,
}
