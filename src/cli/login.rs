//! Section `login` of the configuration: how browsers log in, and at which of the issuers.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Url;
use serde::Deserialize;

use super::decision_point::read_token;
use super::issuers::IssuerSection;
use crate::domain::SessionLimits;
use crate::http::LoginSettings;
use crate::identity::ProviderSettings;

/// Where providers send browsers back to, below the public address.
const CALLBACK: &str = "/v1/auth/callback";

/// Section `login`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSection {
    pub(super) public_url: String,
    pub(super) default_issuer: String,
    pub(super) create_accounts: bool,
    pub(super) session_idle_s: i64,
    pub(super) session_max_s: i64,
    pub(super) post_logout_path: String,
}

/// What is asked for where nothing is said.
const SCOPES: &str = "profile email";

impl LoginSection {
    /// How browsers log in; `None` where they do not. The guard has refused what is unsafe.
    pub(super) fn settings(
        &self,
        issuers: &BTreeMap<String, IssuerSection>,
    ) -> Option<LoginSettings> {
        let url: Url = self.public_url.parse().ok()?;
        let host = authority(&url)?;
        Some(LoginSettings {
            origin: format!("{}://{host}", url.scheme()),
            host,
            default_issuer: self.default_issuer(issuers).unwrap_or_default().to_owned(),
            create_accounts: self.create_accounts,
            limits: SessionLimits { idle_s: self.session_idle_s, max_s: self.session_max_s },
            post_logout_path: self.post_logout_path.clone(),
        })
    }

    /// The name or address of the host at which browsers reach this server.
    pub(super) fn public_host(&self) -> Option<String> {
        let url: Url = self.public_url.parse().ok()?;
        Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
    }

    /// The issuer to log in at where none is named.
    pub(super) fn default_issuer<'a>(
        &'a self,
        issuers: &'a BTreeMap<String, IssuerSection>,
    ) -> Option<&'a str> {
        if !self.default_issuer.is_empty() {
            return Some(&self.default_issuer);
        }
        let mut open = issuers.iter().filter(|(_, issuer)| issuer.is_for_browsers());
        match (open.next(), open.next()) {
            (Some((name, _)), None) => Some(name),
            _ => None,
        }
    }
}

/// The host of a URL, with its port where it has one of its own.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

impl IssuerSection {
    /// Whether browsers can log in there.
    pub(super) fn is_for_browsers(&self) -> bool {
        !self.client_id.is_empty()
    }

    /// The provider.
    ///
    /// # Errors
    /// The file with the secret cannot be read; an algorithm is not known.
    pub(super) fn provider(
        &self,
        origin: &str,
        allow_plain_loopback: bool,
    ) -> Result<ProviderSettings, String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let client_secret = match self.client_secret_file.as_str() {
            "" => self.client_secret.clone(),
            file => read_token(Path::new(file))?,
        };
        Ok(ProviderSettings {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
            client_secret,
            algorithms: self.signing_algorithms()?,
            scopes: words(self.scopes.as_deref().unwrap_or(SCOPES)),
            acr_values: words(&self.acr_values),
            redirect_uri: format!("{origin}{CALLBACK}"),
            allow_plain_loopback,
        })
    }
}
