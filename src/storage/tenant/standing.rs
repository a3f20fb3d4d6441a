//! What a caller is to a tenant, as far as its requests a minute go.

use crate::domain::{Caller, MemberState, Role, Subject, SubjectFacts};

/// What a caller is to a tenant, where requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Neither a member nor a service account nor of the platform, or its credential was revoked.
    Stranger,
    /// A member, or a service account.
    Known,
    /// An owner or an administrator; an operator; the host.
    Steward,
}

impl Standing {
    pub(super) fn of(caller: &Caller, subject: SubjectFacts) -> Self {
        let is_member = subject.membership == Some(MemberState::Active);
        let manages = is_member && matches!(subject.role, Some(Role::Owner | Role::Admin));
        match caller.subject {
            _ if !subject.live => Self::Stranger,
            Subject::Host | Subject::System(_) => Self::Steward,
            Subject::ServiceAccount(_) => Self::Known,
            Subject::Account(_) if manages || subject.operator.is_some() => Self::Steward,
            Subject::Account(_) if is_member => Self::Known,
            Subject::Account(_) => Self::Stranger,
        }
    }
}
