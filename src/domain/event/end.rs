//! How an event stream ends: what its last message says.

use serde::{Deserialize, Serialize};

crate::domain::word::words! {
    /// Why an event stream ends.
    pub enum EndReason {
        /// The seconds of `for_s` are over.
        TimeOver = "time_over",
        /// The server stops.
        ServerStopping = "server_stopping",
        /// The token, API key or session has expired.
        CredentialExpired = "credential_expired",
        /// The token, API key or session was revoked, ended or idle; or its signing key, identity or issuer is no longer valid.
        CredentialRevoked = "credential_revoked",
        /// The caller may no longer read these events: the account, member, service account or tenant is suspended, a role
        /// was lost, or a newer log-in is needed.
        Forbidden = "forbidden",
        /// The events cannot be read at the moment.
        Unavailable = "unavailable",
    }
}

/// The `data` of an event stream's last message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StreamEnd {
    /// Why the stream ends.
    pub reason: EndReason,
}

impl StreamEnd {
    /// The type of the message, which no event has.
    pub const MESSAGE: &'static str = "end";
}
