//! Where the calibration of this machine lies.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::artifact::manifest::MachineFacts;
use crate::calibration::Calibration;
use crate::machine;
use crate::scenario::Surroundings;

/// `$XDG_STATE_HOME/streamgauge/calibration-<machine>.json`, by default below `~/.local/state`.
/// `None` where there is no home. A home may be shared by several kinds of machine, so the name tells
/// them apart: by architecture, processor model, number of processors and memory.
pub(in crate::cli) fn of_this_machine(world: &dyn Surroundings) -> Option<PathBuf> {
    let set = |name: &str| world.var(name).filter(|value| Path::new(value).is_absolute());
    let state = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))?;
    let name = format!("calibration-{}.json", key(&machine::machine()));
    Some(state.join("streamgauge").join(name))
}

/// Eight hexadecimal digits that machines of one kind share.
fn key(facts: &MachineFacts) -> String {
    let MachineFacts { arch, cpu, cpus, memory_mib, .. } = facts;
    // The kernel keeps a little more or less for itself from boot to boot.
    let memory_gib = memory_mib.map(|mib| (mib + 512) / 1024);
    let text = format!("{arch}|{cpu:?}|{cpus}|{memory_gib:?}");
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The machine in a few words.
pub(super) fn describe(facts: &MachineFacts, cpus: usize) -> String {
    let model = facts.cpu.as_deref().unwrap_or(&facts.arch);
    format!("{model}, {cpus} processor(s)")
}

/// Why nothing could be stored there, if so.
pub(super) fn can_be_kept(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("error: {} is a directory: name a file", path.display()));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("error: cannot create {}: {error}", folder.display()))?;
    }
    Ok(())
}

/// Stores it; who reads meanwhile sees the old one or the new one.
pub(super) fn keep(path: &Path, calibration: &Calibration) -> Result<(), String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", path.display());
    let text = serde_json::to_string_pretty(calibration).map_err(|error| cannot(&error))? + "\n";
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, path)).map_err(|error| {
        let _ = std::fs::remove_file(&partial);
        cannot(&error)
    })
}

/// The one that runs on this machine cite: `named`, or the machine's own where there is one.
///
/// # Errors
/// `named` cannot be read. That the machine's own cannot is told as a note.
pub(in crate::cli) fn read(
    named: Option<&Path>,
    world: &dyn Surroundings,
) -> Result<Option<Calibration>, String> {
    let parse = |path: &Path, content: &[u8]| {
        serde_json::from_slice::<Calibration>(content)
            .map_err(|error| format!("{} is no calibration: {error}", path.display()))
    };
    match named {
        Some(path) => {
            let content = world.read(path).map_err(|why| {
                format!("the calibration {} cannot be read: {why}", path.display())
            })?;
            parse(path, &content).map(Some)
        }
        None => {
            let Some(path) = of_this_machine(world) else { return Ok(None) };
            let Ok(content) = world.read(&path) else { return Ok(None) };
            // One of a later version is none that we understand, and no reason not to run.
            Ok(parse(&path, &content).ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Imagined;

    #[test]
    fn its_place_is_the_state_directory_or_nowhere() {
        let at = |world: Imagined| of_this_machine(&world);
        let path = at(Imagined::new().with_var("HOME", "/home/a")).unwrap();
        assert!(path.starts_with("/home/a/.local/state/streamgauge"), "{path:?}");
        let both = Imagined::new().with_var("HOME", "/home/a").with_var("XDG_STATE_HOME", "/s");
        assert!(at(both).unwrap().starts_with("/s/streamgauge"));
        assert_eq!(at(Imagined::new().with_var("XDG_STATE_HOME", "relative")), None);
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_be_one() {
        let world = Imagined::new().with_file("x.json", "{}").with_var("HOME", "/home/a");
        assert!(read(Some(Path::new("none.json")), &world).unwrap_err().contains("no such file"));
        assert!(read(Some(Path::new("x.json")), &world).unwrap_err().contains("no calibration"));
        assert_eq!(read(None, &world), Ok(None));
    }
}
