//! Keys of an issuer elsewhere, and what it signs with them: whatever a test wants.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs.
pub(crate) enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        Self::Rsa(Box::new(pair))
    }

    /// Its public part, as others read it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ed25519(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig",
                "x": encode(pair.public_key()),
            }),
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig",
                    "x": encode(&point[1..33]), "y": encode(&point[33..]),
                })
            }
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                json!({
                    "kty": "RSA", "kid": kid, "use": "sig",
                    "n": encode(n.big_endian_without_leading_zero()),
                    "e": encode(e.big_endian_without_leading_zero()),
                })
            }
        }
    }

    /// A signature by an algorithm.
    pub(crate) fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let scheme: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(scheme, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token of these two texts, whatever they are.
    pub(crate) fn token(&self, alg: &str, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.sign(alg, message.as_bytes());
        format!("{message}.{}", encode(signature))
    }
}

/// A key of every kind.
pub(crate) struct Keys {
    pub(crate) ed25519: Key,
    pub(crate) p256: Key,
    pub(crate) rsa: Key,
}

/// Keys that all tests share: they take their time to be made.
pub(crate) static KEYS: LazyLock<Keys> =
    LazyLock::new(|| Keys { ed25519: Key::ed25519(), p256: Key::p256(), rsa: Key::rsa() });

impl Keys {
    /// The public parts, by the names `ed`, `ec` and `rsa`.
    pub(crate) fn jwks(&self) -> Vec<Value> {
        vec![self.ed25519.jwk("ed"), self.p256.jwk("ec"), self.rsa.jwk("rsa")]
    }

    /// The key of an algorithm, and its name.
    pub(crate) fn of(&self, alg: &str) -> (&Key, &'static str) {
        match alg {
            "ES256" => (&self.p256, "ec"),
            "RS256" | "PS256" => (&self.rsa, "rsa"),
            _ => (&self.ed25519, "ed"),
        }
    }

    /// A good token with these claims.
    pub(crate) fn sign(&self, alg: &str, claims: &Value) -> String {
        let (key, kid) = self.of(alg);
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": kid});
        key.token(alg, &header.to_string(), &claims.to_string())
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "tokens are of the machine's time")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Good claims of an issuer about a subject.
pub(crate) fn claims(issuer: &str, subject: &str) -> Value {
    let now = now();
    json!({
        "iss": issuer, "sub": subject, "aud": "freehold", "iat": now, "exp": now + 600,
        "jti": "a", "client_id": "tests",
    })
}
