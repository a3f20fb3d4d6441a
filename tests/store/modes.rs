//! The modes of row-level security: set as the host, read back as everybody.

use freehold::domain::action::{InspectRowSecurity, ReadRowSecurity, UpdateRowSecurity};
use freehold::domain::{Call, PageRequest, Result, RowSecurityMode, Withheld, WithheldFilter};
use freehold::services::row_security;
use freehold::storage::TenantStore;

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

/// The whole report as somebody reads it, page by page.
pub(crate) fn report(store: &TenantStore, call: &Call, limit: u32) -> Result<Vec<Withheld>> {
    let filter = WithheldFilter::default();
    let mut request = PageRequest::first(limit);
    let mut found = Vec::new();
    loop {
        let page = store.read_blocking::<ReadRowSecurity, _>(call, store.tenant(), |tx| {
            row_security::report(tx, &filter, &request)
        })?;
        assert!(page.next.is_none() || page.items.len() == limit as usize, "a full page");
        found.extend(page.items);
        let Some(next) = page.next else { return Ok(found) };
        request.after = Some(next);
    }
}
