//! One request shape for every decision: whoever is asked, or is told why, hears what our own decision is made from.
//!
//! The shape is an evaluation request of AuthZEN's Authorization API 1.0. Every member comes from [`Facts`], from the
//! caller's credential or from the target's name, and from nowhere else; what is not known is left out.

use serde::Serialize;

use super::{
    AccountState, BreakGlassId, Caller, Facts, MemberState, NamedAction, OperatorRole, Permission,
    PlaneName, PrincipalType, Role, Slug, Subject, SubjectFacts, Target, TargetFacts, TeamRole,
    TenantId, TenantStatus, Word,
};

/// May this subject do this to that?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DecisionRequest {
    /// Who.
    pub subject: DecisionSubject,
    /// What.
    pub action: NamedAction,
    /// To what.
    pub resource: DecisionResource,
    /// What else is known.
    pub context: DecisionContext,
}

/// Who it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DecisionSubject {
    /// `account`, `host` or `system`.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
    /// Which one.
    #[schema(max_length = 255)]
    pub id: String,
    /// What is known of it.
    pub properties: SubjectProperties,
}

/// What is known of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SubjectProperties {
    /// The account's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<AccountState>,
    /// The platform role, where the credential is for the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorRole>,
    /// The role in the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The state of the membership there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<MemberState>,
    /// Whether a custom role permits the action everywhere in the tenant.
    pub granted: bool,
    /// Whether an approved break-glass entry is open for the action.
    pub break_glass: bool,
}

/// What it is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DecisionResource {
    /// The noun: `member`, `team`, `workspace`, `resource` and so on.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
    /// Which one.
    #[schema(max_length = 255)]
    pub id: String,
    /// What is known of it.
    pub properties: ResourceProperties,
}

/// What is known of a target; which of it there is, its noun says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ResourceProperties {
    /// The tenant that it belongs to; none of what belongs to the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Of an account, a membership, a break-glass entry or an invitation: whether it is the subject's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<bool>,
    /// Of a membership: its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Of a team: what the subject is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<TeamRole>,
    /// Of whom a workspace will belong to: what the owner is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<PrincipalType>,
    /// Of a workspace, its owner or a resource: what the row rule gives the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
}

/// The tenant in question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DecisionTenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in addresses, at the moment.
    pub slug: Slug,
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TenantStatus>,
}

/// What is known besides subject, action and target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of its own in the request")]
pub struct DecisionContext {
    /// The tenant whose business it is; none on the other planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<DecisionTenant>,
    /// Whose business it is.
    pub plane: PlaneName,
    /// Who acts for the subject, where somebody does (RFC 8693, section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub actor: Option<String>,
    /// The authentication context class of the log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub acr: Option<String>,
    /// The methods used for it (RFC 8176).
    pub amr: Vec<String>,
    /// When it was, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Whether the configuration demands a strong and recent log-in for the action.
    pub step_up: bool,
    /// Whether the log-in is strong.
    pub strong: bool,
    /// Whether it is recent.
    pub recent: bool,
    /// What the credential is narrowed to, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Whether that leaves the action.
    pub in_scope: bool,
    /// The break-glass entry that the request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlassId>,
    /// What connects everything that one cause brings about.
    #[schema(max_length = 255)]
    pub correlation_id: String,
}

impl DecisionRequest {
    /// What a decision about these facts is asked with. The tenant's status comes from the facts; on the platform plane
    /// there is no tenant but the one that the target names.
    #[must_use]
    pub fn of(
        facts: &Facts,
        caller: &Caller,
        correlation_id: &str,
        target: &Target,
        tenant: Option<(TenantId, Slug)>,
    ) -> Self {
        let home = tenant.as_ref().map(|(id, _)| *id);
        Self {
            subject: DecisionSubject::of(facts.subject, &caller.subject),
            action: NamedAction { name: facts.action.to_owned(), properties: None },
            resource: DecisionResource {
                kind: target.kind().to_owned(),
                id: target.id(),
                properties: ResourceProperties { tenant: home, ..facts.target.into() },
            },
            context: DecisionContext::of(facts, caller, correlation_id, tenant),
        }
    }
}

impl DecisionSubject {
    fn of(facts: SubjectFacts, subject: &Subject) -> Self {
        let (kind, id) = match subject {
            Subject::Account(id) => ("account", id.to_string()),
            Subject::ServiceAccount(id) => ("service_account", id.to_string()),
            Subject::Host => ("host", "host".to_owned()),
            Subject::System(task) => ("system", task.as_str().to_owned()),
        };
        let properties = SubjectProperties {
            state: facts.account,
            operator: facts.operator,
            role: facts.role,
            membership: facts.membership,
            granted: facts.granted,
            break_glass: facts.break_glass,
        };
        Self { kind: kind.to_owned(), id, properties }
    }
}

impl From<TargetFacts> for ResourceProperties {
    fn from(facts: TargetFacts) -> Self {
        let none = Self::default();
        match facts {
            TargetFacts::Platform
            | TargetFacts::Tenant
            | TargetFacts::ResourceType
            | TargetFacts::Role
            | TargetFacts::Issuer
            | TargetFacts::Application
            | TargetFacts::ServiceAccount => none,
            TargetFacts::Account { own }
            | TargetFacts::BreakGlass { own }
            | TargetFacts::Invitation { own } => Self { own: Some(own), ..none },
            TargetFacts::Member { own, role } => Self { own: Some(own), role: Some(role), ..none },
            TargetFacts::Team { relation } => Self { relation, ..none },
            TargetFacts::WorkspaceOwner { kind, permission } => {
                Self { kind: Some(kind), permission, ..none }
            }
            TargetFacts::Workspace { permission } | TargetFacts::Resource { permission } => {
                Self { permission, ..none }
            }
        }
    }
}

impl DecisionContext {
    fn of(
        facts: &Facts,
        caller: &Caller,
        correlation_id: &str,
        tenant: Option<(TenantId, Slug)>,
    ) -> Self {
        let circumstances = facts.circumstances;
        let assurance = circumstances.assurance;
        Self {
            tenant: tenant.map(|(id, slug)| DecisionTenant {
                id,
                slug,
                status: circumstances.tenant,
            }),
            plane: facts.plane,
            actor: caller.actor.as_deref().map(str::to_owned),
            acr: caller.assurance.acr.clone(),
            amr: caller.assurance.amr.clone(),
            auth_time: caller.assurance.auth_time_s,
            step_up: assurance.is_demanded,
            strong: assurance.is_strong,
            recent: assurance.is_recent,
            scopes: caller.scopes.as_deref().map(<[String]>::to_vec),
            in_scope: circumstances.in_scope,
            break_glass: caller.break_glass,
            correlation_id: correlation_id.to_owned(),
        }
    }
}
