//! A problem as a page, for people whose browser ends up at one: where they log in, and nowhere else. It is whole in
//! itself and works without anything from outside.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use super::failure::Problem;

/// Where browsers go by themselves.
const PLACES: &[&str] = &["/v1/auth/login", "/v1/auth/callback"];

/// Whether whoever asks is shown a page.
pub(super) fn is_wanted(request: &HttpRequest) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT);
    let names_pages = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|range| {
                range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html")
            })
        })
    };
    PLACES.contains(&request.path()) && accepted.any(names_pages)
}

/// The page.
pub(super) fn of(problem: &Problem) -> String {
    let (title, detail) = (escaped(&problem.title), escaped(&problem.detail));
    let (code, request_id) = (escaped(&problem.code), escaped(&problem.request_id));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
        <h1>{title}</h1>\n<p>{detail}</p>\n<p><small>{code} &middot; {request_id}</small></p>\n</body>\n</html>\n"
    )
}

/// Says what the body is; a page can load, run and embed nothing.
pub(super) fn protect(headers: &mut HeaderMap, media_type: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if media_type.starts_with("text/html") {
        let nothing =
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(nothing));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
