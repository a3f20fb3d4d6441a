//! Made-up organisations: list, decision point and page agree for everybody, in every order, on
//! pages of every size.
//!
//! An organisation is written by the program's own services, as people would. With
//! `FREEHOLD_LONG=1` there are a thousand of them; `FREEHOLD_SEED`, in hexadecimal, brings back
//! those of a run that failed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::action::{
    CreateMember, CreateResource, DeleteMember, ReadMember, ShareResource, SuspendMember,
    UpdateMember,
};
use freehold::domain::{
    Call, Error, MemberId, Name, NewMember, NewResource, Permission, Precondition, PrincipalId,
    ResourceId, ResourceSort, ResourceTypeName, Word, WorkspaceId,
};
use freehold::services::{acl, members, resources};
use freehold::storage::TenantStore;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::court::{ACTIONS, Court, Question, organisation};
use crate::node::{Node, listed};
use crate::oracle::{Grant, Organisation, Person, Principal, Resource, Role, Team, Visibility};

/// Somebody who is always an active owner.
const KEEPER: &str = "keeper";
const DEPTH: usize = 4;

/// What becomes of a membership after everything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Suspended,
    Removed,
    /// Removed, and added again.
    Returned,
}

/// A team's parent and places.
type TeamDraft = (Option<usize>, Vec<(usize, bool)>);

/// A resource's workspace, visibility, owner and entries.
type ResourceDraft = (usize, Visibility, Option<usize>, Vec<(usize, usize, Grant)>);

/// An organisation, as dice throw it: numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
struct Draft {
    people: Vec<(Role, Fate)>,
    teams: Vec<TeamDraft>,
    workspaces: Vec<(usize, usize)>,
    resources: Vec<ResourceDraft>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let role = prop_oneof![
        1 => Just(Role::Owner),
        1 => Just(Role::Admin),
        5 => Just(Role::Member),
        3 => Just(Role::Guest),
    ];
    let fate = prop_oneof![
        6 => Just(Fate::Stays),
        1 => Just(Fate::Suspended),
        1 => Just(Fate::Removed),
        1 => Just(Fate::Returned),
    ];
    let visibility = prop_oneof![
        Just(Visibility::Private),
        Just(Visibility::Workspace),
        Just(Visibility::Tenant),
    ];
    let grant = prop_oneof![Just(Grant::Read), Just(Grant::Write), Just(Grant::Admin)];
    let any = || 0..1000_usize;
    let team = (proptest::option::weighted(0.7, any()), vec((any(), proptest::bool::ANY), 0..4));
    let owner = proptest::option::weighted(0.3, any());
    let resource = (any(), visibility, owner, vec((0..5_usize, any(), grant), 0..4));
    let parts = (
        vec((role, fate), 2..7),
        vec(team, 0..6),
        vec((0..3_usize, any()), 1..5),
        vec(resource, 0..12),
    );
    parts.prop_map(|(people, teams, workspaces, resources)| Draft {
        people,
        teams,
        workspaces,
        resources,
    })
}

fn person(index: usize) -> String {
    format!("person-{index}")
}

impl Draft {
    fn someone(&self, index: usize) -> String {
        person(index % self.people.len())
    }

    fn principal(&self, kind: usize, index: usize) -> Principal {
        match kind {
            0 => Principal::Tenant,
            1 | 3 if !self.teams.is_empty() => Principal::Team(team(index % self.teams.len())),
            _ => Principal::Account(self.someone(index)),
        }
    }

    /// The organisation as it is before anybody is suspended or removed.
    fn organisation(&self) -> Organisation {
        let mut made = Organisation::default();
        made.people.insert(KEEPER.to_owned(), Person { role: Role::Owner, is_active: true });
        for (index, (role, _)) in self.people.iter().enumerate() {
            made.people.insert(person(index), Person { role: *role, is_active: true });
        }
        for (index, (parent, places)) in self.teams.iter().enumerate() {
            let parent = parent.filter(|_| index > 0).map(|parent| team(parent % index));
            let parent = parent.filter(|parent| depth(&made, parent) < DEPTH);
            let mut new = Team { parent, ..Team::default() };
            for (index, maintains) in places {
                let somebody = self.someone(*index);
                if *maintains {
                    new.members.remove(&somebody);
                    new.maintainers.insert(somebody);
                } else if !new.maintainers.contains(&somebody) {
                    new.members.insert(somebody);
                }
            }
            made.teams.insert(team(index), new);
        }
        for (index, (kind, whose)) in self.workspaces.iter().enumerate() {
            made.workspaces.insert(format!("workspace-{index}"), self.principal(*kind, *whose));
        }
        for (index, (workspace, visibility, owner, acl)) in self.resources.iter().enumerate() {
            let acl =
                acl.iter().map(|(kind, whose, grant)| (self.principal(*kind, *whose), *grant));
            made.resources.push(Resource {
                kind: if index % 3 == 0 { "prompt" } else { "model" }.to_owned(),
                workspace: format!("workspace-{}", workspace % self.workspaces.len()),
                name: format!("resource-{}", (index * 7) % 12),
                visibility: *visibility,
                owner: owner.map(|owner| self.someone(owner)),
                acl: acl.collect(),
            });
        }
        made
    }

    fn fates(&self) -> BTreeMap<String, (Role, Fate)> {
        self.people.iter().enumerate().map(|(index, fate)| (person(index), *fate)).collect()
    }
}

fn team(index: usize) -> String {
    format!("team-{index}")
}

fn depth(made: &Organisation, name: &str) -> usize {
    1 + made.teams[name].parent.as_deref().map_or(0, |parent| depth(made, parent))
}

/// The part of an organisation that an import file can say. Whoever owns something begins as an
/// administrator, who may make resources everywhere.
fn import_file(slug: &str, made: &Organisation) -> Value {
    let owns = |name: &str| made.resources.iter().any(|it| it.owner.as_deref() == Some(name));
    let begins = |name: &str, person: &Person| match person.role {
        Role::Member | Role::Guest if owns(name) => Role::Admin,
        role => role,
    };
    let with = |role: Role| -> Vec<&String> {
        let people = made.people.iter().filter(|(name, person)| begins(name, person) == role);
        people.map(|(name, _)| name).collect()
    };
    let teams = made.teams.iter().map(|(name, team)| {
        json!({"name": name, "parent": team.parent, "maintainers": team.maintainers,
            "members": team.members})
    });
    let workspaces = made.workspaces.iter();
    let workspaces =
        workspaces.map(|(name, owner)| json!({"name": name, "owner": principal(owner)}));
    let unowned = made.resources.iter().filter(|it| it.owner.is_none());
    let resources = unowned.map(|it| {
        let named = it.acl.iter().filter(|(who, _)| **who != Principal::Tenant);
        let acl = named.map(|(who, grant)| {
            let mut entry = principal(who);
            entry["permission"] = json!(permission(*grant));
            entry
        });
        json!({"type": it.kind, "workspace": it.workspace, "name": it.name,
            "visibility": word(it.visibility), "acl": acl.collect::<Vec<_>>()})
    });
    json!({"format": "freehold-import/1", "tenants": [{"slug": slug, "name": slug,
        "owners": with(Role::Owner), "admins": with(Role::Admin), "members": with(Role::Member),
        "guests": with(Role::Guest), "teams": teams.collect::<Vec<_>>(),
        "workspaces": workspaces.collect::<Vec<_>>(), "resources": resources.collect::<Vec<_>>()}]})
}

fn principal(principal: &Principal) -> Value {
    match principal {
        Principal::Tenant => json!("tenant"),
        Principal::Team(name) => json!({"team": name}),
        Principal::Account(name) => json!({"account": name}),
    }
}

fn permission(grant: Grant) -> Permission {
    match grant {
        Grant::Read => Permission::Read,
        Grant::Write => Permission::Write,
        Grant::Admin => Permission::Admin,
    }
}

fn word(visibility: Visibility) -> freehold::domain::Visibility {
    match visibility {
        Visibility::Private => freehold::domain::Visibility::Private,
        Visibility::Workspace => freehold::domain::Visibility::Workspace,
        Visibility::Tenant => freehold::domain::Visibility::Tenant,
    }
}

fn role(role: Role) -> freehold::domain::Role {
    match role {
        Role::Owner => freehold::domain::Role::Owner,
        Role::Admin => freehold::domain::Role::Admin,
        Role::Member => freehold::domain::Role::Member,
        Role::Guest => freehold::domain::Role::Guest,
    }
}

/// Writes an organisation into a tenant of its own, and what becomes of its people.
struct Author<'a> {
    node: &'a Node,
    slug: &'a str,
    store: TenantStore,
    keeper: Call,
}

impl<'a> Author<'a> {
    fn new(node: &'a Node, slug: &'a str) -> Self {
        Self { node, slug, store: node.store(slug), keeper: node.call(slug, KEEPER) }
    }

    /// What the import file cannot say: owners of resources, and what is shared with the tenant.
    fn resources(&self, made: &Organisation) {
        let workspaces = self.workspaces();
        for it in made.resources.iter().filter(|it| it.owner.is_some()) {
            let id = self.owned(it, workspaces[&it.workspace]);
            it.acl.iter().for_each(|(who, grant)| self.share(id, who, *grant));
        }
        let there = listed(&self.store, &self.keeper, ResourceSort::Created, 200).unwrap();
        let everyone = Principal::Tenant;
        for it in made.resources.iter().filter(|it| it.owner.is_none()) {
            let is_it = |found: &&freehold::domain::Resource| {
                found.name.as_str() == it.name
                    && found.kind.as_str() == it.kind
                    && found.workspace_id == workspaces[&it.workspace]
            };
            let id = there.iter().find(is_it).unwrap().id;
            it.acl.get(&everyone).into_iter().for_each(|grant| self.share(id, &everyone, *grant));
        }
    }

    fn workspaces(&self) -> BTreeMap<String, WorkspaceId> {
        use freehold::domain::{PageRequest, WorkspaceFilter, action::ListWorkspaces};
        let tenant = self.store.tenant();
        let page = self.store.read_blocking::<ListWorkspaces, _>(&self.keeper, tenant, |tx| {
            let filter = WorkspaceFilter::default();
            freehold::services::workspaces::list(tx, &filter, &PageRequest::first(200))
        });
        page.unwrap().items.into_iter().map(|it| (it.name.to_string(), it.id)).collect()
    }

    /// A resource belongs to whoever makes it.
    fn owned(&self, it: &Resource, workspace: WorkspaceId) -> ResourceId {
        let new = NewResource {
            kind: ResourceTypeName::parse(it.kind.as_str()).unwrap(),
            workspace_id: workspace,
            name: Name::parse(it.name.as_str()).unwrap(),
            visibility: Some(word(it.visibility)),
            attributes: None,
        };
        let owner = self.node.call(self.slug, it.owner.as_deref().unwrap());
        let made =
            self.store.write_blocking::<CreateResource, _, _>(&owner, workspace, move |tx| {
                resources::create(tx, &new).map(|it| it.id)
            });
        made.unwrap()
    }

    fn share(&self, id: ResourceId, who: &Principal, grant: Grant) {
        let who: PrincipalId = match who {
            Principal::Tenant => self.store.tenant().into(),
            Principal::Account(name) => self.node.account(name).into(),
            Principal::Team(name) => self.team(name),
        };
        let shared =
            self.store.write_blocking::<ShareResource, _, _>(&self.keeper, id, move |tx| {
                acl::put(tx, id, who, permission(grant), Precondition::Absent)
            });
        shared.unwrap();
    }

    fn team(&self, name: &str) -> PrincipalId {
        use freehold::domain::{PageRequest, SearchText, TeamFilter, action::ListTeams};
        let tenant = self.store.tenant();
        let prefix = Some(SearchText::parse(name).unwrap());
        let filter = TeamFilter { name_prefix: prefix, ..TeamFilter::default() };
        let page = self.store.read_blocking::<ListTeams, _>(&self.keeper, tenant, |tx| {
            freehold::services::teams::list(tx, &filter, &PageRequest::first(200))
        });
        page.unwrap().items.into_iter().find(|it| it.name.as_str() == name).unwrap().id.into()
    }

    /// Gives everybody the role that they shall have, and lets happen to them what shall.
    fn people(&self, fates: &BTreeMap<String, (Role, Fate)>) {
        for (name, (role, fate)) in fates {
            self.role(name, *role);
            match fate {
                Fate::Stays => {}
                Fate::Suspended => self.suspend(name),
                Fate::Removed => self.remove(name),
                Fate::Returned => {
                    self.remove(name);
                    self.add(name, *role);
                }
            }
        }
    }

    fn member(&self, name: &str) -> freehold::domain::Member {
        let account = self.node.account(name);
        let read =
            self.store.read_blocking::<ReadMember, _>(&self.keeper, MemberId(account), |tx| {
                members::read(tx, account)
            });
        read.unwrap()
    }

    fn role(&self, name: &str, wanted: Role) {
        let (member, wanted) = (self.member(name), role(wanted));
        if member.role == wanted {
            return;
        }
        let (account, version) = (member.account_id, member.version);
        let target = MemberId(account);
        let updated =
            self.store.write_blocking::<UpdateMember, _, _>(&self.keeper, target, move |tx| {
                members::update(tx, account, wanted, version)
            });
        updated.unwrap();
    }

    fn suspend(&self, name: &str) {
        let account = self.node.account(name);
        let target = MemberId(account);
        let done =
            self.store.write_blocking::<SuspendMember, _, _>(&self.keeper, target, move |tx| {
                members::suspend(tx, account)
            });
        done.unwrap();
    }

    fn remove(&self, name: &str) {
        let (account, version) = (self.node.account(name), self.member(name).version);
        let target = MemberId(account);
        let done =
            self.store.write_blocking::<DeleteMember, _, _>(&self.keeper, target, move |tx| {
                members::delete(tx, account, version)
            });
        done.unwrap();
    }

    fn add(&self, name: &str, wanted: Role) {
        let new = NewMember { account_id: self.node.account(name), role: role(wanted) };
        let (called, tenant) = (Name::parse(name).unwrap(), self.store.tenant());
        let done =
            self.store.write_blocking::<CreateMember, _, _>(&self.keeper, tenant, move |tx| {
                members::create(tx, &new, Some(&called))
            });
        done.unwrap();
    }
}

/// What the page makes of it: whoever is not active may nothing, and whoever was removed lost what
/// they were given by name.
fn settle(made: &mut Organisation, fates: &BTreeMap<String, (Role, Fate)>) {
    for (name, (_, fate)) in fates {
        made.people.get_mut(name).unwrap().is_active = matches!(fate, Fate::Stays | Fate::Returned);
        if matches!(fate, Fate::Removed | Fate::Returned) {
            for team in made.teams.values_mut() {
                team.maintainers.remove(name);
                team.members.remove(name);
            }
            for resource in &mut made.resources {
                resource.acl.remove(&Principal::Account(name.clone()));
            }
        }
    }
}

/// List, decision point and page agree for everybody.
fn agree(court: &Court, sizes: std::ops::RangeInclusive<u32>) {
    let questions: Vec<Question> = (0..court.ids.len())
        .flat_map(|index| ACTIONS.iter().map(move |(name, _)| (*name, index)))
        .collect();
    for person in court.people() {
        let (expected, right) = (court.expected(person), court.rightly(person, &questions));
        assert_eq!(court.judged(person, &questions), right, "of {person}");
        if !court.organisation.people[person].is_active {
            let nothing = court.listed(person, ResourceSort::Created, 200);
            assert_eq!(nothing.unwrap_err(), Error::NotFound, "to {person}");
            assert_eq!(
                court.decided(person, &questions).unwrap_err(),
                Error::NotFound,
                "to {person}"
            );
            continue;
        }
        assert_eq!(court.decided(person, &questions).unwrap(), right, "to {person}");
        for sort in ResourceSort::ALL {
            for limit in sizes.clone() {
                let seen = court.listed(person, *sort, limit).unwrap();
                assert_eq!(seen, expected, "{person} by {sort}, {limit} on a page");
            }
        }
    }
}

fn seed() -> [u8; 32] {
    let given = std::env::var_os("FREEHOLD_SEED").map(|seed| seed.into_string().unwrap());
    let number = match &given {
        Some(seed) => u64::from_str_radix(seed, 16).unwrap(),
        None => RandomState::new().hash_one("a seed"),
    };
    let mut people = std::io::stderr();
    writeln!(people, "FREEHOLD_SEED={number:016x}").unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

#[test]
fn list_decision_point_and_page_agree_about_random_organizations() {
    let cases =
        if std::env::var_os("FREEHOLD_LONG").is_some_and(|it| it == "1") { 1000 } else { 24 };
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed());
    let node = Node::new();
    let number = AtomicUsize::new(0);
    let outcome = TestRunner::new_with_rng(config, rng).run(&draft(), |draft| {
        let slug = format!("random-{}", number.fetch_add(1, Ordering::Relaxed));
        let (mut made, fates) = (draft.organisation(), draft.fates());
        node.import(&import_file(&slug, &made));
        let author = Author::new(&node, &slug);
        author.resources(&made);
        author.people(&fates);
        settle(&mut made, &fates);
        agree(&Court::of(&node, &slug, made, KEEPER), 1..=3);
        Ok(())
    });
    node.stop();
    outcome.unwrap();
}

/// Rows of which the policy view looks up what it finds, at most.
const FEW: usize = 500;
const MANY: usize = 1500;

/// A tenant of many resources, in which one sees all, one much, one little, one nothing, and two
/// just as many as make the difference between few and many.
fn large(later: usize) -> Value {
    let resource = |number: usize| {
        let (visibility, workspace) = match number % 5 {
            0 | 1 => ("tenant", "everyone"),
            2 => ("workspace", "everyone"),
            3 => ("private", "everyone"),
            _ => ("private", "workshop"),
        };
        let grants = [
            ("exactly few", "read", number < FEW),
            ("one more", "write", number <= FEW),
            ("later", "read", number < later),
        ];
        let mut acl: Vec<Value> = grants
            .iter()
            .filter(|(.., given)| *given)
            .map(|(team, permission, _)| json!({"team": team, "permission": permission}))
            .collect();
        if number % 500 == 3 {
            acl.push(json!({"account": "little", "permission": "admin"}));
        }
        json!({"type": "prompt", "workspace": workspace, "name": format!("resource {number:04}"),
            "visibility": visibility, "acl": acl})
    };
    let team = |name: &str, member: &str| json!({"name": name, "members": [member]});
    json!({"format": "freehold-import/1", "tenants": [{"slug": "large", "name": "Large",
        "owners": [KEEPER], "members": ["much"],
        "guests": ["little", "nothing", "edge", "beyond", "latecomer"],
        "teams": [team("exactly few", "edge"), team("one more", "beyond"),
            team("later", "latecomer"),
            team("workshop", "much")],
        "workspaces": [{"name": "everyone", "owner": "tenant"},
            {"name": "workshop", "owner": {"team": "workshop"}}],
        "resources": (0..MANY).map(resource).collect::<Vec<_>>()}]})
}

fn large_court(node: &Node, file: &Value) -> Court {
    Court::of(node, "large", organisation(&file["tenants"][0]), KEEPER)
}

/// List and decision point beside the page, for somebody who sees this many.
fn agrees_on(court: &Court, person: &str, many: usize) {
    let expected = court.expected(person);
    assert_eq!(expected.len(), many, "{person}");
    let questions: Vec<Question> = (0..MANY).map(|index| (ACTIONS[index % 4].0, index)).collect();
    let said = court.decided(person, &questions).unwrap();
    assert!(said == court.rightly(person, &questions), "{person}");
    for sort in ResourceSort::ALL {
        for limit in [7, 200] {
            let seen = court.listed(person, *sort, limit).unwrap();
            assert!(seen == expected, "{person} by {sort}, {limit} on a page");
        }
    }
}

#[test]
fn both_shapes_of_the_policy_view_show_the_same_rows() {
    let node = Node::new();
    let file = large(0);
    node.import(&file);
    let court = large_court(&node, &file);
    let sees = [
        (KEEPER, MANY),
        ("much", MANY * 4 / 5),
        ("little", 3),
        ("nothing", 0),
        ("edge", FEW),
        ("beyond", FEW + 1),
        ("latecomer", 0),
    ];
    for (person, count) in sees {
        agrees_on(&court, person, count);
    }
    drop(court);
    node.stop();
}

#[test]
fn somebody_who_comes_to_see_much_more_sees_it_whatever_was_guessed_before() {
    let node = Node::new();
    let file = large(0);
    node.import(&file);
    agrees_on(&large_court(&node, &file), "latecomer", 0);
    for count in [FEW + 100, MANY] {
        let file = large(count);
        node.import(&file);
        agrees_on(&large_court(&node, &file), "latecomer", count);
    }
    node.stop();
}
