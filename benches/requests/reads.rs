//! Reads: one resource, and a list of fifty among ten thousand, with token, decision point and row-level security.

use std::time::Duration;

use serde_json::Value;

use super::bare::Bare;
use super::load::{self, Measured};
use super::node::Node;

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);

/// Measures reads against a bare handler that returns the same bytes, in turns.
pub(crate) fn run(node: &Node) {
    println!(
        "\nReads, {CONNECTIONS} connections; the ratio is to a bare handler that returns the same bytes\n"
    );
    let ids = ids(node);
    let one = format!("/resources/{}", ids[ids.len() / 2]);
    compare(node, "point read, one who sees all", "all", std::slice::from_ref(&one));
    let paths: Vec<String> = ids.iter().map(|id| format!("/resources/{id}")).collect();
    compare(node, "point read at random, one who sees all", "all", &paths);
    compare(node, "point read, one who sees much", "much", std::slice::from_ref(&paths[0]));
    for person in ["all", "much", "little", "nothing"] {
        let name = format!("list of 50 of 10,000, one who sees {person}");
        compare(node, &name, person, &["/resources?limit=50".to_owned()]);
    }
}

/// The ids of the first two hundred resources that everybody in the tenant sees.
pub(crate) fn ids(node: &Node) -> Vec<String> {
    let page: Value =
        serde_json::from_slice(&node.ask("much", "/resources?limit=200")).expect("a page");
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn compare(node: &Node, name: &str, person: &str, paths: &[String]) {
    let bare = Bare::start(&node.ask(person, &paths[0]), node.data.path());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let request = |_, _| b"GET / HTTP/1.1\r\nhost: bare\r\n\r\n".to_vec();
        theirs.push(load::run(&bare.address, bare.pid(), CONNECTIONS, ROUND, request, "200"));
        let requests: Vec<Vec<u8>> =
            paths.iter().map(|path| node.request(person, "GET", path, "")).collect();
        let request = |number: usize, count: u64| {
            requests[(number * 7919 + usize::try_from(count).unwrap_or(0) * 31) % requests.len()]
                .clone()
        };
        ours.push(load::run(&node.address, node.pid(), CONNECTIONS, ROUND, request, "200"));
    }
    load::show(name, &median(ours), &median(theirs));
}

/// The run with the median rate.
pub(crate) fn median(mut runs: Vec<Measured>) -> Measured {
    runs.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    runs.remove(runs.len() / 2)
}
