//! What was taken away is gone with the next request.

use freehold::domain::Timestamp;
use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::client::{Answer, Client};
use crate::oidc::mint::{KEYS, claims, now};
use crate::oidc::server::Server;
use crate::oidc::{account, app_at, member, trusting};
use crate::org::Org;
use crate::shared;

shared!();

/// One reading, one change: what a caller is answered.
fn tries(caller: &Client, name: &str) -> [(u16, String); 2] {
    let (read, change) = (caller.get(""), caller.post("/teams", &json!({"name": name})));
    [read, change]
        .map(|answer| (answer.status, answer["code"].as_str().unwrap_or_default().to_owned()))
}

#[track_caller]
fn refused(caller: &Client, status: u16, code: &str) {
    assert_eq!(tries(caller, "refused"), [(status, code.to_owned()), (status, code.to_owned())]);
}

#[track_caller]
fn served(caller: &Client, name: &str) {
    assert_eq!(tries(caller, name), [(200, String::new()), (201, String::new())]);
}

#[test]
fn a_suspended_member_finds_nothing_until_resumed() {
    let org = Org::new(app(), "suspended-member");
    let path = format!("/members/{}", org.account("admin"));
    served(&org.admin, "before");
    org.owner.act(&format!("{path}/suspend")).expect(200);
    refused(&org.admin, 404, "not_found");
    org.owner.act(&format!("{path}/resume")).expect(200);
    served(&org.admin, "after");
}

#[test]
fn a_removed_member_finds_nothing() {
    let org = Org::new(app(), "removed-member");
    served(&org.admin, "before");
    org.owner.delete(&format!("/members/{}", org.account("admin"))).expect(204);
    refused(&org.admin, 404, "not_found");
}

#[test]
fn a_demoted_admin_keeps_what_the_new_role_gives() {
    let org = Org::new(app(), "demoted-admin");
    served(&org.admin, "before");
    org.owner
        .patch(&format!("/members/{}", org.account("admin")), &json!({"role": "guest"}))
        .expect(200);
    let [read, change] = tries(&org.admin, "refused");
    assert_eq!(read, (200, String::new()));
    assert_eq!(change, (403, "forbidden".to_owned()));
    org.admin.get("/members").problem(403, "forbidden");
}

#[test]
fn a_suspended_account_finds_nothing_anywhere() {
    let org = Org::new(app(), "suspended-account");
    let path = format!("/v1/platform/accounts/{}", org.account("admin"));
    served(&org.admin, "before");
    app().operator().act(&format!("{path}/suspend")).expect(200);
    refused(&org.admin, 404, "not_found");
    let me = org.admin.root().get("/v1/me");
    assert!([401, 403, 404].contains(&me.status), "{}", me.text);
    app().operator().act(&format!("{path}/resume")).expect(200);
    served(&org.admin, "after");
}

#[test]
fn a_suspended_tenant_is_told_to_its_own_callers_and_to_operators_and_to_nobody_else() {
    let (org, other) = (Org::new(app(), "suspended-tenant"), Org::new(app(), "suspended-other"));
    let act = |verb: &str| {
        app().operator().act(&format!("/v1/platform/tenants/suspended-tenant/{verb}")).expect(200)
    };
    served(&org.owner, "before");
    act("suspend");
    for own in
        [&org.owner, &org.guest, &org.seen_by(&app().operator()), &org.seen_by(&app().host())]
    {
        refused(own, 403, "tenant_suspended");
    }
    let unknown = other.owner.at("/v1/tenants/never-was").get("").problem(404, "not_found");
    let seen = org.seen_by(&other.owner).get("");
    assert_eq!(seen.anonymous(), unknown.anonymous());
    org.seen_by(&app().stranger()).get("").problem(401, "unauthenticated");
    act("resume");
    served(&org.owner, "after");
}

#[test]
fn an_operator_whose_account_is_suspended_is_one_no_more() {
    let app = crate::app::TestApp::dev();
    let operator = app.operator();
    let me = operator.get("/v1/me").expect(200);
    let path = format!("/v1/platform/accounts/{}", me["account"]["id"].as_str().unwrap());
    app.host().act(&format!("{path}/suspend")).expect(200);
    operator.get("/v1/platform/tenants").problem(404, "not_found");
    operator
        .post("/v1/platform/tenants", &json!({"slug": "late", "name": "x"}))
        .problem(404, "not_found");
    app.host().act(&format!("{path}/resume")).expect(200);
    operator.get("/v1/platform/tenants").expect(200);
}

#[test]
fn a_place_and_an_entry_that_were_taken_away_give_nothing_more() {
    let org = Org::new(app(), "taken-grants");
    let (team, guest) = (org.team("crew"), org.account("guest"));
    let resource = org.resource("shared", "private");
    let path = format!("/resources/{resource}");
    org.share(&resource, &team, "write");
    for _ in 0..3 {
        org.join(&team, "guest", "member");
        org.guest.get(&path).expect(200);
        org.owner.delete(&format!("/teams/{team}/members/{guest}")).expect(204);
        org.guest.get(&path).problem(404, "not_found");
        assert_eq!(org.guest.all("/resources", 50).len(), 0);
    }
}

#[test]
fn nothing_that_was_sent_after_the_answer_to_a_removal_is_done() {
    let org = Org::new(app(), "no-late-writes");
    let admin = format!("/members/{}", org.account("admin"));
    let late = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let statuses = (0..200)
                .map(|n| org.admin.post("/teams", &json!({"name": format!("t{n}")})).status);
            statuses.skip_while(|status| *status == 201).collect::<Vec<_>>()
        });
        org.owner.act(&format!("{admin}/suspend")).expect(200);
        let count = org.owner.all("/teams", 200).len();
        let late = writer.join().unwrap();
        assert_eq!(org.owner.all("/teams", 200).len(), count);
        late
    });
    assert!(late.iter().all(|status| *status == 404), "{late:?}");
}

fn revoke(token: &str) -> crate::client::Answer {
    app().stranger().post("/v1/auth/revoke", &json!({"token": token}))
}

#[test]
fn whoever_holds_a_token_takes_it_back() {
    let org = Org::new(app(), "revoked-token");
    let (one, other) = (org.caller("admin"), org.caller("admin"));
    served(&one, "before");
    revoke(one.token()).expect(200);
    refused(&one, 401, "unauthenticated");
    one.root().get("/v1/me").problem(401, "unauthenticated");
    one.get("/resources/01890000-0000-7000-8000-000000000000").problem(401, "unauthenticated");
    served(&other, "other");
    // Again, and whatever is none.
    for token in [one.token(), "garbage", "fh_garbage", ""] {
        revoke(token).expect(200);
    }
    let form = format!("token={}&token_type_hint=access_token", other.token());
    let request = app().stranger().request("POST", "/v1/auth/revoke");
    request.body("application/x-www-form-urlencoded", form).send().expect(200);
    refused(&other, 401, "unauthenticated");
    let sql = "select data from outbox_events where type = 'token.revoked' and data like ?1";
    let told = app().db("platform").texts(sql, &[&format!("%{}%", org.account("admin"))]);
    assert_eq!(told.len(), 2);
    assert!(!told.join("").contains(&one.token()[..20]));
}

#[test]
fn whoever_holds_a_key_takes_it_back() {
    let org = Org::new(app(), "revoked-key");
    let (robot, id, _) = org.robot("robot", "admin");
    served(&robot, "before");
    revoke(robot.token()).expect(200);
    refused(&robot, 401, "unauthenticated");
    assert_eq!(org.owner.all(&format!("/service-accounts/{id}/keys"), 50).len(), 0);
}

#[test]
fn every_token_of_an_account_is_taken_back_at_once_and_new_ones_are_good() {
    let org = Org::new(app(), "revoked-all");
    let (one, other, owner) = (org.caller("admin"), org.caller("admin"), org.caller("owner"));
    one.root().post("/v1/me/revoke-tokens", &json!({"before": "2020-01-01T00:00:00Z"})).expect(204);
    served(&one, "past");
    let late = json!({"before": "2999-01-01T00:00:00Z"});
    one.root().post("/v1/me/revoke-tokens", &late).problem(422, "invalid");
    one.root().post("/v1/me/revoke-tokens", &json!({})).expect(204);
    refused(&one, 401, "unauthenticated");
    refused(&other, 401, "unauthenticated");
    served(&owner, "owner");
    // A token of the same second is good.
    let fresh = org.caller("admin");
    served(&fresh, "fresh");
    let path = format!("/v1/platform/accounts/{}/revoke-tokens", org.account("admin"));
    app().operator().post(&path, &json!({})).expect(204);
    refused(&fresh, 401, "unauthenticated");
    served(&org.caller("admin"), "after");
    let nobody = "/v1/platform/accounts/01890000-0000-7000-8000-000000000000/revoke-tokens";
    app().operator().post(nobody, &json!({})).problem(404, "not_found");
}

/// A credential in use, and what takes it back.
type Round<'o> = (Client, Box<dyn Fn() + Send + 'o>);

/// One round: somebody goes on writing while the credential is taken back. Whatever was sent after the answer is refused.
fn round(make: &(dyn Fn(usize) -> Value + Sync), (caller, take): Round<'_>) -> usize {
    let is_taken = std::sync::atomic::AtomicBool::new(false);
    let taken = &is_taken;
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut late = 0;
            for n in 0..10_000 {
                // Read before it is sent: what was sent before may go either way.
                let was_taken = taken.load(std::sync::atomic::Ordering::SeqCst);
                let status = caller.post("/teams", &make(n)).status;
                if was_taken {
                    late += usize::from(status != 401);
                    break;
                }
            }
            late
        });
        take();
        is_taken.store(true, std::sync::atomic::Ordering::SeqCst);
        writer.join().unwrap()
    })
}

/// Rounds per commit; with `FREEHOLD_LONG=1` a hundred times as many.
fn rounds() -> usize {
    if std::env::var_os("FREEHOLD_LONG").is_some() { 100_000 } else { 1000 }
}

#[test]
fn nothing_that_was_sent_after_the_answer_to_a_revocation_is_done() {
    let org = Org::new(app(), "revoked-in-traffic");
    let mut late = 0;
    for n in 0..rounds() {
        // A token, every token of an account, a key, what a key was exchanged for.
        let (id, key, robot);
        let round_of: Round<'_> = match n % 4 {
            0 => {
                let caller = org.caller("admin");
                let token = caller.token().to_owned();
                (caller, Box::new(move || drop(revoke(&token).expect(200))))
            }
            1 => {
                let caller = org.caller("admin");
                let same = caller.root();
                let take = move || drop(same.post("/v1/me/revoke-tokens", &json!({})).expect(204));
                (caller, Box::new(take))
            }
            kind => {
                (robot, id, key) = org.robot(&format!("robot {n}"), "admin");
                let path = format!("/service-accounts/{id}/keys/{key}");
                let owner = org.owner.clone();
                let take = move || drop(owner.delete(&path).expect(204));
                let caller = if kind == 2 { robot } else { exchanged(&org, &robot) };
                (caller, Box::new(take))
            }
        };
        let name = move |m: usize| json!({"name": format!("r{n} {m}")});
        late += round(&name, round_of);
    }
    assert_eq!(late, 0, "done after they were taken back");
}

fn exchanged(org: &Org, robot: &Client) -> Client {
    let body = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": robot.token(),
        "subject_token_type": "urn:freehold:params:oauth:token-type:api-key",
    });
    let answer = app().stranger().post("/v1/auth/token", &body).expect(200);
    org.seen_by(&app().bearer(answer["access_token"].as_str().unwrap()))
}

/// A server that trusts an issuer, and lets tenants trust another one.
fn trusting_two(installation: &Server, tenants: &Server) -> TestApp {
    let mut settings = trusting(&installation.url());
    settings.push(("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), tenants.host()));
    app_at(&Place::new(), &settings)
}

fn revoke_at(app: &TestApp, token: &str) -> Answer {
    app.stranger().post("/v1/auth/revoke", &json!({"token": token}))
}

/// Claims without some of them, and with others.
fn saying(server: &Server, subject: &str, more: &Value) -> Value {
    let mut said = claims(&server.url(), subject);
    for (name, value) in more.as_object().unwrap() {
        said[name] = value.clone();
    }
    said.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    said
}

/// The status that the holder of a token is answered somewhere.
fn status(app: &TestApp, path: &str, token: &str) -> u16 {
    app.bearer(token).get(path).status
}

#[test]
fn a_token_of_a_tenants_issuer_is_revoked() {
    let (corp, own) = (Server::new(), Server::new());
    let app = trusting_two(&corp, &own);
    let (org, other) = (Org::new(&app, "revoked-own"), Org::new(&app, "revoked-other"));
    let issuer = json!({"name": "own", "url": own.url(), "audience": "freehold"});
    let id = org.owner.post("/issuers", &issuer).expect(201).id();
    other.owner.post("/issuers", &issuer).expect(201);
    let ann = member(&org, &own.url(), "ann", "member");
    other.owner.post("/members", &json!({"account_id": ann, "role": "member"})).expect(201);
    let paths = ["/v1/tenants/revoked-own", "/v1/tenants/revoked-other"];
    let statuses = |token: &str| paths.map(|path| status(&app, path, token));
    let signed = |more: Value| KEYS.sign("ES256", &saying(&own, "ann", &more));

    let (one, two) = (signed(json!({"jti": "one"})), signed(json!({"jti": "two"})));
    assert_eq!((statuses(&one), statuses(&two)), ([200, 200], [200, 200]));
    revoke_at(&app, &one).expect(200);
    assert_eq!((statuses(&one), statuses(&two)), ([401, 401], [200, 200]));
    // The id counts, whatever else is said.
    assert_eq!(statuses(&signed(json!({"jti": "one", "client_id": "x"}))), [401, 401]);

    // Without an id, what is signed counts, and not how: no two of these signatures are equal.
    let bare = || signed(json!({"jti": null, "iat": now() - 5}));
    let (bare, again) = eventually(|| {
        let two = (bare(), bare());
        (two.0.rsplit_once('.').unwrap().0 == two.1.rsplit_once('.').unwrap().0).then_some(two)
    });
    assert_ne!(bare, again);
    assert_eq!(statuses(&bare), [200, 200]);
    revoke_at(&app, &bare).expect(200);
    revoke_at(&app, &bare).expect(200);
    assert_eq!((statuses(&bare), statuses(&again)), ([401, 401], [401, 401]));

    // An issuer that is disabled may be enabled again.
    org.owner.patch(&format!("/issuers/{id}"), &json!({"state": "disabled"})).expect(200);
    revoke_at(&app, &two).expect(200);
    org.owner.patch(&format!("/issuers/{id}"), &json!({"state": "active"})).expect(200);
    assert_eq!(statuses(&two), [401, 401]);

    // Expired, unknown and forged ones are revoked already.
    let expired = signed(json!({"iat": now() - 600, "exp": now() - 60}));
    let elsewhere = KEYS.sign("ES256", &saying(&Server::new(), "ann", &json!({})));
    let forged = format!("{}A", signed(json!({"jti": "three"})));
    for token in [&expired, &elsewhere, &forged] {
        revoke_at(&app, token).expect(200);
    }
    let rows = app.db("platform").number("select count(*) from revoked_tokens", &[]);
    assert_eq!(rows, 6, "three tokens, in two tenants each");
}

#[test]
fn a_tenants_issuers_have_ten_thousand_revoked_tokens_at_most() {
    let (corp, own) = (Server::new(), Server::new());
    let app = trusting_two(&corp, &own);
    let (org, other) = (Org::new(&app, "revoked-limit"), Org::new(&app, "revoked-beside"));
    let issuer = |name: &str| json!({"name": name, "url": own.url(), "audience": "freehold"});
    org.owner.post("/issuers", &issuer("own")).expect(201);
    other.owner.post("/issuers", &issuer("own")).expect(201);
    let registry = crate::app::Db::path(app.place(), "platform");
    let registry = rusqlite::Connection::open(registry).unwrap();
    registry.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    // As many revocations would take their time.
    let put = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 9999)
        insert into revoked_tokens (issuer, jti, subject, expires_at, created_at)
        select ?1 || ' https://other.example', n, 'stranger', 9000000000000000, 0 from n";
    registry.execute(put, [&org.id]).unwrap();
    let signed = |id: &str| KEYS.sign("ES256", &saying(&own, "a-stranger", &json!({"jti": id})));
    revoke_at(&app, &signed("the last")).expect(200);
    revoke_at(&app, &signed("the last")).expect(200);
    revoke_at(&app, &signed("one more")).problem(409, "revocation_limit");
    // The limit of one tenant keeps no other from its revocations, though both trust the same issuer.
    let there =
        "select count(*) from revoked_tokens where issuer like ?1 || ' %' and jti = 'one more'";
    assert_eq!([&org.id, &other.id].map(|id| app.db("platform").number(there, &[id])), [0, 1]);
    // Another tenant has a limit of its own, and the installation's issuers have none.
    let here = other.caller("admin");
    revoke_at(&app, here.token()).expect(200);
    registry.execute("delete from revoked_tokens where jti = '1'", []).unwrap();
    revoke_at(&app, &signed("one more")).expect(200);
}

#[test]
fn a_token_of_the_installations_issuer_is_revoked() {
    let (corp, own) = (Server::new(), Server::new());
    let app = trusting_two(&corp, &own);
    account(&app, &corp.url(), "ann");
    let signed = |subject: &str, more: Value| KEYS.sign("EdDSA", &saying(&corp, subject, &more));
    for more in [json!({"jti": "a"}), json!({"jti": null})] {
        let token = signed("ann", more);
        assert_eq!(status(&app, "/v1/me", &token), 200);
        revoke_at(&app, &token).expect(200);
        assert_eq!(status(&app, "/v1/me", &token), 401);
    }
    // The subject has no account today, and one tomorrow.
    let (bobs, lost) =
        (signed("bob", json!({})), signed("ann", json!({"tenant": "later", "jti": "b"})));
    revoke_at(&app, &bobs).expect(200);
    revoke_at(&app, &lost).expect(200);
    account(&app, &corp.url(), "bob");
    let body = json!({"slug": "later", "name": "Later"});
    app.operator().post("/v1/platform/tenants", &body).expect(201);
    assert_eq!((status(&app, "/v1/me", &bobs), status(&app, "/v1/me", &lost)), (401, 401));
}

#[test]
fn what_was_exchanged_ends_with_the_trust_in_the_issuer_that_it_came_of() {
    let (corp, next) = (Server::new(), Server::new());
    let app = app_at(&Place::new(), &trusting(&corp.url()));
    let org = Org::new(&app, "untrusted");
    member(&org, &corp.url(), "ann", "member");
    let body = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "tenant": "untrusted",
        "subject_token": KEYS.sign("EdDSA", &claims(&corp.url(), "ann")),
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    });
    let answer = app.stranger().post("/v1/auth/token", &body).expect(200);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(status(&app, "/v1/me", token), 200);
    let app = app_at(&app.stop(), &trusting(&corp.url()));
    assert_eq!(status(&app, "/v1/me", token), 200);
    let app = app_at(&app.stop(), &trusting(&next.url()));
    assert_eq!(status(&app, "/v1/me", token), 401);
}

#[test]
fn a_token_is_revoked_also_while_the_keys_of_its_issuer_cannot_be_fetched() {
    let (corp, own) = (Server::new(), Server::new());
    corp.says(|_| crate::oidc::server::Says::Bytes(Vec::new()));
    let app = trusting_two(&corp, &own);
    account(&app, &corp.url(), "ann");
    let signed = |id: &str| KEYS.sign("EdDSA", &saying(&corp, "ann", &json!({"jti": id})));
    let (revoked, other) = (signed("revoked"), signed("other"));
    revoke_at(&app, &revoked).expect(200);
    corp.says(|_| crate::oidc::server::Says::Itself);
    eventually(|| (status(&app, "/v1/me", &other) == 200).then_some(()));
    assert_eq!(status(&app, "/v1/me", &revoked), 401);
}

#[test]
fn a_token_of_a_sign_in_before_the_revocation_is_refused_also_if_it_is_newer() {
    let (corp, own) = (Server::new(), Server::new());
    let app = trusting_two(&corp, &own);
    let org = Org::new(&app, "signed-in");
    let ann = member(&org, &corp.url(), "ann", "member");
    let now = now();
    let made = std::cell::Cell::new(0);
    let signed = |auth_time: Value| {
        made.set(made.get() + 1);
        let id = made.get().to_string();
        KEYS.sign("EdDSA", &saying(&corp, "ann", &json!({"auth_time": auth_time, "jti": id})))
    };
    let me = |token: &str| status(&app, "/v1/me", token);
    let host = app.person(&ann);
    let exchanged = |token: &str| {
        let body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "tenant": "signed-in",
        });
        app.stranger().post("/v1/auth/token", &body)
    };
    let account = format!("/v1/platform/accounts/{ann}");
    let times = [json!(now - 120), json!(now - 60), Value::Null, json!(now - 59), json!(now - 10)];
    let tokens = times.map(signed);
    assert_eq!(tokens.each_ref().map(|token| me(token)), [200; 5]);
    let before = json!({"before": Timestamp::of_seconds(now - 60)});
    app.operator().post(&format!("{account}/revoke-tokens"), &before).expect(204);
    assert_eq!(tokens.each_ref().map(|token| me(token)), [401, 401, 401, 200, 200]);
    exchanged(&tokens[0]).problem(401, "unauthenticated");
    let mine = exchanged(&tokens[4]).expect(200)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(me(&mine), 200);

    app.operator().act(&format!("{account}/end-sessions")).expect(204);
    assert_eq!(tokens.each_ref().map(|token| me(token)), [401; 5]);
    assert_eq!(
        (me(&mine), me(&signed(json!(now - 10))), me(&signed(Value::Null))),
        (401, 401, 401)
    );
    // Another sign-in, and what the host minted, which stands for none.
    assert_eq!(me(&signed(json!(crate::oidc::mint::now() + 20))), 200);
    host.get("/v1/me").expect(200);
    app.person(&ann).get("/v1/me").expect(200);
}
