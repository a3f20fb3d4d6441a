//! The registry's memberships are the tenants' own: after changes, after a crash, and after damage
//! that is mended.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use freehold::domain::action::{ResumeMember, SuspendMember, UpdateMember};
use freehold::domain::{MemberId, Role};
use freehold::services::members;
use freehold::storage::Mend;
use serde_json::{Value, json};

use crate::dump;
use crate::node::{Node, Place, eventually};
use crate::program::{Program, verb};
use crate::world;

/// Memberships as the registry has them, and as the tenants' own files do.
fn both(place: &Place) -> (Vec<String>, Vec<String>) {
    let registry = dump::open(&place.data().join("registry.db"));
    let projected = "select tenant_id, account_id, role, state from memberships order by 1, 2";
    let own = "select tenant_id, account_id, role, state from org_members order by 1, 2";
    let files = dump::tenant_files(&place.data());
    let mut truth: Vec<String> =
        files.iter().flat_map(|path| dump::rows(&dump::open(path), own)).collect();
    truth.sort();
    (dump::rows(&registry, projected), truth)
}

#[test]
fn the_registry_follows_every_change_of_a_membership() {
    let node = Node::new();
    node.import(&world::tenants(["acme", "globex"]));
    let (store, olga) = (node.store("acme"), node.call("acme", "olga"));
    let mark = node.account("mark");
    for _ in 0..10 {
        let target = MemberId(mark);
        let suspended = store.write_blocking::<SuspendMember, _, _>(&olga, target, move |tx| {
            members::suspend(tx, mark)
        });
        let version = suspended.unwrap().version;
        let updated = store.write_blocking::<UpdateMember, _, _>(&olga, target, move |tx| {
            members::update(tx, mark, Role::Guest, version)
        });
        updated.unwrap();
        let resumed = store.write_blocking::<ResumeMember, _, _>(&olga, target, move |tx| {
            members::resume(tx, mark)
        });
        resumed.unwrap();
        eventually("the registry follows", || {
            let report = node.registry.examine(None, Mend::Nothing).unwrap();
            report.healthy.then_some(())
        });
    }
    drop(store);
    let (projected, truth) = both(&node.stop());
    assert_eq!(projected, truth);
    assert!(
        projected
            .iter()
            .any(|row| row.ends_with("|guest|active") && row.contains(&mark.to_string()))
    );
}

/// Suspends and resumes somebody while something else is done.
fn amid_changes(node: &Node, work: impl FnOnce()) {
    let (store, olga) = (node.store("acme"), node.call("acme", "olga"));
    let mark = node.account("mark");
    let (has_begun, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let change = || {
        let target = MemberId(mark);
        while !is_over.load(Ordering::SeqCst) {
            let suspended = store.write_blocking::<SuspendMember, _, _>(&olga, target, move |tx| {
                members::suspend(tx, mark)
            });
            suspended.unwrap();
            let resumed = store.write_blocking::<ResumeMember, _, _>(&olga, target, move |tx| {
                members::resume(tx, mark)
            });
            resumed.unwrap();
            has_begun.store(true, Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(change);
        eventually("members change", || has_begun.load(Ordering::SeqCst).then_some(()));
        work();
        is_over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn an_examination_amid_changes_finds_nothing_wrong() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let mut wrong = Vec::new();
    amid_changes(&node, || {
        let reports = (0..50).map(|_| node.registry.examine(None, Mend::Nothing).unwrap());
        wrong.extend(reports.filter(|report| !report.healthy));
    });
    node.stop();
    assert!(wrong.is_empty(), "{} of 50, the last: {:#?}", wrong.len(), wrong.last());
}

#[test]
fn mending_amid_changes_loses_none_of_them() {
    let people: Vec<String> = (0..80).map(|number| format!("person-{number}")).collect();
    let crowd = json!({"format": "freehold-import/1",
        "tenants": [{"slug": "acme", "name": "Acme", "owners": ["olga"], "members": people}]});
    for round in 0..20 {
        let node = Node::new();
        node.import(&crowd);
        let (store, olga) = (node.store("acme"), node.call("acme", "olga"));
        let accounts: Vec<_> = people.iter().map(|person| node.account(person)).collect();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::SeqCst) {
                        node.registry.examine(None, Mend::WhatIsSafe).unwrap();
                    }
                });
            }
            for account in accounts {
                let target = MemberId(account);
                let done = store.write_blocking::<SuspendMember, _, _>(&olga, target, move |tx| {
                    members::suspend(tx, account)
                });
                done.unwrap();
            }
            is_over.store(true, Ordering::SeqCst);
        });
        drop(store);
        let (projected, truth) = both(&node.stop());
        let lost: Vec<_> = truth.iter().filter(|row| !projected.contains(row)).collect();
        assert!(lost.is_empty(), "in round {round}: {lost:#?}");
    }
}

/// Changes memberships until the program dies; says how many changes were acknowledged.
fn change(program: &Program, token: &str, members: &[String], done: &AtomicUsize) {
    let client = program.client(token);
    for round in 0_usize.. {
        for member in members {
            let verb = if round.is_multiple_of(2) { "suspend" } else { "resume" };
            let path = format!("/v1/tenants/acme/members/{member}/{verb}");
            match client.post(&path, &Value::Null).0 {
                0 => return,
                status => assert_eq!(status, 200),
            }
            done.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn the_registry_catches_up_after_a_crash_amid_changes() {
    let place = Place::new();
    let node = Node::at(&place, |_| ());
    node.import(&world::tenants(["acme"]));
    let people = ["mark", "mona", "gus"].map(|person| node.account(person).to_string());
    node.stop();
    for round in 0..3 {
        let program = Program::serve(&place);
        let token = program.token("acme", "olga");
        let client = program.client(&token);
        for member in &people {
            // Whoever the last crash left suspended begins anew.
            client.post(&format!("/v1/tenants/acme/members/{member}/resume"), &Value::Null);
        }
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for member in people.chunks(1) {
                scope.spawn(|| change(&program, &token, member, &done));
            }
            let enough = 20 + 7 * round;
            eventually("members change", || (done.load(Ordering::SeqCst) >= enough).then_some(()));
            let pid = program.child.id().to_string();
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        });
        drop(program);
        let said = verb(&place, &["doctor"]).ended(0);
        assert!(said.out.contains("acme: ok"), "{}", said.out);
        let (projected, truth) = both(&place);
        assert_eq!(projected, truth, "after crash {round}");
    }
}

#[test]
fn damage_to_the_projection_is_found_and_mended() {
    let damages = [
        ("a lost row", "delete from memberships where role = 'guest' and tenant_id = {acme}"),
        ("a lost tenant", "delete from memberships where tenant_id = {acme}"),
        (
            "a risen role",
            "update memberships set role = 'owner' where role = 'guest' and tenant_id = {acme}",
        ),
        (
            "a changed state",
            "update memberships set state = 'removed'
            where role = 'member' and tenant_id = {acme}",
        ),
        (
            "a row too many",
            "insert into memberships (tenant_id, account_id, role, state, outbox_seq)
            select {acme}, id, 'owner', 'active', 1 from accounts
            where display_name = 'stranger'",
        ),
    ];
    for (what, damage) in damages {
        let node = Node::new();
        node.import(&world::tenants(["acme"]));
        node.import(&json!({"format": "freehold-import/1",
            "tenants": [{"slug": "other", "name": "Other", "owners": ["stranger"]}]}));
        let place = node.stop();
        let (before, _) = both(&place);
        let damage = damage.replace("{acme}", "(select id from tenants where slug = 'acme')");
        let changed = dump::open(&place.data().join("registry.db")).execute(&damage, []).unwrap();
        assert!(changed > 0, "{what}");

        let found = verb(&place, &["doctor"]).ended(1);
        assert!(found.out.contains("acme: FAILED"), "{what}: {}", found.out);
        assert!(found.out.contains("other: ok"), "{what}: {}", found.out);
        let mended = verb(&place, &["doctor", "--fix"]).ended(0);
        assert!(mended.out.contains("fixed"), "{what}: {}", mended.out);
        verb(&place, &["doctor"]).ended(0);
        assert_eq!(both(&place).0, before, "{what}");
    }
}
