//! The tokens that were verified, kept for a minute at most, so that a token is not verified at every request.
//!
//! Bounded by bytes, claims included, because the signer chooses a token's size. A token is kept once its subject is known here, and not before: tokens of unknown subjects take no room.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::Verified;
use crate::domain::Identity;
use crate::identity::jwks::RemoteKeys;

/// Bytes that verified tokens take at most: 16 MiB, room for some 20,000 usual ones.
const MAX_BYTES: u64 = 16 << 20;
/// Seconds that a verified token is kept at most.
const KEPT_S: u64 = 60;
/// Bytes that the cache itself needs for an entry: its key, its place in two queues, its time.
const ENTRY_BYTES: usize = 320;
/// Bytes that the allocator adds to a text or a list.
const ALLOCATION_BYTES: usize = 32;

/// Cache key: a digest of the token and of the issuer's tenant.
pub(super) type Sum = [u8; 32];

/// What is kept of a token.
#[derive(Clone)]
pub(super) struct Remembered {
    /// The generation of our own keys at which it was verified.
    pub(super) generation: u64,
    pub(super) verified: Arc<Verified>,
    /// The key of an issuer elsewhere, which may take it away.
    pub(super) key: Option<(Arc<RemoteKeys>, [u8; 32])>,
}

/// A token that was verified. [`super::Verifier::keep`] remembers it once its subject is known here.
pub struct Checked {
    /// What it says.
    pub verified: Arc<Verified>,
    /// What is to be kept of it, where it is not kept already.
    fresh: Option<(Sum, Remembered)>,
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Checked").field(&self.verified).finish()
    }
}

impl Checked {
    pub(super) fn of(known: Remembered, fresh: Option<Sum>) -> Self {
        let verified = known.verified.clone();
        Self { verified, fresh: fresh.map(|sum| (sum, known)) }
    }
}

/// The tokens that were verified.
pub(super) struct Memory(Cache<Sum, Remembered>);

impl Memory {
    pub(super) fn new() -> Self {
        Self::with(MAX_BYTES)
    }

    fn with(max_bytes: u64) -> Self {
        let bytes = |_: &Sum, kept: &Remembered| u32::try_from(kept.bytes()).unwrap_or(u32::MAX);
        Self(
            Cache::builder()
                .weigher(bytes)
                .max_capacity(max_bytes)
                .time_to_live(Duration::from_secs(KEPT_S))
                .build(),
        )
    }

    pub(super) fn find(&self, sum: &Sum) -> Option<Remembered> {
        self.0.get(sum)
    }

    pub(super) fn forget(&self, sum: &Sum) {
        self.0.invalidate(sum);
    }

    pub(super) fn keep(&self, checked: Checked) {
        if let Some((sum, known)) = checked.fresh {
            self.0.insert(sum, known);
        }
    }

    /// Bytes that are kept now.
    pub(super) fn bytes(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.weighted_size()
    }
}

impl Remembered {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + size_of::<Self>() + size_of::<Verified>() + self.verified.held_bytes()
    }
}

impl Verified {
    /// Bytes of everything that it holds elsewhere.
    fn held_bytes(&self) -> usize {
        let text = |text: &str| text.len() + ALLOCATION_BYTES;
        let texts = |texts: &[String]| {
            let each = |one: &String| text(one) + size_of::<String>();
            ALLOCATION_BYTES + texts.iter().map(each).sum::<usize>()
        };
        let identity = |Identity { issuer, subject }: &Identity| {
            text(issuer.as_str()) + text(subject.as_str())
        };
        let (assurance, credential) = (&*self.assurance, &*self.credential);
        let said = self.said.as_deref();
        let optional = [
            self.tenant_name.as_deref().map(text),
            self.actor.as_deref().map(text),
            self.scopes.as_deref().map(texts),
            assurance.acr.as_deref().map(text),
            credential.token.as_deref().map(text),
            said.map(|said| {
                size_of_val(said) + identity(&said.identity) + text(said.email.as_str())
            }),
        ];
        text(&self.issuer)
            + text(&self.subject)
            + texts(&assurance.amr)
            + size_of_val(assurance)
            + size_of_val(credential)
            + 2 * ALLOCATION_BYTES
            + optional.into_iter().flatten().sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assurance, Revocable, Timestamp};
    use crate::identity::Subject;

    fn remembered(scope_bytes: usize) -> Remembered {
        let verified = Verified {
            issuer: "https://id.example".into(),
            subject: "person".to_owned(),
            meant: Subject::Identity,
            tenant: None,
            tenant_name: None,
            actor: None,
            assurance: Arc::new(Assurance::default()),
            scopes: Some([("s".repeat(scope_bytes))].into()),
            credential: Arc::new(Revocable { issued_at: Timestamp(0), ..Revocable::default() }),
            said: None,
            expires_at: Timestamp(i64::MAX),
        };
        Remembered { generation: 0, verified: Arc::new(verified), key: None }
    }

    fn sum(n: usize) -> Sum {
        let mut sum = [0; 32];
        sum[..8].copy_from_slice(&n.to_be_bytes());
        sum
    }

    #[test]
    fn tokens_are_kept_by_bytes_whatever_their_number() {
        let memory = Memory::with(1 << 20);
        for (n, bytes) in (0..4_000).zip([10, 7_000].into_iter().cycle()) {
            memory.keep(Checked::of(remembered(bytes), Some(sum(n))));
        }
        let kept = memory.bytes();
        assert!((900_000..=1 << 20).contains(&kept), "{kept} bytes");
        assert!(remembered(7_000).bytes() > 7_000);
        assert!((300..1_500).contains(&remembered(10).bytes()), "{}", remembered(10).bytes());
    }

    #[test]
    fn a_token_that_nobody_kept_takes_no_room() {
        let memory = Memory::new();
        drop(Checked::of(remembered(10), Some(sum(1))));
        assert_eq!((memory.bytes(), memory.find(&sum(1)).is_none()), (0, true));
        memory.keep(Checked::of(remembered(10), Some(sum(1))));
        assert!(memory.find(&sum(1)).is_some() && memory.bytes() > 0);
    }
}
