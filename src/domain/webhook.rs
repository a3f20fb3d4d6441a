//! Webhooks: where events are sent, signed as Standard Webhooks are, and what became of each.

use serde::{Deserialize, Serialize};

use super::{Conflict, Description, Error, FieldError, Patterns, Result, Timestamp, WebhookId};

super::word::words! {
    /// The state of a webhook. It changes through [`WebhookState::to`] alone.
    pub enum WebhookState {
        /// Events are sent to it.
        Active = "active",
        /// Nothing is sent to it; what happens meanwhile waits.
        Disabled = "disabled",
    }
}

impl WebhookState {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it is that already.
    pub fn to(self, next: Self) -> Result<Self> {
        if self == next { Err(Error::Conflict(Conflict::WrongState)) } else { Ok(next) }
    }
}

super::word::words! {
    /// Why a webhook is disabled.
    pub enum WebhookDisabledReason {
        /// Somebody said so.
        Asked = "asked",
        /// It answered 410: it is there no more, and says so.
        Gone = "gone",
        /// Several events in a row could not be told it for days.
        Failing = "failing",
        /// Whoever made it, or changed it last, may read events no more.
        Orphaned = "orphaned",
    }
}

super::word::words! {
    /// What became of an attempt to tell a webhook of an event.
    pub enum DeliveryState {
        /// It took it.
        Delivered = "delivered",
        /// It did not; it is tried again.
        Failed = "failed",
        /// It did not, and is not tried again: a dead letter.
        Dead = "dead",
    }
}

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: String,
    /// What people say about it.
    pub description: Description,
    /// The types of events that are sent: names, or patterns as `team.*` and `*`.
    pub event_types: Patterns,
    /// Its state.
    pub state: WebhookState,
    /// Why it is disabled; `null` where it is not.
    pub disabled_reason: Option<WebhookDisabledReason>,
    /// The last event that it was told, that it was not to be told, or that is a dead letter; events come in their order.
    #[schema(minimum = 0)]
    pub sequence: i64,
    /// How often the event behind that one was tried in vain.
    #[schema(minimum = 0)]
    pub attempts: i64,
    /// When it is tried again; `null` where nothing failed.
    pub next_attempt_at: Option<Timestamp>,
    /// Until when events are signed with the secret before this one, too.
    pub rotated_until: Option<Timestamp>,
    /// Who made it, in words.
    pub created_by: String,
    /// In whose right events are sent, in words: whoever made it, or changed it last.
    pub granted_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Webhook {
    /// Of one tenant, or of the platform, at most.
    pub const MAX: i64 = 50;
    /// Seconds that events are signed with the secret before, too, where nothing is said.
    pub const OVERLAP_S: u32 = 24 * 3600;
    /// Seconds at most.
    pub const MAX_OVERLAP_S: u32 = 7 * 24 * 3600;
}

/// A webhook, and the secret that its events are signed with, which is told here alone.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret: `whsec_` and 32 bytes in base64.
    pub secret: String,
}

/// A webhook to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are to be sent: `https://`, a public host, no user and no fragment.
    #[schema(max_length = 2000)]
    pub url: String,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// The types of events that are to be sent; all of them, where nothing is said.
    #[serde(default)]
    pub event_types: Option<Patterns>,
}

/// A change of a webhook.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWebhook {
    /// Where events are to be sent.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false, max_length = 2000)]
    pub url: Option<String>,
    /// What people say about it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub description: Option<Description>,
    /// The types of events that are to be sent.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub event_types: Option<Patterns>,
    /// Whether events are sent at all.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub state: Option<WebhookState>,
}

/// How a webhook's secret is to be rotated.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhook {
    /// Seconds that events are signed with the secret before, too; a day, where nothing is said.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    pub overlap_s: Option<u32>,
}

impl RotateWebhook {
    /// The seconds.
    ///
    /// # Errors
    /// They are too many.
    pub fn check(&self) -> Result<u32> {
        let seconds = self.overlap_s.unwrap_or(Webhook::OVERLAP_S);
        if seconds <= Webhook::MAX_OVERLAP_S {
            return Ok(seconds);
        }
        Err(Error::invalid("/overlap_s", format!("must be 0 to {}", Webhook::MAX_OVERLAP_S)))
    }
}

/// From where on events are to be sent again.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayWebhook {
    /// The events that happened at this time or later.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The events behind this place.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub after: Option<i64>,
}

impl ReplayWebhook {
    /// Checks that it says one thing.
    ///
    /// # Errors
    /// It says both, or neither.
    pub fn check(&self) -> Result<()> {
        match (self.from, self.after) {
            (Some(_), None) => Ok(()),
            (None, Some(after)) if after >= 0 => Ok(()),
            (None, Some(_)) => Err(Error::invalid("/after", "must not be below 0")),
            _ => Err(Error::Invalid(vec![FieldError::new(
                "/from",
                "exactly one of from and after must be given",
            )])),
        }
    }
}

/// An attempt to tell a webhook of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its place in the log, the newest highest.
    #[schema(minimum = 1)]
    pub id: i64,
    /// The event's id, the same at every attempt; `webhook-id` of the request.
    pub event_id: String,
    /// The event's type.
    pub event_type: String,
    /// The event's place; `null` where it was a test.
    pub sequence: Option<i64>,
    /// Which attempt it was, from 1.
    #[schema(minimum = 1)]
    pub attempt: i64,
    /// What became of it.
    pub state: DeliveryState,
    /// The status of the answer, where one came.
    pub response_status: Option<i64>,
    /// What went wrong, where no answer came or it was none that counts.
    pub error: Option<String>,
    /// Milliseconds that it took.
    #[schema(minimum = 0)]
    pub duration_ms: i64,
    /// When it began.
    pub attempted_at: Timestamp,
}

/// What came of one request to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// Milliseconds that it took.
    pub duration_ms: i64,
    /// The status of the answer; `None` where none came.
    pub status: Option<u16>,
    /// What went wrong; `None` where it was taken.
    pub error: Option<String>,
    /// Seconds for which it wants to be left alone.
    pub retry_after_s: Option<u32>,
}

impl Attempt {
    /// Whether it was taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the webhook says that it is there no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// When what failed is tried again.
#[derive(Debug, Clone)]
pub struct RetrySchedule {
    /// Seconds after the first, second, … attempt in vain; after the last one the event is a dead letter.
    pub delays_s: Vec<u32>,
    /// Dead letters in a row after which a webhook is disabled.
    pub max_dead: u32,
}

impl RetrySchedule {
    /// Seconds for which a webhook can ask to be left alone.
    pub const MAX_WAIT_S: u32 = 24 * 3600;

    /// Seconds until what failed so often is tried again; `None` where it is not. `chance` is a number from 0 to 1, so that
    /// not all come at once.
    #[must_use]
    pub fn delay_ms(&self, attempts: i64, retry_after_s: Option<u32>, chance: f64) -> Option<i64> {
        let index = usize::try_from(attempts - 1).ok()?;
        let delay = f64::from(*self.delays_s.get(index)?) * 1000.0;
        let spread = delay * (0.8 + 0.4 * chance);
        let asked = f64::from(retry_after_s.unwrap_or(0).min(Self::MAX_WAIT_S)) * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of some days")]
        let milliseconds = spread.max(asked) as i64;
        Some(milliseconds)
    }
}

/// Which webhooks are listed: all of them, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WebhookFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Which attempts are listed; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFilter {
    /// That came to this.
    #[param(inline)]
    pub state: Option<DeliveryState>,
    /// Of this event.
    #[param(value_type = Option<String>, max_length = 200)]
    pub event_id: Option<super::SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::RetrySchedule;

    #[test]
    fn what_fails_is_tried_again_later_and_later_and_then_no_more() {
        let schedule = RetrySchedule { delays_s: vec![5, 60], max_dead: 3 };
        assert_eq!(schedule.delay_ms(1, None, 0.5), Some(5000));
        assert_eq!(schedule.delay_ms(1, None, 0.0), Some(4000));
        assert_eq!(schedule.delay_ms(2, None, 1.0), Some(72_000));
        assert_eq!(schedule.delay_ms(1, Some(30), 0.5), Some(30_000));
        assert_eq!(schedule.delay_ms(2, Some(30), 0.5), Some(60_000));
        assert_eq!(schedule.delay_ms(1, Some(u32::MAX), 0.5), Some(86_400_000));
        assert_eq!(schedule.delay_ms(3, None, 0.5), None);
        assert_eq!(schedule.delay_ms(0, None, 0.5), None);
    }
}
