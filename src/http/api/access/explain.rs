//! `/access/v1/explain`: why a decision is what it is.

use crate::domain::action::ExplainAccess;
use crate::domain::{Error, EvaluationRequest, Explanation, weight};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// For administrators, and for callers whose role grants the action.
pub(in crate::http) async fn explain(
    cx: TenantContext<ExplainAccess>,
    Question(question): Question<EvaluationRequest>,
) -> Reply<Plain<Explanation>> {
    let entry = cx.entry();
    let explanation = cx
        .read(cx.tenant(), move |tx| access::explain(tx, (entry.id, &entry.slug), &question))
        .await?;
    // It has no pages.
    if weight(&explanation) > cx.max_answer_bytes() {
        return Err(Error::TooMuchWork.into());
    }
    Ok(Plain(explanation))
}
