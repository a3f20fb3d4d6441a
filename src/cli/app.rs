//! `freehold app …`.
//!
//! What is registered is the host's business; a tenant binds in the name of an account, which can do what it may.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::args::{Acting, App as Verb, BindApp, RequireApp};
use super::client::Client;
use super::configuration::Configuration;
use super::{node, output, tenant};
use crate::domain::{Application, ApplicationBinding, ApplicationName, Word};

const APPLICATIONS: &str = "/v1/platform/applications";

/// Keeps applications.
pub(super) async fn app(
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
        Verb::Register(file) => {
            let manifest = manifest(&file.file)?;
            show(&host.ask(Method::POST, APPLICATIONS, Some(&manifest)).await?, file.json)
        }
        Verb::Update(file) => {
            let manifest = manifest(&file.file)?;
            let name = manifest["name"].as_str().context("the manifest has no name")?.to_owned();
            show(&change(host, &name, &json!({ "manifest": manifest })).await?, file.json)
        }
        Verb::List(list) => {
            let found: Vec<Application> = host.all(APPLICATIONS).await?;
            if list.json {
                return output::json(&found);
            }
            listed(&found)
        }
        Verb::Show(one) => show(&host.get(&path(&one.name)?).await?, one.json),
        Verb::Require(one) => require(host, one).await,
        Verb::Bind(one) => bind(host, one).await,
        Verb::Unbind(one) => unbind(host, &one.name, &one.acting).await,
    }
}

fn manifest(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}

/// Where an application is kept.
fn path(name: &str) -> Result<String> {
    Ok(format!("{APPLICATIONS}/{}", checked(name)?))
}

/// What can be no application's name can be no part of a path.
fn checked(name: &str) -> Result<ApplicationName> {
    ApplicationName::parse(name).map_err(|message| anyhow::anyhow!("{name:?} {message}"))
}

async fn change(host: &Client, name: &str, change: &Value) -> Result<Application> {
    let path = path(name)?;
    let found: Application = host.get(&path).await?;
    host.patch(&path, found.version, change).await
}

/// Says which kinds of tenants must bind an application; none, where none is named.
async fn require(host: &Client, one: &RequireApp) -> Result<()> {
    let body = json!({ "required_for": one.kinds });
    show(&change(host, &one.name, &body).await?, one.json)
}

/// Binds an application, or binds it otherwise.
async fn bind(host: &Client, one: &BindApp) -> Result<()> {
    let (client, path) = binding(host, &one.name, &one.acting).await?;
    let mut body = json!({});
    if let Some(version) = one.manifest_version {
        body["manifest_version"] = json!(version);
    }
    if !one.scopes.is_empty() {
        body["scopes"] = json!(one.scopes);
    }
    let bound: ApplicationBinding = match find(&client, &one.name, &one.acting).await? {
        Some(found) => client.put(&path, found.version, &body).await?,
        None => client.put_new_with(&path, &body).await?,
    };
    show_binding(&bound, one.acting.json)
}

async fn unbind(host: &Client, name: &str, acting: &Acting) -> Result<()> {
    let (client, path) = binding(host, name, acting).await?;
    let Some(found) = find(&client, name, acting).await? else {
        bail!("{} has not bound {name}", acting.tenant)
    };
    client.delete(&path, found.version).await?;
    show_binding(&found, acting.json)
}

/// Whoever binds, and where.
async fn binding(host: &Client, name: &str, acting: &Acting) -> Result<(Client, String)> {
    let path = format!("{}/{}", bindings(acting)?, checked(name)?);
    Ok((host.as_account(&acting.tenant, &acting.account).await?, path))
}

fn bindings(acting: &Acting) -> Result<String> {
    // What can be no tenant's name can be no part of a path.
    tenant::path(&acting.tenant)?;
    Ok(format!("/v1/tenants/{}/applications", acting.tenant))
}

async fn find(client: &Client, name: &str, acting: &Acting) -> Result<Option<ApplicationBinding>> {
    let found: Vec<ApplicationBinding> = client.all(&bindings(acting)?).await?;
    Ok(found.into_iter().find(|found| found.application.as_str() == name))
}

fn required_for(application: &Application) -> String {
    application.required_for.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn listed(found: &[Application]) -> Result<()> {
    let mut rows = vec![["NAME", "VERSION", "REQUIRED FOR", "TITLE"].map(str::to_owned).to_vec()];
    for one in found {
        rows.push(vec![
            one.name.to_string(),
            one.manifest_version.to_string(),
            required_for(one),
            one.title.to_string(),
        ]);
    }
    output::table(&rows)
}

fn show(application: &Application, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(application);
    }
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let manifest = &application.manifest;
    output::table(&[
        row("name", application.name.to_string()),
        row("title", application.title.to_string()),
        row("version", application.manifest_version.to_string()),
        row("required for", required_for(application)),
        row("types", manifest.resource_types.len().to_string()),
        row("actions", manifest.actions.len().to_string()),
        row("scopes", manifest.scopes.len().to_string()),
        row("created", application.created_at.to_string()),
    ])
}

fn show_binding(binding: &ApplicationBinding, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(binding);
    }
    let scopes: Vec<_> = binding.scopes.iter().map(|scope| scope.as_str()).collect();
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    output::table(&[
        row("application", binding.application.to_string()),
        row("version", binding.manifest_version.to_string()),
        row("scopes", scopes.join(" ")),
        row("bound", binding.created_at.to_string()),
    ])
}
