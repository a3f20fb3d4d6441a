//! Which decisions a change would change: the change, the questions, and the answer.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

use super::{
    AccountId, ApplicationName, Entity, MemberState, Name, Patterns, PolicyInfo, PolicyText,
    Position, PrincipalId, Role, RoleId, RowSecurityMode, TeamId, TeamRole,
};

/// Decisions that one simulation makes at most.
pub const MAX_SIMULATED: usize = 10_000;

/// Which decisions would a change change? Its JSON, which has all of it but the cursor, is what its pages are bound to.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationRequest {
    /// The change.
    pub changes: SupposedChanges,
    /// Whose decisions, about what.
    pub questions: SimulatedQuestions,
    /// The `next_cursor` of the page before; the first page, if omitted.
    #[serde(default, skip_serializing)]
    pub cursor: Option<String>,
}

/// A change that nobody makes. What is not named stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupposedChanges {
    /// Memberships.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub members: Vec<ChangedMember>,
    /// Places in teams.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub team_members: Vec<ChangedPlace>,
    /// Custom roles.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub roles: Vec<ChangedRole>,
    /// Applications that the tenant has bound.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub applications: Vec<ChangedApplication>,
    /// What row-level security does.
    #[serde(default)]
    pub row_security: Option<RowSecurityMode>,
}

/// A membership, as it would be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedMember {
    /// Whose.
    pub account_id: AccountId,
    /// The role; of one who is no member there must be one.
    #[serde(default)]
    pub role: Option<Role>,
    /// The state; one who is no member would be active where nothing is said.
    #[serde(default)]
    pub state: Option<MemberState>,
}

/// A place in a team, as it would be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedPlace {
    /// The team.
    pub team_id: TeamId,
    /// Whose.
    pub account_id: AccountId,
    /// What they would be in the team; `null` for nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub role: Option<TeamRole>,
}

/// A custom role, as it would be: one that is there, by its id, or a new one, by its name.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedRole {
    /// Which one.
    #[serde(default)]
    pub id: Option<RoleId>,
    /// What a new one would be called.
    #[serde(default)]
    pub name: Option<Name>,
    /// What it would permit; of a new one there must be something.
    #[serde(default)]
    pub permissions: Option<Patterns>,
    /// Who would have it, all of them; as it is where nothing is said, and nobody has a new one.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub principals: Option<BTreeSet<PrincipalId>>,
}

/// An application that the tenant has bound, with other policies than those of the version that is in force.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedApplication {
    /// Which one.
    pub application: ApplicationName,
    /// All its policies, as a manifest has them.
    #[schema(max_items = 20)]
    pub policies: Vec<PolicyText>,
}

/// Questions: every one of the subjects, every action, every resource.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatedQuestions {
    /// Whose.
    pub subjects: SimulatedSubjects,
    /// What would be done, by the names of actions.
    #[schema(max_items = 200)]
    pub actions: BTreeSet<String>,
    /// To what.
    pub resources: SimulatedResources,
}

/// `"everybody"`, or the ids of accounts.
#[derive(Debug, Clone)]
pub enum SimulatedSubjects {
    /// Every member who is not removed, and whoever is supposed to be one.
    Everybody,
    /// These accounts.
    Accounts(BTreeSet<AccountId>),
}

/// A list of resources, or `{"type": …}` for all of a resource type that the caller may read.
#[derive(Debug, Clone)]
pub enum SimulatedResources {
    /// These.
    Listed(Vec<Entity>),
    /// All of a type.
    OfType(ResourcesOfType),
}

/// All resources of a type.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcesOfType {
    /// The resource type.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
}

const EVERYBODY: &str = "everybody";

impl Serialize for SimulatedSubjects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Everybody => serializer.serialize_str(EVERYBODY),
            Self::Accounts(accounts) => accounts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SimulatedSubjects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Subjects;
        impl<'de> Visitor<'de> for Subjects {
            type Value = SimulatedSubjects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"everybody\" or a list of account ids")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == EVERYBODY {
                    return Ok(SimulatedSubjects::Everybody);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Self::Value, S::Error> {
                BTreeSet::deserialize(SeqAccessDeserializer::new(seq))
                    .map(SimulatedSubjects::Accounts)
            }
        }
        deserializer.deserialize_any(Subjects)
    }
}

impl utoipa::PartialSchema for SimulatedSubjects {
    fn schema() -> RefOr<Schema> {
        let everybody =
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some([EVERYBODY]));
        let accounts = ArrayBuilder::new().items(AccountId::schema());
        OneOfBuilder::new().item(everybody).item(accounts.max_items(Some(MAX_SIMULATED))).into()
    }
}

impl utoipa::ToSchema for SimulatedSubjects {}

impl Serialize for SimulatedResources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Listed(entities) => entities.serialize(serializer),
            Self::OfType(kind) => kind.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SimulatedResources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Resources;
        impl<'de> Visitor<'de> for Resources {
            type Value = SimulatedResources;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of {\"type\", \"id\"}, or {\"type\"} for all of a type")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Self::Value, S::Error> {
                super::object::objects(SeqAccessDeserializer::new(seq))
                    .map(SimulatedResources::Listed)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                ResourcesOfType::deserialize(MapAccessDeserializer::new(map))
                    .map(SimulatedResources::OfType)
            }
        }
        deserializer.deserialize_any(Resources)
    }
}

impl utoipa::PartialSchema for SimulatedResources {
    fn schema() -> RefOr<Schema> {
        let entities = ArrayBuilder::new().items(Ref::from_schema_name("Entity"));
        OneOfBuilder::new()
            .item(entities.max_items(Some(MAX_SIMULATED)))
            .item(Ref::from_schema_name("ResourcesOfType"))
            .into()
    }
}

impl utoipa::ToSchema for SimulatedResources {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        use utoipa::PartialSchema;
        schemas.push(("Entity".to_owned(), Entity::schema()));
        Entity::schemas(schemas);
        schemas.push(("ResourcesOfType".to_owned(), ResourcesOfType::schema()));
        ResourcesOfType::schemas(schemas);
    }
}

/// A decision that would be another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SimulatedChange {
    /// Whose.
    pub subject: Entity,
    /// What would be done.
    pub action: String,
    /// To what, by type and id.
    pub resource: Entity,
    /// What is decided now.
    pub before: bool,
    /// What would be.
    pub after: bool,
    /// The ids of the policies that decide now; none where none permits.
    pub policies_before: Vec<String>,
    /// The ids of the policies that would decide; none where none would permit.
    pub policies_after: Vec<String>,
}

/// A policy that the changes of a page name by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SimulatedPolicy {
    /// What it is, and what it says.
    #[serde(flatten)]
    pub policy: PolicyInfo,
    /// Whether it is a supposed policy that is not in force so. Where two policies have one id, `policies_after` means
    /// the supposed one, and `policies_before` the other one.
    pub supposed: bool,
}

/// A page of what a change would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Simulation {
    /// The decisions that would be other ones, by subject, action and resource.
    pub changes: Vec<SimulatedChange>,
    /// The policies that `changes` names, each once.
    pub policies: Vec<SimulatedPolicy>,
    /// How many questions were asked for this page, each of what is and of what would be.
    #[schema(minimum = 0)]
    pub evaluated: usize,
    /// Asks for the next page as `cursor` of the same request; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Where the next page begins, before it is sealed.
    #[serde(skip)]
    pub next: Option<Position>,
}
