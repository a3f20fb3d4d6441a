//! What a client says stands in the log as data: it begins no line, ends none, and colours none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::app::{Place, TestApp, measured};
use crate::org::Org;
use crate::raw::Raw;

/// A line that nobody wrote.
const FORGED: &str = "2026-01-01T00:00:00.000000Z ERROR forged";

/// What ends lines, strings or colours, before the forged line and after it.
fn payloads() -> Vec<String> {
    let ends = [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\0",
        "\u{1b}[31m",
        "\u{1b}[2J",
        "\u{1b}]0;x\u{7}",
        "\u{9b}31m",
        "\u{8}\u{8}",
        "\u{7f}",
        "\u{202e}",
        "\u{feff}",
        "\t",
        "\"",
        "\\",
        "\\n",
        "\\\"",
        "\"}\n{\"level\":\"ERROR\"",
        "\"}}\r\n",
        "'",
        "`",
        "%0a",
        "%0d%0a",
        "${jndi:ldap://x}",
        "{}",
        "{0}",
        "%s%n",
        "\u{fffd}",
        "</script>",
        "--",
        ";",
        "|",
        "\u{1b}\\",
        "\u{90}x\u{9c}",
    ];
    let both = ends.iter().take(20).map(|end| format!("x{end}{FORGED}{end}"));
    ends.iter().map(|end| format!("x{end}{FORGED}")).chain(both).collect()
}

/// Every place of a request whose words may come to be in a log.
const PLACES: [fn(&Scene<'_>, &str); 12] = [
    |it, x| it.headed("x-request-id", x),
    |it, x| it.headed("traceparent", x),
    |it, x| it.headed("user-agent", x),
    |it, x| it.headed("host", x),
    |it, x| it.headed("forwarded", x),
    |it, x| it.headed("freehold-tenant", x),
    |it, x| it.headed("content-type", x),
    |it, x| it.token(&json!({"alg": "EdDSA", "kid": x}), &json!({"iss": "freehold"})),
    |it, x| it.token(&json!({"alg": "EdDSA"}), &json!({"iss": x})),
    |it, x| drop(it.org.owner.post("/teams", &json!({"name": x}))),
    |it, x| drop(it.org.owner.post("/teams", &json!({ x: "value" }))),
    |it, x| it.import(&json!({"slug": x, "name": x})),
];

struct Scene<'a> {
    org: &'a Org<'a>,
}

impl Scene<'_> {
    /// As bytes: no library would send it.
    fn headed(&self, name: &str, value: &str) {
        let mut raw = Raw::new(self.org.app);
        let token = self.org.owner.token();
        raw.send(format!(
            "GET /v1/tenants/{}/teams HTTP/1.1\r\n{name}: {value}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
            self.org.slug
        ));
    }

    fn import(&self, tenant: &Value) {
        let body = json!({"format": "freehold-import/1", "tenants": [tenant]});
        self.org.app.host().post("/v1/platform/imports", &body).expect(422);
    }

    fn token(&self, header: &Value, claims: &Value) {
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let token = format!("{}.{}.AAAA", part(header), part(claims));
        self.org.seen_by(&self.org.app.bearer(&token)).get("/teams").expect(401);
    }
}

/// A server's log after all that, line by line.
fn lines(format: &str, level: &str) -> Vec<String> {
    let settings = [("FREEHOLD__LOG__LEVEL", level), ("FREEHOLD__LOG__FORMAT", format)];
    let app = TestApp::dev_with(&Place::new(), &settings);
    let org = Org::new(&app, "lines");
    let scene = Scene { org: &org };
    let payloads = payloads();
    assert_eq!(payloads.len(), 60);
    for say in PLACES {
        for payload in &payloads {
            say(&scene, payload);
        }
    }
    let log = app.log();
    assert!(log.contains("forged"), "nothing that was said is in the log");
    measured(&format!(
        "log: {} lines of {} words in {} places",
        log.lines().count(),
        payloads.len(),
        PLACES.len()
    ));
    log.lines().map(str::to_owned).collect()
}

#[test]
fn every_json_line_is_one_that_the_program_wrote() {
    for line in lines("json", "trace") {
        let read: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let is_whole = ["timestamp", "level", "target"].iter().all(|name| read[name].is_string());
        assert!(is_whole && read["fields"]["message"] != "forged", "{line:?}");
    }
}

#[test]
fn every_text_line_is_one_that_the_program_wrote() {
    for line in lines("text", "debug") {
        let (time, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let is_now = time.len() == 27
            && time.ends_with('Z')
            && !time.starts_with("2026-01-01T00:00:00.0000");
        let level = rest.trim_start().split(' ').next().unwrap_or_default();
        let is_levelled = ["ERROR", "WARN", "INFO", "DEBUG"].contains(&level);
        assert!(is_now && is_levelled && !line.contains(char::is_control), "{line:?}");
    }
}
