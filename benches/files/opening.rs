//! Opening: the first read from a tenant whose file is closed, beside one from a tenant whose file is open.

use std::path::Path;
use std::time::Instant;

use freehold::domain::TenantId;

use super::node::Node;
use super::{median, show};

const READS: usize = 500;

/// Reads from tenants once while they are cold, and once more.
pub(crate) fn run(data: &Path, tenants: &[TenantId]) {
    println!("\nOpening {READS} cold tenants; medians\n");
    let node = Node::start(data);
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for tenant in &tenants[..READS] {
        for reads in [&mut cold, &mut warm] {
            let begun = Instant::now();
            node.read(*tenant);
            reads.push(begun.elapsed());
        }
    }
    node.stop();
    show("a read from a cold tenant", median(cold), "from an open one", median(warm));
}
