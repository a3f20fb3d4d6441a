//! Questions to the decision point about anybody, from the facts of this file.

mod application;
mod explain;
mod search;
mod simulate;

pub(crate) use self::application::{Asking, applications, evaluate_application, resource_named};
pub(crate) use self::explain::{policy, sources};
pub(crate) use self::search::{
    Candidate, candidates, evaluate_row, is_the_only_one, members, nouns, permitted,
    service_accounts,
};
pub(crate) use self::simulate::{
    authority_version, compile, count_of_type, everybody, of_type, supposed,
};
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ApplicationName, Caller, Error, IdentityPart, Reason, ResourceTypeName,
    Result, Target, TenancyPing,
};
pub(crate) use crate::storage::door::{Asked, Basis, Ruling};
use crate::storage::door::{ReadTx, sql};
use crate::storage::engine::{SqlError, params};

/// What is known of somebody, as they would be known if they called.
pub(crate) fn asked<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    subject: Caller,
) -> Result<Asked> {
    tx.asked(subject)
}

/// Whose an identity is.
pub(crate) fn account_of<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    issuer: &IdentityPart,
    subject: &str,
) -> Result<Option<AccountId>> {
    tx.account_of(issuer, subject)
}

/// Says that what follows takes long: it goes where there is time for it.
///
/// # Errors
/// It is not there yet, and begins anew where it is.
pub(crate) fn take_time<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) -> Result<()> {
    tx.take_time()
}

/// Refuses further work where the budget of the transaction is spent: its time is over, or its client has gone.
///
/// # Errors
/// [`Error::TooMuchWork`].
pub(crate) fn check_budget<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) -> Result<()> {
    tx.check_budget()
}

/// Notes that one of the questions of a request has been answered: the others have what is left of the budget.
pub(crate) fn note_answer<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) {
    if let Some(budget) = tx.budget() {
        budget.note_answer();
    }
}

/// What Freehold's own policies say of somebody, an action and a target. A resource must be of the type named, if one is.
pub(crate) fn evaluate<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    action: &'static str,
    target: &Target,
    kind: Option<&ResourceTypeName>,
) -> Result<Ruling> {
    let no = Ruling::unknown(Reason::UnknownResource);
    let Some(found) = tx.target_of(asked, target)? else { return Ok(no) };
    if let (Target::Resource(id), Some(kind)) = (target, kind) {
        let is_one: Option<i64> = tx.seen_by(asked, |sql| {
            Ok(sql.one(
                "select 1 from resources where id = ?1 and type = ?2",
                params![*id, kind],
                |row| row.next(),
            )?)
        })?;
        if is_one.is_none() {
            return Ok(no);
        }
    }
    Ok(Ruling { target: Some(target.clone()), ..tx.decide(asked, action, found) })
}

/// Whose a resource type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeOwner {
    /// There is no such type.
    Nobody,
    /// The tenant's own.
    Tenant,
    /// An application's.
    Application(ApplicationName),
}

/// Whose a resource type is.
pub(crate) fn owner_of_type<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    name: &str,
) -> Result<TypeOwner> {
    let owner = sql(tx).one(
        "select application from resource_types where name = ?1",
        params![name],
        |row| {
            let application: Option<ApplicationName> = row.next()?;
            Ok(application.map_or(TypeOwner::Tenant, TypeOwner::Application))
        },
    )?;
    Ok(owner.unwrap_or(TypeOwner::Nobody))
}

/// What the database says of the caller.
pub(crate) fn ping<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) -> Result<TenancyPing> {
    let said = sql(tx).one(
        "select current_tenant(), caller_principals(), caller_sees_all(), row_security_mode()",
        &[],
        |row| {
            let (current_tenant, principals) = (row.next()?, row.next::<String>()?);
            let principals = serde_json::from_str(&principals);
            Ok(TenancyPing {
                current_tenant,
                caller_principals: principals
                    .map_err(|error| SqlError::corrupt(1, &error.to_string()))?,
                caller_sees_all: row.next()?,
                row_security_mode: row.next()?,
            })
        },
    )?;
    said.ok_or_else(|| Error::Internal("a row of values came back without".to_owned()))
}
