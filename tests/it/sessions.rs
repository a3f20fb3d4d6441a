//! Sessions of browsers: by which they are known, what defends them, and how they end.

use std::time::Duration;

use serde_json::json;

use crate::app::{Place, eventually};
use crate::browser::{Browser, HOST, PUBLIC, SESSION, app, app_with, providers};
use crate::client::{Answer, Client};
use crate::isolation::now;
use crate::org::Org;

/// A browser of a new person, and their account.
fn somebody(subject: &str) -> (Browser, String) {
    let browser = Browser::logged_in(app(), subject);
    let me = browser.get("/v1/me").expect(200);
    let account = me["account"]["id"].as_str().unwrap().to_owned();
    (browser, account)
}

/// Lets somebody into a tenant, and waits until the registry has heard.
fn let_in(org: &Org, browser: &Browser, account: &str, role: &str) {
    org.owner.post("/members", &json!({"account_id": account, "role": role})).expect(201);
    eventually(|| {
        let me = browser.get("/v1/me").expect(200);
        (!me["tenants"].as_array().unwrap().is_empty()).then_some(())
    });
}

#[test]
fn a_session_tells_who_is_there_and_until_when() {
    let (browser, account) = somebody("teller");
    let told = browser.get("/v1/auth/session").expect(200);
    assert_eq!(told["account"]["id"], json!(account));
    let session = &told["session"];
    assert_eq!((&session["current"], &session["issuer"]), (&json!(true), &json!(providers().url)));
    assert_eq!(session["idle_s"], 1800);
    let me = browser.get("/v1/me").expect(200);
    assert_eq!(me["credential"]["issuer"], "freehold");
    let expires = |text: &serde_json::Value| text.as_str().unwrap()[..19].to_owned();
    assert_eq!(expires(&me["credential"]["expires_at"]), expires(&session["expires_at"]));
    // It is not there for whoever came by a token.
    app().operator().get("/v1/auth/session").problem(404, "not_found");
}

#[test]
fn a_cookie_counts_alone_and_on_its_host_and_once() {
    let (browser, _) = somebody("alone");
    let cookie = format!("{SESSION}={}", browser.cookie(SESSION).unwrap());
    let ask = |host: &str, cookies: &[&str], token: Option<&str>| -> Answer {
        let mut request = Client::new(app().url()).request("GET", "/v1/me").header("host", host);
        for cookie in cookies {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.send()
    };
    ask(HOST, &[&cookie], None).expect(200);
    ask(HOST, &[&format!("a=b; {cookie}; c=d")], None).expect(200);
    let bearer = format!("Bearer {}", app().operator().token());
    ask(HOST, &[], Some(&bearer)).expect(200);
    let refusals = [
        ask(HOST, &[&cookie], Some(&bearer)),
        ask(HOST, &[&cookie], Some("Basic YTpi")),
        ask(HOST, &[&format!("{SESSION}=")], Some(&bearer)),
        ask(HOST, &[&cookie, &cookie], None),
        ask(HOST, &[&format!("{cookie}; {cookie}")], None),
        ask(HOST, &[&format!("{cookie}; {SESSION}=other")], None),
        ask("acme.localhost", &[&cookie], None),
        ask("localhost", &[&cookie], None),
        ask(&format!("{HOST}:444"), &[&cookie], None),
        ask(&format!("evil.{HOST}"), &[&cookie], None),
        ask(HOST, &[&cookie.replace(SESSION, "freehold")], None),
        ask(HOST, &[&cookie.to_lowercase()], None),
        // A token that is no session's is none in a cookie either.
        ask(HOST, &[&format!("{SESSION}={}", app().operator().token())], None),
        ask(HOST, &[&format!("{SESSION}={}", app().demo("alice").token())], None),
    ];
    for (n, answer) in refusals.into_iter().enumerate() {
        assert_eq!(answer.status, 401, "{n}: {}", answer.text);
    }
    ask(&HOST.to_uppercase(), &[&cookie], None).problem(400, "host_invalid");
    // Whoever opens the local socket has a credential already.
    let host = app().host().request("GET", "/v1/platform/tenants").header("cookie", &cookie);
    host.send().problem(401, "unauthenticated");
}

#[test]
fn a_change_by_the_cookie_needs_our_origin_and_the_token_of_the_session() {
    let (browser, _) = somebody("careful");
    let (other, _) = somebody("other-careful");
    let ask = |headers: &[(&str, &str)]| {
        let mut request = browser.request("POST", "/v1/auth/session").json(&json!({"tenant": "x"}));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send()
    };
    let (own, foreign) = (browser.csrf(), other.csrf());
    for headers in [
        vec![],
        vec![("origin", PUBLIC)],
        vec![("freehold-csrf", own)],
        vec![("origin", "https://evil.example"), ("freehold-csrf", own)],
        vec![("origin", "null"), ("freehold-csrf", own)],
        vec![("origin", PUBLIC), ("freehold-csrf", foreign)],
        vec![("origin", PUBLIC), ("freehold-csrf", "")],
        vec![("sec-fetch-site", "same-site"), ("freehold-csrf", own)],
        vec![("sec-fetch-site", "none"), ("freehold-csrf", own)],
        vec![
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "same-origin"),
            ("freehold-csrf", own),
        ],
        vec![("referer", PUBLIC), ("freehold-csrf", own)],
    ] {
        ask(&headers).problem(403, "cross_site_request");
    }
    for headers in [
        vec![("origin", PUBLIC), ("freehold-csrf", own)],
        vec![("sec-fetch-site", "same-origin"), ("freehold-csrf", own)],
        vec![("origin", PUBLIC), ("sec-fetch-site", "cross-site"), ("freehold-csrf", own)],
    ] {
        // As far as the tenant, which is none of theirs.
        assert_eq!(ask(&headers).problem(422, "invalid").fields(), ["/tenant"]);
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let path = "/v1/me/sessions/01890000-0000-7000-8000-000000000000";
        let answer = browser.request(method, path).send();
        assert_ne!(answer.status, 200, "{method}");
    }
    browser
        .request("DELETE", "/v1/me/identities/AAAAAAAAAAAAAAAAAAAAAA")
        .send()
        .problem(403, "cross_site_request");
    // Nobody from elsewhere is told that they may.
    let preflight =
        browser.request("OPTIONS", "/v1/auth/session").header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "POST").send();
    let names: Vec<_> = preflight.headers.keys().map(|name| name.as_str().to_owned()).collect();
    assert!(!names.iter().any(|name| name.starts_with("access-control")), "{names:?}");
}

#[test]
fn every_log_in_is_a_session_of_its_own_and_ends_the_one_before() {
    let (mut browser, _) = somebody("again");
    let (first, id) = (browser.clone(), current(&browser));
    browser.log_in("").expect(200);
    assert_ne!(current(&browser), id);
    first.get("/v1/me").problem(401, "unauthenticated");
    // Another browser's is another matter.
    let second = Browser::logged_in(app(), "again");
    browser.get("/v1/me").expect(200);
    second.get("/v1/me").expect(200);
}

fn current(browser: &Browser) -> String {
    let told = browser.get("/v1/auth/session").expect(200);
    told["session"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_moves_to_another_tenant_of_ones_own_under_a_new_id() {
    let org = Org::new(app(), "moving-house");
    let (mut browser, account) = somebody("mover");
    let_in(&org, &browser, &account, "member");
    let before = browser.get("/v1/auth/session").expect(200);
    browser.get("/v1/tenants/moving-house/teams").problem(404, "not_found");
    let old = browser.clone();
    let moved = browser.post("/v1/auth/session", &json!({"tenant": "moving-house"})).expect(200);
    assert_eq!(moved["tenant_id"], json!(org.id));
    assert_eq!(moved["expires_at"], before["session"]["expires_at"], "no session grows by moving");
    let cookie = moved.header("set-cookie");
    let value = cookie.split(['=', ';']).nth(1).unwrap();
    browser.set_cookie(SESSION, value);
    old.get("/v1/me").problem(401, "unauthenticated");
    browser.get("/v1/tenants/moving-house/teams").expect(200);
    assert_eq!(moved["id"], json!(current(&browser)));
    // The token of before is not the new session's.
    let refused = browser.post("/v1/auth/session", &json!({"tenant": null}));
    refused.problem(403, "cross_site_request");
    let csrf = moved["csrf_token"].as_str().unwrap();
    let back = browser.request("POST", "/v1/auth/session").header("origin", PUBLIC);
    let back = back.header("freehold-csrf", csrf).json(&json!({"tenant": null})).send().expect(200);
    assert_eq!(back["tenant_id"], json!(null));
    // Whoever is a member no more gets in no more, whatever their session is for.
    let mut member = Browser::of(app(), json!({"sub": "mover"}));
    let landed = member.log_in("tenant=moving-house").expect(200);
    assert_eq!(landed["session"]["tenant_id"], json!(org.id));
    org.owner.act(&format!("/members/{account}/suspend")).expect(200);
    member.get("/v1/tenants/moving-house/teams").problem(404, "not_found");
}

#[test]
fn ones_sessions_are_listed_and_ended_one_by_one() {
    let (one, account) = somebody("keeper");
    let two = Browser::logged_in(app(), "keeper");
    let (foreign, _) = somebody("stranger-to-keeper");
    let listed = one.get("/v1/me/sessions").expect(200);
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let marks: Vec<_> = items.iter().map(|item| item["current"].as_bool().unwrap()).collect();
    assert_eq!(marks.iter().filter(|mark| **mark).count(), 1);
    let page = one.get("/v1/me/sessions?limit=1").expect(200);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = one.get(&format!("/v1/me/sessions?limit=1&cursor={next}")).expect(200);
    assert_eq!(rest["items"][0]["id"], items[1]["id"]);
    foreign
        .get(&format!("/v1/me/sessions?limit=1&cursor={next}"))
        .problem(400, "invalid_parameter");
    let path = format!("/v1/me/sessions/{}", current(&two));
    foreign.change("DELETE", &path).send().problem(404, "not_found");
    two.get("/v1/me").expect(200);
    one.change("DELETE", &path).send().expect(204);
    two.get("/v1/me").problem(401, "unauthenticated");
    one.change("DELETE", &path).send().problem(404, "not_found");
    // By a token too.
    let person = app().person(&account);
    let path = format!("/v1/me/sessions/{}", current(&one));
    person.request("DELETE", &path).send().expect(204);
    one.get("/v1/me").problem(401, "unauthenticated");
    assert_eq!(person.get("/v1/me/sessions").expect(200)["items"], json!([]));
}

#[test]
fn what_an_operator_ends_or_suspends_is_over_on_the_next_request() {
    let (one, account) = somebody("ended");
    let two = Browser::logged_in(app(), "ended");
    let path = format!("/v1/platform/accounts/{account}");
    app().operator().act(&format!("{path}/end-sessions")).expect(204);
    for browser in [&one, &two] {
        browser.get("/v1/me").problem(401, "unauthenticated");
    }
    let three = Browser::logged_in(app(), "ended");
    app().operator().act(&format!("{path}/suspend")).expect(200);
    three.get("/v1/me").problem(404, "not_found");
    app().operator().act(&format!("{path}/resume")).expect(200);
    three.get("/v1/me").expect(200);
}

/// The word of a redirect's query.
fn word(redirect: &Answer, name: &str) -> Option<String> {
    let to: reqwest::Url = redirect.header("location").parse().unwrap();
    let found = to.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

#[test]
fn a_sign_in_before_the_sessions_were_ended_begins_no_session() {
    let mut browser = Browser::of(app(), json!({}));
    let now = crate::oidc::mint::now();
    let (state, nonce) = browser.begins_at_the_liar("");
    let told = |nonce: &str, auth_time: &serde_json::Value| {
        let claims = json!({"sub": "known-before", "nonce": nonce, "auth_time": auth_time});
        json!({"claims": claims})
    };
    let first = told(&nonce, &json!(now - 100));
    browser.comes_back_from_the_liar(&state, &first).expect(303);
    let me = browser.get("/v1/me").expect(200);
    let account = me["account"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/platform/accounts/{account}/end-sessions");
    app().operator().act(&path).expect(204);
    // A provider that is asked for a time must say one, and one that is new.
    for (age, then) in [(Some(100), 403), (None, 403), (Some(-20), 303)] {
        // The provider knows them from before: it is sent there again, once, to have them sign in.
        let (state, nonce) = browser.begins_at_the_liar("return_to=/v1/me");
        let old = told(&nonce, &json!(now - 100));
        let again = browser.comes_back_from_the_liar(&state, &old).expect(303);
        assert_eq!(word(&again, "max_age").as_deref(), Some("0"), "{again:?}");
        let (state, nonce) = (word(&again, "state").unwrap(), word(&again, "nonce").unwrap());
        let auth_time = json!(age.map(|age| crate::oidc::mint::now() - age));
        let landed = browser.comes_back_from_the_liar(&state, &told(&nonce, &auth_time));
        assert_eq!(landed.status, then, "{}", landed.text);
        if then == 403 {
            landed.problem(403, "sign_in_revoked");
            continue;
        }
        assert!(landed.header("location").ends_with("/v1/me"), "{landed:?}");
        browser.get("/v1/me").expect(200);
        app().operator().act(&path).expect(204);
    }
}

#[test]
fn a_session_that_does_nothing_is_over_and_one_that_is_used_lasts_until_its_age() {
    let (place, idle, most) = (Place::new(), 3, 6);
    let short = app_with(
        &place,
        &[("FREEHOLD__LOGIN__SESSION_IDLE_S", "3"), ("FREEHOLD__LOGIN__SESSION_MAX_S", "6")],
    );
    let (started, used) = (now(), Browser::logged_in(&short, "used"));
    let (rested, rests) = (now(), Browser::logged_in(&short, "rests"));
    let mut over = (None, None);
    eventually(|| {
        // Nobody asks by the one that rests before it must be over.
        if over.0.is_none() && rested.elapsed() > Duration::from_secs(idle + 1) {
            rests.get("/v1/me").problem(401, "unauthenticated");
            over.0 = Some(rested.elapsed());
        }
        if used.get("/v1/me").status == 401 {
            over.1 = Some(started.elapsed());
        }
        over.1
    });
    let lasted = over.1.unwrap();
    assert!(over.0.is_some(), "the one that rests was over first");
    assert!(
        lasted > Duration::from_secs(idle + 1) && lasted < Duration::from_secs(most + 3),
        "{lasted:?}"
    );
    // Nothing brings it back.
    rests.get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn a_session_outlasts_the_process_and_an_end_does_too() {
    let place = Place::new();
    let first = app_with(&place, &[]);
    let (kept, ended) = (Browser::logged_in(&first, "kept"), Browser::logged_in(&first, "gone"));
    ended.change("POST", "/v1/auth/logout").send().expect(200);
    let place = first.kill();
    let second = app_with(&place, &[]);
    let at = |browser: &Browser| {
        let mut there = Browser::of(&second, json!({}));
        there.set_cookie(SESSION, browser.cookie(SESSION).unwrap_or("none"));
        there.get("/v1/me")
    };
    at(&kept).expect(200);
    at(&ended).problem(401, "unauthenticated");
    let mut again = Browser::of(&second, json!({"sub": "kept"}));
    again.log_in("").expect(200);
}

#[test]
fn what_is_used_is_written_down_in_order() {
    let place = Place::new();
    let first = app_with(&place, &[]);
    let browser = Browser::logged_in(&first, "seen");
    let seen = "select last_seen_at - created_at from sessions";
    assert_eq!(first.db("platform").number(seen, &[]), 0);
    browser.get("/v1/me").expect(200);
    let audited = first.db("platform").written();
    let place = first.stop();
    let db = crate::app::Db::open(&place, "platform");
    assert!(db.number(seen, &[]) > 0);
    assert_eq!(db.written(), audited, "nobody is told of every request");
}
