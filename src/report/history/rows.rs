//! Runs over time as a table for spreadsheets and other tools: a row a run.

use std::io::Write;

use crate::history::{Primary, Track};

use super::words::remark;

/// The columns. New ones are only ever appended; readers go by name. `change` is 1 on the first run
/// after one.
pub const HISTORY_COLUMNS: [&str; 18] = [
    "fingerprint",
    "name",
    "run",
    "started_at",
    "version",
    "commit",
    "branch",
    "target",
    "state",
    "ttfc_p50_ms",
    "ttfc_p50_error_ms",
    "ttfc_p95_ms",
    "ttfc_p95_error_ms",
    "total_p95_ms",
    "total_p95_error_ms",
    "error_rate",
    "turns",
    "change",
];

/// Writes the table. `Err` where it cannot be written.
pub fn history_csv(tracks: &[Track], out: impl Write) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(HISTORY_COLUMNS)?;
    for track in tracks {
        for (at, run) in track.runs.iter().enumerate() {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let state = if run.is_usable() { "ok" } else { remark(run) };
            let mut row = vec![
                run.fingerprint.clone(),
                run.name.clone(),
                run.id.clone(),
                run.started_at.clone(),
                run.version.clone(),
                text(&run.commit),
                text(&run.branch),
                run.target.clone(),
                state.to_owned(),
            ];
            let number =
                |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            for primary in [Primary::TtfcP50, Primary::TtfcP95, Primary::TotalP95] {
                let measured = run.measured(primary);
                row.push(number(measured.map(|one| one.value)));
                row.push(number(measured.and_then(|one| one.standard_error)));
            }
            let errors = run.measured(Primary::Errors);
            row.push(number(errors.map(|one| one.value)));
            row.push(errors.map_or(String::new(), |one| one.count.to_string()));
            let changed = track.changes.iter().any(|change| change.at == at);
            row.push(if changed { "1" } else { "" }.to_owned());
            rows.write_record(row)?;
        }
    }
    rows.flush()?;
    Ok(())
}
