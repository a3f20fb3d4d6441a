//! Identifiers: one type a noun, all of them `UUIDv7` (RFC 9562) in lower-case hyphenated text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A tenant; also the name of its file and the id of its one `organizations` row.
    TenantId,
    /// A person, once per installation.
    AccountId,
    /// A team of a tenant.
    TeamId,
    /// A workspace of a tenant.
    WorkspaceId,
    /// A resource's envelope.
    ResourceId,
    /// A principal: the id of the account, team, service account or tenant that it stands for.
    PrincipalId,
    /// A custom role of a tenant.
    RoleId,
    /// An operator's entry into a tenant: asked for, approved, or over.
    BreakGlassId,
    /// A caller that is no person: of one tenant, or of the platform.
    ServiceAccountId,
    /// An API key of a service account.
    ApiKeyId,
    /// A log-in of a browser.
    SessionId,
    /// Somebody asked into a tenant.
    InvitationId,
    /// An issuer that a tenant trusts.
    IssuerId,
    /// Where events are sent.
    WebhookId,
    /// Places that are kept free for somebody, for a time.
    ReservationId,
    /// One run of an import.
    ImportId,
    /// The random identity of one database file, held by the file and by the registry.
    FileId,
    /// One request; the correlation of everything that it causes.
    RequestId,
}

/// A membership, named by the account whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberId(pub AccountId);

macro_rules! principals {
    ($($name:ident),+) => {$(
        impl From<$name> for PrincipalId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    )+};
}
principals!(AccountId, TeamId, TenantId, ServiceAccountId);
