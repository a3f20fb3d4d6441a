//! The doors of the program: HTTP over TCP and over the local socket.
//!
//! One page, [`routes`], is the list of everything that can be asked; router, OpenAPI document and tests are made from
//! it. A handler parses, calls one service, and answers. Who calls and which tenant is meant, the extractors of
//! [`context`] find out, and nothing else does. Knows no SQL, no Cedar and no keys.

mod address;
mod admission;
mod api;
mod authentication;
mod authority;
mod body;
mod connection;
mod context;
mod cursor;
mod describe;
mod docs;
mod export;
mod failure;
mod forwarded;
mod head;
mod holder;
mod json;
mod login;
mod meter;
mod middleware;
mod observe;
mod openapi;
mod origin;
mod pace;
mod page;
mod parameters;
mod precondition;
mod rate;
mod refusal;
mod reply;
mod resolution;
mod route;
mod routes;
mod server;
mod state;
mod stream;
mod ties;
mod trace;
mod turns;
mod visit;

pub use login::{Login, LoginSettings};
pub use openapi::document;
pub use route::{Mount, RouteInfo};
pub use routes::infos;
pub use server::{Handle, Listeners, Server, serve};
pub use state::{Equipment, Figures};
pub use state::{Settings, State};
