//! `/v1/platform/tokens`.

use crate::domain::action::CreateToken;
use crate::domain::{NewToken, Token};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
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
