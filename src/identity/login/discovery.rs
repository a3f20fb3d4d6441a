//! What a provider says of itself (OpenID Connect Discovery 1.0), as far as a log-in needs it, and its keys.

use reqwest::Url;
use serde_json::{Map, Value};

use super::check_url;
use crate::identity::jose::{KeySet, object};

/// Where a provider's parts are.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) jwks: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) end_session: Option<Url>,
    /// Whether the client's secret goes into the body of a request for tokens; otherwise into its header.
    pub(super) takes_secret_in_body: bool,
    /// Whether it promises to name itself when it sends a browser back (RFC 9207).
    pub(super) names_itself: bool,
}

/// A provider's endpoints and keys, of one time.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) endpoints: Endpoints,
    pub(super) keys: KeySet,
}

/// Where a provider describes itself.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Endpoints {
    /// Reads a discovery document, which must name the issuer that it was asked of.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn parse(
        document: &[u8],
        issuer: &str,
        allow_loopback: bool,
    ) -> Result<Self, String> {
        let document = object(document).ok_or("it is no JSON object")?;
        if text(&document, "issuer") != Some(issuer) {
            return Err("it names another issuer".to_owned());
        }
        let optional = |name: &str| {
            let url = text(&document, name).map(|url| check_url(url, allow_loopback));
            url.transpose().map_err(|what| format!("{name} {what}"))
        };
        let required = |name: &str| optional(name)?.ok_or_else(|| format!("{name} is missing"));
        Ok(Self {
            authorization: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            jwks: required("jwks_uri")?,
            userinfo: optional("userinfo_endpoint")?,
            end_session: optional("end_session_endpoint")?,
            takes_secret_in_body: takes_secret_in_body(&document),
            names_itself: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }
}

fn text<'d>(document: &'d Map<String, Value>, name: &str) -> Option<&'d str> {
    document.get(name).and_then(Value::as_str)
}

/// Whether the provider takes the secret in the body alone. `client_secret_basic` is the default.
fn takes_secret_in_body(document: &Map<String, Value>) -> bool {
    let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
    let takes =
        |method: &str| methods.is_some_and(|methods| methods.iter().any(|name| name == method));
    takes("client_secret_post") && !takes("client_secret_basic")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Endpoints;

    const ISSUER: &str = "https://id.example.com";

    fn read(changes: &Value) -> Result<Endpoints, String> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/auth",
            "token_endpoint": "https://id.example.com/token",
            "jwks_uri": "https://id.example.com/jwks",
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        Endpoints::parse(document.to_string().as_bytes(), ISSUER, false)
    }

    #[test]
    fn a_discovery_document_names_its_issuer_and_endpoints_that_may_be_gone_to() {
        let found = read(&json!({})).unwrap();
        assert!(!found.takes_secret_in_body && !found.names_itself);
        for bad in [
            json!({"issuer": "https://id.example.com/"}),
            json!({"issuer": null}),
            json!({"issuer": [ISSUER]}),
            json!({"authorization_endpoint": null}),
            json!({"token_endpoint": null}),
            json!({"jwks_uri": 7}),
            json!({"token_endpoint": "http://id.example.com/token"}),
            json!({"token_endpoint": "https://127.0.0.1/token"}),
            json!({"jwks_uri": "file:///etc/passwd"}),
            json!({"userinfo_endpoint": "http://id.example.com/me"}),
            json!({"end_session_endpoint": "javascript:alert(1)"}),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
        for bad in ["", "[]", r#"{"issuer": "https://id.example.com", "issuer": "x"}"#] {
            assert!(Endpoints::parse(bad.as_bytes(), ISSUER, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_secret_goes_into_the_header_unless_the_provider_takes_the_body_alone() {
        for (methods, is_body) in [
            (json!(["client_secret_post"]), true),
            (json!(["client_secret_post", "private_key_jwt"]), true),
            (json!(["client_secret_basic", "client_secret_post"]), false),
            (json!(["none"]), false),
            (json!(7), false),
        ] {
            let found = read(&json!({"token_endpoint_auth_methods_supported": methods})).unwrap();
            assert_eq!(found.takes_secret_in_body, is_body, "{methods}");
        }
    }
}
