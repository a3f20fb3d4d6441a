//! Applications: what a product built on Freehold declares of itself, and what a tenant binds of it.
//!
//! A manifest names resource types, actions, scopes and policies. An application decides its own actions on its own
//! types, and nothing else.

use serde::{Deserialize, Serialize};

use super::{
    ApplicationActionName, ApplicationName, ApplicationWord, AttributeName, Description,
    IdentityPart, Name, PrincipalId, ScopeName, TenantKind, Timestamp,
};

super::word::words! {
    /// The type of an attribute that policies can see.
    pub enum AttributeType {
        /// A text.
        String = "string",
        /// True or false.
        Boolean = "boolean",
        /// A whole number of 64 bits.
        Integer = "integer",
        /// A set of texts.
        StringSet = "string_set",
        /// An account, as one of the application's subject types names it; policies see the account's id.
        Account = "account",
    }
}

super::word::words! {
    /// Where the value of an attribute comes from.
    pub enum AttributeSource {
        /// From what is stored, and from nowhere else.
        Stored = "stored",
        /// From what is stored; where nothing is, from the request.
        Request = "request",
    }
}

super::word::words! {
    /// Where resources of a type are kept.
    pub enum ResourceKeeper {
        /// Here: a resource that is not there has no decision but no.
        Freehold = "freehold",
        /// By the application: any id may be asked about, and nothing can be searched for.
        Application = "application",
    }
}

super::word::words! {
    /// How questions name a resource of a type.
    pub enum ResourceKey {
        /// By its id.
        Id = "id",
        /// By its name; one that several have names none of them.
        Name = "name",
    }
}

/// How questions name accounts: `{"type": name, "id": subject}` is whoever has the identity `(issuer, subject)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectType {
    /// The word in questions.
    pub name: ApplicationWord,
    /// The issuer whose subjects the ids are.
    pub issuer: IdentityPart,
}

/// An attribute that policies can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeDeclaration {
    /// The attribute's name.
    pub name: AttributeName,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Where its value comes from; from what is stored, where nothing is said. What an action is asked with comes from
    /// the request always.
    #[serde(default)]
    pub source: Option<AttributeSource>,
    /// Of the type `account`: the subject type that names it.
    #[serde(default)]
    pub subject_type: Option<ApplicationWord>,
}

/// A resource type of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationResourceType {
    /// Its name.
    pub name: ApplicationWord,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// Who keeps resources of it; Freehold, where nothing is said.
    #[serde(default)]
    pub kept_by: Option<ResourceKeeper>,
    /// How questions name one; by id, where nothing is said.
    #[serde(default)]
    pub key: Option<ResourceKey>,
    /// What policies can see of one.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 50)]
    pub attributes: Vec<AttributeDeclaration>,
}

/// An action of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationAction {
    /// Its name.
    pub name: ApplicationActionName,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// The application's types that it can be done to.
    #[schema(min_items = 1, max_items = 50)]
    pub resource_types: Vec<ApplicationWord>,
    /// What policies can see of a question about it: its `properties`.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 50)]
    pub properties: Vec<AttributeDeclaration>,
}

/// A scope: what a token can be narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeDeclaration {
    /// Its name, as tokens name it.
    pub name: ScopeName,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// The actions that it leaves.
    pub actions: super::Patterns,
    /// Whether the application cannot do without it: no tenant binds the application and leaves it out.
    #[serde(default)]
    pub required: bool,
}

/// A meter: what the application counts of a tenant's use, and a tenant's quotas can limit as
/// `meters.<application>.<meter>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterDeclaration {
    /// Its name.
    pub name: ApplicationWord,
    /// What people say about it: what is counted, in which unit.
    #[serde(default)]
    pub description: Option<Description>,
    /// How it is counted: for good, where nothing is said.
    #[serde(default)]
    pub period: Option<super::MeterPeriod>,
}

/// Policies in Cedar's language; each has an `@id` and a `@sentence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// What errors call it.
    pub name: Name,
    /// The text.
    #[schema(max_length = 65536)]
    pub text: String,
}

/// What an application declares of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name, once per installation.
    pub name: ApplicationName,
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// How questions name accounts, besides `account` by id.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 20)]
    pub subject_types: Vec<SubjectType>,
    /// Its resource types.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 100)]
    pub resource_types: Vec<ApplicationResourceType>,
    /// Its actions.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 400)]
    pub actions: Vec<ApplicationAction>,
    /// Its scopes.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 100)]
    pub scopes: Vec<ScopeDeclaration>,
    /// Its meters.
    #[serde(
        default,
        deserialize_with = "super::object::objects",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(max_items = 100)]
    pub meters: Vec<MeterDeclaration>,
    /// Its policies.
    #[serde(default, deserialize_with = "super::object::objects")]
    #[schema(max_items = 20)]
    pub policies: Vec<PolicyText>,
}

impl Manifest {
    /// One of its resource types.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ApplicationResourceType> {
        self.resource_types.iter().find(|kind| kind.name.as_str() == name)
    }

    /// One of its actions.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&ApplicationAction> {
        self.actions.iter().find(|action| action.name.as_str() == name)
    }

    /// One of its subject types.
    #[must_use]
    pub fn subject_type(&self, name: &str) -> Option<&SubjectType> {
        self.subject_types.iter().find(|kind| kind.name.as_str() == name)
    }
}

/// An application.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Application {
    /// Its id, which is its name.
    pub id: ApplicationName,
    /// Its name.
    pub name: ApplicationName,
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    pub description: Description,
    /// The newest version of its manifest; versions count from 1 and stay.
    #[schema(minimum = 1)]
    pub manifest_version: i64,
    /// The kinds of tenants that must bind it.
    pub required_for: Vec<TenantKind>,
    /// Whether it comes with the program, and is bound everywhere.
    pub built_in: bool,
    /// The manifest of that version.
    pub manifest: Manifest,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Application {
    /// Applications of an installation at most.
    pub const MAX: i64 = 10_000;
    /// Versions of one application at most.
    pub const MAX_VERSIONS: i64 = 10_000;
}

/// A version of an application's manifest. It never changes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApplicationVersion {
    /// The application.
    pub application: ApplicationName,
    /// Which version.
    #[schema(minimum = 1)]
    pub manifest_version: i64,
    /// The manifest.
    pub manifest: Manifest,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A change of an application: another manifest becomes its next version.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeApplication {
    /// Its next manifest.
    #[serde(default, deserialize_with = "super::object::present_object")]
    #[schema(nullable = false)]
    pub manifest: Option<Manifest>,
    /// The kinds of tenants that must bind it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub required_for: Option<Vec<TenantKind>>,
}

/// An application that a tenant has bound.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApplicationBinding {
    /// Its id: the application's name.
    pub id: ApplicationName,
    /// The application.
    pub application: ApplicationName,
    /// The version of its manifest that is in force here.
    #[schema(minimum = 1)]
    pub manifest_version: i64,
    /// Its scopes that tokens may use here.
    pub scopes: Vec<ScopeName>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When the binding last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// How a tenant binds an application.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutApplicationBinding {
    /// The version of the manifest; the newest, where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub manifest_version: Option<i64>,
    /// The scopes that tokens may use; every one, where nothing is said. Those that are required must be among them.
    #[serde(default)]
    pub scopes: Option<Vec<ScopeName>>,
}

/// Which applications are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApplicationFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// What an application's policies can see of a question, besides the circumstances that all policies see.
#[derive(Debug, Clone)]
pub struct ApplicationFacts {
    /// The action.
    pub action: String,
    /// What is known of the subject.
    pub subject: super::SubjectFacts,
    /// Which account the subject is.
    pub account: String,
    /// The names of its custom roles.
    pub roles: Vec<String>,
    /// The ids of its principals: the account, its teams with all their ancestors, the tenant.
    pub principals: Vec<PrincipalId>,
    /// What else is known.
    pub circumstances: super::Circumstances,
    /// The resource's type.
    pub resource_type: String,
    /// Its key, as the question names it.
    pub resource: String,
    /// What the row rule gives the subject there; 0 to 3, and 0 where the application keeps the resource.
    pub level: i64,
    /// What is declared and known of the resource.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// What is declared of the action and came with the question.
    pub properties: serde_json::Map<String, serde_json::Value>,
}
