//! What people do.

use std::sync::Arc;

use freehold::domain::action::{
    CreateMember, CreateResource, CreateTeam, ListResources, ListWorkspaces, ResumeTenant,
    SuspendTenant,
};
use freehold::domain::{
    Attributes, Call, Description, IdempotencyKey, Name, NewMember, NewResource, NewTeam,
    NewTenant, PageRequest, Resource, ResourceFilter, ResourceTypeName, Result, Role, Slug, Tenant,
    Visibility, WorkspaceFilter, WorkspaceId,
};
use freehold::services::{members, resources, teams, tenants, workspaces};
use serde_json::{Value, json};

use crate::journal::{Claim, Journal};
use crate::node::{Node, host};

/// Tenants that `olga` owns, each with a workspace of everybody; and people who have an account and are members of
/// nothing but `people`.
pub(crate) fn organisation(slugs: &[&str], people: usize) -> Value {
    let tenant = |slug: &&str| {
        json!({"slug": slug, "name": slug, "owners": ["olga"],
            "workspaces": [{"name": "everyone", "owner": "tenant"}]})
    };
    let mut tenants: Vec<Value> = slugs.iter().map(tenant).collect();
    let people: Vec<String> = (0..people).map(person).collect();
    tenants
        .push(json!({"slug": "people", "name": "people", "owners": ["olga"], "members": people}));
    json!({"format": "freehold-import/1", "tenants": tenants})
}

pub(crate) fn person(number: usize) -> String {
    format!("person-{number:03}")
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The workspace of everybody.
pub(crate) fn workspace(node: &Node, call: &Call, slug: &str) -> Result<WorkspaceId> {
    let store = node.store(slug)?;
    let page = store.read_blocking::<ListWorkspaces, _>(call, store.tenant(), |tx| {
        workspaces::list(tx, &WorkspaceFilter::default(), &PageRequest::first(200))
    })?;
    Ok(page.items.into_iter().find(|it| it.name.as_str() == "everyone").unwrap().id)
}

/// Somebody who works in a tenant.
pub(crate) struct Worker<'n> {
    node: &'n Node,
    slug: String,
    call: Call,
    workspace: WorkspaceId,
}

impl<'n> Worker<'n> {
    pub(crate) fn new(node: &'n Node, slug: &str) -> Self {
        Self::try_new(node, slug).unwrap()
    }

    pub(crate) fn try_new(node: &'n Node, slug: &str) -> Result<Self> {
        let call = node.owner_of(slug)?;
        let workspace = workspace(node, &call, slug)?;
        Ok(Self { node, slug: slug.to_owned(), call, workspace })
    }

    /// How many resources there are to be seen.
    pub(crate) fn count(&self) -> Result<usize> {
        let store = self.node.store(&self.slug)?;
        let page = store.read_blocking::<ListResources, _>(&self.call, store.tenant(), |tx| {
            resources::list(tx, &ResourceFilter::default(), &PageRequest::first(50))
        })?;
        Ok(page.items.len())
    }

    /// Makes a resource with some bytes of attributes.
    pub(crate) fn resource(&self, text: &str, bytes: usize) -> Result<Resource> {
        self.make_resource(&self.call, text, bytes)
    }

    /// The same, once, however often it is asked for.
    pub(crate) fn resource_once(&self, text: &str, bytes: usize) -> Result<Resource> {
        let key = IdempotencyKey { key: text.into(), fingerprint: [7; 32] };
        let call = Call { idempotency: Some(key), ..self.call.clone() };
        self.make_resource(&call, text, bytes)
    }

    fn make_resource(&self, call: &Call, text: &str, bytes: usize) -> Result<Resource> {
        let new = NewResource {
            kind: ResourceTypeName::parse("prompt").unwrap(),
            workspace_id: self.workspace,
            name: name(text),
            visibility: Some(Visibility::Tenant),
            attributes: Some(attributes(text, bytes)),
        };
        let store = self.node.store(&self.slug)?;
        store.write_blocking::<CreateResource, _, _>(call, self.workspace, move |tx| {
            resources::create(tx, &new)
        })
    }

    fn team(&self, text: &str) -> Result<()> {
        let new = NewTeam {
            name: name(text),
            description: Some(Description::parse(text).unwrap()),
            parent_id: None,
        };
        let store = self.node.store(&self.slug)?;
        let made =
            store.write_blocking::<CreateTeam, _, _>(&self.call, store.tenant(), move |tx| {
                teams::create(tx, &new)
            });
        made.map(drop)
    }

    fn member(&self, text: &str) -> Result<()> {
        let new = NewMember { account_id: self.node.account(text)?, role: Role::Member };
        let (store, text) = (self.node.store(&self.slug)?, name(text));
        let made =
            store.write_blocking::<CreateMember, _, _>(&self.call, store.tenant(), move |tx| {
                members::create(tx, &new, Some(&text))
            });
        made.map(drop)
    }

    pub(crate) fn claims_resource(&self, journal: &Journal, text: &str, bytes: usize) {
        let row = resource_row(text, bytes);
        journal.ask(Claim::row(&self.slug, row), || self.resource(text, bytes));
    }

    pub(crate) fn claims_team(&self, journal: &Journal, text: &str) {
        journal.ask(Claim::row(&self.slug, format!("team {text} {text}")), || self.team(text));
    }

    pub(crate) fn claims_member(&self, journal: &Journal, text: &str) {
        let row = format!("member {text} member active");
        journal.ask(Claim::row(&self.slug, row), || self.member(text));
    }
}

fn attributes(text: &str, bytes: usize) -> Attributes {
    Attributes::parse(&json!({"text": text, "fill": "x".repeat(bytes)}).to_string()).unwrap()
}

/// How a resource is found again.
pub(crate) fn resource_row(text: &str, bytes: usize) -> String {
    format!("resource {text} {}", attributes(text, bytes).as_str())
}

/// Makes a tenant that `olga` owns; with a key, asking again goes on where it stopped.
pub(crate) fn create(node: &Node, slug: &str) -> Result<Tenant> {
    let new = NewTenant {
        slug: Slug::parse(slug).unwrap(),
        name: name(slug),
        description: None,
        kind: None,
        data_region: None,
        owner_id: Some(node.account("olga")?),
    };
    let key = IdempotencyKey { key: format!("make {slug}").into(), fingerprint: [7; 32] };
    let call = Call { idempotency: Some(key), ..host() };
    tenants::create(&node.registry, &call, &new)
}

pub(crate) fn created(slug: &str) -> Claim {
    let rows = vec!["member olga owner active".to_owned()];
    Claim { slug: slug.to_owned(), status: Some("active"), rows }
}

pub(crate) fn suspend(node: &Node, slug: &str) -> Result<Tenant> {
    let id = node.tenant(slug)?;
    node.registry
        .write_blocking::<SuspendTenant, _, _>(&host(), id, move |tx| tenants::suspend(tx, id))
}

pub(crate) fn resume(node: &Node, slug: &str) -> Result<Tenant> {
    let id = node.tenant(slug)?;
    node.registry
        .write_blocking::<ResumeTenant, _, _>(&host(), id, move |tx| tenants::resume(tx, id))
}

/// Does something several times at once.
pub(crate) fn at_once(threads: usize, work: impl Fn(usize) + Send + Sync) {
    let work = Arc::new(work);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = work.clone();
            scope.spawn(move || work(thread));
        }
    });
}
