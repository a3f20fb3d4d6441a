//! Heads of requests: bounded before anything looks at them. What the parser refuses itself never comes here.

use actix_web::dev::RequestHead;

use super::failure::Failure;
use super::state::Settings;

/// Refuses a head that is longer than a head may be.
pub(super) fn check(head: &RequestHead, settings: &Settings) -> Result<(), Failure> {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > settings.max_uri_bytes {
        return Err(Failure::UriTooLong(settings.max_uri_bytes));
    }
    if head.headers.len() > settings.max_headers {
        return Err(Failure::TooManyHeaders(settings.max_headers));
    }
    if head.headers.iter().any(|(_, value)| value.len() > settings.max_header_bytes) {
        return Err(Failure::HeaderTooLong(settings.max_header_bytes));
    }
    Ok(())
}
