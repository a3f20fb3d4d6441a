//! `/reservations`.

use crate::domain::action::{CreateReservation, DeleteReservation, ListReservations};
use crate::domain::{NewReservation, Reservation, ReservationFilter, ReservationId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::reservations;

pub(in crate::http) async fn list(
    cx: TenantContext<ListReservations>,
    query: Query<ReservationFilter>,
) -> Reply<Listed<Reservation>> {
    cx.list(cx.tenant(), query, |tx, _, page| reservations::list(tx, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateReservation>,
    Body(new): Body<NewReservation>,
) -> Reply<Created<Reservation>> {
    cx.write(cx.tenant(), move |tx| reservations::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListReservations>,
    Path(id): Path<ReservationId>,
) -> Reply<Item<Reservation>> {
    cx.read(cx.tenant(), move |tx| reservations::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteReservation>,
    Path(id): Path<ReservationId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(cx.tenant(), move |tx| reservations::delete(tx, id, version)).await.map(|()| NoContent)
}
