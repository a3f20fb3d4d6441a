//! What the claims of an access token of another issuer must be, and what they come to.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{NOT_YET, Subject, Verified, said};
use crate::domain::{
    Assurance, ClaimMapping, HOST_ACR, IssuerTerms, MAX_AHEAD_S, Revocable, SignIn, Timestamp,
};

/// Characters of a subject at most.
const MAX_SUBJECT: usize = 255;
/// Words of a list at most.
const MAX_WORDS: usize = 100;
/// Bytes of any other text at most.
const MAX_TEXT: usize = 1000;
/// Claims of ID tokens alone (OpenID Connect Core, sections 2 and 3.3.2.11).
const OF_ID_TOKENS: &[&str] = &["nonce", "at_hash", "c_hash"];

type Why = &'static str;
type Claims = Map<String, Value>;

/// What a token says whose signature is its issuer's.
pub(super) fn check(
    claims: &Claims,
    issuer: &Arc<str>,
    terms: &IssuerTerms,
    now: Timestamp,
) -> Result<Verified, Why> {
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err("the issuer is not the one whose key it is");
    }
    // An issuer may write the same type and audience into both.
    if OF_ID_TOKENS.iter().any(|name| claims.contains_key(*name)) {
        return Err("it is an ID token");
    }
    check_audience(claims, terms)?;
    let subject = claims.get("sub").and_then(Value::as_str).ok_or("there is no subject")?;
    if !(1..=MAX_SUBJECT).contains(&subject.len()) || !is_printable(subject) {
        return Err("the subject is odd");
    }
    let times = Times::read(claims)?;
    times.check(terms.max_lifetime_s, now.seconds())?;
    let mapping = &terms.claims;
    let assurance = assurance(claims, mapping)?;
    Ok(Verified {
        issuer: issuer.clone(),
        subject: subject.to_owned(),
        meant: Subject::Identity,
        tenant: None,
        tenant_name: text(claims, &mapping.tenant)?.map(Into::into),
        actor: actor(claims, issuer, mapping)?,
        scopes: scopes(claims, mapping)?,
        credential: Arc::new(Revocable {
            token: text(claims, "jti")?.map(Into::into),
            issued_at: Timestamp::of_seconds(times.iat),
            signed_in: SignIn::of(assurance.auth_time_s),
            ..Revocable::default()
        }),
        assurance: Arc::new(assurance),
        said: said(
            issuer,
            subject,
            text(claims, &mapping.email)?,
            find(claims, &mapping.email_verified),
        )
        .map(Arc::new),
        expires_at: Timestamp(times.exp.saturating_mul(1_000_000)),
    })
}

/// `aud` is ours: one text, or where that is allowed a list of texts that has ours.
fn check_audience(claims: &Claims, terms: &IssuerTerms) -> Result<(), Why> {
    let ours = |value: &Value| value.as_str() == Some(terms.audience.as_str());
    let is_ours = match claims.get("aud") {
        Some(Value::Array(list)) if terms.allow_audience_list => {
            list.len() <= MAX_WORDS && list.iter().all(Value::is_string) && list.iter().any(ours)
        }
        Some(audience) => ours(audience),
        None => return Err("there is no audience"),
    };
    if is_ours { Ok(()) } else { Err("the audience is not ours") }
}

/// Seconds since 1970.
struct Times {
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
}

impl Times {
    fn read(claims: &Claims) -> Result<Self, Why> {
        let seconds = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or("a time is no whole number"),
        };
        Ok(Self {
            exp: seconds("exp")?.ok_or("it is not said when it expires")?,
            iat: seconds("iat")?.ok_or("it is not said when it was issued")?,
            nbf: seconds("nbf")?,
        })
    }

    fn check(&self, max_lifetime_s: i64, now: i64) -> Result<(), Why> {
        if self.exp <= now {
            return Err("the token has expired");
        }
        if self.iat > now + MAX_AHEAD_S || self.nbf.is_some_and(|nbf| nbf > now + MAX_AHEAD_S) {
            return Err(NOT_YET);
        }
        let lifetime = self.exp.checked_sub(self.iat);
        if lifetime.is_none_or(|lifetime| lifetime > max_lifetime_s) {
            return Err("the token is good for too long");
        }
        Ok(())
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The claim that a name of a mapping means.
fn find<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    let Some(pointer) = name.strip_prefix('/') else {
        return claims.get(name).filter(|value| !name.is_empty() && !value.is_null());
    };
    let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&steps.next()?)?;
    let found = steps.try_fold(first, |value, step| value.as_object()?.get(&step))?;
    Some(found).filter(|value| !value.is_null())
}

fn text<'c>(claims: &'c Claims, name: &str) -> Result<Option<&'c str>, Why> {
    match find(claims, name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text)),
        Some(_) => Err("a claim is of another type than its meaning has"),
    }
}

/// A list of words, or words between blanks.
fn words(claims: &Claims, name: &str) -> Result<Option<Vec<String>>, Why> {
    const ODD: Why = "a claim is of another type than its meaning has";
    let found: Vec<String> = match find(claims, name) {
        None => return Ok(None),
        Some(Value::String(text)) => {
            text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
        Some(Value::Array(list)) => {
            let words = list.iter().map(|word| word.as_str().map(str::to_owned));
            words.collect::<Option<_>>().ok_or(ODD)?
        }
        Some(_) => return Err(ODD),
    };
    let is_good = found.len() <= MAX_WORDS && found.iter().all(|word| word.len() <= MAX_TEXT);
    if is_good { Ok(Some(found)) } else { Err(ODD) }
}

/// What the token is narrowed to: scopes and roles together; neither gives anything.
fn scopes(claims: &Claims, mapping: &ClaimMapping) -> Result<Option<Arc<[String]>>, Why> {
    let (scopes, roles) = (words(claims, &mapping.scope)?, words(claims, &mapping.roles)?);
    Ok(match (scopes, roles) {
        (None, None) => None,
        (scopes, roles) => Some(scopes.into_iter().chain(roles).flatten().collect()),
    })
}

/// Who acts, as the issuer calls them: never by a word that is the host's own.
fn actor(
    claims: &Claims,
    issuer: &Arc<str>,
    mapping: &ClaimMapping,
) -> Result<Option<Arc<str>>, Why> {
    let Some(act) = find(claims, &mapping.act) else { return Ok(None) };
    let sub = act.as_object().and_then(|act| act.get("sub")).and_then(Value::as_str);
    let is_good = |sub: &&str| (1..=MAX_SUBJECT).contains(&sub.len()) && is_printable(sub);
    let sub = sub.filter(is_good).ok_or("whoever acts is odd")?;
    Ok(Some(format!("{issuer}|{sub}").into()))
}

fn assurance(claims: &Claims, mapping: &ClaimMapping) -> Result<Assurance, Why> {
    let acr = text(claims, &mapping.acr)?;
    if acr == Some(HOST_ACR) {
        return Err("the context class is the host's own");
    }
    let auth_time_s = match claims.get("auth_time") {
        None => None,
        Some(value) => Some(value.as_i64().ok_or("a time is no whole number")?),
    };
    let amr = words(claims, &mapping.amr)?.unwrap_or_default();
    Ok(Assurance { acr: acr.map(str::to_owned), amr, auth_time_s })
}
