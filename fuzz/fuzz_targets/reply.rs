//! libFuzzer's way to `targets::reply`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets/mod.rs"]
#[expect(dead_code, reason = "each target calls one of them")]
mod targets;

fuzz_target!(|input: (u8, u16, &[u8])| targets::reply(input.0, input.1, input.2));
