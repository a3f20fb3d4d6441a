//! Attributes: what layered values there are, as operators define them.
//!
//! A definition is the registry's; values stand in the registry and in tenants' files, which never share a transaction.
//! So a change of a schema looks at no value: what does not fit any more is left out when values are resolved, and is
//! found by diagnostics.

use crate::domain::action::{DeleteAttribute, ListAttributes, ReadAttribute, UpdateAttribute};
use crate::domain::{
    Attribute, AttributeFilter, AttributeKey, AttributeSaid, Conflict, Covers, Error, EventType,
    Page, PageRequest, Precondition, PutAttribute, Result, Target,
};
use crate::storage::registry::attributes;
use crate::storage::{ReadTx, WriteTx};

/// Lists attributes.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListAttributes>>(
    tx: &ReadTx<'_, A>,
    filter: &AttributeFilter,
    page: &PageRequest,
) -> Result<Page<Attribute>> {
    attributes::page(tx, filter, page)
}

/// Reads an attribute's definition.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadAttribute>>(tx: &ReadTx<'_, A>, key: &AttributeKey) -> Result<Attribute> {
    attributes::find(tx, key)?.ok_or(Error::NotFound)
}

/// Defines an attribute, or defines it otherwise. What it belongs to never changes: values would mean something else.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::AttributeLimit`]; fields that cannot be accepted.
pub fn put<A: Covers<UpdateAttribute>>(
    tx: &mut WriteTx<'_, A>,
    key: &AttributeKey,
    new: &PutAttribute,
    precondition: Precondition,
) -> Result<Attribute> {
    new.check()?;
    match (precondition, attributes::find(tx, key)?) {
        (Precondition::Absent, None) => {
            if attributes::count(tx)? >= Attribute::MAX {
                return Err(Error::Conflict(Conflict::AttributeLimit));
            }
            let made = attributes::insert(tx, key, new)?.ok_or(Error::Stale)?;
            tell(tx, EventType::AttributeCreated, &made);
            Ok(made)
        }
        (Precondition::Version(version), Some(found)) => {
            if found.version != version {
                return Err(Error::Stale);
            }
            if found.applies_to != new.applies_to {
                let detail = format!("stays {}: delete it, and define it anew", found.applies_to);
                return Err(Error::invalid("/applies_to", detail));
            }
            let changed = attributes::update(tx, key, new, version)?.ok_or(Error::Stale)?;
            tell(tx, EventType::AttributeUpdated, &changed);
            Ok(changed)
        }
        _ => Err(Error::Stale),
    }
}

/// Lets an attribute be defined no more. Tenants' values stay in their files, where they count for nothing.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`]; [`Conflict::NotEmpty`] where an account, or the platform's catalogue, has a
/// value of it.
pub fn delete<A: Covers<DeleteAttribute>>(
    tx: &mut WriteTx<'_, A>,
    key: &AttributeKey,
    version: i64,
) -> Result<()> {
    let found = attributes::find(tx, key)?.ok_or(Error::NotFound)?;
    if found.version != version {
        return Err(Error::Stale);
    }
    if attributes::has_values(tx, key, found.applies_to)? {
        return Err(Error::Conflict(Conflict::NotEmpty));
    }
    if !attributes::delete(tx, key, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::AttributeDeleted, &found);
    Ok(())
}

/// What the events say: no value, and of the schema no word, which may name one.
fn tell<A: crate::domain::Action>(tx: &mut WriteTx<'_, A>, kind: EventType, it: &Attribute) {
    let data = AttributeSaid {
        key: it.key.clone(),
        applies_to: it.applies_to,
        locked_at: it.locked_at,
        readers: it.readers.clone(),
        writers: it.writers.clone(),
        personal_data: it.personal_data,
        version: it.version,
    };
    tx.emit(kind, &Target::Platform, &data);
}
