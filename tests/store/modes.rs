//! The modes of row-level security, set as the host.

use freehold::domain::RowSecurityMode;
use freehold::domain::action::{InspectRowSecurity, UpdateRowSecurity};
use freehold::services::row_security;

use crate::node::{Node, host};

/// Changes what row-level security does in a tenant; in force when this returns.
pub(crate) fn set(node: &Node, slug: &str, mode: RowSecurityMode) {
    let tenant = node.tenant(slug);
    let known = node.registry.read_blocking::<InspectRowSecurity, _>(&host(), tenant, |tx| {
        row_security::inspect(tx, tenant)
    });
    let version = known.unwrap().version;
    let changed =
        node.registry.write_blocking::<UpdateRowSecurity, _, _>(&host(), tenant, move |tx| {
            row_security::update(tx, tenant, mode, version)
        });
    assert_eq!(changed.unwrap().mode, mode);
}
