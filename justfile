# `just` alone lists what there is.
default:
    @just --list

# Exactly what CI runs.
check:
    bash .ci/run

# A run and its report in under a minute.
demo:
    cargo run --release -- run scenarios/quickstart.yaml

# Requests/s, chunks/s and CPU per request on this machine.
bench:
    cargo bench

# Known situations: is what is reported what happened? (docs/conformance.md)
conformance *ARGS:
    cargo bench --bench conformance -- {{ARGS}}

# Instructions of the hot path against the baseline; --update writes a new one.
instructions *ARGS:
    .ci/instructions {{ARGS}}
