//! The tenants whose files are open: bounded, the least recently used closed first, each opened by one at a time.
//!
//! A tenant that was evicted while somebody used it stays live until they are done; opening it meanwhile finds the same
//! one. So a file never has two writers. When everything that may be open is in use, opening is refused: a busy node
//! answers so at once and goes on.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::{Condvar, Mutex};

use super::tenant::TenantFile;
use crate::domain::{Error, Result, TenantId};

/// How long an opener waits for another tenant, or for the same one, to close.
const PATIENCE: Duration = Duration::from_secs(2);

/// The open tenants.
#[derive(Debug)]
pub(in crate::storage) struct OpenTenants {
    cache: Cache<TenantId, Arc<TenantFile>>,
    live: Mutex<HashMap<TenantId, Weak<TenantFile>>>,
    closed: Condvar,
    max_live: usize,
}

impl OpenTenants {
    /// Keeps at most this many tenants open; a quarter more while some of them are closing.
    pub(in crate::storage) fn new(max_open: usize) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_open as u64)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self {
            cache,
            live: Mutex::default(),
            closed: Condvar::new(),
            max_live: max_open + (max_open / 4).max(2),
        }
    }

    /// A tenant that is open and sound.
    pub(in crate::storage) fn get(&self, tenant: TenantId) -> Option<Arc<TenantFile>> {
        let file = self.cache.get(&tenant)?;
        if file.is_fenced() {
            self.cache.invalidate(&tenant);
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
        let file = self.cache.try_get_with(tenant, || self.open_once(tenant, open));
        self.cache.run_pending_tasks();
        file.map_err(|error: Arc<Error>| (*error).clone())
    }

    fn open_once(
        &self,
        tenant: TenantId,
        open: impl FnOnce() -> Result<Arc<TenantFile>>,
    ) -> Result<Arc<TenantFile>> {
        if let Some(file) = self.reserve(tenant)? {
            return Ok(file);
        }
        let opened = open();
        match &opened {
            Ok(file) => {
                self.live.lock().insert(tenant, Arc::downgrade(file));
            }
            Err(_) => self.forget(tenant),
        }
        opened
    }

    /// Takes a place, or finds the tenant live.
    fn reserve(&self, tenant: TenantId) -> Result<Option<Arc<TenantFile>>> {
        let mut live = self.live.lock();
        loop {
            match live.get(&tenant).map(Weak::upgrade) {
                Some(Some(file)) if !file.is_fenced() => return Ok(Some(file)),
                None if live.len() < self.max_live => {
                    live.insert(tenant, Weak::new());
                    return Ok(None);
                }
                _ => {}
            }
            if self.closed.wait_for(&mut live, PATIENCE).timed_out() {
                return Err(Error::Busy { retry_after_s: 1 });
            }
        }
    }

    /// Gives a place back: the tenant's file is closed.
    pub(in crate::storage) fn forget(&self, tenant: TenantId) {
        self.live.lock().remove(&tenant);
        self.closed.notify_all();
    }

    /// Lets go of a tenant, so that it closes as soon as nobody uses it, and waits for that.
    pub(in crate::storage) fn close(&self, tenant: TenantId) -> Result<()> {
        self.cache.invalidate(&tenant);
        self.cache.run_pending_tasks();
        let mut live = self.live.lock();
        while live.contains_key(&tenant) {
            if self.closed.wait_for(&mut live, PATIENCE).timed_out() {
                return Err(Error::Busy { retry_after_s: 1 });
            }
        }
        Ok(())
    }

    /// Lets go of every tenant and waits until all are closed, or the time is over.
    pub(in crate::storage) fn close_all(&self, within: Duration) -> bool {
        self.cache.invalidate_all();
        self.cache.run_pending_tasks();
        let mut live = self.live.lock();
        while !live.is_empty() {
            if self.closed.wait_for(&mut live, within).timed_out() {
                return false;
            }
        }
        true
    }

    /// The tenants that are live now.
    pub(in crate::storage) fn live(&self) -> Vec<Arc<TenantFile>> {
        self.live.lock().values().filter_map(Weak::upgrade).collect()
    }
}
