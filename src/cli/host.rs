//! `freehold tenant host …`.

use anyhow::{Context, Result};

use super::args::{OneHost, TenantHost as Verb};
use super::client::Client;
use super::{output, tenant};
use crate::domain::{HostName, TenantHost};

/// Keeps a tenant's host names.
pub(super) async fn ask(client: &Client, verb: &Verb) -> Result<()> {
    match verb {
        Verb::Add(one) => show(&add(client, one).await?, one.json),
        Verb::List(one) => list(&all(client, &one.tenant).await?, one.json),
        Verb::Remove(one) => show(&remove(client, one).await?, one.json),
    }
}

/// Registers a host name; one that the tenant has already stays as it is.
async fn add(client: &Client, one: &OneHost) -> Result<TenantHost> {
    let host = name(one)?;
    match find(client, &one.tenant, &host).await? {
        Some(found) => Ok(found),
        None => client.put_new(&path(&one.tenant, &host)?).await,
    }
}

async fn remove(client: &Client, one: &OneHost) -> Result<TenantHost> {
    let host = name(one)?;
    let found = find(client, &one.tenant, &host).await?;
    let found = found.with_context(|| format!("{} has no host name {host}", one.tenant))?;
    client.delete(&path(&one.tenant, &host)?, found.version).await?;
    Ok(found)
}

fn name(one: &OneHost) -> Result<HostName> {
    HostName::parse(&one.host).map_err(|message| anyhow::anyhow!("{:?} {message}", one.host))
}

fn path(tenant: &str, host: &HostName) -> Result<String> {
    Ok(format!("{}/hosts/{host}", tenant::path(tenant)?))
}

async fn all(client: &Client, tenant: &str) -> Result<Vec<TenantHost>> {
    client.all(&format!("{}/hosts", tenant::path(tenant)?)).await
}

async fn find(client: &Client, tenant: &str, host: &HostName) -> Result<Option<TenantHost>> {
    Ok(all(client, tenant).await?.into_iter().find(|found| found.host == *host))
}

fn show(host: &TenantHost, as_json: bool) -> Result<()> {
    if as_json { output::json(host) } else { list(std::slice::from_ref(host), false) }
}

fn list(hosts: &[TenantHost], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&hosts);
    }
    let mut rows = vec![["HOST", "TENANT", "SINCE"].map(str::to_owned).to_vec()];
    for host in hosts {
        rows.push(vec![
            host.host.to_string(),
            host.tenant_id.to_string(),
            host.created_at.to_string(),
        ]);
    }
    output::table(&rows)
}
