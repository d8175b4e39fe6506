//! `streamgauge schema`: the JSON Schema of the scenario file.

use std::io::Write;

use super::exit::Exit;

/// Writes it to `out`; the exit code.
pub fn run(out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let schema = crate::scenario::schema();
    let written = serde_json::to_writer_pretty(&mut *out, &schema)
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    super::told(written, err)
}
