//! Tokens that Freehold signs: for whoever brings another credential, and minted on the host that has the keys.
//!
//! What is issued for another credential says what that one says, and never more: no other subject, no stronger log-in, no
//! wider scope, no later end. Owner of the audit row: the file of the tenant that the token is for, or the registry; the
//! token is signed once that is on the disk, and is told to nobody where signing fails.

use crate::domain::action::{CreateToken, ExchangePlatformToken, ExchangeToken};
use crate::domain::{
    AccountId, AccountReference, AccountSaid, Assurance, Call, Caller, Error, EventType, HOST,
    HOST_ACR, Identity, IdentityPart, Issued, Name, NewToken, OperatorRole, OperatorSaid, Platform,
    Result, Subject, Target, TenantId, TenantReference, TenantStatus, Timestamp, Token,
    TokenExchange, TokenMade, TokenName, TokenSwapped, TokenTimes,
};
use crate::identity::{Grant, Signer};
use crate::storage::registry::{accounts, memberships, operators};
use crate::storage::{Registry, TenantEntry, Tx, WriteTx};

/// Seconds that a token is good for where nothing is said.
const DEFAULT_TTL_S: u32 = 3600;
/// Seconds that a token is good for at most.
const MAX_TTL_S: u32 = 24 * 3600;
/// Exchanges between a token and the first one that it came of at most: each adds a name to the token.
const MAX_EXCHANGES: usize = 8;

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
                TokenMade { account_id: account, tenant_id: entry.as_ref().map(|entry| entry.id) };
            tx.emit(EventType::TokenCreated, &Target::Account(account), &data);
            Ok(account)
        })?;
    let grant = Grant {
        subject: account.to_string(),
        tenant: tenant.map(|entry| (entry.id, entry.slug.clone())),
        actor: Some(HOST.to_owned()),
        scope: new.scope.clone(),
        session: None,
        api_key: None,
        exchanged_for: Vec::new(),
        assurance: assurance(new, registry.clock().now()),
        ttl_s: i64::from(ttl),
    };
    signer.sign(&grant, registry.clock().as_ref())
}

/// The words by which a token for the platform is asked for.
const PLATFORM: &str = "platform";

/// What is asked for, as far as it can be told without looking anything up.
///
/// # Errors
/// [`Error::Invalid`], by field.
pub fn check_exchange(wanted: &TokenExchange, times: TokenTimes) -> Result<()> {
    if wanted.grant_type != TokenExchange::GRANT_TYPE {
        let only = TokenExchange::GRANT_TYPE;
        return Err(Error::invalid("/grant_type", format!("must be {only}")));
    }
    let kinds = [TokenExchange::ACCESS_TOKEN, TokenExchange::JWT, TokenExchange::API_KEY];
    if !kinds.contains(&wanted.subject_token_type.as_str()) {
        let kinds = kinds.join(", ");
        return Err(Error::invalid("/subject_token_type", format!("must be one of {kinds}")));
    }
    let requested = wanted.requested_token_type.as_deref();
    if requested.is_some_and(|it| it != TokenExchange::ACCESS_TOKEN && it != TokenExchange::JWT) {
        let only = TokenExchange::ACCESS_TOKEN;
        return Err(Error::invalid("/requested_token_type", format!("must be {only}")));
    }
    if wanted.ttl_s.is_some_and(|ttl_s| !(1..=times.most_s).contains(&ttl_s)) {
        return Err(Error::invalid("/ttl_s", format!("must be 1 to {}", times.most_s)));
    }
    let is_scope = |scope: &str| {
        scope.len() <= 2000 && scope.chars().all(|c| c == ' ' || c.is_ascii_graphic())
    };
    if wanted.scope.as_deref().is_some_and(|scope| !is_scope(scope)) {
        return Err(Error::invalid("/scope", "must have at most 2,000 printable ASCII characters"));
    }
    Ok(())
}

/// Issues a token for whoever brings another credential, whose the call is: a narrower one, or one for another tenant.
///
/// # Errors
/// [`Error::NotFound`] for a tenant that is not there, is out of service, or that the caller does not belong to, all
/// alike; a scope that the other credential has not.
pub fn exchange(
    registry: &Registry,
    call: &Call,
    signer: &Signer,
    wanted: &TokenExchange,
    times: TokenTimes,
) -> Result<(Token, Option<String>)> {
    let caller = &call.caller;
    let scopes = narrowed(caller, wanted.scope.as_deref())?;
    let tenant = tenant_of(registry, caller, wanted.tenant.as_deref())?;
    let narrower = Caller { tenant, scopes, ..(**caller).clone() };
    let scope = narrower.scopes.as_ref().map(|scopes| scopes.join(" "));
    let call = Call { caller: narrower.into(), ..call.continued() };
    let ttl_s = wanted.ttl_s.unwrap_or(times.usual_s);
    Ok((issue(registry, &call, signer, i64::from(ttl_s))?, scope))
}

/// The tenant that a token is to be for. What is for one tenant is never exchanged for the platform, nor what speaks for
/// one tenant alone for another one.
///
/// # Errors
/// [`Error::NotFound`].
pub fn tenant_of(
    registry: &Registry,
    caller: &Caller,
    wanted: Option<&str>,
) -> Result<Option<TenantId>> {
    let tenant = match wanted {
        None => return Ok(caller.tenant),
        Some(PLATFORM) => None,
        Some(text) => {
            let reference = TenantReference::parse(text).ok_or(Error::NotFound)?;
            Some(registry.resolve(&reference)?.ok_or(Error::NotFound)?.id)
        }
    };
    let speaks_for_one = caller.credential.by_tenant || caller.subject.account().is_none();
    let is_allowed = match (caller.tenant, tenant) {
        (Some(own), Some(other)) => own == other || !speaks_for_one,
        (Some(_), None) => false,
        (None, Some(_)) => caller.subject.account().is_some(),
        (None, None) => true,
    };
    if is_allowed { Ok(tenant) } else { Err(Error::NotFound) }
}

/// The scopes that are asked for, where the other credential has them all; its own where nothing is said.
fn narrowed(caller: &Caller, wanted: Option<&str>) -> Result<Option<std::sync::Arc<[String]>>> {
    let Some(wanted) = wanted else { return Ok(caller.scopes.clone()) };
    let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
    let lacks = |scope: &&String| {
        caller.scopes.as_ref().is_some_and(|own| own.iter().all(|mine| mine != *scope))
    };
    if let Some(scope) = wanted.iter().find(lacks) {
        return Err(Error::invalid("/scope", format!("{scope} is no scope of the subject token")));
    }
    Ok(Some(wanted.into()))
}

/// Issues a token that says what its caller is: who, in which tenant, by what log-in, narrowed to what. It ends with what
/// the caller came with, at the latest. The door decides whether the caller gets one there, and writes it down.
///
/// # Errors
/// [`Error::NotFound`] where the caller gets none; [`Error::Unauthenticated`] where the credential has run out.
pub fn issue(registry: &Registry, call: &Call, signer: &Signer, ttl_s: i64) -> Result<Token> {
    let caller = &call.caller;
    let clock = registry.clock();
    let left = caller.expires_at.seconds().saturating_sub(clock.now().seconds());
    let ttl_s = ttl_s.min(left);
    if ttl_s <= 0 {
        return Err(Error::Unauthenticated("the credential has run out"));
    }
    let issued = Issued { at: clock.now(), id: clock.new_id() };
    let entry = caller.tenant.map(|tenant| in_service(registry, tenant)).transpose()?;
    write_down(registry, call, entry.as_deref(), ttl_s).map_err(|error| match error {
        // Who does not belong to a tenant hears of it what they would of one that is not there.
        Error::Forbidden => Error::NotFound,
        error => error,
    })?;
    let grant = Grant {
        subject: subject_of(caller)?,
        tenant: entry.map(|entry| (entry.id, entry.slug.clone())),
        actor: caller.actor.as_deref().map(str::to_owned),
        scope: caller.scopes.as_ref().map(|scopes| scopes.join(" ")),
        session: caller.credential.session,
        api_key: caller.credential.api_key,
        exchanged_for: came_of(caller)?,
        assurance: (*caller.assurance).clone(),
        ttl_s,
    };
    signer.sign_as(&grant, issued)
}

/// The tokens that a new one ends with.
fn came_of(caller: &Caller) -> Result<Vec<TokenName>> {
    let names: Vec<_> = caller.tokens().collect();
    if names.len() > MAX_EXCHANGES {
        let detail = format!(
            "was exchanged {MAX_EXCHANGES} times already: exchange the credential that it came of"
        );
        return Err(Error::invalid("/subject_token", detail));
    }
    Ok(names)
}

fn in_service(registry: &Registry, tenant: TenantId) -> Result<std::sync::Arc<TenantEntry>> {
    let entry = registry.resolve(&TenantReference::Id(tenant))?;
    entry.filter(|entry| entry.status == TenantStatus::Active).ok_or(Error::NotFound)
}

/// The subject as a token names it: an account by its id, a service account by its kind too.
fn subject_of(caller: &Caller) -> Result<String> {
    match caller.subject {
        Subject::Account(id) => Ok(id.to_string()),
        Subject::ServiceAccount(_) => Ok(caller.subject.name()),
        Subject::Host | Subject::System(_) => Err(Error::NotFound),
    }
}

/// The door's decision, with its audit row and event.
fn write_down(
    registry: &Registry,
    call: &Call,
    entry: Option<&TenantEntry>,
    ttl_s: i64,
) -> Result<()> {
    let caller = call.caller.clone();
    let data = TokenSwapped {
        subject: caller.subject.name(),
        issuer: caller.issuer.to_string(),
        api_key_id: caller.credential.api_key,
        scopes: caller.scopes.as_ref().map(|scopes| scopes.to_vec()),
        ttl_s,
    };
    match entry {
        Some(entry) => {
            let (store, tenant) = (registry.open_blocking(entry)?, entry.id);
            store.write_blocking::<ExchangeToken, (), _>(call, tenant, move |tx| {
                tx.emit(EventType::TokenExchanged, &tenant.into(), &data);
                Ok(())
            })
        }
        None => {
            registry.write_blocking::<ExchangePlatformToken, (), _>(call, Platform, move |tx| {
                tx.emit(EventType::TokenExchanged, &Target::Platform, &data);
                Ok(())
            })
        }
    }
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
                &AccountSaid { id: account.id, state: account.state, version: account.version },
            );
            account.id
        }
    };
    let role = OperatorRole::PlatformAdmin;
    if operators::ensure(tx, account, role)? {
        let data = OperatorSaid { account_id: account, role: Some(role) };
        tx.emit(EventType::OperatorUpdated, &Target::Account(account), &data);
    }
    Ok(account)
}
