//! Host names that mean a tenant: registered for one, spelt one way.

use std::borrow::Cow;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::{TenantId, Timestamp};

const MAX: usize = 253;
const PATTERN: &str = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";

/// A host name in its one spelling: lower case, A-labels, without a port and without the dot of the root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostName(String);

impl HostName {
    /// Reads any spelling, and takes its one.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = ascii(text.strip_suffix('.').unwrap_or(text))
            .ok_or("must be a host name, without a port: labels of letters, digits and -")?;
        let Some((_, last)) = name.rsplit_once('.') else {
            return Err("must have two labels at least, as acme.com has".to_owned());
        };
        // No address, in no notation, and nothing that could be taken for one.
        if !last.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(
                "must be a name and no address: its last label begins with a letter".to_owned()
            );
        }
        Ok(Self(name))
    }

    /// Takes a text that is the one spelling already.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn exact(text: &str) -> Result<Self, String> {
        let host = Self::parse(text)?;
        if host.0 == text { Ok(host) } else { Err(format!("must be spelt {host}")) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this domain, or one below it.
    #[must_use]
    pub fn is_within(&self, domain: &str) -> bool {
        self.0 == domain || below(&self.0, domain).is_some()
    }
}

/// What stands before a domain in a name below it.
#[must_use]
pub fn below<'n>(name: &'n str, domain: &str) -> Option<&'n str> {
    name.strip_suffix(domain)?.strip_suffix('.')
}

/// The name with every label in ASCII (IDNA), if it is one that the DNS can have.
fn ascii(name: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(
        name.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    ascii.ok().map(Cow::into_owned)
}

/// Whether each label that says of itself that it is encoded (`xn--`) decodes, and is encoded so.
#[must_use]
pub fn has_true_labels(name: &str) -> bool {
    let encoded = name.split('.').filter(|label| label.starts_with("xn--"));
    encoded.into_iter().all(|label| ascii(label).is_some_and(|ascii| ascii == label))
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::exact(&text).map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for HostName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(3))
            .max_length(Some(MAX))
            .pattern(Some(PATTERN))
            .into()
    }
}

impl utoipa::ToSchema for HostName {}

/// A host name of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantHost {
    /// Its id, which is the name.
    pub id: HostName,
    /// The name.
    pub host: HostName,
    /// The tenant that it means.
    pub tenant_id: TenantId,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last registered anew.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl TenantHost {
    /// Host names of one tenant at most.
    pub const MAX_PER_TENANT: i64 = 100;
}

/// Which host names of a tenant are listed: all of them, by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantHostFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
