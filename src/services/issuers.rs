//! Issuers: those that a tenant trusts to say who its people are, and those of the installation.
//!
//! Owner of a tenant's issuer: the tenant's file. Step: `issuer.*` in its outbox, which the registry's projection follows,
//! so that tokens are looked at for the tenant. Recovery: the projection's; what an issuer may say is decided by the
//! tenant's own file in any case.

use crate::domain::action::{
    CreateIssuer, DeleteIssuer, ListIssuerStatuses, ListIssuers, ReadIssuer, UpdateIssuer,
};
use crate::domain::{
    ChangeIssuer, Conflict, Covers, Error, EventType, FieldError, Issuer, IssuerFilter, IssuerId,
    IssuerRegistration, IssuerStatus, IssuerTerms, NewIssuer, Page, PageRequest, Result, Target,
};
use crate::identity::Verifier;
use crate::storage::tenant::issuers;
use crate::storage::{ReadTx, WriteTx};

/// Lists issuers.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListIssuers>>(
    tx: &ReadTx<'_, A>,
    _: &IssuerFilter,
    page: &PageRequest,
) -> Result<Page<Issuer>> {
    issuers::page(tx, page)
}

/// Reads an issuer.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadIssuer>>(tx: &ReadTx<'_, A>, id: IssuerId) -> Result<Issuer> {
    issuers::find(tx, id)?.ok_or(Error::NotFound)
}

/// Trusts an issuer.
///
/// # Errors
/// An address that is not the tenant's to name, terms that cannot be kept; [`Conflict::NameTaken`];
/// [`Conflict::AlreadyExists`] where an issuer has the address; [`Conflict::IssuerLimit`].
pub fn create<A: Covers<CreateIssuer>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewIssuer,
    verifier: &Verifier,
) -> Result<Issuer> {
    let terms = new.terms();
    let mut wrong = flaws(&terms, verifier);
    if let Err(what) = verifier.check_tenant_issuer(new.url.as_str()) {
        wrong.push(FieldError::new("/url", what));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if issuers::count(tx)? >= Issuer::MAX_PER_TENANT {
        return Err(Error::Conflict(Conflict::IssuerLimit));
    }
    if issuers::has_url(tx, &new.url)? {
        return Err(Error::Conflict(Conflict::AlreadyExists));
    }
    let issuer = issuers::insert(tx, tx.new_id(), &new.name, &new.url, &terms)?;
    tell(tx, EventType::IssuerCreated, &issuer, false);
    Ok(issuer)
}

/// Changes what an issuer is trusted for.
///
/// # Errors
/// [`Error::Stale`]; as [`create`].
pub fn update<A: Covers<UpdateIssuer>>(
    tx: &mut WriteTx<'_, A>,
    id: IssuerId,
    change: &ChangeIssuer,
    version: i64,
    verifier: &Verifier,
) -> Result<Issuer> {
    let before = issuers::find(tx, id)?.ok_or(Error::NotFound)?;
    if before.version != version {
        return Err(Error::Stale);
    }
    let after = change.of(&before);
    let wrong = flaws(&after.terms, verifier);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if let Some(next) = change.state {
        issuers::set_state(tx, id, before.state.to(next))?;
    }
    let issuer = issuers::update(tx, &after, version)?.ok_or(Error::Stale)?;
    tell(tx, EventType::IssuerUpdated, &issuer, false);
    Ok(issuer)
}

/// Trusts an issuer no more.
///
/// # Errors
/// [`Error::Stale`].
pub fn delete<A: Covers<DeleteIssuer>>(
    tx: &mut WriteTx<'_, A>,
    id: IssuerId,
    version: i64,
) -> Result<()> {
    let issuer = issuers::find(tx, id)?.ok_or(Error::NotFound)?;
    if !issuers::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::IssuerDeleted, &issuer, true);
    Ok(())
}

/// The installation's issuers, and the state of their keys.
///
/// # Errors
/// None.
pub fn statuses<A: Covers<ListIssuerStatuses>>(
    _: &ReadTx<'_, A>,
    verifier: &Verifier,
) -> Result<Vec<IssuerStatus>> {
    Ok(verifier.trust().statuses())
}

fn flaws(terms: &IssuerTerms, verifier: &Verifier) -> Vec<FieldError> {
    let flaws = terms.flaws().into_iter();
    let mut wrong: Vec<_> =
        flaws.map(|(field, what)| FieldError::new(format!("/{field}"), what)).collect();
    let uri = terms.jwks_uri.as_deref();
    if let Some(Err(what)) = uri.map(|uri| verifier.trust().check(uri)) {
        wrong.push(FieldError::new("/jwks_uri", what));
    }
    wrong
}

fn tell<A: crate::domain::Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    issuer: &Issuer,
    deleted: bool,
) {
    let data = IssuerRegistration { issuer: issuer.clone(), deleted };
    tx.emit(kind, &Target::Issuer(issuer.id), &data);
}
