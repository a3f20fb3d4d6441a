//! `freehold break-glass …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use reqwest::Method;
use serde_json::json;

use super::args::{BreakGlass as Verb, OneBreakGlass, RequestBreakGlass};
use super::client::Client;
use super::configuration::Configuration;
use super::{account, node, output};
use crate::domain::{BreakGlass, BreakGlassId};

const ENTRIES: &str = "/v1/platform/break-glass";

/// Keeps operators' entries into tenants.
pub(super) async fn break_glass(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    node::with_client(data, configuration, |client| async move { ask(&client, verb).await })
        .await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(client: &Client, verb: &Verb) -> Result<()> {
    match verb {
        Verb::Request(new) => show(&request(client, new).await?, new.json),
        Verb::List(list) => listed(&client.all(ENTRIES).await?, list.json),
        Verb::Show(one) => show(&client.get(&path(one)?).await?, one.json),
        Verb::Approve(one) => show(&act(client, one, "approve").await?, one.json),
        Verb::Deny(one) => show(&act(client, one, "deny").await?, one.json),
        Verb::End(one) => show(&act(client, one, "end").await?, one.json),
    }
}

async fn request(client: &Client, new: &RequestBreakGlass) -> Result<BreakGlass> {
    let mut body = json!({
        "tenant": new.tenant,
        "reason": new.reason,
        "actions": new.action,
        "duration_s": new.duration,
    });
    if let Some(named) = &new.account {
        body["account_id"] = json!(account::find(client, "--account", named).await?);
    }
    client.ask(Method::POST, ENTRIES, Some(&body)).await
}

async fn act(client: &Client, one: &OneBreakGlass, verb: &str) -> Result<BreakGlass> {
    client.ask(Method::POST, &format!("{}/{verb}", path(one)?), None).await
}

fn path(one: &OneBreakGlass) -> Result<String> {
    let id: BreakGlassId =
        one.entry.parse().map_err(|_| anyhow!("{:?} is no entry's id", one.entry))?;
    Ok(format!("{ENTRIES}/{id}"))
}

fn listed(entries: &[BreakGlass], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&entries);
    }
    let head = ["ID", "STATE", "TENANT", "OPERATOR", "UNTIL", "REASON"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for entry in entries {
        rows.push(vec![
            entry.id.to_string(),
            entry.state.to_string(),
            entry.tenant_id.to_string(),
            entry.account_id.to_string(),
            entry.expires_at.to_string(),
            entry.reason.to_string(),
        ]);
    }
    output::table(&rows)
}

fn show(entry: &BreakGlass, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(entry);
    }
    let actions: Vec<_> = entry.actions.iter().map(ToString::to_string).collect();
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    output::table(&[
        row("id", entry.id.to_string()),
        row("state", entry.state.to_string()),
        row("tenant", entry.tenant_id.to_string()),
        row("operator", entry.account_id.to_string()),
        row("reason", entry.reason.to_string()),
        row("actions", actions.join(" ")),
        row("seconds", entry.duration_s.to_string()),
        row("requested by", entry.requested_by.clone()),
        row("decided by", entry.decided_by.clone().unwrap_or_default()),
        row("until", entry.expires_at.to_string()),
    ])
}
