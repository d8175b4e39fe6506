//! Numbers, and what to know before believing them.
//!
//! A [`Summary`] is a pure function of the run's [`Totals`](crate::measure::Totals) and of a few
//! [`RunFacts`]; it is what `summary.json` holds and what every report is made from.

mod accuracy;
mod build;
mod caveat;
mod confidence;
mod facts;
mod judge;
mod metrics;
mod model;
mod observed;
mod validity;

pub use accuracy::Accuracy;
pub use build::summarize;
pub use caveat::Caveat;
pub use facts::{LoadFacts, LoadModel, Offered, RunFacts, ScenarioFacts};
pub use judge::{Verdict, unit};
pub use metrics::{All, Figures, Metrics, Percentiles};
pub use model::{
    CaveatText, CountsSummary, ErrorSummary, Group, LoadSummary, Rates, RunSummary, ScenarioLoad,
    ScenarioSummary, StoppedSummary, Summary, ThresholdResult, Validity, ValidityVerdict,
};
pub use observed::{Busy, Control, Hiccups, Observed, ProcessTime, Retransmits, Used};
pub use validity::Reason;
