//! `/v1/platform/tokens` and `/v1/auth/token`.

use crate::domain::action::CreateToken;
use crate::domain::{Call, ExchangedToken, NewToken, Token, TokenExchange};
use crate::http::body::{Body, Form};
use crate::http::context::PlatformContext;
use crate::http::holder::{GoodCredential, Holder};
use crate::http::reply::{Plain, Reply};
use crate::services::tokens;

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateToken>,
    Body(new): Body<NewToken>,
) -> Reply<Plain<Token>> {
    let state = cx.state();
    cx.run(move |registry, call| tokens::create(registry, call, &state.signer, &new))
        .await
        .map(Plain)
}

/// Whoever brings a good credential gets a token for it (RFC 8693).
pub(in crate::http) async fn exchange(
    holder: Holder,
    _: GoodCredential,
    Form(wanted): Form<TokenExchange>,
) -> Reply<Plain<ExchangedToken>> {
    let state = holder.state();
    let times = state.settings.tokens;
    tokens::check_exchange(&wanted, times)?;
    let caller = holder.enter(&wanted.subject_token).await?;
    holder.hear(&caller).await?;
    holder.count(&caller, wanted.tenant.as_deref()).await?;
    let now = state.registry.clock().now();
    let exchange = move |registry: &crate::storage::Registry, call: &Call| {
        let call = Call { caller, ..call.clone() };
        tokens::exchange(registry, &call, &state.signer, &wanted, times)
    };
    let (token, scope) = holder.run(exchange).await?;
    Ok(Plain(ExchangedToken {
        expires_in: token.expires_at.seconds() - now.seconds(),
        access_token: token.token,
        issued_token_type: TokenExchange::ACCESS_TOKEN.to_owned(),
        token_type: "Bearer".to_owned(),
        scope,
    }))
}
