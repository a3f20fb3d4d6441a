//! Public keys of an issuer (RFC 7517): which of a set can be used, and for what.
//!
//! A set is read whole or not at all; of its keys those are left out that are secret, private, weak, for something else or
//! of a kind that is not known. What is left out still counts where a name is ambiguous.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::form;
use crate::domain::{SigningAlgorithm, Word};

/// Why a token is refused by a key that its issuer did not have when it was last asked.
pub(in crate::identity) const UNKNOWN_KEY: &str = "the issuer's key is not known";

/// Keys of a set at most.
const MAX_KEYS: usize = 32;
/// Bytes of a key's name at most.
const MAX_KID: usize = 255;
/// Members of which any makes a key private.
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A key that tokens can be verified by.
pub struct Key {
    kid: Option<String>,
    algorithms: Vec<SigningAlgorithm>,
    decoding: DecodingKey,
    digest: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?})", self.kid)
    }
}

impl Key {
    /// What it is called.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What tells it from every other key, whatever it is called.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What verifies by it, if it is for this algorithm.
    pub(super) fn for_algorithm(&self, algorithm: SigningAlgorithm) -> Option<&DecodingKey> {
        self.algorithms.contains(&algorithm).then_some(&self.decoding)
    }
}

/// The keys of an issuer.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Names that more than one key has, of all that were there.
    ambiguous: Vec<String>,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// Says what is wrong with the set as a whole; single keys that cannot be used are left out.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let set = form::object(bytes).ok_or("it is no JSON object")?;
        let Some(Value::Array(keys)) = set.get("keys") else {
            return Err("it has no list of keys");
        };
        if keys.len() > MAX_KEYS {
            return Err("it has more than 32 keys");
        }
        let mut known = Self::default();
        let mut names: Vec<&str> = Vec::new();
        for key in keys {
            let key = key.as_object().ok_or("it has a key that is no object")?;
            if let Some(kid) = key.get("kid").and_then(Value::as_str) {
                if names.contains(&kid) {
                    known.ambiguous.push(kid.to_owned());
                }
                names.push(kid);
            }
            known.keys.extend(read(key));
        }
        Ok(known)
    }

    /// The keys that can be used.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that a token names; where it names none, the only one.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find(&self, kid: Option<&str>) -> Result<&Key, &'static str> {
        match kid {
            Some(kid) if self.ambiguous.iter().any(|name| name == kid) => {
                Err("the issuer has two keys of this name")
            }
            Some(kid) => {
                let found = self.keys.iter().find(|key| key.kid() == Some(kid));
                found.ok_or(UNKNOWN_KEY)
            }
            None => match &self.keys[..] {
                [only] => Ok(only),
                _ => Err("the token names no key, and the issuer has not exactly one"),
            },
        }
    }

    /// Whether a key is still among them.
    #[must_use]
    pub fn has(&self, digest: &[u8; 32]) -> bool {
        self.keys.iter().any(|key| key.digest == *digest)
    }
}

/// A key that can be used; `None` for any other.
fn read(key: &Map<String, Value>) -> Option<Key> {
    if PRIVATE.iter().any(|member| key.contains_key(*member)) || !is_for_signatures(key) {
        return None;
    }
    let kid = match key.get("kid") {
        None => None,
        Some(Value::String(kid)) if (1..=MAX_KID).contains(&kid.len()) => Some(kid.clone()),
        Some(_) => return None,
    };
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let Material { bytes, fitting, decoding } = match text("kty")? {
        "OKP" => edwards(text("crv")?, text("x")?)?,
        "EC" => p256(text("crv")?, text("x")?, text("y")?)?,
        "RSA" => rsa(text("n")?, text("e")?)?,
        _ => return None,
    };
    let declared = match key.get("alg") {
        None => None,
        Some(alg) => Some(SigningAlgorithm::parse(alg.as_str()?)?),
    };
    let is_declared = |own: &SigningAlgorithm| declared.is_none_or(|declared| declared == *own);
    let algorithms: Vec<_> = fitting.iter().copied().filter(is_declared).collect();
    // Rejects points off the curve and other keys that the library refuses later.
    ParsedPublicKey::new(implementation(*algorithms.first()?), &bytes).ok()?;
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, &bytes).as_ref());
    Some(Key { kid, algorithms, decoding, digest: sum })
}

fn implementation(algorithm: SigningAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => &ED25519,
        SigningAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
    }
}

/// Whether a key says nothing else of itself than that signatures are verified by it.
fn is_for_signatures(key: &Map<String, Value>) -> bool {
    let by_use = key.get("use").is_none_or(|usage| usage == "sig");
    let by_operations = match key.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    by_use && by_operations
}

/// A key's bytes, the algorithms that it can be for, and what the library verifies by.
struct Material {
    bytes: Vec<u8>,
    fitting: &'static [SigningAlgorithm],
    decoding: DecodingKey,
}

fn edwards(crv: &str, x: &str) -> Option<Material> {
    let x = form::decode(x).filter(|x| crv == "Ed25519" && x.len() == 32)?;
    let decoding = DecodingKey::from_ed_der(&x);
    Some(Material { bytes: x, fitting: &[SigningAlgorithm::EdDsa], decoding })
}

fn p256(crv: &str, x: &str, y: &str) -> Option<Material> {
    let (x, y) = (form::decode(x)?, form::decode(y)?);
    if crv != "P-256" || x.len() != 32 || y.len() != 32 {
        return None;
    }
    // Whether the point is on the curve, the caller checks.
    let point = [&[4], &x[..], &y[..]].concat();
    let decoding = DecodingKey::from_ec_der(&point);
    Some(Material { bytes: point, fitting: &[SigningAlgorithm::Es256], decoding })
}

fn rsa(n: &str, e: &str) -> Option<Material> {
    let (n, e) = (form::decode(n)?, form::decode(e)?);
    let exponent = e
        .iter()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(256).map(|sum| sum + u64::from(*byte)))?;
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // Neither may be longer than it need be.
    let is_short = n[0] != 0 && e.first().is_some_and(|byte| *byte != 0);
    let is_good = (2048..=8192).contains(&bits) && is_odd(&n) && is_odd(&e) && is_short;
    if !is_good || !(65_537..1 << 33).contains(&exponent) || is_roca(&n) {
        return None;
    }
    let bytes = sequence(&[integer(&n), integer(&e)].concat());
    let decoding = DecodingKey::from_rsa_raw_components(&n, &e);
    Some(Material { bytes, fitting: &[SigningAlgorithm::Rs256, SigningAlgorithm::Ps256], decoding })
}

/// Whether a modulus has the fingerprint of keys whose primes were made the way of CVE-2017-15361: modulo every small
/// prime it is a power of 65537.
fn is_roca(n: &[u8]) -> bool {
    const PRIMES: &[u32] = &[
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            let is_rest = power == rest;
            power = power * (65_537 % prime) % prime;
            is_rest
        })
    })
}

/// DER of a non-negative integer.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    tagged(0x02, &[sign, bytes].concat())
}

fn sequence(content: &[u8]) -> Vec<u8> {
    tagged(0x30, content)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let header = match (content.len(), u8::try_from(significant.len())) {
        (short @ ..0x80, _) => vec![tag, u8::try_from(short).unwrap_or_default()],
        (_, long) => [&[tag, 0x80 | long.unwrap_or_default()], significant].concat(),
    };
    [&header[..], content].concat()
}
