//! Malformed HTTP, byte by byte: refused or cut off, never half understood, and as many answers as requests.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::app::{Place, TestApp, measured};
use crate::limits::memory;
use crate::org::Org;
use crate::wire::{Wire, text, with_body};

fn app() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| TestApp::serve_at(&Place::new(), IMPATIENT))
}

/// What waits for more is answered soon.
const IMPATIENT: &[(&str, &str)] = &[
    ("FREEHOLD__HTTP__CLIENT_TIMEOUT_S", "1"),
    ("FREEHOLD__HTTP__KEEP_ALIVE_S", "1"),
    ("FREEHOLD__HTTP__BODY_TIMEOUT_S", "1"),
];

/// What may come before.
const GOOD: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What follows on the same connection; it must not be taken for a request of its own.
const SMUGGLED: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Requests whose end cannot be told, or that another reader would see otherwise: one refusal, and the connection ends.
fn ambiguous() -> Vec<String> {
    let post = |fields: &str, body: &str| {
        format!("POST /v1/me HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}")
    };
    let mut cases = Vec::new();
    for length in [
        "-1",
        "+5",
        "0x5",
        "5,5",
        "5, 5",
        "5 5",
        "1e1",
        "",
        "5;",
        "5.0",
        "five",
        "\u{665}",
        "5\u{b}",
        "99999999999999999999",
        "18446744073709551616",
        "-0",
        "--5",
        "0 5",
        "5_0",
        "'5'",
        "\"5\"",
    ] {
        cases.push(post(&format!("Content-Length: {length}\r\n"), "12345"));
    }
    for lengths in [("5", "5"), ("5", "6"), ("0", "5"), ("5", "0"), ("5", "x")] {
        let fields = format!("Content-Length: {}\r\ncontent-length: {}\r\n", lengths.0, lengths.1);
        cases.push(post(&fields, "12345"));
    }
    for coding in [
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked, identity",
        "identity",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "chun ked",
        "",
        ",",
        "chunked,",
        ",chunked",
        "\u{b}chunked",
        "chunked\u{b}",
        "cow",
    ] {
        cases.push(post(&format!("Transfer-Encoding: {coding}\r\n"), "0\r\n\r\n"));
    }
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 5\r\n",
        " Content-Length: 5\r\n",
        "Content-Length: 5\r\n 6\r\n",
        "Content-Length:\r\n 5\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\r\n folded\r\n",
        "X: y\r\n\tfolded\r\n",
        "no colon\r\n",
        ": no name\r\n",
        "Host: another\r\n",
        "X: y\rZ: z\r\n",
    ] {
        cases.push(post(fields, "0\r\n\r\n"));
    }
    cases.push("POST /v1/me HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned());
    cases.push("GET /v1/me HTTP/1.1\r\n\r\n".to_owned());
    cases.extend(odd_lines());
    cases.extend(odd_characters());
    cases
}

/// First lines that are none.
fn odd_lines() -> Vec<String> {
    let lines = [
        "GET /v1/me",
        "GET  HTTP/1.1",
        "GET HTTP/1.1",
        "/v1/me HTTP/1.1",
        "GET /v1/me HTTP/1.2",
        "GET /v1/me HTTP/2.0",
        "GET /v1/me HTTP/0.9",
        "GET /v1/me HTTP/11",
        "GET /v1/me HTTP/1",
        "GET /v1/me http/1.1",
        "GET /v1/me XTTP/1.1",
        "GET /v1/me HTTP/1.1 ",
        "GET /v1/me HTTP/1.1x",
        "GET /v1/me HTTP/ 1.1",
        "GET /v1/me\tHTTP/1.1",
        "GET\t/v1/me HTTP/1.1",
        "GET /v1/me x HTTP/1.1",
        "G\u{e9}T /v1/me HTTP/1.1",
        "GE(T) /v1/me HTTP/1.1",
        "GE,T /v1/me HTTP/1.1",
        "\"GET\" /v1/me HTTP/1.1",
        "GET /v1 /me HTTP/1.1",
        "HTTP/1.1 200 OK",
        "PRI * HTTP/2.0",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "SSH-2.0-x",
        "{\"jsonrpc\": \"2.0\"}",
        "EHLO x",
    ];
    lines.map(|line| format!("{line}\r\nHost: localhost\r\n\r\n")).to_vec()
}

/// Characters that stand nowhere: in the target, in a name, in a value.
fn odd_characters() -> Vec<String> {
    let controls: Vec<char> = (0..0x20).chain([0x7f]).filter_map(char::from_u32).collect();
    let ends_lines = |c: &char| *c == '\n' || *c == '\r';
    let mut cases = Vec::new();
    for c in controls.iter().filter(|c| !ends_lines(c)) {
        cases.push(format!("GET /v1/{c}me HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        cases.push(format!("GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX{c}Y: z\r\n\r\n"));
    }
    for c in controls.iter().filter(|c| !ends_lines(c) && **c != '\t') {
        cases.push(format!("GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX: y{c}z\r\n\r\n"));
    }
    for c in "()<>@,;\\\"/[]?={} ".chars() {
        cases.push(format!("GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX{c}Y: z\r\n\r\n"));
    }
    cases
}

#[test]
fn what_is_ambiguous_is_refused_and_ends_the_connection() {
    let cases = ambiguous();
    let before = memory(app());
    for (case, first) in cases.iter().flat_map(|case| [(case, ""), (case, GOOD)]) {
        let answers = Wire::to(app()).write(format!("{first}{case}{SMUGGLED}")).answers();
        let statuses: Vec<_> = answers.iter().map(|said| said.status).collect();
        // A good request before it is answered, unless the connection ended sooner.
        let is_refused = match statuses[..] {
            [] | [400] => true,
            [200] | [200, 400] => !first.is_empty(),
            _ => false,
        };
        assert!(is_refused, "{first:?}, {case:?}: {statuses:?}");
    }
    let grown = memory(app()).saturating_sub(before);
    measured(&format!("{} ambiguous requests, {grown} KiB more memory", 2 * cases.len()));
    assert!(cases.len() >= 200 && grown < 64 * 1024, "{} cases, {grown} KiB", cases.len());
    app().stranger().get("/livez").expect(200);
}

#[test]
fn a_chunked_body_that_is_none_is_refused_and_ends_the_connection() {
    let org = Org::new(app(), "odd-chunks");
    let path = format!("/v1/tenants/{}/teams", org.slug);
    let fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let send = |chunks: &str| {
        let request = text(&org.owner, "POST", &path, fields, chunks);
        let answers = Wire::to(app()).write(format!("{request}{SMUGGLED}")).answers();
        answers.iter().map(|said| said.status).collect::<Vec<_>>()
    };
    let sizes = [
        "g",
        "-1",
        "+1",
        "0x1",
        "1 1",
        "fffffffffffffffff",
        "10000000000000000",
        "",
        ";",
        "x;y=z",
        "\u{0}",
        "\u{661}",
        "1,1",
        "1.0",
        "'1'",
        "\t\t",
        "1\u{b}",
        "zz",
        "1g",
        "--",
        "0-",
    ];
    let mut bad: Vec<String> =
        sizes.iter().map(|size| format!("{size}\r\n{{\r\n0\r\n\r\n")).collect();
    for broken in [
        "1\r\n{0\r\n\r\n",
        "1\r\n{}\r\n0\r\n\r\n",
        "2\r\n{\r\n0\r\n\r\n",
        "1\n{\n0\n\n",
        "1\r{\r0\r\r",
        "1;a=\u{0}\r\n{\r\n0\r\n\r\n",
        "1;a\n\r\n{\r\n0\r\n\r\n",
    ] {
        bad.push(broken.to_owned());
    }
    for chunks in &bad {
        let statuses = send(chunks);
        assert!(matches!(statuses[..], [] | [400 | 408 | 413]), "{chunks:?}: {statuses:?}");
    }
    assert_eq!(org.owner.column("/teams", "name"), [""; 0]);
    assert_eq!(send("f\r\n{\"name\":\"whole\"\r\n1\r\n}\r\n0\r\n\r\n"), [201, 200]);
    measured(&format!("{} bodies in bad chunks", bad.len()));
}

#[test]
fn a_length_that_never_comes_costs_no_memory() {
    let org = Org::new(app(), "long-promises");
    let path = format!("/v1/tenants/{}/teams", org.slug);
    let before = memory(app());
    for length in ["1048577", "4294967296", "9223372036854775807", "18446744073709551615"] {
        let fields = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        let request = text(&org.owner, "POST", &path, &fields, "{");
        let answers = Wire::to(app()).write(request).end().answers();
        assert!(answers.iter().all(|said| said.status == 400), "{length}: {answers:?}");
    }
    assert!(memory(app()).saturating_sub(before) < 32 * 1024);
}

#[test]
fn lines_that_end_in_a_newline_alone_are_read_as_others_read_them() {
    // RFC 9112, section 2.2, lets a reader do so; every answer here belongs to one request.
    for request in [
        "GET /v1/me HTTP/1.1\nHost: localhost\n\n",
        "\r\n\r\nGET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX:\r\n\r\n",
        "GET http://localhost/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let answers = Wire::to(app()).write(format!("{request}{SMUGGLED}")).answers();
        let statuses: Vec<_> = answers.iter().map(|said| said.status).collect();
        assert!(matches!(statuses[..], [401, 200] | [400]), "{request:?}: {statuses:?}");
    }
}

#[test]
fn requests_that_come_one_behind_the_other_are_answered_one_by_one() {
    let org = Org::new(app(), "pipelines");
    let path = format!("/v1/tenants/{}/teams", org.slug);
    let named = |n: usize, request: String| {
        request.replacen("\r\n", &format!("\r\nX-Request-ID: n-{n}\r\n"), 1)
    };
    for length in [1, 2, 3, 16, 17, 40] {
        let mut pipeline = String::new();
        for n in 0..length {
            let body = format!("{{\"name\":\"team-{length}-{n}\"}}");
            let request = match n % 3 {
                0 => text(&org.owner, "GET", &path, "", ""),
                1 => with_body(&org.owner, "POST", &path, &body),
                _ => {
                    let fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
                    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                    text(&org.owner, "POST", &path, fields, &chunks)
                }
            };
            write!(pipeline, "{}", named(n, request)).unwrap();
        }
        let mut wire = Wire::to(app());
        wire.write(pipeline);
        for n in 0..length {
            let said = wire.answer().unwrap();
            assert_eq!(said.status, if n % 3 == 0 { 200 } else { 201 }, "{said:?}");
            assert_eq!(said.header("x-request-id"), format!("n-{n}"));
        }
        assert_eq!(wire.end().answer(), None, "an answer to nothing");
    }
}
