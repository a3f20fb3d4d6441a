//! The row rule, read from the page and written down again: who may do what to a resource, over
//! plain data.
//!
//! Shares nothing with the program: no statement, no type, no idea. Where the two differ, one of
//! them misread the page.

use std::collections::{BTreeMap, BTreeSet};

/// What somebody may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    Read,
    Write,
    Admin,
}

/// What a member is in the tenant as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Owner,
    Admin,
    Member,
    Guest,
}

/// Who sees a resource apart from those whom it is shared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    Private,
    Workspace,
    Tenant,
}

/// Whatever a workspace can belong to, or a resource be shared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Principal {
    Tenant,
    Team(String),
    Account(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) role: Role,
    /// Neither suspended nor removed.
    pub(crate) is_active: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Team {
    pub(crate) parent: Option<String>,
    pub(crate) maintainers: BTreeSet<String>,
    pub(crate) members: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) kind: String,
    pub(crate) workspace: String,
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    /// A person, or nobody.
    pub(crate) owner: Option<String>,
    pub(crate) acl: BTreeMap<Principal, Grant>,
}

/// What somebody permits whoever has it, everywhere in the tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct CustomRole {
    /// `*`, `noun.*`, or one action.
    pub(crate) patterns: Vec<&'static str>,
    pub(crate) holders: BTreeSet<Principal>,
}

/// One tenant, by names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Organisation {
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) teams: BTreeMap<String, Team>,
    pub(crate) workspaces: BTreeMap<String, Principal>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) roles: BTreeMap<String, CustomRole>,
}

/// What the actions on every resource come to: each grant needs those before it.
const STEPS: [(Grant, &[&str]); 3] = [
    (Grant::Read, &["resource.read"]),
    (Grant::Write, &["resource.update"]),
    (Grant::Admin, &["resource.delete", "resource.share"]),
];

impl Organisation {
    /// What a person may do to a resource: the highest of everything that any source gives.
    pub(crate) fn permission(&self, person: &str, resource: &Resource) -> Option<Grant> {
        let role = self.people.get(person).filter(|somebody| somebody.is_active)?.role;
        let shared = resource.acl.iter();
        let shared = shared.filter(|(principal, _)| self.contains(principal, person));
        let mut sources: Vec<Option<Grant>> = shared.map(|(_, grant)| Some(*grant)).collect();
        sources.push(matches!(role, Role::Owner | Role::Admin).then_some(Grant::Admin));
        sources.push((resource.owner.as_deref() == Some(person)).then_some(Grant::Admin));
        sources.push(self.by_custom_roles(person));
        sources.push(self.by_workspace(person, resource));
        sources.push(self.by_visibility(person, resource));
        sources.into_iter().flatten().max()
    }

    /// Whether custom roles permit a person an action.
    pub(crate) fn covers(&self, person: &str, action: &str) -> bool {
        let covers = |pattern: &str| match pattern.strip_suffix(".*") {
            Some(noun) => action.split('.').next() == Some(noun),
            None => pattern == "*" || pattern == action,
        };
        let is_active = self.people.get(person).is_some_and(|somebody| somebody.is_active);
        let roles = self.roles.values();
        let mut held =
            roles.filter(|role| role.holders.iter().any(|holder| self.contains(holder, person)));
        is_active && held.any(|role| role.patterns.iter().any(|pattern| covers(pattern)))
    }

    fn by_custom_roles(&self, person: &str) -> Option<Grant> {
        let all = |actions: &&[&str]| actions.iter().all(|action| self.covers(person, action));
        let reached = STEPS.iter().take_while(|(_, actions)| all(actions));
        reached.last().map(|(grant, _)| *grant)
    }

    /// Whether a person is shown a workspace.
    pub(crate) fn reaches(&self, person: &str, workspace: &str) -> bool {
        let somebody = self.people.get(person).filter(|somebody| somebody.is_active);
        somebody.is_some_and(|somebody| {
            matches!(somebody.role, Role::Owner | Role::Admin)
                || self.contains(&self.workspaces[workspace], person)
                || self.covers(person, "workspace.read")
        })
    }

    /// Everything that stands for a person; nothing does for whoever is not active.
    pub(crate) fn principals(&self, person: &str) -> BTreeSet<Principal> {
        if !self.people.get(person).is_some_and(|somebody| somebody.is_active) {
            return BTreeSet::new();
        }
        let teams = self.teams.keys().cloned().map(Principal::Team);
        let others = [Principal::Tenant, Principal::Account(person.to_owned())];
        teams.chain(others).filter(|principal| self.contains(principal, person)).collect()
    }

    /// Whether a principal stands for a person: the account itself, a team of theirs or one above
    /// it, the tenant, which has no guests.
    fn contains(&self, principal: &Principal, person: &str) -> bool {
        match principal {
            Principal::Account(account) => account == person,
            Principal::Team(team) => self.lineages(person).contains(team),
            Principal::Tenant => self
                .people
                .get(person)
                .is_some_and(|somebody| somebody.is_active && somebody.role != Role::Guest),
        }
    }

    /// The teams that a person has a place in, and every team above those.
    fn lineages(&self, person: &str) -> BTreeSet<String> {
        let has_place =
            |team: &Team| team.maintainers.contains(person) || team.members.contains(person);
        let mut found = BTreeSet::new();
        for (name, _) in self.teams.iter().filter(|(_, team)| has_place(team)) {
            let mut next = Some(name);
            while let Some(name) = next {
                next = self.teams[name].parent.as_ref();
                found.insert(name.clone());
            }
        }
        found
    }

    fn by_workspace(&self, person: &str, resource: &Resource) -> Option<Grant> {
        match &self.workspaces[&resource.workspace] {
            Principal::Account(account) => (account == person).then_some(Grant::Admin),
            Principal::Team(name) if self.teams[name].maintainers.contains(person) => {
                Some(Grant::Admin)
            }
            Principal::Team(name) => self.lineages(person).contains(name).then_some(Grant::Write),
            Principal::Tenant => None,
        }
    }

    fn by_visibility(&self, person: &str, resource: &Resource) -> Option<Grant> {
        let sees = match resource.visibility {
            Visibility::Private => false,
            Visibility::Workspace => self.contains(&self.workspaces[&resource.workspace], person),
            Visibility::Tenant => self.contains(&Principal::Tenant, person),
        };
        sees.then_some(Grant::Read)
    }
}

mod tests {
    use super::*;

    /// A tenant with a team `inner` in a team `outer`, and one person in each role and place.
    fn tenant(
        holder: Principal,
        visibility: Visibility,
        acl: &[(Principal, Grant)],
    ) -> Organisation {
        let person = |role| Person { role, is_active: true };
        let places = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let outer = Team { maintainers: places(&["keeper"]), ..Team::default() };
        let inner = Team {
            parent: Some("outer".to_owned()),
            maintainers: places(&["head"]),
            members: places(&["hand", "visitor"]),
        };
        Organisation {
            people: [
                ("boss", person(Role::Owner)),
                ("clerk", person(Role::Admin)),
                ("keeper", person(Role::Member)),
                ("head", person(Role::Member)),
                ("hand", person(Role::Member)),
                ("other", person(Role::Member)),
                ("visitor", person(Role::Guest)),
                ("alien", person(Role::Guest)),
                ("gone", Person { role: Role::Owner, is_active: false }),
            ]
            .map(|(name, person)| (name.to_owned(), person))
            .into(),
            teams: [("outer".to_owned(), outer), ("inner".to_owned(), inner)].into(),
            workspaces: [("w".to_owned(), holder)].into(),
            resources: vec![Resource {
                kind: "document".to_owned(),
                workspace: "w".to_owned(),
                name: "r".to_owned(),
                visibility,
                owner: None,
                acl: acl.iter().cloned().collect(),
            }],
            roles: BTreeMap::new(),
        }
    }

    const PEOPLE: [&str; 9] =
        ["boss", "clerk", "keeper", "head", "hand", "other", "visitor", "alien", "gone"];

    fn letters(organisation: &Organisation) -> String {
        let letter =
            |person: &&str| match organisation.permission(person, &organisation.resources[0]) {
                None => '-',
                Some(Grant::Read) => 'r',
                Some(Grant::Write) => 'w',
                Some(Grant::Admin) => 'a',
            };
        PEOPLE.iter().map(letter).collect()
    }

    /// A workspace's owner, a visibility, entries, and what each person may.
    type Case<'a> = (Principal, Visibility, &'a [(Principal, Grant)], &'a str);

    #[test]
    fn the_rule_says_what_the_page_says_case_by_case() {
        use Visibility::{Private, Tenant, Workspace};
        let team = |name: &str| Principal::Team(name.to_owned());
        let account = |name: &str| Principal::Account(name.to_owned());
        let everyone = || Principal::Tenant;
        let cases: [Case; 12] = [
            (everyone(), Private, &[], "aa-------"),
            (everyone(), Workspace, &[], "aarrrr---"),
            (everyone(), Tenant, &[], "aarrrr---"),
            (team("inner"), Private, &[], "aa-aw-w--"),
            (team("inner"), Tenant, &[], "aarawrw--"),
            (team("outer"), Workspace, &[], "aaaww-w--"),
            (account("alien"), Private, &[], "aa-----a-"),
            (account("gone"), Workspace, &[], "aa-------"),
            (everyone(), Private, &[(everyone(), Grant::Write)], "aawwww---"),
            (everyone(), Private, &[(team("outer"), Grant::Read)], "aarrr-r--"),
            (everyone(), Private, &[(team("inner"), Grant::Admin)], "aa-aa-a--"),
            (everyone(), Tenant, &[(account("gone"), Grant::Admin)], "aarrrr---"),
        ];
        for (holder, visibility, acl, expected) in cases {
            let organisation = tenant(holder.clone(), visibility, acl);
            assert_eq!(letters(&organisation), expected, "{holder:?} {visibility:?} {acl:?}");
        }
    }

    #[test]
    fn custom_roles_reach_whom_they_are_given_to_and_come_to_the_highest_whole_step() {
        let team = || Principal::Team("outer".to_owned());
        let cases: [(Principal, &[&'static str], &str); 8] = [
            (Principal::Tenant, &["resource.read"], "aarrrr---"),
            (team(), &["resource.read"], "aarrr-r--"),
            (team(), &["resource.read", "resource.update"], "aawww-w--"),
            (team(), &["resource.*"], "aaaaa-a--"),
            (team(), &["resource.read", "resource.delete"], "aarrr-r--"),
            (Principal::Account("alien".to_owned()), &["*"], "aa-----a-"),
            (Principal::Account("gone".to_owned()), &["*"], "aa-------"),
            (Principal::Tenant, &["workspace.*", "team.list"], "aa-------"),
        ];
        for (holder, patterns, expected) in cases {
            let mut organisation = tenant(Principal::Tenant, Visibility::Private, &[]);
            let role = CustomRole { patterns: patterns.to_vec(), holders: [holder].into() };
            organisation.roles.insert("role".to_owned(), role);
            assert_eq!(letters(&organisation), expected, "{patterns:?}");
        }
    }
}
