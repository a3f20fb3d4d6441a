//! Who signed what: keys, tokens that Freehold signs, and the verifier of all that callers bring.
//!
//! Only this floor knows jsonwebtoken. It answers who an issuer says the caller is; which account that is, the floors
//! above find out.

mod api_key;
mod claims;
mod discovery;
mod issuer;
pub mod jose;
mod jwks;
mod keys;
mod login;
mod ring;
mod verifier;

pub use api_key::{ApiKeys, NewKey, PresentedKey};
pub use claims::{Actor, Claims};
pub use discovery::Fetcher;
pub use issuer::{Grant, Signer};
pub use jwks::{Keeping, RemoteKeys};
pub use keys::{Jwk, Jwks, SigningKey, load_or_create_secret, load_secret};
pub use login::{BegunLogin, Provider, ProviderSettings, Redeemed, Wanted, check_url};
pub use ring::{KeyChanges, KeyRing};
pub use verifier::{
    Checked, IdToken, IdTokenRules, Issuer, Person, Presented, Refused, Subject, Trust,
    TrustedIssuer, Unfit, Verified, Verifier,
};

/// Makes the one crypto library the default everywhere; to be called first.
pub fn install_crypto() {
    // A second call finds the first one's, which is the same.
    let _installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
