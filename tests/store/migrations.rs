//! Migrations: twice is as good as once, and a file that cannot be migrated is quarantined alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::action::CreateTeam;
use freehold::domain::{MigrationOutcome, Name, NewTeam};
use freehold::services::teams;
use freehold::storage::{Faults, Operation};

use crate::dump;
use crate::files;
use crate::node::{Node, Place, by_slug};
use crate::older;
use crate::program::{Program, Said, verb};
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

#[test]
fn a_file_that_is_current_is_not_looked_at_when_a_node_starts() {
    let node = Node::new();
    node.import(&world::tenants(["acme", "globex"]));
    let place = node.stop();
    let known = "select * from tenant_files order by tenant_id";
    let registry = || dump::rows(&dump::open(&place.data().join("registry.db")), known);
    let before = registry();
    for path in dump::tenant_files(&place.data()) {
        fs::write(&path, "no database").unwrap();
    }
    let said = verb(&place, &["migrate"]).ended(0);
    assert!(said.out.contains("2 of them at version"), "{said:?}");
    Program::serve(&place).stop();
    assert_eq!(registry(), before);
    for path in dump::tenant_files(&place.data()) {
        assert_eq!(fs::read(&path).unwrap(), b"no database");
    }
}

const HUNDRED: usize = 100;
/// The tenant whose migration fails.
const BROKEN: usize = 42;

fn numbered(number: usize) -> String {
    format!("tenant-{number:03}")
}

/// A place with tenants that an older program left, and their ids in the order of their slugs.
pub(crate) fn older_place(tenants: usize) -> (Place, Vec<String>) {
    let slugs: Vec<String> = (0..tenants).map(numbered).collect();
    let node = Node::new();
    node.import(&world::tenants(slugs.iter().map(String::as_str)));
    let ids = slugs.iter().map(|slug| node.tenant(slug).to_string()).collect();
    let place = node.stop();
    older::put_back(&place.data());
    (place, ids)
}

/// The line about a tenant among those that a verb printed.
fn line<'s>(said: &'s Said, slug: &str) -> &'s str {
    let line = said.out.lines().find(|line| line.starts_with(slug));
    line.unwrap_or_else(|| panic!("{slug} has no line: {said:?}"))
}

/// What the doctor says of a tenant.
fn about<'s>(said: &'s Said, slug: &str) -> &'s str {
    let about = said.out.split(&format!("{slug}: FAILED")).nth(1);
    about
        .unwrap_or_else(|| panic!("{slug} is not named: {said:?}"))
        .split(": FAILED")
        .next()
        .unwrap()
}

#[test]
fn a_migration_that_fails_in_one_of_a_hundred_quarantines_that_one_and_serves_the_others() {
    let (place, ids) = older_place(HUNDRED);
    let broken = files::tenant_file(&place.data(), &ids[BROKEN]);
    dump::open(&broken).execute_batch("create table row_security_report (in_the_way)").unwrap();
    let program = Program::serve(&place);
    for number in 0..HUNDRED {
        let refused = || Some("tenant_quarantined".to_owned());
        let expected = if number == BROKEN { (503, refused()) } else { (200, None) };
        assert_eq!(answers(&program, &numbered(number)), expected, "{number}");
    }
    let slug = numbered(BROKEN);
    let said = verb(&place, &["migrate"]).ended(1);
    assert!(line(&said, &slug).contains("row_security_report"), "{said:?}");
    assert_eq!(said.out.lines().count(), 2, "a line for all, and one for the one: {said:?}");
    let said = verb(&place, &["doctor"]).ended(1);
    for part in ["row_security_report", "freehold migrate --tenant"] {
        assert!(about(&said, &slug).contains(part), "{part}: {}", about(&said, &slug));
    }
    assert_eq!(said.out.matches(": FAILED").count(), 1, "{}", said.out);
    // Nothing of the migration is in the file, and a copy of it is kept.
    let snapshot = place.data().join("backups").join(format!("{}-v1.db", ids[BROKEN]));
    let all = |path: &Path| dump::contents(&dump::open(path), |_| true).unwrap();
    assert_eq!(all(&snapshot), all(&broken));

    dump::open(&broken).execute_batch("drop table row_security_report").unwrap();
    let said = verb(&place, &["migrate", "--tenant", &slug]).ended(0);
    assert!(line(&said, &slug).contains("migrated"), "{said:?}");
    assert_eq!(answers(&program, &slug), (200, None), "back in service, without a restart");
    program.stop();
    verb(&place, &["doctor"]).ended(0);
}

/// Replaces a file by another, nothing left beside it.
fn put(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    for suffix in ["-wal", "-shm"] {
        drop(fs::remove_file(files::beside(to, suffix)));
    }
}

/// Copies of the files of a place, by their numbers.
fn keep(place: &Place, ids: &[String], name: &str) -> Vec<PathBuf> {
    let folder = place.root().join(name);
    fs::create_dir(&folder).unwrap();
    let keep = |id: &String| {
        let copy = folder.join(id);
        fs::copy(files::tenant_file(&place.data(), id), &copy).unwrap();
        copy
    };
    ids.iter().map(keep).collect()
}

fn write(node: &Node, slug: &str) {
    let (store, olga) = (node.store(slug), node.call(slug, "olga"));
    let new = NewTeam { name: Name::parse("late").unwrap(), description: None, parent_id: None };
    let made = store.write_blocking::<CreateTeam, _, _>(&olga, store.tenant(), move |tx| {
        teams::create(tx, &new)
    });
    made.unwrap();
}

#[test]
fn a_file_that_is_not_the_one_that_the_registry_knows_is_never_migrated_into_service() {
    let (place, ids) = older_place(5);
    let first = keep(&place, &ids, "first");
    let files: Vec<PathBuf> = ids.iter().map(|id| files::tenant_file(&place.data(), id)).collect();
    // One goes on, is anchored, and loses what it did; and is not migrated yet, as far as the
    // registry knows.
    let node = Node::at(&place, |_| ());
    write(&node, &numbered(0));
    node.stop();
    older::put_back(&place.data());
    let newest = keep(&place, &ids, "newest");
    put(&first[0], &files[0]);
    put(&newest[2], &files[1]);
    fs::File::options().write(true).open(&files[2]).unwrap().set_len(4096 * 9).unwrap();
    fs::remove_file(&files[3]).unwrap();
    std::os::unix::fs::symlink(&newest[3], &files[3]).unwrap();
    let expected = ["file_rolled_back", "file_foreign", "file_truncated", "file_linked"];

    let node = Node::at(&place, |_| ());
    let problems: Vec<Option<String>> =
        node.registry.migrations().unwrap().tenants.into_iter().map(|it| it.problem).collect();
    assert_eq!(problems, expected.map(|code| Some(code.to_owned())));
    node.stop();
    let program = Program::serve(&place);
    for (number, code) in expected.iter().enumerate() {
        let refused = (503, Some((*code).to_owned()));
        assert_eq!(answers(&program, &numbered(number)), refused, "{number}");
    }
    assert_eq!(answers(&program, &numbered(4)), (200, None));
    for (number, file) in files.iter().enumerate().take(4) {
        drop(fs::remove_file(file));
        put(&newest[number], file);
        verb(&place, &["migrate", "--tenant", &numbered(number)]).ended(0);
        assert_eq!(answers(&program, &numbered(number)), (200, None), "{number} is back");
    }
    program.stop();
    verb(&place, &["doctor"]).ended(0);
}

#[test]
fn a_copy_from_before_the_migration_is_migrated_again_where_it_is_asked_for() {
    let (place, ids) = older_place(1);
    let (slug, file) = (numbered(0), files::tenant_file(&place.data(), &ids[0]));
    Node::at(&place, |_| ()).stop();
    put(&place.data().join("backups").join(format!("{}-v1.db", ids[0])), &file);
    let node = Node::at(&place, |_| ());
    let entry = node.registry.resolve(&by_slug(&slug)).unwrap().unwrap();
    let refused = node.registry.open_blocking(&entry);
    assert_eq!(refused.unwrap_err().code(), "file_outdated");
    let report = node.registry.migrate(Some(node.tenant(&slug)), &|_, _| ()).unwrap();
    assert_eq!(report.tenants[0].outcome, Some(MigrationOutcome::Migrated), "{report:?}");
    node.store(&slug);
    node.stop();
}

#[test]
fn a_tenant_that_was_quarantined_while_it_was_made_is_finished_once_its_file_is_right() {
    let (place, ids) = older_place(2);
    let file = files::tenant_file(&place.data(), &ids[0]);
    let kept = keep(&place, &ids, "kept");
    let registry = dump::open(&place.data().join("registry.db"));
    let being_made = "update tenants set status = 'provisioning', importing = 0 where id = ?1";
    registry.execute(being_made, [&ids[0]]).unwrap();
    drop(registry);
    put(&kept[1], &file);
    // A foreign file lies where the tenant's was to be made.
    Node::at(&place, |_| ()).stop();
    let program = Program::serve(&place);
    let foreign = (503, Some("file_foreign".to_owned()));
    assert_eq!(answers(&program, &numbered(0)), foreign);
    assert_eq!(answers(&program, &numbered(1)), (200, None));
    program.stop();
    put(&kept[0], &file);
    let program = Program::serve(&place);
    assert_eq!(answers(&program, &numbered(0)), (200, None));
    program.stop();
    verb(&place, &["doctor"]).ended(0);
}
