//! API keys, as they are written: `fh_` and 100 characters of base64url, which say whose the key is, hold its secret, and
//! are checked before anything is looked up.
//!
//! | bytes | what |
//! | --- | --- |
//! | 16 | the tenant's id; zeros for the platform |
//! | 16 | the key's id |
//! | 32 | the secret |
//! | 8 | a tag of the installation over all of these: nobody else can write a key that is looked up |
//! | 3 | check digits over all of these, which anybody can compute: a scanner tells a key from other texts |
//!
//! What has another length, another alphabet, a wrong digit or a foreign tag is no key: no file is opened for it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::{ApiKeyId, Error, Result, TenantId};

const PREFIX: &str = "fh_";
const SECRET: usize = 32;
const TAG: usize = 8;
const CHECK: usize = 3;
/// Bytes of ids and secret.
const SAID: usize = 16 + 16 + SECRET;
/// Bytes of all.
const ALL: usize = SAID + TAG + CHECK;

/// Makes and reads the keys of one installation.
pub struct ApiKeys {
    key: hmac::Key,
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeys")
    }
}

/// A key that has just been made.
#[derive(Clone)]
pub struct NewKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What is kept of it: SHA-256 of the whole key, in hexadecimal.
    pub digest: String,
    /// The key.
    text: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewKey({})", self.id)
    }
}

impl NewKey {
    /// The key itself, for whoever it was made for.
    #[must_use]
    pub fn reveal(self) -> String {
        self.text
    }
}

/// A key that somebody came with: it is one of this installation; whether it is there is not known.
#[derive(Debug, Clone)]
pub struct PresentedKey {
    /// Whose it says that it is; `None` for the platform.
    pub tenant: Option<TenantId>,
    /// Its id.
    pub id: ApiKeyId,
    digest: String,
}

impl PresentedKey {
    /// Whether a digest that was kept is this key's; it takes as long whatever they have in common.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        verify_slices_are_equal(self.digest.as_bytes(), kept.as_bytes()).is_ok()
    }
}

impl ApiKeys {
    /// The keys that this secret makes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// Whether a text is meant to be a key.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Makes a key.
    ///
    /// # Errors
    /// No randomness could be had.
    pub fn make(&self, tenant: Option<TenantId>, id: ApiKeyId) -> Result<NewKey> {
        let mut secret = [0; SECRET];
        aws_lc_rs::rand::fill(&mut secret)
            .map_err(|_| Error::Internal("no randomness could be had".to_owned()))?;
        let tenant = tenant.map_or(Uuid::nil(), |tenant| tenant.0);
        let mut bytes = Vec::with_capacity(ALL);
        bytes.extend_from_slice(tenant.as_bytes());
        bytes.extend_from_slice(id.0.as_bytes());
        bytes.extend_from_slice(&secret);
        bytes.extend_from_slice(&hmac::sign(&self.key, &bytes).as_ref()[..TAG]);
        bytes.extend_from_slice(&check(&bytes));
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
        Ok(NewKey { id, digest: digest_of(&text), text })
    }

    /// Reads a key, if it is one that was made here.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<PresentedKey> {
        let encoded = text.strip_prefix(PREFIX).filter(|rest| rest.len() == ALL / 3 * 4)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok().filter(|bytes| bytes.len() == ALL)?;
        let (tagged, digits) = bytes.split_at(ALL - CHECK);
        let (said, tag) = tagged.split_at(SAID);
        let expected = hmac::sign(&self.key, said);
        let is_ours = verify_slices_are_equal(&expected.as_ref()[..TAG], tag).is_ok();
        if digits != check(tagged) || !is_ours {
            return None;
        }
        let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).ok();
        let tenant = uuid(&said[..16])?;
        let tenant = (!tenant.is_nil()).then_some(TenantId(tenant));
        Some(PresentedKey { tenant, id: ApiKeyId(uuid(&said[16..32])?), digest: digest_of(text) })
    }
}

/// The check digits: the first bytes of SHA-256.
fn check(bytes: &[u8]) -> [u8; CHECK] {
    let mut digits = [0; CHECK];
    digits.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..CHECK]);
    digits
}

fn digest_of(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        // Writing to a text does not fail.
        let _written = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::ApiKeys;
    use crate::domain::{ApiKeyId, TenantId};

    const ID: Uuid = Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0001);

    fn made() -> (ApiKeys, String) {
        let keys = ApiKeys::new(&[7; 32]);
        let key = keys.make(Some(TenantId(ID)), ApiKeyId(ID)).unwrap();
        (keys, key.reveal())
    }

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let (keys, tenant) = (ApiKeys::new(&[7; 32]), TenantId(ID));
        for tenant in [Some(tenant), None] {
            let made = keys.make(tenant, ApiKeyId(ID)).unwrap();
            let (id, digest, text) = (made.id, made.digest.clone(), made.reveal());
            assert_eq!(text.len(), 103);
            let read = keys.read(&text).unwrap();
            assert_eq!((read.tenant, read.id), (tenant, id));
            assert!(read.is(&digest) && !read.is("") && !read.is(&digest[1..]));
        }
    }

    #[test]
    fn no_part_of_a_key_is_one() {
        let (keys, text) = made();
        for end in 0..text.len() {
            assert!(keys.read(&text[..end]).is_none(), "{end}");
            assert!(keys.read(&text[end + 1..]).is_none(), "{end}");
        }
        for odd in [format!("{text}="), format!("{text}A"), format!(" {text}"), text.to_uppercase()]
        {
            assert!(keys.read(&odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn no_key_with_another_character_is_one() {
        let (keys, text) = made();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for place in 3..text.len() {
            for other in alphabet.chars().filter(|other| !text[place..].starts_with(*other)) {
                let mut odd = text.clone();
                odd.replace_range(place..=place, &other.to_string());
                assert!(keys.read(&odd).is_none(), "{place} {other}");
            }
        }
    }

    #[test]
    fn another_installation_reads_none_of_them() {
        let (_, text) = made();
        assert!(ApiKeys::new(&[8; 32]).read(&text).is_none());
    }
}
