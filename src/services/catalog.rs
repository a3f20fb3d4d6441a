//! The catalogue: items in the layers of the platform, the tenant, its teams and its members, and what of them counts.
//!
//! The platform's layer stands in the registry, with the definitions; the other layers stand in the tenant's file. A
//! reading takes the registry's part as it is now, beside the tenant's transaction; a change changes one layer, in the
//! file that owns it.

use crate::domain::action::{
    DeleteAccountCatalog, DeletePlatformCatalog, DeleteTeamCatalog, DeleteTenantCatalog,
    InspectCatalog, ListAccountCatalog, ListPlatformCatalog, ListTeamCatalog, ListTenantCatalog,
    ReadCatalog, TenantPlane, UpdateAccountCatalog, UpdatePlatformCatalog, UpdateTeamCatalog,
    UpdateTenantCatalog,
};
use crate::domain::catalog::{check_item, depths, effective, hidden_keys};
use crate::domain::{
    AccountId, Action, AppliesTo, AttributeKey, CatalogItem, CatalogItemSaid, CatalogValue,
    Conflict, Covers, Error, EventType, ItemOwner, JsonValue, Layer, MemberState, Page,
    PageRequest, Position, Precondition, PrincipalId, Result, Standing, Target,
};
use crate::storage::registry::catalog as platform;
use crate::storage::tenant::{catalog, members, profiles};
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists the platform's items.
///
/// # Errors
/// Storage failed.
pub fn list_platform<A: Covers<ListPlatformCatalog>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<CatalogItem>> {
    let definitions = platform::definitions(tx)?;
    Ok(platform::page(tx, page)?.map(|item| item.judged(&definitions)))
}

/// Reads an item of the platform's.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read_platform<A: Covers<ListPlatformCatalog>>(
    tx: &ReadTx<'_, A>,
    key: &AttributeKey,
) -> Result<CatalogItem> {
    let definitions = platform::definitions(tx)?;
    Ok(platform::find(tx, key)?.ok_or(Error::NotFound)?.judged(&definitions))
}

/// Puts an item into the platform's layer. The platform's operators are bound by no attribute's writers.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::CatalogLimit`]; a value that cannot be accepted.
pub fn put_platform<A: Covers<UpdatePlatformCatalog>>(
    tx: &mut WriteTx<'_, A>,
    key: &AttributeKey,
    value: &JsonValue,
    precondition: Precondition,
) -> Result<CatalogItem> {
    let definitions = platform::definitions(tx)?;
    let definition = definitions.find(AppliesTo::Catalog, key);
    check_item(definition, None, Layer::Platform, Some(value))?;
    let defined = definition.is_some();
    let (kind, item) = match precondition {
        Precondition::Absent => {
            if platform::count(tx)? >= ItemOwner::MAX_ITEMS {
                return Err(Error::Conflict(Conflict::CatalogLimit));
            }
            (EventType::CatalogItemCreated, platform::insert(tx, key, value, defined)?)
        }
        Precondition::Version(version) => {
            let item = platform::update(tx, key, value, defined, version)?;
            (EventType::CatalogItemUpdated, item)
        }
    };
    let item = item.ok_or(Error::Stale)?.judged(&definitions);
    tell(tx, kind, &Target::Platform, Layer::Platform, None, key);
    Ok(item)
}

/// Takes an item out of the platform's layer.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where there is none.
pub fn delete_platform<A: Covers<DeletePlatformCatalog>>(
    tx: &mut WriteTx<'_, A>,
    key: &AttributeKey,
    version: i64,
) -> Result<()> {
    if !platform::delete(tx, key, version)? {
        return Err(platform::find(tx, key)?.map_or(Error::NotFound, |_| Error::Stale));
    }
    tell(tx, EventType::CatalogItemDeleted, &Target::Platform, Layer::Platform, None, key);
    Ok(())
}

/// What counts for the caller.
///
/// # Errors
/// Storage failed.
pub fn read<A: Covers<ReadCatalog>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<CatalogValue>> {
    counting(tx, tx.caller().subject.account(), page)
}

/// What counts for somebody else.
///
/// # Errors
/// An account that is no member, or none any more.
pub fn inspect<A: Covers<InspectCatalog>>(
    tx: &ReadTx<'_, A>,
    account: AccountId,
    page: &PageRequest,
) -> Result<Page<CatalogValue>> {
    still_there(tx, ItemOwner::Account(account))?;
    counting(tx, Some(account), page)
}

fn counting<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    account: Option<AccountId>,
    page: &PageRequest,
) -> Result<Page<CatalogValue>> {
    let definitions = profiles::definitions(tx)?;
    let teams = account.map(|account| catalog::teams_of(tx, account)).transpose()?;
    let teams = teams.unwrap_or_default();
    let owners: Vec<_> = teams
        .iter()
        .map(|team| ItemOwner::Team(team.id))
        .chain([ItemOwner::Tenant(profiles::tenant(tx)?)])
        .chain(account.map(ItemOwner::Account))
        .collect();
    let items = catalog::of_owners(tx, &owners)?;
    let who = profiles::standing(tx, account);
    let mut found = effective(&definitions, who, &items, &depths(&teams));
    if let Some(after) = &page.after {
        found.retain(|value| value.key.as_str() > after.id.as_str());
    }
    let weight = |it: &CatalogValue| it.value.text().len();
    let position = |it: &CatalogValue| Position { key: String::new(), id: it.key.to_string() };
    Ok(Page::cut_by_weight(found, page, weight, position))
}

/// An action that lists the items of an owner in a tenant's file: of its target.
pub trait ListsItems: Action<Plane = TenantPlane, Resource: Into<ItemOwner>> {}
impl ListsItems for ListTenantCatalog {}
impl ListsItems for ListTeamCatalog {}
impl ListsItems for ListAccountCatalog {}

/// An action that puts an item into the layer of its target.
pub trait PutsItems: Action<Plane = TenantPlane, Resource: Into<ItemOwner>> {}
impl PutsItems for UpdateTenantCatalog {}
impl PutsItems for UpdateTeamCatalog {}
impl PutsItems for UpdateAccountCatalog {}

/// An action that takes an item out of the layer of its target.
pub trait DeletesItems: Action<Plane = TenantPlane, Resource: Into<ItemOwner>> {}
impl DeletesItems for DeleteTenantCatalog {}
impl DeletesItems for DeleteTeamCatalog {}
impl DeletesItems for DeleteAccountCatalog {}

/// What the caller is to an owner's items.
fn standing(tx: &impl Tx<Plane = TenantPlane>, owner: ItemOwner) -> Result<Standing> {
    Ok(match owner {
        ItemOwner::Tenant(_) => profiles::standing(tx, None),
        ItemOwner::Team(team) => {
            Standing { maintains: catalog::maintains(tx, team)?, ..profiles::standing(tx, None) }
        }
        ItemOwner::Account(account) => profiles::standing(tx, Some(account)),
    })
}

/// Lists an owner's items, of those that the caller may see.
///
/// # Errors
/// Storage failed.
pub fn list<A: ListsItems>(
    tx: &ReadTx<'_, A>,
    owner: A::Resource,
    page: &PageRequest,
) -> Result<Page<CatalogItem>> {
    let (owner, definitions) = (owner.into(), profiles::definitions(tx)?);
    let hidden = hidden_keys(&definitions, standing(tx, owner)?);
    Ok(catalog::page(tx, owner, &hidden, page)?.map(|item| item.judged(&definitions)))
}

/// Reads an owner's item.
///
/// # Errors
/// [`Error::NotFound`] where there is none, or none that the caller may see.
pub fn read_item<A: ListsItems>(
    tx: &ReadTx<'_, A>,
    owner: A::Resource,
    key: &AttributeKey,
) -> Result<CatalogItem> {
    let (owner, definitions) = (owner.into(), profiles::definitions(tx)?);
    if hidden_keys(&definitions, standing(tx, owner)?).contains(key) {
        return Err(Error::NotFound);
    }
    Ok(catalog::find(tx, owner, key)?.ok_or(Error::NotFound)?.judged(&definitions))
}

/// Puts an item into an owner's layer.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::CatalogLimit`]; [`Error::ForbiddenFields`] where
/// the key is not the caller's to change; a value that cannot be accepted; a member who is none any more.
pub fn put<A: PutsItems>(
    tx: &mut WriteTx<'_, A>,
    owner: A::Resource,
    key: &AttributeKey,
    value: &JsonValue,
    precondition: Precondition,
) -> Result<CatalogItem> {
    let (owner, definitions) = (owner.into(), profiles::definitions(tx)?);
    still_there(tx, owner)?;
    let definition = definitions.find(AppliesTo::Catalog, key);
    let layer = owner.layer().into();
    check_item(definition, Some(standing(tx, owner)?), layer, Some(value))?;
    let defined = definition.is_some();
    let (kind, item) = match precondition {
        Precondition::Absent => {
            if catalog::count(tx, owner)? >= ItemOwner::MAX_ITEMS {
                return Err(Error::Conflict(Conflict::CatalogLimit));
            }
            (EventType::CatalogItemCreated, catalog::insert(tx, owner, key, value, defined)?)
        }
        Precondition::Version(version) => {
            let item = catalog::update(tx, owner, key, (value, defined), version)?;
            (EventType::CatalogItemUpdated, item)
        }
    };
    let item = item.ok_or(Error::Stale)?.judged(&definitions);
    tell(tx, kind, &target(owner), layer, Some(owner.id()), key);
    Ok(item)
}

/// Who has left has no layer any more.
fn still_there(tx: &impl Tx<Plane = TenantPlane>, owner: ItemOwner) -> Result<()> {
    let ItemOwner::Account(account) = owner else { return Ok(()) };
    let member = members::find(tx, account)?;
    let is_gone = member.is_none_or(|member| member.state == MemberState::Removed);
    if is_gone { Err(Error::NotFound) } else { Ok(()) }
}

/// Takes an item out of an owner's layer.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where there is none; [`Error::ForbiddenFields`] where the key is not the
/// caller's to change.
pub fn delete<A: DeletesItems>(
    tx: &mut WriteTx<'_, A>,
    owner: A::Resource,
    key: &AttributeKey,
    version: i64,
) -> Result<()> {
    let (owner, definitions) = (owner.into(), profiles::definitions(tx)?);
    let (definition, layer) = (definitions.find(AppliesTo::Catalog, key), owner.layer().into());
    check_item(definition, Some(standing(tx, owner)?), layer, None)?;
    if !catalog::delete(tx, owner, key, version)? {
        return Err(catalog::find(tx, owner, key)?.map_or(Error::NotFound, |_| Error::Stale));
    }
    tell(tx, EventType::CatalogItemDeleted, &target(owner), layer, Some(owner.id()), key);
    Ok(())
}

fn target(owner: ItemOwner) -> Target {
    match owner {
        ItemOwner::Tenant(id) => Target::Tenant(id),
        ItemOwner::Team(id) => Target::Team(id),
        ItemOwner::Account(id) => Target::Member(id),
    }
}

/// What the events say: which key, and never its value.
fn tell<A: Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    target: &Target,
    layer: Layer,
    owner: Option<PrincipalId>,
    key: &AttributeKey,
) {
    tx.emit(kind, target, &CatalogItemSaid { layer, owner_id: owner, key: key.clone() });
}
