//! Freehold: a tenancy engine in one binary. Every tenant owns its own SQLite file.
//!
//! # The house
//!
//! Floors; each imports only floors below it, and those that stand side by side never import each other. The tidy test
//! (`tests/tidy`) proves it.
//!
//! ```text
//!             main
//!               |
//!              cli                  commands; the only place that knows everything
//!            /     \
//!         http    worker            doors of the program: requests, background work
//!            \     /
//!           services                use cases: one file a noun, one function a verb, synchronous
//!          /    |    \
//!    storage  policy  identity      SQLite | Cedar | JWT
//!          \    |    /
//!           outbound                where our own requests may go, and by what
//!               |
//!            domain                 pure types and rules: no I/O, no clock, no framework
//! ```
//!
//! **One noun, one file, on every floor**: [`http`]`/api/teams.rs` → [`services`]`/teams.rs` →
//! [`storage`]`/tenant/teams.rs` → table `teams` → `tests/it/teams.rs`. Guess the path and be right.
//!
//! # Invariants
//!
//! - There is no statement without a transaction, and no transaction without a permit for *this* action on *this*
//!   target: [`storage::ReadTx`] and [`storage::WriteTx`] are typed by the action, and only a door makes them.
//! - A [`storage::TenantStore`] reaches exactly one file. The tenant is not a parameter below it, so it cannot be the
//!   wrong one. Only [`storage::Registry::open`] makes one.
//! - What is acknowledged is on the disk, with its audit row and its events, all of it from one transaction.
//! - What a caller lists is what the row rule lets it read, by the database's own policy view and by nothing else.
//! - A decision is made from [`domain::Facts`] alone. An error on the way to it denies.
//! - The registry and a tenant's file never share a transaction: what touches both names its owner, its next step and
//!   its recovery, in the header of its file under [`services`].
//!
//! # Where to start reading
//!
//! [`domain::action`] is the list of everything that can be done. `http/routes.rs` is the list of everything that can be
//! asked. Follow one of them down: `http/api/teams.rs`, `services/teams.rs`, `storage/tenant/teams.rs`; then read
//! `storage/door/`, which is what stands between them.

pub mod cli;
pub mod domain;
pub mod http;
pub mod identity;
pub mod outbound;
pub mod policy;
pub mod services;
pub mod storage;
pub mod worker;
