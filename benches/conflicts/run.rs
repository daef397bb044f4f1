//! How a bench begins and ends.

use std::process::ExitCode;

/// Anything that keeps a bench from going on.
pub type Failed = Box<dyn std::error::Error>;

/// Whether only the requests over HTTP are to be measured, as somebody who looks at a profile of them wants.
#[allow(dead_code)] // each bench uses a part of this file
pub fn only_what_is_served() -> bool {
    std::env::var_os("CLEARWAY_BENCH_SERVED").is_some()
}

/// Whether only short roads are to be asked about, for the same reason.
#[allow(dead_code)] // the others use a part of this file
pub fn only_short_roads() -> bool {
    std::env::var_os("CLEARWAY_BENCH_SHORT").is_some()
}

/// Runs a bench in the full size where `cargo bench` asks for it, else in a size that only shows that it works. `run` says
/// whether every target was reached, and fails where answers differ.
pub fn run_in<S>(full_size: S, quick_size: S, run: impl FnOnce(S) -> Result<bool, Failed>) -> ExitCode {
    // Only `cargo bench` says `--bench`; whatever else runs every target wants to see that it works.
    let full = std::env::args().any(|a| a == "--bench") && std::env::var_os("CLEARWAY_BENCH_QUICK").is_none();
    match run(if full { full_size } else { quick_size }) {
        Ok(true) => ExitCode::SUCCESS,
        // So small a run reaches no target; its answers have to be equal all the same, or `run` had failed.
        Ok(false) if !full => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
