//! Earlier runs of the same fingerprint, for how much runs differ by themselves.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::StoredRun;
use crate::artifact::history;
use crate::compare::{Earlier, Figure, Run, Settings};
use crate::history::{Entry, Primary};

/// The runs at `place` (a folder of run directories, with or without a `history.jsonl`, or such a
/// file) that did the same as `base` and `new`, are whole and valid, and began before the newest of
/// them; in order of time, neither side's own among them. What cannot be read is passed over, and
/// so is a run of which a figure is not known: lines have the four that decide by default.
///
/// # Errors
/// `place` cannot be read.
pub fn earlier(
    place: &Path,
    base: &[Run],
    new: &[Run],
    settings: &Settings,
) -> io::Result<Vec<Earlier>> {
    let Some(fingerprint) = base.first().map(|run| run.fingerprint.as_str()) else {
        return Ok(Vec::new());
    };
    let sides = || base.iter().chain(new);
    let newest = sides().filter_map(|run| run.started_at.parse().ok()).max();
    let mut entries = history::read(place)?.entries;
    entries.retain(|entry| {
        entry.fingerprint == fingerprint
            && entry.is_usable()
            && entry.began().is_some_and(|began| Some(began) < newest)
            && sides().all(|side| side.id != entry.id)
    });
    entries.sort_by_cached_key(Entry::began);
    let of_lines = |figure: &Figure| {
        Primary::ALL.into_iter().find(|primary| primary.name() == figure.to_string())
    };
    let whole = match settings.primary.iter().all(|figure| of_lines(figure).is_some()) {
        true => BTreeMap::new(),
        false => whole(place, fingerprint, settings),
    };
    let known = |entry: &Entry| match whole.get(&entry.id) {
        Some(earlier) => Some(earlier.clone()),
        None => {
            let figure = |figure| Some(entry.measured(of_lines(figure)?)?.value);
            let errors = entry.measured(Primary::Errors)?;
            Some(Earlier {
                figures: settings.primary.iter().map(figure).collect(),
                errors: ((errors.value * errors.count as f64).round() as u64, errors.count),
            })
        }
    };
    let all = entries.iter().filter_map(known);
    Ok(all.filter(|one| one.figures.iter().all(Option::is_some)).collect())
}

/// All figures of the runs whose directories are there, by id.
fn whole(place: &Path, fingerprint: &str, settings: &Settings) -> BTreeMap<String, Earlier> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    // `latest` is a link to a run that is there as well.
    let directories = entries.filter(|one| one.file_type().is_ok_and(|kind| kind.is_dir()));
    let runs = directories.filter_map(|one| StoredRun::open(&one.path()).ok());
    let of_fingerprint = runs.filter(|run| run.manifest.fingerprint == fingerprint);
    of_fingerprint.map(|run| (run.manifest.id.clone(), settings.earlier(&run.summary))).collect()
}
