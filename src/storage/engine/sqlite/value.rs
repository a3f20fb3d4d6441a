//! Values on their way into statements and out of rows.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use uuid::Uuid;

use crate::domain::{
    AccountId, ApiKeyId, ApplicationName, AttributeKey, Attributes, Audience, BreakGlassId,
    Description, Dimension, Email, FileId, HostName, IdentityPart, InvitationId, IssuerId,
    JsonSchema, JsonValue, KeyId, Limits, Manifest, Name, Patterns, PlanName, PrincipalId, Region,
    ReservationId, ResourceId, ResourceTypeName, RoleId, ScopeName, ServiceAccountId, SessionId,
    Slug, TeamId, TenantId, TenantKind, Timestamp, Values, WebhookId, Word, WorkspaceId,
};

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(in crate::storage) enum Param<'a> {
    /// No value.
    Null,
    /// A number, a time or a truth.
    Int(i64),
    /// Text that stands elsewhere.
    Text(&'a str),
    /// Text made for the purpose.
    Owned(String),
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Owned(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
        })
    }
}

/// Parameters of a statement, in the order of `?1`, `?2`, ….
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::storage::engine::Param::from($value)),*] };
}
pub(in crate::storage) use params;

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Self::Owned(value)
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Param<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<Timestamp> for Param<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.0)
    }
}

impl<W: Word> From<W> for Param<'_> {
    fn from(value: W) -> Self {
        Self::Text(value.as_str())
    }
}

impl<'a, T> From<Option<T>> for Param<'a>
where
    Param<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

/// A value out of a column.
pub(in crate::storage) trait FromColumn: Sized {
    /// Reads the value; the message says what is wrong with it.
    fn from_column(value: ValueRef<'_>) -> Result<Self, String>;
}

fn text(value: ValueRef<'_>) -> Result<&str, String> {
    value.as_str().map_err(|error| error.to_string())
}

/// A value as it is stored, whatever it is, in bytes: numbers in decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct Raw(pub(in crate::storage) Option<Vec<u8>>);

impl FromColumn for Raw {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Ok(Self(match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
            ValueRef::Real(number) => Some(number.to_string().into_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        }))
    }
}

impl FromColumn for i64 {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        value.as_i64().map_err(|error| error.to_string())
    }
}

impl FromColumn for u32 {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Self::try_from(i64::from_column(value)?).map_err(|error| error.to_string())
    }
}

impl FromColumn for bool {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Ok(i64::from_column(value)? != 0)
    }
}

impl FromColumn for String {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl FromColumn for Timestamp {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        i64::from_column(value).map(Self)
    }
}

impl<'a> From<&'a Patterns> for Param<'a> {
    fn from(patterns: &'a Patterns) -> Self {
        Self::Owned(serde_json::to_string(patterns).unwrap_or_default())
    }
}

impl FromColumn for Patterns {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl FromColumn for Manifest {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a [ScopeName]> for Param<'a> {
    fn from(scopes: &'a [ScopeName]) -> Self {
        Self::Owned(serde_json::to_string(scopes).unwrap_or_default())
    }
}

impl FromColumn for Vec<ScopeName> {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a [TeamId]> for Param<'a> {
    fn from(teams: &'a [TeamId]) -> Self {
        Self::Owned(serde_json::to_string(teams).unwrap_or_default())
    }
}

impl FromColumn for Vec<TeamId> {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a Vec<ScopeName>> for Param<'a> {
    fn from(scopes: &'a Vec<ScopeName>) -> Self {
        scopes.as_slice().into()
    }
}

impl FromColumn for Vec<TenantKind> {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a [Audience]> for Param<'a> {
    fn from(audience: &'a [Audience]) -> Self {
        Self::Owned(serde_json::to_string(audience).unwrap_or_default())
    }
}

impl FromColumn for Vec<Audience> {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a JsonSchema> for Param<'a> {
    fn from(schema: &'a JsonSchema) -> Self {
        Self::Owned(schema.0.to_string())
    }
}

impl FromColumn for JsonSchema {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        serde_json::from_str(text(value)?).map_err(|error| error.to_string())
    }
}

impl<'a> From<&'a JsonValue> for Param<'a> {
    fn from(value: &'a JsonValue) -> Self {
        Self::Owned(value.text())
    }
}

impl FromColumn for JsonValue {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Self::stored(text(value)?)
    }
}

impl<'a> From<&'a Limits> for Param<'a> {
    fn from(limits: &'a Limits) -> Self {
        Self::Owned(limits.text())
    }
}

impl FromColumn for Limits {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Self::stored(text(value)?)
    }
}

impl<'a> From<&'a Values> for Param<'a> {
    fn from(values: &'a Values) -> Self {
        Self::Owned(values.text())
    }
}

impl FromColumn for Values {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Self::stored(text(value)?)
    }
}

impl FromColumn for Attributes {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Self::stored(text(value)?.to_owned())
    }
}

impl<W: Word> FromColumn for W {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        let word = text(value)?;
        W::parse(word).ok_or_else(|| format!("unknown word {word:?}"))
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_column(value).map(Some),
        }
    }
}

macro_rules! ids {
    ($($name:ty),+) => {$(
        impl From<$name> for Param<'_> {
            fn from(id: $name) -> Self {
                Self::Owned(id.to_string())
            }
        }

        impl FromColumn for $name {
            fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
                Uuid::parse_str(text(value)?).map(Self::from).map_err(|error| error.to_string())
            }
        }
    )+};
}
ids!(
    TenantId,
    AccountId,
    TeamId,
    WorkspaceId,
    ResourceId,
    PrincipalId,
    FileId,
    RoleId,
    BreakGlassId,
    InvitationId,
    IssuerId,
    SessionId,
    ServiceAccountId,
    ApiKeyId,
    ReservationId,
    WebhookId
);

macro_rules! texts {
    ($($name:ty),+) => {$(
        impl<'a> From<&'a $name> for Param<'a> {
            fn from(text: &'a $name) -> Self {
                Self::Text(text.as_str())
            }
        }

        impl FromColumn for $name {
            fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
                Self::parse(text(value)?)
            }
        }
    )+};
}
texts!(
    Name,
    Description,
    Slug,
    ResourceTypeName,
    Email,
    IdentityPart,
    Region,
    HostName,
    ApplicationName,
    AttributeKey,
    KeyId,
    Dimension,
    PlanName
);
