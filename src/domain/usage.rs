//! Usage: what is recorded of what a tenant uses, and of what applications meter.

use serde::{Deserialize, Serialize};

use super::{Amount, Dimension, Error, FieldError, IdentityPart, Result, TenantId, Timestamp};

super::word::words! {
    /// How a meter is counted.
    pub enum MeterPeriod {
        /// For good.
        Always = "always",
        /// From the beginning of each day in UTC.
        Day = "day",
        /// From the beginning of each month in UTC.
        Month = "month",
    }
}

impl MeterPeriod {
    /// When the period began that a time lies in; 0 where there are none.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Timestamp {
        let Ok(time) = jiff::Timestamp::from_microsecond(at.0) else { return Timestamp(0) };
        let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
        let start = match self {
            Self::Always => return Timestamp(0),
            Self::Day => zoned.start_of_day(),
            Self::Month => zoned.first_of_month().and_then(|first| first.start_of_day()),
        };
        start.map_or(Timestamp(0), |start| Timestamp(start.timestamp().as_microsecond()))
    }

    /// When the period ends that began at a time; `None` where there are none.
    #[must_use]
    pub fn end(self, start: Timestamp) -> Option<Timestamp> {
        const LONGER_S: [i64; 2] = [36 * 3600, 45 * 24 * 3600];
        match self {
            Self::Always => None,
            // Somewhere in the next one, whose beginning it is.
            Self::Day => Some(self.start(start.plus_seconds(LONGER_S[0]))),
            Self::Month => Some(self.start(start.plus_seconds(LONGER_S[1]))),
        }
    }
}

/// Something that was used, as an application says it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageEvent {
    /// Its id, of the application's choice: what has the same id and meter is one event, recorded once.
    pub id: IdentityPart,
    /// The meter: `meters.<application>.<meter>`, of an application that the tenant has bound.
    pub dimension: Dimension,
    /// How much; 1, where nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub quantity: Option<Amount>,
    /// When; now, where nothing is said. What comes late counts for the period in which it happened.
    #[serde(default)]
    pub occurred_at: Option<Timestamp>,
}

impl UsageEvent {
    /// Seconds by which one may come late.
    pub const MAX_LATE_S: i64 = 400 * 24 * 3600;
    /// Seconds by which the clock of whoever sends one may be ahead.
    pub const MAX_AHEAD_S: i64 = 300;

    /// When it happened.
    ///
    /// # Errors
    /// It is too old, or has not happened yet.
    pub fn time(&self, now: Timestamp) -> std::result::Result<Timestamp, FieldError> {
        let at = self.occurred_at.unwrap_or(now);
        let earliest = now.plus_seconds(-Self::MAX_LATE_S);
        if at < earliest || at > now.plus_seconds(Self::MAX_AHEAD_S) {
            let detail = "must lie in the last 400 days, and not in the future";
            return Err(FieldError::new("/occurred_at", detail));
        }
        Ok(at)
    }
}

/// Usage events to be recorded, all of them or none.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUsage {
    /// The events.
    #[serde(deserialize_with = "super::object::objects")]
    #[schema(min_items = 1, max_items = 100)]
    pub events: Vec<UsageEvent>,
}

impl NewUsage {
    /// Events at once at most.
    pub const MAX: usize = 100;

    /// Checks how many they are.
    ///
    /// # Errors
    /// They are more, or none.
    pub fn check(&self) -> Result<()> {
        if (1..=Self::MAX).contains(&self.events.len()) {
            return Ok(());
        }
        Err(Error::invalid("/events", format!("must have 1 to {} entries", Self::MAX)))
    }
}

/// What became of usage events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordedUsage {
    /// Those that were recorded.
    pub recorded: i64,
    /// Those that had been recorded before.
    pub duplicates: i64,
}

/// What is recorded of one change of what is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageRecord {
    /// Its place among the tenant's records.
    #[schema(minimum = 1)]
    pub sequence: i64,
    /// What is counted.
    pub dimension: Dimension,
    /// When the period began that it counts for, where it is counted by periods.
    pub period_started_at: Option<Timestamp>,
    /// By how much it changed.
    pub delta: i64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The id of the usage event, where it is one.
    pub event_id: Option<String>,
    /// What connects everything that one cause brought about.
    pub correlation_id: String,
}

/// What was used of a dimension at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageSnapshot {
    /// What is counted.
    pub dimension: Dimension,
    /// When the period began that is counted, where it is counted by periods.
    pub period_started_at: Option<Timestamp>,
    /// What was used.
    pub used: i64,
    /// The last record that it counts.
    pub sequence: i64,
    /// When it was taken; there is one a minute of what has changed.
    pub taken_at: Timestamp,
}

/// What a tenant was last seen to use of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantUsage {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What is counted.
    pub dimension: Dimension,
    /// When the period began that is counted, where it is counted by periods.
    pub period_started_at: Option<Timestamp>,
    /// What was used.
    pub used: i64,
    /// When.
    pub taken_at: Timestamp,
}

/// Which records or snapshots are listed; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageFilter {
    /// Of this dimension.
    #[param(value_type = Option<String>, max_length = 140)]
    pub dimension: Option<Dimension>,
    /// At this time or later.
    #[param(inline)]
    pub from: Option<Timestamp>,
    /// Before this time.
    #[param(inline)]
    pub to: Option<Timestamp>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Which tenants' usage is listed; by tenant and dimension.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantUsageFilter {
    /// Of this tenant.
    pub tenant_id: Option<TenantId>,
    /// Of this dimension.
    #[param(value_type = Option<String>, max_length = 140)]
    pub dimension: Option<Dimension>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{MeterPeriod, Timestamp};

    #[test]
    fn a_period_begins_and_ends_where_the_calendar_says() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let late = at("2028-02-29T23:59:59.999999Z");
        for (period, start, end) in [
            (MeterPeriod::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            (MeterPeriod::Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(period.start(late), at(start));
            assert_eq!(period.start(at(start)), at(start));
            assert_eq!(period.end(at(start)), Some(at(end)));
        }
        assert_eq!(MeterPeriod::Always.start(late), Timestamp(0));
        assert_eq!(MeterPeriod::Always.end(Timestamp(0)), None);
        let january = at("2027-01-01T00:00:00Z");
        assert_eq!(MeterPeriod::Month.end(january), Some(at("2027-02-01T00:00:00Z")));
    }
}
