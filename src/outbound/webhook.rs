//! Events on their way to webhooks, signed as Standard Webhooks are (`v1`: HMAC-SHA256 over id, time and body).
//!
//! No secret is kept anywhere: each is made of the installation's key, of whose it is and of which one it is. An address
//! is looked at whenever something is sent there.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use super::address::{Destinations, Word, is_loopback};
use super::client::{builder, cause, to_public_alone};
use crate::domain::{Attempt, EventEntry, EventSource, Timestamp, WebhookId};

const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Where events may be sent, and how long an answer may take.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Hosts, each with its port where it has one, to which events may be sent though their addresses are not public.
    pub private_hosts: Vec<String>,
    /// Whether this host may be sent events, without TLS too.
    pub allow_loopback: bool,
    /// Seconds that an answer may take.
    pub timeout: Duration,
}

/// Sends events, and makes the secrets that they are signed with.
#[derive(Clone)]
pub struct Webhooks {
    key: hmac::Key,
    destinations: Destinations,
    allow_loopback: bool,
    timeout: Duration,
    /// To public addresses, to any, and without TLS.
    clients: [Result<Client, String>; 3],
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("destinations", &self.destinations).finish_non_exhaustive()
    }
}

/// An event on its way.
#[derive(Debug)]
pub struct Shipment<'s> {
    /// Where it goes.
    pub url: &'s str,
    /// The event; its id is the same at every attempt.
    pub event: &'s EventEntry,
    /// Secrets that sign: the newest, and the one before it for a time.
    pub secrets: Vec<[u8; 32]>,
}

impl Webhooks {
    /// With the installation's key.
    ///
    /// # Errors
    /// Says that no client can be made.
    pub fn new(key: &[u8; 32], settings: &WebhookSettings) -> Result<Self, String> {
        let url = |text: &str| text.parse::<Url>().map_err(|error| error.to_string());
        let (tls, plain) = (url("https://localhost")?, url("http://localhost")?);
        let within = |client: reqwest::ClientBuilder| {
            client.timeout(settings.timeout).build().map_err(|error| cause(&error))
        };
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            destinations: Destinations {
                allow_plain_loopback: settings.allow_loopback,
                private_hosts: settings.private_hosts.clone(),
            },
            allow_loopback: settings.allow_loopback,
            timeout: settings.timeout,
            clients: [
                within(to_public_alone(builder(&tls))),
                within(builder(&tls)),
                within(builder(&plain)),
            ],
        })
    }

    /// An address that events may be sent to.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check(&self, url: &str) -> Result<(), &'static str> {
        self.destination(url).map(drop)
    }

    /// The address, and on whose word it is gone to.
    fn destination(&self, url: &str) -> Result<(Url, Word), &'static str> {
        let is_here = url.parse().is_ok_and(|url| is_loopback(&url));
        let word = if self.allow_loopback && is_here { Word::Host } else { Word::Tenant };
        self.destinations.check(url, word).map(|url| (url, word))
    }

    /// A secret: of whose webhook, and which of its secrets.
    #[must_use]
    pub fn secret(&self, source: EventSource, id: WebhookId, generation: i64) -> [u8; 32] {
        // None of the three has a line feed, so that no two are written the same way.
        let text = format!("webhook\n{source}\n{id}\n{generation}");
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&self.key, text.as_bytes()).as_ref());
        secret
    }

    /// A secret as whoever receives events writes it down.
    #[must_use]
    pub fn written(secret: &[u8; 32]) -> String {
        format!("whsec_{}", STANDARD.encode(secret))
    }

    /// Sends an event.
    pub async fn send(&self, shipment: Shipment<'_>, now: Timestamp) -> Attempt {
        let began = Instant::now();
        let sent = self.post(shipment, now).await;
        let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let attempt =
            Attempt { at: now, duration_ms, status: None, error: None, retry_after_s: None };
        match sent {
            Ok(response) => {
                let status = response.status();
                let error =
                    (!status.is_success()).then(|| format!("it answered {}", status.as_u16()));
                let retry_after_s = retry_after(response.headers(), now);
                Attempt { status: Some(status.as_u16()), error, retry_after_s, ..attempt }
            }
            Err(error) => Attempt { error: Some(error), ..attempt },
        }
    }

    async fn post(&self, shipment: Shipment<'_>, now: Timestamp) -> Result<Response, String> {
        let Shipment { url, event, secrets } = shipment;
        let (url, word) = self.destination(url)?;
        let client = match url.scheme() {
            "https" if self.destinations.is_for_public_alone(&url, word) => &self.clients[0],
            "https" => &self.clients[1],
            _ => &self.clients[2],
        };
        let client = client.as_ref().map_err(String::clone)?;
        let timestamp = now.seconds().to_string();
        let body = serde_json::to_vec(event).map_err(|error| error.to_string())?;
        let signatures: Vec<_> =
            secrets.iter().map(|secret| sign(secret, &event.id, &timestamp, &body)).collect();
        let request = client
            .post(url)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .header("freehold-correlation-id", &event.correlationid);
        let request = match traceparent(&event.correlationid, &event.id) {
            Some(trace) => request.header("traceparent", trace),
            None => request,
        };
        let sent = request.body(body).send();
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(sent) => sent.map_err(|error| cause(&error)),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }
}

/// A signature of a request, as its header says it.
#[must_use]
pub fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    format!("v1,{}", STANDARD.encode(context.sign()))
}

/// The trace that an event belongs to, where its cause named one (W3C Trace Context); the request is a span of it.
fn traceparent(correlation_id: &str, event_id: &str) -> Option<String> {
    let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    let is_trace = correlation_id.len() == 32 && correlation_id.bytes().all(is_hex);
    // Of the event's id, the part that is random.
    let span: String = event_id.chars().filter(|c| *c != '-').skip(16).take(16).collect();
    (is_trace && span.len() == 16).then(|| format!("00-{correlation_id}-{span}-01"))
}

/// Seconds that an answer asks to wait, in seconds or until a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse().ok().or_else(|| {
        let until = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        let now = Duration::from_micros(u64::try_from(now.0).ok()?);
        u32::try_from(until.saturating_sub(now).as_secs()).ok()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use reqwest::header::{HeaderMap, RETRY_AFTER};
    use uuid::Uuid;

    use super::{
        EventSource, WebhookId, WebhookSettings, Webhooks, retry_after, sign, traceparent,
    };
    use crate::domain::{TenantId, Timestamp};

    fn webhooks(allow_loopback: bool) -> Webhooks {
        let (private_hosts, timeout) = (Vec::new(), Duration::from_secs(1));
        let settings = WebhookSettings { private_hosts, allow_loopback, timeout };
        Webhooks::new(&[7; 32], &settings).unwrap()
    }

    #[test]
    fn a_request_is_signed_as_the_standard_says() {
        // The example that its libraries are tested with.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let one = sign(&secret, id, "1614265330", body);
        assert_eq!(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(one, sign(&secret, "msg_2", "1614265330", body));
        assert_ne!(one, sign(&secret, id, "1614265331", body));
        assert_ne!(one, sign(&secret, id, "1614265330", b"{ }"));
    }

    #[test]
    fn whoever_asks_to_wait_says_for_how_long_or_until_when() {
        let now = Timestamp(784_111_777_000_000);
        let asked = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(asked("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn every_webhook_has_secrets_of_its_own() {
        let webhooks = webhooks(false);
        let id = |number| WebhookId(Uuid::from_u128(number));
        let tenant = |number| EventSource::Tenant(TenantId(Uuid::from_u128(number)));
        let secrets = [
            webhooks.secret(tenant(1), id(1), 1),
            webhooks.secret(tenant(2), id(1), 1),
            webhooks.secret(EventSource::Platform, id(1), 1),
            webhooks.secret(tenant(1), id(2), 1),
            webhooks.secret(tenant(1), id(1), 2),
        ];
        for (index, secret) in secrets.iter().enumerate() {
            assert!(!secrets[..index].contains(secret));
        }
        assert_eq!(secrets[0], webhooks.secret(tenant(1), id(1), 1));
        assert!(Webhooks::written(&secrets[0]).starts_with("whsec_"));
    }

    #[test]
    fn this_host_is_sent_events_where_that_is_allowed() {
        for url in ["http://127.0.0.1:9", "https://localhost/a", "http://[::1]:9/"] {
            assert!(webhooks(true).check(url).is_ok(), "{url}");
            assert!(webhooks(false).check(url).is_err(), "{url}");
        }
        for url in
            ["http://10.0.0.1", "https://10.0.0.1", "http://example.com", "https://169.254.169.254"]
        {
            assert!(webhooks(true).check(url).is_err(), "{url}");
        }
        assert!(webhooks(false).check("https://example.com/hook").is_ok());
    }

    #[test]
    fn a_trace_goes_on() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let event = "01890000-0000-7000-8000-0123456789ab";
        assert_eq!(traceparent(trace, event).unwrap(), format!("00-{trace}-80000123456789ab-01"));
        assert_eq!(traceparent("a request", event), None);
    }
}
