//! What is shown beside the figures that decide, without a verdict: more figures, rates, session
//! kinds.

use super::errors;
use super::evidence::Source;
use super::model::{FigureCompared, KindCompared, RateCompared};
use super::run::{OTHERS, Run};
use super::whole::Sides;
use crate::summary::Summary;

/// Resamples for a figure that is shown.
const ROUNDS: usize = 400;
/// More session kinds than this are not worth their resamples.
const KINDS: usize = 24;

impl Sides<'_> {
    pub(super) fn others(&self, left_out: &mut Vec<String>) -> Vec<FigureCompared> {
        let mut shown = Vec::new();
        for figure in OTHERS.into_iter().filter(|one| !self.settings.primary.contains(one)) {
            let has = |run: &Run| run.evidence.of(None, figure.metric).is_some();
            // What neither side has (reasoning, tokens) is not missing.
            if !self.base.iter().chain(self.new).any(has) {
                continue;
            }
            let one = self.weigh(figure, None, ROUNDS, &[], left_out).shown;
            shown.extend(one.ratio.is_some().then_some(FigureCompared {
                interval: None,
                between: None,
                ..one
            }));
        }
        shown
    }

    pub(super) fn rates(&self) -> Vec<RateCompared> {
        type Of = fn(&Summary) -> Option<f64>;
        let rates: [(&str, Of); 4] = [
            ("throughput", |summary| summary.rates.throughput_per_s),
            ("chunks", |summary| summary.rates.chunks_per_s),
            ("goodput", |summary| summary.rates.goodput_per_s),
            ("tokens", |summary| summary.rates.tokens_per_s),
        ];
        let mean = |side: &[Run], of: Of| {
            let all: Option<Vec<f64>> = side.iter().map(|run| of(&run.summary)).collect();
            all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
        };
        let compared = rates.into_iter().filter_map(|(rate, of)| {
            Some(RateCompared {
                rate: rate.into(),
                base: mean(self.base, of)?,
                new: mean(self.new, of)?,
            })
        });
        compared.collect()
    }

    pub(super) fn kinds(&self, left_out: &mut Vec<String>) -> Vec<KindCompared> {
        let names = self.base.first().map_or(&[][..], |run| run.kinds.as_slice());
        let all = || self.base.iter().chain(self.new);
        if names.len() < 2 || all().any(|run| run.evidence.source() == Source::Histograms) {
            return Vec::new();
        }
        if names.len() > KINDS {
            left_out.push(format!("Only the first {KINDS} of {} session kinds.", names.len()));
        }
        let mut compared = Vec::new();
        for (name, kind) in names.iter().zip(0u16..).take(KINDS) {
            let rate = |side: &[Run]| {
                let each = side.iter().map(|run| errors::counts(&run.evidence, Some(kind)));
                let (failed, all) = each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                (all > 0).then(|| failed as f64 / all as f64)
            };
            let mut missing = Vec::new();
            let figures: Vec<FigureCompared> = self
                .settings
                .primary
                .iter()
                .filter(|figure| all().any(|r| r.evidence.of(Some(kind), figure.metric).is_some()))
                .map(|&figure| {
                    let one = self.weigh(figure, Some(kind), ROUNDS, &[], &mut missing);
                    FigureCompared { interval: None, between: None, ..one.shown }
                })
                .collect();
            if let Some(why) = missing.first() {
                left_out.push(format!("Session kind {name}: {why}"));
            }
            compared.push(KindCompared {
                session: name.clone(),
                base_error_rate: rate(self.base),
                new_error_rate: rate(self.new),
                figures,
            });
        }
        compared
    }
}
