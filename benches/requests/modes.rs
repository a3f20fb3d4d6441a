//! Row-level security: point reads and lists in mode `enforce` beside the same in mode `off`, in turns.

use std::time::Duration;

use super::load::{self, Measured};
use super::node::Node;
use super::reads::{ids, median};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);

/// Measures what withholding rows costs those who see all, and those who see much.
pub(crate) fn run(node: &Node) {
    println!(
        "\nRow-level security, {CONNECTIONS} connections; the ratio is of mode enforce to mode off\n"
    );
    let ids = ids(node);
    let one = format!("/resources/{}", ids[ids.len() / 2]);
    for person in ["all", "much"] {
        compare(node, &format!("point read, one who sees {person}"), person, &one);
        let list = format!("list of 50 of 10,000, one who sees {person}");
        compare(node, &list, person, "/resources?limit=50");
    }
}

fn compare(node: &Node, name: &str, person: &str, path: &str) {
    let (mut enforced, mut off) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        off.push(measure(node, "off", person, path));
        enforced.push(measure(node, "enforce", person, path));
    }
    load::show(name, &median(enforced), &median(off));
}

fn measure(node: &Node, mode: &str, person: &str, path: &str) -> Measured {
    node.verb(&["tenant", "row-security", "bench", mode]);
    let request = node.request(person, "GET", path, "");
    load::run(&node.address, node.pid(), CONNECTIONS, ROUND, |_, _| request.clone(), "200")
}
