//! A clock that a test sets.

use std::sync::atomic::{AtomicI64, Ordering};

use freehold::cli::SystemClock;
use freehold::domain::{Clock, Timestamp};

/// The system's clock, ahead by as much as a test says.
#[derive(Default)]
pub(crate) struct Stepped(AtomicI64);

impl Stepped {
    pub(crate) fn step(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }

    fn new_id(&self) -> uuid::Uuid {
        SystemClock.new_id()
    }
}
