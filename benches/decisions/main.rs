//! What a decision costs, beside the `casbin` crate with the same rules, in one run.
//!
//! `cargo bench --bench decisions` imports the largest organisation of the test data and asks for three people: an owner,
//! somebody in a team three levels down, and a stranger. `here` asks in this process, one by one and a hundred in a
//! transaction, for one tenant and for a hundred, and asks casbin the same in turns; `served` asks the real server over
//! HTTP, one by one and a hundred in a batch. Every answer is compared with casbin's before anything is measured. Figures
//! without their baseline mean nothing: read the ratios. No figure is asserted.
//!
//! The data is found at `FREEHOLD_TEST_DATA`, or beside the project.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, asks the clock, rounds, and ends at the first surprise"
)]

mod here;
#[expect(dead_code, reason = "its way to print is for the other benchmarks")]
#[path = "../requests/load.rs"]
mod load;
mod node;
mod organisation;
mod rival;
mod served;

use self::organisation::Organisation;

fn main() {
    let names: Vec<String> =
        std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    let chosen = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
    let organisation = Organisation::largest();
    println!("{organisation}");
    if chosen("here") {
        for tenants in [1, 100] {
            here::run(&organisation, tenants);
        }
    }
    if chosen("served") {
        served::run(&organisation);
    }
}
