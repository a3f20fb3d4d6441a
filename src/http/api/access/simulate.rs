//! `/access/v1/simulate`: which decisions a change would change.

use crate::domain::action::SimulateAccess;
use crate::domain::{Simulation, SimulationRequest};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// For whoever administers the tenant.
pub(in crate::http) async fn simulate(
    cx: TenantContext<SimulateAccess>,
    Body(request): Body<SimulationRequest>,
) -> Reply<Plain<Simulation>> {
    let tenant = cx.tenant();
    cx.read(tenant, move |tx| access::simulate(tx, tenant, &request)).await.map(Plain)
}
