//! libFuzzer's way to `targets::chunked`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets/mod.rs"]
#[expect(dead_code, reason = "each target calls one of them")]
mod targets;

fuzz_target!(|input: (u16, &[u8])| targets::chunked(input.0, input.1));
