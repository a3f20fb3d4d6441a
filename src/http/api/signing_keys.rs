//! `/v1/platform/keys`: the keys that sign. Their public parts are at `/.well-known/jwks.json`.

use crate::domain::action::{ListSigningKeys, RetireSigningKey, RotateSigningKey};
use crate::domain::{KeyId, Platform, SigningKeyEntry, SigningKeyFilter};
use crate::http::context::PlatformContext;
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Item, Listed, Reply};
use crate::services::signing_keys;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListSigningKeys>,
    query: Query<SigningKeyFilter>,
) -> Reply<Listed<SigningKeyEntry>> {
    cx.list(Platform, query, |tx, filter, page| signing_keys::list(tx, filter, page)).await
}

pub(in crate::http) async fn rotate(
    cx: PlatformContext<RotateSigningKey>,
) -> Reply<Item<SigningKeyEntry>> {
    let (state, overlap_s) = (cx.state(), cx.state().settings.key_overlap_s);
    cx.run(move |registry, call| signing_keys::rotate(registry, call, &state.ring, overlap_s))
        .await
        .map(Item)
}

pub(in crate::http) async fn retire(
    cx: PlatformContext<RetireSigningKey>,
    Path(id): Path<KeyId>,
) -> Reply<Item<SigningKeyEntry>> {
    let state = cx.state();
    cx.run(move |registry, call| signing_keys::retire(registry, call, &state.ring, &id))
        .await
        .map(Item)
}
