//! What Freehold costs, beside what it is measured against, in one run.
//!
//! `cargo bench --bench requests` starts the real server, and a bare actix handler that returns the same bytes, each in
//! a process of its own with as many workers, and asks both in turns from the same clients. It prints requests a
//! second, the server's CPU time per request, latencies, and the ratio. Figures without their baseline mean nothing: two
//! cores share clients and servers, so read the ratios. No figure is asserted. The names of parts, `reads`, `modes`,
//! `creates`, `expensive` and `webhooks`, choose them.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, asks the clock, rounds, and ends at the first surprise"
)]

mod bare;
mod creates;
mod expensive;
mod load;
mod modes;
mod node;
mod reads;
mod webhooks;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--bare") => bare::serve(&arguments.next().unwrap_or_default()),
        _ => {
            let node = node::Node::start();
            let names: Vec<String> =
                std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
            let chosen = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
            if chosen("reads") {
                reads::run(&node);
            }
            if chosen("modes") {
                modes::run(&node);
            }
            if chosen("creates") {
                creates::run(&node);
            }
            if chosen("expensive") {
                expensive::run(&node);
            }
            if chosen("webhooks") {
                webhooks::run();
            }
            ExitCode::SUCCESS
        }
    }
}
