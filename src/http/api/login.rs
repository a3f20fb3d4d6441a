//! `/v1/auth/login` and `/v1/auth/callback`: log-in by browser at a provider.

use crate::domain::{Error, LoginAnswer, LoginProblem, LoginQuery, ReturnPath, SessionId};
use crate::http::failure::Failure;
use crate::http::login::{self, Pending};
use crate::http::parameters::Asked;
use crate::http::reply::{Redirect, Reply};
use crate::http::visit::Visit;
use crate::identity::{Provider, Redeemed, Wanted};
use crate::services::sessions::LogIn;

/// Characters of a tenant's slug or id at most.
const MAX_TENANT: usize = 63;

pub(in crate::http) async fn begin(
    visit: Visit,
    Asked(query): Asked<LoginQuery>,
) -> Reply<Redirect> {
    let login = visit.login()?;
    let unknown = || Failure::parameter("issuer", "is no configured issuer");
    let (name, provider) = login.provider(query.issuer.as_deref()).ok_or_else(unknown)?;
    let return_to = query.return_to.as_deref().unwrap_or(ReturnPath::DEFAULT);
    let return_to =
        ReturnPath::parse(return_to).map_err(|what| Failure::parameter("return_to", what))?;
    if query.tenant.as_ref().is_some_and(|tenant| tenant.len() > MAX_TENANT) {
        return Err(Failure::parameter("tenant", "must be a slug or an id"));
    }
    let link = match query.link {
        Some(true) => Some(visit.linker().await?),
        _ => None,
    };
    let wanted = Wanted { step_up: query.step_up == Some(true) };
    let purpose = Purpose { return_to, tenant: query.tenant, link };
    let sent = send_off(&visit, (name, provider), wanted, purpose).await;
    note_failure(&visit, &sent, Some(provider.issuer())).await?;
    sent
}

/// Writes down that a log-in failed, if it did.
async fn note_failure(visit: &Visit, ended: &Reply<Redirect>, issuer: Option<&str>) -> Reply<()> {
    if let Err(Failure::Domain(error @ Error::Login(_))) = ended {
        visit.note(error, issuer).await?;
    }
    Ok(())
}

/// What a log-in is for.
struct Purpose {
    return_to: ReturnPath,
    tenant: Option<String>,
    link: Option<SessionId>,
}

/// Sends the browser to the provider, with a cookie that keeps the log-in.
async fn send_off(
    visit: &Visit,
    (name, provider): (&str, &Provider),
    wanted: Wanted,
    Purpose { return_to, tenant, link }: Purpose,
) -> Reply<Redirect> {
    // Noted before the provider is asked: what was revoked later is later than this.
    let now = visit.state().registry.clock().now();
    let begun = provider.begin(wanted).await?;
    let pending = Pending {
        issuer: name.to_owned(),
        state: begun.state,
        nonce: begun.nonce,
        verifier: begun.verifier,
        return_to,
        tenant,
        link,
        asked_anew_at: wanted.step_up.then_some(now),
        until: now.seconds() + login::LOGIN_S,
    };
    Ok(Redirect(begun.url, vec![visit.login()?.seal(&pending)]))
}

pub(in crate::http) async fn finish(
    visit: Visit,
    Asked(answer): Asked<LoginAnswer>,
) -> Reply<Redirect> {
    let begun = pending(&visit, answer.state.as_deref());
    let at = begun.as_ref().map(|(_, provider)| provider.issuer().to_owned()).ok();
    let finished = match begun {
        Ok((pending, provider)) => redeem(&visit, provider, pending, answer).await,
        Err(failure) => Err(failure),
    };
    note_failure(&visit, &finished, at.as_deref()).await?;
    finished
}

fn invalid() -> Failure {
    Error::from(LoginProblem::StateInvalid).into()
}

/// The log-in that was begun in this browser, and the provider at which it was.
fn pending<'v>(visit: &'v Visit, state: Option<&str>) -> Reply<(Pending, &'v Provider)> {
    let login = visit.login()?;
    let (cookie, state) = visit.cookie(login::LOGIN)?.zip(state).ok_or_else(invalid)?;
    let now = visit.state().registry.clock().now();
    let pending = login.open(cookie, state, now).map_err(Error::from)?;
    let (_, provider) = login.provider(Some(&pending.issuer)).ok_or_else(invalid)?;
    Ok((pending, provider))
}

/// Makes a session of what the provider answers, or links the identity.
async fn redeem(
    visit: &Visit,
    provider: &Provider,
    pending: Pending,
    answer: LoginAnswer,
) -> Reply<Redirect> {
    let login = visit.login()?;
    if let Some(error) = answer.error {
        let error: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
        tracing::debug!(issuer = provider.issuer(), error, "a provider did not let somebody in");
        return Err(Error::from(LoginProblem::Refused).into());
    }
    let Pending { issuer, nonce, verifier, return_to, tenant, link, asked_anew_at, .. } = pending;
    let code = answer.code.ok_or_else(invalid)?;
    let arrival = provider.finish(Redeemed { code, iss: answer.iss, nonce, verifier }).await?;
    let mut cookies = vec![login::clear(login::LOGIN)];
    match link {
        Some(session) => visit.link(session, arrival).await?,
        None => {
            let settings = &login.settings;
            let (create_accounts, limits) = (settings.create_accounts, settings.limits);
            let personal_tenants = visit.state().settings.personal_tenants;
            let wanted = LogIn {
                arrival,
                tenant: tenant.clone(),
                create_accounts,
                limits,
                personal_tenants,
                asked_anew_at,
            };
            match visit.enter(wanted).await {
                // Once: the provider is asked to have the person sign in again.
                Err(Failure::Domain(Error::Login(LoginProblem::SignInRevoked)))
                    if asked_anew_at.is_none() =>
                {
                    let purpose = Purpose { return_to, tenant, link: None };
                    let wanted = Wanted { step_up: true };
                    return send_off(visit, (&issuer, provider), wanted, purpose).await;
                }
                entered => cookies.push(entered?),
            }
        }
    }
    Ok(Redirect(format!("{}{}", login.settings.origin, return_to.as_str()), cookies))
}
