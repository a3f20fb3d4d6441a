//! Migrations: twice is as good as once, and a file that cannot be migrated is quarantined alone.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::storage::{Faults, Operation};

use crate::dump;
use crate::node::{Node, Place};
use crate::program::{Program, verb};
use crate::world;

/// Counts what is done to tenants' files.
#[derive(Default)]
struct Count(AtomicUsize);

impl Faults for Count {
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let is_file = path.extension().is_some_and(|extension| extension == "db");
        let folder = path.parent().and_then(Path::parent);
        if operation == Operation::Open
            && is_file
            && folder.is_some_and(|it| it.ends_with("tenants"))
        {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[test]
fn a_second_start_migrates_nothing_and_opens_no_file() {
    let slugs = ["acme", "globex", "initech"];
    let node = Node::new();
    node.import(&world::tenants(slugs));
    let place = node.stop();
    let before = dump::everything(&place.data());

    let count = Arc::new(Count::default());
    let faults = count.clone();
    let node = Node::at(&place, |settings| settings.faults = faults);
    let report = node.registry.migrations().unwrap();
    assert_eq!((report.current, report.tenants.len()), (slugs.len() as u64, 0), "{report:?}");
    assert!(report.newest_version >= 1 && report.registry_version >= 1);
    let again = node.registry.migrate(None, &|_, _| ()).unwrap();
    assert_eq!((again.current, again.tenants.len()), (slugs.len() as u64, 0), "{again:?}");
    assert_eq!(count.0.load(Ordering::SeqCst), 0, "files that are current are not opened");
    let place = node.stop();
    assert!(before == dump::everything(&place.data()), "and nothing is written");
}

/// What makes a file's migration fail.
const DAMAGES: [(&str, &str); 2] = [
    ("lost-history", "drop table refinery_schema_history; pragma user_version = 0"),
    ("false-history", "update refinery_schema_history set checksum = '1'; pragma user_version = 0"),
];

/// A place in which some files say that they are not migrated, and cannot be; and where good copies
/// of them are.
fn damaged() -> (Place, Vec<(std::path::PathBuf, std::path::PathBuf)>) {
    let node = Node::new();
    node.import(&world::tenants(DAMAGES.map(|(slug, _)| slug).into_iter().chain(["sound"])));
    let ids = DAMAGES.map(|(slug, _)| node.tenant(slug).to_string());
    let place = node.stop();
    let registry = dump::open(&place.data().join("registry.db"));
    let mut copies = Vec::new();
    for ((slug, damage), id) in DAMAGES.iter().zip(&ids) {
        let files = dump::tenant_files(&place.data());
        let file = files.into_iter().find(|path| path.file_stem().unwrap() == id.as_str()).unwrap();
        let copy = place.root().join(slug);
        std::fs::copy(&file, &copy).unwrap();
        dump::open(&file).execute_batch(damage).unwrap();
        copies.push((copy, file));
        let sql = "update tenant_files set schema_version = 0 where tenant_id = ?1";
        assert_eq!(registry.execute(sql, [id]).unwrap(), 1);
    }
    (place, copies)
}

fn answers(program: &Program, slug: &str) -> (u16, Option<String>) {
    let client = program.client(&program.token(slug, "mark"));
    let (status, answer) = client.get(&format!("/v1/tenants/{slug}/resources"));
    (status, answer["code"].as_str().map(str::to_owned))
}

#[test]
fn a_file_that_cannot_be_migrated_is_quarantined_and_the_others_are_served() {
    let (place, copies) = damaged();
    let program = Program::serve(&place);
    for (slug, _) in DAMAGES {
        let quarantined = (503, Some("tenant_quarantined".to_owned()));
        assert_eq!(answers(&program, slug), quarantined, "{slug}");
    }
    assert_eq!(answers(&program, "sound"), (200, None));
    program.stop();
    let said = verb(&place, &["migrate"]).ended(1);
    for (slug, _) in DAMAGES {
        assert!(format!("{}{}", said.out, said.err).contains(slug), "{said:?}");
    }
    verb(&place, &["doctor"]).ended(1);

    for (copy, file) in copies {
        std::fs::copy(copy, file).unwrap();
    }
    for (slug, _) in DAMAGES {
        verb(&place, &["migrate", "--tenant", slug]).ended(0);
    }
    verb(&place, &["doctor"]).ended(0);
    let program = Program::serve(&place);
    for slug in DAMAGES.map(|(slug, _)| slug).iter().chain(&["sound"]) {
        assert_eq!(answers(&program, slug), (200, None), "{slug} is back in service");
    }
    program.stop();
}
