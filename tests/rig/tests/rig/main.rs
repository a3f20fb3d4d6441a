//! What a power cut, a failing disk and a full one may do to a node: nothing that was acknowledged is ever lost, nothing
//! is half there, and what can be served is served.
//!
//! [`node`] is a node in this process, [`work`] what people do there, [`journal`] what they remember of it, [`found`]
//! what a node finds afterwards, and [`cuts`] every data directory that a power cut could leave.

use std::io::Write as _;

mod cuts;
mod found;
mod journal;
mod node;
mod program;
mod work;

mod full;
mod nth;
mod power;

/// Says what was counted, where tests run in silence too.
fn say(text: &str) {
    // Whom nobody listens to may be silent.
    let _said = writeln!(std::io::stderr(), "{text}");
}
