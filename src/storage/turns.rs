//! Turns: so many at once, so many waiting, and nobody for longer than they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Result};

/// Turns to do something that holds a thread.
#[derive(Debug)]
pub(in crate::storage) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    patience: Duration,
}

/// One more who waits; one less when dropped, also where the request is given up.
struct Waiting<'t>(&'t AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// So many turns at once, and so many who wait for one, each for so long.
    pub(in crate::storage) fn new(at_once: usize, max_waiting: usize, patience: Duration) -> Self {
        let free = Arc::new(Semaphore::new(at_once));
        Self { free, waiting: AtomicUsize::new(0), max_waiting, patience }
    }

    /// Takes a turn, until it is dropped.
    pub(in crate::storage) async fn take(&self) -> Result<OwnedSemaphorePermit> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.max_waiting {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        match tokio::time::timeout(self.patience, self.free.clone().acquire_owned()).await {
            Ok(turn) => turn.map_err(|error| Error::Internal(error.to_string())),
            Err(_) => Err(Error::Busy { retry_after_s: 1 }),
        }
    }
}
