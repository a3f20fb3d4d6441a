//! `/v1/me/identities`: which issuers mean an account, kept by the account itself.

use serde_json::{Value, json};

use crate::browser::{Browser, app, providers};

fn listed(browser: &Browser) -> Vec<(String, String)> {
    let items = browser.get("/v1/me/identities").expect(200)["items"].clone();
    let word = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = items.as_array().unwrap().iter();
    items.map(|item| (word(item, "issuer"), word(item, "subject"))).collect()
}

/// A browser whose log-in is as strong as is demanded.
fn strong(subject: &str) -> Browser {
    let person = json!({"sub": subject, "name": subject, "acr": "phr", "amr": ["hwk"]});
    Browser::arrived(app(), person, "step_up=true")
}

fn identity(browser: &Browser, issuer: &str) -> String {
    let items = browser.get("/v1/me/identities").expect(200)["items"].clone();
    let found = items.as_array().unwrap().iter().find(|item| item["issuer"] == issuer).cloned();
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_identity_is_linked_by_a_token_of_its_issuer_and_taken_away_again() {
    let browser = strong("linker");
    let link = |token: &str| browser.post("/v1/me/identities", &json!({"token": token}));
    let token = app().local_token("linked");
    let made = link(&token).expect(200);
    assert_eq!((&made["issuer"], &made["subject"]), (&json!("local"), &json!("linked")));
    assert_eq!(link(&token).expect(200)["id"], made["id"], "it is there already");
    let both =
        [("local".to_owned(), "linked".to_owned()), (providers().url.clone(), "linker".to_owned())];
    let mut found = listed(&browser);
    found.sort();
    let mut expected = both.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    // Both mean the same account.
    let own = browser.get("/v1/me").expect(200)["account"]["id"].clone();
    assert_eq!(app().bearer(&token).get("/v1/me").expect(200)["account"]["id"], own);
    let path = format!("/v1/me/identities/{}", made["id"].as_str().unwrap());
    browser.change("DELETE", &path).send().expect(204);
    app().bearer(&token).get("/v1/me").problem(401, "unauthenticated");
    // Whatever was issued for the account before is taken back: who has it left logs in again.
    browser.get("/v1/me").problem(401, "unauthenticated");
    let browser = strong("linker");
    browser.change("DELETE", &path).send().problem(404, "not_found");
    let last = format!("/v1/me/identities/{}", identity(&browser, &providers().url));
    browser.change("DELETE", &last).send().problem(409, "last_identity");
    let events = app().db("platform").texts(
        "select type || ' ' || data from outbox_events where type like 'identity.%' order by seq",
        &[],
    );
    assert!(events.iter().any(|event| event.starts_with("identity.linked ")), "{events:?}");
    assert!(events.iter().any(|event| event.starts_with("identity.unlinked ")), "{events:?}");
    assert!(
        !events.iter().any(|event| event.contains("linker") || event.contains(&token)),
        "{events:?}"
    );
}

#[test]
fn an_identity_that_is_somebodys_stays_theirs_and_nobody_hears_whose() {
    let browser = strong("greedy");
    let alice = app().demo("alice");
    let refused = browser.post("/v1/me/identities", &json!({"token": alice.token()}));
    let refused = refused.problem(409, "identity_taken");
    let owner = alice.get("/v1/me").expect(200)["account"]["id"].as_str().unwrap().to_owned();
    assert!(!refused.text.contains(&owner) && !refused.text.contains("alice"), "{}", refused.text);
    assert_eq!(listed(&browser).len(), 1);
}

#[test]
fn what_is_no_token_of_a_trusted_issuer_links_nothing() {
    let browser = strong("liar-linker");
    let system = app().operator().token().to_owned();
    let good = app().local_token("half");
    for token in ["", "x", "a.b.c", &system, &good[..good.len() - 1], &format!("{good}x")] {
        let refused = browser.post("/v1/me/identities", &json!({"token": token}));
        assert_eq!(refused.problem(422, "invalid").fields(), ["/token"], "{token}");
    }
    browser.post("/v1/me/identities", &json!({})).problem(422, "invalid");
    browser
        .post("/v1/me/identities", &json!({"token": good, "account_id": "x"}))
        .problem(422, "invalid");
    assert_eq!(listed(&browser).len(), 1);
}

#[test]
fn identities_are_kept_by_a_strong_and_recent_log_in_alone() {
    let weak = Browser::logged_in(app(), "feeble");
    let link = json!({"token": app().local_token("feeble-link")});
    let demanded =
        weak.post("/v1/me/identities", &link).problem(401, "insufficient_user_authentication");
    assert!(demanded.header("www-authenticate").contains("acr_values=\"phr phrh\""));
    let path = format!("/v1/me/identities/{}", identity(&weak, &providers().url));
    weak.change("DELETE", &path).send().problem(401, "insufficient_user_authentication");
    let by_browser = weak.request("GET", "/v1/auth/login?link=true&issuer=liar");
    by_browser
        .header("sec-fetch-site", "same-origin")
        .send()
        .problem(401, "insufficient_user_authentication");
}

#[test]
fn an_identity_is_linked_by_a_log_in_of_the_same_browser() {
    let mut browser = strong("joiner");
    let (state, nonce) = browser.begins_at_the_liar("link=true");
    let told = json!({"claims": {"sub": "joiner-there", "nonce": nonce}});
    let before = browser.get("/v1/auth/session").expect(200)["session"]["id"].clone();
    browser.comes_back_from_the_liar(&state, &told).expect(303);
    assert_eq!(
        browser.get("/v1/auth/session").expect(200)["session"]["id"],
        before,
        "the session stays"
    );
    assert!(listed(&browser).contains(&(providers().liar.clone(), "joiner-there".to_owned())));
    // Whoever logs in there is the same account; taken away, the sessions that began so end.
    let mut there = Browser::of(app(), Value::Null);
    let (state, nonce) = there.begins_at_the_liar("");
    let told = json!({"claims": {"sub": "joiner-there", "nonce": nonce}});
    there.comes_back_from_the_liar(&state, &told).expect(303);
    let account = |browser: &Browser| browser.get("/v1/me").expect(200)["account"]["id"].clone();
    assert_eq!(account(&there), account(&browser));
    let path = format!("/v1/me/identities/{}", identity(&browser, &providers().liar));
    browser.change("DELETE", &path).send().expect(204);
    there.get("/v1/me").problem(401, "unauthenticated");
    browser.get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn no_other_site_and_no_other_browser_links_anything() {
    let mut browser = strong("guarded");
    for site in ["cross-site", "same-site", "none", ""] {
        let request = browser.request("GET", "/v1/auth/login?link=true&issuer=liar");
        request.header("sec-fetch-site", site).send().problem(403, "cross_site_request");
    }
    browser.get("/v1/auth/login?link=true&issuer=liar").problem(403, "cross_site_request");
    // Begun by one, it is no good in another's session, nor without one.
    let (state, nonce) = browser.begins_at_the_liar("link=true");
    let told = json!({"claims": {"sub": "guarded-there", "nonce": nonce}});
    let mut other = strong("other-guarded");
    other.set_cookie(crate::browser::LOGIN, browser.cookie(crate::browser::LOGIN).unwrap());
    other.comes_back_from_the_liar(&state, &told).problem(400, "login_state_invalid");
    assert_eq!((listed(&browser).len(), listed(&other).len()), (1, 1));
    let (state, nonce) = browser.begins_at_the_liar("link=true");
    let told = json!({"claims": {"sub": "guarded-there", "nonce": nonce}});
    browser.change("POST", "/v1/auth/logout").send().expect(200);
    browser.comes_back_from_the_liar(&state, &told).problem(401, "unauthenticated");
    // Somebody else's identity is not linked by a log-in either.
    let mut taker = strong("taker");
    let (state, nonce) = taker.begins_at_the_liar("link=true");
    let mut owner = Browser::of(app(), Value::Null);
    let (own_state, own_nonce) = owner.begins_at_the_liar("");
    let told = |nonce: &str| json!({"claims": {"sub": "owned", "nonce": nonce}});
    owner.comes_back_from_the_liar(&own_state, &told(&own_nonce)).expect(303);
    taker.comes_back_from_the_liar(&state, &told(&nonce)).problem(409, "identity_taken");
    assert_eq!(listed(&taker).len(), 1);
}

#[test]
fn an_account_has_sixteen_identities_at_most() {
    let browser = strong("many");
    let link = |n: usize| {
        let token = app().local_token(&format!("many-{n}"));
        browser.post("/v1/me/identities", &json!({"token": token}))
    };
    for n in 1..16 {
        link(n).expect(200);
    }
    link(16).problem(409, "identity_limit");
    assert_eq!(listed(&browser).len(), 16);
    let page = browser.get("/v1/me/identities?limit=15").expect(200);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = browser.get(&format!("/v1/me/identities?limit=15&cursor={next}")).expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
}
