//! Denials, written down so that a refused caller cannot make the node write.
//!
//! A caller's first denial is a row at once. Of further ones within a minute, one more row at its end gives the count.

use std::collections::HashMap;

use metrics::counter;
use parking_lot::Mutex;
use serde_json::json;

use crate::domain::{AuditRecord, Timestamp};

/// How long denials of one caller are counted together, in seconds.
const WINDOW_S: i64 = 60;
/// Callers that are counted apart; beyond these they are counted as one.
const MAX_CALLERS: usize = 10_000;

/// How the policies of refusals begin that are counted apart: those of whoever is asked besides, and of quotas.
const EXTERNAL: &str = "[\"external:";
const QUOTA: &str = "[\"quota:";

#[derive(Debug)]
struct Window {
    until: Timestamp,
    further: u64,
    last: AuditRecord,
}

/// The denials of one file.
#[derive(Debug, Default)]
pub(in crate::storage) struct Denials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    windows: HashMap<String, Window>,
    /// Counts of windows that another one followed before they were asked for.
    due: Vec<AuditRecord>,
}

impl Denials {
    /// Whether a denial is its caller's first within a minute. Others are counted.
    pub(in crate::storage) fn is_first(&self, record: &AuditRecord) -> bool {
        let side = if record.target_tenant == "platform" { "platform" } else { "tenant" };
        counter!("freehold_audit_denials_total", "side" => side).increment(1);
        let State { windows, due } = &mut *self.0.lock();
        let key = key(record);
        let known = windows.contains_key(&key) || windows.len() < MAX_CALLERS;
        let caller = if known { key } else { "others".to_owned() };
        match windows.get_mut(&caller) {
            Some(window) if window.goes_on(record.at) => {
                window.further += 1;
                window.last = record.clone();
                false
            }
            before => {
                due.extend(before.and_then(|window| window.count()));
                let until = record.at.plus_seconds(WINDOW_S);
                windows.insert(caller, Window { until, further: 0, last: record.clone() });
                true
            }
        }
    }

    /// The rows that count what was not written one by one, of every window that has ended.
    pub(in crate::storage) fn ended(&self, now: Timestamp) -> Vec<AuditRecord> {
        let State { windows, due } = &mut *self.0.lock();
        let mut ended = std::mem::take(due);
        windows.retain(|_, window| {
            let goes_on = window.goes_on(now);
            if !goes_on {
                ended.extend(window.count());
            }
            goes_on
        });
        ended
    }

    /// Takes rows back that could not be written.
    pub(in crate::storage) fn put_back(&self, records: Vec<AuditRecord>) {
        self.0.lock().due.extend(records);
    }
}

/// Whose denials are counted together. What an external decision point denied is counted by itself, and what a quota
/// refused by dimension. Tokens that prove nothing and log-ins that failed have no caller: they are counted by what is
/// wrong with them, of which there is a short list.
fn key(record: &AuditRecord) -> String {
    if ["token.verify", "session.begin"].contains(&record.action.as_str()) {
        return format!("{} {}", record.actor, record.target_id);
    }
    if [EXTERNAL, QUOTA].iter().any(|mark| record.policies.starts_with(mark)) {
        format!("{} {}", record.actor, record.policies)
    } else {
        record.actor.clone()
    }
}

impl Window {
    /// Whether it goes on at a time. Not at one that is long before it began: the clock was set back.
    fn goes_on(&self, now: Timestamp) -> bool {
        (self.until.plus_seconds(-2 * WINDOW_S)..self.until).contains(&now)
    }

    /// The row that counts the further denials, as of the last of them.
    fn count(&self) -> Option<AuditRecord> {
        let summary = json!({ "denials": self.further, "within_s": WINDOW_S }).to_string();
        (self.further > 0).then(|| AuditRecord { summary, ..self.last.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditRecord, Denials, Timestamp};
    use crate::domain::AuditDecision;

    fn denial(at_s: i64) -> AuditRecord {
        let text = || "x".to_owned();
        AuditRecord {
            at: Timestamp::of_seconds(at_s),
            actor: text(),
            actor_tenant: text(),
            on_behalf: None,
            account: None,
            target_tenant: text(),
            target_type: text(),
            target_id: text(),
            workspace_id: None,
            resource_id: None,
            action: text(),
            decision: AuditDecision::Deny,
            policies: text(),
            correlation_id: text(),
            request_id: text(),
            summary: text(),
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_minute_last_for_days() {
        let (denials, days) = (Denials::default(), 3 * 86_400);
        assert!(denials.is_first(&denial(days)));
        assert!(!denials.is_first(&denial(days + 1)));
        assert!(!denials.is_first(&denial(days - 1)), "clocks of requests differ a little");
        assert!(denials.is_first(&denial(0)));
        assert_eq!(denials.ended(Timestamp::of_seconds(1)).len(), 1);
        assert!(denials.ended(Timestamp::of_seconds(61)).is_empty());
        assert!(denials.is_first(&denial(62)));
    }
}
