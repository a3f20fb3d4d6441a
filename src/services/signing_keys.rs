//! The keys that sign system JWTs: rotation, retirement, and what a crash left.
//!
//! Owner of a key's state: the registry. Its private part is in a file, which is made before the row and destroyed after
//! it: a file without a row is a leftover, and goes at the next start; a row that signs without its file gives way to a
//! new key then. Steps: file, row, ring; row, ring, file.

use crate::domain::action::{ListSigningKeys, PlatformPlane, RetireSigningKey, RotateSigningKey};
use crate::domain::{
    Action, Call, Conflict, Covers, Error, EventType, KeyId, Page, PageRequest, Platform, Result,
    SigningKeyEntry, SigningKeyFilter, SigningKeySaid, SigningKeyState, SystemTask, Target,
    Timestamp,
};
use crate::identity::KeyRing;
use crate::storage::registry::signing_keys;
use crate::storage::{ReadTx, Registry, Tx, WriteTx};

/// Lists keys, the newest first.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListSigningKeys>>(
    tx: &ReadTx<'_, A>,
    filter: &SigningKeyFilter,
    page: &PageRequest,
) -> Result<Page<SigningKeyEntry>> {
    signing_keys::page(tx, filter, page)
}

/// Makes a new key that signs from now on. What the old one has signed is good for some more seconds.
///
/// # Errors
/// [`Conflict::SigningKeyLimit`]; the caller may not; the key's file cannot be written.
pub fn rotate(
    registry: &Registry,
    call: &Call,
    ring: &KeyRing,
    overlap_s: u32,
) -> Result<SigningKeyEntry> {
    // Nobody makes files who may not rotate.
    registry.read_blocking::<RotateSigningKey, _>(call, Platform, |tx| has_room(tx))?;
    let _changing = ring.change();
    let (id, public_key) = ring.make()?;
    let made = registry.write_blocking::<RotateSigningKey, _, _>(call, Platform, move |tx| {
        has_room(tx)?;
        replace(tx, &id, &public_key, overlap_s)
    });
    settle(registry, ring)?;
    made
}

/// Lets a key that signs no more verify no more, before its time.
///
/// # Errors
/// [`Conflict::WrongState`] for the key that signs, and for one that is retired; [`Error::NotFound`].
pub fn retire(
    registry: &Registry,
    call: &Call,
    ring: &KeyRing,
    id: &KeyId,
) -> Result<SigningKeyEntry> {
    let _changing = ring.change();
    let id = id.clone();
    let retired = registry
        .write_blocking::<RetireSigningKey, _, _>(call, Platform, move |tx| retire_one(tx, &id));
    settle(registry, ring)?;
    retired
}

/// Brings ring, rows and files together when the program starts, and makes the first key.
///
/// # Errors
/// A file cannot be read or written; storage failed.
pub fn open(registry: &Registry, ring: &KeyRing, overlap_s: u32) -> Result<()> {
    let _changing = ring.change();
    let rows = registry.look(SystemTask::SigningKeys, |tx| signing_keys::verifying(tx))?;
    let signing = rows.iter().find(|row| row.state == SigningKeyState::Active);
    let made = match signing {
        Some(row) if ring.has(&row.id)? => None,
        Some(row) => {
            tracing::warn!(key.id = %row.id, "the key that signs was lost: another one signs from now on");
            Some(ring.make()?)
        }
        None => Some(ring.first()?),
    };
    if let Some((id, public_key)) = made {
        registry
            .system(SystemTask::SigningKeys, move |tx| replace(tx, &id, &public_key, overlap_s))?;
    }
    settle(registry, ring)
}

/// Retires what is over, and rotates what is old; to be called from time to time.
///
/// # Errors
/// Storage failed, or a file could not be written.
pub fn keep(
    registry: &Registry,
    ring: &KeyRing,
    overlap_s: u32,
    rotate_after_days: u32,
) -> Result<()> {
    let now = registry.clock().now();
    let _changing = ring.change();
    let rows = registry.look(SystemTask::SigningKeys, |tx| signing_keys::verifying(tx))?;
    let age = i64::from(rotate_after_days) * 86_400;
    let is_old = |row: &SigningKeyEntry| {
        row.state == SigningKeyState::Active && age > 0 && row.created_at.plus_seconds(age) <= now
    };
    let is_over = |row: &SigningKeyEntry| row.retires_at.is_some_and(|at| at <= now);
    let over: Vec<KeyId> =
        rows.iter().filter(|row| is_over(row)).map(|row| row.id.clone()).collect();
    let rotates = rows.iter().any(is_old);
    if over.is_empty() && !rotates {
        return Ok(());
    }
    let made = if rotates { Some(ring.make()?) } else { None };
    let changed = registry.system(SystemTask::SigningKeys, move |tx| {
        over.iter().try_for_each(|id| retire_one(tx, id).map(drop))?;
        if let Some((id, public_key)) = &made {
            replace(tx, id, public_key, overlap_s)?;
        }
        Ok(())
    });
    settle(registry, ring)?;
    changed
}

/// Makes the ring and the files what the rows say.
fn settle(registry: &Registry, ring: &KeyRing) -> Result<()> {
    let rows = registry.look(SystemTask::SigningKeys, |tx| signing_keys::verifying(tx))?;
    ring.hold(&rows)?;
    let ids: Vec<KeyId> = rows.into_iter().map(|row| row.id).collect();
    ring.keep_only(&ids)
}

fn has_room(tx: &impl Tx<Plane = PlatformPlane>) -> Result<()> {
    if signing_keys::verifying(tx)?.len() >= SigningKeyEntry::MAX_VERIFYING {
        return Err(Error::Conflict(Conflict::SigningKeyLimit));
    }
    Ok(())
}

/// A new key signs, and whichever signed before it retires when its time is over.
fn replace<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: &KeyId,
    public_key: &str,
    overlap_s: u32,
) -> Result<SigningKeyEntry> {
    let until = tx.now().plus_seconds(i64::from(overlap_s));
    let before = signing_keys::verifying(tx)?;
    let before = before.into_iter().find(|row| row.state == SigningKeyState::Active);
    if let Some(old) = &before {
        signing_keys::set_state(tx, &old.id, old.state.to(SigningKeyState::Retiring)?, until)?;
    }
    let made = signing_keys::insert(tx, id, public_key)?;
    let old = before.map(|old| old.id);
    tell(tx, EventType::SigningKeyRotated, id, old.as_ref().map(|_| until), old.as_ref());
    Ok(made)
}

fn retire_one<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: &KeyId,
) -> Result<SigningKeyEntry> {
    let found = signing_keys::find(tx, id)?.ok_or(Error::NotFound)?;
    if found.state != SigningKeyState::Retiring {
        return Err(Error::Conflict(Conflict::WrongState));
    }
    let now = tx.now();
    let retired = signing_keys::set_state(tx, id, found.state.to(SigningKeyState::Retired)?, now)?;
    tell(tx, EventType::SigningKeyRetired, id, Some(now), None);
    Ok(retired)
}

fn tell<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    id: &KeyId,
    at: Option<Timestamp>,
    before: Option<&KeyId>,
) {
    let data = SigningKeySaid { id: id.clone(), before: before.cloned(), retires_at: at };
    tx.emit(kind, &Target::Platform, &data);
}
