//! A signed token: its header, and its signature.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::form;
use super::jwk::{Key, KeySet};
use crate::domain::{SigningAlgorithm, Word};

/// Bytes of a token at most.
pub(in crate::identity) const MAX_BYTES: usize = 8 * 1024;
/// Bytes of a key's name at most.
const MAX_KID: usize = 255;
/// What a header may say; thumbprints of certificates are not looked at.
const MEMBERS: &[&str] = &["alg", "typ", "kid", "x5t", "x5t#S256"];

/// What tokens of an issuer must be.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// What they may be signed with.
    pub algorithms: &'r [SigningAlgorithm],
    /// What their header may say in `typ`.
    pub typ: Typ<'r>,
}

/// The `typ` that a header must have.
#[derive(Debug, Clone, Copy)]
pub enum Typ<'r> {
    /// One of these, with or without `application/` before it: access tokens.
    OneOf(&'r [String]),
    /// `JWT`, or no `typ` at all: ID tokens.
    AbsentOrJwt,
}

impl Typ<'_> {
    fn check(self, typ: Option<&str>) -> Result<(), &'static str> {
        let short = |typ: &str| typ.strip_prefix("application/").unwrap_or(typ).to_owned();
        let typ = typ.map(short);
        match (self, typ) {
            (Self::AbsentOrJwt, None) => Ok(()),
            (Self::AbsentOrJwt, Some(typ)) if typ.eq_ignore_ascii_case("JWT") => Ok(()),
            (Self::OneOf(types), Some(typ)) if types.iter().any(|name| short(name) == typ) => {
                Ok(())
            }
            (Self::OneOf(_), None) => Err("the header names no type"),
            _ => Err("the type is not the issuer's"),
        }
    }
}

/// A token in its form, of which nothing is verified yet.
#[derive(Debug)]
pub struct Signed<'t> {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// Whether the header says `alg`, `typ` and `kid` and nothing else.
    is_plain: bool,
    message: &'t str,
    payload: Vec<u8>,
    signature: &'t str,
}

impl<'t> Signed<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// Says what of the form is wrong.
    pub fn parse(token: &'t str) -> Result<Self, &'static str> {
        Self::parse_within(token, MAX_BYTES)
    }

    /// Reads a token that has so many bytes at most.
    pub(in crate::identity) fn parse_within(
        token: &'t str,
        max_bytes: usize,
    ) -> Result<Self, &'static str> {
        if token.len() > max_bytes {
            return Err("the token is too long");
        }
        let [header, payload, signature] =
            form::three(token).ok_or("the token has not three parts")?;
        let message = &token[..header.len() + 1 + payload.len()];
        let decode = |part| form::decode(part).ok_or("a part of the token is not base64url");
        let (header, payload) = (decode(header)?, decode(payload)?);
        decode(signature)?;
        let header = form::object(&header).ok_or("the header is no JSON object of ours")?;
        if header.keys().any(|member| !MEMBERS.contains(&member.as_str())) {
            return Err("the header says more than a header may");
        }
        let alg = text(&header, "alg")?.ok_or("the header names no algorithm")?;
        let kid = text(&header, "kid")?;
        if kid.as_ref().is_some_and(|kid| !is_kid(kid)) {
            return Err("the key's name is none");
        }
        let typ = text(&header, "typ")?;
        let is_plain = header.len() == 3 && typ.is_some() && kid.is_some();
        Ok(Self { alg, typ, kid, is_plain, message, payload, signature })
    }

    /// The name of the key that it says it is signed by.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it says, verified or not.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// A digest of what is signed: it names a token that has no id.
    pub(in crate::identity) fn digest(&self) -> String {
        let sum = digest(&SHA256, self.message.as_bytes());
        format!("sha256:{}", URL_SAFE_NO_PAD.encode(sum))
    }

    /// Whether its type and its algorithm are what the issuer's tokens have.
    ///
    /// # Errors
    /// Says which is not.
    pub fn fits(&self, rules: Rules<'_>) -> Result<SigningAlgorithm, &'static str> {
        rules.typ.check(self.typ.as_deref())?;
        let algorithm = SigningAlgorithm::parse(&self.alg);
        let algorithm = algorithm.filter(|algorithm| rules.algorithms.contains(algorithm));
        algorithm.ok_or("the algorithm is not the issuer's")
    }

    /// The key that it is signed by.
    ///
    /// # Errors
    /// Says what is wrong: type, algorithm, key or signature.
    pub fn verify<'k>(&self, keys: &'k KeySet, rules: Rules<'_>) -> Result<&'k Key, &'static str> {
        let algorithm = self.fits(rules)?;
        let key = keys.find(self.kid())?;
        let by = key.for_algorithm(algorithm).ok_or("the key is not for this algorithm")?;
        self.check_signature(by, algorithm)?;
        Ok(key)
    }

    /// The key's name, if the header is one of our own tokens' and says nothing else.
    pub(in crate::identity) fn own_kid(&self) -> Result<&str, &'static str> {
        let kid = self.kid().filter(|_| self.is_plain).ok_or("the header is not one of ours")?;
        if self.alg != SigningAlgorithm::EdDsa.as_str() || self.typ.as_deref() != Some("at+jwt") {
            return Err("the algorithm or type is not the issuer's");
        }
        Ok(kid)
    }

    /// Whether it was signed by a key. The library answers a wrong signature with `Ok(false)`: here that is an error, and
    /// nothing else asks the library.
    pub(in crate::identity) fn check_signature(
        &self,
        key: &DecodingKey,
        algorithm: SigningAlgorithm,
    ) -> Result<(), &'static str> {
        let (message, algorithm) = (self.message.as_bytes(), named(algorithm));
        match jsonwebtoken::crypto::verify(self.signature, message, key, algorithm) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err("the signature is wrong"),
        }
    }
}

/// An algorithm, as the library calls it.
fn named(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Ps256 => Algorithm::PS256,
    }
}

/// A name that an issuer can have given: printable, so that it can be looked for and written down.
fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, &'static str> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err("a member of the header is no text"),
    }
}
