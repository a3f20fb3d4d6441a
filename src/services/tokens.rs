//! Tokens for others, minted on the host that has the keys.

use serde_json::json;

use crate::domain::action::CreateToken;
use crate::domain::{
    AccountId, AccountReference, Assurance, Call, Error, EventType, HOST_ACR, Identity,
    IdentityPart, Name, NewToken, OperatorRole, Platform, Result, Target, TenantReference,
    Timestamp, Token,
};
use crate::identity::{Grant, Signer};
use crate::storage::registry::{accounts, memberships, operators};
use crate::storage::{Registry, TenantEntry, Tx, WriteTx};

/// Seconds that a token is good for where nothing is said.
const DEFAULT_TTL_S: u32 = 3600;
/// Seconds that a token is good for at most.
const MAX_TTL_S: u32 = 24 * 3600;

/// Mints a token, and writes down for whom. It says that the host acts for its subject.
///
/// # Errors
/// The caller is not the host; the account or the tenant is not there, or they have nothing to do with each other.
pub fn create(registry: &Registry, call: &Call, signer: &Signer, new: &NewToken) -> Result<Token> {
    let ttl = new.ttl_s.unwrap_or(DEFAULT_TTL_S);
    if ttl == 0 || ttl > MAX_TTL_S {
        return Err(Error::invalid("/ttl_s", format!("must be 1 to {MAX_TTL_S}")));
    }
    check(new)?;
    // What is there is told to those alone who may ask.
    registry.read_blocking::<CreateToken, _>(call, Platform, |_| Ok(()))?;
    let tenant = new.tenant.as_deref().map(|tenant| find_tenant(registry, tenant)).transpose()?;
    let (wanted, entry) = (new.account.clone(), tenant.clone());
    let account =
        registry.write_blocking::<CreateToken, _, _>(&call.continued(), Platform, move |tx| {
            let account = account(tx, wanted.as_ref(), entry.as_deref())?;
            let data =
                json!({ "account_id": account, "tenant_id": entry.as_ref().map(|entry| entry.id) });
            tx.emit(EventType::TokenCreated, &Target::Account(account), &data);
            Ok(account)
        })?;
    let grant = Grant {
        subject: account.to_string(),
        tenant: tenant.map(|entry| (entry.id, entry.slug.clone())),
        actor: Some("host".to_owned()),
        scope: new.scope.clone(),
        session: None,
        api_key: None,
        assurance: assurance(new, registry.clock().now()),
        ttl_s: i64::from(ttl),
    };
    signer.sign(&grant, registry.clock().as_ref())
}

/// The log-in that the host says the token stands for.
fn assurance(new: &NewToken, now: Timestamp) -> Assurance {
    let by_host = new.amr.is_empty().then(|| HOST_ACR.to_owned());
    Assurance {
        acr: new.acr.clone().or(by_host),
        amr: new.amr.clone(),
        auth_time_s: Some(now.seconds() - i64::from(new.auth_age_s.unwrap_or(0))),
    }
}

/// Texts of a token are bounded, and of characters that every header can carry.
fn check(new: &NewToken) -> Result<()> {
    let is_word = |text: &str, max: usize| {
        (1..=max).contains(&text.len()) && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
    };
    let long = [("/scope", &new.scope, 2000), ("/acr", &new.acr, 255)];
    for (field, value, max) in long {
        if value.as_deref().is_some_and(|value| !is_word(value, max)) {
            return Err(Error::invalid(
                field,
                format!("must have 1 to {max} printable ASCII characters"),
            ));
        }
    }
    if new.amr.len() > 10 || new.amr.iter().any(|method| !is_word(method, 64)) {
        return Err(Error::invalid("/amr", "must have at most 10 entries of 1 to 64 characters"));
    }
    Ok(())
}

fn find_tenant(registry: &Registry, tenant: &str) -> Result<std::sync::Arc<TenantEntry>> {
    let unknown = || Error::invalid("/tenant", "no tenant has this slug or id");
    let reference = TenantReference::parse(tenant).ok_or_else(unknown)?;
    registry.resolve(&reference)?.ok_or_else(unknown)
}

fn account(
    tx: &mut WriteTx<'_, CreateToken>,
    wanted: Option<&AccountReference>,
    tenant: Option<&TenantEntry>,
) -> Result<AccountId> {
    let Some(wanted) = wanted else {
        return match tenant {
            None => host_operator(tx),
            Some(_) => Err(Error::invalid("/account", "a token for a tenant names an account")),
        };
    };
    let account =
        find_account(tx, wanted)?.ok_or_else(|| Error::invalid("/account", "no such account"))?;
    if let Some(tenant) = tenant
        && !memberships::of_account(tx, account)?.iter().any(|mine| mine.id == tenant.id)
    {
        return Err(Error::invalid("/account", format!("is no member of {}", tenant.slug)));
    }
    Ok(account)
}

fn find_account(tx: &impl Tx, wanted: &AccountReference) -> Result<Option<AccountId>> {
    match wanted {
        AccountReference::Id(id) => Ok(accounts::find(tx, *id)?.map(|account| account.id)),
        AccountReference::Identity(identity) => accounts::find_by_identity(tx, identity),
    }
}

/// The account of the host's operator, made when it is first needed: a platform administrator.
fn host_operator(tx: &mut WriteTx<'_, CreateToken>) -> Result<AccountId> {
    let part = |text: &str| IdentityPart::parse(text).map_err(Error::Internal);
    let identity = Identity { issuer: part("host")?, subject: part("operator")? };
    let account = match accounts::find_by_identity(tx, &identity)? {
        Some(account) => account,
        None => {
            let name = Name::parse("Host operator").map_err(Error::Internal)?;
            let account = accounts::insert(tx, tx.new_id(), &name, None, &[identity])?;
            tx.emit(
                EventType::AccountCreated,
                &Target::Account(account.id),
                &json!({ "id": account.id }),
            );
            account.id
        }
    };
    let role = OperatorRole::PlatformAdmin;
    if operators::ensure(tx, account, role)? {
        let data = json!({ "account_id": account, "role": role });
        tx.emit(EventType::OperatorUpdated, &Target::Account(account), &data);
    }
    Ok(account)
}
