//! The database engine below the doors.
//!
//! What the noun files see of it is [`Sql`], [`Row`], [`Param`] and [`Listing`]; which engine stands behind them, only
//! the folder below knows.

mod listing;
pub(in crate::storage) mod sqlite;

pub(in crate::storage) use listing::Listing;
pub(in crate::storage) use sqlite::{
    Conn, Param, Pool, Principals, Raw, Reach, Row, Session, Sql, SqlError, Writes, params,
};
