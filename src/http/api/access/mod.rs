//! `/access/v1`: the tenant's policy decision point (AuthZEN's Authorization API 1.0); and `/_int/tenancy/ping`.

pub(in crate::http) mod configuration;
pub(in crate::http) mod evaluations;
pub(in crate::http) mod search;

use std::sync::Arc;

mod explain;
mod simulate;

pub(in crate::http) use self::explain::explain;
pub(in crate::http) use self::simulate::simulate;
use crate::domain::action::{EvaluateAccess, EvaluateOwnAccess, ReadTenant};
use crate::domain::{Evaluation, EvaluationRequest, PageRequest, TenancyPing};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::reply::{Plain, Reply};
use crate::services::access::{self, Whose};

pub(in crate::http) async fn evaluate(
    cx: TenantContext<EvaluateAccess>,
    Question(question): Question<EvaluationRequest>,
) -> Reply<Plain<Evaluation>> {
    ask(&cx, question, PageRequest::first(1)).await.map(Plain)
}

/// Everybody may ask about themselves; about others, whoever administers the tenant.
async fn ask<Q: access::Question>(
    cx: &TenantContext<EvaluateAccess>,
    question: Q,
    page: PageRequest,
) -> Reply<Q::Answer> {
    let tenant = cx.tenant();
    let asked = Arc::new((question, page));
    let whose = access::whose(cx.registry(), cx.caller(), &asked.0)?;
    if whose != Whose::Others {
        let asked = asked.clone();
        let own = cx.also::<EvaluateOwnAccess>();
        let answer =
            own.read(tenant, move |tx| access::answer_own(tx, tenant, &asked.0, &asked.1)).await?;
        if let Some(answer) = answer {
            return Ok(answer);
        }
    }
    cx.read(tenant, move |tx| access::answer(tx, tenant, &asked.0, &asked.1)).await
}

/// In development mode alone: which tenant a request reached, and whom the database takes the caller for.
pub(in crate::http) async fn ping(cx: TenantContext<ReadTenant>) -> Reply<Plain<TenancyPing>> {
    cx.read(cx.tenant(), |tx| access::ping(tx)).await.map(Plain)
}
