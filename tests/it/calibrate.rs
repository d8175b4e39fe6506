#[cfg(unix)]
use std::time::Duration;

use super::support::{command, run};

/// The process that `parent` has started, once it runs the agent.
#[cfg(unix)]
fn agent_of(parent: u32) -> Option<std::path::PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.map(|process| process.path()).find(|path| {
        let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        let above = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        above == Some(parent.to_string().as_str())
            && String::from_utf8_lossy(&line).contains("--truth-writes")
    })
}

#[test]
fn a_quick_calibration_is_kept_and_cited_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/calibration.json");
    let file = file.to_str().unwrap();
    let calibrate = ["calibrate", "--quick", "--format", "json", "--calibration", file];
    let output = command(&calibrate).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(told, kept);
    let cells = told["cells"].as_array().unwrap();
    let grid: Vec<&serde_json::Value> =
        cells.iter().filter(|cell| cell["by"] == "streams").collect();
    assert_eq!(grid.len(), 4);
    for cell in &grid {
        assert_eq!(cell["failed"], 0, "{cell}");
        assert!(cell["compared"].as_u64().unwrap() > 10, "{cell}");
        for figure in ["ttfc", "gap", "total"] {
            let figures = &cell[figure];
            if figures.is_null() && figure == "gap" {
                // An agent that was late wrote chunks together: there is no gap to compare.
                continue;
            }
            let at = |name: &str| figures[name].as_f64().unwrap();
            assert!(at("p50_ms") <= at("p99_ms") && at("p99_ms") <= at("max_ms"), "{cell}");
        }
        assert!(cell["cpu_us_per_request"].as_f64().unwrap() > 0.0, "{cell}");
    }
    for ladder in ["requests", "chunks"] {
        assert!(cells.iter().any(|cell| cell["by"] == ladder), "{ladder}");
        assert!(!told[format!("highest_{ladder}")]["ended_by"].as_str().unwrap().is_empty());
    }

    let ran =
        run(&["-m", "hi", "--target", "embedded", "-c", "10", "-n", "20", "--calibration", file]);
    let accuracy = &ran.summary()["accuracy"];
    assert_eq!(accuracy["streams"], 10, "{accuracy}");
    assert_eq!(accuracy["ttfc_p99_ms"], grid[0]["ttfc"]["p99_ms"]);
    assert!(ran.out.contains("Our own error: ttfc ± "), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
}

#[cfg(unix)]
#[test]
fn a_calibration_that_is_interrupted_stores_nothing_and_leaves_nobody_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calibration.json");
    let child = command(&["calibrate", "--calibration", file.to_str().unwrap()]).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let agent = loop {
        match agent_of(child.id()) {
            Some(agent) => break agent,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was stored"));
    assert!(output.stdout.is_empty());
    assert!(!file.exists());
    assert!(!agent.exists(), "the agent has ended with it");
}

#[test]
fn a_calibration_that_cannot_be_kept_or_cited_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let output = command(&["calibrate", "--calibration", place]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is a directory"));
    let ran = run(&["-m", "hi", "--target", "embedded", "--calibration", "no-such-file.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no-such-file.json cannot be read"), "{}", ran.err);
}
