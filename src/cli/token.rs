//! `freehold token`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::args::Token as Arguments;
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::Token;

/// Mints a token and prints it alone.
pub(super) async fn token(
    data: &Path,
    configuration: Configuration,
    token: &Arguments,
) -> Result<ExitCode> {
    let body = json!({
        "tenant": token.tenant,
        "account": token.account,
        "ttl_s": token.ttl,
        "scope": token.scope,
        "acr": token.acr,
        "amr": token.amr,
        "auth_age_s": token.auth_age,
    });
    let minted: Token = node::with_client(data, configuration, |client| async move {
        client.ask(Method::POST, "/v1/platform/tokens", Some(&body)).await
    })
    .await?;
    let what = format!("the token, which is valid until {}", minted.expires_at);
    let remedy = "mint another; if anybody may have read a part of it, revoke the account's tokens: \
        POST /v1/platform/accounts/{account}/revoke-tokens";
    output::secret(&minted.token, &what, remedy)?;
    Ok(ExitCode::SUCCESS)
}
