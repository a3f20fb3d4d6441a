//! `/principals`.

use crate::domain::action::SearchPrincipals;
use crate::domain::{Principal, PrincipalFilter};
use crate::http::context::TenantContext;
use crate::http::parameters::Query;
use crate::http::reply::{Listed, Reply};
use crate::services::principals;

pub(in crate::http) async fn list(
    cx: TenantContext<SearchPrincipals>,
    query: Query<PrincipalFilter>,
) -> Reply<Listed<Principal>> {
    cx.list(cx.tenant(), query, |tx, filter, page| principals::search(tx, filter, page)).await
}
