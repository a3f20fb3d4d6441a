//! Signed tokens in their one form (RFC 7515), and the keys that they are verified by (RFC 7517), by the rules of RFC 8725.
//!
//! Promises: what is not exactly three parts of strict base64url, with headers of known members alone, is refused before
//! anything is computed; the algorithm is one that the issuer's rules name and that the key is for; a key that is weak,
//! secret, private or for something else is no key. Does not know what a payload says.

mod form;
mod jwk;
mod jws;

pub use jwk::{Key, KeySet};
pub use jws::{Rules, Signed, Typ};

pub(super) use form::object;
pub(super) use jwk::UNKNOWN_KEY;
pub(super) use jws::MAX_BYTES;
