//! The circuit breaker: whoever does not answer is left alone for a while, and then asked by one request first.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How a breaker behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row before it opens.
    pub failures: u32,
    /// How long it stays open.
    pub open: Duration,
}

/// Its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Requests pass; so many have failed in a row.
    Closed { failures: u32 },
    /// Nothing passes before this time.
    Open { until: Instant },
    /// One request is under way that decides; nothing else passes.
    Probing,
}

/// What a change of state is to be told as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It opened.
    Opened,
    /// It closed.
    Closed,
}

/// Leave to ask. What comes of it is reported with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    /// Reports of an earlier state do not count.
    generation: u64,
}

/// A circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    generation: u64,
}

impl Inner {
    fn to(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        let inner = Inner { state: State::Closed { failures: 0 }, generation: 0 };
        Self { settings, inner: Mutex::new(inner) }
    }

    /// Leave to ask, or how long there is none.
    pub(super) fn enter(&self, now: Instant) -> Result<Pass, Duration> {
        let mut inner = self.inner.lock();
        match inner.state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => return Err(until - now),
            State::Open { .. } => inner.to(State::Probing),
            State::Probing => return Err(Duration::ZERO),
        }
        Ok(Pass { generation: inner.generation })
    }

    /// Says what came of a request.
    pub(super) fn report(&self, pass: Pass, answered: bool, now: Instant) -> Option<Change> {
        let mut inner = self.inner.lock();
        if pass.generation != inner.generation {
            return None;
        }
        match (inner.state, answered) {
            (State::Closed { .. }, true) => {
                inner.state = State::Closed { failures: 0 };
                None
            }
            (State::Probing, true) => {
                inner.to(State::Closed { failures: 0 });
                Some(Change::Closed)
            }
            (State::Closed { failures }, false) if failures + 1 < self.settings.failures => {
                inner.state = State::Closed { failures: failures + 1 };
                None
            }
            (State::Closed { .. }, false) => {
                inner.to(State::Open { until: now + self.settings.open });
                Some(Change::Opened)
            }
            (State::Probing, false) => {
                inner.to(State::Open { until: now + self.settings.open });
                None
            }
            (State::Open { .. }, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Breaker, BreakerSettings, Change, Pass};

    const OPEN: Duration = Duration::from_secs(10);

    fn breaker() -> (Breaker, Instant) {
        (
            Breaker::new(BreakerSettings { failures: 3, open: OPEN }),
            tokio::time::Instant::now().into(),
        )
    }

    fn fail(breaker: &Breaker, now: Instant) -> Option<Change> {
        let pass = breaker.enter(now).unwrap();
        breaker.report(pass, false, now)
    }

    #[test]
    fn it_opens_after_so_many_failures_in_a_row_and_no_sooner() {
        let (breaker, now) = breaker();
        assert_eq!([fail(&breaker, now), fail(&breaker, now)], [None, None]);
        let pass = breaker.enter(now).unwrap();
        assert_eq!(breaker.report(pass, true, now), None);
        assert_eq!([fail(&breaker, now), fail(&breaker, now)], [None, None]);
        assert_eq!(fail(&breaker, now), Some(Change::Opened));
        assert_eq!(breaker.enter(now), Err(OPEN));
    }

    fn opened() -> (Breaker, Instant, Pass) {
        let (breaker, now) = breaker();
        let late = breaker.enter(now).unwrap();
        for _ in 0..3 {
            fail(&breaker, now);
        }
        (breaker, now, late)
    }

    #[test]
    fn one_request_decides_whether_it_closes() {
        let (breaker, now, _) = opened();
        let then = now + OPEN;
        let probe = breaker.enter(then).unwrap();
        assert_eq!(breaker.enter(then), Err(Duration::ZERO));
        assert_eq!(breaker.report(probe, false, then), None);
        assert_eq!(breaker.enter(then), Err(OPEN));
        let later = then + OPEN;
        let probe = breaker.enter(later).unwrap();
        assert_eq!(breaker.report(probe, true, later), Some(Change::Closed));
        assert!(breaker.enter(later).is_ok());
    }

    #[test]
    fn what_was_asked_before_it_opened_says_nothing_about_it() {
        let (breaker, now, late) = opened();
        assert_eq!(breaker.report(late, true, now), None);
        assert_eq!(breaker.enter(now), Err(OPEN));
        let probe = breaker.enter(now + OPEN).unwrap();
        assert_eq!(breaker.report(late, false, now), None);
        assert_eq!(breaker.report(probe, true, now), Some(Change::Closed));
    }
}
