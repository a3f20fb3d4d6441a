//! `/v1/platform/imports`.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::domain::action::CreateImport;
use crate::domain::{Error, ImportProgress, Platform};
use crate::http::body::ImportBody;
use crate::http::context::PlatformContext;
use crate::http::describe::{Describe, Sketch};
use crate::http::failure::Failure;
use crate::http::parameters::parse_query;
use crate::http::reply::Reply;
use crate::services::imports::{self, OnProgress, Run};

/// How to import.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ImportQuery {
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: Option<bool>,
}

impl FromRequest for ImportQuery {
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(parse_query(request.query_string()))
    }
}

impl Describe for ImportQuery {
    fn describe(sketch: &mut Sketch) {
        sketch.parameters.extend(Self::into_params(|| Some(ParameterIn::Query)));
    }
}

/// How far the import is, line by line (NDJSON); the last line is the report. The answer ends with the credential, without
/// its last chunk, and the import goes on.
#[derive(Debug)]
pub(in crate::http) struct ImportStream {
    progress: mpsc::UnboundedReceiver<ImportProgress>,
    /// Asks anew before each line.
    cx: PlatformContext<CreateImport>,
}

impl ImportStream {
    async fn line(&mut self) -> Option<Reply<Bytes>> {
        loop {
            let progress = self.progress.recv().await?;
            match permit(&self.cx).await {
                Ok(()) => return Some(Ok(line_of(&progress))),
                // The import itself ends by the same loss, and its last line says so.
                Err(Failure::Domain(Error::NotFound | Error::Forbidden)) => {
                    if let ImportProgress::Error { .. } = progress {
                        return Some(Ok(line_of(&progress)));
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

fn line_of(progress: &ImportProgress) -> Bytes {
    let mut line = serde_json::to_vec(progress).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Asks whether the caller may import, now.
async fn permit(cx: &PlatformContext<CreateImport>) -> Reply<()> {
    cx.turn_page().await?;
    cx.read(Platform, |_| Ok(())).await
}

impl Responder for ImportStream {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let lines = futures_util::stream::unfold(Some(self), |this| async move {
            let mut this = this?;
            match this.line().await? {
                Ok(line) => Some((Ok(line), Some(this))),
                Err(failure) => {
                    tracing::debug!(reason = %failure, "the progress of an import was cut off");
                    Some((Err(std::io::Error::other("the answer was ended")), None))
                }
            }
        });
        HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines)
    }
}

impl Describe for ImportStream {
    fn describe(sketch: &mut Sketch) {
        let schema = sketch.schema::<ImportProgress>();
        let content = utoipa::openapi::ContentBuilder::new().schema(Some(schema)).build();
        let description = "How far it is, a JSON object a line; the last is the report, or the error that ended it. The answer is cut off if the caller's credential ends first; the import goes on.";
        sketch.answer(200, description, Some(("application/x-ndjson", content)));
    }
}

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateImport>,
    query: ImportQuery,
    body: ImportBody,
) -> Reply<ImportStream> {
    cx.read(Platform, |_| Ok(())).await?;
    let file = body.read().await?;
    let run = if query.dry_run.unwrap_or(false) { Run::Dry } else { Run::Real };
    let (sender, receiver) = mpsc::unbounded_channel();
    let (registry, call) = (cx.state().registry.clone(), cx.call()?);
    // The caller may stop listening; the import goes on, as long as the caller may import.
    let _running = actix_web::web::block(move || {
        let listener = sender.clone();
        let progress: OnProgress = Arc::new(move |progress| drop(listener.send(progress)));
        let last = match imports::run(&registry, &call, &file, run, &progress) {
            Ok(report) if report.stopped => ImportProgress::stopped(report),
            Ok(report) => ImportProgress::Report(report),
            Err(error) => ImportProgress::Error {
                code: error.code().to_owned(),
                detail: error.to_string(),
                report: None,
            },
        };
        drop(sender.send(last));
    });
    Ok(ImportStream { progress: receiver, cx })
}
