//! Made-up organisations in every mode of row-level security.
//!
//! The database knows everybody as the page does. Where the mode withholds nothing, every member is
//! delivered every row, the same in `off` and `shadow`, and may do what the page says and no more.
//! What `shadow` reports is what the page would have withheld, row for row, whoever closed the file
//! meanwhile. With `FREEHOLD_LONG=1` there are five hundred of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::action::{
    DeleteResource, ListResources, ListTeams, ListWorkspaces, ReadResource, ReadRowSecurity,
    ReadTenant, ShareResource, UpdateResource,
};
use freehold::domain::{
    Call, ChangeResource, Error, PageRequest, Permission, Precondition, PrincipalId, Resource,
    ResourceFilter, ResourceId, ResourceSort, ResourceTypeName, Result, RowSecurityMode,
    TeamFilter, Withheld, WithheldFilter, WithheldReason, Word, WorkspaceFilter,
};
use freehold::services::{access, acl, resources, row_security, teams, workspaces};
use freehold::storage::TenantStore;
use serde_json::{Value, json};

use crate::author;
use crate::court::{ACTIONS, Court, Question};
use crate::draft::{KEEPER, draft, runner};
use crate::modes;
use crate::node::{Node, call_of, host, listed};
use crate::oracle::{Grant, Principal, Role, Visibility};

/// Rows that were delivered and that the page withholds, by whom they were delivered to, and why.
type Tally = BTreeMap<(PrincipalId, WithheldReason), i64>;

/// Organisations in a normal run, and in a long one.
const ORGANISATIONS: u32 = 16;
const ORGANISATIONS_LONG: u32 = 500;
/// Readers of one tenant at once.
const READERS: usize = 4;

/// What was found of one organisation, to be compared again once its file was closed.
struct Found {
    slug: String,
    tally: Tally,
}

fn add(tally: &mut Tally, more: &Tally) {
    for (line, rows) in more {
        *tally.entry(*line).or_default() += rows;
    }
}

/// What the page would have withheld of what somebody was delivered.
fn withheld(court: &Court, person: &str, delivered: &[Resource]) -> Tally {
    let expected = court.expected(person);
    let mut tally = Tally::new();
    for resource in delivered.iter().filter(|it| !expected.contains_key(&it.id)) {
        let at = court.ids.iter().position(|id| *id == resource.id).unwrap();
        let why = match court.organisation.resources[at].visibility {
            Visibility::Private => WithheldReason::Private,
            Visibility::Workspace => WithheldReason::OutsideWorkspace,
            Visibility::Tenant => WithheldReason::Guest,
        };
        *tally.entry((court.account(person).into(), why)).or_default() += 1;
    }
    tally
}

fn is_active(court: &Court, person: &str) -> bool {
    court.organisation.people[person].is_active
}

fn active(court: &Court) -> impl Iterator<Item = &str> {
    court.people().into_iter().filter(|person| is_active(court, person))
}

/// The ids of what a person is, by the page.
fn principals(
    court: &Court,
    teams: &HashMap<String, PrincipalId>,
    person: &str,
) -> BTreeSet<String> {
    let id = |principal: &Principal| match principal {
        Principal::Tenant => court.store.tenant().to_string(),
        Principal::Account(name) => court.account(name).to_string(),
        Principal::Team(name) => teams[name].to_string(),
    };
    court.organisation.principals(person).iter().map(id).collect()
}

fn teams_of(court: &Court) -> HashMap<String, PrincipalId> {
    let (keeper, tenant) = (court.call(KEEPER), court.store.tenant());
    let page = court.store.read_blocking::<ListTeams, _>(&keeper, tenant, |tx| {
        teams::list(tx, &TeamFilter::default(), &PageRequest::first(200))
    });
    page.unwrap().items.into_iter().map(|it| (it.name.to_string(), it.id.into())).collect()
}

/// The database's functions say of everybody what the page does.
fn knows_everybody(court: &Court, mode: RowSecurityMode) {
    let (teams, tenant) = (teams_of(court), court.store.tenant());
    for person in court.people() {
        let ping = court
            .store
            .read_blocking::<ReadTenant, _>(&court.call(person), tenant, |tx| access::ping(tx));
        let expected = principals(court, &teams, person);
        if !is_active(court, person) {
            assert!(expected.is_empty() && ping == Err(Error::NotFound), "{person}: {ping:?}");
            continue;
        }
        let ping = ping.unwrap();
        assert_eq!(ping.current_tenant, tenant.to_string(), "{person}");
        assert_eq!(ping.row_security_mode, mode, "{person}");
        let role = court.organisation.people[person].role;
        let sees_all = matches!(role, Role::Owner | Role::Admin)
            || court.organisation.covers(person, "resource.read");
        assert_eq!(ping.caller_sees_all, sees_all, "{person} is {role:?}");
        let said: BTreeSet<String> = ping.caller_principals.iter().cloned().collect();
        assert_eq!(said, expected, "{person}");
        assert_eq!(said.len(), ping.caller_principals.len(), "{person}: each once");
    }
}

fn read(store: &TenantStore, call: &Call, id: ResourceId) -> Result<Resource> {
    store.read_blocking::<ReadResource, _>(call, id, |tx| resources::read(tx, id))
}

/// The first page of a list.
fn first(court: &Court, person: &str, filter: &ResourceFilter, limit: u32) -> Vec<Resource> {
    let (call, tenant) = (court.call(person), court.store.tenant());
    let page = court.store.read_blocking::<ListResources, _>(&call, tenant, |tx| {
        resources::list(tx, filter, &PageRequest::first(limit))
    });
    page.unwrap().items
}

/// Everything that somebody is delivered who asks for everything, in the order of asking.
fn everything(court: &Court, person: &str) -> Vec<Vec<Resource>> {
    let call = court.call(person);
    let mut found = Vec::new();
    for (sort, limit) in ResourceSort::ALL.iter().zip(1..) {
        found.push(listed(&court.store, &call, *sort, limit).unwrap());
    }
    let by_type = ResourceFilter {
        kind: Some(ResourceTypeName::parse("prompt").unwrap()),
        ..ResourceFilter::default()
    };
    let mine = ResourceFilter {
        owner_id: Some(court.account(person).into()),
        ..ResourceFilter::default()
    };
    found.extend([by_type, mine, ResourceFilter::default()].map(|it| first(court, person, &it, 2)));
    found.push(court.ids.iter().map(|id| read(&court.store, &call, *id).unwrap()).collect());
    found
}

/// Every list is whole, and each row says what the page lets somebody do, or to read where that is nothing.
fn is_delivered_everything(court: &Court, person: &str, delivered: &[Vec<Resource>]) {
    let expected = court.expected(person);
    let by_page = |id: &ResourceId| expected.get(id).copied().unwrap_or(Grant::Read);
    let all: BTreeMap<ResourceId, Grant> = court.ids.iter().map(|id| (*id, by_page(id))).collect();
    let whole = delivered.iter().take(ResourceSort::ALL.len()).chain(delivered.last());
    for list in whole {
        let seen: BTreeMap<_, _> =
            list.iter().map(|it| (it.id, crate::court::grant(it.permission))).collect();
        assert_eq!(seen, all, "{person}");
        assert_eq!(list.len(), all.len(), "{person}: each once");
    }
}

/// Whoever is not, or not any more, of the tenant sees nothing, whatever the mode.
fn strangers_see_nothing(court: &Court, elsewhere: &TenantStore) {
    let keeper = court.account(KEEPER);
    let inactive = court.people().into_iter().filter(|person| !is_active(court, person));
    let strangers = [host(), call_of(None, keeper), call_of(Some(elsewhere.tenant()), keeper)];
    for call in strangers.into_iter().chain(inactive.map(|person| court.call(person))) {
        let list = listed(&court.store, &call, ResourceSort::Created, 200);
        assert_eq!(list.unwrap_err(), Error::NotFound, "{call:?}");
        for id in &court.ids {
            assert_eq!(read(&court.store, &call, *id).unwrap_err(), Error::NotFound, "{call:?}");
        }
        assert_eq!(report(&court.store, &call, 10).unwrap_err(), Error::NotFound);
    }
    let own = listed(elsewhere, &call_of(Some(elsewhere.tenant()), keeper), ResourceSort::Name, 9);
    let own: BTreeSet<_> = own.unwrap().iter().map(|it| it.id).collect();
    assert!(own.len() == 1 && own.is_disjoint(&court.ids.iter().copied().collect()));
}

/// What no mode changes: workspaces, entries, and what may be done to a resource but to read it.
fn rule(court: &Court, person: &str) -> Value {
    let (call, tenant) = (court.call(person), court.store.tenant());
    let page = court.store.read_blocking::<ListWorkspaces, _>(&call, tenant, |tx| {
        workspaces::list(tx, &WorkspaceFilter::default(), &PageRequest::first(200))
    });
    let of = |id: &ResourceId| json!([entries(court, &call, *id), changes(court, &call, *id)]);
    json!([page.unwrap().items, court.ids.iter().map(of).collect::<Vec<_>>()])
}

fn entries(court: &Court, call: &Call, id: ResourceId) -> Value {
    let page = court.store.read_blocking::<ShareResource, _>(call, id, |tx| {
        acl::list(tx, id, &PageRequest::first(200))
    });
    page.map_or(Value::Null, |page| json!(page.items))
}

/// Whether somebody may change, delete and share a resource: permitted, a change of a version that was never there is
/// stale.
fn changes(court: &Court, call: &Call, id: ResourceId) -> [bool; 3] {
    let change = ChangeResource { name: None, visibility: None, attributes: None };
    let everybody: PrincipalId = court.store.tenant().into();
    [
        court.store.write_blocking::<UpdateResource, _, _>(call, id, move |tx| {
            resources::update(tx, id, &change, 0).map(drop)
        }),
        court.store.write_blocking::<DeleteResource, _, _>(call, id, move |tx| {
            resources::delete(tx, id, 0)
        }),
        court.store.write_blocking::<ShareResource, _, _>(call, id, move |tx| {
            acl::put(tx, id, everybody, Permission::Admin, Precondition::Version(0)).map(drop)
        }),
    ]
    .map(|outcome| match outcome.unwrap_err() {
        Error::Stale => true,
        Error::NotFound | Error::Forbidden => false,
        error => panic!("{error:?}"),
    })
}

/// The rule of everybody, and that it is the page's.
fn rules(court: &Court) -> BTreeMap<String, Value> {
    let of = |person: &str| {
        let (found, expected) = (rule(court, person), court.expected(person));
        for (id, said) in court.ids.iter().zip(found[1].as_array().unwrap()) {
            let may = |needed| expected.get(id).is_some_and(|grant| *grant >= needed);
            let rightly = [Grant::Write, Grant::Admin, Grant::Admin].map(may);
            assert_eq!(said[1], json!(rightly), "{person} to {id}");
            assert_eq!(said[0].is_null(), !may(Grant::Admin), "{person} to {id}");
        }
        (person.to_owned(), found)
    };
    active(court).map(of).collect()
}

/// The decision point says to read what the list delivers, and of all else what the page says.
fn decides_as_listed(court: &Court, mode: RowSecurityMode) {
    let questions: Vec<Question> = (0..court.ids.len())
        .flat_map(|index| ACTIONS.iter().map(move |(name, _)| (*name, index)))
        .collect();
    for person in court.people() {
        let by_page = court.rightly(person, &questions);
        let reads_all = mode != RowSecurityMode::Enforce && is_active(court, person);
        let right = questions.iter().zip(by_page);
        let right: Vec<bool> =
            right.map(|((name, _), it)| it || reads_all && *name == "resource.read").collect();
        assert_eq!(court.judged(person, &questions), right, "of {person} in {mode}");
        if is_active(court, person) {
            assert_eq!(court.decided(person, &questions).unwrap(), right, "{person} in {mode}");
        }
    }
}

/// Everything that everybody is delivered, in a mode that withholds nothing.
fn delivered(court: &Court) -> BTreeMap<String, Vec<Vec<Resource>>> {
    let of = |person: &str| {
        let delivered = everything(court, person);
        is_delivered_everything(court, person, &delivered);
        (person.to_owned(), delivered)
    };
    active(court).map(of).collect()
}

/// What several readers at once are delivered that the page withholds.
fn delivered_at_once(court: &Court) -> Tally {
    let people: Vec<&str> = active(court).collect();
    let read = |reader: usize| {
        let mut tally = Tally::new();
        for person in people.iter().cycle().skip(reader).take(people.len()) {
            let list = listed(&court.store, &court.call(person), ResourceSort::Name, 5).unwrap();
            add(&mut tally, &withheld(court, person, &list));
        }
        tally
    };
    let mut tally = Tally::new();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..READERS).map(|reader| scope.spawn(move || read(reader))).collect();
        for reader in readers {
            add(&mut tally, &reader.join().unwrap());
        }
    });
    tally
}

/// The whole report as somebody reads it, page by page.
fn report(store: &TenantStore, call: &Call, limit: u32) -> Result<Vec<Withheld>> {
    let filter = WithheldFilter::default();
    let mut request = PageRequest::first(limit);
    let mut found = Vec::new();
    loop {
        let page = store.read_blocking::<ReadRowSecurity, _>(call, store.tenant(), |tx| {
            row_security::report(tx, &filter, &request)
        })?;
        assert!(page.next.is_none() || page.items.len() == limit as usize, "a full page");
        found.extend(page.items);
        let Some(next) = page.next else { return Ok(found) };
        request.after = Some(next);
    }
}

/// The report, as whoever reads it counts.
fn reported(store: &TenantStore, keeper: &Call, limit: u32) -> Tally {
    let lines = report(store, keeper, limit).unwrap();
    let tally: Tally = lines.iter().map(|it| ((it.principal_id, it.reason), it.rows)).collect();
    assert_eq!(tally.len(), lines.len(), "a line for each principal and reason");
    assert!(lines.iter().all(|it| it.rows > 0 && it.created_at <= it.updated_at), "{lines:?}");
    tally
}

/// Owners, administrators and those whose custom roles say so read the report; to other members it is forbidden.
fn is_told_to_whom_it_may(court: &Court) {
    for person in active(court) {
        let report = report(&court.store, &court.call(person), 3);
        match court.organisation.people[person].role {
            Role::Owner | Role::Admin => assert!(report.is_ok(), "{person}"),
            _ if court.organisation.covers(person, "row_security.read") => {
                assert!(report.is_ok(), "{person}");
            }
            Role::Member | Role::Guest => assert_eq!(report.unwrap_err(), Error::Forbidden),
        }
    }
}

fn write_down(store: &TenantStore) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.write_down_withheld()).unwrap();
}

/// One organisation, through all modes; what `shadow` must have counted.
fn holds(node: &Node, slug: &str, court: &Court, elsewhere: &TenantStore) -> Tally {
    knows_everybody(court, RowSecurityMode::Enforce);
    let by_page = rules(court);
    let mut seen = Vec::new();
    for mode in [RowSecurityMode::Off, RowSecurityMode::Shadow] {
        modes::set(node, slug, mode);
        knows_everybody(court, mode);
        decides_as_listed(court, mode);
        assert_eq!(rules(court), by_page, "in {mode}");
        strangers_see_nothing(court, elsewhere);
        is_told_to_whom_it_may(court);
        seen.push(delivered(court));
    }
    assert_eq!(json!(seen[0]).to_string(), json!(seen[1]).to_string(), "off and shadow");
    let mut tally = delivered_at_once(court);
    for (person, lists) in &seen[1] {
        add(&mut tally, &withheld(court, person, &lists.concat()));
    }
    modes::set(node, slug, RowSecurityMode::Enforce);
    withholds(court, &by_page);
    tally
}

/// Back in `enforce` all is as it was.
fn withholds(court: &Court, by_page: &BTreeMap<String, Value>) {
    knows_everybody(court, RowSecurityMode::Enforce);
    decides_as_listed(court, RowSecurityMode::Enforce);
    assert_eq!(rules(court), *by_page);
    for person in active(court) {
        let expected = court.expected(person);
        assert_eq!(court.listed(person, ResourceSort::Name, 4).unwrap(), expected, "{person}");
        for id in court.ids.iter().filter(|id| !expected.contains_key(id)) {
            let found = read(&court.store, &court.call(person), *id);
            assert_eq!(found.unwrap_err(), Error::NotFound, "{person}");
        }
    }
}

fn elsewhere(node: &Node) -> TenantStore {
    node.import(&json!({"format": "freehold-import/1", "resource_types": [{"name": "prompt"}],
        "tenants": [{"slug": "elsewhere", "name": "Elsewhere", "owners": [KEEPER],
            "workspaces": [{"name": "w", "owner": "tenant"}],
            "resources": [{"type": "prompt", "workspace": "w", "name": "r", "visibility": "private"}]}]}));
    node.store("elsewhere")
}

/// The reports of all organisations, whose files were closed meanwhile, or are opened for the first time.
fn are_reported(node: &Node, found: &[Found]) {
    for Found { slug, tally } in found {
        let (store, keeper) = (node.store(slug), node.call(slug, KEEPER));
        assert_eq!(reported(&store, &keeper, 2), *tally, "{slug}");
    }
}

#[test]
fn the_modes_do_what_they_say_in_random_organizations_and_shadow_reports_every_row() {
    let place = crate::node::Place::new();
    let node = Node::at(&place, |settings| settings.max_open_tenants = 2);
    let (number, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let other = elsewhere(&node);
    let outcome = runner(ORGANISATIONS, ORGANISATIONS_LONG).run(&draft(), |draft| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let slug = format!("mode-{number}");
        let court = author::write(&node, &slug, &draft);
        let tally = holds(&node, &slug, &court, &other);
        // Half of them are written down as a request for the report would do it, half as they are closed.
        if number % 2 == 0 {
            write_down(&court.store);
            assert_eq!(reported(&court.store, &court.call(KEEPER), 1), tally);
        }
        found.lock().unwrap().push(Found { slug, tally });
        Ok(())
    });
    drop(other);
    let found = found.into_inner().unwrap_or_default();
    if outcome.is_ok() {
        are_reported(&node, &found);
    }
    let place = node.stop();
    outcome.unwrap();
    let reasons: BTreeSet<_> = found.iter().flat_map(|it| it.tally.keys()).map(|it| it.1).collect();
    assert_eq!(
        reasons.len(),
        WithheldReason::ALL.len(),
        "the dice threw every reason: {reasons:?}"
    );
    let node = Node::at(&place, |_| ());
    are_reported(&node, &found);
    node.stop();
}
