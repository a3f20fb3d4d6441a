//! What a signed-in account learns about itself.

use crate::domain::action::{self, ListMyTenants, ReadMe, TenantPlane, UpdateMe};
use crate::domain::{
    Account, Caller, ChangeAccount, Covers, Credential, Error, EventType, IdentityPart, Me,
    MyTenant, Page, PageRequest, PlaneName, Result, TenantId, Timestamp,
};
use crate::storage::registry::{accounts, memberships};
use crate::storage::tenant::access;
use crate::storage::{ReadTx, Tx, WriteTx};

/// Who the caller is, and where. The permissions are the tenant's to say: [`permissions`].
///
/// # Errors
/// [`Error::NotFound`] where the caller is no account.
pub fn read<A: Covers<ReadMe>>(tx: &ReadTx<'_, A>) -> Result<Me> {
    let caller = tx.caller();
    let id = caller.subject.account().ok_or(Error::NotFound)?;
    let account = accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    let tenants = memberships::of_account(tx, id)?;
    let tenant = tenants.iter().find(|tenant| Some(tenant.id) == caller.tenant).cloned();
    Ok(Me {
        account,
        credential: credential(caller)?,
        role: tenant.as_ref().map(|tenant| tenant.role),
        tenant,
        permissions: Vec::new(),
        tenants,
    })
}

fn credential(caller: &Caller) -> Result<Credential> {
    Ok(Credential {
        issuer: IdentityPart::parse(&*caller.issuer).map_err(Error::Internal)?,
        expires_at: caller.expires_at,
        tenant_id: caller.tenant,
        actor: caller.actor.as_deref().map(str::to_owned),
        scopes: caller.scopes.as_deref().map(<[String]>::to_vec),
        acr: caller.assurance.acr.clone(),
        amr: caller.assurance.amr.clone(),
        auth_time: caller.assurance.auth_time_s.map(Timestamp::of_seconds),
    })
}

/// The actions that a caller may take in a tenant as a whole.
///
/// # Errors
/// Storage failed.
pub fn permissions<A: crate::domain::Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    caller: &Caller,
    tenant: TenantId,
) -> Result<Vec<String>> {
    let mut allowed = Vec::new();
    let caller = access::asked(tx, caller.clone())?;
    for action in action::ALL
        .iter()
        .filter(|action| action.plane == PlaneName::Tenant && action.target == "tenant")
    {
        if access::evaluate(tx, &caller, action.name, &tenant.into(), None)?.decision {
            allowed.push(action.name.to_owned());
        }
    }
    Ok(allowed)
}

/// Changes the caller's own name or address. The address identifies nobody, and no invitation is compared with it.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where the caller is no account.
pub fn update<A: Covers<UpdateMe>>(
    tx: &mut WriteTx<'_, A>,
    change: &ChangeAccount,
    version: i64,
) -> Result<Account> {
    let id = tx.caller().subject.account().ok_or(Error::NotFound)?;
    let account = accounts::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    super::accounts::tell(tx, EventType::AccountUpdated, &account);
    Ok(account)
}

/// Lists the caller's tenants.
///
/// # Errors
/// [`Error::NotFound`] where the caller is no account.
pub fn tenants<A: Covers<ListMyTenants>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<MyTenant>> {
    let id = tx.caller().subject.account().ok_or(Error::NotFound)?;
    memberships::page_of(tx, id, page)
}
