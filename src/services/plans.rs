//! Plans: named sets of limits, as operators keep them.

use crate::domain::action::{DeletePlan, ListPlans, UpdatePlan};
use crate::domain::{
    Action, Conflict, Covers, Error, EventType, Page, PageRequest, Plan, PlanName, PlanSaid,
    Precondition, PutPlan, Result, Target,
};
use crate::storage::registry::plans;
use crate::storage::{ReadTx, WriteTx};

/// Lists plans.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListPlans>>(tx: &ReadTx<'_, A>, page: &PageRequest) -> Result<Page<Plan>> {
    plans::page(tx, page)
}

/// Reads a plan.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ListPlans>>(tx: &ReadTx<'_, A>, name: &PlanName) -> Result<Plan> {
    plans::find(tx, name)?.ok_or(Error::NotFound)
}

/// Makes a plan, or changes it; in force at once for every tenant that has it.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::PlanLimit`]; too many dimensions.
pub fn put<A: Covers<UpdatePlan>>(
    tx: &mut WriteTx<'_, A>,
    name: &PlanName,
    new: &PutPlan,
    precondition: Precondition,
) -> Result<Plan> {
    new.check()?;
    let (plan, kind) = match precondition {
        Precondition::Absent => {
            if plans::count(tx)? >= Plan::MAX {
                return Err(Error::Conflict(Conflict::PlanLimit));
            }
            (plans::insert(tx, name, new)?, EventType::PlanCreated)
        }
        Precondition::Version(version) => {
            (plans::update(tx, name, new, version)?, EventType::PlanUpdated)
        }
    };
    let plan = plan.ok_or(Error::Stale)?;
    tell(tx, kind, &plan);
    Ok(plan)
}

/// Deletes a plan that no tenant has.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Stale`]; [`Conflict::NotEmpty`].
pub fn delete<A: Covers<DeletePlan>>(
    tx: &mut WriteTx<'_, A>,
    name: &PlanName,
    version: i64,
) -> Result<()> {
    let found = plans::find(tx, name)?.ok_or(Error::NotFound)?;
    if plans::is_used(tx, name)? {
        return Err(Error::Conflict(Conflict::NotEmpty));
    }
    if !plans::delete(tx, name, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::PlanDeleted, &found);
    Ok(())
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, plan: &Plan) {
    let data = PlanSaid {
        name: plan.name.clone(),
        limits: plan.limits.clone(),
        soft_limits: plan.soft_limits.clone(),
        version: plan.version,
    };
    tx.emit(kind, &Target::Platform, &data);
}
