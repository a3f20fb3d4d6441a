//! What one read may take: steps of the engine, and time for the work outside it. Work whose client has gone is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Error, Result};

/// What one read may take.
#[derive(Debug, Clone, Default)]
pub(in crate::storage) struct Budget {
    /// Steps of the engine's virtual machine; unlimited if omitted.
    pub(in crate::storage) max_steps: Option<u32>,
    /// When the work outside the engine must end; unlimited if omitted.
    until: Option<Instant>,
    abandoned: Abandoned,
}

/// Whether the client of some work has gone.
#[derive(Debug, Clone, Default)]
pub(in crate::storage) struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    /// Whether it has.
    pub(in crate::storage) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Held by the future that waits for some work: the work is abandoned when it is dropped.
#[derive(Debug, Default)]
pub(in crate::storage) struct Waiter(Abandoned);

impl Waiter {
    /// Tells the work whether it is abandoned.
    pub(in crate::storage) fn abandoned(&self) -> Abandoned {
        self.0.clone()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Budget {
    /// The budget of work that somebody waits for. Its time begins now.
    pub(in crate::storage) fn begin(max_steps: u32, time: Duration, abandoned: Abandoned) -> Self {
        Self { max_steps: Some(max_steps), until: Some(Instant::now() + time), abandoned }
    }

    /// So many steps, and nothing that takes time outside the engine.
    pub(in crate::storage) fn of_steps(max_steps: u32) -> Self {
        Self { max_steps: Some(max_steps), ..Self::default() }
    }

    /// Tells the engine whether the work is abandoned.
    pub(in crate::storage) fn abandoned(&self) -> &Abandoned {
        &self.abandoned
    }

    /// Whether the time is over, or nobody waits for the answer.
    pub(in crate::storage) fn is_spent(&self) -> bool {
        self.abandoned.is_set() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Refuses further work where the budget is spent.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`].
    pub(in crate::storage) fn check(&self) -> Result<()> {
        if self.is_spent() { Err(Error::TooMuchWork) } else { Ok(()) }
    }
}
