//! Entries into tenants end by the clock, and tenants' own files hear of it, whatever was interrupted.

use std::sync::Arc;

use freehold::domain::action::{ListMembers, ReadBreakGlass, ResumeTenant, SuspendTenant};
use freehold::domain::{
    AccountId, ActionPattern, BreakGlass, BreakGlassId, BreakGlassState, Call, Caller, Conflict,
    Description, Error, MemberFilter, NewBreakGlass, OperatorRole, PageRequest, Patterns,
    Precondition, Result, TenantId,
};
use freehold::services::{break_glass, members, operators, tenants};
use rusqlite::Connection;

use crate::clock::Stepped;
use crate::files::tenant_file;
use crate::node::{Node, Place, call_of, host};
use crate::world;

/// A node with a tenant, whose Mark and Mona are operators.
struct Scene {
    node: Node,
    clock: Arc<Stepped>,
    mark: AccountId,
    mona: AccountId,
}

impl Scene {
    fn new() -> Self {
        let scene = Self::at(&Place::new());
        for account in [scene.mark, scene.mona] {
            let role = OperatorRole::PlatformAdmin;
            let made =
                operators::put(&scene.node.registry, &host(), account, role, Precondition::Absent);
            made.unwrap();
        }
        scene
    }

    fn at(place: &Place) -> Self {
        let clock = Arc::new(Stepped::default());
        let node = Node::by(place, clock.clone(), |_| ());
        node.import(&world::tenants(["acme"]));
        let (mark, mona) = (node.account("mark"), node.account("mona"));
        Self { node, clock, mark, mona }
    }

    fn ask(&self) -> BreakGlass {
        let new = NewBreakGlass {
            tenant: "acme".to_owned(),
            reason: Description::parse("ticket 4711: lists are empty").unwrap(),
            actions: Patterns::new(vec![ActionPattern::parse("member.list").unwrap()]),
            duration_s: 60,
            account_id: None,
        };
        break_glass::create(&self.node.registry, &call_of(None, self.mark), &new).unwrap()
    }

    fn approve(&self, id: BreakGlassId) -> Result<BreakGlass> {
        break_glass::approve(&self.node.registry, &call_of(None, self.mona), id)
    }

    /// What Mark finds who names an entry.
    fn enter(&self, id: BreakGlassId) -> Result<usize> {
        let call = call_of(None, self.mark);
        let caller = Caller { break_glass: Some(id), ..(*call.caller).clone() };
        let call = Call { caller: Arc::new(caller), ..call };
        let store = self.node.store("acme");
        let page = store.read_blocking::<ListMembers, _>(&call, store.tenant(), |tx| {
            members::list(tx, &MemberFilter::default(), &PageRequest::first(50))
        })?;
        Ok(page.items.len())
    }

    fn state(&self, id: BreakGlassId) -> BreakGlassState {
        let call = host();
        let registry = &self.node.registry;
        let read =
            registry.read_blocking::<ReadBreakGlass, _>(&call, id, |tx| break_glass::read(tx, id));
        read.unwrap().state
    }

    fn keep(&self) {
        break_glass::keep(&self.node.registry).unwrap();
    }

    fn stop(self) -> Place {
        self.node.stop()
    }
}

/// What a file holds of an entry: the events about it, and how many audit rows the program wrote of it.
fn heard(file: &Connection, id: BreakGlassId) -> (Vec<String>, i64) {
    let sql = "select type from outbox_events where subject = ?1 and type <> 'break_glass.used' order by seq";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([format!("break_glass/{id}")], |row| row.get(0)).unwrap();
    let events = rows.map(std::result::Result::unwrap).collect();
    let sql =
        "select count(*) from audit_log where actor = 'system:break_glass' and target_id = ?1";
    let count = file.query_row(sql, [id.to_string()], |row| row.get(0)).unwrap();
    (events, count)
}

fn file_of(place: &Place, tenant: TenantId) -> Connection {
    Connection::open(tenant_file(&place.data(), &tenant.to_string())).unwrap()
}

#[test]
fn an_entry_closes_by_the_clock_and_its_tenant_is_told_once() {
    let scene = Scene::new();
    let tenant = scene.node.tenant("acme");
    let entry = scene.ask();
    assert_eq!(scene.enter(entry.id), Err(Error::NotFound), "nobody has approved it");
    scene.approve(entry.id).unwrap();
    assert_eq!(scene.enter(entry.id), Ok(4));
    scene.clock.step(58);
    assert_eq!(scene.enter(entry.id), Ok(4));
    scene.clock.step(3);
    assert_eq!(scene.state(entry.id), BreakGlassState::Approved, "nobody has looked yet");
    assert_eq!(scene.enter(entry.id), Err(Error::NotFound), "the clock alone closes it");
    let late = break_glass::end(&scene.node.registry, &host(), entry.id);
    assert_eq!(late.unwrap_err(), Error::Conflict(Conflict::WrongState));
    (0..3).for_each(|_| scene.keep());
    assert_eq!(scene.state(entry.id), BreakGlassState::Expired);
    let place = scene.stop();
    let registry = Connection::open(place.data().join("registry.db")).unwrap();
    let all = ["requested", "approved", "expired"].map(|kind| format!("break_glass.{kind}"));
    assert_eq!(heard(&registry, entry.id).0, all);
    assert_eq!(heard(&file_of(&place, tenant), entry.id), (all.to_vec(), 3));
}

#[test]
fn a_request_that_nobody_decides_lapses_after_a_day() {
    let scene = Scene::new();
    let tenant = scene.node.tenant("acme");
    let entry = scene.ask();
    scene.clock.step(86_400 - 2);
    let other = scene.ask();
    scene.keep();
    assert_eq!(scene.state(entry.id), BreakGlassState::Requested);
    scene.clock.step(3);
    let late = scene.approve(entry.id);
    assert_eq!(late.unwrap_err(), Error::Conflict(Conflict::WrongState), "before anybody looked");
    scene.keep();
    assert_eq!(scene.state(entry.id), BreakGlassState::Expired);
    scene.approve(other.id).unwrap();
    let place = scene.stop();
    let file = file_of(&place, tenant);
    let lapsed = ["break_glass.requested", "break_glass.expired"].map(str::to_owned);
    assert_eq!(heard(&file, entry.id), (lapsed.to_vec(), 2));
}

#[test]
fn what_a_crash_left_untold_is_told_at_the_next_start_and_nothing_twice() {
    let scene = Scene::new();
    let tenant = scene.node.tenant("acme");
    let change = |suspends: bool| {
        let registry = &scene.node.registry;
        if suspends {
            registry.write_blocking::<SuspendTenant, _, _>(&host(), tenant, move |tx| {
                tenants::suspend(tx, tenant)
            })
        } else {
            registry.write_blocking::<ResumeTenant, _, _>(&host(), tenant, move |tx| {
                tenants::resume(tx, tenant)
            })
        }
    };
    let told = scene.ask();
    scene.approve(told.id).unwrap();
    // A tenant out of service hears nothing, as one whose program ended before it was told.
    change(true).unwrap();
    let untold = scene.ask();
    scene.approve(untold.id).unwrap();
    scene.keep();
    change(false).unwrap();
    let place = scene.stop();
    // And the program ended after the file was told, before the registry knew.
    let registry = Connection::open(place.data().join("registry.db")).unwrap();
    registry.execute("update break_glass set told_version = 0", []).unwrap();
    drop(registry);
    let scene = Scene::at(&place);
    scene.keep();
    let place = scene.stop();
    let file = file_of(&place, tenant);
    let both = ["break_glass.requested", "break_glass.approved"].map(str::to_owned).to_vec();
    for id in [told.id, untold.id] {
        assert_eq!(heard(&file, id), (both.clone(), 2));
    }
    let registry = Connection::open(place.data().join("registry.db")).unwrap();
    let sql = "select count(*) from break_glass where told_version < version";
    assert_eq!(registry.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
