//! The streamgauge command: a thin binary over the library.

fn main() {}
