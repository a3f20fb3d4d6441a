//! What files cost: starting over many of them, opening a cold one, making one.
//!
//! `cargo bench --bench files` starts the real server over 2,000 current tenants and over none, in turns; reads from
//! tenants whose files are closed and from the same once they are open; and makes tenants, beside making their files by
//! running the migrations and by copying the template. It prints medians and ratios. No figure is asserted.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, asks the clock, and ends at the first surprise"
)]

mod making;
mod node;
mod opening;
mod starting;

use std::time::Duration;

fn main() {
    let data = tempfile::tempdir().expect("a directory");
    let empty = tempfile::tempdir().expect("a directory");
    let tenants = making::run(data.path());
    opening::run(data.path(), &tenants);
    starting::run(data.path(), empty.path());
}

/// The median of durations.
fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// Prints one line.
fn show(name: &str, measured: Duration, baseline_name: &str, baseline: Duration) {
    println!(
        "{name:<44} {:>10.2} ms   {baseline_name}: {:.2} ms   x{:.2}",
        measured.as_secs_f64() * 1e3,
        baseline.as_secs_f64() * 1e3,
        measured.as_secs_f64() / baseline.as_secs_f64()
    );
}
