//! Browsers, and the providers at which they log in.
//!
//! The provider is a real one, in `tests/provider/login.mjs`; beside it stands one that lies as it is told. A [`Browser`]
//! keeps cookies, follows redirects, and reaches the public address as through a proxy that ends TLS.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::client::{Answer, Client, run};

/// The address at which browsers reach the server.
pub(crate) const PUBLIC: &str = "https://login.freehold.test";
/// Its host.
pub(crate) const HOST: &str = "login.freehold.test";
/// The cookie of a session.
pub(crate) const SESSION: &str = "__Host-freehold";
/// The cookie of a log-in.
pub(crate) const LOGIN: &str = "__Host-freehold-login";

/// The providers that all tests share.
pub(crate) struct Providers {
    /// Where the real one is.
    pub(crate) url: String,
    /// Where the liar is.
    pub(crate) liar: String,
    secret: String,
}

impl Providers {
    /// Redeems a code of the real one, as the server would.
    pub(crate) fn redeem(&self, code: &str, verifier: &str) -> Value {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &format!("{PUBLIC}/v1/auth/callback"))
            .append_pair("code_verifier", verifier)
            .finish();
        run(async {
            let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
            let request = client.post(format!("{}/token", self.url)).body(form);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request = request.basic_auth("freehold", Some(&self.secret));
            request.send().await.unwrap().json().await.unwrap()
        })
    }
}

fn tools() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    target.join("tools/provider")
}

/// The providers, started once; they end with the tests.
pub(crate) fn providers() -> &'static Providers {
    static PROVIDERS: OnceLock<Providers> = OnceLock::new();
    PROVIDERS.get_or_init(|| {
        let tools = tools();
        assert!(
            tools.join("node_modules/oidc-provider").exists(),
            "the provider is not installed; run tests/contract/install"
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider/login.mjs");
        #[expect(
            clippy::zombie_processes,
            reason = "it ends with the tests, which wait for nobody"
        )]
        let mut child = Command::new("node")
            .arg(script)
            .arg(&tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is needed: version 20 or newer");
        // It ends when this does, which is when the tests do.
        std::mem::forget(child.stdin.take());
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let said: Value = serde_json::from_str(&said).expect("the provider did not start");
        let word = |name: &str| said[name].as_str().unwrap().to_owned();
        Providers { url: word("url"), liar: word("liar"), secret: word("client_secret") }
    })
}

/// A server at which browsers log in, with further settings.
pub(crate) fn app_with(place: &Place, further: &[(&str, &str)]) -> TestApp {
    let providers = providers();
    let settings = [
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__URL", providers.url.as_str()),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_ID", "freehold"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_SECRET", &providers.secret),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__ACR_VALUES", "phr"),
        ("FREEHOLD__IDENTITY__ISSUERS__LIAR__URL", &providers.liar),
        ("FREEHOLD__IDENTITY__ISSUERS__LIAR__CLIENT_ID", "freehold"),
        ("FREEHOLD__IDENTITY__ISSUERS__LIAR__CLIENT_SECRET", &providers.secret),
        ("FREEHOLD__LOGIN__PUBLIC_URL", PUBLIC),
        ("FREEHOLD__LOGIN__DEFAULT_ISSUER", "corp"),
        ("FREEHOLD__LOGIN__CREATE_ACCOUNTS", "true"),
    ];
    TestApp::dev_with(place, &[&settings, further].concat())
}

/// The server that most tests share.
pub(crate) fn app() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| app_with(&Place::new(), &[]))
}

/// A browser.
#[derive(Clone)]
pub(crate) struct Browser {
    server: String,
    /// Cookies, by host.
    jars: BTreeMap<String, BTreeMap<String, String>>,
    /// Whom the provider sees.
    person: Value,
    /// What the session's pages send with every change.
    csrf: String,
}

impl Browser {
    /// A browser of somebody's, who is nobody yet.
    pub(crate) fn of(app: &TestApp, person: Value) -> Self {
        let (server, csrf) = (app.url().to_owned(), String::new());
        Self { server, jars: BTreeMap::new(), person, csrf }
    }

    /// A browser of somebody who has logged in.
    #[track_caller]
    pub(crate) fn logged_in(app: &TestApp, subject: &str) -> Self {
        Self::arrived(app, json!({"sub": subject, "name": subject}), "")
    }

    /// The same, by a log-in with a query.
    #[track_caller]
    pub(crate) fn arrived(app: &TestApp, person: Value, query: &str) -> Self {
        let mut browser = Self::of(app, person);
        browser.log_in(query).expect(200);
        browser
    }

    /// Logs in, and goes where that leads.
    #[track_caller]
    pub(crate) fn log_in(&mut self, query: &str) -> Answer {
        let landed = self.follow(&format!("{PUBLIC}/v1/auth/login?{query}"));
        landed["csrf_token"].as_str().unwrap_or_default().clone_into(&mut self.csrf);
        landed
    }

    /// A cookie of the public address.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jars.get(PUBLIC)?.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        let jar = self.jars.entry(PUBLIC.to_owned()).or_default();
        jar.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// A request by this browser, to be sent, without what our own pages add.
    pub(crate) fn request(&self, method: &str, path: &str) -> crate::client::Request {
        let request = Client::new(&self.server).request(method, path).header("host", HOST);
        match self.jars.get(PUBLIC).filter(|jar| !jar.is_empty()) {
            Some(jar) => request.header("cookie", &line(jar)),
            None => request,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// A change, as our own pages ask for it.
    pub(crate) fn change(&self, method: &str, path: &str) -> crate::client::Request {
        let request = self.request(method, path).header("origin", PUBLIC);
        request.header("freehold-csrf", &self.csrf)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.change("POST", path).json(body).send()
    }

    /// Goes somewhere, and no further.
    pub(crate) fn go(&mut self, url: &str) -> Answer {
        let (origin, path) = split(url);
        let client = Client::new(if origin == PUBLIC { &self.server } else { &origin });
        let mut request = client.request("GET", &path);
        if origin == PUBLIC {
            request = request.header("host", HOST).header("sec-fetch-site", "same-origin");
        } else {
            let person = URL_SAFE_NO_PAD.encode(self.person.to_string());
            request = request.header("x-person", &person);
        }
        if let Some(jar) = self.jars.get(&origin).filter(|jar| !jar.is_empty()) {
            request = request.header("cookie", &line(jar));
        }
        let answer = request.send();
        self.keep(&origin, &answer);
        answer
    }

    /// Goes somewhere, and wherever that leads.
    #[track_caller]
    pub(crate) fn follow(&mut self, url: &str) -> Answer {
        let mut url = url.to_owned();
        for _ in 0..12 {
            let answer = self.go(&url);
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            let to = answer.header("location");
            url =
                if to.starts_with('/') { format!("{}{to}", split(&url).0) } else { to.to_owned() };
        }
        panic!("too many redirects; the last to {url}");
    }

    /// Goes as far as the provider's answer, and returns the address that it sends the browser back to.
    #[track_caller]
    pub(crate) fn as_far_as_the_callback(&mut self, query: &str) -> String {
        let mut url = format!("{PUBLIC}/v1/auth/login?{query}");
        for _ in 0..12 {
            let answer = self.go(&url);
            let to = answer.header("location");
            assert!(!to.is_empty(), "{}: {}", answer.status, answer.text);
            url =
                if to.starts_with('/') { format!("{}{to}", split(&url).0) } else { to.to_owned() };
            if url.starts_with(&format!("{PUBLIC}/v1/auth/callback")) {
                return url;
            }
        }
        panic!("too many redirects; the last to {url}");
    }

    /// Begins a log-in at the liar, and returns its state and nonce.
    #[track_caller]
    pub(crate) fn begins_at_the_liar(&mut self, query: &str) -> (String, String) {
        let begun = self.go(&format!("{PUBLIC}/v1/auth/login?issuer=liar&{query}")).expect(303);
        let to: reqwest::Url = begun.header("location").parse().unwrap();
        let word = |name: &str| {
            let (_, value) = to.query_pairs().find(|(key, _)| key == name).unwrap();
            value.into_owned()
        };
        (word("state"), word("nonce"))
    }

    /// Comes back from the liar with what its token is to say.
    pub(crate) fn comes_back_from_the_liar(&mut self, state: &str, told: &Value) -> Answer {
        let code = URL_SAFE_NO_PAD.encode(told.to_string());
        let iss = &providers().liar;
        self.go(&format!("{PUBLIC}/v1/auth/callback?state={state}&code={code}&iss={iss}"))
    }

    fn keep(&mut self, origin: &str, answer: &Answer) {
        let jar = self.jars.entry(origin.to_owned()).or_default();
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn line(jar: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

/// Origin, and path with query.
fn split(url: &str) -> (String, String) {
    let start = url.find("://").unwrap() + 3;
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    let path = if end == url.len() { "/" } else { &url[end..] };
    (url[..end].to_owned(), path.to_owned())
}
