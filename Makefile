# The few commands of this project. Each installs the system packages it lacks first (.ci/packages), or says which.

# Where the system has PROJ 9.1 or newer it is linked; else the bundled one is compiled, which takes minutes. Expanded when a
# recipe runs, not before, for the packages may have been installed a moment ago.
FEATURES = $(shell pkg-config --atleast-version=9.1 proj 2>/dev/null && echo --features system-proj)
# The bundled PROJ fails with the database of another version, where these point to one.
CARGO = $(if $(strip $(FEATURES)),cargo,env -u PROJ_DATA -u PROJ_LIB cargo)
TARGET = $(or $(CARGO_TARGET_DIR),target)
# Arguments of the program, as in: make demo ARGS="--listen 127.0.0.1:9090"; of fuzz: the targets, all without any
ARGS =

.DEFAULT_GOAL := help
.PHONY: help demo build test lint fuzz bench clean packages format-check

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## install what is missing, build, and run with invented data on http://127.0.0.1:8080 (Ctrl-C ends it)
	@exec $(TARGET)/release/clearway demo $(ARGS)

build: packages ## build target/release/clearway
	$(CARGO) build --release --locked $(FEATURES)

test: packages ## install what is missing and run every test
	$(CARGO) test --locked $(FEATURES)

lint: packages format-check ## check format, clippy and docs; any warning fails; and that the fuzz targets compile
	$(CARGO) clippy --locked $(FEATURES) --all-targets -- -D warnings
	CUSTOM_LIBFUZZER_PATH=none/libfuzzer.a $(CARGO) check --locked $(FEATURES) --manifest-path tests/fuzz/Cargo.toml \
	  --target-dir $(TARGET)
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(FEATURES) --no-deps

fuzz: ## look for inputs that readers and measures cannot stand, some seconds for each target
	@.ci/packages fuzz
	@CARGO="$(CARGO)" FEATURES="$(strip $(FEATURES))" tests/fuzz/run $(ARGS)

bench: packages ## measure against PostGIS, also with a million works: one line a comparison and a table
	@missed=0; for bench in conflicts sites workflow scale; do \
	  $(CARGO) bench --locked $(FEATURES) --bench $$bench || missed=1; done; exit $$missed

clean: ## delete what was built; the data of the demo in .clearway/ stays
	cargo clean

packages:
	@.ci/packages

format-check:
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
