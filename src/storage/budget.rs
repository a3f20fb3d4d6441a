//! What one read may take: steps of the engine, and time for the work outside it. Work whose client has gone is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Error, Result};

/// How much longer the first of many questions may take, with what prepares it: a page has one answer at the least, also
/// where the machine is slow.
const FIRST: Duration = Duration::from_secs(1);

/// What one read may take.
#[derive(Debug, Default)]
pub(in crate::storage) struct Budget {
    /// Steps of the engine's virtual machine; unlimited if omitted.
    pub(in crate::storage) max_steps: Option<u32>,
    /// When the work outside the engine must end; unlimited if omitted.
    until: Option<Instant>,
    /// Whether a question has been answered.
    has_answered: AtomicBool,
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
        let until = Some(Instant::now() + time);
        Self { max_steps: Some(max_steps), until, has_answered: AtomicBool::new(false), abandoned }
    }

    /// So many steps, and nothing that takes time outside the engine.
    pub(in crate::storage) fn of_steps(max_steps: u32) -> Self {
        Self { max_steps: Some(max_steps), ..Self::default() }
    }

    /// Tells the engine whether the work is abandoned.
    pub(in crate::storage) fn abandoned(&self) -> &Abandoned {
        &self.abandoned
    }

    /// Whether the time is over, or the client is gone.
    pub(in crate::storage) fn is_spent(&self) -> bool {
        let more = if self.has_answered.load(Ordering::Relaxed) { Duration::ZERO } else { FIRST };
        self.abandoned.is_set() || self.until.is_some_and(|until| Instant::now() >= until + more)
    }

    /// Notes that a question has been answered.
    pub(in crate::storage) fn note_answer(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Refuses further work where the budget is spent.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`].
    pub(in crate::storage) fn check(&self) -> Result<()> {
        if self.is_spent() { Err(Error::TooMuchWork) } else { Ok(()) }
    }
}
