//! Events as they happen (Server-Sent Events, WHATWG HTML section 9.2): read as the list is, page by page. For each page
//! the caller is authenticated and permitted anew, so that a stream ends with its credential, and says why. A client that
//! comes back says by `Last-Event-ID` where it was.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use tokio::time::Instant;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OneOfBuilder, RefOr, Required, Schema};

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::reply::Reply;
use super::ties::Ties;
use crate::domain::{EndReason, EventEntry, FollowFilter, Page, Sequence, StreamEnd};

/// How often something is sent where nothing happens, so that no proxy ends the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The event that the client has seen last, as a browser says it that comes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastEventId(pub(super) Option<Sequence>);

impl FromRequest for LastEventId {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get("last-event-id") else {
            return ready(Ok(Self(None)));
        };
        let number = value.to_str().ok().and_then(|text| text.parse::<i64>().ok());
        let sequence = number.and_then(|number| Sequence::try_from(number).ok());
        let odd = || Failure::parameter("Last-Event-ID", "must be the sequence of an event");
        ready(sequence.map(|sequence| Self(Some(sequence))).ok_or_else(odd))
    }
}

impl Describe for LastEventId {
    fn describe(sketch: &mut Sketch) {
        let description = "Begin behind the event of this `sequence`; counts more than `after`.";
        sketch.header("Last-Event-ID", description, Required::False);
    }
}

type NextPage = Pin<Box<dyn Future<Output = Reply<Page<EventEntry>>>>>;

/// What happened behind a place, and what happens from now on.
pub(super) struct EventStream {
    state: Following,
}

struct Following {
    asked: FollowFilter,
    page: Page<EventEntry>,
    after: i64,
    ties: Ties,
    /// When it ends by itself.
    until: Option<Instant>,
    /// When a page was last read.
    asked_at: Instant,
    /// When something was last sent.
    said_at: Instant,
    read: Box<dyn Fn(i64) -> NextPage>,
}

/// What is sent, and what is left of the stream then; nothing behind its end.
type Sent = (std::io::Result<Bytes>, Option<Following>);

impl EventStream {
    /// Reads the first page, so that a refusal is an answer like any other.
    pub(super) async fn begin<F>(
        asked: FollowFilter,
        (after, for_s): (i64, Option<u32>),
        ties: Ties,
        read: F,
    ) -> Reply<Self>
    where
        F: AsyncFn(i64) -> Reply<Page<EventEntry>> + 'static,
    {
        let now = Instant::now();
        let until = for_s.map(|seconds| now + Duration::from_secs(u64::from(seconds)));
        let read = std::rc::Rc::new(read);
        let page = read(after).await?;
        let read = move |after| -> NextPage {
            let read = read.clone();
            Box::pin(async move { read(after).await })
        };
        let (asked_at, said_at, read) = (now, now, Box::new(read));
        Ok(Self { state: Following { asked, page, after, ties, until, asked_at, said_at, read } })
    }
}

impl Following {
    /// What is sent next: events, a heartbeat, or the end.
    async fn next(mut self) -> Sent {
        loop {
            let told = self.tell();
            if !told.is_empty() {
                return self.say(told);
            }
            if self.said_at.elapsed() >= HEARTBEAT {
                return self.say(": nothing happens\n\n".to_owned());
            }
            if self.page.next.is_none() {
                if self.until.is_some_and(|until| until <= Instant::now()) {
                    return end(EndReason::TimeOver);
                }
                let heartbeat = self.said_at + HEARTBEAT;
                let until = self.until.map_or(heartbeat, |until| until.min(heartbeat));
                self.ties.wait(until, self.asked_at).await;
            }
            if let Err(reason) = self.turn_page().await {
                return end(reason);
            }
        }
    }

    fn say(mut self, text: String) -> Sent {
        self.said_at = Instant::now();
        (Ok(Bytes::from(text)), Some(self))
    }

    /// What of the page is asked for. What is not is passed over for good: it is never read again.
    fn tell(&mut self) -> String {
        let events = std::mem::take(&mut self.page.items);
        self.after = events.last().map_or(self.after, |event| event.sequence);
        events.iter().filter(|event| self.asked.chooses(event)).map(frame).collect()
    }

    /// Reads the next page, which may be empty; where nothing happens, this is how a lost permission is noticed.
    async fn turn_page(&mut self) -> Result<(), EndReason> {
        if let Some(reason) = self.ties.over() {
            return Err(reason);
        }
        self.asked_at = Instant::now();
        self.ties.commits.borrow_and_update();
        self.page = (self.read)(self.after).await.map_err(|failure| {
            let reason = self.ties.reason(&failure);
            if reason == EndReason::Unavailable {
                tracing::warn!(error.code = failure.code(), error = %failure, "a stream was ended");
            }
            reason
        })?;
        Ok(())
    }
}

/// The last message: without an id, so that a client comes back behind the last event.
fn end(reason: EndReason) -> Sent {
    let data = serde_json::to_string(&StreamEnd { reason }).unwrap_or_default();
    (Ok(Bytes::from(format!("event: {}\ndata: {data}\n\n", StreamEnd::MESSAGE))), None)
}

fn frame(event: &EventEntry) -> String {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.sequence, event.kind)
}

impl Responder for EventStream {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let frames = futures_util::stream::unfold(Some(self.state), |state| async move {
            Some(state?.next().await)
        });
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header(("x-accel-buffering", "no"))
            .streaming(frames)
    }
}

impl Describe for EventStream {
    fn describe(sketch: &mut Sketch) {
        let data = |schema: RefOr<Schema>| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .content_media_type("application/json")
                .content_schema(Some(schema))
        };
        let message = |schema: RefOr<Schema>| {
            ObjectBuilder::new()
                .property("event", ObjectBuilder::new().schema_type(Type::String))
                .property("data", data(schema))
                .required("event")
                .required("data")
        };
        let event = message(sketch.schema::<EventEntry>())
            .property("id", ObjectBuilder::new().schema_type(Type::String))
            .required("id");
        let end = message(sketch.schema::<StreamEnd>());
        let messages = OneOfBuilder::new().item(event).item(end);
        let content = ContentBuilder::new().schema(Some(messages)).build();
        let description = "Events, each as a message with its `sequence` as id, its type as event, and itself as data. The last message is `end`, without an id, and says why the stream ends.";
        sketch.answer(200, description, Some(("text/event-stream", content)));
    }
}
