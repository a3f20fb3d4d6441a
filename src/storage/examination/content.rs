//! What a tenant's file holds: its audit chain, its owners, what it says that it uses, and whom it has not told yet.

use super::{Mend, RESTORE, chain, remedy_for};
use crate::domain::{
    Check, Diagnostics, Error, Result, SystemTask, TenantId, TenantReference, TenantStatus,
    Timestamp,
};
use crate::storage::engine::{Conn, Sql};
use crate::storage::registry::files::KnownFile;
use crate::storage::registry::{Registry, files};
use crate::storage::tenant::usage;
use crate::storage::{audit, outbox};

const WHY_OWNERS: &str = "Nobody can let anybody in, or give a role.";
const WHY_USAGE: &str = "What a tenant may still use is told by what it is said to use: it would get too much or too little.";
const WHY_OUTBOX: &str = "People would not find their tenants, or find ones that they left.";

impl Registry {
    /// Examines one tenant's file, as one of the few that are walked at once.
    ///
    /// # Errors
    /// [`Error::Busy`]; the registry cannot be read.
    pub(crate) fn examine_alone(&self, tenant: TenantId) -> Result<Option<Diagnostics>> {
        let _walk = self.walk(Some(tenant))?;
        let report = self.examine(Some(tenant), Mend::Nothing)?;
        Ok(report.reports.into_iter().next())
    }

    /// Whether the audit chain is unbroken, and has what the registry has seen of it.
    pub(super) fn audit(&self, known: &KnownFile, conn: &Conn) -> Check {
        let anchor = self
            .resolve_anew(&TenantReference::Id(known.tenant))
            .map(|entry| entry.and_then(|entry| entry.anchor()));
        match anchor {
            Ok(anchor) => chain(audit::verify(Sql::on(conn), &known.tenant.to_string(), anchor)),
            Err(error) => Check::failed("audit_chain", error.to_string(), "", RESTORE),
        }
    }

    /// Whether counters are what their records say.
    pub(super) fn usage(&self, known: &KnownFile, conn: &Conn, mend: Mend) -> Check {
        self.compare_usage(known, conn, mend).unwrap_or_else(|error| {
            Check::failed("usage", error.to_string(), WHY_USAGE, remedy_for(&error))
        })
    }

    fn compare_usage(&self, known: &KnownFile, conn: &Conn, mend: Mend) -> Result<Check> {
        conn.begin()?;
        let sql = Sql::on(conn);
        let read = || Ok((usage::rebuilt(sql)?, usage::standing(sql)?, usage::odd_snapshots(sql)?));
        let read: Result<_> = read();
        conn.rollback();
        let (rebuilt, kept, odd) = read?;
        let wrong: Vec<_> =
            rebuilt.iter().filter(|counter| !kept.contains(counter)).cloned().collect();
        if wrong.is_empty() && odd == 0 {
            return Ok(Check::ok("usage", format!("{} counters, as recorded", kept.len())));
        }
        let names: Vec<_> = wrong.iter().map(|counter| counter.dimension.to_string()).collect();
        let found = format!("not as recorded: {}; {odd} odd snapshots", names.join(", "));
        if mend == Mend::Nothing || odd > 0 {
            let remedy = "Run `freehold doctor --fix`; counters are made from their records again. A snapshot that is odd stays: \
                the file was changed behind the program's back.";
            return Ok(Check::failed("usage", found, WHY_USAGE, remedy));
        }
        let entry = self.resolve(&TenantReference::Id(known.tenant))?.ok_or(Error::NotFound)?;
        self.open_blocking(&entry)?.system(SystemTask::CountUsage, move |tx| {
            wrong.iter().try_for_each(|counter| usage::put(tx, counter))
        })?;
        Ok(Check::fixed("usage", found, WHY_USAGE))
    }

    /// Whether the registry has heard of everything that it follows.
    pub(super) fn outbox(&self, known: &KnownFile, conn: &Conn) -> Check {
        self.lag(known, conn).unwrap_or_else(|error| {
            Check::failed("outbox", error.to_string(), WHY_OUTBOX, remedy_for(&error))
        })
    }

    fn lag(&self, known: &KnownFile, conn: &Conn) -> Result<Check> {
        const PATIENCE_S: i64 = 60;
        let tenant = known.tenant;
        let followed = self.look(SystemTask::Examine, move |tx| files::outbox_seq(tx, tenant))?;
        let waiting = outbox::unfollowed(Sql::on(conn), followed)?;
        let now = self.clock().now();
        match waiting {
            Some((count, since)) if since < Timestamp(now.0).plus_seconds(-PATIENCE_S) => {
                let found = format!("{count} events wait, the first since {since}");
                let remedy = "Look for what the log says of this tenant's outbox; `freehold doctor --fix` follows it.";
                Ok(Check::failed("outbox", found, WHY_OUTBOX, remedy))
            }
            Some((count, _)) => Ok(Check::ok("outbox", format!("{count} events wait"))),
            None => Ok(Check::ok("outbox", "everything is followed")),
        }
    }
}

/// Whether somebody keeps the tenant.
pub(super) fn owners(known: &KnownFile, sql: Sql<'_>) -> Check {
    if known.status == TenantStatus::Provisioning {
        return Check::ok("owners", "nobody yet: the tenant is still being made");
    }
    let count = sql.one(
        "select count(*) from org_members where role = 'owner' and state = 'active'",
        &[],
        |row| row.next::<i64>(),
    );
    match count {
        Ok(Some(count)) if count > 0 => Check::ok("owners", format!("{count} active")),
        Ok(_) => {
            let remedy =
                "Import the tenant again with an owner, or make the tenant anew with `owner_id`.";
            Check::failed("owners", "no active owner", WHY_OWNERS, remedy)
        }
        Err(error) => Check::failed("owners", error.to_string(), WHY_OWNERS, RESTORE),
    }
}
