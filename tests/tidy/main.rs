//! The tidy test: what must hold of the source text and no reader can hold in mind.
//!
//! Each rule is a pure function from sources to violations, in a module of its own, with two tests:
//! one runs it on the tree, the other on planted sources, so that a rule that has gone blind is
//! noticed. The source is read as text, by a small lexer that tells code from comments and strings;
//! nothing is compiled and nothing outside `std` is used.

mod doors;
mod files;
mod floors;
mod frameworks;
mod globals;
mod migrations;
mod nouns;
mod rust;
mod shape;
mod source;
mod sql;
mod sql_text;
mod states;
mod tenant_tables;
mod vocabulary;
