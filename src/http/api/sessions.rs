//! `/v1/auth/session`, `/v1/auth/logout`, `/v1/me/sessions`: sessions of browsers.

use crate::domain::action::{
    EndAccountSessions, EndSession, ListSessions, MoveSession, ReadSession,
};
use crate::domain::{
    AccountId, CurrentSession, Error, LoggedOut, MovedSession, Session, SessionFilter, SessionId,
    SessionMove,
};
use crate::http::body::Body;
use crate::http::context::{AccountContext, PlatformContext};
use crate::http::login;
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Cookied, Listed, NoContent, Plain, Reply};
use crate::services::sessions;

pub(in crate::http) async fn list(
    cx: AccountContext<ListSessions>,
    query: Query<SessionFilter>,
) -> Reply<Listed<Session>> {
    cx.list(query, |tx, filter, page| sessions::list(tx, filter, page)).await
}

pub(in crate::http) async fn read(cx: AccountContext<ReadSession>) -> Reply<Plain<CurrentSession>> {
    let (session, account) = cx.read(|tx| sessions::read(tx)).await?;
    let login = cx.state().login.as_ref().ok_or(Error::NotFound)?;
    let csrf_token = login.csrf_token(session.id);
    Ok(Plain(CurrentSession { session, account, csrf_token }))
}

pub(in crate::http) async fn relocate(
    cx: AccountContext<MoveSession>,
    Body(place): Body<SessionMove>,
) -> Reply<Cookied<MovedSession>> {
    let begun = cx.write(move |tx| sessions::relocate(tx, place.tenant.as_deref())).await?;
    let state = cx.state();
    let login = state.login.as_ref().ok_or(Error::NotFound)?;
    let cookie = login::Login::session_cookie(&state.signer, &begun)?;
    let moved = MovedSession {
        id: begun.id,
        tenant_id: begun.tenant.map(|(id, _)| id),
        expires_at: begun.expires_at,
        csrf_token: login.csrf_token(begun.id),
    };
    Ok(Cookied(moved, cookie))
}

pub(in crate::http) async fn end(cx: AccountContext<EndSession>) -> Reply<Cookied<LoggedOut>> {
    let issuer = cx.write(|tx| sessions::end(tx, None)).await?;
    let login = cx.state().login.as_ref().ok_or(Error::NotFound)?;
    let settings = &login.settings;
    let post_logout = format!("{}{}", settings.origin, settings.post_logout_path);
    let end_session_url = match login.provider_of(&issuer) {
        Some(provider) => provider.end_session_url(&post_logout).await,
        None => None,
    };
    Ok(Cookied(LoggedOut { end_session_url }, login::clear(login::SESSION)))
}

pub(in crate::http) async fn delete(
    cx: AccountContext<EndSession>,
    Path(session): Path<SessionId>,
) -> Reply<NoContent> {
    cx.write(move |tx| sessions::end(tx, Some(session))).await.map(|_| NoContent)
}

pub(in crate::http) async fn end_all(
    cx: PlatformContext<EndAccountSessions>,
    Path(account): Path<AccountId>,
) -> Reply<NoContent> {
    cx.write(account, move |tx| sessions::end_all(tx, account)).await.map(|()| NoContent)
}
