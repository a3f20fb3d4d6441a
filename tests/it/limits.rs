//! Limits: what is too long, too deep, too slow or too much is refused, and costs nobody else anything.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::isolation::now;
use crate::org::Org;
use crate::wire::{Said, Wire, text, with_body};

/// A server that loses its patience soon, which the tests here share.
fn app() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| TestApp::serve_at(&Place::new(), IMPATIENT))
}

const IMPATIENT: &[(&str, &str)] = &[
    ("FREEHOLD__HTTP__CLIENT_TIMEOUT_S", "1"),
    ("FREEHOLD__HTTP__KEEP_ALIVE_S", "2"),
    ("FREEHOLD__HTTP__BODY_TIMEOUT_S", "1"),
    ("FREEHOLD__HTTP__WRITE_TIMEOUT_S", "2"),
    ("FREEHOLD__HTTP__MAX_PAGE_BYTES", "12000"),
];

/// An answer that no socket's buffers hold.
const LARGE: &str = "/docs/swagger-ui-bundle.js";

fn code(said: &Said) -> String {
    let problem: Value = serde_json::from_str(&said.body).unwrap_or(Value::Null);
    problem["code"].as_str().unwrap_or_default().to_owned()
}

/// Sockets that a server has open.
fn sockets(app: &TestApp) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", app.pid())).unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Kibibytes of memory that a server has.
pub(crate) fn memory(app: &TestApp) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_head_that_is_too_long_is_refused_with_a_problem() {
    let long = |bytes| "a".repeat(bytes);
    let many = |count| "x-y: z\r\n".repeat(count);
    let cases = [
        (format!("/livez?{}", long(8185)), String::new(), 200, ""),
        (format!("/livez?{}", long(8186)), String::new(), 414, "uri_too_long"),
        (format!("/{}", long(60_000)), String::new(), 414, "uri_too_long"),
        ("/livez".to_owned(), format!("x-a: {}\r\n", long(16_384)), 200, ""),
        ("/livez".to_owned(), format!("x-a: {}\r\n", long(16_385)), 431, "header_too_long"),
        ("/livez".to_owned(), many(63), 200, ""),
        ("/livez".to_owned(), many(64), 431, "too_many_headers"),
        // The parser refuses these itself, with no document.
        ("/livez".to_owned(), many(96), 431, ""),
        ("/livez".to_owned(), format!("x-a: {}\r\n", long(140_000)), 431, ""),
        (format!("/{}", long(70_000)), String::new(), 400, ""),
    ];
    for (path, fields, status, expected) in cases {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let said = Wire::to(app()).ask(&request);
        let found = (said.status, code(&said));
        assert_eq!(found, (status, expected.to_owned()), "{} bytes", request.len());
    }
}

#[test]
fn a_body_is_refused_that_is_too_deep_or_can_be_read_in_two_ways() {
    let org = Org::new(app(), "odd-bodies");
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let many: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":1")).collect();
    let cases = [
        (format!("{{\"name\":{}}}", nested(31)), 422, "invalid"),
        (format!("{{\"name\":{}}}", nested(32)), 400, "json_too_deep"),
        (nested(500_000), 400, "json_too_deep"),
        ("[".repeat(1_000_000), 400, "json_too_deep"),
        ("{\"a\":".repeat(200_000), 400, "json_too_deep"),
        ("{\"name\":\"a\",\"name\":\"b\"}".to_owned(), 422, "invalid"),
        ("{\"name\":\"a\",\"x\":[{\"b\":1,\"\\u0062\":2}]}".to_owned(), 422, "invalid"),
        (format!("{{{}}}", many.join(",")), 422, "invalid"),
        (
            format!("{{\"name\":\"x\",\"description\":{}}}", "9".repeat(100_000)),
            400,
            "malformed_json",
        ),
        ("{\"name\":\"brackets in text [[[{{{\\\"[\"}".to_owned(), 201, ""),
    ];
    for (body, status, expected) in cases {
        let said = Wire::to(app()).ask(&with_body(&org.owner, "POST", &path(&org), &body));
        assert_eq!((said.status, code(&said)), (status, expected.to_owned()), "{body:.80}");
    }
}

fn path(org: &Org) -> String {
    format!("/v1/tenants/{}/teams", org.slug)
}

#[test]
fn attributes_have_every_name_once() {
    let org = Org::new(app(), "twice-in-attributes");
    let body = format!(
        r#"{{"type":"prompt","workspace_id":"{}","name":"x","attributes":{{"a":{{"b":1,"b":2}}}}}}"#,
        org.everyone
    );
    let answer = org.owner.request("POST", "/resources").body("application/json", body).send();
    assert_eq!(answer.problem(422, "invalid").fields(), ["/attributes/a/b"]);
    assert_eq!(org.owner.column("/resources", "name"), [""; 0]);
}

#[test]
fn a_body_that_is_no_utf_8_is_refused_wherever_that_stands() {
    let org = Org::new(app(), "odd-bytes");
    for bytes in [
        &b"{\"name\":\"\xff\"}"[..],
        b"{\"name\":\"x\",\"\xc3\x28\":1}",
        b"{\"name\":\"\xed\xa0\x80\"}",
    ] {
        let fields =
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", bytes.len());
        let mut request = text(&org.owner, "POST", &path(&org), &fields, "").into_bytes();
        request.extend_from_slice(bytes);
        let said = Wire::to(app()).write(request).answer().unwrap();
        assert_eq!((said.status, code(&said).as_str()), (400, "malformed_json"));
    }
}

#[test]
fn a_compressed_body_is_refused() {
    let org = Org::new(app(), "compressed");
    let with = |encoding: &str| {
        let request = org.owner.request("POST", "/teams").header("content-encoding", encoding);
        request.json(&json!({"name": encoding})).send()
    };
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip", ""] {
        with(encoding).problem(415, "unsupported_content_encoding");
    }
    with("identity").expect(201);
}

#[test]
fn a_page_ends_before_it_has_too_many_bytes_and_the_next_begins_there() {
    let org = Org::new(app(), "heavy-pages");
    let make = |n: usize, bytes: usize| {
        let body = json!({
            "type": "prompt", "workspace_id": org.everyone, "name": format!("n-{n:02}"),
            "attributes": {"text": "x".repeat(bytes)},
        });
        org.owner.post("/resources", &body).expect(201);
    };
    // The sixth alone is more than a page may have.
    (0..12).for_each(|n| make(n, if n == 5 { 15_000 } else { 5_000 }));
    let (mut names, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = org.owner.get(&format!("/resources?limit=200&sort=name{cursor}")).expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() == 1 || page.text.len() < 12_200, "{} bytes", page.text.len());
        sizes.push(items.len());
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected: Vec<_> = (0..12).map(|n| format!("n-{n:02}")).collect();
    assert_eq!(names, expected);
    assert_eq!(sizes, [2, 2, 1, 1, 2, 2, 2]);
}

#[test]
fn a_head_that_does_not_end_ends_the_connection() {
    for first in ["", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut wire = Wire::to(app());
        if !first.is_empty() {
            assert_eq!(wire.ask(first).status, 200);
        }
        // A byte now and then is no request either.
        for byte in b"GET /livez HTTP/1.1\r\nHost: local".iter().cycle().take(200) {
            wire.write([*byte]);
            if wire.is_answered_within(Duration::from_millis(100)) {
                break;
            }
        }
        assert!(wire.answers().iter().all(|said| said.status == 408), "after {first:?}");
    }
}

#[test]
fn a_body_that_does_not_end_is_answered_and_ends_the_connection() {
    let org = Org::new(app(), "slow-bodies");
    let fields = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let mut wire = Wire::to(app());
    wire.write(text(&org.owner, "POST", &path(&org), fields, "{\"name\":"));
    let said = wire.answer().unwrap();
    assert_eq!((said.status, code(&said).as_str()), (408, "body_too_slow"));
    assert_eq!(wire.answer(), None);
}

#[test]
fn an_answer_that_nobody_takes_ends_the_connection() {
    let server = TestApp::serve_at(&Place::new(), IMPATIENT);
    assert_eq!(server.stranger().get("/livez").status, 200);
    let before = sockets(&server);
    let request = format!("GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(4);
    let readers: Vec<_> = (0..50)
        .map(|_| {
            let mut wire = Wire::narrow(&server);
            wire.write(&request);
            wire
        })
        .collect();
    eventually(|| (sockets(&server) >= before + 49).then_some(()));
    // The server has lost its patience, and none of the readers has gone.
    eventually(|| (sockets(&server) <= before).then_some(()));
    drop(readers);
}

#[test]
fn an_answer_that_is_taken_drop_by_drop_ends_the_connection() {
    let mut wire = Wire::narrow(app());
    wire.write(format!("GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(4));
    let mut taken = 0;
    // What comes in between keeps the connection busy, and takes too long all the same.
    while let bytes @ 1.. = wire.take(1024) {
        taken += bytes;
        assert!(taken < 200 * 1024, "the server was patient for {taken} bytes");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn connections_are_counted_and_the_operator_gets_in_beside_them() {
    let settings = [IMPATIENT, &[("FREEHOLD__HTTP__MAX_CONNECTIONS", "32")]].concat();
    let server = TestApp::serve_at(&Place::new(), &settings);
    assert_eq!(server.stranger().get("/livez").status, 200);
    let before = sockets(&server);
    let idle: Vec<_> = (0..300).map(|_| Wire::to(&server)).collect();
    eventually(|| (sockets(&server) >= before + 30).then_some(()));
    server.freehold(&["tenant", "create", "beside"]).ended(0);
    let most = sockets(&server);
    assert!(most <= before + 34, "{before} sockets before, {most} now");
    // Whoever waits is served as the idle ones are cut off.
    assert_eq!(server.stranger().get("/livez").status, 200);
    drop(idle);
}

#[test]
fn two_thousand_idle_connections_hinder_nobody() {
    let org = Org::new(app(), "among-idle");
    let idle: Vec<_> = (0..2_000).map(|_| Wire::to(app())).collect();
    for n in 0..50 {
        org.owner.post("/teams", &json!({"name": format!("team-{n}")})).expect(201);
        org.owner.get("/teams").expect(200);
    }
    drop(idle);
}

#[test]
fn a_tenant_has_so_many_requests_at_once_and_no_more() {
    let settings = [("FREEHOLD__HTTP__MAX_REQUESTS_PER_TENANT", "4")];
    let server = TestApp::serve_at(&Place::new(), &settings);
    let (org, other) = (Org::new(&server, "crowded"), Org::new(&server, "empty"));
    let fields = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let mut running = Vec::new();
    // A place may still be held for an answer that is on its way.
    let refused = eventually(|| {
        let mut wire = Wire::to(&server);
        wire.write(text(&org.owner, "POST", &path(&org), fields, "{"));
        running.push(wire);
        Some(org.owner.get("/teams")).filter(|answer| answer.status != 200)
    });
    assert_eq!(refused.problem(503, "busy").header("retry-after"), "1");
    other.owner.get("/teams").expect(200);
    server.stranger().get("/v1/me").expect(401);
    drop(running);
    eventually(|| Some(org.owner.get("/teams")).filter(|answer| answer.status == 200));
}

#[test]
fn one_caller_keeps_nobody_else_out_of_a_tenant_or_the_platform() {
    let settings = [
        ("FREEHOLD__HTTP__MAX_REQUESTS_PER_TENANT", "8"),
        ("FREEHOLD__HTTP__MAX_REQUESTS_PER_CALLER", "4"),
    ];
    let server = TestApp::serve_at(&Place::new(), &settings);
    let org = Org::new(&server, "besieged");
    org.owner.delete(&format!("/members/{}", org.account("guest"))).expect(204);
    let fields = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    for target in [path(&org), "/v1/platform/accounts".to_owned()] {
        let mut running = Vec::new();
        // A place may still be held for an answer that is on its way.
        let refused = eventually(|| {
            let mut wire = Wire::to(&server);
            wire.write(text(&org.guest, "POST", &target, fields, "{"));
            running.push(wire);
            Some(org.guest.get("/teams")).filter(|answer| answer.status == 503)
        });
        refused.problem(503, "busy");
        org.owner.get("/teams").expect(200);
        drop(running);
        eventually(|| Some(org.guest.get("/teams")).filter(|answer| answer.status == 404));
    }
}

#[test]
fn a_connection_on_which_requests_come_is_kept_as_long_as_they_come() {
    let org = Org::new(app(), "steady");
    let mut wire = Wire::to(app());
    let request = text(&org.owner, "GET", "/v1/me", "", "");
    // Longer than the head of a request and the wait before it may take together.
    let begun = now();
    while begun.elapsed() < Duration::from_secs(5) {
        assert_eq!(wire.ask(&request).status, 200);
    }
}

/// A request that needs no credential and is answered 200.
const LIVE: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn one_address_has_so_many_connections_and_takes_nobody_elses() {
    let settings = [
        ("FREEHOLD__HTTP__MAX_CONNECTIONS_PER_ADDRESS", "4"),
        ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.2"),
        ("FREEHOLD__HTTP__KEEP_ALIVE_S", "60"),
    ];
    let server = TestApp::serve_at(&Place::new(), &settings);
    let open = |address: &str| {
        let mut wire = Wire::try_from(address, &server).ok()?;
        let said = wire.write(LIVE).answer();
        said.map(|said| assert_eq!(said.status, 200)).map(|()| wire)
    };
    let mut kept: Vec<_> = (0..4).map(|_| open("127.0.0.3").unwrap()).collect();
    assert!((0..50).all(|_| open("127.0.0.3").is_none()), "a fifth connection is closed");
    assert!(open("127.0.0.4").is_some(), "another address has its own");
    let of_proxy: Vec<_> = (0..20).map(|_| open("127.0.0.2").unwrap()).collect();
    server.freehold(&["tenant", "create", "beside"]).ended(0);
    assert!(kept.iter_mut().all(|wire| wire.ask(LIVE).status == 200), "those that are open stay");
    drop((kept.pop(), of_proxy));
    eventually(|| open("127.0.0.3"));
    let figures = server.host().get("/metrics").expect(200).text;
    let refused = figures.lines().find(|line| line.starts_with("freehold_refused_connections"));
    let (_, refused) = refused.unwrap().split_once(' ').unwrap();
    assert!(refused.parse::<u32>().unwrap() >= 50, "{refused}");
}

/// Asks for something without a credential, from an address, with header fields.
fn anonymous(server: &TestApp, address: &str, fields: &str, target: &str) -> Said {
    let body = "token=nothing";
    let request = format!(
        "{target} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Wire::from(address, server).ask(&request)
}

#[test]
fn log_in_and_token_requests_are_counted_by_client_address() {
    let settings = [
        ("FREEHOLD__HTTP__ANONYMOUS_PER_MINUTE", "3"),
        ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.2"),
    ];
    let server = TestApp::serve_at(&Place::new(), &settings);
    let revoke = |address: &str, fields: &str| {
        anonymous(&server, address, fields, "POST /v1/auth/revoke").status
    };
    // Whatever an address says of itself, it is counted as what it is.
    let own = |n: usize| revoke("127.0.0.3", &format!("X-Forwarded-For: 192.0.2.{n}\r\n"));
    assert_eq!([0, 1, 2, 3].map(own), [200, 200, 200, 429]);
    for target in ["GET /v1/auth/login", "GET /v1/auth/callback", "POST /v1/auth/token"] {
        let said = anonymous(&server, "127.0.0.3", "", target);
        assert_eq!((said.status, code(&said)), (429, "too_many_requests".to_owned()), "{target}");
        assert!((1..=20).contains(&said.header("retry-after").parse::<u32>().unwrap()));
        assert_eq!(said.header("ratelimit-policy"), "\"address\";q=3;w=60");
    }
    assert_eq!(Wire::from("127.0.0.3", &server).ask(LIVE).status, 200);
    assert_eq!(anonymous(&server, "127.0.0.3", "", "GET /v1/me").status, 401);
    assert_eq!(revoke("127.0.0.4", ""), 200);
    let local = server.host().request("POST", "/v1/auth/revoke");
    let form = "application/x-www-form-urlencoded";
    local.body(form, "token=nothing").send().expect(200);
    // A proxy is no client; those for which it asks are.
    assert!((0..5).all(|_| revoke("127.0.0.2", "") == 200));
    let clients = [
        ["X-Forwarded-For: 192.0.2.9, 192.0.2.1", "Forwarded: for=192.0.2.9, for=192.0.2.1"],
        ["Forwarded: for=\"[2001:db8::1]:80\"", "X-Forwarded-For: 2001:db8::2"],
        ["X-Forwarded-For: unknown", "Forwarded: for=_hidden"],
    ];
    for [one, same] in clients {
        let asked = [one, same, one, same].map(|line| revoke("127.0.0.2", &format!("{line}\r\n")));
        assert_eq!(asked, [200, 200, 200, 429], "{one}");
    }
    assert_eq!(revoke("127.0.0.2", "X-Forwarded-For: 2001:db8:0:1::2\r\n"), 200);
}

#[test]
fn failed_log_ins_leave_one_row_and_a_count() {
    let settings = [
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__URL", "https://id.example.com"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_ID", "freehold"),
        ("FREEHOLD__LOGIN__PUBLIC_URL", "https://login.example.com"),
    ];
    let server = TestApp::serve_at(&Place::new(), &settings);
    let callback =
        "GET /v1/auth/callback?state=a&code=b HTTP/1.1\r\nHost: login.example.com\r\n\r\n";
    let token = || anonymous(&server, "127.0.0.1", "", "POST /v1/auth/revoke").status;
    let mut wire = Wire::to(&server);
    for _ in 0..50 {
        let said = wire.ask(callback);
        assert_eq!((said.status, code(&said).as_str()), (400, "login_state_invalid"));
        assert_eq!(token(), 200);
    }
    let db = server.db("platform");
    assert_eq!(db.audited("session.begin", "deny"), 1);
    assert_eq!(db.audited("token.verify", "deny"), 1);
    let target = "select target_id from audit_log where action = 'session.begin'";
    assert_eq!(db.texts(target, &[]), ["login_state_invalid"]);
    let figures = server.host().get("/metrics").expect(200).text;
    let counted = "freehold_audit_denials_total{side=\"platform\"} 100";
    assert!(figures.contains(counted), "{figures}");
}

#[test]
fn a_token_is_remembered_once_its_subject_is_known() {
    let server = TestApp::dev();
    let remembered = || {
        let figures = server.host().get("/metrics").expect(200).text;
        let line = figures.lines().find(|line| line.starts_with("freehold_verified_tokens_bytes "));
        let (_, bytes) = line.unwrap().split_once(' ').unwrap();
        bytes.parse::<u64>().unwrap()
    };
    for n in 0..20 {
        let token = server.local_token(&format!("never-heard-of-{n}"));
        server.bearer(&token).get("/v1/me").problem(401, "unauthenticated");
    }
    assert_eq!(remembered(), 0);
    server.account("heard-of");
    let before = remembered();
    server.bearer(&server.local_token("heard-of")).get("/v1/me").expect(200);
    let one = remembered() - before;
    assert!((300..4_000).contains(&one), "{one} bytes");
}
