//! `/livez` and `/readyz`.

use actix_web::web::{self, Data};
use actix_web::{HttpResponse, Responder};

use crate::domain::Error;
use crate::http::describe::{Describe, Sketch};
use crate::http::reply::Reply;
use crate::http::state::State;

/// A word.
#[derive(Debug)]
pub(in crate::http) struct Word(&'static str);

impl Responder for Word {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(self.0)
    }
}

impl Describe for Word {
    fn describe(sketch: &mut Sketch) {
        let content = utoipa::openapi::ContentBuilder::new()
            .schema(Some(<String as utoipa::PartialSchema>::schema()))
            .build();
        sketch.answer(200, "It does", Some(("text/plain", content)));
    }
}

pub(in crate::http) async fn live() -> Word {
    Word("ok\n")
}

/// A server listens once everything is migrated, and stops listening before it closes anything. What it may lack is a
/// registry that takes writes.
pub(in crate::http) async fn ready(state: Data<State>) -> Reply<Word> {
    let registry = state.registry.clone();
    let is_ready = web::block(move || registry.is_ready()).await;
    if is_ready.map_err(|error| Error::Internal(error.to_string()))? {
        Ok(Word("ready\n"))
    } else {
        Err(Error::Storage("the registry takes no writes".to_owned()).into())
    }
}
