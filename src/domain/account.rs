//! Accounts: people, once per installation, known by identities and never by e-mail addresses.

use serde::{Deserialize, Serialize};

use super::{AccountId, Conflict, Email, Error, IdentityPart, Name, Result, SearchText, Timestamp};

super::word::words! {
    /// The state of an account. It changes through [`AccountState::to`] alone.
    pub enum AccountState {
        /// May act.
        Active = "active",
        /// May do nothing anywhere until it is resumed.
        Suspended = "suspended",
    }
}

impl AccountState {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        if self == next { Err(Error::Conflict(Conflict::WrongState)) } else { Ok(next) }
    }
}

/// Whom an issuer means: the pair that identifies an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Who says so.
    pub issuer: IdentityPart,
    /// Whom the issuer means by it; never used again by that issuer.
    pub subject: IdentityPart,
}

impl Identity {
    /// Identities of an account at most.
    pub const MAX: usize = 16;
    /// Issuers whose word is the host's own: nobody else speaks for them.
    pub const HOSTS_ISSUERS: [&str; 2] = ["host", "system"];

    /// Whether the host alone can vouch for it.
    #[must_use]
    pub fn is_hosts(&self) -> bool {
        Self::HOSTS_ISSUERS.contains(&self.issuer.as_str())
    }
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// What the person is called.
    pub display_name: Name,
    /// Where to write to; identifies nobody.
    pub email: Option<Email>,
    /// The account's state.
    pub state: AccountState,
    /// Whom issuers mean by it.
    pub identities: Vec<Identity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// An account to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What the person is called.
    pub display_name: Name,
    /// Where to write to.
    #[serde(default)]
    pub email: Option<Email>,
    /// Whom issuers mean by it; 1 to 16.
    #[serde(deserialize_with = "super::object::objects")]
    #[schema(min_items = 1, max_items = 16)]
    pub identities: Vec<Identity>,
}

/// A change of an account.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAccount {
    /// What the person is called.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub display_name: Option<Name>,
    /// Where to write to; `null` takes the address away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Email>)]
    pub email: Option<Option<Email>>,
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
/// Tells `null` (`Some(None)`) from absent (`None`, by `default`).
pub(super) fn nullable<'de, T, D>(
    deserializer: D,
) -> std::result::Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Which accounts are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AccountFilter {
    /// Of this state.
    pub state: Option<AccountState>,
    /// Whose name begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub name_prefix: Option<SearchText>,
    /// With an identity of this issuer.
    #[param(value_type = Option<String>, max_length = 200)]
    pub issuer: Option<SearchText>,
    /// With an identity of this subject.
    #[param(value_type = Option<String>, max_length = 200)]
    pub subject: Option<SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
