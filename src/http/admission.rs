//! How many requests of one tenant are served at once: a tenant that floods is told so, and takes no other's turn.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use parking_lot::Mutex;

use crate::domain::{Error, Result, TenantId};

/// Requests that are served now, by tenant; a tenant without any has no entry.
type Running = Arc<Mutex<HashMap<TenantId, usize>>>;

/// Counts the requests of each tenant.
#[derive(Debug)]
pub(super) struct Admission {
    max: usize,
    running: Running,
}

impl Admission {
    pub(super) fn new(max: usize) -> Self {
        Self { max, running: Running::default() }
    }

    /// Takes a place among the tenant's requests; the request keeps it until its answer is with the client.
    pub(super) fn enter(&self, tenant: TenantId, request: &HttpRequest) -> Result<()> {
        let place = self.place(tenant)?;
        request.extensions_mut().insert(place);
        Ok(())
    }

    fn place(&self, tenant: TenantId) -> Result<Place> {
        let mut running = self.running.lock();
        let count = running.entry(tenant).or_default();
        if *count >= self.max {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        *count += 1;
        Ok(Place { tenant, running: self.running.clone() })
    }
}

/// A place among a tenant's requests, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    tenant: TenantId,
    running: Running,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.running.lock().entry(self.tenant) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
