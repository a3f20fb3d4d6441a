//! Everything that can be done: one zero-sized type per action.
//!
//! A transaction is typed by the action that it was permitted for, so a use case cannot run under another one. The
//! policy schema names the same actions; a test holds the two lists equal.

use super::target::{Platform, Targetable, WorkspaceOwner};
use super::{
    AccountId, ApplicationName, BreakGlassId, InvitationId, IssuerId, MemberId, ResourceId,
    ResourceTypeName, RoleId, ServiceAccountId, TeamId, TenantId, WorkspaceId,
};

super::word::words! {
    /// Whose business an action is.
    pub enum PlaneName {
        /// One tenant's, over its own file.
        Tenant = "tenant",
        /// The installation's, over the registry.
        Platform = "platform",
        /// A signed-in account's own, over its rows of the registry.
        Account = "account",
    }
}

/// A plane, as a type.
pub trait Plane: Send + Sync + 'static {
    /// Its word.
    const NAME: PlaneName;
}

/// One tenant's business.
#[derive(Debug)]
pub struct TenantPlane;
/// The installation's business.
#[derive(Debug)]
pub struct PlatformPlane;
/// A signed-in account's own business.
#[derive(Debug)]
pub struct AccountPlane;

impl Plane for TenantPlane {
    const NAME: PlaneName = PlaneName::Tenant;
}
impl Plane for PlatformPlane {
    const NAME: PlaneName = PlaneName::Platform;
}
impl Plane for AccountPlane {
    const NAME: PlaneName = PlaneName::Account;
}

/// Something that can be done.
pub trait Action: Send + Sync + Sized + 'static {
    /// Its name, `noun.verb`.
    const NAME: &'static str;
    /// Whose business it is.
    type Plane: Plane;
    /// What it is done to.
    type Resource: Targetable;
}

/// An action that may do what `B` does: `B` itself, or a use case made of several.
pub trait Covers<B: Action>: Action<Plane = B::Plane> {}

impl<A: Action> Covers<A> for A {}

macro_rules! both {
    ($($(#[$doc:meta])* $name:ident: $tenant:ident, $platform:ident;)+) => {$(
        $(#[$doc])*
        pub trait $name: Action {}

        impl $name for $tenant {}
        impl $name for $platform {}
    )+};
}

both! {
    /// Lists webhooks, on either plane.
    ListsWebhooks: ListWebhooks, ListPlatformWebhooks;
    /// Makes one.
    CreatesWebhook: CreateWebhook, CreatePlatformWebhook;
    /// Changes one.
    UpdatesWebhook: UpdateWebhook, UpdatePlatformWebhook;
    /// Deletes one.
    DeletesWebhook: DeleteWebhook, DeletePlatformWebhook;
    /// Lets another secret sign.
    RotatesWebhook: RotateWebhook, RotatePlatformWebhook;
    /// Sends one an event that means nothing.
    TestsWebhook: TestWebhook, TestPlatformWebhook;
    /// Sends one again what it was sent.
    ReplaysWebhook: ReplayWebhook, ReplayPlatformWebhook;
}

/// An action, as data.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// Its name, `noun.verb`.
    pub name: &'static str,
    /// Whose business it is.
    pub plane: PlaneName,
    /// The kind of what it is done to.
    pub target: &'static str,
}

/// The verbs that change nothing.
const READING: &[&str] = &[
    "list",
    "read",
    "inspect",
    "verify",
    "export",
    "evaluate",
    "evaluate_own",
    "explain",
    "simulate",
];

impl ActionInfo {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.name.split_once('.').is_some_and(|(_, verb)| READING.contains(&verb))
    }
}

macro_rules! actions {
    ($($plane:ident { $($(#[$doc:meta])* $name:ident = $word:literal on $target:ty;)+ })+) => {
        $($(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Action for $name {
                const NAME: &'static str = $word;
                type Plane = $plane;
                type Resource = $target;
            }
        )+)+

        /// Every action.
        pub const ALL: &[ActionInfo] = &[
            $($(ActionInfo { name: $word, plane: <$plane as Plane>::NAME, target: <$target as Targetable>::KIND },)+)+
        ];
    };
}

actions! {
    TenantPlane {
        /// Read the tenant's own entry.
        ReadTenant = "tenant.read" on TenantId;
        /// Change what people call the tenant.
        UpdateTenant = "tenant.update" on TenantId;
        /// Fill the tenant from an import file.
        ImportTenant = "tenant.import" on TenantId;
        /// Find principals.
        SearchPrincipals = "principal.list" on TenantId;
        /// List members.
        ListMembers = "member.list" on TenantId;
        /// Read a membership.
        ReadMember = "member.read" on MemberId;
        /// Add a member.
        CreateMember = "member.create" on TenantId;
        /// Make an owner: add one, or let a member become one.
        CreateOwner = "owner.create" on TenantId;
        /// Make an administrator: add one, or let a member become one.
        CreateAdmin = "admin.create" on TenantId;
        /// Change a member's role.
        UpdateMember = "member.update" on MemberId;
        /// Suspend a member.
        SuspendMember = "member.suspend" on MemberId;
        /// Resume a suspended member.
        ResumeMember = "member.resume" on MemberId;
        /// Remove a member.
        DeleteMember = "member.delete" on MemberId;
        /// List invitations.
        ListInvitations = "invitation.list" on TenantId;
        /// Read an invitation.
        ReadInvitation = "invitation.read" on InvitationId;
        /// Ask somebody in.
        CreateInvitation = "invitation.create" on TenantId;
        /// Take an invitation back.
        RevokeInvitation = "invitation.revoke" on InvitationId;
        /// Take an invitation, and become a member.
        AcceptInvitation = "invitation.accept" on InvitationId;
        /// Turn an invitation down.
        DeclineInvitation = "invitation.decline" on InvitationId;
        /// See what counts in a member's profile.
        ReadProfile = "profile.read" on MemberId;
        /// Change the tenant's values of a member's profile.
        UpdateProfile = "profile.update" on MemberId;
        /// See what members' profiles say where nothing else is said.
        ReadProfileDefaults = "profile_defaults.read" on TenantId;
        /// Change what members' profiles say where nothing else is said.
        UpdateProfileDefaults = "profile_defaults.update" on TenantId;
        /// List teams.
        ListTeams = "team.list" on TenantId;
        /// Read a team.
        ReadTeam = "team.read" on TeamId;
        /// Make a team.
        CreateTeam = "team.create" on TenantId;
        /// Change a team.
        UpdateTeam = "team.update" on TeamId;
        /// Move a team below another, or below none.
        MoveTeam = "team.move" on TeamId;
        /// Delete a team.
        DeleteTeam = "team.delete" on TeamId;
        /// List a team's members.
        ListTeamMembers = "team_member.list" on TeamId;
        /// Give somebody a place in a team, or another one.
        UpdateTeamMember = "team_member.update" on TeamId;
        /// Take somebody's place in a team away.
        DeleteTeamMember = "team_member.delete" on TeamId;
        /// List custom roles.
        ListRoles = "role.list" on TenantId;
        /// Read a custom role.
        ReadRole = "role.read" on RoleId;
        /// Make a custom role.
        CreateRole = "role.create" on TenantId;
        /// Change a custom role.
        UpdateRole = "role.update" on RoleId;
        /// Delete a custom role, and take it from everybody.
        DeleteRole = "role.delete" on RoleId;
        /// List who has a custom role.
        ListRoleAssignments = "role_assignment.list" on RoleId;
        /// Give a custom role to a principal.
        UpdateRoleAssignment = "role_assignment.update" on RoleId;
        /// Take a custom role from a principal.
        DeleteRoleAssignment = "role_assignment.delete" on RoleId;
        /// List the applications that the tenant has bound.
        ListApplicationBindings = "application_binding.list" on TenantId;
        /// Bind an application, or bind it otherwise.
        UpdateApplicationBinding = "application_binding.update" on TenantId;
        /// Let go of an application.
        DeleteApplicationBinding = "application_binding.delete" on TenantId;
        /// List the issuers that the tenant trusts.
        ListIssuers = "issuer.list" on TenantId;
        /// Read an issuer that the tenant trusts.
        ReadIssuer = "issuer.read" on IssuerId;
        /// Let the tenant trust an issuer.
        CreateIssuer = "issuer.create" on TenantId;
        /// Change what an issuer is trusted for.
        UpdateIssuer = "issuer.update" on IssuerId;
        /// Let the tenant trust an issuer no more.
        DeleteIssuer = "issuer.delete" on IssuerId;
        /// List the workspaces that the caller reaches.
        ListWorkspaces = "workspace.list" on TenantId;
        /// Read a workspace.
        ReadWorkspace = "workspace.read" on WorkspaceId;
        /// Make a workspace for somebody.
        CreateWorkspace = "workspace.create" on WorkspaceOwner;
        /// Change a workspace.
        UpdateWorkspace = "workspace.update" on WorkspaceId;
        /// Delete an empty workspace.
        DeleteWorkspace = "workspace.delete" on WorkspaceId;
        /// List resource types.
        ListResourceTypes = "resource_type.list" on TenantId;
        /// Read a resource type.
        ReadResourceType = "resource_type.read" on ResourceTypeName;
        /// Register a resource type.
        CreateResourceType = "resource_type.create" on TenantId;
        /// List the resources that the caller may read.
        ListResources = "resource.list" on TenantId;
        /// Read a resource.
        ReadResource = "resource.read" on ResourceId;
        /// Make a resource in a workspace.
        CreateResource = "resource.create" on WorkspaceId;
        /// Change a resource.
        UpdateResource = "resource.update" on ResourceId;
        /// Delete a resource.
        DeleteResource = "resource.delete" on ResourceId;
        /// See and change a resource's access-control entries.
        ShareResource = "resource.share" on ResourceId;
        /// See what counts in the catalogue for oneself.
        ReadCatalog = "catalog.read" on TenantId;
        /// See what counts in the catalogue for somebody else.
        InspectCatalog = "catalog.inspect" on TenantId;
        /// List the tenant's items of the catalogue.
        ListTenantCatalog = "tenant_catalog.list" on TenantId;
        /// Put an item into the tenant's layer of the catalogue.
        UpdateTenantCatalog = "tenant_catalog.update" on TenantId;
        /// Take an item out of the tenant's layer of the catalogue.
        DeleteTenantCatalog = "tenant_catalog.delete" on TenantId;
        /// List a team's items of the catalogue.
        ListTeamCatalog = "team_catalog.list" on TeamId;
        /// Put an item into a team's layer of the catalogue.
        UpdateTeamCatalog = "team_catalog.update" on TeamId;
        /// Take an item out of a team's layer of the catalogue.
        DeleteTeamCatalog = "team_catalog.delete" on TeamId;
        /// List a member's items of the catalogue.
        ListAccountCatalog = "account_catalog.list" on MemberId;
        /// Put an item into a member's layer of the catalogue.
        UpdateAccountCatalog = "account_catalog.update" on MemberId;
        /// Take an item out of a member's layer of the catalogue.
        DeleteAccountCatalog = "account_catalog.delete" on MemberId;
        /// See what row-level security does, and what it would have withheld.
        ReadRowSecurity = "row_security.read" on TenantId;
        /// Ask what somebody may do.
        EvaluateAccess = "access.evaluate" on TenantId;
        /// Ask what the caller itself may do.
        EvaluateOwnAccess = "access.evaluate_own" on TenantId;
        /// Learn why a decision is what it is.
        ExplainAccess = "access.explain" on TenantId;
        /// Learn which decisions a change would change.
        SimulateAccess = "access.simulate" on TenantId;
        /// List service accounts.
        ListServiceAccounts = "service_account.list" on TenantId;
        /// Read a service account.
        ReadServiceAccount = "service_account.read" on ServiceAccountId;
        /// Make a service account.
        CreateServiceAccount = "service_account.create" on TenantId;
        /// Change a service account.
        UpdateServiceAccount = "service_account.update" on ServiceAccountId;
        /// Delete a service account with its keys.
        DeleteServiceAccount = "service_account.delete" on ServiceAccountId;
        /// Let a service account do nothing.
        SuspendServiceAccount = "service_account.suspend" on ServiceAccountId;
        /// Let a suspended service account act again.
        ResumeServiceAccount = "service_account.resume" on ServiceAccountId;
        /// List a service account's keys.
        ListApiKeys = "api_key.list" on ServiceAccountId;
        /// Make a key.
        CreateApiKey = "api_key.create" on ServiceAccountId;
        /// Replace a key.
        RotateApiKey = "api_key.rotate" on ServiceAccountId;
        /// Take a key back.
        RevokeApiKey = "api_key.revoke" on ServiceAccountId;
        /// Get a token for the tenant by another credential.
        ExchangeToken = "token.exchange" on TenantId;
        /// List what the tenant's audit log says.
        ListAudit = "audit.list" on TenantId;
        /// Walk the chain of the tenant's audit log.
        VerifyAudit = "audit.verify" on TenantId;
        /// Take the tenant's audit log elsewhere.
        ExportAudit = "audit.export" on TenantId;
        /// See for how long the tenant's audit log is kept.
        ReadAuditRetention = "audit_retention.read" on TenantId;
        /// List what happened in the tenant, or follow it.
        ListEvents = "event.list" on TenantId;
        /// List where the tenant's events are sent, and what became of each.
        ListWebhooks = "webhook.list" on TenantId;
        /// Have events sent somewhere.
        CreateWebhook = "webhook.create" on TenantId;
        /// Change where events are sent, or which.
        UpdateWebhook = "webhook.update" on TenantId;
        /// Have events sent there no more.
        DeleteWebhook = "webhook.delete" on TenantId;
        /// Let events be signed with a new secret.
        RotateWebhook = "webhook.rotate" on TenantId;
        /// Send an event that means nothing.
        TestWebhook = "webhook.test" on TenantId;
        /// Send again what was sent.
        ReplayWebhook = "webhook.replay" on TenantId;
        /// See what the tenant may use, and what is left.
        ListQuotas = "quota.list" on TenantId;
        /// See what the tenant used.
        ListUsage = "usage.list" on TenantId;
        /// Say what was used of an application's meters.
        RecordUsage = "usage.record" on TenantId;
        /// List reservations.
        ListReservations = "reservation.list" on TenantId;
        /// Keep places free.
        CreateReservation = "reservation.create" on TenantId;
        /// Keep places free no more.
        DeleteReservation = "reservation.delete" on TenantId;
        /// See what is wrong with the tenant.
        ReadTenantDiagnostics = "tenant_diagnostics.read" on TenantId;
    }
    PlatformPlane {
        /// List tenants.
        ListTenants = "tenant.list" on Platform;
        /// Read a tenant's entry in the registry.
        InspectTenant = "tenant.inspect" on TenantId;
        /// Make a tenant.
        CreateTenant = "tenant.create" on Platform;
        /// Change a tenant's slug.
        MoveTenant = "tenant.move" on TenantId;
        /// Take a tenant out of service.
        SuspendTenant = "tenant.suspend" on TenantId;
        /// Put a tenant back into service.
        ResumeTenant = "tenant.resume" on TenantId;
        /// See what row-level security does in a tenant.
        InspectRowSecurity = "row_security.inspect" on TenantId;
        /// Change what row-level security does in a tenant.
        UpdateRowSecurity = "row_security.update" on TenantId;
        /// List a tenant's host names.
        ListTenantHosts = "tenant_host.list" on TenantId;
        /// Register a host name for a tenant.
        UpdateTenantHost = "tenant_host.update" on TenantId;
        /// Take a host name from a tenant.
        DeleteTenantHost = "tenant_host.delete" on TenantId;
        /// List a tenant's mail domains.
        ListTenantDomains = "tenant_domain.list" on TenantId;
        /// Register a mail domain for a tenant, whose people then join it by themselves.
        UpdateTenantDomain = "tenant_domain.update" on TenantId;
        /// Take a mail domain from a tenant.
        DeleteTenantDomain = "tenant_domain.delete" on TenantId;
        /// See what a tenant was given to use.
        ReadTenantQuotas = "tenant_quota.read" on TenantId;
        /// Give a tenant a plan, and limits of its own.
        UpdateTenantQuotas = "tenant_quota.update" on TenantId;
        /// Walk the chain of a tenant's audit log.
        VerifyTenantAudit = "tenant_audit.verify" on TenantId;
        /// See for how long a tenant's audit log is kept.
        InspectAuditRetention = "audit_retention.inspect" on TenantId;
        /// Change for how long a tenant's audit log is kept.
        UpdateAuditRetention = "audit_retention.update" on TenantId;
        /// List plans.
        ListPlans = "plan.list" on Platform;
        /// Make a plan, or change it.
        UpdatePlan = "plan.update" on Platform;
        /// Delete a plan.
        DeletePlan = "plan.delete" on Platform;
        /// List what tenants use.
        ListPlatformUsage = "platform_usage.list" on Platform;
        /// List accounts.
        ListAccounts = "account.list" on Platform;
        /// Read an account.
        ReadAccount = "account.read" on AccountId;
        /// Make an account.
        CreateAccount = "account.create" on Platform;
        /// Change an account.
        UpdateAccount = "account.update" on AccountId;
        /// Let an account do nothing anywhere.
        SuspendAccount = "account.suspend" on AccountId;
        /// Let a suspended account act again.
        ResumeAccount = "account.resume" on AccountId;
        /// End every session of an account.
        EndAccountSessions = "account.end_sessions" on AccountId;
        /// Take back every token of an account.
        RevokeAccountTokens = "account.revoke_tokens" on AccountId;
        /// List the keys that sign.
        ListSigningKeys = "signing_key.list" on Platform;
        /// Put a new key in the place of the one that signs.
        RotateSigningKey = "signing_key.rotate" on Platform;
        /// Retire a key that signs no more before its time.
        RetireSigningKey = "signing_key.retire" on Platform;
        /// List the platform's service accounts.
        ListPlatformServiceAccounts = "platform_service_account.list" on Platform;
        /// Read one of them.
        ReadPlatformServiceAccount = "platform_service_account.read" on ServiceAccountId;
        /// Make one of them.
        CreatePlatformServiceAccount = "platform_service_account.create" on Platform;
        /// Change one of them.
        UpdatePlatformServiceAccount = "platform_service_account.update" on ServiceAccountId;
        /// Delete one of them with its keys.
        DeletePlatformServiceAccount = "platform_service_account.delete" on ServiceAccountId;
        /// Let one of them do nothing.
        SuspendPlatformServiceAccount = "platform_service_account.suspend" on ServiceAccountId;
        /// Let one of them act again.
        ResumePlatformServiceAccount = "platform_service_account.resume" on ServiceAccountId;
        /// List the keys of one of them.
        ListPlatformApiKeys = "platform_api_key.list" on ServiceAccountId;
        /// Make a key for one of them.
        CreatePlatformApiKey = "platform_api_key.create" on ServiceAccountId;
        /// Replace a key of one of them.
        RotatePlatformApiKey = "platform_api_key.rotate" on ServiceAccountId;
        /// Take a key of one of them back.
        RevokePlatformApiKey = "platform_api_key.revoke" on ServiceAccountId;
        /// Get a token for the platform by another credential.
        ExchangePlatformToken = "platform_token.exchange" on Platform;
        /// List operators.
        ListOperators = "operator.list" on Platform;
        /// Read an operator's role.
        ReadOperator = "operator.read" on AccountId;
        /// Give an account a platform role.
        UpdateOperator = "operator.update" on AccountId;
        /// Take an account's platform role away.
        DeleteOperator = "operator.delete" on AccountId;
        /// List break-glass entries.
        ListBreakGlass = "break_glass.list" on Platform;
        /// Read a break-glass entry.
        ReadBreakGlass = "break_glass.read" on BreakGlassId;
        /// Ask for entry into a tenant.
        CreateBreakGlass = "break_glass.create" on TenantId;
        /// Approve somebody else's entry.
        ApproveBreakGlass = "break_glass.approve" on BreakGlassId;
        /// Refuse somebody else's entry.
        DenyBreakGlass = "break_glass.deny" on BreakGlassId;
        /// End an entry before its time.
        EndBreakGlass = "break_glass.end" on BreakGlassId;
        /// List applications.
        ListApplications = "application.list" on Platform;
        /// Read an application and its manifest.
        ReadApplication = "application.read" on ApplicationName;
        /// Register an application.
        CreateApplication = "application.create" on Platform;
        /// Change an application.
        UpdateApplication = "application.update" on ApplicationName;
        /// List attributes.
        ListAttributes = "attribute.list" on Platform;
        /// Read an attribute's definition.
        ReadAttribute = "attribute.read" on Platform;
        /// Define an attribute, or define it otherwise.
        UpdateAttribute = "attribute.update" on Platform;
        /// Let an attribute be defined no more.
        DeleteAttribute = "attribute.delete" on Platform;
        /// List the platform's items of the catalogue.
        ListPlatformCatalog = "platform_catalog.list" on Platform;
        /// Put an item into the platform's layer of the catalogue.
        UpdatePlatformCatalog = "platform_catalog.update" on Platform;
        /// Take an item out of the platform's layer of the catalogue.
        DeletePlatformCatalog = "platform_catalog.delete" on Platform;
        /// List the installation's issuers, and the state of their keys.
        ListIssuerStatuses = "issuer_status.list" on Platform;
        /// List what the platform's audit log says.
        ListPlatformAudit = "platform_audit.list" on Platform;
        /// Walk the chain of the platform's audit log.
        VerifyPlatformAudit = "platform_audit.verify" on Platform;
        /// Take the platform's audit log elsewhere.
        ExportPlatformAudit = "platform_audit.export" on Platform;
        /// List what happened on the platform, or follow it.
        ListPlatformEvents = "platform_event.list" on Platform;
        /// List where the platform's events are sent, and what became of each.
        ListPlatformWebhooks = "platform_webhook.list" on Platform;
        /// Have the platform's events sent somewhere.
        CreatePlatformWebhook = "platform_webhook.create" on Platform;
        /// Change where the platform's events are sent, or which.
        UpdatePlatformWebhook = "platform_webhook.update" on Platform;
        /// Have the platform's events sent there no more.
        DeletePlatformWebhook = "platform_webhook.delete" on Platform;
        /// Let the platform's events be signed with a new secret.
        RotatePlatformWebhook = "platform_webhook.rotate" on Platform;
        /// Send an event of the platform's that means nothing.
        TestPlatformWebhook = "platform_webhook.test" on Platform;
        /// Send again what the platform sent.
        ReplayPlatformWebhook = "platform_webhook.replay" on Platform;
        /// Mint a token on the host that has the keys.
        CreateToken = "token.create" on Platform;
        /// Import tenants from a file.
        CreateImport = "import.create" on Platform;
        /// See which files are migrated.
        ListMigrations = "migration.list" on Platform;
        /// Migrate files.
        RunMigrations = "migration.run" on Platform;
        /// Examine files.
        ReadDiagnostics = "diagnostics.read" on Platform;
        /// Mend what an examination found.
        FixDiagnostics = "diagnostics.fix" on Platform;
    }
    AccountPlane {
        /// Learn who one is.
        ReadMe = "me.read" on AccountId;
        /// Change one's own name and address.
        UpdateMe = "me.update" on AccountId;
        /// List one's own tenants.
        ListMyTenants = "my_tenant.list" on AccountId;
        /// Make one's personal tenant.
        CreateMyTenant = "my_tenant.create" on AccountId;
        /// List the invitations that are for oneself.
        ListMyInvitations = "my_invitation.list" on AccountId;
        /// Find an invitation that is for oneself, to take it or to turn it down.
        AnswerMyInvitation = "my_invitation.answer" on AccountId;
        /// See what one's own profile says wherever no tenant says otherwise.
        ReadMyProfile = "my_profile.read" on AccountId;
        /// Change what one's own profile says wherever no tenant says otherwise.
        UpdateMyProfile = "my_profile.update" on AccountId;
        /// List one's sessions.
        ListSessions = "session.list" on AccountId;
        /// Learn by which session one is here.
        ReadSession = "session.read" on AccountId;
        /// Move a session of one's own to another tenant.
        MoveSession = "session.move" on AccountId;
        /// End a session of one's own.
        EndSession = "session.end" on AccountId;
        /// List one's identities.
        ListIdentities = "identity.list" on AccountId;
        /// Link an identity to one's account.
        LinkIdentity = "identity.link" on AccountId;
        /// Take an identity from one's account.
        UnlinkIdentity = "identity.unlink" on AccountId;
        /// Take back every token of one's own.
        RevokeOwnTokens = "me.revoke_tokens" on AccountId;
    }
}

/// An action of a plane, by its name.
#[must_use]
pub fn find(plane: PlaneName, name: &str) -> Option<&'static ActionInfo> {
    ALL.iter().find(|action| action.plane == plane && action.name == name)
}

macro_rules! covers {
    ($($whole:ident: $($part:ident),+;)+) => {$($(impl Covers<$part> for $whole {})+)+};
}

covers! {
    ImportTenant: CreateMember, CreateOwner, CreateTeam, UpdateTeamMember, CreateWorkspace, CreateResourceType,
        CreateResource, ShareResource;
    CreateOwner: CreateMember, UpdateMember;
    CreateAdmin: CreateMember, UpdateMember;
    AcceptInvitation: CreateMember, UpdateTeamMember;
    UpdateApplicationBinding: CreateResourceType;
    ShareResource: UpdateResource;
    CreateImport: CreateAccount, CreateTenant;
}
