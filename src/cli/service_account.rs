//! `freehold service-account …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::args::{
    CreateServiceAccount, OneServiceAccount, Plane, ServiceAccount as Verb, SetServiceAccount,
};
use super::client::Client;
use super::configuration::Configuration;
use super::{node, output, tenant};

/// Keeps service accounts.
pub(super) async fn service_account(
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
        Verb::List(plane) => {
            let there = ServiceAccounts::of(host, plane).await?;
            show(&there.all().await?, plane.json)
        }
        Verb::Show(one) => {
            let there = ServiceAccounts::of(host, &one.plane).await?;
            show_one(&there.find(&one.service_account).await?, one.plane.json)
        }
        Verb::Create(new) => create(host, new).await,
        Verb::Set(change) => set(host, change).await,
        Verb::Suspend(one) => act(host, one, "suspend").await,
        Verb::Resume(one) => act(host, one, "resume").await,
        Verb::Delete(one) => {
            let there = ServiceAccounts::of(host, &one.plane).await?;
            let found = there.find(&one.service_account).await?;
            there.client.delete(&there.path(&found)?, version(&found)).await?;
            show_one(&found, one.plane.json)
        }
    }
}

async fn create(host: &Client, new: &CreateServiceAccount) -> Result<()> {
    let there = ServiceAccounts::of(host, &new.plane).await?;
    let mut body = json!({ "name": new.name, "role": new.role });
    if let Some(description) = &new.description {
        body["description"] = json!(description);
    }
    let made: Value = there.client.ask(Method::POST, &there.list, Some(&body)).await?;
    show_one(&made, new.plane.json)
}

async fn set(host: &Client, change: &SetServiceAccount) -> Result<()> {
    let there = ServiceAccounts::of(host, &change.plane).await?;
    let found = there.find(&change.service_account).await?;
    let fields =
        [("name", &change.name), ("role", &change.role), ("description", &change.description)];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let body: Map<String, Value> =
        given.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let (path, body) = (there.path(&found)?, Value::Object(body));
    let changed: Value = there.client.patch(&path, version(&found), &body).await?;
    show_one(&changed, change.plane.json)
}

async fn act(host: &Client, one: &OneServiceAccount, verb: &str) -> Result<()> {
    let there = ServiceAccounts::of(host, &one.plane).await?;
    let found = there.find(&one.service_account).await?;
    let path = format!("{}/{verb}", there.path(&found)?);
    let changed: Value = there.client.ask(Method::POST, &path, None).await?;
    show_one(&changed, one.plane.json)
}

/// The service accounts of a plane, as whoever keeps them sees them.
pub(super) struct ServiceAccounts {
    pub(super) client: Client,
    /// Where they stand.
    list: String,
}

impl ServiceAccounts {
    /// Those of the platform, by the host; or of a tenant, in the name of an account.
    pub(super) async fn of(host: &Client, plane: &Plane) -> Result<Self> {
        let (Some(tenant), Some(account)) = (&plane.tenant, &plane.account) else {
            let list = "/v1/platform/service-accounts".to_owned();
            return Ok(Self { client: host.clone(), list });
        };
        // What can be no tenant's name can be no part of a path.
        tenant::path(tenant)?;
        let client = host.as_account(tenant, account).await?;
        Ok(Self { client, list: format!("/v1/tenants/{tenant}/service-accounts") })
    }

    async fn all(&self) -> Result<Vec<Value>> {
        self.client.all(&self.list).await
    }

    /// One of them, by name or id.
    pub(super) async fn find(&self, named: &str) -> Result<Value> {
        let is_it = |one: &Value| one["name"] == named || one["id"] == named;
        let found = self.all().await?.into_iter().find(is_it);
        found.with_context(|| format!("no service account is called {named:?}"))
    }

    /// Where one stands.
    pub(super) fn path(&self, found: &Value) -> Result<String> {
        let id = found["id"].as_str().context("a service account has an id")?;
        Ok(format!("{}/{id}", self.list))
    }
}

/// The version that a thing was read in.
pub(super) fn version(found: &Value) -> i64 {
    found["version"].as_i64().unwrap_or_default()
}

/// A field of a thing, as text.
pub(super) fn text(found: &Value, field: &str) -> String {
    found[field].as_str().unwrap_or("-").to_owned()
}

fn show_one(found: &Value, as_json: bool) -> Result<()> {
    if as_json { output::json(found) } else { show(std::slice::from_ref(found), false) }
}

fn show(found: &[Value], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&found);
    }
    let mut rows = vec![["NAME", "ROLE", "STATE", "ID"].map(str::to_owned).to_vec()];
    for one in found {
        rows.push(["name", "role", "state", "id"].map(|field| text(one, field)).to_vec());
    }
    output::table(&rows)
}
