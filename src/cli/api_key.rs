//! `freehold api-key …`. A new key is printed alone, and this once.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::args::{ApiKey as Verb, CreateApiKey, OneApiKey, Plane, RotateApiKey};
use super::client::Client;
use super::configuration::Configuration;
use super::service_account::{ServiceAccounts, text, version};
use super::{node, output};
use crate::domain::ApiKeyId;

/// Keeps keys.
pub(super) async fn api_key(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    node::with_client(data, configuration, |client| async move { ask(&client, verb).await })
        .await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(host: &Client, verb: &Verb) -> Result<()> {
    match verb {
        Verb::List(one) => {
            let there = Keys::of(host, &one.plane, &one.service_account).await?;
            show(&there.client.all::<Value>(&there.list).await?, one.plane.json)
        }
        Verb::Create(new) => create(host, new).await,
        Verb::Rotate(rotate) => replace(host, rotate).await,
        Verb::Revoke(one) => revoke(host, one).await,
    }
}

async fn create(host: &Client, new: &CreateApiKey) -> Result<()> {
    let there = Keys::of(host, &new.plane, &new.service_account).await?;
    let scopes = (!new.scopes.is_empty()).then_some(&new.scopes);
    let body = json!({ "name": new.name, "scopes": scopes, "ttl_s": new.ttl });
    let made: Value = there.client.ask(Method::POST, &there.list, Some(&body)).await?;
    issued(&made, &new.service_account, &new.plane)
}

async fn replace(host: &Client, rotate: &RotateApiKey) -> Result<()> {
    let there = Keys::of(host, &rotate.plane, &rotate.service_account).await?;
    let body = json!({ "overlap_s": rotate.overlap, "ttl_s": rotate.ttl });
    let path = format!("{}/rotate", there.path(&rotate.key)?);
    let made: Value = there.client.ask(Method::POST, &path, Some(&body)).await?;
    issued(&made, &rotate.service_account, &rotate.plane)
}

async fn revoke(host: &Client, one: &OneApiKey) -> Result<()> {
    let there = Keys::of(host, &one.plane, &one.service_account).await?;
    let path = there.path(&one.key)?;
    let found: Value = there.client.get(&path).await?;
    there.client.delete(&path, version(&found)).await?;
    if one.plane.json { output::json(&found) } else { show(std::slice::from_ref(&found), false) }
}

/// The keys of one service account.
struct Keys {
    client: Client,
    /// Where they stand.
    list: String,
}

impl Keys {
    async fn of(host: &Client, plane: &Plane, service_account: &str) -> Result<Self> {
        let there = ServiceAccounts::of(host, plane).await?;
        let found = there.find(service_account).await?;
        let list = format!("{}/keys", there.path(&found)?);
        Ok(Self { client: there.client, list })
    }

    fn path(&self, key: &str) -> Result<String> {
        // What can be no key's id can be no part of a path.
        let id: ApiKeyId = key.parse().ok().with_context(|| format!("{key:?} is no key's id"))?;
        Ok(format!("{}/{id}", self.list))
    }
}

fn issued(made: &Value, service_account: &str, plane: &Plane) -> Result<()> {
    let (id, key) = (text(made, "id"), made["key"].as_str().context("the answer has no key")?);
    let of = match (&plane.tenant, &plane.account) {
        (Some(tenant), Some(account)) => format!("--tenant {tenant} --account '{account}'"),
        _ => "--platform".to_owned(),
    };
    let what = format!("the key {id}");
    let remedy = format!(
        "nobody can read it again: revoke it with `freehold api-key revoke '{service_account}' {id} {of}`, or rotate it"
    );
    if plane.json {
        return output::secret(&serde_json::to_string_pretty(made)?, &what, &remedy);
    }
    output::tell(&format!("The key {id}, valid until {}:", text(made, "expires_at")));
    output::secret(key, &what, &remedy)
}

fn show(keys: &[Value], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&keys);
    }
    let mut rows = vec![["NAME", "EXPIRES", "LAST USED", "ID"].map(str::to_owned).to_vec()];
    for key in keys {
        rows.push(["name", "expires_at", "last_used_at", "id"].map(|it| text(key, it)).to_vec());
    }
    output::table(&rows)
}
