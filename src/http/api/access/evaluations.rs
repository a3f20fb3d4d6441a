//! `/access/v1/evaluations`: several questions at once.

use super::ask;
use crate::domain::action::EvaluateAccess;
use crate::domain::{EvaluationsAnswer, EvaluationsRequest, PageRequest};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::failure::Failure;
use crate::http::reply::{Plain, Reply};

pub(in crate::http) async fn evaluate(
    cx: TenantContext<EvaluateAccess>,
    Question(request): Question<EvaluationsRequest>,
) -> Reply<Plain<EvaluationsAnswer>> {
    let inquiry = request.inquiry().map_err(Failure::Parameter)?;
    ask(&cx, inquiry, PageRequest::first(1)).await.map(Plain)
}
