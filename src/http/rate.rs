//! Requests a minute of each tenant, by its quota, and how its callers share them.
//!
//! One caller takes at most half of the tenant's limit, and a tenth is kept for owners and administrators: a guest can
//! neither use up the minute nor keep an owner from suspending the guest. Of a limit `n`, half is `n / 2` rounded up, so
//! that every caller has one at least; the tenth is `n / 10` rounded up, but never all of it: of a limit of 1 nothing is
//! kept. An answer says what is left of the narrowest limit that applies (draft-ietf-httpapi-ratelimit-headers).

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

use super::meter::Meter;
use crate::domain::{
    Call, Dimension, Error, PrincipalId, QuotaExceeded, RequestShare, Result, TenantId,
};
use crate::storage::{Standing, TenantStore};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Tenants and callers whose requests are counted at once.
const MAX_COUNTED: u64 = 100_000;

/// Whose requests are counted together.
type Counted = (TenantId, RequestShare, Option<PrincipalId>);

/// Counts the requests of tenants.
#[derive(Debug)]
pub(super) struct Rates(Meter<Counted>);

/// Who sends a request: `None` for the host, which only the tenant's own limit binds.
pub(super) type Sender = (Option<PrincipalId>, Standing);

/// What is left of the narrowest limit, as answers say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "what is left of a limit is called so")]
pub(super) struct Left {
    pub(super) share: RequestShare,
    pub(super) limit: u32,
    pub(super) left: u32,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self(Meter::new(MAX_COUNTED))
    }

    /// Counts a request among those that its tenant may send in a minute. One too many is written down as a refusal.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(super) async fn admit(
        &self,
        store: &TenantStore,
        call: &Call,
        request: &HttpRequest,
    ) -> Result<()> {
        let dimension = Dimension::parse(Dimension::REQUESTS).map_err(Error::Internal)?;
        let Some((limit, _)) = store.limits()?.hard(&dimension) else { return Ok(()) };
        let standing = store.standing(&call.caller).await?;
        // Requests of strangers and of former members are no use of the tenant's.
        if standing == Standing::Stranger {
            return Ok(());
        }
        let sender = (call.caller.subject.principal(), standing);
        let counted = self.count(store.tenant(), sender, limit, request);
        if let Err(Error::TooManyRequests { limit, .. }) = counted {
            let exceeded = QuotaExceeded { dimension, limit, used: limit };
            store.refuse(call, exceeded).await?;
        }
        counted
    }

    /// Counts a request of a tenant that may send so many a minute; a request is counted once.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    fn count(
        &self,
        tenant: TenantId,
        sender: Sender,
        limit: i64,
        request: &HttpRequest,
    ) -> Result<()> {
        if request.extensions().get::<Left>().is_some() {
            return Ok(());
        }
        let Some(cells) = u32::try_from(limit).ok().and_then(NonZeroU32::new) else {
            // A limit of 0 refuses all; one above `u32` does not limit.
            let share = RequestShare::Tenant;
            let none = Error::TooManyRequests { share, limit, retry_after_s: 60 };
            return if limit == 0 { Err(none) } else { Ok(()) };
        };
        let counted = self.take(tenant, sender, cells);
        let left = counted.unwrap_or_else(|(left, _)| left);
        request.extensions_mut().insert(left);
        counted.map(drop).map_err(|(Left { share, limit, .. }, retry_after_s)| {
            Error::TooManyRequests { share, limit: limit.into(), retry_after_s }
        })
    }

    /// The caller's own limit comes first, so a refusal there uses up no shared requests.
    fn take(
        &self,
        tenant: TenantId,
        (caller, standing): Sender,
        limit: NonZeroU32,
    ) -> Result<Left, (Left, u32)> {
        let (half, common) = shares(limit);
        let own = caller.map(|_| (RequestShare::Caller, caller, half));
        let shared =
            (standing != Standing::Steward).then_some((RequestShare::Shared, None, common));
        let whole = (RequestShare::Tenant, None, limit);
        let mut narrowest: Option<Left> = None;
        for (share, caller, cells) in own.into_iter().chain(shared).chain([whole]) {
            let of = |left| Left { share, limit: cells.get(), left };
            match self.0.take((tenant, share, caller), cells) {
                Ok(left) => {
                    let is_narrower = narrowest.is_none_or(|narrowest| left < narrowest.left);
                    narrowest = if is_narrower { Some(of(left)) } else { narrowest };
                }
                Err(retry_after_s) => return Err((of(0), retry_after_s)),
            }
        }
        Ok(narrowest.unwrap_or(Left { share: RequestShare::Tenant, limit: limit.get(), left: 0 }))
    }
}

/// What one caller takes of a limit at most, and what all take together that are neither owner nor administrator.
fn shares(limit: NonZeroU32) -> (NonZeroU32, NonZeroU32) {
    let of = |cells: u32| NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN);
    let all = limit.get();
    (of(all.div_ceil(2)), of(all - all.div_ceil(10)))
}

impl Left {
    /// Says it.
    pub(super) fn say(self, headers: &mut HeaderMap) {
        let Self { share, limit, left } = self;
        let name = match share {
            RequestShare::Tenant => "requests",
            RequestShare::Shared => "shared",
            RequestShare::Caller => "caller",
            RequestShare::Address => "address",
        };
        // Until all of it is there again.
        let full = Duration::from_mins(1).mul_f64(1.0 - f64::from(left) / f64::from(limit));
        let policy = format!("\"{name}\";q={limit};w=60");
        let state = format!("\"{name}\";r={left};t={}", full.as_secs_f64().ceil());
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

    use super::{
        Error, HeaderMap, HttpMessage, Left, NonZeroU32, PrincipalId, Rates, RequestShare,
        Standing, TenantId, shares,
    };

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));

    /// Sends requests of one caller, and says which limits refused the last of them.
    struct Sending(Rates, i64);

    impl Sending {
        fn send(&self, caller: u128, standing: Standing) -> Result<Left, (RequestShare, i64)> {
            let request = TestRequest::default().to_http_request();
            let sender = (Some(PrincipalId(Uuid::from_u128(caller))), standing);
            let counted = self.0.count(TENANT, sender, self.1, &request);
            let left = request.extensions().get::<Left>().copied();
            match counted {
                Ok(()) => Ok(left.unwrap()),
                Err(Error::TooManyRequests { share, limit, retry_after_s }) => {
                    assert!((1..=60).contains(&retry_after_s));
                    assert!(left.is_none_or(|left| left.share == share && left.left == 0));
                    Err((share, limit))
                }
                Err(error) => panic!("{error}"),
            }
        }

        fn taken(&self, caller: u128, standing: Standing) -> (usize, (RequestShare, i64)) {
            let mut taken = 0;
            loop {
                match self.send(caller, standing) {
                    Ok(_) => taken += 1,
                    Err(refused) => return (taken, refused),
                }
            }
        }
    }

    #[test]
    fn one_caller_takes_half_and_a_tenth_is_kept_for_owners() {
        let sending = Sending(Rates::new(), 10);
        let first = sending.send(1, Standing::Known).unwrap();
        assert_eq!(first, Left { share: RequestShare::Caller, limit: 5, left: 4 });
        assert_eq!(sending.taken(1, Standing::Known), (4, (RequestShare::Caller, 5)));
        assert_eq!(sending.taken(2, Standing::Known), (4, (RequestShare::Shared, 9)));
        assert_eq!(sending.taken(3, Standing::Known), (0, (RequestShare::Shared, 9)));
        assert_eq!(sending.taken(4, Standing::Steward), (1, (RequestShare::Tenant, 10)));
    }

    #[test]
    fn an_owner_takes_half_too() {
        let sending = Sending(Rates::new(), 10);
        assert_eq!(sending.taken(1, Standing::Steward), (5, (RequestShare::Caller, 5)));
        assert_eq!(sending.taken(2, Standing::Steward), (5, (RequestShare::Caller, 5)));
        assert_eq!(sending.taken(3, Standing::Steward), (0, (RequestShare::Tenant, 10)));
    }

    #[test]
    fn every_caller_has_one_request_of_the_smallest_limit() {
        let split = |limit| {
            let (half, common) = shares(NonZeroU32::new(limit).unwrap());
            (half.get(), common.get())
        };
        let split = [1, 2, 3, 9, 10, 11, 100, u32::MAX].map(split);
        let most = (1 << 31, u32::MAX - 429_496_730);
        assert_eq!(split, [(1, 1), (1, 1), (2, 2), (5, 8), (5, 9), (6, 9), (50, 90), most]);
        for (limit, expected) in [(1, (1, 0)), (2, (1, 1)), (3, (2, 1))] {
            let sending = Sending(Rates::new(), limit);
            let guest = sending.taken(1, Standing::Known).0;
            assert_eq!((guest, sending.taken(2, Standing::Steward).0), expected, "of {limit}");
        }
    }

    #[test]
    fn no_request_is_sent_of_none_and_a_limit_beyond_counting_is_none() {
        let none = Sending(Rates::new(), 0);
        assert_eq!(none.send(1, Standing::Steward), Err((RequestShare::Tenant, 0)));
        let request = TestRequest::default().to_http_request();
        assert_eq!(Rates::new().count(TENANT, (None, Standing::Known), 1 << 40, &request), Ok(()));
        assert!(request.extensions().get::<Left>().is_none());
    }

    #[test]
    fn what_is_left_is_said_of_the_limit_that_it_is_left_of() {
        let said = |share| {
            let mut headers = HeaderMap::new();
            Left { share, limit: 100, left: 50 }.say(&mut headers);
            let value = |name| headers.get(name).unwrap().to_str().unwrap().to_owned();
            (value("ratelimit"), value("ratelimit-policy"))
        };
        let expected = ("\"requests\";r=50;t=30".into(), "\"requests\";q=100;w=60".into());
        assert_eq!(said(RequestShare::Tenant), expected);
        assert_eq!(said(RequestShare::Caller).1, "\"caller\";q=100;w=60");
    }
}
