//! Principals, found by whoever picks one to share with.

use crate::domain::action::SearchPrincipals;
use crate::domain::{Covers, Page, PageRequest, Principal, PrincipalFilter, Result};
use crate::storage::ReadTx;
use crate::storage::tenant::principals;

/// Finds principals by name and type.
///
/// # Errors
/// Storage failed.
pub fn search<A: Covers<SearchPrincipals>>(
    tx: &ReadTx<'_, A>,
    filter: &PrincipalFilter,
    page: &PageRequest,
) -> Result<Page<Principal>> {
    principals::page(tx, filter, page)
}
