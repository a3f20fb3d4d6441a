//! Requests a minute of each tenant, by its quota: the generic cell rate algorithm, as the `governor` crate has it.
//!
//! A tenant's answers say what is left (draft-ietf-httpapi-ratelimit-headers). Counted in memory: a restart forgives.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

use crate::domain::{Error, Result, TenantId};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Tenants whose requests are counted at once; whoever was counted least recently is forgotten.
const MAX_TENANTS: u64 = 100_000;

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, StateInformationMiddleware>;

/// Counts the requests of tenants.
#[derive(Debug)]
pub(super) struct Rates {
    limiters: Cache<TenantId, (u32, Arc<Limiter>)>,
    clock: MonotonicClock,
}

/// What is left to a tenant, as its answers say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    limit: u32,
    left: u32,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self { limiters: Cache::new(MAX_TENANTS), clock: MonotonicClock }
    }

    /// Counts a request of a tenant that may send so many a minute; a request is counted once.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(super) fn count(&self, tenant: TenantId, limit: i64, request: &HttpRequest) -> Result<()> {
        if request.extensions().get::<Left>().is_some() {
            return Ok(());
        }
        let refused = |retry_after_s| Error::TooManyRequests { limit, retry_after_s };
        let Some(cells) = u32::try_from(limit).ok().and_then(NonZeroU32::new) else {
            // None at all; what is beyond all counting is no limit.
            return if limit == 0 { Err(refused(60)) } else { Ok(()) };
        };
        let checked = self.limiter(tenant, cells).check();
        let left = checked.as_ref().map_or(0, |state| state.remaining_burst_capacity());
        request.extensions_mut().insert(Left { limit: cells.get(), left });
        checked.map(drop).map_err(|wait| {
            let wait = wait.wait_time_from(self.clock.now());
            refused(u32::try_from(wait.as_secs()).unwrap_or(60).saturating_add(1))
        })
    }

    fn limiter(&self, tenant: TenantId, limit: NonZeroU32) -> Arc<Limiter> {
        if let Some((of, limiter)) = self.limiters.get(&tenant)
            && of == limit.get()
        {
            return limiter;
        }
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(limit), self.clock.clone());
        let limiter = Arc::new(limiter.with_middleware());
        self.limiters.insert(tenant, (limit.get(), limiter.clone()));
        limiter
    }
}

impl Left {
    /// Says it.
    pub(super) fn say(self, headers: &mut HeaderMap) {
        let Self { limit, left } = self;
        // Until all of it is there again.
        let full = Duration::from_mins(1).mul_f64(1.0 - f64::from(left) / f64::from(limit));
        let policy = format!("\"requests\";q={limit};w=60");
        let state = format!("\"requests\";r={left};t={}", full.as_secs_f64().ceil());
        for (name, value) in [(POLICY, policy), (LIMIT, state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use uuid::Uuid;

    use super::{Error, HeaderMap, HttpMessage, Left, Rates, TenantId};

    #[test]
    fn so_many_are_taken_and_no_more_and_each_tenants_are_its_own() {
        let (rates, [one, other]) = (Rates::new(), [1, 2].map(|id| TenantId(Uuid::from_u128(id))));
        let count = |tenant, limit| {
            let request = TestRequest::default().to_http_request();
            let counted = rates.count(tenant, limit, &request);
            let left = request.extensions().get::<Left>().copied();
            (counted, left.map(|left| left.left))
        };
        assert_eq!(count(one, 3), (Ok(()), Some(2)));
        assert_eq!(count(one, 3), (Ok(()), Some(1)));
        assert_eq!(count(one, 3), (Ok(()), Some(0)));
        let refused = count(one, 3).0.unwrap_err();
        assert!(
            matches!(refused, Error::TooManyRequests { limit: 3, retry_after_s: 1..=21 }),
            "{refused:?}"
        );
        assert_eq!(count(other, 3), (Ok(()), Some(2)));
        // Another limit begins anew.
        assert_eq!(count(one, 4), (Ok(()), Some(3)));
        assert!(count(one, 0).0.is_err());
        assert_eq!(count(one, 1 << 40), (Ok(()), None));
    }

    #[test]
    fn what_is_left_is_said() {
        let mut headers = HeaderMap::new();
        Left { limit: 100, left: 50 }.say(&mut headers);
        assert_eq!(headers.get("ratelimit").unwrap(), "\"requests\";r=50;t=30");
        assert_eq!(headers.get("ratelimit-policy").unwrap(), "\"requests\";q=100;w=60");
    }
}
