//! Break-glass: an operator's reasoned, approved, time-boxed entry into one tenant.

use serde::{Deserialize, Serialize};

use super::{
    AccountId, BreakGlassId, Conflict, Description, Error, EventType, Patterns, Result, TenantId,
    Timestamp,
};

super::word::words! {
    /// The state of a break-glass entry. It changes through [`BreakGlassState::to`] alone.
    pub enum BreakGlassState {
        /// Asked for; opens nothing yet.
        Requested = "requested",
        /// Approved by somebody else: open until it expires.
        Approved = "approved",
        /// Refused.
        Denied = "denied",
        /// Ended before its time, or taken back before it was decided.
        Ended = "ended",
        /// Its time is over.
        Expired = "expired",
    }
}

impl BreakGlassState {
    /// Whether something can still become of it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Approved)
    }

    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        use BreakGlassState::{Approved, Denied, Ended, Expired, Requested};
        let allowed = match self {
            Requested => matches!(next, Approved | Denied | Ended | Expired),
            Approved => matches!(next, Ended | Expired),
            Denied | Ended | Expired => false,
        };
        if allowed { Ok(next) } else { Err(Error::Conflict(Conflict::WrongState)) }
    }
}

/// An operator's entry into one tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakGlass {
    /// The entry's id; named by the header `Freehold-Break-Glass` of every request made by it.
    pub id: BreakGlassId,
    /// The one tenant.
    pub tenant_id: TenantId,
    /// The one operator.
    pub account_id: AccountId,
    /// Why.
    pub reason: Description,
    /// What may be done.
    pub actions: Patterns,
    /// Seconds that it is open for, from the approval.
    #[schema(minimum = 60, maximum = 86400)]
    pub duration_s: u32,
    /// Its state.
    pub state: BreakGlassState,
    /// Who asked for it, in words.
    pub requested_by: String,
    /// Who approved or refused it, in words.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<Timestamp>,
    /// When it closes, where it was approved; when it lapses, where nobody has decided.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub ended_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// Something that became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakGlassStep {
    /// The version that the entry had from then on.
    pub version: i64,
    /// What became of it.
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
}

impl BreakGlass {
    /// Requested and approved entries of one operator at most.
    pub const MAX_OPEN: usize = 200;
    /// Characters of a reason at least.
    pub const MIN_REASON: usize = 10;
    /// Seconds that an entry is open for at least.
    pub const MIN_DURATION_S: u32 = 60;
    /// Seconds that an entry is open for at most.
    pub const MAX_DURATION_S: u32 = 86_400;
    /// Seconds after which an entry lapses that nobody has decided.
    pub const LAPSES_AFTER_S: i64 = 86_400;

    /// Everything that became of it so far, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<BreakGlassStep> {
        let step = |version, kind, at| BreakGlassStep { version, kind, at };
        let mut steps = vec![step(1, EventType::BreakGlassRequested, self.created_at)];
        if let Some(at) = self.decided_at {
            let kind = match self.state {
                BreakGlassState::Denied => EventType::BreakGlassDenied,
                _ => EventType::BreakGlassApproved,
            };
            steps.push(step(2, kind, at));
        }
        match self.state {
            BreakGlassState::Ended => {
                let at = self.ended_at.unwrap_or(self.updated_at);
                steps.push(step(self.version, EventType::BreakGlassEnded, at));
            }
            BreakGlassState::Expired => {
                steps.push(step(self.version, EventType::BreakGlassExpired, self.expires_at));
            }
            BreakGlassState::Requested | BreakGlassState::Approved | BreakGlassState::Denied => {}
        }
        steps
    }
}

/// An entry to be asked for.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBreakGlass {
    /// The one tenant: its slug or id.
    #[schema(max_length = 63)]
    pub tenant: String,
    /// Why; at least ten characters.
    pub reason: Description,
    /// What is to be done.
    pub actions: Patterns,
    /// Seconds that it is to be open for, from the approval.
    #[schema(minimum = 60, maximum = 86400)]
    pub duration_s: u32,
    /// For whom, where the host asks; the caller otherwise.
    #[serde(default)]
    pub account_id: Option<AccountId>,
}

/// Which entries are listed; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassFilter {
    /// In this state.
    pub state: Option<BreakGlassState>,
    /// Into this tenant.
    pub tenant_id: Option<TenantId>,
    /// By this operator.
    pub account_id: Option<AccountId>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
