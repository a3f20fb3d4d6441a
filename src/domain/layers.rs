//! Layered values: which of several layers' values counts. Profiles and the catalogue are resolved by this one function.

use serde::{Deserialize, Serialize};

use super::{JsonValue, PrincipalId};

super::word::words! {
    /// Whose a value is.
    pub enum Layer {
        /// The installation's: the same for everybody.
        Platform = "platform",
        /// An account's own. In a profile it goes with the person into every tenant; in the catalogue it is one tenant's.
        Account = "account",
        /// A tenant's, for all its members.
        Tenant = "tenant",
        /// A team's, for its members and those of the teams below it.
        Team = "team",
        /// A tenant's, for one member.
        Member = "member",
    }
}

super::word::words! {
    /// What layered values belong to.
    pub enum AppliesTo {
        /// Profiles of people.
        Profile = "profile",
        /// The catalogue of a tenant.
        Catalog = "catalog",
    }
}

impl AppliesTo {
    /// Its layers, each stronger than those before it.
    #[must_use]
    pub fn layers(self) -> &'static [Layer] {
        match self {
            Self::Profile => &[Layer::Platform, Layer::Account, Layer::Tenant, Layer::Member],
            Self::Catalog => &[Layer::Platform, Layer::Tenant, Layer::Team, Layer::Account],
        }
    }

    fn rank(self, layer: Layer) -> Option<usize> {
        self.layers().iter().position(|one| *one == layer)
    }

    /// Whether a lock keeps the values of a layer out.
    #[must_use]
    pub fn is_locked_out(self, layer: Layer, locked_at: Option<Layer>) -> bool {
        locked_at
            .and_then(|lock| self.rank(lock))
            .is_some_and(|lock| self.rank(layer).is_none_or(|rank| rank > lock))
    }
}

/// A layer's value for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<V> {
    /// Whose it is.
    pub layer: Layer,
    /// The owner, where the layer has several.
    pub owner: Option<PrincipalId>,
    /// How many teams stand above the owner; 0 where it is none.
    pub depth: usize,
    /// The value.
    pub value: V,
}

impl<V> Offer<V> {
    /// The value of a layer that has no owners, or one.
    pub fn new(layer: Layer, owner: Option<PrincipalId>, value: V) -> Self {
        Self { layer, owner, depth: 0, value }
    }
}

/// The offer that counts: of the strongest layer that no lock keeps out; there of the deepest owner; of these of the one
/// with the lowest id. Where a layer has no value, the one below it shines through.
pub fn resolve<V>(
    kind: AppliesTo,
    locked_at: Option<Layer>,
    offers: impl IntoIterator<Item = Offer<V>>,
) -> Option<Offer<V>> {
    let ranked = offers.into_iter().filter_map(|offer| {
        let rank = kind.rank(offer.layer)?;
        (!kind.is_locked_out(offer.layer, locked_at)).then_some((rank, offer))
    });
    let strongest = ranked.max_by(|(one_rank, one), (other_rank, other)| {
        let by_layer = one_rank.cmp(other_rank);
        by_layer.then(one.depth.cmp(&other.depth)).then(other.owner.cmp(&one.owner))
    });
    strongest.map(|(_, offer)| offer)
}

/// A value that counts, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EffectiveValue {
    /// The value.
    pub value: JsonValue,
    /// The layer that it comes from.
    pub layer: Layer,
    /// The team, account or tenant that it comes from; `null` where it is the platform's.
    pub owner_id: Option<PrincipalId>,
    /// Whether a lock keeps some layer's values out.
    pub locked: bool,
}

impl EffectiveValue {
    /// What counts of the offers for a key.
    pub fn of<'v>(
        kind: AppliesTo,
        locked_at: Option<Layer>,
        offers: impl IntoIterator<Item = Offer<&'v JsonValue>>,
    ) -> Option<Self> {
        let locked = kind.layers().iter().any(|layer| kind.is_locked_out(*layer, locked_at));
        let Offer { layer, owner, value, .. } = resolve(kind, locked_at, offers)?;
        Some(Self { value: value.clone(), layer, owner_id: owner, locked })
    }
}
