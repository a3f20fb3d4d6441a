//! Conditions on what a change is meant for (RFC 9110, section 13.1).

/// What must hold for a `PUT` to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// The thing is there and has this version (`If-Match`).
    Version(i64),
    /// The thing is not there (`If-None-Match: *`).
    Absent,
}
