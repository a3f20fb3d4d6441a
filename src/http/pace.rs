//! When a 404 is answered: at the next of a few times after the request came, so that the duration of the work tells
//! nothing of what was looked at.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The distance between these times: longer than a look-up takes. The runtime's timer counts in milliseconds, so a
/// shorter one would not be kept without a busy loop.
const PACE: Duration = Duration::from_millis(1);

/// When a request came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival(Instant);

impl Arrival {
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    /// How long ago it came.
    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Waits for the next of the times, by a timer: meanwhile the thread serves other requests, or sleeps.
    pub(super) async fn keep_pace(self) {
        sleep_until(self.0 + next(self.0.elapsed())).await;
    }
}

fn next(elapsed: Duration) -> Duration {
    let whole = elapsed.as_micros() / PACE.as_micros();
    PACE.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use super::{Arrival, Duration, PACE, next};

    /// Counts how often a task asks to be polled again.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_takes_longer_is_answered_at_the_same_time() {
        for micros in [0, 1, 30, 999] {
            assert_eq!(next(Duration::from_micros(micros)), PACE);
        }
        assert_eq!(next(PACE), PACE * 2);
        assert_eq!(next(PACE * 7 / 2), PACE * 4);
    }

    #[test]
    fn the_wait_asks_for_no_turn_before_it_is_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _within = runtime.enter();
        let counted = Arc::new(Wakes::default());
        let waker = Waker::from(counted.clone());
        let mut wait = pin!(Arrival::now().keep_pace());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // The timer does not run here: only a busy loop would ask to be polled again.
        assert_eq!(counted.0.load(Ordering::Relaxed), 0);
        runtime.block_on(wait);
    }
}
