//! Issuers that a tenant trusts, and what of their tokens means what.
//!
//! An issuer of a tenant's own speaks for that tenant alone, and never decides by itself what somebody may do: a token
//! of it says who logged in, and how. What its roles say can narrow a token, as scopes do, and gives nothing.

use serde::{Deserialize, Serialize};

use super::{IdentityPart, IssuerId, Name, TenantId, Timestamp};

super::word::words! {
    /// An algorithm that a token may be signed with (RFC 7518, RFC 8037).
    pub enum SigningAlgorithm {
        /// Ed25519.
        EdDsa = "EdDSA",
        /// ECDSA with P-256 and SHA-256.
        Es256 = "ES256",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
    }
}

super::word::words! {
    /// The state of a tenant's issuer. It changes through [`IssuerState::to`] alone.
    pub enum IssuerState {
        /// Its tokens are accepted.
        Active = "active",
        /// Its tokens are refused until it is active again.
        Disabled = "disabled",
    }
}

impl IssuerState {
    /// The state machine: either state may follow the other, and either may stay.
    #[must_use]
    pub fn to(self, next: Self) -> Self {
        next
    }
}

/// Which claims mean what: the name of a claim, or, behind a `/`, a JSON pointer (RFC 6901) to it. An empty name means
/// that no claim does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMapping {
    /// The tenant that the token is for, by its id or slug.
    #[schema(max_length = 200)]
    pub tenant: String,
    /// Words that narrow the token as its scopes do; they give nothing.
    #[schema(max_length = 200)]
    pub roles: String,
    /// The authentication context class.
    #[schema(max_length = 200)]
    pub acr: String,
    /// The methods of authentication.
    #[schema(max_length = 200)]
    pub amr: String,
    /// What the token is narrowed to: words between blanks, or a list of words.
    #[schema(max_length = 200)]
    pub scope: String,
    /// The address to write to.
    #[schema(max_length = 200)]
    pub email: String,
    /// Whether the issuer knows that the address is the subject's.
    #[schema(max_length = 200)]
    pub email_verified: String,
    /// Who acts for the subject (RFC 8693).
    #[schema(max_length = 200)]
    pub act: String,
}

impl Default for ClaimMapping {
    fn default() -> Self {
        Self {
            tenant: String::new(),
            roles: String::new(),
            acr: "acr".to_owned(),
            amr: "amr".to_owned(),
            scope: "scope".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            act: "act".to_owned(),
        }
    }
}

impl ClaimMapping {
    /// Characters of a claim's name at most.
    pub const MAX: usize = 200;
    /// Claims whose meaning is fixed.
    const FIXED: &'static [&'static str] = &["iss", "sub", "aud", "exp", "nbf", "iat"];

    /// Every name, with what it means.
    #[must_use]
    pub fn names(&self) -> [(&'static str, &str); 8] {
        [
            ("tenant", &self.tenant),
            ("roles", &self.roles),
            ("acr", &self.acr),
            ("amr", &self.amr),
            ("scope", &self.scope),
            ("email", &self.email),
            ("email_verified", &self.email_verified),
            ("act", &self.act),
        ]
    }

    /// What is wrong with a name, if something is.
    #[must_use]
    pub fn flaw(name: &str) -> Option<&'static str> {
        if name.len() > Self::MAX || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some("must be at most 200 printable ASCII characters without blanks")
        } else if Self::FIXED.contains(&name.trim_start_matches('/')) {
            Some("is a claim whose meaning is fixed")
        } else {
            None
        }
    }
}

/// What every issuer is trusted for: by what its tokens are signed, and what they must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuerTerms {
    /// The `aud` that its tokens must have.
    pub audience: IdentityPart,
    /// What its tokens may be signed with.
    pub algorithms: Vec<SigningAlgorithm>,
    /// What the `typ` of its tokens may be.
    pub typ: Vec<String>,
    /// Where its keys are; where it is not given, its discovery document says so.
    pub jwks_uri: Option<String>,
    /// Seconds that its tokens may be good for at most.
    pub max_lifetime_s: i64,
    /// Whether `aud` may be a list that has ours among others.
    pub allow_audience_list: bool,
    /// Which claims mean what.
    pub claims: ClaimMapping,
}

impl IssuerTerms {
    /// What `typ` must be where nothing else is said (RFC 9068).
    pub const TYP: &'static str = "at+jwt";
    /// Seconds that a token may be good for where nothing else is said.
    pub const LIFETIME_S: i64 = 3600;
    /// Seconds that a token may be good for at most, whatever is said.
    pub const MAX_LIFETIME_S: i64 = 24 * 3600;

    /// What is wrong, each with the field's name.
    #[must_use]
    pub fn flaws(&self) -> Vec<(String, String)> {
        let mut flaws = Vec::new();
        let mut say = |field: &str, what: &str| flaws.push((field.to_owned(), what.to_owned()));
        let twice = |n: usize| self.algorithms[..n].contains(&self.algorithms[n]);
        if self.algorithms.is_empty() || (0..self.algorithms.len()).any(twice) {
            say("algorithms", "must name algorithms, each once");
        }
        let is_type = |typ: &String| {
            (1..=100).contains(&typ.len()) && typ.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !(1..=8).contains(&self.typ.len()) || !self.typ.iter().all(is_type) {
            say("typ", "must have 1 to 8 words of at most 100 printable ASCII characters");
        }
        if !(60..=Self::MAX_LIFETIME_S).contains(&self.max_lifetime_s) {
            say("max_lifetime_s", "must be 60 to 86400");
        }
        for (name, claim) in self.claims.names() {
            if let Some(flaw) = ClaimMapping::flaw(claim) {
                flaws.push((format!("claims/{name}"), flaw.to_owned()));
            }
        }
        flaws
    }
}

/// An issuer that a tenant trusts to speak for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Issuer {
    /// The issuer's id.
    pub id: IssuerId,
    /// What it is called; unique in the tenant.
    pub name: Name,
    /// The `iss` of its tokens; unique in the tenant.
    pub url: IdentityPart,
    /// Whether its tokens are accepted.
    pub state: IssuerState,
    /// What it is trusted for.
    #[serde(flatten)]
    pub terms: IssuerTerms,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Issuer {
    /// Issuers of a tenant at most.
    pub const MAX_PER_TENANT: i64 = 100;
}

/// An issuer to be trusted.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssuer {
    /// What it is called.
    pub name: Name,
    /// The `iss` of its tokens: an address that begins with `https://`.
    pub url: IdentityPart,
    /// The `aud` that its tokens must have.
    pub audience: IdentityPart,
    /// What its tokens may be signed with; `EdDSA`, `ES256` and `RS256` where nothing is said.
    #[serde(default)]
    pub algorithms: Option<Vec<SigningAlgorithm>>,
    /// What the `typ` of its tokens may be; `at+jwt` where nothing is said.
    #[serde(default)]
    pub typ: Option<Vec<String>>,
    /// Where its keys are; where it is not given, its discovery document says so.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Seconds that its tokens may be good for at most; an hour where nothing is said.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 86400)]
    pub max_lifetime_s: Option<i64>,
    /// Whether `aud` may be a list that has ours among others.
    #[serde(default)]
    pub allow_audience_list: Option<bool>,
    /// Which claims mean what.
    #[serde(default)]
    pub claims: Option<ClaimMapping>,
}

impl NewIssuer {
    /// What it would be trusted for.
    #[must_use]
    pub fn terms(&self) -> IssuerTerms {
        let algorithms = self.algorithms.clone();
        let typ = self.typ.clone();
        IssuerTerms {
            audience: self.audience.clone(),
            algorithms: algorithms.unwrap_or_else(default_algorithms),
            typ: typ.unwrap_or_else(|| vec![IssuerTerms::TYP.to_owned()]),
            jwks_uri: self.jwks_uri.clone(),
            max_lifetime_s: self.max_lifetime_s.unwrap_or(IssuerTerms::LIFETIME_S),
            allow_audience_list: self.allow_audience_list.unwrap_or(false),
            claims: self.claims.clone().unwrap_or_default(),
        }
    }
}

/// What tokens may be signed with where nothing is said.
#[must_use]
pub fn default_algorithms() -> Vec<SigningAlgorithm> {
    vec![SigningAlgorithm::EdDsa, SigningAlgorithm::Es256, SigningAlgorithm::Rs256]
}

/// A change of an issuer. Its address stays: another address is another issuer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIssuer {
    /// What it is called.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// Whether its tokens are accepted.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub state: Option<IssuerState>,
    /// The `aud` that its tokens must have.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub audience: Option<IdentityPart>,
    /// What its tokens may be signed with.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub algorithms: Option<Vec<SigningAlgorithm>>,
    /// What the `typ` of its tokens may be.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub typ: Option<Vec<String>>,
    /// Where its keys are; an empty text: its discovery document says so.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub jwks_uri: Option<String>,
    /// Seconds that its tokens may be good for at most.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false, minimum = 60, maximum = 86400)]
    pub max_lifetime_s: Option<i64>,
    /// Whether `aud` may be a list that has ours among others.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub allow_audience_list: Option<bool>,
    /// Which claims mean what: all of them anew.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub claims: Option<ClaimMapping>,
}

impl ChangeIssuer {
    /// The issuer as it would be.
    #[must_use]
    pub fn of(&self, before: &Issuer) -> Issuer {
        let mut after = before.clone();
        let terms = &mut after.terms;
        set(&mut after.name, self.name.as_ref());
        set(&mut terms.audience, self.audience.as_ref());
        set(&mut terms.algorithms, self.algorithms.as_ref());
        set(&mut terms.typ, self.typ.as_ref());
        set(&mut terms.max_lifetime_s, self.max_lifetime_s.as_ref());
        set(&mut terms.allow_audience_list, self.allow_audience_list.as_ref());
        set(&mut terms.claims, self.claims.as_ref());
        if let Some(uri) = &self.jwks_uri {
            terms.jwks_uri = Some(uri.clone()).filter(|uri| !uri.is_empty());
        }
        after
    }
}

fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

/// What the registry must know of a tenant's issuer; the data of every `issuer.*` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuerRegistration {
    /// The issuer.
    pub issuer: Issuer,
    /// Whether it is registered no more.
    #[serde(default)]
    pub deleted: bool,
}

/// An issuer of a tenant's own, as whoever verifies tokens must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantIssuer {
    /// Whose it is.
    pub tenant: TenantId,
    /// The issuer.
    pub issuer: Issuer,
}

/// Which issuers are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IssuerFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// An issuer of the installation, and the state of its keys.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// The `iss` of its tokens.
    pub url: String,
    /// What it is trusted for.
    #[serde(flatten)]
    pub terms: IssuerTerms,
    /// The ids of its keys that can be used.
    pub kids: Vec<String>,
    /// Seconds since its keys were last fetched; `null` where they never were.
    pub fetched_s_ago: Option<u64>,
    /// Why they could not be fetched the last time that it was tried; `null` where they could.
    pub last_error: Option<String>,
}

/// The issuers of the installation.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuerStatuses {
    /// Every one, by name.
    pub items: Vec<IssuerStatus>,
}
