//! Requests a minute by key: the generic cell rate algorithm, as the `governor` crate has it.
//!
//! Kept in memory, for a bounded number of keys: the one that was used least recently makes room. A restart forgives.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// A key that was not used for so long has its whole minute again: to forget it changes nothing.
const IDLE: Duration = Duration::from_secs(61);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, StateInformationMiddleware>;

/// Counts requests by key.
#[derive(Debug)]
pub(super) struct Meter<K: Eq + Hash + Send + Sync + 'static> {
    limiters: Cache<K, (NonZeroU32, Arc<Limiter>)>,
    clock: MonotonicClock,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Meter<K> {
    /// Counts for so many keys at most.
    pub(super) fn new(max_keys: u64) -> Self {
        let limiters = Cache::builder()
            .max_capacity(max_keys)
            // By frequency, a new key might never be kept, and so never be limited.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(IDLE)
            .build();
        Self { limiters, clock: MonotonicClock }
    }

    /// Takes one of the key's requests of this minute; says how many are left, or after how many seconds one will be.
    pub(super) fn take(&self, key: K, limit: NonZeroU32) -> Result<u32, u32> {
        match self.limiter(key, limit).check() {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(wait) => {
                let wait = wait.wait_time_from(self.clock.now());
                Err(u32::try_from(wait.as_secs()).unwrap_or(60).saturating_add(1))
            }
        }
    }

    /// The key's limiter; another limit begins anew.
    fn limiter(&self, key: K, limit: NonZeroU32) -> Arc<Limiter> {
        let make = || {
            let quota = Quota::per_minute(limit);
            let limiter = RateLimiter::direct_with_clock(quota, self.clock.clone());
            (limit, Arc::new(limiter.with_middleware()))
        };
        let entry = self.limiters.entry(key).or_insert_with_if(make, |(of, _)| *of != limit);
        entry.into_value().1
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, NonZeroU32};

    #[test]
    fn each_key_takes_so_many_and_no_more() {
        let (meter, three) = (Meter::new(10), NonZeroU32::new(3).unwrap());
        assert_eq!([0, 0, 0].map(|_| meter.take("one", three)), [Ok(2), Ok(1), Ok(0)]);
        assert!(matches!(meter.take("one", three), Err(1..=21)));
        assert_eq!(meter.take("other", three), Ok(2));
        // Another limit begins anew.
        assert_eq!(meter.take("one", NonZeroU32::new(4).unwrap()), Ok(3));
    }

    #[test]
    fn so_many_keys_are_kept_and_a_new_one_is_always_counted() {
        let (meter, one) = (Meter::new(100), NonZeroU32::MIN);
        for key in 0..10_000 {
            assert_eq!(meter.take(key, one), Ok(0));
            assert!(meter.take(key, one).is_err(), "{key}");
        }
        meter.limiters.run_pending_tasks();
        assert!(meter.limiters.entry_count() <= 100);
    }
}
