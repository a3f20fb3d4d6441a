//! A connection, watched: nobody holds one without asking for something, and nobody leaves an answer unread.
//!
//! The framework's own time-outs cover the head of a connection's first request, and connections on which nothing
//! comes. What is left is bounded here: a later request whose head never ends, and an answer that is not taken.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::Place;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the head of a request, the wait between two requests included.
    pub(super) head: Duration,
    /// For an answer, from the first moment that some of it waits.
    pub(super) answer: Duration,
}

/// What a connection's requests and its stream know of each other.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    is_busy: Cell<bool>,
    /// A request has come since the stream was last asked for more.
    has_begun: Cell<bool>,
    /// An answer ended before its end.
    is_cut: Cell<bool>,
    undelivered: RefCell<Vec<Place>>,
}

/// A request that is being answered: from its head to the end of its answer's making.
#[derive(Debug)]
pub(super) struct Attendance {
    pulse: Rc<Pulse>,
    place: Option<Place>,
}

impl Attendance {
    /// A request has come.
    pub(super) fn begin(pulse: Rc<Pulse>) -> Self {
        pulse.is_busy.set(true);
        pulse.has_begun.set(true);
        Self { pulse, place: None }
    }

    /// Keeps the request's place until the client has its answer.
    pub(super) fn keep(&mut self, place: Option<Place>) {
        self.place = place;
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.pulse.is_busy.set(false);
        self.pulse.undelivered.borrow_mut().extend(self.place.take());
    }
}

/// An answer's body, with the request that it ends.
pub(super) struct Attended {
    body: Pin<Box<BoxBody>>,
    attendance: Attendance,
}

impl Attended {
    pub(super) fn new(body: BoxBody, attendance: Attendance) -> Self {
        Self { body: Box::pin(body), attendance }
    }
}

impl MessageBody for Attended {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let next = self.body.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Err(_))) = &next {
            self.attendance.pulse.is_cut.set(true);
        }
        next.map_err(Error::from)
    }
}

/// A moment at which patience ends. Its timer is set anew only when it rings too soon.
#[derive(Debug)]
struct Deadline {
    within: Duration,
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(within: Duration) -> Self {
        Self { within, due: None, timer: None }
    }

    fn stop(&mut self) {
        self.due = None;
    }

    /// Whether the wait, which begins now if it has not begun, is over; else wakes when it is.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.within);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }
}

/// A stream whose peer is watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    /// Throws away what the kernel still has for the peer.
    abandon: fn(&S),
    pulse: Rc<Pulse>,
    head: Deadline,
    answer: Deadline,
    /// The connection's place among those of its client's network.
    _place: Option<Place>,
}

impl<S> Watched<S> {
    pub(super) fn new(
        stream: S,
        abandon: fn(&S),
        patience: Patience,
        place: Option<Place>,
    ) -> Self {
        Self {
            stream,
            abandon,
            pulse: Rc::default(),
            head: Deadline::new(patience.head),
            answer: Deadline::new(patience.answer),
            _place: place,
        }
    }

    /// What the connection's requests share with it.
    pub(super) fn pulse(&self) -> Rc<Pulse> {
        self.pulse.clone()
    }

    /// Everything that was written is with the client, or with the kernel at least.
    fn delivered(&mut self) {
        self.answer.stop();
        // A request that is being answered keeps its place itself.
        self.pulse.undelivered.borrow_mut().clear();
    }
}

impl<S> Drop for Watched<S> {
    /// A client of HTTP/1.0 takes the end of a connection for the end of the answer, unless the connection is reset.
    fn drop(&mut self) {
        if self.pulse.is_cut.get() {
            (self.abandon)(&self.stream);
        }
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            return Poll::Ready(read);
        }
        let is_busy = this.pulse.is_busy.get() || this.answer.due.is_some();
        if this.pulse.has_begun.replace(false) || is_busy {
            this.head.stop();
        }
        if is_busy {
            return Poll::Pending;
        }
        this.head.poll_over(cx).map(|()| Err(too_slow()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Ready(written) => Poll::Ready(written),
            Poll::Pending => this.answer.poll_over(cx).map(|()| {
                (this.abandon)(&this.stream);
                Err(too_slow())
            }),
        }
    }

    /// The framework flushes when nothing of what it has to say is left.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.delivered();
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
