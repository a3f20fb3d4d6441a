//! The integration tests: the real binary over TCP, on data directories of its own, with callers of rising privilege.
//!
//! Start with [`app`], [`client`] and [`org`], which are the vocabulary; [`asks`] knows one good request for every
//! route. Then one file a noun, and one file a convention.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed, in the helpers too"
)]

mod app;
mod asks;
mod browser;
mod client;
mod glass;
mod org;
mod raw;
mod receiver;
mod wire;

mod access;
mod accounts;
mod acl;
mod api_keys;
mod application_bindings;
mod applications;
mod attributes;
mod audit_list;
mod authzen;
mod break_glass;
mod catalog;
mod diagnostics;
mod domains;
mod events;
mod exchange;
mod explain;
mod hosts;
mod identities;
mod imports;
mod invitations;
mod issuers;
mod login;
mod me;
mod members;
mod migrations;
mod operators;
mod organization;
mod ping;
mod plans;
mod principals;
mod profiles;
mod quotas;
mod reservations;
mod resource_types;
mod resources;
mod role_assignments;
mod roles;
mod row_security;
mod service_accounts;
mod sessions;
mod signing_keys;
mod simulate;
#[cfg(feature = "otel")]
mod spans;
mod team_members;
mod teams;
mod tenants;
mod tokens;
mod usage;
mod webhooks;
mod workspaces;

mod assurance;
mod audit;
mod budgets;
mod canaries;
mod cli;
mod correlation;
mod cursors;
mod disagreement;
mod docs;
mod endings;
mod escalation;
mod etags;
mod external;
mod flood;
mod guard;
mod hostile;
mod idempotency;
mod interleave;
mod isolation;
mod kills;
mod limits;
mod log_lines;
mod malformed;
mod matrix;
mod metrics;
mod oidc;
mod openapi;
mod outside;
mod problems;
mod resolution;
mod restart;
mod revocation;
mod scopes;
mod streams;
