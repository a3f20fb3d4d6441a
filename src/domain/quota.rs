//! Quotas: what a tenant may use, what it uses, and what is left.
//!
//! A limit is the tenant's own where one is set, else its plan's; a tenant without a plan has that of the name `default`,
//! where there is one. What has no limit is counted all the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::{Dimension, Error, PlanName, Result, TenantId, Timestamp};

impl Dimension {
    /// Those that every tenant has.
    pub const ALWAYS: &'static [&'static str] =
        &["members", "teams", "workspaces", "resources", "storage_bytes", "requests_per_minute"];
    /// The one that is counted by the minute and kept nowhere.
    pub const REQUESTS: &'static str = "requests_per_minute";

    /// Whether an application reports it.
    #[must_use]
    pub fn is_meter(&self) -> bool {
        self.as_str().starts_with("meters.")
    }

    /// What it is counted as a part of, too: resources of a type are resources.
    #[must_use]
    pub fn whole(&self) -> Option<Self> {
        let (whole, _) =
            self.as_str().split_once('.').filter(|(whole, _)| *whole == "resources")?;
        Self::parse(whole).ok()
    }
}

/// A number that a limit can be: 0 to 2^53 - 1, which every JSON reader keeps whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

impl Amount {
    /// The largest.
    pub const MAX: i64 = (1 << 53) - 1;

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Amount {
    type Error = String;

    fn try_from(value: i64) -> Result<Self, String> {
        if (0..=Self::MAX).contains(&value) {
            return Ok(Self(value));
        }
        Err(format!("must be 0 to {}", Self::MAX))
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(9_007_199_254_740_991_i64))
            .into()
    }
}

impl utoipa::ToSchema for Amount {}

/// Numbers by dimension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(pub BTreeMap<Dimension, Amount>);

impl Limits {
    /// Dimensions at most.
    pub const MAX: usize = 500;

    /// The number of a dimension.
    #[must_use]
    pub fn of(&self, dimension: &Dimension) -> Option<i64> {
        self.0.get(dimension).map(|amount| amount.get())
    }

    /// Takes JSON text that was checked before it was stored.
    ///
    /// # Errors
    /// The text is no such object.
    pub fn stored(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Its JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    pub(super) fn check(&self, field: &str) -> Result<()> {
        if self.0.len() <= Self::MAX {
            return Ok(());
        }
        Err(Error::invalid(field, format!("must have at most {} dimensions", Self::MAX)))
    }
}

impl utoipa::PartialSchema for Limits {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("Numbers by dimension"))
            .property_names(Some(<Dimension as utoipa::PartialSchema>::schema()))
            .additional_properties(Some(<Amount as utoipa::PartialSchema>::schema()))
            .into()
    }
}

impl utoipa::ToSchema for Limits {}

/// What a tenant was given: a plan, and what differs from it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantQuotas {
    /// The tenant's id.
    pub id: TenantId,
    /// Its plan; `null` for the default one.
    pub plan: Option<PlanName>,
    /// Limits that stand instead of the plan's.
    pub limits: Limits,
    /// Soft limits that stand instead of the plan's.
    pub soft_limits: Limits,
    /// When the tenant was made.
    pub created_at: Timestamp,
    /// When its quotas last changed.
    pub updated_at: Timestamp,
    /// Counts their changes; the entity tag.
    #[schema(minimum = 1)]
    pub version: i64,
}

/// What a tenant is to be given.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutQuotas {
    /// Its plan; the default one, where nothing is said.
    #[serde(default)]
    pub plan: Option<PlanName>,
    /// Limits that stand instead of the plan's.
    #[serde(default)]
    pub limits: Limits,
    /// Soft limits that stand instead of the plan's.
    #[serde(default)]
    pub soft_limits: Limits,
}

impl PutQuotas {
    /// Checks what no single field can.
    ///
    /// # Errors
    /// Too many dimensions.
    pub fn check(&self) -> Result<()> {
        self.limits.check("/limits")?;
        self.soft_limits.check("/soft_limits")
    }
}

super::word::words! {
    /// Where a limit comes from.
    pub enum LimitSource {
        /// It is set for the tenant.
        Tenant = "tenant",
        /// It is the plan's.
        Plan = "plan",
    }
}

/// The limits that count for a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// The plan's hard and soft ones.
    pub plan: (Limits, Limits),
    /// The tenant's own.
    pub own: (Limits, Limits),
}

impl TenantLimits {
    /// What may be used of a dimension at most, and where that comes from.
    #[must_use]
    pub fn hard(&self, dimension: &Dimension) -> Option<(i64, LimitSource)> {
        let own = self.own.0.of(dimension).map(|limit| (limit, LimitSource::Tenant));
        own.or_else(|| self.plan.0.of(dimension).map(|limit| (limit, LimitSource::Plan)))
    }

    /// From where on the tenant is warned.
    #[must_use]
    pub fn soft(&self, dimension: &Dimension) -> Option<i64> {
        self.own.1.of(dimension).or_else(|| self.plan.1.of(dimension))
    }

    /// Every dimension that has a limit of either kind.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        [&self.plan.0, &self.plan.1, &self.own.0, &self.own.1]
            .into_iter()
            .flat_map(|limits| limits.0.keys())
    }
}

/// What a tenant has of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quota {
    /// What is counted.
    pub dimension: Dimension,
    /// What may be used at most; `null` where there is no limit.
    pub limit: Option<i64>,
    /// From where on the tenant is warned; `null` for never.
    pub soft_limit: Option<i64>,
    /// Where the limit comes from.
    pub source: Option<LimitSource>,
    /// What is used; of `requests_per_minute`, 0 always: it is counted in memory.
    pub used: i64,
    /// What is kept free by reservations.
    pub reserved: i64,
    /// What is left; `null` where there is no limit.
    pub left: Option<i64>,
    /// When the period began that is counted, where it is counted by periods.
    pub period_started_at: Option<Timestamp>,
    /// When it ends.
    pub period_ends_at: Option<Timestamp>,
}

/// Whether so much may be used now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entitlement {
    /// How much was asked about.
    pub amount: i64,
    /// Whether it is left.
    pub allowed: bool,
    /// What there is of the dimension.
    #[serde(flatten)]
    pub quota: Quota,
}

/// How much is asked about.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EntitlementQuestion {
    /// How much; 1, where nothing is said.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Option<Amount>,
}

/// What would be more than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaExceeded {
    /// What is counted.
    pub dimension: Dimension,
    /// What may be used at most.
    pub limit: i64,
    /// What is used or kept free.
    pub used: i64,
}

/// Which quotas are listed: all of them, by dimension.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QuotaFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
