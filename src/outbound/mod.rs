//! The way out: where the program's own requests may go, the client by which they go, and the thread on which they run.
//!
//! Promises: what is fetched has come by TLS, or from this host where that is allowed; no redirect and no proxy is
//! followed; of an answer no more is read than it may have; and on a tenant's word no address is gone to that is not
//! public, which is looked at when a connection is made and not before. Does not know whom it asks, or what for.

mod address;
mod client;
mod public;
mod thread;
mod webhook;

pub use address::{Destinations, ONE_SPELLING, Word, check, is_loopback};
pub use client::{MAX_ANSWER, builder, cause, read, to_public_alone};
pub use thread::Outside;
pub use webhook::{Shipment, WebhookSettings, Webhooks, sign};
