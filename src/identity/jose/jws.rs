//! A signed token: its header, and its signature.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    /// What their `typ` may be, `application/` before it or not; `None` where it is not looked at.
    pub types: Option<&'r [String]>,
}

/// A token in its form, of which nothing is verified yet.
#[derive(Debug)]
pub struct Signed<'t> {
    header: Vec<u8>,
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    message: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Signed<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// Says what of the form is wrong.
    pub fn parse(token: &'t str) -> Result<Self, &'static str> {
        if token.len() > MAX_BYTES {
            return Err("the token is too long");
        }
        let [header, payload, signature] =
            form::three(token).ok_or("the token has not three parts")?;
        let message = &token[..header.len() + 1 + payload.len()];
        let decode = |part| form::decode(part).ok_or("a part of the token is not base64url");
        let (bytes, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        let header = form::object(&bytes).ok_or("the header is no JSON object of ours")?;
        if header.keys().any(|member| !MEMBERS.contains(&member.as_str())) {
            return Err("the header says more than a header may");
        }
        let alg = text(&header, "alg")?.ok_or("the header names no algorithm")?;
        let kid = text(&header, "kid")?;
        if kid.as_ref().is_some_and(|kid| !is_kid(kid)) {
            return Err("the key's name is none");
        }
        let typ = text(&header, "typ")?;
        Ok(Self { header: bytes, alg, typ, kid, message, payload, signature })
    }

    /// The name of the key that it says it is signed by.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its header.
    pub(in crate::identity) fn header(&self) -> &[u8] {
        &self.header
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
        if let Some(types) = rules.types {
            let typ = self.typ.as_deref().ok_or("the header names no type")?;
            let typ = typ.strip_prefix("application/").unwrap_or(typ);
            let is_named = |name: &String| name.strip_prefix("application/").unwrap_or(name) == typ;
            if !types.iter().any(is_named) {
                return Err("the type is not the issuer's");
            }
        }
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
        by.verify_sig(self.message.as_bytes(), &self.signature)
            .map_err(|_| "the signature is wrong")?;
        Ok(key)
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
