//! Accounts, as arguments name them.

use anyhow::{Context, Result};
use serde_json::Value;

use super::client::Client;
use crate::domain::{Account, AccountId, AccountReference};

/// The id of an account that an argument names either way.
pub(super) async fn find(client: &Client, argument: &str, named: &str) -> Result<AccountId> {
    let reference = AccountReference::parse(named)
        .map_err(|message| anyhow::anyhow!("{argument} {message}"))?;
    let identity = match reference {
        AccountReference::Id(id) => return Ok(id),
        AccountReference::Identity(identity) => identity,
    };
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("issuer", identity.issuer.as_str())
        .append_pair("subject", identity.subject.as_str())
        .finish();
    let page: Value = client.get(&format!("/v1/platform/accounts?{query}")).await?;
    let found: Option<Account> = serde_json::from_value(page["items"][0].clone()).ok();
    Ok(found.with_context(|| format!("{argument}: no account has the identity {named}"))?.id)
}
