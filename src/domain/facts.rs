//! What a decision is made from, and the trait by which storage meets whoever decides.
//!
//! [`Facts`] hold everything that a policy can see, and nothing else does: equal facts have equal decisions.

use std::sync::Arc;

use super::{
    AccountState, ApplicationFacts, FieldError, InvitationId, IssuerId, Manifest, MemberId,
    MemberState, OperatorRole, Permission, PlaneName, PrincipalType, ResourceId, ResourceTypeName,
    Role, RoleId, RowLevels, ServiceAccountId, Targetable, TeamId, TeamRole, TenantId,
    TenantStatus, WorkspaceId, WorkspaceOwner,
};

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A person.
    Account,
    /// A caller that is no person.
    ServiceAccount,
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
    /// Whether the credential is still good: nobody has taken it back.
    pub live: bool,
    /// The account's state, where it is a person or a service account.
    pub account: Option<AccountState>,
    /// The platform role, where the credential is for the platform.
    pub operator: Option<OperatorRole>,
    /// The role in the tenant, where there is a membership.
    pub role: Option<Role>,
    /// The state of that membership.
    pub membership: Option<MemberState>,
    /// Whether a custom role of theirs permits the action everywhere in the tenant.
    pub granted: bool,
    /// Whether an approved break-glass entry of theirs is open for the action.
    pub break_glass: bool,
}

super::word::words! {
    /// Who acts for the subject (RFC 8693, section 4.1), as policies see it.
    pub enum ActorKind {
        /// The host's operator, who minted the token.
        Host = "host",
        /// Somebody else.
        Other = "other",
    }
}

/// How strongly the caller logged in, beside what is demanded (RFC 9470).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AssuranceFacts {
    /// Whether the configuration demands a strong and recent log-in for the action.
    pub is_demanded: bool,
    /// Whether context class or methods count as strong.
    pub is_strong: bool,
    /// Whether the log-in is recent.
    pub is_recent: bool,
}

/// What is known besides subject, action and target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// The state of the tenant in question.
    pub tenant: Option<TenantStatus>,
    /// Who acts for the subject, where somebody does.
    pub actor: Option<ActorKind>,
    /// Whether the token's scopes leave the action; they do where it has none.
    pub in_scope: bool,
    /// How strongly the caller logged in.
    pub assurance: AssuranceFacts,
}

impl Circumstances {
    /// The same, had the caller just logged in as strongly as can be.
    #[must_use]
    pub fn stepped_up(self) -> Self {
        let assurance = AssuranceFacts { is_strong: true, is_recent: true, ..self.assurance };
        Self { assurance, ..self }
    }
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
    /// A custom role.
    Role,
    /// An application.
    Application,
    /// An issuer that the tenant trusts.
    Issuer,
    /// A service account.
    ServiceAccount,
    /// A break-glass entry.
    BreakGlass {
        /// Whether it was asked for by the caller, or is for the caller.
        own: bool,
    },
    /// An invitation.
    Invitation {
        /// Whether it is for the caller, by what issuers say of them.
        own: bool,
    },
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
    /// What is known of the target.
    pub target: TargetFacts,
    /// What else is known.
    pub circumstances: Circumstances,
}

impl Facts {
    /// The same, had the caller just logged in as strongly as can be.
    #[must_use]
    pub fn stepped_up(self) -> Self {
        Self { circumstances: self.circumstances.stepped_up(), ..self }
    }
}

impl TargetFacts {
    /// What is known of something of a kind that the caller has nothing to do with, but for what they may do to every
    /// row. `None` for what is no tenant's.
    #[must_use]
    pub fn unrelated(kind: &str, levels: RowLevels) -> Option<Self> {
        Some(match kind {
            <TenantId as Targetable>::KIND => Self::Tenant,
            <MemberId as Targetable>::KIND => Self::Member { own: false, role: Role::Member },
            <TeamId as Targetable>::KIND => Self::Team { relation: None },
            <WorkspaceOwner as Targetable>::KIND => {
                Self::WorkspaceOwner { kind: PrincipalType::Account, permission: None }
            }
            <WorkspaceId as Targetable>::KIND => {
                Self::Workspace { permission: Permission::of_level(levels.workspaces) }
            }
            <ResourceTypeName as Targetable>::KIND => Self::ResourceType,
            <ResourceId as Targetable>::KIND => {
                Self::Resource { permission: Permission::of_level(levels.resources) }
            }
            <RoleId as Targetable>::KIND => Self::Role,
            <InvitationId as Targetable>::KIND => Self::Invitation { own: false },
            <IssuerId as Targetable>::KIND => Self::Issuer,
            <ServiceAccountId as Targetable>::KIND => Self::ServiceAccount,
            _ => return None,
        })
    }

    /// What is known of it for the question whether the caller may know of it at all. Whom a workspace will belong to
    /// is found among the tenant's principals.
    #[must_use]
    pub fn of_reading(self) -> Self {
        match self {
            Self::WorkspaceOwner { .. } => Self::Tenant,
            target => target,
        }
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

    /// Whether a scope of Freehold's own leaves an action.
    fn scope_covers(&self, scope: &str, action: &str) -> bool;

    /// What a policy that decided says.
    fn policy(&self, id: &str) -> Option<PolicyInfo>;

    /// What Freehold declares of itself: an application that comes with the program and is bound everywhere.
    fn manifest(&self) -> &Arc<Manifest>;

    /// Makes an application's policies ready to decide, while the caller says that the work goes on.
    ///
    /// # Errors
    /// What of the manifest cannot be accepted, by field, policy and line; or that the work ended first.
    fn compile_while(
        &self,
        manifest: &Arc<Manifest>,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Arc<dyn ApplicationPolicy>, Uncompiled>;

    /// The same, however long it takes.
    ///
    /// # Errors
    /// What of the manifest cannot be accepted.
    fn compile(
        &self,
        manifest: &Arc<Manifest>,
    ) -> Result<Arc<dyn ApplicationPolicy>, Vec<FieldError>> {
        self.compile_while(manifest, &|| true).map_err(|uncompiled| match uncompiled {
            Uncompiled::Refused(errors) => errors,
            Uncompiled::Stopped => vec![FieldError::new("", "checking it ended too soon")],
        })
    }
}

/// Why an application's policies are not ready to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncompiled {
    /// Something of the manifest cannot be accepted, by field, policy and line.
    Refused(Vec<FieldError>),
    /// The work ended before they were checked.
    Stopped,
}

impl Uncompiled {
    /// One field that cannot be accepted.
    #[must_use]
    pub fn refused(field: &str, detail: &str) -> Self {
        Self::Refused(vec![FieldError::new(field, detail)])
    }
}

/// A policy, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PolicyInfo {
    /// Its id; of an application's policy, behind the application's name and a slash.
    pub id: String,
    /// `permit` or `forbid`.
    pub effect: String,
    /// What it says, in a sentence.
    pub sentence: String,
}

/// The policies of one version of one application.
pub trait ApplicationPolicy: std::fmt::Debug + Send + Sync + 'static {
    /// What they were made from.
    fn manifest(&self) -> &Arc<Manifest>;

    /// Decides while the caller says that the work goes on; `None` where it ended first. An error on the way is a denial.
    fn decide_while(
        &self,
        facts: &ApplicationFacts,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Decision>;

    /// Decides, however long it takes.
    fn decide(&self, facts: &ApplicationFacts) -> Decision {
        let denied = Decision { allowed: false, policies: Arc::new([]) };
        self.decide_while(facts, &|| true).unwrap_or(denied)
    }

    /// What a policy that decided says.
    fn policy(&self, id: &str) -> Option<PolicyInfo>;
}
