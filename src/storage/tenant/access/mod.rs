//! Questions to the decision point about others, from the facts of this file.

mod explain;
mod simulate;

pub(crate) use self::explain::{policy, sources};
pub(crate) use self::simulate::{count_of_type, members, of_type, supposed, take_time};
use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Caller, Error, ResourceId, ResourceTypeName, Result, Target, TenancyPing,
};
pub(crate) use crate::storage::door::{Asked, Ruling};
use crate::storage::door::{ReadTx, sql};
use crate::storage::engine::{Sql, SqlError, params};

/// What is known of somebody, as they would be known if they called.
pub(crate) fn asked<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    subject: Caller,
) -> Result<Asked> {
    tx.asked(subject)
}

/// What Freehold's own policies say of somebody, an action and a target. A resource must be of the type named, if one is.
pub(crate) fn evaluate<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    action: &'static str,
    target: &Target,
    kind: Option<&ResourceTypeName>,
) -> Result<Ruling> {
    let Some(found) = tx.target_of(asked, target)? else { return Ok(Ruling::unknown()) };
    if let (Target::Resource(id), Some(kind)) = (target, kind)
        && !tx.seen_whole(|sql| is_of_type(sql, *id, kind))?
    {
        return Ok(Ruling::unknown());
    }
    Ok(tx.decide(asked, action, found))
}

fn is_of_type(sql: Sql<'_>, id: ResourceId, kind: &ResourceTypeName) -> Result<bool> {
    let found: Option<i64> =
        sql.one("select 1 from resources where id = ?1 and type = ?2", params![id, kind], |row| {
            row.next()
        })?;
    Ok(found.is_some())
}

/// Whether a word is the name of a resource type here.
pub(crate) fn is_resource_type<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    name: &ResourceTypeName,
) -> Result<bool> {
    let found: Option<i64> =
        sql(tx)
            .one("select 1 from resource_types where name = ?1", params![name], |row| row.next())?;
    Ok(found.is_some())
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
