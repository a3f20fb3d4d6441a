//! `freehold tenant …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::json;

use super::args::{CreateTenant, Tenant as Verb};
use super::client::Client;
use super::configuration::Configuration;
use super::{account, host, node, output, row_security};
use crate::domain::Tenant;

const TENANTS: &str = "/v1/platform/tenants";

/// Keeps tenants.
pub(super) async fn tenant(
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
        Verb::Create(new) => show(&create(client, new).await?, new.json),
        Verb::List(list) => {
            let tenants: Vec<Tenant> = client.all(TENANTS).await?;
            if list.json {
                return output::json(&tenants);
            }
            listed(&tenants)
        }
        Verb::Show(one) => show(&client.get(&path(&one.tenant)?).await?, one.json),
        Verb::Suspend(one) => show(&change(client, &one.tenant, "suspend").await?, one.json),
        Verb::Resume(one) => show(&change(client, &one.tenant, "resume").await?, one.json),
        Verb::Host(verb) => host::ask(client, verb).await,
        Verb::RowSecurity(verb) => row_security::ask(client, verb).await,
    }
}

async fn create(client: &Client, new: &CreateTenant) -> Result<Tenant> {
    let owner = match &new.owner {
        Some(owner) => Some(account::find(client, "--owner", owner).await?),
        None => None,
    };
    let mut body = json!({ "slug": new.slug, "name": new.name.as_ref().unwrap_or(&new.slug) });
    if let Some(owner) = owner {
        body["owner_id"] = json!(owner);
    }
    if let Some(description) = &new.description {
        body["description"] = json!(description);
    }
    if new.personal {
        body["kind"] = json!("personal");
    }
    client.ask(Method::POST, TENANTS, Some(&body)).await
}

async fn change(client: &Client, tenant: &str, verb: &str) -> Result<Tenant> {
    client.ask(Method::POST, &format!("{}/{verb}", path(tenant)?), None).await
}

/// Where a tenant is kept.
pub(super) fn path(tenant: &str) -> Result<String> {
    if crate::domain::TenantReference::parse(tenant).is_none() {
        bail!("{tenant:?} is neither a slug nor an id");
    }
    Ok(format!("{TENANTS}/{tenant}"))
}

fn listed(tenants: &[Tenant]) -> Result<()> {
    let mut rows = vec![["SLUG", "STATUS", "KIND", "NAME", "ID"].map(str::to_owned).to_vec()];
    for tenant in tenants {
        rows.push(vec![
            tenant.slug.to_string(),
            tenant.status.to_string(),
            tenant.kind.to_string(),
            tenant.name.to_string(),
            tenant.id.to_string(),
        ]);
    }
    output::table(&rows)
}

fn show(tenant: &Tenant, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(tenant);
    }
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    output::table(&[
        row("slug", tenant.slug.to_string()),
        row("name", tenant.name.to_string()),
        row("status", tenant.status.to_string()),
        row("kind", tenant.kind.to_string()),
        row("region", tenant.data_region.to_string()),
        row("id", tenant.id.to_string()),
        row("created", tenant.created_at.to_string()),
    ])
}
