//! When a 404 is answered: not as soon as it is known, but at the next of a few times after the request came, so that the
//! work that it took tells nothing of what was looked at.

use std::time::Duration;

use tokio::time::Instant;

/// How far these times are apart: longer than it takes to find out, shorter than anybody minds.
const PACE: Duration = Duration::from_micros(500);

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

    /// Waits for the next of the times. Timers are too coarse for it; meanwhile other requests are served.
    pub(super) async fn keep_pace(self) {
        let due = self.0 + next(self.0.elapsed());
        while Instant::now() < due {
            tokio::task::yield_now().await;
        }
    }
}

fn next(elapsed: Duration) -> Duration {
    let whole = elapsed.as_micros() / PACE.as_micros();
    PACE.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::{Duration, PACE, next};

    #[test]
    fn what_takes_longer_is_answered_at_the_same_time() {
        for micros in [0, 1, 30, 499] {
            assert_eq!(next(Duration::from_micros(micros)), PACE);
        }
        assert_eq!(next(PACE), PACE * 2);
        assert_eq!(next(PACE * 7 / 2), PACE * 4);
    }
}
