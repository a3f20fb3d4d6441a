//! `/v1/platform/applications`.

use crate::domain::action::{
    CreateApplication, ListApplications, ReadApplication, UpdateApplication,
};
use crate::domain::{
    Application, ApplicationFilter, ApplicationName, ApplicationVersion, ChangeApplication,
    Manifest, Platform,
};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{ManifestVersion, Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, Plain, Reply};
use crate::services::applications;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListApplications>,
    query: Query<ApplicationFilter>,
) -> Reply<Listed<Application>> {
    cx.list(Platform, query, |tx, _, page| applications::list(tx, page)).await
}

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateApplication>,
    Body(manifest): Body<Manifest>,
) -> Reply<Created<Application>> {
    cx.run(move |registry, call| applications::create(registry, call, manifest)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadApplication>,
    Path(name): Path<ApplicationName>,
) -> Reply<Item<Application>> {
    cx.read(name.clone(), move |tx| applications::read(tx, &name)).await.map(Item)
}

pub(in crate::http) async fn read_version(
    cx: PlatformContext<ReadApplication>,
    Path(name): Path<ApplicationName>,
    Path(ManifestVersion(version)): Path<ManifestVersion>,
) -> Reply<Plain<ApplicationVersion>> {
    cx.read(name.clone(), move |tx| applications::read_version(tx, &name, version)).await.map(Plain)
}

pub(in crate::http) async fn update(
    cx: PlatformContext<UpdateApplication>,
    Path(name): Path<ApplicationName>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeApplication>,
) -> Reply<Item<Application>> {
    cx.run(move |registry, call| applications::update(registry, call, name, change, version))
        .await
        .map(Item)
}
