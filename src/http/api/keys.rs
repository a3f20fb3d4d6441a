//! `/.well-known/jwks.json`: the public keys of system JWTs.

use actix_web::web::Data;

use crate::http::reply::Plain;
use crate::http::state::State;
use crate::identity::Jwks;

pub(in crate::http) async fn read(state: Data<State>) -> Plain<Jwks> {
    Plain(state.jwks.clone())
}
