//! Cursors: positions in a list, encrypted, and bound to the tenant, the list, the filter and the subject that they were
//! made for.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::failure::Failure;
use crate::domain::{Error, Position};

/// Seals cursors. The cipher is AES-256-GCM-SIV with random nonces: an installation makes more cursors over the years
/// than plain GCM can seal with random nonces under one key (NIST SP 800-38D: 2^32).
pub(super) struct CursorKey(Option<RandomizedNonceKey>);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

/// What a cursor is bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The tenant, or `platform`.
    pub(super) tenant: &'a str,
    /// The path of the list.
    pub(super) list: &'a str,
    /// The filter, written one way.
    pub(super) filter: &'a str,
    /// The caller, by name. A new token of the same subject goes on.
    pub(super) subject: &'a str,
}

impl Scope<'_> {
    /// The scope as bytes. Each part is preceded by its length, so that no two scopes are written the same way.
    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.tenant, self.list, self.filter, self.subject] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl CursorKey {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        // A key of its own: the same secret seals log-ins.
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"freehold cursor 2");
        Self(RandomizedNonceKey::new(&AES_256_GCM_SIV, own.as_ref()).ok())
    }

    /// A position as a cursor.
    pub(super) fn seal(&self, scope: Scope<'_>, position: &Position) -> Result<String, Failure> {
        let text = serde_json::to_vec(&(&position.key, &position.id)).unwrap_or_default();
        let sealed = self.encrypted(scope, text);
        let sealed = sealed.map_err(|_| Error::Internal("a cursor cannot be sealed".to_owned()))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn encrypted(&self, scope: Scope<'_>, mut text: Vec<u8>) -> Result<Vec<u8>, Unspecified> {
        let key = self.0.as_ref().ok_or(Unspecified)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(scope.bytes()), &mut text)?;
        Ok([nonce.as_ref().as_slice(), &text].concat())
    }

    /// The position of a cursor that was sealed here for the same scope.
    pub(super) fn open(&self, scope: Scope<'_>, cursor: &str) -> Result<Position, Failure> {
        let refused =
            || Failure::parameter("cursor", "must be the next_cursor of a page of this very list");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let text = self.decrypted(scope, &bytes).map_err(|_| refused())?;
        let (key, id) = serde_json::from_slice(&text).map_err(|_| refused())?;
        Ok(Position { key, id })
    }

    fn decrypted(&self, scope: Scope<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let key = self.0.as_ref().ok_or(Unspecified)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(Unspecified)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut text = sealed.to_vec();
        let length = key.open_in_place(nonce, Aad::from(scope.bytes()), &mut text)?.len();
        text.truncate(length);
        Ok(text)
    }
}
