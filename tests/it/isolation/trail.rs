//! The audit trail of refusals: as many as there were, of each caller, in the log that counts them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cases::{Case, World};
use super::rules::Log;
use crate::app::{Db, Place};

/// How many refusals of a caller a log counts: by file and actor.
pub(crate) type Trail = BTreeMap<(String, String), u64>;

/// The trail that these cases must leave.
pub(crate) fn expected(world: &World<'_>, cases: &[Case<'_>]) -> Trail {
    // That a token had expired was found out by asking.
    let mut trail = Trail::from([(("platform".to_owned(), "nobody".to_owned()), 1)]);
    for case in cases {
        let (platform, tenant) = ("platform", world.here.org.id.as_str());
        let files = match case.log() {
            Some(Log::Registry) => vec![platform],
            Some(Log::Tenant) => vec![tenant],
            Some(Log::Both) => vec![platform, tenant],
            None => Vec::new(),
        };
        for file in files {
            *trail.entry((file.to_owned(), case.who.actor.clone())).or_default() += 1;
        }
    }
    trail
}

/// The trail that was left. A row stands for one refusal, or for as many as its summary says.
pub(crate) fn left(place: &Place, files: &[String]) -> Trail {
    let mut trail = Trail::new();
    for file in files {
        let sql = "select actor || ' ' || summary from audit_log where decision = 'deny'";
        for row in Db::open(place, file).texts(sql, &[]) {
            let (actor, summary) = row.split_once(' ').unwrap();
            let summary: Value = serde_json::from_str(summary).unwrap();
            let count = summary["denials"].as_u64().unwrap_or(1);
            *trail.entry((file.clone(), actor.to_owned())).or_default() += count;
        }
    }
    trail
}
