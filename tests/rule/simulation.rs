//! Made-up changes of made-up organisations: what a simulation says of each is what every decision is before the change
//! and after it was really made; and where a permission is said to come from is where it comes from.
//!
//! With `FREEHOLD_LONG=1` there are three hundred of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::action::{
    CreateMember, CreateRole, DeleteMember, DeleteRoleAssignment, DeleteTeamMember, ExplainAccess,
    ListRoleAssignments, ListTeamMembers, ListTeams, ListWorkspaces, ReadMember, ResumeMember,
    SimulateAccess, SuspendMember, UpdateMember, UpdateRole, UpdateRoleAssignment,
    UpdateTeamMember,
};
use freehold::domain::{
    AccountId, Call, ChangeRole, Explanation, Member, MemberId, MemberState, Name, NewMember,
    NewRole, PageRequest, Patterns, Permission, Precondition, PrincipalId, Role, RoleId,
    RowSecurityMode, Simulation, SimulationRequest, Slug, TeamFilter, TeamId, TeamRole,
    WorkspaceFilter,
};
use freehold::services::{
    access, members, role_assignments, roles, team_members, teams, workspaces,
};
use freehold::storage::TenantStore;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::author;
use crate::court::{Court, grant};
use crate::draft::{KEEPER, draft, runner};
use crate::modes;
use crate::node::{Node, Place};

/// What custom roles are made of; each stands for itself.
const SETS: [&[&str]; 9] = [
    &["resource.read"],
    &["resource.read", "resource.update"],
    &["resource.*"],
    &["workspace.read"],
    &["workspace.*"],
    &["team.*", "team_member.*"],
    &["member.list", "member.read", "member.suspend"],
    &["tenant.update"],
    &["resource.create", "role.list"],
];

const ACTIONS: [&str; 19] = [
    "resource.read",
    "resource.update",
    "resource.delete",
    "resource.share",
    "resource.create",
    "workspace.read",
    "workspace.update",
    "team.list",
    "team.read",
    "team.update",
    "team_member.update",
    "member.read",
    "member.update",
    "member.suspend",
    "member.delete",
    "tenant.read",
    "tenant.update",
    "admin.create",
    "owner.create",
];

/// A principal: what kind, and which of them.
type Holder = (usize, usize);

/// A custom role: which sets it is made of, and who has it.
type RoleDraft = (Vec<usize>, Vec<Holder>);

/// What becomes of a custom role: other sets, other holders.
type RoleTurn = (Option<Vec<usize>>, Option<Vec<Holder>>);

/// What happens to a membership.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Becomes(Role),
    Suspended,
    Resumed,
    Removed,
}

/// A change, as dice throw it: numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
struct ChangeDraft {
    members: Vec<(usize, Turn)>,
    places: Vec<(usize, usize, Option<bool>)>,
    /// Of roles that are there.
    changed: Vec<(usize, RoleTurn)>,
    new: Vec<RoleDraft>,
    mode: Option<RowSecurityMode>,
}

fn holders() -> impl Strategy<Value = Vec<Holder>> {
    vec((0..4_usize, 0..1000_usize), 0..3)
}

fn sets() -> impl Strategy<Value = Vec<usize>> {
    vec(0..SETS.len(), 1..4)
}

fn change() -> impl Strategy<Value = ChangeDraft> {
    let any = || 0..1000_usize;
    let role =
        prop_oneof![Just(Role::Owner), Just(Role::Admin), Just(Role::Member), Just(Role::Guest)];
    let turn = prop_oneof![
        4 => role.prop_map(Turn::Becomes),
        1 => Just(Turn::Suspended),
        1 => Just(Turn::Resumed),
        1 => Just(Turn::Removed),
    ];
    let place = (any(), any(), proptest::option::weighted(0.7, proptest::bool::ANY));
    let role_turn = (proptest::option::of(sets()), proptest::option::of(holders()));
    let changed = (any(), role_turn);
    let mode = prop_oneof![
        3 => Just(None),
        1 => Just(Some(RowSecurityMode::Off)),
        1 => Just(Some(RowSecurityMode::Shadow)),
    ];
    let parts = (
        vec((any(), turn), 0..4),
        vec(place, 0..5),
        vec(changed, 0..3),
        vec((sets(), holders()), 0..3),
        mode,
    );
    parts.prop_map(|(members, places, changed, new, mode)| ChangeDraft {
        members,
        places,
        changed,
        new,
        mode,
    })
}

fn patterns(sets: &[usize]) -> Patterns {
    let names: BTreeSet<&str> = sets.iter().flat_map(|set| SETS[*set]).copied().collect();
    serde_json::from_value(json!(names)).unwrap()
}

/// A tenant, and how its keeper changes it.
struct Bench<'a> {
    node: &'a Node,
    slug: String,
    court: Court,
    store: TenantStore,
    keeper: Call,
    people: Vec<(String, AccountId)>,
    teams: Vec<TeamId>,
    roles: Vec<RoleId>,
}

impl<'a> Bench<'a> {
    fn new(node: &'a Node, slug: &str, court: Court) -> Self {
        let (store, keeper) = (node.store(slug), node.call(slug, KEEPER));
        let tenant = store.tenant();
        let page = store.read_blocking::<ListTeams, _>(&keeper, tenant, |tx| {
            teams::list(tx, &TeamFilter::default(), &PageRequest::first(200))
        });
        let teams = page.unwrap().items.into_iter().map(|team| team.id).collect();
        let people = court.people().into_iter().filter(|name| *name != KEEPER);
        let people = people.map(|name| (name.to_owned(), court.account(name))).collect();
        Self { node, slug: slug.to_owned(), court, store, keeper, people, teams, roles: Vec::new() }
    }

    fn person(&self, index: usize) -> &(String, AccountId) {
        &self.people[index % self.people.len()]
    }

    fn member(&self, account: AccountId) -> Member {
        let target = MemberId(account);
        let read = self
            .store
            .read_blocking::<ReadMember, _>(&self.keeper, target, |tx| members::read(tx, account));
        read.unwrap()
    }

    fn holder(&self, (kind, index): Holder) -> Option<PrincipalId> {
        Some(match kind {
            0 => self.store.tenant().into(),
            1 if !self.teams.is_empty() => self.teams[index % self.teams.len()].into(),
            _ => {
                let (_, account) = *self.person(index);
                // A former member is no principal.
                let state = self.member(account).state;
                (state != MemberState::Removed).then_some(account.into())?
            }
        })
    }

    fn holders(&self, holders: &[Holder]) -> BTreeSet<PrincipalId> {
        holders.iter().filter_map(|holder| self.holder(*holder)).collect()
    }

    fn make_role(&self, name: &str, permissions: &Patterns) -> RoleId {
        let name = Name::parse(name).unwrap();
        let new = NewRole { name, description: None, permissions: permissions.clone() };
        let tenant = self.store.tenant();
        let made = self.store.write_blocking::<CreateRole, _, _>(&self.keeper, tenant, move |tx| {
            roles::create(tx, &new)
        });
        made.unwrap().id
    }

    fn give_role(&self, role: RoleId, principal: PrincipalId) {
        let put = self.store.write_blocking::<UpdateRoleAssignment, _, _>(
            &self.keeper,
            role,
            move |tx| role_assignments::put(tx, role, principal, Precondition::Absent),
        );
        put.unwrap();
    }

    fn set_holders(&self, role: RoleId, wanted: &BTreeSet<PrincipalId>) {
        let page = self.store.read_blocking::<ListRoleAssignments, _>(&self.keeper, role, |tx| {
            role_assignments::list(tx, role, &PageRequest::first(200))
        });
        let there: BTreeMap<_, _> =
            page.unwrap().items.into_iter().map(|it| (it.id, it.version)).collect();
        for (principal, version) in there.iter().filter(|(id, _)| !wanted.contains(id)) {
            let (principal, version) = (*principal, *version);
            let gone = self.store.write_blocking::<DeleteRoleAssignment, _, _>(
                &self.keeper,
                role,
                move |tx| role_assignments::delete(tx, role, principal, version),
            );
            gone.unwrap();
        }
        for principal in wanted.iter().filter(|id| !there.contains_key(id)) {
            self.give_role(role, *principal);
        }
    }

    fn change_role(&self, id: RoleId, permissions: Patterns) {
        let change = ChangeRole { name: None, description: None, permissions: Some(permissions) };
        let store = &self.store;
        let version = store
            .read_blocking::<freehold::domain::action::ReadRole, _>(&self.keeper, id, |tx| {
                roles::read(tx, id).map(|role| role.version)
            })
            .unwrap();
        let changed = store.write_blocking::<UpdateRole, _, _>(&self.keeper, id, move |tx| {
            roles::update(tx, id, &change, version)
        });
        changed.unwrap();
    }

    fn set_role(&self, account: AccountId, role: Role) {
        let version = self.member(account).version;
        let target = MemberId(account);
        let set =
            self.store.write_blocking::<UpdateMember, _, _>(&self.keeper, target, move |tx| {
                members::update(tx, account, role, version)
            });
        set.unwrap();
    }

    fn add(&self, (name, account): &(String, AccountId), role: Role) {
        let (name, account) = (Name::parse(name.as_str()).unwrap(), *account);
        let new = NewMember { account_id: account, role };
        let tenant = self.store.tenant();
        let added =
            self.store.write_blocking::<CreateMember, _, _>(&self.keeper, tenant, move |tx| {
                members::create(tx, &new, Some(&name))
            });
        added.unwrap();
    }

    fn turn(&self, account: AccountId, turn: Turn) {
        let (target, version) = (MemberId(account), self.member(account).version);
        let (store, keeper) = (&self.store, &self.keeper);
        let done: freehold::domain::Result<()> = match turn {
            Turn::Becomes(_) => Ok(()),
            Turn::Suspended => {
                store.write_blocking::<SuspendMember, _, _>(keeper, target, move |tx| {
                    members::suspend(tx, account).map(drop)
                })
            }
            Turn::Resumed => {
                store.write_blocking::<ResumeMember, _, _>(keeper, target, move |tx| {
                    members::resume(tx, account).map(drop)
                })
            }
            Turn::Removed => {
                store.write_blocking::<DeleteMember, _, _>(keeper, target, move |tx| {
                    members::delete(tx, account, version).map(drop)
                })
            }
        };
        done.unwrap();
    }

    /// What somebody is in a team, and that place's version.
    fn place(&self, team: TeamId, account: AccountId) -> Option<(TeamRole, i64)> {
        let read = self.store.read_blocking::<ListTeamMembers, _>(&self.keeper, team, |tx| {
            team_members::read(tx, team, account)
        });
        read.ok().map(|place| (place.role, place.version))
    }

    fn set_place(&self, team: TeamId, account: AccountId, role: Option<TeamRole>) {
        let there = self.place(team, account);
        let (store, keeper) = (&self.store, &self.keeper);
        match (there, role) {
            (None, None) => {}
            (Some((_, version)), None) => store
                .write_blocking::<DeleteTeamMember, _, _>(keeper, team, move |tx| {
                    team_members::delete(tx, team, account, version)
                })
                .unwrap(),
            (there, Some(role)) => {
                let condition = there
                    .map_or(Precondition::Absent, |(_, version)| Precondition::Version(version));
                let put = store.write_blocking::<UpdateTeamMember, _, _>(keeper, team, move |tx| {
                    team_members::put(tx, team, account, role, condition)
                });
                put.unwrap();
            }
        }
    }

    fn simulate(&self, changes: &Value, questions: &Value) -> Simulation {
        let body = json!({"changes": changes, "questions": questions});
        let request: SimulationRequest = serde_json::from_value(body).unwrap();
        let tenant = self.store.tenant();
        let said = self.store.read_blocking::<SimulateAccess, _>(&self.keeper, tenant, |tx| {
            let page = PageRequest { max_bytes: usize::MAX, ..PageRequest::first(1) };
            access::simulate(tx, tenant, &request, &page)
        });
        said.unwrap()
    }

    /// What is decided of every question now, and by which policies.
    fn decided(&self, questions: &Value) -> BTreeMap<(String, String, String), Explanation> {
        let (tenant, slug) = (self.store.tenant(), Slug::parse(self.slug.as_str()).unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut found = BTreeMap::new();
        for subject in questions["subjects"].as_array().unwrap() {
            for action in questions["actions"].as_array().unwrap() {
                for resource in questions["resources"].as_array().unwrap() {
                    let request = json!({
                        "subject": {"type": "account", "id": subject},
                        "action": {"name": action}, "resource": resource,
                    });
                    let request = serde_json::from_value(request).unwrap();
                    let said =
                        self.store.read_blocking::<ExplainAccess, _>(&self.keeper, tenant, |tx| {
                            access::explain(tx, (tenant, &slug), &request)
                        });
                    let key = (text(subject), text(action), resource.to_string());
                    found.insert(key, said.unwrap());
                }
            }
        }
        found
    }

    /// Everything that there is, and everybody.
    fn questions(&self) -> Value {
        let entity = |kind: &str, id: String| json!({"type": kind, "id": id});
        let tenant = self.store.tenant();
        let page = self.store.read_blocking::<ListWorkspaces, _>(&self.keeper, tenant, |tx| {
            workspaces::list(tx, &WorkspaceFilter::default(), &PageRequest::first(200))
        });
        let workspaces = page.unwrap().items.into_iter();
        let resources = self.court.organisation.resources.iter().zip(&self.court.ids);
        let all: Vec<Value> = resources
            .map(|(it, id)| entity(&it.kind, id.to_string()))
            .chain(workspaces.map(|it| entity("workspace", it.id.to_string())))
            .chain(self.teams.iter().map(|id| entity("team", id.to_string())))
            .chain(self.people.iter().map(|(_, id)| entity("member", id.to_string())))
            .chain([entity("tenant", tenant.to_string())])
            .collect();
        let people: Vec<String> = self.people.iter().map(|(_, id)| id.to_string()).collect();
        json!({"subjects": people, "actions": ACTIONS, "resources": all})
    }

    /// The file's bytes, and those of its log.
    fn bytes(&self, data: &std::path::Path) -> [Vec<u8>; 2] {
        let id = self.store.tenant().to_string();
        let folder = data.join("tenants").join(&id[id.len() - 2..]);
        let read = |name: String| fs::read(folder.join(name)).unwrap_or_default();
        [read(format!("{id}.db")), read(format!("{id}.db-wal"))]
    }
}

/// The change, as a simulation takes it, and then as it is made.
struct Plan {
    members: BTreeMap<AccountId, (Option<Role>, Option<MemberState>, Turn)>,
    places: BTreeMap<(TeamId, AccountId), Option<TeamRole>>,
    changed: BTreeMap<RoleId, (Option<Patterns>, Option<BTreeSet<PrincipalId>>)>,
    new: Vec<(String, Patterns, BTreeSet<PrincipalId>)>,
    mode: Option<RowSecurityMode>,
}

impl Plan {
    fn of(bench: &Bench<'_>, draft: &ChangeDraft) -> Self {
        let mut members = BTreeMap::new();
        for (index, turn) in &draft.members {
            let (_, account) = *bench.person(*index);
            let state = bench.member(account).state;
            let supposed = match (turn, state) {
                (Turn::Becomes(role), MemberState::Removed) => {
                    (Some(*role), Some(MemberState::Active))
                }
                (Turn::Becomes(role), _) => (Some(*role), None),
                (Turn::Suspended, MemberState::Active) => (None, Some(MemberState::Suspended)),
                (Turn::Resumed, MemberState::Suspended) => (None, Some(MemberState::Active)),
                (Turn::Removed, MemberState::Active | MemberState::Suspended) => {
                    (None, Some(MemberState::Removed))
                }
                _ => continue,
            };
            members.insert(account, (supposed.0, supposed.1, *turn));
        }
        let is_gone = |account: AccountId| match members.get(&account) {
            Some((_, Some(state), _)) => *state == MemberState::Removed,
            _ => bench.member(account).state == MemberState::Removed,
        };
        let mut places = BTreeMap::new();
        for (team, who, role) in &draft.places {
            let (_, account) = *bench.person(*who);
            if bench.teams.is_empty() || is_gone(account) {
                continue;
            }
            let role =
                role.map(|keeps| if keeps { TeamRole::Maintainer } else { TeamRole::Member });
            places.insert((bench.teams[team % bench.teams.len()], account), role);
        }
        // Whoever goes loses every role by name.
        let stays = |all: BTreeSet<PrincipalId>| -> BTreeSet<PrincipalId> {
            all.into_iter()
                .filter(|id| !members.contains_key(&AccountId(id.0)) || !is_gone(AccountId(id.0)))
                .collect()
        };
        let mut changed = BTreeMap::new();
        for (index, (sets, holders)) in draft.changed.iter().filter(|_| !bench.roles.is_empty()) {
            let role = bench.roles[index % bench.roles.len()];
            let sets = sets.as_ref().map(|sets| patterns(sets));
            let holders = holders.as_ref().map(|holders| stays(bench.holders(holders)));
            changed.insert(role, (sets, holders));
        }
        let new = draft.new.iter().enumerate().map(|(index, (sets, holders))| {
            (format!("new {index}"), patterns(sets), stays(bench.holders(holders)))
        });
        let new = new.collect();
        Self { places, changed, new, mode: draft.mode, members }
    }

    fn supposed(&self) -> Value {
        let members = self.members.iter().map(|(account, (role, state, _))| {
            json!({"account_id": account, "role": role, "state": state})
        });
        let places = self.places.iter().map(
            |((team, account), role)| json!({"team_id": team, "account_id": account, "role": role}),
        );
        let changed = self.changed.iter().map(|(id, (permissions, principals))| {
            json!({"id": id, "permissions": permissions, "principals": principals})
        });
        let new = self.new.iter().map(|(name, permissions, principals)| {
            json!({"name": name, "permissions": permissions, "principals": principals})
        });
        json!({
            "members": members.collect::<Vec<_>>(), "team_members": places.collect::<Vec<_>>(),
            "roles": changed.chain(new).collect::<Vec<_>>(), "row_security": self.mode,
        })
    }

    fn make(&self, bench: &Bench<'_>) {
        for (account, (role, _, turn)) in &self.members {
            let is_gone = bench.member(*account).state == MemberState::Removed;
            match role {
                Some(role) if is_gone => {
                    let known = bench.people.iter().find(|(_, id)| id == account).unwrap();
                    bench.add(known, *role);
                }
                Some(role) => bench.set_role(*account, *role),
                None => bench.turn(*account, *turn),
            }
        }
        for ((team, account), role) in &self.places {
            bench.set_place(*team, *account, *role);
        }
        for (id, (permissions, principals)) in &self.changed {
            permissions.clone().into_iter().for_each(|all| bench.change_role(*id, all));
            if let Some(all) = principals {
                bench.set_holders(*id, all);
            }
        }
        for (name, permissions, principals) in &self.new {
            let role = bench.make_role(name, permissions);
            for principal in principals {
                bench.give_role(role, *principal);
            }
        }
        self.mode.into_iter().for_each(|mode| modes::set(bench.node, &bench.slug, mode));
    }
}

/// Where a permission is said to come from gives as much as the rule does.
fn is_where_it_comes_from(said: &Explanation) {
    let Some(facts) = &said.facts else { return };
    if facts.resource.kind != "resource" {
        assert!(said.sources.is_empty() && said.permission.is_none());
        return;
    }
    let rule = facts.resource.properties.permission;
    let highest: Option<Permission> =
        said.sources.iter().map(|source| source.permission).max_by_key(|it| it.level());
    assert_eq!((highest, said.permission), (rule, rule), "{said:?}");
}

fn policies(said: &Explanation) -> Vec<&str> {
    said.policies.iter().map(|policy| policy.id.as_str()).collect()
}

/// The simulation says what was decided before and is after.
fn agrees(
    said: &Simulation,
    before: &BTreeMap<(String, String, String), Explanation>,
    after: &BTreeMap<(String, String, String), Explanation>,
) {
    assert_eq!(said.evaluated, before.len());
    let said: BTreeMap<_, _> = said
        .changes
        .iter()
        .map(|it| {
            let resource = json!({"type": it.resource.kind, "id": it.resource.id}).to_string();
            ((it.subject.id.clone(), it.action.clone(), resource), it)
        })
        .collect();
    for (key, then) in after {
        let now = &before[key];
        match said.get(key) {
            None => assert_eq!(now.decision, then.decision, "{key:?} was not foretold"),
            Some(it) => {
                assert_eq!((it.before, it.after), (now.decision, then.decision), "{key:?}");
                assert_ne!(it.before, it.after, "{key:?}");
                assert_eq!(it.policies_before, policies(now), "{key:?}");
                assert_eq!(it.policies_after, policies(then), "{key:?}");
            }
        }
    }
}

/// The rule, before any custom role is there, is what the page says.
fn is_the_pages(bench: &Bench<'_>, decided: &BTreeMap<(String, String, String), Explanation>) {
    for ((subject, _, _), said) in decided {
        let Some(facts) = said.facts.as_ref().filter(|it| it.resource.kind == "resource") else {
            continue;
        };
        let (name, _) = bench.people.iter().find(|(_, id)| id.to_string() == *subject).unwrap();
        if !bench.court.organisation.people[name].is_active {
            // What is their own stays so; what they may is nothing, whatever gives it.
            assert!(!said.decision, "{name}");
            continue;
        }
        let id = facts.resource.id.parse().unwrap();
        let expected = bench.court.expected(name).get(&id).copied();
        assert_eq!(said.permission.map(grant), expected, "{name} {id}");
    }
}

#[test]
fn what_a_simulation_says_is_what_is_decided_once_the_change_is_made() {
    let place = Place::new();
    let (node, data): (Node, PathBuf) = (Node::at(&place, |_| ()), place.data());
    let (number, foretold) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let roles = vec((sets(), holders()), 0..3);
    let outcome = runner(12, 300).run(&(draft(), roles, change()), |(draft, roles, change)| {
        let slug = format!("foretold-{}", number.fetch_add(1, Ordering::Relaxed));
        let mut bench = Bench::new(&node, &slug, author::write(&node, &slug, &draft));
        let questions = bench.questions();
        is_the_pages(&bench, &bench.decided(&questions));
        for (index, (sets, holders)) in roles.iter().enumerate() {
            let role = bench.make_role(&format!("role {index}"), &patterns(sets));
            bench.holders(holders).into_iter().for_each(|it| bench.give_role(role, it));
            bench.roles.push(role);
        }
        let plan = Plan::of(&bench, &change);
        let before = bench.decided(&questions);
        let bytes = bench.bytes(&data);
        let said = bench.simulate(&plan.supposed(), &questions);
        assert!(bench.bytes(&data) == bytes, "a simulation wrote something");
        plan.make(&bench);
        let after = bench.decided(&questions);
        before.values().chain(after.values()).for_each(is_where_it_comes_from);
        agrees(&said, &before, &after);
        foretold.fetch_add(said.changes.len(), Ordering::Relaxed);
        Ok(())
    });
    node.stop();
    outcome.unwrap();
    assert!(foretold.into_inner() > 100, "the dice changed hardly anything");
}
