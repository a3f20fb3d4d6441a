//! Who is told that something happened in a file: those who follow its events, and whoever sends them to webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::domain::EventSource;

/// The way to whoever sends events to webhooks; nobody does before it is asked for.
pub(in crate::storage) type Wakes = Arc<Mutex<Option<mpsc::UnboundedSender<EventSource>>>>;

/// What of one file is told to others.
#[derive(Debug)]
pub(in crate::storage) struct Told {
    source: EventSource,
    /// Something happened that is not committed yet.
    has_happened: AtomicBool,
    commits: watch::Sender<u64>,
    /// Somebody may want to be sent events.
    has_webhooks: AtomicBool,
    wakes: Wakes,
}

impl Told {
    pub(in crate::storage) fn new(source: EventSource, wakes: Wakes) -> Self {
        Self {
            source,
            has_happened: AtomicBool::new(false),
            commits: watch::channel(0).0,
            has_webhooks: AtomicBool::new(false),
            wakes,
        }
    }

    /// Something happens, in a transaction that is not committed yet.
    pub(in crate::storage) fn happens(&self) {
        self.has_happened.store(true, Ordering::Release);
    }

    /// A transaction was committed.
    pub(in crate::storage) fn committed(&self) {
        if !self.has_happened.swap(false, Ordering::AcqRel) {
            return;
        }
        self.commits.send_modify(|count| *count += 1);
        if self.has_webhooks.load(Ordering::Acquire) {
            self.wake();
        }
    }

    /// Has its events looked at by whoever sends them.
    pub(in crate::storage) fn wake(&self) {
        if let Some(wakes) = &*self.wakes.lock()
            && wakes.send(self.source).is_err()
        {
            tracing::debug!(source = %self.source, "nobody sends events");
        }
    }

    /// Somebody may want to be sent events from now on.
    pub(in crate::storage) fn has_webhooks(&self) {
        self.has_webhooks.store(true, Ordering::Release);
    }

    /// Follows commits in which something happened.
    pub(in crate::storage) fn follow(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }
}
