//! `freehold seed`: what every installation begins with.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::json;

use super::args::Seed as Arguments;
use super::client::Client;
use super::configuration::Configuration;
use super::{account, import, node, output};
use crate::domain::{ImportOutcome, Me, Slug, Tenant, TenantStatus, Workspace};

/// Makes the default tenant, and an account's personal tenant with its workspace, where they are not there; prints what
/// is there.
pub(super) async fn seed(
    data: &Path,
    configuration: Configuration,
    seed: &Arguments,
) -> Result<ExitCode> {
    let section = configuration.seed.clone();
    let slug = seed.slug.as_ref().unwrap_or(&section.slug);
    let slug = Slug::parse(slug.as_str())
        .map_err(|message| anyhow::anyhow!("--slug, or seed.slug: {slug:?} {message}"))?;
    let name = seed.name.clone().unwrap_or(section.name);
    let found = node::with_client(data, configuration, |client| async move {
        let me = person(&client, seed.account.as_deref()).await?;
        let default = default_tenant(&client, &slug, &name).await?;
        let personal: Tenant = me.0.ask(Method::POST, "/v1/me/tenants", Some(&json!({}))).await?;
        let workspaces = workspaces(&client, &personal, &me.1).await?;
        Ok((default, personal, workspaces, me.1))
    })
    .await?;
    let (default, personal, workspaces, me) = found;
    if seed.json {
        let account = &me.account;
        output::json(&json!({
            "tenants": [default, personal],
            "account": { "id": account.id, "display_name": account.display_name },
            "workspaces": workspaces,
        }))?;
    } else {
        show(&[default, personal], &me, &workspaces)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whose the personal tenant is: the host's operator, made where it is not there, unless another account is named.
async fn person(host: &Client, named: Option<&str>) -> Result<(Client, Me)> {
    let account = match named {
        Some(named) => Some(account::find(host, "--account", named).await?),
        None => None,
    };
    let client = host.as_person(account).await?;
    let me = client.get("/v1/me").await?;
    Ok((client, me))
}

/// The tenant that every installation begins with. One that is there already stays as it is, whosever it is.
async fn default_tenant(host: &Client, slug: &Slug, name: &str) -> Result<Tenant> {
    if let Some(found) = find(host, slug).await?
        && found.status != TenantStatus::Provisioning
    {
        return Ok(found);
    }
    let file = json!({
        "format": "freehold-import/1",
        "issuer": "host",
        "tenants": [{
            "slug": slug,
            "name": name,
            "description": "The tenant that every installation begins with",
            "owners": ["operator"],
            "workspaces": [{ "name": "everyone", "owner": "tenant" }],
        }],
    });
    let report = import::send(host, "/v1/platform/imports", file.to_string().into_bytes()).await?;
    let mut failed = report.tenants.iter().filter(|tenant| tenant.outcome == ImportOutcome::Failed);
    if let Some(tenant) = failed.next() {
        bail!("{slug}: {}", tenant.problem.as_deref().unwrap_or("could not be filled"));
    }
    find(host, slug).await?.context("the tenant that was made is not there")
}

async fn find(host: &Client, slug: &Slug) -> Result<Option<Tenant>> {
    let all: Vec<Tenant> = host.all(&format!("/v1/platform/tenants?slug_prefix={slug}")).await?;
    Ok(all.into_iter().find(|tenant| tenant.slug == *slug))
}

async fn workspaces(host: &Client, tenant: &Tenant, me: &Me) -> Result<Vec<Workspace>> {
    let client = host.as_account(tenant.slug.as_str(), &me.account.id.to_string()).await?;
    client.all(&format!("/v1/tenants/{}/workspaces", tenant.slug)).await
}

fn show(tenants: &[Tenant], me: &Me, workspaces: &[Workspace]) -> Result<()> {
    let mut rows = vec![["SLUG", "KIND", "STATUS", "NAME"].map(str::to_owned).to_vec()];
    for tenant in tenants {
        rows.push(vec![
            tenant.slug.to_string(),
            tenant.kind.to_string(),
            tenant.status.to_string(),
            tenant.name.to_string(),
        ]);
    }
    output::table(&rows)?;
    let names: Vec<_> = workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
    output::say(&format!(
        "\nThe personal tenant is {}'s, account {}; its workspaces: {}",
        me.account.display_name,
        me.account.id,
        names.join(", ")
    ))
}
