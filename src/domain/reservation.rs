//! Reservations: places that are kept free for work that takes long.

use serde::{Deserialize, Serialize};

use super::{Amount, Dimension, Error, ReservationId, Result, Timestamp};

/// Places that are kept free for somebody, for a time.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reservation {
    /// Its id; a request that brings it in `Freehold-Reservation` takes from it.
    pub id: ReservationId,
    /// What is kept free.
    pub dimension: Dimension,
    /// How much is left of it.
    #[schema(minimum = 1)]
    pub amount: i64,
    /// Who made it.
    pub created_by: super::PrincipalId,
    /// When it is over.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something was last taken from it.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Reservation {
    /// Seconds that one lasts where nothing is said, and at most.
    pub const DEFAULT_S: u32 = 3600;
    /// Seconds at most.
    pub const MAX_S: u32 = 7 * 24 * 3600;
    /// Of one tenant at once.
    pub const MAX_PER_TENANT: i64 = 1000;
}

/// A reservation to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReservation {
    /// What is to be kept free.
    pub dimension: Dimension,
    /// How much.
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: Amount,
    /// For how many seconds; an hour, where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 604_800)]
    pub expires_in_s: Option<u32>,
}

impl NewReservation {
    /// Checks it; for how many seconds it is.
    ///
    /// # Errors
    /// An amount of nothing; a time that is none; a dimension that nobody can reserve.
    pub fn check(&self) -> Result<u32> {
        if self.amount.get() == 0 {
            return Err(Error::invalid("/amount", "must be 1 or more"));
        }
        if self.dimension.as_str() == Dimension::REQUESTS {
            return Err(Error::invalid("/dimension", "requests cannot be reserved"));
        }
        let seconds = self.expires_in_s.unwrap_or(Reservation::DEFAULT_S);
        if !(1..=Reservation::MAX_S).contains(&seconds) {
            return Err(Error::invalid(
                "/expires_in_s",
                format!("must be 1 to {}", Reservation::MAX_S),
            ));
        }
        Ok(seconds)
    }
}

/// Which reservations are listed: those that are not over, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReservationFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
