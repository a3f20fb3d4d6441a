//! Figures of requests: how many, of which route and status, how long they took, and whose they were.
//!
//! A label has few values: routes are those of the table, and of tenants the first ones are told apart, the others not.

use std::collections::HashSet;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage, HttpRequest};
use metrics::{counter, histogram};
use parking_lot::RwLock;

use crate::domain::TenantId;

/// Tenants that figures tell apart.
const MAX_TENANTS: usize = 100;
/// What the others are called together.
const OTHERS: &str = "other";

/// The tenants that figures tell apart: the first ones that came.
#[derive(Debug, Default)]
pub(super) struct Observed(RwLock<HashSet<TenantId>>);

/// The tenant that a request was let into.
#[derive(Debug, Clone, Copy)]
struct Entered(TenantId);

impl Observed {
    fn label(&self, tenant: TenantId) -> String {
        if self.0.read().contains(&tenant) {
            return tenant.to_string();
        }
        let mut known = self.0.write();
        if known.len() >= MAX_TENANTS {
            return OTHERS.to_owned();
        }
        known.insert(tenant);
        tenant.to_string()
    }

    /// Counts a request that is answered.
    pub(super) fn count(&self, response: &ServiceResponse<impl MessageBody>, took: Duration) {
        let request = response.request();
        let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        let status = response.status().as_u16().to_string();
        let method = known_method(request);
        counter!("freehold_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
            .increment(1);
        histogram!("freehold_http_request_duration_seconds", "route" => route)
            .record(took.as_secs_f64());
        let entered = request.extensions().get::<Entered>().copied();
        if let Some(Entered(tenant)) = entered {
            counter!("freehold_tenant_requests_total", "tenant" => self.label(tenant)).increment(1);
        }
    }
}

/// Notes the tenant that a request was let into.
pub(super) fn enters(request: &HttpRequest, tenant: TenantId) {
    request.extensions_mut().insert(Entered(tenant));
}

/// The method, if it is one that a route has.
fn known_method(request: &HttpRequest) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|method| request.method().as_str() == *method)
        .unwrap_or(OTHERS)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{MAX_TENANTS, OTHERS, Observed, TenantId};

    #[test]
    fn the_first_tenants_are_told_apart_and_the_others_are_not() {
        let (observed, tenant) = (Observed::default(), |id| TenantId(Uuid::from_u128(id)));
        let most = u128::try_from(MAX_TENANTS).unwrap();
        for id in 0..most {
            assert_eq!(observed.label(tenant(id)), tenant(id).to_string());
        }
        assert_eq!(observed.label(tenant(most)), OTHERS);
        assert_eq!(observed.label(tenant(0)), tenant(0).to_string());
    }
}
