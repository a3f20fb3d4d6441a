//! A file that is not the one that the registry means is refused, and nobody else suffers by it.

use std::fs;
use std::path::{Path, PathBuf};

use freehold::domain::action::CreateTeam;
use freehold::domain::{Name, NewTeam};
use freehold::services::teams;
use serde_json::json;

use crate::dump;
use crate::files;
use crate::node::{Node, Place};
use crate::program::{Program, verb};
use crate::world;

/// What is done to a tenant's file while nobody uses it, by the tenant's slug, and how it is
/// refused.
const DAMAGES: &[(&str, &str)] = &[
    ("swapped-one", "file_foreign"),
    ("swapped-two", "file_foreign"),
    ("strange", "file_foreign"),
    ("noise", "file_foreign"),
    ("empty", "file_truncated"),
    ("torn", "file_truncated"),
    ("symbolic", "file_linked"),
    ("hard", "file_linked"),
    ("twin", "file_replaced"),
    ("older", "file_rolled_back"),
    ("newer", "file_newer"),
    ("outdated", "file_outdated"),
    ("missing", "file_missing"),
];

const SOUND: &str = "sound";

/// A world of tenants, each with a file.
struct World {
    place: Place,
    files: Vec<(String, PathBuf)>,
}

impl World {
    fn new() -> Self {
        let node = Node::new();
        let slugs = || DAMAGES.iter().map(|(slug, _)| *slug).chain([SOUND]);
        node.import(&world::tenants(slugs()));
        let ids: Vec<_> =
            slugs().map(|slug| (slug.to_owned(), node.tenant(slug).to_string())).collect();
        let place = node.stop();
        let paths = dump::tenant_files(&place.data());
        let path =
            |id: &str| paths.iter().find(|path| path.file_stem().unwrap() == id).unwrap().clone();
        let files = ids.into_iter().map(|(slug, id)| (slug, path(&id))).collect();
        Self { place, files }
    }

    fn path(&self, slug: &str) -> &Path {
        &self.files.iter().find(|(name, _)| name == slug).unwrap().1
    }

    /// Puts an older copy of a file in the place of the one that was written to since.
    fn roll_back(&self, slug: &str) {
        let older = self.place.root().join("older");
        fs::copy(self.path(slug), &older).unwrap();
        let node = Node::at(&self.place, |_| ());
        let (store, olga) = (node.store(slug), node.call(slug, "olga"));
        let new = NewTeam { name: Name::parse("new").unwrap(), description: None, parent_id: None };
        let made = store.write_blocking::<CreateTeam, _, _>(&olga, store.tenant(), move |tx| {
            teams::create(tx, &new)
        });
        made.unwrap();
        drop(store);
        node.stop();
        fs::copy(&older, self.path(slug)).unwrap();
    }

    fn damage(&self) {
        self.roll_back("older");
        let aside = self.place.root().join("aside");
        fs::rename(self.path("swapped-one"), &aside).unwrap();
        fs::rename(self.path("swapped-two"), self.path("swapped-one")).unwrap();
        fs::rename(&aside, self.path("swapped-two")).unwrap();
        fs::remove_file(self.path("strange")).unwrap();
        let strange = rusqlite::Connection::open(self.path("strange")).unwrap();
        strange.execute_batch("create table t (a); insert into t values (1)").unwrap();
        let noise: Vec<u8> = (0..40_000_u32).map(|byte| (byte * 7 % 251) as u8).collect();
        fs::write(self.path("noise"), noise).unwrap();
        fs::write(self.path("empty"), []).unwrap();
        let torn = fs::File::options().write(true).open(self.path("torn")).unwrap();
        torn.set_len(4096 * 3).unwrap();
        let elsewhere = self.place.root().join("elsewhere");
        fs::rename(self.path("symbolic"), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, self.path("symbolic")).unwrap();
        fs::hard_link(self.path("hard"), self.place.root().join("second")).unwrap();
        let edits = [
            ("twin", "update identity set file_id = '00000000-0000-7000-8000-000000000000'"),
            ("newer", "pragma user_version = 9999"),
            ("outdated", "pragma user_version = 0"),
        ];
        for (slug, edit) in edits {
            dump::open(self.path(slug)).execute_batch(edit).unwrap();
        }
        fs::remove_file(self.path("missing")).unwrap();
    }
}

#[test]
fn a_file_that_is_not_the_right_one_is_refused_and_the_others_are_served() {
    let world = World::new();
    world.damage();
    let program = Program::serve(&world.place);
    for (slug, code) in DAMAGES {
        let client = program.client(&program.token(slug, "mark"));
        for path in ["", "/resources", "/members"] {
            let (status, problem) = client.get(&format!("/v1/tenants/{slug}{path}"));
            assert_eq!((status, problem["code"].as_str()), (503, Some(*code)), "{slug}: {problem}");
        }
        let canary = format!("canary of {SOUND}");
        let sound = program.client(&program.token(SOUND, "mark"));
        let (status, page) = sound.get(&format!("/v1/tenants/{SOUND}/resources"));
        assert_eq!((status, &page["items"][0]["name"]), (200, &canary.into()), "beside {slug}");
    }
    program.stop();
}

#[test]
fn the_doctor_names_every_file_that_is_not_the_right_one() {
    let world = World::new();
    verb(&world.place, &["doctor"]).ended(0);
    world.damage();
    let said = verb(&world.place, &["doctor"]).ended(1);
    for (slug, code) in DAMAGES {
        let about = said.out.split(&format!("{slug}: FAILED")).nth(1);
        let about = about.unwrap_or_else(|| panic!("{slug} is not named: {}", said.out));
        let about = about.split(": FAILED").next().unwrap();
        assert!(about.contains(code), "{slug}: {about}");
    }
    assert!(said.out.contains(&format!("{SOUND}: ok")), "{}", said.out);
    verb(&world.place, &["doctor", "--tenant", SOUND]).ended(0);
    verb(&world.place, &["doctor", "--tenant", "older"]).ended(1);
    let fixed = verb(&world.place, &["doctor", "--fix"]).ended(1);
    assert!(fixed.out.contains("older: FAILED"), "a wrong file is never repaired: {}", fixed.out);
}

/// Swaps two tenants' files, and nothing that lies beside them.
fn swap(place: &Place, one: &Path, other: &Path) {
    let aside = place.root().join("aside");
    fs::rename(one, &aside).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(&aside, other).unwrap();
}

#[test]
fn files_that_were_swapped_without_their_logs_are_refused_and_swapped_back_without_a_loss() {
    const SLUGS: [&str; 2] = ["one", "other"];
    let node = Node::new();
    node.import(&world::tenants(SLUGS));
    let paths = SLUGS.map(|slug| node.tenant(slug).to_string());
    let place = node.stop();
    let paths = paths.map(|id| files::tenant_file(&place.data(), &id));
    let mut program = Program::serve(&place);
    for slug in SLUGS {
        let olga = program.client(&program.token(slug, "olga"));
        for team in ["red", "green", "blue"] {
            let made = olga.post(&format!("/v1/tenants/{slug}/teams"), &json!({"name": team}));
            assert_eq!(made.0, 201, "{}", made.1);
        }
    }
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    for path in &paths {
        assert!(files::beside(path, "-wal").metadata().unwrap().len() > 0, "killed with a log");
    }
    swap(&place, &paths[0], &paths[1]);
    let mut program = Program::serve(&place);
    for slug in SLUGS {
        let client = program.client(&program.token(slug, "olga"));
        let (status, problem) = client.get(&format!("/v1/tenants/{slug}/teams"));
        assert_eq!((status, problem["code"].as_str()), (503, Some("file_foreign")), "{slug}");
    }
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    swap(&place, &paths[0], &paths[1]);
    let program = Program::serve(&place);
    for slug in SLUGS {
        let client = program.client(&program.token(slug, "olga"));
        let (status, page) = client.get(&format!("/v1/tenants/{slug}/teams"));
        assert_eq!((status, page["items"].as_array().map(Vec::len)), (200, Some(4)), "{page}");
    }
    program.stop();
    verb(&place, &["doctor"]).ended(0);
}
