//! What a caller still reads ends with the credential: streams of events, exports, the progress of imports.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Response;
use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::browser::{Browser, app_with};
use crate::client::{Client, run, send_all};
use crate::org::{Org, tenant};
use crate::shared;

shared!();

/// Sooner than a heartbeat would tell.
const PROMPT: Duration = Duration::from_secs(12);

/// A token that the host mints, valid for some seconds; once the registry knows of the membership.
fn minted(app: &TestApp, mut wanted: Value, ttl_s: u32) -> String {
    wanted["ttl_s"] = json!(ttl_s);
    eventually(|| {
        let token = app.host().post("/v1/platform/tokens", &wanted);
        token["token"].as_str().map(str::to_owned)
    })
}

/// A new administrator of a tenant, with a token that is valid for some seconds, and the account.
fn follower(org: &Org, name: &str, ttl_s: u32) -> (Client, String) {
    let account = org.newcomer(name, "admin");
    let token = minted(org.app, json!({"tenant": org.slug, "account": account}), ttl_s);
    (org.seen_by(&org.app.bearer(&token)), account)
}

/// A caller of the platform's, with a token that is valid for some seconds.
fn operator(app: &TestApp, ttl_s: u32) -> Client {
    app.bearer(&minted(app, json!({}), ttl_s)).at("/v1/platform")
}

#[track_caller]
fn open(client: &Client, path: &str) -> Response {
    let stream = client.request("GET", path).open();
    assert_eq!(stream.status(), 200);
    stream
}

/// What a stream sends until it ends by itself.
#[track_caller]
fn rest(stream: Response) -> String {
    let text = run(async { tokio::time::timeout(PROMPT, stream.text()).await });
    text.expect("the stream goes on").unwrap()
}

/// The reason that the last message of a stream gives.
#[track_caller]
fn reason(text: &str) -> String {
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.strip_prefix("event: end\ndata: ").unwrap_or_else(|| panic!("{last}"));
    let end: Value = serde_json::from_str(data).unwrap();
    end["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_stream_ends_when_its_token_expires() {
    let org = Org::new(app(), "expiring-streams");
    let (short, _) = follower(&org, "short", 3);
    let streams = [
        open(&short, "/events/stream?type=plan.created"),
        open(&operator(app(), 3), "/events/stream?type=plan.created"),
    ];
    for stream in streams {
        assert_eq!(reason(&rest(stream)), "credential_expired");
    }
    short.get("/events/stream").problem(401, "unauthenticated");
}

#[test]
fn a_stream_ends_when_what_its_caller_may_do_is_taken_away() {
    let (org, platform) = (Org::new(app(), "revoked-streams"), app().operator());
    let mut streams = Vec::new();
    let mut follow = |name: &str, reason: &'static str, end: &dyn Fn(&Client, &str)| {
        let (client, account) = follower(&org, name, 600);
        streams.push((name.to_owned(), open(&client, "/events/stream"), reason));
        end(&client, &account);
    };
    let revoke = |client: &Client| {
        let body = json!({"token": client.token()});
        app().stranger().post("/v1/auth/revoke", &body).expect(200);
    };
    follow("revoked", "credential_revoked", &|client, _| revoke(client));
    follow("revoked-all", "credential_revoked", &|client, _| {
        client.root().post("/v1/me/revoke-tokens", &json!({})).expect(204);
    });
    follow("account", "forbidden", &|_, account| {
        platform.act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
    });
    follow("member", "forbidden", &|_, account| {
        org.owner.act(&format!("/members/{account}/suspend")).expect(200);
    });
    follow("removed", "forbidden", &|_, account| {
        org.owner.delete(&format!("/members/{account}")).expect(204);
    });
    follow("demoted", "forbidden", &|_, account| {
        org.owner.patch(&format!("/members/{account}"), &json!({"role": "guest"})).expect(200);
    });
    let (robot, id, key) = org.robot("revoked-key", "admin");
    streams.push(("key".to_owned(), open(&robot, "/events/stream"), "credential_revoked"));
    org.owner.delete(&format!("/service-accounts/{id}/keys/{key}")).expect(204);
    let (robot, id, _) = org.robot("suspended-robot", "admin");
    streams.push(("robot".to_owned(), open(&robot, "/events/stream"), "forbidden"));
    org.owner.act(&format!("/service-accounts/{id}/suspend")).expect(200);
    let short = operator(app(), 600);
    streams.push(("operator".to_owned(), open(&short, "/events/stream"), "credential_revoked"));
    revoke(&short);
    org.team("not for them");
    let suspended = open(&org.admin, "/events/stream?type=plan.created");
    platform.act("/v1/platform/tenants/revoked-streams/suspend").expect(200);
    streams.push(("tenant".to_owned(), suspended, "forbidden"));
    for (name, stream, expected) in streams {
        let text = rest(stream);
        assert_eq!(reason(&text), expected, "{name}");
        assert!(!text.contains("not for them"), "{name}");
    }
}

#[test]
fn a_stream_and_an_export_end_when_the_key_that_signed_their_token_is_retired() {
    let app = TestApp::dev();
    let org = Org::new(&app, "retired-streams");
    fill(&org);
    let host = app.host().at("/v1/platform");
    let (stays, export) = (open(&host, "/events/stream?for_s=3"), slowly(&org, org.owner.token()));
    let streams = [
        open(&org.owner, "/events/stream?type=plan.created"),
        open(&operator(&app, 600), "/events/stream?type=plan.created"),
    ];
    let key = app.retiring_key();
    app.host().act(&format!("/v1/platform/keys/{key}/retire")).expect(200);
    for stream in streams {
        assert_eq!(reason(&rest(stream)), "credential_revoked");
    }
    assert!(is_cut(export), "an export passes for whole");
    assert_eq!(reason(&rest(stays)), "time_over");
}

/// Makes an audit log of several pages.
fn fill(org: &Org) {
    let description = "x".repeat(2000);
    let make = |n: usize| {
        let body = json!({"name": format!("team {n}"), "description": description});
        org.owner.request("POST", "/teams").json(&body)
    };
    for first in (0..500).step_by(100) {
        for answer in send_all((first..first + 100).map(make).collect()) {
            answer.expect(201);
        }
    }
}

/// An export that is taken so slowly that its later pages are not read yet: by the local socket, which holds little.
fn slowly(org: &Org, token: &str) -> Response {
    open(&org.seen_by(&org.app.host().with_token(token)), "/audit/export")
}

/// Whether an answer ends without its end.
fn is_cut(answer: Response) -> bool {
    let mut chunks = answer.bytes_stream();
    run(async {
        while let Some(chunk) = chunks.next().await {
            if chunk.is_err() {
                return true;
            }
        }
        false
    })
}

#[test]
fn an_export_that_outlives_its_token_does_not_pass_for_whole() {
    let org = Org::new(app(), "cut-exports");
    fill(&org);
    let (revoked, _) = follower(&org, "revoked", 600);
    let (short, _) = follower(&org, "short", 4);
    let [expires, whole, ended] =
        [&short, &org.owner, &revoked].map(|client| slowly(&org, client.token()));
    let body = json!({"token": revoked.token()});
    app().stranger().post("/v1/auth/revoke", &body).expect(200);
    eventually(|| (short.get("").status == 401).then_some(()));
    assert!(!is_cut(whole));
    assert!(is_cut(ended));
    assert!(is_cut(expires));
}

#[test]
fn the_progress_of_an_import_ends_with_the_token_that_asked_for_it() {
    let tenants: Vec<_> = (0..12).map(|n| tenant(&format!("cut-import-{n}"))).collect();
    let file = json!({"format": "freehold-import/1", "tenants": tenants});
    let caller = operator(app(), 600);
    let answer = caller.request("POST", "/imports").json(&file).open();
    assert_eq!(answer.status(), 200);
    let body = json!({"token": caller.token()});
    app().stranger().post("/v1/auth/revoke", &body).expect(200);
    assert!(is_cut(answer));
}

#[test]
fn a_client_that_knows_no_chunks_does_not_take_what_is_cut_off_for_whole_either() {
    let tenants: Vec<_> = (0..12).map(|n| tenant(&format!("old-import-{n}"))).collect();
    let file = json!({"format": "freehold-import/1", "tenants": tenants}).to_string();
    let caller = operator(app(), 600);
    let mut stream = TcpStream::connect(app().url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PROMPT)).unwrap();
    let head = format!(
        "POST /v1/platform/imports HTTP/1.0\r\nauthorization: Bearer {}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n",
        caller.token(),
        file.len()
    );
    stream.write_all(format!("{head}{file}").as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first[8..], b" 200", "{}", String::from_utf8_lossy(&first));
    let body = json!({"token": caller.token()});
    app().stranger().post("/v1/auth/revoke", &body).expect(200);
    let end = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn an_open_stream_does_not_keep_a_session_from_going_idle() {
    let app = app_with(&Place::new(), &[("FREEHOLD__LOGIN__SESSION_IDLE_S", "2")]);
    let org = Org::new(&app, "idle-stream");
    let mut browser = Browser::logged_in(&app, "idle-follower");
    let me = browser.get("/v1/me").expect(200);
    let account = me["account"]["id"].as_str().unwrap();
    org.owner.post("/members", &json!({"account_id": account, "role": "admin"})).expect(201);
    eventually(|| {
        (browser.log_in("tenant=idle-stream")["session"]["tenant_id"] == org.id).then_some(())
    });
    let stream = browser.request("GET", "/v1/tenants/idle-stream/events/stream").open();
    assert_eq!(stream.status(), 200);
    // The stream has something to read all the time.
    let mut n = 0;
    let reading = std::thread::spawn(move || rest(stream));
    eventually(|| {
        n += 1;
        org.team(&format!("team {n}"));
        reading.is_finished().then_some(())
    });
    assert_eq!(reason(&reading.join().unwrap()), "credential_revoked");
    browser.get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn the_verb_that_follows_events_says_why_they_end() {
    let org = Org::new(app(), "followed-verb");
    let (_, account) = follower(&org, "verb", 600);
    let follow = |after: &str| {
        let mut verb = app().place().command();
        verb.args(["events", "follow", "--tenant", "followed-verb", "--account", &account])
            .args(["--after", after])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        verb.spawn().unwrap()
    };
    let mut verb = follow("0");
    let mut first = [0];
    verb.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    org.owner.delete(&format!("/members/{account}")).expect(204);
    eventually(|| verb.try_wait().unwrap());
    let ended = verb.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        (ended.status.code(), said.contains("the stream ended: forbidden")),
        (Some(1), true),
        "{said}"
    );
    let verb = app().freehold(&["events", "list", "--after", "999999999"]).ended(1);
    assert!(verb.err.contains("The newest is "), "{}", verb.err);
}
