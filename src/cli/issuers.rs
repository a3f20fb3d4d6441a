//! Section `identity.issuers` of the configuration: the issuers elsewhere that the installation trusts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::configuration::IdentitySection;
use crate::domain::{
    ClaimMapping, IdentityPart, IssuerTerms, Secret, SigningAlgorithm, Word as _,
    default_algorithms,
};
use crate::identity::{Fetcher, Keeping, Trust};
use crate::outbound::Destinations;

/// Section `identity.issuers.<name>`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSection {
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    pub(super) audience: Option<String>,
    #[serde(default, deserialize_with = "words")]
    pub(super) algorithms: Option<Vec<String>>,
    #[serde(default, deserialize_with = "words")]
    pub(super) typ: Option<Vec<String>>,
    #[serde(default)]
    pub(super) jwks_uri: Option<String>,
    #[serde(default)]
    pub(super) max_lifetime_s: Option<i64>,
    #[serde(default)]
    pub(super) allow_audience_list: Option<bool>,
    #[serde(default)]
    pub(super) claims: ClaimMapping,
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) client_secret: Secret,
    #[serde(default)]
    pub(super) client_secret_file: String,
    #[serde(default)]
    pub(super) scopes: Option<String>,
    #[serde(default)]
    pub(super) acr_values: String,
}

/// A list, or as the environment has it: words with commas between them.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Option::<Words>::deserialize(deserializer)? {
        None => None,
        Some(Words::List(words)) => Some(words),
        Some(Words::Text(text)) => {
            Some(text.split(',').map(|word| word.trim().to_owned()).collect())
        }
    })
}

impl IssuerSection {
    /// What it is trusted for; for the audience that every token must have, where it names no other.
    ///
    /// # Errors
    /// Names the key that is wrong, and says what it must be.
    pub(super) fn terms(&self, audience: &str) -> Result<IssuerTerms, (&'static str, String)> {
        let audience = self.audience.as_deref().unwrap_or(audience);
        Ok(IssuerTerms {
            audience: IdentityPart::parse(audience).map_err(|what| ("audience", what))?,
            algorithms: self.signing_algorithms().map_err(|what| ("algorithms", what))?,
            typ: self.typ.clone().unwrap_or_else(|| vec![IssuerTerms::TYP.to_owned()]),
            jwks_uri: self.jwks_uri.clone(),
            max_lifetime_s: self.max_lifetime_s.unwrap_or(IssuerTerms::LIFETIME_S),
            allow_audience_list: self.allow_audience_list.unwrap_or(false),
            claims: self.claims.clone(),
        })
    }

    /// What its tokens may be signed with, access tokens and ID tokens.
    ///
    /// # Errors
    /// Names the word that is no algorithm.
    pub(super) fn signing_algorithms(&self) -> Result<Vec<SigningAlgorithm>, String> {
        let parsed = |word: &String| {
            SigningAlgorithm::parse(word).ok_or_else(|| {
                let names: Vec<_> = SigningAlgorithm::ALL.iter().map(|one| one.as_str()).collect();
                format!("{word:?} is none of {}", names.join(", "))
            })
        };
        match &self.algorithms {
            None => Ok(default_algorithms()),
            Some(words) => words.iter().map(parsed).collect(),
        }
    }
}

impl IdentitySection {
    /// Where issuers may be.
    pub(super) fn destinations(&self) -> Destinations {
        Destinations {
            allow_plain_loopback: self.allow_plain_loopback,
            private_hosts: self.private_issuer_hosts.clone(),
        }
    }

    /// The issuers elsewhere that are trusted. The guard has refused what is none.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn trust(&self) -> Result<Trust, String> {
        let keeping = Keeping {
            ttl: Duration::from_secs(self.jwks_ttl_s),
            max_stale: Duration::from_secs(self.jwks_max_stale_s),
            retry: Duration::from_secs(self.jwks_retry_s),
        };
        let mut trust = Trust::new(Fetcher::start(self.destinations())?, keeping);
        for (name, issuer) in &self.issuers {
            let terms = issuer.terms(&self.audience);
            trust.add(name, &issuer.url, terms.map_err(|(key, what)| format!("{key}: {what}"))?);
        }
        Ok(trust)
    }
}

/// The issuers, by name.
pub(super) type Issuers = BTreeMap<String, IssuerSection>;
