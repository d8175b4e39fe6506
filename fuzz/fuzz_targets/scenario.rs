//! Any text as a scenario: read or refused with sentences, never a panic; what is read can be
//! resolved, hashed and planned.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use streamgauge::plan::Plan;
use streamgauge::scenario::{Imagined, Overrides, load};

fuzz_target!(|text: &str| {
    let world = Imagined::new().with_file("rows.csv", "message,id\nhello,1\n");
    match load("fuzz.yaml", text, Path::new(""), &Overrides::default(), &world) {
        Ok(scenario) => {
            let _ = (scenario.resolved(), scenario.fingerprint());
            if let Some(session) = Plan::new(scenario, 0).session(0, 0) {
                let _ = session.text(1, "session");
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
});
