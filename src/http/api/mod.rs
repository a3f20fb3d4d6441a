//! Handlers, one file a noun: parse, call one service, answer.

pub(super) mod access;
pub(super) mod accounts;
pub(super) mod acl;
pub(super) mod application_bindings;
pub(super) mod applications;
pub(super) mod diagnostics;
pub(super) mod health;
pub(super) mod hosts;
pub(super) mod imports;
pub(super) mod keys;
pub(super) mod me;
pub(super) mod members;
pub(super) mod migrations;
pub(super) mod organization;
pub(super) mod principals;
pub(super) mod resource_types;
pub(super) mod resources;
pub(super) mod role_assignments;
pub(super) mod roles;
pub(super) mod row_security;
pub(super) mod team_members;
pub(super) mod teams;
pub(super) mod tenants;
pub(super) mod tokens;
pub(super) mod workspaces;
