//! `/quotas` and `/v1/platform/tenants/{tenant}/quotas`: what a tenant may use, on every road.

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually, measured};
use crate::client::{Answer, Client, Request, send_all};
use crate::isolation::is_long;
use crate::org::{Org, import, tenant};
use crate::shared;

shared!();

/// Creates at once.
const AT_ONCE: usize = 256;

/// Gives a tenant limits, in place of all that it had.
pub(crate) fn limit(org: &Org, limits: &Value) {
    give(org, &json!({"limits": limits}));
}

fn give(org: &Org, body: &Value) {
    let path = format!("/v1/platform/tenants/{}/quotas", org.id);
    org.app.operator().put_over(&path, body).expect(200);
}

fn used(org: &Org, dimension: &str) -> i64 {
    org.owner.get(&format!("/quotas/{dimension}")).expect(200)["used"].as_i64().unwrap()
}

/// A road into a tenant: what it counts, by how much, and a create of which no two are the same.
struct Road<'a> {
    dimension: String,
    amount: i64,
    create: Box<dyn Fn(usize, usize) -> Request + 'a>,
}

fn road<'a>(
    dimension: &str,
    amount: i64,
    create: impl Fn(usize, usize) -> Request + 'a,
) -> Road<'a> {
    Road { dimension: dimension.to_owned(), amount, create: Box::new(create) }
}

fn post(caller: &Client, path: &str, body: &Value) -> Request {
    caller.request("POST", path).json(body)
}

/// Everything that is counted.
fn roads<'a>(org: &'a Org<'a>, accounts: &'a [String], application: &str) -> Vec<Road<'a>> {
    let resource = |name: String| json!({"type": "prompt", "workspace_id": org.everyone, "name": name, "visibility": "tenant"});
    let meter = format!("meters.{application}.calls");
    let counted = meter.clone();
    vec![
        road("members", 1, move |round, n| {
            let account = &accounts[(round + n) % accounts.len()];
            post(&org.owner, "/members", &json!({"account_id": account, "role": "guest"}))
        }),
        road("teams", 1, move |round, n| {
            post(&org.owner, "/teams", &json!({"name": format!("{round} {n}")}))
        }),
        road("workspaces", 1, move |round, n| {
            let owner = json!({"type": "tenant", "id": org.id});
            let body = json!({"name": format!("{round} {n}"), "owner": owner});
            post(&org.owner, "/workspaces", &body)
        }),
        road("resources", 1, move |round, n| {
            post(&org.owner, "/resources", &resource(format!("r {round} {n}")))
        }),
        road("resources.prompt", 1, move |round, n| {
            post(&org.owner, "/resources", &resource(format!("p {round} {n}")))
        }),
        // A name of thirty bytes, and `{}`.
        road("storage_bytes", 32, move |round, n| {
            post(&org.owner, "/resources", &resource(format!("{:030}", round * 1000 + n + 1)))
        }),
        road(&counted, 1, move |round, n| {
            let event = json!({"id": format!("{round}-{n}"), "dimension": meter});
            post(&org.owner, "/usage", &json!({"events": [event]}))
        }),
    ]
}

/// A server that takes as many requests at once as a test sends.
fn wide() -> TestApp {
    let settings = [
        ("FREEHOLD__HTTP__MAX_REQUESTS_PER_TENANT", "1000"),
        ("FREEHOLD__HTTP__MAX_REQUESTS_PER_CALLER", "1000"),
    ];
    TestApp::dev_with(&Place::new(), &settings)
}

/// Accounts that are members of nothing here.
fn strangers(app: &TestApp, count: usize) -> Vec<String> {
    let mut other = tenant("elsewhere");
    let members: Vec<_> = (0..count).map(|n| format!("stranger-{n}")).collect();
    other["members"] = json!(members);
    import(&app.host(), &json!([other]));
    let elsewhere = app.caller("elsewhere", "import|elsewhere-owner").at("/v1/tenants/elsewhere");
    elsewhere.column("/members?role=member", "account_id")
}

#[test]
fn of_256_creates_at_once_for_the_last_place_exactly_one_succeeds() {
    let rounds = if is_long() { 1000 } else { 20 };
    let app = wide();
    let accounts = strangers(&app, AT_ONCE + rounds + 10);
    let org = Org::new(&app, "last-place");
    let application = org.bound("counted");
    for Road { dimension, amount, create } in roads(&org, &accounts, &application) {
        for round in 0..rounds {
            let before = used(&org, &dimension);
            let most = before + amount;
            limit(&org, &json!({ &dimension: most }));
            let creates = (0..AT_ONCE).map(|n| create(round, n)).collect();
            let answers = send_all(creates);
            let taken = answers.iter().filter(|answer| (200..300).contains(&answer.status));
            assert_eq!(taken.count(), 1, "{dimension}, round {round}");
            let odd = answers.iter().find(|answer| {
                let is_full = answer.status == 403
                    && answer["code"] == "quota_exceeded"
                    && answer["dimension"] == dimension.as_str()
                    && answer["limit"] == most
                    && answer["used"] == most;
                // In later rounds an account may be a member already.
                !is_full
                    && !(200..300).contains(&answer.status)
                    && answer["code"] != "already_member"
            });
            assert!(odd.is_none(), "{dimension}, round {round}: {:?}", odd.map(|one| &one.text));
            assert_eq!(used(&org, &dimension), most, "{dimension}, round {round}");
        }
        let refused = format!("[\"quota:{dimension}\"]");
        let audited = "select count(*) from audit_log where decision = 'deny' and policies = ?1";
        assert!(app.db(&org.id).number(audited, &[&refused]) >= 1, "{dimension}");
    }
    let exceeded = "select count(*) from outbox_events where type = 'quota.exceeded'";
    assert!(app.db(&org.id).number(exceeded, &[]) >= 7);
    measured(&format!("quotas: {rounds} rounds of {AT_ONCE} creates for each of 7 dimensions"));
    let report = app.freehold(&["doctor", "--json"]).ended(0).json();
    assert_eq!(report["healthy"], true, "{report}");
}

#[test]
fn a_tenants_own_limit_counts_before_its_plans_and_the_default_plan_for_those_without_one() {
    let app = TestApp::dev();
    let org = Org::new(&app, "planned");
    let operator = app.operator().at("/v1/platform");
    let quota = |dimension: &str| org.owner.get(&format!("/quotas/{dimension}")).expect(200);
    assert_eq!(quota("teams")["limit"], Value::Null);
    let plan = |limits| json!({"title": "Plan", "limits": limits});
    operator.put_new("/plans/default", &plan(json!({"teams": 3}))).expect(201);
    assert_eq!(
        (quota("teams")["limit"].clone(), quota("teams")["source"].clone()),
        (json!(3), json!("plan"))
    );
    operator.put_new("/plans/large", &plan(json!({"teams": 9, "workspaces": 9}))).expect(201);
    give(&org, &json!({"plan": "large", "limits": {"teams": 5}, "soft_limits": {"teams": 4}}));
    let teams = quota("teams");
    assert_eq!(teams["source"], "tenant");
    assert_eq!((teams["limit"].clone(), teams["soft_limit"].clone()), (json!(5), json!(4)));
    assert_eq!(quota("workspaces")["limit"], 9);
    assert_eq!(quota("teams?amount=5")["allowed"], true);
    assert_eq!(quota("teams?amount=6")["allowed"], false);
    operator.delete("/plans/large").problem(409, "not_empty");
    let unknown = json!({"plan": "none-such"});
    let path = format!("/tenants/{}/quotas", org.id);
    assert_eq!(operator.put_over(&path, &unknown).problem(422, "invalid").fields(), ["/plan"]);
    let odd = json!({"limits": {"tables": 3}});
    operator.put_over(&path, &odd).problem(422, "invalid");
    let listed = org.owner.column("/quotas", "dimension");
    for dimension in ["members", "requests_per_minute", "storage_bytes", "teams", "workspaces"] {
        assert!(listed.iter().any(|one| one == dimension), "{dimension} of {listed:?}");
    }
}

#[test]
fn a_soft_limit_warns_once_each_time_that_it_is_reached() {
    let org = Org::new(app(), "warned");
    let now = used(&org, "teams");
    give(&org, &json!({"soft_limits": {"teams": now + 2}}));
    let warnings = || org.owner.all("/events?type=quota.warned", 200);
    let teams: Vec<_> = (0..4).map(|n| org.team(&format!("team {n}"))).collect();
    assert_eq!(warnings().len(), 1);
    assert_eq!(
        warnings()[0]["data"],
        json!({"dimension": "teams", "soft_limit": now + 2, "used": now + 2})
    );
    for team in &teams {
        org.owner.delete(&format!("/teams/{team}")).expect(204);
    }
    assert_eq!(warnings().len(), 1);
    (0..4).for_each(|n| drop(org.team(&format!("again {n}"))));
    assert_eq!(warnings().len(), 2);
}

#[test]
fn what_is_deleted_makes_room() {
    let org = Org::new(app(), "room-again");
    limit(&org, &json!({"teams": used(&org, "teams") + 1}));
    let team = org.team("only");
    org.owner.post("/teams", &json!({"name": "more"})).problem(403, "quota_exceeded");
    org.owner.delete(&format!("/teams/{team}")).expect(204);
    org.owner.post("/teams", &json!({"name": "more"})).expect(201);
}

#[test]
fn a_member_who_comes_by_an_invitation_or_back_is_counted_too() {
    let org = Org::new(app(), "invited-quota");
    let subject = "invited-to-quota";
    let account = app().account(subject);
    let identity = json!({"issuer": "local", "subject": subject});
    let invitation =
        org.owner.post("/invitations", &json!({"identity": identity, "role": "member"}));
    let invitation = invitation.expect(201).id();
    let invitee = app().person(&format!("local|{subject}"));
    let accept = format!("/v1/me/invitations/{invitation}/accept");
    eventually(|| {
        let list = invitee.get("/v1/me/invitations").expect(200);
        (!list["items"].as_array().unwrap().is_empty()).then_some(())
    });
    limit(&org, &json!({"members": used(&org, "members")}));
    invitee.act(&accept).problem(403, "quota_exceeded");
    limit(&org, &json!({"members": used(&org, "members") + 1}));
    invitee.act(&accept).expect(200);
    org.owner.delete(&format!("/members/{account}")).expect(204);
    limit(&org, &json!({"members": used(&org, "members")}));
    let again = json!({"account_id": account, "role": "member"});
    org.owner.post("/members", &again).problem(403, "quota_exceeded");
}

#[test]
fn an_import_that_is_more_than_there_is_leaves_nothing() {
    let org = Org::new(app(), "imported-quota");
    limit(&org, &json!({"teams": used(&org, "teams") + 1}));
    let mut more = tenant("imported-quota");
    more["teams"] = json!([{"name": "one"}, {"name": "two"}]);
    let report = import(&app().host(), &json!([more]));
    assert_eq!(report["tenants"][0]["outcome"], "failed", "{report}");
    assert!(org.owner.all("/teams", 200).is_empty());
    assert_eq!(used(&org, "teams"), 0);
}

/// What a client reads of its limit: the header's first word and what is left.
fn left(answer: &Answer) -> String {
    answer.header("ratelimit").split(";t=").next().unwrap().to_owned()
}

/// Sends until a request is refused; how many were not, and the refusal.
fn sent(client: &Client) -> (usize, Answer) {
    let mut answers = (0..200).map(|_| client.get("/resource-types"));
    let mut taken = 0;
    let refused = answers.find(|answer| {
        taken += usize::from(answer.status == 200);
        answer.status != 200
    });
    (taken, refused.expect("nothing was refused").problem(429, "too_many_requests"))
}

#[test]
fn a_tenant_sends_so_many_requests_a_minute_and_is_told_how_many_are_left() {
    let (org, other) = (Org::new(app(), "rated"), Org::new(app(), "unrated"));
    assert_eq!(org.owner.get("/teams").expect(200).header("ratelimit"), "");
    limit(&org, &json!({"requests_per_minute": 4}));
    let first = org.owner.get("/teams").expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"caller\";q=2;w=60");
    assert_eq!(left(&first), "\"caller\";r=1");
    org.admin.get("/teams").expect(200);
    org.admin.get("/teams").expect(200);
    // Of the owner's own half one is left, and of the tenant's too.
    assert_eq!(left(&org.owner.get("/teams").expect(200)), "\"caller\";r=0");
    let (taken, refused) = sent(&org.member);
    assert_eq!((taken, refused.header("ratelimit-policy")), (0, "\"requests\";q=4;w=60"));
    assert_eq!(left(&refused), "\"requests\";r=0");
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    org.member.get("/teams").problem(429, "too_many_requests");
    other.owner.get("/teams").expect(200);
    let audited =
        "select count(*) from audit_log where policies = '[\"quota:requests_per_minute\"]'";
    assert_eq!(app().db(&org.id).number(audited, &[]), 1);
}

#[test]
fn guests_who_use_up_the_minute_leave_the_owner_enough_to_suspend_them() {
    let org = Org::new(app(), "rated-guests");
    let (robot, ..) = org.robot("robot", "member");
    limit(&org, &json!({"requests_per_minute": 40}));
    let (taken, refused) = sent(&org.guest);
    // The minute goes on meanwhile, and gives some back.
    assert!(taken >= 20, "{taken}");
    assert_eq!(refused.header("ratelimit-policy"), "\"caller\";q=20;w=60");
    let (taken, refused) = sent(&robot);
    assert!(taken >= 1, "{taken}");
    assert_eq!(refused.header("ratelimit-policy"), "\"shared\";q=36;w=60");
    let guest = format!("/members/{}", org.account("guest"));
    org.owner.act(&format!("{guest}/suspend")).expect(200);
    let status = org.guest.get("/resource-types").status;
    assert!([403, 404].contains(&status), "{status}");
}

#[test]
fn what_strangers_and_former_members_send_is_no_use_of_the_tenants() {
    let org = Org::new(app(), "rated-strangers");
    let account = org.newcomer("gone", "member");
    let gone = org.seen_by(&org.app.caller(&org.slug, &account));
    limit(&org, &json!({"requests_per_minute": 6}));
    gone.get("/teams").expect(200);
    org.owner.delete(&format!("/members/{account}")).expect(204);
    for _ in 0..12 {
        let answer = gone.get("/teams").problem(404, "not_found");
        assert_eq!(answer.header("ratelimit"), "");
    }
    org.owner.get("/teams").expect(200);
}

#[test]
fn a_change_of_a_limit_is_in_force_at_once() {
    let org = Org::new(app(), "limit-now");
    for n in 0..50 {
        limit(&org, &json!({"teams": n}));
        org.owner
            .post("/teams", &json!({"name": format!("too many {n}")}))
            .problem(403, "quota_exceeded");
        limit(&org, &json!({"teams": n + 1}));
        org.owner.post("/teams", &json!({"name": format!("team {n}")})).expect(201);
    }
}
