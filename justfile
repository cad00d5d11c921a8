# One word for each chore; `.ci/run` goes through the same commands.

default:
    @just --list

# Formats all code
fmt:
    cargo fmt --all

# Formatting and lints, warnings as errors
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# All tests
test:
    cargo test --workspace

# The recorded answers of a Tyk; GOLDEN is the folder with the corpus
golden GOLDEN="../shared/golden":
    cargo build --release --locked
    python3 tests/golden/check.py --gatehouse target/release/gatehouse --golden {{GOLDEN}}

# Measures Gatehouse and its peers; further arguments go to the benchmark
bench *ARGS:
    python3 bench/run.py {{ARGS}}

# Runs the checks of JavaScript and writes their page
conformance:
    cargo build --bin gatehouse
    GATEHOUSE_WRITE_PAGE=1 cargo test -p gatehouse-tests --test conformance

# The page of settings, the API documentation, and all links
docs:
    cargo run --quiet --locked -- settings > docs/src/settings.md
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
    python3 docs/check_links.py

# Licences, duplicates and sources of all crates (advisories need a database: see deny.toml)
deny:
    cargo deny check licenses bans sources

# A working gateway with example APIs
demo *ARGS:
    cargo run --release --locked -- demo {{ARGS}}

# Everything that a submission goes through
ci:
    .ci/run
