//! What storage promises: connections that are what they must be, rows that are seen by whoever may
//! see them, writes that are there once they were acknowledged, files that are the right ones, and
//! a way back from every crash.
//!
//! [`node`] is a node in this process, [`program`] the real one, [`dump`] looks into files that
//! nobody uses, [`world`] is a small organisation that most tests begin with, [`damage`] is what can
//! happen to a file, [`older`] what an older program left, [`child`] a process that dies where it is
//! told to, [`dice`] falls the same way again.
//! nobody uses, [`modes`] sets those of row-level security, [`world`] is a small organisation that
//! most tests begin with.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod child;
mod clock;
mod damage;
mod dice;
mod dump;
mod files;
mod modes;
mod node;
mod older;
mod program;
mod world;

mod audit_chain;
mod break_glass;
mod consent;
mod contract;
mod damaged;
mod epoch;
mod group_commit;
mod identity;
mod import;
mod journal;
mod lasting;
mod migration_kills;
mod migrations;
mod open_tenants;
mod projection;
mod provisioning;
mod row_security;
mod serving;
mod shutdown;
