//! A real organisation: everybody sees of it what the page says, by the list, by the decision
//! point, and over HTTP.
//!
//! The file is `organizations.json` in `$FREEHOLD_TEST_DATA`; where it is not there, a small one of
//! ours. With `FREEHOLD_LONG=1` the decision point is asked about every action on every pair.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::{ImportOutcome, ResourceSort};
use serde_json::{Value, json};

use crate::court::{ACTIONS, Court, Question, items, organisation, strings};
use crate::dump;
use crate::node::{Node, Place};
use crate::oracle::{Grant, Visibility};
use crate::program::{Client, Program};

/// Unlisted resources of each person about which the decision point is asked for more than reading.
const SAMPLE: usize = 3;
/// People who are asked for over HTTP.
const SAMPLE_OVER_HTTP: usize = 20;
const THREADS: usize = 2;

/// The file, and whether it is the real one.
fn file() -> (Value, bool) {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("FREEHOLD_TEST_DATA").map(PathBuf::from);
    let real = folder.unwrap_or_else(|| here.join("../shared/data")).join("organizations.json");
    let path = if real.exists() {
        real.clone()
    } else {
        let mut people = std::io::stderr();
        writeln!(people, "{} is not there: a small one is used", real.display()).unwrap();
        here.join("tests/fixtures/organizations.json")
    };
    (serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(), real.exists())
}

fn is_long() -> bool {
    std::env::var_os("FREEHOLD_LONG").is_some_and(|value| value == "1")
}

/// Tenants, people, teams, resources, private ones.
type Counts = [usize; 5];

fn counts_of(file: &Value) -> Counts {
    let tenants: Vec<_> = items(&file["tenants"]).map(organisation).collect();
    let people: BTreeSet<&String> = tenants.iter().flat_map(|it| it.people.keys()).collect();
    let private = |it: &&crate::oracle::Resource| it.visibility == Visibility::Private;
    [
        tenants.len(),
        people.len(),
        tenants.iter().map(|it| it.teams.len()).sum(),
        tenants.iter().map(|it| it.resources.len()).sum(),
        tenants.iter().map(|it| it.resources.iter().filter(private).count()).sum(),
    ]
}

fn counts_in(place: &Place) -> Counts {
    let number = |file: &rusqlite::Connection, sql: &str| dump::rows(file, sql)[0].parse().unwrap();
    let registry = dump::open(&place.data().join("registry.db"));
    let files: Vec<_> =
        dump::tenant_files(&place.data()).iter().map(|path| dump::open(path)).collect();
    let sum = |sql: &str| files.iter().map(|file| -> usize { number(file, sql) }).sum();
    [
        number(&registry, "select count(*) from tenants where status = 'active'"),
        number(&registry, "select count(*) from accounts"),
        sum("select count(*) from teams"),
        sum("select count(*) from resources"),
        sum("select count(*) from resources where visibility = 'private'"),
    ]
}

#[test]
fn everybody_sees_of_an_imported_organization_what_the_page_says() {
    let (file, is_real) = file();
    let node = Node::new();
    let report = node.import(&file);
    assert!(report.tenants.iter().all(|it| it.outcome == ImportOutcome::Created), "{report:?}");

    let place = node.stop();
    assert_eq!(counts_in(&place), counts_of(&file));
    if is_real {
        assert_eq!(counts_in(&place), [8, 1509, 766, 328, 106]);
    }
    let place = importing_again_changes_nothing(&place, &file);

    let node = Node::at(&place, |_| ());
    let courts: Vec<Court> = items(&file["tenants"]).map(|tenant| court(&node, tenant)).collect();
    let compared = everybody(&courts);
    drop(courts);
    let place = node.stop();
    assert!(compared >= counts_of(&file)[1], "everybody was compared");

    over_http(&place, &file);
}

fn importing_again_changes_nothing(place: &Place, file: &Value) -> Place {
    let before = dump::everything(&place.data());
    let node = Node::at(place, |_| ());
    let report = node.import(file);
    assert_eq!(report.accounts_added, 0);
    for tenant in &report.tenants {
        assert_eq!(
            (tenant.outcome, tenant.added.len()),
            (ImportOutcome::Unchanged, 0),
            "{tenant:?}"
        );
    }
    let place = node.stop();
    assert!(
        before == dump::everything(&place.data()),
        "a second import changes no row of any file"
    );
    place
}

fn court(node: &Node, tenant: &Value) -> Court {
    let judge = strings(&tenant["owners"]).next().unwrap();
    Court::of(node, tenant["slug"].as_str().unwrap(), organisation(tenant), &judge)
}

/// Compares everybody with the page; says how many there were.
fn everybody(courts: &[Court]) -> usize {
    let pairs =
        courts.iter().flat_map(|court| court.people().into_iter().map(move |it| (court, it)));
    let pairs: Vec<(&Court, &str)> = pairs.collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((court, person)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare(court, person);
                }
            });
        }
    });
    pairs.len()
}

fn compare(court: &Court, person: &str) {
    let expected = court.expected(person);
    let listed = court.listed(person, ResourceSort::Created, 200).unwrap();
    assert_eq!(listed, expected, "the list of {person} in {}", court.store.tenant());
    let questions = questions(court, |index| expected.contains_key(&court.ids[index]));
    let (said, right) =
        (court.decided(person, &questions).unwrap(), court.rightly(person, &questions));
    let wrong =
        questions.iter().zip(said.iter().zip(&right)).find(|(_, (said, right))| said != right);
    assert!(wrong.is_none(), "{person} in {}: {wrong:?}", court.store.tenant());
}

/// Reading of all; the other actions on what is listed, and on a few others.
fn questions(court: &Court, is_listed: impl Fn(usize) -> bool) -> Vec<Question> {
    let all = 0..court.ids.len();
    let unlisted = all.clone().filter(|index| !is_listed(*index)).take(SAMPLE);
    let more: BTreeSet<usize> = if is_long() {
        all.clone().collect()
    } else {
        all.clone().filter(|index| is_listed(*index)).chain(unlisted).collect()
    };
    let reading = all.map(|index| (ACTIONS[0].0, index));
    let acting = more.iter().flat_map(|index| ACTIONS[1..].iter().map(|(name, _)| (*name, *index)));
    reading.chain(acting).collect()
}

fn over_http(place: &Place, file: &Value) {
    let program = Program::serve(place);
    let tenants: Vec<&Value> = items(&file["tenants"]).collect();
    let asked: Vec<(&Value, String)> = tenants
        .iter()
        .flat_map(|tenant| organisation(tenant).people.into_keys().map(move |it| (*tenant, it)))
        .collect();
    let stride = asked.len().div_ceil(SAMPLE_OVER_HTTP);
    for (tenant, person) in asked.iter().step_by(stride) {
        let slug = tenant["slug"].as_str().unwrap();
        let client = program.client(&program.token(slug, person));
        let judge = strings(&tenant["owners"]).next().unwrap();
        let judge = program.client(&program.token(slug, &judge));
        compare_over_http(&client, &judge, tenant, person);
    }
    program.stop();
}

fn compare_over_http(client: &Client, judge: &Client, tenant: &Value, person: &str) {
    let slug = tenant["slug"].as_str().unwrap();
    let organisation = organisation(tenant);
    let seen = listed_over_http(client, slug);
    let me = client.get("/v1/me").1["account"]["id"].clone();
    let workspaces = judge.get(&format!("/v1/tenants/{slug}/workspaces?limit=200")).1;
    for item in listed_over_http(judge, slug) {
        let workspace = items(&workspaces["items"]).find(|it| it["id"] == item["workspace_id"]);
        let place = &workspace.unwrap()["name"];
        let is_it = |it: &&crate::oracle::Resource| {
            item["name"] == *it.name && item["type"] == *it.kind && *place == *it.workspace
        };
        let resource = organisation.resources.iter().find(is_it).unwrap();
        let grant = organisation.permission(person, resource);
        let mine = seen.iter().find(|mine| mine["id"] == item["id"]);
        assert_eq!(
            mine.map(|mine| &mine["permission"]),
            grant.map(word).as_ref(),
            "{person} in {slug}: {item}"
        );
        for (action, needed) in ACTIONS {
            let question = json!({"subject": {"type": "account", "id": me},
                "action": {"name": action},
                "resource": {"type": item["type"], "id": item["id"]}});
            let answer =
                client.post(&format!("/v1/tenants/{slug}/access/v1/evaluation"), &question);
            let right = json!({"decision": grant.is_some_and(|grant| grant >= needed)});
            assert_eq!(answer, (200, right), "{person} in {slug}: {question}");
        }
    }
}

fn listed_over_http(client: &Client, slug: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/tenants/{slug}/resources?limit=70{cursor}");
        let (status, page) = client.get(&path);
        assert_eq!(status, 200, "{page}");
        found.extend(items(&page["items"]).cloned());
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

fn word(grant: Grant) -> Value {
    json!(match grant {
        Grant::Read => "read",
        Grant::Write => "write",
        Grant::Admin => "admin",
    })
}
