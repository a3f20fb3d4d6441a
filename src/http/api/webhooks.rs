//! `/webhooks` and `/v1/platform/webhooks`: the same on both planes.

use crate::domain::{Delivery, EventSource, IssuedWebhook, Webhook};
use crate::domain::{Error, FieldError, Result, WebhookId};
use crate::http::failure::Failure;
use crate::http::reply::Reply;
use crate::http::state::State;
use crate::outbound::{Shipment, Webhooks};
use crate::services::deliveries::Outbox;
use crate::storage::Registry;

/// An address that events may be sent to.
fn check(state: &State, url: Option<&String>) -> Reply<()> {
    let Some(Err(detail)) = url.map(|url| state.webhooks.check(url)) else { return Ok(()) };
    Err(Failure::from(Error::Invalid(vec![FieldError::new("/url", detail)])))
}

/// A webhook with the secret that signs.
fn issued(
    state: &State,
    source: EventSource,
    (webhook, generation): (Webhook, i64),
) -> IssuedWebhook {
    let secret = state.webhooks.secret(source, webhook.id, generation);
    IssuedWebhook { webhook, secret: Webhooks::written(&secret) }
}

/// Sends the event of a test, and writes down what came of it.
async fn send_test(
    state: &State,
    source: EventSource,
    (webhook, generation, correlation_id): (Webhook, i64, String),
) -> Reply<Delivery> {
    let (registry, id) = (state.registry.clone(), webhook.id);
    let found = block(&registry, move |registry| {
        Outbox::open(registry, source)?.tested(id, &correlation_id)
    });
    let (event, known) = found.await?;
    // The request was repeated.
    if let Some(delivery) = known {
        return Ok(delivery);
    }
    let secrets = vec![state.webhooks.secret(source, id, generation)];
    let shipment = Shipment { url: &webhook.url, event: &event, secrets };
    let outcome = state.webhooks.send(shipment, registry.clock().now()).await;
    let logged = block(&registry, move |registry| {
        Outbox::open(registry, source)?.log_test(id, &event, &outcome)
    });
    logged.await
}

async fn block<T: Send + 'static>(
    registry: &Registry,
    work: impl FnOnce(&Registry) -> Result<T> + Send + 'static,
) -> Reply<T> {
    let registry = registry.clone();
    let done = actix_web::web::block(move || work(&registry)).await;
    Ok(done.map_err(|error| Error::Internal(error.to_string()))??)
}

macro_rules! plane {
    (
        $(#[$doc:meta])*
        $plane:ident: $context:ident, |$cx:ident| $whose:expr, $source:expr,
        $list:ident, $create:ident, $update:ident, $delete:ident, $rotate:ident, $test:ident, $replay:ident
    ) => {
        $(#[$doc])*
        pub(in crate::http) mod $plane {
            use super::{WebhookId, check, issued, send_test};
            use crate::domain::action::{$list, $create, $update, $delete, $rotate, $test, $replay};
            use crate::domain::{
                ChangeWebhook, Delivery, IssuedWebhook, NewWebhook, ReplayWebhook as Replay,
                RotateWebhook as Rotate, Webhook, WebhookFilter,
            };
            use crate::http::body::Body;
            use crate::http::context::$context;
            use crate::http::parameters::{Path, Query};
            use crate::http::precondition::IfMatch;
            use crate::http::reply::{Created, Item, Listed, NoContent, Plain, Reply};
            use crate::services::webhooks;

            pub(in crate::http) async fn list(
                $cx: $context<$list>,
                query: Query<WebhookFilter>,
            ) -> Reply<Listed<Webhook>> {
                $cx.list($whose, query, |tx, _, page| webhooks::list(tx, page)).await
            }

            pub(in crate::http) async fn read(
                $cx: $context<$list>,
                Path(id): Path<WebhookId>,
            ) -> Reply<Item<Webhook>> {
                $cx.read($whose, move |tx| webhooks::read(tx, id)).await.map(Item)
            }

            pub(in crate::http) async fn create(
                $cx: $context<$create>,
                Body(new): Body<NewWebhook>,
            ) -> Reply<Created<IssuedWebhook>> {
                let state = $cx.state();
                $cx.prepare_webhooks().await?;
                check(&state, Some(&new.url))?;
                let made = $cx.write($whose, move |tx| webhooks::create(tx, &new)).await?;
                Ok(Created(issued(&state, $source, made)))
            }

            pub(in crate::http) async fn update(
                $cx: $context<$update>,
                Path(id): Path<WebhookId>,
                IfMatch(version): IfMatch,
                Body(change): Body<ChangeWebhook>,
            ) -> Reply<Item<Webhook>> {
                // Whoever may not change it hears nothing of addresses.
                $cx.read($whose, |_| Ok(())).await?;
                check(&$cx.state(), change.url.as_ref())?;
                $cx.write($whose, move |tx| webhooks::update(tx, id, &change, version)).await.map(Item)
            }

            pub(in crate::http) async fn delete(
                $cx: $context<$delete>,
                Path(id): Path<WebhookId>,
                IfMatch(version): IfMatch,
            ) -> Reply<NoContent> {
                $cx.write($whose, move |tx| webhooks::delete(tx, id, version)).await.map(|()| NoContent)
            }

            pub(in crate::http) async fn rotate(
                $cx: $context<$rotate>,
                Path(id): Path<WebhookId>,
                Body(asked): Body<Rotate>,
            ) -> Reply<Item<IssuedWebhook>> {
                let rotated = $cx.write($whose, move |tx| webhooks::rotate(tx, id, &asked)).await?;
                Ok(Item(issued(&$cx.state(), $source, rotated)))
            }

            pub(in crate::http) async fn replay(
                $cx: $context<$replay>,
                Path(id): Path<WebhookId>,
                Body(from): Body<Replay>,
            ) -> Reply<Item<Webhook>> {
                $cx.write($whose, move |tx| webhooks::replay(tx, id, &from)).await.map(Item)
            }

            pub(in crate::http) async fn test(
                $cx: $context<$test>,
                Path(id): Path<WebhookId>,
            ) -> Reply<Plain<Delivery>> {
                let begun = $cx.write($whose, move |tx| webhooks::begin_test(tx, id)).await?;
                send_test(&$cx.state(), $source, begun).await.map(Plain)
            }
        }
    };
}

plane! {
    /// The tenant's.
    tenant: TenantContext, |cx| cx.tenant(), crate::domain::EventSource::Tenant(cx.tenant()),
    ListWebhooks, CreateWebhook, UpdateWebhook, DeleteWebhook, RotateWebhook, TestWebhook, ReplayWebhook
}

plane! {
    /// The platform's.
    platform: PlatformContext, |cx| crate::domain::Platform, crate::domain::EventSource::Platform,
    ListPlatformWebhooks, CreatePlatformWebhook, UpdatePlatformWebhook, DeletePlatformWebhook,
    RotatePlatformWebhook, TestPlatformWebhook, ReplayPlatformWebhook
}
