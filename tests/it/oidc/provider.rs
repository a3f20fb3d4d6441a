//! A real OpenID provider: `oidc-provider`, which `tests/contract/install` puts under `target/tools`.

#![expect(clippy::disallowed_methods, reason = "what is waited for is real")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{app, member};
use crate::app::{TestApp, eventually};
use crate::client::{Client, run};
use crate::org::Org;

/// The provider, running.
struct Provider {
    child: Child,
    url: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}

/// Where the provider's packages are.
fn tools() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_freehold"));
    let target = program.ancestors().find(|folder| folder.join("tools").is_dir());
    let tools = target.map(|target| target.join("tools/provider"));
    let tools = tools.filter(|tools| tools.join("node_modules/oidc-provider").is_dir());
    tools.expect("oidc-provider is not installed: run tests/contract/install, or tests/run")
}

impl Provider {
    /// A provider whose tokens name a tenant.
    fn new(tenant: &str) -> Self {
        // Packages are looked for beside the script that asks for them.
        let tools = tools();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider/provider.mjs");
        let script = tempfile::Builder::new().suffix(".mjs").tempfile_in(&tools).unwrap();
        std::fs::copy(source, script.path()).unwrap();
        let mut child = Command::new("node")
            .arg(script.path())
            .current_dir(&tools)
            .env("TENANT", tenant)
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is needed, version 20 or newer");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.find_map(|line| serde_json::from_str::<Value>(&line.ok()?).ok());
        let url = said.expect("the provider says where it is")["url"].as_str().unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    fn control(&self, what: &str) -> Value {
        run(async {
            let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
            let answer = client.get(format!("{}/control/{what}", self.url)).send().await.unwrap();
            answer.json().await.unwrap()
        })
    }

    /// An access token of a client, signed so.
    fn token(&self, client: &str, alg: &str) -> String {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("resource", format!("urn:freehold:{alg}")),
            ("scope", "resources:read people:read".to_owned()),
            ("client_id", client.to_owned()),
            ("client_secret", format!("{client}-secret")),
        ];
        let body =
            form.map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).join("&");
        let answer: Value = run(async {
            let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
            let request = client.post(format!("{}/token", self.url)).body(body);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            request.send().await.unwrap().json().await.unwrap()
        });
        let token = answer["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{alg}: {answer}")).to_owned()
    }
}

const QUICK: [(&str, &str); 3] = [
    ("FREEHOLD__IDENTITY__JWKS_TTL_S", "2"),
    ("FREEHOLD__IDENTITY__JWKS_RETRY_S", "1"),
    ("FREEHOLD__IDENTITY__JWKS_MAX_STALE_S", "12"),
];

fn people(app: &TestApp, provider: &Provider) {
    let org = Org::new(app, "provided");
    member(&org, &provider.url, "ann", "member");
}

fn by(app: &TestApp, token: &str) -> Client {
    app.bearer(token).at("/v1/tenants/provided")
}

#[test]
fn a_real_provider_is_trusted_by_discovery() {
    let provider = Provider::new("provided");
    let app = app(&provider.url, &[]);
    people(&app, &provider);
    for alg in ["EdDSA", "ES256", "RS256", "PS256"] {
        let ann = by(&app, &provider.token("ann", alg));
        ann.get("/members").expect(200);
        ann.get("").problem(404, "not_found");
        let me = ann.root().get("/v1/me").expect(200);
        assert_eq!(me["credential"]["acr"], "phr");
        assert_eq!(me["credential"]["scopes"], json!(["resources:read", "people:read"]));
        by(&app, &provider.token("bob", alg)).get("/members").problem(401, "unauthenticated");
    }
    let counts = provider.control("counts");
    assert_eq!(counts, json!({"jwks": 1, "discovery": 1}));
}

#[test]
fn a_real_provider_changes_its_keys() {
    let provider = Provider::new("provided");
    let app = app(&provider.url, &QUICK);
    people(&app, &provider);
    let before = by(&app, &provider.token("ann", "ES256"));
    before.get("/members").expect(200);
    provider.control("overlap");
    let after = by(&app, &provider.token("ann", "ES256"));
    eventually(|| (after.get("/members").status == 200).then_some(()));
    before.get("/members").expect(200);
    provider.control("rotate");
    let since = Instant::now();
    eventually(|| (before.get("/members").status == 401).then_some(()));
    assert!(since.elapsed() < Duration::from_secs(5));
    after.get("/members").problem(401, "unauthenticated");
    let newest = by(&app, &provider.token("ann", "RS256"));
    newest.get("/members").expect(200);
}

#[test]
fn a_real_providers_outage_is_lived_through_and_bounded() {
    for outage in ["down", "slow"] {
        let provider = Provider::new("provided");
        let app = app(&provider.url, &QUICK);
        people(&app, &provider);
        let ann = by(&app, &provider.token("ann", "EdDSA"));
        ann.get("/members").expect(200);
        provider.control(outage);
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(4) {
            ann.get("/members").expect(200);
        }
        eventually(|| (ann.get("/members").status == 401).then_some(()));
        provider.control("up");
        eventually(|| (ann.get("/members").status == 200).then_some(()));
    }
}
