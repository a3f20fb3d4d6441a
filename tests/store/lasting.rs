//! Work that goes on after its request: an import ends with the right of the account that started it, and not with the
//! credential that asked for it.

use std::sync::{Arc, Mutex};

use freehold::domain::action::{
    CreatePlatformApiKey, CreatePlatformServiceAccount, RevokeAccountTokens,
    SuspendPlatformServiceAccount,
};
use freehold::domain::{
    AccountId, ApiKeyTimes, Call, Caller, ImportOutcome, ImportProgress, ImportReport, Name,
    NewApiKey, NewPlatformServiceAccount, OperatorRole, Platform, Precondition, Revocable,
    RevokeTokens, ServiceAccountId, SignIn, Subject,
};
use freehold::identity::ApiKeys;
use freehold::services::api_keys::platform as keys;
use freehold::services::imports::{self, OnProgress, Run};
use freehold::services::service_accounts::platform as service_accounts;
use freehold::services::{credentials, operators};
use freehold::storage::Registry;

use crate::clock::Stepped;
use crate::node::{Node, Place, call_of, host};
use crate::world;

const TENANTS: [&str; 3] = ["first", "second", "third"];

/// A node by a clock that is set, with an operator.
fn scene() -> (Node, Arc<Stepped>, AccountId) {
    let clock = Arc::new(Stepped::default());
    let node = Node::by(&Place::new(), clock.clone(), |_| ());
    node.import(&world::tenants(["home"]));
    let mark = node.account("mark");
    let role = OperatorRole::PlatformAdmin;
    operators::put(&node.registry, &host(), mark, role, Precondition::Absent).unwrap();
    (node, clock, mark)
}

/// Imports the tenants; once the second one is being filled, something happens.
fn import(node: &Node, call: &Call, happens: impl FnOnce() + Send + 'static) -> ImportReport {
    let file = world::tenants(TENANTS).to_string();
    let file = imports::parse(file.as_bytes()).unwrap();
    let happens = Mutex::new(Some(happens));
    let progress: OnProgress = Arc::new(move |progress| {
        let is_second =
            matches!(&progress, ImportProgress::Progress { stage, .. } if stage == TENANTS[1]);
        if let Some(happens) = happens.lock().unwrap().take_if(|_| is_second) {
            happens();
        }
    });
    imports::run(&node.registry, call, &file, Run::Real, &progress).unwrap()
}

/// What an import came to: its tenants, and whether it stopped.
fn came_to(report: &ImportReport) -> (Vec<&str>, bool) {
    assert!(report.tenants.iter().all(|tenant| tenant.outcome != ImportOutcome::Failed));
    (report.tenants.iter().map(|tenant| tenant.slug.as_str()).collect(), report.stopped)
}

/// A service account of the platform, and a call by a key of it that is good for an hour.
fn robot(node: &Node) -> (ServiceAccountId, Call) {
    let registry = &node.registry;
    let name = || Name::parse("robot").unwrap();
    let new = NewPlatformServiceAccount {
        name: name(),
        description: None,
        role: OperatorRole::PlatformAdmin,
    };
    let made = registry.write_blocking::<CreatePlatformServiceAccount, _, _>(
        &host(),
        Platform,
        move |tx| service_accounts::create(tx, &new),
    );
    let id = made.unwrap().id;
    let key = ApiKeys::new(&[7; 32]).make(None, registry.clock().new_id().into()).unwrap();
    let (new, times) = (
        NewApiKey { name: name(), scopes: None, ttl_s: Some(3600) },
        ApiKeyTimes { usual_s: 3600, most_s: 3600 },
    );
    let kept = key.clone();
    let made = registry.write_blocking::<CreatePlatformApiKey, _, _>(&host(), id, move |tx| {
        keys::create(tx, id, &new, &kept, times)
    });
    made.unwrap();
    let credential = Revocable { api_key: Some(key.id), ..Revocable::default() };
    let caller = Caller {
        subject: Subject::ServiceAccount(id),
        credential: Arc::new(credential),
        ..Caller::host()
    };
    (id, Call { caller: Arc::new(caller), ..host() })
}

/// The call of an operator by a token that was issued now, by a sign-in of now.
fn by_token(registry: &Registry, account: AccountId) -> Call {
    let (call, now) = (call_of(None, account), registry.clock().now());
    let signed_in = SignIn::At(Some(now));
    let credential = Revocable { issued_at: now, signed_in, ..Revocable::default() };
    let caller = Caller { credential: Arc::new(credential), ..(*call.caller).clone() };
    Call { caller: Arc::new(caller), ..call }
}

#[test]
fn an_import_goes_on_after_its_key_has_expired() {
    let (node, clock, _) = scene();
    let (_, call) = robot(&node);
    let report = import(&node, &call, move || clock.step(7200));
    assert_eq!(came_to(&report), (TENANTS.to_vec(), false));
    node.stop();
}

#[test]
fn an_import_stops_once_its_operator_is_none_and_another_goes_on() {
    let (node, _, mark) = scene();
    let registry = node.registry.clone();
    let report = import(&node, &call_of(None, mark), move || {
        operators::delete(&registry, &host(), mark, 1).unwrap();
    });
    // The second was being filled: nothing of it is there.
    assert_eq!(came_to(&report), (vec![TENANTS[0]], true));
    let report = import(&node, &host(), || ());
    assert_eq!(came_to(&report), (TENANTS.to_vec(), false));
    let outcomes: Vec<_> = report.tenants.iter().map(|tenant| tenant.outcome).collect();
    assert_eq!(outcomes[0], ImportOutcome::Unchanged);
    assert_eq!(outcomes[2], ImportOutcome::Created);
    node.stop();
}

#[test]
fn an_import_stops_once_its_service_account_is_suspended() {
    let (node, _, _) = scene();
    let (id, call) = robot(&node);
    let registry = node.registry.clone();
    let report = import(&node, &call, move || {
        let suspended = registry.write_blocking::<SuspendPlatformServiceAccount, _, _>(
            &host(),
            id,
            move |tx| service_accounts::suspend(tx, id),
        );
        suspended.unwrap();
    });
    assert_eq!(came_to(&report), (vec![TENANTS[0]], true));
    node.stop();
}

#[test]
fn an_import_stops_once_its_tokens_are_revoked() {
    let (node, _, mark) = scene();
    let (registry, call) = (node.registry.clone(), by_token(&node.registry, mark));
    let report = import(&node, &call, move || {
        let revoked =
            registry.write_blocking::<RevokeAccountTokens, _, _>(&host(), mark, move |tx| {
                credentials::revoke_all(tx, mark, &RevokeTokens::default())
            });
        revoked.unwrap();
    });
    assert_eq!(came_to(&report), (vec![TENANTS[0]], true));
    node.stop();
}
