//! Statements on `tenant_files`: what the registry knows of a tenant's file without opening it.

use super::RegistryAction;
use crate::domain::action::PlatformPlane;
use crate::domain::{Action, FileId, Region, Result, Slug, TenantId, TenantStatus};
use crate::storage::audit::Head;
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, SqlError, params};

/// What the registry knows of a file.
#[derive(Debug, Clone)]
pub(crate) struct KnownFile {
    pub(crate) tenant: TenantId,
    pub(crate) slug: Slug,
    pub(crate) status: TenantStatus,
    pub(crate) region: Region,
    pub(crate) schema_version: u32,
    pub(crate) dirty: bool,
    pub(crate) problem: Option<String>,
}

fn known_file(row: &mut Row<'_>) -> Result<KnownFile, SqlError> {
    Ok(KnownFile {
        tenant: row.next()?,
        slug: row.next()?,
        status: row.next()?,
        region: row.next()?,
        schema_version: row.next()?,
        dirty: row.next()?,
        problem: row.next()?,
    })
}

/// Every file that is kept, by the slug of its tenant.
pub(crate) fn all(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<KnownFile>> {
    Ok(sql(tx).all(
        "select t.id, t.slug, t.status, t.data_region, f.schema_version, f.dirty, f.problem
        from tenant_files f join tenants t on t.id = f.tenant_id
        where t.status <> 'erased' order by t.slug",
        &[],
        known_file,
    )?)
}

/// Adds what is known of a new file.
pub(crate) fn insert<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    file: FileId,
    schema_version: u32,
) -> Result<()> {
    sql(tx).execute(
        "insert into tenant_files (tenant_id, file_id, schema_version) values (?1, ?2, ?3)",
        params![tenant, file, schema_version],
    )?;
    Ok(())
}

/// Notes that a file is being written to.
pub(in crate::storage) fn mark_dirty<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set dirty = 1 where tenant_id = ?1 and dirty = 0",
        params![tenant],
    )?;
    Ok(())
}

/// Notes where a file's audit chain ended: the file must contain that row from now on.
pub(in crate::storage) fn anchor<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    head: &Head,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set audit_seq = ?2, audit_hash = ?3 where tenant_id = ?1 and audit_seq < ?2",
        params![tenant, head.seq, &head.hash],
    )?;
    Ok(())
}

/// Notes that a file's outbox was followed to its end, and where its audit chain ended.
pub(in crate::storage) fn settle<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    head: &Head,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set dirty = 0, audit_seq = ?2, audit_hash = ?3 where tenant_id = ?1 and audit_seq <= ?2",
        params![tenant, head.seq, &head.hash],
    )?;
    Ok(())
}

/// How far the projection has followed a file's outbox.
pub(crate) fn outbox_seq(tx: &impl Tx<Plane = PlatformPlane>, tenant: TenantId) -> Result<i64> {
    let seq: Option<i64> = sql(tx).one(
        "select outbox_seq from tenant_files where tenant_id = ?1",
        params![tenant],
        |row| row.next(),
    )?;
    Ok(seq.unwrap_or(0))
}

/// Notes how far the projection has followed a file's outbox.
pub(crate) fn set_outbox_seq<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    seq: i64,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set outbox_seq = ?2 where tenant_id = ?1 and outbox_seq < ?2",
        params![tenant, seq],
    )?;
    Ok(())
}

/// Notes the version that a file was brought to, and that nothing is wrong with it.
pub(crate) fn set_schema_version<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    version: u32,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set schema_version = ?2, problem = null where tenant_id = ?1",
        params![tenant, version],
    )?;
    Ok(())
}

/// Notes what is wrong with a file, or that nothing is.
pub(crate) fn set_problem<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    problem: Option<&str>,
) -> Result<()> {
    sql(tx).execute(
        "update tenant_files set problem = ?2 where tenant_id = ?1",
        params![tenant, problem],
    )?;
    Ok(())
}
