//! The exchange of an authorization code for tokens (RFC 6749, section 4.1.3), with PKCE (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value};

use super::discovery::Endpoints;
use super::{ProviderSettings, Redeemed};
use crate::identity::jose::object;
use crate::outbound;

/// Tokens that a code was exchanged for.
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

/// Why there are no tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTokens {
    /// The provider refused the code, and says why.
    Refused(String),
    /// The answer is malformed.
    Failed(String),
}

/// The request for tokens.
pub(super) fn request(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    settings: &ProviderSettings,
    redeemed: &Redeemed,
) -> RequestBuilder {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", &redeemed.code)
        .append_pair("redirect_uri", &settings.redirect_uri)
        .append_pair("code_verifier", &redeemed.verifier);
    let (id, secret) = (settings.client_id.as_str(), &settings.client_secret);
    let mut request = http.post(endpoints.token.clone()).header(ACCEPT, "application/json");
    if secret.is_empty() {
        form.append_pair("client_id", id);
    } else if endpoints.takes_secret_in_body {
        form.append_pair("client_id", id).append_pair("client_secret", secret.reveal());
    } else {
        request = request.header(AUTHORIZATION, basic(id, secret.reveal()));
    }
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish())
}

/// The client's name and secret, each form-encoded first (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

/// Reads the answer of a token endpoint.
///
/// # Errors
/// The provider refused, or did not answer as it must.
pub(super) async fn read(response: Response) -> Result<Tokens, NoTokens> {
    let (status, media_type) = (response.status(), response.headers().get(CONTENT_TYPE).cloned());
    let body = outbound::read(response).await.map_err(NoTokens::Failed)?;
    let media_type = media_type.as_ref().map(|value| value.to_str().unwrap_or_default());
    tokens(status, media_type, &body)
}

fn tokens(status: StatusCode, media_type: Option<&str>, body: &[u8]) -> Result<Tokens, NoTokens> {
    let failed = |why: &str| NoTokens::Failed(why.to_owned());
    let document = media_type.is_none_or(is_json).then(|| object(body)).flatten();
    if status != StatusCode::OK {
        let is_refusal = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
        let said = document.as_ref().filter(|_| is_refusal).and_then(|said| text(said, "error"));
        return Err(match said {
            Some(error) => NoTokens::Refused(error.chars().take(64).collect()),
            None => failed(&format!("it answered {}", status.as_u16())),
        });
    }
    let document = document.ok_or_else(|| failed("its answer is no JSON object"))?;
    if !text(&document, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
        return Err(failed("its tokens are of another type than Bearer"));
    }
    let token = |name| text(&document, name).filter(|token| !token.is_empty()).map(str::to_owned);
    Ok(Tokens {
        access_token: token("access_token").ok_or_else(|| failed("there is no access token"))?,
        id_token: token("id_token").ok_or_else(|| failed("there is no ID token"))?,
    })
}

/// Whether a media type is JSON's, whatever its parameters.
pub(super) fn is_json(media_type: &str) -> bool {
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    bare.eq_ignore_ascii_case("application/json")
}

fn text<'d>(document: &'d Map<String, Value>, name: &str) -> Option<&'d str> {
    document.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::{NoTokens, basic, tokens};

    #[test]
    fn an_answer_of_a_token_endpoint_has_both_tokens_and_says_that_they_are_bearer_tokens() {
        let good = json!({"access_token": "a", "token_type": "bearer", "id_token": "b"});
        let read = |status: u16, media_type: Option<&str>, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            tokens(status, media_type, body.as_bytes()).map(|read| read.id_token)
        };
        let json = Some("application/json; charset=utf-8");
        assert_eq!(read(200, json, &good.to_string()).as_deref(), Ok("b"));
        assert_eq!(read(200, None, &good.to_string()).as_deref(), Ok("b"));
        for (name, value) in [
            ("access_token", json!(null)),
            ("access_token", json!("")),
            ("token_type", json!(null)),
            ("token_type", json!("DPoP")),
            ("id_token", json!(null)),
            ("id_token", json!({})),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(matches!(read(200, json, &bad.to_string()), Err(NoTokens::Failed(_))), "{bad}");
        }
        let twice =
            r#"{"access_token": "a", "token_type": "Bearer", "id_token": "b", "id_token": "c"}"#;
        for bad in ["", "[]", "null", twice] {
            assert!(matches!(read(200, json, bad), Err(NoTokens::Failed(_))), "{bad}");
        }
        let failed = |answer| matches!(answer, Err(NoTokens::Failed(_)));
        for status in [201, 204, 302, 403, 500] {
            assert!(failed(read(status, json, &good.to_string())), "{status}");
        }
        assert!(failed(read(200, Some("text/html"), &good.to_string())));
        let error = r#"{"error": "invalid_grant"}"#;
        for status in [400, 401] {
            let refused = Err(NoTokens::Refused("invalid_grant".to_owned()));
            assert_eq!(read(status, json, error), refused);
        }
        assert!(failed(read(500, json, error)));
        assert!(failed(read(400, Some("text/html"), error)));
        assert!(failed(read(400, json, "{}")));
    }

    #[test]
    fn name_and_secret_are_form_encoded_before_they_are_joined() {
        assert_eq!(basic("a b", "c:d%"), "Basic YStiOmMlM0FkJTI1");
    }
}
