//! Who may do what: the row rule, the policy matrix, and the words that both are written in.
//!
//! [`oracle`] is the rule once more, from the page alone; [`court`] compares the program with it.
//! [`import`] does so for a real organisation, [`random`] for made-up ones, which [`draft`] throws and
//! [`author`] writes; [`row_security`] does so in every mode, [`search`] for searches. [`granting`] lets
//! people give each other custom roles, [`break_glass`] lets operators in, [`simulation`] compares what
//! would change with what does. [`matrix`] holds every decision in a table that is read by people, those
//! of an application, [`tickets`], with them, [`fixtures`] requests that are read too; [`applications`]
//! throws policies of applications; [`enumerations`] holds the database's words equal to the program's;
//! [`wycheproof`] brings tokens that others have thought out.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod author;
mod court;
mod draft;
#[path = "../store/dump.rs"]
mod dump;
#[path = "../store/modes.rs"]
mod modes;
#[path = "../store/node.rs"]
mod node;
mod oracle;
#[path = "../store/program.rs"]
mod program;

mod applications;
mod break_glass;
mod enumerations;
mod fixtures;
mod granting;
mod import;
mod layers;
mod matrix;
mod random;
mod row_security;
mod search;
mod simulation;
mod tickets;
mod wycheproof;
