//! `/v1/platform/migrations`.

use serde::Deserialize;

use crate::domain::MigrationReport;
use crate::domain::action::{ListMigrations, RunMigrations};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::reply::{Plain, Reply};
use crate::services::migrations;

/// What to migrate.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MigrationRequest {
    /// One tenant, by slug or id; every file where nothing is said.
    #[serde(default)]
    tenant: Option<String>,
}

pub(in crate::http) async fn list(
    cx: PlatformContext<ListMigrations>,
) -> Reply<Plain<MigrationReport>> {
    cx.run(migrations::list).await.map(Plain)
}

pub(in crate::http) async fn run(
    cx: PlatformContext<RunMigrations>,
    Body(request): Body<MigrationRequest>,
) -> Reply<Plain<MigrationReport>> {
    cx.run(move |registry, call| {
        migrations::run(registry, call, request.tenant.as_deref(), &|_, _| {})
    })
    .await
    .map(Plain)
}
