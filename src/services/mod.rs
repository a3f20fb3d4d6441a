//! Use cases: one file a noun, one function a verb, synchronous.
//!
//! A verb of one file takes a transaction that was permitted for its action, or for one that covers it, and can run
//! under no other. A verb that spans the registry and a tenant's file takes the registry, and names its owner file, its
//! next step and its recovery. Does not know HTTP, nor who signed the caller's token.

pub mod access;
pub mod accounts;
pub mod acl;
pub mod api_keys;
pub mod application_bindings;
pub mod applications;
pub mod attributes;
pub mod audit;
pub mod break_glass;
pub mod catalog;
pub mod credentials;
pub mod deliveries;
pub mod diagnostics;
pub mod domains;
pub mod events;
pub mod hosts;
pub mod identities;
pub mod imports;
pub mod invitations;
pub mod issuers;
pub mod me;
pub mod members;
pub mod migrations;
pub mod operators;
pub mod organization;
pub mod plans;
pub mod principals;
pub mod profiles;
pub mod quotas;
pub mod reservations;
pub mod resource_types;
pub mod resources;
pub mod role_assignments;
pub mod roles;
pub mod row_security;
pub mod service_accounts;
pub mod sessions;
pub mod signing_keys;
pub mod team_members;
pub mod teams;
pub mod tenants;
pub mod tokens;
pub mod usage;
pub mod webhooks;
pub mod workspaces;
