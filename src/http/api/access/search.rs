//! `/access/v1/search`: who may, to what, and what.

use super::ask;
use crate::domain::action::EvaluateAccess;
use crate::domain::{
    ActionSearchRequest, FoundAction, FoundEntity, Page, PageRequest, ResourceSearchRequest,
    SearchAnswer, SearchPage, SearchPageRequest, SearchRequest, SubjectSearchRequest,
};
use crate::http::body::Question;
use crate::http::context::TenantContext;
use crate::http::failure::Failure;
use crate::http::reply::{Plain, Reply};
use crate::services::access;

/// Who may do something is about others, whoever asks.
pub(in crate::http) async fn subjects(
    cx: TenantContext<EvaluateAccess>,
    Question(request): Question<SubjectSearchRequest>,
) -> Reply<Plain<SearchAnswer<FoundEntity>>> {
    let (tenant, filter) = (cx.tenant(), filter(&request));
    let page = page(&cx, &request, &filter)?;
    let found =
        cx.read(tenant, move |tx| access::search_subjects(tx, tenant, &request, &page)).await?;
    answer(&cx, &filter, found)
}

pub(in crate::http) async fn resources(
    cx: TenantContext<EvaluateAccess>,
    Question(request): Question<ResourceSearchRequest>,
) -> Reply<Plain<SearchAnswer<FoundEntity>>> {
    let filter = filter(&request);
    let page = page(&cx, &request, &filter)?;
    answer(&cx, &filter, ask(&cx, request, page).await?)
}

pub(in crate::http) async fn actions(
    cx: TenantContext<EvaluateAccess>,
    Question(request): Question<ActionSearchRequest>,
) -> Reply<Plain<SearchAnswer<FoundAction>>> {
    let filter = filter(&request);
    let page = page(&cx, &request, &filter)?;
    answer(&cx, &filter, ask(&cx, request, page).await?)
}

/// What the pages of a search are bound to: all that it asks, but for the page.
fn filter(request: &impl SearchRequest) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

fn page(
    cx: &TenantContext<EvaluateAccess>,
    request: &impl SearchRequest,
    filter: &str,
) -> Reply<PageRequest> {
    let refused = |_| {
        Failure::parameter("/page/token", "must be the next_token of a page of this very search")
    };
    let token = SearchPageRequest::token(request.page());
    let after = token.map(|token| cx.position(filter, token).map_err(refused)).transpose()?;
    let max_bytes = cx.max_answer_bytes();
    let limit = SearchPageRequest::limit(request.page());
    Ok(PageRequest { max_bytes, after, ..PageRequest::first(limit) })
}

fn answer<T>(
    cx: &TenantContext<EvaluateAccess>,
    filter: &str,
    page: Page<T>,
) -> Reply<Plain<SearchAnswer<T>>> {
    let next_token = page.next.map(|next| cx.cursor(filter, &next)).transpose()?;
    let page_of = SearchPage { next_token: next_token.unwrap_or_default() };
    Ok(Plain(SearchAnswer { page: page_of, results: page.items }))
}
