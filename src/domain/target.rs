//! What an action acts on: one typed id per noun below the HTTP floor, one closed list for policy and audit.

use super::{
    AccountId, ApplicationName, BreakGlassId, InvitationId, IssuerId, MemberId, PlaneName,
    PrincipalRef, ResourceId, ResourceTypeName, RoleId, ServiceAccountId, TeamId, TenantId, Word,
    WorkspaceId,
};

/// The installation itself, `tenant:platform`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Platform;

/// Whom a new workspace will belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkspaceOwner(pub PrincipalRef);

/// What an action acts on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The installation itself.
    Platform,
    /// A tenant as a whole.
    Tenant(TenantId),
    /// An account.
    Account(AccountId),
    /// A membership.
    Member(AccountId),
    /// A team.
    Team(TeamId),
    /// Whom a new workspace will belong to.
    WorkspaceOwner(PrincipalRef),
    /// A workspace.
    Workspace(WorkspaceId),
    /// A resource type.
    ResourceType(ResourceTypeName),
    /// A resource.
    Resource(ResourceId),
    /// A custom role.
    Role(RoleId),
    /// An application.
    Application(ApplicationName),
    /// A break-glass entry.
    BreakGlass(BreakGlassId),
    /// An invitation.
    Invitation(InvitationId),
    /// An issuer that a tenant trusts.
    Issuer(IssuerId),
    /// A service account, of the tenant or of the platform.
    ServiceAccount(ServiceAccountId),
}

impl Target {
    /// The kind's word, as policies and audit rows name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Platform => Platform::KIND,
            Self::Tenant(_) => TenantId::KIND,
            Self::Account(_) => AccountId::KIND,
            Self::Member(_) => MemberId::KIND,
            Self::Team(_) => TeamId::KIND,
            Self::WorkspaceOwner(_) => WorkspaceOwner::KIND,
            Self::Workspace(_) => WorkspaceId::KIND,
            Self::ResourceType(_) => ResourceTypeName::KIND,
            Self::Resource(_) => ResourceId::KIND,
            Self::Role(_) => RoleId::KIND,
            Self::Application(_) => ApplicationName::KIND,
            Self::BreakGlass(_) => BreakGlassId::KIND,
            Self::Invitation(_) => InvitationId::KIND,
            Self::Issuer(_) => IssuerId::KIND,
            Self::ServiceAccount(_) => ServiceAccountId::KIND,
        }
    }

    /// The id in words.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Platform => "platform".to_owned(),
            Self::Tenant(id) => id.to_string(),
            Self::Account(id) | Self::Member(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
            Self::WorkspaceOwner(owner) => format!("{}:{}", owner.kind.as_str(), owner.id),
            Self::Workspace(id) => id.to_string(),
            Self::ResourceType(name) => name.to_string(),
            Self::Resource(id) => id.to_string(),
            Self::Role(id) => id.to_string(),
            Self::Application(name) => name.to_string(),
            Self::BreakGlass(id) => id.to_string(),
            Self::Invitation(id) => id.to_string(),
            Self::Issuer(id) => id.to_string(),
            Self::ServiceAccount(id) => id.to_string(),
        }
    }

    /// The action without which a caller may not even know of the target, on a plane.
    #[must_use]
    pub fn read_action(&self, plane: PlaneName) -> &'static str {
        use super::Action as _;
        use super::action as a;
        match self {
            Self::Platform => a::ListTenants::NAME,
            Self::Tenant(_) if plane == PlaneName::Platform => a::InspectTenant::NAME,
            Self::Tenant(_) => a::ReadTenant::NAME,
            Self::Account(_) => a::ReadAccount::NAME,
            Self::Member(_) => a::ReadMember::NAME,
            Self::Team(_) => a::ReadTeam::NAME,
            Self::WorkspaceOwner(_) => a::SearchPrincipals::NAME,
            Self::Workspace(_) => a::ReadWorkspace::NAME,
            Self::ResourceType(_) => a::ReadResourceType::NAME,
            Self::Resource(_) => a::ReadResource::NAME,
            Self::Role(_) => a::ReadRole::NAME,
            Self::Application(_) => a::ReadApplication::NAME,
            Self::BreakGlass(_) => a::ReadBreakGlass::NAME,
            Self::Invitation(_) => a::ReadInvitation::NAME,
            Self::Issuer(_) => a::ReadIssuer::NAME,
            Self::ServiceAccount(_) if plane == PlaneName::Platform => {
                a::ReadPlatformServiceAccount::NAME
            }
            Self::ServiceAccount(_) => a::ReadServiceAccount::NAME,
        }
    }
}

/// A typed target.
pub trait Targetable: Into<Target> + Clone + Send + Sync + 'static {
    /// The kind's word.
    const KIND: &'static str;
}

macro_rules! targets {
    ($($name:ty => $kind:literal, |$value:ident| $target:expr;)+) => {$(
        impl From<$name> for Target {
            fn from($value: $name) -> Self {
                $target
            }
        }

        impl Targetable for $name {
            const KIND: &'static str = $kind;
        }
    )+};
}

targets! {
    Platform => "platform", |_platform| Self::Platform;
    TenantId => "tenant", |id| Self::Tenant(id);
    AccountId => "account", |id| Self::Account(id);
    MemberId => "member", |id| Self::Member(id.0);
    TeamId => "team", |id| Self::Team(id);
    WorkspaceOwner => "workspace_owner", |owner| Self::WorkspaceOwner(owner.0);
    WorkspaceId => "workspace", |id| Self::Workspace(id);
    ResourceTypeName => "resource_type", |name| Self::ResourceType(name);
    ResourceId => "resource", |id| Self::Resource(id);
    RoleId => "role", |id| Self::Role(id);
    ApplicationName => "application", |name| Self::Application(name);
    BreakGlassId => "break_glass", |id| Self::BreakGlass(id);
    InvitationId => "invitation", |id| Self::Invitation(id);
    IssuerId => "issuer", |id| Self::Issuer(id);
    ServiceAccountId => "service_account", |id| Self::ServiceAccount(id);
}
