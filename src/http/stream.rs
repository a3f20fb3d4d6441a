//! Events as they happen (Server-Sent Events, WHATWG HTML section 9.2): read as the list is, page by page, each permitted
//! anew; what is taken back ends the stream. Whoever comes back says by `Last-Event-ID` where they were.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Required};

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::reply::Reply;
use crate::domain::{EventEntry, FollowFilter, Page, Sequence};

/// How often something is said where nothing happens, so that nobody in between ends the connection.
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

/// What a stream listens to.
pub(super) struct Ties {
    /// Commits in which something happened.
    pub(super) commits: Receiver<u64>,
    /// Whether the server stops.
    pub(super) closing: Receiver<bool>,
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
    read: Box<dyn Fn(i64) -> NextPage>,
}

/// What comes where nothing is left to be told.
enum Rest {
    /// Something happens.
    Happens,
    /// Nothing does, for long enough to say so.
    Silence,
    /// The stream ends.
    End,
}

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
        let until = for_s.map(|seconds| Instant::now() + Duration::from_secs(u64::from(seconds)));
        let read = std::rc::Rc::new(read);
        let page = read(after).await?;
        let read = move |after| -> NextPage {
            let read = read.clone();
            Box::pin(async move { read(after).await })
        };
        Ok(Self { state: Following { asked, page, after, ties, until, read: Box::new(read) } })
    }
}

impl Following {
    /// What is sent next: events, or a word that nothing happens. `None` where the client may follow no further.
    async fn next(mut self) -> Option<(std::io::Result<Bytes>, Option<Self>)> {
        loop {
            let told = self.tell();
            if !told.is_empty() {
                return Some((Ok(Bytes::from(told)), Some(self)));
            }
            let rest = if self.page.next.is_none() { self.rest().await } else { Rest::Happens };
            if matches!(rest, Rest::End) {
                return None;
            }
            self.ties.commits.borrow_and_update();
            // Where nothing happens, whether the client may still follow is asked all the same.
            self.page = (self.read)(self.after).await.ok()?;
            if matches!(rest, Rest::Silence) && self.page.items.is_empty() {
                return Some((Ok(Bytes::from_static(b": nothing happens\n\n")), Some(self)));
            }
        }
    }

    /// What of the page is asked for. What is not is passed over for good: it is never read again.
    fn tell(&mut self) -> String {
        let events = std::mem::take(&mut self.page.items);
        self.after = events.last().map_or(self.after, |event| event.sequence);
        events.iter().filter(|event| self.asked.chooses(event)).map(frame).collect()
    }

    async fn rest(&mut self) -> Rest {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Rest::End;
        }
        let Ties { commits, closing } = &mut self.ties;
        let happens = timeout(left.unwrap_or(HEARTBEAT).min(HEARTBEAT), commits.changed());
        tokio::select! {
            changed = happens => match changed {
                Ok(Ok(())) => Rest::Happens,
                _ => Rest::Silence,
            },
            _ = closing.wait_for(|closing| *closing) => Rest::End,
        }
    }
}

fn frame(event: &EventEntry) -> String {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.sequence, event.kind)
}

impl Responder for EventStream {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let frames =
            futures_util::stream::unfold(
                Some(self.state),
                |state| async move { state?.next().await },
            );
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header(("x-accel-buffering", "no"))
            .streaming(frames)
    }
}

impl Describe for EventStream {
    fn describe(sketch: &mut Sketch) {
        let event = ObjectBuilder::new()
            .schema_type(Type::String)
            .content_media_type("application/json")
            .content_schema(Some(sketch.schema::<EventEntry>()));
        let message = ObjectBuilder::new()
            .property("id", ObjectBuilder::new().schema_type(Type::String))
            .property("event", ObjectBuilder::new().schema_type(Type::String))
            .property("data", event)
            .required("id")
            .required("event")
            .required("data");
        let content = ContentBuilder::new().schema(Some(message)).build();
        let description = "Events, each as a message with its `sequence` as id, its type as event, and itself as data";
        sketch.answer(200, description, Some(("text/event-stream", content)));
    }
}
