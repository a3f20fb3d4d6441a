//! Cursors: positions in a list, signed and bound to the tenant, the list and the filter that they came from.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::failure::Failure;
use crate::domain::Position;

/// Bytes of the signature.
const TAG_LENGTH: usize = 16;

/// Signs cursors.
pub(super) struct CursorKey(hmac::Key);

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
}

impl CursorKey {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn tag(&self, scope: Scope<'_>, position: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        // Each part is preceded by its length, so that no two scopes are written the same way.
        for part in
            [scope.tenant.as_bytes(), scope.list.as_bytes(), scope.filter.as_bytes(), position]
        {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }

    /// A position as a cursor.
    pub(super) fn sign(&self, scope: Scope<'_>, position: &Position) -> String {
        let position = serde_json::to_vec(&(&position.key, &position.id)).unwrap_or_default();
        let tag = self.tag(scope, &position);
        let mut cursor = tag.as_ref()[..TAG_LENGTH].to_vec();
        cursor.extend_from_slice(&position);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    /// The position of a cursor that was signed here for the same list.
    pub(super) fn verify(&self, scope: Scope<'_>, cursor: &str) -> Result<Position, Failure> {
        let refused =
            || Failure::parameter("cursor", "must be the next_cursor of a page of this very list");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (given, position) = bytes.split_at_checked(TAG_LENGTH).ok_or_else(refused)?;
        let tag = self.tag(scope, position);
        aws_lc_rs::constant_time::verify_slices_are_equal(given, &tag.as_ref()[..TAG_LENGTH])
            .map_err(|_| refused())?;
        let (key, id) = serde_json::from_slice(position).map_err(|_| refused())?;
        Ok(Position { key, id })
    }
}
