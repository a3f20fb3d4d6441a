//! A small organisation, and what people do in it.

use freehold::domain::action::{CreateResource, ListWorkspaces};
use freehold::domain::{
    Call, Name, NewResource, PageRequest, Resource, ResourceTypeName, Result, Visibility,
    WorkspaceFilter, WorkspaceId,
};
use freehold::services::{resources, workspaces};
use freehold::storage::TenantStore;
use serde_json::{Value, json};

/// Tenants of one shape: `olga` owns, `mark` and `mona` are members, `gus` is a guest; a workspace
/// is everybody's, one is Mark's own, one is Mona's.
pub(crate) fn tenants<'a>(slugs: impl IntoIterator<Item = &'a str>) -> Value {
    let tenant = |slug: &str| {
        json!({"slug": slug, "name": slug, "owners": ["olga"], "members": ["mark", "mona"],
            "guests": ["gus"], "teams": [{"name": "crew", "members": ["mark"]}],
            "workspaces": [{"name": "everyone", "owner": "tenant"},
                {"name": "of mark", "owner": {"account": "mark"}},
                {"name": "of mona", "owner": {"account": "mona"}}],
            "resources": [{"type": "prompt", "workspace": "everyone",
                "name": format!("canary of {slug}"), "visibility": "tenant"}]})
    };
    let tenants: Vec<Value> = slugs.into_iter().map(tenant).collect();
    json!({"format": "freehold-import/1", "tenants": tenants})
}

/// A workspace that a caller reaches.
pub(crate) fn workspace(store: &TenantStore, call: &Call, name: &str) -> WorkspaceId {
    let page = store.read_blocking::<ListWorkspaces, _>(call, store.tenant(), |tx| {
        workspaces::list(tx, &WorkspaceFilter::default(), &PageRequest::first(200))
    });
    page.unwrap().items.into_iter().find(|it| it.name.as_str() == name).unwrap().id
}

pub(crate) fn new_resource(workspace: WorkspaceId, name: &str) -> NewResource {
    NewResource {
        kind: ResourceTypeName::parse("prompt").unwrap(),
        workspace_id: workspace,
        name: Name::parse(name).unwrap(),
        visibility: Some(Visibility::Private),
        attributes: None,
    }
}

/// Makes a resource, as a caller.
pub(crate) fn create(
    store: &TenantStore,
    call: &Call,
    workspace: WorkspaceId,
    name: &str,
) -> Result<Resource> {
    let new = new_resource(workspace, name);
    store.write_blocking::<CreateResource, _, _>(call, workspace, move |tx| {
        resources::create(tx, &new)
    })
}
