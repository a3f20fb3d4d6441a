//! Text that has been checked: names, slugs, addresses, attributes. What deserialises is valid.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use uuid::Uuid;

/// Slugs that no tenant may take, since they mean something as a host name or in a path.
const RESERVED_SLUGS: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "console",
    "docs",
    "freehold",
    "health",
    "host",
    "local",
    "localhost",
    "login",
    "logout",
    "mail",
    "me",
    "metrics",
    "null",
    "openapi",
    "operator",
    "operators",
    "platform",
    "registry",
    "root",
    "security",
    "static",
    "status",
    "support",
    "system",
    "tenant",
    "tenants",
    "undefined",
    "www",
];

/// Words that mean something else where a question names a resource type.
const RESERVED_TYPES: &[&str] = &[
    "account",
    "member",
    "platform",
    "principal",
    "resource_type",
    "service_account",
    "team",
    "tenant",
    "workspace",
    "workspace_owner",
];

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident { min: $min:literal, max: $max:literal, pattern: $pattern:expr, check: $check:expr },)+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// Says what the text must be.
            pub fn parse(text: impl Into<String>) -> Result<Self, String> {
                let text = text.into();
                let length = text.chars().count();
                if !($min..=$max).contains(&length) {
                    return Err(format!("must have {} to {} characters, has {length}", $min, $max));
                }
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(text).map_err(D::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern: Option<&str> = $pattern;
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .min_length(($min > 0).then_some($min))
                    .max_length(Some($max))
                    .pattern(pattern)
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

/// What `Name` may not hold: control characters, and blanks at either end.
const NAME_PATTERN: &str = r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
const DIMENSION_PATTERN: &str = r"^(members|teams|workspaces|resources(\.[a-z][a-z0-9_-]*)?|storage_bytes|requests_per_minute|meters\.[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z][a-z0-9_]*)$";
const SLUG_PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

texts! {
    /// What people call a thing: 1 to 200 characters, no control characters, no blanks at either end.
    Name { min: 1, max: 200, pattern: Some(NAME_PATTERN), check: check_name },
    /// What people say about a thing: up to 2,000 characters, no control characters but line feeds and tabs.
    #[derive(Default)]
    Description { min: 0, max: 2000, pattern: None, check: check_description },
    /// What a filter looks for: up to 200 characters.
    SearchText { min: 0, max: 200, pattern: None, check: |_| Ok(()) },
    /// A tenant's name in addresses: 3 to 63 of `a-z`, `0-9`, `-`, beginning with a letter, no `--`, not reserved.
    Slug { min: 3, max: 63, pattern: Some(SLUG_PATTERN), check: check_slug },
    /// The name of a resource type: 1 to 63 of `a-z`, `0-9`, `_`, `-`, beginning with a letter.
    ResourceTypeName { min: 1, max: 63, pattern: Some("^[a-z][a-z0-9_-]*$"), check: check_type_name },
    /// An e-mail address to write to, never an identity.
    Email { min: 3, max: 254, pattern: Some(r"^[^@\s\u0000-\u001f\u007f]+@[^@\s\u0000-\u001f\u007f]+$"), check: check_email },
    /// An issuer, or a subject at one: 1 to 255 printable ASCII characters without blanks (RFC 7519's `StringOrURI`).
    IdentityPart { min: 1, max: 255, pattern: Some("^[!-~]+$"), check: check_identity_part },
    /// The name of an application: 3 to 63 of `a-z`, `0-9`, `-`, beginning with a letter, no `--`, not reserved.
    ApplicationName { min: 3, max: 63, pattern: Some(SLUG_PATTERN), check: check_application_name },
    /// A word of an application, a resource type or a subject type: 1 to 63 of `a-z`, `0-9`, `_`, beginning with a letter.
    ApplicationWord { min: 1, max: 63, pattern: Some(WORD_PATTERN), check: check_word },
    /// The name of an application's action: one word, or two joined by `.`.
    ApplicationActionName { min: 1, max: 127, pattern: Some(ACTION_PATTERN), check: check_action },
    /// The name of an attribute: 1 to 63 of `a-z`, `A-Z`, `0-9`, `_`, beginning with a letter.
    AttributeName { min: 1, max: 63, pattern: Some("^[a-zA-Z][a-zA-Z0-9_]*$"), check: check_attribute },
    /// The key of a layered value: 1 to 64 of `a-z`, `0-9`, `_`, `.`, `-`, beginning with a letter.
    AttributeKey { min: 1, max: 64, pattern: Some("^[a-z][a-z0-9_.-]*$"), check: check_key },
    /// The name of a scope (RFC 6749, section 3.3): 1 to 127 printable ASCII characters without blanks, `"` and `\`.
    ScopeName { min: 1, max: 127, pattern: Some(r"^[!#-\[\]-~]+$"), check: check_scope },
    /// What a quota limits: `members`, `teams`, `workspaces`, `resources` and `resources.<type>`, `storage_bytes`,
    /// `requests_per_minute`, and `meters.<application>.<meter>`.
    Dimension { min: 5, max: 140, pattern: Some(DIMENSION_PATTERN), check: check_dimension },
    /// A plan's name: lower-case letters, digits and single hyphens.
    PlanName { min: 1, max: 63, pattern: Some(SLUG_PATTERN), check: check_plan_name },
    /// A data region: 1 to 63 of `a-z`, `0-9`, `-`.
    Region { min: 1, max: 63, pattern: Some("^[a-z0-9-]+$"), check: check_region },
}

const WORD_PATTERN: &str = "^[a-z][a-z0-9_]*$";
const ACTION_PATTERN: &str = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$";

/// Words of the policy language, which can name nothing in it.
const RESERVED_IN_POLICIES: &[&str] =
    &["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"];

fn all(text: &str, allowed: fn(char) -> bool, message: &str) -> Result<(), String> {
    if text.chars().all(allowed) { Ok(()) } else { Err(message.to_owned()) }
}

fn check_name(text: &str) -> Result<(), String> {
    all(text, |c| !c.is_control(), "must not contain control characters")?;
    let blank = |c: Option<char>| c.is_some_and(|c| c.is_whitespace() || c == '\u{feff}');
    if blank(text.chars().next()) || blank(text.chars().last()) {
        return Err("must not begin or end with a blank".to_owned());
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), String> {
    all(text, |c| !c.is_control() || c == '\n' || c == '\t', "must not contain control characters")
}

fn check_slug(text: &str) -> Result<(), String> {
    all(
        text,
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        "may contain a-z, 0-9 and - only",
    )?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("must begin with a letter".to_owned());
    }
    if text.ends_with('-') || text.contains("--") {
        return Err("must not end with - nor contain --".to_owned());
    }
    if RESERVED_SLUGS.contains(&text) {
        return Err("is a reserved word".to_owned());
    }
    Ok(())
}

fn check_type_name(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    all(text, allowed, "may contain a-z, 0-9, _ and - only")?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("must begin with a letter".to_owned());
    }
    if RESERVED_TYPES.contains(&text) {
        return Err("is the name of a noun of its own".to_owned());
    }
    Ok(())
}

fn check_application_name(text: &str) -> Result<(), String> {
    // The one name that comes with the program.
    if text == "freehold" { Ok(()) } else { check_slug(text) }
}

fn check_word(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    all(text, allowed, "may contain a-z, 0-9 and _ only")?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("must begin with a letter".to_owned());
    }
    if RESERVED_IN_POLICIES.contains(&text) {
        return Err("is a word of the policy language".to_owned());
    }
    Ok(())
}

fn check_action(text: &str) -> Result<(), String> {
    let words = text.split('.').count();
    text.split('.').try_for_each(check_word).ok().filter(|()| words < 3).ok_or_else(|| {
        "must be one word, or two joined by . : of a-z, 0-9 and _, beginning with a letter"
            .to_owned()
    })
}

fn check_dimension(text: &str) -> Result<(), String> {
    let is_meter = |meter: &str| {
        let parts = meter.split_once('.');
        parts.is_some_and(|(app, word)| {
            ApplicationName::parse(app).is_ok() && check_word(word).is_ok()
        })
    };
    let is_one = Dimension::ALWAYS.contains(&text)
        || text
            .strip_prefix("resources.")
            .is_some_and(|kind| ResourceTypeName::parse(kind).is_ok())
        || text.strip_prefix("meters.").is_some_and(is_meter);
    if is_one {
        return Ok(());
    }
    let alone = Dimension::ALWAYS.join(", ");
    Err(format!("must be one of {alone}, resources.<type>, meters.<application>.<meter>"))
}

fn check_plan_name(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    all(text, allowed, "may contain a-z, 0-9 and - only")?;
    let is_odd = |text: &str| text.starts_with('-') || text.ends_with('-') || text.contains("--");
    if is_odd(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("must begin with a letter, and have single hyphens within".to_owned());
    }
    Ok(())
}

fn check_attribute(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    all(text, allowed, "may contain letters, digits and _ only")?;
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("must begin with a letter".to_owned());
    }
    if RESERVED_IN_POLICIES.contains(&text) {
        return Err("is a word of the policy language".to_owned());
    }
    Ok(())
}

fn check_key(text: &str) -> Result<(), String> {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
    all(text, allowed, "may contain a-z, 0-9, _, . and - only")?;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("must begin with a letter".to_owned());
    }
    Ok(())
}

fn check_scope(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    all(text, allowed, "may contain printable ASCII characters but blanks, \" and \\ only")
}

fn check_email(text: &str) -> Result<(), String> {
    all(text, |c| !c.is_control() && !c.is_whitespace(), "must not contain blanks")?;
    match text.split_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !domain.contains('@') =>
        {
            Ok(())
        }
        _ => Err("must be an e-mail address".to_owned()),
    }
}

fn check_identity_part(text: &str) -> Result<(), String> {
    all(text, |c| c.is_ascii_graphic(), "may contain printable ASCII characters only")
}

fn check_region(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    all(text, allowed, "may contain a-z, 0-9 and - only")
}

impl std::ops::Deref for SearchText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// How a tenant is named: by its slug or by its id in an address, or by a host name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TenantReference {
    /// By id.
    Id(crate::domain::TenantId),
    /// By slug.
    Slug(Slug),
    /// By a host name that is registered for it.
    Host(crate::domain::HostName),
}

impl TenantReference {
    /// Reads an id or a slug; `None` for what can be neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match Uuid::parse_str(text) {
            Ok(id) if id.to_string() == text => Some(Self::Id(id.into())),
            _ => Slug::parse(text).ok().map(Self::Slug),
        }
    }
}

/// How an account is named on the command line: by its id, or by an identity as `issuer|subject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountReference {
    /// By id.
    Id(crate::domain::AccountId),
    /// By one of its identities.
    Identity(crate::domain::Identity),
}

impl AccountReference {
    /// Reads either form.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let (issuer, subject) = text
            .rsplit_once('|')
            .ok_or("must be an account's id, or an identity as issuer|subject")?;
        Ok(Self::Identity(crate::domain::Identity {
            issuer: IdentityPart::parse(issuer).map_err(|message| format!("issuer {message}"))?,
            subject: IdentityPart::parse(subject)
                .map_err(|message| format!("subject {message}"))?,
        }))
    }
}

impl<'de> Deserialize<'de> for AccountReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for AccountReference {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An account's id, or one of its identities as `issuer|subject`"))
            .into()
    }
}

impl utoipa::ToSchema for AccountReference {}

/// A JSON object that a resource's owner fills: at most 16 KiB of text, at most 8 levels deep.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Attributes(Box<RawValue>);

impl Attributes {
    /// Bytes of JSON text at most.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// Levels of nesting at most.
    pub const MAX_DEPTH: usize = 8;

    /// Checks a JSON text.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > Self::MAX_BYTES {
            return Err(format!("must have at most {} bytes, has {}", Self::MAX_BYTES, text.len()));
        }
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !value.is_object() {
            return Err("must be an object".to_owned());
        }
        if depth(&value) > Self::MAX_DEPTH {
            return Err(format!("must be at most {} levels deep", Self::MAX_DEPTH));
        }
        let compact = serde_json::value::to_raw_value(&value).map_err(|error| error.to_string())?;
        Ok(Self(compact))
    }

    /// Takes JSON text that was checked before it was stored.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn stored(text: String) -> Result<Self, String> {
        RawValue::from_string(text).map(Self).map_err(|error| error.to_string())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self(RawValue::from_string("{}".to_owned()).unwrap_or_default())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::parse(&value.to_string()).map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("Free JSON, at most 16 KiB and 8 levels deep"))
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(
                true,
            )))
            .into()
    }
}

impl utoipa::ToSchema for Attributes {}

pub(super) fn depth(value: &serde_json::Value) -> usize {
    let deepest = match value {
        serde_json::Value::Array(items) => items.iter().map(depth).max(),
        serde_json::Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}
