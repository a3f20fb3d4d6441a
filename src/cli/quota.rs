//! `freehold quota …`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{OnePlan, Plan as PlanVerb, Quota as Verb, SetPlan, SetQuota, TypedLimits};
use super::client::Client;
use super::configuration::Configuration;
use super::{node, output, tenant};
use crate::domain::{
    DEFAULT_PLAN, Plan, PlanName, Tenant, TenantLimits, TenantQuotas, TenantUsage,
};

const PLANS: &str = "/v1/platform/plans";

/// What a tenant was given, and what it was last seen to use.
#[derive(Serialize)]
struct Shown {
    quotas: TenantQuotas,
    /// Its plan; the default one, where it has none of its own and there is one.
    plan: Option<Plan>,
    usage: Vec<TenantUsage>,
}

impl Shown {
    /// The limits that count.
    fn limits(&self) -> TenantLimits {
        let plan = self.plan.as_ref().map(|plan| (plan.limits.clone(), plan.soft_limits.clone()));
        let own = (self.quotas.limits.clone(), self.quotas.soft_limits.clone());
        TenantLimits { plan: plan.unwrap_or_default(), own }
    }
}

/// Keeps plans, and what tenants are given.
pub(super) async fn quota(
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
        Verb::Show(one) => {
            let quotas = client.get(&path(&one.tenant)?).await?;
            show(client, quotas, one.json).await
        }
        Verb::Set(set) => give(client, set).await,
        Verb::Plan(PlanVerb::List(list)) => listed(&client.all::<Plan>(PLANS).await?, list.json),
        Verb::Plan(PlanVerb::Set(set)) => put(client, set).await,
        Verb::Plan(PlanVerb::Delete(one)) => delete(client, one).await,
    }
}

fn path(name: &str) -> Result<String> {
    Ok(format!("{}/quotas", tenant::path(name)?))
}

async fn give(client: &Client, set: &SetQuota) -> Result<()> {
    let path = path(&set.tenant)?;
    let now: TenantQuotas = client.get(&path).await?;
    let mut body = body(&set.limits);
    body["plan"] = json!(set.plan);
    let quotas: TenantQuotas = client.put(&path, now.version, &body).await?;
    show(client, quotas, set.json).await
}

/// The body that typed limits are.
fn body(limits: &TypedLimits) -> Value {
    let of = |typed: &[(String, i64)]| typed.iter().cloned().collect::<BTreeMap<_, _>>();
    json!({ "limits": of(&limits.limits), "soft_limits": of(&limits.soft_limits) })
}

async fn show(client: &Client, quotas: TenantQuotas, as_json: bool) -> Result<()> {
    let path = format!("/v1/platform/usage?tenant_id={}", quotas.id);
    let usage: Vec<TenantUsage> = client.all(&path).await?;
    let default = PlanName::parse(DEFAULT_PLAN).map_err(anyhow::Error::msg)?;
    let plan = find(client, quotas.plan.as_ref().unwrap_or(&default)).await?;
    let shown = Shown { quotas, plan, usage };
    if as_json {
        return output::json(&shown);
    }
    let tenant: Tenant = client.get(&tenant::path(&shown.quotas.id.to_string())?).await?;
    let plan = shown.plan.as_ref().map_or("no plan".to_owned(), |it| format!("plan {}", it.name));
    output::say(&format!("{}: {plan}", tenant.slug))?;
    output::table(&rows(&shown))
}

/// Each dimension that has a limit or is used.
fn rows(shown: &Shown) -> Vec<Vec<String>> {
    fn or_none<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| value.to_string())
    }
    let limits = shown.limits();
    let used: BTreeMap<_, _> = shown.usage.iter().map(|it| (&it.dimension, it.used)).collect();
    let dimensions: BTreeSet<_> = limits.dimensions().chain(used.keys().copied()).collect();
    let head = ["DIMENSION", "LIMIT", "OF", "SOFT LIMIT", "USED"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for dimension in dimensions {
        let hard = limits.hard(dimension);
        rows.push(vec![
            dimension.to_string(),
            or_none(hard.map(|(limit, _)| limit)),
            or_none(hard.map(|(_, source)| source)),
            or_none(limits.soft(dimension)),
            or_none(used.get(dimension)),
        ]);
    }
    rows
}

async fn put(client: &Client, set: &SetPlan) -> Result<()> {
    let name = PlanName::parse(set.name.as_str()).map_err(anyhow::Error::msg)?;
    let path = format!("{PLANS}/{name}");
    let mut body = body(&set.limits);
    body["title"] = json!(set.title.as_ref().unwrap_or(&set.name));
    let plan: Plan = match find(client, &name).await? {
        Some(plan) => client.put(&path, plan.version, &body).await?,
        None => client.put_new_with(&path, &body).await?,
    };
    if set.json { output::json(&plan) } else { listed(&[plan], false) }
}

async fn find(client: &Client, name: &PlanName) -> Result<Option<Plan>> {
    Ok(client.all::<Plan>(PLANS).await?.into_iter().find(|plan| plan.name == *name))
}

async fn delete(client: &Client, one: &OnePlan) -> Result<()> {
    let name = PlanName::parse(one.name.as_str()).map_err(anyhow::Error::msg)?;
    let plan = find(client, &name).await?.with_context(|| format!("there is no plan {name}"))?;
    client.delete(&format!("{PLANS}/{name}"), plan.version).await?;
    if one.json { output::json(&plan) } else { listed(&[plan], false) }
}

fn listed(plans: &[Plan], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&plans);
    }
    let mut rows = vec![["PLAN", "TITLE", "LIMITS"].map(str::to_owned).to_vec()];
    for plan in plans {
        let limits = plan.limits.0.iter().map(|(of, limit)| format!("{of}={}", limit.get()));
        let limits = limits.collect::<Vec<_>>().join(" ");
        rows.push(vec![plan.name.to_string(), plan.title.to_string(), limits]);
    }
    output::table(&rows)
}
