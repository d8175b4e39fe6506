//! The comparison as a whole: gates, error rate, figures, verdict.

use super::errors::{self, ErrorsCompared};
use super::estimate::{Estimate, Missing, estimate};
use super::evidence::Evidence;
use super::figure::Figure;
use super::gates;
use super::judge::{half_width, needs, of_lone_runs, p_value, with_noise};
use super::model::{Comparison, Estimated, FORMAT, FigureCompared, RunNamed, Verdict};
use super::noise::{self, Difference, Noise};
use super::run::{Earlier, Run, Settings};
use crate::metric::Metric;
use crate::stats::multiplicity::holm;
use crate::stats::spread::standard_deviation;

/// Resamples for a figure that decides.
const ROUNDS: usize = 2_000;

/// Compares `new` with `base`, each at least one run. `history` are earlier runs of the same
/// fingerprint in order of time, neither side's among them.
pub fn compare(base: &[Run], new: &[Run], history: &[Earlier], settings: &Settings) -> Comparison {
    let noise = Noise::known(settings.run_noise, history.len(), base.len(), new.len());
    let mut comparison = Comparison {
        format: FORMAT,
        verdict: Verdict::NoDifferenceSeen,
        reasons: Vec::new(),
        caveats: gates::caveats(base, new),
        base: base.iter().map(named).collect(),
        new: new.iter().map(named).collect(),
        noise,
        min_change: settings.min_change,
        errors: None,
        primary: Vec::new(),
        others: Vec::new(),
        rates: Vec::new(),
        kinds: Vec::new(),
        left_out: Vec::new(),
    };
    if let Some((verdict, reasons)) = gates::refused(base, new) {
        comparison.verdict = verdict;
        comparison.reasons = reasons;
        // They are about figures, and there are none.
        comparison.caveats.clear();
        return comparison;
    }
    let sides = Sides { base, new, noise, settings };
    let (errors, primary) = sides.judged(history, &mut comparison.left_out);
    comparison.verdict = overall(&errors, &primary);
    comparison.reasons = sides.reasons(&errors, &primary);
    comparison.others = sides.others(&mut comparison.left_out);
    comparison.rates = sides.rates();
    comparison.kinds = sides.kinds(&mut comparison.left_out);
    comparison.errors = Some(errors);
    comparison.primary = primary;
    comparison
}

fn evidence(side: &[Run]) -> Vec<&Evidence> {
    side.iter().map(|run| &run.evidence).collect()
}

fn named(run: &Run) -> RunNamed {
    RunNamed {
        id: run.id.clone(),
        started_at: run.started_at.clone(),
        commit: run.commit.clone(),
        target: run.target.clone(),
        completed: run.summary.metrics.get(Metric::Total).count,
    }
}

/// The verdict on the whole.
fn overall(errors: &ErrorsCompared, primary: &[FigureCompared]) -> Verdict {
    gravest(std::iter::once(errors.verdict).chain(primary.iter().filter_map(|one| one.verdict)))
}

/// The gravest of the verdicts.
pub(super) fn gravest(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<Verdict> = verdicts.collect();
    let order = [
        Verdict::Incomparable,
        Verdict::Invalid,
        Verdict::Regressed,
        Verdict::Inconclusive,
        Verdict::Differs,
        Verdict::Improved,
        Verdict::NoWorse,
    ];
    order.into_iter().find(|one| verdicts.contains(one)).unwrap_or(Verdict::NoDifferenceSeen)
}

/// Two sides that may be compared.
pub(super) struct Sides<'a> {
    pub(super) base: &'a [Run],
    pub(super) new: &'a [Run],
    noise: Noise,
    pub(super) settings: &'a Settings,
}

/// A figure with the numbers that its verdict is made from.
pub(super) struct Weighed {
    figure: Figure,
    pub(super) shown: FigureCompared,
    difference: Option<Difference>,
    turns: u64,
}

impl Sides<'_> {
    /// The error rate and the figures that decide, with their verdicts.
    fn judged(
        &self,
        history: &[Earlier],
        left_out: &mut Vec<String>,
    ) -> (ErrorsCompared, Vec<FigureCompared>) {
        let (base, new) = (evidence(self.base), evidence(self.new));
        let counts: Vec<_> = history.iter().map(|one| one.errors).collect();
        let rates = errors::rates(self.noise, &base, &new, &counts);
        let figures = self.settings.primary.iter().enumerate();
        let mut weighed: Vec<Weighed> = figures
            .map(|(at, &figure)| {
                let before: Vec<f64> = history
                    .iter()
                    .filter_map(|one| one.figures.get(at).copied().flatten())
                    .map(|millis| millis.max(1e-3).ln())
                    .collect();
                self.weigh(figure, None, ROUNDS, &before, left_out)
            })
            .collect();
        // Only what can be tested is a test among several.
        let spreads = |pick: &dyn Fn(&Difference) -> noise::Spread| {
            let tested = weighed.iter().filter_map(|one| one.difference.as_ref());
            tested.map(|one| p_value(one.log, pick(one))).collect::<Vec<f64>>()
        };
        let mut with_noise_p = spreads(&|one| one.whole);
        let mut within_p = spreads(&|one| one.within);
        if rates.has_errors() {
            with_noise_p.push(rates.p_noise);
            within_p.push(rates.p_within);
        }
        let adjust = |p: &[f64]| -> Vec<f64> {
            let at_once = self.settings.at_once as f64;
            holm(p).into_iter().map(|p| (p * at_once).min(1.0)).collect()
        };
        let (adjusted, adjusted_within) = (adjust(&with_noise_p), adjust(&within_p));
        let last = |all: &[f64]| if rates.has_errors() { all[all.len() - 1] } else { 1.0 };
        let errors = rates.judged(
            self.noise,
            last(&adjusted),
            last(&adjusted_within),
            self.settings.min_change,
        );
        let more_errors = errors.difference > 0.0
            && matches!(errors.verdict, Verdict::Regressed | Verdict::Differs);
        let mut tested = 0;
        for one in &mut weighed {
            let Some(difference) = &one.difference else {
                one.shown.verdict = Some(Verdict::Inconclusive);
                continue;
            };
            let verdict = match self.noise.is_known() {
                true => with_noise(difference, adjusted[tested], self.settings.min_change),
                false => of_lone_runs(difference.log, adjusted[tested], adjusted_within[tested]),
            };
            one.shown.p = Some(with_noise_p[tested]);
            one.shown.p_adjusted = Some(adjusted[tested]);
            one.shown.verdict = Some(verdict);
            if matches!(verdict, Verdict::Inconclusive | Verdict::Differs) {
                let sides = (self.base.len(), self.new.len());
                one.shown.needs = needs(difference, one.turns, sides, self.settings.min_change);
            }
            if verdict == Verdict::Improved && more_errors {
                one.shown.verdict = Some(Verdict::Differs);
                one.shown.needs = None;
                one.shown.note = Some(format!(
                    "{} is of the answered turns, and more are without an answer: the slow may be \
                     missing.",
                    one.figure
                ));
            }
            tested += 1;
        }
        (errors, weighed.into_iter().map(|one| one.shown).collect())
    }

    pub(super) fn weigh(
        &self,
        figure: Figure,
        kind: Option<u16>,
        rounds: usize,
        history: &[f64],
        left_out: &mut Vec<String>,
    ) -> Weighed {
        let side = |runs: &[Run], salt: u64| -> Result<Vec<Estimate>, Missing> {
            let runs = runs.iter().enumerate();
            runs.map(|(at, run)| {
                estimate(&run.evidence, kind, figure, rounds, 2 * at as u64 + salt)
            })
            .collect()
        };
        let mut shown = FigureCompared {
            figure,
            base: None,
            new: None,
            ratio: None,
            interval: None,
            within: None,
            between: None,
            p: None,
            p_adjusted: None,
            verdict: None,
            needs: None,
            note: None,
        };
        let (base, new) = match (side(self.base, 0), side(self.new, 1)) {
            (Ok(base), Ok(new)) => (base, new),
            (base, new) => {
                left_out.extend(sentences(figure, kind, base.err(), new.err()));
                return Weighed { figure, shown, difference: None, turns: 0 };
            }
        };
        let difference = noise::difference(self.noise, &base, &new, history);
        let interval = |spread| {
            let half = half_width(spread);
            Some([(difference.log - half).exp(), (difference.log + half).exp()])
        };
        shown.base = Some(estimated(&base));
        shown.new = Some(estimated(&new));
        shown.ratio = Some(difference.log.exp());
        shown.interval = interval(difference.whole);
        shown.within = interval(difference.within);
        shown.between = Some(difference.between.sqrt().exp() - 1.0);
        let turns = base.iter().chain(&new).map(|one| one.count).min().unwrap_or(0);
        Weighed { figure, shown, difference: Some(difference), turns }
    }

    /// Why the verdict is what it is.
    fn reasons(&self, errors: &ErrorsCompared, primary: &[FigureCompared]) -> Vec<String> {
        let mut reasons = Vec::new();
        let percent = |rate: f64| format!("{:.2} %", rate * 100.0);
        if matches!(errors.verdict, Verdict::Regressed | Verdict::Improved | Verdict::Differs) {
            reasons.push(format!(
                "Turns without an answer went from {} to {}.",
                percent(errors.base.rate),
                percent(errors.new.rate)
            ));
        }
        for one in primary {
            let (Some(verdict), Some(ratio)) = (one.verdict, one.ratio) else { continue };
            if matches!(verdict, Verdict::Regressed | Verdict::Improved) {
                let way = if ratio > 1.0 { "slower" } else { "faster" };
                let off = (ratio - 1.0).abs() * 100.0;
                reasons.push(format!("{} is {off:.1} % {way}.", one.figure));
            }
            reasons.extend(one.note.clone());
        }
        reasons
    }
}

/// Why a figure is not compared.
fn sentences(
    figure: Figure,
    kind: Option<u16>,
    base: Option<Missing>,
    new: Option<Missing>,
) -> Vec<String> {
    let values = if kind.is_some() { "of its values" } else { "values" };
    let sentence = |side: &str, why: Missing| match why {
        Missing::NoData => format!("{figure}: no turn of {side} has a value."),
        Missing::TooFew { count, needed } => format!(
            "{figure}: {count} {values} in {side}, and it takes {needed} to say how sure it is."
        ),
    };
    match (base, new) {
        (Some(Missing::TooFew { count, needed }), Some(Missing::TooFew { count: new, .. })) => {
            vec![sentence(&format!("BASE and {new} in NEW"), Missing::TooFew { count, needed })]
        }
        (base, new) => {
            let both = [("BASE", base), ("NEW", new)];
            both.into_iter().filter_map(|(side, why)| Some(sentence(side, why?))).collect()
        }
    }
}

/// One side in a table.
fn estimated(side: &[Estimate]) -> Estimated {
    let many = side.len() as f64;
    let log = side.iter().map(|one| one.log).sum::<f64>() / many;
    let own = side.iter().map(|one| one.error * one.error).sum::<f64>() / many;
    let logs: Vec<f64> = side.iter().map(|one| one.log).collect();
    let between = standard_deviation(&logs).map_or(0.0, |one| one * one);
    let freedom = match side {
        [one] => one.freedom,
        _ => many - 1.0,
    };
    let error = (own.max(between) / many).sqrt();
    let half = half_width(noise::Spread { error, freedom });
    Estimated {
        value: log.exp(),
        plus_minus: half.exp() - 1.0,
        count: side.iter().map(|one| one.count).sum(),
    }
}
