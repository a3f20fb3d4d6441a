//! The start-up guard: what is unsafe ends the process before its port is bound, and is named.
//!
//! The port that each case asks for is taken already: whoever came as far as binding it would complain of that.

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::app::{Place, TestApp, measured};

/// What is wrong, and what the complaint must say.
struct Case {
    settings: Vec<(String, String)>,
    plant: fn(&Path),
    says: Vec<String>,
}

/// A setting of the environment that is refused; the complaint begins with the key.
fn set(key: &str, value: &str, says: &str) -> Case {
    let variable = format!("FREEHOLD__{}", key.to_uppercase().replace('.', "__"));
    let settings = vec![(variable, value.to_owned())];
    Case { settings, plant: |_| {}, says: vec![key.to_owned(), says.to_owned()] }
}

/// A data directory that is refused.
fn planted(plant: fn(&Path), says: &[&str]) -> Case {
    let says = says.iter().map(|&word| word.to_owned()).collect();
    Case { settings: Vec::new(), plant, says }
}

/// Every number, one below and one above what it may be.
fn numbers() -> Vec<Case> {
    let bounds = [
        ("http.max_connections", 16, 1_000_000),
        ("http.max_requests_per_tenant", 1, 1_000_000),
        ("http.max_requests_per_caller", 1, 1_000_000),
        ("http.max_uri_bytes", 256, 61_440),
        ("http.max_headers", 16, 96),
        ("http.max_header_bytes", 1024, 65_536),
        ("http.max_body_bytes", 1024, 268_435_456),
        ("http.max_import_bytes", 1024, 1_073_741_824),
        ("http.max_json_depth", 10, 100),
        ("http.max_page_bytes", 1024, 67_108_864),
        ("http.workers", 0, 512),
        ("http.blocking_threads", 1, 512),
        ("http.keep_alive_s", 1, 3600),
        ("http.client_timeout_s", 1, 300),
        ("http.body_timeout_s", 1, 3600),
        ("http.write_timeout_s", 1, 3600),
        ("http.shutdown_timeout_s", 1, 3600),
        ("storage.max_open_tenants", 1, 100_000),
        ("storage.readers_per_tenant", 1, 64),
        ("storage.registry_readers", 1, 64),
        ("storage.writer_threads", 1, 64),
        ("storage.max_waiting_writes", 1, 1_000_000),
        ("storage.max_batch", 1, 10_000),
        ("storage.read_steps", 1000, 1_000_000_000),
        ("storage.reader_timeout_ms", 1, 60_000),
        ("storage.reader_idle_s", 1, 86_400_i64),
        ("storage.min_free_bytes", 0, 1_125_899_906_842_624),
        ("identity.token_ttl_s", 30, 3600),
        ("identity.max_token_ttl_s", 60, 86_400),
        ("identity.api_key_ttl_days", 1, 366),
        ("identity.max_api_key_ttl_days", 1, 366),
        ("identity.key_overlap_s", 86_460, 2_678_400),
        ("identity.rotate_after_days", 0, 3650),
        ("storage.max_opening_tenants", 1, 64),
        ("assurance.max_age_s", 1, 2_678_400),
        ("identity.jwks_ttl_s", 1, 3600),
        ("identity.jwks_max_stale_s", 0, 604_800),
        ("identity.jwks_retry_s", 1, 3600),
        ("login.session_idle_s", 1, 86_400),
        ("login.session_max_s", 1, 86_400),
        ("decision_point.timeout_ms", 10, 30_000),
        ("decision_point.breaker_failures", 1, 1000),
        ("decision_point.breaker_open_s", 1, 3600),
    ];
    let mut cases = Vec::new();
    for (key, least, most) in bounds {
        let says = format!("must be {least} to {most}");
        cases.push(set(key, &(most + 1).to_string(), &says));
        // What is below nothing is no number of this kind, and its key is named all the same.
        let below = if least == 0 { "" } else { says.as_str() };
        cases.push(set(key, &(least - 1).to_string(), below));
    }
    cases
}

fn values() -> Vec<Case> {
    let long = "x".repeat(256);
    vec![
        set("identity.local_issuer", "true", "must be false"),
        set("storage.max_opening_tenants", "16", "must be less than http.blocking_threads"),
        set("identity.issuer", "local", "choose another"),
        set("invitations.link", "http://example.com/{id}", "must begin with https://"),
        set("invitations.link", "javascript:alert({id})", "must begin with https://"),
        set("invitations.link", "https://{tenant}.example.com/{id}", "must name its host itself"),
        set("invitations.link", "https://ann@example.com/{id}", "must name its host itself"),
        set("invitations.link", "https:///{id}", "must name its host itself"),
        set("invitations.link", "https://example.com/", "must have {id}"),
        set("invitations.link", "https://example.com/{id}/{token}", "nothing is known by {token}"),
        set("invitations.link", "https://example.com/{id} x", "no blanks"),
        set("invitations.text", "Come in.", "must have {link}"),
        set("invitations.text", "{link} {secret}", "nothing is known by {secret}"),
        set("invitations.public_domains", "Gmail.com", "must be spelt gmail.com"),
        set("invitations.public_domains", "nowhere", "two labels"),
        set("seed.slug", "admin", "reserved"),
        set("seed.name", " x", "blank"),
        set("identity.issuer", "", "1 to 255"),
        set("identity.issuer", "two words", "without blanks"),
        set("identity.audience", "", "1 to 255"),
        set("identity.audience", "t\u{e4}b", "ASCII"),
        set("identity.audience", &long, "1 to 255"),
        set("identity.issuers.corp.url", "http://id.example.com", "must begin with https://"),
        set("identity.issuers.corp.url", "http://127.0.0.1:8080", "must begin with https://"),
        set("identity.issuers.corp.url", "ftp://id.example.com", "must begin with https://"),
        set("identity.issuers.corp.url", "https://me@id.example.com", "must name no user"),
        set("identity.issuers.corp.url", "https://id.example.com#x", "must have no fragment"),
        set("identity.issuers.corp.url", "https://0x7f.1", "in its one spelling"),
        set("identity.issuers.corp.url", "id.example.com", "is no address"),
        set("identity.issuers.corp.url", "", "is no address"),
        set("identity.issuers.corp.url", "freehold", "our own tokens"),
        set(
            "identity.issuers.corp.jwks_uri",
            "http://id.example.com/k",
            "must begin with https://",
        ),
        set("identity.issuers.corp.algorithms", "HS256", "\"HS256\" is none of EdDSA"),
        set("identity.issuers.corp.algorithms", "ES256,none", "\"none\" is none of EdDSA"),
        set("identity.issuers.corp.algorithms", "ES256,ES256", "each once"),
        set("identity.issuers.corp.audience", "two words", "ASCII"),
        set("identity.issuers.corp.typ", "at jwt", "printable ASCII"),
        set("identity.issuers.corp.max_lifetime_s", "59", "60 to 86400"),
        set("identity.issuers.corp.max_lifetime_s", "86401", "60 to 86400"),
        set("identity.issuers.corp.claims.tenant", "sub", "whose meaning is fixed"),
        set("identity.private_issuer_hosts", "https://id.internal", "is no host"),
        set("http.listen", "nowhere", "no address with a port"),
        set("http.listen", "127.0.0.1", "no address with a port"),
        set("http.listen", "localhost:8080", "no address with a port"),
        set("http.listen", "224.0.0.1:8080", "address of many"),
        set("http.listen", "[ff02::1]:8080", "address of many"),
        set("http.trusted_proxies", "0.0.0.0", "is no host's address"),
        set("http.trusted_proxies", "::", "is no host's address"),
        set("http.trusted_proxies", "127.0.0.1,239.1.2.3", "239.1.2.3 is no host's"),
        set("http.trusted_proxies", "255.255.255.255", "is no host's address"),
        set("http.trusted_proxies", "::ffff:10.0.0.1", "must be written 10.0.0.1"),
        set("http.trusted_proxies", "10.0.0.0/8", "invalid IP address"),
        set("http.hosts", "login.example.com:443", "is no host"),
        set("http.hosts", "example.com,*.example.com", "\"*.example.com\" is no host"),
        set("http.hosts", "https://example.com", "is no host"),
        set("http.hosts", "", "is no host"),
        set("http.base_domains", ".example.com", "is no host name"),
        set("http.base_domains", "example.com.", "is no host name"),
        set("http.base_domains", "example.com:8080", "is no host name"),
        set("http.base_domains", "*.example.com", "is no host name"),
        set("http.base_domains", "exam_ple.com", "is no host name"),
        set("http.base_domains", "xn--a.example", "is no host name"),
        set("http.base_domains", "acme.1", "is no host name"),
        set("http.base_domains", "b\u{fc}cher.example", "is no host name"),
        set("http.base_domains", "-example.com", "is no host name"),
        set("http.base_domains", "192.0.2.1", "is an address"),
        set("http.base_domains", "[::1]", "is an address"),
        set("http.base_domains", "example.com,EXAMPLE.com", "stands there twice"),
        set("http.base_domains", "example.com,eu.example.com", "is below \"example.com\""),
        set("http.base_domains", &format!("{}com", "abc.".repeat(47)), "too long"),
        set("assurance.step_up", "team.fly", "covers no action"),
        set("assurance.step_up", "owner.*,Team.*", "\"Team.*\" covers no action"),
        set("assurance.step_up", "", "covers no action"),
        set("assurance.acr_values", "two words", "without blanks"),
        set("assurance.acr_values", "", "1 to 255"),
        set("assurance.amr_values", "m\u{e4}", "ASCII"),
        set("assurance.amr_values", &long, "1 to 255"),
        set("assurance.max_age_s", "a day", "a day"),
        set("log.level", "bogus", "neither a level"),
        set("log.level", "no=such=level", "log.level"),
        set("log.level", "info,freehold", "neither a level"),
        set("log.level", "freehold=loud", "log.level"),
        set("log.level", "", "neither a level"),
        set("log.format", "xml", "xml"),
        set("http.workers", "many", "many"),
        set("http.workers", "-1", "-1"),
        set("http.listn", "127.0.0.1:1", "no such key"),
        set("storage.nonsense", "1", "FREEHOLD__STORAGE__NONSENSE"),
        set("htp.listen", "1", "FREEHOLD__HTP__LISTEN"),
    ]
    .into_iter()
    .map(in_environment)
    .collect()
}

/// How browsers log in, and what of it is refused. What is right is there besides.
fn login() -> Vec<Case> {
    let issuer = |key: &str, value: &str, says: &str| {
        set(&format!("identity.issuers.corp.{key}"), value, says)
    };
    let url = |url: &str, says: &str| issuer("url", url, says);
    let public = |url: &str, says: &str| set("login.public_url", url, says);
    let mut cases = vec![
        url("", "is missing"),
        url("corp", "is no address"),
        url("http://id.example.com", "must begin with https://"),
        url("ftp://id.example.com", "must begin with https://"),
        url("https://localhost", "is on this host"),
        url("https://127.0.0.1", "is on this host"),
        url("http://127.0.0.1:9000", "is on this host"),
        url("https://[::1]", "is on this host"),
        url("https://id.localhost", "is on this host"),
        url("https://me:hush-hush@id.example.com", "must name no user"),
        url("https://id.example.com?a=b", "no query"),
        url("https://id.example.com#a", "no fragment"),
        url("https://*.example.com", "must name one issuer"),
        url(&format!("https://id.example.com/{}", "x".repeat(250)), "is too long"),
        issuer("client_id", "two words", "without blanks"),
        issuer("client_id", &"x".repeat(256), "1 to 255"),
        issuer("client_id", "", "is empty, and there is a secret"),
        issuer("client_secret", "hush-hush two", "without blanks"),
        issuer("scopes", "openid *", "must be ASCII characters"),
        issuer("scopes", "prof\u{ef}le", "must be ASCII characters"),
        issuer("acr_values", "\"phr\"", "must be ASCII characters"),
        issuer("typ", "at+jwt,JWT", "which ID tokens say too"),
        issuer("typ", "application/jwt", "which ID tokens say too"),
        Case {
            says: vec![
                "identity.issuers.corp".to_owned(),
                "unknown field `client_sekret`".to_owned(),
            ],
            ..issuer("client_sekret", "hush-hush", "")
        },
        public("http://login.example.com", "must begin with https://"),
        public("login.example.com", "is no address"),
        public("https://login.example.com/", "no slash"),
        public("https://login.example.com/freehold", "no path"),
        public("https://login.example.com?a=b", "no query"),
        public("https://login.example.com#a", "no fragment"),
        public("https://me@login.example.com", "must name no user"),
        public("https://LOGIN.example.com", "as browsers write it"),
        public("https://login.example.com:443", "as browsers write it"),
        public("https://b\u{fc}cher.example", "must be ASCII"),
        public("https://*.example.com", "must name one host"),
        public("https://localhost", "is on this host"),
        public("https://127.0.0.1", "is on this host"),
        public("https://192.0.2.1", "is an address"),
        public("https://[2001:db8::1]", "is an address"),
        public("https://com", "one label"),
        public("https://co.uk", "everybody can have one"),
        public("https://github.io", "everybody can have one"),
        public("", "is empty, and browsers are to log in"),
        set("login.default_issuer", "nobody", "is no issuer with a client_id"),
        set("login.session_idle_s", "28801", "is more than login.session_max_s"),
        set("login.post_logout_path", "//evil.example", "must be a path here"),
        set("login.post_logout_path", "https://evil.example", "must be a path here"),
        set("login.post_logout_path", "", "must be a path here"),
        set("login.nonsense", "1", "FREEHOLD__LOGIN__NONSENSE"),
    ];
    let secret = |name: &str, says: &str| {
        let mut case = issuer("client_secret_file", &format!("{{place}}/{name}"), says);
        case.plant = token_files;
        case.settings.push((CLIENT_SECRET.to_owned(), String::new()));
        case
    };
    cases.extend([
        secret("none", "cannot be read"),
        secret("open", "others may read it; chmod 600"),
        secret("group", "others may read it; chmod 600"),
        secret("directory", "is no file"),
        secret("empty", "must hold 1 to 8192"),
    ]);
    let mut both = secret("good", "keep one of them");
    both.settings.pop();
    cases.push(both);
    let further = |mut case: Case, key: &str, value: &str| {
        case.settings.extend(set(key, value, "").settings);
        case
    };
    let twin = set("identity.issuers.twin.url", "https://id.example.com", "keep one of them");
    cases.push(further(twin, "login.default_issuer", "corp"));
    let mut two = set("identity.issuers.other.client_id", "freehold", "there are several issuers");
    "login.default_issuer".clone_into(&mut two.says[0]);
    cases.push(further(two, "identity.issuers.other.url", "https://other.example.com"));
    cases.push(further(
        public("https://acme.example.com", "means a tenant"),
        "http.base_domains",
        "example.com",
    ));
    for case in &mut cases {
        for (variable, value) in GOOD_LOGIN {
            if !case.settings.iter().any(|(own, _)| own == variable) {
                case.settings.push(((*variable).to_owned(), (*value).to_owned()));
            }
        }
    }
    cases.into_iter().map(in_environment).collect()
}

const CLIENT_SECRET: &str = "FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_SECRET";

/// What lets browsers log in.
const GOOD_LOGIN: &[(&str, &str)] = &[
    ("FREEHOLD__IDENTITY__ISSUERS__CORP__URL", "https://id.example.com"),
    ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_ID", "freehold"),
    (CLIENT_SECRET, SECRET),
    ("FREEHOLD__LOGIN__PUBLIC_URL", "https://login.example.com"),
];

#[test]
fn a_log_in_by_tls_is_accepted() {
    let place = Place::new();
    let roots = place.file("roots.pem", include_str!("../fixtures/authority.pem"));
    let known = [("SSL_CERT_FILE", roots.to_str().unwrap())];
    place.freehold_with(&["check"], &[GOOD_LOGIN, &known].concat()).ended(0);
    // A reserved name below a base domain means no tenant, and the domain itself means none.
    for public in
        ["https://login.example.com", "https://example.com", "https://login.example.com:8443"]
    {
        let further = [
            ("FREEHOLD__HTTP__BASE_DOMAINS", "example.com"),
            ("FREEHOLD__LOGIN__PUBLIC_URL", public),
        ];
        place.freehold_with(&["check"], &[GOOD_LOGIN, &known, &further].concat()).ended(0);
    }
}

/// A secret that no complaint may show.
const SECRET: &str = "hush-hush";

/// Who is asked besides, and what of it is refused.
fn decision_point() -> Vec<Case> {
    let url = |url: &str, says: &str| set("decision_point.url", url, says);
    let mut cases = vec![
        url("pdp.example.com", "is no address"),
        url("ftp://pdp.example.com/", "must begin with https://"),
        url("http://pdp.example.com/", "must begin with https://"),
        url("http://10.0.0.1/", "must begin with https://"),
        url("http://127.0.0.1.example.com/", "must begin with https://"),
        url("http://localhost.example.com/", "must begin with https://"),
        url("http://127.0.0.1:1/", "decision_point.allow_plain_loopback"),
        url("http://[::1]:1/", "decision_point.allow_plain_loopback"),
        url("http://localhost:1/", "decision_point.allow_plain_loopback"),
        url("https://hush-hush@pdp.example.com/", "must name no user"),
        url("https://a:hush-hush@pdp.example.com/", "must name no user"),
        url("https://pdp.example.com/#there", "no fragment"),
        url(&format!("https://pdp.example.com/{}", "x".repeat(2000)), "is too long"),
        set("decision_point.actions", "team.fly", "covers no action that changes anything"),
        set("decision_point.actions", "resource.read", "covers no action that changes anything"),
        set(
            "decision_point.actions",
            "team.*,tenant.suspend",
            "\"tenant.suspend\" covers no action",
        ),
        set("decision_point.actions", "Team.*", "covers no action"),
        set("decision_point.platform_actions", "team.*", "covers no action"),
        set("decision_point.platform_actions", "account.list", "covers no action"),
        set("decision_point.token", "hush-hush two", "without blanks"),
        set("decision_point.token", &SECRET.repeat(1000), "1 to 8192"),
        set("decision_point.tenants.acme.timeout_ms", "9", "must be 10 to 30000"),
        set("decision_point.tenants.acme.breaker_failures", "0", "must be 1 to 1000"),
        set("decision_point.tenants.acme.breaker_open_s", "3601", "must be 1 to 3600"),
        set(
            "decision_point.tenants.acme.url",
            "http://pdp.example.com/",
            "must begin with https://",
        ),
        set("decision_point.tenants.acme.token", "hush-hush two", "without blanks"),
        set("decision_point.nonsense", "1", "FREEHOLD__DECISION_POINT__NONSENSE"),
    ];
    let named = |key: &str, value: &str, says: [&str; 2]| {
        let mut case = set(key, value, says[1]);
        says[0].clone_into(&mut case.says[0]);
        case
    };
    let acme = "decision_point.tenants.acme";
    cases.extend([
        named(&format!("{acme}.token"), SECRET, ["decision_point.tenants.acme.url", "is missing"]),
        named(&format!("{acme}.urll"), "https://pdp.example.com/", [acme, "unknown field `urll`"]),
        named(
            "decision_point.tenants.a_b.enabled",
            "false",
            ["decision_point.tenants.a_b", "no tenant's slug or id"],
        ),
    ]);
    let file = |name: &str, says: &str| {
        let mut case = set("decision_point.token_file", &format!("{{place}}/{name}"), says);
        case.plant = token_files;
        case
    };
    cases.extend([
        set("decision_point.token_file", "token", "must be an absolute path"),
        file("none", "cannot be read"),
        file("open", "others may read it; chmod 600"),
        file("group", "others may read it; chmod 600"),
        file("directory", "is no file"),
        file("empty", "must hold 1 to 8192"),
        file("blanks", "must hold 1 to 8192"),
        file("long", "is too long"),
    ]);
    let mut both = file("good", "keep one of them");
    both.settings.push(("FREEHOLD__DECISION_POINT__TOKEN".to_owned(), SECRET.to_owned()));
    cases.push(both);
    cases.into_iter().map(in_environment).collect()
}

/// Files with tokens, beside the data directory.
fn token_files(data: &Path) {
    let files = [
        ("good", SECRET.to_owned(), 0o600),
        ("open", SECRET.to_owned(), 0o644),
        ("group", SECRET.to_owned(), 0o640),
        ("empty", String::new(), 0o600),
        ("blanks", format!("{SECRET} {SECRET}"), 0o600),
        ("long", "x".repeat(9000), 0o600),
    ];
    for (name, text, mode) in files {
        let path = data.with_file_name(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    directory(&data.with_file_name("directory"), 0o700);
}

#[test]
fn a_secret_is_in_no_complaint() {
    for case in decision_point().into_iter().chain(login()) {
        let said = run(&case, "check", "127.0.0.1:1").0.stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn a_decision_point_by_tls_or_on_this_host_is_accepted() {
    let place = Place::new();
    let check = |url: &str, further: &[(&str, &str)]| {
        let url = [("FREEHOLD__DECISION_POINT__URL", url)];
        place.freehold_with(&["check"], &[&url, further].concat())
    };
    let plain = [("FREEHOLD__DECISION_POINT__ALLOW_PLAIN_LOOPBACK", "true")];
    for url in
        ["http://127.0.0.1:1/x?y=z", "http://127.9.9.9/", "http://[::1]:1/", "http://localhost/"]
    {
        check(url, &plain).ended(0);
    }
    check("http://pdp.example.com/", &plain).ended(1);
    let roots = place.file("roots.pem", include_str!("../fixtures/authority.pem"));
    let known = [("SSL_CERT_FILE", roots.to_str().unwrap())];
    check("https://pdp.example.com/access/v1/evaluation", &known).ended(0);
    let none = place.file("none.pem", "");
    let nowhere = place.data();
    let unknown =
        [("SSL_CERT_FILE", none.to_str().unwrap()), ("SSL_CERT_DIR", nowhere.to_str().unwrap())];
    let refused = check("https://pdp.example.com/access/v1/evaluation", &unknown).ended(1);
    assert!(
        refused.err.contains("decision_point.url") && refused.err.contains("CA certificates"),
        "{refused:?}"
    );
    place.freehold_with(&["check"], &unknown).ended(0);
}

/// An unknown key of the environment is named as its variable.
fn in_environment(mut case: Case) -> Case {
    if case.says.iter().any(|word| word.starts_with("FREEHOLD__") || word == "no such key") {
        case.says[0].clone_from(&case.settings[0].0);
    }
    case
}

fn region(name: &str, path: &str, says: &str) -> Case {
    let mut case = set(&format!("storage.regions.{name}"), path, says);
    case.plant = |data| {
        let beside = |name: &str| data.parent().unwrap().join(name);
        directory(&data.join("tenants"), 0o700);
        directory(data, 0o700);
        directory(&beside("open"), 0o755);
        directory(&beside("closed"), 0o700);
        symlink(data.join("tenants"), beside("link")).unwrap();
        fs::write(beside("file"), "").unwrap();
    };
    case
}

fn regions() -> Vec<Case> {
    let mut twice = region("eu", "{place}/closed", "overlaps with storage.regions.asia");
    twice
        .settings
        .push(("FREEHOLD__STORAGE__REGIONS__ASIA".to_owned(), "{place}/closed".to_owned()));
    let mut within = region("eu", "{place}/closed/eu", "overlaps with storage.regions.asia");
    within
        .settings
        .push(("FREEHOLD__STORAGE__REGIONS__ASIA".to_owned(), "{place}/closed".to_owned()));
    vec![
        twice,
        within,
        region("eu", "relative", "must be an absolute path"),
        region("eu", "{place}/closed/../closed", "without .."),
        region("default", "{place}/closed", "choose another name"),
        region("e_u", "{place}/closed", "the name"),
        region("eu", "{place}/data/tenants", "overlaps with <data>/tenants"),
        region("eu", "{place}/data/tenants/eu", "overlaps with <data>/tenants"),
        region("eu", "{place}/data/keys", "overlaps with <data>/keys"),
        region("eu", "{place}/data", "overlaps with <data>"),
        region("eu", "{place}/link", "overlaps with <data>/tenants"),
        region("eu", "{place}", "overlaps with <data>"),
        region("eu", "{place}/open", "chmod 700"),
        region("eu", "{place}/file", "is no directory"),
        region("eu", "{place}/file/below", "is no directory"),
        region("eu", "/proc/freehold", "cannot be written"),
    ]
}

fn directory(path: &Path, mode: u32) {
    fs::create_dir_all(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A data directory with a file in it.
fn with_file(data: &Path, name: &str, bytes: &[u8], mode: u32) {
    let path = data.join(name);
    directory(data, 0o700);
    if let Some(parent) = path.parent().filter(|parent| *parent != data) {
        directory(parent, 0o700);
    }
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

fn files() -> Vec<Case> {
    vec![
        planted(|data| directory(data, 0o755), &["data: others may read it; chmod 700"]),
        planted(|data| directory(data, 0o701), &["data: others may read it"]),
        planted(|data| fs::write(data, "").unwrap(), &["data: is no directory"]),
        planted(|data| symlink("elsewhere", data).unwrap(), &["data: is a link"]),
        planted(
            |data| {
                directory(&data.with_file_name("real"), 0o700);
                symlink("real", data).unwrap();
            },
            &["data: is a link"],
        ),
        planted(
            |data| with_file(data, "registry.db", b"", 0o644),
            &["registry.db: others may read it; chmod 600"],
        ),
        planted(
            |data| {
                directory(&data.join("tenants"), 0o750);
                directory(data, 0o700);
            },
            &["tenants: others may read it; chmod 700"],
        ),
        planted(
            |data| {
                directory(&data.join("backups"), 0o777);
                directory(data, 0o700);
            },
            &["backups: others may read it"],
        ),
        planted(
            |data| {
                with_file(data, "keys/system.key", b"", 0o600);
                directory(&data.join("keys"), 0o755);
            },
            &["keys: others may read it", "system.key: holds no Ed25519 key"],
        ),
        planted(
            |data| with_file(data, "keys/system.key", b"x", 0o604),
            &["system.key: others may read it; chmod 600"],
        ),
        planted(
            |data| with_file(data, "keys/local.key", b"no key", 0o600),
            &["local.key: holds no Ed25519 key"],
        ),
        planted(
            |data| with_file(data, "keys/cursor.key", &[7; 31], 0o600),
            &["cursor.key: holds no secret"],
        ),
        planted(
            |data| with_file(data, "keys/cursor.key", &[0; 32], 0o600),
            &["cursor.key: holds no secret"],
        ),
        planted(
            |data| with_file(data, "keys/api.key", &[0; 32], 0o600),
            &["api.key: holds no secret", "ends every API key"],
        ),
        planted(
            |data| {
                with_file(data, "keys/beside", &[7; 32], 0o600);
                symlink("beside", data.join("keys/api.key")).unwrap();
            },
            &["api.key: is a link"],
        ),
        planted(
            |data| with_file(data, "registry.db", b"", 0o600),
            &["registry.db: the file is shorter than it says", "put back a copy"],
        ),
        planted(
            |data| with_file(data, "registry.db", &[b'x'; 8192], 0o600),
            &["registry.db: ", "put back a copy"],
        ),
        planted(
            |data| with_file(data, "keys/cursor.key", &[7; 32], 0o640),
            &["cursor.key: others may read it"],
        ),
    ]
}

/// Runs a case, with its port taken by somebody else.
fn run(case: &Case, verb: &str, taken: &str) -> (Output, Place) {
    let place = Place::new();
    let beside = place.data().parent().unwrap().to_str().unwrap().to_owned();
    (case.plant)(&place.data());
    let mut command = place.command();
    command.arg(verb).env("FREEHOLD__HTTP__LISTEN", taken).stdin(Stdio::null());
    for (key, value) in &case.settings {
        command.env(key, value.replace("{place}", &beside));
    }
    (command.output().unwrap(), place)
}

#[test]
fn what_is_unsafe_ends_the_start_before_the_port_is_bound_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases = [numbers(), values(), decision_point(), login(), regions(), files()]
        .into_iter()
        .flatten()
        .collect::<Vec<Case>>();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
                    refused(case, &address);
                }
            });
        }
    });
    measured(&format!("{} unsafe configurations, refused by serve and by check", cases.len()));
    assert!(cases.len() >= 100, "{}", cases.len());
}

fn refused(case: &Case, address: &str) {
    for verb in ["serve", "check"] {
        let (output, place) = run(case, verb, address);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let what = format!("{verb} {:?}: {said}", case.settings);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(output.stdout.is_empty(), "{what}");
        for word in &case.says {
            assert!(said.contains(word.as_str()), "no {word:?} in {what}");
        }
        assert!(!said.contains("cannot be taken"), "{what}");
        assert!(!place.data().join("lock").exists(), "{what}");
    }
}

#[test]
fn nobody_listens_where_a_start_was_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let case = set("identity.local_issuer", "true", "must be false");
    let (output, place) = run(&case, "serve", &free);
    assert_eq!(output.status.code(), Some(1));
    assert!(TcpStream::connect(&free).is_err(), "somebody listens");
    assert!(!place.data().exists(), "what is refused makes nothing");
}

#[test]
fn every_finding_is_told_at_once() {
    let mut case = set("http.workers", "513", "http.workers");
    case.settings.push(("FREEHOLD__IDENTITY__AUDIENCE".to_owned(), String::new()));
    case.settings.push(("FREEHOLD__LOG__LEVEL".to_owned(), "info,bogus".to_owned()));
    let said = run(&case, "check", "127.0.0.1:1").0.stderr;
    let said = String::from_utf8_lossy(&said);
    for key in ["http.workers: ", "identity.audience: ", "log.level: "] {
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn an_unknown_key_is_named_with_its_file() {
    let place = Place::new();
    let check = |text: &str| {
        let file = place.file("settings.toml", text);
        place.freehold(&["--config", file.to_str().unwrap(), "check"])
    };
    for (text, says) in [
        ("[http]\nlistn = \"x\"\n", "settings.toml: http.listn; is http.listen meant?"),
        ("[htpp]\nlisten = \"x\"\n", "settings.toml: htpp.listen"),
        ("listen = \"x\"\n", "settings.toml: listen"),
        ("[http]\nworkers = \"many\"\n", "http.workers"),
        ("[http]\nmax_body_bytes = -1\n", "http.max_body_bytes"),
        ("[http]\nlisten = [\"x\"]\n", "http.listen"),
        ("[http\n", "configuration cannot be read"),
    ] {
        let refused = check(text).ended(1);
        assert!(refused.err.contains(says), "no {says:?} in {refused:?}");
    }
    check("[storage.regions]\n").ended(0);
    let half = place.freehold_with(&["check"], &[("FREEHOLD_HTTP__LISTEN", "127.0.0.1:1")]);
    assert!(half.ended(1).err.contains("FREEHOLD__HTTP__LISTEN"));
}

#[test]
fn a_path_too_long_for_a_socket_is_refused() {
    let place = Place::new();
    let long = place.data().join("d".repeat(100));
    let mut command = Command::new(env!("CARGO_BIN_EXE_freehold"));
    let output = command.arg("--data").arg(&long).arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("freehold.sock") && said.contains("may have 107"), "{said}");
}

#[test]
fn a_file_with_a_secret_is_for_its_owner_and_group_alone() {
    let place = Place::new();
    let written = |text: &str, mode: u32| {
        let file = place.file("settings.toml", text);
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file
    };
    let check = |text: &str, mode: u32| {
        place.freehold(&["--config", written(text, mode).to_str().unwrap(), "check"])
    };
    let secrets = [
        ("metrics.token", format!("[metrics]\ntoken = \"{SECRET}-of-many-characters\"\n")),
        ("decision_point.token", format!("[decision_point]\ntoken = \"{SECRET}\"\n")),
        (
            "decision_point.tenants.acme.token",
            format!("[decision_point.tenants.acme]\nenabled = false\ntoken = \"{SECRET}\"\n"),
        ),
        (
            "identity.issuers.corp.client_secret",
            format!("[identity.issuers.corp]\nurl = \"x\"\nclient_secret = \"{SECRET}\"\n"),
        ),
    ];
    for (key, text) in &secrets {
        let says = format!("{key}: is a secret, and others may read or change it in ");
        for mode in [0o644, 0o604, 0o642] {
            let refused = check(text, mode).ended(1);
            assert!(
                refused.err.contains(&says) && refused.err.contains("chmod 640"),
                "{refused:?}"
            );
            assert!(!refused.err.contains(SECRET), "{refused:?}");
        }
        for mode in [0o640, 0o600, 0o400] {
            assert!(!check(text, mode).err.contains(&says), "{key} {mode:o}");
        }
    }
    check(&secrets[0].1, 0o640).ended(0);
    let all = format!("[http]\nworkers = 513\n{}{}", secrets[0].1, secrets[1].1);
    let refused = check(&all, 0o644).ended(1);
    for key in ["http.workers: ", "metrics.token: is a", "decision_point.token: is a"] {
        assert!(refused.err.contains(key), "{refused:?}");
    }
    let file = written(&secrets[0].1, 0o644);
    let serve = ["--config", file.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"];
    assert!(place.freehold(&serve).ended(1).err.contains("metrics.token: is a secret"));
    check("[http]\nworkers = 1\n[metrics]\ntoken = \"\"\n", 0o644).ended(0);
}

#[test]
fn what_is_weak_is_a_warning_that_names_its_key() {
    let place = Place::new();
    let check = |settings: &[(&str, &str)]| {
        let hosts = [("FREEHOLD__HTTP__HOSTS", "freehold.example")];
        let said = place.freehold_with(&["check"], &[&hosts, settings].concat()).ended(0);
        assert_eq!(said.out, "ok\n");
        said.err
    };
    assert_eq!(check(&[]), "");
    let (listen, domains) = ("FREEHOLD__HTTP__LISTEN", "FREEHOLD__HTTP__BASE_DOMAINS");
    let weak = [
        (listen, "0.0.0.0:8080", "http.listen: 0.0.0.0:8080 is reached"),
        (listen, "192.0.2.1:8080", "plain HTTP"),
        (listen, "[::]:8080", "plain HTTP"),
        (domains, "com", "http.base_domains: \"com\" is a public suffix"),
        (domains, "example.com,co.uk", "\"co.uk\" is a public suffix"),
        (domains, "GitHub.io", "\"github.io\" is a public suffix"),
        ("FREEHOLD__METRICS__TOKEN", "hush-hush", "metrics.token: has 9 characters"),
    ];
    for (key, value, says) in weak {
        let said = check(&[(key, value)]);
        assert!(said.starts_with("warning: ") && said.contains(says), "{key}={value}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
    let proxy = ("FREEHOLD__HTTP__TRUSTED_PROXIES", "192.0.2.7");
    assert_eq!(check(&[(listen, "0.0.0.0:8080"), proxy]), "");
    assert_eq!(check(&[(domains, "example.co.uk,localhost"), (listen, "127.0.0.1:1")]), "");
    assert_eq!(check(&[("FREEHOLD__METRICS__TOKEN", "0123456789abcdef012345")]), "");
    // Browsers come by a proxy on this host, which is not named.
    let provider = [
        ("FREEHOLD__LOGIN__PUBLIC_URL", "https://freehold.example"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__URL", "https://id.example.com"),
        ("FREEHOLD__IDENTITY__ISSUERS__CORP__CLIENT_ID", "here"),
    ];
    let said = check(&provider);
    assert!(said.starts_with("warning: http.trusted_proxies: is empty"), "{said}");
    let named = ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.1");
    assert_eq!(check(&[&provider[..], &[named]].concat()), "");
    let unnamed = place.freehold(&["check"]).ended(0).err;
    assert!(unnamed.starts_with("warning: http.hosts: is empty"), "{unnamed}");
    // What is refused hides no warning.
    let both = [("FREEHOLD__HTTP__WORKERS", "513"), (listen, "0.0.0.0:8080")];
    let refused = place.freehold_with(&["check"], &both).ended(1);
    for key in ["http.workers: ", "http.listen: 0.0.0.0", "http.hosts: is empty"] {
        assert!(refused.err.contains(key), "{refused:?}");
    }
    let app = TestApp::serve_at(&place, &[(domains, "co.uk")]);
    assert!(
        app.log().contains("http.base_domains: \\\"co.uk\\\" is a public suffix"),
        "{}",
        app.log()
    );
}

/// Runs a verb under a limit of open files.
fn limited(place: &Place, files: usize, verb: &[&str]) -> Output {
    let script = format!("ulimit -n {files}; exec \"$0\" --data \"$FREEHOLD_DATA\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_freehold")]).args(verb);
    command.env("FREEHOLD_DATA", place.data()).current_dir(place.data().parent().unwrap());
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn too_few_open_files_are_refused_and_few_are_shared_out() {
    let place = Place::new();
    let refused = limited(&place, 100, &["check"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("limit of open files is 100, must be 128 or more"), "{said}");
    let few = limited(&place, 256, &["seed"]);
    let said = String::from_utf8_lossy(&few.stderr).into_owned();
    assert_eq!(few.status.code(), Some(0), "{said}");
    assert!(said.contains("max_open_tenants=11") && said.contains("max_connections=75"), "{said}");
}

#[test]
fn the_defaults_are_safe() {
    let place = Place::new();
    assert_eq!(place.freehold(&["check"]).ended(0).out.trim(), "ok");
    let place = TestApp::serve_at(&place, &[]).stop();
    assert_eq!(place.freehold(&["check"]).ended(0).out.trim(), "ok");
}
