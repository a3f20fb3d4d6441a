//! An import that dies is run again: no tenant is ever half filled, and in the end all is as if
//! nothing had happened.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::dump;
use crate::files;
use crate::node::Place;
use crate::program::{command, verb};

/// Moments of death, spread over the time that an import takes.
const MOMENTS: u32 = 8;

fn file() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("FREEHOLD_TEST_DATA").map(PathBuf::from);
    let real = folder.unwrap_or_else(|| here.join("../shared/data")).join("organizations.json");
    if real.exists() { real } else { here.join("tests/fixtures/organizations.json") }
}

/// What lies in the tenants of a place, without ids and times: by slug, a state and lines.
type Plain = BTreeMap<String, (String, Vec<String>)>;

const CONTENTS: [&str; 8] = [
    "select 'organization', name, description, kind from organizations",
    "select 'type', name, description, built_in from resource_types",
    "select 'member', account_id, display_name, role, state from org_members",
    "select 'team', t.name, t.description, t.parent_id from teams t",
    "select 'place', m.team_id, m.account_id, m.role from team_members m",
    "select 'workspace', name, owner_type, owner_id from workspaces",
    "select 'resource', r.type, w.name, r.name, r.visibility, r.attributes, r.owner_id
    from resources r join workspaces w on w.id = r.workspace_id",
    "select 'entry', r.type, w.name, r.name, a.principal_id, a.permission
    from resource_acl a
        join resources r on r.id = a.resource_id
        join workspaces w on w.id = r.workspace_id",
];

fn plain(data: &Path) -> Plain {
    let registry = dump::open(&data.join("registry.db"));
    let names = pairs(&registry, "select account_id, subject from account_identities");
    let files = dump::tenant_files(data);
    let mut found = Plain::new();
    for row in dump::rows(&registry, "select id, slug, status from tenants") {
        let [id, slug, status] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let file = files.iter().find(|path| path.file_stem().unwrap() == id);
        let lines = file.map(|path| contents(path, &names)).unwrap_or_default();
        found.insert(slug.to_owned(), (status.to_owned(), lines));
    }
    found
}

fn pairs(file: &rusqlite::Connection, sql: &str) -> HashMap<String, String> {
    let rows = dump::rows(file, sql).into_iter();
    let pairs =
        rows.map(|row| row.split_once('|').map(|(id, name)| (id.to_owned(), name.to_owned())));
    pairs.map(Option::unwrap).collect()
}

/// The rows of a tenant's file, every id replaced by what it means.
fn contents(path: &Path, people: &HashMap<String, String>) -> Vec<String> {
    let file = dump::open(path);
    let mut names =
        pairs(&file, "select id, name from principals where type in ('team', 'tenant')");
    names.extend(people.iter().map(|(id, name)| (id.clone(), name.clone())));
    let plain = |row: String| {
        let words = row.split('|').map(|word| names.get(word).map_or(word, String::as_str));
        words.collect::<Vec<_>>().join("|")
    };
    let rows = CONTENTS.iter().flat_map(|sql| dump::rows(&file, sql));
    let mut lines: Vec<String> = rows.map(plain).collect();
    lines.sort();
    lines
}

/// An import, killed after a while; says whether it had ended.
fn die_after(place: &Place, moment: Duration) -> bool {
    let mut child = command(place, &["import", file().to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap().success()
}

/// Every tenant in service is complete; every other has nothing in it, or all, if the crash came
/// between the last row and the service.
fn is_never_half(place: &Place, whole: &Plain) -> usize {
    let copied = place.root().join("copy");
    files::copy(&place.data(), &copied);
    let mut finished = 0;
    let has_registry = copied.join("registry.db").exists();
    let found = if has_registry { plain(&copied) } else { Plain::new() };
    for (slug, (status, lines)) in found {
        if status == "active" {
            assert!(lines == whole[&slug].1, "{slug} is in service and complete");
            finished += 1;
        } else {
            assert_eq!(status, "provisioning", "{slug}");
            let filled = ["member|", "team|", "place|", "workspace|", "resource|", "entry|"];
            let is_filled = |line: &String| filled.iter().any(|noun| line.starts_with(noun));
            let is_complete = lines == whole[&slug].1;
            assert!(
                is_complete || !lines.iter().any(is_filled),
                "{slug} is half filled: {lines:#?}"
            );
        }
    }
    std::fs::remove_dir_all(&copied).unwrap();
    finished
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the moments are spread over the time that it takes here"
)]
fn an_import_that_is_killed_at_any_moment_is_run_again_to_the_same_end() {
    let path = file();
    let arguments = ["import", path.to_str().unwrap()];
    let place = Place::new();
    let begun = Instant::now();
    verb(&place, &arguments).ended(0);
    let whole_time = begun.elapsed();
    let whole = plain(&place.data());
    assert!(whole.values().all(|(status, _)| status == "active"));

    let mut finished = Vec::new();
    for moment in 1..=MOMENTS {
        let place = Place::new();
        let has_ended = die_after(&place, whole_time * moment / (MOMENTS + 1));
        finished.push(is_never_half(&place, &whole));
        // A second death on the way, sooner than the first.
        if !has_ended && !die_after(&place, whole_time * moment / (2 * (MOMENTS + 1))) {
            is_never_half(&place, &whole);
        }
        verb(&place, &arguments).ended(0);
        assert!(plain(&place.data()) == whole, "all is as without the crash at moment {moment}");
        verb(&place, &["doctor"]).ended(0);
    }
    assert!(
        finished.iter().any(|count| *count < whole.len()),
        "some died on the way: {finished:?}"
    );
}
