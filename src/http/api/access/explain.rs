//! `/access/v1/explain`: why a decision is what it is.

use crate::domain::action::ExplainAccess;
use crate::domain::{EvaluationRequest, Explanation};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// For whoever administers the tenant.
pub(in crate::http) async fn explain(
    cx: TenantContext<ExplainAccess>,
    Question(question): Question<EvaluationRequest>,
) -> Reply<Plain<Explanation>> {
    let entry = cx.entry();
    cx.read(cx.tenant(), move |tx| access::explain(tx, (entry.id, &entry.slug), &question))
        .await
        .map(Plain)
}
