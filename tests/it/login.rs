//! `/v1/auth/login` and `/v1/auth/callback`: log-in by browser, at a real provider and at one that lies.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freehold::domain::action;
use freehold::http::infos;
use serde_json::{Value, json};

use crate::app::{Place, eventually};
use crate::browser::{Browser, LOGIN, PUBLIC, SESSION, app, app_with, providers};
use crate::client::Answer;
use crate::org::Org;

/// An account that an operator makes for somebody whom the provider knows.
fn known(subject: &str, email: Option<&str>) -> String {
    let identities = json!([{"issuer": providers().url, "subject": subject}]);
    let body = json!({"display_name": subject, "email": email, "identities": identities});
    app().operator().post("/v1/platform/accounts", &body).expect(201).id()
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) {
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert!(cookies.is_empty(), "{cookies:?}");
    answer.problem(status, code);
}

#[test]
fn somebody_logs_in_lands_in_their_tenant_works_there_and_logs_out() {
    let org = Org::new(app(), "walk");
    let account = known("walker", None);
    org.owner.post("/members", &json!({"account_id": account, "role": "admin"})).expect(201);
    let mut browser = Browser::of(app(), json!({"sub": "walker"}));
    eventually(|| {
        let landed = browser.log_in("tenant=walk&return_to=/v1/auth/session");
        (landed.expect(200)["session"]["tenant_id"] == json!(org.id)).then_some(())
    });
    let me = browser.get("/v1/me").expect(200);
    assert_eq!(me["account"]["id"], json!(account));
    assert_eq!((&me["tenant"]["slug"], &me["role"]), (&json!("walk"), &json!("admin")));
    browser.get("/v1/tenants/walk/teams").expect(200);
    browser.post("/v1/tenants/walk/teams", &json!({"name": "walkers"})).expect(201);
    let cookie = browser.cookie(SESSION).unwrap().to_owned();
    let out = browser.change("POST", "/v1/auth/logout").send().expect(200);
    let end = out["end_session_url"].as_str().unwrap();
    assert!(end.starts_with(&format!("{}/session/end?", providers().url)), "{end}");
    assert!(end.contains("post_logout_redirect_uri=https%3A%2F%2Flogin.freehold.test%2Fdocs%2F"));
    assert!(out.header("set-cookie").starts_with("__Host-freehold=; "), "{:?}", out.headers);
    browser.set_cookie(SESSION, &cookie);
    browser.get("/v1/me").problem(401, "unauthenticated");
    browser.post("/v1/tenants/walk/teams", &json!({"name": "x"})).problem(401, "unauthenticated");
}

#[test]
fn cookies_are_for_this_host_by_tls_and_for_no_script() {
    let mut browser = Browser::of(app(), json!({"sub": "baker"}));
    let begun = browser.go(&format!("{PUBLIC}/v1/auth/login")).expect(303);
    let cookie = begun.header("set-cookie");
    assert!(cookie.starts_with(&format!("{LOGIN}=")), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
    assert_eq!(begun.header("referrer-policy"), "no-referrer");
    assert_eq!(begun.header("cache-control"), "no-store");
    let to: reqwest::Url = begun.header("location").parse().unwrap();
    let query: std::collections::BTreeMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["redirect_uri"], format!("{PUBLIC}/v1/auth/callback"));
    assert_eq!(query["scope"], "openid profile email");
    assert!(query["state"].len() >= 22 && query["nonce"].len() >= 22);
    let back = browser.as_far_as_the_callback("");
    let landed = browser.go(&back).expect(303);
    assert_eq!(landed.header("location"), format!("{PUBLIC}/v1/auth/session"));
    let cookies: Vec<_> = landed.headers.get_all("set-cookie").iter().collect();
    assert!(cookies[0].to_str().unwrap().starts_with(&format!("{LOGIN}=; ")), "{cookies:?}");
    let cookie = cookies[1].to_str().unwrap();
    assert!(cookie.starts_with(&format!("{SESSION}=")), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=28800"),
        "{cookie}"
    );
    assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
}

#[test]
fn a_log_in_ends_where_it_was_to_and_never_elsewhere() {
    let begin = |to: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("return_to", to).finish();
        Browser::of(app(), json!({"sub": "wanderer"}))
            .request("GET", &format!("/v1/auth/login?{query}"))
            .send()
    };
    for to in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "",
        "/\t/evil.example",
        "/\r\nset-cookie: a=b",
        "v1/me",
    ] {
        let answer = begin(to).problem(400, "invalid_parameter");
        assert_eq!(answer.fields(), ["return_to"], "{to:?}");
    }
    let mut browser = Browser::of(app(), json!({"sub": "wanderer"}));
    let back = browser.as_far_as_the_callback("return_to=/@evil.example/..//x%3Fa%3Db%23c");
    let landed = browser.go(&back).expect(303);
    assert_eq!(landed.header("location"), format!("{PUBLIC}/@evil.example/..//x?a=b#c"));
}

#[test]
fn what_a_log_in_cannot_be_asked_for_is_named() {
    let ask = |query: &str| {
        let browser = Browser::of(app(), json!({"sub": "asker"}));
        browser.request("GET", &format!("/v1/auth/login?{query}")).send()
    };
    for (query, field) in [
        ("issuer=nobody", "issuer"),
        ("issuer=", "issuer"),
        ("link=perhaps", "link"),
        ("return=/", "return"),
        (&format!("tenant={}", "x".repeat(64)), "tenant"),
    ] {
        let answer = ask(query).problem(400, "invalid_parameter");
        assert_eq!(answer.fields(), [field], "{query}");
    }
    ask("link=true").problem(401, "unauthenticated");
    // Elsewhere nobody logs in.
    app().stranger().get("/v1/auth/login").problem(404, "not_found");
    app().stranger().get("/v1/auth/callback?state=a&code=b").problem(404, "not_found");
}

#[test]
fn a_log_in_that_is_another_browsers_or_done_or_touched_is_refused() {
    let mut one = Browser::of(app(), json!({"sub": "one"}));
    let mut other = Browser::of(app(), json!({"sub": "other"}));
    let (here, there) = (one.as_far_as_the_callback(""), other.as_far_as_the_callback(""));
    let invalid = |browser: &mut Browser, url: &str| {
        refused(browser.go(url), 400, "login_state_invalid");
    };
    invalid(&mut one, &there);
    invalid(&mut Browser::of(app(), json!({"sub": "none"})), &here);
    for url in [
        here.replace("state=", "state=x"),
        here.replace("state=", "was="),
        here.replace("code=", "was="),
        format!("{PUBLIC}/v1/auth/callback"),
    ] {
        invalid(&mut one.clone(), &url);
    }
    // The attempt without a code has used it up; another log-in is another matter.
    let here = one.as_far_as_the_callback("");
    let before = one.clone();
    one.go(&here).expect(303);
    invalid(&mut before.clone(), &here);
    // A provider's word counts for the log-in that was begun there.
    let mut mixed = Browser::of(app(), json!({"sub": "mixed"}));
    let here = mixed.as_far_as_the_callback("");
    let evil = here.replace("iss=", "iss=https://evil.example&was=");
    assert_ne!(evil, here);
    invalid(&mut mixed, &evil);
}

#[test]
fn whom_the_provider_does_not_let_in_is_not_let_in() {
    let mut browser = Browser::of(app(), json!({"deny": true}));
    let back = browser.as_far_as_the_callback("");
    assert!(back.contains("error=access_denied"), "{back}");
    refused(browser.go(&back), 403, "login_refused");
    let mut browser = Browser::of(app(), json!({"sub": "coder"}));
    let back = browser.as_far_as_the_callback("");
    let start = back.find("code=").unwrap() + 5;
    let end = back[start..].find('&').map_or(back.len(), |at| start + at);
    let forged = format!("{}nonsense{}", &back[..start], &back[end..]);
    refused(browser.go(&forged), 403, "login_refused");
}

#[expect(clippy::disallowed_methods, reason = "the liar's tokens are of the machine's time")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(claims: Value) -> Value {
    json!({ "claims": claims })
}

fn header(header: Value) -> Value {
    json!({ "header": header })
}

/// A log-in at the liar, whose answer is as it is told; a good one where it is told nothing.
fn at_the_liar(mut told: Value) -> (Browser, Answer) {
    let mut browser = Browser::of(app(), Value::Null);
    let (state, nonce) = browser.begins_at_the_liar("");
    if told["claims"].get("nonce").is_none() {
        told["claims"]["nonce"] = json!(nonce);
    }
    let answer = browser.comes_back_from_the_liar(&state, &told);
    (browser, answer)
}

/// ID tokens whose claims are wrong.
fn wrong_claims() -> Vec<Value> {
    let (now, url) = (now(), &providers().liar);
    let other_hash = "n8AXnQCpCPy8lMzSdJztOQ";
    let cases = [
        json!({"nonce": null}),
        json!({"nonce": "another"}),
        json!({"nonce": ""}),
        json!({"nonce": 7}),
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{url}/")}),
        json!({"iss": [url]}),
        json!({"iss": null}),
        json!({"aud": "another"}),
        json!({"aud": ["another"]}),
        json!({"aud": ["freehold", "another"]}),
        json!({"aud": ["freehold", 7], "azp": "freehold"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"aud": ["freehold", "another"], "azp": "another"}),
        json!({"azp": "another"}),
        json!({"azp": ["freehold"]}),
        json!({"azp": ""}),
        json!({"exp": now - 120}),
        json!({"exp": null}),
        json!({"exp": "never"}),
        json!({"exp": true}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"iat": now + 3600}),
        json!({"iat": null}),
        json!({"iat": (now).to_string()}),
        json!({"nbf": now + 3600}),
        json!({"nbf": "now"}),
        json!({"auth_time": "now"}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "two words"}),
        json!({"sub": "x".repeat(256)}),
        json!({"at_hash": "another"}),
        json!({"at_hash": other_hash}),
        json!({"at_hash": ""}),
        json!({"at_hash": 7}),
    ];
    cases.map(claims).into()
}

/// ID tokens whose form, key or signature is wrong, and answers that have none.
fn wrong_otherwise() -> Vec<Value> {
    let url = &providers().liar;
    vec![
        header(json!({"alg": "none"})),
        header(json!({"alg": "HS256"})),
        header(json!({"kid": "two"})),
        header(json!({"kid": null})),
        header(json!({"typ": "at+jwt"})),
        header(json!({"typ": "logout+jwt"})),
        header(json!({"typ": ""})),
        header(json!({"typ": 7})),
        header(json!({"jku": "https://evil.example/jwks"})),
        header(json!({"jwk": {}})),
        header(json!({"crit": ["exp"], "exp": 1})),
        json!({"key": "weak"}),
        json!({"key": "encryption"}),
        json!({"key": "wrapping"}),
        json!({"key": "twice"}),
        json!({"key": "hidden"}),
        // Not in the issuer's list of algorithms; and a key of another algorithm.
        json!({"key": "pss"}),
        json!({"key": "rsa", "header": {"alg": "PS256"}}),
        json!({"key": "pss", "header": {"alg": "RS256"}}),
        json!({"key": "ed", "header": {"kid": "one"}}),
        json!({"other": true}),
        json!({"without": true}),
        json!({"padding": 70_000}),
        json!({"answer": {"token_type": "DPoP"}}),
        json!({"answer": {"token_type": null}}),
        json!({"answer": {"access_token": null}}),
        json!({"at_hash": true, "answer": {"access_token": "another"}}),
        json!({"answer": {"id_token": "a.b"}}),
        json!({"answer": {"id_token": ["a"]}}),
        json!({"status": 500}),
        json!({"status": 500, "body": "{\"error\": \"invalid_grant\"}"}),
        json!({"status": 302, "location": format!("{url}/token")}),
        json!({"status": 200, "body": "no json"}),
        json!({"status": 200, "body": "{}"}),
    ]
}

#[test]
fn an_id_token_that_is_not_as_it_must_be_lets_nobody_in() {
    for told in wrong_claims().into_iter().chain(wrong_otherwise()) {
        let (browser, answer) = at_the_liar(told.clone());
        let code = answer["code"].as_str().unwrap_or_default().to_owned();
        assert!(browser.cookie(SESSION).is_none(), "{told}");
        assert_eq!(
            (answer.status, code.as_str()),
            (502, "login_provider_failed"),
            "{told}: {}",
            answer.text
        );
    }
    // A code that the provider refuses.
    let told = json!({"status": 400, "body": "{\"error\": \"invalid_grant\"}"});
    refused(at_the_liar(told).1, 403, "login_refused");
    // A provider that promised to name itself, and does not.
    let mut browser = Browser::of(app(), Value::Null);
    let (state, _) = browser.begins_at_the_liar("");
    let back = format!("{PUBLIC}/v1/auth/callback?state={state}&code=x");
    refused(browser.go(&back), 400, "login_state_invalid");
}

#[test]
fn an_id_token_may_say_what_the_standard_allows() {
    let now = Value::from(now()).as_f64().unwrap();
    for told in [
        json!({}),
        claims(json!({"azp": "freehold", "aud": ["freehold"]})),
        claims(json!({"azp": "freehold", "aud": ["another", "freehold"]})),
        claims(json!({"iat": now - 0.25, "exp": now + 60.75, "nbf": now - 0.5})),
        claims(json!({"auth_time": now - 10.5, "amr": 7, "acr": 7, "email": 7, "name": 7})),
        claims(json!({"nbf": null, "auth_time": null})),
        json!({"groups": 400}),
        header(json!({"typ": "JWT"})),
        header(json!({"typ": "jwt", "x5t": "AAAA"})),
        json!({"key": "rsa", "at_hash": true}),
        json!({"key": "ed", "at_hash": true}),
        json!({"at_hash": true}),
        json!({"answer": {"token_type": "bearer", "scope": "openid"}}),
    ] {
        let (browser, answer) = at_the_liar(told.clone());
        assert_eq!(answer.status, 303, "{told}: {}", answer.text);
        assert!(browser.cookie(SESSION).is_some(), "{told}");
    }
}

#[test]
fn user_info_counts_for_the_subject_that_logged_in() {
    let named = |subject: &str, info: Value| {
        let told = json!({"claims": {"sub": subject}, "userinfo": info});
        let (browser, answer) = at_the_liar(told);
        answer.expect(303);
        browser.get("/v1/me").expect(200)["account"]["display_name"].clone()
    };
    let info = |subject: &str| json!({"sub": subject, "name": "Of User Info"});
    assert_eq!(named("liar-info", info("liar-info")), "Of User Info");
    assert_eq!(named("liar-other", info("liar-info")), "liar-other");
    assert_eq!(named("liar-none", json!({"name": "Of Nobody"})), "liar-none");
}

#[test]
fn an_id_token_is_no_bearer_token() {
    let mut browser = Browser::of(app(), json!({"sub": "bearer"}));
    let back: reqwest::Url = browser.as_far_as_the_callback("").parse().unwrap();
    let (_, code) = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    // What the server would redeem the code with is in its cookie, behind the seal.
    let sealed = URL_SAFE_NO_PAD.decode(browser.cookie(LOGIN).unwrap()).unwrap();
    let pending: Value = serde_json::from_slice(&sealed[32..]).unwrap();
    let tokens = providers().redeem(&code, pending["verifier"].as_str().unwrap());
    for token in ["id_token", "access_token"] {
        let token = tokens[token].as_str().unwrap_or_else(|| panic!("{tokens}"));
        app().bearer(token).get("/v1/me").problem(401, "unauthenticated");
    }
    let id_token = tokens["id_token"].as_str().unwrap();
    browser.set_cookie(SESSION, id_token);
    browser.get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn a_first_log_in_makes_an_account_once() {
    let person = json!({"sub": "first", "name": "  Ada\u{202e}\u{7}  Lovelace ", "email": "ada@example.com", "email_verified": true});
    let first = Browser::arrived(app(), person.clone(), "").get("/v1/me").expect(200);
    let account = &first["account"];
    assert_eq!(account["display_name"], "Ada  Lovelace");
    assert_eq!(account["email"], "ada@example.com");
    let identity = json!([{"issuer": providers().url, "subject": "first"}]);
    assert_eq!(account["identities"], identity);
    assert_eq!(first["tenants"], json!([]));
    let again = Browser::arrived(app(), person, "").get("/v1/me").expect(200);
    assert_eq!(again["account"]["id"], account["id"]);
    let unnamed = Browser::arrived(
        app(),
        json!({"sub": "unnamed", "email": "u@example.com", "email_verified": false}),
        "",
    );
    let unnamed = unnamed.get("/v1/me").expect(200);
    assert_eq!(unnamed["account"]["display_name"], "unnamed");
    assert_eq!(unnamed["account"]["email"], Value::Null, "nobody has seen to it");
}

#[test]
fn an_address_identifies_nobody() {
    let org = Org::new(app(), "mails");
    let victim = known("victim", Some("victim@example.com"));
    org.owner.post("/members", &json!({"account_id": victim, "role": "owner"})).expect(201);
    let person = json!({"sub": "thief", "name": "victim", "email": "victim@example.com", "email_verified": true});
    let browser = Browser::arrived(app(), person, "tenant=mails");
    let me = browser.get("/v1/me").expect(200);
    assert_ne!(me["account"]["id"], json!(victim));
    assert_eq!((&me["tenants"], &me["tenant"]), (&json!([]), &Value::Null));
    browser.get("/v1/tenants/mails/teams").problem(404, "not_found");
}

#[test]
fn a_tenant_that_is_not_ones_own_is_not_entered_and_is_told_of_as_one_that_is_not() {
    let org = Org::new(app(), "closed-to-you");
    for tenant in [org.slug.as_str(), &org.id, "never-was", "NO", ""] {
        let mut browser = Browser::of(app(), json!({"sub": "outsider"}));
        let landed = browser.log_in(&format!("tenant={tenant}")).expect(200);
        let session = &landed["session"];
        assert_eq!(
            (&session["tenant_id"], &session["refused_tenant"]),
            (&Value::Null, &json!(tenant))
        );
        browser.get("/v1/tenants/closed-to-you/teams").problem(404, "not_found");
    }
}

#[test]
fn a_suspended_account_is_refused_and_that_is_written_down() {
    let account = known("suspended", None);
    app().operator().act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
    let mut browser = Browser::of(app(), json!({"sub": "suspended"}));
    let back = browser.as_far_as_the_callback("");
    refused(browser.go(&back), 403, "account_suspended");
    assert!(app().db("platform").audited("session.begin", "deny") >= 1);
}

#[test]
fn whom_nobody_knows_gets_in_only_where_accounts_are_made() {
    let place = Place::new();
    let closed = app_with(&place, &[("FREEHOLD__LOGIN__CREATE_ACCOUNTS", "false")]);
    let mut browser = Browser::of(&closed, json!({"sub": "unknown"}));
    let before = closed.db("platform").number("select count(*) from accounts", &[]);
    let back = browser.as_far_as_the_callback("");
    refused(browser.go(&back), 403, "account_unknown");
    assert_eq!(closed.db("platform").number("select count(*) from accounts", &[]), before);
    let identities = json!([{"issuer": providers().url, "subject": "unknown"}]);
    let body = json!({"display_name": "known now", "identities": identities});
    closed.operator().post("/v1/platform/accounts", &body).expect(201);
    browser.log_in("").expect(200);
}

#[test]
fn whom_somebody_waits_for_gets_in_though_no_accounts_are_made() {
    let place = Place::new();
    let closed = app_with(&place, &[("FREEHOLD__LOGIN__CREATE_ACCOUNTS", "false")]);
    let org = Org::new(&closed, "waiting");
    let identity = json!({"issuer": providers().url, "subject": "by-name"});
    for invitee in [json!({"identity": identity}), json!({"email": "post@waiting.example"})] {
        let mut body = invitee;
        body["role"] = json!("member");
        org.owner.post("/invitations", &body).expect(201);
    }
    let domain = "/v1/platform/tenants/waiting/domains/waits.example";
    closed.operator().put_new(domain, &json!({"join_role": "guest"})).expect(201);
    let of = |subject: &str, email: &str, is_verified: bool| {
        let claims = json!({"sub": subject, "email": email, "email_verified": is_verified});
        Browser::of(&closed, claims)
    };
    // An address that nobody vouches for, and that of somebody else.
    for (subject, email, is_verified) in [
        ("claims-it", "post@waiting.example", false),
        ("claims-domain", "x@waits.example", false),
        ("another", "post@waiting.example.org", true),
        ("below", "x@sub.waits.example", true),
    ] {
        let mut browser = of(subject, email, is_verified);
        let back = browser.as_far_as_the_callback("");
        refused(browser.go(&back), 403, "account_unknown");
    }
    for (subject, email) in
        [("by-name", "x@elsewhere.example"), ("by-mail", "Post@Waiting.example")]
    {
        eventually(|| {
            let mut browser = of(subject, email, true);
            (browser.log_in("").status == 200).then(|| {
                let mine = browser.get("/v1/me/invitations").expect(200);
                let id = mine["items"][0]["id"].as_str().unwrap().to_owned();
                let accept = format!("/v1/me/invitations/{id}/accept");
                browser.change("POST", &accept).send().expect(200);
            })
        });
    }
    let mut browser = of("by-domain", "x@waits.example", true);
    browser.log_in("tenant=waiting&return_to=/v1/me").expect(200);
    let roles = closed.db(&org.id).texts("select role from org_members order by role", &[]);
    assert_eq!(roles.iter().filter(|role| *role == "guest").count(), 2, "{roles:?}");
}

#[test]
fn a_browser_is_shown_a_page_and_a_program_a_problem() {
    let ask = |path: &str, accept: &str| {
        let browser = Browser::of(app(), Value::Null);
        browser
            .request("GET", path)
            .header("accept", accept)
            .header("x-request-id", "<script>\"&'")
            .send()
    };
    let page = ask("/v1/auth/callback?state=x&code=y", "text/html,application/xhtml+xml;q=0.9")
        .expect(400);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.text.contains("login_state_invalid"), "{}", page.text);
    assert!(
        page.text.contains("&lt;script&gt;&quot;&amp;&#39;") && !page.text.contains("<script"),
        "{}",
        page.text
    );
    for outside in ["://", "src=", "href="] {
        assert!(!page.text.contains(outside), "{}", page.text);
    }
    for accept in ["application/json", "*/*", ""] {
        ask("/v1/auth/callback?state=x&code=y", accept).problem(400, "login_state_invalid");
    }
    ask("/v1/me", "text/html").problem(401, "unauthenticated");
}

#[test]
fn a_stronger_log_in_is_asked_for_and_told() {
    let person = json!({"sub": "strong", "acr": "phr", "amr": ["pwd", "hwk"]});
    let weak = Browser::arrived(app(), json!({"sub": "weak"}), "");
    assert_eq!(weak.get("/v1/me").expect(200)["credential"]["acr"], Value::Null);
    let strong = Browser::arrived(app(), person, "step_up=true");
    let credential = strong.get("/v1/me").expect(200)["credential"].clone();
    assert_eq!((&credential["acr"], &credential["amr"]), (&json!("phr"), &json!(["pwd", "hwk"])));
    assert!(credential["auth_time"].is_string(), "{credential}");
}

#[test]
fn no_log_line_and_no_row_holds_a_secret_of_a_log_in() {
    let mut browser = Browser::of(app(), json!({"sub": "quiet"}));
    let back = browser.as_far_as_the_callback("");
    let start = back.find("code=").unwrap() + 5;
    let code = back[start..].split('&').next().unwrap().to_owned();
    let pending = browser.cookie(LOGIN).unwrap().to_owned();
    browser.go(&back).expect(303);
    let secrets = [code, pending, browser.cookie(SESSION).unwrap().to_owned()];
    let rows = app().db("platform").texts(
        "select summary from audit_log union all select data from outbox_events union all select answer from idempotency_keys",
        &[],
    );
    let log = app().log();
    for secret in secrets {
        assert!(!log.contains(&secret), "in the log");
        assert!(!rows.iter().any(|row| row.contains(&secret)), "in a row");
    }
    let created = app()
        .db("platform")
        .texts("select data from outbox_events where type = 'session.created'", &[]);
    assert!(created.iter().all(|data| data.contains("session_id")), "{created:?}");
}

/// Routes that are read under an action that changes too, and change nothing themselves.
const READ_BY_WRITERS: &[&str] = &["resource.share"];

#[test]
fn what_is_read_changes_nothing_so_that_no_other_site_can_have_it_changed() {
    for route in infos().into_iter().filter(|route| route.method == "GET") {
        let Some(name) = route.action else { continue };
        let action = action::ALL.iter().find(|action| action.name == name).unwrap();
        let is_reading = action.is_reading() || READ_BY_WRITERS.contains(&name);
        assert!(is_reading, "{} is read by {name}", route.operation_id);
    }
    // The log-in itself begins and ends with a state of its own.
    let without: Vec<_> = infos().into_iter().filter(|route| route.action.is_none()).collect();
    // Those bring a credential in the body, and look at no cookie.
    let bodies = ["token_exchange", "token_revoke"];
    let changing = without.iter().filter(|route| route.method != "GET");
    let changing: Vec<_> = changing.map(|route| route.operation_id).collect();
    assert_eq!(changing, bodies);
}
