//! What a stream waits for besides time: events, the server's stop, and whatever may end its caller's right to read.
//!
//! The expiry of a credential is a known instant and is waited for. Changes of the registry and of the signing keys are
//! listened to. Of every other change a stream learns with its next page, after a heartbeat at the latest.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::failure::Failure;
use crate::domain::{Clock, EndReason, Error, Timestamp};
use crate::identity::KeyChanges;

/// How soon after its last page a stream reads again because of a change elsewhere: a busy registry does not make every
/// stream read all the time.
const PAUSE: Duration = Duration::from_secs(1);

/// What a stream listens to.
pub(super) struct Ties {
    /// Commits in which something happened.
    pub(super) commits: Receiver<u64>,
    /// Changes of the registry that decide what callers may do.
    pub(super) authority: Receiver<()>,
    /// Changes of the keys that sign tokens.
    pub(super) keys: KeyChanges,
    /// Whether the server stops.
    pub(super) closing: Receiver<bool>,
    /// Tells when the credential has expired.
    pub(super) clock: Arc<dyn Clock>,
    /// When the caller's credential expires.
    pub(super) expires_at: Timestamp,
}

impl Ties {
    /// Waits until a page may have something new, or may be refused; until an instant at the latest.
    pub(super) async fn wait(&mut self, until: Instant, asked_at: Instant) {
        let until = self.expiry().map_or(until, |expiry| expiry.min(until));
        let Self { commits, authority, keys, closing, .. } = self;
        let changed = async {
            tokio::select! {
                Ok(()) = authority.changed() => {}
                () = keys.changed() => {}
            }
            sleep_until(asked_at + PAUSE).await;
        };
        tokio::select! {
            Ok(()) = commits.changed() => {}
            () = changed => {}
            _ = closing.wait_for(|closing| *closing) => {}
            () = sleep_until(until) => {}
        }
    }

    fn expiry(&self) -> Option<Instant> {
        let left = self.expires_at.0.saturating_sub(self.clock.now().0);
        Instant::now().checked_add(Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }

    /// Why nothing more may be read, if that is known without reading.
    pub(super) fn over(&self) -> Option<EndReason> {
        if *self.closing.borrow() {
            Some(EndReason::ServerStopping)
        } else if self.has_expired() {
            Some(EndReason::CredentialExpired)
        } else {
            None
        }
    }

    /// The end reason for a page that was refused.
    pub(super) fn reason(&self, failure: &Failure) -> EndReason {
        match failure {
            Failure::Domain(Error::Unauthenticated(_)) if self.has_expired() => {
                EndReason::CredentialExpired
            }
            Failure::Domain(Error::Unauthenticated(_)) => EndReason::CredentialRevoked,
            Failure::Domain(
                Error::NotFound
                | Error::Forbidden
                | Error::StepUp(_)
                | Error::ExternallyDenied
                | Error::TenantUnavailable(_),
            ) => EndReason::Forbidden,
            _ => EndReason::Unavailable,
        }
    }

    fn has_expired(&self) -> bool {
        self.expires_at <= self.clock.now()
    }
}
