//! `/access/v1/simulate`: which decisions a change would change.

use crate::domain::action::SimulateAccess;
use crate::domain::{PageRequest, Simulation, SimulationRequest};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::failure::Failure;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// For administrators, and for callers whose role grants the action.
pub(in crate::http) async fn simulate(
    cx: TenantContext<SimulateAccess>,
    Body(request): Body<SimulationRequest>,
) -> Reply<Plain<Simulation>> {
    let tenant = cx.tenant();
    // Asked first: a caller that may not simulate takes no turn from those who may.
    cx.read(tenant, |_| Ok(())).await?;
    let filter = serde_json::to_string(&request).unwrap_or_default();
    let refused = |_| {
        Failure::parameter("/cursor", "must be the next_cursor of a page of this very simulation")
    };
    let after = request.cursor.as_deref().map(|cursor| cx.position(&filter, cursor));
    let after = after.transpose().map_err(refused)?;
    let page = PageRequest { after, max_bytes: cx.max_answer_bytes(), ..PageRequest::first(1) };
    let mut found =
        cx.simulate(tenant, move |tx| access::simulate(tx, tenant, &request, &page)).await?;
    let next = found.next.as_ref().map(|next| cx.cursor(&filter, next));
    found.next_cursor = next.transpose()?;
    Ok(Plain(found))
}
