//! What a decision is made from, and the trait by which storage meets whoever decides.
//!
//! [`Facts`] hold everything that a policy can see, and nothing else does: equal facts have equal decisions.

use std::sync::Arc;

use super::{
    AccountState, MemberState, OperatorRole, Permission, PlaneName, PrincipalType, Role, TeamRole,
    TenantStatus,
};

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A person.
    Account,
    /// The host's operator.
    Host,
    /// The program itself.
    System,
}

/// What is known of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectFacts {
    /// What kind of caller it is.
    pub kind: SubjectKind,
    /// The account's state, where it is a person.
    pub account: Option<AccountState>,
    /// The platform role, where the credential is for the platform.
    pub operator: Option<OperatorRole>,
    /// The role in the tenant, where there is a membership.
    pub role: Option<Role>,
    /// The state of that membership.
    pub membership: Option<MemberState>,
}

/// What is known of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetFacts {
    /// The installation.
    Platform,
    /// A tenant as a whole.
    Tenant,
    /// An account.
    Account {
        /// Whether it is the caller's.
        own: bool,
    },
    /// A membership.
    Member {
        /// Whether it is the caller's.
        own: bool,
        /// Its role.
        role: Role,
    },
    /// A team.
    Team {
        /// What the caller is in it; a member of a team below it counts as a member.
        relation: Option<TeamRole>,
    },
    /// Whom a new workspace will belong to.
    WorkspaceOwner {
        /// What the owner is.
        kind: PrincipalType,
        /// What the caller may do there.
        permission: Option<Permission>,
    },
    /// A workspace.
    Workspace {
        /// What the caller may do there: `read` where the tenant owns it and contains the caller.
        permission: Option<Permission>,
    },
    /// A resource type.
    ResourceType,
    /// A resource.
    Resource {
        /// What the caller may do to it, by the row rule.
        permission: Option<Permission>,
    },
}

/// Everything that a decision is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What is to be done.
    pub action: &'static str,
    /// Whose business it is.
    pub plane: PlaneName,
    /// What is known of the caller.
    pub subject: SubjectFacts,
    /// The state of the tenant in question.
    pub tenant: Option<TenantStatus>,
    /// What is known of the target.
    pub target: TargetFacts,
}

impl Facts {
    /// The facts of the question whether the caller may know of the target at all. Whom a workspace will belong to is
    /// found among the tenant's principals.
    #[must_use]
    pub fn of_reading(self, action: &'static str) -> Self {
        let target = match self.target {
            TargetFacts::WorkspaceOwner { .. } => TargetFacts::Tenant,
            target => target,
        };
        Self { action, target, ..self }
    }
}

/// A decision, and the policies that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The ids of the policies that decided; none where no policy permitted.
    pub policies: Arc<[String]>,
}

/// Whoever decides (AuthZEN 1.0's policy decision point).
pub trait DecisionPoint: Send + Sync + 'static {
    /// Decides. An error on the way is a denial.
    fn decide(&self, facts: &Facts) -> Decision;
}
