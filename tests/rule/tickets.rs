//! An application's decisions, for the committed table: every class of callers before the policies of
//! `tickets.json`.

use std::sync::{Arc, LazyLock};

use freehold::domain::{
    ApplicationFacts, ApplicationPolicy, Circumstances, DecisionPoint, Manifest, TenantStatus,
};
use freehold::policy::Policy;
use serde_json::{Map, Value, json};

use crate::matrix::Class;

const MANIFEST: &str = include_str!("tickets.json");
/// Whoever asks is this account.
const ACCOUNT: &str = "0192f000-0000-7000-8000-000000000001";

static COMPILED: LazyLock<Arc<dyn ApplicationPolicy>> = LazyLock::new(|| {
    let manifest: Manifest = serde_json::from_str(MANIFEST).unwrap();
    Policy::embedded().unwrap().compile(&Arc::new(manifest)).unwrap()
});

/// An action, and what is known of the ticket and of the question.
pub(crate) struct Case {
    pub(crate) action: &'static str,
    pub(crate) name: String,
    level: i64,
    attributes: Value,
    properties: Value,
}

fn case(action: &'static str, name: &str, level: i64, known: [Value; 2]) -> Case {
    let [attributes, properties] = known;
    Case { action, name: name.to_owned(), level, attributes, properties }
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let (nothing, own) = (json!({}), json!({"assignee": ACCOUNT}));
    let words = ["nothing", "read", "write", "admin"];
    let levels = |action: &'static str| {
        (0..).zip(words).map(move |(level, word)| {
            case(action, &format!("ticket, {word}"), level, [json!({}), json!({})])
        })
    };
    let closed = |mut ticket: Value| {
        ticket["closed"] = json!(true);
        ticket
    };
    let others = json!({"assignee": "somebody else"});
    levels("ticket.read")
        .chain(levels("ticket.close"))
        .chain([
            case("ticket.close", "ticket of one's own, read", 1, [own.clone(), nothing.clone()]),
            case("ticket.close", "another's ticket, read", 1, [others, nothing.clone()]),
            case(
                "ticket.close",
                "closed ticket of one's own, admin",
                3,
                [closed(own), nothing.clone()],
            ),
            case(
                "ticket.close",
                "ticket with an odd assignee",
                1,
                [json!({"assignee": 3}), nothing.clone()],
            ),
            case(
                "ticket.purge",
                "ticket, asked without a word",
                3,
                [nothing.clone(), nothing.clone()],
            ),
            case("ticket.purge", "ticket, unsure", 3, [nothing.clone(), json!({"sure": false})]),
            case("ticket.purge", "ticket, sure", 0, [nothing.clone(), json!({"sure": true})]),
            case(
                "ticket.purge",
                "ticket, sure in a word",
                3,
                [nothing.clone(), json!({"sure": "yes"})],
            ),
            case(
                "resource.read",
                "an action of Freehold's own",
                3,
                [nothing.clone(), nothing.clone()],
            ),
            case("ticket.open", "an action that is not declared", 3, [nothing.clone(), nothing]),
        ])
        .collect()
}

impl Case {
    /// What everybody may: one sign a class.
    pub(crate) fn signs(&self, classes: &[Class], tenant: Option<TenantStatus>) -> String {
        let sign = |(_, _, subject, circumstances): &Class| {
            let facts = ApplicationFacts {
                action: self.action.to_owned(),
                subject: *subject,
                account: ACCOUNT.to_owned(),
                roles: Vec::new(),
                principals: Vec::new(),
                circumstances: Circumstances { tenant, ..*circumstances },
                resource_type: "ticket".to_owned(),
                resource: "one".to_owned(),
                level: self.level,
                attributes: object(&self.attributes),
                properties: object(&self.properties),
            };
            if COMPILED.decide(&facts).allowed { '+' } else { '-' }
        };
        classes.iter().map(sign).collect()
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
