//! `/docs`: the documentation for people, with no file from outside.

use crate::app::{Place, TestApp};
use crate::client::Answer;
use crate::org::Org;
use crate::shared;

shared!();

/// The values of an attribute in a page.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let mark = format!("{name}=\"");
    page.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_is_shown_and_everything_in_it_comes_from_here() {
    let stranger = app().stranger();
    let page = stranger.get("/docs/").expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let linked = [attributes(&page.text, "src"), attributes(&page.text, "href")].concat();
    assert!(linked.len() >= 3, "{linked:?}");
    for address in linked {
        let outside = address.contains("://") || address.starts_with("//");
        assert!(!outside, "{address}");
        let path =
            format!("/docs/{}", address.trim_start_matches("./").trim_start_matches("/docs/"));
        assert!(!stranger.get(&path).expect(200).text.is_empty(), "{path}");
    }
}

#[test]
fn the_page_reads_the_document_of_this_server() {
    let script = app().stranger().get("/docs/swagger-initializer.js").expect(200);
    assert!(script.text.contains("/openapi.json"), "{}", script.text);
    assert!(
        !script.text.contains("http://") && !script.text.contains("https://"),
        "{}",
        script.text
    );
}

#[test]
fn the_page_is_found_without_its_last_slash() {
    let answer = app().stranger().get("/docs");
    assert_eq!((answer.status, answer.header("location")), (308, "/docs/"));
}

#[test]
fn the_page_loads_from_this_server_alone_and_nothing_embeds_it() {
    for path in ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        let answer = app().stranger().get(path).expect(200);
        let policy: Vec<_> = answer.header("content-security-policy").split("; ").collect();
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'"] {
            assert!(policy.contains(&rule), "{path}: {policy:?}");
        }
        assert!(policy.contains(&"frame-ancestors 'none'"), "{path}: {policy:?}");
    }
    let script = app().stranger().get("/docs/swagger-initializer.js").expect(200);
    assert!(script.text.contains("\"validatorUrl\": \"none\""), "{}", script.text);
}

fn on(app: &TestApp, host: &str, path: &str) -> Answer {
    app.stranger().request("GET", path).header("host", host).send()
}

#[test]
fn the_page_is_found_on_the_hosts_of_the_installation_alone() {
    let place = Place::new();
    let roots = place.file("roots.pem", include_str!("../fixtures/authority.pem"));
    let settings = [
        ("FREEHOLD__HTTP__HOSTS", "Docs.Example,192.0.2.1,2001:db8::1"),
        ("FREEHOLD__HTTP__BASE_DOMAINS", "base.example"),
        ("FREEHOLD__LOGIN__PUBLIC_URL", "https://login.example:8443"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__URL", "https://id.example.com"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_ID", "freehold"),
        ("SSL_CERT_FILE", roots.to_str().unwrap()),
    ];
    let app = TestApp::serve_at(&place, &settings);
    Org::new(&app, "hosted");
    app.freehold(&["tenant", "host", "add", "hosted", "tenant.example"]).ended(0);
    for host in [
        "docs.example",
        "docs.example:8080",
        "192.0.2.1",
        "[2001:db8::1]:8080",
        "base.example",
        "hosted.base.example",
        "no-tenant.base.example",
        "login.example",
        "tenant.example",
    ] {
        on(&app, host, "/docs/").expect(200);
        on(&app, host, "/docs").expect(308);
    }
    for host in [
        "evil.example",
        "sub.docs.example",
        "docs.example.evil.example",
        "evilbase.example",
        "sub.tenant.example",
        "127.0.0.1",
        "[::1]",
        "localhost",
    ] {
        for path in ["/docs/", "/docs", "/docs/swagger-ui.css"] {
            on(&app, host, path).problem(404, "not_found");
        }
        // Who asks whether the server is well names it as they reach it.
        for path in ["/livez", "/readyz", "/openapi.json", "/.well-known/jwks.json"] {
            let answer = on(&app, host, path).expect(200);
            assert!(!answer.text.contains("evil.example"), "{path} names {host}");
        }
    }
    let servers = on(&app, "evil.example", "/openapi.json").expect(200)["servers"].clone();
    assert_eq!(servers, serde_json::json!([{"url": "/"}]));
    let address = app.url().trim_start_matches("http://");
    app.freehold(&["healthcheck", "--listen", address]).ended(0);
}

#[test]
fn the_page_is_found_on_every_host_until_one_is_configured() {
    let app = TestApp::serve();
    Org::new(&app, "first");
    on(&app, "anything.example", "/docs/").expect(200);
    app.freehold(&["tenant", "host", "add", "first", "first.example"]).ended(0);
    on(&app, "anything.example", "/docs/").problem(404, "not_found");
    on(&app, "first.example", "/docs/").expect(200);
}

#[test]
fn the_page_can_be_switched_off() {
    let app = TestApp::dev_with(&Place::new(), &[("FREEHOLD__HTTP__DOCS", "false")]);
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css"] {
        app.stranger().get(path).problem(404, "not_found");
    }
    app.stranger().get("/openapi.json").expect(200);
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in ["/docs/nothing.js", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml"] {
        app().stranger().get(path).expect(404);
    }
}

fn written() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_guide_to_the_api_has_every_problem() {
    let document = app().stranger().get("/openapi.json").expect(200);
    let told = document["info"]["description"].as_str().unwrap();
    let codes = told.split("it is one of").nth(1).unwrap().split('`').skip(1).step_by(2);
    let (codes, page): (Vec<_>, _) = (codes.collect(), written());
    assert!(codes.len() > 60, "{codes:?}");
    let is_missing = |code: &&&str| !page.contains(&format!("| `{code}` |"));
    let missing: Vec<_> = codes.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_guide_to_the_api_has_every_list_with_its_filters() {
    let document = app().stranger().get("/openapi.json").expect(200);
    let page = written();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let mut lists = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array();
        let asked = parameters.into_iter().flatten().filter(|one| one["in"] == "query");
        let filters: Vec<_> = asked.map(|one| one["name"].as_str().unwrap()).collect();
        if !filters.contains(&"cursor") {
            continue;
        }
        lists += 1;
        let list = path.trim_start_matches("/v1/").trim_start_matches("tenants/{tenant}/");
        let named = format!("`{list}`");
        let row = rows.iter().find(|row| row.split('|').nth(1).unwrap().contains(&named));
        let row = row.unwrap_or_else(|| panic!("{path} is in no row"));
        for filter in filters.iter().filter(|name| !["cursor", "limit"].contains(name)) {
            assert!(row.contains(&format!("`{filter}`")), "{path}: {filter}");
        }
    }
    assert!(lists > 35, "{lists}");
}
