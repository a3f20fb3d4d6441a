//! The catalogue: items by key, in layers, for whatever an application lets tenants choose.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    AccountId, AppliesTo, AttributeKey, Definition, Definitions, EffectiveValue, Error, FieldError,
    JsonValue, Layer, MemberId, Offer, PrincipalId, Result, Standing, TeamId, TenantId, Timestamp,
};

super::word::words! {
    /// The layers of the catalogue that a tenant's own file holds.
    pub enum ItemLayer {
        /// The tenant's.
        Tenant = "tenant",
        /// A team's.
        Team = "team",
        /// An account's.
        Account = "account",
    }
}

impl From<ItemLayer> for Layer {
    fn from(layer: ItemLayer) -> Self {
        match layer {
            ItemLayer::Tenant => Self::Tenant,
            ItemLayer::Team => Self::Team,
            ItemLayer::Account => Self::Account,
        }
    }
}

/// Whose items of a tenant's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOwner {
    /// The tenant's.
    Tenant(TenantId),
    /// A team's.
    Team(TeamId),
    /// An account's.
    Account(AccountId),
}

impl From<TenantId> for ItemOwner {
    fn from(id: TenantId) -> Self {
        Self::Tenant(id)
    }
}

impl From<TeamId> for ItemOwner {
    fn from(id: TeamId) -> Self {
        Self::Team(id)
    }
}

impl From<MemberId> for ItemOwner {
    fn from(id: MemberId) -> Self {
        Self::Account(id.0)
    }
}

impl ItemOwner {
    /// Items of one owner at most.
    pub const MAX_ITEMS: i64 = 500;

    /// The layer.
    #[must_use]
    pub fn layer(self) -> ItemLayer {
        match self {
            Self::Tenant(_) => ItemLayer::Tenant,
            Self::Team(_) => ItemLayer::Team,
            Self::Account(_) => ItemLayer::Account,
        }
    }

    /// The owner as a principal.
    #[must_use]
    pub fn id(self) -> PrincipalId {
        match self {
            Self::Tenant(id) => id.into(),
            Self::Team(id) => id.into(),
            Self::Account(id) => id.into(),
        }
    }
}

/// An item of one layer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CatalogItem {
    /// Its id, which is its key.
    pub id: AttributeKey,
    /// Its key; unique within its owner.
    pub key: AttributeKey,
    /// Its layer.
    pub layer: Layer,
    /// The team, account or tenant whose it is; `null` where it is the platform's.
    pub owner_id: Option<PrincipalId>,
    /// The value.
    pub value: JsonValue,
    /// Whether it counts: by the definition that its key has now.
    pub valid: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// An item as it is stored.
#[derive(Debug, Clone)]
pub struct StoredItem {
    /// The item; `valid` is not decided yet.
    pub item: CatalogItem,
    /// It was written under a definition of its key.
    pub defined: bool,
}

/// An item, as it shall be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutCatalogItem {
    /// The value.
    pub value: JsonValue,
}

/// What counts for somebody under a key.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CatalogValue {
    /// The key.
    pub key: AttributeKey,
    /// The value.
    pub value: JsonValue,
    /// The layer that it comes from.
    pub layer: Layer,
    /// The team, account or tenant that it comes from; `null` where it is the platform's.
    pub owner_id: Option<PrincipalId>,
    /// Whether a lock keeps some layer's values out.
    pub locked: bool,
}

/// For whom the catalogue is resolved; by key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogFilter {
    /// What counts for this member, in place of the caller.
    pub account_id: Option<AccountId>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Which items of a layer are listed: all that the caller may see, by key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogItemFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// A team as it stands to those above it.
#[derive(Debug, Clone, Copy)]
pub struct TeamPlace {
    /// The team.
    pub id: TeamId,
    /// The team that it is a part of.
    pub parent_id: Option<TeamId>,
}

/// How many teams stand above each of these, which have all their ancestors among them.
#[must_use]
pub fn depths(teams: &[TeamPlace]) -> BTreeMap<PrincipalId, usize> {
    let parents: BTreeMap<TeamId, Option<TeamId>> =
        teams.iter().map(|team| (team.id, team.parent_id)).collect();
    let above = |team: &TeamPlace| {
        let parent = |id: &TeamId| parents.get(id).copied().flatten();
        // They never nest in a circle; one that did would end here.
        std::iter::successors(team.parent_id, parent).take(teams.len()).count()
    };
    teams.iter().map(|team| (team.id.into(), above(team))).collect()
}

/// Whether a stored value counts. What was written under a definition that is gone may be anything, and be meant for
/// few: it waits until the definition comes back.
#[must_use]
pub fn counts(definition: Option<&Definition>, value: &JsonValue, defined: bool) -> bool {
    definition.map_or(!defined, |definition| definition.accepts(value))
}

impl StoredItem {
    /// The item, with whether it counts.
    #[must_use]
    pub fn judged(mut self, definitions: &Definitions) -> CatalogItem {
        let definition = definitions.find(AppliesTo::Catalog, &self.item.key);
        self.item.valid = counts(definition, &self.item.value, self.defined);
        self.item
    }
}

/// The keys of the catalogue whose values the caller may not see.
#[must_use]
pub fn hidden_keys(definitions: &Definitions, who: Standing) -> Vec<AttributeKey> {
    let all = definitions.of(AppliesTo::Catalog).map(|definition| &definition.attribute);
    all.filter(|it| !who.is_of(&it.readers)).map(|it| it.key.clone()).collect()
}

/// What counts for somebody, by key, of those values that the caller may see.
#[must_use]
pub fn effective(
    definitions: &Definitions,
    who: Standing,
    items: &[StoredItem],
    depths: &BTreeMap<PrincipalId, usize>,
) -> Vec<CatalogValue> {
    let mut offers: BTreeMap<&AttributeKey, Vec<Offer<&JsonValue>>> = BTreeMap::new();
    for (key, item) in &definitions.items {
        if counts(definitions.find(AppliesTo::Catalog, key), &item.value, item.defined) {
            let offer = Offer::new(Layer::Platform, None, &item.value);
            offers.entry(key).or_default().push(offer);
        }
    }
    for StoredItem { item, defined } in items {
        if counts(definitions.find(AppliesTo::Catalog, &item.key), &item.value, *defined) {
            let depth = item.owner_id.and_then(|id| depths.get(&id)).copied().unwrap_or(0);
            let offer = Offer { depth, ..Offer::new(item.layer, item.owner_id, &item.value) };
            offers.entry(&item.key).or_default().push(offer);
        }
    }
    let hidden: BTreeSet<_> = hidden_keys(definitions, who).into_iter().collect();
    let shown = offers.into_iter().filter(|(key, _)| !hidden.contains(*key));
    shown
        .filter_map(|(key, offers)| {
            let definition = definitions.find(AppliesTo::Catalog, key);
            let locked_at = definition.and_then(|definition| definition.attribute.locked_at);
            let found = EffectiveValue::of(AppliesTo::Catalog, locked_at, offers)?;
            let EffectiveValue { value, layer, owner_id, locked } = found;
            Some(CatalogValue { key: key.clone(), value, layer, owner_id, locked })
        })
        .collect()
}

/// Whether a value may be written into a layer; the platform's operators are bound by no definition's writers.
///
/// # Errors
/// [`Error::ForbiddenFields`] where the caller may not change the key; [`Error::Invalid`] where it is locked at a layer
/// below, or its schema does not accept the value.
pub fn check_item(
    definition: Option<&Definition>,
    who: Option<Standing>,
    layer: Layer,
    value: Option<&JsonValue>,
) -> Result<()> {
    let Some(definition) = definition else { return Ok(()) };
    if who.is_some_and(|who| !who.is_of(&definition.attribute.writers)) {
        let denied = FieldError::new("key", "is not yours to change");
        return Err(Error::ForbiddenFields(vec![denied]));
    }
    let Some(value) = value else { return Ok(()) };
    if let Some(locked) = definition.locked_out(layer) {
        return Err(Error::invalid("key", locked));
    }
    let found = definition.findings(value).into_iter();
    let errors: Vec<_> = found.map(|found| found.below("/value")).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
