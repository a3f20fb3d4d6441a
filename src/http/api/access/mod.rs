//! `/access/v1/evaluation`: the tenant's policy decision point (AuthZEN's Authorization API 1.0); and
//! `/_int/tenancy/ping`.

mod explain;
mod simulate;

pub(in crate::http) use self::explain::explain;
pub(in crate::http) use self::simulate::simulate;
use crate::domain::action::{EvaluateAccess, EvaluateOwnAccess, ReadTenant};
use crate::domain::{Evaluation, TenancyPing};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// Everybody may ask about themselves; about others, whoever administers the tenant.
pub(in crate::http) async fn evaluate(
    cx: TenantContext<EvaluateAccess>,
    Question(question): Question,
) -> Reply<Plain<Evaluation>> {
    let tenant = cx.tenant();
    if access::subject(&question).is_some()
        && access::subject(&question) == cx.caller().subject.account()
    {
        let own = cx.act::<EvaluateOwnAccess>();
        return own
            .read(tenant, move |tx| access::evaluate_own(tx, tenant, &question))
            .await
            .map(Plain);
    }
    cx.read(tenant, move |tx| access::evaluate(tx, tenant, &question)).await.map(Plain)
}

/// In development mode alone: which tenant a request reached, and whom the database takes the caller for.
pub(in crate::http) async fn ping(cx: TenantContext<ReadTenant>) -> Reply<Plain<TenancyPing>> {
    cx.read(cx.tenant(), |tx| access::ping(tx)).await.map(Plain)
}
