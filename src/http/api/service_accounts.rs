//! `/service-accounts`, of a tenant and of the platform.

use crate::domain::action::{
    CreateServiceAccount, DeleteServiceAccount, ListServiceAccounts, ReadServiceAccount,
    ResumeServiceAccount, SuspendServiceAccount, UpdateServiceAccount,
};
use crate::domain::{
    ChangeServiceAccount, NewServiceAccount, ServiceAccount, ServiceAccountFilter, ServiceAccountId,
};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::service_accounts;

pub(in crate::http) async fn list(
    cx: TenantContext<ListServiceAccounts>,
    query: Query<ServiceAccountFilter>,
) -> Reply<Listed<ServiceAccount>> {
    cx.list(cx.tenant(), query, |tx, filter, page| service_accounts::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateServiceAccount>,
    Body(new): Body<NewServiceAccount>,
) -> Reply<Created<ServiceAccount>> {
    cx.write(cx.tenant(), move |tx| service_accounts::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadServiceAccount>,
    Path(id): Path<ServiceAccountId>,
) -> Reply<Item<ServiceAccount>> {
    cx.read(id, move |tx| service_accounts::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateServiceAccount>,
    Path(id): Path<ServiceAccountId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeServiceAccount>,
) -> Reply<Item<ServiceAccount>> {
    cx.write(id, move |tx| service_accounts::update(tx, id, &change, version)).await.map(Item)
}

pub(in crate::http) async fn suspend(
    cx: TenantContext<SuspendServiceAccount>,
    Path(id): Path<ServiceAccountId>,
) -> Reply<Item<ServiceAccount>> {
    cx.write(id, move |tx| service_accounts::suspend(tx, id)).await.map(Item)
}

pub(in crate::http) async fn resume(
    cx: TenantContext<ResumeServiceAccount>,
    Path(id): Path<ServiceAccountId>,
) -> Reply<Item<ServiceAccount>> {
    cx.write(id, move |tx| service_accounts::resume(tx, id)).await.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteServiceAccount>,
    Path(id): Path<ServiceAccountId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| service_accounts::delete(tx, id, version)).await.map(|()| NoContent)
}

/// `/v1/platform/service-accounts`.
pub(in crate::http) mod platform {
    use crate::domain::action::{
        CreatePlatformServiceAccount, DeletePlatformServiceAccount, ListPlatformServiceAccounts,
        ReadPlatformServiceAccount, ResumePlatformServiceAccount, SuspendPlatformServiceAccount,
        UpdatePlatformServiceAccount,
    };
    use crate::domain::{
        ChangePlatformServiceAccount, NewPlatformServiceAccount, Platform, PlatformServiceAccount,
        ServiceAccountFilter, ServiceAccountId,
    };
    use crate::http::body::Body;
    use crate::http::context::PlatformContext;
    use crate::http::parameters::{Path, Query};
    use crate::http::precondition::IfMatch;
    use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
    use crate::services::service_accounts::platform as service_accounts;

    pub(in crate::http) async fn list(
        cx: PlatformContext<ListPlatformServiceAccounts>,
        query: Query<ServiceAccountFilter>,
    ) -> Reply<Listed<PlatformServiceAccount>> {
        cx.list(Platform, query, |tx, filter, page| service_accounts::list(tx, filter, page)).await
    }

    pub(in crate::http) async fn create(
        cx: PlatformContext<CreatePlatformServiceAccount>,
        Body(new): Body<NewPlatformServiceAccount>,
    ) -> Reply<Created<PlatformServiceAccount>> {
        cx.write(Platform, move |tx| service_accounts::create(tx, &new)).await.map(Created)
    }

    pub(in crate::http) async fn read(
        cx: PlatformContext<ReadPlatformServiceAccount>,
        Path(id): Path<ServiceAccountId>,
    ) -> Reply<Item<PlatformServiceAccount>> {
        cx.read(id, move |tx| service_accounts::read(tx, id)).await.map(Item)
    }

    pub(in crate::http) async fn update(
        cx: PlatformContext<UpdatePlatformServiceAccount>,
        Path(id): Path<ServiceAccountId>,
        IfMatch(version): IfMatch,
        Body(change): Body<ChangePlatformServiceAccount>,
    ) -> Reply<Item<PlatformServiceAccount>> {
        cx.write(id, move |tx| service_accounts::update(tx, id, &change, version)).await.map(Item)
    }

    pub(in crate::http) async fn suspend(
        cx: PlatformContext<SuspendPlatformServiceAccount>,
        Path(id): Path<ServiceAccountId>,
    ) -> Reply<Item<PlatformServiceAccount>> {
        cx.write(id, move |tx| service_accounts::suspend(tx, id)).await.map(Item)
    }

    pub(in crate::http) async fn resume(
        cx: PlatformContext<ResumePlatformServiceAccount>,
        Path(id): Path<ServiceAccountId>,
    ) -> Reply<Item<PlatformServiceAccount>> {
        cx.write(id, move |tx| service_accounts::resume(tx, id)).await.map(Item)
    }

    pub(in crate::http) async fn delete(
        cx: PlatformContext<DeletePlatformServiceAccount>,
        Path(id): Path<ServiceAccountId>,
        IfMatch(version): IfMatch,
    ) -> Reply<NoContent> {
        cx.write(id, move |tx| service_accounts::delete(tx, id, version)).await.map(|()| NoContent)
    }
}
