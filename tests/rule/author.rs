//! Writes an organisation by the program's own services, as people would.

use std::collections::BTreeMap;

use freehold::domain::action::{
    CreateMember, CreateResource, CreateRole, DeleteMember, ReadMember, ShareResource,
    SuspendMember, UpdateMember, UpdateRoleAssignment,
};
use freehold::domain::{
    ActionPattern, Call, MemberId, Name, NewMember, NewResource, NewRole, Permission, Precondition,
    PrincipalId, ResourceId, ResourceSort, ResourceTypeName, WorkspaceId,
};
use freehold::services::{acl, members, resources, role_assignments, roles};
use freehold::storage::TenantStore;
use serde_json::{Value, json};

use crate::court::Court;
use crate::draft::{Draft, Fate, KEEPER, settle};
use crate::node::{Node, listed};
use crate::oracle::{Grant, Organisation, Person, Principal, Resource, Role, Visibility};

/// Writes a draft into a tenant of its own, and what becomes of its people.
pub(crate) fn write(node: &Node, slug: &str, draft: &Draft) -> Court {
    let (mut made, fates) = (draft.organisation(), draft.fates());
    node.import(&import_file(slug, &made));
    let author = Author::new(node, slug);
    author.resources(&made);
    author.roles(&made);
    author.people(&fates);
    settle(&mut made, &fates);
    Court::of(node, slug, made, KEEPER)
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

    /// Custom roles, and who has them.
    fn roles(&self, made: &Organisation) {
        let (keeper, tenant) = (&self.keeper, self.store.tenant());
        for (name, role) in &made.roles {
            let patterns = role.patterns.iter();
            let new = NewRole {
                name: Name::parse(name.as_str()).unwrap(),
                description: None,
                permissions: patterns.map(|it| ActionPattern::parse(*it).unwrap()).collect(),
            };
            let made = self.store.write_blocking::<CreateRole, _, _>(keeper, tenant, move |tx| {
                roles::create(tx, &new).map(|it| it.id)
            });
            let id = made.unwrap();
            for who in role.holders.iter().map(|holder| self.principal(holder)) {
                let put = self.store.write_blocking::<UpdateRoleAssignment, _, _>(
                    keeper,
                    id,
                    move |tx| role_assignments::put(tx, id, who, Precondition::Absent).map(drop),
                );
                put.unwrap();
            }
        }
    }

    fn principal(&self, who: &Principal) -> PrincipalId {
        match who {
            Principal::Tenant => self.store.tenant().into(),
            Principal::Account(name) => self.node.account(name).into(),
            Principal::Team(name) => self.team(name),
        }
    }

    fn share(&self, id: ResourceId, who: &Principal, grant: Grant) {
        let who = self.principal(who);
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
