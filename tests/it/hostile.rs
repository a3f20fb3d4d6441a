//! Addresses by which somebody would have the server knock at doors that are not theirs: no connection is made, by a
//! production server, whatever the address is spelled like.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::app::{Place, TestApp, measured};
use crate::org::Org;

/// Counts who knocks, at every address of this host.
fn door() -> (u16, Arc<AtomicUsize>) {
    let (four, six) = loop {
        let four = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = four.local_addr().unwrap().port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Ok(six) => break (four, Some(six)),
            // Without IPv6 there is nothing to knock at.
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
                break (four, None);
            }
            Err(_) => {}
        }
    };
    let port = four.local_addr().unwrap().port();
    let knocks = Arc::new(AtomicUsize::new(0));
    for listener in [Some(four), six].into_iter().flatten() {
        let knocks = knocks.clone();
        std::thread::spawn(move || {
            listener.incoming().for_each(|_| {
                knocks.fetch_add(1, Ordering::SeqCst);
            });
        });
    }
    (port, knocks)
}

/// An address of this host that others reach it by; nothing is sent to learn it.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    found.map_or("10.0.0.1".to_owned(), |address| address.ip().to_string())
}

/// What this host calls itself and its neighbours, in its own list of names.
fn names() -> Vec<String> {
    let list = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.flat_map(|line| line.split_whitespace().skip(1)).map(str::to_owned).collect()
}

#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "0x0", "2130706433", "017700000001",
    "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.0000.0000.0001", "127.0.0.1.", "127.000.000.001", "00127.0.0.1",
    "127.0.0.0x1", "１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[5f00::1]",
    "localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost..", "foo.localhost", "localhost%00.example.com",
    "loсalhost", "ⓛocalhost", "localhost\u{200b}", "169.254.169.254", "0xa9fea9fe",
    "2852039166", "[::ffff:169.254.169.254]", "169.254.0.1", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "198.18.0.1", "192.0.0.1",
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "0.1.2.3", "[::ffff:10.0.0.1]", "[2002:a00:1::]", "[64:ff9b::10.0.0.1]",
];

/// Addresses that only look as if they were others'.
#[rustfmt::skip]
const SHAPES: &[&str] = &[
    "https://example.com@127.0.0.1:{port}/", "https://127.0.0.1:{port}@example.com/", "https://user:pass@localhost:{port}/",
    "https://127.0.0.1:{port}#@example.com/", "https://127.0.0.1:{port}\\@example.com/", "https:\\\\127.0.0.1:{port}/",
    "https:127.0.0.1:{port}/", "https:/127.0.0.1:{port}/", "https:///127.0.0.1:{port}/", "//127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/", "HTTP://localhost:{port}/", "http://[::1]:{port}/", "http://example.com:{port}/",
    "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "unix:/var/run/docker.sock",
    "data:text/plain,x", "javascript:alert(1)", "ws://127.0.0.1:{port}/", "https://127.0.0.1:{port}\t/",
    "https://127.0.0.1\n:{port}/", "https://127.0.0.1:{port}/\r\nhost: example.com", " https://127.0.0.1:{port}/",
    "https://127.0.0.1 :{port}/", "https://exa\u{ad}mple.com\u{2044}@127.0.0.1:{port}/", "https://:{port}/", "https://", "",
    "https://127.0.0.1:99999/", "https://127.0.0.1:-1/", "https://127.0.0.1:{port}0/", "https://[127.0.0.1]:{port}/",
    "https://[::1/:{port}/", "https://::1:{port}/", "https://localhost:{port}:80/",
];

#[test]
fn no_connection_is_made_to_an_address_that_is_not_public() {
    let app = TestApp::serve_at(&Place::new(), &[("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "1,1")]);
    let org = Org::new(&app, "hostile-hooks");
    let (port, knocks) = door();
    let named = names();
    let hosts = HOSTS.iter().copied().chain(named.iter().map(String::as_str));
    let hosts = hosts.map(|host| format!("https://{host}:{port}/"));
    let shapes = SHAPES.iter().map(|shape| shape.replace("{port}", &port.to_string()));
    let own = [format!("https://{}:{port}/", own_address())];
    let addresses: Vec<_> = hosts.chain(shapes).chain(own).collect();
    assert!(addresses.len() >= 120, "{}", addresses.len());
    let mut accepted = 0;
    for address in &addresses {
        let made = org.owner.post("/webhooks", &json!({"url": address, "event_types": ["team.*"]}));
        if made.status != 201 {
            assert_eq!(made.fields(), ["/url"], "{address}");
            made.problem(422, "invalid");
            continue;
        }
        // A name can be looked up when something is sent alone: then it is.
        accepted += 1;
        let path = format!("/webhooks/{}", made.id());
        let tested = org.owner.act(&format!("{path}/test")).expect(200);
        assert_eq!(
            (&tested["state"], tested["response_status"].is_null()),
            (&json!("failed"), true),
            "{address}"
        );
        let moved = org.owner.patch(&path, &json!({"url": format!("https://127.0.0.1:{port}/")}));
        moved.problem(422, "invalid");
        org.owner.delete(&path).expect(204);
    }
    assert_eq!(knocks.load(Ordering::SeqCst), 0, "somebody knocked");
    measured(&format!(
        "hostile webhooks: {} addresses, {accepted} of them names; no connection",
        addresses.len()
    ));
}
