//! Row-level security from inside: what connections refuse, whoever is in the session and whoever is not.
//!
//! [`world`] is a small tenant's file. [`reader`] and [`writer`] go against connections, statement by statement;
//! [`statements`] holds every statement of storage, as [`source`] reads them, against both.

mod reader;
mod source;
mod statements;
mod world;
mod writer;
