//! Random grants, and chains of them: nobody comes to hold what whoever gave it to them did not hold.
//!
//! What somebody holds is asked of the doors: every action of the tenant plane, on something that nobody there has
//! anything to do with. After each step that is let through, whatever anybody holds now and did not hold before, the
//! one who made the step held before it. With `FREEHOLD_LONG=1` there are five hundred organisations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use freehold::domain::action::*;
use freehold::domain::{
    AccountId, ActionPattern, Call, ChangeRole, ChangeTeam, Error, InvitationId, IssuerId, Letters,
    MemberId, Name, NewInvitation, NewMember, NewRole, NewServiceAccount, PageRequest, Patterns,
    PlaneName, Platform, Precondition, PrincipalId, PrincipalRef, PrincipalType, ResourceFilter,
    ResourceId, ResourceTypeName, Result, Role, RoleId, ServiceAccountId, ServiceRole, Slug,
    TeamFilter, TeamId, TeamRole, TenantId, WorkspaceFilter, WorkspaceId, WorkspaceOwner, action,
};
use freehold::services::invitations::{self, Mailing};
use freehold::services::{
    members, resources, role_assignments, roles, service_accounts, team_members, teams, workspaces,
};
use freehold::storage::TenantStore;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::draft::runner;
use crate::node::{Node, call_of};

/// Whoever acts, and is looked at after each step; the last one is no member at first.
const PEOPLE: [(&str, Role); 8] = [
    ("keeper", Role::Owner),
    ("clerk", Role::Admin),
    ("one", Role::Member),
    ("two", Role::Member),
    ("three", Role::Member),
    ("visitor", Role::Guest),
    ("stranger", Role::Guest),
    ("spare", Role::Guest),
];

/// What roles are made of.
const PATTERNS: &[&[&str]] = &[
    &["role.*", "role_assignment.*"],
    &["role_assignment.update", "role.read", "team_member.*"],
    &["team.*", "team_member.*"],
    &["team.read", "team.move", "team.create"],
    &["member.*"],
    &["member.update", "member.resume", "resource.read"],
    &["resource.read"],
    &["resource.*"],
    &["workspace.read"],
    &["workspace.*", "resource.create"],
    &["audit.list", "tenant.*"],
    &["*"],
];

/// Who, what kind of step, and two numbers for what it is about.
type Step = (usize, usize, usize, usize);

/// What somebody holds.
type Held = BTreeSet<&'static str>;

fn patterns(index: usize) -> Patterns {
    let patterns = PATTERNS[index % PATTERNS.len()].iter();
    patterns.map(|it| ActionPattern::parse(*it).unwrap()).collect()
}

struct World<'n> {
    node: &'n Node,
    store: TenantStore,
    accounts: Vec<AccountId>,
    teams: Vec<TeamId>,
    roles: Vec<RoleId>,
    // Things that nobody has anything to do with.
    tenant: TenantId,
    member: MemberId,
    team: TeamId,
    workspace: WorkspaceId,
    owner: WorkspaceOwner,
    kind: ResourceTypeName,
    resource: ResourceId,
    role: RoleId,
    invitation: InvitationId,
    issuer: IssuerId,
    service: ServiceAccountId,
}

/// Asks for every action of the tenant plane.
macro_rules! ask {
    ($world:ident, $call:ident, $held:ident; $($target:ident: $($action:ident)+;)+) => {
        let mut asked = BTreeSet::new();
        $($(
            asked.insert($action::NAME);
            let target = $world.$target.clone();
            if $world.store.read_blocking::<$action, _>($call, target, |_| Ok(())).is_ok() {
                $held.insert($action::NAME);
            }
        )+)+
        let all = action::ALL.iter().filter(|it| it.plane == PlaneName::Tenant);
        assert_eq!(asked, all.map(|it| it.name).collect(), "every action is asked for");
    };
}

impl<'n> World<'n> {
    fn new(node: &'n Node, slug: &str) -> Self {
        let with = |role| PEOPLE[..7].iter().filter(move |it| it.1 == role).map(|it| it.0);
        let list = |role| with(role).collect::<Vec<_>>();
        let team = |name: &str, parent: Option<&str>| json!({"name": name, "parent": parent});
        let members: Vec<_> = with(Role::Member).chain(["probe"]).collect();
        node.import(&json!({"format": "freehold-import/1", "resource_types": [{"name": "prompt"}],
            "tenants": [
                {"slug": slug, "name": slug, "owners": list(Role::Owner),
                    "admins": list(Role::Admin), "members": members, "guests": list(Role::Guest),
                    "teams": [team("a", None), team("b", Some("a")), team("c", None), team("probe", None)],
                    "workspaces": [{"name": "w", "owner": {"account": "probe"}}],
                    "resources": [{"type": "prompt", "workspace": "w", "name": "r",
                        "visibility": "private"}]},
                {"slug": format!("{slug}-spare"), "name": "Spare", "owners": ["spare"]}]}));
        let (store, keeper) = (node.store(slug), node.call(slug, "keeper"));
        let tenant = store.tenant();
        let page = PageRequest::first(200);
        let all = store.read_blocking::<ListTeams, _>(&keeper, tenant, |tx| {
            teams::list(tx, &TeamFilter::default(), &page)
        });
        let mut teams: Vec<_> = all.unwrap().items.iter().map(|it| it.id).collect();
        let all = store.read_blocking::<ListWorkspaces, _>(&keeper, tenant, |tx| {
            workspaces::list(tx, &WorkspaceFilter::default(), &page)
        });
        let workspace = all.unwrap().items[0].id;
        let all = store.read_blocking::<ListResources, _>(&keeper, tenant, |tx| {
            resources::list(tx, &ResourceFilter::default(), &page)
        });
        let resource = all.unwrap().items[0].id;
        let probe = node.account("probe");
        let owner = PrincipalRef { kind: PrincipalType::Account, id: probe.into() };
        let mut world = Self {
            node,
            accounts: PEOPLE.iter().map(|(name, _)| node.account(name)).collect(),
            team: teams.pop().unwrap(),
            teams,
            roles: Vec::new(),
            tenant,
            member: MemberId(probe),
            workspace,
            owner: WorkspaceOwner(owner),
            kind: ResourceTypeName::parse("prompt").unwrap(),
            resource,
            role: RoleId(uuid::Uuid::nil()),
            invitation: InvitationId(uuid::Uuid::nil()),
            issuer: IssuerId(uuid::Uuid::nil()),
            service: ServiceAccountId(uuid::Uuid::nil()),
            store,
        };
        world.invitation = world.invite(&keeper);
        world.role = world.new_role(&keeper, "probe", 6).unwrap();
        world.service = world.new_service(&keeper, "probe").unwrap();
        // Some keep roles, some teams, some people, to begin with.
        for (number, somebody) in [(0, 2), (2, 3), (4, 4), (1, 5)] {
            let role = world.new_role(&keeper, &format!("first {number}"), number).unwrap();
            world.assign(&keeper, role, world.accounts[somebody].into()).unwrap();
            world.roles.push(role);
        }
        // Teams have something to give, and somebody who keeps them.
        for (number, team) in [(4, 0), (7, 2), (8, 1)] {
            let role = world.new_role(&keeper, &format!("team {number}"), number).unwrap();
            world.assign(&keeper, role, world.teams[team].into()).unwrap();
            world.roles.push(role);
        }
        let visitor = world.accounts[5];
        world.place(&keeper, world.teams[1], visitor, TeamRole::Maintainer).unwrap();
        world
    }

    /// Somebody whom nobody here is.
    fn invite(&self, keeper: &Call) -> InvitationId {
        let new = json!({"email": "nobody@example.com", "role": "guest"});
        let new: NewInvitation = serde_json::from_value(new).unwrap();
        let letters = Letters { link: "https://x/{id}".to_owned(), text: "{link}".to_owned() };
        let mailing = Mailing { letters: letters.into(), slug: Slug::parse("acme").unwrap() };
        let made =
            self.store.write_blocking::<CreateInvitation, _, _>(keeper, self.tenant, move |tx| {
                invitations::create(tx, &new, None, &mailing).map(|it| it.id)
            });
        made.unwrap()
    }

    fn call(&self, person: usize) -> Call {
        call_of(Some(self.tenant), self.accounts[person])
    }

    fn held(&self, call: &Call) -> Held {
        let mut held = Held::new();
        ask! { self, call, held;
            tenant: ReadTenant UpdateTenant ImportTenant SearchPrincipals ListMembers CreateMember
                CreateOwner CreateAdmin ListTeams CreateTeam ListRoles CreateRole
                ListApplicationBindings UpdateApplicationBinding DeleteApplicationBinding
                ListIssuers CreateIssuer
                ListWorkspaces ListResourceTypes CreateResourceType ListResources ReadRowSecurity
                ListInvitations CreateInvitation EvaluateAccess EvaluateOwnAccess ExplainAccess
                SimulateAccess ListAudit ListEvents ReadProfileDefaults UpdateProfileDefaults
                ReadCatalog InspectCatalog ListTenantCatalog UpdateTenantCatalog
                DeleteTenantCatalog ListServiceAccounts CreateServiceAccount ExchangeToken
                VerifyAudit ExportAudit ReadAuditRetention ReadTenantDiagnostics ListQuotas
                ListUsage RecordUsage ListReservations CreateReservation DeleteReservation
                ListWebhooks CreateWebhook UpdateWebhook DeleteWebhook RotateWebhook TestWebhook
                ReplayWebhook;
            service: ReadServiceAccount UpdateServiceAccount DeleteServiceAccount
                SuspendServiceAccount ResumeServiceAccount ListApiKeys CreateApiKey RotateApiKey
                RevokeApiKey;
            member: ReadMember UpdateMember SuspendMember ResumeMember DeleteMember ReadProfile
                UpdateProfile ListAccountCatalog UpdateAccountCatalog DeleteAccountCatalog;
            team: ReadTeam UpdateTeam MoveTeam DeleteTeam ListTeamMembers UpdateTeamMember
                DeleteTeamMember ListTeamCatalog UpdateTeamCatalog DeleteTeamCatalog;
            role: ReadRole UpdateRole DeleteRole ListRoleAssignments UpdateRoleAssignment
                DeleteRoleAssignment;
            issuer: ReadIssuer UpdateIssuer DeleteIssuer;
            owner: CreateWorkspace;
            workspace: ReadWorkspace UpdateWorkspace DeleteWorkspace CreateResource;
            kind: ReadResourceType;
            resource: ReadResource UpdateResource DeleteResource ShareResource;
            invitation: ReadInvitation RevokeInvitation AcceptInvitation DeclineInvitation;
        }
        // Resources are made by the writer, which finds a workspace that the caller does not see.
        let made =
            self.store.rehearse_blocking::<CreateResource, _, _>(call, self.workspace, |_| Ok(()));
        if made.is_ok() {
            held.insert(CreateResource::NAME);
        }
        held
    }

    fn everybody(&self) -> Vec<Held> {
        (0..PEOPLE.len()).map(|person| self.held(&self.call(person))).collect()
    }

    fn new_role(&self, call: &Call, name: &str, number: usize) -> Result<RoleId> {
        let name = Name::parse(name).unwrap();
        let new = NewRole { name, description: None, permissions: patterns(number) };
        self.store.write_blocking::<CreateRole, _, _>(call, self.tenant, move |tx| {
            roles::create(tx, &new).map(|it| it.id)
        })
    }

    fn new_service(&self, call: &Call, name: &str) -> Result<ServiceAccountId> {
        let (name, role) = (Name::parse(name).unwrap(), ServiceRole::Guest);
        let new = NewServiceAccount { name, description: None, role };
        self.store.write_blocking::<CreateServiceAccount, _, _>(call, self.tenant, move |tx| {
            service_accounts::create(tx, &new).map(|it| it.id)
        })
    }

    fn change_role(&self, call: &Call, role: RoleId, number: usize) -> Result<()> {
        let keeper = self.call(0);
        let version = self
            .store
            .read_blocking::<ReadRole, _>(&keeper, role, |tx| roles::read(tx, role))?
            .version;
        let change =
            ChangeRole { name: None, description: None, permissions: Some(patterns(number)) };
        self.store.write_blocking::<UpdateRole, _, _>(call, role, move |tx| {
            roles::update(tx, role, &change, version).map(drop)
        })
    }

    fn assign(&self, call: &Call, role: RoleId, who: PrincipalId) -> Result<()> {
        self.store.write_blocking::<UpdateRoleAssignment, _, _>(call, role, move |tx| {
            role_assignments::put(tx, role, who, Precondition::Absent).map(drop)
        })
    }

    fn unassign(&self, call: &Call, role: RoleId, who: PrincipalId) -> Result<()> {
        self.store.write_blocking::<DeleteRoleAssignment, _, _>(call, role, move |tx| {
            role_assignments::delete(tx, role, who, 1)
        })
    }

    fn place(&self, call: &Call, team: TeamId, account: AccountId, role: TeamRole) -> Result<()> {
        self.store.write_blocking::<UpdateTeamMember, _, _>(call, team, move |tx| {
            team_members::put(tx, team, account, role, Precondition::Absent).map(drop)
        })
    }

    fn displace(&self, call: &Call, team: TeamId, account: AccountId) -> Result<()> {
        self.store.write_blocking::<DeleteTeamMember, _, _>(call, team, move |tx| {
            team_members::delete(tx, team, account, 1)
        })
    }

    fn shift(&self, call: &Call, team: TeamId, parent: Option<TeamId>) -> Result<()> {
        let version = self
            .store
            .read_blocking::<ReadTeam, _>(call, team, |tx| teams::read(tx, team))?
            .version;
        let change = ChangeTeam { name: None, description: None, parent_id: Some(parent) };
        self.store.write_blocking::<MoveTeam, _, _>(call, team, move |tx| {
            teams::place(tx, team, &change, version).map(drop)
        })
    }

    fn version(&self, call: &Call, account: AccountId) -> Result<i64> {
        self.store.read_blocking::<ReadMember, _>(call, MemberId(account), |tx| {
            members::read(tx, account).map(|it| it.version)
        })
    }

    /// As the handlers choose the action.
    fn promote(&self, call: &Call, account: AccountId, role: Role) -> Result<()> {
        let version = self.version(call, account)?;
        let (store, tenant) = (&self.store, self.tenant);
        match role {
            Role::Owner => store.write_blocking::<CreateOwner, _, _>(call, tenant, move |tx| {
                members::update(tx, account, role, version).map(drop)
            }),
            Role::Admin => store.write_blocking::<CreateAdmin, _, _>(call, tenant, move |tx| {
                members::update(tx, account, role, version).map(drop)
            }),
            _ => store.write_blocking::<UpdateMember, _, _>(call, MemberId(account), move |tx| {
                members::update(tx, account, role, version).map(drop)
            }),
        }
    }

    fn add(&self, call: &Call, account: AccountId, role: Role) -> Result<()> {
        let (new, name) = (NewMember { account_id: account, role }, Name::parse("x").unwrap());
        self.store.write_blocking::<CreateMember, _, _>(call, self.tenant, move |tx| {
            members::create(tx, &new, Some(&name)).map(drop)
        })
    }

    fn suspend(&self, call: &Call, account: AccountId) -> Result<()> {
        self.store.write_blocking::<SuspendMember, _, _>(call, MemberId(account), move |tx| {
            members::suspend(tx, account).map(drop)
        })
    }

    fn resume(&self, call: &Call, account: AccountId) -> Result<()> {
        self.store.write_blocking::<ResumeMember, _, _>(call, MemberId(account), move |tx| {
            members::resume(tx, account).map(drop)
        })
    }

    fn remove(&self, call: &Call, account: AccountId) -> Result<()> {
        let version = self.version(call, account)?;
        self.store.write_blocking::<DeleteMember, _, _>(call, MemberId(account), move |tx| {
            members::delete(tx, account, version).map(drop)
        })
    }

    fn principal(&self, number: usize) -> PrincipalId {
        match number % 12 {
            11 => self.tenant.into(),
            it if it < 8 => self.accounts[it].into(),
            it => self.teams[it - 8].into(),
        }
    }

    /// Makes a step, and says what came of it.
    fn step(&mut self, (who, kind, one, other): Step) -> Result<()> {
        let call = self.call(who % PEOPLE.len());
        let role = self.roles[one % self.roles.len()];
        let (team, account) = (self.teams[one % 3], self.accounts[other % PEOPLE.len()]);
        match kind % 14 {
            0 => {
                let name = format!("role {}", self.roles.len());
                self.roles.push(self.new_role(&call, &name, other)?);
                Ok(())
            }
            1 => self.change_role(&call, role, other),
            2..=4 => self.assign(&call, role, self.principal(other)),
            5 => self.unassign(&call, role, self.principal(other)),
            6 | 7 => {
                let place = if one % 2 == 0 { TeamRole::Maintainer } else { TeamRole::Member };
                self.place(&call, team, account, place)
            }
            8 => self.displace(&call, team, account),
            9 => self.shift(&call, team, self.teams.get(other % 4).copied()),
            10 => self.promote(
                &call,
                account,
                [Role::Guest, Role::Member, Role::Admin, Role::Owner][one % 4],
            ),
            11 => self.suspend(&call, account),
            12 => self.resume(&call, account),
            _ if one % 2 == 0 => self.remove(&call, account),
            _ => self.add(&call, account, if one % 4 == 1 { Role::Guest } else { Role::Member }),
        }
    }

    /// No custom role reaches the platform.
    fn stays_in_its_tenant(&self) {
        macro_rules! refused {
            ($($action:ident)+) => {$(
                for person in 0..PEOPLE.len() {
                    let call = self.call(person);
                    let asked = self.node.registry.read_blocking::<$action, _>(&call, Platform, |_| Ok(()));
                    assert_eq!(asked.unwrap_err(), Error::NotFound, "{}", $action::NAME);
                }
            )+};
        }
        refused! { ListTenants CreateTenant ListAccounts CreateAccount ListOperators ListBreakGlass ListApplications
        CreateApplication ListPlatformAudit ListPlatformEvents CreateToken CreateImport ListMigrations
        RunMigrations ReadDiagnostics FixDiagnostics }
    }
}

/// How many steps were let through, by which somebody gained something, and that exceeded their granter.
#[derive(Default)]
struct Counts {
    done: AtomicU64,
    gained: AtomicU64,
    exceeding: AtomicU64,
}

fn chain(node: &Node, slug: &str, steps: &[Step], counts: &Counts) {
    let count = |counter: &AtomicU64| {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let mut world = World::new(node, slug);
    let mut before = world.everybody();
    for (number, step) in steps.iter().enumerate() {
        match world.step(*step) {
            Ok(()) => count(&counts.done),
            Err(Error::ExceedsGranter(_)) => {
                count(&counts.exceeding);
                continue;
            }
            Err(_) => continue,
        }
        let after = world.everybody();
        let granter = &before[step.0 % PEOPLE.len()];
        let mut exceeding = BTreeMap::new();
        for (person, (held, had)) in after.iter().zip(&before).enumerate() {
            let gained: Held = held.difference(had).copied().collect();
            if !gained.is_empty() {
                count(&counts.gained);
            }
            let too_much: Held = gained.difference(granter).copied().collect();
            if !too_much.is_empty() {
                exceeding.insert(PEOPLE[person].0, too_much);
            }
        }
        let by = PEOPLE[step.0 % PEOPLE.len()].0;
        assert!(exceeding.is_empty(), "step {number}, {step:?} by {by}: {exceeding:?}");
        let is_owned = after.iter().any(|held| held.contains(CreateOwner::NAME));
        assert!(is_owned, "step {number} left no active owner");
        before = after;
    }
    world.stays_in_its_tenant();
}

#[test]
fn nobody_comes_to_hold_what_their_granter_does_not() {
    let node = Node::new();
    let (number, counts) = (AtomicUsize::new(0), Counts::default());
    let any = || 0..1000_usize;
    // The keeper acts seldom, or there would be nothing left to exceed.
    let who = prop_oneof![1 => Just(0_usize), 1 => Just(1), 8 => 2..8_usize];
    let steps = vec((who, any(), any(), any()), 10..90);
    let outcome = runner(32, 500).run(&steps, |steps| {
        let slug = format!("chain-{}", number.fetch_add(1, Ordering::Relaxed));
        chain(&node, &slug, &steps, &counts);
        Ok(())
    });
    node.stop();
    outcome.unwrap();
    let counted =
        [&counts.done, &counts.gained, &counts.exceeding].map(|it| it.load(Ordering::Relaxed));
    assert!(counted.iter().all(|it| *it > 20), "done, gained, exceeding: {counted:?}");
}
