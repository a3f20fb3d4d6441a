//! Migrations that die: at every operation of the file system, after every statement, and at
//! moments that nobody chose. What lies there then has the first schema or the newest, whole, with
//! every row, and the next start goes on. With `FREEHOLD_LONG=1` ten times as many are killed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::child::{self, Death};
use crate::dice::{Dice, say, seed, times};
use crate::dump;
use crate::files;
use crate::migrations::older_place;
use crate::node::{Node, Place};
use crate::older;
use crate::program::{command, verb};

/// The column that a migration drops.
const DROPPED: (&str, &str) = ("organizations", "row_security");

/// The migrations after the first: version, text.
const LATER: &[(u32, &str)] = &[
    (2, include_str!("../../migrations/tenant/V0002__row_security_report.sql")),
    (3, include_str!("../../migrations/tenant/V0003__roles_and_applications.sql")),
    (4, include_str!("../../migrations/tenant/V0004__issuers.sql")),
    (5, include_str!("../../migrations/tenant/V0005__service_accounts.sql")),
    (6, include_str!("../../migrations/tenant/V0006__invitations.sql")),
    (7, include_str!("../../migrations/tenant/V0007__layered_values.sql")),
    (8, include_str!("../../migrations/tenant/V0008__quotas.sql")),
    (9, include_str!("../../migrations/tenant/V0009__audit_retention.sql")),
    (10, include_str!("../../migrations/tenant/V0010__webhooks.sql")),
    (11, include_str!("../../migrations/tenant/V0011__webhook_waits.sql")),
];

/// A place that an older program left, and what is expected of its files.
struct Old {
    place: Place,
    ids: Vec<String>,
    first: Vec<String>,
    newest: Vec<String>,
    rows: Vec<String>,
}

impl Old {
    fn new(tenants: usize) -> Self {
        let (place, ids) = older_place(tenants);
        let kept = place.root().join("kept");
        files::copy(&place.data(), &kept);
        let first = older::first_schema(place.root());
        let newest = {
            let template = newest_template(&place);
            older::schema_of(&dump::open(&template))
        };
        assert_ne!(first, newest);
        let rows = ids.iter().map(|id| rows(&files::tenant_file(&place.data(), id))).collect();
        Self { place, ids, first, newest, rows }
    }

    fn kept(&self) -> PathBuf {
        self.place.root().join("kept")
    }

    fn file(&self, number: usize) -> PathBuf {
        files::tenant_file(&self.place.data(), &self.ids[number])
    }

    /// Takes the place back to where it was.
    fn take_back(&self) {
        let (data, kept) = (self.place.data(), self.kept());
        for number in (0..self.ids.len()).filter(|number| !self.is_untouched(*number)) {
            let id = &self.ids[number];
            put_back(&files::tenant_file(&kept, id), &files::tenant_file(&data, id));
        }
        put_back(&kept.join("registry.db"), &data.join("registry.db"));
        for copy in std::fs::read_dir(data.join("backups")).unwrap() {
            std::fs::remove_file(copy.unwrap().path()).unwrap();
        }
    }

    /// Every file has one schema or the other, whole, and its rows; says how many have the newest.
    fn is_never_half(&self) -> usize {
        let all = 0..self.ids.len();
        all.filter(|number| !self.is_untouched(*number) && self.is_migrated(*number)).count()
    }

    fn is_migrated(&self, number: usize) -> bool {
        let looked_at = self.place.root().join("looked-at.db");
        copy_with_log(&self.file(number), &looked_at);
        let file = dump::open(&looked_at);
        let version = dump::rows(&file, "pragma user_version").remove(0);
        let history = dump::rows(&file, "select max(version) from refinery_schema_history");
        assert_eq!(history, [version.as_str()], "header and history agree");
        let is_new = version != "1";
        let expected = if is_new { &self.newest } else { &self.first };
        assert_eq!(&older::schema_of(&file), expected, "half migrated");
        drop(file);
        assert_eq!(rows(&looked_at), self.rows[number], "rows were lost");
        is_new
    }

    /// Whether a file is what it was, to the byte.
    fn is_untouched(&self, number: usize) -> bool {
        let (path, kept) = (self.file(number), files::tenant_file(&self.kept(), &self.ids[number]));
        let has_log = files::beside(&path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
        !has_log && std::fs::read(path).unwrap() == std::fs::read(kept).unwrap()
    }

    /// A copy of every file from before its migration is kept.
    fn has_snapshots(&self) {
        for id in &self.ids {
            let snapshot = self.place.data().join("backups").join(format!("{id}-v1.db"));
            assert_eq!(older::schema_of(&dump::open(&snapshot)), self.first);
        }
    }

    /// The program brings every file to the newest schema, and finds nothing wrong.
    fn is_finished_by_the_next_start(&self) {
        verb(&self.place, &["migrate"]).ended(0);
        assert_eq!(self.is_never_half(), self.ids.len());
        verb(&self.place, &["doctor"]).ended(0);
    }
}

/// Puts a kept file in the place of another, and nothing beside it.
fn put_back(kept: &Path, path: &Path) {
    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(files::beside(path, suffix)));
    }
    std::fs::copy(kept, path).unwrap();
}

/// A copy of a file as a crash left it, so that looking changes nothing.
fn copy_with_log(path: &Path, copy: &Path) {
    put_back(path, copy);
    if files::beside(path, "-wal").exists() {
        std::fs::copy(files::beside(path, "-wal"), files::beside(copy, "-wal")).unwrap();
    }
}

fn newest_template(place: &Place) -> PathBuf {
    let templates = std::fs::read_dir(place.data().join("template")).unwrap();
    templates.map(|file| file.unwrap().path()).max().unwrap()
}

/// What a migration must not lose: every row of every table of the first schema, in the columns that
/// it had and that no migration drops.
fn rows(path: &Path) -> String {
    let file = dump::open(path);
    let mut text = String::new();
    for (table, mut columns) in older::first_columns() {
        columns.retain(|column| (table.as_str(), column.as_str()) != DROPPED);
        // Moved by every change of who may do what, a new schema's triggers included.
        columns.retain(|column| column != "authority_version");
        let sql = format!("select {} from {table} order by rowid", columns.join(", "));
        writeln!(text, "# {table}\n{}", dump::rows(&file, &sql).join("\n")).unwrap();
    }
    text
}

#[test]
fn a_migration_that_dies_at_any_operation_is_finished_by_the_next_start() {
    if let Some(task) = child::task() {
        let death = Arc::new(Death::default());
        death.arm(task.step);
        let place = Place::of(&task.root);
        Node::at(&place, |settings| settings.faults = death);
        return;
    }
    let old = Old::new(1);
    let test =
        "migration_kills::a_migration_that_dies_at_any_operation_is_finished_by_the_next_start";
    for step in 0.. {
        let has_survived = child::survives(test, old.place.root(), step);
        let migrated = old.is_never_half();
        if step % 8 == 0 || migrated == 0 {
            old.is_finished_by_the_next_start();
        } else {
            Node::at(&old.place, |_| ()).stop();
            assert_eq!(old.is_never_half(), 1);
        }
        old.has_snapshots();
        if has_survived {
            assert!(step > 10, "a migration takes more operations than {step}");
            return;
        }
        old.take_back();
    }
}

/// The statements of the later migrations, as they are applied: with the header's version and the
/// history, in one transaction.
fn statements(template: &Path) -> Vec<String> {
    let mut found: Vec<_> = LATER.iter().flat_map(|(_, text)| split(text)).collect();
    let newest = LATER.iter().map(|(version, _)| *version).max().unwrap();
    found.push(format!("pragma user_version = {newest}"));
    let history =
        "select 'insert into refinery_schema_history values (' || version || ', ' || quote(name)
            || ', ' || quote(applied_on) || ', ' || quote(checksum) || ')'
        from refinery_schema_history where version > 1 order by version";
    let history = dump::rows(&dump::open(template), history);
    assert_eq!(history.len(), LATER.len(), "every later migration is here");
    found.extend(history);
    found
}

/// The statements of a text; one that makes a trigger ends with its `end`.
fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut one = String::new();
    for line in text.lines() {
        if one.is_empty() && (line.is_empty() || line.starts_with("--")) {
            continue;
        }
        one.push_str(line);
        one.push('\n');
        let is_trigger = one.starts_with("create trigger");
        if line.ends_with(';') && (!is_trigger || line == "end;") {
            found.push(std::mem::take(&mut one));
        }
    }
    assert!(one.is_empty(), "{one}");
    found
}

/// Applies the first statements, so that they reach the log, and ends as a process that is killed.
fn die_after_statements(path: &Path, statements: &[String], count: usize) -> ! {
    let file = Connection::open(path).unwrap();
    // What does not fit into a tiny cache is written to the log before it is committed.
    file.execute_batch("pragma cache_size = 1; pragma cache_spill = 1; begin immediate").unwrap();
    for statement in statements.iter().take(count) {
        file.execute_batch(statement).unwrap();
        for table in ["audit_log", "outbox_events", "resources", "principals", "sqlite_schema"] {
            dump::rows(&file, &format!("select count(*) from {table}"));
        }
    }
    if count > statements.len() {
        file.execute_batch("commit").unwrap();
    }
    std::process::abort()
}

#[test]
fn a_migration_that_dies_after_any_of_its_statements_is_finished_by_the_next_start() {
    if let Some(task) = child::task() {
        let place = Place::of(&task.root);
        let path = dump::tenant_files(&place.data()).remove(0);
        die_after_statements(&path, &statements(&newest_template(&place)), task.step);
    }
    let old = Old::new(1);
    let test = "migration_kills::a_migration_that_dies_after_any_of_its_statements_is_finished_by_the_next_start";
    let count = statements(&newest_template(&old.place)).len();
    assert!(count > 4, "the migration's, the header and the history: {count}");
    let mut hot = 0;
    for step in 0..=count + 1 {
        assert!(!child::survives(test, old.place.root(), step));
        let log = files::beside(&old.file(0), "-wal");
        hot += usize::from(log.metadata().is_ok_and(|log| log.len() > 0));
        assert_eq!(old.is_never_half(), usize::from(step > count), "after {step} statements");
        old.is_finished_by_the_next_start();
        old.take_back();
    }
    assert!(hot > 0, "some died with what they did in the log");
}

/// The program, migrating.
fn migrate(place: &Place) -> Child {
    command(place, &["migrate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the migration of a file has begun: its log or its snapshot is being written.
fn has_begun(old: &Old, child: &mut Child) {
    let signs = [
        files::beside(&old.file(0), "-wal"),
        old.place.data().join("backups").join(format!("{}-v1.new", old.ids[0])),
    ];
    while child.try_wait().unwrap().is_none() && !signs.iter().any(|sign| sign.exists()) {
        std::thread::yield_now();
    }
}

/// Kills a program after a while; says whether it had ended.
fn kill_after(mut child: Child, moment: Duration) -> bool {
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the moments are spread over the time that it takes here"
)]
fn time_of(place: &Place) -> Duration {
    let begun = Instant::now();
    assert!(migrate(place).wait().unwrap().success());
    begun.elapsed()
}

fn part_of(whole: Duration, dice: &mut Dice) -> Duration {
    whole.mul_f64(f64::from(u32::try_from(dice.below(10_000)).unwrap()) / 10_000.0)
}

#[test]
fn a_migration_that_is_killed_at_any_moment_is_finished_by_the_next_start() {
    let mut dice = Dice::new(seed("kills of one tenant's migration"));
    let old = Old::new(1);
    let whole = time_of(&old.place);
    old.take_back();
    let (kills, mut died, mut done) = (times(200, 2000), 0, 0);
    for kill in 0..kills {
        let mut child = migrate(&old.place);
        let moment = if kill % 4 == 0 {
            part_of(whole, &mut dice)
        } else {
            has_begun(&old, &mut child);
            part_of(whole / 4, &mut dice)
        };
        died += usize::from(!kill_after(child, moment));
        let migrated = old.is_never_half();
        done += migrated;
        if kill % 20 == 0 {
            old.is_finished_by_the_next_start();
            old.has_snapshots();
        }
        if migrated > 0 || kill % 20 == 0 {
            old.take_back();
        }
    }
    say(&format!("{kills} kills of one migration: {died} died, {done} had migrated"));
    assert!(died > kills / 2 && done > 0 && done < kills, "on both sides of the commit");
}

#[test]
fn a_hundred_migrations_that_are_killed_at_any_moment_are_finished_by_the_next_start() {
    let mut dice = Dice::new(seed("kills of a hundred tenants' migrations"));
    let old = Old::new(100);
    let whole = time_of(&old.place);
    old.take_back();
    let (kills, mut seen) = (times(50, 500), Vec::new());
    while seen.len() < kills {
        kill_after(migrate(&old.place), part_of(whole / 2, &mut dice));
        seen.push(old.is_never_half());
        // Some die again on the way before they may finish.
        if seen.len() % 5 == 0 {
            old.is_finished_by_the_next_start();
            old.has_snapshots();
            old.take_back();
        }
    }
    let halves = seen.iter().filter(|count| (1..100).contains(*count)).count();
    say(&format!("{kills} kills of a hundred migrations, {halves} on the way: {seen:?}"));
    assert!(halves > kills / 10, "some died on the way: {seen:?}");
}
