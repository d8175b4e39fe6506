//! libFuzzer's way to `targets::scenario`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets/mod.rs"]
#[expect(dead_code, reason = "each target calls one of them")]
mod targets;

fuzz_target!(|text: &str| targets::scenario(text));
