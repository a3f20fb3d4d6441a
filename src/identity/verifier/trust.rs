//! The issuers elsewhere that are trusted: the installation's, and those that tenants have registered.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::presented::Parsed;
use super::{Verified, rules};
use crate::domain::{IssuerStatus, IssuerTerms, Revocable, TenantId, TenantIssuer, Timestamp};
use crate::identity::discovery::Fetcher;
use crate::identity::jose::{Rules, Typ};
use crate::identity::jwks::{Keeping, Look, RemoteKeys};
use crate::outbound::Word;

/// Issuers of tenants whose keys are kept: of each 32 keys at most, out of a document of 64 KiB at most.
const MAX_TENANT_ISSUERS: u64 = 1_000;
/// For how long keys of a tenant's issuer are kept that nobody uses.
const IDLE: Duration = Duration::from_hours(1);

/// Whose keys are kept: nobody's answer counts for another tenant, whatever address they name.
type KeysOf = (TenantId, String, Option<String>);

/// An issuer elsewhere.
#[derive(Debug)]
pub struct TrustedIssuer {
    /// Its name in the configuration.
    pub name: String,
    /// The `iss` of its tokens.
    pub url: Arc<str>,
    /// What it is trusted for.
    pub terms: IssuerTerms,
    keys: Arc<RemoteKeys>,
}

/// What is wrong with a token, and whose keys must be fetched first.
type Unusable = (&'static str, Option<Arc<RemoteKeys>>);

/// A key, and whose it is.
type Used = (Arc<RemoteKeys>, [u8; 32]);

impl TrustedIssuer {
    /// Verifies a token; says whose keys must be fetched first, if they must.
    pub(super) fn verify(
        &self,
        token: &Parsed<'_>,
        now: Timestamp,
    ) -> Result<(Verified, Used), Unusable> {
        let (signed, typ) = (&token.signed, Typ::OneOf(&self.terms.typ));
        let rules = Rules { algorithms: &self.terms.algorithms, typ };
        let no = |why| (why, None);
        // Nobody is asked for keys of what would be refused whatever they are.
        signed.fits(rules).map_err(no)?;
        let mut verified = rules::check(&token.claims, &self.url, &self.terms, now).map_err(no)?;
        if verified.credential.token.is_none() {
            // What is signed, not the signature: a signature can be written in several ways.
            let token = Some(signed.digest().into());
            verified.credential = Arc::new(Revocable { token, ..(*verified.credential).clone() });
        }
        match self.keys.look(|keys| keys.find(signed.kid()).map(|key| *key.digest())) {
            Look::Known(_) => {}
            Look::Ask => {
                return Err(("the issuer's keys must be fetched", Some(self.keys.clone())));
            }
            Look::Refused(why) => return Err(no(why)),
        }
        // A signature that is wrong by a key that is known is no reason to ask.
        match self.keys.look(|keys| Ok(signed.verify(keys, rules).map(|key| *key.digest()))) {
            Look::Known(Ok(digest)) => Ok((verified, (self.keys.clone(), digest))),
            Look::Known(Err(why)) | Look::Refused(why) => Err(no(why)),
            Look::Ask => Err(("the issuer's keys must be fetched", Some(self.keys.clone()))),
        }
    }

    fn status(&self) -> IssuerStatus {
        let keys = self.keys.status();
        IssuerStatus {
            name: self.name.clone(),
            url: self.url.to_string(),
            terms: self.terms.clone(),
            kids: keys.kids,
            fetched_s_ago: keys.fetched_s_ago,
            last_error: keys.last_error,
        }
    }
}

/// The issuers elsewhere.
pub struct Trust {
    issuers: Vec<TrustedIssuer>,
    fetcher: Arc<Fetcher>,
    keeping: Keeping,
    tenants: Cache<KeysOf, Arc<RemoteKeys>>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}

impl Trust {
    /// Trusts nobody yet, but whom tenants trust for themselves.
    #[must_use]
    pub fn new(fetcher: Arc<Fetcher>, keeping: Keeping) -> Self {
        let tenants = Cache::builder().max_capacity(MAX_TENANT_ISSUERS).time_to_idle(IDLE).build();
        Self { issuers: Vec::new(), fetcher, keeping, tenants }
    }

    /// Trusts an issuer of the installation's.
    pub fn add(&mut self, name: &str, url: &str, terms: IssuerTerms) {
        let uri = terms.jwks_uri.as_deref();
        let keys = RemoteKeys::new(url, uri, Word::Host, self.keeping, self.fetcher.clone());
        self.issuers.push(TrustedIssuer { name: name.to_owned(), url: url.into(), terms, keys });
    }

    /// Fetches the keys of the installation's issuers in the background: the first token does not wait for them long.
    pub fn prefetch(&self) {
        self.issuers.iter().for_each(|issuer| issuer.keys.prefetch());
    }

    /// The installation's issuer of this address.
    pub(super) fn find(&self, url: &str) -> Option<&TrustedIssuer> {
        self.issuers.iter().find(|issuer| *issuer.url == *url)
    }

    /// Whether an address is an issuer of the installation's.
    #[must_use]
    pub fn is_ours(&self, url: &str) -> bool {
        self.find(url).is_some()
    }

    /// What is wrong with an address that a tenant gives, if something is.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check(&self, url: &str) -> Result<(), &'static str> {
        self.fetcher.destinations().check(url, Word::Tenant).map(drop)
    }

    /// A tenant's issuer, with the keys that are kept of it.
    pub(super) fn of_tenant(
        &self,
        TenantIssuer { tenant, issuer }: &TenantIssuer,
    ) -> TrustedIssuer {
        let (url, uri) = (issuer.url.as_str(), issuer.terms.jwks_uri.clone());
        let keys = self.tenants.get_with((*tenant, url.to_owned(), uri.clone()), || {
            RemoteKeys::new(url, uri.as_deref(), Word::Tenant, self.keeping, self.fetcher.clone())
        });
        let (name, terms) = (issuer.name.to_string(), issuer.terms.clone());
        TrustedIssuer { name, url: url.into(), terms, keys }
    }

    /// The installation's issuers and the state of their keys, by name.
    #[must_use]
    pub fn statuses(&self) -> Vec<IssuerStatus> {
        self.issuers.iter().map(TrustedIssuer::status).collect()
    }
}
