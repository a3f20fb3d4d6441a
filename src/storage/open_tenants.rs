//! The tenants whose files are open: bounded, the least recently used closed first, each opened by one at a time.
//!
//! The cache knows in which order tenants were used, and nothing more: what keeps a tenant open is its place among the
//! live ones. A tenant that was evicted while somebody used it stays live until they are done, and opening it meanwhile
//! finds the same one: so a file never has two writers. When everything that may be open is in use, opening is refused:
//! a busy node says so and goes on.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::{Condvar, Mutex};

use super::tenant::TenantFile;
use crate::domain::{Error, Result, TenantId};

/// How long an opener waits for another tenant, or for the same one, to close.
const PATIENCE: Duration = Duration::from_secs(2);

/// A live tenant's place.
#[derive(Debug, Default)]
struct Place {
    /// Keeps it open while nobody uses it; gone once it was evicted.
    kept: Option<Arc<TenantFile>>,
    file: Weak<TenantFile>,
}

/// The places of live tenants.
#[derive(Debug, Default)]
struct Live {
    places: Mutex<HashMap<TenantId, Place>>,
    closed: Condvar,
}

impl Live {
    /// Lets go of a tenant: it closes as soon as nobody uses it.
    fn release(&self, tenant: TenantId) {
        let kept = self.places.lock().get_mut(&tenant).and_then(|place| place.kept.take());
        drop(kept);
    }
}

/// A place that is given back unless a file has filled it, by a panic too.
struct Taken<'l> {
    open: &'l OpenTenants,
    tenant: TenantId,
    is_filled: bool,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.is_filled {
            self.open.forget(self.tenant);
        }
    }
}

/// The open tenants.
#[derive(Debug)]
pub(in crate::storage) struct OpenTenants {
    order: Cache<TenantId, Weak<TenantFile>>,
    live: Arc<Live>,
    max_live: usize,
}

impl OpenTenants {
    /// Keeps at most this many tenants open; a quarter more while some of them are closing.
    pub(in crate::storage) fn new(max_open: usize) -> Self {
        let live = Arc::new(Live::default());
        let places = live.clone();
        let order = Cache::builder()
            .max_capacity(max_open as u64)
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |tenant: Arc<TenantId>, _, cause| {
                // A tenant that was used again is as open as before.
                if cause != RemovalCause::Replaced {
                    places.release(*tenant);
                }
            })
            .build();
        Self { order, live, max_live: max_open + (max_open / 4).max(2) }
    }

    /// A tenant that is open and sound.
    pub(in crate::storage) fn get(&self, tenant: TenantId) -> Option<Arc<TenantFile>> {
        let file = self.order.get(&tenant)?.upgrade()?;
        if file.is_fenced() {
            self.order.invalidate(&tenant);
            return None;
        }
        Some(file)
    }

    /// A tenant, opened where it is not open.
    pub(in crate::storage) fn get_or_open(
        &self,
        tenant: TenantId,
        open: impl FnOnce() -> Result<Arc<TenantFile>>,
    ) -> Result<Arc<TenantFile>> {
        if let Some(file) = self.get(tenant) {
            return Ok(file);
        }
        let file = match self.reserve(tenant)? {
            Some(file) => file,
            None => self.fill(tenant, open)?,
        };
        // It is kept already: an eviction from now on lets go of it.
        self.order.insert(tenant, Arc::downgrade(&file));
        self.order.run_pending_tasks();
        Ok(file)
    }

    /// Takes a place, or finds the tenant live. Whoever takes the place opens; others wait for it here.
    fn reserve(&self, tenant: TenantId) -> Result<Option<Arc<TenantFile>>> {
        let deadline = deadline(PATIENCE);
        let mut places = self.live.places.lock();
        loop {
            let has_room = places.len() < self.max_live;
            match places.get_mut(&tenant) {
                Some(place) => match place.file.upgrade() {
                    Some(file) if !file.is_fenced() => {
                        place.kept = Some(file.clone());
                        return Ok(Some(file));
                    }
                    _ => {}
                },
                None if has_room => {
                    places.insert(tenant, Place::default());
                    return Ok(None);
                }
                None => {}
            }
            if self.live.closed.wait_until(&mut places, deadline).timed_out() {
                return Err(Error::Busy { retry_after_s: 1 });
            }
        }
    }

    fn fill(
        &self,
        tenant: TenantId,
        open: impl FnOnce() -> Result<Arc<TenantFile>>,
    ) -> Result<Arc<TenantFile>> {
        let mut taken = Taken { open: self, tenant, is_filled: false };
        let file = open()?;
        let place = Place { kept: Some(file.clone()), file: Arc::downgrade(&file) };
        self.live.places.lock().insert(tenant, place);
        taken.is_filled = true;
        self.live.closed.notify_all();
        Ok(file)
    }

    /// Gives a place back: the tenant's file is closed.
    pub(in crate::storage) fn forget(&self, tenant: TenantId) {
        self.live.places.lock().remove(&tenant);
        self.live.closed.notify_all();
    }

    /// Lets go of a tenant, and waits until it is closed.
    pub(in crate::storage) fn close(&self, tenant: TenantId) -> Result<()> {
        self.order.invalidate(&tenant);
        self.live.release(tenant);
        let deadline = deadline(PATIENCE);
        let mut places = self.live.places.lock();
        while places.contains_key(&tenant) {
            if self.live.closed.wait_until(&mut places, deadline).timed_out() {
                return Err(Error::Busy { retry_after_s: 1 });
            }
        }
        Ok(())
    }

    /// Lets go of every tenant and waits until all are closed, or the time is over.
    pub(in crate::storage) fn close_all(&self, within: Duration) -> bool {
        let kept: Vec<_> =
            self.live.places.lock().values_mut().map(|place| place.kept.take()).collect();
        drop(kept);
        let deadline = deadline(within);
        let mut places = self.live.places.lock();
        while !places.is_empty() {
            if self.live.closed.wait_until(&mut places, deadline).timed_out() {
                return false;
            }
        }
        true
    }

    /// The tenants that are live now.
    pub(in crate::storage) fn live(&self) -> Vec<Arc<TenantFile>> {
        self.live.places.lock().values().filter_map(|place| place.file.upgrade()).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long somebody waits is no time that anything keeps"
)]
fn deadline(within: Duration) -> Instant {
    Instant::now() + within
}
