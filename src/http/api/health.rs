//! `/livez` and `/readyz`.

use actix_web::{HttpResponse, Responder};

use crate::http::describe::{Describe, Sketch};

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

/// A server listens once everything is migrated; it has stopped listening before it closes anything.
pub(in crate::http) async fn ready() -> Word {
    Word("ready\n")
}
