//! `freehold tenant row-security …`.

use anyhow::Result;
use serde_json::json;

use super::args::RowSecurity as Verb;
use super::client::Client;
use super::{output, tenant};
use crate::domain::{TenantRowSecurity, Word};

/// Shows the mode of row-level security, and changes it before that where one is given.
pub(super) async fn ask(client: &Client, verb: &Verb) -> Result<()> {
    let path = format!("{}/row-security", tenant::path(&verb.tenant)?);
    let mut found: TenantRowSecurity = client.get(&path).await?;
    if let Some(mode) = verb.mode.as_deref().filter(|mode| *mode != found.mode.as_str()) {
        found = client.put(&path, found.version, &json!({ "mode": mode })).await?;
    }
    if verb.json {
        return output::json(&found);
    }
    output::say(found.mode.as_str())
}
