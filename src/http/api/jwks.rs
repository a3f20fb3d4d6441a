//! `/.well-known/jwks.json`: the public keys of system JWTs.

use actix_web::web::Data;

use crate::http::reply::Cached;
use crate::http::state::State;
use crate::identity::Jwks;

/// Seconds that the keys can be kept; whoever meets a key that they have not kept asks again.
const KEPT_S: u32 = 300;

pub(in crate::http) async fn read(state: Data<State>) -> Cached<Jwks> {
    Cached(state.ring.jwks(), KEPT_S)
}
