//! The `clearway` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    clearway::cli::main()
}
