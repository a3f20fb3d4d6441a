//! Pure types and rules: no I/O, no clock, no framework.
//!
//! A value of a type from here has been checked: what parses is valid, and stays so. Every noun of the product has one
//! file, of the same name on every floor above. Knows nothing of SQL, HTTP, Cedar or tokens.

mod access;
mod account;
mod acl;
pub mod action;
mod audit;
mod caller;
mod diagnostics;
mod error;
mod event;
mod facts;
mod host;
mod id;
mod import;
mod me;
mod member;
mod migration;
mod object;
mod page;
mod precondition;
mod principal;
mod resource;
mod resource_type;
mod row_security;
mod target;
mod team;
mod tenant;
mod text;
mod time;
mod token;
mod word;
mod workspace;

pub use access::*;
pub use account::{Account, AccountFilter, AccountState, ChangeAccount, Identity, NewAccount};
pub use acl::*;
pub use action::{Action, ActionInfo, Covers, Plane, PlaneName};
pub use audit::*;
pub use caller::*;
pub use diagnostics::*;
pub use error::*;
pub use event::*;
pub use facts::*;
pub use host::*;
pub use id::*;
pub use import::*;
pub use me::*;
pub use member::*;
pub use migration::*;
pub use page::*;
pub use precondition::Precondition;
pub use principal::*;
pub use resource::*;
pub use resource_type::*;
pub use row_security::*;
pub use target::{Platform, Target, Targetable, WorkspaceOwner};
pub use team::*;
pub use tenant::*;
pub use text::*;
pub use time::*;
pub use token::*;
pub use word::Word;
pub use workspace::*;
