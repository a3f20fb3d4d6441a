//! Organisations, as dice throw them.
//!
//! `FREEHOLD_SEED`, in hexadecimal, brings back those of a run that failed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::oracle::{
    CustomRole, Grant, Organisation, Person, Principal, Resource, Role, Team, Visibility,
};

/// Somebody who is always an active owner.
pub(crate) const KEEPER: &str = "keeper";
const DEPTH: usize = 4;

/// What becomes of a membership after everything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
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

/// A custom role's patterns, by number, and who has it.
type RoleDraft = (usize, Vec<(usize, usize)>);

/// What custom roles are made of.
const PATTERNS: &[&[&str]] = &[
    &["resource.read"],
    &["resource.read", "resource.update"],
    &["resource.*"],
    &["workspace.read"],
    &["workspace.*", "resource.read"],
    &["team.*"],
    &["resource.create"],
    &["*"],
];

/// An organisation, as dice throw it: numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    people: Vec<(Role, Fate)>,
    teams: Vec<TeamDraft>,
    workspaces: Vec<(usize, usize)>,
    resources: Vec<ResourceDraft>,
    roles: Vec<RoleDraft>,
}

pub(crate) fn draft() -> impl Strategy<Value = Draft> {
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
        vec((0..PATTERNS.len(), vec((0..5_usize, any()), 0..3)), 0..3),
    );
    parts.prop_map(|(people, teams, workspaces, resources, roles)| Draft {
        people,
        teams,
        workspaces,
        resources,
        roles,
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
    pub(crate) fn organisation(&self) -> Organisation {
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
        for (index, (patterns, holders)) in self.roles.iter().enumerate() {
            let holders = holders.iter().map(|(kind, whose)| self.principal(*kind, *whose));
            let role =
                CustomRole { patterns: PATTERNS[*patterns].to_vec(), holders: holders.collect() };
            made.roles.insert(format!("role-{index}"), role);
        }
        made
    }

    pub(crate) fn fates(&self) -> BTreeMap<String, (Role, Fate)> {
        self.people.iter().enumerate().map(|(index, fate)| (person(index), *fate)).collect()
    }
}

fn team(index: usize) -> String {
    format!("team-{index}")
}

fn depth(made: &Organisation, name: &str) -> usize {
    1 + made.teams[name].parent.as_deref().map_or(0, |parent| depth(made, parent))
}

/// What the page makes of it: whoever is not active may nothing, and whoever was removed lost what
/// they were given by name.
pub(crate) fn settle(made: &mut Organisation, fates: &BTreeMap<String, (Role, Fate)>) {
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
            for role in made.roles.values_mut() {
                role.holders.remove(&Principal::Account(name.clone()));
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

/// Throws the dice as often as is asked for, or as a long run is to.
pub(crate) fn runner(cases: u32, in_a_long_run: u32) -> TestRunner {
    let is_long = std::env::var_os("FREEHOLD_LONG").is_some_and(|it| it == "1");
    let cases = if is_long { in_a_long_run } else { cases };
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed()))
}
