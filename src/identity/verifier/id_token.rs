//! ID tokens of log-ins (OpenID Connect Core, sections 2 and 3.1.3.7).
//!
//! The form, the keys and the signature are judged as those of access tokens are. The type is `JWT` or absent, so that no
//! access token passes for an ID token; no ID token passes for an access token ([`super::rules`]). Times may have
//! fractions. Claims that only describe the person are optional, and ignored where they are of the wrong type.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::domain::{Assurance, HOST_ACR, Identity, IdentityPart, SigningAlgorithm, Timestamp};
use crate::identity::jose::{KeySet, Rules, Signed, Typ, object};

/// Bytes of an ID token at most: providers write groups into them.
const MAX_BYTES: usize = 32 * 1024;
/// Seconds by which clocks may differ.
const SKEW_S: i64 = 30;
/// The end of the year 9999.
const MAX_SECONDS: f64 = 253_402_300_800.0;
/// Audiences at most.
const MAX_AUDIENCES: usize = 100;
/// Authentication methods that are kept at most, and bytes of a method or context class at most.
const MAX_METHODS: usize = 10;
const MAX_WORD: usize = 255;

type Why = &'static str;
type Claims = Map<String, Value>;

/// What the ID token of one log-in must say.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenRules<'r> {
    /// The provider's issuer identifier.
    pub issuer: &'r str,
    /// The client that the token must be for.
    pub client_id: &'r str,
    /// What it may be signed with.
    pub algorithms: &'r [SigningAlgorithm],
    /// The nonce that the log-in began with.
    pub nonce: &'r str,
    /// The access token that came with it.
    pub access_token: &'r str,
}

/// What a verified ID token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdToken {
    /// Issuer and subject.
    pub identity: Identity,
    /// Name and address of the subject.
    pub person: Person,
    /// How strongly the subject logged in.
    pub assurance: Assurance,
}

/// Name and e-mail address of a person, as a provider writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: Option<String>,
    /// The address, and whether the provider says that it is the person's.
    pub email: Option<(String, bool)>,
}

/// Why an ID token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The key set has no such key; a newer key set may.
    Key(Why),
    /// Anything else.
    Token(Why),
}

impl Unfit {
    /// The reason, for the log.
    #[must_use]
    pub fn why(self) -> Why {
        match self {
            Self::Key(why) | Self::Token(why) => why,
        }
    }
}

impl IdTokenRules<'_> {
    /// Verifies an ID token with the provider's keys.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn verify(&self, token: &str, keys: &KeySet, now: Timestamp) -> Result<IdToken, Unfit> {
        let signed = Signed::parse_within(token, MAX_BYTES).map_err(Unfit::Token)?;
        let rules = Rules { algorithms: self.algorithms, typ: Typ::AbsentOrJwt };
        let algorithm = signed.fits(rules).map_err(Unfit::Token)?;
        let claims = object(signed.payload()).ok_or(Unfit::Token("the claims cannot be read"))?;
        let read = self.check(&claims, algorithm, now).map_err(Unfit::Token)?;
        keys.find(signed.kid()).map_err(Unfit::Key)?;
        signed.verify(keys, rules).map_err(Unfit::Token)?;
        Ok(read)
    }

    fn check(
        &self,
        claims: &Claims,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Result<IdToken, Why> {
        if text(claims, "iss") != Some(self.issuer) {
            return Err("the issuer is not the provider");
        }
        self.check_audience(claims)?;
        let nonce = text(claims, "nonce").ok_or("there is no nonce")?;
        verify_slices_are_equal(nonce.as_bytes(), self.nonce.as_bytes())
            .map_err(|_| "the nonce is another log-in's")?;
        self.check_access_token(claims, algorithm)?;
        check_times(claims, now)?;
        let subject = text(claims, "sub").ok_or("there is no subject")?;
        let part = |text: &str| IdentityPart::parse(text).map_err(|_| "the subject is malformed");
        Ok(IdToken {
            identity: Identity { issuer: part(self.issuer)?, subject: part(subject)? },
            person: Person::of(claims),
            assurance: assurance(claims)?,
        })
    }

    /// `aud` names us. `azp` names us too where it is there, and must be there where `aud` names others.
    fn check_audience(&self, claims: &Claims) -> Result<(), Why> {
        let is_client = |value: &Value| value.as_str() == Some(self.client_id);
        let (is_ours, are_several) = match claims.get("aud") {
            None => return Err("there is no audience"),
            Some(Value::Array(list)) => {
                let is_list = list.len() <= MAX_AUDIENCES && list.iter().all(Value::is_string);
                (is_list && list.iter().any(is_client), list.len() > 1)
            }
            Some(audience) => (is_client(audience), false),
        };
        if !is_ours {
            return Err("the audience is not this client");
        }
        match claims.get("azp") {
            None if are_several => Err("there are several audiences and no authorized party"),
            Some(party) if !is_client(party) => Err("the authorized party is another client"),
            _ => Ok(()),
        }
    }

    /// `at_hash`, where it is there, is the hash of the access token.
    fn check_access_token(&self, claims: &Claims, algorithm: SigningAlgorithm) -> Result<(), Why> {
        let Some(hash) = claims.get("at_hash") else { return Ok(()) };
        if hash.as_str() == Some(&half_hash(algorithm, self.access_token)) {
            Ok(())
        } else {
            Err("the access token is not the one that it was issued with")
        }
    }
}

/// The left half of a text's hash, by the hash function of the algorithm; that of Ed25519 is SHA-512 (RFC 8032).
fn half_hash(algorithm: SigningAlgorithm, text: &str) -> String {
    let function = match algorithm {
        SigningAlgorithm::EdDsa => &SHA512,
        SigningAlgorithm::Es256 | SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => &SHA256,
    };
    let sum = digest(function, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&sum.as_ref()[..sum.as_ref().len() / 2])
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Why> {
    let expires_at = time(claims, "exp")?.ok_or("it is not said when it expires")?;
    let issued_at = time(claims, "iat")?.ok_or("it is not said when it was issued")?;
    if expires_at <= now {
        return Err("the token has expired");
    }
    let latest = now.plus_seconds(SKEW_S);
    if issued_at > latest || time(claims, "nbf")?.is_some_and(|from| from > latest) {
        return Err("the token is not valid yet");
    }
    Ok(())
}

/// A `NumericDate`, which may have a fraction (RFC 7519, section 2).
fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Why> {
    let Some(value) = claims.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..MAX_SECONDS).contains(seconds));
    let seconds = seconds.ok_or("a time is no number of seconds")?;
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let micros = (seconds * 1e6) as i64;
    Ok(Some(Timestamp(micros)))
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

impl Person {
    /// The person that the claims describe.
    pub(in crate::identity) fn of(claims: &Claims) -> Self {
        let name = text(claims, "name").or_else(|| text(claims, "preferred_username"));
        let is_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        Self {
            name: name.map(str::to_owned),
            email: text(claims, "email").map(|email| (email.to_owned(), is_verified)),
        }
    }
}

/// How strongly the subject logged in. Words that are too long or not printable are left out, as is the host's own class.
fn assurance(claims: &Claims) -> Result<Assurance, Why> {
    let is_word = |word: &&str| {
        (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let methods = methods.filter_map(Value::as_str).filter(is_word).map(str::to_owned);
    let acr = text(claims, "acr").filter(is_word).filter(|acr| *acr != HOST_ACR);
    Ok(Assurance {
        acr: acr.map(str::to_owned),
        amr: methods.take(MAX_METHODS).collect(),
        auth_time_s: time(claims, "auth_time")?.map(Timestamp::seconds),
    })
}
