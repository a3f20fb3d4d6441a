//! The keys of an issuer elsewhere, kept for a while.
//!
//! Promises: keys are used for no longer than their time to live without their issuer being asked again, and where it does
//! not answer for no longer than the bound on staleness, then for nothing; it is asked at most once in a while, whatever
//! tokens say, and by one at a time; a caller waits no longer than it says, and an answer that is late counts as none until
//! it is there. Whether a key is still good is looked up at every use, so that one that the issuer
//! has taken away is good for nothing once that is known.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;

use super::discovery::Fetcher;
use super::jose::{Key, KeySet};
use crate::outbound::Word;

/// For how long keys are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// For how long they are used without their issuer being asked again.
    pub ttl: Duration,
    /// For how long they are used where it does not answer.
    pub max_stale: Duration,
    /// How long it is left alone after it was asked.
    pub retry: Duration,
}

/// Why a token is refused whose issuer's keys were never fetched, or are too old.
pub(super) const NO_KEYS: &str = "the issuer's keys cannot be had";

/// How long it is known where keys are.
const ADDRESS_TTL: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Instant)>,
    asked_at: Option<Instant>,
    last_error: Option<String>,
    /// Where the keys are, by discovery.
    address: Option<(String, Instant)>,
    /// Whoever asks now; others wait for the same answer.
    flight: Option<watch::Receiver<()>>,
    /// Whether a caller's wait for that answer timed out; later callers do not wait.
    is_late: bool,
}

impl State {
    fn flight(&self) -> Option<&watch::Receiver<()>> {
        // One whose sender is gone has landed.
        self.flight.as_ref().filter(|flight| flight.has_changed().is_ok())
    }

    /// Whether the issuer was left alone for as long as it must be.
    fn has_rested(&self, now: Instant, retry: Duration) -> bool {
        self.asked_at.is_none_or(|at| now.saturating_duration_since(at) >= retry)
    }
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct RemoteKeys {
    issuer: String,
    jwks_uri: Option<String>,
    word: Word,
    keeping: Keeping,
    fetcher: Arc<Fetcher>,
    state: RwLock<State>,
}

/// What is known of a key now.
pub(super) enum Look<T> {
    /// This.
    Known(T),
    /// Nothing until its issuer was asked.
    Ask,
    /// It is not good.
    Refused(&'static str),
}

/// The state of an issuer's keys, for people.
#[derive(Debug, Clone)]
pub struct KeyStatus {
    /// The names of the keys that can be used.
    pub kids: Vec<String>,
    /// Seconds since they were fetched.
    pub fetched_s_ago: Option<u64>,
    /// Why they could not be fetched the last time.
    pub last_error: Option<String>,
}

impl RemoteKeys {
    /// Keys that nobody has fetched yet.
    #[must_use]
    pub fn new(
        issuer: &str,
        jwks_uri: Option<&str>,
        word: Word,
        keeping: Keeping,
        fetcher: Arc<Fetcher>,
    ) -> Arc<Self> {
        Arc::new(Self {
            issuer: issuer.to_owned(),
            jwks_uri: jwks_uri.map(str::to_owned),
            word,
            keeping,
            fetcher,
            state: RwLock::default(),
        })
    }

    /// Looks for a key in what is known, which may have to be fetched first.
    pub(super) fn look<T>(
        self: &Arc<Self>,
        find: impl FnOnce(&KeySet) -> Result<T, &'static str>,
    ) -> Look<T> {
        let now = Instant::now();
        let state = self.state.read();
        let age = state.keys.as_ref().map(|(_, at)| now.saturating_duration_since(*at));
        let is_old = age.is_none_or(|age| age >= self.keeping.ttl);
        if is_old && self.may_ask(&state, now) {
            return Look::Ask;
        }
        let keys = state
            .keys
            .as_ref()
            .filter(|_| age < Some(self.keeping.max_stale.max(self.keeping.ttl)));
        let Some((keys, _)) = keys else {
            return Look::Refused(NO_KEYS);
        };
        match find(keys) {
            Ok(found) => {
                let is_due = age.is_some_and(|age| age >= self.keeping.ttl.mul_f32(0.8));
                if is_due && !is_old && self.may_ask(&state, now) {
                    drop(state);
                    // Before they are too old, and while they are still used.
                    self.prefetch();
                }
                Look::Known(found)
            }
            Err(_) if self.may_ask(&state, now) => Look::Ask,
            Err(why) => Look::Refused(why),
        }
    }

    /// Whether a key is still good.
    pub(super) fn look_again(self: &Arc<Self>, digest: &[u8; 32]) -> Look<()> {
        self.look(
            |keys| {
                if keys.has(digest) { Ok(()) } else { Err("the issuer has taken its key away") }
            },
        )
    }

    /// Whether the issuer may be asked, or is being asked.
    fn may_ask(&self, state: &State, now: Instant) -> bool {
        match state.flight() {
            Some(_) => !state.is_late,
            None => state.has_rested(now, self.keeping.retry),
        }
    }

    /// Asks the issuer, or joins a request under way, and waits until then; the request goes on in any case. Does
    /// nothing where the issuer must be left alone.
    pub async fn refresh(self: Arc<Self>, until: Instant) {
        let Some(mut flight) = self.board() else { return };
        // It ends when the sender goes, which is no error here.
        if tokio::time::timeout_at(until, flight.changed()).await.is_err() {
            self.state.write().is_late = true;
        }
    }

    /// Asks the issuer in the background, before its keys are needed.
    pub(super) fn prefetch(self: &Arc<Self>) {
        drop(self.board());
    }

    fn board(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let now = Instant::now();
        let mut state = self.state.write();
        if let Some(flying) = state.flight() {
            return Some(flying.clone());
        }
        if !state.has_rested(now, self.keeping.retry) {
            return None;
        }
        let (sender, receiver) = watch::channel(());
        state.asked_at = Some(now);
        state.flight = Some(receiver.clone());
        state.is_late = false;
        let this = self.clone();
        self.fetcher.outside().spawn(async move {
            this.fetch().await;
            drop(sender);
        });
        Some(receiver)
    }

    async fn fetch(&self) {
        let fetched = self.fetch_keys().await;
        let mut state = self.state.write();
        // It rests from its answer on, however long that took: who waited for it does not ask again.
        state.asked_at = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                state.keys = Some((Arc::new(keys), Instant::now()));
                state.last_error = None;
            }
            Err(why) => {
                tracing::warn!(
                    issuer = self.issuer,
                    reason = why,
                    "an issuer's keys cannot be had"
                );
                state.address = None;
                state.last_error = Some(why);
            }
        }
    }

    async fn fetch_keys(&self) -> Result<KeySet, String> {
        let address = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.address().await?,
        };
        let document = self.fetcher.get(&address, self.word).await?;
        Ok(KeySet::parse(&document)?)
    }

    async fn address(&self) -> Result<String, String> {
        let known = self.state.read().address.clone();
        if let Some((address, at)) = known.filter(|(_, at)| at.elapsed() < ADDRESS_TTL) {
            self.state.write().address = Some((address.clone(), at));
            return Ok(address);
        }
        let address = self.fetcher.jwks_uri(&self.issuer, self.word).await?;
        self.state.write().address = Some((address.clone(), Instant::now()));
        Ok(address)
    }

    /// The state of the keys, for people.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        let state = self.state.read();
        let keys = state.keys.as_ref();
        let names = keys.into_iter().flat_map(|(keys, _)| keys.keys()).filter_map(Key::kid);
        KeyStatus {
            kids: names.map(str::to_owned).collect(),
            fetched_s_ago: keys.map(|(_, at)| at.elapsed().as_secs()),
            last_error: state.last_error.clone(),
        }
    }
}
