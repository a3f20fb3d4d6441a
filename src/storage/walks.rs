//! Files that are walked from end to end for somebody who asked: each by one at a time, and few at once, so that the
//! threads that others wait for are not all taken.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::{Error, Result, TenantId};

/// Files that are walked at once.
const MAX: usize = 4;

/// The files that are walked now: tenants', and the registry as `None`.
#[derive(Debug, Clone, Default)]
pub(in crate::storage) struct Walks(Arc<Mutex<HashSet<Option<TenantId>>>>);

/// One of them; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Walk {
    walks: Walks,
    of: Option<TenantId>,
}

impl Walks {
    /// Begins one.
    ///
    /// # Errors
    /// [`Error::Busy`] where the file is walked already, or enough others are.
    pub(in crate::storage) fn begin(&self, of: Option<TenantId>) -> Result<Walk> {
        let mut walks = self.0.lock();
        if walks.len() >= MAX || !walks.insert(of) {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        Ok(Walk { walks: self.clone(), of })
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.walks.0.lock().remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{MAX, TenantId, Walks};

    #[test]
    fn a_file_is_walked_by_one_and_few_are_at_once() {
        let walks = Walks::default();
        let of = |n: usize| Some(TenantId(Uuid::from_u128(n as u128)));
        let begun: Vec<_> = (1..MAX).map(|n| walks.begin(of(n)).unwrap()).collect();
        assert!(walks.begin(of(1)).is_err());
        let registry = walks.begin(None).unwrap();
        assert!(walks.begin(of(MAX)).is_err());
        drop((registry, begun));
        assert!(walks.begin(of(1)).is_ok());
    }
}
