//! What changes while the decision point is asked: it is asked again about what is so.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::pdp::{Pdp, Says};
use super::{ID, asking, dump, last_row};
use crate::client::Client;
use crate::org::Org;

/// Who changes what, once there is somebody.
type Mover = Arc<OnceLock<Box<dyn Fn(usize) + Send + Sync>>>;

/// A decision point that lets something happen before it answers about suspensions.
fn moving(decide: impl Fn(&Value) -> bool + Send + Sync + 'static) -> (Pdp, Mover) {
    let mover = Mover::default();
    let (happens, asked) = (mover.clone(), AtomicUsize::new(0));
    let pdp = Pdp::new(move |request| {
        if request["action"]["name"] == "member.suspend" {
            happens.get().unwrap()(asked.fetch_add(1, Ordering::SeqCst));
        }
        Says::Decision(decide(request))
    });
    (pdp, mover)
}

fn set(mover: &Mover, happens: impl Fn(usize) + Send + Sync + 'static) {
    assert!(mover.set(Box::new(happens)).is_ok());
}

fn give_role(owner: &Client, member: &str, role: &str) {
    owner.patch(member, &json!({"role": role})).expect(200);
}

fn roles(pdp: &Pdp) -> Vec<String> {
    let asked = pdp.asked().into_iter().map(|asked| asked.body);
    let suspensions = asked.filter(|body| body["action"]["name"] == "member.suspend");
    suspensions
        .map(|body| body["resource"]["properties"]["role"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_has_moved_is_asked_about_again() {
    // It permits suspending members, and not administrators.
    let (pdp, mover) = moving(|request| request["resource"]["properties"]["role"] != "admin");
    let app = asking(&pdp, "member.*", &[]);
    let org = Org::new(&app, "moved");
    let path = format!("/members/{}", org.account("other"));
    let (owner, member) = (org.owner.clone(), path.clone());
    set(&mover, move |asked| {
        if asked == 0 {
            give_role(&owner, &member, "admin");
        }
    });
    org.admin.act(&format!("{path}/suspend")).problem(403, "externally_denied");
    assert_eq!(roles(&pdp), ["member", "admin"]);
    assert_eq!(org.owner.get(&path).expect(200)["state"], "active");
    let (policies, decision, _) = last_row(&app, &org.id, "member.suspend");
    assert_eq!((policies, decision.as_str()), (vec![ID.to_owned()], "deny"));
}

#[test]
fn what_has_moved_and_is_permitted_still_is_done_once() {
    let (pdp, mover) = moving(|_| true);
    let app = asking(&pdp, "member.*", &[]);
    let org = Org::new(&app, "moved-well");
    let path = format!("/members/{}", org.account("other"));
    let (owner, member) = (org.owner.clone(), path.clone());
    set(&mover, move |asked| {
        if asked == 0 {
            give_role(&owner, &member, "guest");
        }
    });
    org.admin.act(&format!("{path}/suspend")).expect(200);
    assert_eq!(roles(&pdp), ["member", "guest"]);
    assert_eq!(app.db(&org.id).audited("member.suspend", "permit"), 1);
    assert_eq!(app.db(&org.id).audited("member.suspend", "deny"), 0);
}

#[test]
fn what_never_stands_still_is_given_up() {
    let (pdp, mover) = moving(|_| true);
    let app = asking(&pdp, "member.*", &[]);
    let org = Org::new(&app, "restless");
    let path = format!("/members/{}", org.account("other"));
    let (owner, member) = (org.owner.clone(), path.clone());
    set(&mover, move |asked| {
        give_role(&owner, &member, if asked.is_multiple_of(2) { "guest" } else { "member" });
    });
    let busy = org.admin.act(&format!("{path}/suspend")).problem(503, "busy");
    assert_eq!(busy.header("retry-after"), "1");
    assert_eq!(roles(&pdp), ["member", "guest", "member"]);
    assert_eq!(org.owner.get(&path).expect(200)["state"], "active");
    assert_eq!(app.db(&org.id).audited("member.suspend", "permit"), 0);
}

#[test]
fn whoever_loses_the_right_meanwhile_is_refused_by_ourselves() {
    let (pdp, mover) = moving(|_| true);
    let app = asking(&pdp, "member.suspend", &[]);
    let org = Org::new(&app, "right-lost");
    let (owner, admin) = (org.owner.clone(), format!("/members/{}", org.account("admin")));
    set(&mover, move |_| give_role(&owner, &admin, "member"));
    let path = format!("/members/{}", org.account("other"));
    let before = org.owner.get(&path).text;
    org.admin.act(&format!("{path}/suspend")).problem(403, "forbidden");
    assert_eq!(roles(&pdp).len(), 1);
    assert_eq!(org.owner.get(&path).text, before);
}

#[test]
fn what_the_registry_says_counts_as_well() {
    let (pdp, mover) = moving(|_| true);
    let app = asking(&pdp, "member.*", &[]);
    let org = Org::new(&app, "old-name");
    let operator = app.operator();
    set(&mover, move |asked| {
        if asked == 0 {
            operator
                .patch("/v1/platform/tenants/old-name", &json!({"slug": "new-name"}))
                .expect(200);
        }
    });
    let other = org.account("other");
    let admin = org.admin.at(&format!("/v1/tenants/{}", org.id));
    admin.act(&format!("/members/{other}/suspend")).expect(200);
    let slugs: Vec<_> =
        pdp.asked().iter().map(|asked| asked.body["context"]["tenant"]["slug"].clone()).collect();
    assert_eq!(slugs, ["old-name", "new-name"]);
}

#[test]
fn a_suspended_tenant_takes_no_change_that_was_permitted_before() {
    let (pdp, mover) = moving(|_| true);
    let app = asking(&pdp, "member.*", &[]);
    let org = Org::new(&app, "suspended-meanwhile");
    let operator = app.operator();
    set(&mover, move |_| {
        operator.act("/v1/platform/tenants/suspended-meanwhile/suspend").expect(200);
    });
    let before = dump(&app, &org.id);
    let answer = org.admin.act(&format!("/members/{}/suspend", org.account("other")));
    assert!([403, 404].contains(&answer.status), "{}", answer.text);
    assert_eq!(dump(&app, &org.id), before);
    assert_eq!(roles(&pdp).len(), 1);
}
