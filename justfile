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
