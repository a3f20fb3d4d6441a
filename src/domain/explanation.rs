//! Why a decision is what it is: the policies that made it, what they saw, and where a permission comes from.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    DecisionRequest, Name, Permission, PolicyInfo, PrincipalId, PrincipalRef, PrincipalType, Role,
    RoleId, StepUp,
};

super::word::words! {
    /// Why a decision is what it is.
    pub enum Reason {
        /// Policies permit it, and none forbids it.
        Permitted = "permitted",
        /// Policies forbid it, whatever others permit.
        Forbidden = "forbidden",
        /// No policy permits it, and none forbids it either.
        NothingPermits = "nothing_permits",
        /// The subject is nobody whom the decision point could know.
        UnknownSubject = "unknown_subject",
        /// There is no such action here.
        UnknownAction = "unknown_action",
        /// There is no such resource here.
        UnknownResource = "unknown_resource",
    }
}

super::word::words! {
    /// Where a permission on a resource comes from.
    pub enum PermissionOrigin {
        /// The role in the tenant.
        Role = "role",
        /// Custom roles, together.
        CustomRoles = "custom_roles",
        /// The resource is the subject's own.
        Owner = "owner",
        /// What the subject is to the owner of the workspace.
        Workspace = "workspace",
        /// The resource's visibility.
        Visibility = "visibility",
        /// An access-control entry.
        Acl = "acl",
        /// Row-level security delivers every row, in its modes `off` and `shadow`.
        RowSecurity = "row_security",
    }
}

/// Something that gives somebody a permission on a resource. The highest of all counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PermissionSource {
    /// Where it comes from.
    pub source: PermissionOrigin,
    /// What it gives.
    pub permission: Permission,
    /// The principal through which it comes: whom the workspace belongs to, whom the entry names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalRef>,
    /// The role, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The custom roles that together give it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_roles: Vec<HeldRole>,
}

impl PermissionSource {
    /// What comes from somewhere through a principal.
    #[must_use]
    pub fn new(
        source: PermissionOrigin,
        permission: Permission,
        principal: Option<PrincipalRef>,
    ) -> Self {
        Self { source, permission, principal, role: None, custom_roles: Vec::new() }
    }
}

/// A custom role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HeldRole {
    /// The role's id.
    pub id: RoleId,
    /// What it is called.
    pub name: Name,
    /// The principal that has it.
    pub principal: PrincipalRef,
}

/// The log-in that would turn a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NeededLogIn {
    /// Context classes of which any will do.
    pub acr_values: Vec<String>,
    /// Seconds since the log-in at most.
    pub max_age_s: i64,
}

impl From<StepUp> for NeededLogIn {
    fn from(step_up: StepUp) -> Self {
        let StepUp { acr_values, max_age_s } = step_up;
        Self { acr_values, max_age_s }
    }
}

/// What an application's policies see of a question besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SeenByApplication {
    /// The names of the subject's custom roles.
    pub roles: Vec<String>,
    /// The ids of its principals: the account, its teams with all their ancestors, the tenant.
    pub principals: Vec<PrincipalId>,
    /// What is declared and known of the resource.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// What is declared of the action and came with the question.
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// A decision, and why it is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Explanation {
    /// Whether it may be done.
    pub decision: bool,
    /// Why.
    pub reason: Reason,
    /// The policies that decided; none where none permits.
    pub policies: Vec<PolicyInfo>,
    /// What they saw; `null` where nothing was decided, since something is not known.
    pub facts: Option<DecisionRequest>,
    /// What an application's policies saw besides; `null` where the action is none of an application's.
    pub application: Option<SeenByApplication>,
    /// The log-in that would turn the refusal; `null` where none would.
    pub step_up: Option<NeededLogIn>,
    /// Of a resource: what the subject may do to it; `null` where nothing, and of everything else.
    pub permission: Option<Permission>,
    /// Of a resource: where that comes from, the highest first.
    pub sources: Vec<PermissionSource>,
}

impl Ord for PermissionSource {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |one: &Self| {
            let principal = one.principal.map(|one| (one.kind as u8, one.id));
            (std::cmp::Reverse(one.permission.level()), one.source, principal)
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for PermissionSource {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The principal of a type and an id, where both are there.
#[must_use]
pub fn principal_ref(kind: Option<PrincipalType>, id: Option<PrincipalId>) -> Option<PrincipalRef> {
    Some(PrincipalRef { kind: kind?, id: id? })
}
