//! The key ring of system JWTs: one key signs, others still verify.
//!
//! Private parts lie in files of their own, one a key; which key is in which state, the registry says, and tells it here.
//! Whoever signs or verifies looks at the ring as it is at that moment: a rotation holds from the next token on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::keys::{Jwk, Jwks, SigningKey};
use crate::domain::{Error, KeyId, Result, SigningKeyEntry, SigningKeyState, Timestamp};

/// The file of an installation's first key.
const FIRST: &str = "system.key";

/// The keys of one issuer.
#[derive(Debug)]
pub struct KeyRing {
    directory: PathBuf,
    held: watch::Sender<Arc<Held>>,
    changing: Mutex<()>,
}

/// Waits for keys to come or go.
#[derive(Debug)]
pub struct KeyChanges(watch::Receiver<Arc<Held>>);

impl KeyChanges {
    /// Waits until keys have come or gone since this was last asked; for ever, once the ring is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What a ring holds at a time.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Counts the rings before it: what was verified by an older one is verified anew.
    pub(super) generation: u64,
    /// The key that signs.
    pub(super) signing: Option<SigningKey>,
    verifying: Vec<Verifying>,
}

/// A key that verifies.
struct Verifying {
    jwk: Jwk,
    key: DecodingKey,
    /// Until when, once it signs no more.
    until: Option<Timestamp>,
}

impl std::fmt::Debug for Verifying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifying({})", self.jwk.kid)
    }
}

impl Held {
    /// The key of an id, if it verifies now.
    pub(super) fn key(&self, kid: &str, now: Timestamp) -> Option<&DecodingKey> {
        let mut found = self.verifying.iter().filter(|one| one.jwk.kid == kid);
        found.find(|one| one.until.is_none_or(|until| now < until)).map(|one| &one.key)
    }
}

impl KeyRing {
    /// A ring without keys, whose files lie in a directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            held: watch::Sender::default(),
            changing: Mutex::default(),
        }
    }

    /// A ring of one key that is in no file of its own, for an issuer that is not rotated.
    #[must_use]
    pub fn of(key: SigningKey) -> Self {
        let until = None;
        let verifying = vec![Verifying { jwk: key.jwk(), key: key.decoding.clone(), until }];
        let held = Held { generation: 0, signing: Some(key), verifying };
        Self {
            directory: PathBuf::new(),
            held: watch::Sender::new(Arc::new(held)),
            changing: Mutex::default(),
        }
    }

    /// To be held from a change of what the registry says until ring and files are as it says.
    pub fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock()
    }

    pub(super) fn held(&self) -> Arc<Held> {
        self.held.borrow().clone()
    }

    /// Follows the coming and going of keys.
    #[must_use]
    pub fn follow(&self) -> KeyChanges {
        KeyChanges(self.held.subscribe())
    }

    /// The public parts of every key that verifies.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: self.held().verifying.iter().map(|one| one.jwk.clone()).collect() }
    }

    /// Makes the key of a directory that has none: the first one's file may be there from an older program.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no key.
    pub fn first(&self) -> Result<(KeyId, String)> {
        named(&SigningKey::load_or_create(&self.directory.join(FIRST))?)
    }

    /// Makes a key, in a file of its own. It is in no ring yet.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn make(&self) -> Result<(KeyId, String)> {
        named(&SigningKey::create(&self.directory, file_of)?)
    }

    /// Holds the keys that the registry says, and no others.
    ///
    /// # Errors
    /// The file of the key that signs is not there, or holds another key.
    pub fn hold(&self, keys: &[SigningKeyEntry]) -> Result<()> {
        let mut signing = None;
        let mut verifying = Vec::new();
        for entry in keys.iter().filter(|entry| entry.state != SigningKeyState::Retired) {
            let (jwk, key) = SigningKey::public(&entry.public_key)
                .filter(|(jwk, _)| jwk.kid == entry.id.as_str())
                .ok_or_else(|| Error::Storage(format!("{}: is no public key", entry.id)))?;
            if entry.state == SigningKeyState::Active {
                signing = Some(self.private(&entry.id)?.ok_or_else(|| lost(&entry.id))?);
            }
            verifying.push(Verifying { jwk, key, until: entry.retires_at });
        }
        self.held.send_modify(|held| {
            let generation = held.generation + 1;
            *held = Arc::new(Held { generation, signing, verifying });
        });
        Ok(())
    }

    /// Whether a key's private part is there.
    ///
    /// # Errors
    /// Its file cannot be read, or holds no key.
    pub fn has(&self, kid: &KeyId) -> Result<bool> {
        Ok(self.private(kid)?.is_some())
    }

    fn private(&self, kid: &KeyId) -> Result<Option<SigningKey>> {
        for name in [file_of(kid.as_str()), FIRST.to_owned()] {
            let found = SigningKey::load(&self.directory.join(name))?;
            if let Some(key) = found.filter(|key| key.kid == kid.as_str()) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Destroys every private part but those of these keys.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn keep_only(&self, keys: &[KeyId]) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::Storage(format!("{}: {error}", self.directory.display()))
        };
        let mut is_changed = false;
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name != FIRST && !name.starts_with(PREFIX) {
                continue;
            }
            let key = SigningKey::load(&path)?;
            if key.is_some_and(|key| keys.iter().all(|kept| kept.as_str() != key.kid)) {
                fs::remove_file(&path).map_err(failed)?;
                is_changed = true;
            }
        }
        if is_changed {
            fs::File::open(&self.directory).and_then(|it| it.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

const PREFIX: &str = "system-";

fn file_of(kid: &str) -> String {
    format!("{PREFIX}{kid}.key")
}

fn lost(kid: &KeyId) -> Error {
    Error::Storage(format!("the private part of the signing key {kid} is not there"))
}

/// A key's id and its public part.
fn named(key: &SigningKey) -> Result<(KeyId, String)> {
    Ok((KeyId::parse(key.kid.as_str()).map_err(Error::Internal)?, key.jwk().x))
}
