//! What a tenant's file holds: its audit chain, its owners, what it says that it uses, and whom it has not told yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Mend, RESTORE, chain, remedy_for};
use crate::domain::{
    Check, Diagnostics, Dimension, Error, Result, RowLevels, SystemTask, TenantId, TenantReference,
    TenantStatus, Timestamp,
};
use crate::storage::door::nobody;
use crate::storage::engine::{Conn, Session, Sql, SqlError};
use crate::storage::registry::files::KnownFile;
use crate::storage::registry::{Registry, files};
use crate::storage::tenant::usage::{self, Counter};
use crate::storage::{audit, outbox};

const WHY_OWNERS: &str = "Nobody can let anybody in, or give a role.";
const WHY_USAGE: &str = "What a tenant may still use is told by what it is said to use: it would get too much or too little.";
const WHY_OUTBOX: &str = "People would not find their tenants, or find ones that they left.";

/// What a file says that is used, by its rows, its records and its counters.
struct Tally {
    counters: usize,
    /// Dimensions whose records do not come to what there is.
    astray: Vec<String>,
    /// Counters that are wrong, as they should be.
    wrong: Vec<Counter>,
    odd: i64,
}

impl Tally {
    fn of(sql: Sql<'_>) -> std::result::Result<Self, SqlError> {
        let (standing, mut right) = (usage::standing(sql)?, usage::rebuilt(sql)?);
        let there: BTreeMap<_, _> = usage::there(sql)?.into_iter().collect();
        let mut astray = Vec::new();
        // What is counted by rows is what there is, whatever was recorded.
        for counter in right.iter_mut().filter(|counter| !counter.dimension.is_meter()) {
            let rows = there.get(&counter.dimension).copied().unwrap_or(0);
            if counter.used != rows {
                astray.push(counter.dimension.to_string());
                counter.used = rows;
            }
        }
        let recorded = |dimension: &&Dimension| right.iter().any(|it| it.dimension == **dimension);
        let lost = there.iter().filter(|(of, used)| **used > 0 && !recorded(of));
        let lost: Vec<_> = lost.map(|(of, used)| Counter::of_rows(of.clone(), *used)).collect();
        astray.extend(lost.iter().map(|counter| counter.dimension.to_string()));
        right.extend(lost);
        let wrong = right.into_iter().filter(|counter| !standing.contains(counter)).collect();
        Ok(Self { counters: standing.len(), astray, wrong, odd: usage::odd_snapshots(sql)? })
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

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
        // Every row counts, whoever sees it.
        let everybody =
            Session { levels: RowLevels::ALL, ..nobody(&Arc::from(known.tenant.to_string())) };
        let session = conn.session(everybody);
        let read: Result<_> = Tally::of(sql).map_err(Into::into);
        drop(session);
        conn.rollback();
        let Tally { counters, astray, wrong, odd } = read?;
        if wrong.is_empty() && astray.is_empty() && odd == 0 {
            return Ok(Check::ok("usage", format!("{counters} counters, as recorded")));
        }
        let names: Vec<_> = wrong.iter().map(|counter| counter.dimension.to_string()).collect();
        let found = format!(
            "counters that are not as recorded: {}; records that are not what there is: {}; {odd} odd snapshots",
            listed(&names),
            listed(&astray)
        );
        if mend != Mend::Nothing {
            let entry = self.resolve(&TenantReference::Id(known.tenant))?.ok_or(Error::NotFound)?;
            self.open_blocking(&entry)?.system(SystemTask::CountUsage, move |tx| {
                wrong.iter().try_for_each(|counter| usage::put(tx, counter))
            })?;
            if astray.is_empty() && odd == 0 {
                return Ok(Check::fixed("usage", found, WHY_USAGE));
            }
        }
        let remedy = "Run `freehold doctor --fix`; counters are set to what there is, and of meters to what was recorded. Records and \
            snapshots stay as they are: the file was changed behind the program's back.";
        Ok(Check::failed("usage", found, WHY_USAGE, remedy))
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
