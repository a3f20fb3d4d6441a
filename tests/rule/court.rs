//! The program beside the oracle, over one tenant.

use std::collections::{BTreeMap, HashMap};

use freehold::domain::action::{EvaluateAccess, EvaluateOwnAccess, ListWorkspaces};
use freehold::domain::{
    AccountId, Call, Entity, EvaluationRequest, NamedAction, PageRequest, Permission, Resource,
    ResourceId, ResourceSort, Result, WorkspaceFilter, WorkspaceId,
};
use freehold::services::{access, workspaces};
use freehold::storage::TenantStore;
use serde_json::Value;

use crate::node::{Node, call_of, listed};
use crate::oracle::{Grant, Organisation, Person, Principal, Role, Team, Visibility};

/// The actions on a resource, and what each needs.
pub(crate) const ACTIONS: [(&str, Grant); 4] = [
    ("resource.read", Grant::Read),
    ("resource.update", Grant::Write),
    ("resource.delete", Grant::Admin),
    ("resource.share", Grant::Admin),
];

/// What somebody sees, and what they may do to each.
pub(crate) type Seen = BTreeMap<ResourceId, Grant>;

/// A question to the decision point: what may be done, to which resource of the organisation.
pub(crate) type Question = (&'static str, usize);

/// One tenant of a node, and what the page says of it.
pub(crate) struct Court {
    pub(crate) store: TenantStore,
    pub(crate) organisation: Organisation,
    /// The ids of the organisation's resources, in its order.
    pub(crate) ids: Vec<ResourceId>,
    accounts: HashMap<String, AccountId>,
    pub(crate) judge: Call,
}

impl Court {
    /// Finds every resource of the organisation in the tenant; the judge must see all.
    pub(crate) fn of(node: &Node, slug: &str, organisation: Organisation, judge: &str) -> Self {
        let (store, judge) = (node.store(slug), node.call(slug, judge));
        let names = workspace_names(&store, &judge);
        let there = listed(&store, &judge, ResourceSort::Created, 200).unwrap();
        assert_eq!(there.len(), organisation.resources.len(), "{slug} has all its resources");
        let key = |it: &Resource| {
            (it.kind.to_string(), names[&it.workspace_id].clone(), it.name.to_string())
        };
        let by_key: HashMap<_, _> = there.iter().map(|it| (key(it), it.id)).collect();
        let wanted = organisation.resources.iter();
        let ids = wanted
            .map(|it| by_key[&(it.kind.clone(), it.workspace.clone(), it.name.clone())])
            .collect();
        let accounts =
            organisation.people.keys().map(|name| (name.clone(), node.account(name))).collect();
        Self { store, organisation, ids, accounts, judge }
    }

    pub(crate) fn people(&self) -> Vec<&str> {
        self.organisation.people.keys().map(String::as_str).collect()
    }

    pub(crate) fn call(&self, person: &str) -> Call {
        call_of(Some(self.store.tenant()), self.accounts[person])
    }

    pub(crate) fn account(&self, person: &str) -> AccountId {
        self.accounts[person]
    }

    /// What the page lets somebody see.
    pub(crate) fn expected(&self, person: &str) -> Seen {
        let resources = self.organisation.resources.iter().zip(&self.ids);
        resources
            .filter_map(|(it, id)| Some((*id, self.organisation.permission(person, it)?)))
            .collect()
    }

    /// What the program lists for somebody: every row once, in the order that was asked for.
    pub(crate) fn listed(&self, person: &str, sort: ResourceSort, limit: u32) -> Result<Seen> {
        let found = listed(&self.store, &self.call(person), sort, limit)?;
        assert!(found.windows(2).all(|pair| follows(sort, &pair[0], &pair[1])), "{sort} {found:?}");
        Ok(found.iter().map(|it| (it.id, grant(it.permission))).collect())
    }

    /// The names of the workspaces that the page shows somebody.
    pub(crate) fn workspaces_expected(&self, person: &str) -> Vec<String> {
        let all = self.organisation.workspaces.keys();
        all.filter(|name| self.organisation.reaches(person, name)).cloned().collect()
    }

    /// The names of those that the program lists for somebody, in order.
    pub(crate) fn workspaces_listed(&self, person: &str) -> Vec<String> {
        let mut names: Vec<_> =
            workspace_names(&self.store, &self.call(person)).into_values().collect();
        names.sort();
        names
    }

    /// What the page answers.
    pub(crate) fn rightly(&self, person: &str, questions: &[Question]) -> Vec<bool> {
        let answer = |(action, index): &Question| {
            let (_, needed) = ACTIONS.iter().find(|(name, _)| name == action).unwrap();
            let resource = &self.organisation.resources[*index];
            self.organisation.permission(person, resource).is_some_and(|grant| grant >= *needed)
        };
        questions.iter().map(answer).collect()
    }

    /// What the decision point answers somebody about themselves, in one transaction.
    pub(crate) fn decided(&self, person: &str, questions: &[Question]) -> Result<Vec<bool>> {
        let tenant = self.store.tenant();
        self.store.read_blocking::<EvaluateOwnAccess, _>(&self.call(person), tenant, |tx| {
            let ask = |question: &Question| {
                let request = self.request(person, question);
                access::evaluate_own(tx, tenant, &request).map(|answer| answer.decision)
            };
            questions.iter().map(ask).collect()
        })
    }

    /// What it answers the judge about somebody.
    pub(crate) fn judged(&self, person: &str, questions: &[Question]) -> Vec<bool> {
        let tenant = self.store.tenant();
        let ask = |question: &Question| {
            let request = self.request(person, question);
            let answer = self.store.read_blocking::<EvaluateAccess, _>(&self.judge, tenant, |tx| {
                access::evaluate(tx, tenant, &request)
            });
            answer.unwrap().decision
        };
        questions.iter().map(ask).collect()
    }

    fn request(&self, person: &str, (action, index): &Question) -> EvaluationRequest {
        let entity =
            |kind: &str, id: String| Entity { kind: kind.to_owned(), id, properties: None };
        EvaluationRequest {
            subject: entity("account", self.accounts[person].to_string()),
            action: NamedAction { name: (*action).to_owned(), properties: None },
            resource: entity(
                &self.organisation.resources[*index].kind,
                self.ids[*index].to_string(),
            ),
            context: None,
        }
    }
}

fn workspace_names(store: &TenantStore, judge: &Call) -> HashMap<WorkspaceId, String> {
    let page = store.read_blocking::<ListWorkspaces, _>(judge, store.tenant(), |tx| {
        workspaces::list(tx, &WorkspaceFilter::default(), &PageRequest::first(200))
    });
    let page = page.unwrap();
    assert!(page.next.is_none(), "a test's organisation has 200 workspaces at most");
    page.items.into_iter().map(|it| (it.id, it.name.to_string())).collect()
}

fn follows(sort: ResourceSort, one: &Resource, other: &Resource) -> bool {
    let (one, other) = match sort {
        ResourceSort::CreatedDescending
        | ResourceSort::NameDescending
        | ResourceSort::UpdatedDescending => (other, one),
        _ => (one, other),
    };
    match sort {
        ResourceSort::Created | ResourceSort::CreatedDescending => {
            (one.created_at, one.id) < (other.created_at, other.id)
        }
        ResourceSort::Name | ResourceSort::NameDescending => {
            (&one.name, one.id) < (&other.name, other.id)
        }
        ResourceSort::Updated | ResourceSort::UpdatedDescending => {
            (one.updated_at, one.id) < (other.updated_at, other.id)
        }
    }
}

pub(crate) fn grant(permission: Permission) -> Grant {
    match permission {
        Permission::Read => Grant::Read,
        Permission::Write => Grant::Write,
        Permission::Admin => Grant::Admin,
    }
}

/// What a tenant of an import file means, by the page.
pub(crate) fn organisation(tenant: &Value) -> Organisation {
    let mut found = Organisation::default();
    let roles = [
        ("owners", Role::Owner),
        ("admins", Role::Admin),
        ("members", Role::Member),
        ("guests", Role::Guest),
    ];
    for (list, role) in roles {
        let people = strings(&tenant[list]);
        found.people.extend(people.map(|name| (name, Person { role, is_active: true })));
    }
    for team in items(&tenant["teams"]) {
        let places = Team {
            parent: team["parent"].as_str().map(str::to_owned),
            maintainers: strings(&team["maintainers"]).collect(),
            members: strings(&team["members"]).collect(),
        };
        found.teams.insert(text(&team["name"]), places);
    }
    for workspace in items(&tenant["workspaces"]) {
        found.workspaces.insert(text(&workspace["name"]), principal(&workspace["owner"]));
    }
    found.resources = items(&tenant["resources"]).map(resource).collect();
    found
}

fn resource(entry: &Value) -> crate::oracle::Resource {
    crate::oracle::Resource {
        kind: text(&entry["type"]),
        workspace: text(&entry["workspace"]),
        name: text(&entry["name"]),
        visibility: match entry["visibility"].as_str().unwrap() {
            "private" => Visibility::Private,
            "workspace" => Visibility::Workspace,
            _ => Visibility::Tenant,
        },
        owner: None,
        acl: items(&entry["acl"]).map(|entry| (principal(entry), permission(entry))).collect(),
    }
}

fn principal(entry: &Value) -> Principal {
    match (entry["team"].as_str(), entry["account"].as_str()) {
        (Some(team), _) => Principal::Team(team.to_owned()),
        (_, Some(account)) => Principal::Account(account.to_owned()),
        _ => Principal::Tenant,
    }
}

fn permission(entry: &Value) -> Grant {
    match entry["permission"].as_str().unwrap() {
        "read" => Grant::Read,
        "write" => Grant::Write,
        _ => Grant::Admin,
    }
}

pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

pub(crate) fn strings(list: &Value) -> impl Iterator<Item = String> {
    items(list).map(text)
}

fn text(word: &Value) -> String {
    word.as_str().unwrap().to_owned()
}
