//! The registry's epoch: how a change of the registry takes hold in every tenant's file at once.
//!
//! What a tenant's door knows from the registry it knows as of an epoch. A batch of a tenant's writer enters the gate,
//! looks at the epoch again, and commits before it leaves. The registry's writer advances the epoch after each commit
//! and before it answers anybody, and waits until those inside have left: what was decided by the old epoch is then
//! either committed before the change was acknowledged, or decided anew.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// The gate.
#[derive(Debug)]
pub(in crate::storage) struct Gate {
    epoch: AtomicU64,
    inside: RwLock<()>,
    /// Tells those who wait that a new epoch has begun.
    moved: watch::Sender<()>,
}

impl Default for Gate {
    fn default() -> Self {
        let (epoch, inside) = (AtomicU64::new(0), RwLock::new(()));
        Self { epoch, inside, moved: watch::channel(()).0 }
    }
}

impl Gate {
    /// The epoch now.
    pub(in crate::storage) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Keeps the epoch from advancing until the pass is dropped.
    pub(in crate::storage) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.inside.read()
    }

    /// Begins a new epoch, once nobody is inside.
    pub(in crate::storage) fn advance(&self) {
        {
            let _alone = self.inside.write();
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.moved.send_replace(());
    }

    /// Follows the beginnings of epochs.
    pub(in crate::storage) fn follow(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}
