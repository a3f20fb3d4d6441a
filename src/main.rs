//! The program: see [`freehold::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    freehold::cli::main()
}
